"""Is this weight matrix random-like? Entries, columns, singular values, singular vectors and tail, beside three nulls.

The theory asks that weights look as if they were drawn independently from one distribution. A matrix is measured as it
is; as `gaussian`, a matrix of independent Gaussian entries of the same shape and size, which is the theory's own; as
`permuted`, its own entries in random order, which keeps their distribution and nothing else; and as `scaled`, which
keeps the scales of rows and columns, too: the entries are put in random order after they were divided by these scales,
and multiplied by them again (`spectra.scales`). What `permuted` has and `gaussian` has not lies in the distribution of
the entries; what `scaled` has and `permuted` has not, in the scales. What the matrix has and `scaled` has not is left:
correlations of its entries, scales that are no product of one of the row and one of the column, and a signal whose
vectors are spread out. A signal in few rows and columns, and a few very large entries, are taken for scales.

A matrix divided by its scales is *levelled*. If it was noise of independent entries, of whatever variances, its bulk is
then on the law and nothing leaves it (Landa, Zhang and Kluger 2022); a signal in such noise still does. The verdict
asks this, too.

Singular values are those of the matrix without rows and columns of zeros alone, as pruning leaves them. They come from
the eigenvalues of the smaller Gram matrix in double precision, which takes about half the time of a singular value
decomposition and leaves an error of about 1e-16 (s_max / s)^2 in a singular value s: those below `rounding` are noise.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

import numpy as np
from scipy import linalg, special

from reversible.base.checks import InputError, integer
from reversible.spectra import bulk, entries, scales
from reversible.theory.singular_values import Array, gaussian_singular_values

RANDOM_LIKE, SPIKES, HEAVY_TAILED, STRUCTURED = "bulk random-like", "spikes", "heavy-tailed", "structured"
UNEQUAL = "unequal scales"
IN_UNITS = ("mean", "sd", "sigma", "edge_low", "edge_high", "spike_edge")  # of the matrix
LARGEST_RANK, LARGEST_ALPHA, TAIL_FIT, TAIL_SHARE = 0.2, 6.0, 0.1, 1 / 3  # limits of `verdict`, sizes of effects
SMALLEST = 32  # singular values a matrix must have to be judged: a law of a few tells nothing
GAUSSIAN, CORRELATED = (
    0.05,
    1.5,
)  # distance of entries that pass for Gaussian, and of columns that do not for independent
TAIL = 10  # singular values that a power law is fitted to, at least
NO_TAIL = 1e3  # an exponent above it: the values are all alike
VECTORS = 16  # from the middle of the spectrum, whose components are looked at


@dataclass(frozen=True)
class Measures:
    """What is measured on one matrix of `n` x `p`, n >= p, without its rows and columns of zeros."""

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
    sigma: float  # of the bulk, as the next five: see `bulk.Bulk`
    ks: float
    edge_low: float
    edge_high: float
    spike_edge: float
    n_spikes: int
    largest: float  # singular value
    stable_rank: float  # sum of squared singular values over the largest squared
    alpha: float | None  # exponent of a power law fitted to the tail of the squared singular values; None: no fit
    alpha_fit: dict[str, Any]  # how it was fitted


@dataclass(frozen=True)
class Row:
    """One matrix of a net: its measures, those of its nulls, and a verdict by the rule of `verdict`."""

    layer: str
    shape: tuple[int, int]  # as a PyTorch layer has it, (out, in)
    shape_used: tuple[int, int]  # without rows and columns of zeros
    measured: Measures
    nulls: dict[str, Measures]  # "gaussian", "permuted" and "scaled", or none; "scaled" only where scales are found
    levelled: bulk.Bulk | None  # of the matrix over its scales; None without nulls, and where no scales are found
    verdict: str

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict: the measures stand beside `layer`, those of nulls under `nulls`, the bulk of `levelled`."""
        shapes = {"shape": list(self.shape), "shape_used": list(self.shape_used)}
        nulls = {name: asdict(null) for name, null in self.nulls.items()}
        beside = {"verdict": self.verdict, "nulls": nulls, "levelled": self.levelled and asdict(self.levelled)}
        return {"layer": self.layer, **shapes, **asdict(self.measured), **beside}


def to_frame(rows: Sequence[Row]) -> Any:
    """The rows as a pandas DataFrame, flat: `ks`, `ks_gaussian`, `ks_levelled`; `rows` and `columns`; `alpha_xmin`."""
    import pandas as pd

    return pd.DataFrame([_flat(row) for row in rows])


def _flat(row: Row) -> dict[str, Any]:
    sizes = {"rows": row.shape[0], "columns": row.shape[1]}
    used = {"rows_used": row.shape_used[0], "columns_used": row.shape_used[1]}
    flat: dict[str, Any] = {"layer": row.layer, **sizes, **used, "verdict": row.verdict}
    for name, measures in {"": row.measured, **{f"_{name}": null for name, null in row.nulls.items()}}.items():
        values = asdict(measures)
        fit = values.pop("alpha_fit")
        flat |= {f"{key}{name}": value for key, value in values.items()}
        flat |= {f"alpha_{key}{name}": value for key, value in fit.items()}
    return flat | ({f"{key}_levelled": value for key, value in asdict(row.levelled).items()} if row.levelled else {})


def analyse(matrix: Array, layer: str = "", *, nulls: bool = True, seed: int = 0) -> Row:
    """Measure a matrix (out, in), beside its nulls and levelled if wanted, and say what it is.

    The Gaussian null is drawn part by part, each exact in law: its entries and columns from one matrix, its singular
    values from the bidiagonal form of another, its singular vectors as random directions. Without nulls the verdict
    does not know of scales: see `verdict`.

    Raises InputError for what is no matrix of real finite numbers, has fewer than two rows or columns that are not all
    zero, or entries that are all the same.
    """
    full = _checked(np.asarray(matrix), f"layer {layer}" if layer else "the matrix")
    generator = np.random.default_rng(integer("seed", seed, low=0, high=2**32))
    used = full[np.any(full != 0, axis=1)][:, np.any(full != 0, axis=0)]
    shape, shape_used = (full.shape[0], full.shape[1]), (used.shape[0], used.shape[1])
    del full
    unit = float(np.abs(used).max())
    used = (used if shape_used[0] >= shape_used[1] else used.T) / unit
    own = entries.measured(used)
    measured = _measures(used.shape, own, _spectrum(used), unit)
    beside, levelled = _nulls(used, own, unit, generator) if nulls else ({}, None)
    return Row(
        layer, shape, shape_used, measured, beside, levelled,
        verdict(measured, min(shape_used), beside.get("permuted"), levelled),
    )  # fmt: skip


def _nulls(
    used: Array, own: dict[str, float], unit: float, generator: np.random.Generator
) -> tuple[dict[str, Measures], bulk.Bulk | None]:
    """The nulls of a tall matrix whose entries are `own`, and its bulk when it is levelled."""
    sd = float(np.sqrt(np.square(used).mean()))
    drawn = generator.standard_normal(used.shape) * sd
    free = _measures(used.shape, entries.measured(drawn), _gaussian_spectrum(drawn, sd, generator), unit)
    mixed = generator.permuted(used.reshape(-1)).reshape(used.shape)
    beside = {"gaussian": free, "permuted": _measures(used.shape, own, _spectrum(mixed), unit)}
    del drawn, mixed
    if not (found := scales.fit(used)):
        return beside, None
    mixed = found.again(generator)
    beside["scaled"] = _measures(used.shape, entries.measured(mixed), _spectrum(mixed), unit)
    return beside, _bulk(found.level)


def verdict(m: Measures, p: int, permuted: Measures | None = None, levelled: bulk.Bulk | None = None) -> str:
    """What a matrix of rank up to `p` is, by a rule on sizes of effects and on what a random matrix of that size shows.

    1. "heavy-tailed": a power law with alpha <= 6 fits the tail within a distance of 0.1, and a third at least of what
       it fits has left the bulk: it is not the bulk's own upper end, nor a few values beside it.
    2. "structured": the bulk is not on the law, see `on_law`.
    3. "spikes": the bulk is on the law, and one spike or more leaves it.
    4. "bulk random-like": the bulk is on the law, and nothing leaves it.

    What comes out as one of the first three is asked again. If it comes from the entries whatever their order, so that
    `permuted` is not random-like either and has half the spikes and half the distance at least, then it is no
    structure: what was "structured" becomes 3 or 4 by its number of spikes. Otherwise, if the levelled bulk is on the
    law, it is "spikes" where one or more leave that bulk, and else "unequal scales": scales explain all of it. Without
    `permuted` and `levelled` nothing is known of these, and what has large entries or unequal scales comes out as one
    of the first three.

    Where there is a law for chance, the limit is the 99 % point of it; the others are sizes of effects, from families
    of random matrices whose kind is known. See the book's chapter on spectra for how often the rule tells them right.
    """
    kind = _kind(m, p)
    if kind == RANDOM_LIKE or permuted is None:
        return kind
    half = 2 * permuted.n_spikes >= m.n_spikes and 2 * permuted.ks >= m.ks
    if half and _kind(permuted, p) != RANDOM_LIKE:
        return kind if kind != STRUCTURED else SPIKES if m.n_spikes else RANDOM_LIKE
    if levelled is None or not on_law(levelled, p, levelled=True):
        return kind
    return SPIKES if levelled.n_spikes else UNEQUAL


def _kind(m: Measures, p: int) -> str:
    """The verdict on a matrix by itself."""
    fitted = m.alpha is not None and m.alpha <= LARGEST_ALPHA and m.alpha_fit["distance"] <= TAIL_FIT
    if fitted and m.n_spikes >= TAIL_SHARE * m.alpha_fit["n_tail"]:
        return HEAVY_TAILED
    if not on_law(m, p):
        return STRUCTURED
    return SPIKES if m.n_spikes else RANDOM_LIKE


def on_law(m: Measures | bulk.Bulk, p: int, levelled: bool = False) -> bool:
    """A fifth at most of the p values have left the bulk, and it is no farther from the law than chance takes it.

    That is, no farther than the bulks of 99 in 100 random matrices of its size, `levelled` or not.
    """
    return m.n_spikes <= LARGEST_RANK * p and m.ks <= bulk.farthest(p - m.n_spikes, levelled)


def _checked(matrix: Array, name: str) -> Array:
    """The matrix in double precision, or InputError."""
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiub":
        raise InputError(f"{name} must be a matrix of real numbers, not {matrix.ndim} axes of {matrix.dtype}")
    if min(matrix.shape) < 2:
        raise InputError(f"{name} must have at least 2 rows and 2 columns, not {matrix.shape}")
    full = matrix.astype(float)
    if bad := full.size - int(np.isfinite(full).sum()):
        raise InputError(f"{name} must hold finite numbers; {bad} of {full.size} are not")
    if full.min() == full.max():
        raise InputError(f"{name} must not be constant; every entry is {full.flat[0]:g}")
    if min(np.any(full != 0, axis=1).sum(), np.any(full != 0, axis=0).sum()) < 2:
        raise InputError(f"{name} must have at least 2 rows and 2 columns that are not all zero")
    return full


@dataclass(frozen=True)
class _Spectrum:
    values: Array  # singular values, falling
    directions: list[Array]  # on either side, (length, 1 + up to VECTORS): the largest value's, then the middle's
    gram_rms: float
    gram_max: float


def rounding(p: int) -> float:
    """Below this share of the largest a singular value from a Gram matrix of order p is rounding: sqrt(p eps)."""
    return math.sqrt(p * float(np.finfo(float).eps))


def _spectrum(matrix: Array) -> _Spectrum:
    """The spectrum of a tall matrix: one reduction of its Gram matrix to tridiagonal form serves values and vectors."""
    p = matrix.shape[1]
    gram = matrix.T @ matrix
    columns = _columns(gram, len(matrix))
    reduce, turn = linalg.get_lapack_funcs(("sytrd", "ormqr"), (gram,))
    form, diagonal, beside, factors, _ = reduce(gram.T, lower=1, lwork=64 * p, overwrite_a=1)
    squares = linalg.eigvalsh_tridiagonal(diagonal, beside, check_finite=False)
    values = np.sqrt(np.maximum(squares[::-1], 0))
    first = max(p // 2 - VECTORS // 2, 0)
    middle = (first, min(first + VECTORS, p) - 1)
    directions = np.column_stack([
        linalg.eigh_tridiagonal(diagonal, beside, select="i", select_range=chosen, lapack_driver="stemr")[1]
        for chosen in ((p - 1, p - 1), middle)
    ])  # fmt: skip
    directions[1:] = turn("L", "N", form[1:, :-1], factors, np.asfortranarray(directions[1:]), 64 * p)[0]
    seen = matrix @ directions
    lengths = np.linalg.norm(seen, axis=0)
    there = lengths > rounding(p) * values[0]
    return _Spectrum(values, [directions, seen[:, there] / lengths[there]], *columns)


def _bulk(matrix: Array) -> bulk.Bulk:
    """That of a tall matrix."""
    squares = linalg.eigvalsh(matrix.T @ matrix, check_finite=False, overwrite_a=True)
    return bulk.fit(np.sqrt(np.maximum(squares, 0)), (matrix.shape[0], matrix.shape[1]))


def _gaussian_spectrum(matrix: Array, sd: float, generator: np.random.Generator) -> _Spectrum:
    """That of a matrix of independent Gaussian entries, without decomposing it: its values and vectors are others'."""
    values = gaussian_singular_values(matrix.shape[0], matrix.shape[1], generator) * sd
    directions = [generator.standard_normal((size, min(VECTORS, matrix.shape[1]) + 1)) for size in matrix.shape]
    directions = [d / np.linalg.norm(d, axis=0) for d in directions]
    return _Spectrum(values, directions, *_columns(matrix.T @ matrix, len(matrix)))


def _columns(gram: Array, n: int) -> tuple[float, float]:
    """Root mean square and largest cosine of two columns of length n, times sqrt(n), from their inner products."""
    lengths = np.sqrt(np.diagonal(gram))
    lengths[lengths == 0] = 1  # a column of zeros, as a permutation of a sparse matrix can have
    squares, largest = 0.0, 0.0
    for place, row in enumerate(gram):
        cosines = np.abs(row / (lengths[place] * lengths))
        cosines[place] = 0
        squares, largest = squares + float(cosines @ cosines), max(largest, float(cosines.max()))
    p = len(gram)
    return math.sqrt(n * squares / (p * (p - 1))), math.sqrt(n) * largest


def _measures(shape: tuple[int, ...], own: dict[str, float], spectrum: _Spectrum, unit: float) -> Measures:
    """Everything about a tall matrix whose entries are in units of `unit`."""
    values, directions = spectrum.values, spectrum.directions
    fitted = bulk.fit(values, (shape[0], shape[1]))
    alpha, settings = power_law(np.square(values[values > rounding(len(values)) * values[0]]))
    scaled = {name: unit * value for name, value in (own | asdict(fitted)).items() if name in IN_UNITS}
    return Measures(**{
        **own, **asdict(fitted), **scaled, "gram_rms": spectrum.gram_rms, "gram_max": spectrum.gram_max,
        "vectors_ks": _spread_distance([d[:, 1:] for d in directions]),
        "localisation": max(_localisation(d[:, 1:]) for d in directions if d.shape[1] > 1),
        "localisation_top": max(_localisation(d[:, :1]) for d in directions),
        "largest": unit * float(values[0]),
        "stable_rank": float((values / values[0]) @ (values / values[0])),
        "alpha": alpha, "alpha_fit": settings,
    })  # fmt: skip


def _localisation(directions: Array) -> float:
    """Mean sum of fourth powers of unit vectors (length, count) over that of a random direction, 3 / (length + 2)."""
    return float((directions**4).sum(0).mean()) * (len(directions) + 2) / 3


def _spread_distance(sides: list[Array]) -> float:
    """Kolmogorov's distance of the components, in units of their root mean square, from a Gaussian law; both sides."""
    components = np.sort(np.concatenate([(side * math.sqrt(len(side))).reshape(-1) for side in sides]))
    below, places = special.ndtr(components), np.arange(len(components))
    return float(np.maximum((places + 1) / len(components) - below, below - places / len(components)).max())


def power_law(values: Array) -> tuple[float | None, dict[str, Any]]:
    """Exponent alpha of a power law fitted to the largest `values`, and the settings of the fit.

    Clauset, Shalizi and Newman (2009) as the package `powerlaw` has it: maximum likelihood above xmin, and the xmin
    whose fit has the smallest Kolmogorov distance. An exponent is found for anything, a Gaussian matrix too: what it
    means shows beside the nulls.
    """
    if len(values) < TAIL:
        return None, {"why": f"{len(values)} values that are not zero; a tail needs {TAIL}"}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of fits to a value or two at the far end
        import powerlaw

        fit = powerlaw.Fit(values / values.mean(), verbose=False)
        alpha, above = float(fit.alpha), int((values >= fit.xmin * values.mean()).sum())
    settings = {"package": f"powerlaw {metadata.version('powerlaw')}", "law": "continuous, no upper end", "of": "s^2"}
    found = {"xmin": float(fit.xmin * values.mean()), "n_tail": above, "distance": float(fit.D)}
    return (alpha if alpha < NO_TAIL else None), settings | found
