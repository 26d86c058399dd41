"""Figures of Hayou, Doucet and Rousseau: captions that say something, words that are read, and the record's numbers."""

import numpy as np
import pytest

from every_figure import *  # noqa: F403
from figure_checks import marked
from reversible.papers.hayou2019 import PAPER, figures

LIVE = {"plane of edges": figures.plane_of_edges}
FIGURES = [*PAPER.draws, *LIVE]


def test_the_extra_fall_drawn_is_the_records(shown, record):
    pairs = list(record("hayou-width").pairs())
    drawn = marked(shown("hayou-width").value[1])[0]
    wanted = sorted((cell["n"], np.mean(row["fall"])) for cell, row in pairs)
    assert np.array(wanted) == pytest.approx(drawn.T, rel=1e-6)
