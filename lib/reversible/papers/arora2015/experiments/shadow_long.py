"""SHADOW beside backprop once more, with all of CIFAR and long training: where the short runs had not come to rest.

The grid of learning rates begins lower, and dropout is gentler: nets as narrow as these gain nothing from one half.
"""

from __future__ import annotations

from dataclasses import replace

from reversible.papers.arora2015.experiments.shadow import (
    CIFAR,
    METHODS,
    TIMED,
    Tuned,
    gpu_cells,
    shadow_cells,
    shadow_measures,
    tuned,
)
from reversible.papers.arora2015.labels import training as labels
from reversible.runs.experiment import Experiment
from reversible.training.config import Training, snapshots_of

STEPS, GRID, DROPOUT = 4000, (0.001, 0.003, 0.01, 0.03), 0.2


def long_cells(profile: str) -> list[Tuned]:
    """The four methods on all training images of both CIFARs that are not held out, in nets that a CPU can train."""
    if profile != "full":
        return shadow_cells("smoke")
    large = [cell for cell in gpu_cells("full") if cell.training.data != "mnist" and cell.method in METHODS]
    return [replace(cell, grid=GRID, training=_smaller(cell)) for cell in large]


def _smaller(cell: Tuned) -> Training:
    dropout = DROPOUT if cell.training.dropout else 0.0
    return replace(
        cell.training, hidden=CIFAR["hidden"], batch=CIFAR["batch"], dropout=dropout, steps=STEPS,
        snapshots=snapshots_of(STEPS),
    )  # fmt: skip


EXPERIMENTS = {"shadow-long": Experiment(long_cells, tuned, shadow_measures, label=labels.shadow, timed=TIMED)}
