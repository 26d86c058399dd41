"""Figures of these experiments, and one that is computed on the page."""

from reversible.papers.labatie2019.figures.pictures import clouds

__all__ = ["clouds"]
