"""Every figure of the book has a caption that says something, words that are read, and numbers that are right."""

import functools
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

import made_up_curves
from figure_checks import alts, captions, check_alts, check_sentences
from pictures import CSS, DESKTOP, MARGIN, PADDING, PHONE, SMALLEST, Looked, rendered
from reversible.base.estimates import Estimate
from reversible.base.rebuilt import rebuilt
from reversible.nets.reversal import compare
from reversible.papers import figure_of
from reversible.papers.arora2015 import PAPER, figures
from reversible.papers.arora2015.experiments.other_weights import digit_codes
from reversible.papers.arora2015.experiments.shadow_curves import NARROW, WIDE
from reversible.papers.arora2015.figures import laws, schematics, shadow, shadow_curves
from reversible.random_nets.deep import MultiLayer
from reversible.records.record import book_folder, read_record
from reversible.theory.depth import state_evolution
from reversible.theory.every_entry import entry_risks

RESULTS = book_folder() / "results"
DRAWN = [name for name in PAPER.draws if (RESULTS / f"{name}.json").is_file()]


@functools.cache
def record(name):
    return read_record(RESULTS / f"{name}.json")


def with_few_steps(draw):
    """What `draw` makes of a net that is trained for a tenth of the steps."""
    asked = shadow._pictured
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shadow, "_pictured", lambda *words: replace(asked(*words), steps=30))
        return draw()


LIVE = {
    "code story": figures.code_story,
    "picture story": figures.picture_story,
    "down and up": figures.down_and_up,
    "through layers": figures.through_layers,
    "shadow step": figures.shadow_step,
    "digit pictures": lambda: figures.digit_pictures(digit_codes(8), widths=(64, 1024)),
    "bulk and spikes": lambda: figures.bulk_and_spikes(record("net-spectra")),
    "three nulls": figures.three_nulls,
    "three tails": figures.three_tails,
    "spikes beside nulls": lambda: figures.spikes_beside_nulls(record("net-spectra")),
    "reversal pictures": figures.reversal_pictures,
    "shadow pictures": lambda: with_few_steps(figures.shadow_pictures),
    "shadow curves": lambda: figure_of(made_up_curves.record()),
    "shadow gpu": lambda: figure_of(made_up_curves.record("shadow-gpu")),
    "shadow gains": lambda: figures.shadow_gains(made_up_curves.record()),
    "shadow variants": lambda: figures.shadow_variants(made_up_curves.record()),
    "overview": lambda: figures.overview(
        {"shadow-curves": made_up_curves.record()} | {name: record(name) for name in ("theorem-2-3", "trained-layers")}
    ),
}


@functools.cache
def shown(name):
    return LIVE[name]() if name in LIVE else figure_of(record(name))


@functools.cache
def panels_of(name):
    return [Looked(panel) for panel in shown(name).value]


ALL = pytest.mark.parametrize("name", [*DRAWN, *LIVE])


@ALL
def test_caption_says_in_a_sentence_or_two_what_to_see(name):
    check_sentences(shown(name))


@ALL
def test_words_for_who_cannot_see_it_describe_each_panel_and_are_not_the_caption(name):
    check_alts(shown(name))


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


# --- what the new figures say is what the law and the records say -----------------------------------------------------


def test_a_net_goes_down_and_up_as_it_is_drawn():
    net = schematics.net_down_and_up()
    cosine = float(compare(net["code"], net["code back"]).cosine)
    assert f"a cosine of {cosine:.2f} with the code" in captions(shown("down and up"))[0]
    strips = [image.get_array() for image in shown("down and up").value[0].axes[0].get_images()]
    kinds = ("image", "code", "unit", "code back", "unit back")
    for strip, kind in zip(strips, kinds, strict=True):
        assert np.array_equal(strip, net[kind][:, : strip.shape[1]].numpy())
    assert {*np.argsort(strips[3][0])[-2:]} == {*schematics.ON}


def test_a_step_of_shadow_is_the_one_of_training():
    label, layers = schematics.step_of_shadow()
    alt, caption = alts(shown("shadow step"))[0], captions(shown("shadow step"))[0]
    assert f"the digit {label} " in alt
    cosine = float(compare(layers["image"][0], layers["synthetic"][0]).cosine)
    assert f"a cosine of {cosine:.2f} with the real one" in caption
    assert float(layers["synthetic"].norm()) == pytest.approx(float(layers["image"].norm()), rel=1e-5)
    real, made = [image.get_array() for image in shown("shadow step").value[0].axes[0].get_images()][2::2]
    assert np.array_equal(real, layers["image"].reshape(8, 8).numpy())
    assert np.array_equal(made, layers["synthetic"].reshape(8, 8).numpy())


def test_gain_and_noise_through_layers_are_those_of_state_evolution():
    layers = laws.seen_by_layers()
    length = float(np.linalg.norm(layers[-1].code))
    depth = len(laws.NET) - 1
    states = state_evolution(laws.NET, (1.0,) * depth, (0.0,) * depth, length, limit=True)
    for layer, state in zip(layers, states, strict=True):
        off = layer.code == 0
        assert layer.gain == pytest.approx(float(state.gain))
        assert layer.comes @ layer.code / (layer.code @ layer.code) == pytest.approx(layer.gain, abs=0.1)
        assert layer.comes[off].std() == pytest.approx(layer.noise, rel=0.15)
    assert layers[-1].noise == pytest.approx(float(states[-1].noise) ** 0.5 * length)
    gains = [f"{layer.gain:.2f}" for layer in layers]
    assert f"the gain is {', '.join(gains[:-1])} and {gains[-1]}" in captions(shown("through layers"))[0]
    written = [words.get_text() for panel in shown("through layers").value for words in panel.axes[0].texts]
    assert written == [f"gain {layer.gain:.2f}\nnoise {layer.noise:.2f}" for layer in layers]


def spectra(figure):
    """Of each panel the number of triangles, and the area under its curve."""
    for panel in figure.value:
        curve, *triangles = [line for line in panel.axes[0].lines if len(line.get_xdata()) != 2]
        yield len(triangles[0].get_xdata()) if triangles else 0, np.trapezoid(curve.get_ydata(), curve.get_xdata())


def fc1():
    (rows,) = [row["rows"] for cell, row in record("net-spectra").pairs() if cell["net"] == laws.TRAINED[0]]
    return next(row for row in rows if row["layer"] == laws.TRAINED[1])


def test_spikes_are_those_of_the_record(needs_weights):
    figure, row = figures.bulk_and_spikes(record("net-spectra")), fc1()
    trained, shuffled, scaled, levelled = spectra(figure)
    assert trained[0] == row["n_spikes"] > 0 == shuffled[0]
    assert trained[1] == pytest.approx(1 - row["n_spikes"] / 300, abs=0.01)
    assert shuffled[1] == pytest.approx(1, abs=0.01)
    assert scaled[0] == pytest.approx(row["nulls"]["scaled"]["n_spikes"], abs=6)  # another draw
    assert levelled[0] == row["levelled"]["n_spikes"]
    assert f"{row['n_spikes']} (triangles) lie above its edge" in captions(figure)[0]


def test_spikes_are_read_off_the_record_where_no_weights_are(monkeypatch, tmp_path):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    figure, row = figures.bulk_and_spikes(record("net-spectra")), fc1()
    ((count, area),) = spectra(figure)
    assert (count, area) == (row["n_spikes"], pytest.approx(1 - row["n_spikes"] / 300, abs=0.01))
    found = laws.recorded_spectrum(record("net-spectra"))
    assert found.values[0] == pytest.approx(row["quantiles"][-1], rel=0.05)
    assert (found.values > found.edge).sum() == pytest.approx(row["n_spikes"], abs=3)
    assert "The weights are not at hand here" in captions(figure)[0]


@pytest.mark.parametrize("name", ["theorem-3-1", "theorem-3-2"])
def test_the_law_of_epsilon_adds_up_to_the_law_of_the_error(name):
    for cell, row in record(name).pairs():
        p = rebuilt(MultiLayer, cell)
        on, off = entry_risks(state_evolution(p.widths, p.rho, p.offsets(), p.k**0.5, q=p.q)[-1], p.k)
        whole = on + off * (p.widths[-1] - p.k) / p.k
        assert whole == pytest.approx(row["layers"][0]["predicted_relative_error"], rel=1e-6)


def test_depth_law_has_the_scores_of_the_record_below_its_diagonals():
    for panel, score in zip(shown("depth-law").value, ("gain_z", "noise_z", "error_z"), strict=True):
        drawn = [z for line in panel.axes[1].lines if len(line.get_xdata()) > 2 for z in line.get_ydata()]
        assert sorted(drawn) == sorted(row["layers"][0][score] for row in record("depth-law").rows)


def test_what_leaves_the_panel_of_weight_families_is_written_at_its_arrow():
    largest = max(
        row["relative_error"]["mean"] / row["predicted_relative_error"]
        for cell, row in record("weight-families").pairs()
        if cell["weights"] == "student"
    )
    arrows = [words.get_text() for words in shown("weight-families").value[2].axes[0].texts]
    assert arrows == [f"{largest:.3g}"]


def test_variants_say_which_side_is_better_and_tell_controls_by_hollow_markers():
    measures = made_up_curves.record().measures
    for panel, regime in zip(shown("shadow variants").value, (NARROW, WIDE), strict=True):
        (ax,) = panel.axes
        assert ax.get_xlabel() == "points  ← worse | better →"
        names = [label.get_text() for label in ax.get_yticklabels()]
        assert len(names) == (8 if regime == NARROW else 6)
        marked = {names[round(float(line.get_ydata()[0]))]: line for line in ax.lines
                  if line.get_marker() not in ("None", None)}  # fmt: skip
        assert {name for name, line in marked.items() if line.get_markerfacecolor() != "white"} <= {
            "from h1", "from h3", "with sampling"
        }  # fmt: skip
        at = {name: float(line.get_xdata()[0]) for name, line in marked.items()}
        assert at["backprop"] == pytest.approx(100 * measures[f"gain_shadow_{regime}"].mean)
        assert at["from h3"] == pytest.approx(-100 * measures[f"h3_below_shadow_{regime}"].mean)
        low, high = sorted(measures[f"h3_below_shadow_{regime}"].ci95)
        (bar,) = [line for line in ax.lines if list(line.get_ydata()) == [names.index("from h3")] * 2]
        assert list(bar.get_xdata()) == pytest.approx([-100 * high, -100 * low])


def test_a_page_draws_panels_as_wide_as_these_tests_take_them_to_be(browser):
    for name in ("depth-law", "linf-rate", "baby-theorem", "picture story"):
        figure = shown(name)
        for column in (DESKTOP, MARGIN, PHONE):
            page = browser.new_page(viewport={"width": column, "height": 400})
            page.set_content(
                f"<style>body {{ margin: 0 }} figure {{ margin: 0 !important }} {CSS}</style>{figure.content}"
            )
            widths = page.evaluate("[...document.images].map(i => i.getBoundingClientRect().width)")
            taken = rendered(figure.value[0], len(widths), "rv-small" in figure.content, column)
            assert widths[0] - 2 * PADDING == pytest.approx(taken, abs=1)
            assert page.evaluate("document.documentElement.scrollWidth") <= column
            page.close()


def test_the_axis_of_gains_is_that_of_curves_that_are_not_open():
    record = made_up_curves.record()
    name = f"gain_noise_{NARROW}"
    whole = Estimate(record.measures[name].mean, (-2.0, 2.0), 9)
    _, ax = plt.subplots()
    shadow_curves.draw_gains(ax, replace(record, measures=record.measures | {name: whole}), [NARROW, WIDE])
    low, high = ax.get_xlim()
    plt.close()
    ends = [end for gain in ("shadow", "noise") for end in record.measures[f"gain_{gain}_{WIDE}"].scaled(100).ci95]
    assert low < min(ends) < max(ends) < high < 50
