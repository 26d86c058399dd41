"""Figures of Zhu et al.: captions that say something, words that are read, and numbers that are the record's."""

import re

import numpy as np
import pytest

from every_figure import *  # noqa: F403
from figure_checks import marked
from reversible.papers.zhu2019 import PAPER, figures

LIVE = {"basins": figures.basins}
FIGURES = [*PAPER.draws, *LIVE]


def test_powers_of_the_ratio_are_the_records(shown, record):
    pairs = list(record("zhu-exponent").pairs())
    for series, kind in zip(marked(shown("zhu-exponent").value[0]), ("levels", "levels", "power"), strict=True):
        wanted = {(c["d"], r["exponent"]) for c, r in pairs if c["kind"] == kind}
        assert {tuple(map(float, point)) for point in np.round(series.T, 9)} <= {
            (d, round(e, 9)) for d, e in wanted
        }  # fmt: skip


def test_the_ends_of_all_runs_are_drawn_and_counted(shown):
    figure = shown("basins")
    drawn = [[len(line.get_xdata()) for line in panel.axes[0].lines] for panel in figure.value]
    assert [sum(ends) for ends in drawn] == [100, 100]
    counts = re.findall(r"noise (\d+) of them|covariance Σ (\d+)", figure.content)
    assert [int(a or b) for a, b in counts] == [ends[1] for ends in drawn]
    assert drawn[1][1] > drawn[0][1]


def test_alignment_is_the_mean_over_nets(shown, record):
    pairs = list(record("zhu-hidden").pairs())
    for series, (cell, row) in zip(marked(shown("zhu-hidden").value[0]), pairs, strict=True):
        assert series[1] == pytest.approx(np.array(row["a"]).mean(1))
        assert series[0] == pytest.approx(cell["epochs"])
