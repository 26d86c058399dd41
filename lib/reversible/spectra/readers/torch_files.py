"""Files of torch.save, of all its times: a zip since torch 1.6, a row of pickles before, a tar archive in 2016.

Read without torch, and without running what is in them: the pickle as data (`pickles`), the numbers where they lie. A
plain pickle of tensors or numpy arrays is read in the same way.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from reversible.base.checks import InputError
from reversible.spectra.readers import pickles, trees
from reversible.spectra.readers.pickles import Global, Made, Saved
from reversible.spectra.readers.stored import REAL, Contents, Region, item_size, region_of
from reversible.spectra.readers.tensors import STORAGES, Find, Storage, array_of, tensor

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
LARGEST_PICKLE = 1 << 28  # bytes that say what lies where; of the largest nets it is a few millions
OTHER_SIZES = {"complex64": 8, "complex128": 16, "quint4x2": 1, "quint2x4": 1}


def read_zip(path: Path, files: ExitStack) -> Contents:
    """A file of torch.save since 1.6."""
    archive = files.enter_context(zipfile.ZipFile(path))
    raw = files.enter_context(path.open("rb"))
    members = {member.filename: member for member in archive.infolist()}
    if any(name.endswith("constants.pkl") or "/code/" in name for name in members):
        raise InputError(
            f"{str(path)!r} is a TorchScript archive, which holds code, and nothing in a file is run; if you trust it, "
            f"torch.save(torch.jit.load({str(path)!r}).state_dict(), 'weights.pt') writes the weights alone"
        )
    pickle = next(name for name in members if name.rpartition("/")[2] == "data.pkl")
    root = pickle.removesuffix("data.pkl")
    if members[pickle].file_size > LARGEST_PICKLE:
        raise ValueError(f"its pickle has {members[pickle].file_size} bytes")
    big = f"{root}byteorder" in members and archive.read(f"{root}byteorder") == b"big"

    def find(saved: Any) -> Storage | None:
        dtype, key, size = _storage_of(saved)
        member = members.get(f"{root}data/{key}")
        if member is None:
            raise ValueError(f"the numbers {key!r:.40} are not in the file")
        return Storage(dtype, _member(archive, member, raw), size, big)

    return contents(pickles.read(io.BytesIO(archive.read(pickle))), find, path.stem)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, raw: IO[bytes]) -> Region:
    """The bytes of a member: where they are not compressed, only those that are asked for."""
    if member.compress_type != zipfile.ZIP_STORED:
        return lambda offset, count: region_of(archive.open(member), 0, member.file_size)(offset, count)
    head = region_of(raw, member.header_offset)(0, 30)
    name, extra = struct.unpack("<HH", head[26:30])
    return region_of(raw, member.header_offset + 30 + name + extra, member.file_size)


def _storage_of(saved: Any) -> tuple[str, str, int | None]:
    """The type, the key and the size that a pickle says of a storage."""
    key = saved.key if isinstance(saved, Saved) else None
    if not isinstance(key, tuple) or len(key) < 5 or _text(key[0]) != "storage" or not isinstance(key[1], Global):
        raise ValueError("a tensor without a storage")
    name = key[1].name.rpartition(".")[2]
    return STORAGES.get(name, name), _text(key[2]), key[4] if type(key[4]) is int else None


def _text(word: Any) -> str:
    return word.decode("latin-1") if isinstance(word, bytes) else str(word)


def read_row(path: Path, files: ExitStack) -> Contents:
    """A file of torch.save before 1.6: pickles in a row, then the numbers of each storage behind their count."""
    file = files.enter_context(path.open("rb"))
    tree, storages = _row(file)
    return contents(tree, lambda saved: storages[_key(saved)], path.stem)


def _row(file: IO[bytes]) -> tuple[Any, dict[str, Storage]]:
    if pickles.read(file) != MAGIC or pickles.read(file) != VERSION:
        raise ValueError("not written by torch.save")
    system = pickles.read(file)
    big = isinstance(system, dict) and system.get("little_endian") is False
    saved: list[Saved] = []
    tree = pickles.read(file, saved)
    types = {_key(each): _storage_of(each)[0] for each in saved if _text(each.key[0]) == "storage"}
    storages: dict[str, Storage] = {}
    for key in map(_text, pickles.read(file)):
        if key in types:
            storages[key] = _counted(file, types[key], big)
    whole_views = [each for each in saved if len(each.key) > 5 and each.key[5]]
    if whole_views:
        raise ValueError("its storages are views of others")
    return tree, storages


def _counted(file: IO[bytes], dtype: str, big: bool) -> Storage:
    """Numbers that stand behind their count; the file stands behind them afterwards."""
    (count,) = struct.unpack(">q" if big else "<q", file.read(8))
    size = count * (item_size(dtype) if dtype in REAL else OTHER_SIZES[dtype])
    start = file.tell()
    if count < 0 or size > file.seek(0, io.SEEK_END) - start:
        raise EOFError("it ends before its numbers do")
    file.seek(start + size)
    return Storage(dtype, region_of(file, start, size), count, big)


def _key(saved: Any) -> str:
    _, key, _ = _storage_of(saved)
    return key


def read_tar(path: Path, files: ExitStack) -> Contents:
    """A file of torch.save of 2016: a tar archive of storages, of tensors, and of the pickle that names them."""
    archive = files.enter_context(tarfile.TarFile(path))
    if not {"storages", "tensors", "pickle"} <= set(archive.getnames()):
        raise InputError(f"{str(path)!r} is a tar archive: unpack it, and read what is in it")
    raw = files.enter_context(path.open("rb"))
    raw.seek(archive.getmember("storages").offset_data)
    storages = {}
    for _ in range(pickles.read(raw)):
        key, _, kind = pickles.read(raw)
        storages[key] = _counted(raw, STORAGES[kind.name.rpartition(".")[2]], big=False)
    if pickles.read(raw):
        raise ValueError("its storages are views of others")
    raw.seek(archive.getmember("tensors").offset_data)
    tensors = {}
    for _ in range(pickles.read(raw)):
        key, storage, _ = pickles.read(raw)
        (axes,) = struct.unpack("<i4x", raw.read(8))
        if not 0 <= axes <= 64:
            raise ValueError(f"a tensor of {axes} axes")
        numbers = struct.unpack(f"<{2 * axes + 1}q", raw.read(16 * axes + 8))
        shape, strides, offset = numbers[:axes], numbers[axes:-1], numbers[-1]
        tensors[str(key)] = tensor((Saved(storage), offset, shape, strides), lambda saved: storages[saved.key])
    raw.seek(archive.getmember("pickle").offset_data)
    return contents(pickles.read(raw), lambda saved: tensors.get(_text(saved.key)), path.stem)


def read_pickle(path: Path, files: ExitStack) -> Contents:
    """A plain pickle: of numpy's arrays, or of tensors, each of which then has a file of torch.save in it."""

    def find(storage: Any) -> Storage:
        if not isinstance(storage, Made) or not storage.name.endswith("_load_from_bytes"):
            raise ValueError("a tensor without a storage")
        inner, storages = _row(io.BytesIO(storage.args[0]))
        return storages[_key(inner)]

    with path.open("rb") as file:
        found = contents(pickles.read(file), lambda saved: None if isinstance(saved, Saved) else find(saved), path.stem)
    return found


def contents(tree: Any, find: Find, stem: str) -> Contents:
    """The arrays of a pickle: its tensors, or, where none of these can be a layer, its arrays of numpy."""
    arrays, notes = trees.named(tree, lambda node: array_of(node, find))
    return Contents([array if array.name else replace(array, name=stem) for array in arrays], tuple(notes))
