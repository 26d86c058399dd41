"""One file, a folder, or an index of shards, as one net."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from reversible.base.checks import InputError
from reversible.spectra.readers import kinds
from reversible.spectra.readers.stored import Contents, Stored, one_line

LARGEST_INDEX = 1 << 27
ASIDE = re.compile(r"^(optimizer|scheduler|scaler|rng_state|training_args|random_states)", re.I)  # of training alone
KINDS = {  # a folder often holds the same net several times; what is found first is taken
    "safetensors": r"\.safetensors$", "torch": r"\.(bin|pt|pth|ckpt|th|tar)$", "GGUF": r"\.gguf$",
    "ONNX": r"\.onnx$", "HDF5": r"\.(h5|hdf5|keras)$", "Flax": r"\.msgpack$", "numpy": r"\.(npz|npy)$", "any": r"",
}  # fmt: skip


def opened(source: str, files: ExitStack) -> Contents:
    """What is in a source; `files` keeps open what it is to be read from."""
    path = Path(source)
    with one_line(source):
        if path.is_dir():
            return _folder(path, files)
        if not path.is_file():
            raise InputError(f"there is no file {source!r}")
        index = _index(path)
        return _one(path, files) if index is None else _sharded(path, index, files)


def _one(path: Path, files: ExitStack) -> Contents:
    reader = kinds.reader_of(path)
    if reader is None:
        with path.open("rb") as file:
            start = file.read(8)
        raise ValueError(f"it begins with {start!r}; read are {kinds.LOOKED}")
    return reader(path, files)


def _index(path: Path) -> Mapping[str, str] | None:
    """The shards of an index by the names of the arrays in them; None for another file."""
    with path.open("rb") as file:
        if file.read(64).lstrip()[:1] != b"{" or path.stat().st_size > LARGEST_INDEX:
            return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    shards = found.get("weight_map") if isinstance(found, dict) else None
    whole = isinstance(shards, dict) and all(isinstance(shard, str) for shard in shards.values())
    return shards if whole else None


def _sharded(path: Path, index: Mapping[str, str], files: ExitStack) -> Contents:
    """The net of an index: a shard that is not there, or not whole, costs the others nothing."""
    arrays: list[Stored] = []
    notes: list[str] = []
    for shard in dict.fromkeys(index.values()):
        wanted = [name for name, where in index.items() if where == shard]
        try:
            found = _shard(path, shard, files)
        except InputError as error:
            notes.append(f"skipped {len(wanted)} arrays of the index: {error}")
            continue
        there = {array.name for array in found.arrays}
        missing = [name for name in wanted if name not in there]
        notes += [f"{shard} lacks {len(missing)} arrays that the index names, {name!r} first" for name in missing[:1]]
        arrays += found.arrays
        notes += found.notes
    if not arrays and notes:
        raise InputError(f"no shard of {str(path)!r} can be read; {notes[0]}")
    return Contents(arrays, tuple(dict.fromkeys(notes)))


def _shard(path: Path, shard: str, files: ExitStack) -> Contents:
    if Path(shard).name != shard or shard in ("", ".", ".."):
        raise InputError(f"{str(path)!r} names {shard!r}, which is not beside it")
    place = path.parent / shard
    if not place.is_file():
        raise InputError(f"there is no file {str(place)!r}")
    with one_line(str(place)):
        return _one(place, files)


def _folder(path: Path, files: ExitStack) -> Contents:
    """The net of a folder: by its index, or all its files of one kind; else the nets of the folders in it."""
    found = sorted((file for file in path.iterdir() if file.is_file()), key=lambda file: _natural(file.name))
    indexes = {file: index for file in found if file.suffix == ".json" and (index := _index(file)) is not None}
    bad: list[str] = []
    for pattern in KINDS.values():
        for index in [file for file in indexes if re.search(pattern, file.name.removesuffix(".index.json"))][:1]:
            return _noted(_sharded(index, indexes[index], files), _others(found, set(indexes[index].values())))
        kept = _of_kind(found, pattern, files, bad)
        if kept:
            return _noted(_joined(kept), [*bad, *_others(found, {file.name for file, _ in kept})])
    inner = [folder for folder in sorted(path.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]
    nets = [(folder, net) for folder in inner if (net := _maybe(folder, files))]
    if not nets:
        bad.sort(key=lambda line: line.startswith("cannot read"))  # what is known of a file says more than that
        raise InputError(bad[0] if bad else f"the folder {str(path)!r} holds no file of weights: {kinds.LOOKED}")
    notes = [note for _, net in nets for note in net.notes]
    return Contents([_under(folder.name, a) for folder, net in nets for a in net.arrays], (*bad, *notes))


def _maybe(folder: Path, files: ExitStack) -> Contents | None:
    try:
        return _folder(folder, files)
    except InputError:
        return None


def _of_kind(found: list[Path], pattern: str, files: ExitStack, bad: list[str]) -> list[tuple[Path, Contents]]:
    """The files of a kind, by their endings, that can be read; of those that cannot a line is added to `bad`."""
    read: list[tuple[Path, Contents]] = []
    for file in found:
        if not re.search(pattern, file.name, re.I) or ASIDE.match(file.name):
            continue
        try:
            with one_line(str(file)):
                read.append((file, _one(file, files)))
        except InputError as error:
            bad += [str(error)] if pattern else []  # of a folder that holds anything, most is not of weights
    return read


def _joined(parts: list[tuple[Path, Contents]]) -> Contents:
    """Files as one net; where two have an array of one name, the file's name is put before it."""
    names = [array.name for _, part in parts for array in part.arrays]
    apart = len(set(names)) < len(names)
    arrays = [_under(file.stem, a) if apart else a for file, part in parts for a in part.arrays]
    return Contents(arrays, tuple(dict.fromkeys(note for _, part in parts for note in part.notes)))


def _under(name: str, array: Stored) -> Stored:
    return replace(array, name=f"{name}/{array.name}")


def _noted(contents: Contents, notes: list[str]) -> Contents:
    return Contents(contents.arrays, (*contents.notes, *notes))


def _others(found: list[Path], read: set[str]) -> list[str]:
    """A line for the files of weights in a folder that were not read."""
    endings = "|".join(pattern for pattern in KINDS.values() if pattern)
    left = [f.name for f in found if f.name not in read and re.search(endings, f.name) and not ASIDE.match(f.name)]
    if not left:
        return []
    return [f"of the folder {', '.join(left[:3])}{' and more' * (len(left) > 3)} was left out"]


def _natural(name: str) -> list[Any]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
