"""Covariance against Hessian in the net with one hidden layer, as matrices, in double precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import grad

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.papers.zhu2019 import labels, laws
from reversible.papers.zhu2019.hidden_nets import Hidden, adam, points
from reversible.runs.experiment import Experiment, seed_of
from reversible.training.curvature import matrices

KINDS = ("half", "random", "all")


@dataclass(frozen=True)
class Nets:
    """So many nets, each with points of its own, looked at after some epochs."""

    kind: str
    points: int
    hidden: int
    epochs: tuple[int, ...]
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class NetsResult:
    """By look, a number a net."""

    a: tuple[tuple[float, ...], ...]
    ratio: tuple[tuple[float, ...], ...]
    own: tuple[tuple[float, ...], ...]  # D Tr H^2 / (Tr H)^2
    kept: tuple[tuple[float, ...], ...]  # share of samples whose output is not clipped
    error: tuple[tuple[float, ...], ...]
    spread: tuple[tuple[float, ...], ...]  # largest over smallest |output - label| of those that are not clipped
    outside: tuple[tuple[float, ...], ...]  # how far Sigma leaves the bounds of the proposition, over its top
    died: tuple[int, ...]  # a net: how many were drawn before it and died, see `_net`


def nets(p: Nets) -> NetsResult:
    found, died = [], []
    for draw in range(p.draws):
        looks, before = _net(p, trial_generator(p.seed, draw))  # looks: [look] -> the numbers of NetsResult
        found.append(looks)
        died.append(before)
    by_look = [[tuple(column) for column in zip(*looks, strict=True)] for looks in zip(*found, strict=True)]
    return NetsResult(*(tuple(column) for column in zip(*by_look, strict=True)), died=tuple(died))


def _net(p: Nets, generator: torch.Generator) -> tuple[list[tuple[float, ...]], int]:
    """What is seen of one net, and how many died before it.

    A net dies where Adam drives all its outputs beyond the clip: it has no gradient from then on, and Sigma = H = 0.
    """
    net, died = Hidden(p.hidden, p.kind == "all"), 0
    while True:
        x, y = points(p.points, p.kind == "random", generator)
        slope = grad(lambda w, x=x, y=y: net.losses(w, x, y).mean())
        ways = [*adam(net.first(x, generator), slope, p.epochs)]
        if all(net.kept(w, x).any() for w in ways):
            return [look(net, w, x, y) for w in ways], died
        died += 1


def look(net: Hidden, w: Tensor, x: Tensor, y: Tensor) -> tuple[float, ...]:
    """The fields of NetsResult but for the last, of one net."""
    landscape = net.landscape(w, x, y)
    H, S = (A.numpy() for A in matrices(landscape))
    raw, kept = net.raw(w, x), net.kept(w, x)
    off = (raw - y).abs()[kept]
    g = landscape.gradient().numpy()
    return (
        laws.alignment(H, S), laws.ratio(H, S), len(H) * float(np.sum(H * H)) / float(np.trace(H)) ** 2,
        float(kept.double().mean()), float(((raw > 0.5) != (y > 0.5)).double().mean()),
        float(off.max() / off.min()), outside(H, S + np.outer(g, g), float(off.min()), float(off.max())),
    )  # fmt: skip


def outside(H: np.ndarray, second: np.ndarray, least: float, most: float) -> float:
    """How far the second moment of gradients leaves 2 least^2 H <= . <= 2 most^2 H, over its top; nought where not."""
    below = np.linalg.eigvalsh(second - 2 * least**2 * H)[0]
    above = np.linalg.eigvalsh(2 * most**2 * H - second)[0]
    return float(max(0.0, -below, -above) / np.linalg.eigvalsh(second)[-1])


def cells(profile: str) -> list[Nets]:
    count, hidden, epochs, draws = {
        "smoke": (50, 6, (0, 2), 2), "book": (400, 40, (0, 5, 31), 3), "full": (1000, 100, (0, 2, 5, 10, 31), 10),
    }[profile]  # fmt: skip
    return [Nets(kind, count, hidden, epochs, draws, seed_of("zhu-hidden", kind)) for kind in KINDS]


def measures(pairs: list[tuple[Nets, NetsResult]]) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for p, r in pairs:
        ends = {
            "start_a": r.a[0], "start_ratio": r.ratio[0], "a": r.a[-1], "ratio": r.ratio[-1], "kept": r.kept[-1],
            "error": r.error[-1], "spread": r.spread[-1], "over_own": np.array(r.ratio[-1]) / r.own[-1],
        }  # fmt: skip
        found |= {f"{name}_{p.kind}": Estimate.of(values) for name, values in ends.items()}
        found |= {
            f"a_least_{p.kind}": Estimate.exact(min(r.a[-1])),
            f"a_most_{p.kind}": Estimate.exact(max(r.a[-1])),
            f"died_{p.kind}": Estimate.exact(sum(r.died)),
            f"ratio_least_{p.kind}": Estimate.exact(min(r.ratio[-1])),
            f"outside_{p.kind}": Estimate.exact(max(value for looked in r.outside for value in looked)),
        }
    return found


EXPERIMENTS = {"zhu-hidden": Experiment(cells, nets, measures, label=labels.hidden)}
