"""Quantised weights: codes of few bits and the scales beside them, by the names that those who make them use.

Where code times scale is the weight, that is what the net uses: blocks of fp8 (DeepSeek's weight_scale_inv, which is
what to multiply with), rows or tensors of fp8 and int8 (compressed-tensors' weight_scale, Quanto's _scale,
bitsandbytes' SCB, ONNX's _scale and _zero_point). Codes that are packed, several in one number, are not unpacked:
GPTQ, AWQ, HQQ, MXFP4, NVFP4, bitsandbytes in 4 bits.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence

import numpy as np

from reversible.spectra.readers.stored import Array, Stored

# the last part of the name of codes, and what the names of all that belongs to them begin with, without it
CODES = re.compile(r"(weight|qweight|\w*_packed|packed|\w+_blocks|\w+_quantized|_data|W_q|w_q|codes)$")
HOLDS = re.compile(r"(_packed|_blocks|_quantized)$")
BESIDE = re.compile(
    r"(scale|absmax|quant_map|quant_state|qzeros|zero_point|scb$|g_idx|weight_shape|codebooks?$|^meta$|^zero$)", re.I
)
SCALE = re.compile(r"(scale|scales|scale_inv|scale_weight|weights_scaling_factor)$")
NOT_OF_WEIGHTS = re.compile(r"(input|act|activation|output|k|v|q|kv)_scale$")
INT8_ROWS = 127  # bitsandbytes: code times SCB over 127
BLOCK = 128  # of fp8, mostly


def beside(codes: Stored, arrays: Mapping[str, Stored], in_order: Sequence[str]) -> dict[str, Stored]:
    """All arrays that belong to codes and are no weights: scales, zeros, maps, by what their names add.

    `in_order` holds the names of all arrays, sorted: a large net has a hundred thousand of them.
    """
    head = _head(codes.name)
    own = codes.name[len(head) :]
    found = {}
    for place in range(bisect_left(in_order, head), len(in_order)):
        if not (name := in_order[place]).startswith(head):
            break
        rest = name[len(head) :]
        if name != codes.name and BESIDE.search(rest) and (rest.count(".") == 0 or rest.startswith((f"{own}.", "."))):
            found[rest] = arrays[name]
    return found


def _head(name: str) -> str:
    found = CODES.search(name)
    if not found:
        return name
    kept = found[0] if HOLDS.search(found[0]) else ""
    return name[: found.start()] + HOLDS.sub("", kept)


def is_packed(codes: Stored, others: Mapping[str, Stored]) -> bool:
    """Several codes stand in one number: integers of 32 bits, 4-bit types, bytes without a zero of their own.

    So do places in codebooks of many dimensions, which are no numbers at all.
    """
    if any("codebook" in rest for rest in others):
        return True
    if codes.dtype.startswith("float8") or codes.dtype in ("int8", "int16", "uint16"):
        return HOLDS.search(codes.name) is not None and "_quantized" not in codes.name
    return not (codes.dtype == "uint8" and any("zero_point" in rest for rest in others))


def weight_of(codes: Stored, others: Mapping[str, Stored]) -> Stored | str:
    """What the codes mean, or why that cannot be said."""
    names = ", ".join(rest.lstrip("._") for rest in others)
    if is_packed(codes, others):
        return f"its codes ({codes.dtype}) are packed, several in a number, and are not unpacked; beside them: {names}"
    scales = {rest: a for rest, a in others.items() if SCALE.search(rest) and not NOT_OF_WEIGHTS.search(rest)}
    rows = [a for rest, a in others.items() if rest.lower().endswith("scb")]
    zero = next((a for rest, a in others.items() if "zero_point" in rest), None)
    if len(scales) + len(rows) != 1:
        return f"its codes ({codes.dtype}) are not the weights, and which scales are theirs is not known: {names}"
    (scale,), by = (rows or scales.values()), 1 / INT8_ROWS if rows else 1.0
    parts = [scale, *([zero] if zero else [])]
    if scale.whole:
        return f"its codes ({codes.dtype}) have scales that are codes themselves: {names}"
    if any(a.odd or laid_out(a.shape, codes.shape) is None for a in parts):
        shapes = ", ".join(f"{a.name} {a.shape}" for a in parts)
        return f"its codes ({codes.dtype}) have scales of a shape that does not fit: {shapes}"

    def load() -> Array:
        q = codes.load().astype(np.float32)
        if zero:
            q -= spread(zero.load().astype(np.float32), q.shape)
        return q * (spread(scale.load().astype(np.float32), q.shape) * np.float32(by))

    return Stored(codes.name, codes.shape, "float32", load, axes=codes.axes)


def laid_out(scale: tuple[int, ...], codes: tuple[int, ...]) -> tuple[int, ...] | None:
    """Of each axis how many codes share a scale, 0 for all of them; None where shapes do not fit.

    >>> laid_out((4, 4), (512, 512)), laid_out((5, 1), (576, 64)), laid_out((256,), (256, 300)), laid_out((), (3, 4))
    ((128, 128), (128, 0), (1, 0), (0, 0))
    """
    if all(n == 1 for n in scale):
        return (0,) * len(codes)
    if len(scale) == 1 and scale[0] in (codes[0], codes[-1]):
        return tuple(int(place == (0 if scale[0] == codes[0] else len(codes) - 1)) for place in range(len(codes)))
    if len(scale) != len(codes):
        return None
    groups = any(n == parts > 1 for n, parts in zip(codes, scale, strict=True))  # along a row that has its own scales
    sizes = [_block(n, parts, groups) for n, parts in zip(codes, scale, strict=True)]
    return None if any(size is None for size in sizes) else tuple(size or 0 for size in sizes)


def _block(n: int, parts: int, groups: bool) -> int | None:
    """How many of n stand in each of so many parts: equally many in groups, in blocks the last may have fewer."""
    if parts == 1:
        return 0
    equal = [n // parts] if parts and n % parts == 0 else []
    sizes = [*(equal if groups else []), BLOCK, *equal, *(2**i for i in range(12, 0, -1))]
    return next((size for size in sizes if size and -(-n // size) == parts), None)


def spread(scale: Array, shape: tuple[int, ...]) -> Array:
    """Scales as large as the codes, or such that they stretch to it."""
    sizes = laid_out(scale.shape, shape)
    assert sizes is not None
    if scale.ndim != len(shape):
        scale = scale.reshape([n if size else 1 for n, size in zip(shape, sizes, strict=True)])
    for axis, size in enumerate(sizes):
        if size > 1:
            scale = np.repeat(scale, size, axis)[(slice(None),) * axis + (slice(shape[axis]),)]
    return scale
