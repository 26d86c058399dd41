"""LeNet5 on MNIST by the paper's recipe, and once more with its large dense layer left as it was drawn."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from torch import Tensor

from reversible import data
from reversible.base.estimates import Estimate
from reversible.papers.martin2019 import labels, laws
from reversible.papers.martin2019.kinds import eigenvalues, measured
from reversible.papers.martin2019.nets import LeNetRun, follow
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.spectra import bulk, tails

Array = np.ndarray


@dataclass(frozen=True)
class LeNetResult:
    """FC1 after each epoch, the first entry before training."""

    accuracy: tuple[float, ...]
    sigma: tuple[float, ...]  # of its bulk, times sqrt(n): as the notebooks have it
    first_sigma: float  # what the first weights have by law
    soft_rank: tuple[float, ...]
    stable_rank: tuple[float, ...]
    spikes: tuple[int, ...]
    phase: tuple[str, ...]
    moved: float  # length of what training added to the weights, over theirs
    bulk_cosine: float  # cosine of the trained weights without their spikes and the first weights
    spikes_permuted: int  # of the trained entries in random order
    alpha: float  # at the end, by the notebooks' fit, with its
    distance: float
    count: int
    values: tuple[float, ...]  # singular values at the end over sigma sqrt(n), falling; some of them


def lenet5(p: LeNetRun) -> LeNetResult | Absent:
    try:
        looks = [(right, _matrix(W)) for _, W, right in follow(p)]
    except data.NotAtHand as missing:
        return Absent(str(missing))
    found = [measured(W) for _, W in looks]
    (_, first), (_, last) = looks[0], looks[-1]
    n, p_ = max(last.shape), min(last.shape)
    rng = np.random.default_rng(p.seed)
    mixed = measured(rng.permuted(last.reshape(-1)).reshape(last.shape))
    values = eigenvalues(last)
    tail = tails.fit(values, ended=True)
    seen = np.sqrt(values) / (found[-1].sigma * n**0.5)
    return LeNetResult(
        accuracy=tuple(right for right, _ in looks),
        sigma=tuple(laws.unit_sigma(m.sigma, n) for m in found),
        first_sigma=laws.unit_sigma(laws.glorot(n, p_), n),
        soft_rank=tuple(m.soft_rank for m in found),
        stable_rank=tuple(m.stable_rank for m in found),
        spikes=tuple(m.spikes for m in found),
        phase=tuple(m.phase for m in found),
        moved=float(np.linalg.norm(last - first) / np.linalg.norm(first)),
        bulk_cosine=_cosine(bulk.split(last)[0], first),
        spikes_permuted=mixed.spikes,
        alpha=tail.alpha, distance=tail.distance, count=tail.count,
        values=tuple(float(f"{value:.4g}") for value in seen),
    )  # fmt: skip


def _matrix(weight: Tensor) -> Array:
    return weight.double().numpy()


def _cosine(a: Array, b: Array) -> float:
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b)))


def cells(profile: str) -> list[LeNetRun]:
    """The full recipe is the paper's [notebooks], but for the settings of Adadelta; a net takes some minutes."""
    p = {
        "smoke": LeNetRun("digits", 128, 1, 32, 48, False, 0),
        "book": LeNetRun("digits", 1400, 3, 64, 128, False, 0),
        "full": LeNetRun("mnist", 60000, 10, 128, 500, False, 0),
    }[profile]
    counts = {"smoke": (2, 2), "book": (3, 3), "full": (5, 3)}[profile]  # nets that are trained whole, and in part
    return [
        replace(p, frozen=frozen, seed=seed_of("martin-lenet5", f"{frozen}, {place}"))
        for frozen, count in zip((False, True), counts, strict=True) for place in range(count)
    ]  # fmt: skip


def measures(pairs: list[tuple[LeNetRun, LeNetResult | Absent]]) -> dict[str, Estimate]:
    done = [(p.frozen, r) for p, r in pairs if isinstance(r, LeNetResult)]
    if not done:
        return {}
    trained, frozen = ([r for was, r in done if was == kind] for kind in (False, True))
    found = {
        "moved": Estimate.of([r.moved for r in trained]),
        "bulk_cosine": Estimate.of([r.bulk_cosine for r in trained]),
        "spikes_permuted": Estimate.of([r.spikes_permuted for r in trained]),
        "alpha": Estimate.of([r.alpha for r in trained]),
        "distance": Estimate.of([r.distance for r in trained]),
        "cost_of_freezing": _difference([r.accuracy[-1] for r in trained], [r.accuracy[-1] for r in frozen]),
    }
    for name, nets in (("trained", trained), ("frozen", frozen)):
        found |= {f"{measure}_{name}": Estimate.of(values) for measure, values in _at_the_end(nets).items()}
        found[f"sigma_over_first_{name}"] = Estimate.of([r.sigma[-1] / r.first_sigma for r in nets])
    return found


def _at_the_end(nets: list[LeNetResult]) -> dict[str, list[float]]:
    rows = [asdict(net) for net in nets]
    names = ("accuracy", "sigma", "soft_rank", "stable_rank", "spikes")
    return {name: [float(row[name][-1]) for row in rows] for name in names}


def _difference(a: list[float], b: list[float]) -> Estimate:
    """Of the means of two independent groups, with an interval that needs no equal spread."""
    above, below = Estimate.of(a), Estimate.of(b)
    half = float(np.hypot(above.half_width, below.half_width))
    mean = above.mean - below.mean
    return Estimate(mean, (mean - half, mean + half), min(len(a), len(b)))


EXPERIMENTS = {"martin-lenet5": Experiment(cells, lenet5, measures, label=labels.lenet5, repeats=())}
