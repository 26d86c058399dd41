"""Results of runs by whole curves that nobody trained, and a record of them."""

import functools
import json
from dataclasses import asdict, replace

import numpy as np

from reversible.papers import EXPERIMENTS
from reversible.papers.arora2015.experiments import shadow_at_rate as at
from reversible.records.record import Record

LEVELS = {"backprop": 0.3, "shadow": 0.28, "noise": 0.25, "h3": 0.29, "doubled": 0.31, "brief": 0.35, "permuted": 0.33,
          "backprop_dropout": 0.2, "shadow_dropout": 0.22}  # fmt: skip


def made_up(p, own=0.001, bend=0.01, levels=LEVELS):
    """A result whose error is lowest at offset -1, that of its method in `levels`, seed s lying s * own above it."""
    level = levels.get(p.method, 0.3) + bend * (p.offset + 1) ** 2 / 4
    tests = len(p.training.seeds) - p.tuning
    tuning, test = ([level + own * s for s in range(count)] for count in (p.tuning, tests))
    made = tuple(0.1 + e for e in test) if p.synthetic else ()
    falling = [(s, [tuple(1 - (1 - e) * s / p.training.steps for e in kind) for kind in (tuning, test, test)])
               for s in p.training.snapshots]  # fmt: skip
    looks = tuple(at.Looked(step, first, second, third, made) for step, (first, second, third) in falling)
    seconds = 2.0 + (p.method == "shadow")
    return at.AtRateResult(0.1 * 2 ** (p.offset / 2), tuple(tuning), tuple(test), looks, seconds)


@functools.cache
def record(name="shadow-curves"):
    """The regimes of a full run."""
    experiment = EXPERIMENTS[name]
    cells = experiment.cells("full")
    rows = [made_up(cell) for cell in cells]
    measures = experiment.measure(list(zip(cells, rows, strict=True)))
    parameters, plain = json.loads(json.dumps([{"cells": [asdict(c) for c in cells]}, [asdict(r) for r in rows]]))
    return Record(name, "full", parameters, measures, plain, {}, {})


def spread_record(deviation=0.004):
    """The same where SHADOW's seeds spread by themselves, each alike at all rates; and how, by regime."""
    generator, made = np.random.default_rng(5), record()
    own = {
        cell["regime"]: deviation * generator.standard_normal(len(row["test"]))
        for cell, row in made.pairs() if cell["method"].startswith("shadow")
    }  # fmt: skip
    rows = [
        {**row, "test": (np.array(row["test"]) + own[cell["regime"]]).tolist()}
        if cell["method"].startswith("shadow") else row
        for cell, row in made.pairs()
    ]  # fmt: skip
    return replace(made, rows=rows), own
