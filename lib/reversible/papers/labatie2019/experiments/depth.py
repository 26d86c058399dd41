"""Moments over depth: plain nets, whose signal becomes one-dimensional, and normalised ones, whose noise explodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, furthest, largest, smallest
from reversible.papers.labatie2019 import labels, laws, published
from reversible.papers.labatie2019.depth import Looks, feed_forward
from reversible.papers.labatie2019.signals import ACTIVATIONS, Signals
from reversible.runs.experiment import Absent, Experiment, seed_of

Array = np.ndarray
TOGETHER = 4  # nets of a stack
Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Depth:
    """Feed-forward nets with or without batch normalisation, looked at at some layers."""

    normalised: bool
    activation: str
    data: str
    width: int
    batch: int
    layers: tuple[int, ...]
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("activation", self.activation, ACTIVATIONS)


def depth(p: Depth) -> Looks | Absent:
    try:
        found = [
            feed_forward(
                Signals.of(p.data, p.batch, p.width, min(TOGETHER, p.draws - at), p.seed + at),
                p.normalised, p.activation, p.layers,
            )
            for at in range(0, p.draws, TOGETHER)
        ]  # fmt: skip
    except data.NotAtHand as missing:
        return Absent(str(missing))
    return joined(found)


def joined(found: list[Looks]) -> Looks:
    """The same looks at the nets of several stacks."""

    def of(name: str) -> Rows:
        return tuple(sum(parts, ()) for parts in zip(*(getattr(each, name) for each in found), strict=True))

    names = ("log_chi", "normalised", "activated", "law", "rank", "kurtosis")
    return Looks(found[0].layers, **{name: of(name) for name in names})


Pairs = list[tuple[Depth, Looks | Absent]]
LAYERS = {
    "smoke": (1, 2, 5, 10, 20),
    "book": (1, 2, 3, 5, 10, 20, 40, 60),
    "full": (1, 2, 3, 5, 10, 20, 35, 50, 75, 100, 125, 150, 175, 200),
}

# --- plain nets -------------------------------------------------------------------------------------------------------

SETS = ("digits", "mnist", "cifar10")


def plain_cells(profile: str) -> list[Depth]:
    width, batch, draws = {"smoke": (64, 16, 4), "book": (128, 32, 4), "full": (512, 64, 20)}[profile]
    sets = {"smoke": ("digits", "mnist"), "book": ("digits", "cifar10"), "full": SETS}[profile]
    asked = [*(("relu", name) for name in sets), ("tanh", "digits"), ("linear", "digits")]
    return [
        Depth(False, act, name, width, batch, LAYERS[profile], draws, seed_of("labatie-plain", f"{act}, {name}"))
        for act, name in asked
    ]


def plain_measures(pairs: Pairs) -> dict[str, Estimate]:
    found, ranks, slowing = {}, [], []
    for p, r in pairs:
        if isinstance(r, Absent):
            continue
        name = p.data if p.activation == "relu" else p.activation
        found[f"rank_{name}"] = Estimate.of(r.rank[-1])
        found[f"chi_{name}"] = Estimate.of(np.exp(r.log_chi[-1]))
        found[f"rank_first_{name}"] = Estimate.of(r.rank[0])
        if p.activation == "relu":
            ranks.append(found[f"rank_{name}"])
            slowing.append(Estimate.of(rate(r, len(p.layers) // 2, -1)))
    return found | {"rank_largest": largest(ranks), "rate_late": largest(slowing)}


def rate(r: Looks, first: int, last: int, of: str = "log_chi") -> Array:
    """Of each net: the mean over layers, from a look to another, of the log by which chi grows; or of a part of it."""
    rows = np.array(getattr(r, of))
    return (rows[last] - rows[first]) / (r.layers[last] - r.layers[first])


# --- normalised nets --------------------------------------------------------------------------------------------------

WIDTH, MIDDLE = 512, 64  # the shape of the nets whose moments the author stored


def batch_cells(profile: str) -> list[Depth]:
    draws = {"smoke": 2, "book": 4, "full": 40}[profile]
    batches = {"smoke": (16, 64), "book": (16, 64), "full": (16, 32, 64, 128, 256)}[profile]
    asked = [("relu", WIDTH, batch) for batch in batches]
    asked += [("linear", WIDTH, MIDDLE), ("tanh", WIDTH, MIDDLE), ("relu", WIDTH // 4, MIDDLE)]
    return [
        Depth(True, act, "cifar10", n, batch, LAYERS[profile], draws, seed_of("labatie-batch", f"{act}, {n}, {batch}"))
        for act, n, batch in asked
    ]


def settled(r: Looks) -> int:
    """The look from which rates are read: the first at layer 10 or later."""
    return next(place for place, layer in enumerate(r.layers) if layer >= 10)


def by_batch(pairs: Pairs) -> list[tuple[Depth, Looks]]:
    """The wide nets of ReLUs, by the size of the batch."""
    there = [(p, r) for p, r in pairs if not isinstance(r, Absent) and p.activation == "relu" and p.width == WIDTH]
    return sorted(there, key=lambda pair: pair[0].batch)


def batch_measures(pairs: Pairs) -> dict[str, Estimate]:
    wide = by_batch(pairs)
    if not wide:
        return {}
    rates = {p.batch: Estimate.of(rate(r, settled(r), -1)) for p, r in wide}
    law = {batch: sum(laws.normalised_parts(batch)) for batch in rates}
    over = {batch: e.scaled(1 / law[batch]) for batch, e in rates.items()}
    shares = [Estimate.of(rate(r, settled(r), -1, "activated") / rate(r, settled(r), -1)) for _, r in wide]
    return {
        "rate_least": smallest([*rates.values()]),
        "law_off_small": furthest([e for batch, e in over.items() if batch <= 32], 1),
        "law_off": furthest([*over.values()], 1),
        "relu_law_off": furthest([gap for _, r in wide for gap in relu_gaps(r)], 0),
        "share_least": smallest(shares),
        **_at_batches(wide, rates, shares),
        **_others(pairs),
        **_stored(next(r for p, r in wide if p.batch == MIDDLE)),
    }


def _at_batches(wide: list[tuple[Depth, Looks]], rates: dict[int, Estimate], shares: list[Estimate]) -> dict:
    """Of the smallest batch, the middle one and the largest."""
    found, middle = {}, next(place for place, (p, _) in enumerate(wide) if p.batch == MIDDLE)
    for name, place in {"small": 0, "middle": middle, "large": len(wide) - 1}.items():
        p, r = wide[place]
        found |= {
            f"rate_{name}": rates[p.batch],
            f"share_{name}": shares[place],
            f"rank_{name}": Estimate.of(r.rank[-1]),
            f"kurtosis_{name}": Estimate.of(r.kurtosis[-1]),
        }
    return found


def _others(pairs: Pairs) -> dict[str, Estimate]:
    """Of linear nets, of tanh, and of narrow nets."""
    found = {}
    for p, r in pairs:
        if isinstance(r, Absent) or (p.activation == "relu" and p.width == WIDTH):
            continue
        name = "narrow" if p.activation == "relu" else p.activation
        found[f"rate_{name}"] = Estimate.of(rate(r, settled(r), -1))
        found[f"rank_{name}"] = Estimate.of(r.rank[-1])
        found[f"kurtosis_{name}"] = Estimate.of(r.kurtosis[-1])
    return found


def relu_gaps(r: Looks) -> list[Estimate]:
    """Between looks at least 5 layers apart: the ReLU's mean factor of chi less that of its law, over nets."""
    apart = np.diff(r.layers)[:, None]
    made, law = (np.diff(np.array(rows), axis=0) / apart for rows in (r.activated, r.law))
    gaps = np.exp(made) - np.exp(law)
    return [Estimate.of(row) for row, layers in zip(gaps, apart[:, 0], strict=True) if layers >= 5]


def _stored(r: Looks) -> dict[str, Estimate]:
    """chi over what the author stored: where it is farthest from one at layers 10 and 50, and at the last layer."""
    known = {layer: rows for layer, rows in zip(r.layers, r.log_chi, strict=True) if layer in published.NORMALISED_CHI}
    over = {layer: exponential(Estimate.of(np.array(rows) - np.log(published.NORMALISED_CHI[layer])))
            for layer, rows in known.items()}  # fmt: skip
    last = max(known)
    return {
        "stored_early_off": furthest([e for layer, e in over.items() if layer <= 50], 1),
        "stored_last": over[last],
        "chi_10": exponential(Estimate.of(known[10])),
        "chi_last": exponential(Estimate.of(known[last])),
    }


def exponential(e: Estimate) -> Estimate:
    """The estimate of exp of a number, from that of the number: a geometric mean."""
    low, high = np.exp(e.ci95)
    return Estimate(float(np.exp(e.mean)), (float(low), float(high)), e.n)


EXPERIMENTS = {
    "labatie-plain": Experiment(plain_cells, depth, plain_measures, label=labels.plain),
    "labatie-batch": Experiment(batch_cells, depth, batch_measures, label=labels.batch),
}
