"""The finished items of a run that is under way, kept on disk until all is done."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from reversible.base.checks import InputError
from reversible.base.files import write_atomically
from reversible.base.packing import packed, unpacked


class Stopped(KeyboardInterrupt):
    """Ctrl-C, and in words what is kept of the run that it stopped."""


@dataclass(frozen=True)
class Kept:
    """The result of an item that was finished earlier."""

    result: Any


@dataclass(frozen=True)
class Journal:
    """The finished items of a run that is under way: a folder with one sealed file an item, dropped when all is done.

    A file that was cut short, altered or renamed counts as none, and so does one that is not this project's.
    """

    folder: Path

    @classmethod
    def of(cls, *key: str) -> Journal:
        """The journal in the user's cache of a run named by `key`, which must say what is run and by which code.

        Raises InputError where no folder can be made there.
        """
        versions = [metadata.version(name) for name in ("numpy", "scipy", "torch")]
        name = hashlib.sha256(json.dumps([key, versions]).encode()).hexdigest()
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        journal = cls(cache / "reversible" / "unfinished" / name)
        journal._make_folder()
        return journal

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"finished cells cannot be kept in {self.folder}: {error.strerror}") from None

    def _file(self, item: object) -> Path:
        return self.folder / hashlib.sha256(repr(item).encode()).hexdigest()

    def keep(self, item: object, result: object) -> None:
        """Put the result of an item on disk; InputError where that cannot be done."""
        payload = packed((repr(item), result))
        self._make_folder()
        write_atomically(self._file(item), hashlib.sha256(payload).digest() + payload, durable=False)

    def read(self, item: object) -> Kept | None:
        """The kept result of an item; None where there is none that is whole. No code of the file is run."""
        try:
            content = self._file(item).read_bytes()
        except OSError:
            return None
        seal, payload = content[:32], content[32:]
        if hashlib.sha256(payload).digest() != seal:
            return None
        try:
            name, result = unpacked(payload)
        except (TypeError, ValueError):
            return None
        return Kept(result) if name == repr(item) else None

    def clear(self) -> None:
        """Forget the run: it is finished, and the next one begins anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
