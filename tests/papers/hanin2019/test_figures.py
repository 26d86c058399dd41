"""Figures of Hanin and Rolnick: captions that say something, words that are read, and numbers that are the record's."""

import re

import numpy as np
import pytest

from every_figure import *  # noqa: F403
from figure_checks import marked
from reversible.papers.hanin2019 import PAPER, figures

LIVE = {"three digits": figures.three_digits}
FIGURES = [*PAPER.draws, *LIVE]


def test_cuts_a_neuron_are_the_records_by_depth(shown, record):
    pairs = list(record("hanin-lines").pairs())
    depths = sorted({cell["depth"] for cell, _ in pairs})
    for series, depth in zip(marked(shown("hanin-lines").value[1]), depths, strict=True):
        same = [(c["width"] * depth, r) for c, r in pairs if c["depth"] == depth]
        wanted = sorted((n, (np.mean(r["activation"]) - 1) / n) for n, r in same)
        assert np.array(wanted) == pytest.approx(series.T)


def test_a_picture_shows_every_piece_at_every_moment(shown):
    figure = shown("three digits")
    said = re.findall(r'data-says="[^"]*?: (\d+) pieces', figure.content)
    drawn = [len(panel.axes[0].collections[0].get_paths()) for panel in figure.value]
    assert list(map(int, said)) == drawn
    assert len(drawn) > 6
    assert min(drawn) > 20
