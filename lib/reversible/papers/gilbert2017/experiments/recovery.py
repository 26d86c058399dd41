"""Theorem 3.3: what one step recovers, by constants that are known exactly; and with switches that are not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.convolution import SWITCHES, Convolution, project
from reversible.papers.gilbert2017 import labels
from reversible.runs.experiment import Experiment, seed_of
from reversible.spectra.supports import enumerated
from reversible.theory import model_rip as laws

PART = 500  # codes that are in memory at a time


@dataclass(frozen=True, kw_only=True)
class RecoveryBound:
    """Codes z of M_k, x = W^T z, and x^ = W^T M(W x, k): the errors beside the bounds, d by enumeration.

    "gaussian" filters have variance 1 / (M l); "orthonormal" ones are M filters of one tap, so that W is orthonormal.
    """

    rows: str
    filters: int
    channels: int
    length: int
    taps: int
    k: int
    codes: int
    seed: int

    def __post_init__(self) -> None:
        one_of("rows", self.rows, ("gaussian", "orthonormal"))


@dataclass(frozen=True)
class RecoveryBoundResult:
    d_k: float
    d_2k: float
    papers_bound: float | None  # where d_2k < 1, which the theorem asks for
    sharper_bound: float | None  # where d_k < 1
    worst_known: float  # |x^ - x| / |x| with the maxima put back where they were, the worst code
    worst_fixed: float  # and at the first place of each block
    beyond_zero: float  # share of codes whose error with fixed places is above that of x^ = 0


def recovery_bound(p: RecoveryBound) -> RecoveryBoundResult:
    generator = trial_generator(p.seed, 0)
    layer = _layer(p, generator)
    W = layer.matrix((p.length,))
    G, blocks = (W @ W.T).numpy(), np.repeat(np.arange(p.filters), p.length - p.taps + 1)
    d_k, d_2k = (enumerated(G, blocks, size, each).value for size, each in ((p.k, 1), (2 * p.k, 2)))
    z = _codes(p, generator, G)
    parts = z.split(PART)
    known, fixed = (torch.cat([_errors(layer, part, p, switches) for part in parts]) for switches in SWITCHES)
    return RecoveryBoundResult(
        d_k, d_2k,
        laws.papers_bound(d_k, d_2k) if d_2k < 1 else None, laws.sharper_bound(d_k, d_2k) if d_k < 1 else None,
        float(known.max()), float(fixed.max()), float((fixed > 1).double().mean()),
    )  # fmt: skip


def _layer(p: RecoveryBound, generator: torch.Generator) -> Convolution:
    drawn = torch.randn(p.filters, p.channels, p.taps, generator=generator, dtype=torch.float64)
    if p.rows == "orthonormal":
        return Convolution(torch.linalg.qr(drawn[:, :, 0])[0][:, :, None])
    return Convolution(drawn / math.sqrt(p.channels * p.taps))


def _codes(p: RecoveryBound, generator: torch.Generator, G: np.ndarray) -> Tensor:
    """(codes, K, n) of M_k: half with Gaussian entries, half extreme eigenvectors on their supports."""
    shifts = p.length - p.taps + 1
    chosen = torch.rand(p.codes, p.filters, generator=generator).argsort(1)[:, : p.k]
    rows = chosen * shifts + torch.randint(shifts, (p.codes, p.k), generator=generator)
    entries = torch.randn(p.codes, p.k, generator=generator, dtype=torch.float64)
    half = p.codes // 2
    _, vectors = torch.linalg.eigh(torch.from_numpy(G)[rows[:half, :, None], rows[:half, None, :]])
    ends = vectors[:, :, [0, -1]][torch.arange(half), :, torch.arange(half) % 2]
    entries[:half] = ends
    z = torch.zeros(p.codes, p.filters * shifts, dtype=torch.float64).scatter_(1, rows, entries)
    return z.view(p.codes, p.filters, shifts)


def _errors(layer: Convolution, z: Tensor, p: RecoveryBound, switches: str) -> Tensor:
    x = layer.down(z, (p.length,))
    back = layer.down(project(layer.up(x), p.k, switches=switches), (p.length,))
    return (back - x).flatten(1).norm(dim=1) / x.flatten(1).norm(dim=1)


def recovery_cells(profile: str) -> list[RecoveryBound]:
    codes = {"smoke": 200, "book": 1000, "full": 10_000}[profile]
    fan_ins = {"smoke": (160, 1600), "book": (80, 400, 1600), "full": (40, 80, 160, 400, 800, 1600, 6400)}[profile]
    repeats = 2 if profile == "full" else 1
    cells = [
        RecoveryBound(rows="gaussian", filters=4, channels=fan_in // 4, length=9, taps=4, k=k, codes=codes,
                      seed=seed_of("recovery-bound", f"{fan_in} {k} {repeat}"))
        for fan_in in fan_ins for k in (1, 2) for repeat in range(repeats)
    ]  # fmt: skip
    return cells + [
        RecoveryBound(rows="orthonormal", filters=4, channels=4, length=6, taps=1, k=k, codes=codes,
                      seed=seed_of("recovery-bound", f"orthonormal {k}"))
        for k in (1, 2)
    ]  # fmt: skip


def recovery_measures(pairs: list[tuple[RecoveryBound, RecoveryBoundResult]]) -> dict[str, Estimate]:
    gaussian = [r for p, r in pairs if p.rows == "gaussian"]
    orthonormal = [r for p, r in pairs if p.rows == "orthonormal"]
    bounded = [r for r in gaussian if r.papers_bound is not None and r.sharper_bound is not None]
    sharper = [r for r in gaussian if r.sharper_bound is not None]
    excess = [r.worst_fixed - r.papers_bound for _, r in pairs if r.papers_bound is not None]
    return {
        "worst_over_papers_bound": Estimate.exact(max(r.worst_known / (r.papers_bound or 1) for r in bounded)),
        "matrices_in_its_premise": Estimate.exact(len(bounded)),
        "worst_over_sharper_bound": Estimate.exact(max(r.worst_known / (r.sharper_bound or 1) for r in sharper)),
        "matrices_in_the_sharper_one": Estimate.exact(len(sharper)),
        "largest_sharper_over_papers": Estimate.exact(
            max((r.sharper_bound or 1) / (r.papers_bound or 1) for r in bounded)
        ),
        "orthonormal_error": Estimate.exact(max(r.worst_known for r in orthonormal)),
        "orthonormal_error_fixed": Estimate.exact(max(r.worst_fixed for r in orthonormal)),
        "fixed_excess": Estimate.exact(max(excess)),
        "share_worse_than_nothing": Estimate.of([r.beyond_zero for r in gaussian]),
    }


EXPERIMENTS = {
    "recovery-bound": Experiment(
        recovery_cells, recovery_bound, recovery_measures, label=labels.recovery_bound, repeats=("codes",)
    )
}
