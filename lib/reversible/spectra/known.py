"""What the law of a layer is told of a given matrix: its spikes, and the scales of the noise that is the rest."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from reversible.base.checks import InputError
from reversible.spectra import bulk, scales
from reversible.theory.own_codes import Known
from reversible.theory.singular_values import Array


def known(matrix: Array, *, spikes: bool = True, uneven: bool = True) -> Known:
    """`Known` of a matrix (m, n): its scales, the spikes that `bulk.fit` finds once these are undone, and the kurtosis.

    Without `spikes` all of it counts as noise, without `uneven` its entries have one scale and kurtosis 3. A strong
    spike passes for scales, as it adds to the rows and columns where it is, and unequal scales pass for spikes. So the
    spikes are taken out one by one, the strongest first, and the scales are fitted again each time. Raises InputError
    for what is no matrix of finite numbers, not all zero.
    """
    matrix = np.asarray(matrix, float)
    if matrix.ndim != 2 or min(matrix.shape) < 2 or not np.isfinite(matrix).all() or not matrix.any():
        raise InputError(f"a matrix must be 2 x 2 or more of finite numbers, not all zero, not of shape {matrix.shape}")
    told, noise = _told(matrix, matrix, 0, spikes, uneven)
    for _ in range(2 * min(matrix.shape)):  # as a rule it settles after one turn a spike
        before = len(told.values)
        told, noise = _told(matrix, noise, before, spikes, uneven)
        if len(told.values) == before:
            break
    return told


def _told(matrix: Array, rest: Array, r: int, spikes: bool, uneven: bool) -> tuple[Known, Array]:
    """With the scales of `rest`, what was left of it without r spikes: one spike more, or all there are if fewer."""
    m, n = matrix.shape
    rows, columns = shrunk_scales(rest) if uneven else (np.ones(m), np.full(n, np.sqrt(np.square(rest).mean())))
    unit = np.outer(rows, columns)
    flat = np.divide(matrix, unit, out=np.zeros_like(matrix), where=unit > 0)
    left, values, right = linalg.svd(flat, full_matrices=False, check_finite=False)
    r = min(r + 1, bulk.fit(values, (m, n)).n_spikes) if spikes else 0
    noise = flat - (left[:, :r] * values[:r]) @ right[:r]
    noise *= np.sqrt(m / (m - r) * n / (n - r))  # r directions have taken their share of its energy
    kurtosis = _kurtosis(noise[unit > 0]) if uneven else 3.0
    return Known(left[:, :r], values[:r], right[:r].T, rows, columns, kurtosis), noise * unit


def shrunk_scales(matrix: Array) -> tuple[Array, Array]:
    """Scales of rows (m,) and columns (n,) by `scales.fit`, with what they vary by chance taken off.

    The mean square of a column of m independent entries varies by (kurtosis - 1) / m of itself. Where all of them vary
    by V, the share 1 - (kurtosis - 1) / (m V) of each one's distance from their mean is kept, or none (Stein). So no
    scale is zero: a row that a spike has all of would else get one, and would be a spike for ever. A row or column of
    zeros alone has the scale 0. A matrix that has no scales, as a pruned one, gets equal ones.
    """
    used = matrix.any(1), matrix.any(0)
    part = matrix[np.ix_(*used)]
    fitted = scales.fit(part)
    rows, columns = used[0].astype(float), used[1].astype(float)
    if fitted is None:
        return rows, columns * np.sqrt(np.square(part).mean())
    spread = _kurtosis(fitted.level) - 1
    rows[used[0]] = _shrunk(fitted.rows, spread / len(fitted.columns))
    columns[used[1]] = _shrunk(fitted.columns, spread / len(fitted.rows))
    return rows, columns


def _shrunk(scales: Array, chance: float) -> Array:
    squares = scales**2
    varies = float(np.var(squares / squares.mean()))
    kept = max(0.0, 1 - chance / varies) if varies > 0 else 0.0
    return np.sqrt(squares.mean() + kept * (squares - squares.mean()))


def _kurtosis(entries: Array) -> float:
    return float(np.mean(entries**4) / np.mean(entries**2) ** 2)
