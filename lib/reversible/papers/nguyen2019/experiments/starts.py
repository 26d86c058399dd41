"""Does gradient descent reach the valley from every start? Weights of three scales, each with rates tuned alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reversible import data
from reversible.base.estimates import Estimate, smallest
from reversible.papers.nguyen2019 import labels
from reversible.papers.nguyen2019.experiments.tasks import MOST, Points, losses_of, rows, trained_on
from reversible.runs.experiment import Absent, Experiment, seed_of

SCALES = (0.01, 1.0, 10.0)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)  # with momentum 0.9
TUNING = 10**6  # what the seeds of the starts that choose a rate are moved by


@dataclass(frozen=True)
class Starts:
    """ReLU nets with 2N units on N points, from first weights times `scale`; `tuned` others choose the rate."""

    scale: float
    samples: int
    inputs: int
    steps: int
    tuned: int
    draws: int
    seed: int


@dataclass(frozen=True)
class StartsResult:
    """The final loss a start at the rate that was chosen, and for each rate the share of the tuning starts that fit."""

    rate: float
    shares: tuple[float, ...]
    losses: tuple[float, ...]


def starts(p: Starts, chosen: float | None = None) -> StartsResult | Absent:
    try:
        shares = [] if chosen else [float(np.mean(_ends(p, lr, p.tuned, TUNING) < MOST)) for lr in RATES]
        rate = chosen or RATES[int(np.argmax(shares))]  # of equal ones the smallest
        return StartsResult(rate, tuple(shares), tuple(_ends(p, rate, p.draws, 0).tolist()))
    except data.NotAtHand as missing:
        return Absent(str(missing))


def _ends(p: Starts, lr: float, count: int, moved: int) -> np.ndarray:
    """Losses at the end, infinite where they are no number, (count,)."""
    points, hidden = Points(p.samples, p.inputs, p.scale), 2 * p.samples
    run = trained_on(points, hidden, p.steps, lr, tuple(p.seed + moved + net for net in range(count)))
    x, given = points.drawn(run.stack)
    found = losses_of(rows(run, p.inputs)[:, None], x[..., : p.inputs].double(), given, hidden)[:, 0].numpy()
    return np.where(np.isfinite(found), found, 1e9)


def rate_of(row: dict[str, Any]) -> float | None:
    return row.get("rate")


def cells(profile: str) -> list[Starts]:
    samples, steps, tuned, draws = {
        "smoke": (3, 60, 2, 4),
        "book": (5, 500, 4, 20),
        "full": (10, 4000, 20, 100),
    }[profile]
    return [Starts(scale, samples, 2, steps, tuned, draws, seed_of("nguyen-starts", f"{scale}")) for scale in SCALES]


def measures(pairs: list[tuple[Starts, StartsResult | Absent]]) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    reached = []
    for p, r in pairs:
        if isinstance(r, Absent):
            continue
        name = labels.place_of(p.scale)
        reached.append(Estimate.of_share(np.array(r.losses) < MOST))
        found |= {f"reached_{name}": reached[-1], f"rate_{name}": Estimate.exact(r.rate)}
    return found | ({"least": smallest(reached)} if reached else {})


EXPERIMENTS = {
    "nguyen-starts": Experiment(cells, starts, measures, rate_of, label=labels.starts, repeats=("draws", "tuned"))
}
