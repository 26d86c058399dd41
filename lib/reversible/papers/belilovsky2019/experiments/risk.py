"""Training risk from layer to layer, by descent on all images at once, and one layer that is trained as long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reversible.base.estimates import Estimate, largest
from reversible.papers.belilovsky2019 import labels
from reversible.papers.belilovsky2019.greedy import Plan, Sets, end_to_end, greedy, own_sets, risk, sets_of, wrong
from reversible.runs.experiment import Experiment, seed_of
from reversible.training.hooks import Look
from reversible.training.stack import Stack

KINDS = ("identity", "random", "one")  # how layers begin; or a single layer for all the steps
RATES = (0.03, 0.1, 0.3)  # with momentum 0.9 and a step for all images


@dataclass(frozen=True)
class Risk:
    """Nets on digits, trained layer by layer with a step for all images at once; every kind from the same seeds."""

    lr: float
    images: int
    width: int
    layers: int
    steps: int  # a layer
    draws: int  # nets
    seed: int


@dataclass(frozen=True)
class RiskResult:
    """By kind, then by layer (of one layer: after as many steps as so many layers take): a number a net."""

    risk: dict[str, tuple[tuple[float, ...], ...]]
    test_error: dict[str, tuple[tuple[float, ...], ...]]


def trained(p: Risk) -> RiskResult:
    seeds = [p.seed + net for net in range(p.draws)]
    sets = sets_of("digits", p.images, 0, seeds)
    rows = {kind: rows_of(p, kind, sets, seeds) for kind in KINDS}
    found = ({kind: tuple(row[name] for row in rows[kind]) for kind in KINDS} for name in ("risk", "test_error"))
    return RiskResult(*found)


def rows_of(p: Risk, kind: str, sets: Sets, seeds: list[int]) -> list[dict[str, Any]]:
    """What is found at the end of each layer."""
    probes = (risk, test_error)
    if kind == "one":
        one = Plan((p.width,), 1, p.steps, p.images, p.lr)
        return end_to_end(one, sets, seeds, probes, p.steps * p.layers).rows[p.steps - 1 :: p.steps]
    plan = Plan((p.width,) * p.layers, 1, p.steps, p.images, p.lr, kind)
    return [stage.rows[-1] for stage in greedy(plan, sets, seeds, probes)]


def test_error(stack: Stack) -> Look:
    """A probe: on test images alone, as nothing is chosen here."""
    part = own_sets(stack).test
    return lambda: {"test_error": wrong(stack.net.logits(part.x), part.labels)}


def cells(profile: str) -> list[Risk]:
    images, width, layers, steps, draws = {
        "smoke": (100, 8, 3, 5, 2), "book": (300, 16, 4, 40, 3), "full": (1000, 32, 8, 200, 10)
    }[profile]  # fmt: skip
    return [Risk(lr, images, width, layers, steps, draws, seed_of("greedy-risk", str(lr))) for lr in RATES]


def measures(pairs: list[tuple[Risk, RiskResult]]) -> dict[str, Estimate]:
    found = {}
    for p, r in pairs:
        last = {kind: np.log(np.array(r.risk[kind])[-1]) for kind in KINDS}
        for kind in KINDS:
            risks, wrong_then = np.array(r.risk[kind]), np.array(r.test_error[kind])
            place = f"{kind}_{place_of(p.lr)}"
            found[f"first_{place}"], found[f"last_{place}"] = Estimate.of(risks[0]), Estimate.of(risks[-1])
            found[f"test_change_{place}"] = Estimate.of(wrong_then[-1] - wrong_then[0])
            found[f"rises_{place}"] = Estimate.exact(int((np.diff(risks, axis=0) > 0).sum()))
        found[f"log_over_one_{place_of(p.lr)}"] = Estimate.of(last["identity"] - last["one"])
    for kind in KINDS:
        found[f"rises_{kind}"] = Estimate.exact(sum(found[f"rises_{kind}_{place_of(p.lr)}"].mean for p, _ in pairs))
    over = [found[f"log_over_one_{place_of(p.lr)}"] for p, _ in pairs]
    steps = sum((p.layers - 1) * p.draws for p, _ in pairs)
    return found | {"largest_log_over_one": largest(over), "pairs_of_layers": Estimate.exact(steps)}


def place_of(lr: float) -> str:
    return f"{lr:g}".replace(".", "_")


EXPERIMENTS = {"greedy-risk": Experiment(cells, trained, measures, label=labels.risk)}
