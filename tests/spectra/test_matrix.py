"""What is measured on a matrix: against other programs, exact laws and matrices of a known kind."""

import json
import warnings
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from helpers import refusal
from reversible.spectra import bulk, entries
from reversible.spectra import matrix as spectra
from reversible.spectra.decomposed import decomposed
from reversible.spectra.matrix import analyse
from reversible.spectra.measures import power_law
from reversible.spectra.verdicts import (
    HEAVY_TAILED,
    NOT_JUDGED,
    RANDOM_LIKE,
    SMALLEST,
    SPIKES,
    STRUCTURED,
    TAIL,
    UNEQUAL,
    left,
    on_law,
    verdict,
)


def gaussian(n=240, p=160, seed=0):
    return np.random.default_rng(seed).standard_normal((n, p))


def test_entries_against_scipy():
    matrix = np.random.default_rng(0).laplace(0.3, 2.0, (60, 40))
    m = analyse(matrix, nulls=False).measured
    z = (matrix.ravel() - matrix.mean()) / matrix.std()
    assert (m.mean, m.sd) == (pytest.approx(matrix.mean()), pytest.approx(matrix.std()))
    assert m.skew == pytest.approx(stats.skew(z))
    assert m.kurtosis == pytest.approx(stats.kurtosis(z, fisher=False))
    assert m.entries_ks == pytest.approx(stats.kstest(z, "norm").statistic)
    places, ordered = np.arange(1, z.size + 1), np.sort(z)
    terms = (2 * places - 1) / z.size * (stats.norm.logcdf(ordered) + stats.norm.logsf(ordered[::-1]))
    assert m.entries_ad == pytest.approx(-z.size - terms.sum())
    assert m.normal_p < 1e-6


def test_p_values_of_gaussian_entries_are_uniform():
    rng = np.random.default_rng(1)
    found = np.array([entries.measured(rng.standard_normal((15, 15)))["normal_p"] for _ in range(3000)])
    for level in (0.01, 0.05, 0.2, 0.5, 0.8):
        assert (found < level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 3000))


@pytest.mark.parametrize("shape", [(90, 60), (60, 90), (50, 50), (7, 3), (2, 2)])
def test_singular_values_and_vectors_against_numpy(shape):
    matrix = np.random.default_rng(2).standard_normal(shape)
    tall = matrix if shape[0] >= shape[1] else matrix.T
    spectrum = decomposed(tall)
    values, (right, left) = spectrum.values, spectrum.directions
    expected_left, expected, expected_right = np.linalg.svd(tall, full_matrices=False)
    assert values == pytest.approx(expected, rel=1e-8)
    assert abs(right[:, 0] @ expected_right[0]) == pytest.approx(1)
    assert abs(left[:, 0] @ expected_left[:, 0]) == pytest.approx(1)
    assert np.linalg.norm(right, axis=0) == pytest.approx(1)
    cosines = np.corrcoef(np.vstack([tall, -tall]).T) - np.eye(tall.shape[1])  # about zero, not about the mean
    assert spectrum.gram_max == pytest.approx(np.sqrt(len(tall)) * np.abs(cosines).max())
    pairs = tall.shape[1] * (tall.shape[1] - 1)
    assert spectrum.gram_rms == pytest.approx(np.sqrt(len(tall) * np.square(cosines).sum() / pairs))
    residual = tall @ right - left * np.linalg.norm(tall @ right, axis=0)
    assert residual == pytest.approx(0, abs=1e-9)
    assert tall.T @ (tall @ right) == pytest.approx(right * (np.linalg.norm(tall @ right, axis=0) ** 2), abs=1e-8)


def test_columns_singular_vectors_and_rank_of_a_random_matrix():
    row = analyse(gaussian(), seed=5)
    for m in (row.measured, *row.nulls.values()):
        assert m.gram_rms == pytest.approx(1, abs=0.05)
        assert 2 < m.gram_max < 8
        assert m.vectors_ks < 0.03
        assert m.localisation == pytest.approx(1, abs=0.25)
        assert m.sigma == pytest.approx(1, rel=0.03)
        assert m.stable_rank == pytest.approx(160 / (1 + np.sqrt(2 / 3)) ** 2, rel=0.1)
    assert row.verdict == RANDOM_LIKE


def test_what_singular_vectors_cannot_hide():
    pointed = gaussian()
    pointed[3, 7] += 60
    m = analyse(pointed, nulls=False).measured
    assert m.localisation_top > 40  # p / 3 = 53 in a single coordinate
    assert m.localisation < 1.5
    leaning = gaussian() + 0.5 * gaussian(240, 1, seed=9)
    assert analyse(leaning, nulls=False).measured.gram_rms > 1.5


def test_the_permuted_null_keeps_the_entries_and_breaks_their_order():
    rng = np.random.default_rng(3)
    row = analyse(gaussian() + 3 * np.outer(rng.standard_normal(240), rng.standard_normal(160)) / 10, seed=1)
    m, permuted, free = row.measured, row.nulls["permuted"], row.nulls["gaussian"]
    assert (permuted.kurtosis, permuted.entries_ad, permuted.sd) == (m.kurtosis, m.entries_ad, m.sd)
    assert (m.n_spikes, permuted.n_spikes, free.n_spikes) == (1, 0, 0)
    assert free.kurtosis == pytest.approx(3, abs=0.2)
    assert free.sd == pytest.approx(m.sd, rel=0.02)
    heavy = analyse(rng.standard_t(2, (240, 160)), seed=1)
    assert left(heavy.nulls["permuted"]) > 5 > left(heavy.nulls["gaussian"])


def leaning(free):
    """Each column leans on the one before."""
    found = free.copy()
    found[:, 1:] = 0.6 * free[:, :-1] + 0.8 * free[:, 1:]
    return found


def pareto(n, p):
    rng = np.random.default_rng(11)
    return rng.pareto(1.5, (n, p)) * rng.choice([-1, 1], (n, p))


def known_kinds():
    rng = np.random.default_rng(4)
    n, p = 300, 200
    free = rng.standard_normal((n, p))
    signal = (rng.standard_normal((n, 5)) @ rng.standard_normal((5, p))) / 8
    return {
        "gaussian": (free, RANDOM_LIKE), "uniform": (rng.random((n, p)) - 0.5, RANDOM_LIKE),
        "signal": (free + signal, SPIKES), "mean": (free + 0.3, SPIKES),
        "student": (rng.standard_t(2, (n, p)), HEAVY_TAILED),
        "pareto": (pareto(n, p), HEAVY_TAILED),
        "orthogonal": (np.linalg.qr(free)[0], STRUCTURED), "leaning": (leaning(free), STRUCTURED),
    }  # fmt: skip


@pytest.mark.parametrize("kind", list(known_kinds()))
def test_the_verdict_on_a_matrix_of_a_known_kind(kind):
    matrix, expected = known_kinds()[kind]
    assert analyse(matrix, nulls=False).verdict == expected
    assert analyse(matrix.T, nulls=False).verdict == expected


def scaled(matrix, rows=0.5, columns=0.5, seed=8):
    rng = np.random.default_rng(seed)
    return (
        matrix
        * np.exp(rows * rng.standard_normal((len(matrix), 1)))
        * np.exp(columns * rng.standard_normal(matrix.shape[1]))
    )


def of_scales():
    rng = np.random.default_rng(4)
    free = rng.standard_normal((300, 200))
    signal = (rng.standard_normal((300, 4)) @ rng.standard_normal((4, 200))) / 6
    return {
        "rows": (scaled(free, columns=0), STRUCTURED, UNEQUAL), "columns": (scaled(free, rows=0), None, UNEQUAL),
        "both": (scaled(free), None, UNEQUAL), "a little": (scaled(free, 0.12, 0.12), None, UNEQUAL),
        "a signal": (scaled(free + signal), None, SPIKES), "equal": (free, RANDOM_LIKE, RANDOM_LIKE),
        "heavy entries": (rng.standard_t(2, (300, 200)), HEAVY_TAILED, HEAVY_TAILED),
        "a few large entries": (rng.standard_t(3.5, (300, 200)), STRUCTURED, SPIKES),
        "nine in ten zero": (free * (rng.random((300, 200)) < 0.1), STRUCTURED, SPIKES),
        "a block of large entries": (free * np.kron([[3, 1], [1, 1]], np.ones((150, 100))), None, UNEQUAL),
        "correlated, unequal": (scaled(leaning(free)), None, STRUCTURED),
    }  # fmt: skip


@pytest.mark.parametrize("kind", list(of_scales()))
def test_the_verdict_knows_of_scales_where_it_has_the_nulls(kind):
    matrix, alone, beside = of_scales()[kind]
    assert analyse(matrix, nulls=False).verdict == (alone or analyse(matrix, nulls=False).verdict) != UNEQUAL
    for turned in (matrix, matrix.T):
        row = analyse(turned)
        assert row.verdict == beside
        assert row.levelled is not None
        if beside == UNEQUAL:
            assert row.levelled.n_spikes == 0 < left(row.measured)
        if kind == "a signal":
            assert row.levelled.n_spikes == 4


def test_the_scaled_null_has_the_spikes_of_its_scales_and_not_those_of_a_signal():
    rng = np.random.default_rng(9)
    free = rng.standard_normal((400, 300))
    signal = 2.5 * np.outer(rng.standard_normal(400), rng.standard_normal(300)) / 20
    plain, carrying, unequal = (analyse(matrix, seed=3) for matrix in (free, free + signal, scaled(free, 0.3, 0.3)))
    assert [row.nulls["scaled"].n_spikes for row in (plain, carrying)] == [0, 0]
    assert carrying.measured.n_spikes == 1
    own, null = left(unequal.measured), left(unequal.nulls["scaled"])
    assert own > 30
    assert null == pytest.approx(own, abs=12)
    assert left(unequal.nulls["permuted"]) < 10
    assert unequal.nulls["scaled"].sd == pytest.approx(unequal.measured.sd, rel=0.03)
    assert unequal.nulls["scaled"].gram_rms == pytest.approx(unequal.measured.gram_rms, rel=0.03)


def test_verdict_and_law_are_judged_by_the_size():
    m = analyse(gaussian(), nulls=False).measured
    near, off = (replace(m, ks=factor * bulk.farthest(160), n_spikes=0) for factor in (0.99, 1.01))
    assert (on_law(near, 160), on_law(off, 160)) == (True, False)
    assert (verdict(near, 160), verdict(off, 160)) == (RANDOM_LIKE, STRUCTURED)
    assert on_law(replace(near, n_spikes=32, ks=bulk.farthest(128)), 160)
    assert not on_law(replace(near, n_spikes=33), 160)  # a fifth is too many


def test_rows_and_columns_of_zeros_are_left_out():
    matrix = np.zeros((300, 260))
    matrix[30:270, 50:210] = gaussian()
    row = analyse(matrix, nulls=False)
    assert (row.shape, row.shape_used, row.verdict) == ((300, 260), (240, 160), RANDOM_LIKE)
    assert row.measured == analyse(gaussian(), nulls=False).measured


def test_rows_are_json_and_a_frame_and_the_same_again():
    rows = [analyse(gaussian(40, 30, seed), f"fc{seed}", seed=seed) for seed in (1, 2)]
    shown = json.loads(json.dumps(rows[0].to_json(), allow_nan=False))
    names = (
        "layer", "shape", "sigma", "ks", "edge_low", "edge_high", "n_spikes", "kurtosis", "stable_rank", "alpha",
        "alpha_fit", "verdict",
    )  # fmt: skip
    assert set(names) <= set(shown)
    assert {"gaussian", "permuted", "scaled"} == set(shown["nulls"])
    assert set(shown["levelled"]) == {field.name for field in fields(bulk.Bulk)}
    frame = spectra.to_frame(rows)
    assert list(frame.layer) == ["fc1", "fc2"]
    assert frame.ks_permuted[1] == rows[1].nulls["permuted"].ks
    assert rows[1].levelled is not None
    assert frame.ks_levelled[1] == rows[1].levelled.ks
    assert rows[0] == analyse(gaussian(40, 30, 1), "fc1", seed=1)


def test_the_power_law_of_a_pareto_sample():
    values = stats.pareto(1.5).rvs(3000, random_state=0)
    alpha, settings = power_law(values)
    assert alpha == pytest.approx(2.5, abs=0.15)
    assert settings["n_tail"] > 500
    assert settings["distance"] < 0.03
    assert power_law(values[:5])[0] is None


def test_singular_values_that_are_rounding_are_no_tail():
    rng = np.random.default_rng(6)
    low = rng.standard_normal((60, 5)) @ rng.standard_normal((5, 40))
    m = analyse(low, nulls=False).measured
    assert m.alpha is None
    assert "5 values that are not zero" in m.alpha_fit["why"]


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, np.float16, np.float32, bool])
def test_other_number_types_give_the_numbers_of_double_precision(kind):
    matrix = (gaussian(40, 30) * 10).astype(np.int8).astype(kind)
    assert analyse(matrix, nulls=False) == analyse(matrix.astype(float), nulls=False)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_any_unit(scale):
    one, other = analyse(gaussian(40, 30), nulls=False), analyse(scale * gaussian(40, 30), nulls=False)
    assert other.measured.sigma == pytest.approx(scale * one.measured.sigma)
    assert other.measured.ks == pytest.approx(one.measured.ks)


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        (np.ones((3, 0)), "at least 2 rows and 2 columns, not (3, 0)"),
        (np.ones((1, 9)), "at least 2 rows and 2 columns, not (1, 9)"),
        (np.full((4, 4), 0.5), "must not be constant; every entry is 0.5"),
        (np.diag([1.0, 0, 0]), "that are not all zero"),
        (np.array([[1.0, np.nan], [np.inf, 2.0]]), "finite numbers; 2 of 4 are not"),
        (np.ones(4), "must be a matrix of real numbers, not 1 axes"),
        (np.ones((2, 2), complex), "must be a matrix of real numbers"),
        (np.array([["a", "b"]] * 2), "must be a matrix of real numbers"),
    ],
)
def test_what_cannot_be_measured_is_refused(matrix, says):
    assert says in refusal(lambda: analyse(matrix, "fc1"))


@settings(max_examples=60)
@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14),
        elements=st.floats(-1e6, 1e6, width=32),
    )
)
def test_any_small_matrix_has_a_verdict_or_is_refused(matrix):
    try:
        row = analyse(matrix)
    except spectra.InputError:
        return
    assert row.verdict in (RANDOM_LIKE, SPIKES, HEAVY_TAILED, STRUCTURED, UNEQUAL, TAIL, NOT_JUDGED)
    assert row.levelled is None or "scaled" in row.nulls
    assert (row.verdict == NOT_JUDGED) == (min(row.shape_used) < SMALLEST)
    json.dumps(row.to_json(), allow_nan=False)


def test_nothing_is_printed_or_warned_about(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        analyse(gaussian(30, 20))
    assert capsys.readouterr() == ("", "")
