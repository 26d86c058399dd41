"""Prose that is pinned whole: in `golden/NAME.txt`, a head for each case and below it what is said.

Tests beside it pin names, values and verdicts. REVERSIBLE_GOLDEN=write puts what is said now into the files, in a run
without -n; then look at what git says has changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"
HEAD = re.compile(r"^## (.*)$", re.M)


def check(name: str, case: str, lines: Iterable[str]) -> None:
    """These lines are what the file says of the case."""
    file = FOLDER / f"{name}.txt"
    pinned = _cases(file)
    now = "\n".join(lines)
    if os.environ.get("REVERSIBLE_GOLDEN") == "write":
        file.write_text("\n".join(f"## {head}\n{text}\n" for head, text in {**pinned, case: now}.items()))
        return
    assert now == pinned.get(case), f"in {file.name}: {case}"


def _cases(file: Path) -> dict[str, str]:
    parts = HEAD.split(file.read_text() if file.exists() else "")[1:]
    return {head: text.strip("\n") for head, text in zip(parts[::2], parts[1::2], strict=True)}


def cases(name: str) -> list[str]:
    """All heads of a file."""
    return list(_cases(FOLDER / f"{name}.txt"))
