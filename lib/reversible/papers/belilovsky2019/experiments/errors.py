"""How far features go astray where every layer is solved up to a small error: in its size, in depth, beside a bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.papers.belilovsky2019 import labels, laws
from reversible.papers.belilovsky2019.greedy import Plan, greedy, sets_of
from reversible.runs.experiment import Experiment, seed_of

Array = np.ndarray
Layer = tuple[Array, Array]  # W (m, n), b (m,)
NETS = ("trained", "unit")  # as greedy training leaves them; each layer divided by its spectral norm
MOVES = ("random", "aligned")  # Gaussian; of rank one, so that each layer gives more along what it gives on average


@dataclass(frozen=True)
class Errors:
    """Greedily trained nets on digits, whose layers are all moved by eps times their norms."""

    net: str
    moves: str
    eps: tuple[float, ...]
    images: int
    width: int
    layers: int
    epochs: int
    draws: int  # nets
    seed: int

    def __post_init__(self) -> None:
        one_of("net", self.net, NETS)
        one_of("moves", self.moves, MOVES)


@dataclass(frozen=True)
class ErrorsResult:
    """By net."""

    error: tuple[tuple[tuple[float, ...], ...], ...]  # by eps and layer: root mean square over test images
    over_bound: tuple[float, ...]  # the largest over all images, layers and eps of the error over its bound
    last_over_bound: tuple[float, ...]  # the mean over images at the last layer, for the smallest eps
    norm: tuple[float, ...]  # geometric mean of the layers' spectral norms
    signal: tuple[float, ...]  # length of the last features over that of the first, root mean square


def spoiled(p: Errors) -> ErrorsResult:
    seeds = [p.seed + net for net in range(p.draws)]
    sets = sets_of("digits", p.images, 0, seeds)
    plan = Plan((p.width,) * p.layers, 1, p.epochs, p.images // 10, 0.03)
    stages = [stage.net for stage in greedy(plan, sets, seeds, ())]
    x = sets.test.x[0].double().numpy()
    found = []
    for place in range(p.draws):
        layers = [
            (net.weights[0][place].double().numpy(), net.biases[0][place].double().numpy()) for net in stages
        ]  # fmt: skip
        own = of_norm_one(layers) if p.net == "unit" else layers
        found.append(_one(p, own, x, np.random.default_rng([p.seed, place])))
    return ErrorsResult(*map(tuple, zip(*found, strict=True)))


def of_norm_one(layers: list[Layer]) -> list[Layer]:
    """Each W divided by its spectral norm, each b by the norms of all layers so far: the same net, but for a scale."""
    norms = [float(np.linalg.norm(W, 2)) for W, _ in layers]
    so_far = np.cumprod(norms)
    return [(W / norm, b / scale) for (W, b), norm, scale in zip(layers, norms, so_far, strict=True)]


def _one(p: Errors, layers: list[Layer], x: Array, rng: np.random.Generator) -> tuple:
    norms = np.array([np.linalg.norm(W, 2) for W, _ in layers])
    clean = features(layers, x)
    directions = [direction(p.moves, W, below, above, rng) for (W, _), below, above in
                  zip(layers, [x, *clean], clean, strict=False)]  # fmt: skip
    errors, over = [], []
    for eps in p.eps:
        moved = [(W + eps * n * D, b) for (W, b), n, D in zip(layers, norms, directions, strict=True)]
        astray = features(moved, x)
        e = np.array([np.linalg.norm(a - b, axis=1) for a, b in zip(clean, astray, strict=True)])  # (J, N)
        signals = [np.linalg.norm(s, axis=1) for s in (x, *astray[:-1])]
        over.append(e / laws.error_bound(norms, eps * norms, signals))
        errors.append(tuple(np.sqrt((e**2).mean(1)).tolist()))
    lengths = [float(np.sqrt(np.square(h).sum(1).mean())) for h in clean]
    return (
        tuple(errors), float(np.max(over)), float(over[0][-1].mean()), float(np.exp(np.log(norms).mean())),
        lengths[-1] / lengths[0],
    )  # fmt: skip


def features(layers: list[Layer], x: Array) -> list[Array]:
    """Of every layer, (N, m)."""
    found = []
    for W, b in layers:
        x = np.maximum(x @ W.T + b, 0)
        found.append(x)
    return found


def direction(moves: str, W: Array, below: Array, above: Array, rng: np.random.Generator) -> Array:
    """A matrix of spectral norm one in the shape of W."""
    if moves == "random":
        D = rng.standard_normal(W.shape)
        return D / np.linalg.norm(D, 2)
    out, given = above.mean(0), below.mean(0)
    return np.outer(out, given) / max(np.linalg.norm(out) * np.linalg.norm(given), 1e-300)


def cells(profile: str) -> list[Errors]:
    eps = {"smoke": (1e-4, 1e-2), "book": (1e-4, 1e-3, 1e-2), "full": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)}[profile]
    images, width, layers, epochs, draws = {
        "smoke": (100, 12, 4, 2, 2), "book": (300, 24, 6, 5, 3), "full": (1000, 32, 12, 20, 10)
    }[profile]  # fmt: skip
    return [
        Errors(net, moves, eps, images, width, layers, epochs, draws, seed_of("greedy-errors", f"{net}, {moves}"))
        for net in NETS for moves in MOVES
    ]  # fmt: skip


def measures(pairs: list[tuple[Errors, ErrorsResult]]) -> dict[str, Estimate]:
    found = {}
    for p, r in pairs:
        place, errors = f"{p.net}_{p.moves}", np.log(np.array(r.error))  # (S, eps, J)
        found[f"in_eps_{place}"] = Estimate.of([slope(np.log(p.eps), e[:, -1]) for e in errors])
        found[f"in_depth_{place}"] = Estimate.of([slope(np.log(np.arange(1, p.layers + 1)), e[0]) for e in errors])
        found[f"a_layer_{place}"] = Estimate.of(np.exp((errors[:, 0, -1] - errors[:, 0, 0]) / (p.layers - 1)))
        found[f"over_bound_{place}"] = Estimate.exact(max(r.over_bound))
        found[f"last_over_bound_{place}"] = Estimate.of(r.last_over_bound)
        found[f"norm_{place}"] = Estimate.of(r.norm)
        found[f"signal_{place}"] = Estimate.of(r.signal)
    return found


def slope(x: Array, y: Array) -> float:
    """Least squares."""
    x = x - x.mean()
    return float(x @ y / (x @ x))


EXPERIMENTS = {"greedy-errors": Experiment(cells, spoiled, measures, label=labels.errors)}
