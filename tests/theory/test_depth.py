"""State evolution against closed forms, quadrature by another hand, and a simulation that shares no code with it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from reversible.theory import one_layer as laws
from reversible.theory.depth import (
    InNoise,
    optimal_offsets,
    proof_offsets,
    state_evolution,
    top_risk,
    two_layer_gain,
    two_layer_noise,
)
from reversible.theory.next_layer import relu_moments

CODE = np.linspace(0.5, 1.5, 5)
NORM = float(np.linalg.norm(CODE))


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.0), (1.5, 0.3), (-0.8, 0.5), (-2.0, 0.5), (3.0, 2.0)])
def test_moments_of_a_rectified_gaussian(mean, sd):
    found = relu_moments(np.array(mean), np.array(sd))
    assert found[0] == pytest.approx(stats.norm.cdf(mean / sd))
    for k in (1, 2, 3, 4):
        by_hand, _ = integrate.quad(lambda y, k=k: y**k * stats.norm.pdf(y, mean, sd), 0, mean + 12 * sd, epsabs=1e-14)
        assert found[k] == pytest.approx(by_hand, rel=1e-6)


def test_moments_without_noise_and_far_below_zero():
    assert [float(m) for m in relu_moments(np.array(2.0), np.array(0.0))[:5]] == [1, 2, 4, 8, 16]
    for mean in (-1.0, -30.0, -1e4):
        far = relu_moments(np.array(mean), np.array(0.01))
        assert all(0 <= m < 1e-9 for m in far)


@pytest.mark.parametrize("q", [1.0, 0.5])
@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_one_layer_is_the_exact_law_of_one_layer(q, scale):
    n, m, rho, alpha = 800, 100, 0.4, 0.7 * 2 / 320 if scale == 0.7 else None
    state = state_evolution((n, m), (rho,), (0.0,), NORM, scales=(scale,), q=q)[-1]
    assert state.gain == pytest.approx(laws.mean_gain(n, rho, alpha))
    off, on = laws.variance(np.array([0.0, NORM]), NORM, n, rho, q, alpha)
    assert state.noise * NORM**2 == pytest.approx(off)
    assert state.spread[0, 0] * NORM**2 == pytest.approx(on)  # along the code itself
    clt = laws.relative_risk(CODE, n, m, rho, offset=-0.2, q=q, alpha=alpha, exact=False)
    assert top_risk(state, CODE, -0.2) == pytest.approx(float(clt))


@settings(max_examples=40)
@given(
    t0=st.floats(50, 1e6), t1=st.floats(50, 1e6), rho0=st.floats(0.1, 1), rho1=st.floats(0.1, 1), norm=st.floats(0.1, 9)
)
def test_two_layers_are_their_closed_form(t0, t1, rho0, rho1, norm):
    widths = (round(t0 / rho0), round(t1 / rho1), 10)
    t0, t1 = widths[0] * rho0, widths[1] * rho1
    state = state_evolution(widths, (rho0, rho1), (0.0, 0.0), norm, limit=True)[-1]
    assert float(state.gain) == pytest.approx(two_layer_gain(t0, t1), rel=1e-6)
    assert float(state.noise) == pytest.approx(two_layer_noise(widths[1], t0, t1), rel=1e-6)


def simulated(widths, rho, offsets, q, codes, trials, rng, proof=False):
    """Gain and noise at the top of fresh Gaussian nets, in numpy alone: (2, trials)."""
    out = []
    for _ in range(trials):
        h = [np.zeros(widths[-1])]
        h[0][: len(codes)] = codes
        matrices = []
        for n, r in zip(widths[-2::-1], rho[::-1], strict=True):
            matrices.append(rng.standard_normal((n, len(h[-1]))))
            h.append(np.maximum(2 / (r * n) * matrices[-1] @ h[-1], 0) * (rng.random(n) < r))
        e = y = top = h.pop()
        for level, matrix in enumerate(reversed(matrices)):
            y = matrix.T @ (e * (rng.random(len(e)) < q) / q)
            e = np.maximum(y + offsets[level] * (np.linalg.norm(h[-1]) if proof else 1), 0)
            top = h.pop()
        off = y[len(codes) :]
        out.append((y @ top / (top @ top), np.mean(off**2) / (top @ top)))
    return np.array(out).T


CASES = {
    "three layers": ((900, 500, 300, 60), (1.0, 0.7, 1.0), (0.0, 0.0, 0.0), 1.0),
    "with offsets": ((600, 400, 60), (0.8, 0.5), (-0.02, 0.0), 1.0),
    "with a positive offset": ((600, 400, 60), (0.8, 0.5), (0.05, 0.0), 1.0),
    "with dropout at inference": ((900, 500, 60), (1.0, 0.7), (0.01, 0.0), 0.6),
}


@pytest.mark.parametrize("case", CASES)
def test_gain_noise_and_their_spread_are_those_of_a_simulation(case):
    widths, rho, offsets, q = CASES[case]
    gain, noise = simulated(widths, rho, offsets, q, CODE, 500, np.random.default_rng(3))
    state = state_evolution(widths, rho, offsets, NORM, q=q)[-1]
    for values, law in ((gain, state.gain), (noise, state.noise)):
        assert abs(values.mean() - law) < 4 * values.std() / np.sqrt(500)
    assert gain.var() == pytest.approx(float(state.spread[0, 0]), rel=0.25)
    # V is measured on a few coordinates: their own chi-square spread comes on top
    own = 2 * float(state.noise) ** 2 / (widths[-1] - len(CODE))
    assert noise.var() == pytest.approx(float(state.spread[1, 1]) + own, rel=0.3)


def test_offsets_that_follow_the_length():
    widths, rho, sds = (600, 400, 60), (0.8, 0.5), -0.7
    state = state_evolution(widths, rho, (InNoise(sds), 0.0), NORM)
    relative = float(state[0].offset / state[0].length)
    gain, _ = simulated(widths, rho, (relative, 0.0), 1.0, CODE, 400, np.random.default_rng(4), proof=True)
    assert abs(gain.mean() - state[-1].gain) < 4 * gain.std() / 20
    assert gain.var() == pytest.approx(float(state[-1].spread[0, 0]), rel=0.25)
    doubled = state_evolution(widths, rho, (InNoise(sds), 0.0), 2 * NORM)
    assert doubled[-1].gain == pytest.approx(state[-1].gain)  # nothing has a scale


def test_fluctuations_of_a_small_net_are_needed_and_enough():
    """Where an offset lets little pass, the law of infinite width misses a tenth; the second order does not."""
    widths, rho, offsets, code = (200, 100, 16), (1.0, 0.5), (-0.15, 0.0), np.ones(4)
    gain, noise = simulated(widths, rho, offsets, 1.0, code, 4000, np.random.default_rng(6))
    law, limit = (state_evolution(widths, rho, offsets, 2.0, limit=limit)[-1] for limit in (False, True))
    for values, here, far in ((gain, law.gain, limit.gain), (noise, law.noise, limit.noise)):
        error = values.std() / np.sqrt(4000)
        assert abs(values.mean() - here) < 4 * error
        assert values.mean() - far > 5 * error


def test_hidden_error_is_that_of_a_simulation():
    rng, widths, rho, b = np.random.default_rng(5), (600, 400, 60), (0.8, 0.5), -0.03
    errors = []
    for _ in range(100):
        h = np.zeros(60)
        h[:5] = CODE
        upper, lower = rng.standard_normal((400, 60)), rng.standard_normal((600, 400))
        middle = np.maximum(2 / 200 * upper @ h, 0) * (rng.random(400) < 0.5)
        image = np.maximum(2 / 480 * lower @ middle, 0) * (rng.random(600) < 0.8)
        back = np.maximum(lower.T @ image + b, 0)
        errors.append(((back - middle) ** 2).sum() / (middle @ middle))
    state = state_evolution(widths, rho, (b, 0.0), NORM)[0]
    assert np.mean(errors) == pytest.approx(float(state.error), rel=0.04)


def test_lengths_are_taken_all_at_once():
    norms = np.array([1.0, 2.0, 3.0])
    together = state_evolution((600, 400, 60), (0.8, 0.5), (-0.05, -0.1), norms)[-1]
    for i, norm in enumerate(norms):
        alone = state_evolution((600, 400, 60), (0.8, 0.5), (-0.05, -0.1), norm)[-1]
        assert together.gain[i] == pytest.approx(float(alone.gain), rel=1e-12)
        assert together.spread[..., i] == pytest.approx(alone.spread, rel=1e-9)


@pytest.mark.parametrize("widths", [(800, 100), (1600, 800, 100), (3200, 1600, 800, 100)])
def test_no_offsets_are_better_than_the_best_ones(widths):
    rho = (1.0,) * (len(widths) - 1)

    def risk(offsets):
        return float(top_risk(state_evolution(widths, rho, offsets, NORM, limit=True)[-1], CODE))

    best = optimal_offsets(widths, rho, CODE)
    smallest = risk(best)
    assert smallest < min(risk((0.0,) * len(rho)), risk(proof_offsets(widths)))
    for layer in range(len(rho)):
        for change in (0.8, 1.25):
            assert risk([b * change if i == layer else b for i, b in enumerate(best)]) >= smallest - 1e-6


def test_the_best_middle_offset_turns_positive_in_a_large_net():
    small = optimal_offsets((800, 400, 100), (1.0, 0.5), np.ones(5))
    large = optimal_offsets((400000, 200000, 100), (1.0, 0.5), np.ones(5))
    assert small[0] < 0 < large[0]


def test_a_dead_net_has_the_error_of_nothing():
    state = state_evolution((300, 200, 50), (1.0, 1.0), (-1e3, 0.0), NORM)[-1]
    assert (float(state.gain), float(state.noise)) == (0, 0)
    assert float(top_risk(state, CODE)) == pytest.approx(1)
