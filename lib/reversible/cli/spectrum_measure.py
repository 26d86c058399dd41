"""Layers of somebody's net measured one by one: within a limit of time, with progress, and a line for what has none."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from tqdm import tqdm

from reversible import __version__
from reversible.base.checks import InputError, integer, positive
from reversible.cli.spectrum_table import FEW, what

if TYPE_CHECKING:
    from reversible.spectra.matrix import Row
    from reversible.spectra.pictures import Picture
    from reversible.spectra.weight_files import Waiting

BESIDE = (
    "Each matrix was set beside random ones, whose numbers are in brackets: its own entries in random order, and noise "
    "with the same scales of rows and columns."
)
ALONE = (
    "No random matrices were drawn beside (--no-nulls), so a few large entries and unequal scales of rows and columns "
    "are not told from structure."
)
TRIED = (300, 200)  # a matrix that takes a moment


class Task(Protocol):
    """A layer, or a pair of layers, that waits to be measured."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def work(self) -> float: ...


T = TypeVar("T", bound=Task)


@dataclass(frozen=True)
class Asked:
    """How matrices are to be measured."""

    nulls: bool
    seed: int
    positions: bool
    pictures: bool  # drawn things are wanted, too
    seconds: float | None  # None: as long as it takes

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Asked:
        limit = None if arguments.max_seconds is None else positive("max-seconds", arguments.max_seconds)
        seed = integer("seed", arguments.seed, low=0, high=2**32)
        drawn = bool(arguments.plot or arguments.html)
        return cls(arguments.nulls, seed, arguments.positions, drawn, limit)

    def words(self) -> list[str]:
        """For a reader who was not there."""
        return [f"Version {__version__} of reversible, seed {self.seed}.", BESIDE if self.nulls else ALONE]


@dataclass
class Measured:
    """Rows, and of what has none why."""

    rows: list[Any]
    left: list[tuple[str, str]] = field(default_factory=list)  # name and shape; why
    pictures: list[Any] = field(default_factory=list)  # of each row, where pictures are wanted

    def lines(self) -> list[str]:
        """A line for each that was left out, and one for many that were left out for the same reason."""
        by_reason: dict[str, list[str]] = {}
        for named, why in self.left:
            by_reason.setdefault(why, []).append(named)
        lines = []
        for why, names in by_reason.items():
            few = len(names) <= FEW
            lines += [f"{name}: {why}" for name in names] if few else [f"{names[0]} and {len(names) - 1} more: {why}"]
        return lines


def measured(tasks: Sequence[T], asked: Asked, one: Callable[[T, Asked], Measured]) -> Measured:
    """By `one`, each read when it is its turn and then let go; told in their order, in whatever one measured."""
    found = Measured([])
    done: dict[int, Measured] = {}
    for place, task in _turns(tasks, asked):
        done[place] = one(task, asked)
    for place, task in enumerate(tasks):
        late = [(what(task.name, task.shape), f"it would have ended later than after {asked.seconds} s")]
        part = done.get(place, Measured([], late))
        found.rows += part.rows
        found.left += part.left
        found.pictures += part.pictures
    return found


def _turns(layers: Sequence[T], asked: Asked) -> Iterator[tuple[int, T]]:
    """The layers one by one, with progress on a terminal; within a limit the small ones first, while there is time."""
    order, limit, begun = list(range(len(layers))), asked.seconds, time.monotonic()
    rate, spent, done = 0.0, 0.0, 0.0  # seconds for a unit of work
    if limit is not None:
        order.sort(key=lambda place: layers[place].work)
        rate = _rate(asked)
    bar_format = "{desc} {percentage:3.0f}% |{bar}| {elapsed} gone, {remaining} left"
    with tqdm(total=sum(layer.work for layer in layers), bar_format=bar_format, disable=None) as bar:
        for count, place in enumerate(order, 1):
            work, start = layers[place].work, time.monotonic()
            bar.set_description_str(f"spectrum: layer {count} of {len(layers)}")
            if limit is not None and start - begun + rate * work > limit:
                break
            yield place, layers[place]
            spent, done = spent + time.monotonic() - start, done + work
            rate = spent / done
            bar.update(work)


def _rate(asked: Asked) -> float:
    """Seconds for a unit of work on this machine: those of a matrix measured twice, what is imported for it aside."""
    from reversible.spectra import matrix as spectra
    from reversible.spectra import weight_files as weights

    tried = np.random.default_rng(0).standard_normal(TRIED)
    spectra.analyse(tried, nulls=asked.nulls)
    start = time.monotonic()
    spectra.analyse(tried, nulls=asked.nulls)
    return (time.monotonic() - start) / weights.work_needed(TRIED)


def of_layer(layer: Waiting, asked: Asked) -> Measured:
    """The rows of a layer's matrices, or why there are none."""
    from reversible.spectra import weight_files as weights

    try:
        parts = weights.matrices(layer.load(), asked.positions)
    except InputError as error:
        return Measured([], [(what(layer.name, layer.shape), str(error))])
    found = Measured([])
    for at, matrix in parts:
        row, drawn, why = of_matrix(layer.name + at, matrix, asked)
        if row is None:
            found.left.append((what(layer.name + at, matrix.shape), why))
        else:
            found.rows.append(row)
            found.pictures.append(drawn)
    return found


def of_matrix(name: str, matrix: np.ndarray, asked: Asked) -> tuple[Row | None, Picture | None, str]:
    """The row of a matrix and its picture if wanted, or none and why."""
    from reversible.spectra import matrix as spectra
    from reversible.spectra.pictures import picture
    from reversible.spectra.readers.stored import why

    try:
        row = spectra.analyse(matrix, nulls=asked.nulls, seed=asked.seed)
        drawn = picture(matrix, row) if asked.pictures else None
        return replace(row, layer=name), drawn, ""
    except (InputError, np.linalg.LinAlgError, MemoryError) as error:
        return None, None, why(error)
