"""Figures of Labatie's nets: captions that say something, words that are read, and numbers that are the record's."""

import re

import numpy as np
import pytest

from every_figure import *  # noqa: F403
from figure_checks import marked
from reversible.papers.labatie2019 import PAPER, figures

LIVE = {"clouds": figures.clouds}
FIGURES = [*PAPER.draws, *LIVE]


def test_points_of_the_residual_nets_are_the_records(shown, record):
    pairs = list(record("labatie-residual").pairs())
    (panel,) = shown("labatie-residual").value
    for series, (cell, row) in zip(marked(panel, len(pairs[0][0]["units"])), pairs, strict=False):
        assert list(series[0]) == list(cell["units"])
        assert series[1] == pytest.approx(np.exp(np.array(row["log_chi"]).mean(1)))


def test_a_picture_says_ranks_that_fall_in_the_plain_net_and_changes_that_explode_in_the_normalised_one(shown):
    says = re.findall(r'data-says="([^"]*)"', shown("clouds").content)
    found = [re.findall(r"(plain|normalised|residual) ([\d.e+]+) and ([\d.e+]+)", words) for words in says]
    first, last = ({kind: (float(rank), float(chi)) for kind, rank, chi in looks} for looks in (found[0], found[-1]))
    assert last["plain"][0] < 1.1 < first["plain"][0]
    assert last["normalised"][1] > 1e6 * last["residual"][1]
    assert first["residual"][1] == pytest.approx(1)
