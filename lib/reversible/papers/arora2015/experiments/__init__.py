"""The recorded experiments of the paper, one module a theme."""
