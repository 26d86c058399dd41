"""Activations with their slopes, second derivatives, kinks and scale, each checked when it is made.

A *kink* is where the activation or one of its derivatives jumps; `jumps` says by how much the slope does there. The
*scale* is a length within which the function is like a polynomial. Quadrature is split by both. What it relies on is
checked: arrays in, arrays of the same shape out, finite numbers, a slope that is the slope, and panels short enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from reversible.base.checks import InputError, one_of, positive, real
from reversible.theory.pair_means import mean

Array = np.ndarray
Function = Callable[[Array], Array]
STEP = 1e-5  # of a difference quotient, in scales
OFF = 1e-6  # how far the slope may be from it, relative to the largest slope
ROUGH = 1e-9  # how far two quadratures of one mean may lie apart
REACH = 20.0  # scales on both sides of zero within which a function is looked at


@dataclass(frozen=True, eq=False)
class Activation:
    """A function of real numbers that a layer applies to each of its preactivations.

    >>> Activation.checked("square", lambda x: x**2, lambda x: 2 * x).phi(np.array([3.0]))
    array([9.])
    """

    name: str
    phi: Function
    slope: Function  # its derivative; at a kink that of either side
    bend: Function  # its second derivative away from kinks
    kinks: tuple[float, ...] = ()
    jumps: tuple[float, ...] = ()  # of the slope, at each kink
    scale: float = 1.0

    @classmethod
    def checked(
        cls, name: str, phi: Function, slope: Function, bend: Function | None = None, *,
        kinks: tuple[float, ...] = (), scale: float = 1.0,
    ) -> Activation:  # fmt: skip
        """An activation of the reader's own; without `bend` differences of the slope take its place.

        Raises InputError for a function that is not vectorised or gives what is not finite, for a slope that is not
        its slope, and where quadrature does not converge, as with a kink that is not among `kinks`.
        """
        kinks, scale = tuple(real("kinks", k) for k in kinks), positive("scale", scale)
        points = _points(kinks, scale)
        bend = bend or (lambda x: _quotient(slope, x, scale))
        for what, f in ((name, phi), (f"the slope of {name}", slope), (f"the second derivative of {name}", bend)):
            _look(what, f, points)
        _compare(f"the slope of {name}", slope(points), _quotient(phi, points, scale), points)
        _compare(f"the second derivative of {name}", bend(points), _quotient(slope, points, scale), points)
        for f, what in ((slope, "slope"), (bend, "second derivative")):
            if 0.0 not in kinks and _jump(f, 0.0, scale, points):
                raise InputError(f"kinks must name 0, where the {what} of {name} jumps, not {kinks}")
        made = cls(name, phi, slope, bend, kinks, tuple(_jump(slope, k, scale, points) for k in kinks), scale)
        _integrate(made)
        return made

    def squares(self, x: Array) -> Array:
        """phi(x)^2, whose mean makes the variance of the next layer."""
        value = self.phi(x)
        return value * value

    def steepness(self, x: Array) -> Array:
        """phi'(x)^2, whose mean says how a small distance grows."""
        value = self.slope(x)
        return value * value

    @property
    def is_smooth(self) -> bool:
        """Whether the slope is continuous."""
        return not any(self.jumps)


# --- checks -----------------------------------------------------------------------------------------------------------


def _points(kinks: tuple[float, ...], scale: float) -> Array:
    """Places of both signs and all sizes (2 N,), none of them near a kink."""
    grid = scale * np.geomspace(0.05, REACH, 30)
    near = [sign * 0.1 * scale + k for k in kinks for sign in (-1, 1)]
    points = np.array([*(-grid), *grid, *near])
    apart = [np.abs(points - k) > 10 * STEP * scale for k in kinks]
    kept = points[np.all(apart, axis=0)] if apart else points
    return kept[: len(kept) // 2 * 2]


def _look(what: str, f: Function, points: Array) -> None:
    allowed = f"{what} must be vectorised, from an array to one of its shape"
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(f(points.reshape(2, -1)), float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{allowed}: {error}") from None
    if value.shape != (2, len(points) // 2):
        raise InputError(f"{allowed}, not from {(2, len(points) // 2)} to {value.shape}")
    bad = ~np.isfinite(value.ravel())
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(f"{what} must be finite, not {value.ravel()[at]} at {points[at]:.3g}")


def _quotient(f: Function, x: Array, scale: float) -> Array:
    h = STEP * scale
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)


def _compare(what: str, said: Array, found: Array, points: Array) -> None:
    off = np.abs(said - found) / max(float(np.abs(found).max()), 1.0)
    at = int(np.argmax(off))
    if off[at] > OFF:
        raise InputError(f"{what} must be the derivative, {found[at]:.6g} at {points[at]:.3g}, not {said[at]:.6g}")


def _jump(f: Function, kink: float, scale: float, points: Array) -> float:
    """By how much f jumps there; 0 for what is small beside its values elsewhere."""
    h = 1e-9 * scale * max(1.0, abs(kink))
    below, above = f(np.array([kink - h, kink + h]))
    jump = float(above - below)
    return jump if abs(jump) > OFF * max(1.0, float(np.abs(f(points)).max())) else 0.0


def _integrate(a: Activation) -> None:
    """InputError where panels half as long give another mean."""
    for f, what in ((a.squares, "square"), (a.steepness, "squared slope")):
        for sd in (0.5 * a.scale, 3 * a.scale, 50 * a.scale):
            one, other = (mean(f, sd, a.kinks, scale) for scale in (a.scale, a.scale / 2))
            if not abs(one - other) <= ROUGH * abs(other):
                raise InputError(
                    f"the mean {what} of {a.name} must not hang on how it is integrated, {one:.8g} or {other:.8g}: "
                    "name all its kinks, or a smaller scale; one that waves without end is not for these rules"
                )


# --- the ones that nets use -------------------------------------------------------------------------------------------


def relu_like(above: float, below: float, name: str = "") -> Activation:
    """above * x for positive x, below * x for others."""
    up, down = real("above", above), real("below", below)
    return Activation.checked(
        name or f"{up:g} x or {down:g} x",
        lambda x: np.where(x > 0, up * x, down * x),
        lambda x: np.where(x > 0, up, down),
        lambda x: np.zeros_like(x),
        kinks=(0.0,),
    )


def elu_like(alpha: float = 1.0, times: float = 1.0, name: str = "ELU") -> Activation:
    """times * x for positive x, times * alpha * (exp(x) - 1) for others (Clevert et al. 2015)."""

    def grown(x: Array) -> Array:
        return times * alpha * np.exp(np.minimum(x, 0))

    return Activation.checked(
        name,
        lambda x: np.where(x > 0, times * x, times * alpha * np.expm1(np.minimum(x, 0))),
        lambda x: np.where(x > 0, times, grown(x)),
        lambda x: np.where(x > 0, 0.0, grown(x)),
        kinks=(0.0,),
    )


def _tanh() -> Activation:
    def slope(x: Array) -> Array:
        return 1 / np.cosh(np.clip(x, -300, 300)) ** 2

    return Activation.checked("tanh", np.tanh, slope, lambda x: -2 * np.tanh(x) * slope(x))


def _swish() -> Activation:
    def slope(x: Array) -> Array:
        s = special.expit(x)
        return s + x * s * special.expit(-x)

    def bend(x: Array) -> Array:
        s, t = special.expit(x), special.expit(-x)
        return s * t * (2 + x * (t - s))

    return Activation.checked("Swish", lambda x: x * special.expit(x), slope, bend)


def _density(x: Array) -> Array:
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _gelu() -> Activation:
    return Activation.checked(
        "GELU",
        lambda x: x * special.ndtr(x),
        lambda x: special.ndtr(x) + x * _density(x),
        lambda x: (2 - x * x) * _density(x),
    )


def _softplus() -> Activation:
    return Activation.checked(
        "softplus", lambda x: np.logaddexp(0, x), special.expit, lambda x: special.expit(x) * special.expit(-x)
    )


def _sigmoid() -> Activation:
    def slope(x: Array) -> Array:
        return special.expit(x) * special.expit(-x)

    return Activation.checked("sigmoid", special.expit, slope, lambda x: slope(x) * (1 - 2 * special.expit(x)))


def _hard_tanh() -> Activation:
    return Activation.checked(
        "hard tanh",
        lambda x: np.clip(x, -1, 1),
        lambda x: np.where(np.abs(x) < 1, 1.0, 0.0),
        lambda x: np.zeros_like(x),
        kinks=(-1.0, 1.0),
    )


SELU = 1.6732632423543772, 1.0507009873554805  # alpha and times of Klambauer et al. 2017
NAMED: dict[str, Callable[[], Activation]] = {
    "relu": lambda: relu_like(1.0, 0.0, "ReLU"),
    "leaky relu": lambda: relu_like(1.0, 0.1, "leaky ReLU"),
    "tanh": _tanh,
    "elu": elu_like,
    "selu": lambda: elu_like(*SELU, name="SELU"),
    "swish": _swish,
    "gelu": _gelu,
    "softplus": _softplus,
    "sigmoid": _sigmoid,
    "hard tanh": _hard_tanh,
    "linear": lambda: relu_like(1.0, 1.0, "the identity"),
}


def activation(name: str) -> Activation:
    """One of NAMED.

    >>> activation("swish").kinks
    ()
    """
    return NAMED[one_of("activation", name, NAMED)]()
