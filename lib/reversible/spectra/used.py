"""The weights that a net uses, out of the arrays that a file holds: parts put together, what is no weight left out.

stored                                          the layer's weight
weight_g, weight_v                              g v / |v|                 weight_norm, both spellings
weight_orig, weight_mask                        their product             pruning
weight_orig, weight_u, weight_v                 W / (u' W v)              spectral_norm, both spellings
codes, scales                                   their product             quantisation: see `codes`
lora_A, lora_B                                  B A, a layer's update     LoRA
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from reversible.spectra import codes
from reversible.spectra.readers.stored import NOT_REAL, OF_BIAS, Array, Stored, printable

Arrays = Mapping[str, Stored]

PART = re.compile(r"(?P<layer>.*?)(?P<dot>\.?)parametrizations\.(?P<name>\w+)\.(?P<part>.+)$")
FACTOR = re.compile(r"(hada_[wt]\d(_[ab])?|lokr_[wt]\d(_[ab])?)$")  # of LoHa and LoKr
LORA = (
    ("lora_A", "lora_B"), ("lora_a", "lora_b"), ("lora_down", "lora_up"), ("lora.down", "lora.up"),
    ("lora_embedding_A", "lora_embedding_B"),
)  # fmt: skip
BIAS = re.compile(r"(^|[/._])bias(:0)?$")
ROTARY = re.compile(r"(cos_cached|sin_cached|cos_cache|sin_cache|freqs_cos|freqs_sin)$")


@dataclass(frozen=True, eq=False)
class Weight:
    """The weight of a layer, not read yet."""

    name: str  # as stored, a trailing ".weight" removed
    stored: Stored  # what is read, whatever it is put together of
    names: tuple[str, ...]  # as stored, of all that it is put together of
    made: str = ""  # how it is put together, in words


@dataclass(frozen=True)
class Skipped:
    """What could have been a layer and is none, and why."""

    name: str
    shape: tuple[int, ...]
    why: str


@dataclass
class _Found:
    """What was made of the arrays by now."""

    weights: dict[str, Weight] = field(default_factory=dict)  # by the name of the array in whose place they stand
    skipped: dict[str, Skipped] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def weight(self, layer: str, parts: list[str], stored: Stored, made: str, also: str = "") -> None:
        """A layer, in the place of the first of its parts."""
        names = (*parts, *([also] if also else []))
        self.weights[parts[0]] = Weight(printable(layer), stored, names, made)
        self.taken.update(parts)

    def leave(self, array: Stored, why: str, names: list[str] | None = None) -> None:
        self.skipped[array.name] = Skipped(printable(_short(array.name)), array.shape, why)
        self.taken |= {array.name, *(names or [])}


def weights(stored: list[Stored]) -> list[Weight | Skipped]:
    """The layers of a net in the order of its arrays, and what is left out of it."""
    arrays = {array.name: array for array in stored}
    found = _Found()
    for rule in (_norms, _masked, _spectral, _parts, _updates, _clustered, _quantised):
        rule({name: array for name, array in arrays.items() if name not in found.taken}, found)
    for array in stored:
        if array.name not in found.taken and (len(array.shape) >= 2 or array.dtype == "object"):
            _plain(array, arrays, found)
    placed: dict[str, Weight | Skipped] = {**found.weights, **found.skipped}
    return [placed[name] for name in arrays if name in placed]


def _short(name: str) -> str:
    return re.sub(r"(\.weight|(\._packed_params)+(\.0)+)$", "", name)


def _plain(array: Stored, arrays: Arrays, found: _Found) -> None:
    """An array as it is."""
    if array.odd:
        found.leave(array, array.odd)
    elif array.whole:
        kind = "true and false (bool)" if array.dtype == "bool" else f"integers ({array.dtype})"
        found.leave(array, f"{kind} are no weights, but a mask, a table of indices or codes")
    elif BIAS.search(array.name):
        found.leave(array, OF_BIAS)
    elif ROTARY.search(array.name):
        found.leave(array, "a table of cosines or sines is no weight")
    else:
        short = _short(array.name)
        found.weights[array.name] = Weight(printable(array.name if short in arrays else short), array, (array.name,))


# --- parametrisations -------------------------------------------------------------------------------------------------


def _norms(arrays: Arrays, found: _Found) -> None:
    """weight_norm: the direction v, each row of it as long as its g says."""
    for name, v in arrays.items():
        old = name.endswith("_v") and f"{name[:-2]}_g" in arrays and f"{name[:-2]}_orig" not in arrays
        new = name.endswith(".original1") and PART.match(name)
        g = arrays.get(f"{name[:-2]}_g" if old else f"{name[:-1]}0")
        if not (old or new) or g is None or not _is_length(g.shape, v.shape):
            continue
        whole = name[:-2] if old else _whole(name)
        weight = Stored(whole, v.shape, "float64", _of(_normed, g, v), axes=v.axes)
        found.weight(_short(whole), [name, g.name], weight, "g v / |v|, as weight_norm has it")


def _is_length(g: tuple[int, ...], v: tuple[int, ...]) -> bool:
    """One number for each place along an axis, or for the whole."""
    if len(v) < 2 or math.prod(g) == 1:
        return len(v) >= 2
    along = [(a, b) for a, b in zip(g, v, strict=False) if a > 1]
    return len(g) == len(v) and len(along) == 1 and along[0][0] == along[0][1]


def _normed(g: Array, v: Array) -> Array:
    over = tuple(axis for axis in range(v.ndim) if g.ndim < v.ndim or g.shape[axis] == 1)
    return v * (g / np.sqrt(np.square(v).sum(over, keepdims=True)))


def _masked(arrays: Arrays, found: _Found) -> None:
    """torch.nn.utils.prune: what is kept of a weight, times the mask."""
    for name, whole in arrays.items():
        mask = arrays.get(f"{name.removesuffix('_orig')}_mask")
        if name.endswith("_orig") and mask is not None and mask.shape == whole.shape:
            layer = name.removesuffix("_orig")
            weight = Stored(layer, whole.shape, "float64", _of(np.multiply, whole, mask), axes=whole.axes)
            if len(whole.shape) >= 2:
                found.weight(_short(layer), [name, mask.name], weight, "its weight times the mask of its pruning")


def _spectral(arrays: Arrays, found: _Found) -> None:
    """spectral_norm: a weight over its largest singular value, as the two vectors beside it have it."""
    for name, whole in arrays.items():
        old, new = name.endswith("_orig"), bool(PART.match(name)) and name.endswith(".original")
        head = name.removesuffix("_orig") if old else f"{name.removesuffix('original')}0."
        u, v = arrays.get(f"{head}_u"), arrays.get(f"{head}_v")
        if not (old or new) or u is None or v is None or len(whole.shape) < 2:
            continue
        if math.prod(u.shape) * math.prod(v.shape) != math.prod(whole.shape):
            continue
        layer = head if old else _whole(name)
        weight = Stored(layer, whole.shape, "float64", _of(_over_largest, whole, u, v), axes=whole.axes)
        found.weight(_short(layer), [name, u.name, v.name], weight, "W / (u' W v), as spectral_norm has it")


def _over_largest(whole: Array, u: Array, v: Array) -> Array:
    """The output is the first axis, or, of a transposed convolution, the second."""
    turned = whole if len(whole) == u.size else np.swapaxes(whole, 0, 1)
    return whole / (u.reshape(-1) @ turned.reshape(len(turned), -1) @ v.reshape(-1))


def _parts(arrays: Arrays, found: _Found) -> None:
    """Of any other parametrisation the parts are not the weight, and the file does not say how it is made of them."""
    for name, array in arrays.items():
        if (part := PART.match(name)) and len(array.shape) >= 2:
            why = f"it is {part['part']} of a parametrization, and the file does not say what is made of it"
            found.leave(array, why)


def _whole(part: str) -> str:
    """The name of what a parametrisation gives."""
    found = PART.match(part)
    return f"{found['layer']}{found['dot']}{found['name']}" if found else part


def _of(make: Callable[..., Array], *parts: Stored) -> Callable[[], Array]:
    """What is made of arrays in double precision, read when it is asked for."""

    def load() -> Array:
        for part in parts:
            if not part.real:
                raise ValueError(f"{part.name} {part.odd or NOT_REAL.format(part.dtype)}")
        with np.errstate(all="ignore"):  # what is not finite is found in the product
            return make(*(part.load().astype(float) for part in parts))

    return load


# --- LoRA -------------------------------------------------------------------------------------------------------------


def _updates(arrays: Arrays, found: _Found) -> None:
    """LoRA: what is added to a layer's weight is the product of two thin matrices."""
    for name, down in arrays.items():
        for first, second in LORA:
            other = name.replace(first, second) if first in name else ""
            if other in arrays and other != name:
                _update(down, arrays[other], first, arrays, found)
    for name, array in arrays.items():
        if FACTOR.search(name):
            found.leave(array, "it is a factor of an update, whose product is not formed")


def _update(down: Stored, up: Stored, first: str, arrays: Arrays, found: _Found) -> None:
    before, _, behind = down.name.partition(first)
    layer, adapter = before.rstrip("._/"), behind.removesuffix("weight").strip("._/").removeprefix("default")
    shape, turned = _product(down.shape, up.shape)
    if shape is None or down.odd or up.odd:
        found.leave(down, f"it is half of an update, and its other half, {up.shape}, does not fit", [up.name])
        return
    rank, alpha = shape[2], arrays.get(f"{layer}.alpha")

    def product(a: Array, b: Array, *scale: Array) -> Array:
        a, b = (a.T, b.T) if turned else (a.reshape(rank, -1), b.reshape(-1, rank))
        return (b @ a) * (float(scale[0].reshape(-1)[0]) / rank if scale else 1.0)

    parts = [down, up, *([alpha] if alpha is not None and math.prod(alpha.shape) == 1 else [])]
    names = [part.name for part in parts]
    weight = Stored(layer, shape[:2], "float64", _of(product, *parts), axes="torch")
    scaled = f"alpha / {rank} times B A" if len(parts) > 2 else "B A, without the scale that its config may hold"
    name = f"{layer}.lora.{adapter}" if adapter else f"{layer}.lora"
    found.weight(name, names, weight, f"the update of rank {rank}, {scaled}", also=layer)


def _product(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[tuple[int, int, int] | None, bool]:
    """Of A (rank, in...) and B (out, rank), or of (in, rank) and (rank, out): out, in, rank; and whether the latter."""
    if min(len(a), len(b)) < 2:
        return None, False
    if a[0] == b[1] and math.prod(b[2:]) == 1:
        return (b[0], math.prod(a[1:]), a[0]), False
    if len(a) == len(b) == 2 and a[1] == b[0]:
        return (b[1], a[0], b[0]), True
    return None, False


# --- quantisation -----------------------------------------------------------------------------------------------------


def _clustered(arrays: Arrays, found: _Found) -> None:
    """Weights that are few values: each is a place in a codebook."""
    for name, index in arrays.items():
        layer = name.removesuffix(".index")
        book = arrays.get(f"{layer}.codebook")
        if name == layer or book is None or not index.whole or len(index.shape) < 2 or len(book.shape) != 1:
            continue

        def load(index: Stored = index, book: Stored = book) -> Array:
            return book.load()[index.load()]

        weight = Stored(layer, index.shape, book.dtype, load, axes=index.axes, odd=book.odd)
        found.weight(layer, [name, book.name], weight, "its places in its codebook")


def _quantised(arrays: Arrays, found: _Found) -> None:
    """Codes with scales beside them; codes of 8 bits that have none are numbers."""
    in_order = sorted(arrays)
    for name, array in arrays.items():
        small = array.whole or array.dtype.startswith(("float8", "F", "float4"))
        if len(array.shape) < 2 or not small or array.dtype == "bool" or name in found.taken:
            continue
        others = codes.beside(array, arrays, in_order)
        if not others:
            continue
        made, names = codes.weight_of(array, others), [other.name for other in others.values()]
        if isinstance(made, str):
            found.leave(array, made, names)
        else:
            layer = re.sub(r"(\._data|_quantized)$", "", name)
            found.weight(_short(layer), [name, *names], made, "its codes times their scales")


def all_names(weight: Weight) -> Iterator[str]:
    """By which a layer can be asked for."""
    yield weight.name
    yield from map(printable, weight.names)
