"""Figure 2: hidden codes of the model, what they make, what is read back, in all readings of the figure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.convolution import Convolution, iterates, project, sparsify
from reversible.papers.gilbert2017 import labels
from reversible.runs.experiment import Experiment, seed_of
from reversible.spectra.supports import searched
from reversible.theory import model_rip as laws

SHARES = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
READINGS = ("known", "fixed", "relu", "support", "second", "fifth", "dense")  # of M in x^ = W^T M(W x, k)


@dataclass(frozen=True, kw_only=True)
class HiddenCodes:
    """One W, and codes with `k` entries U[-1, 1] of different filters at shifts drawn by chance.

    The paper's sizes are 96 filters of 32 x 5 on inputs of 32 x 32 with k = 10. Rows are "gaussian" with variance
    1 / (M l), as the paper scales them, or of "unit" length, as its model asks.
    """

    rows: str
    filters: int = 96
    channels: int = 32
    length: int = 32
    taps: int = 5
    k: int = 10
    codes: int
    seed: int

    def __post_init__(self) -> None:
        one_of("rows", self.rows, ("gaussian", "unit"))


@dataclass(frozen=True)
class HiddenCodesResult:
    ratio: float  # |W^T z| / |z|, mean over codes
    ratio_sd: float
    response: float  # |W W^T z| / |z| over all units, mean
    response_sd: float
    response_on_support: float  # the same over the units of z's support
    response_over_law: float  # mean of |W W^T z|^2 / |z|^2 over the mean of its law
    support_over_law: float  # the same on the support
    quantiles: dict[str, list[float]]  # of |x^ - x| / |x|, by reading: the fifth, the median, the ninety-fifth in 100
    largest: dict[str, float]
    support_rms_over_law: float  # the error with the true support over its first order
    d_k: float  # from below
    d_2k: float


def hidden_codes(p: HiddenCodes) -> HiddenCodesResult:
    generator = trial_generator(p.seed, 0)
    filters = torch.randn(p.filters, p.channels, p.taps, generator=generator, dtype=torch.float64)
    layer = Convolution(filters / math.sqrt(p.channels * p.taps))
    layer = layer.with_unit_rows() if p.rows == "unit" else layer
    z, chosen, places = _codes(p, generator)
    x = layer.down(z, (p.length,))
    h, size = layer.up(x), z.flatten(1).norm(dim=1)
    ratio, response = x.flatten(1).norm(dim=1) / size, h.flatten(1).norm(dim=1) / size
    on_support = torch.where(z != 0, h, 0.0).flatten(1).norm(dim=1) / size
    laws_of = _laws(p, z, chosen, places)
    errors = {name: _error(layer, x, back, p) for name, back in _read_back(layer, x, h, z, p).items()}
    d_k, d_2k = _constants(p, layer.filters)
    return HiddenCodesResult(
        float(ratio.mean()), float(ratio.std()), float(response.mean()), float(response.std()),
        float(on_support.mean()), float(response.square().mean() / laws_of[0]),
        float(on_support.square().mean() / laws_of[1]),
        {name: error.quantile(SHARES).tolist() for name, error in errors.items()},
        {name: float(error.max()) for name, error in errors.items()},
        _first_order(errors["support"], x, size, laws_of[2]), d_k, d_2k,
    )  # fmt: skip


def _codes(p: HiddenCodes, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Codes (codes, K, n), and of each its filters and shifts (codes, k)."""
    shifts = p.length - p.taps + 1
    chosen = torch.rand(p.codes, p.filters, generator=generator).argsort(1)[:, : p.k]
    places = torch.randint(shifts, (p.codes, p.k), generator=generator)
    entries = 2 * torch.rand(p.codes, p.k, generator=generator, dtype=torch.float64) - 1
    z = torch.zeros(p.codes, p.filters * shifts, dtype=torch.float64)
    return z.scatter_(1, chosen * shifts + places, entries).view(p.codes, p.filters, shifts), chosen, places


def _laws(p: HiddenCodes, z: Tensor, chosen: Tensor, places: Tensor) -> tuple[float, float, float]:
    """Means over codes, for Gaussian rows: E |W W^T z|^2, the same on the support, the error there, over |z|^2."""
    rows = np.arange(p.length - p.taps + 1)[:, None]
    found = []
    for code, filters, at in zip(z.numpy(), chosen.numpy(), places.numpy(), strict=True):
        entries, corners = code[filters, at], at[:, None]
        found.append((
            laws.response_energy(entries, corners, (p.taps,), p.channels, rows, p.filters),
            laws.support_energy(entries, corners, (p.taps,), p.channels),
            laws.support_error(entries, corners, (p.taps,), p.channels),
        ))  # fmt: skip
    whole, on_support, error = np.mean(found, axis=0).tolist()
    return whole, on_support, error


def _read_back(layer: Convolution, x: Tensor, h: Tensor, z: Tensor, p: HiddenCodes) -> dict[str, Tensor]:
    """The code by each reading."""

    def known(b: Tensor) -> Tensor:
        return project(b, p.k)

    later: Callable[[int], Tensor] = iterates(layer, x, known, 5).__getitem__
    return {
        "known": later(0),
        "fixed": project(h, p.k, switches="fixed"),
        "relu": sparsify(project(torch.relu(h)), p.k),
        "support": torch.where(z != 0, h, 0.0),
        "second": later(1),
        "fifth": later(4),
        "dense": project(h),
    }


def _error(layer: Convolution, x: Tensor, code: Tensor, p: HiddenCodes) -> Tensor:
    return (layer.down(code, (p.length,)) - x).flatten(1).norm(dim=1) / x.flatten(1).norm(dim=1)


def _first_order(error: Tensor, x: Tensor, size: Tensor, law: float) -> float:
    """Root mean square of |x^ - x| / |z| over the root of its law."""
    absolute = error * x.flatten(1).norm(dim=1) / size
    return float(absolute.square().mean().sqrt() / math.sqrt(law))


def _constants(p: HiddenCodes, filters: Tensor) -> tuple[float, float]:
    """d_k and d_2k from below, by a search among the filters at one and the same place.

    A support of 2k filters at one place has one unit of a block, and so belongs to sums of two codes.
    """
    rows = filters.flatten(1).numpy()
    sizes = (p.k, min(2 * p.k, p.filters))
    d_k, d_2k = (searched(rows @ rows.T, np.arange(p.filters), size, starts=2).value for size in sizes)
    return d_k, d_2k


def hidden_cells(profile: str) -> list[HiddenCodes]:
    if profile == "smoke":
        small = {"filters": 24, "channels": 8, "length": 16, "k": 4, "codes": 20}
        return [HiddenCodes(rows=r, **small, seed=seed_of("hidden-codes", f"{r} {i}")) for r in ROWS for i in range(2)]
    count, codes = (3, 60) if profile == "book" else (30, 500)
    return [
        HiddenCodes(rows=r, codes=codes, seed=seed_of("hidden-codes", f"{r} {i}")) for r in ROWS for i in range(count)
    ]


ROWS = ("gaussian", "unit")


def hidden_measures(pairs: list[tuple[HiddenCodes, HiddenCodesResult]]) -> dict[str, Estimate]:
    """Of Gaussian rows, as the paper scales them, unless the name says unit."""
    gaussian, unit = ([r for p, r in pairs if p.rows == rows] for rows in ROWS)
    measures = {
        name: Estimate.of([getattr(r, name) for r in gaussian])
        for name in ("ratio", "ratio_sd", "response", "response_on_support", "response_over_law", "support_over_law",
                     "support_rms_over_law", "d_k", "d_2k")
    }  # fmt: skip
    for name in READINGS:
        measures[f"median_{name}"] = Estimate.of([r.quantiles[name][1] for r in gaussian])
        measures[f"largest_{name}"] = Estimate.exact(max(r.largest[name] for r in gaussian))
    for name in ("d_k", "d_2k"):
        measures[f"{name}_unit"] = Estimate.of([getattr(r, name) for r in unit])
    measures["median_known_unit"] = Estimate.of([r.quantiles["known"][1] for r in unit])
    measures["largest_known_unit"] = Estimate.exact(max(r.largest["known"] for r in unit))
    return measures


EXPERIMENTS = {
    "hidden-codes": Experiment(
        hidden_cells, hidden_codes, hidden_measures, label=labels.hidden_codes, repeats=("codes",)
    )
}
