"""What a file is, by how it begins and never by its name: whom to ask to read it, or what it is instead of weights."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from reversible.base.checks import InputError
from reversible.spectra.readers import flax_files, packaged, plain, torch_files
from reversible.spectra.readers.stored import Contents

Reader = Callable[[Path, ExitStack], Contents]

SHORTEST = 9  # bytes of what is called a text
START = 1024  # bytes that a kind is told by
ROW = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # torch's magic number, pickled, behind two bytes
PICKLE = re.compile(rb"\x80[\x00-\x05]|\([dl]p?\d*\n|[}\]]q|c[\w.]+\n\w+\n")  # from protocol 2 on, and before
MAP = re.compile(rb"(?s:[\x81-\x8f]|\xde..|\xdf....)[\xa1-\xbf\xd9]")  # of msgpack, whose first key is a text
LOOKED = ".npy, .npz, .safetensors, of torch.save, HDF5 (Keras), ONNX, GGUF, msgpack (Flax)"
OTHERS = {  # what a file begins with: what it is
    b"version https://git-lfs": "a Git LFS pointer, not the file: git lfs pull",
    b"\x1f\x8b": "compressed by gzip: unpack it first",
    b"BZh": "compressed by bzip2: unpack it first",
    b"\xfd7zXZ\x00": "compressed by xz: unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"ggml": "a file of llama.cpp older than GGUF: convert it to GGUF",
    b"tjgg": "a file of llama.cpp older than GGUF: convert it to GGUF",
    b"MATLAB 5.0": "a MATLAB file older than version 7.3: save it again with -v7.3",
    b"%PDF": "a PDF document",
}
TEXTS = (
    (re.compile(rb"(<!doctype html|<html|<head|<!-- )", re.I), "a web page, not weights: download the file itself"),
    (re.compile(rb"<\?xml|<error", re.I), "a text of XML, not weights: perhaps the answer of a server that refused"),
    (re.compile(rb"[\[{]"), "a text of JSON, not weights: name the file of weights, or its folder"),
)


def reader_of(path: Path) -> Reader | None:
    """Whom to ask to read a file; None where nothing tells its kind. InputError for what is known to be no weights."""
    with path.open("rb") as file:
        start = file.read(START)
    if not start:
        raise InputError(f"{str(path)!r} is empty")
    for sign, what in OTHERS.items():
        if start.startswith(sign):
            raise InputError(f"{str(path)!r} is {what}")
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _of_zip(path)
    if b"joblib.numpy_pickle" in start:
        raise InputError(f"{str(path)!r} is a file of joblib: save its arrays by numpy.savez")
    known = _by_sign(start, path)
    return known or _of_text(path, start)


def _by_sign(start: bytes, path: Path) -> Reader | None:
    """Kinds that have a sign."""
    if start.startswith(b"\x93NUMPY"):
        return plain.read_npy
    if start.startswith(b"\x89HDF\r\n\x1a\n") or start[512:520] == b"\x89HDF\r\n\x1a\n":
        return packaged.read_hdf5
    if start.startswith(b"GGUF"):
        return packaged.read_gguf
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= plain.LARGEST_HEADER:
        return plain.read_safetensors
    if start[2:].startswith(ROW):
        return torch_files.read_row
    if start[257:262] == b"ustar":
        return torch_files.read_tar
    if start[4:8] == b"TFL3":
        raise InputError(f"{str(path)!r} is a TensorFlow Lite model, which is not read here: convert it to ONNX")
    if _is_onnx(start, path):
        return packaged.read_onnx
    if PICKLE.match(start):
        return torch_files.read_pickle
    return flax_files.read_msgpack if MAP.match(start) else None


def _is_onnx(start: bytes, path: Path) -> bool:
    """A message of protobuf that begins with the version of ONNX, from 3 on, and one of the fields that follow it."""
    if path.suffix.lower() == ".onnx":
        return True
    return len(start) > 2 and start[0] == 0x08 and 3 <= start[1] < 32 and start[2] in b"\x12\x1a\x22\x28\x32\x3a\x42"


def _of_zip(path: Path) -> Reader:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name.rpartition("/")[2] == "data.pkl" for name in names):
        return torch_files.read_zip
    if "model.weights.h5" in names:
        return packaged.read_keras
    if any(name.endswith(".npy") for name in names) or not names:
        return plain.read_npz
    if any(name.rpartition("/")[2] == "archive_format" for name in names):
        raise InputError(f"{str(path)!r} is an archive of torch.export: save the model's state_dict()")
    raise InputError(f"{str(path)!r} is a zip archive: unpack it, and name the folder")


def _of_text(path: Path, start: bytes) -> None:
    """InputError for a text, with what it is."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    for sign, what in TEXTS:
        if sign.match(text):
            raise InputError(f"{str(path)!r} is {what}")
    letters = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in start)
    if len(text) >= SHORTEST and letters == len(start):
        line = text.splitlines()[0][:60].decode("ascii")
        raise InputError(f"{str(path)!r} is a text, not weights, and begins with {line!r}")
