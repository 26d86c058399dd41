"""Figures of Gilbert et al.: captions that say something, words that are read, and numbers that are the record's."""

import functools

import numpy as np
import pytest

from figure_checks import alts, captions, check_alts, check_caption, check_labels, check_nothing_collides
from helpers import skip_without
from reversible import data
from reversible.papers import figure_of
from reversible.papers.gilbert2017 import PAPER, figures
from reversible.papers.gilbert2017.experiments.filters_at_hand import LENET, VGG
from reversible.papers.gilbert2017.figures import pictures, schematic
from reversible.papers.gilbert2017.published import TABLE_2, TABLE_4
from reversible.records.record import book_folder, read_record
from reversible.show.drawing import panels, show

RESULTS = book_folder() / "results"
DRAWN = [name for name in PAPER.draws if (RESULTS / f"{name}.json").is_file()]
LIVE = {
    "up and back": figures.up_and_back,
    "pictures": lambda: figures.rebuilt_pictures(filters=8),
    "learned and random": figures.learned_and_random,
}
WEIGHTS = [f"weights/{name}.npz" for name in (LENET, VGG)]
ALL = pytest.mark.parametrize("name", [*DRAWN, *LIVE])


@functools.cache
def record(name):
    return read_record(RESULTS / f"{name}.json")


@functools.cache
def shown(name):
    if name == "learned and random":
        skip_without([*data.FILES_MD5["mnist", False], *data.FILES_MD5["cifar10", False], *WEIGHTS])
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


def drawn(panel, count):
    """All points of the series of a panel that have so many points and a marker."""
    lines = [line for line in panel.axes[0].lines if line.get_marker() not in ("None", None, "none", "|", "_")]
    return [line for line in lines if len(line.get_xdata()) == count]


def test_the_step_is_drawn_as_it_is_computed():
    s = schematic.one_step()
    images = [image.get_array() for image in shown("up and back").value[0].axes[0].get_images()]
    for image, name in zip(images, ("x", "x back", "h", "z", "maxima"), strict=True):
        assert np.array_equal(image, s[name][0].numpy())
    z, h = s["z"][0].numpy(), s["h"][0].numpy()
    largest = np.abs(h).argmax(1)
    assert s["places"][0, :, 0].tolist() == largest.tolist()
    assert np.array_equal(z != 0, np.arange(h.shape[1]) == largest[:, None])
    x, back = s["x"].flatten().numpy(), s["x back"].flatten().numpy()
    cosine = x @ back / np.sqrt((x @ x) * (back @ back))
    assert f"a cosine of {cosine:.2f} with the input" in captions(shown("up and back"))[0]


def test_spreads_are_drawn_over_the_laws_with_their_intervals():
    (panel,) = shown("code-length").value
    points = sorted(y for line in panel.axes[0].lines if line.get_marker() in "os^" for y in line.get_ydata())
    assert points == pytest.approx(sorted(row["sd_over_law"] for row in record("code-length").rows))
    assert len(panel.axes[0].collections) == 3  # bars of three series


def test_the_law_of_typical_supports_is_the_line_of_its_panel():
    ax = shown("model-rip").value[2].axes[0]
    s, largest = next(line for line in ax.lines if len(line.get_xdata()) == 60).get_data()
    assert largest == pytest.approx((1 + np.sqrt(s)) ** 2)


def test_every_code_with_known_switches_is_drawn_below_both_bounds():
    (panel,) = shown("recovery-bound").value
    papers, sharper, known, fixed, *_ = [line.get_ydata() for line in panel.axes[0].lines]
    assert (known <= sharper).all()
    assert (known[np.isfinite(papers.astype(float))] <= papers[np.isfinite(papers.astype(float))]).all()
    assert (fixed > 1).all()


def test_cosines_on_the_way_down_are_the_records_with_intervals():
    for panel, switches in zip(shown("switch-depth").value, (True, False), strict=True):
        rows = [row for cell, row in record("switch-depth").pairs() if cell["switches"] == switches]
        wanted = sorted(e["mean"] for row in rows for e in row["cosines"])
        marked = [line for line in panel.axes[0].lines if line.get_marker() in ("o", "s", "^", "D", "v")]
        assert sorted(y for line in marked for y in line.get_ydata()) == pytest.approx(wanted)
        assert len(panel.axes[0].collections) == len(rows)


def test_shares_and_coherences_of_the_paper_are_in_their_figures():
    (shares,), (coherences,) = shown("active-shares").value, shown("filter-coherence").value
    assert any(line.get_ydata() == pytest.approx([100 * v for v in TABLE_2.values()]) for line in drawn(shares, 7))
    for column in ("learned", "random"):
        wanted = [getattr(line, column) for line in TABLE_4.values()]
        assert any(list(line.get_ydata()) == wanted for line in drawn(coherences, 13))


def test_rebuilt_inputs_has_a_row_for_each_place_and_a_point_for_each_guess():
    (panel,) = shown("rebuilt-inputs").value
    labels = [label.get_text() for label in panel.axes[0].get_yticklabels()]
    series = drawn(panel, len(labels))
    assert len(labels) == 5
    assert len(series) == 7
    m = record("rebuilt-inputs").measures
    assert f"{m['random_below_learned_lenet_pool1'].mean:.2f} worse" in captions(shown("rebuilt-inputs"))[0]
    assert alts(shown("rebuilt-inputs"))[0].startswith("5 rows")


def test_what_learned_filters_give_back_is_drawn_and_its_cosine_told():
    figure = shown("learned and random")
    for panel, place in zip(figure.value, pictures.LAYERS, strict=True):
        seen = pictures.at(place, slice(4))
        learned = pictures._given_back(seen)[0]
        rows = zip(seen.x.flatten(1), learned.flatten(1), strict=True)
        cosine = np.mean([float(a @ b / a.norm() / b.norm()) for a, b in rows])
        assert f"{cosine:.2f} with learned" in captions(figure)[0]
        assert len(panel.axes) == 12


def test_without_weights_a_line_stands_in_place_of_the_figure(monkeypatch, tmp_path):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    monkeypatch.setattr(data, "_download", refused)
    assert "not at hand" in figures.learned_and_random().content


def refused(name):
    raise data.NotAtHand(f"{name} is not at hand")


def test_the_schematic_is_of_an_ordinary_draw():
    found = [schematic.one_step(seed) for seed in range(60)]
    cosines = [float(s["x"].flatten() @ s["x back"].flatten() / s["x"].norm() / s["x back"].norm()) for s in found]
    s = schematic.one_step()
    own = float(s["x"].flatten() @ s["x back"].flatten() / s["x"].norm() / s["x back"].norm())
    assert own == pytest.approx(np.median(cosines), abs=0.06)


SAID = "What is seen here is a line with 3 points on it, and a law beside them that passes through all."


@pytest.mark.parametrize(
    ("check", "caption", "alt", "words"),
    [
        (check_caption, SAID.replace("3", "three"), "A line with points on it.", "read"),
        (check_caption, SAID.replace("here", "on the left"), "A line with points on it.", "read"),
        (check_alts, SAID, SAID[:-1], "read"),
        (check_labels, SAID, "A line with points on it.", "small"),
        (check_nothing_collides, SAID, "A line with points on it.", "twice"),
    ],
)
def test_a_planted_fault_is_seen(check, caption, alt, words):
    figure, (ax,) = panels(1)
    ax.text(0.5, 0.5, words, fontsize=4 if words == "small" else 9)
    if words == "twice":
        ax.text(0.5, 0.5, words)
    with pytest.raises(AssertionError):
        check(show(figure, alt, caption))
    for other in {check_caption, check_alts, check_labels, check_nothing_collides} - {check}:
        other(show(figure, alt, caption))
