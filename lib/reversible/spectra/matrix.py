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

Singular values are those of the matrix without rows and columns of zeros alone, as pruning leaves them
(`spectra.decomposed`). How many of them are not rounding is the matrix's rank, and is asked first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from reversible.base.checks import InputError, integer
from reversible.spectra import bulk, entries
from reversible.spectra.decomposed import decomposed
from reversible.spectra.measures import Measures, measure
from reversible.spectra.nulls import nulls_of
from reversible.spectra.verdicts import verdict
from reversible.theory.singular_values import Array

FAR = 16  # largest entries up to two to this power, or down to it, have squares that any precision holds


@dataclass(frozen=True)
class Row:
    """One matrix of a net: its measures, those of its nulls, and a verdict by the rule of `verdict`."""

    layer: str
    shape: tuple[int, int]  # as a PyTorch layer has it, (out, in)
    shape_used: tuple[int, int]  # without rows and columns of zeros
    measured: Measures
    nulls: dict[str, Measures]  # "gaussian", "permuted" and "scaled", or none; "scaled" only where scales are found
    levelled: bulk.Bulk | None  # of the matrix over its scales; None without nulls, scales or full rank
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

    What the nulls of a large matrix need not be decomposed for, `spectra.nulls` says. Without nulls the verdict does
    not know of scales: see `verdict`.

    Raises InputError for what is no matrix of real finite numbers, has fewer than two rows or columns that are not all
    zero, or entries that are all the same.
    """
    full = _checked(np.asarray(matrix), f"layer {layer}" if layer else "the matrix")
    generator = np.random.default_rng(integer("seed", seed, low=0, high=2**32))
    used, unit = in_units(used_part(full))
    shape, shape_used = (full.shape[0], full.shape[1]), (used.shape[0], used.shape[1])
    used = used if shape_used[0] >= shape_used[1] else used.T
    own = entries.measured(used)
    measured = measure(used.shape, own, decomposed(used), unit)
    beside, levelled = nulls_of(used, own, unit, generator) if nulls else ({}, None)
    return Row(
        layer, shape, shape_used, measured, beside, levelled,
        verdict(measured, min(shape_used), beside.get("permuted"), levelled),
    )  # fmt: skip


def used_part(full: Array) -> Array:
    """A matrix without its rows and columns of zeros; the same one where it has none."""
    for axis in (1, 0):
        there = np.any(full, axis=axis)
        full = full if there.all() else full.compress(there, axis=1 - axis)
    return full


def in_units(used: Array) -> tuple[Array, float]:
    """A matrix over a power of two, which rounds nothing, and that power; it is one unless entries are far from one."""
    power = math.frexp(max(abs(float(used.min())), abs(float(used.max()))))[1]
    return (used, 1.0) if abs(power) <= FAR else (np.ldexp(used, -power), math.ldexp(1.0, power))


def _checked(matrix: Array, name: str) -> Array:
    """The matrix in single precision, if that holds its entries, or double; itself if it is so. Or InputError."""
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiub":
        raise InputError(f"{name} must be a matrix of real numbers, not {matrix.ndim} axes of {matrix.dtype}")
    if min(matrix.shape) < 2:
        raise InputError(f"{name} must have at least 2 rows and 2 columns, not {matrix.shape}")
    full = matrix.astype("f4" if np.can_cast(matrix.dtype, "f4") else "f8", copy=False)
    least, most = full.min(), full.max()
    if not (np.isfinite(least) and np.isfinite(most)):
        bad = full.size - int(np.isfinite(full).sum())
        raise InputError(f"{name} must hold finite numbers; {bad} of {full.size} are not")
    if least == most:
        raise InputError(f"{name} must not be constant; every entry is {least:g}")
    if min(np.any(full, axis=1).sum(), np.any(full, axis=0).sum()) < 2:
        raise InputError(f"{name} must have at least 2 rows and 2 columns that are not all zero")
    return full
