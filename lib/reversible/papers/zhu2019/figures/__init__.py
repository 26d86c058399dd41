"""Records in, figures out; words and numbers come from the record, never typed."""

from reversible.papers.zhu2019.figures.pictures import basins

__all__ = ["basins"]
