"""Does sensitivity before training rank what can be trained? Six kinds of deep nets over a range of learning rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, jackknife
from reversible.papers.labatie2019 import labels
from reversible.papers.labatie2019.depth import feed_forward, residual
from reversible.papers.labatie2019.experiments.depth import exponential
from reversible.papers.labatie2019.signals import Signals
from reversible.papers.labatie2019.trained import KINDS, DeepRun, errors_in_halves
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.training.config import Training

Array = np.ndarray
DEEP = ("plain", "normalised", "residual")  # what is trained at the larger depth, too


@dataclass(frozen=True)
class Trained:
    """Nets of one kind, trained from the same first weights with each learning rate in turn."""

    kind: str
    depth: int
    width: int
    data: str
    images: int  # drawn by each net
    steps: int
    batch: int
    rates: tuple[float, ...]
    draws: int  # nets
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class TrainedResult:
    """By rate, a number a net: share of wrong test images in their first half and in their second. chi: before."""

    first: tuple[tuple[float, ...], ...]
    second: tuple[tuple[float, ...], ...]
    log_chi: tuple[float, ...]  # a number a net, of other nets of this kind


def trained(p: Trained) -> TrainedResult | Absent:
    try:
        chi = _log_chi(p)
        rows = [_row(p, rate) for rate in p.rates]
    except data.NotAtHand as missing:
        return Absent(str(missing))
    return TrainedResult(tuple(r["first"] for r in rows), tuple(r["second"] for r in rows), chi)


def _row(p: Trained, rate: float) -> dict:
    training = Training(
        data=p.data, inputs="standard", hidden=(p.width,) * p.depth, images=p.images, steps=p.steps, lr=rate,
        batch=p.batch, seeds=tuple(p.seed + net for net in range(p.draws)),
    )  # fmt: skip
    return next(DeepRun(training, KINDS[p.kind], (errors_in_halves,)).follow())


def _log_chi(p: Trained) -> tuple[float, ...]:
    kind = KINDS[p.kind]
    s = Signals.of(p.data, p.batch, p.width, p.draws, p.seed)
    if kind.inside:
        return residual(s, kind.inside, (p.depth // kind.inside,)).log_chi[0]
    return feed_forward(s, kind.normalised, kind.activation, (p.depth,)).log_chi[0]


def cells(profile: str) -> list[Trained]:
    shallow, deep, width = {"smoke": (4, 6, 16), "book": (8, 20, 24), "full": (20, 200, 64)}[profile]
    name, images, steps, batch = {
        "smoke": ("digits", 200, 4, 20), "book": ("digits", 1000, 60, 50), "full": ("mnist", 10_000, 250, 50),
    }[profile]  # fmt: skip
    rates = {"smoke": (0.01, 0.1), "book": (0.003, 0.03, 0.3), "full": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)}[profile]
    draws = {"smoke": 2, "book": 3, "full": 10}[profile]
    asked = [*((kind, shallow) for kind in KINDS), *((kind, deep) for kind in DEEP)]
    return [
        Trained(kind, depth, width, name, images, steps, batch, rates, draws, _seed(kind, depth))
        for kind, depth in asked
    ]


def _seed(kind: str, depth: int) -> int:
    return seed_of("labatie-training", f"{kind}, {depth}")


Found = list[tuple[Trained, TrainedResult]]


def best(first: Array, second: Array) -> float:
    """The mean error in the second half with the rate that has the least in the first: (nets, rates) each."""
    return float(second.mean(0)[first.mean(0).argmin()])


def error(r: TrainedResult) -> Estimate:
    """The same with an interval that holds the choice of the rate."""
    first, second = np.array(r.first).T, np.array(r.second).T
    return _over_nets(lambda nets: best(first[nets], second[nets]), len(first))


def _over_nets(statistic: Callable[[Array], float], nets: int) -> Estimate:
    """The jackknife of a statistic of the places of nets."""
    return jackknife(lambda places: statistic(places.astype(int)), np.arange(nets))


def ranked(*columns: Array) -> float:
    """Spearman's correlation of mean log chi and error over kinds: of each kind log chi (nets,), and both halves."""
    chi = [column.mean() for column in columns[0::3]]
    errors = [best(*halves) for halves in zip(columns[1::3], columns[2::3], strict=True)]
    alike = np.ptp(errors) == 0 or np.ptp(chi) == 0  # then there is no order to compare
    return 0.0 if alike else float(np.corrcoef(stats.rankdata(chi), stats.rankdata(errors))[0, 1])


def measures(pairs: list[tuple[Trained, TrainedResult | Absent]]) -> dict[str, Estimate]:
    there: Found = [(p, r) for p, r in pairs if not isinstance(r, Absent)]
    if not there:
        return {}
    deepest = max(p.depth for p, _ in there)
    deep = {p.kind: r for p, r in there if p.depth == deepest}
    shallow = {p.kind: r for p, r in there if p.depth < deepest}
    found = {f"error_{kind}": error(r) for kind, r in shallow.items()}
    found |= {f"chi_{kind}": exponential(Estimate.of(r.log_chi)) for kind, r in shallow.items()}
    found |= {f"deep_error_{kind}": error(r) for kind, r in deep.items()}
    found |= {f"deep_gain_{kind}": _gain(deep[kind], deep["residual"]) for kind in ("plain", "normalised")}
    columns = [
        np.array(part) for r in shallow.values() for part in (r.log_chi, np.array(r.first).T, np.array(r.second).T)
    ]
    return found | {"rank_correlation": _drawn_again(columns)}


def _gain(other: TrainedResult, mine: TrainedResult) -> Estimate:
    a, b, c, d = (np.array(part).T for r in (other, mine) for part in (r.first, r.second))
    return _over_nets(lambda nets: best(a[nets], b[nets]) - best(c[nets], d[nets]), len(a))


def _drawn_again(columns: list[Array], times: int = 400) -> Estimate:
    """Spearman's correlation with a bootstrap interval over nets: a correlation of ranks is no smooth statistic."""
    rng, nets = np.random.default_rng(seed_of("labatie-training", "bootstrap")), len(columns[0])
    draws = [rng.integers(nets, size=nets) for _ in range(times)]
    again = [ranked(*(column[places] for column in columns)) for places in draws]
    low, high = np.quantile(again, [0.025, 0.975])
    return Estimate(ranked(*columns), (float(low), float(high)), nets)


EXPERIMENTS = {"labatie-training": Experiment(cells, trained, measures, label=labels.training)}
