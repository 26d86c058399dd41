"""Linear models of digits, whose distance to the nearest error is known exactly: no attack is needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import special
from torch import Tensor

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.boundary import foretold, nearest_error, wrong
from reversible.papers.ford2019 import labels
from reversible.papers.ford2019.experiments.sets import limit_of_scores
from reversible.papers.ford2019.models import Linear, fitted_linear
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.theory import errors_in_noise as laws

Array = np.ndarray
KINDS = {"two": 2, "ten": 10}  # classes: the first of the set
PARTS = (0.25, 0.5, 1.0, 1.25)  # of the flat distance
SEARCHED = 10  # noisy points of each image that the search is given, too


@dataclass(frozen=True)
class Model:
    """Linear models of the first classes of a set, each with images of its own."""

    kind: str
    data: str
    images: int  # to train on, a model
    looked: int  # test images, a model
    fresh: int  # noisy points of an image
    draws: int  # models
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class ModelResult:
    """A row a model, a number an image."""

    error: tuple[float, ...]  # of all test images of these classes; a number a model
    sigma: tuple[tuple[float, ...], ...]
    share: tuple[tuple[float, ...], ...]
    flat: tuple[tuple[float, ...], ...]  # what noise says of the distance
    clean: tuple[tuple[float, ...], ...]  # the exact distance of the image
    median: tuple[tuple[float, ...], ...]  # of the exact distances of noisy points
    score: tuple[tuple[float, ...], ...]  # by which too few noisy points have an error near them, at its largest
    excess: tuple[float, ...]  # of the search over the exact distance, at its largest; a number a model


def run_model(p: Model) -> ModelResult | Absent:
    try:
        train, test = (_of(p, part) for part in (True, False))
    except data.NotAtHand as missing:
        return Absent(str(missing))
    rows = [_looked_at(p, model, train, test) for model in range(p.draws)]
    return ModelResult(*(tuple(column) for column in zip(*rows, strict=True)))


def _of(p: Model, train: bool) -> tuple[Tensor, Tensor]:
    """Images of the classes, in doubles, and their labels."""
    images = data.load(p.data, train=train)
    kept = images.take(images.labels < KINDS[p.kind])
    return kept.scaled().double(), kept.labels


def _looked_at(p: Model, number: int, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]) -> tuple:
    generator = trial_generator(p.seed, number)
    own = torch.randperm(len(train[0]), generator=generator)[: p.images]
    model = fitted_linear(train[0][own], train[1][own], KINDS[p.kind])
    errs = wrong(model, *test)
    right = (~errs).nonzero()[:, 0]
    chosen = right[torch.randperm(len(right), generator=generator)[: p.looked]]
    x, y = test[0][chosen], test[1][chosen]
    said = foretold(model, x, y, generator, fresh=p.fresh)
    clean = model.distance(x, y)
    found = [_noisy(model, *one, p.fresh, generator) for one in zip(x, y, said.sigma, said.share, strict=True)]
    medians, scores, excesses = zip(*found, strict=True)
    searched = _excess(nearest_error(model, x, y, rivals=9)[0], clean)
    values = (said.sigma, said.share, said.distance, clean)
    return (
        float(errs.double().mean()), *(tuple(value.tolist()) for value in values), medians, scores,
        max(searched, *excesses),
    )  # fmt: skip


def _noisy(
    model: Linear, x: Tensor, y: Tensor, sigma: Tensor, share: Tensor, fresh: int, generator: torch.Generator
) -> tuple[float, float, float]:
    """Of noisy points of an image: the median distance, the score of the bound, the excess of the search."""
    noise = torch.randn((fresh, len(x)), generator=generator, dtype=x.dtype)
    points, own = x + sigma * noise, y.expand(fresh)
    far = model.distance(points, own)
    few = slice(SEARCHED)
    excess = _excess(nearest_error(model, points[few], own[few], rivals=9)[0], far[few])
    return float(far.median()), bound_score(far.numpy(), float(share), float(sigma)), excess


def bound_score(far: Array, share: float, sigma: float) -> float:
    """The largest standard score of the bound over the share of points with an error so near.

    The share of errors was estimated from as many other points; the variances of both are added.
    """
    if not 0 < share < 0.5:
        return 0.0
    c, count = laws.deviates(share), len(far)
    t = np.array(PARTS) * c
    within = (far[:, None] <= t * sigma).mean(0)
    slope = np.exp((c**2 - (t - c) ** 2) / 2)  # of Phi(t - c) in the share
    variance = within * (1 - within) + slope**2 * share * (1 - share)
    return float(((special.ndtr(t - c) - within) / np.sqrt(variance / count)).max())


def _excess(found: Tensor, exact: Tensor) -> float:
    """The largest relative excess, of points that are no errors."""
    far = exact > 1e-9
    return float((found[far] / exact[far] - 1).max()) if bool(far.any()) else 0.0


def cells(profile: str) -> list[Model]:
    asked = {
        "smoke": ("digits", 300, 3, 2000, 2),
        "book": ("digits", 1000, 5, 5000, 4),
        "full": ("mnist", 2000, 10, 5000, 10),
    }[profile]
    return [Model(kind, *asked, seed_of("ford-linear", kind)) for kind in KINDS]


def measures(pairs: list[tuple[Model, ModelResult | Absent]]) -> dict[str, Estimate]:
    there = [(p, r) for p, r in pairs if not isinstance(r, Absent)]
    found: dict[str, Estimate] = {}
    for p, r in there:
        flat = np.array(r.flat)
        scores = np.array(r.score)
        found |= {
            f"error_{p.kind}": Estimate.of(r.error),
            f"noisy_{p.kind}": Estimate.of(np.nanmedian(np.array(r.median) / flat, axis=1)),
            f"clean_{p.kind}": Estimate.of(np.nanmedian(np.array(r.clean) / flat, axis=1)),
            f"bound_score_{p.kind}": Estimate.exact(scores.max() / limit_of_scores(scores.size * len(PARTS))),
            f"excess_{p.kind}": Estimate.exact(max(r.excess)),
        }
    return found


EXPERIMENTS = {"ford-linear": Experiment(cells, run_model, measures, label=labels.linear)}
