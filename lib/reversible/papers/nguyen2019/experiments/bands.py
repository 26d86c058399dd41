"""Nets that training finds, joined by a band, in several widths; and a band whose lowest pass is known."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import one_thread
from reversible.papers.nguyen2019 import labels
from reversible.papers.nguyen2019.experiments.tasks import MOST, Points, losses_of, rows, trained_on
from reversible.papers.nguyen2019.laws import one_unit
from reversible.papers.nguyen2019.laws.path import follow
from reversible.papers.nguyen2019.laws.wide import Wide
from reversible.papers.nguyen2019.nets import LEAK, Weights, activation, cross_entropy
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.training.bands import Band, barrier, heights, let_down, line

WIDTHS = ("half", "same", "more", "twice")
RATE = 0.3  # of training, with momentum 0.9
LOW = 0.01  # a barrier of less than so much of the loss of giving zero joins
ZERO = math.log(10)  # cross entropy of giving zero, with the ten outputs of the loop


@dataclass(frozen=True)
class Joined:
    """Pairs of nets with one hidden layer that fit the same N points, and a band between the two of each pair."""

    width: str  # or "one unit": the net whose lowest pass is known
    samples: int
    inputs: int
    steps: int  # of training
    band: Band
    places: int  # a leg of an explicit path
    draws: int  # pairs that are trained; those of which both nets fit are joined
    seed: int

    def __post_init__(self) -> None:
        one_of("width", self.width, (*WIDTHS, "one unit"))

    @property
    def hidden(self) -> int:
        """Units."""
        return {"half": self.samples // 2, "same": self.samples, "more": self.samples + 1}.get(
            self.width, 2 * self.samples
        )


@dataclass(frozen=True)
class JoinedResult:
    """A number a pair, over the loss of giving zero; where a pair does not fit it is left out of all but `fitted`."""

    fitted: tuple[bool, ...]
    line: tuple[float, ...]
    barrier: tuple[float, ...]
    explicit: tuple[float, ...]  # of the path of N + 1 units; none where there are fewer
    example: tuple[tuple[float, ...], tuple[float, ...]]  # losses along line and band of the first pair


def joined(p: Joined) -> JoinedResult | Absent:
    with one_thread():
        return _one_unit(p) if p.width == "one unit" else _trained(p)


def _trained(p: Joined) -> JoinedResult | Absent:
    points = Points(p.samples, p.inputs, 1.0)
    seeds = tuple(p.seed + net for net in range(2 * p.draws))
    try:
        run = trained_on(points, p.hidden, p.steps, RATE, seeds)
    except data.NotAtHand as missing:
        return Absent(str(missing))
    x, given = points.drawn(run.stack)
    x = x[..., : p.inputs].double()
    nets = rows(run, p.inputs)
    fits = losses_of(nets[:, None], x, given, p.hidden)[:, 0] < MOST
    both = (fits[::2] & fits[1::2]).nonzero()[:, 0]
    a, b, x, given = nets[::2][both], nets[1::2][both], x[::2][both], given[::2][both]
    loss = functools.partial(losses_of, x=x, labels=given, hidden=p.hidden)
    straight = heights(line(a, b, p.band.nets + 2), loss)
    found = heights(let_down(a, b, loss, p.band), loss)
    enough = p.hidden > p.samples
    explicit = [_explicit(p, *four) for four in zip(a, b, x, given, strict=True)] if enough else []
    return _result(fits, straight, found, explicit, ZERO)


def _explicit(p: Joined, a: Tensor, b: Tensor, x: Tensor, given: Tensor) -> float:
    """Largest loss on the path that this book proves, above that of its ends."""
    room = Wide.of(x.numpy(), activation("relu"))
    loss = cross_entropy(given.numpy())
    path = room.path(_unpacked(a, p), _unpacked(b, p), loss, few=True)
    return follow(path, room.X, room.sigma, loss, p.places).excess / ZERO


def _unpacked(row: Tensor, p: Joined) -> Weights:
    d, n = p.inputs, p.hidden
    classes = (len(row) - n * (d + 1)) // (n + 1)
    first, second, bias, last = (part.numpy() for part in row.split((d * n, n * classes, n, classes)))
    return Weights((first.reshape(d, n), second.reshape(n, classes)), (bias, last))


def _one_unit(p: Joined) -> JoinedResult:
    """Bands between random nets of loss zero on the two sides, (v, w) with v sigma(w) = 1; over the lowest pass."""
    rng = np.random.default_rng(p.seed)
    w = np.exp(rng.uniform(-1, 1, (2, p.draws)))
    a = torch.tensor(np.stack([1 / w[0], w[0]], 1))
    b = torch.tensor(np.stack([-1 / (LEAK * w[1]), -w[1]], 1))

    def loss(nets: Tensor) -> Tensor:
        v, z = nets.unbind(-1)
        return 0.5 * (v * torch.where(z > 0, z, LEAK * z) - 1) ** 2

    straight, found = heights(line(a, b, p.band.nets + 2), loss), heights(let_down(a, b, loss, p.band), loss)
    return _result(torch.ones(2 * p.draws, dtype=torch.bool), straight, found, [], one_unit.PASS)


def _result(fits: Tensor, straight: Tensor, found: Tensor, explicit: list[float], over: float) -> JoinedResult:
    first = tuple(tuple((losses[0] / over).tolist()) if len(losses) else () for losses in (straight, found))
    return JoinedResult(
        tuple(fits.tolist()), tuple((barrier(straight) / over).tolist()), tuple((barrier(found) / over).tolist()),
        tuple(explicit), (first[0], first[1]),
    )  # fmt: skip


def cells(profile: str) -> list[Joined]:
    samples, steps, band, places, draws = {
        "smoke": (3, 60, Band(5, 8, 0.2), 1, 6),
        "book": (6, 600, Band(11, 200, 0.2), 5, 8),
        "full": (10, 3000, Band(21, 2000, 0.2), 20, 40),
    }[profile]
    more = {"half": 4}  # times as many, as few of the narrowest nets fit
    trained = [
        Joined(width, samples, 2, steps, band, places, draws * more.get(width, 1), seed_of("nguyen-bands", width))
        for width in WIDTHS
    ]
    known = Band(21, {"smoke": 20, "book": 300, "full": 1000}[profile], 0.05)
    return [*trained, Joined("one unit", 1, 1, 1, known, 1, 10, seed_of("nguyen-bands", "one unit"))]


def measures(pairs: list[tuple[Joined, JoinedResult | Absent]]) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for p, r in pairs:
        if isinstance(r, Absent):
            continue
        if p.width == "one unit":
            found["pass_off"] = Estimate.exact(np.abs(np.array(r.barrier) - 1).max())
            continue
        found[f"fitted_{p.width}"] = Estimate.of_share(r.fitted)
        if r.barrier:
            found |= _shares(p.width, r)
    return found


def _shares(width: str, r: JoinedResult) -> dict[str, Estimate]:
    ways = {"joined": np.array(r.barrier), "joined_line": np.array(r.line)}
    found = {f"{name}_{width}": Estimate.of_share(heights < LOW) for name, heights in ways.items()}
    if len(r.barrier) > 1:
        found |= {f"barrier_{width}": Estimate.of(r.barrier), f"line_{width}": Estimate.of(r.line)}
    return found | ({f"explicit_{width}": Estimate.exact(max(r.explicit))} if r.explicit else {})


EXPERIMENTS = {"nguyen-bands": Experiment(cells, joined, measures, label=labels.bands)}
