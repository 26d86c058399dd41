"""Figures of Nguyen: captions that say something, words that are read, and numbers that are the record's."""

import numpy as np
import pytest

from every_figure import *  # noqa: F403
from reversible.papers.nguyen2019 import PAPER, figures

LIVE = {"two ways": figures.two_ways}
FIGURES = [*PAPER.draws, *LIVE]


def test_the_first_picture_has_hills_on_lines_and_none_on_paths(shown):
    line, path = (panel.axes[0].lines for panel in shown("two ways").value)
    assert min(float(np.max(drawn.get_ydata())) for drawn in line) > 0.1
    assert max(float(np.max(np.abs(drawn.get_ydata()))) for drawn in path) < 1e-9


def test_curves_of_the_paths_are_the_records(shown, record):
    drawn = shown("nguyen-pyramid").value[0].axes[0].lines
    wanted = [v for c, r in record("nguyen-pyramid").pairs() if c["kind"] == "zero" for v in r["line"]]
    assert np.array(drawn[0].get_xdata()) == pytest.approx(np.sort(wanted))
