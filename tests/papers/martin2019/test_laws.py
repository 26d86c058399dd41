"""Laws of this paper beside simulations that share no code with them, and fits beside the package they stand in for."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from by_powerlaw import by_powerlaw
from reversible.papers.martin2019 import kinds, laws, published
from reversible.papers.martin2019.kinds import PHASES
from reversible.spectra import tails

rng = np.random.default_rng(3)


def largest(n, p):
    Z = np.random.default_rng(0).standard_normal((60, n, p))
    return np.linalg.norm(Z, 2, axis=(1, 2)) ** 2


def test_the_largest_eigenvalue_and_both_ranks_of_noise_are_those_of_the_law():
    n, p = 120, 60
    found = largest(n, p)
    mean, sd = laws.top(n, p)
    assert found.mean() == pytest.approx(mean, abs=4 * sd / 60**0.5)
    assert found.std() == pytest.approx(sd, rel=0.35)
    edge = (n**0.5 + p**0.5) ** 2
    error = 4 * (edge / found).std() / 60**0.5
    assert (edge / found).mean() == pytest.approx(laws.soft_rank(n, p), abs=error)
    assert abs(laws.soft_rank(n, p) - 1) > error  # the limit would be seen to be off
    assert laws.stable_rank(n, p) == pytest.approx((n * p / found).mean(), rel=0.02)
    assert laws.stable_rank(10**8, 10**8) == pytest.approx(10**8 / 4, rel=1e-4)


def test_first_weights_have_the_sigma_that_the_notebooks_fit_to_trained_layers():
    cut = rng.standard_normal(10**6)
    cut = cut[np.abs(cut) <= 2]
    assert cut.std() == pytest.approx(laws.TRUNCATED, abs=3e-3)
    for (n, p), truncated, fitted in published.SIGMA.values():
        first = laws.unit_sigma(laws.glorot(n, p), n) * (laws.TRUNCATED if truncated else 1)
        assert fitted == pytest.approx(first, rel=0.015)
        assert fitted != pytest.approx(first / (laws.TRUNCATED if truncated else 0.88), rel=0.05)


def test_the_place_of_a_spike_and_its_direction_are_those_of_a_simulation():
    n, p, theta = 1000, 500, 2 * 2**-0.25
    assert laws.spiked_over_edge(2, 0.5) * (1 + 0.5**0.5) ** 2 == pytest.approx(4.505, abs=5e-4)  # by hand
    u, v = rng.standard_normal(n), rng.standard_normal(p)
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    W = rng.standard_normal((n, p)) / n**0.5 + theta * np.outer(u, v)
    left, values, right = np.linalg.svd(W, full_matrices=False)
    assert values[0] ** 2 == pytest.approx(4.505, rel=0.06)
    seen = (left[:, 0] @ u) ** 2, (right[0] @ v) ** 2
    assert seen == pytest.approx(laws.overlaps(2, p / n), abs=0.06)
    assert abs(np.diff(laws.overlaps(2, p / n))[0]) > 0.06  # the two sides are not exchanged
    for strength in (0.5, 1.0):
        assert laws.spiked_over_edge(strength, 0.3) == pytest.approx(1)
        assert laws.overlaps(strength, 0.3) == (0, 0)


def test_unequal_variances_have_the_law_of_their_mixture():
    variances = np.array([0.5, 4.0])
    Z = rng.standard_normal((1200, 600)) * np.sqrt(np.tile(variances, 300))
    values = np.sort(np.linalg.eigvalsh(Z.T @ Z / 1200))
    grid, density, below = laws.unequal(variances, 0.5)
    assert np.abs(np.interp(values, grid, below) - (np.arange(600) + 0.5) / 600).max() < 0.02
    assert grid @ density * np.diff(grid)[0] == pytest.approx(2.25, rel=0.02)  # the mean variance
    grid, _, below = laws.unequal(np.array([2.25]), 0.5)  # all of the mean variance: another law
    assert np.abs(np.interp(values, grid, below) - (np.arange(600) + 0.5) / 600).max() > 0.1


# --- power laws -------------------------------------------------------------------------------------------------------


def test_the_package_leaves_the_upper_end_out_of_its_likelihood():
    """What the chapter says of its release; where this fails, a new release has it in."""
    values = kinds.eigenvalues(np.random.default_rng(7).pareto(2.5, (200, 60)))
    theirs = by_powerlaw(values, ended=True)
    y = np.log(values[values >= theirs.xmin] / theirs.xmin)
    assert float(theirs.alpha) == pytest.approx(1 + 1 / y.mean(), rel=1e-4)
    assert tails.bounded(values, tails.fit(values, ended=True)) < float(theirs.alpha) - 0.05


def test_a_power_law_with_an_upper_end_has_the_largest_likelihood_where_it_says():
    y = rng.exponential(0.5, 400)
    y = y[y < 1]
    t = float(tails.slope(np.array([y.mean()]), np.array([1.0]))[0])
    best: Any = optimize.minimize_scalar(lambda t: t * y.mean() - np.log(t / -np.expm1(-t)), bounds=(0.01, 9))
    assert t == pytest.approx(best.x, rel=1e-4)
    assert t < 1 / y.mean()
    assert t == pytest.approx(2, abs=0.6)


def test_gains_are_those_of_a_search_for_the_best_parameters():
    x = np.exp(np.abs(rng.standard_normal(300)))
    tail = replace(tails.fit(x, ended=True), xmin=1.0, xmax=float(x.max()), count=len(x))
    y, length = np.log(x), np.log(x.max())
    nodes = np.linspace(0, length, 4001)

    def lost(at, bend):
        whole = np.trapezoid(np.exp(-at[0] * nodes - at[1] * bend(nodes)), nodes)
        return float((at[0] * y + at[1] * bend(y)).mean() + np.log(whole))

    bends = {"lognormal": lambda y: y**2, "cutoff": lambda y: np.exp(y) - 1}
    assert set(bends) == set(tails.RIVALS)
    for name, bend in bends.items():
        fits = [optimize.minimize(lost, [1.0, 0.1], args=(bend,), bounds=[(-9, 9), (0, end)]).fun for end in (9, 0)]
        assert tails.gains(x, tail)[name] == pytest.approx(2 * len(x) * (fits[1] - fits[0]), abs=0.1)
    assert tails.gains(x, tail)["lognormal"] > tails.GAIN


# --- phases -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PHASES)
def test_a_matrix_of_each_phase_is_on_its_law_and_told_right(name):
    drawn = kinds.DRAW[name](400, 200, np.random.default_rng(11))
    assert drawn.off < 0.045
    assert drawn.top_off < (0.5 if name == kinds.HEAVY else 0.15)
    assert kinds.measured(drawn.matrix).phase == name


@pytest.mark.parametrize(("name", "other"), [(kinds.DECAY, kinds.RANDOM), (kinds.SPIKES, kinds.DECAY)])
def test_a_matrix_of_another_phase_is_off_the_law(name, other):
    values = kinds.DRAW[name](400, 200, np.random.default_rng(11)).values
    law = laws.bulk_cdf(values, 400, 200)
    if other == kinds.DECAY:
        grid, _, below = laws.unequal(kinds.variances(200), 0.5)
        law = np.interp(values, grid, below)
    assert kinds.bulk.distance(values, law) > 0.1


def test_soft_and_stable_rank_are_read_off_the_largest_eigenvalue():
    W = kinds.DRAW[kinds.SPIKES](400, 200, np.random.default_rng(2)).matrix
    m = kinds.measured(W)
    values = np.linalg.eigvalsh(W.T @ W)
    assert m.stable_rank == pytest.approx(values.sum() / values[-1])
    assert m.soft_rank == pytest.approx(m.sigma**2 * (400**0.5 + 200**0.5) ** 2 / values[-1])
    assert kinds.measured(W.T).soft_rank == pytest.approx(m.soft_rank)
    assert m.spikes == 8
