"""What a net of the reader's own does to a signal before it is trained, layer by layer, beside the law of wide nets.

Of each layer are measured, on pairs of samples, the mean square of its preactivations, the correlation of two, and how
much the square of a small distance has grown. The law is that of `theory.mean_field` with each layer's own scales of
weights and biases, begun with what the first layer makes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reversible.base.checks import InputError, integer
from reversible.base.runtime import one_thread
from reversible.theory.activations import Activation, activation, elu_like, relu_like
from reversible.theory.edges import Edge, edge
from reversible.theory.mean_field import Field
from reversible.your_net.modules import PASSED_OVER, unwrapped

Array = np.ndarray
SMALL = 1e-5  # of a sample's length: the distance whose growth is measured
LOST = 0.01  # share of a difference of 1 - c that is nothing
FARTHEST = 1000  # layers that are asked for
PAIRS = 200  # of samples, at most
BIASES = 0.1  # s_b on the edge of an activation whose edge is a curve, for a net without biases
FEW = 1e-3  # biases below are none
NEAR = 0.1  # a near pair has so much of the 1 - c of a far one
KNOWN: dict[type[nn.Module], Callable[[Any], Activation]] = {
    nn.ReLU: lambda m: activation("relu"),
    nn.LeakyReLU: lambda m: relu_like(1.0, m.negative_slope, "leaky ReLU"),
    nn.Tanh: lambda m: activation("tanh"),
    nn.Sigmoid: lambda m: activation("sigmoid"),
    nn.ELU: lambda m: elu_like(m.alpha, name="ELU"),
    nn.SELU: lambda m: activation("selu"),
    nn.SiLU: lambda m: activation("swish"),
    nn.GELU: lambda m: activation("gelu"),
    nn.Softplus: lambda m: activation("softplus"),
}
ALLOWED = f"Linear layers with one kind of activation between them ({', '.join(kind.__name__ for kind in KNOWN)})"


@dataclass(frozen=True, eq=False)
class Signal:
    """Layer by layer (L,), from the first hidden layer's preactivations on."""

    activation: Activation
    s_w: Array  # root mean square of weights times the root of their inputs
    s_b: Array  # root mean square of biases
    variance: Array
    correlation: Array  # the mean over pairs
    growth: Array  # of the square of a small distance, from the first layer on; the mean over samples of its log
    law_variance: Array
    law_correlation: Array
    law_growth: Array

    @property
    def field(self) -> Field:
        """The wide net with the scales of the layers above the first, their root mean square."""
        above = slice(1, None) if len(self.s_w) > 1 else slice(None)
        s_w, s_b = (float(np.sqrt(np.mean(np.square(part[above])))) for part in (self.s_w, self.s_b))
        return Field(self.activation, s_w, s_b if s_b > 1e-9 else 0.0)


def follow_signal(model: nn.Module, samples: Any, pairs: int = PAIRS, seed: int = 0) -> Signal:
    """Measure what the model does to pairs of samples, (N, n) with N of two or more, and what the law says of it.

    Nothing of the model is changed. Raises InputError for another module than those of ALLOWED, for two kinds of
    activations, and for samples that do not fit or are all alike.
    """
    layers, phi, law = _read(model)
    x = _rows(samples, layers[0].in_features)
    one, other = _pairs(x, integer("pairs", pairs), np.random.default_rng(integer("seed", seed, low=0)))
    with one_thread(), torch.no_grad():
        seen = _measured(layers, phi, one, other, seed)
    s_w = np.array([_root(m.weight) * math.sqrt(m.in_features) for m in layers])
    s_b = np.array([0.0 if m.bias is None else _root(m.bias) for m in layers])
    return Signal(law, s_w, s_b, *seen, *_by_law(law, s_w, s_b, seen[0][0], 1 - seen[1][0]))


def _root(value: Tensor) -> float:
    return float(value.detach().double().square().mean().sqrt())


def _read(model: nn.Module) -> tuple[list[nn.Linear], nn.Module, Activation]:
    """Hidden layers, the activation behind them, and what it is to the law."""
    modules = [m for m in _flat(model) if not isinstance(m, (*PASSED_OVER, nn.Flatten))]
    layers = [m for m in modules if type(m) is nn.Linear]
    acts = [m for m in modules if type(m) in KNOWN]
    strange = [type(m).__name__ for m in modules if type(m) is not nn.Linear and type(m) not in KNOWN]
    kinds = {repr(m) for m in acts}
    in_turn = [type(m) is nn.Linear for m in modules] == [i % 2 == 0 for i in range(len(modules))]
    if strange or len(kinds) != 1 or not in_turn or len(layers) < 2:
        raise InputError(f"the model must be {ALLOWED}, two or more, not {', '.join(strange) or _names(modules)}")
    return layers[:-1] if len(layers) > len(acts) else layers, acts[0], KNOWN[type(acts[0])](acts[0])


def _names(modules: list[nn.Module]) -> str:
    return ", ".join(type(m).__name__ for m in modules) or "empty"


def _flat(module: Any) -> list[nn.Module]:
    module = unwrapped(module)
    return [inside for part in module for inside in _flat(part)] if isinstance(module, nn.Sequential) else [module]


def _rows(samples: Any, width: int) -> Tensor:
    x = torch.as_tensor(np.asarray(samples), dtype=torch.float64)
    x = x.flatten(1) if x.dim() > 1 else x[None]
    if len(x) < 2 or x.shape[1] != width or not bool(x.isfinite().all()):
        raise InputError(f"samples must be two or more rows of {width} finite numbers, not {tuple(x.shape)}")
    return x


def _pairs(x: Tensor, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    first = torch.as_tensor(rng.integers(len(x), size=count))
    second = torch.as_tensor((first.numpy() + rng.integers(1, len(x), size=count)) % len(x))
    differ = (x[first] != x[second]).any(1)
    if not bool(differ.any()):
        raise InputError(f"samples must differ from each other, and of {len(x)} drawn in pairs none do")
    return x[first][differ], x[second][differ]


def _measured(
    layers: list[nn.Linear], phi: nn.Module, one: Tensor, other: Tensor, seed: int
) -> tuple[Array, Array, Array]:
    generator = torch.Generator().manual_seed(seed)
    off = torch.randn(one.shape, generator=generator, dtype=torch.float64)
    off *= SMALL * one.norm(dim=1, keepdim=True) / off.norm(dim=1, keepdim=True)
    x, y, near = one, other, one + off
    found, start = [], None
    for layer in layers:
        bias = 0 if layer.bias is None else layer.bias.double()
        x, y, near = (z @ layer.weight.double().T + bias for z in (x, y, near))
        variance = (x.square().mean() + y.square().mean()) / 2
        cosine = torch.nn.functional.cosine_similarity(x, y).mean()
        distance = (x - near).square().mean(1).clamp_min(1e-300).log().mean()
        start = distance if start is None else start
        found.append((float(variance), float(cosine), math.exp(float(distance - start))))
        x, y, near = (phi(z) for z in (x, y, near))
    variance, correlation, growth = np.array(found).T
    return variance, correlation, growth


def _by_law(a: Activation, s_w: Array, s_b: Array, q: float, gap: float) -> tuple[Array, Array, Array]:
    rows, growth = [(q, 1 - gap, 1.0)], 1.0
    for w, b in zip(s_w[1:], s_b[1:], strict=True):
        field = Field(a, float(w), float(b))
        growth *= field.chi(q)
        gap = field.next_gap(gap, q) if gap > 1e-11 else gap * field.chi(q) * q / field.variance(q)
        q = field.variance(q)
        rows.append((q, 1 - gap, growth))
    variance, correlation, grown = np.array(rows).T
    return variance, correlation, grown


# --- in words ---------------------------------------------------------------------------------------------------------


def forgets_after(field: Field, q: float, gap: float) -> int | None:
    """Layers after which the map leaves a hundredth of the difference of a far pair and a near one; None: not in 1,000.

    The far pair begins with this 1 - c, the near one with a tenth of it.
    """
    far = near = gap
    near *= NEAR
    start = far - near
    for layer in range(1, FARTHEST + 1):
        far, near = (
            field.next_gap(g, q) if g > 1e-11 else g * field.chi(q) * q / field.variance(q) for g in (far, near)
        )
        q = field.variance(q)
        if far - near < LOST * start:
            return layer
        if not 1e-200 < q < 1e200 or far < 1e-200:
            return layer
    return None


def edge_for(model: nn.Module | str, s_b: float | None = None) -> Edge:
    """The initialisation on the edge of chaos for a model's activation, or for one by name.

    Weights are to be drawn with the deviation `s_w` over the root of their inputs, biases with `s_b`, and inputs scaled
    so that the first preactivations have the variance `q`, any if it is nan. Raises InputError where there is no edge.
    """
    a = activation(model) if isinstance(model, str) else _read(model)[2]
    return _edge(a, BIASES) if s_b is None else edge(a, s_b)


def _edge(a: Activation, s_b: float) -> Edge:
    """At s_b where the edge is a curve, else its point."""
    try:
        return edge(a, s_b)
    except InputError:
        return edge(a, 0.0)


def signal_words(signal: Signal) -> str:
    """What was found, in plain sentences."""
    a, field = signal.activation, signal.field
    gap, q = 1 - float(signal.correlation[0]), float(signal.variance[0])
    depth = len(signal.s_w)
    said = [_forgets(forgets_after(field, q, gap), depth)]
    try:
        best = _edge(a, field.s_b if field.s_b > FEW else BIASES)
    except InputError:
        return f"{said[0]} {a.name} has no edge of chaos, so no scale of the weights would keep a signal for long."
    q = best.q if math.isfinite(best.q) else q
    on = forgets_after(Field(a, best.s_w, best.s_b), q, gap)
    layers = f"about {on}" if on else f"more than {FARTHEST:,}"
    said.append(
        f"On the edge of chaos, with weights of deviation {best.s_w:.3g}/√n instead of {field.s_w:.3g}/√n and biases "
        f"of {best.s_b:.2g}, it would be {layers} layers."
    )
    if not best.attracts and math.isfinite(best.q):
        said.append(f"There inputs have to be scaled, too: variances do not come to {best.q:.2g} by themselves.")
    return " ".join(said)


def _forgets(layers: int | None, depth: int) -> str:
    if layers is None:
        return f"As initialised, this net remembers the angle between two inputs for more than {FARTHEST:,} layers."
    deep = "it is deeper than that" if depth > layers else f"it has {depth}"
    plural = "s" * (layers > 1)
    return f"As initialised, this net forgets the angle between two inputs after about {layers} layer{plural}; {deep}."
