"""Synthetic images: what they are, by hand; what the controls change and what they keep; no gradient through them."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import fft, ndimage
from torch.nn import functional

from by_hand import synthetic, trained_by_hand
from helpers import refusal
from reversible import data
from reversible.nets.net import Net
from reversible.training import run as train
from reversible.training import synthetic as shadow
from reversible.training.config import Point, Training
from reversible.training.run import Run
from reversible.training.stack import initial
from reversible.training.synthetic import Generation, Shadow, smoothed

P = Training(data="digits", hidden=(30, 20, 16), steps=3, lr=0.05, batch=50, seeds=(3,), shadow=Shadow())


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def stack(*widths, seeds=(0, 1)):
    """Nets as they begin, with biases."""
    nets = [initial(widths, generator) for generator in generators(*seeds)]
    weights = (torch.stack(same) for same in zip(*(net.weights for net in nets), strict=True))
    return Net(tuple(weights), tuple(torch.full((len(seeds), width), 0.02) for width in widths[1:]))


def images(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def length(x):
    return torch.linalg.vector_norm(x.double(), dim=-1)


NET, X = stack(64, 30, 20, 10), images(2, 7, 64)


def made(net=NET, x=X, seeds=(5, 6), signed=False, **changes):
    """Synthetic images by one call, from generators of their own."""
    return Generation.of(Shadow(**changes), net, 8, signed, generators(8, 9))(net, x, generators(*seeds))


# --- trained with, by hand --------------------------------------------------------------------------------------------


def worst(net, values):
    """The largest difference of a matrix or a bias from what it should be, relative to its largest entry."""
    pairs = zip((*net.weights, *net.biases), values, strict=True)
    return max(np.abs(value.numpy() - expected).max() / np.abs(expected).max() for value, expected in pairs)


@pytest.mark.parametrize(
    "change",
    [
        *({"shadow": Shadow(source=source), "inputs": how} for source in (1, 2, 3) for how in ("unit", "standard")),
        {"shadow": Shadow(scale="theory", rho=0.6)},
        {"shadow": Shadow(scale="theory", rho=0.6), "inputs": "standard"},
        {"shadow": Shadow(share=0.3, start=1, rho=0.7), "inputs": "standard", "dropout": 0.3},
    ],
)
def test_three_steps_by_hand(change):
    p = replace(P, **change)
    assert worst(train.final_net(p), trained_by_hand(p)) < 2e-6


def test_no_gradient_flows_through_the_generation(monkeypatch):
    expected = trained_by_hand(P)
    assert worst(train.final_net(P), expected) < 2e-6
    monkeypatch.setattr(Generation, "__call__", inspect.unwrap(Generation.__call__))
    assert worst(train.final_net(P), expected) > 1e-3


@pytest.mark.parametrize(("share", "count"), [(1.0, 50), (0.3, 15), (0.001, 1)])
def test_share_is_how_many_synthetic_images_a_batch_gets(monkeypatch, share, count):
    batches, right = [], train.losses
    monkeypatch.setattr(train, "losses", lambda *given: batches.append(given[1]) or right(*given))
    Run(replace(P, shadow=Shadow(share=share, start=2))).advance(4)
    assert [labels.shape for labels in batches] == [(1, 50)] * 2 + [(1, 50 + count)] * 2
    for labels in batches[2:]:
        assert torch.equal(labels[:, 50:], labels[:, :count])


def test_the_test_looks_at_images_without_sampling_and_smoothing():
    """At the net's own errors on synthetic test images, by hand; not even dropout is on."""
    looked = {"shadow": Shadow(rho=0.5, smoothing="blur"), "inputs": "standard", "dropout": 0.5}
    run = Run(replace(P, hidden=(60, 50, 40), lr=0.01, **looked))
    run.advance(40)
    point, net, test = Point(**run.look()), run.stack.nets()[0], data.load("digits", train=False)
    weights, biases = ([value.double().numpy() for value in values] for values in (net.weights, net.biases))
    scaled = data.load("digits", train=True).pixels.double().numpy() / 16
    shown = (test.pixels.double().numpy() / 16 - scaled.mean()) / scaled.std()
    made_of_them = synthetic(replace(run.p, shadow=Shadow()), weights, biases, shown, None)
    for x, error in ((shown, point.test_error), (made_of_them, point.synthetic_error)):
        wrong = net.logits(torch.from_numpy(x).float()).argmax(-1) != test.labels
        assert error[0] == pytest.approx(float(wrong.double().mean()))
    assert point == replace(Point(**run.look()), seconds=point.seconds)


# --- scale, sampling, smoothing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("generation", ["transpose", "permuted", "gaussian"])
@pytest.mark.parametrize("change", [{}, {"rho": 0.5}, {"smoothing": "blur"}, {"signed": True}])
def test_by_norm_each_is_as_long_as_its_image(generation, change):
    assert torch.allclose(length(made(generation=generation, **change)), length(X), rtol=1e-5)


def test_by_theory_the_scale_is_the_product_of_the_layers():
    """2 / (n v) of each layer's matrix, at rho = 1; the direction is that of the norm's."""
    theory = made(scale="theory")
    alphas = [2 / (A.shape[-1] * A.square().mean((-2, -1), keepdim=True)) for A in NET.weights[:2]]
    back = torch.relu(torch.relu(NET.up(X, 2)[-1] @ NET.weights[1]) @ NET.weights[0])
    assert torch.allclose(theory, alphas[0] * alphas[1] * back, atol=1e-6)
    assert torch.allclose(functional.cosine_similarity(theory, made(), dim=-1), torch.ones(2, 7))
    assert not torch.allclose(length(theory), length(X), rtol=0.05)


def test_a_sampled_image_keeps_a_share_of_its_pixels():
    net, x = stack(64, 300, 10), images(2, 200, 64)
    on = (made(net, x, source=1) > 0).double().mean()
    for rho in (0.5, 0.2):
        assert float((made(net, x, source=1, rho=rho) > 0).double().mean() / on) == pytest.approx(rho, abs=0.02)


def test_signed_images_have_entries_below_zero():
    assert bool((made(signed=True) < 0).any())
    assert not bool((made() < 0).any())


def test_an_image_of_zeros_or_one_that_nothing_comes_back_of_gives_zeros():
    dark = replace(NET, biases=tuple(bias - 1e3 for bias in NET.biases))
    for generation in ("transpose", "permuted", "gaussian"):
        assert torch.equal(made(x=0 * X, generation=generation), 0 * X)
        assert torch.equal(made(dark, generation=generation), 0 * X)
        assert torch.equal(made(dark, generation=generation, scale="theory"), 0 * X)


@pytest.mark.parametrize("name", shadow.SMOOTHERS)
@pytest.mark.parametrize("side", [8, 28, 32])
def test_a_kernel_keeps_what_is_constant(name, side):
    kernel = shadow.SMOOTHERS[name](side)
    assert np.allclose(kernel.sum(1), 1)
    even = torch.full((2, 3 * side**2), 0.7)
    assert torch.allclose(smoothed(even, torch.from_numpy(kernel).float()), even)


def test_blur_and_lowpass_channel_by_channel():
    x = images(2, 4, 3 * 64)
    pictures = x.double().numpy().reshape(2, 4, 3, 8, 8)
    blurred, low = (smoothed(x, torch.from_numpy(make(8)).float()) for make in shadow.SMOOTHERS.values())
    expected = ndimage.gaussian_filter(pictures, 1.0, axes=(3, 4), mode="nearest")
    assert np.allclose(blurred.numpy().reshape(pictures.shape), expected, atol=1e-6)
    frequencies = np.asarray(fft.dctn(pictures, axes=(3, 4), norm="ortho"))
    frequencies[..., 4:, :], frequencies[..., 4:] = 0, 0
    expected = np.asarray(fft.idctn(frequencies, axes=(3, 4), norm="ortho"))
    assert np.allclose(low.numpy().reshape(pictures.shape), expected, atol=1e-6)
    kernel = shadow.SMOOTHERS["lowpass"](8)
    assert np.allclose(kernel @ kernel, kernel)


def test_smoothing_comes_after_the_way_down_and_before_the_scale():
    for name, make in shadow.SMOOTHERS.items():
        expected = smoothed(made(scale="theory", rho=0.5), torch.from_numpy(make(8)).float())
        assert torch.allclose(made(scale="theory", rho=0.5, smoothing=name), expected, atol=1e-6)
        scaled = expected * (length(X) / length(expected))[..., None].float()
        assert torch.allclose(made(rho=0.5, smoothing=name), scaled, atol=1e-5)


def test_plain_is_without_sampling_and_smoothing_and_else_the_same():
    for generation in shadow.GENERATIONS:
        changed, bare = (
            Generation.of(Shadow(generation=generation, scale="theory", **change), NET, 8, True, generators(8, 9))
            for change in ({"rho": 0.5, "smoothing": "blur"}, {})
        )
        assert torch.equal(changed.plain()(NET, X, generators(1, 2)), bare(NET, X, generators(1, 2)))
        assert not torch.equal(changed(NET, X, generators(1, 2)), bare(NET, X, generators(1, 2)))


# --- the controls -----------------------------------------------------------------------------------------------------


def test_permuted_takes_the_present_entries_from_places_drawn_once():
    generation = Generation.of(Shadow(generation="permuted"), NET, 8, False, generators(8, 9))
    other = stack(64, 30, 20, 10, seeds=(3, 4))
    before, after = (generation._matrices(net, generators(1, 2)) for net in (NET, other))
    for layer in range(2):
        for s in range(2):
            A, permuted = NET.weights[layer][s].flatten(), before[layer][s].flatten()
            assert torch.equal(A.sort().values, permuted.sort().values)
            assert float((permuted == A).double().mean()) < 0.05
            places = {float(a): place for place, a in enumerate(A)}
            taken = torch.tensor([places[float(a)] for a in permuted])
            assert torch.equal(after[layer][s].flatten(), other.weights[layer][s].flatten()[taken])
    assert not torch.equal(generation.places[0][0], generation.places[0][1])
    assert not torch.allclose(made(generation="permuted"), made())
    assert torch.equal(made(generation="permuted"), made(generation="permuted", seeds=(1, 2)))


def test_permuted_places_are_the_seeds_own_and_stay(monkeypatch):
    used, right = [], Generation.__call__
    monkeypatch.setattr(Generation, "__call__", lambda self, *given: used.append(self.places) or right(self, *given))
    for seeds in ((3, 4), (4,)):
        run = Run(replace(P, seeds=seeds, shadow=Shadow(generation="permuted")))
        run.advance(2)
        run.look()
    first, second, looked, *_ = together = used[: len(used) // 2]
    alone = used[len(used) // 2]
    assert len(together) == 3
    for one, again, seen, own in zip(first, second, looked, alone, strict=True):
        assert torch.equal(one, again)
        assert torch.equal(one, seen)
        assert torch.equal(one[1], own[0])
        assert not torch.equal(one[0], one[1])


def test_gaussian_matrices_are_fresh_at_every_step():
    generation = Generation.of(Shadow(generation="gaussian"), NET, 8, False, generators(8, 9))
    streams = generators(1, 2)
    first, second = (generation(NET, X, streams) for _ in range(2))
    assert not torch.allclose(first, second)
    assert torch.equal(first, generation(NET, X, generators(1, 2)))
    other, same = (generation._matrices(net, generators(1, 2)) for net in (stack(64, 30, 20, 10, seeds=(3, 4)), NET))
    assert all(torch.equal(a, b) for a, b in zip(other, same, strict=True))  # nothing of the net's own matrices
    wide = generation._matrices(stack(784, 300, 20, 10), generators(1, 2))[0][0]
    assert (float(wide.mean()), float(wide.std())) == (pytest.approx(0, abs=0.01), pytest.approx(1, abs=0.01))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("change", [{}, {"scale": "theory"}, {"rho": 0.5}, {"smoothing": "lowpass"}, {"source": 1}])
def test_noise_is_as_far_from_the_image_as_its_synthetic_image(change, signed):
    noisy, back = (made(signed=signed, generation=how, **change) for how in ("noise", "transpose"))
    assert torch.allclose(length(noisy - X), length(back - X), rtol=1e-4)
    cosines = functional.cosine_similarity(noisy - X, back - X, dim=-1)
    assert float(cosines.abs().mean()) < 0.3  # and in another direction
    pairs = functional.cosine_similarity((noisy - X)[:, 1:], (noisy - X)[:, :-1], dim=-1)
    assert float(pairs.abs().mean()) < 0.3  # for each image its own


@pytest.mark.parametrize("generation", shadow.GENERATIONS)
def test_of_a_stack_each_net_makes_its_own(generation):
    both = made(generation=generation, rho=0.5)
    for s in range(2):
        alone = Net(*(tuple(value[s : s + 1] for value in values) for values in (NET.weights, NET.biases)))
        maker = Generation.of(Shadow(generation=generation, rho=0.5), alone, 8, False, generators(8 + s))
        assert torch.allclose(maker(alone, X[s : s + 1], generators(5 + s))[0], both[s], atol=1e-5)


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"source": 0}, "source must be an integer from 1"),
        ({"source": 1.5}, "source must be an integer from 1"),
        ({"scale": "none"}, "scale must be one of norm, theory, not 'none'"),
        ({"rho": 0}, "rho must be a number from 1e-12 to 1, not 0"),
        ({"rho": 1.5}, "rho must be a number from 1e-12 to 1, not 1.5"),
        ({"smoothing": "median"}, "smoothing must be one of off, blur, lowpass, not 'median'"),
        ({"share": 0}, "share must be a number from 1e-12 to 1, not 0"),
        ({"share": 1.5}, "share must be a number from 1e-12 to 1, not 1.5"),
        ({"start": -1}, "start must be an integer from 0"),
        ({"generation": "inverse"}, "generation must be one of transpose, permuted, gaussian, noise, not 'inverse'"),
    ],
)
def test_bad_parameters_are_one_line(change, says):
    assert says in refusal(lambda: Shadow(**change))


def test_a_source_the_net_has_not_is_one_line():
    says = "source must be a hidden layer from h1 to h2, not h3"
    assert refusal(lambda: made(source=3)) == says
    assert refusal(lambda: replace(P, hidden=(30, 20), shadow=Shadow(source=3))) == says
