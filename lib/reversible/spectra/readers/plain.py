"""Files that are arrays and their names, and nothing else: .npy, .npz, .safetensors."""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from reversible.spectra.readers.stored import (
    NOT_REAL,
    REAL,
    Array,
    Contents,
    Region,
    Stored,
    decoded,
    region_of,
    unread,
    why,
)

HEADER = 1 << 16  # bytes looked at for the header of a numpy array; numpy itself allows 10,000 characters
LARGEST_HEADER = 100_000_000  # of safetensors, as its own package has it
TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz", "C64": "complex64",
}  # fmt: skip


def read_npy(path: Path, files: ExitStack) -> Contents:
    return Contents([_numpy_array(path.stem, partial(path.open, "rb"), path.stat().st_size)])


def read_npz(path: Path, files: ExitStack) -> Contents:
    archive = files.enter_context(zipfile.ZipFile(path))
    members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
    return Contents([_member(archive, member, alone=len(members) == 1) for member in members])


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, alone: bool) -> Stored:
    """A member of an .npz; one that cannot be read costs the others nothing."""
    name = member.filename.removesuffix(".npy")
    try:
        return _numpy_array(name, partial(archive.open, member), member.file_size)
    except Exception as error:
        if alone:
            raise
        return unread(name, (0, 0), "?", why(error))


def _numpy_array(name: str, opened: Callable[[], IO[bytes]], size: int) -> Stored:
    """An array in a file of `size` bytes, known by its header alone."""
    with opened() as file:
        start = io.BytesIO(file.read(HEADER))
    version = np.lib.format.read_magic(start)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(start)

    def load() -> Array:
        if size - start.tell() < math.prod(shape) * dtype.itemsize:
            raise EOFError(f"array {name!r} of shape {shape} is not all there")
        with opened() as file:
            return np.lib.format.read_array(file, allow_pickle=False)

    kind = dtype.name if dtype.names is None and dtype.kind in "biufcO" else str(dtype)
    if dtype.str[1:] == "V2":  # numpy has no name for bfloat16, and JAX hands it over like that
        return Stored(name, shape, "bfloat16", lambda: decoded(load().tobytes(), "bfloat16").reshape(shape))
    return Stored(name, shape, kind, load, odd="" if kind in REAL else NOT_REAL.format(kind))


def read_safetensors(path: Path, files: ExitStack) -> Contents:
    """Eight bytes that count the header, the header in JSON, then the numbers of one array behind those of another."""
    file = files.enter_context(path.open("rb"))
    (count,) = struct.unpack("<Q", file.read(8))
    size = path.stat().st_size
    if count > min(LARGEST_HEADER, size - 8):
        raise ValueError(f"a header of {count} bytes in a file of {size}")
    header = json.loads(file.read(count))
    header.pop("__metadata__", None)
    within = region_of(file, 8 + count, size - 8 - count)
    ends = [entry["data_offsets"][1] for entry in header.values()]
    if max(ends, default=0) > size - 8 - count:
        raise EOFError(f"it ends {max(ends) - (size - 8 - count)} bytes before its numbers do")
    places = sorted(header, key=lambda name: header[name]["data_offsets"])
    return Contents([_safetensor(name, header[name], within) for name in places])


def _safetensor(name: str, entry: dict[str, Any], within: Region) -> Stored:
    shape, (low, high) = tuple(entry["shape"]), entry["data_offsets"]
    kind = str(TYPES.get(entry["dtype"], entry["dtype"]))
    if not all(type(n) is int and n >= 0 for n in (*shape, low, high - low)):
        raise ValueError(f"{name!r:.40} has shape {shape} and lies at {low} to {high}")

    def load() -> Array:
        numbers = decoded(within(low, high - low), kind)
        if numbers.size != math.prod(shape):
            raise ValueError(f"{math.prod(shape)} numbers of {kind} in {high - low} bytes")
        return numbers.reshape(shape)

    return Stored(name, shape, kind, load, odd="" if kind in REAL else NOT_REAL.format(kind))
