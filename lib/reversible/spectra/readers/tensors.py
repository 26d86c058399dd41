"""The arrays that a pickle would make, as torch and numpy write them: where their numbers lie, and how."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reversible.spectra.readers.pickles import Global, Made, Saved
from reversible.spectra.readers.stored import NOT_REAL, REAL, Array, Region, Stored, decoded, strided, unread

STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64", "QInt8Storage": "int8", "QUInt8Storage": "uint8", "QInt32Storage": "int32",
    "QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4", "UntypedStorage": "uint8",
}  # fmt: skip
TENSOR, WRAPPED = "_rebuild_tensor", ("_rebuild_parameter", "_rebuild_parameter_with_state")
LESS = {  # tensors without numbers of their own that could be read here: where their shape stands, what they are
    "_rebuild_meta_tensor_no_storage": (1, "meta"),
    "_rebuild_wrapper_subclass": (2, "wrapped"),
}


@dataclass(frozen=True)
class Storage:
    """Numbers of a file, flat."""

    dtype: str
    region: Region
    size: int | None  # how many numbers, where that is known
    big: bool = False  # the most significant byte first


Find = Callable[[Any], Any]  # the storage of a key in a pickle, or a tensor that is kept apart; ValueError for neither


def array_of(node: Any, find: Find) -> Stored | None:
    """The array that a node of a pickle stands for, if it is one."""
    if isinstance(node, Saved):  # files of 2016 keep tensors apart; else it is a storage, or the text of a class
        with contextlib.suppress(ValueError, KeyError):
            kept = find(node)
            return kept if isinstance(kept, Stored) else None
        return None
    if not isinstance(node, Made):
        return None
    name = node.name.rpartition(".")[2]
    if name == "_reconstruct" or name == "_frombuffer":
        return _numpy(node)
    if name in ("_rebuild_from_type", "_rebuild_from_type_v2") and len(node.args) >= 3:
        return array_of(Made(node.args[0], tuple(node.args[2])), find)
    if name in WRAPPED and node.args:
        return array_of(node.args[0], find)
    if name == "_rebuild_device_tensor_from_numpy" and node.args:
        return array_of(node.args[0], find)
    if name == "_rebuild_qtensor":
        return _quantised(node.args, find)
    if name == "_rebuild_sparse_tensor" and len(node.args) == 2:
        return _sparse(node.args, find)
    if name in LESS:
        place, kind = LESS[name]
        return _odd(node.args[place], f"tensor ({kind})", f"it is a tensor without numbers of its own ({kind})")
    if name.startswith(TENSOR) and len(node.args) >= 4:
        return tensor(node.args, find, node.args[6] if name.endswith("_v3") else None)
    return None


def _odd(shape: Any, dtype: str, why: str) -> Stored:
    return unread("", _whole(shape), dtype, why)


def _whole(numbers: Any) -> tuple[int, ...]:
    """A shape, or strides; ValueError for what is neither."""
    numbers = numbers.args[0] if isinstance(numbers, Made) and len(numbers.args) == 1 else numbers  # torch.Size
    if not isinstance(numbers, (tuple, list)) or not all(type(n) is int and 0 <= n < 2**62 for n in numbers):
        raise ValueError(f"{numbers!r:.40} for a shape")
    return tuple(numbers)


def tensor(args: tuple[Any, ...], find: Find, dtype: Any = None) -> Stored:
    """A tensor of (storage, offset, shape, strides, ...); of another type than its storage, where `dtype` is given."""
    (offset,), shape, strides = _whole((args[1],)), _whole(args[2]), _whole(args[3])
    try:
        storage = find(args[0])
    except ValueError as error:
        return _odd(shape, "tensor", str(error))
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without a storage")
    kind = dtype.name.removeprefix("torch.") if isinstance(dtype, Global) else storage.dtype
    if kind not in REAL:
        return _odd(shape, kind, NOT_REAL.format(kind))

    def load() -> Array:
        return strided(storage.region, kind, shape, strides, offset, storage.big)

    return Stored("", shape, kind, load)


def _sparse(args: tuple[Any, ...], find: Find) -> Stored:
    """Of a sparse tensor its shape and why it is not read."""
    layout, data = args
    said = layout.args[0] if isinstance(layout, Made) and layout.args else layout
    kind = str(said.name if isinstance(said, Global) else said).removeprefix("torch.")
    coo = kind == "sparse_coo"
    values = array_of(data[1 if coo else 2], find)
    return _odd(data[2 if coo else 3], f"{values.dtype if values else 'tensor'} ({kind})", "it is sparse")


def _quantised(args: tuple[Any, ...], find: Find) -> Stored:
    """A tensor of codes with its scale and zero, of the whole or of each place along an axis: the numbers it means."""
    codes = tensor(args, find)
    scheme, scales, zeros, *axis = args[4]
    if codes.odd or not isinstance(scheme, Global):
        return _odd(codes.shape, codes.dtype, "its codes are packed, several in a byte")
    steps, zero = _numbers(scales, find), _numbers(zeros, find)

    def load() -> Array:
        around = [1] * len(codes.shape)
        if axis:
            around[axis[0]] = -1
        return (codes.load().astype(float) - zero().reshape(around)) * steps().reshape(around)

    return Stored("", codes.shape, "float64", load)


def _numbers(given: Any, find: Find) -> Callable[[], Array]:
    """Scales as a tensor, a list or a number."""
    stored = array_of(given, find)
    return stored.load if stored else lambda: np.array(given, float).reshape(-1)


def _numpy(node: Made) -> Stored | None:
    """An array of numpy's; a list of objects is no array, and is looked into."""
    if node.name.endswith("_frombuffer"):
        raw, dtype, shape, order = node.args
        fortran = order == "F"
    elif isinstance(node.state, tuple) and len(node.state) == 5:
        _, shape, dtype, fortran, raw = node.state
    else:
        return None
    kind, shape = _numpy_type(dtype), _whole(shape)
    content = _bytes(raw)
    if kind is None or content is None:
        return None

    def load() -> Array:
        flat = decoded(content, kind[0], kind[1])
        return flat.reshape(shape, order="F" if fortran else "C")

    if len(content) != math.prod(shape) * kind[2]:
        raise ValueError(f"an array of shape {shape} is not all there")
    odd = "" if kind[0] in REAL else NOT_REAL.format(kind[0])
    return Stored("", shape, kind[0], load, odd=odd, by_numpy=True)


def _numpy_type(dtype: Any) -> tuple[str, bool, int] | None:
    """A dtype's name, whether it is of the most significant byte first, and its size; None for objects."""
    if not isinstance(dtype, Made) or not dtype.args or not isinstance(dtype.args[0], str):
        return None
    order = dtype.state[1] if isinstance(dtype.state, tuple) and len(dtype.state) > 1 else "<"
    try:
        found = np.dtype(dtype.args[0])
    except (TypeError, ValueError):
        return None
    return None if found.kind == "O" else (found.name, order == ">", found.itemsize)


def _bytes(raw: Any) -> bytes | None:
    """Bytes as an older protocol of pickle writes them, too."""
    if isinstance(raw, Made) and raw.name.endswith(("encode", "bytearray", "bytes")):
        raw = raw.args[0] if raw.args else b""
    if isinstance(raw, str):
        return raw.encode("latin-1")
    return bytes(raw) if isinstance(raw, (bytes, bytearray)) else None
