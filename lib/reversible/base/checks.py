"""Bad input gets one line that names the value and what is allowed."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used; its message is one line for the person who typed it."""


def integer(name: str, value: object, low: int = 1, high: int = 10**9) -> int:
    """`value` as an int in [low, high]; whole floats such as 2e3 pass, 2.5, nan and text do not.

    >>> integer("n", 4e3)
    4000
    """
    allowed = f"an integer from {low} to {high}"
    number = _real(name, value, allowed)
    if number != int(number) or not low <= number <= high:
        raise InputError(f"{name} must be {allowed}, not {value!r}")
    return int(value) if isinstance(value, int) else int(number)


SMALLEST, LARGEST = 1e-12, 1e12  # their squares fit single precision


def fraction(name: str, value: object) -> float:
    """`value` as a float from 1e-12 to 1: a retention probability."""
    return _between(name, value, SMALLEST, 1.0)


def positive(name: str, value: object) -> float:
    """`value` as a float from 1e-12 to 1e12."""
    return _between(name, value, SMALLEST, LARGEST)


def real(name: str, value: object) -> float:
    """`value` as a float from -1e12 to 1e12."""
    return _between(name, value, -LARGEST, LARGEST)


def _between(name: str, value: object, low: float, high: float) -> float:
    allowed = f"a number from {low:g} to {high:g}"
    number = _real(name, value, allowed)
    if not low <= number <= high:
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


def number_or_name(name: str, value: object, allowed: str) -> float:
    try:
        return real(name, value)
    except InputError:
        raise InputError(f"{name} must be {allowed}, not {value!r}") from None
