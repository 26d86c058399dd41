"""Bad input gets one line that names the value and what is allowed."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used; its message is one line for the person who typed it."""


def integer(name: str, value: object, low: int = 1, high: int | None = None) -> int:
    """`value` as an int in [low, high]; whole floats such as 2e3 pass, 2.5, nan and text do not.

    >>> integer("n", 4e3)
    4000
    """
    allowed = f"an integer >= {low}" if high is None else f"an integer from {low} to {high}"
    number = _real(name, value, allowed)
    if number != int(number) or number < low or (high is not None and number > high):
        raise InputError(f"{name} must be {allowed}, not {value!r}")
    return int(number)


def fraction(name: str, value: object) -> float:
    """`value` as a float in (0, 1]: a retention probability."""
    number = _real(name, value, "a number in (0, 1]")
    if not 0 < number <= 1:
        raise InputError(f"{name} must be a number in (0, 1], not {value!r}")
    return number


def real(name: str, value: object, above: float = -math.inf) -> float:
    """`value` as a finite float larger than `above`."""
    allowed = "a finite number" + ("" if above == -math.inf else f" > {above:g}")
    number = _real(name, value, allowed)
    if not number > above:
        raise InputError(f"{name} must be {allowed}, not {value!r}")
    return number


def one_of(name: str, value: object, allowed: Iterable[str]) -> str:
    """`value` where it is one of the `allowed` names."""
    names = list(allowed)
    if value not in names:
        raise InputError(f"{name} must be one of {', '.join(names)}, not {value!r}")
    return str(value)


def _real(name: str, value: object, allowed: str) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, (numbers.Real, str)):
            raise ValueError
        number = float(value)
    except (ValueError, OverflowError):
        raise InputError(f"{name} must be {allowed}, not {value!r}") from None
    if not math.isfinite(number):
        raise InputError(f"{name} must be {allowed}, not {value!r}")
    return number
