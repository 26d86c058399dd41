"""A reader's own net in words: they follow the rules, and say what was measured."""

import html
import re
from collections import OrderedDict

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch.nn import Linear, ReLU, Sequential

from helpers import refusal
from reversible.base.estimates import Estimate
from reversible.spectra import matrix as spectra
from reversible.spectra.matrix import HEAVY_TAILED, RANDOM_LIKE, SPIKES, STRUCTURED
from reversible.your_net import words as your_net
from reversible.your_net.measures import CONTROLS, OWN, WAYS, Layer, one_more, side_of
from your_nets import UNSEEN, plain, trained

BOTH = "permuted weights and Gaussian weights"


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


# --- of a matrix ------------------------------------------------------------------------------------------------------


def matrix_words(matrix, verdict):
    row = spectra.analyse(matrix, "0")
    assert row.verdict == verdict
    return row.measured, row.nulls["permuted"], your_net.spectrum_words([row])[0]


def test_words_of_matrices_whose_kind_is_known():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((300, 100))
    m, _, words = matrix_words(noise, RANDOM_LIKE)
    fit = f"Its bulk is on the law (distance {m.ks:.3f}, where 0.060 is allowed)"
    assert words == f"Layer 0 (300 × 100) looks random-like. {fit}, and nothing leaves it."
    one = 3 * np.outer(rng.standard_normal(300), rng.standard_normal(100)) / 17
    m, _, words = matrix_words(noise + one, SPIKES)
    edge = f"the largest at {m.largest / m.edge_high:.1f} times its edge"
    assert f"is random-like but for its spikes. Its bulk is on the law (distance {m.ks:.3f}, where 0.060 is" in words
    assert f"but 1 of 100 singular values leaves the bulk, {edge}." in words
    assert "in random order look random-like: it lies in their order, and that is structure." in words
    m, free, words = matrix_words(np.random.default_rng(2).standard_t(3, (300, 100)), SPIKES)
    assert f"but {m.n_spikes} of 100 singular values leave the bulk" in words
    assert words.endswith(f"have {free.n_spikes} such: it lies in their size, not in their order.")
    m, _, words = matrix_words(rng.standard_t(1.5, (300, 100)), HEAVY_TAILED)
    assert f"not random-like but heavy-tailed. With an exponent of {m.alpha:.1f}, {m.n_spikes} of 100" in words
    assert words.endswith("are heavy-tailed: it lies in their size, too.")


def test_words_of_a_matrix_whose_columns_lean_on_each_other():
    rng = np.random.default_rng(0)
    wide = rng.standard_normal((300, 100)) @ np.diag(np.linspace(0.1, 3, 100)) @ rng.standard_normal((100, 100))
    m, free, words = matrix_words(wide, STRUCTURED)
    many = f"{m.n_spikes} of 100 singular values leave the bulk, the largest at {m.largest / m.edge_high:.1f} times"
    off = f"Its bulk is off the law (distance {m.ks:.3f}, where 0.060 is allowed)."
    assert f"is not random-like but structured. {many if m.n_spikes > 20 else off}" in words
    times = f"{m.gram_rms / free.gram_rms:.1f}"
    assert words.endswith(f"Its columns lean on each other {times} times as much as in random order.")
    narrow = np.kron(np.eye(60), np.ones((5, 1))) + 0.05 * rng.standard_normal((300, 60))
    m, _, words = matrix_words(narrow, STRUCTURED)
    assert m.n_spikes == 0
    assert f"structured. Its bulk is off the law (distance {m.ks:.3f}, where 0.067 is allowed)." in words


def test_a_small_matrix_is_not_judged_whatever_its_verdict():
    rows = [spectra.analyse(np.random.default_rng(1).standard_normal((n, 64)), str(n)) for n in (31, 32)]
    small, large = your_net.spectrum_words(rows)
    assert small == "Layer 31 (31 × 64) is too small to be judged. A law is not told from 31 singular values."
    assert "too small" not in large
    words = your_net.theory_words(rows[:1], [])
    assert words[0].endswith("No layer of this net is large enough to say whether it is such.")


# --- of a reversal ----------------------------------------------------------------------------------------------------


def layer_of(own, permuted, gaussian, random_nets=(0.5, 0.7), **more):
    """A layer whose cosines are those given, batch by batch; the image's own part is a tenth of them."""
    ways = zip(WAYS, (own, permuted, gaussian, random_nets), strict=True)
    rest = {"kept": [0.9, 0.8], "relative_error": [2.0, 2.0], "scaled_error": [0.5, 0.5], "scale": [0.5, 0.5]}
    values = {way: {"cosine": cosines, "specific": [0.1 * c for c in cosines], **rest} for way, cosines in ways}
    arrays = {way: {name: np.array(v) for name, v in measures.items()} for way, measures in values.items()}
    facts = {"below": 64, "active": 0.25, "empty": 0.0, "negative": 0.5, "one_class": False}
    return Layer(**{"number": 1, "by_batch": arrays, "typical": np.ones(5), "law": 0.9, **facts, **more})


SIDES = {
    f"better than with {BOTH}": ([0.9, 0.91], [0.5, 0.51], [0.4, 0.41]),
    "better than with permuted weights; worse than with Gaussian weights": ([0.6, 0.61], [0.5, 0.51], [0.7, 0.71]),
    "better than with permuted weights; no differently, as far as can be told, than with Gaussian weights":
        ([0.6, 0.61], [0.5, 0.51], [0.3, 0.71]),
    f"no differently, as far as can be told, than with {BOTH}": ([0.6, 0.61], [0.6, 0.61], [0.5995, 0.6095]),
    f"worse than with {BOTH}": ([0.6, 0.61], [0.7, 0.71], [0.8, 0.81]),
}  # fmt: skip


@pytest.mark.parametrize("says", SIDES)
def test_words_of_a_reversal_by_the_rule(says):
    layer = layer_of(*SIDES[says])
    words = your_net.reversal_words([layer])[0]
    assert words.startswith(f"From h1 the net reverses {says}. The cosine of a code and what comes back is ")
    better = says == f"better than with {BOTH}"
    assert your_net.theory_words([], [layer])[-1].startswith("So from h1 it" if better else "So from no layer does it")


def test_numbers_of_a_reversal():
    layer = layer_of([0.6, 0.62], [0.5, 0.5], [0.71, 0.72], empty=0.05)
    words = your_net.reversal_words([layer])[0]
    by = f"{layer.above('permuted')} more than with permuted weights and {Estimate.of([0.11, 0.10])} less than with"
    assert f"is {layer.of('cosine')}, on average {by} Gaussian weights." in words
    assert f"Of this {layer.of('specific')} is the image's own: the cosine with what comes back of another" in words
    assert "class for 85 % of the images (85 % with permuted weights and 85 % with Gaussian weights)." in words
    assert words.endswith("For 5.0 % of the images no unit is active, which counts as lost.")


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


def test_beside_random_nets():
    others = np.random.default_rng(0).normal(0.6, 0.05, 20)
    low, high = one_more(Estimate.of(others))
    assert (low, high) == pytest.approx((0.6 - 0.11, 0.6 + 0.11), abs=0.05)
    for own, side, says in ((high + 0.03, 1, "more comes back"), (0.6, 0, "do as well"), (low - 0.03, -1, "do better")):
        layer = layer_of([own] * 20, [0.2] * 20, [0.2] * 20, others)
        assert (layer.beside(), layer.beside("specific")) == (side, side)
        words = your_net.theory_words([], [layer])
        assert words[1].count(f"is {your_net.AMONG[side]} theirs") == 2
        assert says in words[-1]


def test_what_has_no_map_and_what_fits():
    deep = layer_of(*SIDES[f"worse than with {BOTH}"], number=5, law=None)
    words = your_net.theory_words([], [deep, layer_of([0.9, 0.9], [0.1, 0.1], [0.1, 0.1])])
    assert "The map has no place for h5: more than 4 layers, or images below zero." in words
    assert any(line.endswith("fit best 2.0 times shorter from h5 and 2.0 times shorter from h1.") for line in words)
    half = "below zero (of the biases 50 % of h5 and 50 % of h1 are) and few active units (25 % of h5 and 25 % of h1)."
    assert any(line.endswith(half) for line in words)
    assert words[-1].startswith("So from h1 it reverses by its own weights, and its layers are too small to judge")
    assert words[-1].endswith("The theorems do not reach h1: they need sparser codes or wider layers.")


def test_less_is_lost_than_the_law_says_or_not():
    cosines = [0.9, 0.9], [0.1, 0.1], [0.1, 0.1]
    for law, less in ((0.6, True), (0.4, False)):
        words = " ".join(your_net.theory_words([], [layer_of(*cosines, law=law)]))
        assert f"The law for Gaussian weights loses {law:.2f} of such codes and promises nothing; at the best" in words
        assert ("That is less: the codes lean towards the weights that made them" in words) == less


def test_some_weights_are_not_as_the_theory_wants_them():
    rng, layer = np.random.default_rng(0), layer_of([0.9, 0.9], [0.1, 0.1], [0.1, 0.1])
    matrices = rng.standard_normal((300, 100)), rng.standard_t(1.5, (300, 100))
    random_like, heavy = (spectra.analyse(matrix, str(i)) for i, matrix in enumerate(matrices))
    assert heavy.verdict == HEAVY_TAILED
    first, *_, last = your_net.theory_words([random_like, heavy], [layer])
    assert first.endswith("Layer 0 is such, as far as can be seen. Layer 1 is not such.")
    assert "some of its weights are not as the theory wants them, so its reason cannot be the whole reason." in last
    *_, last = your_net.theory_words([heavy, heavy], [layer])
    assert "its weights are not as the theory wants them, so its reason is not the reason." in last


# --- of nets of several kinds -----------------------------------------------------------------------------------------


def read(model):
    reading = your_net.read(model, UNSEEN)
    return [" ".join(lines) for lines in reading.words().values()], reading.layers


def test_an_untrained_net_is_as_the_theory_wants_it():
    (weights, reverses, theory), _ = read(plain(64, 128, 64, 10))
    assert weights.count("looks random-like") == 2
    assert reverses.count(f"the net reverses better than with {BOTH}.") == 2
    assert "Layers 0 and 2 are such, as far as can be seen." in theory
    assert "from h1 and h2 the cosine is among theirs, and the part that is the image's own is among theirs." in theory
    assert "From h1 and h2 random nets in its place do as well." in theory
    assert "its weights are as the theory wants them." in theory


def test_a_trained_net_gives_back_more_of_the_image():
    (weights, reverses, theory), layers = read(trained(plain(64, 128, 64, 10), 400))
    assert weights.count("is random-like but for its spikes") == 2
    assert weights.count("it lies in their order, and that is structure.") == 2
    assert reverses.count(f"the net reverses better than with {BOTH}.") == 2
    assert all(layer.beside("specific") == 1 for layer in layers)
    assert "but for the spikes its weights are as the theory wants them" in theory
    assert "The theorems do not reach h1 and h2" in theory


def test_a_deep_narrow_net_is_too_small_to_judge():
    (weights, reverses, theory), layers = read(trained(plain(64, 16, 12, 10, 10), 500, lr=0.05))
    assert weights.count("is too small to be judged.") == 4
    assert len(layers) == reverses.count("the net reverses") == 3
    assert "No layer of this net is large enough to say whether it is such." in theory
    assert "and its layers are too small to judge its weights" in theory


def test_weight_decay_leaves_nothing_of_the_image():
    (_, reverses, theory), _ = read(trained(plain(64, 128, 64, 10), 500, decay=0.1))
    second, end = reverses[reverses.index("From h2") :], theory[theory.index("So from") :]
    assert second.startswith(f"From h2 the net reverses no differently, as far as can be told, than with {BOTH}.")
    assert "None of this is the image's own, as far as can be told" in second
    assert reverses.count("The net gives all images one class, so a class that is kept tells nothing.") == 2
    assert end.startswith("So from h1 it reverses by its own weights")
    assert "h2" not in end


def test_random_labels_leave_no_random_weights():
    (weights, reverses, theory), layers = read(trained(plain(64, 128, 64, 10), 3000, random_labels=True))
    assert weights.count("is not random-like but structured.") == 2
    assert reverses.count(f"the net reverses better than with {BOTH}.") == 2
    assert "Layers 0 and 2 are not such." in theory
    assert "its weights are not as the theory wants them, so its reason is not the reason." in theory
    assert (layers[0].beside("cosine"), layers[0].beside("specific")) == (-1, 1)
    assert "From h1 less comes back than random nets give back of theirs, but more of it is the image's own." in theory


@pytest.mark.parametrize("dead", ["biases", "zeros"])
def test_a_layer_that_is_never_active(dead):
    model = plain(64, 40, 36, 10)
    with torch.no_grad():
        model[2].bias.fill_(-100 if dead == "biases" else 0)
        model[2].weight.mul_(dead == "biases")
    (weights, reverses, theory), layers = read(model)
    assert layers[1].dead
    assert reverses.endswith("From h2 nothing comes back: no unit of it is ever active, whatever the image.")
    assert "h2" not in theory
    assert ("Of layer 2 nothing can be said" in weights) == (dead == "zeros")
    with torch.no_grad():
        model[0].bias.fill_(-100)
    (_, _, theory), _ = read(model)
    assert theory.endswith("reverse better than with other weights: there is nothing here to explain.")


def test_most_codes_empty_leave_a_typical_one():
    model = plain(64, 40, 10)
    with torch.no_grad():
        model[0].bias.copy_(-(UNSEEN @ model[0].weight.T).quantile(0.99, 0))
    (_, reverses, theory), (layer,) = read(model)
    assert 0.5 < layer.empty < 1
    assert len(layer.typical) > 0
    assert "no unit is active, which counts as lost." in reverses
    assert f"h1 at k/t = {len(layer.typical)}/64" in theory


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
    figure, alt = your_net.pictures(plain(64, 40, 20, 12, 10), UNSEEN + shift, count=3)
    labels = [ax.get_ylabel() for ax in figure.axes if ax.get_ylabel()]
    assert labels == ["image", *(f"from h{layer},\n{WAYS[way]}" for layer in (1, 3) for way in (OWN, *CONTROLS))]
    assert len(figure.axes) == 3 * len(labels)
    drawn = figure.axes[0].get_images()[0].get_array()
    assert np.allclose(drawn.ravel(), UNSEEN[0] + shift - min(shift, 0))
    assert alt.startswith("3 images and what comes down of their codes; mean cosines: from h1, its own weights 0.")
    plt.close(figure)
    oblong = refusal(lambda: your_net.pictures(plain(60, 20, 10), UNSEEN[:, :60]))
    assert oblong == "images must be square and grey to be drawn, not of 60 numbers each"
