"""u + A r(u) = v: against scipy's own solvers and all pieces, methods that agree, cycles that end, bad input."""

import itertools

import numpy as np
import pytest
from scipy import optimize

from helpers import refusal
from reversible.nets.residual import (
    Unit,
    damped,
    least_index,
    newton,
    piece,
    plain,
    problem,
    proved_step,
    transform,
)

METHODS = {"plain": plain, "damped": damped, "newton": newton, "least_index": least_index}


def pieces(A, v):
    """All u with u + A r(u) = v, by solving every piece: numpy alone."""
    found = []
    for active in itertools.product((0, 1), repeat=len(v)):
        u = np.linalg.solve(np.eye(len(v)) + A * np.array(active), v)
        if ((u > 0) == np.array(active, bool)).all():
            found.append(u)
    return found


def ring(h, strength=2.0):
    """I + A with A a cyclic shift: P for odd h, and Newton's method cycles on it for some v."""
    return strength * np.roll(np.eye(h), 1, 0)


def gaussian(rng, count, h, s):
    return s * rng.standard_normal((count, h, h)) / np.sqrt(h)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_finds_the_only_solution(method):
    rng = np.random.default_rng(0)
    A, v = gaussian(rng, 60, 6, 0.45), rng.standard_normal((60, 6))
    found = METHODS[method](A, v)
    assert found.converged.all()
    for a, side, u in zip(A, v, found.u, strict=True):
        (only,) = pieces(a, side)
        np.testing.assert_allclose(u, only, atol=1e-8)


def test_against_a_linear_complementarity_problem_as_a_quadratic_program():
    """Gram A: min |r|^2 / 2 + r'A r / 2 - v'r over r >= 0, by scipy's nonnegative least squares, and u = v - A r."""
    rng = np.random.default_rng(1)
    G, v = rng.standard_normal((9, 9)), rng.standard_normal(9)
    A = 2 * G @ G.T / 9
    L = np.linalg.cholesky(np.eye(9) + A)
    r, _ = optimize.nnls(L.T, np.linalg.solve(L, v))
    expected = v - A @ r
    for method in (damped, newton, least_index):
        found = method(A, v)
        assert found.converged[0], method
        np.testing.assert_allclose(found.u[0], expected, atol=1e-8)
    assert not plain(A, v).converged[0]


def test_every_p_case_is_solved_by_patterns_and_steps_are_few():
    rng = np.random.default_rng(2)
    A, v = gaussian(rng, 400, 8, 1.0), rng.standard_normal((400, 8))
    is_p = np.array([all(np.linalg.det((np.eye(8) + a)[np.ix_(S, S)]) > 0 for size in range(1, 9)
                         for S in itertools.combinations(range(8), size)) for a in A[:80]])  # fmt: skip
    A, v = A[:80][is_p], v[:80][is_p]
    assert len(A) > 20
    for method in (newton, least_index):
        found = method(A, v)
        assert found.converged.all()
        np.testing.assert_allclose(transform_by_hand(A, found.u), v, atol=1e-9)
    assert newton(A, v).steps.max() <= 10
    assert least_index(A, v).steps.max() <= 2**8 - 1


def transform_by_hand(A, u):
    return np.array([row + a @ np.maximum(row, 0) for a, row in zip(A, u, strict=True)])


def test_newton_cycles_on_a_ring_and_the_fallback_ends():
    A = ring(5)
    v = np.random.default_rng(3).standard_normal((20000, 5))
    alone, safe = newton(A, v, safe=False), newton(A, v)
    cycled = ~alone.converged
    assert 50 < cycled.sum() < 1000
    assert safe.converged.all()
    assert (safe.steps[cycled] > 100).all()
    for side, u in zip(v[cycled][:20], safe.u[cycled][:20], strict=True):
        (only,) = pieces(A, side)
        np.testing.assert_allclose(u, only, atol=1e-9)


def test_on_a_ring_no_damping_helps():
    """The piece with all units active has an eigenvalue with a negative real part: an unstable solution, whatever t."""
    A, u = ring(5), np.ones((1, 5)) + 0.01 * np.arange(5)
    assert np.linalg.eigvals(np.eye(5) + A).real.min() < -0.5
    v = transform(A, u)
    start = v + 1e-3  # near, not on it
    for step in (0.5, 0.1, 0.01):
        assert not damped(A, start, step).converged[0]
    np.testing.assert_allclose(newton(A, v).u, u)


def test_the_proved_step_converges_and_no_faster_than_it_may():
    """||z - z*|| shrinks at each step at least by sqrt(1 - mu^2 / L^2), or (L - mu) / (L + mu) for a symmetric A."""
    rng = np.random.default_rng(4)
    for symmetric in (False, True):
        A = gaussian(rng, 200, 5, 0.6)
        A = (A + np.swapaxes(A, 1, 2)) / 2 if symmetric else A
        M = np.eye(5) + A
        mu = np.linalg.eigvalsh((M + np.swapaxes(M, 1, 2)) / 2)[:, 0]
        A, M, mu = A[mu > 0.05], M[mu > 0.05], mu[mu > 0.05]
        largest = np.linalg.norm(M, 2, axis=(1, 2))
        v = rng.standard_normal((len(A), 5))
        exact = np.maximum(np.array([pieces(a, side)[0] for a, side in zip(A, v, strict=True)]), 0)
        factor = (largest - mu) / (largest + mu) if symmetric else np.sqrt(1 - (mu / largest) ** 2)
        t = proved_step(A)
        np.testing.assert_allclose(t, 2 / (mu + largest) if symmetric else mu / largest**2)
        z = np.maximum(v, 0)
        for _ in range(30):
            onward = np.maximum(z - t[:, None] * (np.einsum("bij,bj->bi", M, z) - v), 0)
            was, now = (np.linalg.norm(w - exact, axis=1) for w in (z, onward))
            assert (now <= factor * was + 1e-12).all()
            z = onward
        assert damped(A, v, steps=20000).converged.all()


def test_no_step_is_proved_where_the_matrix_is_not_monotone():
    assert np.isnan(proved_step(-2 * np.eye(2)))
    assert np.isnan(proved_step(-np.eye(1)))
    assert proved_step(np.zeros((1, 1))) == 1


def test_the_trace_is_the_residual_on_the_way():
    rng = np.random.default_rng(5)
    A, v = gaussian(rng, 4, 6, 0.4), rng.standard_normal((4, 6))
    found, u = plain(A, v), v.copy()
    for row in found.trace[:5]:
        off = transform_by_hand(A, u) - v
        np.testing.assert_allclose(row, np.linalg.norm(off, axis=1) / np.linalg.norm(v, axis=1), rtol=1e-9)
        u = v - np.einsum("bij,bj->bi", A, np.maximum(u, 0))
    assert (found.trace[-1] <= 1e-10).all()
    assert len(found.trace) == found.steps.max() + 1


def test_what_blows_up_stops_and_says_so():
    found = plain(-9 * np.eye(3), np.ones((2, 3)))
    assert not found.converged.any()
    assert found.steps.max() < 200


def test_a_singular_piece_is_no_solution_and_hurts_no_neighbour():
    A, v = np.array([-np.eye(2), np.eye(2)]), np.array([[1.0, 1.0], [1.0, -1.0]])
    active = np.ones((2, 2), bool)
    first, second = piece(A, v, active)
    assert np.isnan(first).all()
    np.testing.assert_allclose(second, [0.5, -0.5])
    assert newton(A, v).converged.tolist() == [False, True]


def test_one_matrix_for_all_sides_is_the_same_as_one_each():
    rng = np.random.default_rng(6)
    A, v = gaussian(rng, 1, 7, 0.5)[0], rng.standard_normal((9, 7))
    for method in METHODS.values():
        shared, each = method(A, v), method(np.repeat(A[None], 9, 0), v)
        np.testing.assert_allclose(shared.u, each.u, atol=1e-9)
        np.testing.assert_array_equal(shared.steps, each.steps)


@pytest.mark.parametrize(("n", "h"), [(6, 3), (3, 6), (4, 4)])
def test_a_unit_by_its_transform(n, h):
    rng = np.random.default_rng(7)
    unit = Unit.of(0.3 * rng.standard_normal((h, n)), rng.standard_normal(h), 0.3 * rng.standard_normal((n, h)))
    x = rng.standard_normal((50, n))
    by_hand = x + np.maximum(x @ unit.W1.T + unit.b, 0) @ unit.W2.T
    np.testing.assert_allclose(unit(x), by_hand, atol=1e-12)
    u = x @ unit.W1.T + unit.b
    np.testing.assert_allclose(transform(unit.W1 @ unit.W2, u), unit.reduced(by_hand), atol=1e-12)
    np.testing.assert_allclose(unit.lifted(by_hand, newton(unit.A, unit.reduced(by_hand)).u), x, atol=1e-9)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ((np.ones(3), np.ones(3), np.ones((2, 3))), "W1 must be a matrix, h x n, not of shape (3,)"),
        ((np.ones((3, 2)), np.ones(2), np.ones((2, 3))), "b must have one entry for each of the 3 rows of W1"),
        ((np.ones((3, 2)), np.ones(3), np.ones((3, 2))), "W2 must be 2 x 3 beside W1 of 3 x 2, not of shape (3, 2)"),
        ((np.ones((3, 2)), [0, 0, np.nan], np.ones((2, 3))), "b must hold finite numbers, and 1 of 3 are not"),
    ],
)
def test_a_unit_that_is_none(parts, says):
    assert refusal(lambda: Unit.of(*parts)).startswith(says)


@pytest.mark.parametrize(
    ("A", "v", "says"),
    [
        (np.ones((2, 3)), np.ones(3), "A must be a square matrix"),
        (np.eye(2), np.ones(3), "v must be B x h beside A of h x h or B x h x h, not (1, 3) beside (2, 2)"),
        (np.ones((4, 2, 2)), np.ones((3, 2)), "v must be B x h beside A"),
        (np.eye(2), [np.inf, 0], "v must hold finite numbers, and 1 of 2 are not"),
    ],
)
def test_a_problem_that_is_none(A, v, says):
    assert refusal(lambda: problem(A, v)).startswith(says)
