"""Section 4.2 on scikit-learn's digits, which are everywhere at hand: what the chapters run live.

Learning rates are chosen so that another kind of CPU, which rounds otherwise, has no reason to choose others. The grid
is finer than in the runs on larger sets and is tried on more seeds. A rate at whose neighbour above training fails lies
at the edge, where rounding decides which seeds fall over it, and is not taken. A live run takes the record's rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from reversible.data import NotAtHand, load
from reversible.papers.arora2015.experiments.shadow import (
    TIMED,
    Tuned,
    TunedResult,
    ablation_cells,
    ablation_measures,
    shadow_cells,
    shadow_measures,
)
from reversible.papers.arora2015.labels import training as labels
from reversible.runs.experiment import Absent, Experiment
from reversible.training.config import Training, TrainingResult
from reversible.training.run import trained
from reversible.training.stack import Diverged

GRID = (0.0125, 0.025, 0.05, 0.1, 0.2, 0.4)
SEEDS, TUNING_SEEDS = tuple(range(12)), tuple(range(100, 108))
FAILED = 1.0  # the error of a learning rate at which a seed diverges or collapses
COLLAPSED = 0.98  # of the error of guessing: nothing is learnt


@dataclass(frozen=True)
class Choice:
    """A learning rate, and what it was chosen by."""

    lr: float
    tuning_errors: tuple[float, ...] = field(compare=False)


def chosen(row: dict[str, Any]) -> Choice:
    """What a recorded row chose."""
    return Choice(row["lr"], tuple(row["tuning_errors"]))


def tuned(p: Tuned, choice: Choice | None = None) -> TunedResult | Absent:
    """Choose the learning rate, or take the one of `choice`, and train.

    Of the grid that rate is taken whose held-out error is smallest, among those at which no tuning seed fails, nor at
    the neighbour above; the last of the grid has none and only shows where the edge is. Where one of the seeds that
    count fails all the same, the next best is taken. Deterministic in p but for the seconds. `Absent` where data are
    not at hand and where no rate is left.
    """
    base = replace(p.training, device=p.device)
    try:
        errors = choice.tuning_errors if choice else tried(replace(base, seeds=p.tuning_seeds), p.grid)
        for lr in [choice.lr] if choice else inside(p.grid, errors):
            if result := sound(replace(base, lr=lr)):
                return TunedResult(result.points, result.weights, lr, errors)
    except NotAtHand as missing:
        return Absent(str(missing))
    return Absent(f"{p.method} fails at {'the recorded' if choice else 'every'} learning rate")


def tried(p: Training, grid: tuple[float, ...]) -> tuple[float, ...]:
    """The mean error on held-out images at each rate, `FAILED` where one of the seeds fails."""
    runs = [sound(replace(p, lr=lr, judge="held out", snapshots=())) for lr in grid]
    return tuple(float(np.mean(run.curve("test_error"))) if run else FAILED for run in runs)


def inside(grid: tuple[float, ...], errors: tuple[float, ...]) -> list[float]:
    """The rates away from the edge, the best one first.

    >>> inside((0.1, 0.2, 0.4, 0.8), (0.5, 0.3, 0.1, FAILED))
    [0.2, 0.1]
    """
    away = [place for place in range(len(grid) - 1) if max(errors[place : place + 2]) < FAILED]
    return [grid[place] for place in sorted(away, key=lambda place: errors[place])]


def sound(p: Training) -> TrainingResult | None:
    """A run in which no seed diverges, or ends no better than by guessing; None where one does."""
    try:
        result = trained(p)
    except Diverged:
        return None
    guessing = 1 - 1 / load(p.data, train=True).classes
    return result if result.curve("test_error")[:, -1].max() < COLLAPSED * guessing else None


def digits_cells(profile: str) -> list[Tuned]:
    """The four methods on 200 images and on all."""
    return _gentle(shadow_cells("smoke")) if profile == "smoke" else _finer(shadow_cells("book"))


def digits_ablation_cells(profile: str) -> list[Tuned]:
    """Each variant and control on 200 images."""
    return _gentle(ablation_cells("smoke")) if profile == "smoke" else _finer(ablation_cells("book"))


def _gentle(cells: Sequence[Tuned]) -> list[Tuned]:
    return [replace(cell, grid=(0.02, 0.04)) for cell in cells]


def _finer(cells: Sequence[Tuned]) -> list[Tuned]:
    return [
        replace(cell, grid=GRID, tuning_seeds=TUNING_SEEDS, training=replace(cell.training, seeds=SEEDS))
        for cell in cells
    ]


EXPERIMENTS = {
    "shadow-digits": Experiment(digits_cells, tuned, shadow_measures, chosen, label=labels.shadow, timed=TIMED),
    "ablations-digits": Experiment(digits_ablation_cells, tuned, ablation_measures, chosen, label=labels.ablations),
}
