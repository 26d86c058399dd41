"""A terminal on a page: what `reversible ...` says, by calling it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import textwrap
from pathlib import Path

from reversible import cli
from reversible.base.checks import InputError
from reversible.show.html import Shown, escape

COLUMNS = 80  # of the terminals shown

PIPE = re.compile(r"(?P<command>.*?)(?: \| head -n (?P<lines>\d+))?")


def terminal(command: str, status: int = 0, folder: Path | None = None) -> Shown:
    """What a terminal shows for `reversible ...`, which may end in `| head -n N`; run in `folder`.

    It calls what the installed command calls. Raises AssertionError where the exit status is not `status`, and
    InputError for another command.
    """
    match = PIPE.fullmatch(command)
    name, *words = shlex.split(match["command"]) if match else [""]
    if not match or name != "reversible" or "|" in words:
        raise InputError(f"a terminal shows reversible ..., perhaps into head -n N, not {command!r}")
    found, said = _run(words, folder or Path.cwd())
    if found != status:
        raise AssertionError(f"{command}: exit status {found}, not {status}\n{said}")
    lines = said.splitlines()[: int(match["lines"]) if match["lines"] else None]
    together = re.sub(r" (?!--|\|)", "\0", f"$ {command}")  # an option and its value
    wrapped = textwrap.wrap(together, COLUMNS - 4, subsequent_indent="    ", break_on_hyphens=False)
    typed = " \\\n".join(wrapped).replace("\0", " ")
    told = ["<strong>$ echo $?</strong>", str(status)] if status else []
    body = "\n".join([f"<strong>{escape(typed)}</strong>", *map(escape, lines), *told])
    box = f"class='rv-terminal' style='overflow-x: auto' tabindex='0' role='group' aria-label='{escape(command)}'"
    return Shown(f"<pre {box}>{body}</pre>", said)


def _run(words: list[str], folder: Path) -> tuple[int, str]:
    """Exit status and all that was printed, errors among it; no bar and no colour, for this is no terminal."""
    said, before = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(COLUMNS)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), contextlib.chdir(folder):
            try:
                return cli.main(words), said.getvalue()
            except SystemExit as ended:  # --help and --version
                return int(ended.code or 0), said.getvalue()
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before
