"""How the samples of a layer lie: whether those of a class draw together, and how many bins hold them."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import pdist, squareform

from reversible.base.checks import InputError, positive
from reversible.theory.mixtures import partition_entropy

Array = np.ndarray
FLOATS = 2**52  # whole numbers beyond which doubles leave gaps


def class_distances(points: Array, labels: Array) -> tuple[float, float]:
    """Mean distance of two points (n, d) of one class, and of two of different ones.

    Raises InputError where there are not two classes, or no class has two points.
    """
    same = labels[:, None] == labels
    apart = squareform(pdist(points))
    within, between = same & ~np.eye(len(labels), dtype=bool), ~same
    if not within.any() or not between.any():
        raise InputError("labels must be those of two classes or more, of which one has two points, not of one class")
    return float(apart[within].mean()), float(apart[between].mean())


def binned_entropy(points: Array, width: float) -> float:
    """Of which bin a point (n, d) is in, in nats; bins are cubes with sides `width`, one of them around the origin.

    Raises InputError where bins are so narrow that floats do not tell them apart.
    """
    places = points / positive("width", width)
    if np.abs(places).max() > FLOATS:
        least = float(np.abs(points).max()) / FLOATS
        raise InputError(f"width must be at least {least:.3g}, as floats tell no narrower bins apart, not {width!r}")
    counts = np.unique(np.round(places), axis=0, return_counts=True)[1]
    return partition_entropy(counts / len(points))
