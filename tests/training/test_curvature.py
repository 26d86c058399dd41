"""Curvature and gradient noise beside matrices that are built entry by entry, and what is refused."""

import itertools
import math

import mpmath
import numpy as np
import pytest
import torch
from torch.nn import Conv2d, Flatten, Linear, ReLU, Sequential, functional

from helpers import refusal
from reversible.nets.net import Net
from reversible.training import curvature as module
from reversible.training.curvature import Landscape, indicator, matrices, of_module, of_net, top_eigenvalues
from reversible.training.stack import initial

SAMPLES, WIDTHS = 12, (5, 4, 3)


@pytest.fixture(scope="module")
def landscape():
    generator = torch.Generator().manual_seed(3)
    first = initial(WIDTHS, generator)
    net = Net(tuple(W.double() for W in first.weights), tuple(b.double() + 0.1 for b in first.biases))
    x = torch.randn(SAMPLES, WIDTHS[0], generator=generator, dtype=torch.float64)
    return of_net(net, x, torch.arange(SAMPLES) % 3)


def loss_in_many_digits(w, x, label):
    """The cross entropy of one sample in the same net, by mpmath and loops."""
    w, at = list(w), 0
    code = list(x)
    sizes = list(itertools.pairwise(WIDTHS))
    weights = []
    for n, m in sizes:
        weights.append([w[at + i * n : at + (i + 1) * n] for i in range(m)])
        at += n * m
    for place, (rows, (_, m)) in enumerate(zip(weights, sizes, strict=True)):
        made = [sum(a * b for a, b in zip(row, code, strict=True)) + w[at + i] for i, row in enumerate(rows)]
        at += m
        code = made if place == len(sizes) - 1 else [max(mpmath.mpf(0), value) for value in made]
    return mpmath.log(sum(mpmath.exp(value) for value in code)) - code[label]


def test_hessian_and_covariance_are_those_of_differences_in_many_digits(landscape):
    H, S = matrices(landscape)
    with mpmath.workdps(40):
        h = mpmath.mpf(10) ** -12
        w = [mpmath.mpf(float(value)) for value in landscape.weights]
        samples = [([mpmath.mpf(float(v)) for v in x], int(y)) for x, y in zip(*landscape.samples, strict=True)]

        def slope(at, i):
            up, down = list(at), list(at)
            up[i] += h
            down[i] -= h
            return [(loss_in_many_digits(up, *s) - loss_in_many_digits(down, *s)) / (2 * h) for s in samples]

        pair = (2, 21)  # a weight of the first layer and one of the second
        g = np.array([[float(v) for v in slope(w, i)] for i in pair])
        up, down = list(w), list(w)
        up[pair[1]] += h
        down[pair[1]] -= h
        mixed = sum((a - b) / (2 * h) for a, b in zip(slope(up, pair[0]), slope(down, pair[0]), strict=True))
        assert float(H[pair]) == pytest.approx(float(mixed) / SAMPLES, rel=1e-8)
    assert S[pair].item() == pytest.approx(np.cov(g, bias=True)[0, 1], rel=1e-8)


def test_products_traces_and_top_eigenvalues_are_those_of_the_matrices(landscape):
    H, S = matrices(landscape)
    v = torch.randn(landscape.size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert landscape.hessian_times(v).numpy() == pytest.approx((H @ v).numpy(), abs=1e-12)
    assert landscape.trace_of_noise() == pytest.approx(float(torch.trace(S)), rel=1e-12)
    assert landscape.top(3) == pytest.approx(np.linalg.eigvalsh(H.numpy())[::-1][:3], rel=1e-4)
    vectors = top_eigenvalues(landscape.hessian_times, v, 1)[1]
    assert np.linalg.norm(H.numpy() @ vectors - landscape.top()[0] * vectors) < 0.05 * landscape.top()[0]


def test_noise_has_the_covariance_of_single_gradients(landscape):
    """By all sign vectors of a small set of samples at once: then the mean of v v^T is exact."""
    few = Landscape(
        landscape.of_one, lambda w: landscape.of_all(w)[:4], landscape.weights, tuple(s[:4] for s in landscape.samples)
    )
    signs = torch.tensor([[1.0 if (i >> j) & 1 else -1.0 for j in range(4)] for i in range(16)]).double()
    drawn = torch.stack([few.noise(sign) for sign in signs])
    assert (drawn.T @ drawn / 16).numpy() == pytest.approx(matrices(few)[1].numpy(), abs=1e-12)


def test_the_indicator_is_unbiased_and_its_interval_holds_it(landscape):
    H, S = matrices(landscape)
    found = indicator(landscape, 4000, torch.Generator().manual_seed(5))
    wanted = (float(torch.trace(H @ S)), float(torch.trace(H)))
    for estimate, value in zip((found.of_noise, found.curvature), wanted, strict=True):
        assert abs(estimate.z(value)) < 4
    ratio = landscape.size * wanted[0] / wanted[1] / float(torch.trace(S))
    assert found.over_isotropic.mean == pytest.approx(ratio, rel=0.1)
    assert found.over_isotropic.ci95[0] < ratio < found.over_isotropic.ci95[1]


def test_a_module_with_convolutions_is_read_as_pytorch_differentiates_it():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = Sequential(Conv2d(1, 2, 3), ReLU(), Flatten(), Linear(8, 3)).double()
        x, y = torch.randn(6, 1, 4, 4).double(), torch.arange(6) % 3
    landscape = of_module(model, x, y)
    values = list(model.parameters())
    for place, block in enumerate(torch.cat([*landscape.gradients(4)])):
        loss = functional.cross_entropy(model(x[place : place + 1]), y[place : place + 1])
        wanted = torch.cat([g.flatten() for g in torch.autograd.grad(loss, values)])
        assert block.numpy() == pytest.approx(wanted.numpy(), abs=1e-12)
    slopes = torch.autograd.grad(functional.cross_entropy(model(x), y), values, create_graph=True)
    v = torch.ones(landscape.size).double()
    parts = [part.view(s.shape) for part, s in zip(v.split([s.numel() for s in slopes]), slopes, strict=True)]
    twice = torch.cat([h.flatten() for h in torch.autograd.grad(slopes, values, parts)])
    assert landscape.hessian_times(v).numpy() == pytest.approx(twice.numpy(), abs=1e-12)


def test_what_cannot_be_measured_is_told(landscape, monkeypatch):
    like = torch.zeros(5).double()
    assert "must be finite" in refusal(lambda: top_eigenvalues(lambda v: v * math.nan, like))
    assert "count must be an integer from 1 to 4" in refusal(lambda: top_eigenvalues(lambda v: v, like, 5))
    assert top_eigenvalues(lambda v: 3 * v, like[:1])[0] == pytest.approx([3])
    flat = module.Indicator(module.Estimate.exact(1.0), module.Estimate.exact(0.0), 1.0, 5)
    assert "must be above zero for their ratio" in refusal(lambda: flat.over_isotropic)
    monkeypatch.setattr(module, "SMALL", 10)
    assert "at most 10 weights to be formed" in refusal(lambda: matrices(landscape))
