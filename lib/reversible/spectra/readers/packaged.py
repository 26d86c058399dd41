"""Files that a package of their makers reads: HDF5 and Keras, ONNX, GGUF.

Each package is asked for when a file needs it. None of them runs anything: HDF5 and GGUF are tables, and of an ONNX
model only the initialisers are looked at, and by which operation each is used.
"""

from __future__ import annotations

import importlib
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reversible.base.checks import InputError
from reversible.spectra.readers.stored import NOT_REAL, OF_BIAS, REAL, Array, Contents, Stored, decoded

OPTIMIZER = re.compile(r"(^|/)(optimizer|optimizer_weights)/")
OF_KERAS_3 = re.compile(r"/vars/\d+$")


def package(name: str, path: Path, what: str) -> Any:
    """The package that reads a kind of file; one line on how to get it where it is not there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        get = f"pip install {name}, or 'reversible[files]' for all kinds"
        raise InputError(f"{str(path)!r} is {what}, which needs the package {name}: {get}") from None


# --- HDF5 and Keras ---------------------------------------------------------------------------------------------------


def read_hdf5(path: Path, files: ExitStack) -> Contents:
    """A file of HDF5: its datasets, by their paths; as Keras keeps weights, and MATLAB since 7.3."""
    h5py = package("h5py", path, "a file of HDF5")
    return _datasets(files.enter_context(h5py.File(path, "r")), h5py)


def read_keras(path: Path, files: ExitStack) -> Contents:
    """A .keras: a zip of the model's description, which is not looked at, and of its weights in HDF5."""
    h5py = package("h5py", path, "a Keras model")
    archive = files.enter_context(zipfile.ZipFile(path))
    member = files.enter_context(archive.open("model.weights.h5"))
    return _datasets(files.enter_context(h5py.File(member, "r")), h5py)


def _datasets(file: Any, h5py: Any) -> Contents:
    found: list[Stored] = []
    passed = []

    def look(name: str, dataset: Any) -> None:
        if isinstance(dataset, h5py.Dataset) and dataset.shape is not None:
            (passed.append(name) if OPTIMIZER.search(name) else found.append(_dataset(name, dataset)))

    file.visititems(look)
    shapes = {array.name: array.shape for array in found}
    found = [replace(a, odd=a.odd or OF_BIAS) if _is_bias(a, shapes) else a for a in found]
    return Contents(found, ("the optimizer's state was passed over",) if passed else ())


def _is_bias(array: Stored, shapes: dict[str, tuple[int, ...]]) -> bool:
    """Keras 3 has numbers for names: what follows a kernel (in, heads, width) and is (heads, width) is its bias."""
    kernel = shapes.get(f"{array.name[:-1]}0") if OF_KERAS_3.search(array.name) else None
    return kernel is not None and len(array.shape) >= 2 and kernel[1:] == array.shape


def _dataset(name: str, dataset: Any) -> Stored:
    kind = dataset.dtype.name if dataset.dtype.kind in "biufc" else str(dataset.dtype).replace("object", "text")
    odd = "" if kind in REAL else NOT_REAL.format(kind)
    if dataset.is_virtual or dataset.external:
        odd = "its numbers lie in another file"
    axes = "" if not OF_KERAS_3.search(name) else "torch" if "embedding" in name else "flax"
    return Stored(name, tuple(dataset.shape), kind, lambda: dataset[()], axes=axes, odd=odd)


# --- GGUF -------------------------------------------------------------------------------------------------------------


def read_gguf(path: Path, files: ExitStack) -> Contents:
    """A file of llama.cpp: each tensor decoded from its blocks of codes, as the package gguf has it."""
    gguf = package("gguf", path, "a file of GGUF")
    plain = {
        kind: kind.name.lower()
        for kind in gguf.GGMLQuantizationType
        if kind.name[0] in "IF" and kind.name[1:].isdigit()
    }
    return Contents([_ggml(tensor, gguf, plain) for tensor in gguf.GGUFReader(path).tensors])


def _ggml(tensor: Any, gguf: Any, plain: dict[Any, str]) -> Stored:
    kind, shape = tensor.tensor_type, tuple(int(n) for n in tensor.shape)[::-1]  # its own order begins with the last
    if kind in plain:
        size = plain[kind].replace("i", "int").replace("f", "float")
        return Stored(tensor.name, shape, size, lambda: np.array(tensor.data).reshape(shape))
    known = kind in gguf.quants._type_traits if hasattr(gguf.quants, "_type_traits") else True
    odd = "" if known else f"its codes are of the kind {kind.name}, which the package gguf does not decode"

    def load() -> Array:
        return np.asarray(gguf.quants.dequantize(tensor.data, kind), np.float32).reshape(shape)

    return Stored(tensor.name, shape, "float32", load, odd=odd)


# --- ONNX -------------------------------------------------------------------------------------------------------------


def read_onnx(path: Path, files: ExitStack) -> Contents:
    """The initialisers of a graph, those of its inner graphs too, the axes by the operation that uses each."""
    onnx = package("onnx", path, "an ONNX model")
    graphs = list(_graphs(onnx, onnx.load(path, load_external_data=False).graph))
    tensors = {tensor.name: tensor for graph in graphs for tensor in graph.initializer}
    nodes = [node for graph in graphs for node in graph.node]
    tensors |= {node.output[0]: value for node in nodes if (value := _constant(node)) is not None}
    of = {name: _axes(node, name) for node in nodes for name in node.input if name in tensors}
    found, used = [], set[str]()
    for node in nodes:
        if node.op_type == "DequantizeLinear" and all(name in tensors for name in node.input):
            found.append(_dequantised(onnx, node, tensors, path.parent, of, nodes))
            used |= set(node.input)
    plain = [_initializer(onnx, t, path.parent, of.get(t.name, "")) for t in tensors.values() if t.name not in used]
    return Contents([*plain, *found])


def _graphs(onnx: Any, graph: Any) -> Iterator[Any]:
    """A graph, and those inside its nodes, such as the two ways of an If."""
    waiting = [graph]
    while waiting:
        yield (graph := waiting.pop())
        for node in graph.node:
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else list(attribute.graphs)


def _constant(node: Any) -> Any:
    """The tensor of a Constant, by the name of what it gives."""
    if node.op_type != "Constant" or not node.output:
        return None
    return next((attribute.t for attribute in node.attribute if attribute.HasField("t")), None)


def _axes(node: Any, name: str) -> str:
    """(out, in) as torch has it, or (in, out): the right side of a product, and of a Gemm that does not turn it."""
    place = list(node.input).index(name)
    if node.op_type in ("MatMul", "MatMulInteger") and place == 1:
        return "flax"
    if node.op_type == "Gemm" and place == 1:
        turned = any(a.name == "transB" and a.i for a in node.attribute)
        return "torch" if turned else "flax"
    if node.op_type == "ConvTranspose" and place == 1:
        return "in first"
    return "torch"


def _initializer(onnx: Any, tensor: Any, folder: Path, axes: str) -> Stored:
    kind = onnx.TensorProto.DataType.Name(tensor.data_type).lower().replace("double", "float64")
    kind = str({"float": "float32", "float8e4m3fn": "float8_e4m3fn", "float8e5m2": "float8_e5m2"}.get(kind, kind))
    odd = "" if kind in REAL else NOT_REAL.format(kind)
    return Stored(tensor.name, tuple(tensor.dims), kind, partial(_numbers, onnx, tensor, folder), axes=axes, odd=odd)


def _numbers(onnx: Any, tensor: Any, folder: Path) -> Array:
    """The numbers of a tensor, from a file beside the model where they lie there; the package stays in the folder."""
    copy = type(tensor)()
    copy.CopyFrom(tensor)
    if copy.data_location == onnx.TensorProto.EXTERNAL:
        onnx.external_data_helper.load_external_data_for_tensor(copy, str(folder))
    found = onnx.numpy_helper.to_array(copy)
    if found.dtype.kind in "biuf":
        return found
    kind = found.dtype.name  # of ml_dtypes
    return decoded(found.tobytes(), kind).reshape(found.shape)


def _dequantised(onnx: Any, node: Any, tensors: Any, folder: Path, of: dict[str, str], nodes: list[Any]) -> Stored:
    """What DequantizeLinear makes of codes: (codes - zero) times the scale, of the whole or along an axis."""
    codes, scale, *zero = (tensors[name] for name in node.input)
    axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
    blocks = any(a.name == "block_size" and a.i for a in node.attribute)
    used = next((n for n in nodes if node.output[0] in n.input), None)
    kind = onnx.TensorProto.DataType.Name(codes.data_type).lower()

    def load() -> Array:
        q = _numbers(onnx, codes, folder).astype(np.float32)
        around = [1] * q.ndim

        def laid(tensor: Any) -> Array:
            numbers = _numbers(onnx, tensor, folder).astype(np.float32)
            around[axis] = -1 if numbers.size > 1 else 1
            return numbers.reshape(around)

        return (q - (laid(zero[0]) if zero else 0)) * laid(scale)

    odd = "its codes are packed, several in a byte" if blocks or kind not in REAL else ""
    axes = _axes(used, node.output[0]) if used else "torch"
    return Stored(codes.name, tuple(codes.dims), "float32", load, axes=axes, odd=odd)
