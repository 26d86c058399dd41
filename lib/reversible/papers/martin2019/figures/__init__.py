"""Records in, figures out; words and numbers come from the record, never typed."""

from reversible.papers.martin2019.figures.pictures import six_phases, two_fits

__all__ = ["six_phases", "two_fits"]
