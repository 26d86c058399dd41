"""Trained nets: how far errors are from clean and from noisy images, beside what errors in noise foretell of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, jackknife, largest, smallest
from reversible.base.runtime import trial_generator
from reversible.nets.boundary import Logits, foretold, nearest_found, wrong
from reversible.papers.ford2019 import labels
from reversible.papers.ford2019.models import Trainee, conv_net, dense_nets
from reversible.runs.experiment import Absent, Experiment, seed_of

Array = np.ndarray
TESTED = 2000  # test images that tell a net's error
NOISE = {"weak": 0.1, "strong": 0.4}  # of the training, in parts of the pixels' range
RADIUS = {"digits": 0.5, "mnist": 1.0, "cifar10": 0.25}  # of the attacks in training
HIDDEN = (64,)
FARTHEST = 2.0  # how far the descent goes, in distances that noise foretells
UNKNOWN = 1.0  # and where noise foretells none


@dataclass(frozen=True)
class Nets:
    """Nets of one kind, each with test images of its own that it gets right."""

    kind: str
    training: str
    data: str
    images: int  # to train on, a net
    epochs: int
    looked: int  # test images, a net
    noisy: int  # noisy points of an image
    fresh: int  # draws for the share of errors in noise
    draws: int  # nets
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, labels.ARCHITECTURES)
        one_of("training", self.training, labels.TRAININGS)

    @property
    def place(self) -> str:
        return f"{self.data}_{self.kind}_{self.training}"

    @property
    def trainee(self) -> Trainee:
        radius = RADIUS[self.data] if self.training == "attacked" else 0.0
        return Trainee(self.data, self.images, self.epochs, NOISE.get(self.training, 0.0), radius)


Rows = tuple[tuple[float | None, ...], ...]  # a row a net, a number an image; None: there is none


@dataclass(frozen=True)
class NetsResult:
    """A row a net, a number an image."""

    error: tuple[float, ...]  # of test images; a number a net
    sigma: Rows
    share: Rows
    flat: Rows  # what noise foretells
    clean: Rows  # the distance of the nearest error found
    noisy: Rows  # the median of that over noisy points
    attacks: Rows  # the median over noisy points of the descent's distance over the search's


def run_nets(p: Nets) -> NetsResult | Absent:
    try:
        nets = _trained(p)
        test = data.load(p.data, train=False)
    except data.NotAtHand as missing:
        return Absent(str(missing))
    x, y = test.scaled(), test.labels
    rows = [looked_at(p, net, x, y, trial_generator(p.seed + number, 1)) for number, net in enumerate(nets)]
    return NetsResult(*(tuple(column) for column in zip(*rows, strict=True)))


def _trained(p: Nets) -> list[Logits]:
    if p.kind == "dense":
        return [net.logits for net in dense_nets(p.trainee, HIDDEN, tuple(p.seed + net for net in range(p.draws)))]
    images = data.load(p.data, train=True)
    return [conv_net(p.trainee, images, trial_generator(p.seed + net, 0)).logits for net in range(p.draws)]


def looked_at(p: Nets, logits: Logits, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple:
    """A row of each of NetsResult's fields."""
    errs = wrong(logits, x[:TESTED], y[:TESTED])
    right = (~errs).nonzero()[:, 0]
    chosen = right[torch.randperm(len(right), generator=generator)[: p.looked]]
    x, y = x[chosen], y[chosen]
    said = foretold(logits, x, y, generator, fresh=p.fresh)
    reach = FARTHEST * said.distance.nan_to_num(UNKNOWN).float()
    clean, _, _ = nearest_found(logits, x, y, reach)
    around = [
        _noisy(logits, point, label, float(sigma), float(far), p.noisy, generator)
        for point, label, sigma, far in zip(x, y, said.sigma, reach, strict=True)
    ]
    noisy, attacks = zip(*around, strict=True)
    values = (said.sigma.tolist(), said.share.tolist(), said.distance.tolist(), clean.tolist(), noisy, attacks)
    return (float(errs.double().mean()), *(tuple(map(_finite, row)) for row in values))


def _noisy(
    logits: Logits, x: Tensor, label: Tensor, sigma: float, reach: float, count: int, generator: torch.Generator
) -> tuple[float, float]:
    """Of noisy points of an image: the median distance of errors, and the median of the two searches' ratio."""
    points = x + sigma * torch.randn((count, len(x)), generator=generator)
    found, search, descent = nearest_found(logits, points, label.expand(count), reach)
    both = search.isfinite() & descent.isfinite() & (search > 0)
    ratio = float((descent[both] / search[both]).median()) if bool(both.any()) else float("nan")
    return float(found.median()), ratio


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def cells(profile: str) -> list[Nets]:
    """In the profile `full` of MNIST all kinds, of CIFAR-10 plain nets alone."""
    trainings = tuple(labels.TRAININGS)
    if profile == "full":
        places = [("mnist", kind, training) for kind in labels.ARCHITECTURES for training in trainings]
        places += [("cifar10", kind, "plain") for kind in labels.ARCHITECTURES]
    elif profile == "book":
        places = [("digits", kind, training) for kind in labels.ARCHITECTURES for training in trainings[:1]]
        places += [("digits", "dense", training) for training in trainings[1:]]
    else:
        places = [("digits", "dense", "plain"), ("digits", "dense", "weak")]
    sizes = {
        "smoke": (500, 10, 3, 5, 300, 2), "book": (1000, 15, 6, 15, 2000, 3), "full": (6000, 4, 6, 50, 10_000, 10),
    }[profile]  # fmt: skip
    return [
        Nets(kind, training, name, *sizes, seed_of("ford-nets", f"{name}, {kind}, {training}"))
        for name, kind, training in places
    ]


def of(rows: Rows) -> Array:
    """(nets, images), with nan for none."""
    return np.array([[np.nan if value is None else value for value in row] for row in rows], float)


def follows(clean: Array, flat: Array) -> Estimate:
    """The correlation of both over all images; interval by the jackknife over nets."""

    def correlation(nets: Array) -> float:
        a, b = clean[nets].ravel(), flat[nets].ravel()
        there = np.isfinite(a) & np.isfinite(b)
        return float(np.corrcoef(a[there], b[there])[0, 1])

    return jackknife(correlation, np.arange(len(clean)))


def by_net(rows: Array) -> Estimate:
    """The mean over nets of the median over images."""
    return Estimate.of(np.nanmedian(rows, axis=1))


def measures(pairs: list[tuple[Nets, NetsResult | Absent]]) -> dict[str, Estimate]:
    found: dict[str, dict[str, Estimate]] = {}
    for p, r in pairs:
        if not isinstance(r, Absent):
            flat, clean = of(r.flat), of(r.clean)
            found[p.place] = {
                "error": Estimate.of(r.error), "noisy": by_net(of(r.noisy) / flat), "clean": by_net(clean / flat),
                "attacks": by_net(of(r.attacks)), "follows": follows(clean, flat), "distance": by_net(clean),
            }  # fmt: skip
    if not found:
        return {}
    plain = [of_place["noisy"] for place, of_place in found.items() if place.endswith("plain")]
    extremes = {"noisy_lowest": smallest(plain), "noisy_highest": largest(plain)}
    for name in ("clean", "attacks"):
        every = [of_place[name] for of_place in found.values()]
        extremes |= {f"{name}_lowest": smallest(every), f"{name}_highest": largest(every)}
    extremes["follows_lowest"] = smallest([of_place["follows"] for of_place in found.values()])
    return extremes | {f"{name}_{place}": e for place, each in found.items() for name, e in each.items()}


EXPERIMENTS = {"ford-nets": Experiment(cells, run_nets, measures, label=labels.trained)}
