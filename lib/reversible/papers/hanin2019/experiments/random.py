"""Random nets: the pieces of whole lines and of planes, and how far a point is from the nearest switch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reversible.base.estimates import Estimate, furthest, jackknife, logs, pooled, smallest
from reversible.nets.pieces import Pieces, nearest, pieces, whole_line
from reversible.nets.polygons import Window, tiling
from reversible.papers.hanin2019 import labels
from reversible.papers.hanin2019.nets import random_net
from reversible.runs.experiment import Experiment, seed_of
from reversible.theory import regions as laws

Array = np.ndarray


@dataclass(frozen=True)
class Lines:
    """Nets of `depth` layers of `width`, each with a line x + t u: |x| = offset sqrt(inputs), u at random."""

    depth: int
    width: int
    inputs: int
    s: float  # standard deviation of biases
    offset: float
    draws: int
    seed: int

    @property
    def neurons(self) -> int:
        return self.depth * self.width


@dataclass(frozen=True)
class LinesResult:
    """A number a net."""

    activation: tuple[int, ...]
    linear: tuple[int, ...]


def lines(p: Lines) -> LinesResult:
    rng = np.random.default_rng(p.seed)
    found = [_line(p, rng) for _ in range(p.draws)]
    return LinesResult(tuple(f.activation_regions for f in found), tuple(f.linear_regions for f in found))


def _line(p: Lines, rng: np.random.Generator) -> Pieces:
    net = random_net((p.inputs, *(p.width,) * p.depth, 1), p.s, rng)
    x, u = rng.standard_normal((2, p.inputs))
    return pieces(net, whole_line(p.offset * np.sqrt(p.inputs) * x / np.linalg.norm(x), u))


def line_cells(profile: str) -> list[Lines]:
    depths = {"smoke": (1, 2), "book": (1, 2, 4), "full": (1, 2, 4, 8)}[profile]
    widths = {"smoke": (8, 16), "book": (16, 32), "full": (16, 32, 64, 96)}[profile]
    draws = {"smoke": 6, "book": 30, "full": 5000}[profile]
    return [
        Lines(depth, width, 10, 0.1, 1.0, draws, seed_of("hanin-lines", f"{depth} x {width}"))
        for depth in depths for width in widths
    ]  # fmt: skip


def per_neuron(p: Lines, r: LinesResult) -> Estimate:
    """Cuts of a line a neuron."""
    return Estimate.of((np.array(r.activation) - 1) / p.neurons)


def line_measures(pairs: list[tuple[Lines, LinesResult]]) -> dict[str, Estimate]:
    measures = {
        "per_neuron_off": furthest([per_neuron(p, r) for p, r in pairs], 1),
        "linear_share": smallest([Estimate.of((np.array(r.linear) - 1) / _cuts(r)) for _, r in pairs]),
        "regions_largest": Estimate.of(max(pairs, key=lambda pair: pair[0].neurons)[1].linear),
    }
    exponents = []
    for depth in sorted({p.depth for p, _ in pairs}):
        same = [(p, r) for p, r in pairs if p.depth == depth]
        measures[f"per_neuron_depth_{depth}"] = pooled([per_neuron(p, r) for p, r in same])
        exponents.append(exponent([p.neurons for p, _ in same], [np.array(r.linear) - 1.0 for _, r in same]))
        measures[f"exponent_{depth}"] = exponents[-1]
    return measures | {"exponent_off": furthest(exponents, 1)}


def _cuts(r: LinesResult) -> Array:
    return np.maximum(np.array(r.activation) - 1, 1)


def exponent(sizes: list[int], drawn: list[Array]) -> Estimate:
    """Slope of the log of the mean of each sample on the log of its size; interval by the jackknife over draws."""
    x = logs(sizes) - logs(sizes).mean()
    return jackknife(lambda *columns: float(x @ logs(c.mean() for c in columns) / (x @ x)), *drawn)


def setting_cells(profile: str) -> list[Lines]:
    inputs = {"smoke": (1, 10), "book": (1, 10), "full": (1, 10, 100)}[profile]
    scales = {"smoke": (0.0, 0.1), "book": (0.0, 0.1, 1.0), "full": (0.0, 0.001, 0.1, 1.0)}[profile]
    offsets = {"smoke": (0.0, 1.0), "book": (0.0, 1.0), "full": (0.0, 1.0, 10.0)}[profile]
    depth, width, draws = {"smoke": (2, 16, 6), "book": (2, 32, 20), "full": (3, 64, 2000)}[profile]
    return [
        Lines(depth, width, n, s, offset, draws, seed_of("hanin-settings", f"{n}, {s}, {offset}"))
        for n in inputs for s in scales for offset in offsets
    ]  # fmt: skip


def setting_measures(pairs: list[tuple[Lines, LinesResult]]) -> dict[str, Estimate]:
    biased = [per_neuron(p, r) for p, r in pairs if p.s > 0]
    at_zero = [r for p, r in pairs if p.s == 0 and (p.offset == 0 or p.inputs == 1)]  # in 1-D each line is through 0
    past_zero = [per_neuron(p, r) for p, r in pairs if p.s == 0 and p.offset > 0 and p.inputs > 1]
    return {
        "per_neuron_off": furthest(biased, 1),
        "per_neuron": pooled(biased),
        "through_zero": Estimate.exact(max(count for r in at_zero for count in r.activation)),
        "past_zero": pooled(past_zero),
    }


# --- distance ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Distance:
    """Nets, and points with |x|^2 = inputs for each of them."""

    depth: int
    width: int
    inputs: int
    s: float
    points: int  # a net
    draws: int
    seed: int

    @property
    def neurons(self) -> int:
        return self.depth * self.width


@dataclass(frozen=True)
class DistanceResult:
    """The mean over its points, a number a net."""

    distance: tuple[float, ...]


def distance(p: Distance) -> DistanceResult:
    rng = np.random.default_rng(p.seed)
    return DistanceResult(tuple(_distance(p, rng) for _ in range(p.draws)))


def _distance(p: Distance, rng: np.random.Generator) -> float:
    net = random_net((p.inputs, *(p.width,) * p.depth, 1), p.s, rng)
    x = rng.standard_normal((p.points, p.inputs))
    x *= np.sqrt(p.inputs) / np.linalg.norm(x, axis=1, keepdims=True)
    return float(nearest(net, x).mean())


def distance_cells(profile: str) -> list[Distance]:
    depths = {"smoke": (1, 2), "book": (1, 2), "full": (1, 2, 4)}[profile]
    widths = {"smoke": (16, 32), "book": (32, 64), "full": (64, 128, 256)}[profile]
    inputs, points, draws = {"smoke": (50, 4, 4), "book": (100, 5, 20), "full": (784, 10, 400)}[profile]
    return [
        Distance(depth, width, inputs, 0.01, points, draws, seed_of("hanin-distance", f"{depth} x {width}"))
        for depth in depths for width in widths
    ]  # fmt: skip


def over_law(p: Distance, r: DistanceResult) -> Estimate:
    return Estimate.of(np.array(r.distance) / laws.distance((p.width,) * p.depth, 1.0, p.s))


def distance_measures(pairs: list[tuple[Distance, DistanceResult]]) -> dict[str, Estimate]:
    most = max(p.neurons for p, _ in pairs)
    largest = next((p, r) for p, r in pairs if p.neurons == most)
    return {
        "exponent": exponent([p.neurons for p, _ in pairs], [np.array(r.distance) for _, r in pairs]),
        "law_off": furthest([over_law(p, r) for p, r in pairs], 1),
        "neurons_times_distance": Estimate.of(most * np.array(largest[1].distance)),
    }


# --- planes -----------------------------------------------------------------------------------------------------------

REACH = 1000.0  # half the side of the window, in deviations of the biases: all but a thousandth of a plane's pieces


@dataclass(frozen=True)
class Plane:
    """Nets on a plane, in a window that is as good as all of it."""

    depth: int
    width: int
    draws: int
    seed: int

    @property
    def neurons(self) -> int:
        return self.depth * self.width


@dataclass(frozen=True)
class PlaneResult:
    """A number a net."""

    activation: tuple[int, ...]
    linear: tuple[int, ...]


def plane(p: Plane) -> PlaneResult:
    rng = np.random.default_rng(p.seed)
    window = Window.of(np.zeros(2), [1, 0], [0, 1], (-REACH, -REACH), (REACH, REACH))
    found = [tiling(random_net((2, *(p.width,) * p.depth, 1), 1.0, rng), window) for _ in range(p.draws)]
    return PlaneResult(tuple(f.activation_regions for f in found), tuple(f.linear_regions for f in found))


def plane_cells(profile: str) -> list[Plane]:
    neurons = {"smoke": (12,), "book": (24,), "full": (24, 36, 60)}[profile]
    draws = {"smoke": 4, "book": 10, "full": 400}[profile]
    depths = {"smoke": (1, 2), "book": (1, 2, 3), "full": (1, 2, 3)}[profile]
    return [
        Plane(depth, count // depth, draws, seed_of("hanin-plane", f"{depth} x {count // depth}"))
        for depth in depths for count in neurons
    ]  # fmt: skip


def over_lines(p: Plane, r: PlaneResult) -> Estimate:
    return Estimate.of(np.array(r.activation) / laws.regions_of_plane(p.neurons))


def plane_measures(pairs: list[tuple[Plane, PlaneResult]]) -> dict[str, Estimate]:
    deepest = max(p.depth for p, _ in pairs)
    halves = [Estimate.of(np.array(r.activation) / (p.neurons**2 / 2)) for p, r in pairs]
    return {
        "half_square_off": furthest(halves, 1),
        "lines_off": furthest([over_lines(p, r) for p, r in pairs], 1),
        "one_layer_over_lines": pooled([over_lines(p, r) for p, r in pairs if p.depth == 1]),
        "deep_over_lines": pooled([over_lines(p, r) for p, r in pairs if p.depth == deepest]),
        "linear_share": smallest([Estimate.of(np.array(r.linear) / np.array(r.activation)) for _, r in pairs]),
    }


EXPERIMENTS = {
    "hanin-lines": Experiment(line_cells, lines, line_measures, label=labels.lines),
    "hanin-settings": Experiment(setting_cells, lines, setting_measures, label=labels.settings),
    "hanin-distance": Experiment(distance_cells, distance, distance_measures, label=labels.distance),
    "hanin-plane": Experiment(plane_cells, plane, plane_measures, label=labels.plane),
}
