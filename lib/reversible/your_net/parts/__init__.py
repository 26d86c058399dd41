"""The parts of an examination, in the order of the page."""

from reversible.your_net.parts import (
    errors,
    information,
    inversion,
    noise,
    pieces,
    reversal,
    separability,
    signal,
    weights,
)
from reversible.your_net.parts.part import Part, Said

__all__ = ["PARTS", "Part", "Said"]

PARTS: tuple[Part, ...] = (
    weights.PART,
    reversal.PART,
    inversion.PART,
    pieces.PART,
    signal.PART,
    noise.PART,
    errors.PART,
    information.PART,
    separability.PART,
)
