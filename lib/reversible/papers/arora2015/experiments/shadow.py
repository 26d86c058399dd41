"""Section 4.2: does training with synthetic images from the net's own reverse beat backprop, and what is it that helps?

Every method and every control gets its own learning rate: each of a small grid is tried on seeds of its own, judged on
held-out training images, and the best one trains the seeds that count. Seeds are paired: the same seed has the same
first weights, the same training images and the same order of batches in every method.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from reversible.base.estimates import Estimate, jackknife
from reversible.data import NotAtHand
from reversible.papers.arora2015.labels import training as labels
from reversible.runs.experiment import Absent, Experiment
from reversible.training.config import Training, TrainingResult, snapshots_of
from reversible.training.run import trained
from reversible.training.stack import Diverged
from reversible.training.synthetic import Shadow

SEEDS, TUNING_SEEDS = tuple(range(10)), (100, 101)
MORE_SEEDS = tuple(range(20))  # where a spread is the question, not a mean
GRIDS = {"unit": (0.01, 0.03, 0.1, 0.3), "standard": (0.003, 0.01, 0.03, 0.1)}  # learning rates, by Training.inputs
NOT_CHOSEN = 1.0  # stands in Training.lr of a cell, and in its record, for the learning rate that is still to be chosen


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """One method on one data set: its learning rate chosen, then its seeds trained."""

    method: str
    training: Training  # with a learning rate of NOT_CHOSEN
    grid: tuple[float, ...]
    tuning_seeds: tuple[int, ...] = TUNING_SEEDS
    device: str = "cpu"

    @property
    def place(self) -> str:
        return f"{self.training.data}_{self.training.images or 'all'}"


@dataclass(frozen=True)
class TunedResult(TrainingResult):
    lr: float  # the one taken
    tuning_errors: tuple[float, ...]  # of each of the grid, mean of the held-out images; 1 where training diverged


def tuned(p: Tuned) -> TunedResult | Absent:
    """Choose the learning rate, train; where it diverges on one of the seeds that count, the next best is taken.

    Deterministic in p but for the seconds. `Absent` where data are not at hand and where every learning rate diverges.
    """
    base = replace(p.training, device=p.device)
    try:
        errors = tuple(_held_out_error(replace(base, lr=lr, seeds=p.tuning_seeds)) for lr in p.grid)
        for place in np.argsort(errors, kind="stable"):
            with contextlib.suppress(Diverged):
                result = trained(replace(base, lr=p.grid[place]))
                return TunedResult(result.points, result.weights, p.grid[place], errors)
    except NotAtHand as missing:
        return Absent(str(missing))
    return Absent(f"{p.method} diverges at every learning rate")


def _held_out_error(p: Training) -> float:
    try:
        return float(np.mean(trained(replace(p, judge="held out", snapshots=())).curve("test_error")))
    except Diverged:
        return 1.0


# --- what is trained --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a method changes in the training of a `Place`, which is backprop on its own."""

    shadow: Shadow | None = None
    dropout: float = 0.0
    wait: Fraction = Fraction(0)  # share of the steps before SHADOW begins, with backprop alone
    batches: int = 1  # how many times as many real images a batch

    def changes(self, steps: int, batch: int) -> dict[str, Any]:
        """What it sets in a Training of so many steps, whose batch is else of so many real images."""
        shadow = self.shadow and replace(self.shadow, start=int(self.wait * steps))
        return {"shadow": shadow, "dropout": self.dropout, "batch": self.batches * batch}


METHODS = {
    "backprop": Recipe(),
    "backprop dropout": Recipe(dropout=0.5),
    "shadow": Recipe(shadow=Shadow()),
    "shadow dropout": Recipe(shadow=Shadow(), dropout=0.5),
}
DOUBLED = "doubled"  # SHADOW's batch without anything synthetic
ABLATIONS = {
    "backprop": METHODS["backprop"],
    "shadow": METHODS["shadow"],
    "h1": Recipe(shadow=Shadow(source=1)),
    "h3": Recipe(shadow=Shadow(source=3)),
    "sampling": Recipe(shadow=Shadow(rho=0.5)),
    "blur": Recipe(shadow=Shadow(smoothing="blur")),
    "lowpass": Recipe(shadow=Shadow(smoothing="lowpass")),
    "permuted": Recipe(shadow=Shadow(generation="permuted")),
    "gaussian": Recipe(shadow=Shadow(generation="gaussian")),
    "noise": Recipe(shadow=Shadow(generation="noise")),
    "theory scale": Recipe(shadow=Shadow(scale="theory")),
    "half share": Recipe(shadow=Shadow(share=0.5)),
    "late start": Recipe(shadow=Shadow(), wait=Fraction(1, 3)),
    DOUBLED: Recipe(batches=2),
}
ON_GPU = {**METHODS, "h3": ABLATIONS["h3"]}

Place = dict[str, Any]
DIGITS: Place = {"data": "digits", "hidden": (100, 100, 100), "held_out": 287, "batch": 50}
MNIST: Place = {"data": "mnist", "hidden": (400, 400, 400), "held_out": 5000, "batch": 100}
CIFAR: Place = {"hidden": (300, 300, 300), "held_out": 5000, "batch": 100, "inputs": "standard"}


def _cells(place: Place, recipes: Mapping[str, Recipe], more_seeds: Collection[str] = ()) -> list[Tuned]:
    """Each of the methods on one place; those named in `more_seeds` with MORE_SEEDS."""
    seeds = {method: MORE_SEEDS if method in more_seeds else SEEDS for method in recipes}
    return [_cell(place, method, recipe, seeds[method]) for method, recipe in recipes.items()]


def _cell(place: Place, method: str, recipe: Recipe, seeds: tuple[int, ...]) -> Tuned:
    steps = place["steps"]
    asked = {**place, **recipe.changes(steps, place["batch"])}
    training = Training(**asked, snapshots=snapshots_of(steps), lr=NOT_CHOSEN, seeds=seeds)
    return Tuned(method=method, training=training, grid=GRIDS[training.inputs])


def shadow_cells(profile: str) -> list[Tuned]:
    """The four methods by data set and number of training images."""
    if profile == "smoke":
        return _smoke(METHODS)
    few = [{**DIGITS, "images": 200, "steps": 200}, {**DIGITS, "steps": 400}]
    many = [
        *({**MNIST, "images": n, "steps": steps} for n, steps in ((1000, 300), (5000, 600), (20000, 800))),
        {**MNIST, "steps": 1600},
        *({**CIFAR, "data": name, "images": 5000, "steps": 600} for name in ("cifar10", "cifar100")),
    ]
    places = few + (many if profile == "full" else [])
    return [cell for place in places for cell in _cells(place, METHODS)]


def ablation_cells(profile: str) -> list[Tuned]:
    """One thing changed at a time around SHADOW from h2, and the controls."""
    if profile == "smoke":
        return _smoke(ABLATIONS)
    few = [{**DIGITS, "images": 200, "steps": 200}]
    many = [{**MNIST, "images": 1000, "steps": 300}, {**CIFAR, "data": "cifar10", "images": 2000, "steps": 300}]
    places = few + (many if profile == "full" else [])
    return [cell for place in places for cell in _cells(place, ABLATIONS, more_seeds=("shadow", "sampling"))]


def gpu_cells(profile: str) -> list[Tuned]:
    """The sizes of the paper's kind: three layers of 5,000, all images; what is cheap is run elsewhere."""
    if profile != "full":
        return _smoke(ON_GPU)
    places = [
        {**base, "data": name, "hidden": (5000, 5000, 5000), "batch": 512, "steps": steps, "held_out": 5000}
        for base, name, steps in ((MNIST, "mnist", 2000), (CIFAR, "cifar10", 4000), (CIFAR, "cifar100", 4000))
    ]
    return [cell for place in places for cell in _cells(place, ON_GPU)]


def _smoke(recipes: Mapping[str, Recipe]) -> list[Tuned]:
    place = {**DIGITS, "hidden": (30, 30, 30), "images": 200, "steps": 48}
    cells = [_cell(place, method, recipe, SEEDS[:3]) for method, recipe in recipes.items()]
    return [replace(cell, grid=(0.03, 0.1), tuning_seeds=TUNING_SEEDS[:1]) for cell in cells]


# --- what is read off -------------------------------------------------------------------------------------------------


Runs = dict[str, TunedResult]


def _by_place(pairs: Sequence[tuple[Tuned, TunedResult | Absent]]) -> dict[str, Runs]:
    places: dict[str, Runs] = {}
    for p, r in pairs:
        if isinstance(r, TunedResult):
            places.setdefault(p.place, {})[p.method] = r
    return places


def _less(runs: Runs, worse: str, better: str, name: str = "final_test_error") -> np.ndarray:
    """By how much `better` lies below `worse`, seed by seed of those that both have."""
    above, below = (runs[method].summary()[name] for method in (worse, better))
    both = min(len(above), len(below))
    return above[:both] - below[:both]


GAINS = {"final": "final_test_error", "best": "best_test_error", "area": "area_under_error_curve"}


def shadow_measures(pairs: Sequence[tuple[Tuned, TunedResult | Absent]]) -> dict[str, Estimate]:
    """A gain is the test error of backprop less that of SHADOW, paired by seed; each by place, data set and images."""
    measures: dict[str, Estimate] = {}
    places = _by_place(pairs)
    for place, runs in places.items():
        for end in ("", " dropout"):
            plain, made, label = f"backprop{end}", f"shadow{end}", end.replace(" ", "_")
            if {plain, made} <= set(runs):
                for gain, name in GAINS.items():
                    measures[f"{gain}_gain{label}_{place}"] = Estimate.of(_less(runs, plain, made, name))
                measures[f"equal_time_gain{label}_{place}"] = Estimate.of(_equal_time_gain(runs[plain], runs[made]))
                measures[f"time_ratio{label}_{place}"] = Estimate.exact(_rate(runs[made]) / _rate(runs[plain]))
        if {"h3", "shadow"} <= set(runs):
            measures[f"h3_below_shadow_{place}"] = Estimate.of(_less(runs, "shadow", "h3"))
        for method, result in runs.items():
            measures |= {f"{name}_{_word(method)}_{place}": e for name, e in _of_one(result).items()}
    gains = [
        _less(places[place], "backprop", "shadow")
        for place in ("mnist_1000", "mnist_all")
        if {"backprop", "shadow"} <= set(places.get(place, ()))
    ]
    if len(gains) == 2:
        measures["final_gain_few_less_all_mnist"] = Estimate.of(gains[0] - gains[1])
    return measures


def _of_one(result: TunedResult) -> dict[str, Estimate]:
    """Final error; error on synthetic images beside that on the real ones they are made from."""
    real, made = result.curve("shown_error"), result.curve("synthetic_error")
    together = [_correlation(a, b) for a, b in zip(real, made, strict=True)]
    return {
        "final_error": Estimate.of(result.summary()["final_test_error"]),
        "correlation": Estimate.of(together),
        "gap": Estimate.of(made[:, -1] - real[:, -1]),
    }


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's; a curve that does not move goes with nothing."""
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def _rate(result: TunedResult) -> float:
    """Seconds a step."""
    return result.points[-1].seconds / result.points[-1].step


def _equal_time_gain(plain: TunedResult, made: TunedResult) -> np.ndarray:
    """Backprop's final error less SHADOW's when it has trained as long: read off its curve, linear between points."""
    steps = [point.step for point in made.points]
    until = plain.points[-1].seconds / _rate(made)
    reached = [np.interp(until, steps, errors) for errors in made.curve("test_error")]
    return plain.summary()["final_test_error"] - np.array(reached)


def ablation_measures(pairs: Sequence[tuple[Tuned, TunedResult | Absent]]) -> dict[str, Estimate]:
    """`A_below_B`: the final test error of B less that of A, paired by seed."""
    measures: dict[str, Estimate] = {}
    for place, runs in _by_place(pairs).items():
        for method, result in runs.items():
            measures[f"final_error_{_word(method)}_{place}"] = Estimate.of(result.summary()["final_test_error"])
            for one, other in ((method, "backprop"), (method, "shadow"), ("shadow", method)):
                if one != other and {one, other} <= set(runs):
                    measures[f"{_word(one)}_below_{_word(other)}_{place}"] = Estimate.of(_less(runs, other, one))
        if {"sampling", "shadow"} <= set(runs):
            both = (runs[method].summary()["final_test_error"] for method in ("sampling", "shadow"))
            measures[f"sampling_log_variance_ratio_{place}"] = jackknife(_log_variance_ratio, *both)
    return measures


def _log_variance_ratio(above: np.ndarray, below: np.ndarray) -> float:
    floor = 1e-12  # where all seeds end in the same error
    return float(np.log((above.var(ddof=1) + floor) / (below.var(ddof=1) + floor)))


def _word(method: str) -> str:
    return method.replace(" ", "_")


TIMED = ("equal_time_gain", "time_ratio")  # what measures begin with that are read off a clock

EXPERIMENTS = {
    "shadow": Experiment(shadow_cells, tuned, shadow_measures, label=labels.shadow, timed=TIMED),
    "shadow-ablations": Experiment(ablation_cells, tuned, ablation_measures, label=labels.ablations),
}
