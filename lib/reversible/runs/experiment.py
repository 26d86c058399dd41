"""An experiment: independent cells, a function that runs one of them, and what is read off all of them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reversible.base.digests import digest
from reversible.base.estimates import Estimate

PROFILES = SMOKE, BOOK, FULL = "smoke", "book", "full"
Pairs = list[tuple[Any, Any]]


def plain_words(measure: str) -> str:
    """A measure's name with spaces.

    >>> plain_words("mean_gain")
    'mean gain'
    """
    return measure.replace("_", " ")


def seed_of(record: str, place: int | str) -> int:
    """The seed for a cell of a new experiment: a stable hash of the record's name and the cell's place in it.

    From 0 to 2^48 - 1, so that records of different names share no randomness, whoever wrote them. That two of N
    cells get one seed by chance has a probability below N^2 / 2^49.

    >>> seed_of("model-rip", 0)
    245617430202963
    """
    return int(digest([record, place])[:12], 16)


@dataclass(frozen=True)
class Experiment:
    """Independent cells, a function that runs one of them, and what is read off all of them together.

    The first four make a record's meaning (`base.meaning`); the others say how its numbers are to be read.
    """

    cells: Callable[[str], list[Any]]  # profile -> frozen dataclasses of parameters, each with its own seed
    run_cell: Callable[..., Any]  # a cell -> a frozen dataclass of results
    measure: Callable[[Pairs], dict[str, Estimate]]  # (cell, result) pairs -> named measures
    # Where a cell chooses settings on its way: a recorded row -> what was chosen, or None; `run_cell` takes it second.
    choice: Callable[[dict[str, Any]], Any] | None = None

    label: Callable[[str], str] = plain_words  # a measure's name -> what it is, in words
    draws: tuple[str, ...] = ("seed",)  # fields of a cell that say which random draws, not of what
    repeats: tuple[str, ...] = ("seeds", "trials", "draws", "batches")  # and those that say how many
    timed: tuple[str, ...] = ()  # what measures that are read off a clock begin with
    scores: tuple[str, ...] = ()  # what standard scores against an exact law begin with: about 1 where it holds
    float64: Callable[[list[Any]], float] | None = None  # cells on a GPU -> how far some of them are off doubles
    name: str = ""  # of its record, and
    module: str = ""  # where it is put together: filled in by whoever finds it

    def is_score(self, measure: str) -> bool:
        """Whether a measure is a standard score against an exact law."""
        return measure.startswith(self.scores)

    def is_timed(self, measure: str) -> bool:
        """Whether a measure is read off a clock, and so hangs on the machine."""
        return measure.startswith(self.timed)

    def place(self, cell: Any) -> Any:
        """What a cell, as JSON has it, measures: without the draws and how many there are; in parts of it, too."""
        if isinstance(cell, list):
            return [self.place(part) for part in cell]
        if not isinstance(cell, dict):
            return cell
        left_out = (*self.draws, *self.repeats)
        return {name: self.place(value) for name, value in cell.items() if name not in left_out}

    def runs_of(self, cell: dict[str, Any]) -> int:
        """How many independent runs a cell, as JSON has it, stands for."""
        for part in (cell, *(value for value in cell.values() if isinstance(value, dict))):
            for name in self.repeats:
                if count := part.get(name):
                    return count if isinstance(count, int) else len(count)
        return 1


@dataclass(frozen=True)
class Absent:
    """The result of a cell whose data or weights are not at hand."""

    absent: str  # why, in one line


def on_one_thread(run: Callable[..., Any], *what: Any) -> Any:
    """What every cell is run by: one thread, so that sums are in one order."""
    from reversible.base.runtime import one_thread  # brings torch, which takes seconds: not for --help

    with one_thread():
        return run(*what)
