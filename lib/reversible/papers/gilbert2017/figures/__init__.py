"""Records in, figures out; words and numbers come from the record, never typed."""

from reversible.papers.gilbert2017.figures.pictures import learned_and_random, rebuilt_pictures
from reversible.papers.gilbert2017.figures.schematic import up_and_back

__all__ = ["learned_and_random", "rebuilt_pictures", "up_and_back"]
