"""Does error in noise rank defences? Dense nets trained in many ways, and defences that mask their gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.boundary import Logits, descend, foretold, nearest_found, wrong
from reversible.papers.ford2019 import labels
from reversible.papers.ford2019.defences import MASKED, masked, opened
from reversible.papers.ford2019.models import Trainee, dense_nets
from reversible.runs.experiment import Absent, Experiment, seed_of

Array = np.ndarray
TESTED, HIDDEN = 2000, (64,)
NOISES = {"noise_0_05": 0.05, "noise_0_1": 0.1, "noise_0_2": 0.2, "noise_0_4": 0.4}
RADII = {"attack_weak": 0.25, "attack_middle": 0.5, "attack_strong": 1.0}  # over those of digits: half as much
DROPOUT = 0.5
DRAWS = 500  # of noise, to find sigma
FARTHEST, UNKNOWN = 3.0, 1.0  # of a descent, in what noise foretells; where it foretells nothing
BEYOND_ALL = 1e3  # where a descent found no error


@dataclass(frozen=True)
class Defences:
    """All defences on the nets of one set, ten ways to train and three to mask."""

    data: str
    trainings: tuple[str, ...]
    images: int  # to train on, a net
    epochs: int
    looked: int  # test images, a net
    fresh: int
    draws: int  # nets of each training
    seed: int


Table = tuple[tuple[tuple[float, ...], ...], ...]  # by defence, by net, an image


@dataclass(frozen=True)
class DefencesResult:
    """By defence in the order of `names`; nets of the same place share their images."""

    names: tuple[str, ...]
    error: tuple[tuple[float, ...], ...]  # by defence, a net
    forecast: Table  # what noise foretells of each image; BEYOND_ALL where it foretells nothing
    found: Table  # the nearest error that both searches find where gradients are open
    blind: Table  # the first error of a descent that sees the gradients that the defence shows; BEYOND_ALL for none


def trainees(p: Defences) -> dict[str, tuple[Trainee, float]]:
    """How the nets of each defence without a mask are trained, and with what dropout."""
    part = 0.5 if p.data == "digits" else 1.0
    plain = Trainee(p.data, p.images, p.epochs)
    noisy = {name: (Trainee(p.data, p.images, p.epochs, noise=sigma), 0.0) for name, sigma in NOISES.items()}
    against = {name: (Trainee(p.data, p.images, p.epochs, radius=part * r), 0.0) for name, r in RADII.items()}
    known = {"plain": (plain, 0.0), "dropout": (plain, DROPOUT), **noisy, **against}
    return {name: known[one_of("training", name, known)] for name in p.trainings}


def run_defences(p: Defences) -> DefencesResult | Absent:
    seeds = tuple(p.seed + net for net in range(p.draws))
    try:
        nets = {name: dense_nets(asked, HIDDEN, seeds, drop) for name, (asked, drop) in trainees(p).items()}
        test = data.load(p.data, train=False)
    except data.NotAtHand as missing:
        return Absent(str(missing))
    rows = []
    for place in range(p.draws):
        models: dict[str, tuple[Logits, Logits]] = {
            name: (of_name[place].logits, of_name[place].logits) for name, of_name in nets.items()
        }
        for name in MASKED:
            plain = nets["plain"][place].logits
            about = (name, plain, test.channels, test.side)
            models[name] = masked(*about), opened(*about)
        rows.append(_looked_at(p, models, test.scaled(), test.labels, trial_generator(seeds[place], 1)))
    return DefencesResult((*nets, *MASKED), *(tuple(zip(*column, strict=True)) for column in zip(*rows, strict=True)))


def _looked_at(
    p: Defences, models: dict[str, tuple[Logits, Logits]], x: Tensor, y: Tensor, generator: torch.Generator
) -> tuple[list, ...]:
    """Of the nets of one place, by defence: errors, forecasts, errors found, and those that a blind descent finds."""
    errs = torch.stack([wrong(shown, x[:TESTED], y[:TESTED]) for shown, _ in models.values()])
    right = (~errs.any(0)).nonzero()[:, 0]  # by all of them
    chosen = right[torch.randperm(len(right), generator=generator)[: p.looked]]
    x, y = x[chosen], y[chosen]
    forecasts, found, blind = [], [], []
    for shown, open_ in models.values():
        said = foretold(shown, x, y, generator, draws=DRAWS, fresh=p.fresh).distance
        reach = FARTHEST * said.nan_to_num(UNKNOWN).float()
        forecasts.append(tuple(said.nan_to_num(BEYOND_ALL).tolist()))
        found.append(_finite(nearest_found(open_, x, y, reach)[0]))
        blind.append(_finite(descend(shown, x, y, reach)[0]))
    return [float(row.double().mean()) for row in errs], forecasts, found, blind


def _finite(distances: Tensor) -> tuple[float, ...]:
    return tuple(distances.nan_to_num(posinf=BEYOND_ALL).tolist())


def cells(profile: str) -> list[Defences]:
    every = ("plain", "dropout", *NOISES, *RADII)
    sizes = {
        "smoke": ("digits", ("plain", "noise_0_4", "attack_middle"), 300, 5, 2, 300, 2),
        "book": ("digits", every, 1000, 12, 4, 1500, 3),
        "full": ("mnist", every, 6000, 10, 8, 5000, 10),
    }[profile]
    return [Defences(*sizes, seed=seed_of("ford-rank", sizes[0]))]


def spearman(a: Array, b: Array) -> float:
    """The correlation of ranks, equal values sharing theirs.

    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 8.0, 27.0])).__round__(9)
    1.0
    """
    ranks = [(v[:, None] > v).sum(1) + 0.5 * (v[:, None] == v).sum(1) for v in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


def measures(pairs: list[tuple[Defences, DefencesResult | Absent]]) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for _, r in pairs:
        if isinstance(r, Absent):
            continue
        forecast, near, blind = (
            np.array(table) for table in (r.forecast, r.found, r.blind)
        )  # (defences, nets, images)
        said, true, seen = (_medians(table, forecast < BEYOND_ALL) for table in (forecast, near, blind))
        hidden = np.array([name in MASKED for name in r.names])
        found |= {
            "spearman": Estimate.of([spearman(a, b) for a, b in zip(said, true, strict=True)]),
            "spearman_open": Estimate.of([spearman(a[~hidden], b[~hidden]) for a, b in zip(said, true, strict=True)]),
            "spearman_blind": Estimate.of([spearman(a, b) for a, b in zip(said, seen, strict=True)]),
            "masked_forecast": Estimate.of(np.median(said[:, hidden] / true[:, hidden], axis=1)),
            "masked_blind": _share((blind[hidden] == BEYOND_ALL).mean((0, 2))),
            "open_blind": _share((blind[~hidden] == BEYOND_ALL).mean((0, 2))),
        }
        for place, name in enumerate(r.names):
            found |= {
                f"error_{name}": Estimate.of(r.error[place]), f"forecast_{name}": Estimate.of(said[:, place]),
                f"distance_{name}": Estimate.of(true[:, place]),
            }  # fmt: skip
    return found


def _medians(table: Array, there: Array) -> Array:
    """Over the images of which noise foretells something, (nets, defences); BEYOND_ALL where it does of none."""
    rows = [
        [float(np.median(v[k])) if k.any() else BEYOND_ALL for v, k in zip(*pair, strict=True)]
        for pair in zip(table, there, strict=True)
    ]
    return np.array(rows).T


def _share(by_net: Array) -> Estimate:
    return Estimate.exact(by_net[0]) if np.ptp(by_net) == 0 else Estimate.of(by_net)


EXPERIMENTS = {"ford-rank": Experiment(cells, run_defences, measures, label=labels.rank)}
