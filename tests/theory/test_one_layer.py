"""The closed forms against simulations that share no code with the library, in float64."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from reversible.theory import one_layer as laws


def simulate(n, m, k, rho, q, trials, seed=0):
    """y = W^T x for fresh W, by the definition: (trials, m), and the code used."""
    rng = np.random.default_rng(seed)
    h = np.zeros(m)
    h[:k] = np.linspace(0.5, 1.5, 2 * k + 1)[1::2]
    W = rng.standard_normal((trials, n, m))
    x = np.maximum(2 / (rho * n) * W @ h, 0) * (rng.random((trials, n)) < rho)
    return np.einsum("tnm,tn->tm", W, x * (rng.random((trials, n)) < q) / q), h


def standard_score(values, expected):
    return (values.mean() - expected) / (values.std(ddof=1) / math.sqrt(len(values)))


SIZES = [(8, 5, 2, 0.3, 1.0), (20, 10, 1, 0.9, 1.0), (60, 30, 4, 0.5, 0.5), (120, 20, 6, 1.0, 0.7)]


@pytest.mark.parametrize(("n", "m", "k", "rho", "q"), SIZES)
def test_mean_and_variance_are_exact_at_every_size(n, m, k, rho, q):
    y, h = simulate(n, m, k, rho, q, 20_000 if n < 50 else 4000)
    norm = np.linalg.norm(h)
    law = laws.variance(h, norm, n, rho, q)
    for i in (0, m - 1):  # on the support, off it
        assert abs(standard_score(y[:, i], h[i])) < 4
        assert abs(standard_score((y[:, i] - h[i]) ** 2, law[i])) < 4


@pytest.mark.parametrize(("n", "m", "k", "rho", "q"), SIZES)
@pytest.mark.parametrize(("estimate", "offset"), [("relu", -0.4), ("relu", 0.0), ("hard", -0.5), ("linear", 0.0)])
def test_relative_risk_is_exact_at_every_size(n, m, k, rho, q, estimate, offset):
    y, h = simulate(n, m, k, rho, q, 20_000 if n < 50 else 4000, seed=1)
    h_hat = {"relu": np.maximum(y + offset, 0), "hard": y * (y > -offset), "linear": y}[estimate]
    errors = ((h_hat - h) ** 2).sum(1) / (h @ h)
    law = laws.relative_risk(h[:k], n, m, rho, offset=offset, q=q, estimate=estimate)
    assert abs(standard_score(errors, law)) < 4


@pytest.mark.parametrize(("n", "m", "k", "rho", "q"), SIZES)
def test_largest_error_follows_its_law(n, m, k, rho, q):
    y, h = simulate(n, m, k, rho, q, 20_000 if n < 50 else 4000, seed=2)
    largest = np.abs(y - h).max(1)
    law = laws.coordinate_law(np.append(h[:k], 0.0), np.linalg.norm(h), n, rho, q, nodes=laws.nodes_for(k))
    assert laws.linf_mean(h[:k], m, law) == pytest.approx(largest.mean(), rel=0.03)
    middle = np.median(largest)
    assert laws.linf_cdf(middle, h[:k], m, law)[0] == pytest.approx(0.5, abs=0.03)


def test_whole_vector_has_the_law_of_one_scalar_and_one_gaussian():
    n, m, k, rho = 12, 6, 3, 0.6
    y, h = simulate(n, m, k, rho, 1.0, 20_000, seed=3)
    rng = np.random.default_rng(4)
    norm = np.linalg.norm(h)
    s = rng.chisquare(np.maximum(rng.binomial(n, rho / 2, 20_000), 1e-9))
    z = rng.standard_normal((20_000, m))
    u = h / norm
    twin = 2 / (rho * n) * norm * (s[:, None] * u + np.sqrt(s)[:, None] * (z - (z @ u)[:, None] * u))
    direction = np.array([1.0, -2.0, 0.5, 3.0, -1.0, 0.2])
    for ours, theirs in ((y @ direction, twin @ direction), (np.abs(y).max(1), np.abs(twin).max(1))):
        assert float(np.asarray(stats.ks_2samp(ours, theirs))[1]) > 1e-3


@pytest.mark.parametrize(("n", "p"), [(3, 0.5), (20, 0.005), (50, 0.1), (8000, 0.25), (40_000, 0.5), (10**9, 0.25)])
def test_energy_nodes_integrate_the_moments_of_the_active_energy(n, p):
    nodes, weights = laws.energy_nodes(n, p)
    mean, variance = n * p, n * (3 * p - p**2)
    assert weights @ nodes**2 == pytest.approx(mean, rel=1e-9)
    assert weights @ (nodes**2 - mean) ** 2 == pytest.approx(variance, rel=1e-6)
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("cut", [-np.inf, -0.3, 0.4, 6.0])
def test_thresholded_risk_is_its_integral(cut):
    mean, sd, h, shift = 0.7, 0.5, 0.9, -0.2

    def integrand(y):
        estimate = (y + shift) if y > cut else 0.0
        return (estimate - h) ** 2 * stats.norm.pdf(y, mean, sd)

    edges = [p for p in (cut,) if abs(p) < 4]
    expected = integrate.quad(integrand, mean - 8 * sd, mean + 8 * sd, points=edges, limit=200)[0]
    assert laws.thresholded_risk(np.array(mean), np.array(sd), h, shift, cut) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("h", "s"), [(0.0, 1.0), (0.7, 2.0), (3.0, 20.0), (2.0, 0.3)])
def test_lemma_moments_by_two_dimensional_quadrature(h, s):
    def moment(power):
        def integrand(xi, w):
            value = w * max(w * h + s * xi, 0)
            return value**power * stats.norm.pdf(w) * stats.norm.pdf(xi)

        kink = lambda w: -w * h / s  # noqa: E731
        return integrate.dblquad(integrand, -9, 9, lambda w: max(-9, min(9, kink(w))), 9, epsabs=1e-9)[0]

    first, second = laws.lemma_moments(h, s)
    assert moment(1) == pytest.approx(first, abs=1e-6)
    assert moment(2) == pytest.approx(second, rel=1e-6)


@pytest.mark.parametrize("estimate", ["relu", "hard"])
def test_optimal_offset_is_a_minimum(estimate):
    h = np.linspace(0.5, 1.5, 20)
    best = laws.optimal_offset(h, 8000, 1000, 0.5, estimate=estimate)
    risk = [
        laws.relative_risk(h, 8000, 1000, 0.5, offset=b, estimate=estimate) for b in (best, best - 0.01, best + 0.01)
    ]
    assert best < 0
    assert risk[0] < min(risk[1:])
    proof = laws.proof_offset(np.linalg.norm(h), 8000, 1000, 0.5)
    assert laws.relative_risk(h, 8000, 1000, 0.5, offset=proof) > risk[0]


def test_worked_check_of_theorem_2_3():
    """n = 8000, m = 1000, k = 20, rho = 1/2, entries uniform in [1/2, 3/2]: 0.148."""
    h = 0.5 + (np.arange(20) + 0.5) / 20
    offset = laws.proof_offset(np.linalg.norm(h), 8000, 1000, 0.5)
    assert laws.relative_risk(h, 8000, 1000, 0.5, offset=offset) == pytest.approx(0.1485, abs=0.0005)
    assert laws.theorem_bound(20, 4000, 1000) == pytest.approx(0.1492, abs=0.0001)


def test_bound_is_reached_in_the_linear_regime_and_is_above_elsewhere():
    for k, n in ((5, 40_000), (20, 200_000), (40, 20_000), (300, 5000)):
        h = np.ones(k)
        offset = laws.proof_offset(math.sqrt(k), n, 1000, 1.0)
        ratio = laws.relative_risk(h, n, 1000, 1.0, offset=offset) / laws.theorem_bound(k, n, 1000)
        assert ratio <= 1.001
        assert ratio > 0.99 or k / n > 0.001


def test_linear_law_is_that_of_a_wishart_column():
    rng = np.random.default_rng(5)
    W = rng.standard_normal((20_000, 7, 4))
    h = np.array([1.0, 1.0, 0.0, 0.0])
    y = np.einsum("tnm,tn->tm", W, W @ h) / 7
    weights, mean, sd = laws.linear_law(h, math.sqrt(2), 7)
    for i in (0, 3):
        assert abs(standard_score(y[:, i], h[i])) < 4
        second = weights @ (mean[:, i] ** 2 + sd[:, i] ** 2)
        assert abs(standard_score(y[:, i] ** 2, second)) < 4


def test_normal_limit_carries_the_kurtosis_of_the_weights():
    rng = np.random.default_rng(6)
    n, rho, h = 300, 1.0, np.array([1.0, 0.8])
    signs = rng.integers(0, 2, (10_000, n, 2)) * 2.0 - 1
    y = np.einsum("tnm,tn->tm", signs, np.maximum(2 / n * signs @ h, 0))
    law = laws.variance(h, np.linalg.norm(h), n, rho, kurtosis=1.0)
    assert abs(standard_score((y[:, 0] - 1) ** 2, law[0])) < 4
    assert laws.variance(h, np.linalg.norm(h), n, rho)[0] > 1.3 * law[0]


def test_orthogonal_noise_variance():
    rng = np.random.default_rng(7)
    n, rho = 200, 0.5
    values = []
    for _ in range(400):
        W = np.linalg.qr(rng.standard_normal((n, 8)))[0] * math.sqrt(n)
        x = np.maximum(2 / (rho * n) * W[:, 0], 0) * (rng.random(n) < rho)
        values.append(((W[:, 1:].T @ x) ** 2).mean())
    assert abs(standard_score(np.array(values), laws.orthogonal_noise_variance(1.0, n, rho))) < 4


def test_minimax_rate():
    assert laws.minimax_rate(10, 1000.0, 100) == pytest.approx(2 * (2 / 1000) * 10 * math.log(10))


@pytest.mark.parametrize(("n", "p"), [(300, 5e-10), (4000, 1e-10), (10**9, 1e-13), (1, 1e-13)])
def test_energy_of_an_image_that_is_almost_surely_empty(n, p):
    nodes, weights = laws.energy_nodes(n, p, 0)  # R = sqrt(S); E S = n p, nearly all of it from one survivor
    assert weights @ nodes**2 == pytest.approx(n * p, rel=1e-6)
