"""Figures of Ye and Sung: captions that say something, words that are read, and numbers that are the record's.

Of a record that is still to be made the smoke run is drawn.
"""

import numpy as np
import pytest

from figure_checks import check_alts, check_caption, check_labels, check_nothing_collides
from reversible.papers import figure_of
from reversible.papers.ye2019 import PAPER
from reversible.records.record import book_folder, read_record

ALL = pytest.mark.parametrize("name", [*PAPER.draws])
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
            DRAWN[name] = figure_of(record(name))
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


def test_patterns_over_depth_are_the_records(shown, record):
    pairs = [(c["depth"], np.mean(r["patterns"])) for c, r in record("ye-depth").pairs() if c["kind"] == "dense"]
    assert np.array(pairs) == pytest.approx(marked(shown("ye-depth").value[0])[0].T)
