"""The net of one unit and rays of level sets, beside integrals, brute force and nets that are run."""

import numpy as np
import pytest
from scipy import integrate

from helpers import refusal
from reversible.papers.nguyen2019.experiments.levels import balanced
from reversible.papers.nguyen2019.laws import one_unit
from reversible.papers.nguyen2019.nets import LEAK, activation, given, random_weights


@pytest.mark.parametrize("a", [0.05, 0.3, 0.5, 0.9])
def test_areas_are_those_of_an_integral(a):
    R = 5.0
    low, high = max(0.0, 1 - np.sqrt(2 * a)), 1 + np.sqrt(2 * a)
    for slope, found in zip((1.0, LEAK), one_unit.areas(a, R), strict=True):
        width = lambda v, s=slope: min(R, high / (s * v)) - min(R, low / (s * v))  # noqa: E731
        wanted = integrate.quad(width, 1e-9, R, points=[low / slope / R, high / slope / R], limit=200)[0]
        assert found == pytest.approx(wanted, rel=1e-6)


def test_pieces_and_the_lowest_way_between_them():
    counts = [one_unit.pieces(a, 4.0, 400, "leaky")[0] for a in (0.1, 0.45, 0.55)]
    assert counts == [2, 2, 1]
    assert one_unit.pieces(0.1, 4.0, 400, "relu")[0] == 1
    assert one_unit.lowest_pass(6.0, 300, "leaky") == pytest.approx(0.5, abs=1e-3)
    assert "even" in refusal(lambda: one_unit.lowest_pass(6.0, 301, "leaky"))


def test_a_balanced_net_is_the_same_function_and_hangs_on_no_scaling():
    rng = np.random.default_rng(1)
    theta, X = random_weights((4, 5, 3, 2), rng), rng.standard_normal((6, 4))
    short, leaky = balanced(theta), activation("leaky")
    assert given(short, X, leaky) == pytest.approx(given(theta, X, leaky))
    assert np.linalg.norm(short.flat()) < np.linalg.norm(theta.flat())
    first, second, third = theta.weights
    scaled = type(theta)((50 * first, second / 50, third), (50 * theta.biases[0], *theta.biases[1:]))
    assert balanced(scaled).flat() == pytest.approx(short.flat())
