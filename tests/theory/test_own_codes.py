"""The law of a layer that reads back its own codes: beside one layer's law and draws that share no code; faults."""

import dataclasses

import numpy as np
import pytest

from helpers import refusal
from reversible.spectra.known import known, shrunk_scales
from reversible.theory import one_layer, own_codes
from reversible.theory.own_codes import Known, Made, law_moments, moments, read_back


def codes(count, m, rng):
    return rng.random((count, m)) * (rng.random((count, m)) < 0.3)


@pytest.mark.parametrize("kurtosis", [1.0, 3.0, 9.0])
def test_for_given_codes_and_noise_alone_these_are_the_moments_of_one_layer(kurtosis):
    m, n, sd = 30, 500, 0.1
    h = codes(7, m, np.random.default_rng(0))
    told = dataclasses.replace(Known.noise(m, n, sd), kurtosis=kurtosis)
    back = read_back(told, h, one_layer.theory_alpha(n, 1.0) / sd**2)
    np.testing.assert_allclose(back.mean, h, rtol=1e-12)
    lengths = np.linalg.norm(h, axis=1)[:, None]
    np.testing.assert_allclose(back.variance, one_layer.variance(h, lengths, n, 1.0, kurtosis=kurtosis), rtol=1e-12)


def drawn(told, rng):
    """One matrix of what is known, and noise; built by projections, which the law is not."""
    m, n = len(told.rows), len(told.columns)
    U, V = told.left, told.right
    noise = rng.standard_normal((m, n))
    noise = noise - U @ (U.T @ noise)
    noise = noise - (noise @ V) @ V.T
    return np.diag(told.rows) @ (U @ np.diag(told.values) @ V.T + noise) @ np.diag(told.columns)


def a_layer(m, n, spikes, rng, uneven=0.4):
    left, right = (np.linalg.qr(rng.standard_normal((size, spikes)) + 0.5)[0] for size in (m, n))
    rows, columns = (np.exp(uneven * rng.standard_normal(size)) for size in (m, n))
    return Known(left, np.linspace(40, 60, spikes), right, rows, columns)


def variances_of_given_codes(spikes):
    """The law's and those of draws, after the means have been compared."""
    rng = np.random.default_rng(1)
    m, n = 40, 150
    told = a_layer(m, n, spikes, rng)
    h, alpha = codes(3, m, rng), 0.01
    back = read_back(told, h, alpha)
    y = np.array([np.maximum(alpha * h @ A, 0) @ A.T for A in (drawn(told, rng) for _ in range(4000))])
    z = (y.mean(0) - back.mean) / (y.std(0) / 4000**0.5)
    assert np.sqrt(np.square(z).mean()) < 1.25
    return back.variance, y.var(0)


@pytest.mark.parametrize("spikes", [0, 3])
def test_given_codes_come_back_as_in_draws(spikes):
    law, found = variances_of_given_codes(spikes)
    np.testing.assert_allclose(found.mean(), law.mean(), rtol=0.03)
    np.testing.assert_allclose(found, law, rtol=0.2)


def test_spikes_and_noise_that_read_the_same_have_a_covariance(monkeypatch):
    monkeypatch.setattr(own_codes, "_in_common", lambda known, noise, below: np.zeros_like(noise.own))
    law, found = variances_of_given_codes(3)
    assert np.abs(found / law - 1).max() > 0.25


@pytest.mark.parametrize("spikes", [0, 3])
def test_own_codes_lose_what_they_lose_in_draws(spikes):
    """Over draws of the weights: the mean error at the law's scale over the mean of the law's error."""
    rng = np.random.default_rng(2)
    m, n, bias = 120, 240, 0.3
    told = a_layer(m, n, spikes, rng)
    x, alpha, found = codes(4, n, rng), 0.005, []
    for _ in range(300):
        A = drawn(told, rng)
        h = np.maximum(x @ A.T + bias, 0)
        back = np.maximum(np.maximum(alpha * h @ A, 0) @ A.T + bias, 0)
        law = law_moments(h, read_back(told, h, alpha, Made(x, x @ A.T)), np.full(m, bias))
        found.append((moments(h, back, back**2).error(law.best_scale), law.error()))
    error, law = np.array(found).T
    half = 2.6 * (error - law).std() / 300**0.5 / law.mean()
    assert half < 0.025
    assert error.mean() / law.mean() == pytest.approx(1, abs=0.015 + half)


def in_draws_that_see_the_same(told, h, x, seen, alpha, count, rng):
    """y of `count` matrices with A x = seen for one image, (count, m): the noise is conditioned by a projection."""
    m, n = len(told.rows), len(told.columns)
    V, scaled = told.right, x * told.columns
    inside = scaled - V @ (V.T @ scaled)
    q = (seen - told.low_rank @ x) / told.rows
    rows = []
    for _ in range(count):
        noise = rng.standard_normal((m, n))
        noise = noise - told.left @ (told.left.T @ noise)
        noise = noise - (noise @ V) @ V.T
        noise = noise + np.outer(q - noise @ inside, inside) / (inside @ inside)
        A = told.low_rank + told.rows[:, None] * noise * told.columns
        rows.append(A @ np.maximum(alpha * h @ A, 0))
    return np.array(rows)


def beside_draws(spikes):
    """The law's variance over that of draws, mean over units, and the rms gap of the means in standard errors."""
    rng = np.random.default_rng(3)
    told = a_layer(80, 160, spikes, rng)
    told = dataclasses.replace(told, values=np.linspace(1.2, 1.6, spikes) * (80**0.5 + 160**0.5))
    x = codes(1, 160, rng)
    seen = x @ drawn(told, rng).T
    h = np.maximum(seen + 0.3, 0)
    y = in_draws_that_see_the_same(told, h[0], x[0], seen[0], 0.005, 1500, rng)
    back = read_back(told, h, 0.005, Made(x, seen))
    gaps = (y.mean(0) - back.mean[0]) / (y.std(0) / len(y) ** 0.5)
    return back.variance.mean() / y.var(0).mean(), np.sqrt(np.square(gaps).mean())


@pytest.mark.parametrize("spikes", [0, 3])
def test_means_and_variances_are_those_of_draws_that_see_the_same(spikes):
    ratio, gaps = beside_draws(spikes)
    assert ratio == pytest.approx(1, abs=0.02)
    assert gaps < 1.25


def test_without_the_spread_that_spikes_read_the_variance_is_too_small(monkeypatch):
    monkeypatch.setattr(own_codes, "_of_known", lambda known, noise, below, alpha: np.zeros_like(noise.own))
    assert beside_draws(3)[0] < 0.97


@pytest.mark.parametrize("fault", ["along", "stein", "own"])
def test_without_one_of_its_parts_the_means_are_off(fault, monkeypatch):
    whole = own_codes._Noise.of

    def spoiled(known, h, made):
        noise = whole(known, h, made)
        parts = {"along": {"along": 0 * noise.along}, "stein": {"own": 0 * noise.own}, "own": {"own": h * known.rows}}
        return dataclasses.replace(noise, **parts[fault])

    monkeypatch.setattr(own_codes._Noise, "of", spoiled)
    assert beside_draws(3)[1] > 2


def test_the_law_of_given_codes_is_far_off_for_own_ones():
    rng = np.random.default_rng(3)
    told = a_layer(120, 240, 3, rng)
    A, x = drawn(told, rng), codes(20, 240, rng)
    h = np.maximum(x @ A.T, 0)
    back = np.maximum(np.maximum(0.005 * h @ A, 0) @ A.T, 0)
    measured = moments(h, back, back**2).error()
    own, given = (law_moments(h, read_back(told, h, 0.005, made), np.zeros(120)) for made in (Made(x, x @ A.T), None))
    assert abs(own.error() / measured - 1) < 0.06
    assert abs(given.error() / measured - 1) > 0.2


def test_an_empty_code_is_lost_and_all_others_count():
    h = np.array([[0.0, 0.0], [3.0, 4.0]])
    found = moments(h, h / 2, h**2 / 4)
    assert found.best_scale == pytest.approx(2)
    assert found.error() == pytest.approx(0.5)
    assert found.error(1.0) == pytest.approx((1 + 0.25) / 2)


# --- what the law is told of a matrix ---------------------------------------------------------------------------------


@pytest.mark.parametrize("uneven", [0.0, 0.5])
@pytest.mark.parametrize("spikes", [0, 4])
def test_scales_and_spikes_are_told_apart(uneven, spikes):
    rng = np.random.default_rng(4)
    m, n = 150, 300
    told = a_layer(m, n, spikes, rng, uneven)
    A = drawn(told, rng)
    found = known(A)
    assert abs(len(found.values) - spikes) <= 1
    assert found.kurtosis == pytest.approx(3, abs=0.2)
    right = np.outer(told.rows, told.columns)
    ratio = np.log(np.outer(found.rows, found.columns) / right)
    assert abs(ratio.mean()) < 0.03
    assert ratio.std() < 0.12


def test_without_spikes_and_scales_nothing_but_the_size_of_the_entries_is_told():
    A = np.random.default_rng(5).standard_normal((30, 50)) * 7
    found = known(A, spikes=False, uneven=False)
    assert found.values.size == 0
    assert found.kurtosis == 3
    np.testing.assert_allclose(np.outer(found.rows, found.columns), np.sqrt(np.square(A).mean()))


def test_scales_are_fitted_without_what_rows_and_columns_vary_by_chance():
    rng = np.random.default_rng(6)
    right = np.exp(rng.standard_normal(40) / 2), np.exp(rng.standard_normal(70) / 2)
    A = rng.standard_normal((40, 70)) * np.outer(*right)
    A[3], A[:, 7] = 0, 0
    rows, columns = shrunk_scales(A)
    assert rows[3] == 0
    assert columns[7] == 0
    found = np.log(np.delete(rows, 3) / np.delete(right[0], 3))
    assert found.std() < 0.15
    even = shrunk_scales(rng.standard_normal((40, 70)) * 5)
    assert np.outer(*even).std() < 0.4
    np.testing.assert_allclose(np.square(np.outer(*even)).mean(), 25, rtol=0.1)


def test_a_pruned_matrix_without_scales_gets_equal_ones():
    A = np.zeros((40, 60))
    A[:, 0], A[0], A[5, 5] = 1, 1, 3.0  # its rows but two have one entry each, in one column
    rows, columns = shrunk_scales(A)
    assert len(set(rows)) == len(set(columns)) == 1


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.full((3, 3), np.nan), np.ones(5), np.ones((1, 5))])
def test_what_is_no_matrix_is_refused(matrix):
    assert "a matrix must be 2 x 2 or more of finite numbers" in refusal(lambda: known(matrix))
