"""Figures have captions with the record's numbers, tables the paper's; no measure has a word that is none."""

import re

import pytest

from reversible.papers import figure_of
from reversible.papers.gilbert2017 import PAPER, figures, tables
from reversible.papers.gilbert2017.published import TABLE_3, TABLE_4
from reversible.records.record import book_folder, read_record

RESULTS = book_folder() / "results"
DRAWN = list(PAPER.draws)


def record(name):
    return read_record(RESULTS / f"{name}.json")


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_has_its_image_its_alt_text_and_a_caption_with_numbers(name):
    shown = figure_of(record(name)).content
    assert shown.count("<img") == shown.count(' alt="') >= 1
    caption = re.search(r"<figcaption>(.*?)</figcaption>", shown)
    assert caption
    assert len(caption[1]) > 100
    assert "nan" not in shown
    if name not in ("one-step-law",):
        assert re.search(r"\d", caption[1])


def test_photographs_are_rebuilt():
    shown = figures.rebuilt_pictures(filters=8).content
    assert "maxima of four" in shown
    assert 'alt="Photographs and what comes back' in shown


def test_tables_hold_the_papers_numbers_and_ours():
    errors = tables.errors(record("rebuilt-inputs")).content
    for line in TABLE_3.values():
        assert f"<td>{line.learned:.3f}</td><td>{line.random:.3f}</td>" in errors
    assert errors.count("not at hand") == 6
    assert "<td>0.825</td>" in errors  # the law at K/M = 2
    coherences = tables.coherences(record("filter-coherence")).content
    assert all(f"<td>{line.learned:.3f}</td>" in coherences for line in TABLE_4.values())
    shares = tables.shares(record("active-shares")).content
    assert "<td>49.1</td>" in shares
    assert "tight around 1" in tables.figure_2(record("hidden-codes")).content


def test_words_for_the_prose_are_numbers():
    theory = {name: record(name) for name in ("recovery-bound", "model-rip", "hidden-codes")}
    trained = {name: record(name) for name in ("rebuilt-inputs", "active-shares")}
    words = tables.words_of_theory(theory) | tables.words_of_trained(trained)
    assert all(re.search(r"\d", said) for said in words.values())
    assert 0.14 < float(words["papers_bound_over_one"]) < 0.3  # 0.147 where the two constants are equal
