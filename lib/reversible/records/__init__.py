"""Sealed records, claims and verdicts: made, compared, and verified by running them again."""
