"""MNIST and CIFAR-10 in small parts, for a machine without a network: python benchmarks/gpu_job/parts.py FROM TO

FROM is a folder in torchvision's layout, such as the one that REVERSIBLE_DATA names. Of each set that is whole there TO
gets `SET.000`, `SET.001`, ... of at most 45 MiB each, and `SET.json` with their hashes and those of the files in them.
They are compressed by LZMA, colours as differences from the pixel to the left and of those from the row above.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import sys
from pathlib import Path
from typing import Any

from reversible.base.checks import InputError
from reversible.base.data_files import FILES_MD5

SIZE = 45 << 20  # bytes of a part at most
STEPS = {"mnist": (), "cifar10": (1, 32)}  # set -> how many bytes back the one is that is taken off, time after time


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, metavar="FROM")
    parser.add_argument("target", type=Path, metavar="TO")
    words = parser.parse_args(argv)
    try:
        for line in pack(words.source, words.target):
            print(line, flush=True)
    except InputError as error:
        print(f"parts.py: error: {error}", file=sys.stderr)
        return 2
    return 0


def files_of(name: str) -> dict[str, str]:
    """The files of a set, those for training first: place below the folder -> md5."""
    return {**FILES_MD5[name, True], **FILES_MD5[name, False]}


def pack(source: Path, target: Path, size: int = SIZE) -> list[str]:
    """Write the parts of each set that `source` has whole; a line for each set."""
    sets = [name for name in STEPS if all((source / file).is_file() for file in files_of(name))]
    if not sets:
        raise InputError(f"FROM must be a folder with all files of {' or '.join(STEPS)}, not {str(source)!r}")
    target.mkdir(parents=True, exist_ok=True)
    return [_pack(name, source, target, size) for name in sets]


def _pack(name: str, source: Path, target: Path, size: int) -> str:
    contents = {file: (source / file).read_bytes() for file in files_of(name)}
    packed = lzma.compress(b"".join(contents.values()), lzma.FORMAT_XZ, filters=_filters(name))
    parts = [packed[at : at + size] for at in range(0, len(packed), size)]
    for number, part in enumerate(parts):
        (target / f"{name}.{number:03}").write_bytes(part)
    listed = {
        "files": [{"file": f, "bytes": len(c), "md5": _md5(c)} for f, c in contents.items()],
        "parts": [hashlib.sha256(part).hexdigest() for part in parts],
    }
    (target / f"{name}.json").write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
    return f"{name}: {len(contents)} files in {len(parts)} parts, {len(packed) / 2**20:.1f} MiB"


def _filters(name: str) -> list[dict[str, Any]]:
    delta = [{"id": lzma.FILTER_DELTA, "dist": step} for step in STEPS[name]]
    return [*delta, {"id": lzma.FILTER_LZMA2, "preset": 1, "lc": 0, "pb": 0}]


def unpack(source: Path, target: Path) -> list[str]:
    """Put together each set of which `source` has a list, and give their names; InputError for what is not right."""
    if not source.is_dir():
        raise InputError(f"DATA must be a folder that is there, not {str(source)!r}")
    return [_unpack(name, source, target) for name in STEPS if (source / f"{name}.json").is_file()]


def _unpack(name: str, source: Path, target: Path) -> str:
    listed = json.loads((source / f"{name}.json").read_text(encoding="utf-8"))
    packed = b"".join(_part(source / f"{name}.{n:03}", sha) for n, sha in enumerate(listed["parts"]))
    whole, at = lzma.decompress(packed), 0
    for entry in listed["files"]:
        content = whole[at : at + entry["bytes"]]
        at += entry["bytes"]
        if _md5(content) != entry["md5"] or entry["file"] not in files_of(name):
            raise InputError(f"{name}.json must list the files of {name} with their md5, not {entry['file']!r}")
        path = target / entry["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return name


def _part(path: Path, sha: str) -> bytes:
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha:
        raise InputError(f"DATA must hold the part {path.name} as it was written: it is missing, cut short or altered")
    return content


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
