"""A reader's own net in words: which are chosen follows the rules, and whole they stand in `golden/your_net.txt`."""

import html
import re
from collections import OrderedDict
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch.nn import Linear, ReLU, Sequential

import golden
from helpers import refusal
from reversible import your_net
from reversible.base.estimates import Estimate
from reversible.spectra import matrix as spectra
from reversible.spectra.verdicts import (
    CORRELATED,
    HEAVY_TAILED,
    NOT_JUDGED,
    RANDOM_LIKE,
    SPIKES,
    STRUCTURED,
    UNEQUAL,
    left,
    on_law,
    verdict,
)  # fmt: skip
from reversible.spectra.verdicts import TAIL as UNDECIDED
from reversible.your_net.measures import CONTROLS, FIXED, OTHER_NET, OWN, WAYS, Layer, one_more, side_of
from reversible.your_net.theory import AMONG
from your_nets import UNSEEN, plain, trained


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


# --- of a matrix ------------------------------------------------------------------------------------------------------

NOISE = spectra.analyse(np.random.default_rng(0).standard_normal((300, 100)), "0")
assert NOISE.levelled is not None
LEVEL = replace(NOISE.levelled, ks=0.02)
ON_THE_LAW = {"ks": 0.02, "n_spikes": 0, "edge_high": 2.0, "largest": 1.9, "gram_rms": 1.0, "alpha": None}
TAIL = {"alpha": 2.5, "alpha_fit": {"distance": 0.05, "n_tail": 12, "stands": True}, "n_spikes": 7, "largest": 9.0}


NO_BULK = {"ks": 0.5, **dict.fromkeys(("n_spikes", "sigma", "edge_low", "edge_high", "spike_edge"))}


def row_of(own=None, shuffled=None, layer="0", shape=(300, 100), levelled=None):
    """A row with these measures, else those of noise; its verdict is by the rule, of scales only where `levelled`."""
    values = [replace(NOISE.measured, **{**ON_THE_LAW, **(change or {})}) for change in (own, shuffled)]
    found = replace(LEVEL, **levelled) if levelled else None
    told = verdict(values[0], min(shape), values[1] if levelled else None, found)
    return replace(
        NOISE, layer=layer, shape=shape, shape_used=shape, measured=values[0], nulls={"permuted": values[1]},
        levelled=found, verdict=told,
    )  # fmt: skip


MATRICES = {
    "noise": (row_of(), RANDOM_LIKE),
    "a spike that is gone in random order": (row_of({"n_spikes": 1, "largest": 5.0}), SPIKES),
    "spikes as many in random order": (row_of({"n_spikes": 3, "largest": 5.0}, {"n_spikes": 2}), SPIKES),
    "spikes of which half stay": (row_of({"n_spikes": 4, "largest": 5.0}, {"n_spikes": 2}), SPIKES),
    "a heavy tail that stays": (row_of(TAIL, TAIL), HEAVY_TAILED),
    "a heavy tail that is gone": (row_of(TAIL), HEAVY_TAILED),
    "a bulk off the law": (row_of({"ks": 0.2}), STRUCTURED),
    "too many for a bulk": (row_of({"n_spikes": 21, "largest": 5.0}), STRUCTURED),
    "columns that lean on each other": (row_of({"ks": 0.2, "gram_rms": 4.0}), STRUCTURED),
    "unequal scales": (row_of({"ks": 0.2, "n_spikes": 9}, levelled={"n_spikes": 0}), UNEQUAL),
    "a spike in noise of unequal scales": (row_of({"ks": 0.2, "n_spikes": 9}, levelled={"n_spikes": 1}), SPIKES),
    "a tail whose law is not told": (row_of({**TAIL, "alpha_fit": {**TAIL["alpha_fit"], "stands": False}}), UNDECIDED),
    "no bulk": (row_of(NO_BULK), STRUCTURED),
    "no bulk, and no scales": (row_of({**NO_BULK, "gram_rms": 1.0}, NO_BULK, levelled={"ks": 0.5}), UNDECIDED),
    "some values are rounding": (row_of({"rank": 64}, shape=(128, 100)), STRUCTURED),
    "31 singular values": (row_of(shape=(31, 64)), NOT_JUDGED),
    "32 singular values": (row_of({"rank": 32}, shape=(32, 64)), RANDOM_LIKE),
}


@pytest.mark.parametrize("case", MATRICES)
def test_words_of_a_matrix(case):
    row, verdict = MATRICES[case]
    assert row.verdict == verdict
    golden.check("your_net", f"a matrix: {case}", your_net.spectrum_words([row]))


@pytest.mark.parametrize(
    ("order", "says"),
    [((1, 0), "structure"), ((3, 1), "structure"), ((5, 2), "partly"), ((3, 2), "size"), ((6, 6), "size")],
)
def test_where_spikes_lie_by_how_many_stay_in_random_order(order, says):
    own, shuffled = ({"n_spikes": n, "largest": 5.0} for n in order)
    words = your_net.spectrum_words([row_of(own, shuffled)])[0].partition("random order")[2]
    assert (says == "structure") == ("structure" in words)
    assert (says == "partly") == ("partly" in words)


@pytest.mark.parametrize("gram", [1.2, 4.0])
def test_columns_that_lean_are_named_from_the_limit_on(gram):
    words = your_net.spectrum_words([row_of({"gram_rms": gram})])[0]
    assert ("columns" in words) == (gram > CORRELATED)


def test_a_small_matrix_is_not_judged_whatever_its_verdict():
    small = row_of({"ks": 0.9}, shape=(31, 64))
    assert small.verdict == NOT_JUDGED
    assert your_net.spectrum_words([small]) == your_net.spectrum_words([row_of(shape=(31, 64))])
    assert your_net.theory_words([small], [])[0] == your_net.theory_words([], [])[0]


# --- of a reversal ----------------------------------------------------------------------------------------------------


def layer_of(own, permuted, gaussian, random_nets=(0.5, 0.7), **more):
    """A layer whose cosines are those given, batch by batch; the image's own part is a tenth of them."""
    ways = zip(WAYS, (own, permuted, gaussian, random_nets), strict=True)
    rest = {"kept": [0.9, 0.8], "relative_error": [2.0, 2.0], "scaled_error": [0.5, 0.5], "scale": [0.5, 0.5]}
    values = {way: {"cosine": cosines, "specific": [0.1 * c for c in cosines], **rest} for way, cosines in ways}
    arrays = {way: {name: np.array(v) for name, v in measures.items()} for way, measures in values.items()}
    facts = {"below": 64, "active": 0.25, "empty": 0.0, "negative": 0.5, "one_class": False}
    return Layer(**{"number": 1, "by_batch": arrays, "typical": np.ones(5), "law": 0.9, **facts, **more})


SIDES = {  # own, permuted and Gaussian weights by batch; the sides beside the two
    "better than both": (([0.9, 0.91], [0.5, 0.51], [0.4, 0.41]), (1, 1)),
    "better, worse": (([0.6, 0.61], [0.5, 0.51], [0.7, 0.71]), (1, -1)),
    "better, not told": (([0.6, 0.61], [0.5, 0.51], [0.3, 0.71]), (1, 0)),
    "neither told": (([0.6, 0.61], [0.6, 0.61], [0.5995, 0.6095]), (0, 0)),
    "worse than both": (([0.6, 0.61], [0.7, 0.71], [0.8, 0.81]), (-1, -1)),
}


@pytest.mark.parametrize("case", SIDES)
def test_words_of_a_reversal_by_the_rule(case):
    cosines, sides = SIDES[case]
    layer = layer_of(*cosines, empty=0.05)
    assert tuple(layer.side(way) for way in CONTROLS) == sides
    golden.check("your_net", f"a reversal: {case}", your_net.reversal_words([layer]))
    explained = "nothing here to explain" not in your_net.theory_words([], [layer])[-1]
    assert explained == (sides == (1, 1))


MAXIMA = {"cosine": [0.6, 0.7], "specific": [0.1, 0.1], "kept": [0.3, 0.5], "scaled_error": [0.5, 0.5]}
OTHERS = {
    "maxima": {"own": FIXED},
    "dead": {"empty": 1.0},
    "one class": {"one_class": True},
    "nothing of the image": {"own": "none"},
}


@pytest.mark.parametrize("case", OTHERS)
def test_words_of_layers_that_are_special(case):
    layer = layer_of(*SIDES["better than both"][0], **{name: v for name, v in OTHERS[case].items() if name != "own"})
    if "own" in OTHERS[case]:
        own = {**layer.by_batch[OWN], "specific": np.array([-0.01, 0.02])}
        fixed = {name: np.array(values) for name, values in MAXIMA.items()}
        changed = {FIXED: fixed} if case == "maxima" else {OWN: own}
        layer = replace(layer, by_batch={**layer.by_batch, **changed})
    golden.check("your_net", f"a reversal: {case}", your_net.reversal_words([layer]))


def test_one_draw_is_not_told_from_the_others_mean():
    """Its own weights as good as one more draw of the control: 95 in 100 are not told apart, though its mean is."""
    rng, told, by_mean = np.random.default_rng(0), 0, 0
    for _ in range(400):
        draws = rng.normal(0.6, 0.05, 21)
        layer = layer_of([draws[0]] * 20, draws[1:], draws[1:])
        told += layer.side("permuted") != 0
        by_mean += side_of(layer.above("permuted").ci95) != 0
    assert 5 < told < 35
    assert by_mean > 200


# --- what the theory says ---------------------------------------------------------------------------------------------


def steps_of(gap):
    """One step, its own weights so far from the law and Gaussian ones on it."""
    law = np.array([0.70, 0.71])
    return {OWN: {"cosine": law + gap, "law": law}, OTHER_NET: {"cosine": law + 0.0005, "law": law}}


BEST, OUT = ([0.9, 0.9], [0.1, 0.1], [0.1, 0.1]), SIDES["worse than both"][0]
RANDOM, SPIKED, HEAVY = row_of(), row_of({"n_spikes": 1}, layer="2"), row_of(TAIL, TAIL, layer="4")
SCALED = row_of({"n_spikes": 9}, layer="6", levelled={"n_spikes": 0})
THEORY = {
    "random-like weights, codes that lean": ([RANDOM], [layer_of(*BEST, law=0.6)]),
    "a bulk with spikes, codes that do not lean": ([SPIKED], [layer_of(*BEST, law=0.4)]),
    "unequal scales": ([SCALED], [layer_of(*BEST)]),
    "unequal scales, spikes and random-like weights": ([RANDOM, SPIKED, SCALED], [layer_of(*BEST)]),
    "some weights heavy-tailed": ([RANDOM, HEAVY], [layer_of(*BEST)]),
    "all weights heavy-tailed": ([HEAVY], [layer_of(*BEST)]),
    "layers too small, one too deep for the map": ([], [layer_of(*OUT, number=5, law=None), layer_of(*BEST)]),
    "sparse enough for the theorems": ([RANDOM], [layer_of(*BEST, law=0.01, typical=np.ones(2))]),
    "a convolution, filters more alike": ([SPIKED], [layer_of(*BEST, law=None, steps=steps_of(-0.2))]),
    "two convolutions, filters as random ones": (
        [RANDOM, SPIKED],
        [layer_of(*BEST, law=None, steps=steps_of(0)), layer_of(*BEST, number=2, law=None, steps=steps_of(0))],
    ),
    "a convolution, filters less alike": ([], [layer_of(*OUT, law=None, steps=steps_of(0.1))]),
    "nothing comes back": ([RANDOM], [layer_of(*BEST, empty=1.0)]),
}


@pytest.mark.parametrize("case", THEORY)
def test_words_of_the_theory(case):
    golden.check("your_net", f"the theory: {case}", your_net.theory_words(*THEORY[case]))


def test_beside_random_nets():
    others = np.random.default_rng(0).normal(0.6, 0.05, 20)
    low, high = one_more(Estimate.of(others))
    assert (low, high) == pytest.approx((0.6 - 0.11, 0.6 + 0.11), abs=0.05)
    for own, side in ((high + 0.03, 1), (0.6, 0), (low - 0.03, -1)):
        layer = layer_of([own] * 20, [0.2] * 20, [0.2] * 20, others)
        assert (layer.beside(), layer.beside("specific")) == (side, side)
        words = your_net.theory_words([], [layer])
        assert words[1].count(f"is {AMONG[side]} theirs") == 2
        golden.check("your_net", f"beside random nets: {AMONG[side]} them", words[-1:])


def test_all_that_is_pinned_is_tried():
    tried = [f"a matrix: {case}" for case in MATRICES] + [f"a reversal: {case}" for case in (*SIDES, *OTHERS)]
    tried += [f"the theory: {case}" for case in THEORY]
    tried += [f"beside random nets: {where} them" for where in ("above", "among", "below")]
    assert sorted(golden.cases("your_net")) == sorted(tried)


# --- of nets of several kinds -----------------------------------------------------------------------------------------


def read(model):
    """What is measured, the sides beside the controls layer by layer, and what follows for the theory."""
    reading = your_net.read(model, UNSEEN)
    sides = [tuple(layer.side(way) for way in CONTROLS) for layer in reading.layers]
    return reading, sides, reading.words()["What does the theory say of it?"][-1]


def test_an_untrained_net_is_as_the_theory_wants_it():
    reading, sides, _ = read(plain(64, 128, 64, 10))
    assert [row.verdict for row in reading.rows[:2]] == [RANDOM_LIKE] * 2
    assert sides == [(1, 1)] * 2
    assert [(x.beside("cosine"), x.beside("specific")) for x in reading.layers] == [(0, 0)] * 2


def test_a_trained_net_gives_back_more_of_the_image():
    reading, sides, _ = read(trained(plain(64, 128, 64, 10), 400))
    assert {row.verdict for row in reading.rows[:2]} <= {SPIKES, STRUCTURED}  # a narrow layer lies near the limit
    assert all(3 * left(row.nulls["permuted"]) <= left(row.measured) for row in reading.rows[:2])
    assert sides == [(1, 1)] * 2
    assert [x.beside("specific") for x in reading.layers] == [1, 1]


def test_a_deep_narrow_net_is_too_small_to_judge():
    reading, sides, _ = read(trained(plain(64, 16, 12, 10, 10), 500, lr=0.05))
    words = reading.words()["Are its weights random-like?"]
    assert sum("too small" in line for line in words) == len(reading.rows) == 4
    assert len(sides) == 3


def test_weight_decay_leaves_nothing_of_the_image():
    reading, sides, follows = read(trained(plain(64, 128, 64, 10), 500, decay=0.1))
    assert sides[0] == (1, 1)
    assert sides[1] == (0, 0)
    assert side_of(reading.layers[1].of("specific").ci95) == 0
    assert all(layer.one_class for layer in reading.layers)
    assert "h1" in follows
    assert "h2" not in follows


def test_random_labels_leave_no_random_weights():
    reading, sides, _ = read(trained(plain(64, 128, 64, 10), 3000, random_labels=True))
    assert reading.rows[0].verdict == STRUCTURED
    assert [on_law(row.measured, min(row.shape_used)) for row in reading.rows[:2]] == [False] * 2
    assert sides == [(1, 1)] * 2
    assert (reading.layers[0].beside("cosine"), reading.layers[0].beside("specific")) == (-1, 1)


@pytest.mark.parametrize("dead", ["biases", "zeros"])
def test_a_layer_that_is_never_active(dead):
    model = plain(64, 40, 36, 10)
    with torch.no_grad():
        model[2].bias.fill_(-100 if dead == "biases" else 0)
        model[2].weight.mul_(dead == "biases")
    reading, _, follows = read(model)
    assert [layer.dead for layer in reading.layers] == [False, True]
    assert not any("h2" in line for line in reading.words()["What does the theory say of it?"])
    assert [line.split()[2] for line in reading.skipped] == (["2"] if dead == "zeros" else [])
    with torch.no_grad():
        model[0].bias.fill_(-100)
    reading, _, follows = read(model)
    assert [layer.dead for layer in reading.layers] == [True, True]
    assert follows == your_net.theory_words(*THEORY["nothing comes back"])[-1]


def test_most_codes_empty_leave_a_typical_one():
    model = plain(64, 40, 10)
    with torch.no_grad():
        model[0].bias.copy_(-(UNSEEN @ model[0].weight.T).quantile(0.99, 0))
    reading, _, _ = read(model)
    (layer,) = reading.layers
    assert 0.5 < layer.empty < 1
    assert len(layer.typical) > 0
    assert f"h1 (k/t = {len(layer.typical)}/64" in str(reading)


# --- shown ------------------------------------------------------------------------------------------------------------


def test_a_reading_shows_in_html_what_it_prints():
    model = Sequential(OrderedDict([("<b>", Linear(64, 40)), ("r", ReLU()), ("head", Linear(40, 10))]))
    reading = your_net.read(model, UNSEEN)
    shown = reading._repr_html_()
    assert "Layer &lt;b&gt; (40 × 64)" in shown
    assert "<b>" not in shown
    text = html.unescape(re.sub(r"<[^>]+>", "", shown)).replace("\N{NO-BREAK SPACE}", " ")
    for line in str(reading).replace("- ", "").splitlines():
        assert line in text
    assert shown.count("<tr>") == 1 + len(WAYS)
    for way in WAYS:
        assert str(reading.layers[0].of("cosine", way)) in text
    for way in CONTROLS:
        assert str(reading.layers[0].above(way)) in text


@pytest.mark.parametrize("shift", [0, -0.5])
def test_pictures(shift):
    figure, alt, caption = your_net.pictures(plain(64, 40, 20, 12, 10), UNSEEN + shift, count=3)
    labels = [ax.get_ylabel() for ax in figure.axes if ax.get_ylabel()]
    assert labels == ["image", *(f"from h{layer},\n{WAYS[way]}" for layer in (1, 3) for way in (OWN, *CONTROLS))]
    assert len(figure.axes) == 3 * len(labels)
    drawn = figure.axes[0].get_images()[0].get_array()
    assert np.allclose(drawn.ravel(), UNSEEN[0] + shift - min(shift, 0))
    assert alt.startswith("Rows of 3 images: ")
    begins = "3 images (top row) and what comes down of their codes. Mean cosines with the images: from h1, its own"
    assert caption.startswith(f"{begins} weights 0.")
    plt.close(figure)
    oblong = refusal(lambda: your_net.pictures(plain(60, 20, 10), UNSEEN[:, :60]))
    assert oblong == "images must be square and grey to be drawn, not of 60 numbers each"
