"""The 5+1 phases as matrices of known law: how far each is from its law, and whether the rule tells which it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reversible.base.estimates import Estimate, largest
from reversible.papers.martin2019 import kinds, labels
from reversible.papers.martin2019.kinds import HEAVY, PHASES, measured
from reversible.runs.experiment import Experiment, seed_of


@dataclass(frozen=True)
class Phase:
    """Matrices n x p of a phase."""

    phase: str  # one of PHASES
    n: int
    p: int
    draws: int
    seed: int


@dataclass(frozen=True)
class PhaseResult:
    """A number a draw."""

    off: tuple[float, ...]  # distance of the bulk from its law
    top_off: tuple[float, ...]  # largest relative gap of what has a place of its own
    told: tuple[str, ...]  # the phase that the rule says
    soft_rank: tuple[float, ...]
    spikes: tuple[int, ...]


def of_phase(p: Phase) -> PhaseResult:
    rng = np.random.default_rng(p.seed)
    drawn = [kinds.DRAW[p.phase](p.n, p.p, rng) for _ in range(p.draws)]
    found = [measured(d.matrix) for d in drawn]
    return PhaseResult(
        tuple(d.off for d in drawn), tuple(d.top_off for d in drawn), tuple(m.phase for m in found),
        tuple(m.soft_rank for m in found), tuple(m.spikes for m in found),
    )  # fmt: skip


def cells(profile: str) -> list[Phase]:
    n, p, draws = {"smoke": (200, 100, 2), "book": (400, 200, 3), "full": (1000, 500, 20)}[profile]
    return [Phase(name, n, p, draws, seed_of("martin-phases", name)) for name in PHASES]


def measures(pairs: list[tuple[Phase, PhaseResult]]) -> dict[str, Estimate]:
    right = {p.phase: [told == p.phase for told in r.told] for p, r in pairs}
    tops = [Estimate.of(r.top_off) for p, r in pairs if p.phase != HEAVY and any(r.top_off)]
    (heavy,) = (r for p, r in pairs if p.phase == HEAVY)
    found = {
        "told_right": Estimate.of_share(np.array([r for rights in right.values() for r in rights], float)),
        "least_told_right": Estimate.exact(min(float(np.mean(rights)) for rights in right.values())),
        "bulk_off": largest([Estimate.of(r.off) for p, r in pairs if p.phase != HEAVY]),
        "top_off": largest(tops),
        "heavy_top_off": Estimate.exact(float(np.median(heavy.top_off))),
    }
    return found | {
        f"soft_rank_{p.phase.replace('-', '_').replace('+', '_and_')}": Estimate.of(r.soft_rank) for p, r in pairs
    }


EXPERIMENTS = {"martin-phases": Experiment(cells, of_phase, measures, label=labels.phases)}
