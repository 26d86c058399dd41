"""One reduction of the Gram matrix: its rank, its single precision, and what happens where LAPACK fails."""

import math

import numpy as np
import pytest
from scipy import linalg, stats

from reversible.spectra import decomposed as module
from reversible.spectra.decomposed import DRIVERS, LARGE, VECTORS, decomposed, enough, rank_of, values_of

FIND = linalg.eigh_tridiagonal


def with_values(values, n=90, seed=0):
    """A tall matrix with these singular values."""
    sides = (stats.ortho_group.rvs(size, random_state=seed) for size in (n, len(values)))
    left, right = sides
    return (left[:, : len(values)] * values) @ right


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_single_precision_has_the_values_of_double_within_a_thousandth_of_the_largest(kind):
    matrix = np.random.default_rng(0).standard_normal((180, 160))
    matrix[:, 0] *= 30
    exact = np.linalg.svd(matrix, compute_uv=False)
    found = decomposed(matrix, kind)
    off = {"f4": 1e-3, "f8": 1e-9}[kind] * exact[0]
    for values in (found.values, values_of(matrix, kind)):
        assert values.dtype == float
        assert np.abs(values - exact).max() < off
    assert (np.abs(found.values - exact).max() > 1e-9 * exact[0]) == (kind == "f4")  # it is single precision
    exactly = decomposed(matrix)
    assert (found.gram_rms, found.gram_max) == pytest.approx((exactly.gram_rms, exactly.gram_max), rel=1e-4)
    for mine, theirs in zip(found.directions, exactly.directions, strict=True):
        assert abs(mine[:, 0] @ theirs[:, 0]) == pytest.approx(1, abs=1e-4)  # of the largest value


@pytest.mark.parametrize(("kind", "share"), [("f8", 4 * 2.0**-26), ("f4", 4 * 2.0**-11.5)])
def test_what_is_below_rounding_counts_for_no_rank(kind, share):
    for last, rank in ((1.5 * share, 60), (share / 1.5, 59), (0.0, 59)):
        values = np.array([*np.geomspace(1, 0.1, 59), last])
        assert rank_of(values, kind) == rank
    zeros = np.zeros(20)
    found = decomposed(with_values(np.array([*np.geomspace(1, 0.1, 40), *zeros])), kind)
    assert found.rank == 40
    assert found.values[40:].max() < share
    right, left = found.directions
    assert right.shape == (60, 1 + VECTORS)
    assert left.shape == (90, 1 + VECTORS)  # the middle, 22 to 37, is there: 40 of 60 are


def test_directions_of_values_that_are_rounding_have_no_other_side():
    found = decomposed(with_values(np.array([3.0, 2.0, 1.0, *np.zeros(57)])))
    assert [side.shape[1] for side in found.directions] == [1 + VECTORS, 1]


@pytest.mark.parametrize("failing", [DRIVERS[:1], DRIVERS[:2]])
def test_where_a_driver_fails_the_next_finds_the_same(monkeypatch, failing):
    matrix = np.random.default_rng(1).standard_normal((90, 60))
    expected, asked = decomposed(matrix), []

    def find(*words, lapack_driver="auto", **how):
        asked.append(lapack_driver)
        if lapack_driver in failing:
            raise linalg.LinAlgError(f"{lapack_driver} did not converge")
        return FIND(*words, lapack_driver=lapack_driver, **how)

    monkeypatch.setattr(module.linalg, "eigh_tridiagonal", find)
    found = decomposed(matrix)
    assert [*dict.fromkeys(asked)] == [*DRIVERS[: len(failing) + 1]]
    assert np.array_equal(found.values, expected.values)
    for mine, theirs in zip(found.directions, expected.directions, strict=True):
        assert np.abs(np.sum(mine * theirs, axis=0)) == pytest.approx(1)


def test_where_all_drivers_fail_it_says_so(monkeypatch):
    def find(*words, **how):
        raise linalg.LinAlgError("no")

    monkeypatch.setattr(module.linalg, "eigh_tridiagonal", find)
    with pytest.raises(linalg.LinAlgError, match="its singular vectors could not be found"):
        decomposed(np.random.default_rng(1).standard_normal((90, 60)))


def test_only_large_random_matrices_that_are_not_square_are_in_single_precision():
    kinds = {(LARGE + 99, LARGE): "f4", (LARGE + 99, LARGE - 1): "f8", (LARGE + 9, LARGE): "f8", (LARGE, LARGE): "f8"}
    for (n, p), kind in kinds.items():
        assert enough((n, p)) == enough((p, n)) == kind


def test_the_precision_of_a_random_matrix_moves_no_verdict_of_its_bulk():
    from reversible.spectra.measures import bulk_of

    matrix = np.random.default_rng(2).standard_normal((300, 200))
    double, single = (bulk_of(values_of(matrix, kind), (300, 200)) for kind in ("f8", "f4"))
    assert single["n_spikes"] == double["n_spikes"]
    assert single["sigma"] == pytest.approx(double["sigma"], rel=1e-4)
    assert single["ks"] == pytest.approx(double["ks"], abs=1e-3)
    assert math.isclose(single["spike_edge"], double["spike_edge"], rel_tol=1e-4)
