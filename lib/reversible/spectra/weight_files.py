"""The layers of a net, out of files of weights or from torchvision: what is in it, what fits, then the numbers.

    bytes -> kind -> arrays by name       `readers`: by content, and lazily; no code of a file is ever run
    arrays -> the weights that a net uses `used`, `codes`: parts put together, what is no weight left out
    weights -> matrices                   `axes`
    matrices -> rows                      `matrix`, for whoever asks

Each step ends in layers or in a line that says why there is none: what is odd, or too large, costs no other layer its
row. Headers are looked at before any number is read, so that a file of any size, and one that lies about its size, ends
in layers that fit the memory or in a line.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from reversible.base.checks import InputError, integer, one_of
from reversible.spectra import axes as orders
from reversible.spectra import decomposed, downloads, entries, used
from reversible.spectra.downloads import near
from reversible.spectra.readers import folders
from reversible.spectra.readers.stored import Array, Contents, Stored, why
from reversible.spectra.used import Skipped, Weight

LARGEST = 1e300  # singular values are finite, too
OF_ENTRY, OF_MATRIX = 2500, 2e8  # seconds on one processor of 2026, in those of a product of two numbers: see `work`
AUTO = "auto"
WAVES = re.compile(r"(^|[._/])pe\b|pos|sin|cos|rotary|rope", re.I)  # names of what may be sines and cosines
NUMBERED = re.compile(r"(mask|index|indices|idx|ids)$", re.I)  # names of what is whole numbers and no weights

Patterns = str | Sequence[str] | None


@dataclass(frozen=True, eq=False)
class Layer:
    """The weights of one layer, finite."""

    name: str  # as stored, a trailing ".weight" removed
    weight: Array  # float32 or float64, (out, in) or (out, in, kernel...), or a stack (matrices, rows, columns)
    stack: bool = False


@dataclass(frozen=True, eq=False)
class Waiting:
    """A layer that has not been read."""

    name: str
    shape: tuple[int, ...]  # as `Layer` has it
    made: str  # of what it is put together, in words; "" where it is stored as it is
    stack: bool
    _axes: str
    _stored: Stored

    @property
    def memory(self) -> int:
        """Bytes that it takes to hold and measure it."""
        if not self.stack:
            return memory_needed(self.shape, self.size)
        beside = memory_needed(orders.rows_and_columns(self.shape, stack=True), self.size)
        return self.size * math.prod(self.shape) + beside

    @property
    def size(self) -> int:
        """Bytes of a number, which is kept in single precision unless it is stored in double."""
        return 8 if self._stored.dtype == "float64" else 4

    @property
    def work(self) -> float:
        """What measuring it takes, in proportion to other layers."""
        return work_needed(orders.rows_and_columns(self.shape, self.stack)) * (self.shape[0] if self.stack else 1)

    def load(self) -> Layer:
        """The layer; InputError where its numbers are not all there, not finite, or none of a weight."""
        try:
            with np.errstate(all="ignore"):
                array = self._stored.load()
        except InputError:
            raise
        except Exception as error:
            raise InputError(why(error)) from None
        _check(self.name, array)
        kept = array.astype(np.float32 if np.can_cast(array.dtype, np.float32) else np.float64, copy=False)
        return Layer(self.name, orders.arranged(kept, self._axes), self.stack)


@dataclass(frozen=True)
class Net:
    """What is in files: layers that can be read, what was left out and why, and notes on the whole."""

    layers: list[Waiting]
    skipped: list[Skipped]
    notes: list[str] = field(default_factory=list)


@contextlib.contextmanager
def opened(
    source: str, memory: int = 8192, only: Patterns = None, skip: Patterns = None, axes: str = AUTO
) -> Iterator[Net]:
    """The layers of `source`, none read yet; of them those that match `only` and do not match `skip`.

    `source` is a file of any kind in `readers`, a folder or an index of shards, or "torchvision:NAME" for torchvision's
    default weights of a model, downloaded and checked once, then cached. Names are patterns, as those of files in a
    shell. The order is that of the file, but 2 comes before 10. Arrays of fewer than two axes are no layers. What would
    take more than `memory` MiB to measure is left out. `axes` is one of `axes.CHOICES`.

    Raises InputError for a source that cannot be read, that holds no layer, or none that is asked for.
    """
    budget = integer("memory", memory) << 20
    one_of("axes", axes, orders.CHOICES)
    with ExitStack() as files:
        contents = _contents(source, files)
        found = _in_order(used.weights(contents.arrays))
        if not found:
            raise InputError(f"{source!r} holds no layer: no array of 2 axes or more")
        found = _chosen(source, found, _listed(only), _listed(skip))
        yield _net(contents, found, budget, axes)


def read(source: str, memory: int = 8192, only: Patterns = None, axes: str = AUTO) -> list[Layer]:
    """The layers of `source` that can be read, all at once: see `opened`, which reads one at a time.

    Raises InputError, besides, where none can be read, or where all together need more than `memory` MiB.
    """
    budget = integer("memory", memory) << 20
    with opened(source, memory, only, axes=axes) as net:
        _check_together(source, net.layers, budget)
        layers, left = [], list[tuple[str, str]]()
        for waiting in net.layers:
            try:
                layers.append(waiting.load())
            except InputError as error:
                left.append((waiting.name, str(error)))
        left += [(each.name, each.why) for each in net.skipped]
        if not layers:
            raise InputError(f"no layer of {source!r} can be read; {left[0][0]}: {left[0][1]}")
    return layers


def matrices(layer: Layer, positions: bool = False) -> list[tuple[str, Array]]:
    """The matrices of a layer, each with what to add to its name.

    The first is the weights as (out, in * kernel), added to the name is nothing. With `positions` a convolution has
    one matrix (out, in) more for each position of its kernel. A stack has a matrix for each of its places.

    >>> [(place, matrix.shape) for place, matrix in matrices(Layer("conv", np.zeros((8, 3, 1, 2))), positions=True)]
    [('', (8, 6)), ('[0,0]', (8, 3)), ('[0,1]', (8, 3))]
    """
    weight = layer.weight
    if layer.stack:
        return [(f"[{place}]", part.reshape(len(part), -1)) for place, part in enumerate(weight)]
    found = [("", weight.reshape(len(weight), math.prod(weight.shape[1:])))]
    if positions and weight.ndim > 2:
        for place in np.ndindex(weight.shape[2:]):
            found.append((f"[{','.join(map(str, place))}]", weight[:, :, *place]))
    return found


def memory_needed(shape: Sequence[int], size: int = 4) -> int:
    """Bytes that it takes to hold a layer of this shape and measure it, nulls included; a number of it takes `size`.

    These are the layer, and it over its scales: of a large one in its own precision, of others in double precision, as
    the layer itself then is. Beside them are, at different times, a piece of the entries with what is made of it, or
    in double precision a piece of the rows, three Gram matrices, and singular vectors.

    >>> memory_needed((4096, 25088)) >> 20, memory_needed((32000, 4096)) >> 20
    (1214, 1433)
    """
    rows, columns = shape[0], math.prod(shape[1:])
    count, p = rows * columns, min(rows, columns)
    of_entries = 8 * min(count, entries.MANY) + 96 * min(count, entries.PIECE)
    of_values = 8 * min(count, decomposed.PIECE) + 24 * p**2 + 32 * decomposed.VECTORS * (rows + columns)
    held = 2 * size if decomposed.is_large((rows, columns)) else size + 2 * 8
    return held * count + max(of_entries, of_values)


def work_needed(shape: tuple[int, int]) -> float:
    """What measuring a matrix n x p takes, in proportion to others: n p^2, its entries sorted, and what any takes."""
    rows, columns = shape
    return float(rows * columns * (min(shape) + OF_ENTRY) + OF_MATRIX)


# --- what is found, and what is chosen of it --------------------------------------------------------------------------


def _contents(source: str, files: ExitStack) -> Contents:
    if source.startswith("torchvision:"):
        return folders.opened(str(downloads.cached(source)), files)
    return folders.opened(source, files)


def _net(contents: Contents, found: list[Weight | Skipped], budget: int, axes: str) -> Net:
    shapes = {array.name: array.shape for array in contents.arrays}
    layers: list[Waiting] = []
    skipped: list[Skipped] = []
    for each in found:
        if isinstance(each, Skipped):
            skipped.append(each)
            continue
        waiting = _waiting(each, axes, shapes)
        if waiting.memory > budget:
            needs = f"needs {_mib(waiting.memory)} MiB; allowed are {budget >> 20} MiB"
            skipped.append(Skipped(each.name, waiting.shape, needs))
        else:
            layers.append(waiting)
    return Net(layers, skipped, list(contents.notes))


def _waiting(weight: Weight, axes: str, shapes: dict[str, tuple[int, ...]]) -> Waiting:
    stored = weight.stored
    order = orders.axes_of(stored.name, stored.shape, stored.axes, axes, shapes)
    return Waiting(weight.name, orders.shape_of(stored.shape, order), weight.made, order == "stack", order, stored)


def _listed(patterns: Patterns) -> list[str]:
    return [patterns] if isinstance(patterns, str) else list(patterns or ())


def _chosen(source: str, found: list[Weight | Skipped], only: list[str], skip: list[str]) -> list[Weight | Skipped]:
    """What the patterns leave; InputError for a pattern of `only` that nothing matches."""
    for pattern in only:
        if not any(_matches(each, pattern) for each in found):
            names = [each.name for each in found]
            raise InputError(f"{source!r} has no layer {pattern!r}; {near(pattern, names)}")
    kept = [each for each in found if not only or any(_matches(each, pattern) for pattern in only)]
    kept = [each for each in kept if not any(_matches(each, pattern) for pattern in skip)]
    if not kept:
        raise InputError(f"of {source!r} no layer is left: all {len(found)} are skipped")
    return kept


def _matches(each: Weight | Skipped, pattern: str) -> bool:
    names = used.all_names(each) if isinstance(each, Weight) else (each.name, f"{each.name}.weight")
    return any(name == pattern or fnmatchcase(name, pattern) for name in names)


def _in_order(found: list[Weight | Skipped]) -> list[Weight | Skipped]:
    """As they are stored, but where names differ in a number by that: 2 before 10."""
    ranks: dict[tuple[str, ...], int] = {}

    def key(name: str) -> list[tuple[int, int]]:
        parts, ranked = re.findall(r"\d+|\D+", name), []
        for place, part in enumerate(parts):
            before = tuple(parts[:place])
            number = part.isdecimal()
            rank = ranks.setdefault((*before, "" if number else part), len(ranks))
            ranked.append((rank, int(part) if number else 0))
        return ranked

    keys = [key(each.name) for each in found]
    return [found[place] for place in sorted(range(len(found)), key=keys.__getitem__)]


def _check_together(source: str, layers: list[Waiting], budget: int) -> None:
    if not layers:
        return
    held = [layer.size * math.prod(layer.shape) for layer in layers]
    needed = sum(held) + max(layer.memory - mine for layer, mine in zip(layers, held, strict=True))
    if needed > budget:
        what = f"the {len(layers)} layers of {source!r} need {_mib(needed)} MiB together"
        raise InputError(f"{what}; allowed are {budget >> 20} MiB, or choose one layer")


def _mib(size: int) -> int:
    return -(-size >> 20)


def _check(name: str, array: Array) -> None:
    """InputError for numbers that are not finite, that no float holds, or that are a mask's or a table's."""
    whole = array.dtype.kind in "iub"
    if bad := 0 if whole else array.size - int(np.isfinite(array).sum()):
        raise InputError(f"must hold finite numbers; {bad} of {array.size} are not")
    largest = max(abs(array.min().item()), abs(array.max().item())) if array.size else 0
    if largest > LARGEST:
        raise InputError(f"must hold numbers up to {LARGEST:g}, not {largest:g}")
    if array.ndim >= 2 and WAVES.search(name) and _is_waves(array):
        raise InputError("a table of sines and cosines is no weight")
    if NUMBERED.search(name) and largest < 2**53 and bool((array == np.rint(array)).all()):
        raise InputError("whole numbers under such a name are a mask or a table of indices, and no weights")


def _is_waves(array: Array) -> bool:
    """Sines and cosines of the same angles: the squares of each row add up to half of its length, to the last digit."""
    squares = np.square(array, dtype=float).sum(-1)
    return array.shape[-1] % 2 == 0 and array.size > 0 and bool(np.abs(2 * squares / array.shape[-1] - 1).max() < 1e-3)
