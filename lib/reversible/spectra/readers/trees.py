"""The arrays in a pickle, however deep they lie, and their names: in dicts, lists, tuples, whole modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from reversible.base.checks import InputError
from reversible.spectra.readers.pickles import Made, children
from reversible.spectra.readers.stored import Stored

MOST = 20_000  # times that the same is gone through again: there are files with more ways to a thing than bytes
OF_MODULES = ("_parameters", "_buffers", "_modules")  # where a torch.nn.Module keeps what it holds
OF_OPTIMIZER = "the optimizer's state was passed over"
BESIDE = "arrays of numpy beside the tensors were passed over"
OPTIMIZER = ("optim", "opt_state", "lr_sched")  # how keys begin under which lies what only training needs

Leaf = Callable[[Any], Stored | None]  # the array that a node stands for, if it is one


@dataclass(frozen=True)
class _Place:
    """Where something lies: the keys that lead there, and how many of them lead to the net or list that it is in."""

    keys: tuple[str, ...]
    outside: int | None  # None: all but the last; else a module was met there, and what follows are its own names

    @property
    def container(self) -> tuple[str, ...]:
        return self.keys[:-1] if self.outside is None else self.keys[: self.outside]


def named(tree: Any, leaf: Leaf) -> tuple[list[Stored], list[str]]:
    """The arrays in a tree by name, and lines on what was passed over: optimizers, arrays of numpy beside tensors.

    The name is the way there, less the keys that lead to all layers alike: of {"epoch": 3, "state_dict": net} it is
    that of the net, of {"model": net, "ema": net} it begins with "model." or "ema.".
    """
    walk = _Walk(leaf).through(tree)
    found, passed = walk.found, walk.passed
    layers = [array.by_numpy for _, array in found if len(array.shape) >= 2]
    found = [(place, array) for place, array in found if all(layers) or not array.by_numpy]
    notes = [OF_OPTIMIZER] * passed + [BESIDE] * (any(layers) and not all(layers))
    shared = _shared([place.container for place, array in found if len(array.shape) >= 2])
    return [replace(array, name=".".join(_less(place.keys, shared)) or array.name) for place, array in found], notes


def _less(keys: tuple[str, ...], shared: tuple[str, ...]) -> tuple[str, ...]:
    return keys[len(shared) :] if keys[: len(shared)] == shared else keys


def _shared(ways: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """How all ways begin."""
    ways = list(ways)
    shared: list[str] = []
    for step in zip(*ways, strict=False):
        if len(set(step)) > 1 or "." in step[0]:  # with a dot it is the name of a layer, all of whose parts are meant
            break
        shared.append(step[0])
    return tuple(shared)


@dataclass
class _Walk:
    """A walk through all that a tree holds, in the order of the file, and not round and round in what holds itself."""

    leaf: Leaf
    found: list[tuple[_Place, Stored]] = field(default_factory=list)
    passed: bool = False  # an optimizer was met
    _open: set[int] = field(default_factory=set)  # what the walk is inside of
    _barren: dict[int, bool] = field(default_factory=dict)  # what it has left: was there no array in it?
    _again: int = 0  # how often it went into what it had left

    def through(self, tree: Any) -> _Walk:
        waiting: list[tuple[Any, _Place, int | None]] = [(tree, _Place((), None), None)]
        while waiting:
            node, place, before = waiting.pop()
            if before is not None:
                self._open.discard(id(node))
                self._barren[id(node)] = len(self.found) == before
            elif (array := self.leaf(node)) is not None:
                self.found.append((place, array))
            elif isinstance(node, (dict, list, tuple, Made)) and self._enters(node):
                waiting.append((node, place, len(self.found)))
                waiting += [(value, inside, None) for value, inside in self._inside(node, place)][::-1]
        return self

    def _enters(self, node: Any) -> bool:
        if id(node) in self._open or self._barren.get(id(node)):
            return False
        self._again += id(node) in self._barren
        if self._again > MOST:
            raise InputError(f"it holds the same lists and dicts more than {MOST} times, one inside another")
        self._open.add(id(node))
        return True

    def _inside(self, node: Any, place: _Place) -> list[tuple[Any, _Place]]:
        """What a node holds, each with its place, less what belongs to an optimizer."""
        inside = list(children(node))
        keys = {key for key, _ in inside if isinstance(key, str)}
        if {"param_groups", "state"} <= keys:
            self.passed = True
            return []
        kept = [(key, value) for key, value in inside if not _is_of_optimizer(key, value)]
        self.passed |= len(kept) < len(inside)
        is_module = "_modules" in keys
        outside = len(place.keys) if is_module and place.outside is None else place.outside
        return [
            (value, _Place(place.keys if is_module and key in OF_MODULES else (*place.keys, str(key)), outside))
            for key, value in kept
        ]


def _is_of_optimizer(key: Any, value: Any) -> bool:
    return isinstance(key, str) and key.startswith(OPTIMIZER) and isinstance(value, (dict, list, tuple, Made))
