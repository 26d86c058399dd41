"""Dataclasses out of JSON: what `dataclasses.asdict` made dicts and lists of becomes what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def rebuilt(cls: type[T], cell: Mapping[str, Any]) -> T:
    """The dataclass `cls` with the fields that JSON has kept in `cell`; those that `cell` lacks are at their defaults.

    By the type hints a dict becomes the dataclass it was, and a list a tuple, also within lists and dicts; all else
    stays what it is. TypeError for a field that `cls` has not, and for one without default that is missing.

    >>> from reversible.base.estimates import Estimate
    >>> rebuilt(Estimate, {"mean": 0.5, "ci95": [0.4, 0.6], "n": 10})
    Estimate(mean=0.5, ci95=(0.4, 0.6), n=10)
    """
    hints = get_type_hints(cls)
    return cls(**{name: _as_hinted(value, hints.get(name)) for name, value in cell.items()})


def _as_hinted(value: Any, hint: Any) -> Any:
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if isinstance(value, dict):
        if classes := [kind for kind in kinds if isinstance(kind, type) and is_dataclass(kind)]:
            return rebuilt(classes[0], value)
        part_hint = next((get_args(kind)[1] for kind in kinds if get_origin(kind) in (dict, Mapping)), None)
        return {name: _as_hinted(part, part_hint) for name, part in value.items()}
    if isinstance(value, list):
        if tuples := [get_args(kind) for kind in kinds if get_origin(kind) is tuple]:
            return _as_tuple(value, tuples[0])
        part_hint = next((get_args(kind)[0] for kind in kinds if get_origin(kind) in (list, Sequence)), None)
        return [_as_hinted(part, part_hint) for part in value]
    return value


def _as_tuple(values: list[Any], hints: tuple[Any, ...]) -> tuple[Any, ...]:
    """`hints` are those within tuple[...]: one for all and an ellipsis, or one for each."""
    of_each = hints[:1] * len(values) if hints[-1] is Ellipsis else hints
    return tuple(_as_hinted(value, hint) for value, hint in zip(values, of_each, strict=True))
