"""Nulls of large matrices that are not decomposed: what stands for them is what a decomposition would have found."""

import numpy as np
import pytest

from reversible.spectra import entries, nulls
from reversible.spectra.matrix import analyse
from reversible.spectra.verdicts import UNEQUAL, left

SIZE = 1024
RNG = np.random.default_rng(5)
LIGHT = {
    "uniform": RNG.uniform(-1, 1, (SIZE, SIZE)), "gaussian": RNG.standard_normal((SIZE, SIZE)),
    "logistic": RNG.logistic(size=(SIZE + 200, SIZE)),
}  # fmt: skip


@pytest.mark.parametrize("kind", LIGHT)
def test_the_permuted_null_of_light_entries_is_that_of_a_decomposition(kind, monkeypatch):
    matrix = LIGHT[kind]
    assert nulls.are_light(*told(matrix))
    drawn = analyse(matrix).nulls["permuted"]
    monkeypatch.setattr(nulls, "are_light", lambda *_: False)
    found = analyse(matrix).nulls["permuted"]
    assert drawn != found  # another draw of the same law
    assert (drawn.kurtosis, drawn.entries_ks) == (found.kurtosis, found.entries_ks)
    assert (drawn.sigma, drawn.edge_high) == pytest.approx((found.sigma, found.edge_high), rel=5e-3)
    assert drawn.largest == pytest.approx(found.largest, rel=1e-2)
    assert max(drawn.ks, found.ks) < 5e-3
    assert abs(left(drawn) - left(found)) <= 1
    assert drawn.gram_rms == pytest.approx(found.gram_rms, rel=5e-3)
    assert drawn.vectors_ks < 0.02 > found.vectors_ks


def told(matrix):
    own = entries.measured(matrix)
    return own, matrix.shape, np.abs(matrix - own["mean"]).max()


def spoiled(kind):
    matrix = LIGHT["gaussian"].copy()
    if kind == "an entry":
        matrix[3, 4] = 0.6 * SIZE**0.5  # six tenths of the threshold of a spike
    if kind == "a mean":
        matrix += 0.6 / SIZE**0.5
    if kind == "few":
        matrix = np.sign(matrix) * (matrix > 2)
    return np.random.default_rng(6).standard_t(4.5, matrix.shape) if kind == "a tail" else matrix


@pytest.mark.parametrize("kind", ["an entry", "a mean", "a tail", "few"])
def test_entries_that_move_the_edge_are_not_light(kind):
    assert not nulls.are_light(*told(spoiled(kind)))


@pytest.mark.parametrize(("n", "p"), [(100, 100), (400, 100)])
def test_an_excess_kurtosis_moves_the_edge_by_its_law(n, p):
    """Entries of zero and one size up to a sign, of kurtosis 6, beside signs alone: excess 3 and -2."""
    rng, draws = np.random.default_rng(7), 250

    def largest(share):
        signs = rng.choice([-1.0, 1.0], (draws, n, p)) * (rng.random((draws, n, p)) < share) / share**0.5
        return np.linalg.norm(signs, 2, axis=(1, 2))

    heavy, light = largest(1 / 6), largest(1.0)
    law = 5 * (n**0.5 + p**0.5) ** 2 / (n * p) ** 0.5
    assert law == pytest.approx((heavy**2).mean() - (light**2).mean(), rel=0.2)


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_rows_that_differ_have_scales_and_others_have_not(mean):
    rng = np.random.default_rng(8)
    free = mean + rng.laplace(size=(900, 600))
    by_row = free * (1 + 0.1 * rng.standard_normal((900, 1)))
    assert [nulls.has_scales(m, entries.measured(m)) for m in (free, by_row, by_row.T)] == [False, True, True]


def test_large_square_noise_of_unequal_scales_is_told():
    """Levelled in single precision, some of its values would be rounding, and it would pass for structured."""
    unequal = LIGHT["gaussian"] * np.exp(0.3 * np.random.default_rng(9).standard_normal((SIZE, 1)))
    assert analyse(unequal).verdict == UNEQUAL


def test_a_large_matrix_of_equal_scales_has_no_scaled_null():
    assert {*analyse(LIGHT["logistic"]).nulls} == {"gaussian", "permuted"}
    unequal = LIGHT["logistic"] * (1 + 0.2 * RNG.standard_normal((SIZE + 200, 1)))
    assert {*analyse(unequal).nulls} == {"gaussian", "permuted", "scaled"}
