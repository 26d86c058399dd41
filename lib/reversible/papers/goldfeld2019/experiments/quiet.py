"""Nets that are trained without noise and looked at through it: does what linear nets do hang on noise in training?"""

from __future__ import annotations

from reversible.base.estimates import Estimate
from reversible.papers.goldfeld2019 import labels
from reversible.papers.goldfeld2019.experiments.trained import (
    DRAWS,
    SHAPE,
    Data,
    Trained,
    TrainedResult,
    cells_of,
    common,
    look_at,
)
from reversible.papers.goldfeld2019.nets import FIRST, Nets, Trainer, streams
from reversible.runs.experiment import Experiment

KINDS = ("labels", "linear")


def quiet(p: Trained) -> TrainedResult:
    """As `trained`, with no noise in any step of training and all of it in the looks."""
    data = Data.of(p)
    nets = Nets.of(SHAPE.get(p.kind, "tanh"), 0.0, (p.bits, *p.hidden, 2), streams(p.seed, p.draws, FIRST))
    trainer, rows, at = Trainer(nets, data.x, data.labels, data.own, p.seed), [], 0
    for epoch in p.epochs:
        for _ in range(epoch - at):
            trainer.epoch()
        at = epoch
        rows.append(look_at(p, data, nets))
    return TrainedResult(*(tuple(column) for column in zip(*rows, strict=True)))


def measures(pairs: list[tuple[Trained, TrainedResult]]) -> dict[str, Estimate]:
    return {name: value for p, r in pairs for name, value in common(p, r).items()}


def cells(profile: str) -> list[Trained]:
    return cells_of("goldfeld-quiet", KINDS, profile)


EXPERIMENTS = {"goldfeld-quiet": Experiment(cells, quiet, measures, label=labels.trained, draws=DRAWS)}
