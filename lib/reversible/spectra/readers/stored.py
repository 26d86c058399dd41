"""An array that is in a file and has not been read: its name, its shape, what kind of numbers, and how to read it."""

from __future__ import annotations

import contextlib
import functools
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np

from reversible.base.checks import InputError

Array = np.ndarray
Region = Callable[[int, int], bytes]  # so many bytes from a place on; EOFError where they are not all there

WHOLE = frozenset({"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"})
NUMPY = WHOLE | {"float16", "float32", "float64"}
SMALL = {  # 8 bits: sign, exponent, mantissa; bits of the mantissa, what is taken off the exponent, codes of no number
    "float8_e4m3fn": (3, 7, (0x7F, 0xFF)),
    "float8_e4m3fnuz": (3, 8, (0x80,)),
    "float8_e5m2": (2, 15, (0x7C, 0x7D, 0x7E, 0x7F, 0xFC, 0xFD, 0xFE, 0xFF)),
    "float8_e5m2fnuz": (2, 16, (0x80,)),
    "float8_e8m0fnu": (0, 127, (0xFF,)),  # no sign
}
NOT_REAL = "must hold dense real numbers, not {}"
OF_BIAS = "a bias is no matrix of weights, whatever its axes"
REAL = NUMPY | {"bfloat16", *SMALL}  # what `decoded` can read


@dataclass(frozen=True, eq=False)
class Stored:
    """An array of a file, not read yet."""

    name: str
    shape: tuple[int, ...]
    dtype: str  # as numpy or torch calls it
    load: Callable[[], Array]  # floats as float16, float32 or float64, others as they are
    axes: str = ""  # their order, where the format says: see `axes`
    odd: str = ""  # why it cannot be read as dense real numbers, if it cannot
    by_numpy: bool = False  # an array in a pickle, where tensors are the weights

    @property
    def real(self) -> bool:
        return not self.odd and self.dtype in REAL

    @property
    def whole(self) -> bool:
        """Integers, or true and false."""
        return self.dtype in WHOLE


def unread(name: str, shape: tuple[int, ...], dtype: str, odd: str) -> Stored:
    """An array that cannot be read, and why."""

    def load() -> Array:
        raise ValueError(odd)

    return Stored(name, shape, dtype, load, odd=odd)


@dataclass(frozen=True)
class Contents:
    """What a file holds: its arrays in their order, and a line for whatever was passed over."""

    arrays: list[Stored]
    notes: tuple[str, ...] = ()


def item_size(dtype: str) -> int:
    """Bytes of a number that `decoded` can read."""
    return 1 if dtype in SMALL else 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def decoded(raw: bytes, dtype: str, big: bool = False) -> Array:
    """Numbers of a type in REAL, flat: those that numpy has as they are, smaller ones as the float32 of their value.

    >>> decoded(bytes([0x38, 0xBC]), "float8_e4m3fn").tolist(), decoded(bytes([0x80, 0x3F]), "bfloat16").tolist()
    ([1.0, -1.5], [1.0])
    """
    if dtype in SMALL:
        return _small(dtype)[np.frombuffer(raw, np.uint8)]
    order = ">" if big else "<"
    if dtype == "bfloat16":
        wide = np.frombuffer(raw, f"{order}u2").astype(np.uint32)
        wide <<= 16
        return wide.view(np.float32)
    numbers = np.frombuffer(raw, np.dtype(dtype).newbyteorder(order))
    return numbers.astype(numbers.dtype.newbyteorder("="), copy=False)


@functools.cache
def _small(dtype: str) -> Array:
    """The values of the 256 codes of a type of 8 bits."""
    mantissa, bias, no_number = SMALL[dtype]
    codes = np.arange(256)
    if mantissa:
        sign, power = np.where(codes < 128, 1.0, -1.0), (codes & 127) >> mantissa
        part = (codes & ((1 << mantissa) - 1)) / (1 << mantissa)
        values = sign * np.where(power == 0, 2.0 * part, 1.0 + part) * 2.0 ** (power - float(bias))
    else:
        values = 2.0 ** (codes - float(bias))
    values[list(no_number)] = np.nan
    return values.astype(np.float32)


def region_of(file: IO[bytes], start: int = 0, size: int | None = None) -> Region:
    """Bytes of an open file, counted from `start`, of which it has `size`."""

    def region(offset: int, count: int) -> bytes:
        if offset < 0 or count < 0 or (size is not None and offset + count > size):
            raise EOFError("numbers are asked for that are not in the file")
        file.seek(start + offset)
        if len(raw := file.read(count)) < count:
            raise EOFError("it ends before its numbers do")
        return raw

    return region


def strided(
    region: Region, dtype: str, shape: tuple[int, ...], strides: tuple[int, ...], offset: int, big: bool
) -> Array:
    """An array whose entries lie `strides` numbers apart, from the number `offset` on; a copy."""
    if not math.prod(shape):
        return np.zeros(shape, np.float32)
    if len(strides) != len(shape) or min((*shape, *strides, offset)) < 0:
        raise ValueError("strides that fit no shape")
    count = sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) + 1
    size = item_size(dtype)
    flat = decoded(region(offset * size, count * size), dtype, big)
    view = np.lib.stride_tricks.as_strided(flat, shape, [step * flat.itemsize for step in strides], writeable=False)
    return view if view.flags.c_contiguous else np.array(view)


@contextlib.contextmanager
def one_line(source: str) -> Iterator[None]:
    """Whatever a damaged file makes its reader raise, as one line. No warnings: they are about who wrote the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"cannot read {source!r}: {why(error)}") from None


def why(error: Exception) -> str:
    """What went wrong while something was read or measured, in words."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if isinstance(error, np.linalg.LinAlgError):
        return f"its singular values were not found ({first_line(error)})"
    if isinstance(error, OSError) and error.errno:
        return error.strerror or first_line(error)
    return f"it is cut short, damaged or of another format ({first_line(error)})"


def first_line(error: Exception) -> str:
    return ([line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__])[0][:160]


def printable(name: str) -> str:
    return name if name.isprintable() else ascii(name)[1:-1]
