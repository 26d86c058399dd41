"""The fit of the bulk on matrices whose noise and signal are planted, drawn without the library."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from helpers import refusal
from reversible.spectra import bulk, scales

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
    assert ramp.n_spikes == 0
    assert 0.09 < ramp.ks < 0.1


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


# --- how far is chance, and noise for which the fit is not made -------------------------------------------------------


def drawn(kind, rng, n, p):
    """Noise without a signal, of variance one; nothing of the library's."""
    plain = rng.standard_normal((n, p))
    if kind.startswith("student"):
        return rng.standard_t(int(kind[-1]), (n, p))
    if kind == "sparse":
        return plain * (rng.random((n, p)) < 0.1)
    if kind == "correlated":
        for j in range(1, p):
            plain[:, j] = 0.5 * plain[:, j - 1] + np.sqrt(0.75) * plain[:, j]
        return plain
    rows, columns = kind in ("rows", "both"), kind in ("columns", "both")
    plain *= np.exp(0.4 * rng.standard_normal((n, 1))) if rows else 1.0
    return plain * np.exp(0.4 * rng.standard_normal(p)) if columns else plain


def fits(kind, n=400, p=250, draws=6, levelled=False):
    rng = np.random.default_rng(11)
    matrices = [drawn(kind, rng, n, p) for _ in range(draws)]
    if levelled:
        found = [scales.fit(matrix) for matrix in matrices]
        matrices = [one.level for one in found if one]
        assert len(matrices) == draws
    return [bulk.fit(np.linalg.svd(matrix, compute_uv=False), (n, p)) for matrix in matrices]


@pytest.mark.parametrize("kind", ["student 3", "sparse", "correlated", "rows", "columns", "both"])
def test_other_noise_has_spikes_without_a_signal_and_scales_can_be_taken_out(kind):
    spikes = np.mean([one.n_spikes for one in fits(kind)])
    left = [one.n_spikes for one in fits(kind, levelled=True)]
    assert spikes >= 2
    assert np.mean(left) > 20 if kind == "correlated" else max(left) == 0


def test_four_degrees_are_about_where_spikes_begin():
    by_tail = [np.mean([one.n_spikes for one in fits(f"student {freedom}", draws=8)]) for freedom in (3, 4, 5)]
    assert by_tail[0] > 3 > by_tail[1] > by_tail[2]
    assert by_tail[2] < 1


@pytest.mark.parametrize("levelled", [False, True])
@pytest.mark.parametrize(("n", "p"), [(40, 40), (300, 90)])
def test_one_random_bulk_in_a_hundred_is_farther_than_the_limit(n, p, levelled):
    rng, draws, seen = np.random.default_rng(12), 400, []
    for _ in range(draws):
        matrix = rng.standard_normal((n, p))
        found = scales.fit(matrix)
        assert found is not None
        seen.append(bulk.fit(np.linalg.svd(found.level if levelled else matrix, compute_uv=False), (n, p)))
    beyond = [one.ks > bulk.farthest(p - one.n_spikes, levelled) for one in seen]
    assert sum(beyond) <= 11  # 4 expected: more in 2 of 1,000 runs
    assert np.quantile([one.ks for one in seen], 0.99) > 0.75 * bulk.farthest(p, levelled)  # it is no loose limit


def test_the_limit_follows_the_logarithm():
    for p in (32, 900):
        step = 2 * p * bulk.farthest(2 * p) - p * bulk.farthest(p)
        assert step == pytest.approx(np.sqrt(2) / np.pi * np.log(2))


@pytest.mark.parametrize(("n", "p"), [(100, 100), (1500, 30)])
def test_a_signal_beside_it_leaves_the_bulk_within_the_limit(n, p):
    beyond = 0
    for seed in range(100):
        matrix = planted("gaussian", n, p, round(0.05 * p), seed)
        one = bulk.fit(np.linalg.svd(matrix, compute_uv=False), (n, p))
        beyond += one.ks > bulk.farthest(p - one.n_spikes)
    assert beyond <= 6  # 1 expected
