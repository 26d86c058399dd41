"""The law of the largest correlation against random directions."""

import numpy as np
import pytest

from helpers import refusal
from reversible.theory import coherence as laws


def largest(filters, dimension, absolute, draws=1500):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(draws):
        w = rng.standard_normal((filters, dimension))
        w /= np.linalg.norm(w, axis=1, keepdims=True)
        r = (w @ w.T)[np.triu_indices(filters, 1)]
        found.append(np.abs(r).max() if absolute else r.max())
    return np.array(found)


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize(("filters", "dimension"), [(12, 9), (40, 60)])
def test_quantiles_are_those_of_random_directions(filters, dimension, absolute):
    found = largest(filters, dimension, absolute)
    for share in (0.1, 0.5, 0.9):
        t = laws.largest_quantile(share, filters, dimension, absolute)
        assert laws.largest_cdf(t, filters, dimension, absolute) == pytest.approx(share)
        assert (found <= t).mean() == pytest.approx(share, abs=0.04)


def test_of_one_pair_the_tail_is_that_of_the_sphere():
    """On the sphere in three dimensions a correlation is uniform, on the circle it is a cosine."""
    for t in (0.1, 0.5, 0.9):
        assert laws.tail(t, 3, absolute=True) == pytest.approx(1 - t)
        assert laws.tail(t, 2, absolute=False) == pytest.approx(np.arccos(t) / np.pi)


def test_signed_maxima_are_smaller():
    assert laws.largest_quantile(0.5, 64, 576, False) < laws.largest_quantile(0.5, 64, 576, True)
    assert laws.largest_quantile(1e-9, 2, 5) == 0
    assert laws.pairs_of(64) == 2016


BAD = {
    "filters must be": lambda: laws.pairs_of(1),
    "dimension must be": lambda: laws.tail(0.5, 1, True),
    "share must be": lambda: laws.largest_quantile(1.5, 3, 3),
}


@pytest.mark.parametrize("says", BAD)
def test_what_cannot_be_is_refused_in_one_line(says):
    assert says in refusal(BAD[says])
