"""What a part of an examination is: what it needs, what it measures, what it says of that, and what it draws.

To add one, write a module here that ends with a `Part`, and put it in its place in `PARTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reversible.show.html import Shown
from reversible.your_net.subject import Subject

Need = Callable[[Subject], str]  # "" where there is what is needed, else why there is not


@dataclass(frozen=True)
class Said:
    """What is said of a net, and what a random net of the same shape would show."""

    sentence: str  # what was found; its first sentence is the answer
    random: str
    numbers: Sequence[tuple[str, str, str]]  # of what; this net; a random net, "" where there is no such number
    more: Sequence[str] = ()  # details, a line each


@dataclass(frozen=True)
class Part:
    """One question to a net."""

    name: str  # by which it is left out
    question: str
    chapter: str  # of the book, which explains it
    asks: str  # how it is measured, in a sentence or two
    needs: Sequence[Need]
    seconds: Callable[[Subject], float]  # that `measure` and `draw` take on one core of 2026, about
    measure: Callable[[Subject], Any]
    say: Callable[[Any], Said]
    draw: Callable[[Any], Shown]

    def why_not(self, subject: Subject) -> str:
        """Why it cannot be asked of this net, the first reason alone; "" where it can."""
        return next(filter(None, (need(subject) for need in self.needs)), "")


# --- what parts need --------------------------------------------------------------------------------------------------


def as_layers(subject: Subject) -> str:
    """A net that is read layer by layer."""
    return subject.why_not


def with_weights(subject: Subject) -> str:
    """Layers with weights."""
    return "" if subject.layers else "the model must have Linear or convolutional layers, and it has none"


def every_class(subject: Subject) -> str:
    """Two images of each class or more."""
    counts = subject.labels.bincount(minlength=subject.classes)
    few = (counts < 2).nonzero().flatten().tolist()
    return f"two images of each class are needed, and of class {few[0]} there are {int(counts[few[0]])}" if few else ""
