"""Figures of Ye and Sung: captions that say something, words that are read, and numbers that are the record's."""

import numpy as np
import pytest

from every_figure import *  # noqa: F403
from figure_checks import marked
from reversible.papers.ye2019 import PAPER

FIGURES = [*PAPER.draws]


def test_patterns_over_depth_are_the_records(shown, record):
    pairs = [(c["depth"], np.mean(r["patterns"])) for c, r in record("ye-depth").pairs() if c["kind"] == "dense"]
    assert np.array(pairs) == pytest.approx(marked(shown("ye-depth").value[0])[0].T)
