"""The pieces of a ReLU net along a curve, counted exactly: where does a neuron switch, and where does its slope change?

A line and a circle are both drawn by an angle. A line through P and Q is the set of cos(a) (P, 1) + sin(a) (Q, 1), each
over its last entry, so that a segment has a from 0 to pi/2, and with (Q, 0) for a direction the whole line has a from
-pi/2 to pi/2, its two ends at infinity among them. A circle is c + cos(a) r e1 + sin(a) r e2. As long as no neuron
switches, each preactivation is therefore

    z(a) = C + A cos(a) + B sin(a),         with C = 0 on a line,

so that its zeros are known in closed form: tan a = -A/B on a line, a = atan2(B, A) +- arccos(-C / hypot(A, B)) on a
circle. Layer by layer the arcs between switches are cut at the zeros of the next neurons, and a ReLU leaves the
coefficients of an arc or puts them to zero. There is no search and no sampling.

*Ties.* Two switches closer than TIE (an angle) are one. Coefficients that are all below NOISE times the layer's largest
are zero: the neuron is off there, and has no switch. Two maps are one where their coefficients differ by less than TIE
times the largest. Rounding moves a switch by some 1e-15, so a count could hang on it only where a gap is as near as
that to TIE: in a random net of 1,000 neurons the chance is about 1e-9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from reversible.base.checks import InputError, positive
from reversible.base.runtime import check_memory
from reversible.nets.program import Affine, Program, code_weights, points, send

Array = np.ndarray
TIE = 1e-9
NOISE = 1e-12
BUDGET = 2**32  # bytes


@dataclass(frozen=True, eq=False)
class Curve:
    """A line or a circle: `frame` combined with (cos a, sin a) or (1, cos a, sin a) for an angle a in `ends`."""

    frame: Array  # (k, n), k = 2 for a line and 3 for a circle
    one: Array  # (k,): the combination that is the number by which a point is to be divided
    ends: tuple[float, float]

    @property
    def closed(self) -> bool:
        """A circle."""
        return len(self.one) == 3

    def basis(self, angle: Array) -> Array:
        """(m,) -> (m, k)."""
        turning = np.stack([np.cos(angle), np.sin(angle)], -1)
        return np.concatenate([np.ones((len(angle), 1)), turning], 1) if self.closed else turning

    def at(self, angle: Array) -> Array:
        """The points (m, n) of angles (m,); those at infinity are infinite."""
        basis = self.basis(np.asarray(angle, float))
        with np.errstate(divide="ignore", invalid="ignore"):
            return basis @ self.frame / (basis @ self.one)[:, None]


def segment(p: object, q: object) -> Curve:
    """From p to q; InputError where they are one point."""
    frame = np.array([np.asarray(p, float), np.asarray(q, float)])
    if np.array_equal(frame[0], frame[1]):
        raise InputError("p and q must be two points, not one")
    return Curve(frame, np.ones(2), (0.0, math.pi / 2))


def whole_line(p: object, direction: object) -> Curve:
    """All of the line through p, whose point next to the origin has the angle 0; InputError for no direction."""
    x, u = np.asarray(p, float), np.asarray(direction, float)
    if not u.any():
        raise InputError("direction must not be zero")
    return Curve(np.array([x - (x @ u) / (u @ u) * u, u]), np.array([1.0, 0.0]), (-math.pi / 2, math.pi / 2))


def circle(centre: object, radius: object, first: object, second: object) -> Curve:
    """Around `centre` in the plane of two directions, which are made orthonormal; InputError where they span none."""
    r = positive("radius", radius)
    sides = np.array([np.asarray(first, float), np.asarray(second, float)])
    q, triangle = np.linalg.qr(sides.T)
    if np.abs(np.diag(triangle)).min(initial=np.inf) <= TIE * np.abs(sides).max():
        raise InputError("the two directions must span a plane, and they are parallel")
    turned = (q * np.sign(np.diag(triangle))).T
    return Curve(np.concatenate([np.asarray(centre, float)[None], r * turned]), np.array([1.0, 0, 0]), (0.0, math.tau))


# --- what is found ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Pieces:
    """The arcs of a curve between switches of neurons."""

    curve: Curve
    angles: Array  # (m + 1,): where they begin and end
    codes: Array  # (m,): a number for the pattern of active neurons
    maps: Array  # (m, k, classes): coefficients of what the net gives
    by_layer: tuple[int, ...]  # arcs after each layer of ReLUs

    @property
    def switches(self) -> Array:
        """Angles at which a neuron switches, each once."""
        return self.angles[1:-1] if self._seam(self.codes) else self.angles[:-1]

    @property
    def activation_regions(self) -> int:
        """Pieces on which no neuron switches."""
        return max(1, len(self.switches)) if self.curve.closed else len(self.codes)

    @property
    def linear_regions(self) -> int:
        """Pieces on which what the net gives is one affine map."""
        size = np.abs(self.maps).max(initial=0)
        gap = np.abs(np.diff(self.maps, axis=0)).max((1, 2), initial=0)
        bends = int((gap > TIE * size).sum())
        if not self.curve.closed:
            return bends + 1
        seam = np.abs(self.maps[0] - self.maps[-1]).max(initial=0) > TIE * size
        return max(1, bends + int(seam))

    def _seam(self, codes: Array) -> bool:
        """Whether the first angle is no switch: on a line never one."""
        return not self.curve.closed or bool(codes[0] == codes[-1])


def pieces(program: Program, curve: Curve, budget: int = BUDGET) -> Pieces:
    """The pieces of a net along a curve; InputError where they need more than `budget` bytes."""
    points("the curve's points", curve.frame, program.inputs)
    arcs = Arcs(curve, budget)
    send(program, arcs)
    return Pieces(curve, arcs.angles, arcs.codes, arcs.maps, tuple(arcs.by_layer))


@dataclass(eq=False)
class Arcs:
    """The arcs so far, and the coefficients on each of them of what the net has computed."""

    curve: Curve
    budget: int = BUDGET
    put_by: list[Array] = field(default_factory=list)
    by_layer: list[int] = field(default_factory=list)
    neurons: int = 0

    def __post_init__(self) -> None:
        low, high = self.curve.ends
        self.angles = np.array([low, high])
        self.codes = np.zeros(1, np.uint64)
        self.maps = self.curve.frame[None]  # (m, k, n)

    def affine(self, step: Affine) -> None:
        m, k, n = self.maps.shape
        check_memory(8 * m * k * (n + 4 * len(step.bias)), self.budget, f"a layer on {m} pieces")
        self.maps = step.linear(self.maps.reshape(m * k, n)).reshape(m, k, -1)
        self.maps += self.curve.one[:, None] * step.bias

    def relu(self) -> None:
        loud = self._loud()
        self._cut(self._zeros(loud))
        middle = self.curve.basis((self.angles[1:] + self.angles[:-1]) / 2)
        active = (np.einsum("mkn,mk->mn", self.maps, middle) > 0) & self._loud()
        self.maps *= active[:, None]
        weights = code_weights(active.shape[1], self.neurons)
        self.codes = self.codes + np.where(active, weights, np.uint64(0)).sum(1, dtype=np.uint64)
        self.neurons += active.shape[1]
        self.by_layer.append(len(self.codes))

    def fork(self) -> None:
        self.put_by.append(self.maps.copy())

    def join(self) -> None:
        self.maps = self.maps + self.put_by.pop()

    def _loud(self) -> Array:
        """Which preactivations are more than rounding, (m, n)."""
        size = np.abs(self.maps).max(1)
        return size > NOISE * size.max(initial=0)

    def _zeros(self, loud: Array) -> Array:
        """All angles at which some neuron is zero inside of its arc."""
        return (_zeros_on_circle if self.curve.closed else _zeros_on_line)(self.maps, self.angles, loud)

    def _cut(self, zeros: Array) -> None:
        """Cut the arcs at the zeros, those within TIE of each other or of an end taken as one."""
        zeros = np.sort(zeros)
        apart = np.diff(zeros, prepend=-np.inf) > TIE
        at = np.searchsorted(self.angles, zeros).clip(1, len(self.angles) - 1)
        inside = (zeros - self.angles[at - 1] > TIE) & (self.angles[at] - zeros > TIE)
        kept, arcs = zeros[apart & inside], (at - 1)[apart & inside]
        if not len(kept):
            return
        self.angles = np.sort(np.concatenate([self.angles, kept]))
        parts = 1 + np.bincount(arcs, minlength=len(self.codes))
        m = int(parts.sum())
        live = self.maps[0].size + sum(put.shape[1] * put.shape[2] for put in self.put_by)
        check_memory(8 * m * (live + 3 * self.maps.shape[2]), self.budget, f"cutting into {m} pieces")
        self.codes = np.repeat(self.codes, parts)
        self.maps = np.repeat(self.maps, parts, 0)
        self.put_by = [np.repeat(put, parts, 0) for put in self.put_by]


def _zeros_on_line(maps: Array, angles: Array, loud: Array) -> Array:
    """A cos + B sin = 0, where its sign differs at the two ends of an arc of half a turn or less."""
    cos, sin = np.cos(angles), np.sin(angles)
    first = maps[:, 0] * cos[:-1, None] + maps[:, 1] * sin[:-1, None]
    last = maps[:, 0] * cos[1:, None] + maps[:, 1] * sin[1:, None]
    arc, neuron = np.nonzero((first * last < 0) & loud)
    low, high = angles[arc], angles[arc + 1]
    angle = np.arctan2(-maps[arc, 0, neuron], maps[arc, 1, neuron])
    return np.clip(low + np.mod(angle - low, math.pi), low, high)


def _zeros_on_circle(maps: Array, angles: Array, loud: Array) -> Array:
    """C + A cos + B sin = 0: none or two in a turn, of which those inside of the arc are kept."""
    C, A, B = maps[:, 0], maps[:, 1], maps[:, 2]
    R = np.hypot(A, B)
    arc, neuron = np.nonzero((np.abs(C) < R) & loud)
    half = np.arccos(-C[arc, neuron] / R[arc, neuron])
    middle = np.arctan2(B[arc, neuron], A[arc, neuron])
    low, high = np.tile(angles[arc], 2), np.tile(angles[arc + 1], 2)
    zeros = low + np.mod(np.concatenate([middle - half, middle + half]) - low, math.tau)
    return zeros[zeros < high]


# --- the nearest boundary ---------------------------------------------------------------------------------------------


def nearest(program: Program, x: object, together: int = 16) -> Array:
    """The distance of each point (B, n) from the nearest switch of a neuron, (B,); infinite where there is none.

    The part of space around x on which no neuron switches is cut out by half-spaces, one a neuron, whose planes are
    those of the affine maps at x. So the distance is the least |z(x)| / ||grad z(x)|| over all neurons: exact, since
    the nearest of all these planes bounds the part. Of linear regions it is a lower bound.
    """
    samples = np.atleast_2d(points("x", x, program.inputs))
    found = [_nearest(program, part) for part in np.split(samples, range(together, len(samples), together))]
    return np.concatenate(found)


def _nearest(program: Program, x: Array) -> Array:
    here = Here(x)
    send(program, here)
    return here.distance


class Here:
    """Points with the affine map that the net is around each of them: gradients (B, n, m) below values (B, 1, m)."""

    def __init__(self, x: Array) -> None:
        count, n = x.shape
        self.maps = np.concatenate([x[:, None], np.broadcast_to(np.eye(n), (count, n, n))], 1)
        self.put_by: list[Array] = []
        self.distance = np.full(count, np.inf)

    def affine(self, step: Affine) -> None:
        count, k, n = self.maps.shape
        self.maps = step.linear(self.maps.reshape(count * k, n)).reshape(count, k, -1)
        self.maps[:, 0] += step.bias

    def relu(self) -> None:
        z, slope = self.maps[:, 0], np.linalg.norm(self.maps[:, 1:], axis=1)  # (B, m)
        moves = slope > NOISE * slope.max(initial=0)
        far = np.where(moves, np.abs(z) / np.where(moves, slope, 1), np.inf)
        self.distance = np.minimum(self.distance, far.min(1, initial=np.inf))
        self.maps *= (z > 0)[:, None]

    def fork(self) -> None:
        self.put_by.append(self.maps.copy())

    def join(self) -> None:
        self.maps = self.maps + self.put_by.pop()
