"""What holds to rounding: Proposition 1, and a layer as the first step of iterative hard thresholding."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.convolution import Convolution, iterates, pool, project, step, unpool
from reversible.papers.gilbert2017 import labels
from reversible.runs.experiment import Experiment, seed_of

# --- Proposition 1: pairs of orthonormal filters ----------------------------------------------------------------------


@dataclass(frozen=True)
class OrthonormalPairs:
    """An orthonormal W (n, n) with each row and its opposite, a ReLU, and the way back by the transpose."""

    n: int
    draws: int
    seed: int


@dataclass(frozen=True)
class OrthonormalPairsResult:
    worst_error: float  # |Psi ReLU(Psi^T x) - x| / |x|
    mean_error_without_pairs: float  # |W^T ReLU(W x) - x| / |x|


def orthonormal_pairs(p: OrthonormalPairs) -> OrthonormalPairsResult:
    """The worst of all draws with pairs, their mean without."""
    with_pairs, without = [], []
    for draw in range(p.draws):
        generator = trial_generator(p.seed, draw)
        W, _ = torch.linalg.qr(torch.randn(p.n, p.n, generator=generator, dtype=torch.float64))
        x = torch.randn(p.n, generator=generator, dtype=torch.float64)
        psi = torch.cat([W.T, -W.T], dim=1)  # (n, 2n)
        with_pairs.append(relative(psi @ torch.relu(psi.T @ x), x))
        without.append(relative(W.T @ torch.relu(W @ x), x))
    return OrthonormalPairsResult(max(with_pairs), float(np.mean(without)))


def relative(found: Tensor, wanted: Tensor) -> float:
    """|found - wanted| / |wanted|."""
    return float((found - wanted).norm() / wanted.norm())


def pairs_cells(profile: str) -> list[OrthonormalPairs]:
    sizes = {"smoke": (4, 32), "book": (4, 32, 128), "full": (4, 32, 128, 512)}[profile]
    draws = {"smoke": 5, "book": 20, "full": 40}[profile]
    return [OrthonormalPairs(n, draws, seed_of("orthonormal-pairs", n)) for n in sizes]


def pairs_measures(pairs: list[tuple[OrthonormalPairs, OrthonormalPairsResult]]) -> dict[str, Estimate]:
    return {
        "worst_error": Estimate.exact(max(r.worst_error for _, r in pairs)),
        "least_mean_without_pairs": Estimate.exact(min(r.mean_error_without_pairs for _, r in pairs)),
    }


# --- a layer is the first step of iterative hard thresholding ---------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class IhtStep:
    """A layer, W as torch's convolution and as an explicit matrix; real h, max pooling of the modulus."""

    filters: int
    channels: int
    size: tuple[int, ...]
    taps: tuple[int, ...]
    stride: int = 1
    window: tuple[int, ...] | None = None  # of pooling; None: all shifts of a filter
    k: int | None = None  # None: all that pooling leaves, as in a net
    draws: int
    seed: int


@dataclass(frozen=True)
class IhtStepResult:
    difference: float  # of layer and step, relative, the worst draw
    image_difference: float  # of what comes back, relative, the worst draw
    relu_difference: float  # of a layer with a ReLU and no pairs of filters from the step, mean
    pairs_difference: float  # of a layer with pairs of filters, ReLU and pooling from the step, mean
    start_difference: float  # of the step from another code than 0, mean


def iht_step(p: IhtStep) -> IhtStepResult:
    """Convolution, pooling and unpooling beside the same step with matrices and loops."""
    rows = [_compared(p, trial_generator(p.seed, draw)) for draw in range(p.draws)]
    worst, mean = np.max(rows, axis=0), np.mean(rows, axis=0)
    return IhtStepResult(*map(float, (*worst[:2], *mean[2:])))


def _compared(p: IhtStep, generator: torch.Generator) -> list[float]:
    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    layer = Convolution(draw(p.filters, p.channels, *p.taps), p.stride).with_unit_rows()
    x = draw(1, p.channels, *p.size)
    W = layer.matrix(p.size).numpy()
    shape = (p.filters, *layer.shifts(p.size))
    wanted = _by_loops((W @ x.flatten().numpy()).reshape(shape), p.window, p.k)
    down = torch.from_numpy(wanted.ravel() @ W).view_as(x)
    code = torch.from_numpy(wanted)[None]

    def kept(h: Tensor) -> Tensor:
        return project(h, p.k, p.window)

    z = iterates(layer, x, kept, 1)[0]
    h = layer.up(x)
    elsewhere = step(layer, x, kept(draw(1, *shape)), kept)
    return [
        relative(z, code), relative(layer.down(z, p.size), down), relative(kept(torch.relu(h)), code),
        relative(_pairs_pooled(h, p.window), kept(h) if p.k is None else project(h, None, p.window)),
        relative(elsewhere, code),
    ]  # fmt: skip


def _by_loops(h: np.ndarray, window: tuple[int, ...] | None, k: int | None) -> np.ndarray:
    """M(h, k) of one example (K, n...) by loops: the largest modulus of each window in its place, of these the k."""
    window = h.shape[1:] if window is None else window
    corners = itertools.product(*[range(0, n - w + 1, w) for n, w in zip(h.shape[1:], window, strict=True)])
    places = []
    for block, corner in itertools.product(range(len(h)), list(corners)):
        inside = itertools.product(*[range(c, c + w) for c, w in zip(corner, window, strict=True)])
        places.append(max(((block, *place) for place in inside), key=lambda place: abs(h[place])))
    places.sort(key=lambda place: -abs(h[place]))
    z = np.zeros_like(h)
    for place in places[: len(places) if k is None else k]:
        z[place] = h[place]
    return z


def _pairs_pooled(h: Tensor, window: tuple[int, ...] | None) -> Tensor:
    """What filters w and -w keep after a ReLU and max pooling, as a code of the filters w: two units of a window."""
    size = tuple(h.shape[2:])
    above, below = (unpool(*pool(torch.relu(part), window), size) for part in (h, -h))
    return above - below


def iht_cells(profile: str) -> list[IhtStep]:
    draws = {"smoke": 2, "book": 5, "full": 20}[profile]
    layers = [
        {"filters": 24, "channels": 8, "size": (24,), "taps": (5,), "k": 4},
        {"filters": 24, "channels": 8, "size": (24,), "taps": (5,)},
        {"filters": 16, "channels": 4, "size": (21,), "taps": (5,), "stride": 2, "window": (3,), "k": 10},
        {"filters": 16, "channels": 4, "size": (9, 11), "taps": (3, 3), "k": 5},
        {"filters": 16, "channels": 4, "size": (10, 10), "taps": (3, 3), "window": (2, 2)},
    ]
    if profile == "full":
        layers.append({"filters": 96, "channels": 32, "size": (32,), "taps": (5,), "k": 10})
    return [IhtStep(**layer, draws=draws, seed=seed_of("iht-step", i)) for i, layer in enumerate(layers)]


def iht_measures(pairs: list[tuple[IhtStep, IhtStepResult]]) -> dict[str, Estimate]:
    results = [r for _, r in pairs]
    worst = max(max(r.difference, r.image_difference) for r in results)
    return {
        "worst_difference": Estimate.exact(worst),
        "layers": Estimate.exact(len(results)),
        "layers_with_all_kept": Estimate.exact(sum(p.k is None for p, _ in pairs)),
        "least_relu_difference": Estimate.exact(min(r.relu_difference for r in results)),
        "least_pairs_difference": Estimate.exact(min(r.pairs_difference for r in results)),
        "least_start_difference": Estimate.exact(min(r.start_difference for r in results)),
    }


EXPERIMENTS = {
    "orthonormal-pairs": Experiment(pairs_cells, orthonormal_pairs, pairs_measures, label=labels.orthonormal_pairs),
    "iht-step": Experiment(iht_cells, iht_step, iht_measures, label=labels.iht_step),
}
