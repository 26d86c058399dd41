"""Records in, figures out; words and numbers come from the record, never typed."""

from reversible.papers.belilovsky2019.figures.pictures import layer_by_layer

__all__ = ["layer_by_layer"]
