"""A tree of Flax in msgpack, as `flax.serialization.to_bytes` writes it: dicts of arrays, large arrays in chunks."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reversible.spectra.readers import trees
from reversible.spectra.readers.packaged import package
from reversible.spectra.readers.stored import NOT_REAL, REAL, Array, Contents, Stored, decoded

ARRAY = 1  # the type of an array among those of msgpack's own that Flax has
CHUNKED = "__msgpack_chunked_array__"


@dataclass(frozen=True, eq=False)
class _Packed:
    """An array: its shape, its type and its bytes, packed once more."""

    content: bytes


def read_msgpack(path: Path, files: ExitStack) -> Contents:
    """The arrays of a tree, by the way to them."""
    msgpack = package("msgpack", path, "a file of msgpack, as Flax writes it")

    def hook(kind: int, content: bytes) -> Any:
        return _Packed(content) if kind == ARRAY else None

    def leaf(node: Any) -> Stored | None:
        if isinstance(node, _Packed):
            return _array(*_unpacked(msgpack, node))
        return _chunked(msgpack, node) if isinstance(node, dict) and CHUNKED in node else None

    tree = msgpack.unpackb(path.read_bytes(), ext_hook=hook, strict_map_key=False)
    arrays, notes = trees.named(tree, leaf)
    return Contents(arrays, tuple(notes))


def _unpacked(msgpack: Any, packed: _Packed) -> tuple[tuple[int, ...], str, list[bytes]]:
    shape, dtype, content = msgpack.unpackb(packed.content, raw=True)
    return tuple(shape), dtype.decode("ascii"), [content]


def _chunked(msgpack: Any, node: dict[str, Any]) -> Stored:
    """A large array in parts, flat."""
    parts = [_unpacked(msgpack, node["chunks"][str(place)]) for place in range(len(node["chunks"]))]
    shape = tuple(node["shape"][str(place)] for place in range(len(node["shape"])))
    return _array(shape, parts[0][1], [content for _, _, contents in parts for content in contents])


def _array(shape: tuple[int, ...], dtype: str, contents: list[bytes]) -> Stored:
    def load() -> Array:
        return np.concatenate([decoded(content, dtype) for content in contents]).reshape(shape)

    return Stored("", shape, dtype, load, odd="" if dtype in REAL else NOT_REAL.format(dtype))
