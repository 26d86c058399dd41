"""The pieces of a ReLU net in a window of a plane, exactly: convex polygons, cut by one neuron after another.

On a polygon on which no neuron of the layers below switches, a preactivation is affine, so that it is known from its
values at the corners, and it is zero on a straight cut. The polygons share their corners, and a corner is made once for
both polygons at an edge: so the pieces always fit together, and corners - edges + pieces = 1 (Euler), which is checked.

*Ties.* A preactivation at a corner is zero where it is below NOISE times the layer's largest, and where its cut of an
edge would be within TIE times the window's diameter of that corner. So three cuts through nearly one point go through
one corner. Two neighbours are one linear region where the slopes of what the net gives differ by less than TIE times
the largest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import InputError, integer, real
from reversible.nets.pieces import NOISE, TIE
from reversible.nets.program import Affine, Program, code_weights, points, send

Array = np.ndarray
MOST = 10**6  # polygons


@dataclass(frozen=True, eq=False)
class Window:
    """The points origin + x first + y second of a plane, for (x, y) in a rectangle."""

    origin: Array
    first: Array
    second: Array
    low: tuple[float, float] = (-1.0, -1.0)
    high: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def of(
        cls, origin: object, first: object, second: object,
        low: tuple[float, float] = (-1.0, -1.0), high: tuple[float, float] = (1.0, 1.0),
    ) -> Window:  # fmt: skip
        """InputError for a rectangle without an area and for directions that are parallel."""
        ends = [tuple(real("a corner", value) for value in end) for end in (low, high)]
        if not (ends[0][0] < ends[1][0] and ends[0][1] < ends[1][1]):
            raise InputError(f"a window must reach from a lower to a higher corner, not from {low} to {high}")
        c, e, f = (np.asarray(value, float) for value in (origin, first, second))
        if np.linalg.matrix_rank(np.array([e, f]), tol=TIE * max(np.abs(e).max(), np.abs(f).max())) < 2:
            raise InputError("the two directions of a window must span a plane, and they are parallel")
        return cls(c, e, f, (ends[0][0], ends[0][1]), (ends[1][0], ends[1][1]))

    @classmethod
    def through(cls, three: object, margin: float = 0.5) -> Window:
        """The plane of three points, in orthonormal coordinates around their mean, `margin` of their spread beyond."""
        x = np.asarray(three, float)
        middle = x.mean(0)
        q, triangle = np.linalg.qr((x[1:] - x[0]).T)
        if len(x) != 3 or np.abs(np.diag(triangle)).min() <= TIE * np.abs(triangle).max():
            raise InputError("a plane must be given by three points that are not on one line")
        q = q * np.sign(np.diag(triangle))
        flat = (x - middle) @ q
        low, high = flat.min(0), flat.max(0)
        room = margin * (high - low).max()
        return cls.of(middle, q[:, 0], q[:, 1], tuple(low - room), tuple(high + room))

    @property
    def diameter(self) -> float:
        return math.dist(self.low, self.high)

    def at(self, flat: Array) -> Array:
        """Coordinates (B, 2) as points (B, n)."""
        return self.origin + flat @ np.array([self.first, self.second])


@dataclass(frozen=True, eq=False)
class Tiling:
    """The pieces of a net in a window."""

    window: Window
    corners: Array  # (V, 2), in the window's coordinates
    polygons: tuple[tuple[int, ...], ...]  # numbers of corners, in order
    codes: Array  # (F,): a number for the pattern of active neurons
    slopes: Array  # (F, 2, classes): of what the net gives, along the window's two directions
    values: Array  # (V, classes)
    edges: int

    @property
    def activation_regions(self) -> int:
        """Polygons on which no neuron switches."""
        return len(self.polygons)

    @property
    def euler(self) -> int:
        """Corners - edges + polygons: 1."""
        return len(self.corners) - self.edges + len(self.polygons)

    @property
    def linear_regions(self) -> int:
        """Connected parts on which what the net gives is one affine map."""
        return len(np.unique(self.parts))

    @property
    def parts(self) -> Array:
        """A number for the linear region of each polygon, (F,)."""
        size = np.abs(self.slopes).max(initial=0)
        owner = np.arange(len(self.polygons))

        def first(i: int) -> int:
            while owner[i] != i:
                owner[i] = owner[owner[i]]
                i = int(owner[i])
            return i

        for one, other in _neighbours(self.polygons):
            if np.abs(self.slopes[one] - self.slopes[other]).max(initial=0) <= TIE * size:
                owner[first(one)] = first(other)
        return np.array([first(i) for i in range(len(owner))])

    @property
    def areas(self) -> Array:
        """Of the polygons, (F,), in the window's coordinates."""
        return np.array([_area(self.corners[list(polygon)]) for polygon in self.polygons])


def tiling(program: Program, window: Window, most: int = MOST) -> Tiling:
    """The pieces of a net in a window; InputError where there are more than `most`."""
    points("the window's directions", np.array([window.origin, window.first, window.second]), program.inputs)
    integer("most", most)
    cut = Polygons(window, most)
    send(program, cut)
    edges = sum(len(polygon) for polygon in cut.polygons)
    inner = len(_neighbours(cut.polygons))
    found = Tiling(
        window,
        cut.corners.all,
        tuple(map(tuple, cut.polygons)),
        cut.codes.all,
        cut.slopes.all,
        cut.values.all,
        edges - inner,
    )
    if found.euler != 1:
        raise ArithmeticError(f"the pieces do not fit together: corners - edges + pieces = {found.euler}, not 1")
    return found


class Rows:
    """Rows of an array to which others are added: room is made for twice as many when it runs out."""

    def __init__(self, rows: Array) -> None:
        self.room, self.count = rows, len(rows)

    @property
    def all(self) -> Array:
        """The rows so far, to read and to write."""
        return self.room[: self.count]

    def add(self, rows: Array) -> None:
        needed = self.count + len(rows)
        if needed > len(self.room):
            more = np.empty((max(needed, 2 * len(self.room)) - self.count, *self.room.shape[1:]), self.room.dtype)
            self.room = np.concatenate([self.all, more])
        self.room[self.count : needed] = rows
        self.count = needed


class Polygons:
    """The polygons so far; at their corners the values, and on each the slopes, of what the net has computed."""

    def __init__(self, window: Window, most: int) -> None:
        (left, low), (right, high) = window.low, window.high
        corners = np.array([[left, low], [right, low], [right, high], [left, high]])
        self.corners = Rows(corners)  # (V, 2)
        self.polygons: list[list[int]] = [[0, 1, 2, 3]]
        self.codes = Rows(np.zeros(1, np.uint64))
        self.values = Rows(window.at(corners))  # (V, n)
        self.slopes = Rows(np.array([[window.first, window.second]]))  # (F, 2, n)
        self.put_by: list[tuple[Rows, Rows]] = []
        self.near = TIE * window.diameter
        self.most, self.neurons = most, 0

    def affine(self, step: Affine) -> None:
        slopes = self.slopes.all
        count, _, n = slopes.shape
        self.values = Rows(step.linear(self.values.all) + step.bias)
        self.slopes = Rows(step.linear(slopes.reshape(2 * count, n)).reshape(count, 2, -1))

    def relu(self) -> None:
        values = self.values.all
        self.values = Rows(np.where(np.abs(values) > NOISE * np.abs(values).max(initial=0), values, 0.0))
        for neuron in range(values.shape[1]):
            self._cut(neuron)
        flat, starts = _flat(self.polygons)
        active = np.maximum.reduceat(self.values.all[flat], starts, axis=0) > 0  # (F, n)
        weights = code_weights(active.shape[1], self.neurons)
        self.codes = Rows(self.codes.all + np.where(active, weights, np.uint64(0)).sum(1, dtype=np.uint64))
        self.neurons += active.shape[1]
        self.values = Rows(np.maximum(self.values.all, 0))
        self.slopes = Rows(self.slopes.all * active[:, None])

    def fork(self) -> None:
        self.put_by.append((Rows(self.values.all.copy()), Rows(self.slopes.all.copy())))

    def join(self) -> None:
        values, slopes = self.put_by.pop()
        self.values, self.slopes = Rows(self.values.all + values.all), Rows(self.slopes.all + slopes.all)

    def _cut(self, neuron: int) -> None:
        """Cut all polygons in which a neuron changes its sign."""
        flat, starts = _flat(self.polygons)
        crossed = self._crossed(flat, starts, neuron)
        z = self.values.all[:, neuron]
        both = (np.maximum.reduceat(z[flat], starts) > 0) & (np.minimum.reduceat(z[flat], starts) < 0)
        cut = np.flatnonzero(both)
        if not len(cut):
            return
        if len(self.polygons) + len(cut) > self.most:
            raise InputError(
                f"a window must have at most {self.most} pieces, and this one has more: take a smaller one"
            )
        sign = np.sign(z).astype(int)
        new = self._add_corners(crossed, neuron)
        for place in cut:
            above, below = _halves(self.polygons[place], sign, new)
            self.polygons[place] = above
            self.polygons.append(below)
        for rows in (self.codes, self.slopes, *(slopes for _, slopes in self.put_by)):
            rows.add(rows.all[cut])

    def _crossed(self, flat: Array, starts: Array, neuron: int) -> Array:
        """The edges (E, 2) that a neuron's cut crosses, each once; it is put to zero at corners that it just misses."""
        values, corners = self.values.all, self.corners.all
        edges = np.stack([flat, flat[_next(starts, len(flat))]], 1)
        while True:
            z = values[:, neuron]
            edges = edges[z[edges[:, 0]] * z[edges[:, 1]] < 0]
            ends = np.abs(z[edges])  # (E, 2)
            length = np.linalg.norm(corners[edges[:, 0]] - corners[edges[:, 1]], axis=1)
            missed = edges[ends / ends.sum(1, keepdims=True) * length[:, None] <= self.near]
            if not len(missed):
                return np.unique(np.sort(edges, axis=1), axis=0)
            values[missed, neuron] = 0.0

    def _add_corners(self, edges: Array, neuron: int) -> dict[tuple[int, int], int]:
        """A corner on each of these edges where the neuron is zero: (lower, higher) -> its number."""
        ends = np.abs(self.values.all[edges, neuron])
        share = ends / ends.sum(1, keepdims=True)  # of the way from the first end, and from the second
        count = self.corners.count
        for rows in (self.corners, self.values, *(values for values, _ in self.put_by)):
            first, second = rows.all[edges[:, 0]], rows.all[edges[:, 1]]
            rows.add(share[:, 1:] * first + share[:, :1] * second)
        self.values.all[count:, neuron] = 0.0
        return {(int(a), int(b)): count + i for i, (a, b) in enumerate(edges)}


def _halves(polygon: list[int], sign: Array, new: dict[tuple[int, int], int]) -> tuple[list[int], list[int]]:
    """A convex polygon on the two sides of a cut; corners on the cut belong to both."""
    above, below = [], []
    for here, after in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if sign[here] >= 0:
            above.append(here)
        if sign[here] <= 0:
            below.append(here)
        if sign[here] * sign[after] < 0:
            corner = new[min(here, after), max(here, after)]
            above.append(corner)
            below.append(corner)
    return above, below


def _flat(polygons: list[list[int]]) -> tuple[Array, Array]:
    """All polygons' corners in a row, and where each polygon begins."""
    sizes = np.fromiter(map(len, polygons), int, len(polygons))
    flat = np.fromiter((corner for polygon in polygons for corner in polygon), int, int(sizes.sum()))
    return flat, np.concatenate([[0], np.cumsum(sizes)[:-1]])


def _next(starts: Array, count: int) -> Array:
    """For each place in a row of polygons that of the next corner of its polygon."""
    following = np.arange(1, count + 1)
    following[np.append(starts[1:], count) - 1] = starts
    return following


def _neighbours(polygons: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """Pairs of polygons that share an edge."""
    seen: dict[tuple[int, int], int] = {}
    pairs = []
    for place, polygon in enumerate(polygons):
        for a, b in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
            edge = (min(a, b), max(a, b))
            if edge in seen:
                pairs.append((seen.pop(edge), place))
            else:
                seen[edge] = place
    return pairs


def _area(corners: Array) -> float:
    x, y = corners.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
