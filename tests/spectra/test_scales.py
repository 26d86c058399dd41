"""Scales of rows and columns: found where they were planted, refused where there are none, kept by their null."""

import numpy as np
import pytest

from reversible.spectra import scales


def unequal(n=300, p=200, spread=0.7, seed=0):
    rng = np.random.default_rng(seed)
    rows, columns = np.exp(spread * rng.standard_normal(n)), np.exp(spread * rng.standard_normal(p))
    return rows, columns, rng.standard_normal((n, p))


@pytest.mark.parametrize("shape", [(300, 200), (200, 300), (50, 50), (2, 2)])
def test_rows_and_columns_of_the_levelled_matrix_have_mean_square_one(shape):
    matrix = np.random.default_rng(1).standard_t(3, shape)
    found = scales.fit(matrix)
    assert found is not None
    assert np.square(found.level).mean(0) == pytest.approx(1, abs=2e-3)
    assert np.square(found.level).mean(1) == pytest.approx(1, abs=2e-3)
    assert found.level * found.rows[:, None] * found.columns == pytest.approx(matrix)


def test_planted_scales_are_found():
    rows, columns, noise = unequal()
    found = scales.fit(rows[:, None] * noise * columns)
    assert found is not None
    for planted, there, count in ((rows, found.rows, 200), (columns, found.columns, 300)):
        ratio = there / planted
        assert ratio / ratio.mean() == pytest.approx(1, abs=5 / np.sqrt(2 * count))  # of so many entries each


def test_scales_do_not_hang_on_the_unit_and_turn_with_the_matrix():
    rows, columns, noise = unequal()
    matrix = rows[:, None] * noise * columns
    one, other, turned = scales.fit(matrix), scales.fit(1e-8 * matrix), scales.fit(matrix.T)
    assert one is not None
    assert other is not None
    assert turned is not None
    assert other.level == pytest.approx(one.level, abs=1e-9)
    assert turned.level == pytest.approx(one.level.T, abs=0.02)


def test_the_null_keeps_scales_and_entries_and_nothing_of_a_signal():
    rows, columns, noise = unequal(spread=0.4)
    rng = np.random.default_rng(5)
    signal = 4 * np.outer(rng.standard_normal(300), rng.standard_normal(200)) / np.sqrt(300)
    found = scales.fit(rows[:, None] * (noise + signal) * columns)
    assert found is not None
    mixed = found.again(np.random.default_rng(2))
    assert np.sort(mixed / found.rows[:, None] / found.columns, None) == pytest.approx(np.sort(found.level, None))
    assert np.corrcoef(np.log(np.square(mixed).mean(1)), np.log(found.rows))[0, 1] > 0.95
    assert np.corrcoef(np.log(np.square(mixed).mean(0)), np.log(found.columns))[0, 1] > 0.95
    level = mixed / found.rows[:, None] / found.columns
    tops = [np.linalg.norm(each, 2) / (np.sqrt(300) + np.sqrt(200)) for each in (found.level, level)]
    assert tops[0] > 1.5
    assert tops[1] < 1.05


def random_entries(n, p, share=1.0):
    rng = np.random.default_rng(2)
    return rng.standard_normal((n, p)) * (rng.random((n, p)) < share)


NONE = {
    "a triangle": np.tril(random_entries(60, 60)),
    "two rows in one column": np.vstack([[[1.0, 0, 0, 0]] * 2, random_entries(3, 4)]),
    "pruned far": random_entries(200, 150, 0.02),
    "squares that underflow": np.outer([1.0, 2.0, 3.0], [1.0, 1e-170, 1.0]),
}


@pytest.mark.parametrize("case", NONE)
def test_where_there_are_no_scales_none_are_given(case):
    matrix = NONE[case]
    assert scales.fit(matrix[np.any(matrix != 0, 1)][:, np.any(matrix != 0, 0)]) is None


def test_some_zeros_do_no_harm():
    rng = np.random.default_rng(4)
    assert scales.fit(rng.standard_normal((300, 200)) * (rng.random((300, 200)) < 0.1)) is not None
    found = scales.fit(np.diag([3.0, 1.0, 0.5]))
    assert found is not None
    assert found.level == pytest.approx(np.sqrt(3) * np.eye(3))
