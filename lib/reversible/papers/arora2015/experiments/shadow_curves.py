"""Section 4.2 by whole curves: what SHADOW does to the test error, with no single choice of a learning rate behind it.

**What is estimated.** Of each method, in each regime (data, widths, dropout, schedule), the expected test error at the
smooth minimum of its own curve of error against learning rate, over new first weights, training images and orders of
batches, the test images staying the same. A gain is the difference of two such minima, paired by seed. How a minimum is
smoothed, how far that is off, and the nested bootstrap of its interval: see `papers.arora2015.smooth`.

**How.** 1. A pilot of a few seeds of its own, judged on held-out training images, tries rates a factor of two apart
and goes on at each side until the error is a tenth higher than the lowest. It ends before any seed that counts is
trained. The middle of the basin between is the pilot's rate. 2. All seeds
are trained at each of eight rates a factor sqrt(2) apart, four below the pilot's, that one, and three above. 3. The
first seeds tune: their errors on held-out images say where the minimum is. The others tell the error there, on every
second test image. 4. A minimum that is not lower than both ends of its curve, in nine of ten draws of the tuning
seeds, gives no gain: its interval then holds all. In a first run the curves of nine methods were open in this way by
their tuning seeds, seven at their highest rates, two (of speed) at their lowest: these have four rates more there.

**Readings.** The first is the error at the end of a cosine decay over a fixed number of steps, which leaves no noise of
the last batches in the weights. The second is a constant rate, the third a constant rate with each net stopped where
its error on held-out images was lowest. "Faster" is the mean error along training, at the minimum of *its* curve: each
method at the rate that is best for speed.

**Regimes.** Not all combinations: backprop, SHADOW from h2 and noise of the same size everywhere; the other methods in
one narrow regime (three layers of 400) and some of them in one wide one (three of 1,000). Nets with two hidden layers
have h2 at the top, those with three have not: width and "h2 is the top layer" come apart.

**Controls.** Noise as far from the image as the synthetic image is, and at a quarter, half and twice that; permuted and
fresh Gaussian matrices at the rate of SHADOW's pilot, beside SHADOW at the same; twice the real batch; and SHADOW
stopped, with a decay of its own, after the share of the steps in which it has worked for as long as backprop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from reversible.papers.arora2015.experiments.shadow_at_rate import AtRate, at_rate, chosen
from reversible.papers.arora2015.experiments.shadow_curves_measures import curve_measures
from reversible.papers.arora2015.labels import curves as labels
from reversible.runs.experiment import Experiment, seed_of
from reversible.training.config import Training
from reversible.training.synthetic import Shadow

OFFSETS = tuple(range(-4, 4))  # of the rates from the pilot's, in SPACING
LOWER, HIGHER = tuple(range(-8, -4)), tuple(range(4, 8))  # of those that a curve has besides where it was open
LOOKS = (1, 2, 4, 8, 16)  # sixteenths of the steps after which nets are looked at
BRIEF = Fraction(9, 20)  # share of the steps in which SHADOW, 2.2 times as slow, has worked as long as backprop
NOT_CHOSEN = 1.0  # stands in Training.lr of a cell for the rate that the pilot finds


@dataclass(frozen=True, kw_only=True)
class Way:
    """What a method changes in the training of a regime, which is backprop on its own."""

    shadow: Shadow | None = None
    batches: int = 1  # how many times as many real images a batch
    share: Fraction = Fraction(1)  # of the steps
    dropout: bool = False  # that of the regime
    radius: float = 1.0
    rate_of: str = ""  # the method at the rate of whose pilot it runs, and at no other

    def training(self, place: dict[str, Any], seeds: tuple[int, ...]) -> Training:
        asked = {**place, "batch": self.batches * place["batch"], "steps": int(self.share * place["steps"])}
        dropout = asked.pop("dropout", 0.0) * self.dropout
        snapshots = tuple(sorted({max(1, asked["steps"] * look // 16) for look in LOOKS}))
        return Training(
            **asked, dropout=dropout, shadow=self.shadow, snapshots=snapshots, lr=NOT_CHOSEN, seeds=seeds,
            judge="held out",  # what `Judged` looks at it reads itself
        )  # fmt: skip


NOISE = Shadow(generation="noise")
WAYS = {
    "backprop": Way(),
    "shadow": Way(shadow=Shadow()),
    "noise": Way(shadow=NOISE),
    "h1": Way(shadow=Shadow(source=1)),
    "h3": Way(shadow=Shadow(source=3)),
    "sampling": Way(shadow=Shadow(rho=0.5)),
    "doubled": Way(batches=2),
    "brief": Way(shadow=Shadow(), share=BRIEF),
    "permuted": Way(shadow=Shadow(generation="permuted"), rate_of="shadow"),
    "gaussian": Way(shadow=Shadow(generation="gaussian"), rate_of="shadow"),
    "noise_quarter": Way(shadow=NOISE, radius=0.25, rate_of="noise"),
    "noise_half": Way(shadow=NOISE, radius=0.5, rate_of="noise"),
    "noise_twice": Way(shadow=NOISE, radius=2.0, rate_of="noise"),
    "backprop_dropout": Way(dropout=True),
    "shadow_dropout": Way(shadow=Shadow(), dropout=True),
    "noise_dropout": Way(shadow=NOISE, dropout=True),
}
CORE = ("backprop", "shadow", "noise")
DROPPED = ("backprop", "backprop_dropout", "shadow_dropout", "noise_dropout")
AT_ONE_RATE = ("permuted", "gaussian", "noise_quarter", "noise_half", "noise_twice")


@dataclass(frozen=True, kw_only=True)
class Regime:
    name: str
    place: dict[str, Any]
    methods: tuple[str, ...]  # with all seeds
    seeds: tuple[int, int]  # that tune and that count
    others: tuple[str, ...] = ()  # methods with the first seeds alone, so many:
    fewer: tuple[int, int] = (0, 0)
    schedule: str = "cosine"
    like: str = ""  # the regime whose seeds it has
    pilot: int = 3  # seeds of a pilot
    offsets: tuple[int, ...] = OFFSETS
    lower: tuple[str, ...] = ()  # methods whose curves are run at LOWER offsets as well
    higher: tuple[str, ...] = ()  # and at HIGHER ones
    piloted_by: str = ""  # the method whose pilot all others take the rate of; empty: each has its own

    def cells(self) -> list[AtRate]:
        return [
            cell
            for methods, seeds in ((self.methods, self.seeds), (self.others, self.fewer))
            for method in methods
            for cell in self._curve(method, *seeds)
        ]

    def _curve(self, method: str, tuning: int, test: int) -> list[AtRate]:
        way = WAYS[method]
        piloted_by = self.piloted_by or way.rate_of or method
        seeds = (*self._seeds("tuning", tuning), *self._seeds("test", test))
        whole = AtRate(
            regime=self.name, method=method, offset=0, training=way.training(self.place, seeds), tuning=tuning,
            pilot=WAYS[piloted_by].training(self.place, self._seeds("pilot", self.pilot)),
            schedule=self.schedule, radius=way.radius,
        )  # fmt: skip
        offsets = (0,) if way.rate_of else self._offsets(method)
        return [
            replace(whole, offset=offset, synthetic=offset == 0 and method in ("shadow", "backprop"))
            for offset in offsets
        ]

    def _offsets(self, method: str) -> tuple[int, ...]:
        lower, higher = LOWER * (method in self.lower), HIGHER * (method in self.higher)
        return (*lower, *self.offsets, *higher)

    def _seeds(self, kind: str, count: int) -> tuple[int, ...]:
        return tuple(seed_of("shadow-curves", f"{self.like or self.name} {kind} {i}") for i in range(count))


def mnist_place(images: int, steps: int, *hidden: int) -> dict[str, Any]:
    return {"data": "mnist", "images": images, "steps": steps, "hidden": hidden, "held_out": 5000, "batch": 100}


def digits_place(steps: int, *hidden: int) -> dict[str, Any]:
    return {"data": "digits", "images": 200, "steps": steps, "hidden": hidden, "held_out": 287, "batch": 50}


NARROW, WIDE = "mnist_1000_400x3", "mnist_1000_1000x3"
BOOK = (Regime(name="digits_200_100x3", place=digits_place(80, 100, 100, 100), methods=CORE, seeds=(4, 8)),)
FULL = (
    Regime(
        name=NARROW, place=mnist_place(1000, 200, 400, 400, 400), methods=(*CORE, "h3"), seeds=(12, 32),
        others=("h1", "sampling", "doubled", "brief", *AT_ONE_RATE), fewer=(6, 18),
        higher=("noise", "sampling"),
    ),
    Regime(
        name=f"{NARROW}_constant", place=mnist_place(1000, 200, 400, 400, 400), methods=("backprop", "shadow"),
        seeds=(12, 32), schedule="constant", like=NARROW,
    ),
    Regime(name="mnist_1000_400x2", place=mnist_place(1000, 200, 400, 400), methods=CORE, seeds=(6, 18)),
    Regime(
        name=WIDE, place=mnist_place(1000, 200, 1000, 1000, 1000),
        methods=(*CORE, "h3", "doubled", "permuted", "gaussian"), seeds=(4, 8), pilot=2,
        lower=("backprop",), higher=("doubled",),
    ),
    Regime(
        name="mnist_1000_2000x2", place=mnist_place(1000, 200, 2000, 2000), methods=CORE, seeds=(3, 5), pilot=2,
        lower=("backprop",), higher=("shadow",),
    ),
    Regime(
        name=f"{NARROW}_long", place={**mnist_place(1000, 400, 400, 400, 400), "dropout": 0.5}, methods=DROPPED,
        seeds=(6, 14),
    ),
    Regime(name="mnist_5000_400x3", place=mnist_place(5000, 500, 400, 400, 400), methods=CORE, seeds=(5, 11)),
    Regime(
        name="cifar10_5000_400x3", methods=CORE, seeds=(4, 8), pilot=2, higher=CORE,
        place={**mnist_place(5000, 500, 400, 400, 400), "data": "cifar10", "inputs": "standard"},
    ),
)  # fmt: skip


def _smoke() -> tuple[Regime, ...]:
    """Every kind of regime and of method, too small to find anything."""
    place, name = {**digits_place(6, 20, 20, 20), "batch": 20, "dropout": 0.5}, "digits_200_20x3"
    methods = tuple(way for way in WAYS if way not in ("h1", "noise_dropout", *AT_ONE_RATE[2:]))
    few: dict[str, Any] = {"place": place, "seeds": (2, 3), "offsets": OFFSETS[2:7], "pilot": 1}
    few["piloted_by"] = "backprop"
    return (
        Regime(name=name, methods=methods, **few),
        Regime(name=f"{name}_constant", methods=CORE[:2], schedule="constant", like=name, **few),
    )


def curve_cells(profile: str) -> list[AtRate]:
    """Digits alone in the profile `book`, and before all others in `full`."""
    regimes = _smoke() if profile == "smoke" else BOOK if profile == "book" else (*BOOK, *FULL)
    return [cell for regime in regimes for cell in regime.cells()]


EXPERIMENTS = {
    "shadow-curves": Experiment(
        curve_cells, at_rate, curve_measures, chosen, label=labels.curves, timed=("time_ratio",)
    )
}
