"""The path of Theorem 3.2: linearly independent samples, widths that decrease, an activation that can be inverted.

W_1 alone can give the first layer any values, as X has independent rows. So whatever happens above, W_1 follows in
such a way that the output stays as it is. From each end the path first goes to a net whose W_2, ..., W_L have
orthonormal columns; between two such nets these turn, and then the output moves in a straight line, on which a convex
loss is at most the larger of its ends. No matrix but X is ever inverted that is worse conditioned than at an end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import InputError
from reversible.papers.nguyen2019.laws.path import Leg, Path, check_condition
from reversible.papers.nguyen2019.laws.turns import rank_of, turn
from reversible.papers.nguyen2019.nets import (
    Activation,
    Loss,
    Weights,
    check_convex,
    check_two,
    given,
    preactivations,
    samples_of,
)

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Pyramid:
    """Samples X (N, d) with independent rows, as what nets of decreasing widths read."""

    X: Array
    sigma: Activation
    inverse: Array  # X^+ (d, N)
    condition: float  # of X

    @classmethod
    def of(cls, X: Array, sigma: Activation) -> Pyramid:
        """InputError for samples that are not finite or not independent, and for an activation that is not onto."""
        X = samples_of(X)
        if len(X) > X.shape[1] or (rank := np.linalg.matrix_rank(X)) < len(X):
            rank = X.shape[1] if len(X) > X.shape[1] else rank  # pyright: ignore[reportPossiblyUnboundVariable]
            raise InputError(f"X must have independent rows: its rank is at most {rank}, and it has {len(X)} samples")
        condition = check_condition("X", float(np.linalg.cond(X)))
        return cls(X, sigma, np.linalg.pinv(X), condition)

    def back(self, F: Array) -> Array:
        """What a layer must be given to give F."""
        if self.sigma.inverse is None:
            raise InputError(f"activation must be increasing and onto, as leaky or root, not {self.sigma.name}")
        return self.sigma.inverse(F)

    def check(self, widths: tuple[int, ...]) -> None:
        """InputError for widths d, n_1, ..., n_L that do not fit X or do not decrease from n_1 on."""
        if widths[0] != self.X.shape[1]:
            raise InputError(f"a net must read the {self.X.shape[1]} numbers of a sample, not {widths[0]}")
        if any(a <= b for a, b in itertools.pairwise(widths[1:])):
            raise InputError(f"widths must decrease from the first hidden layer on, not {widths[1:]}")

    # --- nets whose output is told ------------------------------------------------------------------------------------

    def giving(self, A: Array, weights: tuple[Array, ...], biases: tuple[Array, ...]) -> Weights:
        """The net with these W_2, ..., W_L, of full rank, and biases, and the W_1 with which it gives A (N, m)."""
        Z = A
        for W, b in zip(reversed(weights), reversed(biases[1:]), strict=True):
            Z = self.back((Z - b) @ np.linalg.pinv(W))
        return Weights((self.inverse @ (Z - biases[0]), *weights), biases)

    def moved(self, theta: Weights, layer: int, Z: Array, before: list[Array]) -> Weights:
        """The net with another W_1, so that layer `layer`, given `before` till now, is given Z.

        What W_2, ..., W_l map to zero stays; these must have full rank.
        """
        for place in range(layer - 1, 0, -1):
            F = self.sigma.of(before[place - 1]) + (Z - before[place]) @ np.linalg.pinv(theta.weights[place])
            Z = self.back(F)
        return theta.with_first(theta.weights[0] + self.inverse @ (Z - before[0]))

    # --- legs ---------------------------------------------------------------------------------------------------------

    def home(self, theta: Weights) -> Path:
        """From a net to one with the same output whose W_2, ..., W_L have orthonormal columns, output constant."""
        W = theta.weights[0]
        idle = W - self.inverse @ (self.X @ W)
        legs = [Leg("first layer: what no sample sees goes", lambda t: theta.with_first(W - t * idle))]
        for layer in range(2, len(theta.weights) + 1):
            legs += self._orthonormal(legs[-1].at(1.0), layer)
        return Path(tuple(legs), self.condition)

    def _orthonormal(self, theta: Weights, layer: int) -> list[Leg]:
        """W_l to orthonormal columns: first goes what it maps to zero, then its singular values go to one."""
        before = preactivations(theta, self.X, self.sigma)[: layer - 1]
        F, (U, S, V) = self.sigma.of(before[-1]), np.linalg.svd(theta.weights[layer - 1], full_matrices=False)
        rank = rank_of(S, theta.weights[layer - 1].shape)
        seen = F @ U[:, :rank]  # (N, rank): what W_l sees
        idle = F - seen @ U[:, :rank].T

        def without(t: float) -> Weights:
            return self.moved(theta, layer - 1, self.back(F - t * idle), before)

        def scaled(t: float) -> Weights:
            values = np.full(len(S), t)
            values[:rank] = S[:rank] ** (1 - t)
            features = (seen * S[:rank] ** t) @ U[:, :rank].T
            mapped = theta.with_layer(layer, U @ (values[:, None] * V))
            return self.moved(mapped, layer - 1, self.back(features), before)

        return [Leg(f"layer {layer}: what it maps to zero goes", without), Leg(f"layer {layer}: to scale one", scaled)]

    def across(self, a: Weights, b: Weights, turning: bool = True) -> Path:
        """Between two nets with W_2, ..., W_L of full rank and W_1 as `giving` has it: first the upper layers, then A.

        `turning`: orthonormal columns stay so; else W_2, ..., W_L go in straight lines, which meet singular matrices
        with probability zero but may come near to them.
        """
        A, B = (given(end, self.X, self.sigma) for end in (a, b))
        pairs = list(zip(a.weights[1:], b.weights[1:], strict=True))
        ways = [turn(Q, R) if turning else _line(Q, R) for Q, R in pairs]
        shifts = [_line(x, y) for x, y in zip(a.biases, b.biases, strict=True)]

        def turned(t: float) -> Weights:
            return self.giving(A, tuple(way(t) for way in ways), tuple(shift(t) for shift in shifts))

        def shifted(t: float) -> Weights:
            return self.giving((1 - t) * A + t * B, b.weights[1:], b.biases)

        return Path((Leg("turn the layers above the first", turned), Leg("move the output", shifted)), self.condition)

    def path(self, a: Weights, b: Weights, loss: Loss) -> Path:
        """From a to b; the loss is at most the larger of the two all the way.

        InputError for two shapes, for widths that do not decrease, and for a loss that is not convex between the two.
        """
        self.join_checked(a, b, loss)
        first, last = self.home(a), self.home(b)
        return first + self.across(first.ends[1], last.ends[1]) + last.back()

    def straight_path(self, a: Weights, b: Weights, loss: Loss) -> Path:
        """The same with the upper layers as they are, moved in straight lines: all end matrices must have full rank.

        InputError as in `path`, and where a condition number at an end is beyond what float64 can carry.
        """
        self.join_checked(a, b, loss)
        for W in (*a.weights[1:], *b.weights[1:]):
            check_condition("a matrix of weights", float(np.linalg.cond(W)))
        ends = [self.giving(given(end, self.X, self.sigma), end.weights[1:], end.biases) for end in (a, b)]
        first, last = (self._shed(theta, end) for theta, end in zip((a, b), ends, strict=True))
        return first + self.across(*ends, turning=False) + last.back()

    def _shed(self, theta: Weights, end: Weights) -> Path:
        """From a net to the one with the same layers above and the W_1 of `giving`: layer by layer from above."""
        legs, now = [], theta
        for layer in range(len(theta.weights), 1, -1):
            legs.append(self._shed_layer(now, layer))
            now = legs[-1].at(1.0)
        first = now.weights[0]
        legs.append(Leg("first layer: what no sample sees goes",
                        lambda t: theta.with_first((1 - t) * first + t * end.weights[0])))  # fmt: skip
        conditions = [float(np.linalg.cond(W)) for W in theta.weights[1:]]
        return Path(tuple(legs), max(self.condition, *conditions))

    def _shed_layer(self, theta: Weights, layer: int) -> Leg:
        before = preactivations(theta, self.X, self.sigma)[: layer - 1]
        F, W = self.sigma.of(before[-1]), theta.weights[layer - 1]
        idle = F - F @ W @ np.linalg.pinv(W)
        return Leg(
            f"layer {layer}: what it maps to zero goes",
            lambda t: self.moved(theta, layer - 1, self.back(F - t * idle), before),
        )

    def join_checked(self, a: Weights, b: Weights, loss: Loss) -> None:
        """InputError for what no path joins here."""
        check_two(a, b)
        self.check(a.widths)
        if len(a.weights) > 1:
            self.back(np.zeros(1))
        check_convex(loss, given(a, self.X, self.sigma), given(b, self.X, self.sigma))


def _line(a: Array, b: Array) -> Callable[[float], Array]:
    return lambda t: (1 - t) * a + t * b
