"""Nets of finite width, drawn: two inputs layer by layer. What is drawn here shares no code with the maps.

Given what two inputs are in a layer, x and y, a neuron of the next one is a Gaussian pair whose covariance is
s_w^2 / n times the products of x and y, plus s_b^2: two normal numbers a neuron draw it, and no matrix is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reversible.base.estimates import Estimate, largest
from reversible.papers.hayou2019 import labels
from reversible.papers.hayou2019.experiments.maps import field_on_edge
from reversible.papers.hayou2019.laws import extra_fall
from reversible.runs.experiment import Experiment, seed_of
from reversible.theory.activations import activation
from reversible.theory.edges import fixed_points
from reversible.theory.mean_field import Field

Array = np.ndarray
PHI: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "swish": lambda x: x / (1 + np.exp(-x)),
}
PART = 500  # nets side by side


def begun(nets: int, n: int, q: float, c: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Preactivations of two inputs (nets, n) each: their mean squares are q, and their correlation is c."""
    u, v = rng.standard_normal((2, nets, n))
    v -= (u * v).sum(1, keepdims=True) / (u * u).sum(1, keepdims=True) * u
    u, v = (w * np.sqrt(q * n / (w * w).sum(1, keepdims=True)) for w in (u, v))
    return u, c * u + math.sqrt(1 - c * c) * v


def next_layer(
    x: Array, y: Array, square: float, s_b: float, phi: Callable[[Array], Array], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Preactivations of the next layer, of the same width, each net with weights of its own."""
    n = x.shape[1]
    a, b = phi(x), phi(y)
    aa = square * (a * a).sum(1) / n + s_b**2
    across = square * ((a - b) * a).sum(1) / n  # of the difference with the first: no digit is lost near 1
    apart = square * np.square(a - b).sum(1) / n
    u, v = rng.standard_normal((2, *x.shape))
    first = np.sqrt(aa)[:, None] * u
    rest = np.sqrt(np.maximum(apart - across**2 / aa, 0))[:, None] * v
    return first, first - ((across / np.sqrt(aa))[:, None] * u + rest)


def log_sine(x: Array, y: Array) -> Array:
    """ln sin^2 of the angle between rows (nets,)."""
    x, y = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
    sine = np.linalg.norm(x - y, axis=1) * np.linalg.norm(x + y, axis=1) / 2
    return 2 * np.log(np.maximum(sine, 1e-300))


# --- the extra fall of ReLU nets --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Width:
    """ReLU nets on the edge, and two inputs 60 degrees apart."""

    n: int
    layers: int
    draws: int
    seed: int


@dataclass(frozen=True)
class WidthResult:
    """At each layer the mean of ln sin^2 over nets; a number a net at two layers and for what the map says between."""

    mean: tuple[float, ...]
    fall: tuple[float, ...]  # a net: of ln sin^2 a layer between the two layers, less that of the wide map
    last: tuple[float, ...]  # a net: ln sin^2 at the last layer


FROM, TO = 20, 60


def width(p: Width) -> WidthResult:
    rng = np.random.default_rng(p.seed)
    parts = [_width(p, min(PART, p.draws - at), rng) for at in range(0, p.draws, PART)]
    logs = np.concatenate([part[0] for part in parts])  # (draws, layers + 1)
    wide = np.concatenate([part[1] for part in parts])  # (draws,): what the wide map takes off between the two
    low, high = min(FROM, p.layers // 3), min(TO, p.layers)
    fall = (logs[:, low] - logs[:, high] - wide) / (high - low)
    return WidthResult(_short(logs.mean(0)), _short(fall), _short(logs[:, -1]))


def _short(values: Array) -> tuple[float, ...]:
    return tuple(float(f"{v:.7g}") for v in values)


def _width(p: Width, nets: int, rng: np.random.Generator) -> tuple[Array, Array]:
    x, y = begun(nets, p.n, 1.0, 0.5, rng)
    low, high = min(FROM, p.layers // 3), min(TO, p.layers)
    logs, wide = [log_sine(x, y)], np.zeros(nets)
    for layer in range(p.layers):
        if low <= layer < high:
            wide += wide_fall(logs[-1])
        x, y = next_layer(x, y, 2.0, 0.0, PHI["relu"], rng)
        scale = np.sqrt(np.square(x).mean(1, keepdims=True))
        x, y = x / scale, y / scale  # a positive factor changes no angle
        logs.append(log_sine(x, y))
    return np.array(logs).T, wide


def wide_fall(log: Array) -> Array:
    """By how much the map of infinite width takes ln sin^2 of an acute angle down in a layer."""
    sine = np.exp(log / 2)
    angle = np.arcsin(np.minimum(sine, 1))
    moved = sine - angle * np.cos(angle)  # pi (f(c) - c): its digits are lost below angles of 1e-5
    small = angle < 1e-3
    moved = np.where(small, angle**3 / 3, moved)
    after = 2 * np.sin(angle / 2) ** 2 - moved / math.pi  # 1 - f(c)
    return log - np.log(after * (2 - after))


def width_cells(profile: str) -> list[Width]:
    widths = {"smoke": (32, 64, 128, 512), "book": (32, 64, 128, 512), "full": (32, 64, 128, 512)}[profile]
    layers = {"smoke": 30, "book": 60, "full": 100}[profile]
    draws = {"smoke": 20, "book": 200, "full": 4000}[profile]
    return [Width(n, layers, draws, seed_of("hayou-width", f"{n}")) for n in widths]


def wide_logs(layers: int) -> Array:
    """ln sin^2 at each layer in infinite width (layers + 1,)."""
    field, q = field_on_edge("relu", 0.0)
    gaps = field.at(q).gaps(0.5, layers)
    return np.log(gaps * (2 - gaps))


def width_measures(pairs: list[tuple[Width, WidthResult]]) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for p, r in pairs:
        extra = Estimate.of(r.fall)
        found[f"extra_times_n_{p.n}"] = extra.scaled(p.n)
        found[f"extra_over_law_{p.n}"] = extra.scaled(1 / extra_fall(p.n))
        found[f"deeper_{p.n}"] = Estimate.of(np.array(r.last) - wide_logs(p.layers)[-1])
    return found


# --- signals of other activations -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Signals:
    """Nets of an activation at a weight scale relative to the edge's, and two inputs of a correlation."""

    name: str
    s_b: float
    relative: float  # s_w over that on the edge
    times: float  # the first variance over the one that stays on the edge
    c: float
    n: int
    layers: int
    draws: int
    seed: int


@dataclass(frozen=True)
class SignalsResult:
    """At each layer means over nets, what the map says, and at the last layer a number a net."""

    gap: tuple[float, ...]  # 1 - c
    error: tuple[float, ...]  # its standard error
    variance: tuple[float, ...]  # exp of the mean of ln(q / q_0)
    map_gap: tuple[float, ...]
    map_variance: tuple[float, ...]
    last_gap: tuple[float, ...]
    last_log: tuple[float, ...]  # ln(q / q_0)


def signals(p: Signals) -> SignalsResult:
    field, q = _field(p)
    rng = np.random.default_rng(p.seed)
    x, y = begun(p.draws, p.n, p.times * q, p.c, rng)
    gaps, logs = [_gap(x, y)], [np.zeros(p.draws)]
    for _ in range(p.layers):
        x, y = next_layer(x, y, field.s_w**2, field.s_b, PHI[p.name], rng)
        gaps.append(_gap(x, y))
        logs.append(np.log(np.square(x).mean(1) / (p.times * q)))
    gap, log = np.array(gaps), np.array(logs)  # (layers + 1, draws)
    error = gap.std(1, ddof=1) / math.sqrt(p.draws)
    said = field.variances(p.times * q, p.layers) / (p.times * q)
    return SignalsResult(
        _short(gap.mean(1)), _short(error), _short(np.exp(log.mean(1))),
        _short(field.gaps(1 - p.c, p.times * q, p.layers)), _short(said), _short(gap[-1]), _short(log[-1]),
    )  # fmt: skip


def _field(p: Signals) -> tuple[Field, float]:
    on, q = field_on_edge(p.name, p.s_b)
    if p.relative == 1:
        return on, q
    field = Field(activation(p.name), p.relative * on.s_w, p.s_b)
    return field, fixed_points(field)[0].q


def _gap(x: Array, y: Array) -> Array:
    x, y = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
    return np.square(x - y).sum(1) / 2


def signal_cells(profile: str) -> list[Signals]:
    n, layers, draws = {"smoke": (100, 20, 10), "book": (300, 40, 40), "full": (300, 60, 1000)}[profile]
    asked = [(name, 1.0, 1.0, 0.5) for name in ("tanh", "elu", "swish")]
    asked += [("tanh", 0.8, 1.0, 0.5), ("tanh", 1.25, 1.0, 0.5), ("tanh", 1.25, 1.0, 0.99), ("tanh", 1.0, 1.0, 0.99)]
    asked += [("swish", 1.0, 2.0, 0.5), ("tanh", 1.0, 2.0, 0.5)]
    return [
        Signals(name, 0.2, *rest, n, layers, draws, seed_of("hayou-signals", f"{name}, {rest}"))  # pyright: ignore[reportCallIssue]
        for name, *rest in asked
    ]


def signal_measures(pairs: list[tuple[Signals, SignalsResult]]) -> dict[str, Estimate]:
    by = {(p.name, p.relative, p.times, p.c): (p, r) for p, r in pairs}
    on, below, above, near, far = (
        by["tanh", *key]
        for key in ((1.0, 1.0, 0.5), (0.8, 1.0, 0.5), (1.25, 1.0, 0.5), (1.25, 1.0, 0.99), (1.0, 1.0, 0.99))
    )
    calm = [on, by["elu", 1.0, 1.0, 0.5], below, above, near, far]
    runaway, held = by["swish", 1.0, 2.0, 0.5][1], by["tanh", 1.0, 2.0, 0.5][1]
    return {
        "map_off": largest([_off(r) for _, r in calm]),
        "left_on": Estimate.of(np.array(on[1].last_gap) / on[1].gap[0]),
        "left_below": Estimate.of(np.array(below[1].last_gap) / below[1].gap[0]),
        "told_apart_on": Estimate.of(np.array(on[1].last_gap) - np.array(far[1].last_gap)),
        "told_apart_above": Estimate.of(np.array(above[1].last_gap) - np.array(near[1].last_gap)),
        "runaway": Estimate.of(np.array(runaway.last_log)),
        "held": Estimate.of(np.array(held.last_log)),
        "wander_swish": _spread(by["swish", 1.0, 1.0, 0.5][1]),
        "wander_tanh": _spread(on[1]),
    }


def _off(r: SignalsResult) -> Estimate:
    """How far the mean of 1 - c is from the map at the layer where it is farthest."""
    mean, error, law = (np.array(v)[1:] for v in (r.gap, r.error, r.map_gap))
    at = int(np.abs(mean - law).argmax())
    off, half = abs(mean[at] - law[at]), 1.96 * error[at]
    return Estimate(float(off), (float(max(off - half, 0)), float(off + half)), len(r.last_gap))


def _spread(r: SignalsResult) -> Estimate:
    """Root mean square of ln(q / q_0) over nets at the last layer."""
    return Estimate.of(np.square(r.last_log)).sqrt()


EXPERIMENTS = {
    "hayou-width": Experiment(width_cells, width, width_measures, label=labels.width),
    "hayou-signals": Experiment(signal_cells, signals, signal_measures, label=labels.signals),
}
