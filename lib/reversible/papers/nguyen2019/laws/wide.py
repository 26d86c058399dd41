"""The path of Theorem 5.1: a first hidden layer with idle units, and widths that decrease behind it.

Only rank(F_1) <= N units are needed for what the second layer is given; W_2 can be written on such a basis, and then
the others are idle: they may go anywhere. Every net is so led to one with the same reference units in its first slots,
and from there on F_1 of these units takes the place of X in the path of Theorem 3.2. With 2N units all reference units
are put in at once, as the theorem has it. With N + 1 there is one idle slot, and they come in one by one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np
from scipy import linalg

from reversible.base.checks import InputError, integer
from reversible.papers.nguyen2019.laws.path import Leg, Path, check_condition, straight
from reversible.papers.nguyen2019.laws.pyramid import Pyramid
from reversible.papers.nguyen2019.nets import (
    Activation,
    Loss,
    Weights,
    check_convex,
    check_two,
    given,
    samples_of,
)

Array = np.ndarray
CANDIDATES = 16  # random units for each reference unit that is picked among them
LINEAR = 1e-10  # relative: a column so near to the span of others is in it


@dataclass(frozen=True, eq=False)
class Wide:
    """Distinct samples X (N, d), and N reference units whose outputs on them are independent."""

    X: Array
    sigma: Activation
    units: Array  # (d + 1, N): weights, and a bias in the last row
    features: Array  # (N, N): what they give
    condition: float  # of that

    @classmethod
    def of(cls, X: Array, sigma: Activation, seed: int = 0) -> Wide:
        """With the best of random units; InputError for samples that are not finite, or not distinct."""
        X = samples_of(X)
        if len(np.unique(X, axis=0)) < len(X):
            raise InputError(f"X must have samples that all differ: {len(np.unique(X, axis=0))} of {len(X)} do")
        rng, (N, d) = np.random.default_rng(integer("seed", seed, low=0)), X.shape
        drawn = rng.standard_normal((d + 1, CANDIDATES * N))
        drawn[-1] = -np.einsum("dk,dk->k", drawn[:-1], X[rng.integers(N, size=drawn.shape[1])].T)  # bends at a sample
        drawn[-1] += 0.3 * (np.std(X) or 1.0) * np.sqrt(d) * rng.standard_normal(drawn.shape[1])
        found = sigma.of(X @ drawn[:-1] + drawn[-1])
        lengths = np.linalg.norm(found, axis=0)
        drawn, found = drawn[:, lengths > 0] / lengths[lengths > 0], found[:, lengths > 0] / lengths[lengths > 0]
        if not _scales(sigma):
            found = sigma.of(X @ drawn[:-1] + drawn[-1])
        picked = _independent(found)[:N]
        if len(picked) < N:
            raise InputError(f"X must be told apart by units of {sigma.name}: {len(picked)} of {N} are independent")
        features = found[:, picked]
        condition = check_condition("reference units", float(np.linalg.cond(features)))
        return cls(X, sigma, drawn[:, picked], features, condition)

    @property
    def samples(self) -> int:
        return len(self.X)

    def check(self, widths: tuple[int, ...], least: int) -> None:
        """InputError for widths d, n_1, ..., n_L with n_1 < least, or that do not decrease from n_2 on."""
        if widths[0] != self.X.shape[1]:
            raise InputError(f"a net must read the {self.X.shape[1]} numbers of a sample, not {widths[0]}")
        if len(widths) < 3:
            raise InputError("a net must have a hidden layer, and it has none")
        if widths[1] < least:
            raise InputError(
                f"the first hidden layer must have at least {least} units for {self.samples} samples, not {widths[1]}"
            )
        if any(a <= b for a, b in itertools.pairwise(widths[2:])):
            raise InputError(f"widths must decrease from the second hidden layer on, not {widths[2:]}")

    # --- paths --------------------------------------------------------------------------------------------------------

    def path(self, a: Weights, b: Weights, loss: Loss, few: bool = False) -> Path:
        """From a to b; the loss is at most the larger of the two all the way.

        n_1 >= 2N is needed, or N + 1 where `few`: then the reference units come in one by one. InputError for two
        shapes, widths that are too small or do not decrease, and a loss that is not convex between the two outputs.
        """
        check_two(a, b)
        self.check(a.widths, self.samples + 1 if few else 2 * self.samples)
        check_convex(loss, given(a, self.X, self.sigma), given(b, self.X, self.sigma))
        first, last = (Home(self, end).walked(few) for end in (a, b))
        return first + self._above(first.ends[1], last.ends[1], loss) + last.back()

    def _above(self, a: Weights, b: Weights, loss: Loss) -> Path:
        """Between two nets with the reference units: the path of Theorem 3.2 for what stands above these."""
        upper = Pyramid.of(self.features, self.sigma)
        path = upper.path(self._cut(a), self._cut(b), loss)
        return Path(tuple(Leg(leg.name, _on_top_of(a, leg.at)) for leg in path.legs), path.condition)

    def _cut(self, theta: Weights) -> Weights:
        """The layers above the reference units, which read N numbers."""
        return Weights((theta.weights[1][: self.samples], *theta.weights[2:]), theta.biases[1:])


def _on_top_of(theta: Weights, at: Callable[[float], Weights]) -> Callable[[float], Weights]:
    """The net with the first layer of `theta`, whose first units the layers of `at` read; they do not read the rest."""

    def whole(t: float) -> Weights:
        upper = at(t)
        read = np.zeros_like(theta.weights[1])
        read[: len(upper.weights[0])] = upper.weights[0]
        return Weights((theta.weights[0], read, *upper.weights[1:]), (theta.biases[0], *upper.biases))

    return whole


@dataclass(eq=False)
class Home:
    """From a net to one whose first N units are the reference units and whose others are zero, output constant."""

    wide: Wide
    now: Weights
    legs: list[Leg] = field(default_factory=list)
    condition: float = 1.0  # the largest of a basis that something was written on

    def walked(self, few: bool) -> Path:
        """All legs; `few`: with one idle slot at a time."""
        self._write_on(self._basis(range(self.now.widths[1])))
        if few:
            self._one_by_one()
        else:
            self._all_at_once()
        self._clear()
        return Path(tuple(self.legs), self.condition)

    # --- two moves that leave the output as it is ---------------------------------------------------------------------

    def _write_on(self, slots: list[int]) -> None:
        """W_2 to the one that reads these units alone, whose outputs span all that it read before."""
        F, W = self._features(), self.now.weights[1]
        read = np.zeros_like(W)
        if slots:
            condition = check_condition("what units give", float(np.linalg.cond(F[:, slots])))
            self.condition = max(self.condition, condition)
            read[slots] = np.linalg.lstsq(F[:, slots], F @ W, rcond=None)[0]
        self._go("hand over to other units", self.now.with_layer(2, read))

    def _put(self, units: dict[int, Array]) -> None:
        """Other units (d + 1,) into idle slots."""
        first, biases = self.now.weights[0].copy(), self.now.biases[0].copy()
        for slot, unit in units.items():
            first[:, slot], biases[slot] = unit[:-1], unit[-1]
        self._go("move idle units", Weights((first, *self.now.weights[1:]), (biases, *self.now.biases[1:])))

    def _go(self, name: str, then: Weights) -> None:
        self.legs.append(straight(name, self.now, then))
        self.now = then

    # --- their order --------------------------------------------------------------------------------------------------

    def _all_at_once(self) -> None:
        """n_1 >= 2N: reference unit k into slot k where that is idle, else into another; then those into theirs."""
        N, busy = self.wide.samples, set(self._busy())
        idle = (slot for slot in range(N, self.now.widths[1]) if slot not in busy)
        place = {k: next(idle) if k in busy else k for k in range(N)}
        self._put({slot: self.wide.units[:, k] for k, slot in place.items()})
        self._write_on(list(place.values()))
        self._put({k: self.wide.units[:, k] for k in range(N)})
        self._write_on(list(range(N)))

    def _one_by_one(self) -> None:
        """n_1 > N: each reference unit comes into an idle slot, then a unit that it can replace is idle."""
        N, place = self.wide.samples, {}
        basis = self._busy()
        for k in range(N):
            slot = _first_but(self.now.widths[1], {*basis, *place.values()})
            self._put({slot: self.wide.units[:, k]})
            basis = self._exchanged(basis, list(place.values()), slot)
            place[k] = slot
            self._write_on([*place.values(), *basis])
        self._sort(place)

    def _exchanged(self, basis: list[int], kept: list[int], slot: int) -> list[int]:
        """The basis without the unit that the one in `slot` replaces best; whole, where that is independent of all."""
        F = self._features()
        span = F[:, [*kept, *basis]]
        if len(span.T) == 0:
            return basis
        coordinates = np.linalg.lstsq(span, F[:, slot], rcond=None)[0]
        rest = np.linalg.norm(F[:, slot] - span @ coordinates)
        if rest > LINEAR * np.linalg.norm(F[:, slot]) and len(span.T) < self.wide.samples:
            return basis
        lengths = np.linalg.norm(F[:, basis], axis=0)
        replaced = basis[int(np.argmax(np.abs(coordinates[len(kept) :]) * lengths))]
        return [s for s in basis if s != replaced]

    def _sort(self, place: dict[int, int]) -> None:
        """Reference unit k into slot k, through idle slots: like tiles that are pushed around with one gap."""
        while wrong := [k for k in place if place[k] != k]:
            held = {slot: k for k, slot in place.items()}
            ready = [k for k in wrong if k not in held]
            k = ready[0] if ready else wrong[0]  # where no slot is ready, one more unit goes into the gap
            to = k if ready else _first_but(self.now.widths[1], held)
            self._put({to: self.wide.units[:, k]})
            place[k] = to
            self._write_on(list(place.values()))

    def _clear(self) -> None:
        """What stands in the slots behind the reference units goes to zero."""
        N, d = self.wide.samples, self.wide.X.shape[1]
        self._put({slot: np.zeros(d + 1) for slot in range(N, self.now.widths[1])})

    # --- what is needed for it ----------------------------------------------------------------------------------------

    def _features(self) -> Array:
        return self.wide.sigma.of(self.wide.X @ self.now.weights[0] + self.now.biases[0])

    def _busy(self) -> list[int]:
        return np.flatnonzero(np.any(self.now.weights[1] != 0, axis=1)).tolist()

    def _basis(self, slots: range) -> list[int]:
        F = self._features()[:, list(slots)]
        lengths = np.linalg.norm(F, axis=0)
        return [int(slot) for slot in _independent(F / np.where(lengths > 0, lengths, 1))]


def _first_but(count: int, taken: Collection[int]) -> int:
    """The first of so many slots that is not taken."""
    return next(slot for slot in range(count) if slot not in taken)


def _independent(F: Array) -> Array:
    """Columns that are independent and span all of them, by QR with pivots; the best conditioned first."""
    if not F.any():
        return np.zeros(0, int)
    _, R, order = linalg.qr(F, mode="economic", pivoting=True)  # pyright: ignore[reportAssignmentType]
    size = np.abs(np.diag(R))
    return order[: int((size > LINEAR * size[0]).sum())]


def _scales(sigma: Activation) -> bool:
    """Whether sigma(c z) = c sigma(z) for positive c."""
    return sigma.name in ("leaky", "relu")
