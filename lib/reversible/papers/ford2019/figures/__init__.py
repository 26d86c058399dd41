"""Records in, figures out; words and numbers come from the record, never typed."""
