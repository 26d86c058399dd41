"""Random bias-free nets: what they are on a cone, and how many cones there are with depth and with skips."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, jackknife, largest, pooled, smallest
from reversible.nets.pieces import Pieces, circle, pieces
from reversible.nets.program import Program
from reversible.papers.ye2019 import labels, laws
from reversible.papers.ye2019.nets import Coder, circular, random_coder, space
from reversible.runs.experiment import Experiment, seed_of

Array = np.ndarray


def slice_of(program: Program, rng: np.random.Generator) -> Pieces:
    """The pieces of a circle around the origin in a random plane: as many as cones of the plane."""
    first, second = rng.standard_normal((2, program.inputs))
    return pieces(program, circle(np.zeros(program.inputs), 1.0, first, second))


# --- y = J(x) x -------------------------------------------------------------------------------------------------------

FRAMES = ("skips", "plain", "biased")


@dataclass(frozen=True)
class Frame:
    """Random nets of a kind, and inputs for each."""

    kind: str
    length: int
    channels: tuple[int, ...]
    inputs: int  # a net
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, FRAMES)


@dataclass(frozen=True)
class FrameResult:
    """A number a net: the largest |y - J(x) x| / |y|, and how far J(3 x) and J(x) differ at most."""

    error: tuple[float, ...]
    scaled: tuple[float, ...]


def frame(p: Frame) -> FrameResult:
    rng = np.random.default_rng(p.seed)
    found = [_frame(p, rng) for _ in range(p.draws)]
    return FrameResult(tuple(a for a, _ in found), tuple(b for _, b in found))


def _frame(p: Frame, rng: np.random.Generator) -> tuple[float, float]:
    coder = random_coder(p.length, p.channels, rng, 0.1 if p.kind == "biased" else 0.0)
    coder = coder.without_skips() if p.kind == "plain" else coder
    x = rng.standard_normal((p.inputs, p.length))
    errors, scaled = [], []
    for one, y in zip(x, coder.program()(x), strict=True):
        J = coder.frame(one)
        errors.append(float(np.linalg.norm(y - J @ one)) / max(float(np.linalg.norm(y)), 1e-12))
        scaled.append(float(np.abs(coder.frame(3 * one) - J).max()))
    return max(errors), max(scaled)


def frame_cells(profile: str) -> list[Frame]:
    channels, inputs, draws = {
        "smoke": ((2, 2), 5, 3), "book": ((2, 4), 20, 5), "full": ((4, 8), 100, 20)
    }[profile]  # fmt: skip
    return [Frame(kind, 16, channels, inputs, draws, seed_of("ye-frame", kind)) for kind in FRAMES]


def frame_measures(pairs: list[tuple[Frame, FrameResult]]) -> dict[str, Estimate]:
    found = {}
    for p, r in pairs:
        worst = min(r.error) if p.kind == "biased" else max(r.error)
        found[f"error_{p.kind}"] = Estimate.exact(worst)
        found[f"scaled_{p.kind}"] = Estimate.exact(max(r.scaled))
    return found


# --- one layer --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """One bias-free layer of so many neurons: dense, or a circular convolution of two taps on three samples."""

    kind: str
    inputs: int
    neurons: int
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, ("dense", "local"))

    @property
    def law(self) -> int:
        """The number of patterns that the chapter proves."""
        return laws.cones(self.neurons, self.inputs) if self.kind == "dense" else laws.local_cones(self.neurons // 3)


@dataclass(frozen=True)
class LayerResult:
    """A number a net."""

    patterns: tuple[int, ...]


def layer(p: Layer) -> LayerResult:
    rng = np.random.default_rng(p.seed)
    return LayerResult(tuple(_layer(p, rng) for _ in range(p.draws)))


def _layer(p: Layer, rng: np.random.Generator) -> int:
    if p.kind == "dense":
        W = rng.standard_normal((p.neurons, p.inputs))
    else:
        W = circular(rng.standard_normal((p.neurons // 3, 1, 2)), 3)
    net = Program.of([(W, np.zeros(p.neurons)), (np.ones((1, p.neurons)), np.zeros(1))])
    if p.inputs == 3:
        return space(net)
    return pieces(net, circle([0, 0], 1.0, [1, 0], [0, 1])).activation_regions


def layer_cells(profile: str) -> list[Layer]:
    sizes = {"smoke": (3, 6), "book": (3, 6, 9), "full": tuple(range(2, 13))}[profile]
    draws = {"smoke": 2, "book": 3, "full": 20}[profile]
    asked = [("dense", n, count) for n in (2, 3) for count in sizes]
    asked += [("local", 3, count) for count in (3, 6, 9, 12) if count <= sizes[-1]]
    return [Layer(*what, draws, seed_of("ye-arrangement", f"{what}")) for what in asked]


def layer_measures(pairs: list[tuple[Layer, LayerResult]]) -> dict[str, Estimate]:
    found = {}
    for kind in ("dense", "local"):
        off = sum(count != p.law for p, r in pairs if p.kind == kind for count in r.patterns)
        found[f"misses_{kind}"] = Estimate.exact(off)
    most = max((p for p, _ in pairs if p.kind == "local"), key=lambda p: p.neurons)
    counts = next(r.patterns for p, r in pairs if p == most)
    found["local_share"] = Estimate.exact(max(counts) / laws.cones(most.neurons, 3))
    return found


# --- with depth -------------------------------------------------------------------------------------------------------

DEPTHS = ("dense", "conv", "space")


@dataclass(frozen=True)
class Depth:
    """Bias-free nets of `depth` layers: in a plane, dense ones or convolutions; in all of space of three inputs."""

    kind: str
    width: int
    depth: int
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, DEPTHS)

    @property
    def neurons(self) -> int:
        return self.width * self.depth


def depth(p: Depth) -> LayerResult:
    rng = np.random.default_rng(p.seed)
    return LayerResult(tuple(_depth(p, rng) for _ in range(p.draws)))


def _depth(p: Depth, rng: np.random.Generator) -> int:
    inputs = 3 if p.kind == "space" else 8
    matrices = []
    for place in range(p.depth):
        into = p.width if place else inputs
        if p.kind == "conv":
            out, channels = p.width // inputs, (p.width // inputs if place else 1)
            filters = rng.standard_normal((out, channels, 3)) * math.sqrt(2 / (3 * channels))
            matrices.append(circular(filters, inputs))
        else:
            matrices.append(rng.standard_normal((p.width, into)) * math.sqrt(2 / into))
    matrices.append(rng.standard_normal((1, p.width)))
    net = Program.of([(W, np.zeros(len(W))) for W in matrices])
    return space(net) if p.kind == "space" else slice_of(net, rng).activation_regions


def depth_cells(profile: str) -> list[Depth]:
    deep = {"smoke": (1, 2, 3), "book": (1, 2, 4), "full": (1, 2, 3, 4, 5, 6, 7, 8)}[profile]
    draws = {"smoke": 4, "book": 20, "full": 500}[profile]
    asked = [(kind, 16, one, draws) for kind in ("dense", "conv") for one in deep]
    asked += [("space", 8, one, max(2, draws // 10)) for one in deep if one <= 4]
    return [Depth(*what, seed_of("ye-depth", f"{what[:3]}")) for what in asked]


def _fits(deep: Array, counts: tuple[Array, ...]) -> tuple[float, float, float]:
    """Power of depth, doublings a layer, and by how much the exponential's misfit is the larger, in logs."""
    y = np.log([c.mean() for c in counts])
    slopes, misfits = [], []
    for x in (np.log(deep), deep):
        design = np.stack([x, np.ones(len(x))], 1)
        coefficients, *_ = np.linalg.lstsq(design, y, rcond=None)
        slopes.append(float(coefficients[0]))
        misfits.append(float(np.sqrt(np.square(y - design @ coefficients).mean())))
    return slopes[0], slopes[1] / math.log(2), misfits[1] - misfits[0]


def depth_measures(pairs: list[tuple[Depth, LayerResult]]) -> dict[str, Estimate]:
    found = {}
    for kind in DEPTHS:
        same = sorted(
            ((p, np.array(r.patterns, float)) for p, r in pairs if p.kind == kind), key=lambda at: at[0].depth
        )
        deep = np.array([p.depth for p, _ in same], float)
        for place, name in enumerate(("power", "doublings", "exponential_worse")):
            found[f"{name}_{kind}"] = jackknife(lambda *c, at=place, d=deep: _fits(d, c)[at], *(c for _, c in same))
        law = [laws.cones(p.neurons, 3 if kind == "space" else 2) for p, _ in same]
        shares = [Estimate.of(c / most) for (_, c), most in zip(same, law, strict=True)]
        found |= {f"least_share_{kind}": smallest(shares), f"most_share_{kind}": largest(shares)}
        found[f"deepest_{kind}"] = Estimate.of(same[-1][1])
    return found


# --- with skips -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Skips:
    """Random encoder-decoders, each with its skips and with the same filters but those of the skips."""

    length: int
    channels: tuple[int, ...]
    draws: int
    seed: int


@dataclass(frozen=True)
class SkipsResult:
    """A number a net, in the same random plane for both."""

    neurons: int
    with_skips: tuple[int, ...]
    plain: tuple[int, ...]
    maps_with_skips: tuple[int, ...]  # linear regions
    maps_plain: tuple[int, ...]


def skips(p: Skips) -> SkipsResult:
    rng = np.random.default_rng(p.seed)
    found = []
    for _ in range(p.draws):
        coder = random_coder(p.length, p.channels, rng)
        first, second = rng.standard_normal((2, p.length))
        around = circle(np.zeros(p.length), 1.0, first, second)
        one, other = (pieces(net.program(), around) for net in (coder, coder.without_skips()))
        found.append((one.activation_regions, other.activation_regions, one.linear_regions, other.linear_regions))
    return SkipsResult(neurons_of(coder), *(tuple(column) for column in zip(*found, strict=True)))  # pyright: ignore[reportPossiblyUnboundVariable]


def neurons_of(coder: Coder) -> int:
    """ReLUs: the end of the decoder has none."""
    up, down = coder.matrices
    return sum(len(W) for W in up) + sum(len(W) for W in down[:-1])


def skip_cells(profile: str) -> list[Skips]:
    asked = {
        "smoke": [(8, (2,)), (8, (2, 2))],
        "book": [(8, (2,)), (8, (2, 2))],
        "full": [(8, (2,)), (8, (2, 2)), (16, (2, 4)), (16, (2, 4, 8))],
    }[profile]
    draws = {"smoke": 4, "book": 20, "full": 400}[profile]
    return [Skips(*what, draws, seed_of("ye-skips", f"{what}")) for what in asked]  # pyright: ignore[reportCallIssue]


def gain(above: tuple[int, ...], below: tuple[int, ...]) -> Estimate:
    """The ratio of the means of two counts that are paired by net."""
    return jackknife(lambda a, b: float(a.mean() / b.mean()), np.array(above, float), np.array(below, float))


def skip_measures(pairs: list[tuple[Skips, SkipsResult]]) -> dict[str, Estimate]:
    deep = [(p, r) for p, r in pairs if len(p.channels) > 1]
    patterns = [gain(r.with_skips, r.plain) for _, r in deep]
    maps = [gain(r.maps_with_skips, r.maps_plain) for _, r in deep]
    found = {
        "least_gain": smallest(patterns), "most_gain": largest(patterns),
        "least_gain_maps": smallest(maps), "most_gain_maps": largest(maps),
        "share_skips": pooled([Estimate.of(np.array(r.with_skips) / (2 * r.neurons)) for _, r in deep]),
        "share_plain": pooled([Estimate.of(np.array(r.plain) / (2 * r.neurons)) for _, r in deep]),
    }  # fmt: skip
    one = [r for p, r in pairs if len(p.channels) == 1]
    differ = sum(a != b for r in one for a, b in zip(r.with_skips, r.plain, strict=True))
    return found | {"one_level_differs": Estimate.exact(differ)}


EXPERIMENTS = {
    "ye-frame": Experiment(frame_cells, frame, frame_measures, label=labels.frame),
    "ye-arrangement": Experiment(layer_cells, layer, layer_measures, label=labels.arrangement),
    "ye-depth": Experiment(depth_cells, depth, depth_measures, label=labels.depth),
    "ye-skips": Experiment(skip_cells, skips, skip_measures, label=labels.skips),
}
