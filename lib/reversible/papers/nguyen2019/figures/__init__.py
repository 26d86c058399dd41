"""Records in, figures out; words and numbers come from the record, never typed."""

from reversible.papers.nguyen2019.figures.pictures import two_ways

__all__ = ["two_ways"]
