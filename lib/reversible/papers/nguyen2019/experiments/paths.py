"""The paths of Theorems 3.2 and 5.1 between random nets, beside the straight line between the same two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.papers.nguyen2019 import labels
from reversible.papers.nguyen2019.laws.path import Path, follow, straight
from reversible.papers.nguyen2019.laws.pyramid import Pyramid
from reversible.papers.nguyen2019.laws.turns import rank_of
from reversible.papers.nguyen2019.laws.wide import Wide
from reversible.papers.nguyen2019.nets import Loss, Weights, activation, given, random_weights, squares
from reversible.runs.experiment import Experiment, seed_of

Array = np.ndarray
KINDS = ("random", "zero", "deficient", "fine", "square")  # of the two ends, and of what is looked at
STEPS = {"smoke": 4, "book": 10, "full": 20}  # places a leg, by profile
FINER = 10  # by how much a fine look is finer
EXACT = 1e-9  # a net is taken to give Y where it is so near to it
HIGH = 0.1  # a barrier of so much of the loss of giving zero counts


@dataclass(frozen=True)
class Pairs:
    """Pairs of nets on samples and targets of their own, all Gaussian."""

    kind: str
    activation: str
    samples: int
    widths: tuple[int, ...]  # d, n_1, ..., n_L
    few: bool  # of a wide net: one reference unit after the other
    steps: int  # places a leg, of a fine look twice as many
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


@dataclass(frozen=True)
class PairsResult:
    """A number a pair; losses over that of giving zero. Empty where the kind does not ask for it."""

    excess: tuple[float, ...] = ()  # largest loss on the path above that of its ends
    line: tuple[float, ...] = ()  # the same on the straight line
    plain: tuple[float, ...] = ()  # the same where the upper layers go in straight lines
    turned: tuple[float, ...] = ()  # the largest condition number of upper layers that are turned
    lined: tuple[float, ...] = ()  # and of those that go in straight lines
    inverted: tuple[float, ...] = ()  # the largest condition number that finding the path met
    weights: tuple[float, ...] = ()  # the longest net on the path over the longer of its ends
    legs: tuple[int, ...] = ()
    change: tuple[float, ...] = ()  # of the largest loss, where the path is looked at more finely
    jump: tuple[float, ...] = ()  # the largest distance between neighbouring places over that in the finer look
    opposite: tuple[bool, ...] = ()  # determinants of the second layer differ in sign


def _targets(p: Pairs, rng: np.random.Generator) -> tuple[Array, Array, Loss, float]:
    X, Y = rng.standard_normal((p.samples, p.widths[0])), rng.standard_normal((p.samples, p.widths[-1]))
    loss = squares(Y)
    return X, Y, loss, loss(np.zeros_like(Y))


def _deficient(theta: Weights, rng: np.random.Generator) -> Weights:
    """The net with a rank less in each layer but the first; of one in four nets all these are zero."""
    if rng.random() < 0.25:
        return Weights((theta.weights[0], *(0 * W for W in theta.weights[1:])), theta.biases)
    lower = []
    for W in theta.weights[1:]:
        U, S, V = np.linalg.svd(W, full_matrices=False)
        lower.append((U[:, :-1] * S[:-1]) @ V[:-1])
    return Weights((theta.weights[0], *lower), theta.biases)


def _looked_at(path: Path, X: Array, p: Pairs, loss: Loss, zero: float) -> dict[str, float]:
    """What every path is asked."""
    found = follow(path, X, activation(p.activation), loss, p.steps)
    a, b = path.ends
    line = follow(Path((straight("line", a, b),)), X, activation(p.activation), loss, p.steps)
    longest = max(float(np.linalg.norm(theta.flat())) for _, theta in path.points(1))
    return {
        "excess": found.excess / zero, "line": line.excess / zero, "turned": found.condition,
        "inverted": path.condition, "legs": len(path.legs),
        "weights": longest / max(float(np.linalg.norm(end.flat())) for end in (a, b)),
    }  # fmt: skip


def _finely(path: Path, X: Array, p: Pairs, loss: Loss, zero: float) -> dict[str, float]:
    steps = 2 * p.steps
    coarse, fine = (follow(path, X, activation(p.activation), loss, n) for n in (steps, steps * FINER))
    return {"change": abs(fine.largest - coarse.largest) / zero, "jump": coarse.jump / fine.jump}


# --- Theorem 3.2 ------------------------------------------------------------------------------------------------------


def pyramid_pairs(p: Pairs) -> PairsResult:
    """Theorem 3.2: `widths` decrease from the first hidden layer on, and there are no more samples than inputs."""
    rng = np.random.default_rng(p.seed)
    return _columns(_pyramid_pair(p, rng) for _ in range(p.draws))


def _pyramid_pair(p: Pairs, rng: np.random.Generator) -> dict[str, float]:
    X, Y, loss, zero = _targets(p, rng)
    room = Pyramid.of(X, activation(p.activation))
    a, b = random_weights(p.widths, rng), random_weights(p.widths, rng)
    if p.kind == "square":
        return {"opposite": bool(np.linalg.det(a.weights[1]) * np.linalg.det(b.weights[1]) < 0)}
    if p.kind == "deficient":
        a, b = _deficient(a, rng), _deficient(b, rng)
        assert all(rank_of(np.linalg.svd(W)[1], W.shape) < W.shape[1] for W in (*a.weights[1:], *b.weights[1:]))
    if p.kind == "zero":
        a, b = (room.giving(Y, end.weights[1:], end.biases) for end in (a, b))
    path = room.path(a, b, loss)
    if p.kind == "fine":
        return _finely(path, X, p, loss, zero)
    found = _looked_at(path, X, p, loss, zero)
    if p.kind in ("random", "zero"):
        plain = follow(room.straight_path(a, b, loss), X, room.sigma, loss, p.steps)
        found |= {"plain": plain.excess / zero, "lined": plain.condition}
    return found


# --- Theorem 5.1 ------------------------------------------------------------------------------------------------------


def wide_pairs(p: Pairs) -> PairsResult:
    """Theorem 5.1: n_1 is twice the number of samples, or one more than that where `few`; widths decrease from n_2."""
    rng = np.random.default_rng(p.seed)
    return _columns(_wide_pair(p, rng) for _ in range(p.draws))


def _wide_pair(p: Pairs, rng: np.random.Generator) -> dict[str, float]:
    X, Y, loss, zero = _targets(p, rng)
    room = Wide.of(X, activation(p.activation))
    a, b = (_end(p, room, Y, rng) for _ in range(2))
    path = room.path(a, b, loss, p.few)
    return _finely(path, X, p, loss, zero) if p.kind == "fine" else _looked_at(path, X, p, loss, zero)


def _end(p: Pairs, room: Wide, Y: Array, rng: np.random.Generator) -> Weights:
    """A random net; of kind "zero" one that gives Y, the first that can: of ReLUs too few may be active."""
    theta = random_weights(p.widths, rng)
    while p.kind == "zero":
        fitted = _fitted(theta, room, Y)
        if np.abs(given(fitted, room.X, room.sigma) - Y).max() < EXACT:
            return fitted
        theta = random_weights(p.widths, rng)
    return theta


def _fitted(theta: Weights, room: Wide, Y: Array) -> Weights:
    """The net with another W_2, so that it gives Y."""
    F = room.sigma.of(room.X @ theta.weights[0] + theta.biases[0])
    Z = Y
    for W, b in zip(reversed(theta.weights[2:]), reversed(theta.biases[2:]), strict=True):
        assert room.sigma.inverse is not None
        Z = room.sigma.inverse((Z - b) @ np.linalg.pinv(W))
    return theta.with_layer(2, np.linalg.lstsq(F, Z - theta.biases[1], rcond=None)[0])


# --- tables -----------------------------------------------------------------------------------------------------------


def _columns(found: Iterator[dict[str, Any]]) -> PairsResult:
    rows = list(found)
    return PairsResult(**{name: tuple(row[name] for row in rows) for name in rows[0]})


def pyramid_cells(profile: str) -> list[Pairs]:
    shapes = {
        "smoke": [("leaky", 3, (4, 4, 2))],
        "book": [("leaky", 6, (8, 6, 4, 2)), ("root", 6, (8, 5, 2))],
        "full": [("leaky", 10, (14, 8, 5, 2)), ("leaky", 10, (14, 9, 2)), ("root", 12, (16, 12, 9, 6, 3))],
    }[profile]
    sizes = {"smoke": (3, 3, 3, 1, 4), "book": (6, 5, 4, 2, 20), "full": (200, 50, 50, 10, 400)}[profile]
    return _cells("nguyen-pyramid", shapes, sizes, KINDS, False, STEPS[profile])


def wide_cells(profile: str) -> list[Pairs]:
    N, d, above = {"smoke": (2, 2, (2, 1)), "book": (5, 3, (4, 2)), "full": (10, 4, (5, 3, 2))}[profile]
    sizes = {"smoke": (2, 2, 1), "book": (5, 4, 1), "full": (200, 50, 10)}[profile]
    kinds = ("random", "zero", "fine")
    found = []
    for few, first in ((False, 2 * N), (True, N + 1)):
        shapes = [("leaky", N, (d, first, 2)), ("leaky", N, (d, first, *above)), ("relu", N, (d, first, 2))]
        found += _cells("nguyen-wide", shapes, sizes[:2], kinds[:2], few, STEPS[profile])
        found += _cells("nguyen-wide", shapes[:1], sizes[2:], kinds[2:], few, STEPS[profile])
    return found


def _cells(
    record: str, shapes: list[tuple[str, int, tuple[int, ...]]], sizes: tuple[int, ...], kinds: tuple[str, ...],
    few: bool, steps: int,
) -> list[Pairs]:  # fmt: skip
    found = []
    for name, samples, widths in shapes:
        for kind, draws in zip(kinds, sizes, strict=True):
            own = (*widths[:2], widths[1], *widths[3:]) if kind == "square" else widths
            place = f"{kind}, {name}, {own}, {few}"
            found.append(Pairs(kind, name, samples, own, few, steps, draws, seed_of(record, place)))
    return found


Found = list[tuple[Pairs, PairsResult]]


def of_kinds(pairs: Found, name: str, *kinds: str) -> Array:
    """A number of all pairs of nets of these kinds."""
    return np.concatenate([getattr(r, name) for p, r in pairs if p.kind in kinds])


def high_share(pairs: Found) -> Estimate:
    """Share of the pairs at zero loss whose straight line has a barrier of HIGH or more."""
    return Estimate.of_share(of_kinds(pairs, "line", "zero") > HIGH)


def shared_measures(pairs: Found) -> dict[str, Estimate]:
    """What paths of both theorems are asked."""
    fine = any(p.kind == "fine" for p, _ in pairs)
    finely = {
        "change": Estimate.exact(of_kinds(pairs, "change", "fine").max()),
        "jump_least": Estimate.exact(of_kinds(pairs, "jump", "fine").min()),
    } if fine else {}  # fmt: skip
    return finely | {
        "excess_random": Estimate.exact(of_kinds(pairs, "excess", "random").max()),
        "excess_zero": Estimate.exact(of_kinds(pairs, "excess", "zero").max()),
        "line_high": high_share(pairs),
        "line_barrier": Estimate.exact(float(np.median(of_kinds(pairs, "line", "zero")))),
        "inverted": Estimate.exact(of_kinds(pairs, "inverted", "random", "zero").max()),
        "weights": Estimate.exact(of_kinds(pairs, "weights", "random", "zero").max()),
    }


def pyramid_measures(pairs: Found) -> dict[str, Estimate]:
    return shared_measures(pairs) | {
        "excess_deficient": Estimate.exact(of_kinds(pairs, "excess", "deficient").max()),
        "excess_plain": Estimate.exact(of_kinds(pairs, "plain", "random", "zero").max()),
        "turned": Estimate.exact(of_kinds(pairs, "turned", "random", "zero").max()),
        "lined": Estimate.exact(of_kinds(pairs, "lined", "random", "zero").max()),
        "opposite": Estimate.of_share(of_kinds(pairs, "opposite", "square")),
    }


def wide_measures(pairs: Found) -> dict[str, Estimate]:
    found = {}
    for few, name in ((False, "twice"), (True, "more")):
        for sigma in ("leaky", "relu"):
            own = [(p, r) for p, r in pairs if p.few == few and p.activation == sigma]
            found |= {f"{measure}_{name}_{sigma}": e for measure, e in shared_measures(own).items()}
    return found


EXPERIMENTS = {
    "nguyen-pyramid": Experiment(pyramid_cells, pyramid_pairs, pyramid_measures, label=labels.pyramid),
    "nguyen-wide": Experiment(wide_cells, wide_pairs, wide_measures, label=labels.wide),
}
