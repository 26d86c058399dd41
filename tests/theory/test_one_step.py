"""One step down by the transpose, and many: the laws against dense random layers in numpy."""

import math

import numpy as np
import pytest

from helpers import refusal
from reversible.theory import one_step as laws


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


KEPT = {
    "all": lambda h: h,
    "the positive": lambda h: np.maximum(h, 0),
    "the ten largest": lambda h: np.where(np.abs(h) >= np.sort(np.abs(h))[-10], h, 0),
    "maxima of four": lambda h: np.where(h == h.reshape(-1, 4).max(1).repeat(4), np.maximum(h, 0), 0),
}


@pytest.mark.parametrize("kept", KEPT)
def test_cosine_of_one_step_whatever_is_kept(kept):
    n, N, rng = 60, 120, np.random.default_rng(0)
    x = np.abs(rng.standard_normal(n)) + 2  # all of one sign: the law asks nothing of x
    gaps = []
    for _ in range(200):
        W = rng.standard_normal((N, n)) / math.sqrt(n)
        h = KEPT[kept](W @ x)
        gaps.append(cosine(x, W.T @ h) - laws.mean_cosine((h @ h) / (x @ x), n))
    assert abs(np.mean(gaps)) < 4 * np.std(gaps) / 14
    assert np.std(gaps) < 0.1


def test_the_limit_is_near_the_exact_mean():
    assert laws.mean_cosine(0.7, 10**5) == pytest.approx(laws.cosine(0.7), rel=1e-4)
    assert laws.mean_cosine(0.7, 20) > 1.005 * laws.cosine(0.7)


def test_errors_are_those_of_two_unit_vectors():
    a, b = np.array([1.0, 0]), np.array([0.6, 0.8])
    assert laws.matched_error(0.6) == pytest.approx(np.linalg.norm(a - b))
    assert laws.best_error(0.6) == pytest.approx(np.linalg.norm(a - 0.6 * b))
    assert laws.best_error(laws.cosine(3.0)) == pytest.approx(1 / 2)


@pytest.mark.parametrize("size", [1, 2, 4, 9])
def test_moments_of_maxima(size):
    g = np.random.default_rng(1).standard_normal((200_000, size))
    largest = np.maximum(g.max(1), 0)
    assert laws.pooled_moment(size) == pytest.approx((largest**2).mean(), rel=0.01)
    fixed = (g[:, 0] * largest).mean() / (largest**2).mean()
    assert laws.unknown_gain(size) == pytest.approx(fixed if size > 1 else 1, abs=0.01)


def run_deep(widths, pool, switches, rng):
    """Cosines of h_l and what comes down to level l, from the top: one draw."""
    h = rng.standard_normal(widths[0])
    codes, places, matrices = [h], [], []
    for units in widths[1:]:
        W = rng.standard_normal((units, len(h))) / math.sqrt(len(h))
        groups = (W @ h).reshape(-1, pool)
        places.append(groups.argmax(1) if switches else np.zeros(len(groups), int))
        h = np.maximum(groups.max(1), 0)
        codes.append(h)
        matrices.append(W)
    g, found = h, []
    for level in reversed(range(len(matrices))):
        back = np.zeros((len(g), pool))
        back[np.arange(len(g)), places[level]] = g
        g = matrices[level].T @ back.ravel()
        if switches and level:
            g = np.where(codes[level] > 0, g, 0)
        found.append(cosine(codes[level], g))
    return found[::-1]


@pytest.mark.parametrize("switches", [True, False])
@pytest.mark.parametrize(("widths", "pool"), [((300, 600, 1200), 1), ((600, 600, 600), 1), ((500, 1600, 1600), 4)])
def test_cosines_going_down_many_layers(widths, pool, switches):
    rng = np.random.default_rng(5)
    measured = np.mean([run_deep(widths, pool, switches, rng) for _ in range(8)], axis=0)
    inputs = [widths[0], *[w // pool for w in widths[1:-1]]]
    law = laws.cosines_down(
        [laws.Layer(units / n, pool) for n, units in zip(inputs, widths[1:], strict=True)], switches
    )
    np.testing.assert_allclose(measured, law, atol=0.02)


def test_one_layer_is_one_step():
    for layer in (laws.Layer(2.0), laws.Layer(2.0, 4)):
        assert laws.cosines_down([layer], True) == [pytest.approx(laws.cosine(layer.kept))]


def test_wide_enough_layers_keep_a_cosine_at_any_depth_and_narrow_ones_do_not():
    deep = laws.cosines_down([laws.Layer(2.0)] * 60, True)
    assert deep[0] == pytest.approx(1 / math.sqrt(3))  # q = 1 + q / 2 has the fixed point 2, and the input is whole
    assert laws.cosines_down([laws.Layer(1.0)] * 60, True)[0] == pytest.approx(1 / math.sqrt(121))
    assert laws.cosines_down([laws.Layer(0.5)] * 20, True)[0] < 1e-2


BAD = {
    "kept must be": lambda: laws.cosine(0),
    "n must be": lambda: laws.mean_cosine(1.0, 1),
    "size must be": lambda: laws.pooled_moment(0),
    "units must be": lambda: laws.cosines_down([laws.Layer(-1)], True),
}


@pytest.mark.parametrize("says", BAD)
def test_what_cannot_be_is_refused_in_one_line(says):
    assert says in refusal(BAD[says])
