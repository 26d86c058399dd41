"""Figures of Hanin and Rolnick: captions that say something, words that are read, and numbers that are the record's.

Of a record that is still to be made the smoke run is drawn.
"""

import numpy as np
import pytest

from figure_checks import check_alts, check_caption, check_labels, check_nothing_collides
from reversible.papers import figure_of
from reversible.papers.hanin2019 import PAPER, figures
from reversible.records.record import book_folder, read_record

LIVE = {"three digits": figures.three_digits}
ALL = pytest.mark.parametrize("name", [*PAPER.draws, *LIVE])
DRAWN = {}


@pytest.fixture
def record(smoke_records):
    def of(name):
        file = book_folder() / "results" / f"{name}.json"
        return read_record(file) if file.is_file() else smoke_records[name]

    return of


@pytest.fixture
def shown(record):
    def of(name):
        if name not in DRAWN:
            DRAWN[name] = LIVE[name]() if name in LIVE else figure_of(record(name))
        return DRAWN[name]

    return of


@ALL
def test_caption_says_in_a_few_sentences_what_to_see(name, shown):
    check_caption(shown(name))


@ALL
def test_words_for_who_cannot_see_it_describe_each_panel(name, shown):
    check_alts(shown(name))


@ALL
def test_labels_are_read_on_a_desktop_and_on_a_phone(name, shown):
    check_labels(shown(name))


@ALL
def test_no_words_are_cut_off_or_lie_on_each_other(name, shown):
    check_nothing_collides(shown(name))


def marked(panel):
    """The points of each series of a panel."""
    lines = [line for line in panel.axes[0].lines if line.get_marker() not in ("None", None, "none", "_", "|", "")]
    return [np.array(line.get_data(), float) for line in lines]


def test_cuts_a_neuron_are_the_records_by_depth(shown, record):
    pairs = list(record("hanin-lines").pairs())
    depths = sorted({cell["depth"] for cell, _ in pairs})
    for series, depth in zip(marked(shown("hanin-lines").value[1]), depths, strict=True):
        same = [(c["width"] * depth, r) for c, r in pairs if c["depth"] == depth]
        wanted = sorted((n, (np.mean(r["activation"]) - 1) / n) for n, r in same)
        assert np.array(wanted) == pytest.approx(series.T)


def test_a_picture_shows_every_piece(shown):
    for panel in shown("three digits").value:
        (cells,) = panel.axes[0].collections
        assert len(cells.get_paths()) > 20
