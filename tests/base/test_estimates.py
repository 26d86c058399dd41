"""Intervals: do they cover, and do they refuse what is no estimate?"""

import math

import numpy as np
import pytest

from reversible.base.checks import InputError
from reversible.base.estimates import (
    Estimate,
    furthest,
    jackknife,
    largest,
    over_law,
    pooled,
    ratio,
    rms_gap,
    root_mean_square,
    slope,
    smallest,
)


def coverage(make, truth, repeats=2000):
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(repeats):
        low, high = make(rng).ci95
        hits += low <= truth <= high
    return hits / repeats


def test_mean_covers_in_95_of_100():
    assert coverage(lambda rng: Estimate.of(rng.normal(3, 2, 6)), 3.0) == pytest.approx(0.95, abs=0.015)


def test_pooled_covers():
    def make(rng):
        return pooled([Estimate.of(rng.normal(1, s, 30)) for s in (0.5, 1, 4)])

    assert coverage(make, 1.0) == pytest.approx(0.95, abs=0.015)


def test_a_jackknife_of_a_ratio_of_variances_covers():
    """Of twenty seeds, paired as two methods' are, somewhat skewed."""

    def make(rng):
        common, own = (rng.gamma(16, 1, 20) - 16 for _ in range(2))
        columns = 1.5 * (common + own), common - own
        return jackknife(lambda a, b: float(np.log(a.var(ddof=1) / b.var(ddof=1))), *columns)

    assert 0.925 <= coverage(make, 2 * math.log(1.5), 1000) <= 0.97


TRUTHS = (0.9, 1.0, 1.02, 1.05)


@pytest.mark.parametrize("spread", [0.02, 0.3])
def test_the_largest_and_the_smallest_of_several_values_are_covered_though_they_are_picked(spread):
    def cells(rng):
        return [Estimate.of(rng.normal(mean, spread, 12)) for mean in TRUTHS]

    assert coverage(lambda rng: largest(cells(rng)), 1.05) >= 0.94
    assert coverage(lambda rng: smallest(cells(rng)), 0.9) >= 0.94
    assert coverage(lambda rng: furthest(cells(rng), 1.0), 0.1) >= 0.94


def test_the_interval_of_the_one_that_was_picked_alone_would_not_cover_the_largest():
    def make(rng):
        return max((Estimate.of(rng.normal(1, 0.3, 12)) for _ in range(20)), key=lambda e: e.mean)

    assert coverage(make, 1.0) < 0.7
    assert coverage(lambda rng: largest([Estimate.of(rng.normal(1, 0.3, 12)) for _ in range(20)]), 1.0) >= 0.94


@pytest.mark.parametrize("gap", [0.0, 0.05, 0.2])
def test_the_gap_to_a_law_is_covered_though_each_value_is_uncertain_by_more(gap):
    def values(rng):
        return [Estimate.of(rng.normal(rng.normal(1, gap), 0.5, 40)) for _ in range(60)]

    assert coverage(lambda rng: rms_gap(values(rng), 1.0), gap, repeats=300) >= 0.92
    naive = np.mean([(e.mean - 1) ** 2 for e in values(np.random.default_rng(1))]) ** 0.5
    assert gap > 0.1 or naive > gap + 0.02


def test_a_distance_from_a_law_is_none_where_all_intervals_hold_it():
    found = furthest([Estimate.of([0.9, 1.1, 1.0]), Estimate.of([1.1, 0.8, 1.05])], 1.0)
    assert found.ci95[0] == 0
    assert furthest([Estimate.exact(1.2), Estimate.exact(0.7)], 1.0).ci95 == pytest.approx((0.3, 0.3))


def test_the_mean_over_laws_covers_one():
    def make(rng):
        return over_law([(Estimate.of(rng.normal(law, law / 5, 30)), law) for law in (0.1, 3.0, 70.0)])

    assert coverage(make, 1.0) == pytest.approx(0.95, abs=0.015)


def test_ratio_covers():
    def make(rng):
        return ratio(Estimate.of(rng.normal(6, 0.5, 40)), Estimate.of(rng.normal(3, 0.3, 40)))

    assert coverage(make, 2.0) == pytest.approx(0.95, abs=0.015)


def test_slope_covers_and_picks_its_column():
    x, z = np.linspace(0, 1, 12), np.linspace(0, 1, 12) ** 2

    def make(rng):
        return slope([x, z], 2 * x - 3 * z + 1 + rng.normal(0, 0.1, 12), which=1)

    assert coverage(make, -3.0) == pytest.approx(0.95, abs=0.015)


def test_slope_needs_enough_points():
    with pytest.raises(InputError, match="cannot be read off"):
        slope([np.array([0.0, 1.0])], np.array([0.0, 1.0]))


def test_share_is_clopper_pearson():
    estimate = Estimate.of_share([1] * 10)
    assert estimate.ci95 == (pytest.approx(0.025 ** (1 / 10)), 1.0)
    assert Estimate.of_share([0.5, 0.5]).ci95 == Estimate.of_share([1, 0]).ci95


def test_z_is_standard_normal_under_the_truth_even_for_few_repeats():
    rng = np.random.default_rng(1)
    scores = np.array([Estimate.of(rng.normal(0, 1, 5)).z(0.0) for _ in range(4000)])
    assert scores.std() == pytest.approx(1, abs=0.04)
    assert root_mean_square(scores).mean == pytest.approx(1, abs=0.04)
    assert Estimate.of([1.0, 1.0]).z(1.0) == 0
    assert Estimate.of([1.0, 1.0]).z(2.0) < -30


def test_sqrt_and_scaled_carry_the_interval():
    estimate = Estimate(4.0, (-1.0, 9.0), 5)
    assert estimate.sqrt() == Estimate(2.0, (0.0, 3.0), 5)
    assert estimate.scaled(2) == Estimate(8.0, (-2.0, 18.0), 5)


@pytest.mark.parametrize("values", [[1.0], [], [1.0, math.nan], [1.0, math.inf]])
def test_no_estimate_without_two_finite_values(values):
    with pytest.raises((InputError, RuntimeWarning)):
        Estimate.of(values)


def test_words():
    assert str(Estimate(0.12345, (0.12, 0.127), 9)) == "0.1235 [0.1200, 0.1270]"
    assert str(Estimate.exact(2.0)) == "2"
