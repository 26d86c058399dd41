"""The layers of a net, out of a file of weights or from torchvision: what is in it, what fits, then the numbers.

Headers are looked at before any array is read, so that a file of any size, and one that lies about its size, ends in
layers that fit the memory or in one line. No code is ever run from a file: numpy reads it without pickle, torch with
weights only.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import math
import pickle
import re
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

import numpy as np

from reversible.base.checks import InputError, integer

Array = np.ndarray

ENDINGS = ".npy, .npz, .safetensors, .pt or .pth"
HEADER = 1 << 16  # bytes looked at for the header of a numpy array; numpy itself allows 10,000 characters
LARGEST = 1e300  # singular values are finite, too
NUMPY_TYPES = {"F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"}  # of safetensors


@dataclass(frozen=True, eq=False)
class Layer:
    """The weights of one layer, finite."""

    name: str  # as stored, a trailing ".weight" removed
    weight: Array  # float32 or float64, (out, in) or (out, in, kernel...)


@dataclass(frozen=True)
class _Stored:
    """An array that is in a file and has not been read."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    real: bool  # dense real numbers of at most 64 bits
    load: Callable[[], Array]


def read(source: str, memory: int = 8192, only: str | None = None) -> list[Layer]:
    """The layers of `source`, in the order in which they are stored; of them `only` the one of that name, if given.

    `source` is a path ending in .npy, .npz, .safetensors, .pt or .pth (a state dict, or a checkpoint that holds one at
    most two levels down), or "torchvision:NAME" for torchvision's default weights of a model, downloaded and checked
    once, then cached. Arrays of fewer than two axes are no layers. Integers, bools and half precision become the
    floats that hold them exactly.

    Raises InputError for a source that cannot be read or holds no layer, for a layer that is not of finite real
    numbers, and, before anything is read, for layers whose measuring would take more than `memory` MiB.
    """
    budget = integer("memory", memory) << 20
    with ExitStack() as files:
        with _one_line(source):
            stored = _opened(source, files)
        chosen = _chosen(source, stored, only)
        _check(source, chosen, budget)
        return [_layer(source, name, array) for name, array in chosen.items()]


def matrices(layer: Layer, positions: bool = False) -> list[tuple[str, Array]]:
    """The matrices of a layer, each with what to add to its name.

    The first is the weights as (out, in * kernel), added to the name is nothing. With `positions` a convolution has
    one matrix (out, in) more for each position of its kernel.

    >>> [(place, matrix.shape) for place, matrix in matrices(Layer("conv", np.zeros((8, 3, 1, 2))), positions=True)]
    [('', (8, 6)), ('[0,0]', (8, 3)), ('[0,1]', (8, 3))]
    """
    weight = layer.weight
    found = [("", weight.reshape(len(weight), math.prod(weight.shape[1:])))]
    if positions and weight.ndim > 2:
        for place in np.ndindex(weight.shape[2:]):
            found.append((f"[{','.join(map(str, place))}]", weight[:, :, *place]))
    return found


def memory_needed(shape: Sequence[int]) -> int:
    """Bytes that it takes to hold a layer of this shape and measure it, nulls included.

    In double precision: the layer itself, and `spectra.analyse` at its peak, whose arrays were counted as up to 6 times
    the entries and 2 times the Gram matrix, for which 3 are allowed.

    >>> memory_needed((4096, 25088)) >> 20
    5872
    """
    rows, columns = shape[0], math.prod(shape[1:])
    return 8 * (7 * rows * columns + 3 * min(rows, columns) ** 2)


@contextlib.contextmanager
def _one_line(source: str) -> Iterator[None]:
    """Whatever a damaged file makes its reader raise, as one line. No warnings: they are about who wrote the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except MemoryError:
        raise InputError(f"cannot read {source!r}: there is not enough memory") from None
    except OSError as error:
        raise InputError(f"cannot read {source!r}: {error.strerror or _first_line(error)}") from None
    except Exception as error:
        why = f"it is cut short, damaged or of another format ({_first_line(error)})"
        raise InputError(f"cannot read {source!r}: {why}") from None


def _first_line(error: Exception) -> str:
    return ([line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__])[0][:160]


def _opened(source: str, files: ExitStack) -> list[_Stored]:
    """What is in the source; `files` keeps open what it is to be read from."""
    if source.startswith("torchvision:"):
        cached = _from_torchvision(source)
        with _one_line(str(cached)):
            return _torch(cached, files)
    path = Path(source)
    readers = {".npy": _npy, ".npz": _npz, ".safetensors": _safetensors, ".pt": _torch, ".pth": _torch}
    reader = readers.get(path.suffix.lower())
    if path.is_dir():
        raise InputError(f"weights must be a file, and {source!r} is a folder")
    if reader is None:
        raise InputError(f"weights must be a file ending in {ENDINGS}, or torchvision:NAME, not {source!r}")
    if not path.is_file():
        raise InputError(f"there is no file {source!r}")
    if path.stat().st_size == 0:
        raise InputError(f"{source!r} is empty")
    return reader(path, files)


def _npy(path: Path, files: ExitStack) -> list[_Stored]:
    return [_numpy_array(path.stem, partial(path.open, "rb"), path.stat().st_size)]


def _npz(path: Path, files: ExitStack) -> list[_Stored]:
    archive = files.enter_context(zipfile.ZipFile(path))
    members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
    return [_numpy_array(m.filename.removesuffix(".npy"), partial(archive.open, m), m.file_size) for m in members]


def _numpy_array(name: str, opened: Callable[[], IO[bytes]], size: int) -> _Stored:
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

    return _Stored(name, shape, str(dtype), dtype.kind in "biuf" and dtype.itemsize <= 8, load)


def _safetensors(path: Path, files: ExitStack) -> list[_Stored]:
    from safetensors import safe_open

    file = files.enter_context(safe_open(path, "numpy"))

    def load(name: str, dtype: str) -> Array:
        if dtype in NUMPY_TYPES:
            return file.get_tensor(name)
        with safe_open(path, "pt") as with_torch:  # bfloat16 and smaller, which numpy has not
            return _from_tensor(with_torch.get_tensor(name))

    stored = []
    for name in file.offset_keys():
        header = file.get_slice(name)
        shape, dtype = tuple(header.get_shape()), header.get_dtype()
        stored.append(_Stored(name, shape, dtype, not dtype.startswith("C"), partial(load, name, dtype)))
    return stored


def _torch(path: Path, files: ExitStack) -> list[_Stored]:
    """The tensors of a file of torch.save, not read yet where the format (zip, since torch 1.6) allows that."""
    import torch

    zipped = zipfile.is_zipfile(path)
    names = files.enter_context(zipfile.ZipFile(path)).namelist() if zipped else []
    if any(name.endswith("/constants.pkl") for name in names):
        raise InputError(f"{str(path)!r} is a TorchScript archive, which holds code: save the model's state_dict()")
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        if not found:
            raise ValueError("not written by torch.save") from None
        why = f"{str(path)!r} holds more than weights, {found[1]}, which was not run"
        raise InputError(f"{why}: save the model's state_dict() alone") from None
    loaded = {path.stem: loaded} if isinstance(loaded, torch.Tensor) else loaded
    dicts = _state_dicts(loaded, torch.Tensor) if isinstance(loaded, Mapping) else []
    return [_tensor(where * (len(dicts) > 1) + str(name), value) for where, tensors in dicts for name, value in tensors]


def _state_dicts(checkpoint: Mapping[Any, Any], tensor: type, where: str = "", levels: int = 2) -> list[Any]:
    """Each dict in it that has layers, at most so many levels down: the way there and its (name, tensor) pairs."""
    tensors = [(name, value) for name, value in checkpoint.items() if isinstance(value, tensor)]
    found = [(where, tensors)] if any(value.ndim >= 2 for _, value in tensors) else []
    for name, value in checkpoint.items():
        if levels and isinstance(value, Mapping):
            found += _state_dicts(value, tensor, f"{where}{name}.", levels - 1)
    return found


def _tensor(name: str, tensor: Any) -> _Stored:
    kind = "meta" if tensor.is_meta else str(tensor.layout).removeprefix("torch.")
    real = kind == "strided" and not tensor.is_complex() and not tensor.is_quantized
    dtype = str(tensor.dtype).removeprefix("torch.") + ("" if kind == "strided" else f" ({kind})")
    return _Stored(name, tuple(tensor.shape), dtype, real, partial(_from_tensor, tensor))


def _from_tensor(tensor: Any) -> Array:
    """A copy: what the tensor is mapped to may change."""
    small = tensor.dtype.is_floating_point and tensor.dtype.itemsize < 4
    return np.array((tensor.float() if small else tensor).detach().numpy())


def _from_torchvision(source: str) -> Path:
    """The cached file of a model's default weights, downloaded and checked by its hash first if it is not there."""
    from reversible.data import NotAtHand

    name = source.removeprefix("torchvision:")
    try:
        import torch
        from torchvision import models
    except (ImportError, RuntimeError) as error:  # RuntimeError: one that was built for another torch
        raise InputError(f"{source} needs torchvision, which cannot be imported: {_first_line(error)}") from None
    if name.lower() not in models.list_models():
        raise InputError(f"torchvision has no model {name!r}; {_near(name, models.list_models())}")
    url = str(models.get_model_weights(name)["DEFAULT"].url)
    file = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
    digest = re.search(r"-([0-9a-f]{8,})\.", file.name)
    try:
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(file), digest and digest[1], progress=sys.stderr.isatty())
    except (OSError, RuntimeError, HTTPException) as error:  # RuntimeError: another hash
        raise NotAtHand(f"{source} needs the network or a cached copy: {_first_line(error).strip('<>')}") from None
    return file


def _near(name: str, names: Sequence[str]) -> str:
    if len(names) <= 12:
        return f"there are {', '.join(names)}"
    close = difflib.get_close_matches(name, names, n=5, cutoff=0.5) or [*names[:5], "..."]
    return f"of {len(names)} the closest are {', '.join(close)}"


def _chosen(source: str, stored: list[_Stored], only: str | None) -> dict[str, _Stored]:
    """The layers by name, or the one that is wanted. An array of Python objects may hold layers, whatever its axes."""
    found = [array for array in stored if len(array.shape) >= 2 or array.dtype == "object"]
    full = [_printable(array.name) for array in found]
    names = [short if (short := name.removesuffix(".weight")) not in full else name for name in full]
    if not found:
        raise InputError(f"{source!r} holds no layer: no array of 2 axes or more")
    layers = dict(zip(names, found, strict=True))
    if only is None:
        return layers
    wanted = [name for name, stored_as in zip(names, full, strict=True) if only in (name, stored_as)]
    if not wanted:
        raise InputError(f"{source!r} has no layer {only!r}; {_near(only, names)}")
    return {wanted[0]: layers[wanted[0]]}


def _printable(name: str) -> str:
    return name if name.isprintable() else ascii(name)[1:-1]


def _check(source: str, layers: Mapping[str, _Stored], budget: int) -> None:
    """InputError for other than real numbers, for a layer that is too large, and for all that together are."""
    for name, array in layers.items():
        if not array.real:
            raise InputError(f"layer {name!r} of {source!r} must hold dense real numbers, not {array.dtype}")
        needed = memory_needed(array.shape)
        if needed > budget:
            what = f"layer {name!r} of {source!r}, {' x '.join(map(str, array.shape))},"
            raise InputError(f"{what} needs {_mib(needed)} MiB; allowed are {budget >> 20} MiB")
    at_work = [memory_needed(array.shape) - 8 * math.prod(array.shape) for array in layers.values()]
    needed = max(at_work) + 8 * sum(math.prod(array.shape) for array in layers.values())
    if needed > budget:
        what = f"the {len(layers)} layers of {source!r} need {_mib(needed)} MiB together"
        raise InputError(f"{what}; allowed are {budget >> 20} MiB, or choose one layer")


def _mib(size: int) -> int:
    return -(-size >> 20)


def _layer(source: str, name: str, stored: _Stored) -> Layer:
    """Read a layer; InputError where its numbers are not finite or no float holds them."""
    with _one_line(source):
        array = stored.load()
    what, whole = f"layer {name!r} of {source!r}", array.dtype.kind in "iub"
    if bad := 0 if whole else array.size - int(np.isfinite(array).sum()):
        raise InputError(f"{what} must hold finite numbers; {bad} of {array.size} are not")
    largest = max(abs(array.min().item()), abs(array.max().item())) if array.size else 0
    if whole and largest > 2**53:
        raise InputError(f"{what} must hold integers up to 2^53, which a float holds exactly, not {largest}")
    if largest > LARGEST:
        raise InputError(f"{what} must hold numbers up to {LARGEST:g}, not {largest:g}")
    return Layer(name, array.astype(np.float32 if np.can_cast(array.dtype, np.float32) else np.float64, copy=False))
