"""Nets as this paper writes them, in float64, and losses that are convex in what a net gives.

The data X (N, d) has a row for each sample. F_0 = X, Z_l = F_{l-1} W_l + b_l, F_l = sigma(Z_l) for l < L, and the net
gives Z_L (N, m). So a weight W_l is (n_{l-1}, n_l) here, a column for each unit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from reversible.base.checks import InputError, integer, one_of

Array = np.ndarray
LEAK = 0.2  # slope of the leaky ReLU below zero


@dataclass(frozen=True)
class Activation:
    """An increasing function, and its inverse where it is onto the real line."""

    name: str
    of: Callable[[Array], Array]
    inverse: Callable[[Array], Array] | None


def _leaky(z: Array) -> Array:
    return np.where(z > 0, z, LEAK * z)


def _leaky_inverse(f: Array) -> Array:
    return np.where(f > 0, f, f / LEAK)


def _root(z: Array) -> Array:
    """Smooth at zero, and like the root of its argument far away from it."""
    return np.sign(z) * (np.sqrt(1 + 2 * np.abs(z)) - 1)


def _root_inverse(f: Array) -> Array:
    return f + f * np.abs(f) / 2


ACTIVATIONS = {
    "leaky": Activation("leaky", _leaky, _leaky_inverse),
    "root": Activation("root", _root, _root_inverse),
    "relu": Activation("relu", lambda z: np.maximum(z, 0), None),
    "tanh": Activation("tanh", np.tanh, None),  # not onto
}


def activation(name: str) -> Activation:
    """One of ACTIVATIONS; InputError for another name."""
    return ACTIVATIONS[one_of("activation", name, ACTIVATIONS)]


@dataclass(frozen=True, eq=False)
class Weights:
    """All of a net's parameters: W_l (n_{l-1}, n_l) and b_l (n_l), the layer next to the data first."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """d, n_1, ..., n_L."""
        return (self.weights[0].shape[0], *(W.shape[1] for W in self.weights))

    def flat(self) -> Array:
        """All numbers in a row."""
        return np.concatenate([part.ravel() for part in (*self.weights, *self.biases)])

    def with_first(self, W: Array) -> Weights:
        """The same with another matrix next to the data."""
        return Weights((W, *self.weights[1:]), self.biases)

    def with_layer(self, layer: int, W: Array) -> Weights:
        """The same with another matrix W_l, l from 1."""
        return Weights((*self.weights[: layer - 1], W, *self.weights[layer:]), self.biases)


def mixed(a: Weights, b: Weights, t: float) -> Weights:
    """(1 - t) a + t b."""
    parts = [
        tuple((1 - t) * x + t * y for x, y in zip(*pair, strict=True))
        for pair in ((a.weights, b.weights), (a.biases, b.biases))
    ]
    return Weights(*parts)


def random_weights(widths: Sequence[int], rng: np.random.Generator) -> Weights:
    """W_l ~ N(0, 1 / n_{l-1}) and b_l ~ N(0, 0.01), for widths d, n_1, ..., n_L."""
    pairs = list(itertools.pairwise(integer("widths", width) for width in widths))
    weights = tuple(rng.standard_normal(pair) / np.sqrt(pair[0]) for pair in pairs)
    return Weights(weights, tuple(0.1 * rng.standard_normal(m) for _, m in pairs))


def preactivations(theta: Weights, X: Array, sigma: Activation) -> list[Array]:
    """Z_1, ..., Z_L; the last one is what the net gives."""
    found, F = [], X
    for place, (W, b) in enumerate(zip(theta.weights, theta.biases, strict=True)):
        F = sigma.of(found[-1]) if place else F
        found.append(F @ W + b)
    return found


def given(theta: Weights, X: Array, sigma: Activation) -> Array:
    """What the net gives for each sample, (N, m)."""
    return preactivations(theta, X, sigma)[-1]


# --- losses -----------------------------------------------------------------------------------------------------------

Loss = Callable[[Array], float]  # what the net gives, (N, m) -> how bad that is
CONVEX = 1e-9  # relative: by so much a middle may exceed the mean of its ends, which is rounding


def squares(Y: Array) -> Loss:
    """Half of the mean over samples of the squared distance from targets Y (N, m)."""
    return lambda F: float(0.5 * np.square(F - Y).sum(1).mean())


def cross_entropy(labels: Array) -> Loss:
    """Mean cross entropy of softmax, for labels (N,)."""
    rows = np.arange(len(labels))
    return lambda F: float((special.logsumexp(F, axis=1) - F[rows, labels]).mean())


def check_convex(loss: Loss, A: Array, B: Array, points: int = 8) -> None:
    """InputError where a loss bends downward somewhere between two things that nets give.

    Looked at are `points` stretches of the segment from A to B, each at its middle.
    """
    at = [loss(A + t * (B - A)) for t in np.linspace(0, 1, 2 * points + 1)]
    for low, middle, high in zip(at[:-2:2], at[1:-1:2], at[2::2], strict=True):
        if not middle <= (low + high) / 2 + CONVEX * max(1.0, abs(low), abs(high)):
            raise InputError(
                f"loss must be convex in what the net gives, and between two outputs it is {middle:.6g}, "
                f"above the mean of its ends, {(low + high) / 2:.6g}"
            )


def check_two(a: Weights, b: Weights) -> None:
    """InputError for two nets of different shape, or with numbers that are not finite."""
    if a.widths != b.widths:
        raise InputError(f"two nets must have the same widths, not {a.widths} and {b.widths}")
    if not all(np.isfinite(end.flat()).all() for end in (a, b)):
        raise InputError("weights must be finite numbers, and some are not")


def samples_of(X: object) -> Array:
    """Data (N, d) in float64; InputError for what is no matrix of finite numbers."""
    samples = np.asarray(X, float)
    if samples.ndim != 2 or not len(samples) or not np.isfinite(samples).all():
        raise InputError(f"X must be a matrix of finite numbers, a row a sample, not of the shape {samples.shape}")
    return samples
