"""Laws of signal and noise beside multi-precision, closed forms, brute force and simulations that share no code."""

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import optimize, stats

from helpers import refusal
from reversible.papers.labatie2019 import laws


@pytest.mark.parametrize("weights", laws.WEIGHTS)
@pytest.mark.parametrize("width", [2, 17, 128])
def test_the_law_of_lengths_is_that_of_fifty_digits(width, weights):
    with mp.workdps(50):
        shares = [mp.binomial(width, k) for k in range(1, width + 1)]
        total = sum(shares)
        means = [mp.digamma(mp.mpf(k) / 2) for k in range(1, width + 1)]
        mean = sum(s * m for s, m in zip(shares, means, strict=True)) / total
        within = sum(s * mp.psi(1, mp.mpf(k) / 2) for k, s in enumerate(shares, 1)) / total
        variance = within + sum(s * (m - mean) ** 2 for s, m in zip(shares, means, strict=True)) / total
        if weights == "orthogonal":
            mean, variance = mean - mp.digamma(mp.mpf(width) / 2) + mp.log(2), variance - mp.psi(1, mp.mpf(width) / 2)
        else:
            mean += mp.log(mp.mpf(4) / width)
        assert laws.log_length(width, weights) == pytest.approx((float(mean), float(variance)), rel=1e-10)


@pytest.mark.parametrize("weights", laws.WEIGHTS)
def test_the_law_of_lengths_is_that_of_matrices(weights):
    rng, n, count = np.random.default_rng(3), 12, 20_000
    W = rng.standard_normal((count, n, n)) * math.sqrt(2 / n)
    if weights == "orthogonal":
        W = math.sqrt(2) * np.linalg.qr(W)[0] * rng.choice([-1, 1], (count, n, 1))
    x = rng.standard_normal(n)
    factors = np.square(np.maximum(W @ x, 0)).sum(1) / (x @ x)
    logs = np.log(factors[factors > 0])
    mean, variance = laws.log_length(n, weights)
    assert logs.mean() == pytest.approx(mean, abs=4 * math.sqrt(variance / count))
    assert logs.var() == pytest.approx(variance, rel=0.1)


def test_the_relus_factor_of_gaussians_is_that_of_pi_and_that_of_a_sample_is_its_own():
    assert laws.relu_factor(math.sqrt(2 / math.pi)) == pytest.approx(math.sqrt(math.pi / (math.pi - 1)), rel=1e-12)
    z = np.random.default_rng(1).standard_t(5, 4001)
    z = np.concatenate([z, -z])  # both signs, as random rows have them
    after = np.maximum(z, 0).var() * 2  # half of the noise is left
    assert laws.relu_factor(np.abs(z).mean(), z.var()) == pytest.approx(math.sqrt(z.var() / after), rel=1e-9)


def test_the_mean_modulus_is_that_of_points_on_the_sphere():
    w = np.random.default_rng(2).standard_normal((200_000, 5))
    z = math.sqrt(5) * np.abs(w[:, 0]) / np.linalg.norm(w, axis=1)
    assert laws.mean_modulus(5) == pytest.approx(z.mean(), abs=0.005)
    assert laws.mean_modulus(10**8) == pytest.approx(math.sqrt(2 / math.pi), rel=1e-7)


def test_the_rates_of_small_batches_are_those_of_spheres():
    rng, batch = np.random.default_rng(4), 8
    y = rng.standard_normal((400_000, batch))
    y -= y.mean(1, keepdims=True)
    change = rng.standard_normal(y.shape)
    growth = np.mean(np.square(change).mean(1) / y.var(1)) / (1 / (1 - 1 / batch))  # over nu_2(dy) / mu_2(y)
    assert 0.5 * math.log(growth) == pytest.approx(laws.normalised_parts(batch)[0], abs=0.003)
    z = y / y.std(1, keepdims=True)
    after = np.maximum(z, 0)
    left = 0.5 / after.var(1).mean()
    assert 0.5 * math.log(left) == pytest.approx(laws.normalised_parts(batch)[1], abs=0.003)


def test_the_integral_is_the_closed_form_where_there_is_one_and_a_mean_of_draws_elsewhere():
    ones, noise = np.ones(7), np.arange(7.0)
    assert laws.ratio_of_squares(ones, noise, 2.0) == pytest.approx(noise.mean() + 2 / 5, rel=1e-10)
    signal, noise = np.array([5, 2, 1, 0.3, 0.01]), np.array([0.1, 3, 1, 1, 2])
    w = np.random.default_rng(5).standard_normal((1_000_000, 5)) ** 2
    drawn = (w @ noise + 0.4) / (w @ signal)
    assert laws.ratio_of_squares(signal, noise, 0.4) == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 1000)


def test_the_integral_is_that_of_twenty_digits():
    signal, noise = [3.0, 1.0, 0.5, 0.001], [0.2, 1.0, 4.0, 2.0]

    def inside(t):
        widths = [1 + 2 * t * b for b in signal]
        left = sum(a / w for a, w in zip(noise, widths, strict=True)) + mp.mpf("0.3")
        return left / mp.sqrt(mp.fprod(widths))

    with mp.workdps(20):
        wanted: Any = mp.quad(inside, [0, 0.1, 1, 10, 100, 1e3, 1e4, 1e6, mp.inf])
    assert laws.ratio_of_squares(signal, noise, 0.3) == pytest.approx(float(wanted), rel=1e-9)


def test_gamma_functions_solve_the_recursion():
    branch, growth, size, chi = 0.68, 2.3, 1.0, 1.0
    for unit in range(1, 40):
        chi *= (size + growth * branch) / (size + branch)
        size += branch
        assert laws.residual_chi(unit, branch, growth) == pytest.approx(math.sqrt(chi), rel=1e-12)
    steps = laws.residual_steps(np.full(39, branch), np.full(39, growth))
    assert steps[-1] == pytest.approx(math.sqrt(chi), rel=1e-12)
    late = np.log(laws.residual_chi(np.array([1e7, 1e8]), branch, growth))
    assert (late[1] - late[0]) / math.log(10) == pytest.approx(laws.power(growth), rel=1e-6)


@pytest.mark.parametrize("points", [3, 6, 12])
def test_no_numbers_have_a_larger_kurtosis(points):
    rng = np.random.default_rng(points)
    found = [
        -optimize.minimize(lambda z: -stats.kurtosis(z, fisher=False), rng.standard_normal(points)).fun
        for _ in range(12)
    ]
    assert max(found) == pytest.approx(laws.largest_kurtosis(points), rel=1e-3)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: laws.log_length(1), "width must be an integer from 2 to 100000, not 1"),
        (lambda: laws.log_length(8, "uniform"), "weights must be one of gaussian, orthogonal, not 'uniform'"),
        (lambda: laws.normalised_parts(3), "batch must be an integer from 4 to 1000000000, not 3"),
        (lambda: laws.residual_chi(3, -1.0, 2.0), "branch must be a number from 1e-12 to 1e+12, not -1.0"),
        (lambda: laws.residual_chi(-3, 1.0, 2.0), "units must be 0 or more, not -3"),
        (lambda: laws.ratio_of_squares([1, 2], [1, 1], 0), "signal must be 3 positive variances or more"),
        (lambda: laws.largest_kurtosis(1), "points must be an integer from 2 to 1000000000, not 1"),
    ],
)
def test_bad_input_gets_one_line(call, says):
    assert refusal(call).startswith(says)
