"""A layer that reads back its own codes: what comes back, by a law that knows the spikes and scales of the weights.

A (m, n) is the layer's matrix, b its biases, h (m,) a code, x (n,) what the code was made of:

    h = relu(A x + b),     x~ = relu(alpha A^T h),     y = A x~,     h^ = relu(y + b).

The theorems of the paper draw h without a look at A. A net's own codes are made with A, and its matrix has a few large
singular values and rows and columns of unequal scales. All of that can be put into the law. Let

    A_ij = r_i c_j M_ij,     M = L + N,     L = U diag(s) V^T,

with L known, of a few singular values, and N independent entries of mean 0 and variance 1, but for U^T N = 0 and
N V = 0: the rest of a singular value decomposition has no part in U and V. In x' = c * x and h' = r * h,

    M x' = A x / r,     x~ = relu(alpha c * M^T h'),     y = r * M (c * x~).

Who knows x' and M x' knows of the noise that N x' = q = M x' - L x' as well, and nothing else. Let x^ be the part of x'
outside of V, P the projection off V and x^, and h^ the part of h' outside of U. Then M = L + q w^T + N P with
w = x^ / |x^|^2, and M^T h' = L^T h' + w (q, h') + P N^T h^ is Gaussian given h and x, with the variance |h^|^2 P_jj; x~
is its ReLU. By Stein's lemma, with F_j the chance that x~_j > 0,

    E y_i / r_i = (L + q w^T)_i E(c * x~) + alpha h^_i sum_j c_j^2 P_jj F_j,

and the variance is that of (L + q w^T)_i (c * x~), plus (1 - |U_i|^2) E|P (c * x~)|^2, plus what the two have in common
and what the entry h_i has in its own noise. Left out: correlations of second order between entries of x~. For L = 0,
equal scales and a code that A has not made, these are the moments of `one_layer.variance`. Derived for this project;
the book's chapter on the law of a trained layer has it step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from reversible.theory.next_layer import Array, relu_moments


@dataclass(frozen=True, eq=False)
class Known:
    """What the law is told of A = rows M columns (m, n): M's part of low rank, the rest being noise of variance one."""

    left: Array  # U (m, r), orthonormal; r may be 0
    values: Array  # s (r,)
    right: Array  # V (n, r), orthonormal
    rows: Array  # r (m,), scales
    columns: Array  # c (n,)
    kurtosis: float = 3.0  # of N_ij

    @classmethod
    def noise(cls, m: int, n: int, sd: float = 1.0) -> Known:
        """Independent Gaussian entries of one sd, and nothing else."""
        return cls(np.zeros((m, 0)), np.zeros(0), np.zeros((n, 0)), np.ones(m), np.full(n, float(sd)))

    @property
    def low_rank(self) -> Array:
        """What is known of A: rows U diag(s) V^T columns, (m, n)."""
        return (self.rows[:, None] * self.left * self.values) @ (self.columns[:, None] * self.right).T


class Back(NamedTuple):
    """Mean and variance of y = A x~ over the noise, (B, m) each, given the codes and what they were made of."""

    mean: Array
    variance: Array


class Made(NamedTuple):
    """What own codes were made of."""

    x: Array  # (B, n)
    seen: Array  # A x, (B, m)


def read_back(known: Known, h: Array, alpha: float, made: Made | None = None) -> Back:
    """The law of y for codes h (B, m): of A's own codes if it is said what they were `made` of, else of given ones."""
    noise = _Noise.of(known, h, made)
    scaled = h * known.rows
    # Of M^T h', then of c * x~: means and variances of the entries, and how often they are on.
    mean = (scaled @ known.left * known.values) @ known.right.T
    mean = mean + noise.along * (noise.seen * scaled).sum(1, keepdims=True)
    sd = np.sqrt(noise.energy * np.maximum(noise.share, 0))
    m, squares = relu_moments(alpha * mean, alpha * sd), known.columns**2
    below = _Below(m.m0, squares * m.m1, squares**2 * np.maximum(m.m2 - m.m1**2, 0))
    back, variance = _mean(known, noise, below, alpha), _variance(known, noise, below, alpha)
    return Back(known.rows * back, known.rows**2 * variance)


class Moments(NamedTuple):
    """What codes h (B, m) and the h^ that comes back have in common and how long it is, over |h|^2: (B,) each."""

    along: Array  # (h, E h^)
    energy: Array  # E |h^|^2

    @property
    def best_scale(self) -> float:
        """The number for all codes with which c h^ has the least mean error."""
        energy = float(self.energy.sum())
        return float(self.along.sum()) / energy if energy > 0 else 0.0

    def error(self, scale: float | None = None) -> float:
        """E |c h^ - h|^2 / |h|^2, mean over codes, at `scale` or the best one."""
        c = self.best_scale if scale is None else scale
        return float(np.mean(1 - 2 * c * self.along + c**2 * self.energy))


def moments(h: Array, first: Array, second: Array) -> Moments:
    """Of codes h (B, m) and E h^, E h^^2, (B, m) each; codes without an entry are lost whatever the scale."""
    length = np.square(h).sum(1)
    over = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return Moments((h * first).sum(1) * over, second.sum(1) * over)


def law_moments(h: Array, back: Back, bias: Array) -> Moments:
    """The same by the law, for biases (m,) on the way up."""
    m = relu_moments(back.mean + bias, np.sqrt(back.variance))
    return moments(h, m.m1, m.m2)


# --- the parts --------------------------------------------------------------------------------------------------------


class _Below(NamedTuple):
    """c * x~ for x~ = relu(alpha c * M^T h') entry by entry: (B, n) each."""

    on: Array  # F, the chance that it is not zero
    mean: Array
    variance: Array


@dataclass(frozen=True, eq=False)
class _Noise:
    """What is left of the noise once L, x and A x are known."""

    own: Array  # h^ (B, m),
    energy: Array  # and its squared length, (B, 1)
    free: Array  # 1 - |U_i|^2, (m,)
    basis: Array  # V (n, r): no noise there,
    x: Array  # nor along the part of x' outside of it, of length 1, (B, n); 0 for given codes
    share: Array  # P_jj, (B, n)
    along: Array  # w, (B, n)
    seen: Array  # q, (B, m)

    @classmethod
    def of(cls, known: Known, h: Array, made: Made | None) -> _Noise:
        scaled, left, basis = h * known.rows, known.left, known.right
        own = scaled - (scaled @ left) @ left.T
        share = np.broadcast_to(1 - np.square(basis).sum(1), (len(h), len(known.columns)))
        x, along, seen = np.zeros(share.shape), np.zeros(share.shape), np.zeros(h.shape)
        if made is not None:
            x = made.x * known.columns
            x = x - (x @ basis) @ basis.T
            length = np.sqrt(np.square(x).sum(1, keepdims=True))
            x, along = (_over(x, length**power) for power in (1, 2))
            share, seen = share - x**2, _over(made.seen - made.x @ known.low_rank.T, known.rows)
        return cls(own, np.square(own).sum(1, keepdims=True), 1 - np.square(left).sum(1), basis, x, share, along, seen)

    def projected(self, z: Array) -> Array:
        """P z for z (B, n)."""
        return z - (z @ self.basis) @ self.basis.T - self.x * (self.x * z).sum(1, keepdims=True)


def _over(x: Array, by: Array) -> Array:
    """x / by, and 0 where `by` is 0."""
    by = np.broadcast_to(by, x.shape)
    return np.divide(x, by, out=np.zeros_like(x), where=by > 0)


def _mean(known: Known, noise: _Noise, below: _Below, alpha: float) -> Array:
    """E y / r, (B, m)."""
    spikes = (below.mean @ known.right * known.values) @ known.left.T
    seen = noise.seen * (noise.along * below.mean).sum(1, keepdims=True)
    stein = (known.columns**2 * noise.share * below.on).sum(1, keepdims=True)
    return spikes + seen + alpha * noise.own * stein


def _variance(known: Known, noise: _Noise, below: _Below, alpha: float) -> Array:
    """Of y / r: what L and q w^T read of c * x~, what the noise reads of it, and twice what they have in common."""
    own, slopes = noise.own, known.columns**2 * noise.share
    of_noise = np.square(noise.projected(below.mean)) + noise.share * below.variance
    own_entry = slopes**2 * ((known.kurtosis - 1) * below.on - below.on**2)
    total = _of_known(known, noise, below, alpha) + noise.free * of_noise.sum(1, keepdims=True)
    total = total + alpha**2 * own**2 * own_entry.sum(1, keepdims=True)
    return np.maximum(total + 2 * alpha * own * _in_common(known, noise, below), 0)


def _of_known(known: Known, noise: _Noise, below: _Below, alpha: float) -> Array:
    """The variance of (L + q w^T) (c * x~), (B, m), from the covariance of c * x~ along V and w.

    Two entries of it have the covariance alpha^2 |h^|^2 c_j^2 F_j c_k^2 F_k P_jk, to first order.
    """
    B = len(below.on)
    directions = np.concatenate([np.broadcast_to(known.right, (B, *known.right.shape)), noise.along[:, :, None]], 2)
    strength, slopes = alpha**2 * noise.energy, known.columns**2 * below.on
    alone = (below.variance - strength * slopes**2 * noise.share)[:, :, None] * directions
    common = slopes[:, :, None] * directions  # (B, n, r + 1)
    in_basis, in_x = noise.basis.T @ common, noise.x[:, None] @ common  # (B, r, r + 1), (B, 1, r + 1)
    shared = common.mT @ common - in_basis.mT @ in_basis - in_x.mT @ in_x
    covariance = directions.mT @ alone + strength[:, :, None] * shared  # (B, r + 1, r + 1)
    weights = np.broadcast_to(known.left * known.values, (B, *known.left.shape))
    weights = np.concatenate([weights, noise.seen[:, :, None]], 2)  # (B, m, r + 1)
    return ((weights @ covariance) * weights).sum(2)


def _in_common(known: Known, noise: _Noise, below: _Below) -> Array:
    """Covariance of what L + q w^T and what the noise read of c * x~, over alpha h^_i: (B, m)."""
    squares = known.columns**2
    z = squares * (below.on * noise.projected(below.mean) + 2 * noise.share * below.mean * (1 - below.on))
    spikes = (z @ known.right * known.values) @ known.left.T
    return spikes + noise.seen * (noise.along * z).sum(1, keepdims=True)
