"""G and S against draws and closed forms; the search for scale and offset against brute force; planted faults."""

import math

import numpy as np
import pytest
import torch

from helpers import refusal
from reversible.papers.arora2015.experiments import universality as u

NAMES = [*u.TWO_POINTS, "exponential", "minus exponential", "gaussian", "uniform", "student 10"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", NAMES)
def test_weights_have_mean_zero_variance_one_and_the_kurtosis_that_is_told(name):
    w = u.weights(name, 1000, 1000, generator()).double()
    assert float(w.mean()) == pytest.approx(0, abs=0.005)
    assert float(w.square().mean()) == pytest.approx(1, abs=0.015)
    assert float(w.pow(4).mean()) == pytest.approx(u.KURTOSIS[name], rel=0.06)


@pytest.mark.parametrize("skew", u.SKEWS)
def test_two_points_have_their_skew(skew):
    high, low, chance = u.two_points(skew)
    moments = [chance * high**power + (1 - chance) * low**power for power in (1, 2, 3)]
    assert moments == pytest.approx([0, 1, skew], abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [3, 20])
def test_both_numbers_are_those_of_draws(name, k):
    w = u.weights(name, 400_000, k, generator(1)).double().numpy()
    above = np.maximum(w.sum(1), 0) ** 2
    found = u.units_of(name, k)
    assert found.gain == pytest.approx(2 * above.mean() / k, rel=0.015)
    assert found.gain == pytest.approx(2 * (w * np.maximum(w.sum(1), 0)[:, None]).mean(), rel=0.02)
    assert found.square == pytest.approx(2 * (w**2 * above[:, None]).mean(), rel=0.04)


def test_a_small_skew_moves_the_gain_as_edgeworth_says():
    high, low, chance = u.two_points(1.0)
    k, count = 400, np.arange(401)
    from scipy import stats

    above = np.maximum(count * high + (k - count) * low, 0) ** 2
    gain = 2 * (stats.binom.pmf(count, k, chance) * above).sum() / k
    assert gain - 1 == pytest.approx(2 / (3 * math.sqrt(2 * math.pi * k)), rel=0.05)


def test_the_law_s_error_is_the_smallest_over_scales_and_offsets_of_gaussian_entries():
    p = u.Weights("minus exponential", 2000, 200, 5, 1, 1, 0)
    units = u.units_of(p.weights, p.k)
    rng = np.random.default_rng(0)
    on = 1 + math.sqrt((2 * units.square / units.gain**2 - 1) / p.n) * rng.standard_normal(200_000)
    off = math.sqrt(2 * p.k / (p.n * units.gain)) * rng.standard_normal(200_000)

    def error(a, b):
        kept, wrong = (np.mean((a * np.maximum(y + b, 0) - truth) ** 2) for y, truth in ((on, 1), (off, 0)))
        return kept + (p.m - p.k) / p.k * wrong

    tried = min(error(a, b) for a in np.linspace(1, 2, 41) for b in np.linspace(-0.4, -0.05, 36))
    assert u.best_error(p, units) == pytest.approx(tried, rel=0.03)


def test_nets_are_on_the_law_and_not_on_that_of_symmetric_weights():
    p = u.Weights("minus exponential", 1500, 150, 5, 40, 8, 5)
    found = u.read_weights(p)
    assert found.error.mean == pytest.approx(found.predicted, rel=0.15)
    assert u.best_error(p, u.Units(1.0, u.KURTOSIS[p.weights] + p.k - 1)) > 2 * found.error.mean
    assert found.gain.mean == pytest.approx(found.predicted_gain, rel=0.01)


def test_weights_of_no_such_name_are_refused():
    assert refusal(lambda: u.weights("heavy", 10, 10, generator())).endswith("not 'heavy'")
