"""Ranks, sizes and light tails: matrices of a kind known by construction get the verdict and the rank they have."""

import numpy as np
import pytest

from known_matrices import LIGHT, of_equal_values, of_low_rank
from reversible.spectra.matrix import analyse
from reversible.spectra.verdicts import HEAVY_TAILED, NOT_JUDGED, STRUCTURED, UNEQUAL

EQUAL, LOW = of_equal_values(), of_low_rank()


@pytest.mark.parametrize("name", EQUAL)
def test_values_that_are_all_the_same_are_measured_beside_all_nulls(name):
    matrix, largest = EQUAL[name]
    for seed in (0, 1):
        row = analyse(matrix, seed=seed)
        m, p = row.measured, min(matrix.shape)
        assert (row.verdict, m.rank, m.alpha) == (STRUCTURED, p, None)
        assert (m.largest, m.stable_rank) == (pytest.approx(largest), pytest.approx(p))
        assert (m.sigma, m.edge_low, m.edge_high, m.spike_edge, m.n_spikes) == (None,) * 5
        assert {"gaussian", "permuted"} <= set(row.nulls)


@pytest.mark.parametrize("name", LOW)
@pytest.mark.parametrize("unit", [1.0, 1e-200])
def test_values_that_are_rounding_count_for_nothing(name, unit):
    matrix, rank = LOW[name]
    row = analyse(unit * matrix)
    m = row.measured
    exact = np.linalg.svd(matrix, compute_uv=False)
    assert m.rank == rank == (exact > 1e-7 * exact[0]).sum()
    assert row.verdict == (UNEQUAL if name == "dead" else STRUCTURED)
    if m.sigma is None:
        assert (m.edge_low, m.edge_high, m.spike_edge, m.n_spikes) == (None,) * 4
    else:
        assert m.edge_high is not None
        assert m.n_spikes is not None
        assert m.edge_high > 1e-2 * m.largest  # no bulk of rounding
        assert m.n_spikes < rank
    assert analyse(unit * matrix, nulls=False).verdict == STRUCTURED


def test_the_bulk_of_low_rank_is_that_of_the_part_that_is_there():
    twice, dead = (analyse(LOW[name][0], nulls=False).measured for name in ("twice", "dead"))
    assert (twice.n_spikes, twice.sigma) == (0, pytest.approx(2**0.5, rel=0.02))
    assert (dead.n_spikes, dead.sigma) == (0, pytest.approx(1, rel=0.02))


def test_the_rank_is_asked_before_the_tail():
    heavy = np.random.default_rng(1).standard_t(1.5, (400, 100))
    assert analyse(heavy, nulls=False).verdict == HEAVY_TAILED
    twice = analyse(np.tile(heavy, (1, 2)), nulls=False)
    assert (twice.verdict, twice.measured.rank) == (STRUCTURED, 100)


def test_a_triangle_loses_the_few_values_that_are_below_rounding():
    matrix = np.tril(np.random.default_rng(0).standard_normal((256, 256)))
    exact = np.linalg.svd(matrix, compute_uv=False)
    row = analyse(matrix)
    assert row.verdict == STRUCTURED
    assert row.measured.rank == (exact > 6e-8 * exact[0]).sum() < 256


@pytest.mark.parametrize("noise", [0, 1e-6, 3.0])
def test_two_columns_of_which_one_is_the_other_are_not_judged(noise):
    rng = np.random.default_rng(0)
    matrix = np.outer(np.arange(1, 385.0), [1, 2.0])
    row = analyse(matrix + noise * rng.standard_normal((384, 2)))
    assert (row.verdict, row.measured.rank) == (NOT_JUDGED, 2 if noise == 3 else 1)
    assert row.measured.n_spikes in (None, 0)


@pytest.mark.parametrize("p", [2, 3, 8, 9, 16, 31, 32])
def test_few_columns_are_measured_and_not_judged(p):
    rng = np.random.default_rng(p)
    for _ in range(5):
        row = analyse(rng.standard_normal((64, p)))
        assert (row.verdict == NOT_JUDGED) == (p < 32)
        assert row.measured.rank == p


def test_the_factors_of_an_update_of_low_rank_are_not_judged_and_their_product_is():
    rng = np.random.default_rng(0)
    B, A = rng.standard_normal((256, 16)), rng.standard_normal((16, 512))
    assert [analyse(factor).verdict for factor in (A, B, B @ A)] == [NOT_JUDGED, NOT_JUDGED, STRUCTURED]


@pytest.mark.parametrize("name", LIGHT)
@pytest.mark.parametrize(("n", "p", "draws"), [(400, 100, 5), (400, 384, 1)])
def test_columns_that_lean_on_each_other_are_no_heavy_tail(name, n, p, draws):
    for seed in range(draws):
        rng = np.random.default_rng([seed, p])
        row = analyse(LIGHT[name](n, p, rng), seed=seed)
        assert row.verdict == STRUCTURED
        assert row.measured.alpha is not None
        assert row.measured.kurtosis == pytest.approx(3, abs=0.3)
        assert row.nulls["permuted"].n_spikes in (0, 1)  # the entries in random order have no tail
