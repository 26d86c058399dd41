"""Figures of Wang et al.: captions that say something, words that are read, and numbers that are the record's."""

import functools
import itertools
import re

import numpy as np
import pytest

from figure_checks import alts, captions, check_alts, check_caption, check_labels, check_nothing_collides
from reversible import data
from reversible.papers import figure_of
from reversible.papers.wang2021 import PAPER, figures, pictures, schematics
from reversible.papers.wang2021.experiments.digit_nets import chosen
from reversible.records.record import book_folder, read_record

RESULTS = book_folder() / "results"
DRAWN = [name for name in PAPER.draws if (RESULTS / f"{name}.json").is_file()]
LIVE = {
    "up and back": schematics.up_and_back,
    "plane": pictures.plane,
    "digits": lambda: pictures.recovered(steps=100),
}
ALL = pytest.mark.parametrize("name", [*DRAWN, *LIVE])


@functools.cache
def record(name):
    return read_record(RESULTS / f"{name}.json")


@functools.cache
def shown(name):
    return LIVE[name]() if name in LIVE else figure_of(record(name))


@ALL
def test_caption_says_in_a_few_sentences_what_to_see(name):
    check_caption(shown(name))


@ALL
def test_words_for_who_cannot_see_it_describe_each_panel(name):
    check_alts(shown(name))


@ALL
def test_labels_are_read_on_a_desktop_and_on_a_phone(name):
    check_labels(shown(name))


@ALL
def test_no_words_are_cut_off_or_lie_on_each_other(name):
    check_nothing_collides(shown(name))


def test_every_record_with_a_figure_is_drawn():
    assert set(PAPER.draws) == set(figures.FIGURES) == set(DRAWN)


# --- a unit, up and back ----------------------------------------------------------------------------------------------


def test_a_unit_goes_up_and_back_as_it_is_drawn():
    way = schematics.journey()
    W1, b, W2 = way.unit.W1, way.unit.b, way.unit.W2
    u = W1 @ way.x + b
    y = way.x + W2 @ np.maximum(u, 0)
    np.testing.assert_allclose(way.y, y, atol=1e-12)
    np.testing.assert_allclose(way.v, W1 @ y + b, atol=1e-10)
    np.testing.assert_allclose(way.u_back, u, atol=1e-10)
    np.testing.assert_allclose(way.x_back, way.x, atol=1e-12)
    images = [image.get_array().ravel() for image in shown("up and back").value[0].axes[0].get_images()]
    drawn = (way.y, way.x, way.u, np.maximum(way.u, 0), way.v, way.u_back, way.x_back)
    for image, values in zip(images, drawn, strict=True):
        assert np.array_equal(image, values)


def test_the_unit_that_is_drawn_is_one_on_which_the_plain_iteration_is_not_proved():
    way = schematics.journey()
    largest = np.linalg.norm(way.unit.W1 @ way.unit.W2, 2)
    assert largest > 2
    assert f"the norm of A is {largest:.0f}," in captions(shown("up and back"))[0]
    assert f"a relative error of {way.error:.0e}." in captions(shown("up and back"))[0]
    assert (way.u > 0).any()
    assert (way.u < 0).any()


# --- maps of the plane ------------------------------------------------------------------------------------------------


def preimages(M, v):
    """How many u of the plane have u + (M - I) r(u) = v, by its four pieces."""
    found = 0
    for active in itertools.product((False, True), repeat=2):
        columns = np.where(active, M, np.eye(2))
        u = np.linalg.solve(columns, v)
        found += ((u > 0) == np.array(active)).all()
    return found


def test_points_of_the_plane_have_as_many_preimages_as_the_caption_says():
    caption = captions(shown("plane"))[0]
    points = np.random.default_rng(5).standard_normal((400, 2))
    counts = [{preimages(M, v) for v in points} for M in (pictures.TILES, pictures.FOLDS)]
    assert counts == [{1}, {1, 3}]
    star = pictures.star()
    on_circle = np.stack([np.cos(a := np.linspace(0, 2 * np.pi, 4001)), np.sin(a)], 1)
    turned = np.unwrap(np.arctan2(*star(on_circle).T[::-1]))
    around = round((turned[-1] - turned[0]) / (2 * np.pi))
    assert around == 2
    assert (np.diff(turned) > 0).all()
    said = [int(number) for number in re.findall(r"\d+", caption)]
    assert said == [1, 3, 3, 12, around]


def test_sectors_are_drawn_where_their_pieces_go():
    for panel, M in zip(shown("plane").value, (pictures.TILES, pictures.FOLDS), strict=False):
        for line, active in zip(panel.axes[0].lines, itertools.product((False, True), repeat=2), strict=True):
            for at, unit in ((0, 0), (-1, 1)):
                drawn = np.array([line.get_xdata()[at], line.get_ydata()[at]])
                ray = M[:, unit] if active[unit] else -np.eye(2)[unit]
                np.testing.assert_allclose(drawn / np.linalg.norm(drawn), ray / np.linalg.norm(ray), atol=1e-9)


# --- records ----------------------------------------------------------------------------------------------------------


def marked(panel):
    """The points of each series of a panel: what has a marker."""
    lines = [line for line in panel.axes[0].lines if line.get_marker() in ("o", "s", "^")]
    return [np.array(line.get_data(), float).T for line in lines]


def test_shares_of_cases_are_the_records_and_methods_are_told_apart():
    for panel, family in zip(shown("wang-curves").value, figures.FAMILIES, strict=True):
        rows = [(cell["s"], row, cell["trials"]) for cell, row in record("wang-curves").pairs()
                if cell["family"] == family and cell["h"] > 1]  # fmt: skip
        for series, name in zip(marked(panel), figures.METHODS, strict=True):
            np.testing.assert_allclose(series, sorted((s, row[name] / n) for s, row, n in rows))
        conditions = [line for line in panel.axes[0].lines if line.get_marker() in ("None", None, "none")]
        curves = [line for line in conditions if len(line.get_xdata()) == len(rows)]
        for line, name in zip(curves, figures.CONDITIONS, strict=True):
            assert list(line.get_ydata()) == pytest.approx([row[name] / n for _, row, n in sorted(rows, key=first)])
        assert len(panel.axes[0].collections) == 3  # an interval for each method's points
        assert len({line.get_linestyle() for line in curves}) == 3


def first(values):
    return values[0]


def test_edges_are_those_of_all_matrices_about_their_laws():
    norms, downward, *arrivals = marked(shown("wang-large").value[0])
    rows = record("wang-large").rows
    for series, field in ((norms, "norm"), (downward, "downward")):
        assert sorted(series[:, 0]) == pytest.approx(sorted(1 / value for row in rows for value in row[field]))
    laws = [line.get_xdata()[0] for line in shown("wang-large").value[0].axes[0].lines if line.get_marker() == "None"]
    assert laws == pytest.approx([0.5, 0.5**0.5, 2**0.5])
    assert [point[0][0] for point in arrivals] == [1.1, 1.6]


def test_nets_are_drawn_one_by_one_with_means_and_intervals():
    by_method, errors, by_active = shown("wang-digit-nets").value
    pairs = list(record("wang-digit-nets").pairs())
    slow, fast = ([row for cell, row in pairs if cell["lr"] == lr] for lr in (0.01, 0.03))
    kinds = [[row["special"] for row in slow], [row["ordinary"] for row in slow], [row["ordinary"] for row in fast]]
    for series, nets in zip(marked(by_active), kinds, strict=True):
        assert sorted(map(tuple, series)) == sorted((net["active"], net["back_by_any"]) for net in nets)
    for series, nets in zip(marked(errors)[::2], kinds, strict=True):
        assert list(series[:, 1]) == pytest.approx([100 * net["test_error"] for net in nets])
    for series, name in zip(marked(by_method), figures.METHODS, strict=True):
        assert list(series[:, 1]) == pytest.approx([np.mean([net["back"][name] for net in nets]) for nets in kinds])
    m = record("wang-digit-nets").measures
    assert (
        f"{m['back_by_any_faster'].mean:.0%}".replace("%", "\N{NO-BREAK SPACE}%")
        in captions(shown("wang-digit-nets"))[0]
    )


def test_solutions_found_again_are_the_records():
    m = record("wang-sparse").measures
    (panel,) = shown("wang-sparse").value
    for series, name in zip(marked(panel), figures.METHODS, strict=True):
        assert list(series[:, 1]) == [m[f"{name}_{place}"].mean for place in ("few", "some", "many")]
    assert [words.get_text() for words in panel.axes[0].texts] == [
        f"radius {m[f'radius_{place}'].mean:.2f}" for place in ("few", "some", "many")
    ]
    assert m["radius_some"].mean < 1 < m["radius_many"].mean  # as the caption says


def test_digits_are_drawn_and_come_back_from_the_special_net_alone():
    x = chosen(data.load("digits", train=False), 1).scaled().numpy()
    images = [axes.get_images()[0].get_array() for axes in shown("digits").value[0].axes]
    rows = np.array(images).reshape(5, len(x), 64)
    np.testing.assert_array_equal(rows[0], x)
    np.testing.assert_allclose(rows[1], x, atol=1e-4)  # the special net, by pattern Newton
    lost = [(np.abs(row - x).max(1) > 0.1).sum() for row in rows[2:]]
    assert lost[0] == len(x)  # by the plain iteration
    assert min(lost) > len(x) / 2
    said = captions(shown("digits"))[0]
    assert f"pattern Newton gives back {len(x)} of {len(x)}," in said
    told = re.search(r"gives back (\d+), the plain iteration (\d+)\.$", said)
    assert told
    by_newton, plainly = map(int, told.groups())
    assert by_newton >= len(x) - lost[1]
    assert plainly >= len(x) - lost[2]
    assert alts(shown("digits"))[0].startswith(f"Five rows of {len(x)} pictures")
