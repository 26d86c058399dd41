"""Files of weights for tests, good and bad."""

import io
import json
import os
import struct
import tracemalloc
import zipfile
from collections import OrderedDict

import numpy as np
import safetensors.numpy
import torch

RNG = np.random.default_rng(0)
NET = {
    "z.weight": RNG.standard_normal((4, 3, 2, 2)),
    "z.bias": np.zeros(4, np.float32),
    "a.weight": RNG.standard_normal((5, 6)).astype(np.float32),
    "steps": np.array(7),
}  # fmt: skip; z comes first in .safetensors too, where the widest type is the first
LARGE = (50_000, 20_000)  # 10**9 entries


def tensors(arrays):
    return OrderedDict((name, torch.tensor(array)) for name, array in arrays.items())


def save(path, arrays):
    """Write `arrays` in the format that the path's ending asks for."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".safetensors":
        safetensors.numpy.save_file(arrays, path)
    else:
        torch.save(tensors(arrays), path)
    return str(path)


def header(shape, descr="<f4"):
    """The head of a .npy file, without the data."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


def npz(path, **members):
    """A .npz of members as they are: heads without data, and worse."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return str(path)


def large_safetensors(path):
    """A small layer, then one of 10**9 entries, in a file with a hole that takes no room on the disk."""
    entries = {"fc": ([2, 2], 0, 16), "huge": (list(LARGE), 16, 16 + 4 * 10**9)}
    named = {n: {"dtype": "F32", "shape": s, "data_offsets": [low, high]} for n, (s, low, high) in entries.items()}
    head = json.dumps(named).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head)
    os.truncate(path, 8 + len(head) + 16 + 4 * 10**9)
    return str(path)


def peak(call):
    """Bytes that a call takes at its peak, and what it gives."""
    tracemalloc.start()
    try:
        given = call()
        return tracemalloc.get_traced_memory()[1], given
    finally:
        tracemalloc.stop()
