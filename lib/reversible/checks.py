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


def fraction(name: str, value: object) -> float:
    """`value` as a float in (0, 1]: a retention probability."""
    number = _real(name, value, "a number in (0, 1]")
    if not 0 < number <= 1:
        raise InputError(f"{name} must be a number in (0, 1], not {value!r}")
    return number


LARGEST = 1e12  # of any number given: its square still fits single precision


def real(name: str, value: object, above: float | None = None) -> float:
    """`value` as a float, at most 1e12 in size and larger than `above`."""
    low = f"> {above:g} and" if above is not None else f">= {-LARGEST:g} and"
    allowed = f"a number {low} <= {LARGEST:g}"
    number = _real(name, value, allowed)
    if abs(number) > LARGEST or (above is not None and number <= above):
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
