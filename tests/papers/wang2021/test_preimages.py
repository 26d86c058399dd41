"""The counting experiments: their counts by brute force, faults planted in what they test, and their measures."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from reversible.nets import one_to_one, p_matrices
from reversible.papers.wang2021.experiments import curves, preimages
from reversible.papers.wang2021.experiments.curves import Cases, Large, count_of_each, tallied
from reversible.papers.wang2021.experiments.preimages import Matrices, Units, WideUnits, count_of, counted, share


def brute(A, v):
    found = 0
    for active in itertools.product((0, 1), repeat=len(v)):
        u = np.linalg.solve(np.eye(len(v)) + A * np.array(active), v)
        found += ((u > 0) == np.array(active, bool)).all()
    return found


def test_preimages_are_counted_by_all_pieces():
    rng = np.random.default_rng(0)
    A, v = 1.2 * rng.standard_normal((30, 3, 3)), rng.standard_normal((30, 3))
    expected = [brute(a, side) for a, side in zip(A, v, strict=True)]
    assert len(set(expected)) > 1
    assert [int(count_of(a, side[None])[0][0]) for a, side in zip(A, v, strict=True)] == expected
    assert count_of_each(A, v).tolist() == expected


def test_a_fold_has_two_preimages_or_none_and_its_edge_is_set_aside():
    count, near = count_of(np.array([[-2.0]]), np.array([[-1.0], [1.0], [1e-12]]))  # u - 2 r(u) = -|u|
    assert count[:2].tolist() == [2, 0]
    assert near.tolist() == [False, False, True]


def test_a_share_has_its_interval():
    found = share(3, 10)
    assert (found.mean, found.n) == (0.3, 10)
    assert found.ci95 == pytest.approx(stats.binomtest(3, 10).proportion_ci(method="exact"))


cell = Matrices(h=3, sides=3000, trials=30, seed=5)


def test_the_minors_are_right_about_all_that_is_counted():
    found = counted(cell)
    assert 5 < found.p < 28
    assert found.p_with_another_count == found.transposed_differs == found.swapped_stays_p == found.set_aside == 0
    assert found.not_p_shown == cell.trials - found.p


@pytest.mark.parametrize("fault", ["no determinant", "diagonal alone", "always"])
def test_a_faulty_test_of_minors_is_found_out(fault, monkeypatch):
    right = p_matrices.pivots

    def wrong(M):
        found = right(M)
        whole = np.linalg.det(M) > 0
        diagonal = (np.diagonal(M, axis1=1, axis2=2) > 0).all(1)
        answers = {"no determinant": diagonal, "diagonal alone": whole, "always": np.ones(len(M), bool)}
        return replace(found, smallest=np.where(answers[fault], 1.0, -1.0))

    monkeypatch.setattr(preimages, "pivots", wrong)
    found = counted(cell)
    assert found.p_with_another_count > 0
    assert found.swapped_stays_p > 0 or fault == "diagonal alone"


def test_units_come_back(monkeypatch):
    place = Units(n=6, h=4, trials=20, seed=3)
    found = preimages.returned(place)
    assert len(found.errors) == 20 <= found.drawn
    assert max(found.errors) < 1e-12
    faulty = lambda unit, y, u: y + np.maximum(u, 0) @ unit.W2.T  # noqa: E731 - the wrong sign
    monkeypatch.setattr(preimages.Unit, "lifted", faulty)
    assert max(preimages.returned(place).errors) > 0.1


def test_wide_units_are_judged_by_their_pieces():
    place = WideUnits(n=2, h=4, s=0.5, biased=True, sides=200, trials=60, seed=1)
    found = preimages.judged(place)
    assert found.p <= found.one_to_one < found.listed == 60
    assert found.p_not_one_to_one == found.refuted == 0
    assert found.one_to_one - found.p == found.one_to_one_not_p
    assert found.shown > 0.8 * (60 - found.one_to_one)


def test_a_faulty_judge_is_refuted(monkeypatch):
    monkeypatch.setattr(preimages, "signs_of", lambda unit, cells: np.ones(len(cells), int))
    monkeypatch.setattr(preimages, "degree_of", lambda unit, cells: 1)
    place = WideUnits(n=2, h=4, s=1.0, biased=False, sides=200, trials=30, seed=1)
    assert preimages.judged(place).refuted > 5
    assert one_to_one.signs_of is not preimages.signs_of


# --- curves -----------------------------------------------------------------------------------------------------------


def test_a_tally_adds_up():
    found = tallied(Cases("gaussian", 5, 1.0, 200, 7))
    assert found.banach <= found.monotone <= found.p
    assert found.p - found.monotone == found.p_missed
    assert found.plain - found.plain_but_not_p == found.p - found.p_plain_fails
    assert found.gained == found.p_plain_fails > 0 == found.p_ours_fails == found.unclear
    assert 0 < found.several <= found.plain_but_not_p
    gap = curves.gap(Cases("gaussian", 5, 1.0, 200, 7), found)
    assert gap.mean == pytest.approx((found.plain - found.p) / 200)


def test_gram_matrices_are_p_and_units_are_products():
    assert tallied(Cases("gram", 5, 2.0, 50, 8)).p == 50
    rng = np.random.default_rng(0)
    A, bound = curves.matrices(Cases("unit", 6, 1.0, 300, 0), rng)
    assert A.shape == (300, 6, 6)
    assert (np.linalg.norm(A, 2, axis=(1, 2)) <= bound + 1e-12).all()
    assert A.var() == pytest.approx(1 / 6, rel=0.1)


def test_one_hidden_unit_is_on_its_law():
    for s in (0.5, 1.0, 3.0):
        found = tallied(Cases("gaussian", 1, s, 4000, int(10 * s)))
        law = stats.norm.cdf(1 / s)
        assert abs(found.p / 4000 - law) < 4 * math.sqrt(law * (1 - law) / 4000)


def test_large_matrices_at_their_edges():
    found = curves.large(Large(h=200, trials=6, seed=2))
    assert np.mean(found.norm) == pytest.approx(2, abs=0.05)
    assert np.mean(found.downward) == pytest.approx(math.sqrt(2), abs=0.06)
    assert np.mean(found.typical) > 0.8
    assert not any(found.beyond)
    assert all(found.not_one_to_one)
    assert np.mean(found.energy) == pytest.approx(1 / (1 - 0.8**2 / 2), abs=0.3)
