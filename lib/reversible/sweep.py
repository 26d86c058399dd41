"""An experiment is a list of independent cells; a sweep maps a function over them, here or wherever an executor is.

Seeds belong to the cells, so the results are the same to the bit whoever runs them, in whatever order they finish.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from tqdm import tqdm

from reversible.checks import InputError
from reversible.estimates import Estimate
from reversible.files import write_atomically

Pairs = list[tuple[Any, Any]]


@dataclass(frozen=True)
class Experiment:
    """Independent cells, a function that runs one of them, and what is read off all of them together."""

    cells: Callable[[str], list[Any]]  # profile -> frozen dataclasses of parameters, each with its own seed
    run_cell: Callable[..., Any]  # a cell -> a frozen dataclass of results
    measure: Callable[[Pairs], dict[str, Estimate]]  # (cell, result) pairs -> named measures
    # Where a cell chooses settings on its way: a recorded row -> what was chosen, or None; `run_cell` takes it second.
    choice: Callable[[dict[str, Any]], Any] | None = None


@dataclass(frozen=True)
class Journal:
    """The finished items of a run that is under way: a folder with one sealed file an item, dropped when all is done.

    A file that was cut short, altered or renamed counts as none.
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
        payload = pickle.dumps((repr(item), result))
        self._make_folder()
        write_atomically(self._file(item), hashlib.sha256(payload).digest() + payload, durable=False)

    def read(self, item: object) -> tuple[Any] | None:
        """The kept result of an item, in a tuple; None where there is none that is whole."""
        try:
            content = self._file(item).read_bytes()
        except OSError:
            return None
        seal, payload = content[:32], content[32:]
        if hashlib.sha256(payload).digest() != seal:
            return None
        name, result = pickle.loads(payload)
        return (result,) if name == repr(item) else None

    def clear(self) -> None:
        """Forget the run: it is finished, and the next one begins anew."""
        shutil.rmtree(self.folder, ignore_errors=True)


def mapped(
    function: Callable[[Any], Any], items: Iterable[Any], *, executor: Executor | None = None,
    journal: Journal | None = None, label: str = "", unit: str = "cell", progress: bool = False,
) -> list[Any]:  # fmt: skip
    """`function` of each item, in the items' order; the items are independent, and their reprs tell them apart.

    Runs here one by one, or on any `concurrent.futures.Executor`. With a journal each result is kept on disk as soon
    as it is there, and what the journal holds is not run again. `progress` shows items done, rate and time left on a
    terminal. The first exception of an item ends the sweep and calls off what has not begun.
    """
    items = list(items)
    kept = {place: found for place, item in enumerate(items) if journal and (found := journal.read(item))}
    results = {place: result for place, (result,) in kept.items()}
    waiting = {place: item for place, item in enumerate(items) if place not in results}
    finished = _elsewhere(executor, function, waiting) if executor else _here(function, waiting)
    hidden = None if progress else True  # None: shown where there is a terminal
    with tqdm(total=len(items), initial=len(results), desc=label, unit=unit, disable=hidden) as bar:
        try:
            for place, result in finished:
                if journal:
                    journal.keep(items[place], result)
                results[place] = result
                bar.update()
        except KeyboardInterrupt:
            if journal is None:
                raise
            done = f"{len(results)} of {len(items)} {unit}s are kept"
            raise KeyboardInterrupt(f"stopped; {done}, and the same command goes on from them") from None
        finally:
            finished.close()
    return [results[place] for place in range(len(items))]


Finished = Generator[tuple[int, Any], None, None]


def _here(function: Callable[[Any], Any], waiting: dict[int, Any]) -> Finished:
    for place, item in waiting.items():
        yield place, function(item)


def _elsewhere(executor: Executor, function: Callable[[Any], Any], waiting: dict[int, Any]) -> Finished:
    futures = {executor.submit(function, item): place for place, item in waiting.items()}
    try:
        for future in as_completed(list(futures)):
            yield futures.pop(future), future.result()
    finally:  # after an exception or Ctrl-C; of a sweep that ended none are left
        for future in futures:
            future.cancel()
