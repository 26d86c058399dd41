"""From chapters to the book: execute what is stale, once, two at a time; render; look at the result.

`make book` is `build` below. `jupyter-book build book` alone comes to the same through the Sphinx extension `setup`,
which executes what is stale before anything is rendered: the renderer finds all outputs in the cache.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import html
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from reversible.base.checks import InputError, one_of
from reversible.base.digests import LIBRARY, digest
from reversible.base.files import write_atomically
from reversible.book.execute import cache_folder, chapters, execute_stale, stale, stamps
from reversible.records.record import book_folder
from reversible.runs.experiment import PROFILES

ENVIRONMENT = "REVERSIBLE_PROFILE"  # tells the Sphinx extension that `build` has executed the chapters, and how
CHAPTER = ".md"  # how the name of a chapter's file ends


def __getattr__(name: str) -> Any:
    """`ChapterHandler` is what papermill, which loads it once, at its own import, knows of this project."""
    if name == "ChapterHandler":
        return taught_papermill()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def taught_papermill() -> Any:
    """From now on plain papermill reads a chapter by any path, and runs it on the kernels of this project.

    Papermill finds who reads a file by the first letters of its path, and a chapter's path may begin with any. So what
    papermill has read, whoever has read it, is made a notebook here where it is a chapter. Gives papermill's own
    handler of local files: it stays the one for paths with the letters under which papermill asked.
    """
    from papermill.iorw import papermill_io

    as_it_stands = papermill_io.read

    def read(path: Any, extensions: Sequence[str] = (".ipynb", ".json")) -> str:
        if ".ipynb" not in extensions or not (isinstance(path, str) and path.endswith(CHAPTER)):
            return as_it_stands(path, list(extensions))  # parameters in a file of their own, and other notebooks
        return _as_notebook(path, lambda: as_it_stands(path, [*extensions, CHAPTER]))

    papermill_io.read = read
    return papermill_io.get_handler("local")


def _as_notebook(path: str, text: Callable[[], str]) -> str:
    """The JSON of a chapter; one line of papermill's where there is none."""
    import jupytext
    from click import ClickException
    from papermill.engines import papermill_engines

    from reversible.book.kernels import SocketEngine

    try:
        notebook: Any = jupytext.reads(text(), fmt="md:myst")
    except (OSError, UnicodeError) as error:
        raise ClickException(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if "kernelspec" not in notebook.metadata:
        raise ClickException(f"{path} must be a chapter, with a kernelspec in its first lines, and has none")
    papermill_engines.register(None, SocketEngine)  # the one that is taken where no --engine is named
    return jupytext.writes(notebook, fmt="ipynb")


def setup(app: Any) -> dict[str, bool]:
    """The Sphinx extension: no stale output is ever rendered, whoever calls Sphinx."""
    book = Path(app.srcdir)
    profile = os.environ.get(ENVIRONMENT)
    alone = contextlib.ExitStack()
    if profile is None:
        alone.enter_context(_alone(book / "_build"))
        (book / "_build" / "rendered.json").unlink(missing_ok=True)  # the pages will not be what `render` left
        old = _executed_for_sphinx(book)
    elif old := stale(book, profile):
        sys.exit(f"{', '.join(old)} changed while the book was built in the profile {profile}: build it again")

    def one_cache(_: Any, config: Any) -> None:
        config.nb_execution_cache_path = str(cache_folder(book))  # wherever the pages go

    app.connect("config-inited", one_cache)
    app.connect("env-get-outdated", lambda *_: old)
    app.connect("build-finished", lambda *_: alone.close(), priority=1000)  # after all others
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _executed_for_sphinx(book: Path) -> list[str]:
    """The stale chapters, executed in the profile `book`; what fails ends the process, with the chapter's own words.

    Jupyter Book shows any other exception twice, below tracebacks of its own.
    """
    try:
        return execute_stale(book, "book")
    except InputError as error:
        sys.exit(str(error))


def render(book: Path, profile: str) -> None:
    """`jupyter-book build`, every page anew, warnings as errors; nothing to do where nothing changed since."""
    library = [file.read_text(encoding="utf-8") for file in sorted(LIBRARY.rglob("*.py"))]  # docstrings are shown
    inputs = {**_site_inputs(book), "": stamps(book), "library": digest(library)}
    seal, now = book / "_build" / "rendered.json", digest(inputs)
    index = book / "_build" / "html" / "index.html"
    if index.is_file() and seal.is_file() and seal.read_text(encoding="utf-8") == now:
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
    environment = {**os.environ, "PYTHONUTF8": "1", ENVIRONMENT: profile}
    with log.open("wb") as out:
        run = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
    if run.returncode:
        raise InputError(f"rendering failed:\n{log.read_text(encoding='utf-8', errors='replace')[-6000:]}")
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
    pages = {page.stem: page.read_text(encoding="utf-8") for page in sorted(site.glob("*.html"))}
    for name in names:
        if "cell_output" not in pages.get(name, ""):
            yield f"{name}.html is missing or shows no output"
    if "rv-badge" not in pages.get("index", ""):
        yield "index.html shows no verdict"
    yield from _dead_links({site / f"{name}.html": text for name, text in pages.items()})


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


def build(book: Path, profile: str) -> Path:
    """Execute what is stale, render, and give the path of index.html; one build at a time."""
    with _alone(book / "_build"):
        execute_stale(book, profile)
        render(book, profile)
    return (book / "_build" / "html" / "index.html").resolve()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other build of this book goes on meanwhile; the lock goes with the process, however that ends."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another build of this book is under way: waiting for its end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(words: list[str] | None = None) -> int:
    """`python -m reversible.book.build [--profile NAME]`: what `make book` calls."""
    parser = argparse.ArgumentParser(prog="python -m reversible.book.build", description=build.__doc__)
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
