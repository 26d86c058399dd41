"""Records in, figures out; words and numbers come from the record, never typed."""

from reversible.papers.goldfeld2019.figures.pictures import draws_together

__all__ = ["draws_together"]
