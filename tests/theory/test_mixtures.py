"""Entropies of mixtures beside integrals in many digits, closed forms, and draws by other code."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.special import logsumexp

from helpers import refusal
from reversible.theory import mixtures as m

RNG = np.random.default_rng


def by_mpmath(points, sigma, weights):
    """The same integral in 25 digits, between all places where it bends."""
    with mpmath.workdps(25):

        def f(t):
            scaled = [w * mpmath.exp(-(((t - p) / sigma) ** 2) / 2) for p, w in zip(points, weights, strict=True)]
            return sum(scaled) / (sigma * mpmath.sqrt(2 * mpmath.pi))

        places = sorted({p + k * sigma for p in points for k in (-14, -6, -3, 0, 3, 6, 14)})
        found: Any = mpmath.quad(lambda t: -f(t) * mpmath.log(f(t)), places)
        return float(found)


@pytest.mark.parametrize("seed", range(5))
def test_quadrature_is_the_integral(seed):
    rng = RNG(seed)
    points, weights = np.tanh(2 * rng.normal(size=3)), rng.dirichlet(np.ones(3))
    sigma = math.exp(rng.uniform(math.log(0.02), 0))
    assert m.entropy_line(points, sigma, weights) == pytest.approx(by_mpmath(points, sigma, weights), abs=1e-9)


@pytest.mark.parametrize("masses", [(1.0,), (0.5, 0.5), (0.5, 0.25, 0.25), (0.1, 0.2, 0.3, 0.4)])
def test_clusters_far_apart_tell_the_entropy_of_their_masses(masses):
    told = m.information_line(np.arange(len(masses)), 0.01, masses)
    assert told == pytest.approx(-sum(p * math.log(p) for p in masses), abs=1e-9)
    assert told == pytest.approx(m.partition_entropy(masses), abs=1e-9)


def test_two_of_four_merged_tell_one_and_a_half_ln_2_and_not_ln_3():
    assert m.information_line([0, 0, 1, 2], 0.01) == pytest.approx(1.5 * math.log(2), abs=1e-9)


def test_a_single_gaussian_has_its_own_entropy():
    assert m.entropy_line([3.0], 0.7) == pytest.approx(m.noise_entropy(1, 0.7), abs=1e-12)
    found = m.information(np.zeros((1, 5)), 0.7, 100, RNG(0))
    assert found.mean == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("d", "sigma"), [(1, 0.05), (3, 0.5), (20, 0.3)])
def test_densities_are_those_of_plain_code(d, sigma):
    rng = RNG(d)
    points, shares = rng.normal(size=(40, d)) + 5, rng.dirichlet(np.ones(40))
    whole, own = m._drawn(points, sigma, shares, 300, RNG(1))
    rng = RNG(1)
    chosen = rng.choice(40, 300, p=shares)
    noise = rng.standard_normal((300, d))
    x = points[chosen] + sigma * noise
    each = -np.square((x[:, None] - points) / sigma).sum(-1) / 2 - d / 2 * math.log(2 * math.pi * sigma**2)
    assert whole == pytest.approx(logsumexp(each, axis=1, b=shares), abs=1e-8)
    assert own == pytest.approx(each[np.arange(300), chosen], abs=1e-8)


def test_many_dimensions_overflow_nothing():
    told = m.information(RNG(0).normal(size=(8, 2000)), 30.0, 200, RNG(1))
    assert 0 < told.mean < math.log(8)
    assert m.information(RNG(0).normal(size=(8, 2000)), 0.5, 200, RNG(1)).mean == pytest.approx(math.log(8))


def test_draws_and_quadrature_agree_in_one_dimension_and_add_up_in_three():
    found = m.entropy(np.array([[-1.0], [1.0]]), 0.5, 40_000, RNG(2))
    exact = m.entropy_line([-1, 1], 0.5)
    assert abs(found.z(exact)) < 4
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, -1).T
    assert abs(m.entropy(corners, 0.5, 40_000, RNG(3)).z(3 * exact)) < 4


def test_blocks_and_parts_change_nothing(monkeypatch):
    points = RNG(4).normal(size=(50, 3))
    before = m.information(points, 0.4, 500, RNG(5))
    monkeypatch.setattr(m, "BLOCK", 130)
    assert m.information(points, 0.4, 500, RNG(5)).mean == pytest.approx(before.mean, abs=1e-12)


def test_information_is_below_both_bounds():
    points = RNG(6).normal(size=(30, 4))
    power = float(np.square(points - points.mean(0)).sum(1).mean())
    for sigma in (0.05, 0.5, 5.0):
        told = m.information(points, sigma, 5000, RNG(7))
        assert -told.half_width <= told.mean <= min(math.log(30), m.most(power, 4, sigma)) + 2 * told.half_width


def test_a_uniform_variable_is_the_limit_of_many_points():
    points = (np.arange(4000) + 0.5) / 2000 - 1
    assert m.information_box(0.3) == pytest.approx(m.information_line(points, 0.3), abs=1e-6)


def test_spread_is_one_without_information_and_counts_clusters_far_apart():
    assert m.spread_line([2.0, 2.0], 0.5) == pytest.approx(1, abs=1e-9)
    assert m.spread_line([0, 1, 2, 3, 4], 0.01) == pytest.approx(5, abs=1e-9)
    t = np.linspace(-6, 6, 40001)
    phi = [np.exp(-np.square((t - p) / 0.5) / 2) / (0.5 * math.sqrt(math.tau)) for p in (-1, 1)]
    f = (phi[0] + phi[1]) / 2
    assert m.spread_line([-1, 1], 0.5) == pytest.approx(
        np.trapezoid((phi[0] ** 2 + phi[1] ** 2) / (2 * f), t), abs=1e-6
    )


def test_the_plug_in_lies_below_by_its_first_order():
    rng, truth, law = (
        RNG(8),
        4 * m.information_line([-1, 1], 0.5),
        m.first_order_bias(m.spread_line([-1, 1], 0.5), 4, 200),
    )
    off = [truth - m.information(rng.choice([-1.0, 1.0], (200, 4)), 0.5, 1000, rng).mean for _ in range(120)]
    error = float(np.std(off)) / math.sqrt(120)
    assert np.mean(off) == pytest.approx(law, abs=4 * error)
    assert np.mean(off) > 4 * error


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: m.entropy_line([0, 1], 0.0), "sigma must be a number from 1e-12 to 1e+12, not 0.0"),
        (lambda: m.entropy(np.zeros((3, 2)), 0, 10, RNG(0)), "sigma must be"),
        (lambda: m.entropy(np.zeros((3, 2)), 1, 1, RNG(0)), "draws must be an integer from 2"),
        (lambda: m.entropy(np.zeros(3), 1, 10, RNG(0)), "points must be finite numbers of the shape (n, d), not (3,)"),
        (lambda: m.entropy(np.full((3, 2), math.nan), 1, 10, RNG(0)), "points must be finite"),
        (lambda: m.entropy_line([0, 1], 1, [0.5, 0.6]), "weights must be 2 probabilities"),
        (lambda: m.entropy_line([0, 1], 1, [1.0]), "weights must be 2 probabilities"),
        (lambda: m.entropy_line([0, 1], 1e-9), "sigma must be at least a millionth"),
    ],
)
def test_wrong_input_is_told_in_one_line(wrong, told):
    assert told in refusal(wrong)
