"""The fit of the bulk on matrices whose noise and signal are planted, drawn without the library."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from helpers import refusal
from reversible.spectra import bulk

NOISE = {
    "gaussian": lambda rng, shape: rng.standard_normal(shape),
    "laplace": lambda rng, shape: rng.laplace(size=shape) / np.sqrt(2),  # fourth moment 6
    "sign": lambda rng, shape: rng.choice([-1.0, 1.0], size=shape),
}


def planted(kind, n, p, spikes, seed, low=1.6, high=6.0, sigma=0.37):
    """Noise of sd `sigma` and a signal of `spikes` components, `low` to `high` times the threshold of detection."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((size, max(spikes, 1))))[0][:, :spikes] for size in (n, p))
    strengths = np.linspace(low, high, spikes) * min(p / n, n / p) ** 0.25 * np.sqrt(max(n, p))
    return sigma * (NOISE[kind](rng, (n, p)) + (left * strengths) @ right.T)


@pytest.mark.parametrize("share", [0, 0.01, 0.1])
@pytest.mark.parametrize("kind", list(NOISE))
@pytest.mark.parametrize(("n", "p"), [(512, 512), (1200, 512), (512, 700)])
def test_sigma_within_two_per_cent_and_spikes_within_one(n, p, kind, share):
    spikes = round(share * min(n, p))
    matrix = planted(kind, n, p, spikes, seed=n + p)
    fitted = bulk.fit(np.linalg.svd(matrix, compute_uv=False), (n, p))
    assert fitted.sigma == pytest.approx(0.37, rel=0.02)
    assert abs(fitted.n_spikes - spikes) <= 1
    assert fitted.ks < 0.015
    edges = 0.37 * (np.sqrt(max(n, p) - spikes) + np.array([-1, 1]) * np.sqrt(min(n, p) - spikes))
    assert (fitted.edge_low, fitted.edge_high) == (
        pytest.approx(edges[0], rel=0.02, abs=0.02),
        pytest.approx(edges[1], rel=0.02),
    )
    assert fitted.edge_high < fitted.spike_edge < 1.03 * fitted.edge_high


def test_one_gaussian_matrix_in_a_hundred_shows_a_spike():
    rng, draws, shape = np.random.default_rng(0), 300, (80, 60)
    alarms = sum(
        bulk.fit(np.linalg.svd(rng.standard_normal(shape), compute_uv=False), shape).n_spikes for _ in range(draws)
    )
    assert 0 <= alarms <= 12  # 3 expected


def test_the_fit_follows_the_unit_and_not_the_order():
    values = np.linalg.svd(planted("gaussian", 90, 60, 3, seed=1), compute_uv=False)
    one, other = bulk.fit(values, (90, 60)), bulk.fit(1e-6 * values[::-1], (60, 90))
    assert (other.n_spikes, other.ks) == (one.n_spikes, pytest.approx(one.ks))
    assert other.sigma == pytest.approx(1e-6 * one.sigma)


@pytest.mark.parametrize("shift", [-0.1, 0.0, 0.1])
def test_the_distance_is_kolmogorovs(shift):
    values = np.sort(np.random.default_rng(5).random(40) + shift)[::-1]
    expected: Any = stats.kstest(values, "uniform")
    assert bulk.distance(values, np.clip(values, 0, 1)) == pytest.approx(expected.statistic)


def test_what_is_no_noise_is_far_from_the_law():
    assert bulk.fit(np.ones(50), (100, 50)).ks > 0.4
    ramp = bulk.fit(np.arange(1, 101.0), (100, 100))
    assert ramp.ks > 0.05 or ramp.n_spikes > 20


def test_split_gives_back_the_planted_signal():
    rng = np.random.default_rng(2)
    signal = 8 * np.outer(rng.standard_normal(80), rng.standard_normal(50)) / np.sqrt(80)
    noise = rng.standard_normal((80, 50))
    rest, spikes = bulk.split(noise + signal)
    assert rest + spikes == pytest.approx(noise + signal)
    assert np.linalg.matrix_rank(spikes) == 1
    assert np.linalg.norm(spikes - signal) < 0.35 * np.linalg.norm(signal)
    assert not bulk.split(noise)[1].any()


@pytest.mark.parametrize(
    ("values", "shape"), [([1.0], (1, 5)), ([1.0, 2.0], (3, 3)), ([0.0, 0.0], (2, 2)), ([], (4, 4))]
)
def test_too_few_or_only_zeros_are_refused(values, shape):
    assert "a bulk needs" in refusal(lambda: bulk.fit(np.array(values), shape))


def test_values_of_a_matrix_of_low_rank_have_no_noise():
    rng = np.random.default_rng(3)
    low = rng.standard_normal((60, 2)) @ rng.standard_normal((2, 40))
    fitted = bulk.fit(np.linalg.svd(low, compute_uv=False), low.shape)
    assert fitted.sigma < 1e-12
    assert fitted.n_spikes >= 2
