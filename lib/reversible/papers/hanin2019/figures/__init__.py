"""Records in, figures out; words and numbers come from the record, never typed."""

from reversible.papers.hanin2019.figures.pictures import three_digits

__all__ = ["three_digits"]
