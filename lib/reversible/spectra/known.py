"""What the law of a layer is told of a given matrix: its spikes, and the scales of the noise that is the rest."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from reversible.base.checks import InputError
from reversible.spectra import bulk
from reversible.theory.own_codes import Known
from reversible.theory.singular_values import Array

ROUNDS = 200  # of fitting rows and columns by turns, at most
SETTLED = 1e-9  # relative change of a scale at which they are fitted


def known(matrix: Array, *, spikes: bool = True, scales: bool = True) -> Known:
    """`Known` of a matrix (m, n): its scales, the spikes that `bulk.fit` finds once these are undone, and the kurtosis.

    Without `spikes` all of it counts as noise, without `scales` its entries have one scale and kurtosis 3. A strong
    spike passes for scales, as it adds to the rows and columns where it is, and unequal scales pass for spikes. So the
    spikes are taken out one by one, the strongest first, and the scales are fitted again each time. Raises InputError
    for what is no matrix of finite numbers, not all zero.
    """
    matrix = np.asarray(matrix, float)
    if matrix.ndim != 2 or min(matrix.shape) < 2 or not np.isfinite(matrix).all() or not matrix.any():
        raise InputError(f"a matrix must be 2 x 2 or more of finite numbers, not all zero, not of shape {matrix.shape}")
    told, noise = _told(matrix, matrix, 0, spikes, scales)
    for _ in range(2 * min(matrix.shape)):  # as a rule it settles after one turn a spike
        before = len(told.values)
        told, noise = _told(matrix, noise, before, spikes, scales)
        if len(told.values) == before:
            break
    return told


def _told(matrix: Array, rest: Array, r: int, spikes: bool, scales: bool) -> tuple[Known, Array]:
    """With the scales of `rest`, what was left of it without r spikes: one spike more, or all there are if fewer."""
    m, n = matrix.shape
    rows, columns = shrunk_scales(rest) if scales else (np.ones(m), np.full(n, np.sqrt(np.square(rest).mean())))
    unit = np.outer(rows, columns)
    flat = np.divide(matrix, unit, out=np.zeros_like(matrix), where=unit > 0)
    left, values, right = linalg.svd(flat, full_matrices=False, check_finite=False)
    r = min(r + 1, bulk.fit(values, (m, n)).n_spikes) if spikes else 0
    noise = flat - (left[:, :r] * values[:r]) @ right[:r]
    noise *= np.sqrt(m / (m - r) * n / (n - r))  # r directions have taken their share of its energy
    kurtosis = _kurtosis(noise[unit > 0]) if scales else 3.0
    return Known(left[:, :r], values[:r], right[:r].T, rows, columns, kurtosis), noise * unit


def shrunk_scales(matrix: Array) -> tuple[Array, Array]:
    """Those of `row_and_column_scales`, with what they vary by chance taken off.

    The mean square of a column of m independent entries varies by (kurtosis - 1) / m of itself. Where all of them vary
    by V, the share 1 - (kurtosis - 1) / (m V) of each one's distance from their mean is kept, or none (Stein).
    """
    rows, columns = row_and_column_scales(matrix)
    unit = np.outer(rows, columns)
    spread = _kurtosis(matrix[unit > 0] / unit[unit > 0]) - 1
    return _shrunk(rows, spread / int((columns > 0).sum())), _shrunk(columns, spread / int((rows > 0).sum()))


def _shrunk(scales: Array, chance: float) -> Array:
    squares = scales[scales > 0] ** 2
    varies = float(np.var(squares / squares.mean()))
    kept = max(0.0, 1 - chance / varies) if varies > 0 else 0.0
    full = np.zeros_like(scales)
    full[scales > 0] = np.sqrt(squares.mean() + kept * (squares - squares.mean()))
    return full


def _kurtosis(entries: Array) -> float:
    return float(np.mean(entries**4) / np.mean(entries**2) ** 2)


def row_and_column_scales(matrix: Array) -> tuple[Array, Array]:
    """r (m,) and c (n,) such that matrix_ij / (r_i c_j) has a mean square of one in each row and each column.

    The mean square of r is one. A row or column of zeros alone has the scale 0, and the others are fitted without it.
    """
    squares = np.square(matrix)
    in_use = squares.any(1), squares.any(0)
    part = squares[np.ix_(*in_use)]
    rows = np.ones(len(part))
    for _ in range(ROUNDS):
        columns = (part / rows[:, None]).mean(0)
        new = (part / columns).mean(1)
        moved = np.abs(new / rows - 1).max()
        rows = new
        if moved < SETTLED:
            break
    unit = rows.mean()
    full = np.zeros(len(squares)), np.zeros(squares.shape[1])
    full[0][in_use[0]], full[1][in_use[1]] = np.sqrt(rows / unit), np.sqrt((part / rows[:, None]).mean(0) * unit)
    return full
