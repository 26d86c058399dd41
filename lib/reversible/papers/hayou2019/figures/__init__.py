"""Records in, figures out; words and numbers come from the record, never typed."""

from reversible.papers.hayou2019.figures.pictures import plane_of_edges

__all__ = ["plane_of_edges"]
