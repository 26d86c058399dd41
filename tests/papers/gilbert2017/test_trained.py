"""Trained filters: activations against torch's own modules, correlations against loops, and what is not at hand."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from helpers import refusal, skip_without
from reversible import data
from reversible.papers.gilbert2017.experiments import filters_at_hand, trained_filters
from reversible.papers.gilbert2017.experiments.filters_at_hand import EXACT, LENET, PLACES, VGG, Vgg
from reversible.papers.gilbert2017.experiments.trained_filters import FilterCoherenceResult
from reversible.papers.gilbert2017.published import TABLE_2, TABLE_3, TABLE_4
from reversible.runs.experiment import Absent


@pytest.fixture
def nothing_at_hand(tmp_path, monkeypatch):
    def refused(name):
        raise data.NotAtHand(f"{name} is not at hand")

    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    monkeypatch.setattr(data, "_download", refused)


def small_vgg(seed=0):
    generator = torch.Generator().manual_seed(seed)
    widths = {"conv1_1": (3, 4), "conv1_2": (4, 4), "conv2_1": (4, 6), "conv2_2": (6, 6), "conv3_1": (6, 8)}
    weights = {"preprocess.weight": torch.randn(3, 3, 1, 1, generator=generator), "preprocess.bias": torch.ones(3)}
    for name, (M, K) in widths.items():
        weights |= {f"{name}.weight": torch.randn(K, M, 3, 3, generator=generator), f"{name}.bias": torch.randn(K)}
    return Vgg(weights)


def test_activations_are_those_of_torchs_own_layers():
    net, images = small_vgg(), torch.rand(2, 3, 16, 16)
    layers = nn.Sequential(
        nn.Conv2d(3, 3, 1), nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(),
    )  # fmt: skip
    names = ("preprocess", "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")
    with torch.no_grad():
        for name, layer in zip(names, [m for m in layers if isinstance(m, nn.Conv2d)], strict=True):
            layer.weight.copy_(net.weights[f"{name}.weight"])
            assert layer.bias is not None
            layer.bias.copy_(net.weights[f"{name}.bias"])
        x, wanted = images, []
        for layer in layers:
            x = layer(x)
            wanted.append(x)
    found = net.activations(images)
    places = dict(zip(("seen", "c11", "c12", "p1", "c21", "c22", "p2", "c31"), (0, 2, 4, 5, 7, 9, 10, 12), strict=True))
    assert list(found) == list(places)
    for place, index in places.items():
        torch.testing.assert_close(found[place], wanted[index])
    assert list(net.activations(images, last="p1")) == ["seen", "c11", "c12", "p1"]
    assert list(net.activations(images, last="seen")) == ["seen"]


def test_shares_do_not_hang_on_the_scale_of_channels():
    """As the copy at hand has it: each channel divided by a positive number, on its way out and on its way in."""
    net, images = small_vgg(), torch.rand(2, 3, 16, 16)
    scale = torch.rand(4) + 0.5
    rescaled = dict(net.weights)
    rescaled["conv1_1.weight"] = net.weights["conv1_1.weight"] / scale[:, None, None, None]
    rescaled["conv1_1.bias"] = net.weights["conv1_1.bias"] / scale
    rescaled["conv1_2.weight"] = net.weights["conv1_2.weight"] * scale[None, :, None, None]
    one, other = net.activations(images), Vgg(rescaled).activations(images)
    for place in TABLE_2:
        shares = [float((found[place] > 0).float().mean()) for found in (one, other)]
        assert shares[0] == pytest.approx(shares[1], abs=2e-3), place


def test_random_weights_have_the_shapes_and_no_biases():
    net = small_vgg()
    drawn = net.random(torch.Generator().manual_seed(1))
    assert {name: w.shape for name, w in drawn.weights.items()} == {n: w.shape for n, w in net.weights.items()}
    assert not drawn.weights["conv1_1.bias"].any()
    assert torch.equal(drawn.weights["preprocess.weight"], net.weights["preprocess.weight"])
    assert float(drawn.weights["conv3_1.weight"].std()) == pytest.approx((2 / 54) ** 0.5, rel=0.15)


@pytest.mark.parametrize("seed", range(5))
def test_correlations_with_shifts_are_those_of_loops(seed):
    filters = np.random.default_rng(seed).standard_normal((3, 2, 3, 3))
    unit = filters / np.sqrt((filters**2).sum((1, 2, 3), keepdims=True))
    worst = 0.0
    for a, b, down, right in itertools.product(range(3), range(3), range(-2, 3), range(-2, 3)):
        if (a, down, right) == (b, 0, 0):
            continue
        total = 0.0
        for channel, r, c in itertools.product(range(2), range(3), range(3)):
            if 0 <= r + down < 3 and 0 <= c + right < 3:
                total += unit[a, channel, r, c] * unit[b, channel, r + down, c + right]
        worst = max(worst, abs(total))
    assert trained_filters._shifted(torch.from_numpy(filters)) == pytest.approx(worst)


def test_replaced_filters_keep_what_they_should():
    filters = torch.randn(4, 2, 3, 3)
    permuted = trained_filters._replaced(filters, "permuted", torch.Generator().manual_seed(0))
    assert not torch.equal(permuted, filters)
    torch.testing.assert_close(permuted.flatten(1).sort(1).values, filters.flatten(1).sort(1).values)
    assert trained_filters._replaced(filters, "learned", torch.Generator()) is filters


def test_coherence_of_random_filters_is_on_the_law_and_a_planted_pair_is_seen(monkeypatch):
    p = trained_filters.FilterCoherence(filters="random", count=30, fan_in=40, draws=80, seed=3)
    found = trained_filters.filter_coherence(p)
    assert isinstance(found, FilterCoherenceResult)
    assert np.mean(found.share_below) == pytest.approx(0.5, abs=0.1)
    assert all(signed <= modulus for signed, modulus in zip(found.signed, found.modulus, strict=True))
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((20, 4, 3, 3))
    weights[7] = -0.9 * weights[3] + 0.1 * weights[7]
    monkeypatch.setattr(trained_filters, "_weights", lambda net, layer: weights)
    seen = trained_filters.filter_coherence(trained_filters.FilterCoherence(filters="vgg_c11", seed=0))
    assert isinstance(seen, FilterCoherenceResult)
    assert seen.modulus[0] > 0.95 > 0.8 > seen.signed[0]
    assert seen.share_below[0] > 0.999


def test_the_papers_tables_are_whole():
    assert (len(TABLE_2), len(TABLE_3), len(TABLE_4)) == (7, 4, 13)
    assert [line.fan_in for line in TABLE_4.values()][:3] == [27, 576, 576]
    assert all(line.learned > line.random for line in TABLE_4.values())
    assert trained_filters.inside(absolute=True) < trained_filters.inside(absolute=False) == 13


@pytest.mark.parametrize("place", EXACT)
def test_places_are_inputs_and_the_filters_that_see_them(place):
    files = ["MNIST/raw/t10k-images-idx3-ubyte"] if "lenet" in place else ["cifar-10-batches-py/test_batch"]
    skip_without([f"weights/{LENET if 'lenet' in place else VGG}.npz", *files])
    found = filters_at_hand.at(place, slice(3))
    assert found.x.shape[:2] == (3, found.filters.shape[1])
    result = trained_filters.rebuilt_inputs(trained_filters.RebuiltInputs(place=place, groups=1, seed=0))
    assert isinstance(result, trained_filters.RebuiltInputsResult)
    assert result.errors["noise"] == [pytest.approx(2**0.5, abs=0.1)]
    assert result.errors["random"][0] < result.errors["fixed"][0]


def test_what_is_not_at_hand_is_said_to_be_absent(nothing_at_hand):
    cells = [
        trained_filters.active_shares(
            trained_filters.ActiveShares(weights="learned", pictures="cifar10", groups=1, seed=0)
        ),
        trained_filters.rebuilt_inputs(trained_filters.RebuiltInputs(place=PLACES[0], groups=1, seed=0)),
        trained_filters.filter_coherence(trained_filters.FilterCoherence(filters="vgg_c11", seed=0)),
    ]
    assert cells == [Absent(trained_filters.NOT_AT_HAND)] * 3


BAD = {
    "weights must be one of": lambda: trained_filters.ActiveShares(weights="x", pictures="cifar10", groups=1, seed=0),
    "pictures must be one of": lambda: trained_filters.ActiveShares(weights="random", pictures="x", groups=1, seed=0),
    "place must be one of": lambda: trained_filters.RebuiltInputs(place="x", groups=1, seed=0),
    "filters must be one of": lambda: trained_filters.FilterCoherence(filters="x", seed=0),
}


@pytest.mark.parametrize("says", BAD)
def test_what_cannot_be_is_refused_in_one_line(says):
    assert says in refusal(BAD[says])
