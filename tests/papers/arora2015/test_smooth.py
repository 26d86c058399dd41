"""The smooth minimum of a curve is where it is, its bias is the one derived, and its interval holds the truth."""

import numpy as np
import pytest
from scipy import stats

from reversible.base.checks import InputError
from reversible.papers.arora2015 import smooth
from reversible.papers.arora2015.smooth import SPACING, Curve

RATES = SPACING * np.arange(8)  # binary logarithms


def made_up(generator, at, level, noise, steep, own, cliff):
    """Errors of two kinds of seeds, `own` added to each: a minimum of `level` at `at`, steeper above it.

    From `cliff` above it on half of the seeds fail.
    """
    x = RATES - at
    means = level + 0.012 * x**2 * np.exp(steep * x)
    kinds = [means + part[:, None] + noise * generator.standard_normal((len(part), len(x))) for part in own]
    return Curve(*(kind + 0.5 * (x > cliff) * (generator.random(kind.shape) < 0.5) for kind in kinds))


def coverage(seeds, noise, steep, cliff=9.0, runs=500, draws=200):
    """How often the interval of a gain of 0.003 holds it; how far estimates are off, on average and the middle one."""
    generator, held, found = np.random.default_rng(5), 0, []
    for run in range(runs):
        own = [0.004 * generator.standard_normal(count) for count in seeds]
        curves = [
            made_up(generator, generator.uniform(1, 2.5), level, noise, steep, own, cliff) for level in (0.11, 0.107)
        ]
        gain = smooth.contrast([(1.0, curves[0]), (-1.0, curves[1])], run, draws)
        held += gain.ci95[0] <= 0.003 <= gain.ci95[1]
        found.append(gain.mean - 0.003)
    return held / runs, float(np.mean(found)), float(np.median(found))


@pytest.mark.parametrize(
    ("seeds", "noise", "steep", "cliff"),
    [
        ((12, 32), 0.005, 0.4, 9.0), ((12, 32), 0.01, 0.8, 9.0), ((6, 18), 0.003, 0.4, 9.0), ((4, 8), 0.004, 0.4, 9.0),
        ((12, 32), 0.005, 0.4, 0.7), ((6, 18), 0.003, 0.4, 0.7), ((4, 8), 0.004, 0.4, 0.7),
    ],
)  # fmt: skip
def test_the_interval_holds_a_known_gain_in_95_cases_of_100(seeds, noise, steep, cliff):
    held, off, middle = coverage(seeds, noise, steep, cliff)
    assert 0.93 <= held <= (0.97 if cliff == 9 else 0.98)
    assert abs(off if cliff == 9 else middle) < 0.0003  # beside a cliff a few are far off, and say so


def test_a_bootstrap_that_is_corrected_for_nothing_holds_it_too_often_and_half_the_variance_not_enough(monkeypatch):
    """So the test above can fail."""

    def nested(taken, weights, test):
        within = weights @ np.cov(test, rowvar=False) / len(test)
        return float((within * weights).sum(1).mean() + np.var(weights @ test.mean(0), ddof=1))

    monkeypatch.setattr(smooth, "variance", nested)
    assert coverage((12, 32), 0.01, 0.4, runs=200)[0] > 0.97
    monkeypatch.setattr(smooth, "variance", lambda taken, _, test: nested(taken, taken[None].repeat(2, 0), test) / 2)
    assert coverage((12, 32), 0.005, 0.4, runs=200)[0] < 0.93


@pytest.mark.parametrize("z", [-0.4, 0.0, 0.3])
@pytest.mark.parametrize(("cubic", "quartic"), [(0.004, 0.0), (0.0, 0.003)])
def test_the_bias_is_the_one_derived(z, cubic, quartic):
    """Of curves without noise; the middle rate z spacings above the minimum, where the cubic is evaluated."""
    x = SPACING * (smooth._AT + z)
    errors = 0.1 + 0.01 * x**2 + cubic * x**3 + quartic * x**4
    at = np.vander([-z], 4, increasing=True)[0] @ smooth._FIT @ errors - 0.1
    assert at == pytest.approx(quartic * SPACING**4 * (-72 / 35 + 31 / 7 * z**2 - z**4), abs=1e-12)
    parabola = np.vander([-z], 3, increasing=True)[0] @ np.linalg.pinv(np.vander(smooth._AT, 3, increasing=True))
    off = parabola @ errors - 0.1
    assert cubic == 0 or off == pytest.approx(cubic * SPACING**3 * (z**3 - 3.4 * z), abs=1e-12)


def test_an_uncertain_place_costs_what_was_derived():
    """The error at the place that noisy tuning seeds point to, on average, less the minimum."""
    generator, spread, bend, tuning = np.random.default_rng(1), 0.004, 0.02, 12
    means = 0.1 + bend * (RATES - 4 * SPACING) ** 2
    drawn = means + spread / np.sqrt(tuning) * generator.standard_normal((20_000, len(RATES)))
    at = SPACING * (smooth.place_of(drawn, len(RATES)).at - 4)
    law = smooth.SLOPE * spread**2 / (4 * bend * SPACING**2 * tuning)
    assert bend * np.mean(at**2) == pytest.approx(law, rel=0.1)
    assert pytest.approx(65 / 72) == smooth.SLOPE


def test_a_minimum_at_the_end_of_the_rates_decides_nothing():
    errors = 0.1 + 0.01 * RATES + np.zeros((5, 1))
    falling = Curve(errors, errors)
    assert smooth.minimum(falling, 1).ci95 == (-1.0, 1.0)
    assert smooth.gain(falling, falling, 1).ci95 == (-2.0, 2.0)
    assert smooth.bracketed(falling, 1) == 0
    inside = Curve(*(0.1 + 0.01 * (RATES - 1.75) ** 2 + np.zeros((n, 1)) for n in (4, 6)))
    assert smooth.bracketed(inside, 1) == 1
    assert smooth.minimum(inside, 1).mean == pytest.approx(0.1, abs=1e-6)


def test_errors_where_training_failed_do_not_draw_the_minimum_to_them():
    errors = 0.1 + 0.004 * (RATES - 1.5) ** 2
    errors[-2:] = 0.9
    assert smooth.minimum(Curve(errors + np.zeros((3, 1)), errors + np.zeros((4, 1))), 1).mean == pytest.approx(
        0.1, abs=2e-4
    )


def failing(kind, rate, who=slice(None)):
    """A curve with its minimum of 0.1 at the fifth rate and one kind of seeds that fail from `rate` on."""
    errors = {count: 0.1 + 0.01 * (RATES - RATES[4]) ** 2 + np.zeros((count, 1)) for count in (3, 4)}
    errors[kind][who, rate:] = 0.9
    return Curve(errors[3], errors[4])


@pytest.mark.parametrize("kind", [3, 4])
@pytest.mark.parametrize("who", [slice(None), 0])
@pytest.mark.parametrize("rate", [5, 6, 7])
def test_rates_at_which_training_fails_do_not_draw_the_minimum_to_them(kind, who, rate, monkeypatch):
    curve = failing(kind, rate, who)
    assert curve.usable == rate
    assert smooth.minimum(curve, 1).mean == pytest.approx(0.1, abs=1e-9)
    if kind == 4 and rate < 7:  # so this can fail
        monkeypatch.setattr(smooth, "FAILS", np.inf)
        assert abs(smooth.minimum(failing(kind, rate, who), 1).mean - 0.1) > 0.005


def test_with_fewer_than_five_rates_below_the_failing_ones_nothing_is_known():
    assert smooth.minimum(failing(3, 5), 1).ci95 != (-1.0, 1.0)
    shifted = np.roll(failing(3, 5).tuning, -1, 1)
    assert Curve(shifted, shifted).usable == 4
    assert smooth.minimum(Curve(shifted, shifted), 1).ci95 == (-1.0, 1.0)


def test_training_that_fails_at_low_rates_is_no_end_of_the_curve():
    errors = failing(3, 6).tuning
    errors[:, 0] = 0.9
    assert Curve(errors, errors).usable == 6


def test_curves_over_different_rates_are_compared():
    long = np.concatenate([RATES, RATES[-1] + SPACING * np.arange(1, 5)])
    one, other = (
        level + 0.01 * (rates - 1.75) ** 2 + np.zeros((5, 1)) for rates, level in ((RATES, 0.1), (long, 0.09))
    )
    gain = smooth.gain(Curve(one, one), Curve(other, other), 1)
    assert gain.mean == pytest.approx(0.01, abs=1e-9)
    assert gain.ci95[1] - gain.ci95[0] < 1e-6


def test_held_out_images_say_where_and_test_images_how_much():
    tuning, test = 0.1 + (RATES - 1.5) ** 2, 0.3 + 0.01 * (RATES - 2) ** 2
    curve = Curve(tuning + np.zeros((3, 1)), test + np.arange(4.0)[:, None])
    assert smooth.smooth_errors(curve) == pytest.approx(0.3 + 0.01 * 0.25 + np.arange(4.0))


def test_power_is_that_of_simulated_runs():
    spread, seeds, gain = 0.006, 12, 0.004
    draws = np.random.default_rng(2).normal(gain, spread, (20_000, seeds))
    low = draws.mean(1) - stats.t.ppf(0.975, seeds - 1) * draws.std(1, ddof=1) / np.sqrt(seeds)
    assert smooth.power(gain, spread, seeds) == pytest.approx(float((low > 0).mean()), abs=0.01)
    enough = smooth.seeds_for(gain, spread, 0.8)
    assert smooth.power(gain, spread, enough - 1) < 0.8 <= smooth.power(gain, spread, enough)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Curve(np.zeros((1, 8)), np.zeros((4, 8))), "two seeds or more of each kind at 5 rates"),
        (lambda: Curve(np.zeros((3, 4)), np.zeros((4, 4))), "5 rates or more"),
        (lambda: Curve(np.zeros((3, 8)), np.zeros((4, 7))), "3 at 8 and 4 at 7"),
        (
            lambda: smooth.gain(*(Curve(np.zeros((3, 8)), np.zeros((n, 8))) for n in (4, 5)), seed=1),
            "must have the same seeds",
        ),
        (lambda: smooth.seeds_for(1e-9, 1.0), "gain must be large enough"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
