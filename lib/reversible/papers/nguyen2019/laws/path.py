"""A path in the space of weights: legs one after the other, and what is met on the way along them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import InputError
from reversible.papers.nguyen2019.nets import Activation, Loss, Weights, given, mixed

Array = np.ndarray
LARGEST_CONDITION = 1e12  # of a matrix that is inverted: beyond it fewer than four digits of float64 are left


@dataclass(frozen=True, eq=False)
class Leg:
    """A continuous piece of a path: its name, and where it is at t from 0 to 1."""

    name: str
    at: Callable[[float], Weights]


@dataclass(frozen=True, eq=False)
class Path:
    """Legs, each of which begins where the one before it ends."""

    legs: tuple[Leg, ...]
    condition: float = 1.0  # the largest condition number of a matrix that was inverted to find them

    @property
    def ends(self) -> tuple[Weights, Weights]:
        return self.legs[0].at(0.0), self.legs[-1].at(1.0)

    def __add__(self, other: Path) -> Path:
        return Path(self.legs + other.legs, max(self.condition, other.condition))

    def back(self) -> Path:
        """The same path walked from its end to its beginning."""
        return Path(tuple(Leg(leg.name, _backwards(leg.at)) for leg in reversed(self.legs)), self.condition)

    def points(self, steps: int) -> Iterator[tuple[int, Weights]]:
        """Each leg at `steps` + 1 places, with the leg's number."""
        for number, leg in enumerate(self.legs):
            for t in np.linspace(0, 1, steps + 1):
                yield number, leg.at(float(t))


def _backwards(at: Callable[[float], Weights]) -> Callable[[float], Weights]:
    return lambda t: at(1 - t)


def straight(name: str, a: Weights, b: Weights) -> Leg:
    """The segment between two nets of the same shape."""
    return Leg(name, lambda t: mixed(a, b, t))


@dataclass(frozen=True, eq=False)
class Followed:
    """What was met on a path."""

    losses: Array  # at each place that was looked at
    legs: Array  # and the number of its leg
    largest: float  # loss on the path
    ends: float  # the larger of the losses at its two ends
    jump: float  # the largest distance between two neighbouring places, in the space of weights
    condition: float  # the largest condition number of W_2, ..., W_L that a leg inverts, see `follow`

    @property
    def excess(self) -> float:
        """By how much the largest loss on the path is above that of its ends; never below zero."""
        return self.largest - self.ends


def follow(path: Path, X: Array, sigma: Activation, loss: Loss, steps: int = 20) -> Followed:
    """Walk a path, `steps` a leg. Condition numbers are of W_2, ..., W_L on legs named "turn ..."."""
    losses, legs, conditions, jump = [], [], [1.0], 0.0
    before: Array | None = None
    for number, theta in path.points(steps):
        losses.append(loss(given(theta, X, sigma)))
        legs.append(number)
        now = theta.flat()
        jump = jump if before is None else max(jump, float(np.linalg.norm(now - before)))
        before = now
        if path.legs[number].name.startswith("turn"):
            conditions += [float(np.linalg.cond(W)) for W in theta.weights[1:]]
    found = np.array(losses)
    return Followed(found, np.array(legs), float(found.max()), float(max(found[0], found[-1])), jump, max(conditions))


def check_condition(what: str, value: float) -> float:
    """The condition number of a matrix whose pseudo-inverse is needed; InputError beyond what float64 can carry."""
    if not value <= LARGEST_CONDITION:
        raise InputError(
            f"{what} must have a condition number of at most {LARGEST_CONDITION:g}, beyond which float64 carries no "
            f"pseudo-inverse, not {value:.3g}"
        )
    return value
