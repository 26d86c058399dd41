"""What is drawn of a matrix's singular values: counts in bins, the spikes, and the law of the bulk beside them.

The values are counted at once and let go, so that a picture is small however large the matrix was. The law is read off
the bulk's sigma and edges, which are all it takes: with edges sigma (sqrt(n') -+ sqrt(p')), sum and difference of the
edges give n' and p', the sides of the random matrix that the bulk is set against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reversible.spectra.decomposed import values_of
from reversible.spectra.matrix import Row, in_units, used_part
from reversible.theory.singular_values import Array, singular_values

BINS = (12, 60)
ROUNDING = 1e-7  # of the largest value: below it values of a Gram matrix are zero
POINTS = 80  # of the law's curve
FRAME, MANY, FAR = 2.5, 0.9, 4.0  # see `_end`
FINEST = 400  # marks in a frame


@dataclass(frozen=True)
class Picture:
    """In units of the matrix."""

    end: float  # the frame goes from 0 to here
    counts: Array  # singular values in bins of one width
    beyond: int  # of them beyond the frame
    largest: float
    marks: Array  # where spikes are in the frame; those that cannot be told apart are one
    law: Array  # (points, 2): a value, and how many the law has in a bin there; no points where no law was fitted
    edge: float | None  # what lies above it is a spike


def picture(matrix: Array, row: Row) -> Picture:
    """That of a matrix which was measured as `row`."""
    m = row.measured
    values = falling(matrix)
    end = _end(values, m)
    bins = int(np.clip(2 * np.sqrt(len(values)), *BINS))
    counts = np.histogram(values, bins, (0.0, end))[0]
    spikes = values[: m.n_spikes or 0]
    marks = np.unique(np.rint(spikes[spikes <= end] / end * FINEST)) / FINEST * end
    beyond, edge = int((values > end).sum()), m.spike_edge if _has_bulk(m) else None
    return Picture(end, counts, beyond, float(values[0]), marks, _law(m, end / bins), edge)


def falling(matrix: Array) -> Array:
    """Singular values of a matrix, its rows and columns of zeros left out, from the smaller Gram matrix in double."""
    used, unit = in_units(used_part(np.asarray(matrix, float)))
    return unit * values_of(used if used.shape[0] >= used.shape[1] else used.T)


def _end(values: Array, m: Any) -> float:
    """Where the frame ends: what lies beyond is counted and not drawn, or the bulk would be one bar.

    It holds the law, nine tenths of the values, and of the others those up to 2.5 times the upper edge; where no law
    was fitted, those up to 4 times the nine tenths.
    """
    many, largest = float(np.quantile(values, MANY)), float(values[0])
    if not _has_bulk(m):
        return 1.04 * min(largest, FAR * many or largest)
    return 1.04 * max(min(largest, FRAME * m.edge_high), many, m.edge_high, m.spike_edge or 0.0)


def _has_bulk(m: Any) -> bool:
    """One was fitted, and it is more than the rounding of zeros."""
    return bool(m.sigma) and m.edge_low is not None and m.edge_high > ROUNDING * m.largest


def _law(m: Any, width: float) -> Array:
    """Points of the law of Marchenko and Pastur: how many values it has in a bin of that width."""
    if not _has_bulk(m):
        return np.zeros((0, 2))
    long, short = (m.edge_high + m.edge_low) / (2 * m.sigma), (m.edge_high - m.edge_low) / (2 * m.sigma)
    law: Any = singular_values(min((short / long) ** 2, 1.0), scale=m.sigma * long)
    turn = np.linspace(0, np.pi, POINTS)
    at = m.edge_low + (m.edge_high - m.edge_low) * (1 - np.cos(turn)) / 2
    return np.column_stack([at, short**2 * width * law.pdf(at)])
