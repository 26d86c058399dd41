"""Laws of the pieces of random nets beside simulations that share no code with them."""

import math

import numpy as np
import pytest

from reversible.theory import regions as laws


def crossed(points, layer, s, rng, closed=False):
    """Mean changes of sign of a neuron of a wide random net along points that lie close together, and its error."""
    n, width, counts = points.shape[1], 300, []
    for _ in range(30):
        z = points
        for fan_in in (n, *[width] * (layer - 1)):
            z = z if z is points else np.maximum(z, 0)
            z = z @ (rng.standard_normal((fan_in, width)) * math.sqrt(2 / fan_in)) + s * rng.standard_normal(width)
        on = z > 0
        counts.append((np.diff(on, axis=0).sum(0) + (closed & (on[0] != on[-1]))).mean())
    return np.mean(counts), np.std(counts) / math.sqrt(len(counts))


@pytest.mark.parametrize("layer", [1, 2])
def test_zeros_on_a_part_of_a_line_are_counted_in_a_plain_simulation(layer):
    s, low, high = 0.5, -1.0, 2.0
    x, u = np.array([1.0, 0.3, -0.4]), np.array([0.2, 1, 0.7])
    line = x[None] + np.linspace(low, high, 801)[:, None] * u
    found, error = crossed(line, layer, s, np.random.default_rng(layer))
    law = laws.zeros(x, u, layer, s, low, high)
    assert abs(found - law) < 4 * error + 0.005
    assert abs(law - laws.zeros(x, u, 3 - layer, s, low, high)) > 4 * error + 0.005  # it can tell the layers apart


@pytest.mark.parametrize("s", [0.0, 0.5])
@pytest.mark.parametrize("layer", [1, 2])
def test_zeros_around_a_circle_are_counted_in_a_plain_simulation(layer, s):
    turn = np.linspace(0, math.tau, 1200, endpoint=False)
    circle = np.array([0.6, 0.3, -0.4]) + np.outer(np.cos(turn), [1, 0, 0]) + np.outer(np.sin(turn), [0, 0.6, 0.8])
    found, error = crossed(circle, layer, s, np.random.default_rng(layer), closed=True)
    law = laws.zeros_around(circle, layer, s)
    assert abs(found - law) < 4 * error + 0.005
    assert law < 1.9  # it is not that of a circle around the origin


def test_a_segment_and_a_whole_line_turn_as_far_as_the_formula_says():
    x, u = np.array([1.0, 0.3, -0.4]), np.array([0.2, 1, 0.7])
    there = x[None] + np.linspace(-1, 2, 4001)[:, None] * u
    back = there[::-1]
    assert laws.zeros_around(np.concatenate([there, back]), 2, 0.3) == pytest.approx(
        2 * laws.zeros(x, u, 2, 0.3, -1, 2), abs=1e-4
    )
    assert laws.zeros(x, u, 5, 0.0, 0, 1) == pytest.approx(
        math.acos(x @ (x + u) / np.linalg.norm(x) / np.linalg.norm(x + u)) / math.pi
    )


def test_a_line_through_the_origin_has_all_its_zeros_there_where_there_are_no_biases():
    u = np.array([0.3, -0.1, 0.7])
    assert laws.zeros(-2 * u, u, 3, 0.0) == laws.zeros(-2 * u, u, 3, 0.0, 1, 3) == 1
    assert laws.zeros(-2 * u, u, 3, 0.0, 0, 1.5) == 0
    assert laws.zeros(-2 * u, u, 3, 0.1) == pytest.approx(1)


def test_the_distance_law_is_that_of_many_independent_planes():
    rng = np.random.default_rng(1)
    n, N = 200, 2000
    x = rng.standard_normal((100, n))
    x *= math.sqrt(n) / np.linalg.norm(x, axis=1, keepdims=True)
    W = rng.standard_normal((N, n))
    found = (np.abs(x @ W.T) / np.linalg.norm(W, axis=1)).min(1)
    law = laws.distance((N,), 1.0, 0.0)
    assert N * law == pytest.approx(math.sqrt(2 * math.pi) / 2)
    assert abs(found.mean() / law - 1) < 0.4  # one draw of planes: its mean has an error of a tenth
