"""Laws of errors in noise beside many-digit arithmetic, quadrature and plain simulation."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from helpers import refusal
from reversible.theory import errors_in_noise as laws

SHARES = (0.3, 0.01, 1e-5)


def upper(x):
    """P(Z > x) in forty digits."""
    with mpmath.workdps(40):
        return mpmath.erfc(mpmath.mpf(x) / mpmath.sqrt(2)) / 2


@pytest.mark.parametrize("mu", SHARES)
def test_a_plane_at_the_foretold_distance_has_the_share_it_was_foretold_from(mu):
    assert float(upper(laws.flat_distance(mu, 0.7) / 0.7)) == pytest.approx(mu, rel=1e-12)


@pytest.mark.parametrize("mu", SHARES)
def test_the_mean_is_the_integral_of_the_bound(mu):
    with mpmath.workdps(30):
        c = -mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(mu) - 1)
        wanted: Any = mpmath.quad(lambda t: upper(t - c), [0, c, c + 12])
    assert laws.mean_distance(mu, 1.0) == pytest.approx(float(wanted), rel=1e-9)
    assert laws.mean_distance(mu, 3.0) == pytest.approx(3 * float(wanted), rel=1e-9)


@pytest.mark.parametrize("mu", SHARES)
@pytest.mark.parametrize("make", [laws.Slab, lambda m: laws.Planes(m, 7), lambda m: laws.Outside(m, 50)])
def test_a_set_has_its_share_its_median_and_lies_above_the_bound(make, mu):
    law = make(mu)
    assert float(law.within(0.0)) == pytest.approx(mu, rel=1e-9)
    assert float(law.within(law.median)) == pytest.approx(0.5, rel=1e-9)
    assert float(law.within(law.clean + 1)) == pytest.approx(1, abs=0.2)
    t = np.linspace(0, law.clean, 50)
    assert (law.within(t) >= laws.near(t, mu, 1.0) - 1e-12).all()
    assert (law.within(t)[1:-1] > laws.near(t, mu, 1.0)[1:-1]).any()


def test_one_plane_is_on_the_bound():
    t = np.linspace(0, 4, 30)
    assert laws.Planes(0.02).within(t) == pytest.approx(laws.near(t, 0.02, 1.0), rel=1e-12)


@pytest.mark.parametrize(
    ("law", "along"),
    [
        (laws.Slab(0.05), lambda z: np.abs(z[:, 0])),
        (laws.Planes(0.05, 3), lambda z: z[:, :3].max(1)),
        (laws.Outside(0.05, 6), lambda z: np.sqrt((z**2).sum(1))),
    ],
)
def test_closed_forms_are_those_of_drawn_points(law, along):
    z = np.random.default_rng(0).standard_normal((200_000, 6))
    far = np.maximum(law.clean - along(z), 0)
    assert (far == 0).mean() == pytest.approx(law.mu, abs=0.002)
    assert np.median(far) == pytest.approx(law.median, abs=0.01)
    assert (far <= 0.5).mean() == pytest.approx(float(law.within(0.5)), abs=0.004)


def test_a_corner_has_its_share_of_points():
    z = np.random.default_rng(1).standard_normal((400_000, 3))
    inside = (z[:, 0] >= 0.4) & (z[:, 1:] >= 0).all(1)
    assert inside.mean() == pytest.approx(laws.Corner(0.4, 2).mu, abs=0.001)


def test_the_half_space_is_the_largest_around_another_point():
    z = np.random.default_rng(2).standard_normal((400_000, 2))
    for inside in (lambda x: np.abs(x[:, 0]) > 2, lambda x: (x > 1).all(1), lambda x: (x**2).sum(1) > 9):
        mu, moved = inside(z).mean(), inside(z + np.array([0.8, 0.3])).mean()
        assert moved <= float(laws.beside(math.hypot(0.8, 0.3), mu, 1.0)) + 0.003


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: laws.flat_distance(0.01, 0), "sigma must be a number from 1e-12"),
        (lambda: laws.flat_distance(0.5, 1), "must be above 0 and below 0.5, not 0.5"),
        (lambda: laws.deviates(0.0), "share of errors in noise must be a number from"),
        (lambda: laws.Planes(0.1, 0), "k must be an integer from 1"),
        (lambda: laws.Slab(0.7), "below 0.5, not 0.7"),
        (lambda: laws.Outside(0.1, 0), "n must be an integer from 1"),
    ],
)
def test_wrong_input_is_told_in_one_line(wrong, told):
    assert told in refusal(wrong)
