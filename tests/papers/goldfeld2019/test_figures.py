"""Figures of Goldfeld et al.: captions that say something, words that are read, and numbers that are the record's."""

import re

import numpy as np
import pytest

from every_figure import *  # noqa: F403
from reversible.papers.goldfeld2019 import PAPER, figures
from reversible.papers.goldfeld2019.figures import pictures

LIVE = {"draws together": figures.draws_together}
FIGURES = [*PAPER.draws, *LIVE]


def test_the_staircase_is_the_records(shown, record):
    row = next(row for cell, row in record("goldfeld-neuron").pairs() if cell["kind"] == "equal")
    told = shown("goldfeld-neuron").value[1].axes[0]
    curves = [line for line in told.lines if len(line.get_xdata()) > 10]
    for line, wanted in zip(curves, row["information"], strict=True):
        assert np.array(wanted[1:]) == pytest.approx(np.array(line.get_ydata()))


def test_information_of_the_last_layers_is_the_records(shown, record):
    (_, row), *_ = record("goldfeld-clusters").pairs()
    told = shown("goldfeld-clusters").value[0].axes[0]
    wanted = np.array(row["information"]).mean(-1)[:, -3:].T
    drawn = [np.array(bars.lines[0].get_ydata()) for bars in told.containers]
    assert np.array(drawn) == pytest.approx(wanted)


def test_the_picture_shows_the_same_inputs_at_every_moment(shown):
    figure = shown("draws together")
    for panel in figure.value:
        assert sum(len(line.get_xdata()) for line in panel.axes[0].lines) == pictures.DRAWN
    told = [float(words) for words in re.findall(r'data-says="[^"]*?: ([\d.]+) nats', figure.content)]
    assert len(told) == len(pictures.EPOCHS)
    assert told[-1] < max(told) - 0.3
