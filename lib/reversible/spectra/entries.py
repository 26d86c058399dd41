"""The entries of a matrix: their moments, and their distances from a Gaussian law."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

Array = np.ndarray
PIECE, MANY = 1 << 16, 1 << 20  # entries at a time; so many that single precision is enough to sort them


def measured(matrix: Array) -> dict[str, float]:
    """The entries' moments and their distances from a Gaussian law, in pieces that stay in a processor's cache.

    More than a million are sorted in single precision, which moves a distance by less than chance does by far.
    """
    flat = matrix.ravel("K")
    count, mean = flat.size, float(flat.mean(dtype=float))
    sd = math.sqrt(sum(_squares(flat[at : at + PIECE], mean) for at in range(0, count, PIECE)) / count)
    entries = flat.astype("f4" if count > MANY else float)
    entries.sort()
    cubes = fourths = logs = distance = 0.0
    for start in range(0, count, PIECE):
        z = (entries[start : start + PIECE].astype(float) - mean) / (sd or 1.0)
        squares, places = z * z, np.arange(start + 1, start + len(z) + 1)
        cubes, fourths = cubes + float(squares @ z), fourths + float(squares @ squares)
        log_below, log_above = special.log_ndtr(z), special.log_ndtr(-z)
        logs += float((2 * places - 1) @ log_below + (2 * (count - places) + 1) @ log_above)
        below = np.exp(log_below)
        distance = max(distance, float((places / count - below).max()), float((below - (places - 1) / count).max()))
    squared = -count - logs / count
    return {
        "mean": mean, "sd": sd, "skew": cubes / count, "kurtosis": fourths / count, "entries_ks": distance,
        "entries_ad": squared, "normal_p": _normal_p(squared, count),
    }  # fmt: skip


def _squares(entries: Array, mean: float) -> float:
    return float(np.square(entries.astype(float) - mean).sum())


def _normal_p(squared: float, count: int) -> float:
    """p-value of Anderson and Darling's A^2 where mean and sd are fitted (D'Agostino and Stephens 1986, table 4.9)."""
    a = min(squared * (1 + 0.75 / count + 2.25 / count**2), 150.0)
    if a >= 0.6:
        return math.exp(1.2937 - 5.709 * a + 0.0186 * a * a)
    if a >= 0.34:
        return math.exp(0.9177 - 4.279 * a - 1.38 * a * a)
    sign = (-8.318, 42.796, -59.938) if a >= 0.2 else (-13.436, 101.14, -223.73)
    return 1 - math.exp(sign[0] + sign[1] * a + sign[2] * a * a)
