"""Power laws fitted to trained layers, beside the same entries in random order and beside two rival laws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.papers.martin2019 import labels
from reversible.papers.martin2019.kinds import eigenvalues, measured
from reversible.papers.martin2019.nets import GlorotRun
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.spectra import tails
from reversible.spectra.measures import NO_TAIL, power_law
from reversible.spectra.verdicts import LARGEST_ALPHA, SMALLEST, TAIL_FIT
from reversible.training.config import Training

Array = np.ndarray
OWN = "trained here"
NETS = ("lenet300_100_dense", "lenet5_dense", "vgg16_hed_bsds500", "alexnet_kmeans", OWN)
ESTIMATED = ("alexnet_kmeans",)  # its weights are stored as clusters: shown, not judged
LOWEST = 1.5


@dataclass(frozen=True)
class Layers:
    """All layers of a net with 32 singular values or more."""

    net: str
    data: str  # what the net of our own is trained on
    seed: int

    def __post_init__(self) -> None:
        one_of("net", self.net, NETS)


@dataclass(frozen=True)
class Fitted:
    """One layer: a power law with an upper end fitted to its eigenvalues, with its settings."""

    layer: str
    shape: tuple[int, int]
    kind: str  # "dense" or "convolution", of which the matrix is (out, in * height * width)
    alpha: float
    alpha_open: float  # of a power law without an upper end
    alpha_bounded: float  # at the same xmin, with the upper end in the likelihood, too
    xmin: float
    xmax: float
    distance: float
    count: int
    permuted_alpha: float  # of the same entries in random order
    permuted_distance: float
    lognormal: float  # twice what the log-likelihood gains
    cutoff: float
    phase: str
    soft_rank: float
    stable_rank: float
    spikes: int


@dataclass(frozen=True)
class LayersResult:
    rows: tuple[Fitted, ...]


def layers(p: Layers) -> LayersResult | Absent:
    try:
        found = weights_of(p)
    except data.NotAtHand:
        return Absent("weights not at hand")
    rng = np.random.default_rng(p.seed)
    return LayersResult(tuple(fitted(name, W, rng) for name, W in found if min(_flat(W).shape) >= SMALLEST))


def weights_of(p: Layers) -> list[tuple[str, Array]]:
    """The layers of a net by name, as PyTorch has them; `data.NotAtHand`."""
    if p.net == OWN:
        digits = p.data == "digits"
        small = Training(data="digits", hidden=(64, 48), images=1400, steps=600, lr=0.02, batch=16, seeds=(p.seed,))
        large = Training(data="mnist", hidden=(256, 128), images=10000, steps=6250, lr=0.005, batch=8, seeds=(p.seed,))
        run = GlorotRun(small if digits else large, ())
        list(run.follow())
        return [(f"fc{i}", W[0].detach().double().numpy()) for i, W in enumerate(run.stack.net.weights, 1)]
    arrays = data.trained_weights(p.net)
    plain = [(name.removesuffix(".weight"), W) for name, W in arrays.items() if name.endswith(".weight")]
    coded = [name.removesuffix(".index") for name in arrays if name.endswith(".index")]
    return plain + [(name, arrays[f"{name}.codebook"][arrays[f"{name}.index"]]) for name in coded]


def _flat(weight: Array) -> Array:
    return np.asarray(weight, float).reshape(len(weight), -1)


def fitted(name: str, weight: Array, rng: np.random.Generator) -> Fitted:
    W = _flat(weight)
    values, m = eigenvalues(W), measured(W)
    tail, (plain, _) = tails.fit(values, ended=True), power_law(values)
    mixed = tails.fit(eigenvalues(rng.permuted(W.reshape(-1)).reshape(W.shape)), ended=True)
    return Fitted(
        name, (W.shape[0], W.shape[1]), "dense" if weight.ndim == 2 else "convolution",
        tail.alpha, NO_TAIL if plain is None else plain, tails.bounded(values, tail),
        tail.xmin, tail.xmax, tail.distance, tail.count,
        mixed.alpha, mixed.distance, **tails.gains(values, tail),
        phase=m.phase, soft_rank=m.soft_rank, stable_rank=m.stable_rank, spikes=m.spikes,
    )  # fmt: skip


def cells(profile: str) -> list[Layers]:
    nets = {"smoke": (OWN, "lenet5_dense"), "book": (OWN, *NETS[:2]), "full": NETS}[profile]
    own = "mnist" if profile == "full" else "digits"
    return [Layers(net, own if net == OWN else "", seed_of("martin-layers", net)) for net in nets]


def measures(pairs: list[tuple[Layers, LayersResult | Absent]]) -> dict[str, Estimate]:
    judged = [row for p, r in pairs if isinstance(r, LayersResult) and p.net not in ESTIMATED for row in r.rows]
    found: dict[str, Estimate] = {}
    for kind in ("dense", "convolution"):
        rows = [row for row in judged if row.kind == kind]
        if rows:
            found |= {f"{name}_{kind}": Estimate.exact(value) for name, value in _of_kind(rows).items()}
    return found | _of_alexnet(pairs)


def _of_alexnet(pairs: list[tuple[Layers, LayersResult | Absent]]) -> dict[str, Estimate]:
    """Its last dense layer, the one at hand: of other weights than the notebooks', and stored as clusters."""
    rows = [row for p, r in pairs if isinstance(r, LayersResult) and p.net in ESTIMATED for row in r.rows]
    last = [row for row in rows if row.kind == "dense"]
    measures = {"alexnet_last_alpha": "alpha", "alexnet_last_distance": "distance"}
    return {name: Estimate.exact(getattr(row, field)) for row in last for name, field in measures.items()}


def _of_kind(rows: list[Fitted]) -> dict[str, float]:
    better = [max(row.lognormal, row.cutoff) > tails.GAIN for row in rows]
    outside = [row.permuted_alpha > LARGEST_ALPHA or row.permuted_distance > TAIL_FIT for row in rows]
    return {
        "layers": len(rows),
        "least_alpha": min(row.alpha for row in rows),
        "largest_alpha": max(row.alpha for row in rows),
        "inside": float(np.mean([LOWEST <= row.alpha <= LARGEST_ALPHA for row in rows])),
        "poor_fits": float(np.mean([row.distance > TAIL_FIT for row in rows])),
        "permuted_outside": float(np.mean(outside)),
        "rival_better": float(np.mean(better)),
        "fewest_values": min(row.count for row in rows),
        "upper_end_matters": max(abs(row.alpha - row.alpha_open) for row in rows),
        "likelihood_matters": max(abs(row.alpha - row.alpha_bounded) for row in rows),
    }


EXPERIMENTS = {"martin-layers": Experiment(cells, layers, measures, label=labels.layers)}
