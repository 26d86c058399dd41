"""Results as bytes and back: plain values, arrays, and dataclasses of them; reading bytes runs no code of theirs.

The bytes are an npz file of numpy: the arrays, and beside them, as text of JSON, how they are put together. Numbers
come back to the bit.
"""

from __future__ import annotations

import dataclasses
import io
import json
import sys
from typing import Any

import numpy as np

STRUCTURE = "structure"  # the entry of the npz file that holds the text of JSON, as bytes


def packed(value: Any) -> bytes:
    """`value` as bytes; TypeError for what is none of the kinds named above."""
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_written(value, arrays))
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **{STRUCTURE: np.frombuffer(text.encode(), np.uint8)}, **arrays)
    return file.getvalue()


def unpacked(content: bytes) -> Any:
    """The value that `packed` made into these bytes; ValueError for bytes that are not its own.

    A dataclass is one of a module that is imported already: nothing is imported for it.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return _read(json.loads(arrays[STRUCTURE].tobytes()), arrays)
    except ValueError:
        raise
    except Exception as error:  # of whatever else numpy's readers meet in a spoiled file
        raise ValueError(f"these bytes hold no packed value: {error!r}") from None


def _written(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """A plain value as it is; all else as a list that begins with what it is."""
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.hasobject:
            raise TypeError(f"an array of {value.dtype} cannot be packed")
        name = f"array{len(arrays)}"
        arrays[name] = np.asarray(value)
        return ["scalar" if isinstance(value, np.generic) else "array", name]
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) in (list, tuple):
        return [type(value).__name__, *(_written(each, arrays) for each in value)]
    if type(value) is dict:
        return ["dict", *([_written(key, arrays), _written(each, arrays)] for key, each in value.items())]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind, fields = type(value), [field for field in dataclasses.fields(value) if field.init]
        parts = [[field.name, _written(getattr(value, field.name), arrays)] for field in fields]
        return ["dataclass", kind.__module__, kind.__qualname__, *parts]
    raise TypeError(f"{type(value).__name__} cannot be packed")


def _read(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if not isinstance(value, list):
        return value
    kind, *parts = value
    if kind == "array":
        return arrays[parts[0]]
    if kind == "scalar":
        return arrays[parts[0]][()]
    if kind in ("list", "tuple"):
        found = [_read(part, arrays) for part in parts]
        return found if kind == "list" else tuple(found)
    if kind == "dict":
        return {_read(key, arrays): _read(each, arrays) for key, each in parts}
    if kind == "dataclass":
        module, name, *fields = parts
        return _dataclass(module, name)(**{field: _read(each, arrays) for field, each in fields})
    raise ValueError(f"a packed value is no {kind!r}")


def _dataclass(module: str, name: str) -> Any:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise ValueError(f"{module}.{name} is no dataclass that is imported here")
    return found
