"""What is measured on one matrix: entries, columns, singular values and vectors, and the upper end of the spectrum."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import special

from reversible.spectra import bulk, tails
from reversible.spectra.decomposed import Decomposed
from reversible.theory.singular_values import Array

IN_UNITS = ("mean", "sd", "sigma", "edge_low", "edge_high", "spike_edge")  # of the matrix
NO_TAIL = 1e3  # an exponent above it: the values are all alike
NO_BULK, MOST_LEFT = 0.25, 0.5  # shares of the values that lie elsewhere than the law has them; that have left the bulk


@dataclass(frozen=True)
class Measures:
    """What is measured on one matrix of `n` x `p`, n >= p, without its rows and columns of zeros.

    Where no bulk fits, sigma, the three edges and the number of spikes are None: with a quarter of the values elsewhere
    than the law has them, or half of them outside of the bulk, or fewer than two that are not rounding.
    """

    mean: float
    sd: float
    skew: float
    kurtosis: float  # 3 for Gaussian entries
    entries_ks: float  # Kolmogorov's distance of the entries from a Gaussian law of their mean and sd
    entries_ad: float  # Anderson-Darling's A^2 from it; A^2 / (n p) is a distance that does not grow with the size
    normal_p: float  # p-value of A^2: with many entries it is tiny whatever the distance, so look at the distance
    gram_rms: float  # root mean square correlation of two columns, times sqrt(n): 1 where entries are independent
    gram_max: float  # the largest correlation of two columns, times sqrt(n): about sqrt(4 ln p)
    vectors_ks: float  # distance of the components of singular vectors from a Gaussian law (Porter-Thomas)
    localisation: (
        float  # sum of their fourth powers over that of a random direction: 1 spread out, up to p/3 in a point
    )
    localisation_top: float  # the same of the largest singular value's vectors
    rank: int  # singular values that are not rounding; the bulk is theirs
    sigma: float | None  # of the bulk, as the next five: see `bulk.Bulk`
    ks: float
    edge_low: float | None
    edge_high: float | None
    spike_edge: float | None
    n_spikes: int | None
    largest: float  # singular value
    stable_rank: float  # sum of squared singular values over the largest squared
    alpha: float | None  # exponent of a power law fitted to the tail of the squared singular values; None: no fit
    alpha_fit: dict[str, Any]  # how it was fitted


def measure(shape: tuple[int, ...], own: dict[str, float], found: Decomposed, unit: float) -> Measures:
    """Everything about a tall matrix whose entries, `own`, are in units of `unit`."""
    values, directions, rank = found.values, found.directions, found.rank
    fitted = bulk_of(values, (shape[0], rank))
    alpha, settings = power_law(np.square(values[:rank]))
    scaled = {name: value and unit * value for name, value in (own | fitted).items() if name in IN_UNITS}
    return Measures(**{
        **own, **fitted, **scaled, "gram_rms": found.gram_rms, "gram_max": found.gram_max, "rank": rank,
        "vectors_ks": _spread_distance([d[:, 1:] for d in directions]),
        "localisation": max(_localisation(d[:, 1:]) for d in directions if d.shape[1] > 1),
        "localisation_top": max(_localisation(d[:, :1]) for d in directions),
        "largest": unit * float(values[0]),
        "stable_rank": float((values / values[0]) @ (values / values[0])),
        "alpha": alpha, "alpha_fit": settings,
    })  # fmt: skip


def bulk_of(values: Array, shape: tuple[int, int]) -> dict[str, Any]:
    """The fields of a bulk in the singular values that are not rounding, as many as `shape` has columns."""
    rank = min(shape)
    if rank < 2:
        return dict.fromkeys(bulk.Bulk.__dataclass_fields__) | {"ks": 1.0}
    found = bulk.fit(values[:rank], shape)
    if found.ks <= NO_BULK and found.n_spikes <= MOST_LEFT * rank:
        return asdict(found)
    return dict.fromkeys(asdict(found)) | {"ks": found.ks}


def _localisation(directions: Array) -> float:
    """Mean sum of fourth powers of unit vectors (length, count) over that of a random direction, 3 / (length + 2)."""
    return float((directions**4).sum(0).mean()) * (len(directions) + 2) / 3


def _spread_distance(sides: list[Array]) -> float:
    """Kolmogorov's distance of the components, in units of their root mean square, from a Gaussian law; both sides."""
    components = np.sort(np.concatenate([(side * math.sqrt(len(side))).reshape(-1) for side in sides]))
    below, places = special.ndtr(components), np.arange(len(components))
    return float(np.maximum((places + 1) / len(components) - below, below - places / len(components)).max())


def power_law(values: Array) -> tuple[float | None, dict[str, Any]]:
    """Exponent alpha of a power law fitted to the largest `values`, and the settings of the fit (`spectra.tails`).

    An exponent is found for anything, a Gaussian matrix too: what it means shows beside the nulls, and whether a power
    law `stands` beside other laws.
    """
    if len(np.unique(values)) < tails.FEWEST:
        return None, {"why": f"{len(values)} values that are not zero; a tail needs {tails.FEWEST}"}
    unit = float(values.mean())
    tail = tails.fit(values / unit, ended=False)
    found = {"xmin": tail.xmin * unit, "n_tail": tail.count, "distance": tail.distance}
    if not tail.alpha < NO_TAIL:
        return None, {"law": "continuous, no upper end", "of": "s^2"} | found
    rivals, over = tails.gains(values / unit, tail), tails.over_exponential(values / unit, tail)
    found |= {f"gain_{rival}": gain for rival, gain in rivals.items()}
    found |= {"over_exponential": over, "stands": tails.stands(rivals, over)}
    return tail.alpha, {"law": "continuous, no upper end", "of": "s^2"} | found
