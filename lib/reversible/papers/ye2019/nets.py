"""Encoder-decoders of one-dimensional signals: circular convolutions, pooling by pairs, skips that lie beside.

Layer l of the encoder makes z = conv(x), h = relu(z) and hands on P h, where P is (a + b) / sqrt 2 of neighbours. The
decoder takes P^T of what it is given, puts h of the same layer beside it where there are skips, and convolves; a ReLU
follows but at the end. Signals lie channel after channel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reversible.base.checks import InputError
from reversible.nets.program import FORK, JOIN, RELU, Affine, Program

Array = np.ndarray
TAPS = 3


def circular(filters: Array, length: int) -> Array:
    """The matrix (K length, M length) of filters (K, M, taps) around a circle."""
    taps = filters.shape[2]
    shifts = [np.roll(np.eye(length), t - taps // 2, axis=1) for t in range(taps)]  # (S x)_i = x_(i + t - taps // 2)
    return sum((np.kron(filters[:, :, t], shift) for t, shift in enumerate(shifts)), np.zeros(1))


def halving(channels: int, length: int) -> Array:
    """The matrix of pooling, (channels length / 2, channels length)."""
    return np.kron(np.eye(channels * length // 2), np.array([[1.0, 1.0]]) / math.sqrt(2))


@dataclass(frozen=True, eq=False)
class Coder:
    """Filters of the encoder, (c_l, c_(l-1), taps), and of the decoder in the order in which they are used."""

    length: int
    encoder: tuple[Array, ...]
    decoder: tuple[Array, ...]  # (c_(l-1), c_l or 2 c_l, taps), l from the last layer down to 1
    skips: bool
    biases: tuple[Array, ...] = ()  # one vector a convolution, or none at all

    def __post_init__(self) -> None:
        if self.length % 2 ** len(self.encoder):
            raise InputError(f"length must be a multiple of {2 ** len(self.encoder)}, not {self.length}")

    @property
    def lengths(self) -> list[int]:
        """Of the signals that each layer of the encoder is given."""
        return [self.length >> place for place in range(len(self.encoder))]

    @property
    def matrices(self) -> tuple[list[Array], list[Array]]:
        """Of the convolutions of the encoder, and of the decoder."""
        up = [circular(f, n) for f, n in zip(self.encoder, self.lengths, strict=True)]
        return up, [circular(f, n) for f, n in zip(self.decoder, reversed(self.lengths), strict=True)]

    def without_skips(self) -> Coder:
        """The same filters, without those that read what a skip carries."""
        kept = tuple(f[:, : f.shape[1] // 2] for f in self.decoder) if self.skips else self.decoder
        return replace(self, decoder=kept, skips=False)

    def program(self) -> Program:
        """As steps; a vector beside another is a sum of two with zeros in each other's places."""
        up, down = self.matrices
        biases = list(self.biases) or [np.zeros(len(W)) for W in (*up, *down)]
        steps: list = []
        for W, F, n in zip(up, self.encoder, self.lengths, strict=True):
            d = len(W)
            beside = np.concatenate([np.zeros((d, d)), np.eye(d)])
            steps += [Affine.of(W, biases.pop(0)), RELU]
            steps += [_linear(beside), FORK, _linear(halving(len(F), n) @ beside.T)] if self.skips else [
                _linear(halving(len(F), n))
            ]  # fmt: skip
        for place, (W, n) in enumerate(zip(down, reversed(self.lengths), strict=True)):
            undo = halving(len(self.encoder[-1 - place]), n).T
            first = np.concatenate([undo, np.zeros_like(undo)]) if self.skips else undo
            steps += [_linear(first), *([JOIN] if self.skips else []), Affine.of(W, biases.pop(0))]
            steps += [RELU] if place < len(down) - 1 else []
        return Program(tuple(steps), self.length)

    def frame(self, x: Array) -> Array:
        """J(x) of the bias-free net: the product of its matrices with a mask of zeros and ones at each ReLU."""
        up, down = self.matrices
        J, kept = np.eye(self.length), []
        for W, F, n in zip(up, self.encoder, self.lengths, strict=True):
            J = W @ J
            J = (J @ x > 0)[:, None] * J
            kept.append(J)
            J = halving(len(F), n) @ J
        for place, (W, n) in enumerate(zip(down, reversed(self.lengths), strict=True)):
            J = halving(len(self.encoder[-1 - place]), n).T @ J
            J = W @ (np.concatenate([J, kept[-1 - place]]) if self.skips else J)
            J = (J @ x > 0)[:, None] * J if place < len(down) - 1 else J
        return J

    def bound(self) -> float:
        """A Lipschitz constant by the norms of the matrices alone: their product, where there are no skips."""
        up, down = self.matrices
        now, kept = 1.0, []
        for W in up:
            now *= float(np.linalg.norm(W, 2))
            kept.append(now)
        for place, W in enumerate(down):
            half = W.shape[1] // 2 if self.skips else W.shape[1]
            parts = [float(np.linalg.norm(part, 2)) if part.size else 0.0 for part in (W[:, :half], W[:, half:])]
            now = parts[0] * now + parts[1] * kept[-1 - place]
        return now


def _linear(W: Array) -> Affine:
    return Affine.of(W, np.zeros(len(W)))


def random_coder(length: int, channels: Sequence[int], rng: np.random.Generator, s: float = 0.0) -> Coder:
    """With skips; W ~ N(0, 2 / fan-in), b ~ N(0, s^2)."""

    def filters(out: int, into: int) -> Array:
        return rng.standard_normal((out, into, TAPS)) * math.sqrt(2 / (into * TAPS))

    up = tuple(filters(out, into) for into, out in zip((1, *channels), channels, strict=False))
    pairs = list(zip((1, *channels), channels, strict=False))
    down = tuple(filters(into, 2 * out) for into, out in reversed(pairs))
    coder = Coder(length, up, down, True)
    if s == 0:
        return coder
    sizes = [len(W) for part in coder.matrices for W in part]
    return replace(coder, biases=tuple(s * rng.standard_normal(size) for size in sizes))


def space(program: Program) -> int:
    """All activation patterns of a bias-free net of three inputs: each cone of them meets a face of the cube."""
    from reversible.nets.polygons import Window, tiling

    axes, found = np.eye(3), set()
    for face in range(3):
        for side in (-1.0, 1.0):
            window = Window.of(side * axes[face], axes[face - 1], axes[face - 2])
            found |= set(tiling(program, window).codes.tolist())
    return len(found)
