"""Theorem 3.1: how long what a block-sparse code makes is, and how far from its own length at worst."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, logs, root_mean_square, slope
from reversible.base.runtime import trial_generator
from reversible.nets.convolution import Convolution, unit_rows
from reversible.papers.gilbert2017 import labels
from reversible.runs.experiment import Experiment, seed_of
from reversible.spectra.supports import enumerated, searched
from reversible.theory import model_rip as laws

ROWS = ("gaussian", "unit", "common")  # filters: independent; made as long as one; with a part that all of them share
SHARED = 0.5  # the correlation of any two filters with a common part is its square

# --- the squared length of what a code makes --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CodeLength:
    """A fixed block-sparse code z, and fresh filters in each draw: |W^T z|^2 / |z|^2."""

    rows: str  # one of ROWS
    channels: int
    size: tuple[int, ...]
    taps: tuple[int, ...]
    k: int
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("rows", self.rows, ROWS)


@dataclass(frozen=True)
class CodeLengthResult:
    mean: Estimate  # of the squared ratio: 1 by the law
    variance_over_law: Estimate  # mean of (ratio - 1)^2 over the law's variance
    sd_over_law: float  # root of the same
    predicted_sd: float


def code_length(p: CodeLength) -> CodeLengthResult:
    """Only the k filters of the code's support are drawn; the others are multiplied by zero."""
    rng = np.random.default_rng(p.seed)
    shifts = [D - taps + 1 for D, taps in zip(p.size, p.taps, strict=True)]
    z, places = rng.uniform(-1, 1, p.k), np.stack([rng.integers(0, n, p.k) for n in shifts], axis=1)
    law = laws.length_variance(z, places, p.taps, p.channels, unit=p.rows == "unit")
    energy = []
    for part in range(-(-p.draws // 500)):
        count = min(500, p.draws - 500 * part)
        filters = _drawn(p, count, trial_generator(p.seed, part))
        code = torch.zeros(1, p.k, *shifts, dtype=torch.float64)
        code[(0, torch.arange(p.k), *torch.from_numpy(places.T))] = torch.from_numpy(z)
        x = Convolution(filters).down(code, p.size)  # (1, count * channels, ...)
        energy.append(x.square().view(count, -1).sum(1).numpy() / (z @ z))
    ratio = np.concatenate(energy)
    spread = Estimate.of((ratio - 1) ** 2 / law)
    return CodeLengthResult(Estimate.of(ratio), spread, math.sqrt(spread.mean), math.sqrt(law))


def _drawn(p: CodeLength, count: int, generator: torch.Generator) -> torch.Tensor:
    """The k filters of `count` draws, side by side as channels of one transposed convolution: (k, count * M, ...)."""
    filters = torch.randn(count, p.k, p.channels, *p.taps, generator=generator, dtype=torch.float64)
    filters /= math.sqrt(p.channels * math.prod(p.taps))
    if p.rows == "common":
        common = torch.randn(count, 1, p.channels, *p.taps, generator=generator, dtype=torch.float64)
        common /= math.sqrt(p.channels * math.prod(p.taps))
        filters = math.sqrt(1 - SHARED**2) * filters + SHARED * common
    if p.rows == "unit":
        filters = unit_rows(filters.flatten(0, 1)).view(filters.shape)
    return filters.transpose(0, 1).flatten(1, 2).contiguous()


def length_cells(profile: str) -> list[CodeLength]:
    shapes = [(32, (32,), (5,), 10), (8, (12,), (5,), 5), (4, (9, 9), (3, 3), 8)]  # the first are those of Fig. 2
    if profile == "full":
        shapes += [(400, (20,), (5,), 20), (8, (60,), (5,), 20), (10, (6,), (4,), 3)]
    draws = {"smoke": 1000, "book": 4000, "full": 20_000}[profile]
    cells = [(rows, *shape) for shape in shapes for rows in ("gaussian", "unit")]
    cells += [("common", *shape) for shape in shapes[:2]]
    return [
        CodeLength(rows=rows, channels=M, size=size, taps=taps, k=k, draws=draws, seed=seed_of("code-length", i))
        for i, (rows, M, size, taps, k) in enumerate(cells)
    ]


def length_measures(pairs: list[tuple[CodeLength, CodeLengthResult]]) -> dict[str, Estimate]:
    lawful = [(p, r) for p, r in pairs if p.rows != "common"]
    common = [r for p, r in pairs if p.rows == "common"]
    papers = next(r for p, r in lawful if (p.rows, p.channels, p.k) == ("gaussian", 32, 10))
    return {
        "largest_gap_of_sd": Estimate.exact(max(abs(r.sd_over_law - 1) for _, r in lawful)),
        "largest_gap_of_mean": Estimate.exact(max(abs(r.mean.mean - 1) for _, r in lawful)),
        "rms_z": root_mean_square(r.variance_over_law.z(1) for _, r in lawful),
        "sd_at_the_papers_sizes": papers.variance_over_law.scaled(papers.predicted_sd**2).sqrt(),
        "least_common_over_law": Estimate.exact(min(r.sd_over_law for r in common)),
    }


# --- the model-RIP constant -------------------------------------------------------------------------------------------

QUESTIONS = ("length", "fan-in", "sufficient", "search", "typical")  # what a cell of "model-rip" is there for
DELTA, FAILURE = 1.0, 0.1  # what is asked of the matrices that have enough entries


@dataclass(frozen=True, kw_only=True)
class ModelRip:
    """Fresh Gaussian filters in each draw, and how far from 1 eigenvalues of W_S W_S^T are on block-sparse supports.

    Exact over all supports; at one place, and from below, for "search"; on a support drawn by chance for "typical".
    """

    question: str  # one of QUESTIONS
    filters: int
    channels: int
    length: int
    taps: int
    k: int
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("question", self.question, QUESTIONS)

    @property
    def fan_in(self) -> int:
        return self.channels * self.taps

    @property
    def shifts(self) -> int:
        return self.length - self.taps + 1


@dataclass(frozen=True)
class ModelRipResult:
    values: tuple[float, ...]  # of each draw: d_k, or for "typical" the largest eigenvalue


def model_rip(p: ModelRip) -> ModelRipResult:
    of = {"search": _at_one_place, "typical": _typical}.get(p.question, _exact)
    return ModelRipResult(tuple(of(p, trial_generator(p.seed, draw)) for draw in range(p.draws)))


def _filters(p: ModelRip, generator: torch.Generator) -> torch.Tensor:
    drawn = torch.randn(p.filters, p.channels, p.taps, generator=generator, dtype=torch.float64)
    return drawn / math.sqrt(p.fan_in)


def _exact(p: ModelRip, generator: torch.Generator) -> float:
    W = Convolution(_filters(p, generator)).matrix((p.length,)).numpy()
    return enumerated(W @ W.T, np.repeat(np.arange(p.filters), p.shifts), p.k).value


def _at_one_place(p: ModelRip, generator: torch.Generator) -> float:
    """Windows that coincide interfere most, so the search is among filters at one and the same shift."""
    W = _filters(p, generator).flatten(1).numpy()
    return searched(
        W @ W.T, np.arange(p.filters), p.k, rng=np.random.default_rng(generator.initial_seed()), starts=2
    ).value


def _typical(p: ModelRip, generator: torch.Generator) -> float:
    """The largest eigenvalue of W_S W_S^T on k units drawn among all, whatever block they are of."""
    W = Convolution(_filters(p, generator)).matrix((p.length,))
    support = torch.randperm(len(W), generator=generator)[: p.k]
    return float(torch.linalg.eigvalsh(W[support] @ W[support].T)[-1])


def rip_cells(profile: str) -> list[ModelRip]:
    small, book = profile == "smoke", profile == "book"
    draws = 4 if small else 10 if book else 40
    lengths = (5, 12, 20) if small else (5, 12, 40) if book else (5, 8, 12, 20, 40, 80)
    fan_ins = (80, 320) if small else (80, 320, 1280) if book else (40, 80, 160, 320, 640, 1280, 2000)
    enough = math.ceil(laws.sufficient_fan_in(DELTA, 2, 4, 6, FAILURE) / 4)
    cells = [_cell("length", 6, 16, D, 5, 2, draws) for D in lengths]
    cells += [_cell("fan-in", 6, fan_in // 5, 12, 5, 2, draws) for fan_in in fan_ins]
    cells.append(_cell("sufficient", 4, enough, 9, 4, 2, 5 if small else 20 if book else 100))
    counts = (1, 5) if small else (1, 5, 20) if book else (1, 2, 5, 10, 20)
    for fan_in in fan_ins[:2] if profile != "full" else (40, 160, 640, 2000):
        cells += [
            _cell("search", 24 if small else 96, fan_in // 5, 5, 5, k, 4 if profile == "full" else 2) for k in counts
        ]
    M, D, typical = (16, 20, 2) if small else (48, 40, 3) if book else (48, 40, 12)
    cells += [
        _cell("typical", M, M, D, 5, round(s * M * (D - 4)), typical) for s in ((0.2,) if small else (0.1, 0.2, 0.4))
    ]
    return [replace(cell, seed=seed_of("model-rip", i)) for i, cell in enumerate(cells)]


def _cell(question: str, filters: int, channels: int, length: int, taps: int, k: int, draws: int) -> ModelRip:
    return ModelRip(question=question, filters=filters, channels=channels, length=length, taps=taps, k=k, draws=draws,
                    seed=0)  # fmt: skip


Pairs = list[tuple[ModelRip, ModelRipResult]]


def rip_measures(pairs: Pairs) -> dict[str, Estimate]:
    of = {question: [(p, r) for p, r in pairs if p.question == question] for question in QUESTIONS}
    within = [value <= DELTA for _, r in of["sufficient"] for value in r.values]
    over = [value / laws.coincident_scale(p.k, p.fan_in) for p, r in of["search"] for value in r.values]
    typical = [(p.k / (p.channels * p.shifts), value) for p, r in of["typical"] for value in r.values]
    shortest, longest = (pick(of["length"], key=lambda pair: pair[0].length)[0] for pick in (min, max))
    grown = [laws.papers_scale(p.k, p.filters, p.shifts, FAILURE, p.channels, p.taps, p.length)
             for p in (shortest, longest)]  # fmt: skip
    return {
        "slope_length": _slope(of["length"], lambda p: p.length),
        "slope_fan_in": _slope(of["fan-in"], lambda p: p.fan_in),
        "papers_scale_grows": Estimate.exact(grown[1] / grown[0]),
        "share_within": Estimate.of_share(within),
        "largest_where_enough": Estimate.exact(max(value for _, r in of["sufficient"] for value in r.values)),
        "least_over_scale": Estimate.exact(min(over)),
        "largest_over_scale": Estimate.exact(max(over)),
        "typical_over_law": Estimate.of([value / laws.typical_largest(share) for share, value in typical]),
    }


def _slope(pairs: Pairs, of: Callable[[ModelRip], int]) -> Estimate:
    """Of ln d_k on a logarithm, a point a draw."""
    points = [(of(p), value) for p, r in pairs for value in r.values]
    return slope([logs(x for x, _ in points)], logs(value for _, value in points))


EXPERIMENTS = {
    "code-length": Experiment(length_cells, code_length, length_measures, label=labels.code_length, scores=("rms_z",)),
    "model-rip": Experiment(rip_cells, model_rip, rip_measures, label=labels.model_rip),
}
