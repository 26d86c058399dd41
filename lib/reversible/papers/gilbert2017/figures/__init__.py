"""Records in, figures out; words and numbers come from the record, never typed."""

from reversible.papers.gilbert2017.figures.pictures import rebuilt_pictures

__all__ = ["rebuilt_pictures"]
