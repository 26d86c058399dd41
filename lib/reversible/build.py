"""From chapters to the book: execute what is stale, once, two at a time; graft the outputs; render; look at the result.

A chapter's stamp is a digest of all that its outputs depend on: its code cells, the library modules they and their
experiments import, the claims it judges with their records, the lock, and the profile. A chapter is stale where its
stamp differs from the one its cached outputs were made under. `make book` executes stale chapters through papermill;
`jupyter-book build book` alone executes them itself, for the Sphinx extension below first throws stale outputs away.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import html
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from reversible.checks import InputError, one_of
from reversible.digests import LIBRARY, code_digest, digest, imported_modules, imports
from reversible.experiments import PROFILES, module_of
from reversible.files import write_atomically
from reversible.results import book_folder, read_claims

ENVIRONMENT = "REVERSIBLE_PROFILE"  # tells the Sphinx extension under which profile the cached outputs were made

_KEEPING = threading.Lock()  # the cache and the stamps are written by one chapter at a time


class ChapterHandler:
    """Lets plain papermill read chapters: `papermill book/single-layer.md out.ipynb -p profile smoke`."""

    @staticmethod
    def read(path: str) -> str:
        text = Path(path).read_text(encoding="utf-8")
        if not path.endswith(".md"):
            return text
        import jupytext

        return jupytext.writes(jupytext.reads(text, fmt="md:myst"), fmt="ipynb")

    @staticmethod
    def write(buffer: str, path: str) -> None:
        Path(path).write_text(buffer, encoding="utf-8")

    @staticmethod
    def listdir(path: str) -> list[str]:
        return [str(file) for file in Path(path).iterdir()]

    @staticmethod
    def pretty_path(path: str) -> str:
        return path


def chapters(book: Path) -> list[str]:
    """The executable pages of the table of contents, in its order."""
    try:
        contents = _read_yaml(book / "_toc.yml")
        names = [contents["root"], *_files(contents.get("parts", []) + contents.get("chapters", []))]
        return [name for name in names if "```{code-cell}" in (book / f"{name}.md").read_text()]
    except (OSError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{book}/_toc.yml does not list the pages of this book: {error}") from None


def _read_yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {error}".replace("\n", " ")) from None


def _files(entries: list[dict[str, Any]]) -> list[str]:
    return [f for e in entries for f in ([e["file"]] if "file" in e else _files(e.get("chapters", [])))]


def code_cells(book: Path, name: str) -> list[str]:
    """The source of a chapter's code cells."""
    return [cell.source for cell in _notebook(book, name).cells if cell.cell_type == "code"]


def _notebook(book: Path, name: str) -> Any:
    import jupytext

    return jupytext.read(book / f"{name}.md", fmt="md:myst")


def stamp(book: Path, name: str, profile: str) -> str:
    """Digest of all that the outputs of chapter `name` depend on."""
    cells = code_cells(book, name)
    ledger = read_claims(book / "claims.toml")
    claims = [claim for claim in ledger if claim.chapter == name] or ledger  # a page without its own may show any
    records = sorted({claim.record for claim in claims} - {""})
    modules = {module_of(record) for record in records}
    with contextlib.suppress(SyntaxError):  # execution will say so
        modules |= set(imports("\n".join(cells)))
    reads_data = any("reversible.data" in imported_modules(module) for module in modules)
    return digest(
        {
            "cells": cells,
            "claims": [repr(claim) for claim in claims],
            "records": {name: _text(book / "results" / f"{name}.json") for name in records},
            "moved": _text(book / "results" / "moved.toml"),
            "code": {module: code_digest(module) for module in sorted(modules)},
            "data": _data_at_hand() if reads_data else {},
            "lock": _text(book.resolve().parent / "requirements.lock"),
            "profile": profile,
        }
    )


def _data_at_hand() -> dict[str, int]:
    """The files of the data folder that are there, with their sizes: a chapter says what it had and what not."""
    from reversible import data  # with torch, which costs seconds, and papermill reads chapters through this module
    from reversible.reference import known_files

    files = {name: data.folder() / name for name in known_files()}
    return {name: file.stat().st_size for name, file in files.items() if file.is_file()}


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def stamps(book: Path) -> dict[str, str]:
    """The stamps under which the cached outputs were made; none where the file is missing or not whole."""
    try:
        return dict(json.loads((book / "_build" / "stamps.json").read_text()))
    except (OSError, ValueError):
        return {}


def current_stamps(book: Path, profile: str) -> dict[str, str]:
    """The stamp of every chapter as everything stands now."""
    return {name: stamp(book, name, profile) for name in chapters(book)}


def stale(book: Path, profile: str) -> list[str]:
    """The chapters whose cached outputs are missing or were made under another stamp."""
    return _differing(stamps(book), current_stamps(book, profile))


def _differing(known: dict[str, str], now: dict[str, str]) -> list[str]:
    return [name for name, made_under in now.items() if known.get(name) != made_under]


def execute(book: Path, name: str, profile: str) -> float:
    """Run one chapter through papermill into _build/executed and cache its outputs; seconds. Raises on a cell error."""
    start = time.perf_counter()
    made_under = stamp(book, name, profile)
    target = book / "_build" / "executed" / f"{name}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "papermill", f"book/{name}.md", str(target.resolve()), "-p", "profile", profile]
    timeout = str(_read_yaml(book / "_config.yml")["execute"]["timeout"])  # of a cell, here as under Jupyter Book
    run = subprocess.run(
        [*command, "--cwd", str(book), "--no-progress-bar", "--execution-timeout", timeout],
        cwd=book.resolve().parent, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if run.returncode:
        raise InputError(f"chapter {name} failed:\n{run.stdout}{run.stderr}")
    with _KEEPING:
        graft(book, name, target)
        write_atomically(book / "_build" / "stamps.json", json.dumps({**stamps(book), name: made_under}, indent=1))
    return time.perf_counter() - start


def _cache(book: Path) -> Any:
    from jupyter_cache import get_cache

    return get_cache(str((book / "_build" / ".jupyter_cache").resolve()))


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


def forget(book: Path, name: str) -> None:
    """Throw the cached outputs of a chapter away, so that the renderer executes it again."""
    cache = _cache(book)
    with contextlib.suppress(KeyError):
        cache.remove_cache(cache.match_cache_notebook(_notebook(book, name)).pk)


def setup(app: Any) -> dict[str, bool]:
    """The Sphinx extension: no stale output is ever rendered, whoever calls Sphinx."""
    book, profile = Path(app.srcdir), os.environ.get(ENVIRONMENT, "book")
    made_under = current_stamps(book, profile)
    old = _differing(stamps(book), made_under)
    (book / "_build" / "rendered.json").unlink(missing_ok=True)  # the pages are no longer what `render` left
    if old and profile != "book":  # the renderer would execute them with the profile that stands in their cells
        raise InputError(f"{', '.join(old)} changed while the book was built in the profile {profile}: build it again")
    for name in old:
        forget(book, name)

    def keep_stamps(_: Any, error: Exception | None) -> None:
        if error is None:
            (book / "_build").mkdir(exist_ok=True)
            write_atomically(book / "_build" / "stamps.json", json.dumps(made_under, indent=1))

    app.connect("env-get-outdated", lambda *_: old)
    app.connect("build-finished", keep_stamps)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def render(book: Path, profile: str) -> None:
    """`jupyter-book build`, every page anew, warnings as errors; nothing to do where nothing changed since."""
    library = {str(file): file.read_text() for file in sorted(LIBRARY.rglob("*.py"))}  # docstrings, and what pages add
    inputs = {**_site_inputs(book), "": stamps(book), "library": digest([*library.values()])}
    seal, now = book / "_build" / "rendered.json", digest(inputs)
    index = book / "_build" / "html" / "index.html"
    if index.is_file() and _text(seal) == now:
        return
    seal.unlink(missing_ok=True)
    shutil.rmtree(index.parent, ignore_errors=True)  # no page and no record of an earlier build stays behind
    command = [
        str(Path(sys.executable).parent / "jupyter-book"),
        "build",
        str(book),
        "--all",
        "-W",
        "-n",
        "--keep-going",
    ]
    log = book / "_build" / "render.log"
    with log.open("w") as out:
        run = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, ENVIRONMENT: profile})
    if run.returncode:
        raise InputError(f"rendering failed:\n{log.read_text()[-6000:]}")
    if problems := list(faults(book)):
        raise InputError("the built book is not whole: " + "; ".join(problems))
    write_atomically(seal, now)


def _site_inputs(book: Path) -> dict[str, str]:
    """Digest of each file the pages are made from."""
    files = [f for f in sorted(book.rglob("*")) if f.is_file() and "_build" not in f.relative_to(book).parts]
    return {str(f.relative_to(book)): digest(f.read_bytes().hex()) for f in files}


def faults(book: Path) -> Iterator[str]:
    """What a whole book has not: missing pages, chapters without outputs, no verdicts, links that lead nowhere."""
    site = book / "_build" / "html"
    names = chapters(book)
    if len(names) < 2:
        yield f"only {len(names)} executable pages"
    for name in names:
        text = _text(site / f"{name}.html")
        if "cell_output" not in text:
            yield f"{name}.html is missing or shows no output"
    if "rv-badge" not in _text(site / "index.html"):
        yield "index.html shows no verdict"
    yield from _dead_links({page: _text(page) for page in sorted(site.glob("*.html"))})


def _dead_links(pages: dict[Path, str]) -> Iterator[str]:
    """Links and images of these pages that lead to no file of the site, or to no place on a page."""
    places = {page: set(re.findall(r"""\sid=["']([^"']+)""", text)) for page, text in pages.items()}
    for page, text in pages.items():
        for address in sorted(set(re.findall(r"""\s(?:href|src)=["']([^"'?]+)""", text))):
            path, _, place = unquote(html.unescape(address)).partition("#")
            target = page.parent / path if path else page
            if re.match(r"[a-z]+:|//", address):
                continue
            if not target.exists() or (place and place not in places.get(target, {place})):
                yield f"{page.name} leads to {address}, which is not there"


def build(book: Path, profile: str, workers: int = 2) -> Path:
    """Execute stale chapters `workers` at a time, render, and give the path of index.html; one build at a time."""
    with _alone(book / "_build"):
        old = stale(book, profile)
        fresh = len(chapters(book)) - len(old)
        print(f"{len(old)} chapters to execute, {fresh} unchanged ({profile} profile)", flush=True)
        with ThreadPoolExecutor(workers) as pool:
            jobs = [(name, pool.submit(execute, book, name, profile)) for name in old]
            try:
                for name, job in jobs:
                    print(f"  {name}: {job.result():.0f} s", flush=True)
            except BaseException:
                pool.shutdown(cancel_futures=True)  # what has not begun need not
                raise
        render(book, profile)
    return (book / "_build" / "html" / "index.html").resolve()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other build of this book goes on meanwhile; the lock goes with the process, however that ends."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another build of this book is under way: waiting for its end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(words: list[str] | None = None) -> int:
    """`python -m reversible.build [--profile NAME]`: what `make book` calls."""
    parser = argparse.ArgumentParser(prog="python -m reversible.build", description=build.__doc__)
    parser.add_argument("--profile", default="book")
    try:
        profile = one_of("profile", parser.parse_args(words).profile, PROFILES)
        print(build(book_folder(), profile))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
