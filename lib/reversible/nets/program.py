"""A net of ReLUs as a list of steps in float64, which functions that are affine on parts of space are sent through.

A step is an affine map, a ReLU, or one end of a skip: `FORK` puts by what there is, `JOIN` adds it again. So dense
nets, convolutions, mean pooling and residual nets are all one list. What is sent through is not one point but rows of
coefficients: with a basis whose combination is 1, an affine map acts on each coefficient, and its bias on that of 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import InputError
from reversible.nets.layered import Conv, Dense, Layered, Pool
from reversible.nets.net import Net
from reversible.nets.residual import Unit

Array = np.ndarray
RELU, FORK, JOIN = "relu", "fork", "join"


@dataclass(frozen=True, eq=False)
class Affine:
    """h -> L h + b on rows of numbers."""

    linear: Callable[[Array], Array]  # (B, n) -> (B, m)
    bias: Array  # (m,)

    @classmethod
    def of(cls, weight: object, bias: object) -> Affine:
        """A matrix (m, n) and a bias (m,)."""
        W, b = np.asarray(weight, float), np.asarray(bias, float)
        if W.ndim != 2 or b.shape != W.shape[:1]:
            raise InputError(f"a layer must be a matrix m x n with m biases, not {W.shape} with {b.shape}")
        _finite("weights", W)
        _finite("biases", b)
        return cls(lambda h: h @ W.T, b)


Step = Affine | str


@dataclass(frozen=True, eq=False)
class Program:
    """The steps of a net and how many numbers it reads."""

    steps: tuple[Step, ...]
    inputs: int

    @classmethod
    def of(cls, net: Net | Layered | Sequence[tuple[object, object] | Unit]) -> Program:
        """Of a net, of layers with pooling, or of a list of (weight, bias) and residual units.

        In a list a ReLU follows each (weight, bias) but the last of the list, and none follows a unit but its own.
        InputError for pooling that takes the largest, and for weights that are not finite.
        """
        if isinstance(net, Net):
            pairs = [(_doubles(A), _doubles(b)) for A, b in zip(net.weights, net.biases, strict=True)]
            return cls.of(pairs)
        return _of_stages(net) if isinstance(net, Layered) else _of_list(list(net))

    @property
    def neurons(self) -> int:
        """How many ReLUs there are."""
        width, count = self.inputs, 0
        for step in self.steps:
            width = len(step.bias) if isinstance(step, Affine) else width
            count += width if step == RELU else 0
        return count

    def __call__(self, x: Array) -> Array:
        """What the net gives: (B, n) -> (B, classes)."""
        put_by: list[Array] = []
        for step in self.steps:
            if isinstance(step, Affine):
                x = step.linear(x) + step.bias
            elif step == RELU:
                x = np.maximum(x, 0)
            elif step == FORK:
                put_by.append(x)
            else:
                x = x + put_by.pop()
        return x


def _of_list(layers: list[tuple[object, object] | Unit]) -> Program:
    if not layers:
        raise InputError("a net must have one layer or more, not none")
    steps: list[Step] = []
    for place, layer in enumerate(layers):
        if isinstance(layer, Unit):
            steps += [FORK, Affine.of(layer.W1, layer.b), RELU, Affine.of(layer.W2, np.zeros(len(layer.W2))), JOIN]
        else:
            steps += [Affine.of(*layer), *([RELU] if place < len(layers) - 1 else [])]
    first = layers[0]
    inputs = first.W1 if isinstance(first, Unit) else np.asarray(first[0], float)
    return Program(tuple(steps), inputs.shape[1])


def _of_stages(net: Layered) -> Program:
    steps: list[Step] = []
    for place, stage in enumerate(net.stages):
        steps.append(affine_of(stage.read))
        if place == len(net.stages) - 1:
            continue
        steps.append(RELU)
        channels = stage.read.gives[0]
        steps += [mean_of(pool, channels) for pool in stage.pools]
    return Program(tuple(steps), int(np.prod(net.shape)))


def affine_of(read: Dense | Conv) -> Affine:
    """What a layer reads, in double precision; InputError for weights that are not finite."""
    if isinstance(read, Dense):
        return Affine.of(_doubles(read.weight), _doubles(read.bias))
    double = Conv(read.weight.detach().double(), read.bias.detach().double(), read.given, read.stride, read.padding)
    _finite("filters", double.weight.numpy())

    def linear(h: Array) -> Array:
        x = torch.from_numpy(np.ascontiguousarray(h)).view(-1, *read.given)
        return double.linear(x).flatten(1).numpy()

    bias = double.up(torch.zeros(1, *read.given, dtype=torch.float64)).flatten().numpy()
    return Affine(linear, bias)


def mean_of(pool: Pool, channels: int) -> Affine:
    """The mean of each window; InputError for pooling that takes the largest."""
    if pool.largest:
        raise InputError("pooling must take the mean of a window: that of the largest is not counted here")

    def linear(h: Array) -> Array:
        x = torch.from_numpy(np.ascontiguousarray(h)).view(-1, channels, *pool.size)
        return pool.up(x)[0].flatten(1).numpy()

    return Affine(linear, np.zeros(channels * int(np.prod(pool.gives))))


def _doubles(value: Tensor) -> Array:
    return value.detach().cpu().double().numpy()


def _finite(what: str, values: Array) -> None:
    if not np.isfinite(values).all():
        raise InputError(f"{what} must be finite numbers, and {int((~np.isfinite(values)).sum())} are not")


# --- what is sent through ---------------------------------------------------------------------------------------------


class Cells(Protocol):
    """Parts of space, with what the net has computed on each of them so far."""

    def affine(self, step: Affine) -> None:
        """Send all through an affine map."""
        ...

    def relu(self) -> None:
        """Cut the parts where a neuron changes its sign, then take the ReLU of each."""
        ...

    def fork(self) -> None:
        """Put by what there is; it is cut along with the rest."""
        ...

    def join(self) -> None:
        """Add what was put by last."""
        ...


def send(program: Program, cells: Cells) -> None:
    """Through all steps."""
    for step in program.steps:
        if isinstance(step, Affine):
            cells.affine(step)
        else:
            {RELU: cells.relu, FORK: cells.fork, JOIN: cells.join}[step]()


def points(name: str, values: object, inputs: int) -> Array:
    """One point (n,) or several (B, n) as float64; InputError where they are not a net's inputs."""
    x = np.asarray(values, float)
    if x.shape[-1:] != (inputs,) or x.ndim > 2:
        raise InputError(f"{name} must have {inputs} numbers, as the net reads, not the shape {x.shape}")
    _finite(name, x)
    return x


def code_weights(count: int, already: int) -> Array:
    """Random 64-bit numbers for neurons `already`, ..., whose sum over the active ones names a pattern."""
    return np.random.default_rng([7, already]).integers(0, 2**64, count, dtype=np.uint64)
