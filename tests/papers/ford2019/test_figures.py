"""Figures of Ford et al.: captions that say something, words that are read, and numbers that are the record's."""

import numpy as np
import pytest

from every_figure import *  # noqa: F403
from figure_checks import marked
from reversible.papers.ford2019 import PAPER

FIGURES = [*PAPER.draws]


def test_shares_within_a_distance_are_the_records(shown, record):
    pairs = [(c, r) for c, r in record("ford-sets").pairs() if c["kind"] == "corner" or c["mu"] == 0.01]
    for series, (_, row) in zip(marked(shown("ford-sets").value[0], 4), pairs, strict=True):
        assert series[1] == pytest.approx(np.mean(row["within"], axis=0))


def test_every_image_of_a_linear_model_is_a_point(shown, record):
    pairs = list(record("ford-linear").pairs())
    for series, (_, row) in zip(marked(shown("ford-linear").value[1]), pairs, strict=True):
        assert series[0] == pytest.approx(np.ravel(row["flat"]))
        assert series[1] == pytest.approx(np.ravel(row["clean"]))
