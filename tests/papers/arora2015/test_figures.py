"""Every figure of the book has a caption that says something, words that are read, and numbers that are right."""

import functools
import html
import re

import pytest

from pictures import DESKTOP, MARGIN, PHONE, SMALLEST, Looked, rendered
from reversible.papers import figure_of
from reversible.papers.arora2015 import PAPER, figures
from reversible.papers.arora2015.experiments.other_weights import digit_codes
from reversible.records.record import book_folder, read_record

RESULTS = book_folder() / "results"
DRAWN = [name for name in PAPER.draws if (RESULTS / f"{name}.json").is_file()]


@functools.cache
def record(name):
    return read_record(RESULTS / f"{name}.json")


LIVE = {
    "code story": figures.code_story,
    "picture story": figures.picture_story,
    "down and up": figures.down_and_up,
    "through layers": figures.through_layers,
    "shadow step": figures.shadow_step,
    "digit pictures": lambda: figures.digit_pictures(digit_codes(8), widths=(64, 1024)),
    "bulk and spikes": lambda: figures.bulk_and_spikes(record("net-spectra")),
    "shadow sizes": lambda: figures.shadow_sizes(record("shadow")),
    "shadow tracking": lambda: figures.shadow_tracking(record("shadow")),
    "reversal pictures": figures.reversal_pictures,
    "shadow pictures": figures.shadow_pictures,
    "overview": lambda: figures.overview({name: record(name) for name in ("theorem-2-3", "net-reversal", "shadow")}),
}


@functools.cache
def shown(name):
    return LIVE[name]() if name in LIVE else figure_of(record(name))


@functools.cache
def panels_of(name):
    return [Looked(panel) for panel in shown(name).value]


ALL = pytest.mark.parametrize("name", [*DRAWN, *LIVE])


def captions(figure):
    return [html.unescape(words) for words in re.findall(r"<figcaption>([^<]*)</figcaption>", figure.content)]


def alts(figure):
    return [html.unescape(words) for words in re.findall(r' alt="([^"]*)"', figure.content)]


@ALL
def test_caption_says_in_a_sentence_or_two_what_to_see(name):
    found = captions(shown(name))
    assert len(found) == shown(name).content.count("<figure ") >= 1
    for caption in found:
        assert re.search(r"\d", caption)
        assert re.fullmatch(r"[A-Z0-9].*[.]", caption)
        assert len(re.findall(r"[.](?: |$)", caption)) <= 3
        assert 60 < len(caption) < 420


@ALL
def test_words_for_who_cannot_see_it_describe_each_panel_and_are_not_the_caption(name):
    words = alts(shown(name))
    assert len(words) == shown(name).content.count("<img ") == len(shown(name).value)
    for alt in words:
        assert len(alt) >= 15
        assert not any(alt.rstrip(".") in caption or caption[:60] in alt for caption in captions(shown(name)))


@ALL
def test_labels_are_read_on_a_desktop_and_on_a_phone(name):
    figure = shown(name)
    count = len(figure.value) // figure.content.count("<figure ")
    small = "rv-small" in figure.content
    columns = [DESKTOP, PHONE, *([MARGIN] if "rv-wide" in figure.content else [])]
    for looked in panels_of(name):
        for column in columns:
            assert looked.smallest_label(rendered(looked.panel, count, small, column)) >= SMALLEST, column


@ALL
def test_no_words_are_cut_off_or_lie_on_each_other(name):
    for looked in panels_of(name):
        assert looked.cut_off() == []
        assert looked.colliding() == []
