"""Small nets on digits, trained with the noise of batches, with none, and with as much noise of other shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reversible import data
from reversible.base.estimates import Estimate, jackknife, largest, smallest
from reversible.base.runtime import trial_generator
from reversible.papers.zhu2019 import labels
from reversible.papers.zhu2019.noises import NOISES, Shaped
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.training.config import Training
from reversible.training.curvature import indicator, of_net
from reversible.training.hooks import Look
from reversible.training.run import Run
from reversible.training.stack import Stack

VECTORS = 999  # the stream of random vectors
LOST = 0.9  # the error of a net whose weights are no longer finite: that of guessing


@dataclass(frozen=True)
class Trained:
    """Some nets side by side, trained anew with each noise at each rate, from the same weights on the same images."""

    data: str
    images: int  # drawn by each net
    held_out: int
    hidden: tuple[int, ...]
    batch: int
    steps: int
    rates: tuple[float, ...]
    vectors: int  # random ones, for traces
    draws: int  # nets
    seed: int


@dataclass(frozen=True)
class TrainedResult:
    """By noise of NOISES and by rate, a number a net; the traces of batches alone."""

    held_error: tuple[tuple[tuple[float, ...], ...], ...]
    test_error: tuple[tuple[tuple[float, ...], ...], ...]
    loss: tuple[tuple[tuple[float, ...], ...], ...]  # of the images it is trained on
    top: tuple[tuple[tuple[float, ...], ...], ...]  # eigenvalue of the Hessian of that loss; -1 where a net is lost
    ratio_start: tuple[float, ...]  # Tr(H Sigma) over isotropic
    ratio_end: tuple[tuple[float, ...], ...]  # by rate; nought where a net is lost


def trained(p: Trained) -> TrainedResult | Absent:
    try:
        found = [[_one(p, noise, rate) for rate in p.rates] for noise in NOISES]
        start = _looked(Run(training_of(p, p.rates[0], 1), probes=(Looks(p, True),)).stack, p, True)
    except data.NotAtHand as missing:
        return Absent(str(missing))
    fields = {
        name: tuple(tuple(row[name] for row in rows) for rows in found)
        for name in ("held_error", "test_error", "loss", "top")
    }
    ends = tuple(row["ratio"] for row in found[NOISES.index("batch")])
    return TrainedResult(**fields, ratio_start=start["ratio"], ratio_end=ends)


def _one(p: Trained, noise: str, rate: float) -> Mapping[str, Any]:
    """What is seen at the end of one run."""
    (row,) = Run(training_of(p, rate, p.steps), Shaped(noise), (Looks(p, noise == "batch"),)).follow()
    return row


def training_of(p: Trained, rate: float, steps: int) -> Training:
    return Training(
        data=p.data, hidden=p.hidden, images=p.images, held_out=p.held_out, steps=steps, lr=rate, batch=p.batch,
        seeds=tuple(p.seed + net for net in range(p.draws)),
    )  # fmt: skip


@dataclass(frozen=True)
class Looks:
    """A probe: errors, loss and curvature of each net, and traces if so asked."""

    p: Trained
    traces: bool

    def __call__(self, stack: Stack) -> Look:
        return lambda: _looked(stack, self.p, self.traces)


def _looked(stack: Stack, p: Trained, traces: bool) -> Mapping[str, Any]:
    whole = data.load(p.data, train=True)
    held = whole.take(slice(len(whole.labels) - p.held_out, None))
    judged = stack.images.judged, stack.images.judged_labels
    found = {"held_error": _errors(stack, held.pixels, held.labels), "test_error": _errors(stack, *judged)}
    nets = [_curved(stack, p, number, traces) for number in range(p.draws)]
    loss, top, ratio = zip(*nets, strict=True)
    return {**found, "loss": loss, "top": top, "ratio": ratio}


@torch.no_grad()
def _errors(stack: Stack, pixels: Tensor, wanted: Tensor) -> tuple[float, ...]:
    nets, wrong = len(stack.p.seeds), 0.0
    for part, labelled in zip(pixels.split(500), wanted.split(500), strict=True):
        logits = stack.net.logits(stack.images.inputs(part).expand(nets, -1, -1))
        wrong = wrong + (logits.argmax(-1) != labelled).double().sum(1)
    finite = torch.stack([W.flatten(1).isfinite().all(1) for W in stack.values]).all(0)
    return tuple(torch.where(finite, torch.as_tensor(wrong) / len(wanted), LOST).tolist())


def _curved(stack: Stack, p: Trained, number: int, traces: bool) -> tuple[float, float, float]:
    """Loss, top eigenvalue and ratio of one net on the images it is trained on, in double precision."""
    net = stack.nets()[number]
    places = stack.batches.places[number]
    x, y = stack.images.inputs(stack.images.pixels[places]).double(), stack.images.labels[places]
    values = [[A.double() for A in part] for part in (net.weights, net.biases)]
    landscape = of_net(type(net)(tuple(values[0]), tuple(values[1])), x, y)
    loss = float(landscape.of_all(landscape.weights).mean())
    if not np.isfinite(loss):
        return LOST, -1.0, 0.0
    ratio = 0.0
    if traces:
        found = indicator(landscape, p.vectors, trial_generator(p.seed, VECTORS + number))
        ratio = found.size * found.of_noise.mean / (found.curvature.mean * found.noise)
    return loss, float(landscape.top()[0]), ratio


def cells(profile: str) -> list[Trained]:
    asked, groups = {
        "smoke": (Trained("digits", 40, 50, (4,), 10, 12, (0.03,), 2, 2, 0), 1),
        "book": (Trained("digits", 100, 200, (12,), 10, 200, (0.01, 0.05), 5, 3, 0), 1),
        "full": (Trained("mnist", 500, 2000, (20,), 10, 1500, (0.001, 0.003, 0.01, 0.03, 0.1), 30, 5, 0), 2),
    }[profile]
    return [replace(asked, seed=seed_of("zhu-net", group)) for group in range(groups)]


# --- what is read off -------------------------------------------------------------------------------------------------


def joined(pairs: list[tuple[Trained, TrainedResult]], field: str) -> np.ndarray:
    """A field of all nets, (noises, rates, nets)."""
    return np.concatenate([np.array(getattr(r, field)) for _, r in pairs], -1)


def measures(pairs: list[tuple[Trained, TrainedResult | Absent]]) -> dict[str, Estimate]:
    there = [(p, r) for p, r in pairs if not isinstance(r, Absent)]
    if not there:
        return {}
    held, error, top = (joined(there, field) for field in ("held_error", "test_error", "top"))
    best = {noise: int(held[at].mean(-1).argmin()) for at, noise in enumerate(NOISES)}
    own = {noise: error[at, best[noise]] for at, noise in enumerate(NOISES)}
    curved = {noise: top[at, best[noise]] for at, noise in enumerate(NOISES)}
    found: dict[str, Estimate] = {}
    for noise in NOISES:
        found[f"error_{noise}"] = Estimate.of(own[noise])
        found[f"rate_{noise}"] = Estimate.exact(there[0][0].rates[best[noise]])
        found[f"top_{noise}"] = Estimate.of(curved[noise])
        if noise != "batch":
            found[f"{noise}_less_batch"] = Estimate.of(own[noise] - own["batch"])
    found["flatter"] = _over(curved["batch"], curved["round"])
    ends = np.concatenate([np.array(r.ratio_end) for _, r in there], -1)[best["batch"]]
    found["ratio_batch"] = Estimate.of(ends)
    found["ratio_start"] = Estimate.of(np.concatenate([np.array(r.ratio_start) for _, r in there]))
    return found | _at_common_rates(error, top)


def _over(above: np.ndarray, below: np.ndarray) -> Estimate:
    return jackknife(lambda a, b: float(a.mean() / b.mean()), above, below)


def _at_common_rates(error: np.ndarray, top: np.ndarray) -> dict[str, Estimate]:
    """The same comparisons at each rate at which no net was lost, where they are least in favour of batches."""
    batch, other = NOISES.index("batch"), NOISES.index("round")
    rates = [at for at in range(top.shape[1]) if (top[[batch, other], at] > 0).all()]
    return {
        "round_less_batch_same": smallest([Estimate.of(error[other, at] - error[batch, at]) for at in rates]),
        "flatter_same": largest([_over(top[batch, at], top[other, at]) for at in rates]),
    }


EXPERIMENTS = {"zhu-net": Experiment(cells, trained, measures, label=labels.net)}
