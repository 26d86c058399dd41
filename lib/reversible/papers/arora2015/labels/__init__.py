"""What each measure of the experiments is, in words: a module a theme, and in it a function a kind of record."""
