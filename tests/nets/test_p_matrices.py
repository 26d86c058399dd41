"""P-matrices: all minors by itertools and numpy's determinants, and conditions that imply each other."""

import itertools

import numpy as np
import pytest
import torch

from helpers import refusal
from reversible.nets import p_matrices
from reversible.nets.p_matrices import CLOSE, LARGEST_H, minors, monotonicity, norm, pivots


def sets(h):
    return [S for size in range(1, h + 1) for S in itertools.combinations(range(h), size)]


def least_minor(M):
    """The set with the least principal minor, and that minor."""
    found = {S: np.linalg.det(M[np.ix_(S, S)]) for S in sets(len(M))}
    S = min(found, key=found.__getitem__)
    return S, found[S]


@pytest.mark.parametrize("h", [1, 2, 3, 5, 7])
def test_the_recursive_test_is_that_of_all_minors(h):
    rng = np.random.default_rng(h)
    M = np.eye(h) + rng.standard_normal((300, h, h)) / np.sqrt(h)
    found = pivots(M)
    expected = np.array([least_minor(m)[1] > 0 for m in M])
    assert 0.2 < expected.mean() < 0.95
    np.testing.assert_array_equal(found.is_p, expected)
    assert found.is_clear.all()
    for m, S, is_p in zip(M, found.where, found.is_p, strict=True):
        assert S.any()
        if not is_p:
            assert np.linalg.det(m[np.ix_(S, S)]) < 0


def test_where_the_smallest_pivot_is_a_ratio_of_minors():
    M = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.5, 1.0, 0.6]])
    found = pivots(M)
    assert found.where.tolist() == [[True, True, True]] or found.where.tolist() == [[False, True, True]]
    S = np.flatnonzero(found.where[0])
    above, below = (np.linalg.det(M[np.ix_(part, part)]) for part in (S, S[:-1]))
    assert found.smallest[0] == pytest.approx(above / below)


def test_minors_are_numpys():
    M = np.random.default_rng(0).standard_normal((3, 4, 4))
    np.testing.assert_allclose(minors(M), [[np.linalg.det(m[np.ix_(S, S)]) for S in sets(4)] for m in M])
    np.testing.assert_allclose(minors(M[0]), minors(M)[:1])


def test_a_single_negative_minor_is_found_wherever_it_lies():
    """Identity with one 2 x 2 or 3 x 3 block turned over; no other minor is negative."""
    h = 6
    for S in [S for S in sets(h) if len(S) == 2]:
        M = np.eye(h)
        M[S, S[::-1]] = 2
        found = pivots(M)
        assert not found.is_p[0]
        assert set(np.flatnonzero(found.where[0])) == set(S)
    three = (0, 2, 5)
    turned = np.eye(h)
    turned[np.ix_(three, three)] += 0.1 * np.eye(3) - 0.5  # minors 0.6 of one, 0.11 of two, -0.484 of all three
    negative = [S for S in sets(h) if np.linalg.det(turned[np.ix_(S, S)]) < 0]
    assert negative == [S for S in sets(h) if set(three) <= set(S)]
    assert set(three) <= set(np.flatnonzero(pivots(turned).where[0]))


def test_many_matrices_are_judged_as_each_by_itself(monkeypatch):
    M = np.eye(5) + 0.5 * np.random.default_rng(1).standard_normal((40, 5, 5))
    whole = pivots(M)
    monkeypatch.setattr(p_matrices, "MOST_NUMBERS", 300)
    parts = pivots(M)
    for name in ("smallest", "where", "scale"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert [bool(pivots(m).is_p[0]) for m in M] == whole.is_p.tolist()


def test_on_the_edge_rounding_does_not_decide():
    edge = np.array([[1.0, 1.0], [1.0, 1.0]])  # its determinant is zero
    for nudge, clear in ((0, False), (1e-13, False), (-1e-13, False), (1e-3, True), (-1e-3, True)):
        found = pivots(edge + np.diag([0, nudge]))
        assert found.is_clear[0] == clear
        assert found.is_p[0] == (nudge > 0) or not clear
    assert not pivots([[1e-13, 1.0], [1.0, 1.0]]).is_clear[0]  # nothing is divided by what rounding could turn
    assert CLOSE < 1e-6


def test_nested():
    """||A|| < 1, then monotone, then P: each implies the next, and none is implied by it."""
    rng = np.random.default_rng(2)
    A = rng.uniform(0.2, 1.5, (400, 1, 1)) * rng.standard_normal((400, 5, 5)) / np.sqrt(5)
    banach = np.array([np.sqrt(np.linalg.eigvalsh(a.T @ a)[-1]) < 1 for a in A])
    monotone = np.array([np.linalg.eigvalsh(np.eye(5) + (a + a.T) / 2)[0] > 0 for a in A])
    is_p = pivots(np.eye(5) + A).is_p
    np.testing.assert_array_equal(norm(A) < 1, banach)
    np.testing.assert_array_equal(monotonicity(A) > 0, monotone)
    assert (banach <= monotone).all()
    assert (monotone <= is_p).all()
    assert banach.sum() < monotone.sum() < is_p.sum() < len(A)


@pytest.mark.parametrize(
    ("M", "says"),
    [
        (np.ones((2, 3)), "M must be a square matrix, h x h, not of shape (2, 3)"),
        (np.ones(4), "M must be a square matrix, h x h, not of shape (4,)"),
        ([[1.0, np.nan], [0.0, np.inf]], "M must hold finite numbers, and 2 of 4 are not"),
        (np.eye(LARGEST_H + 1), f"h must be at most {LARGEST_H} for the exact test of all minors, not {LARGEST_H + 1}"),
        (np.eye(2) * 1j, "M must hold real numbers, not the ndarray array([[0.+1.j, 0.+0.j],"),
        (torch.eye(2, dtype=torch.bool), "M must hold real numbers, not the Tensor tensor([[ True, False],"),
        ("identity", "M must hold real numbers, not the str 'identity'"),
        ([[1.0], [1.0, 2.0]], "M must hold real numbers, not the list [[1.0], [1.0, 2.0]]"),
    ],
)
def test_bad_input_is_one_line(M, says):
    for call in (pivots, minors):
        assert refusal(lambda: call(M)) == says  # noqa: B023


def test_tensors_are_read_in_their_own_precision():
    third = torch.full((1, 1), 1 / 3, dtype=torch.float64, requires_grad=True)
    assert pivots(third).smallest[0] == 1 / 3
    assert pivots(torch.ones(1, 1, dtype=torch.bfloat16)).is_p[0]
