"""The error of every entry against draws and a search by brute force; powers of logarithms against planted ones."""

import numpy as np
import pytest

from reversible.theory import depth
from reversible.theory.depth import InNoise, State, optimal_offsets, state_evolution
from reversible.theory.every_entry import best_for_every_entry, entry_risks, logarithms, minimax_offsets, worst_risk

TWO = (1600, 800, 50), (1.0, 0.5)


def top_of(gain, noise, spread, k):
    """A top layer with this gain, noise and spread of the gain."""
    zero = np.zeros(())
    return State(50, np.array(k**0.5), zero + gain, zero + noise, np.diag([spread, 0.0]), zero, zero)


def test_errors_of_entries_are_those_of_gaussian_draws():
    rng, k, b = np.random.default_rng(0), 4, 0.07
    gain, noise, spread = 0.9, 0.01, 0.004
    off = np.sqrt(noise * k) * rng.standard_normal(400_000)
    on = gain + np.sqrt(noise * (k - 1) + spread) * rng.standard_normal(400_000)
    found = entry_risks(top_of(gain, noise, spread, k), k, b)
    assert found[0] == pytest.approx(np.mean((np.maximum(on + b, 0) - 1) ** 2), rel=0.01)
    assert found[1] == pytest.approx(np.mean(np.maximum(off + b, 0) ** 2), rel=0.01)


@pytest.mark.parametrize(("gain", "noise"), [(0.8, 0.002), (0.99, 0.002), (0.6, 0.05), (1.0, 1e-8)])
def test_no_top_offset_serves_the_worst_entry_better(gain, noise):
    top = top_of(gain, noise, noise / 3, 4)
    risk, offset = best_for_every_entry(top, 4)
    tried = np.linspace(-1.5, 0.6, 20_001)
    assert risk == pytest.approx(max(entry_risks(top, 4, offset)))
    assert risk <= np.maximum(*entry_risks(top, 4, tried)).min() * (1 + 1e-9)


def test_hardly_a_pair_of_offsets_serves_the_worst_entry_better():
    """The search lets the middle offset follow the noise; the net has a number, whose gain spreads a little more."""
    widths, rho = TWO

    def with_middle(u):
        b = float(state_evolution(widths, rho, (InNoise(u), 0.0), 2.0, limit=True)[0].offset)
        return best_for_every_entry(state_evolution(widths, rho, (b, 0.0), 2.0, limit=True)[-1], 4)[0]

    best, by_hand = worst_risk(widths, rho, 4), min(map(with_middle, np.linspace(-1.5, 2.5, 161)))
    assert best == pytest.approx(by_hand, rel=0.02)
    for_all = state_evolution(widths, rho, optimal_offsets(widths, rho, np.ones(4)), 2.0, limit=True)[-1]
    assert max(entry_risks(for_all, 4)) > 1.5 * best  # those for the whole code's error are others


def test_in_a_wide_net_both_kinds_of_entries_are_as_bad_as_each_other_and_the_middle_is_lifted():
    widths, rho = (25600, 12800, 100), (1.0, 0.5)
    offsets = minimax_offsets(widths, rho, 4)
    on, off = entry_risks(state_evolution(widths, rho, offsets, 2.0, limit=True)[-1], 4)
    assert on == pytest.approx(float(off), rel=0.03)
    assert offsets[0] > 0


@pytest.mark.parametrize("power", [0.0, 1.0, 1.7])
def test_a_planted_power_of_the_logarithm_is_found(power):
    x = 10.0 ** np.arange(2, 9)
    assert logarithms(x, 3 * np.log(x) ** power / x) == pytest.approx(np.full(6, power))


def test_a_slower_power_of_x_is_not_taken_for_a_logarithm():
    x = 10.0 ** np.array([2, 3, 7, 8])
    found = logarithms(x, x**-0.9)
    assert found[-1] / found[0] > 2


# --- the curvature of gain and noise in the code's length -------------------------------------------------------------

THREE = (120, 80, 60, 5), (1.0, 1.0, 1.0)


def fixed_offsets():
    """Numbers that are -0.5 and 0.4 standard deviations of the noise for a code of length one."""
    widths, rho = THREE
    states = state_evolution(widths, rho, (InNoise(-0.5), InNoise(0.4), InNoise(0.0)), limit=True)
    return [float(state.offset) for state in states]


def test_the_curvature_is_that_of_the_law_in_the_length(monkeypatch):
    widths, rho = THREE
    offsets, step = fixed_offsets(), 0.003
    seen = state_evolution(widths, rho, offsets, np.exp([-step, 0.0, step]), limit=True)
    bends, read = [], depth.read
    monkeypatch.setattr(depth, "read", lambda *given: bends.append(read(*given)) or bends[-1])
    state_evolution(widths, rho, offsets, limit=True)
    for state, found in zip(seen, bends, strict=True):
        pair = np.stack([state.gain, state.noise])
        assert (pair[:, 2] - pair[:, 0]) / (2 * step) == pytest.approx(found.drift, rel=1e-3, abs=1e-9)
        second = (pair[:, 2] - 2 * pair[:, 1] + pair[:, 0]) / step**2
        assert second == pytest.approx(found.bend, rel=1e-2, abs=1e-7)
    assert np.abs(bends[2].bend).max() > 0.01


def test_offsets_that_follow_the_length_leave_no_curvature(monkeypatch):
    widths, rho = THREE
    bends, read = [], depth.read
    monkeypatch.setattr(depth, "read", lambda *given: bends.append(read(*given)) or bends[-1])
    state_evolution(widths, rho, (InNoise(-0.5), InNoise(0.4), InNoise(0.0)))
    assert max(np.abs(found.bend).max() for found in bends) < 1e-9


def simulated(widths, offsets, draws, rng):
    """Gain and noise at the top of `draws` nets with fixed offsets, (2, draws), by drawing and multiplying matrices."""
    codes, weights = [np.full((draws, widths[-1]), widths[-1] ** -0.5)], []
    for n in widths[-2::-1]:
        weights.append(rng.standard_normal((draws, n, codes[-1].shape[1])))
        codes.append(np.maximum(2 / n * np.einsum("dij,dj->di", weights[-1], codes[-1]), 0))
    e = codes.pop()
    gain = noise = np.zeros(draws)
    for b in offsets:
        W, h = weights.pop(), codes.pop()
        y = np.einsum("dij,di->dj", W, e)
        length = (h**2).sum(1)
        gain, noise = (y * h).sum(1) / length, (e**2).sum(1) / length
        e = np.maximum(y + b, 0)
    return np.stack([gain, noise])


def test_narrow_nets_with_fixed_offsets_are_on_the_law_and_not_on_the_one_without_curvature(monkeypatch):
    widths, rho = (60, 40, 30, 5), (1.0, 1.0, 1.0)
    offsets = [float(s.offset) for s in
               state_evolution(widths, rho, (InNoise(-0.5), InNoise(0.4), InNoise(0.0)), limit=True)]  # fmt: skip
    rng = np.random.default_rng(3)
    found = np.concatenate([simulated(widths, offsets, 500, rng) for _ in range(60)], axis=1)[1]
    error = found.std() / len(found) ** 0.5
    law = float(state_evolution(widths, rho, offsets)[-1].noise)
    axes = depth.read.__globals__["_axes"]
    monkeypatch.setitem(
        depth.read.__globals__, "_axes",
        lambda units: [axis._replace(bend=0 * axis.bend) for axis in axes(units)],
    )  # fmt: skip
    without = float(state_evolution(widths, rho, offsets)[-1].noise)
    assert abs(found.mean() - law) < 3.5 * error
    assert abs(without - law) > 2 * error
