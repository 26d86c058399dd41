"""The laws of block-sparse codes against matrices that are drawn row by row in numpy."""

import math

import numpy as np
import pytest

from helpers import refusal
from reversible.theory import model_rip as laws

M, LENGTH, K, D = 4, 3, 6, 9


def matrices(draws, unit=False, seed=0):
    """W (draws, K, n, M D) with each filter at each shift."""
    rng = np.random.default_rng(seed)
    filters = rng.standard_normal((draws, K, M, LENGTH)) / math.sqrt(M * LENGTH)
    if unit:
        filters /= np.sqrt((filters**2).sum((2, 3), keepdims=True))
    W = np.zeros((draws, K, D - LENGTH + 1, M, D))
    for shift in range(D - LENGTH + 1):
        W[:, :, shift, :, shift : shift + LENGTH] = filters
    return W.reshape(draws, K, D - LENGTH + 1, M * D)


Z, PLACES = np.array([1.0, -0.5, 0.8]), np.array([[0], [1], [4]])


def images(W):
    return np.einsum("i,wid->wd", Z, W[:, np.arange(3), PLACES[:, 0]])


@pytest.mark.parametrize("unit", [False, True])
def test_variance_of_the_squared_length(unit):
    ratio = (images(matrices(20_000, unit)) ** 2).sum(1) / (Z**2).sum()
    assert ratio.mean() == pytest.approx(1, abs=0.01)
    assert laws.length_variance(Z, PLACES, (LENGTH,), M, unit) == pytest.approx(ratio.var(), rel=0.05)


def test_energies_of_what_is_read_back():
    W = matrices(8_000)
    h = np.einsum("wijd,wd->wij", W, images(W)) / np.linalg.norm(Z)
    rows = np.arange(D - LENGTH + 1)[:, None]
    whole = laws.response_energy(Z, PLACES, (LENGTH,), M, rows, K)
    assert (h**2).sum((1, 2)).mean() == pytest.approx(whole, rel=0.01)
    on = h[:, np.arange(3), PLACES[:, 0]]
    assert (on**2).sum(1).mean() == pytest.approx(laws.support_energy(Z, PLACES, (LENGTH,), M), rel=0.02)
    off = on - Z / np.linalg.norm(Z)
    assert (off**2).sum(1).mean() == pytest.approx(laws.support_error(Z, PLACES, (LENGTH,), M), rel=0.03)


def test_in_two_dimensions_windows_overlap_in_rectangles():
    corners = np.array([[0, 0], [1, 2], [3, 0]])
    pixels = [{(r + i, c + j) for i in range(3) for j in range(4)} for r, c in corners]
    wanted = [[len(a & b) for b in pixels] for a in pixels]
    assert laws.overlaps(corners, (3, 4)).tolist() == wanted
    assert laws.overlaps(corners[:1], (3, 4), corners).tolist() == wanted[:1]


def test_off_the_edges_every_unit_hears_k_over_m():
    rows = np.arange(100)[:, None]
    found = laws.response_energy(np.ones(2), np.array([[50], [30]]), (5,), 32, rows, 96)
    assert found == pytest.approx(1 + 96 / 32 + 1 / 160)


def test_a_fan_in_that_suffices_does_and_more_is_asked_for_less():
    """The Laurent-Massart step of the proof at its fan-in: both tails below delta / 2 at each point of the net."""
    for delta in (0.2, 0.7, 1.0):
        fan_in = laws.sufficient_fan_in(delta, 3, 20, 10, 0.05)
        logs = 3 * math.log(90) + math.log(math.comb(20, 3)) + math.log(40)
        u = logs / fan_in
        assert 2 * math.sqrt(u) + 2 * u <= delta / 2
        assert 2 * math.sqrt(1.6 * u) + 3.2 * u > delta / 2
    assert laws.sufficient_fan_in(0.5, 2, 20, 1000, 0.1) < 2 * laws.sufficient_fan_in(0.5, 2, 20, 10, 0.1)


def test_scales_and_bounds_at_known_places():
    assert laws.papers_scale(2, 6, 4, 0.1, 16, 5, 8) == pytest.approx(math.sqrt(2 * math.log(240) * 8 / 400))
    assert laws.coincident_scale(10, 160) == pytest.approx((1 + 0.25) ** 2 - 1)
    assert laws.typical_largest(0.25) == 2.25
    assert laws.papers_bound(0.147, 0.147) < 1 < laws.papers_bound(0.148, 0.148)  # from here on x^ = 0 is better
    assert laws.sharper_bound(0.347, 0.347) < 1 < laws.sharper_bound(0.348, 0.348)
    assert laws.papers_bound(0, 0) == laws.sharper_bound(0, 0) == 0


BAD = {
    "delta must be": lambda: laws.sufficient_fan_in(1.5, 2, 6, 4, 0.1),
    "failure must be": lambda: laws.sufficient_fan_in(0.5, 2, 6, 4, 0),
    "k must be": lambda: laws.sufficient_fan_in(0.5, 7, 6, 4, 0.1),
    "z must be": lambda: laws.length_variance(np.zeros(2), np.zeros((2, 1)), (3,), 2),
    "Theorem 3.3 asks": lambda: laws.papers_bound(0.5, 1.2),
    "the bound asks": lambda: laws.sharper_bound(0.5, 0.4),
    "share must be": lambda: laws.typical_largest(0),
}


@pytest.mark.parametrize("says", BAD)
def test_what_cannot_be_is_refused_in_one_line(says):
    assert says in refusal(BAD[says])
