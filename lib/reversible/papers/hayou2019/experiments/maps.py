"""The maps of infinitely wide nets, iterated: on the edge, off it, from which variances, and with skips. All exact."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.hayou2019 import labels
from reversible.papers.hayou2019.laws import S, relu_root
from reversible.runs.experiment import Experiment, seed_of
from reversible.theory.activations import Activation, activation
from reversible.theory.edges import bias_on_edge, edge, fixed_points, kinked_rate, smooth_rate
from reversible.theory.mean_field import Field

Array = np.ndarray


def field_on_edge(name: str, s_b: float, residual: bool = False) -> tuple[Field, float]:
    """A net on the edge of an activation, and the variance that stays; 1 where every one does."""
    a = activation(name)
    found = edge(a, s_b)
    return Field(a, found.s_w, s_b, residual), 1.0 if math.isnan(found.q) else found.q


@dataclass(frozen=True)
class Path:
    """Two inputs of one variance on the edge of an activation, layer by layer."""

    name: str
    s_b: float
    c: float  # the correlation they begin with
    layers: int
    seed: int  # nothing is drawn


@dataclass(frozen=True)
class PathResult:
    """1 - c at the layers of `seen`, and what law it should follow."""

    layers: tuple[int, ...]
    gaps: tuple[float, ...]
    power: int  # of l with which it falls by the law
    rate: float  # what l^power (1 - c_l) tends to by the law


def seen(layers: int) -> tuple[int, ...]:
    """Layers to look at, more of them at first."""
    return tuple(sorted({*range(1, 21), *np.geomspace(20, layers, 60).round().astype(int).tolist()}))


def path(p: Path) -> PathResult:
    field, q = field_on_edge(p.name, p.s_b)
    gaps = field.at(q).gaps(1 - p.c, p.layers)
    smooth = field.activation.is_smooth
    rate = smooth_rate(field, q) if smooth else kinked_rate(field, q)
    at = seen(p.layers)
    return PathResult(at, tuple(float(gaps[layer]) for layer in at), 1 if smooth else 2, rate)


# --- ReLU -------------------------------------------------------------------------------------------------------------


def relu_cells(profile: str) -> list[Path]:
    layers = {"smoke": 2000, "book": 10_000, "full": 10_000}[profile]
    return [Path("relu", 0.0, c, layers, seed_of("hayou-relu", f"{c}")) for c in (0.0, 0.5, 0.9)]


def logarithmic(r: PathResult, first: int = 100) -> tuple[Array, Array]:
    """Layers from `first` on, and 1 - c by the law with its logarithm, its constant taken at the last of them."""
    layers = np.array(r.layers, float)
    constant = r.gaps[-1] ** -0.5 - relu_root(layers[-1:], 0.0)[0]
    kept = layers[layers >= first]
    return kept, relu_root(kept, float(constant)) ** -2


def limit_by_slope(r: PathResult) -> float:
    """4 / s^2, with s from how (1 - c)^{-1/2} grows in the last half of the layers, its logarithm taken off."""
    layers = np.array(r.layers, float)
    half = int(np.abs(layers - layers[-1] / 2).argmin())
    (u, v), (a, b) = (np.array(r.gaps)[[half, -1]] ** -0.5, layers[[half, -1]])
    return float(4 / ((v - u) / ((b - a) / 2 + 0.75 * math.log(b / a))) ** 2)


def relu_measures(pairs: list[tuple[Path, PathResult]]) -> dict[str, Estimate]:
    last, with_log, without, slopes, constants = [], [], [], [], {}
    for p, r in pairs:
        layers, law = logarithmic(r)
        gaps = np.array(r.gaps)[-len(layers) :]
        with_log.append(float(np.abs(gaps / law - 1).max()))
        without.append(float(abs(gaps[0] * layers[0] ** 2 / r.rate - 1)))
        slopes.append(abs(limit_by_slope(r) / r.rate - 1))
        last.append(abs(gaps[-1] * layers[-1] ** 2 / r.rate - 1))
        constants[f"constant_{int(10 * p.c)}"] = r.gaps[-1] ** -0.5 - relu_root(layers[-1:], 0.0)[0]
    exact = {
        "limit_off": max(last),
        "slope_off": max(slopes),
        "log_off": max(with_log),
        "plain_off": min(without),
        "rate": 4 / S**2,
    }
    return {name: Estimate.exact(float(value)) for name, value in (exact | constants).items()}


# --- others on their edges --------------------------------------------------------------------------------------------

SMOOTH = ("tanh", "elu", "swish", "gelu")
KINKED = ("selu",)


def smooth_cells(profile: str) -> list[Path]:
    layers = {"smoke": 2000, "book": 2000, "full": 20_000}[profile]
    names = (*SMOOTH, *KINKED)
    asked = [
        Path(name, s_b, 0.5, layers, seed_of("hayou-smooth", f"{name}, {s_b}")) for name in names for s_b in (0.2, 0.5)
    ]
    return [*asked, Path("relu", 0.0, 0.5, layers, seed_of("hayou-smooth", "relu"))]


def at_layer(r: PathResult, layer: int) -> tuple[int, float]:
    """The nearest layer that was looked at, and 1 - c there."""
    place = int(np.abs(np.array(r.layers) - layer).argmin())
    return r.layers[place], r.gaps[place]


def over_rate(r: PathResult, layer: int) -> float:
    """l^power (1 - c_l) over the law's constant."""
    at, gap = at_layer(r, layer)
    return at**r.power * gap / r.rate


def exponent(r: PathResult) -> float:
    """Slope of ln (1 - c) over ln l in the last decade."""
    layers, gaps = np.array(r.layers, float), np.array(r.gaps)
    last = layers >= layers[-1] / 10
    x, y = np.log(layers[last]), np.log(gaps[last])
    return float(np.polyfit(x, y, 1)[0])


def approach(r: PathResult) -> float:
    """Slope of the log of |l (1 - c) over its law, less one| over ln l in the last decade."""
    layers, gaps = np.array(r.layers, float), np.array(r.gaps)
    last = layers >= layers[-1] / 10
    off = np.abs(layers**r.power * gaps / r.rate - 1)
    return float(np.polyfit(np.log(layers[last]), np.log(off[last]), 1)[0])


def smooth_measures(pairs: list[tuple[Path, PathResult]]) -> dict[str, Estimate]:
    relu = next(r for p, r in pairs if p.name == "relu")
    found: dict[str, float] = {}
    for p, r in pairs:
        if p.name in SMOOTH:
            found[f"over_law_{p.name}_{int(10 * p.s_b)}"] = over_rate(r, 2000)
    smooth = [(p, r) for p, r in pairs if p.name in SMOOTH]
    kinked = [r for p, r in pairs if p.name in KINKED]
    found["tanh_off"] = max(abs(over_rate(r, 2000) - 1) for p, r in smooth if p.name == "tanh")
    found["law_off"] = max(abs(over_rate(r, 2000) - 1) for _, r in smooth)
    found["elu_power"] = max((approach(r) for p, r in smooth if p.name == "elu"), key=lambda e: abs(e + 0.5))
    found["kinked_exponent"] = max((exponent(r) for r in kinked), key=lambda e: abs(e + 2))
    found["smooth_exponent"] = max((exponent(r) for _, r in smooth), key=lambda e: abs(e + 1))
    slower = {p.name: min(at_layer(r, 100)[1] for q, r in smooth if q.name == p.name) for p, _ in smooth}
    found["slower"] = min(gap for name, gap in slower.items() if name != "gelu") / at_layer(relu, 100)[1]
    found["kinked_slower"] = min(at_layer(r, 100)[1] for r in kinked) / at_layer(relu, 100)[1]
    return {name: Estimate.exact(value) for name, value in found.items()}


# --- which fixed points attract ---------------------------------------------------------------------------------------

ATTRACTING, OTHERS = ("tanh", "elu", "selu"), ("swish", "gelu")
NONE = "softplus"


@dataclass(frozen=True)
class Start:
    """A net on the edge, and a variance that is `times` the one that stays."""

    name: str
    s_b: float
    times: float
    layers: int
    seed: int


@dataclass(frozen=True)
class StartResult:
    """F'(q*), and q_l / q* at each layer; a variance beyond 1e12 times q* is written as that."""

    slope: float
    ratios: tuple[float, ...]


def start(p: Start) -> StartResult:
    field, q = field_on_edge(p.name, p.s_b)
    ratios = np.minimum(field.variances(p.times * q, p.layers) / q, 1e12)
    return StartResult(field.attraction(q), tuple(float(f"{r:.9g}") for r in ratios))


def edge_cells(profile: str) -> list[Start]:
    layers = {"smoke": 50, "book": 200, "full": 200}[profile]
    biases = {"smoke": (0.2,), "book": (0.2,), "full": (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)}[profile]
    return [
        Start(name, s_b, times, layers, seed_of("hayou-edges", f"{name}, {s_b}, {times}"))
        for name in (*ATTRACTING, *OTHERS) for s_b in biases for times in (0.5, 2.0)
    ]  # fmt: skip


def room_for_edge(a: Activation) -> float:
    """The largest s_b^2 / q on the edge over variances from 1e-6 to 1e6; below zero there is no edge."""
    q = np.geomspace(1e-6, 1e6, 600)
    return float((bias_on_edge(a, q) / q).max())


def edge_measures(pairs: list[tuple[Start, StartResult]]) -> dict[str, Estimate]:
    found: dict[str, float] = {}
    for kind, names in (("attracting", ATTRACTING), ("other", OTHERS)):
        own = [(p, r) for p, r in pairs if p.name in names]
        here = [r for p, r in own if p.s_b == 0.2]
        found[f"off_{kind}"] = max(abs(r.ratios[-1] - 1) for r in here)
        found[f"slope_{kind}"] = max(r.slope for _, r in own)
    for name in (*ATTRACTING, *OTHERS):
        own = [(p, r) for p, r in pairs if p.name == name and p.s_b == 0.2]
        found |= {f"slope_{name}": own[0][1].slope, f"least_{name}": min(r.ratios[-1] for _, r in own)}
        found[f"largest_log_{name}"] = math.log10(max(r.ratios[-1] for _, r in own))
    found["room_softplus"] = room_for_edge(activation(NONE))
    found["room_tanh"] = room_for_edge(activation("tanh"))
    return {name: Estimate.exact(value) for name, value in found.items()}


# --- off the edge -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Off:
    """A net at any s_w and s_b: how its variances and correlations go, to be compared with its rates."""

    name: str
    square: float  # s_w^2
    s_b: float
    q: float  # the variance it begins with
    layers: int
    seed: int


@dataclass(frozen=True)
class OffResult:
    """What a hundred layers and more show; None where it is not asked."""

    growth: float  # of the variance, a layer
    fall: float | None  # of |c - c*|, a layer
    law: float | None  # what exp(-1 / depth scale) says of that
    resting: float | None  # 1 - c*
    last: float  # the last variance


FIRST = 60  # layers before rates are read
LOST = 1e-11  # distances of a correlation from where it rests that rounding blurs


def off(p: Off) -> OffResult:
    field = Field(activation(p.name), math.sqrt(p.square), p.s_b)
    q = field.variances(p.q, p.layers)
    half = p.layers // 2
    growth = float((q[-1] / q[half]) ** (1 / (p.layers - half)))
    if not q[-1] < 2 * q[half]:
        return OffResult(growth, None, None, None, float(q[-1]))
    if p.name == "relu" and p.square == 2:
        return OffResult(growth, None, None, None, float(q[-1]))
    point = fixed_points(field)[0]
    pairs = field.at(point.q)
    rest = pairs.resting()
    away = np.abs(pairs.gaps(0.5, p.layers) - rest)
    clear = np.flatnonzero(away > max(LOST * rest, 1e-250))
    end = int(clear[-1])
    begin = min(FIRST, end // 2)
    fall = float((away[end] / away[begin]) ** (1 / (end - begin)))
    return OffResult(growth, fall, math.exp(-1 / pairs.depth_scale()), rest, float(q[-1]))


def off_cells(profile: str) -> list[Off]:
    layers = {"smoke": 200, "book": 400, "full": 400}[profile]
    relu = [(2.2, 0.0), (1.8, 0.3), (2.0, 0.3)]
    tanh = [(1.0, 0.2), (1.4, 0.2), (2.2, 0.2), (4.0, 0.2), (1.4, 0.5), (3.0, 0.5)]
    asked = [("relu", *place) for place in relu] + [("tanh", *place) for place in tanh]
    asked += [("elu", 1.2, 0.2), ("elu", 1.3, 0.5)]
    return [Off(*place, 1.0, layers, seed_of("hayou-off", f"{place}")) for place in asked]


def off_measures(pairs: list[tuple[Off, OffResult]]) -> dict[str, Estimate]:
    relu = {(p.square, p.s_b): (p, r) for p, r in pairs if p.name == "relu"}
    linear, r = relu[2.0, 0.3]
    tanh = [r for p, r in pairs if p.name != "relu"]
    found = {
        "relu_growth": relu[2.2, 0.0][1].growth,
        "relu_fall": relu[1.8, 0.3][1].fall or 0.0,
        "relu_linear": (r.last - linear.q) / linear.layers / linear.s_b**2,
        "rate_off": max(abs(math.log(one.fall or 1) / math.log(one.law or 1) - 1) for one in tanh),
        "fastest": min(one.fall or 1 for one in tanh),
        "slowest": max(one.fall or 0 for one in tanh),
    }
    return {name: Estimate.exact(value) for name, value in found.items()}


# --- residual nets ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Skips:
    """ReLU layers that add their input, without biases."""

    square: float  # s_w^2
    layers: int
    seed: int


def skips(p: Skips) -> PathResult:
    field = Field(activation("relu"), math.sqrt(p.square), 0.0, residual=True)
    gaps = field.at(1.0).gaps(0.5, p.layers)
    at = seen(p.layers)
    return PathResult(at, tuple(float(gaps[layer]) for layer in at), 2, kinked_rate(field, 1.0))


def skip_cells(profile: str) -> list[Skips]:
    layers = {"smoke": 2000, "book": 5000, "full": 100_000}[profile]
    return [Skips(square, layers, seed_of("hayou-residual", f"{square}")) for square in (0.5, 1.0, 2.0, 4.0)]


def skip_measures(pairs: list[tuple[Skips, PathResult]]) -> dict[str, Estimate]:
    found = {
        "law_off": max(abs(over_rate(r, r.layers[-1]) - 1) for _, r in pairs),
        "exponent": max((exponent(r) for _, r in pairs), key=lambda e: abs(e + 2)),
        "deeper": next(over_rate(r, 100) * r.rate for p, r in pairs if p.square == 0.5) / (4 / S**2),
    }
    return {name: Estimate.exact(value) for name, value in found.items()}


EXPERIMENTS = {
    "hayou-relu": Experiment(relu_cells, path, relu_measures, label=labels.relu),
    "hayou-smooth": Experiment(smooth_cells, path, smooth_measures, label=labels.smooth),
    "hayou-edges": Experiment(edge_cells, start, edge_measures, label=labels.edges),
    "hayou-off": Experiment(off_cells, off, off_measures, label=labels.off),
    "hayou-residual": Experiment(skip_cells, skips, skip_measures, label=labels.residual),
}
