"""Level sets themselves: the two pieces of a net with one unit, and rays along which the loss stays what it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.papers.nguyen2019 import labels
from reversible.papers.nguyen2019.laws import one_unit
from reversible.papers.nguyen2019.laws.pyramid import Pyramid
from reversible.papers.nguyen2019.nets import Weights, activation, given, random_weights, squares
from reversible.runs.experiment import Experiment, seed_of

Array = np.ndarray
SIDE = 6.0  # R: of the window [-R, R]^2
LEVELS = (0.1, 0.4, 0.6)  # of the loss; one half is between the last two
UNITS = ("leaky", "tanh", "relu")
RAYS = ("scaling", "shift")
SWEEPS = 500  # of balancing layer by layer


@dataclass(frozen=True)
class OneUnit:
    """{loss <= a} of the net with one unit, on a grid that is a little larger than [-R, R]^2 by chance."""

    activation: str
    points: int
    seed: int


@dataclass(frozen=True)
class OneUnitResult:
    """By level: pieces on the grid, areas of both signs, and those by the law; at last the lowest pass."""

    side: float
    pieces: tuple[int, ...]
    areas: tuple[tuple[float, float], ...]
    law: tuple[tuple[float, float], ...]
    lowest: float  # zero where there is one piece alone


def levels(p: OneUnit) -> OneUnitResult:
    side = SIDE * (1 + 0.1 * np.random.default_rng(p.seed).random())
    found = [one_unit.pieces(a, side, p.points, p.activation) for a in LEVELS]
    lowest = one_unit.lowest_pass(side, p.points // 4 * 2, p.activation) if p.activation == "leaky" else 0.0
    return OneUnitResult(
        side, tuple(n for n, _, _ in found), tuple((above, below) for _, above, below in found),
        tuple(one_unit.areas(a, side) for a in LEVELS), lowest,
    )  # fmt: skip


def one_unit_cells(profile: str) -> list[OneUnit]:
    points = {"smoke": 400, "book": 1000, "full": 4000}[profile]
    return [OneUnit(name, points, seed_of("nguyen-one-unit", name)) for name in UNITS]


def one_unit_measures(pairs: list[tuple[OneUnit, OneUnitResult]]) -> dict[str, Estimate]:
    found = {}
    for p, r in pairs:
        for a, count in zip(LEVELS, r.pieces, strict=True):
            found[f"pieces_{p.activation}_{labels.place_of(a)}"] = Estimate.exact(count)
        if p.activation == "leaky":
            off = np.abs(np.array(r.areas) / np.array(r.law) - 1)
            found |= {"areas_off": Estimate.exact(off.max()), "lowest": Estimate.exact(r.lowest)}
    return found


# --- rays -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ray:
    """Nets of decreasing widths, each taken along a ray until it is `far` times as long."""

    kind: str
    samples: int
    widths: tuple[int, ...]
    far: float
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, RAYS)


@dataclass(frozen=True)
class RayResult:
    """A number a net."""

    change: tuple[float, ...]  # the largest relative change of the loss on the ray
    longer: tuple[float, ...]  # length of all weights at its end over that at its beginning
    balanced: tuple[float, ...]  # the same of the balanced nets


def rays(p: Ray) -> RayResult:
    rng = np.random.default_rng(p.seed)
    return RayResult(*zip(*(_ray(p, rng) for _ in range(p.draws)), strict=True))


def _ray(p: Ray, rng: np.random.Generator) -> tuple[float, float, float]:
    X, Y = rng.standard_normal((p.samples, p.widths[0])), rng.standard_normal((p.samples, p.widths[-1]))
    room, loss = Pyramid.of(X, activation("leaky")), squares(Y)
    theta = random_weights(p.widths, rng)
    start = room.giving(given(theta, X, room.sigma), theta.weights[1:], theta.biases)
    nets = [_along(p, room, start, c) for c in np.geomspace(1, p.far, 13)]
    losses = np.array([loss(given(net, X, room.sigma)) for net in nets])
    lengths = [[np.linalg.norm(net.flat()), np.linalg.norm(balanced(net).flat())] for net in (nets[0], nets[-1])]
    longer, own = np.array(lengths[1]) / np.array(lengths[0])
    return float(np.abs(losses / losses[0] - 1).max()), float(longer), float(own)


def _along(p: Ray, room: Pyramid, theta: Weights, c: float) -> Weights:
    """Scaling: the first layer times c, the second over c. Shift: the last biases go far, and what is below follows."""
    if p.kind == "scaling":
        first, second, *rest = theta.weights
        return Weights((c * first, second / c, *rest), (c * theta.biases[0], *theta.biases[1:]))
    A = given(theta, room.X, room.sigma)
    return room.giving(A, theta.weights[1:], (*theta.biases[:-1], theta.biases[-1] + c - 1))


def balanced(theta: Weights) -> Weights:
    """The shortest net that scaling of units makes of a leaky ReLU net: each unit's weights in and out equally long."""
    weights, biases = [W.copy() for W in theta.weights], [b.copy() for b in theta.biases]
    for _ in range(SWEEPS):
        for W, b, above in zip(weights[:-1], biases[:-1], weights[1:], strict=True):
            into, out = np.hypot(np.linalg.norm(W, axis=0), b), np.linalg.norm(above, axis=1)
            c = np.sqrt(out / into)
            W *= c
            b *= c
            above /= c[:, None]
    return Weights(tuple(weights), tuple(biases))


def ray_cells(profile: str) -> list[Ray]:
    draws = {"smoke": 3, "book": 10, "full": 100}[profile]
    return [Ray(kind, 10, (14, 8, 5, 2), 1e6, draws, seed_of("nguyen-unbounded", kind)) for kind in RAYS]


def ray_measures(pairs: list[tuple[Ray, RayResult]]) -> dict[str, Estimate]:
    found = {}
    for p, r in pairs:
        found |= {
            f"change_{p.kind}": Estimate.exact(max(r.change)),
            f"longer_{p.kind}": Estimate.exact(min(r.longer)),
            f"balanced_{p.kind}": Estimate.exact(max(r.balanced) if p.kind == "scaling" else min(r.balanced)),
        }
    return found


EXPERIMENTS = {
    "nguyen-one-unit": Experiment(one_unit_cells, levels, one_unit_measures, label=labels.one_unit),
    "nguyen-unbounded": Experiment(ray_cells, rays, ray_measures, label=labels.unbounded),
}
