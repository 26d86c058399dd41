"""Section 4.2 on scikit-learn's digits, which are everywhere at hand: what the chapters run live.

The grid is finer than in the runs on larger sets and is tried on more seeds, so that another kind of CPU chooses the
same learning rate or a neighbour that is as good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reversible.experiments.shadow_training import (
    Choice,
    Tuned,
    ablation_cells,
    ablation_measures,
    shadow_cells,
    shadow_measures,
    tuned,
)
from reversible.sweep import Experiment

GRID = (0.0125, 0.025, 0.05, 0.1, 0.2, 0.4)
SEEDS, TUNING_SEEDS = tuple(range(12)), tuple(range(100, 108))


def digits_cells(profile: str) -> list[Tuned]:
    """The four methods on 200 images and on all."""
    return shadow_cells("smoke") if profile == "smoke" else _finer(shadow_cells("book"))


def digits_ablation_cells(profile: str) -> list[Tuned]:
    """Each variant and control on 200 images."""
    return ablation_cells("smoke") if profile == "smoke" else _finer(ablation_cells("book"))


def _finer(cells: Sequence[Tuned]) -> list[Tuned]:
    return [
        replace(cell, grid=GRID, tuning_seeds=TUNING_SEEDS, training=replace(cell.training, seeds=SEEDS))
        for cell in cells
    ]


EXPERIMENTS = {
    "shadow-digits": Experiment(digits_cells, tuned, shadow_measures, Choice.of),
    "ablations-digits": Experiment(digits_ablation_cells, tuned, ablation_measures, Choice.of),
}
