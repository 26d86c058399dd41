"""Figures of Belilovsky et al.: captions that say something, words that are read, and numbers that are the record's."""

import re

import numpy as np
import pytest

from every_figure import *  # noqa: F403
from figure_checks import marked
from reversible.papers.belilovsky2019 import PAPER, figures

LIVE = {"layer by layer": figures.layer_by_layer}
FIGURES = [*PAPER.draws, *LIVE]


def test_risks_are_the_records(shown, record):
    pairs = list(record("greedy-risk").pairs())
    for panel, (_, row) in zip(shown("greedy-risk").value, pairs, strict=True):
        for series, kind in zip(marked(panel), ("identity", "random", "one"), strict=True):
            assert series[1] == pytest.approx(np.median(row["risk"][kind], 1))


def test_every_layer_has_its_moment_and_says_its_error(shown):
    said = re.findall(r'data-says="[^"]*?: ([\d.]+)\s*%', shown("layer by layer").content)
    assert len(said) == 7
    assert all(2 < float(error) < 30 for error in said)
