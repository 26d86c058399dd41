"""Figures and tables of a whole VGG-16: captions, labels that are read, the numbers of the record and the paper."""

import functools
import html
import re

import numpy as np
import pytest

from pictures import DESKTOP, MARGIN, PHONE, SMALLEST, Looked, rendered
from reversible import data
from reversible.papers import figure_of
from reversible.papers.gilbert2017 import PAPER, tables_vgg16
from reversible.papers.gilbert2017.experiments.vgg16_trunk import Trunk
from reversible.papers.gilbert2017.figures.vgg16_down import vgg16_pictures
from reversible.papers.gilbert2017.published import TABLE_2_WHOLE, TABLE_3, TABLE_4
from reversible.records.record import book_folder, read_record

DRAWN = [name for name in PAPER.draws if name.startswith("vgg16")]


@functools.cache
def record(name):
    return read_record(book_folder() / "results" / f"{name}.json")


@functools.cache
def shown(name):
    return vgg16_pictures() if name == "pictures" else figure_of(record(name))


@functools.cache
def panels_of(name):
    return [Looked(panel) for panel in shown(name).value]


@pytest.fixture(params=[*DRAWN, "pictures"])
def figure(request):
    if request.param == "pictures":
        request.getfixturevalue("needs_vgg16")
    return request.param


def caption_of(name):
    found = re.search(r"<figcaption>([^<]*)</figcaption>", shown(name).content)
    assert found
    return html.unescape(found[1])


def test_captions_and_words_for_who_cannot_see(figure):
    caption, alts = caption_of(figure), re.findall(r' alt="([^"]*)"', shown(figure).content)
    assert re.fullmatch(r"[A-Z0-9].*\d.*[.]", caption)
    assert len(re.findall(r"[.](?: |$)", caption)) <= 3
    assert 60 < len(caption) < 420
    assert not re.search(r"\b(?:left|right|nan)\b", caption)
    assert len(alts) == len(shown(figure).value) == shown(figure).content.count("<img ")
    assert all(len(alt) >= 15 and html.unescape(alt).rstrip(".") not in caption for alt in alts)


def test_labels_are_read_everywhere_and_none_is_cut_off_or_on_another(figure):
    for looked in panels_of(figure):
        for column in (DESKTOP, PHONE, MARGIN):
            assert looked.smallest_label(rendered(looked.panel, len(shown(figure).value), False, column)) >= SMALLEST
        assert looked.cut_off() == []
        assert looked.colliding() == []


def drawn(panel, count):
    """What the points of each series with so many of them are at, along y."""
    lines = [line for line in panel.axes[0].lines if line.get_marker() not in ("None", None, "none", "|", "_")]
    return [[float(y) for y in line.get_ydata()] for line in lines if len(line.get_ydata()) == count]


def test_the_papers_numbers_and_ours_are_drawn():
    shares = drawn(shown("vgg16-shares").value[0], 18)
    assert shares[0] == pytest.approx([100 * share for share in TABLE_2_WHOLE.values()])
    m = record("vgg16-shares").measures
    assert shares[1] == pytest.approx([100 * m[f"share_learned_photographs_{spot}"].mean for spot in TABLE_2_WHOLE])
    coherences = drawn(shown("vgg16-coherence").value[0], 13)
    assert coherences[0] == [line.learned for line in TABLE_4.values()]
    levels = shown("vgg16-rebuilt").value[0].axes[0].collections
    said = [sorted(float(segment[0][1]) for segment in part.get_segments()) for part in levels]
    assert sorted(line.learned for line in TABLE_3.values()) in said
    assert sorted(line.random for line in TABLE_3.values()) in said


def test_captions_have_the_records_numbers():
    m = {name: e.mean for name, e in record("vgg16-rebuilt").measures.items()}
    below = [m[f"random_below_learned_photographs_{pool}"] for pool in TABLE_3]
    assert f"are {min(below):.2f} to {max(below):.2f} farther" in caption_of("vgg16-rebuilt")
    gaps = [record("vgg16-coherence").measures[f"gap_{layer}"].mean for layer in TABLE_4]
    assert min(gaps) > 0  # the caption says of all of them that they are above the paper's
    lengths = record("vgg16-lengths").measures
    assert f"conv5-1 reach {lengths['ratio_relu'].mean:.2f}" in caption_of("vgg16-lengths")
    theories = record("vgg16-theories").measures
    assert f"mean cosine of {theories['code_learned'].mean:.2f}" in caption_of("vgg16-theories")


def test_tables_have_the_papers_numbers_beside_ours():
    records = {name: record(name) for name in tables_vgg16.RECORDS}
    beside = tables_vgg16.beside_the_paper(records)
    for pool, line in TABLE_3.items():
        (row,) = [row for row in beside.value if row[0] == f"Table 3, {pool}"]
        assert row[1] == f"{line.learned:.3f} learned, {line.random:.3f} random"
        assert f"{record('vgg16-rebuilt').measures[f'error_random_photographs_{pool}'].mean:.3f} random" in row[2]
    theories = tables_vgg16.both_theories(record("vgg16-theories")).value
    assert len(theories) == 13
    means = np.mean([[float(cell) for cell in row[1:]] for row in theories], 0)
    assert means[0] == pytest.approx(record("vgg16-theories").measures["code_learned"].mean, abs=0.01)
    assert all(re.search(r"\d", said) for said in tables_vgg16.words(records).values())


def test_where_the_net_is_not_at_hand_a_line_says_so(monkeypatch):
    def none(cls):
        raise data.NotAtHand("VGG-16 did not come")

    monkeypatch.setattr(Trunk, "at_hand", classmethod(none))
    assert vgg16_pictures().content == "<p class='rv-foot'>The pictures are not drawn: VGG-16 did not come.</p>"


def test_each_column_of_pictures_says_from_which_pooling(needs_vgg16):
    titles = [ax.get_title() for ax in shown("pictures").value[0].axes if ax.get_title()]
    assert titles == ["seen", "pool1", "pool3", "pool5"]
