"""Is it the batch size? Nets for digits over batch sizes, and with what else a smaller batch changes held fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.papers.martin2019 import labels
from reversible.papers.martin2019.kinds import Spectrum, measured
from reversible.papers.martin2019.nets import GlorotRun
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.training.config import Training
from reversible.training.hooks import Look, errors
from reversible.training.stack import Stack

Array = np.ndarray
# equal: one learning rate and number of epochs, as the paper has it. Then its controls. rate: the learning rate in
# proportion to the batch. updates: as many updates for all. alone: one batch size for all, and the learning rate what
# moves the weights as far as the batch size of `equal` does.
SCHEMES = ("equal", "rate", "updates", "alone")
SIZES = (8, 16, 32, 64, 128, 256, 512)
RATE, EPOCHS = 0.005, 5  # of `equal`
UPDATES = 1562  # of `updates`: five epochs of batches of 32
FIXED = 128  # the batch of `alone`
JUDGED = 2  # layers, from the image up


@dataclass(frozen=True)
class Batch:
    """Nets side by side, trained with one batch size."""

    scheme: str
    size: int  # the batch size, of `alone` the one whose learning rate is matched
    data: str
    images: int
    hidden: tuple[int, ...]
    epochs: int
    updates: int  # of the scheme `updates`
    draws: int  # nets
    seed: int

    def __post_init__(self) -> None:
        one_of("scheme", self.scheme, SCHEMES)

    @property
    def training(self) -> Training:
        batch = FIXED if self.scheme == "alone" else self.size
        times = {"rate": self.size / SIZES[0], "alone": FIXED / self.size}.get(self.scheme, 1.0)
        steps = self.updates if self.scheme == "updates" else self.epochs * (self.images // batch)
        return Training(
            data=self.data, hidden=self.hidden, images=self.images, steps=steps, lr=RATE * times, batch=batch,
            seeds=tuple(self.seed + net for net in range(self.draws)),
        )  # fmt: skip


@dataclass(frozen=True)
class BatchResult:
    """By layer, a number a net."""

    soft_rank: tuple[tuple[float, ...], ...]
    stable_rank: tuple[tuple[float, ...], ...]
    spikes: tuple[tuple[int, ...], ...]
    phase: tuple[tuple[str, ...], ...]
    test_error: tuple[float, ...]


def spectra(stack: Stack) -> Look:
    """A probe: the first layers of each net."""

    def look() -> dict[str, list[list[Spectrum]]]:
        layers = stack.net.weights[:JUDGED]
        return {"spectra": [[measured(W.double().numpy()) for W in layer.detach()] for layer in layers]}

    return look


def batch(p: Batch) -> BatchResult | Absent:
    try:
        *_, row = GlorotRun(p.training, (spectra, errors)).follow()
    except data.NotAtHand as missing:
        return Absent(str(missing))
    return BatchResult(
        soft_rank=tuple(tuple(m.soft_rank for m in layer) for layer in row["spectra"]),
        stable_rank=tuple(tuple(m.stable_rank for m in layer) for layer in row["spectra"]),
        spikes=tuple(tuple(m.spikes for m in layer) for layer in row["spectra"]),
        phase=tuple(tuple(m.phase for m in layer) for layer in row["spectra"]),
        test_error=tuple(row["test_error"]),
    )


def cells(profile: str) -> list[Batch]:
    sizes = {"smoke": (8, 128), "book": (8, 32, 128), "full": SIZES}[profile]
    name, images, hidden, epochs, updates, draws = {
        "smoke": ("digits", 256, (40, 32), 2, 16, 2),
        "book": ("digits", 1400, (64, 48), 10, 400, 4),
        "full": ("mnist", 10000, (256, 128), EPOCHS, UPDATES, 10),
    }[profile]
    return [
        Batch(scheme, size, name, images, hidden, epochs, updates, draws, seed_of("martin-batch", f"{scheme} {size}"))
        for scheme in SCHEMES for size in sizes
    ]  # fmt: skip


def measures(pairs: list[tuple[Batch, BatchResult | Absent]]) -> dict[str, Estimate]:
    done = [(p, r) for p, r in pairs if isinstance(r, BatchResult)]
    if not done:
        return {}
    found: dict[str, Estimate] = {}
    wide = np.array(1.0)
    for scheme in SCHEMES:
        sizes, soft = table(done, scheme, "soft_rank")
        spread = soft[-1] - soft[0]  # of each net at the largest batch less one at the smallest
        wide = spread if scheme == "equal" else wide
        found[f"soft_rank_smallest_{scheme}"] = Estimate.of(soft[0])
        found[f"soft_rank_largest_{scheme}"] = Estimate.of(soft[-1])
        found[f"spread_{scheme}"] = Estimate.of(spread)
        found[f"spearman_{scheme}"] = Estimate.of([rank_correlation(sizes, net) for net in soft.T])
        if scheme != "equal":
            found[f"kept_{scheme}"] = Estimate.of(spread / wide.mean())
        _, errors_of = table(done, scheme, "test_error")
        found[f"error_spread_{scheme}"] = Estimate.of(errors_of[-1] - errors_of[0])
    ways = [p.training.lr * p.training.steps for p, _ in done]
    soft = np.array([r.soft_rank[0] for _, r in done])
    found["spearman_way"] = Estimate.of([rank_correlation(ways, net) for net in soft.T])
    return found | _of_phases(done)


def table(done: list[tuple[Batch, BatchResult]], scheme: str, name: str) -> tuple[list[int], Array]:
    """The batch sizes of a scheme, rising, and a measure of the layer next to the image, (sizes, nets)."""
    rows = sorted((p.size, getattr(r, name)) for p, r in done if p.scheme == scheme)
    return [size for size, _ in rows], np.array([row if name == "test_error" else row[0] for _, row in rows], float)


def rank_correlation(x: Sequence[float], y: Array) -> float:
    """Spearman's, ties at their mean rank; 0 where one of them does not vary.

    >>> rank_correlation([1, 2, 3], np.array([10.0, 30.0, 20.0])).__round__(9)
    0.5
    """
    a, b = (ranks - ranks.mean() for ranks in (np.asarray(stats.rankdata(v), float) for v in (x, y)))
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else 0.0


def _of_phases(done: list[tuple[Batch, BatchResult]]) -> dict[str, Estimate]:
    """How many phases most nets of some batch size are in, either layer counted."""
    met = {
        most for p, r in done if p.scheme == "equal" for layer in r.phase
        for most, count in Counter(layer).items() if 2 * count > len(layer)
    }  # fmt: skip
    return {"phases_met": Estimate.exact(len(met))}


EXPERIMENTS = {"martin-batch": Experiment(cells, batch, measures, label=labels.batch)}
