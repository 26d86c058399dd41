"""The rooms of the library: what is in each, and which looks into which, read off the files themselves."""

from __future__ import annotations

import ast
from pathlib import Path

from reversible import ROOMS
from reversible.base.digests import LIBRARY, imports

SHOWN_OF_PAPERS = ("laws", "nets", "greedy", "signals", "depth")  # beside its own file, what a reader can use


def modules_of(room: str) -> list[str]:
    """The full names of the modules in a room, the room's own file first."""
    folder = LIBRARY / room
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    names = [".".join(file.relative_to(LIBRARY.parent).with_suffix("").parts) for file in files]
    return sorted(name.removesuffix(".__init__") for name in names if not name.endswith("__main__"))


def shown_of(room: str) -> list[str]:
    """Those of its modules that the reference shows: of papers their laws and nets; experiments are run by name."""
    modules = modules_of(room)
    if room != "papers":
        return modules
    return [name for name in modules if name.count(".") < 3 or name.split(".")[3] in SHOWN_OF_PAPERS]


def file_of(module: str) -> Path:
    """The file of a module of the library."""
    place = LIBRARY.joinpath(*module.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def words_of(module: str) -> str:
    """The first line of its docstring, without the full stop; no module is imported for it."""
    docstring = ast.get_docstring(ast.parse(file_of(module).read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split()).rstrip(".")


def arrows() -> dict[str, set[str]]:
    """Each room with the rooms that it imports from."""
    looks: dict[str, set[str]] = {}
    for room in ROOMS:
        names = [name for module in modules_of(room) for name in imports(file_of(module).read_text(encoding="utf-8"))]
        looks[room] = {name.split(".")[1] for name in names} & set(ROOMS) - {room}
    return looks


def table() -> str:
    """The rooms as a table in Markdown, from the ground floor up."""
    lines = ["| room | what is in it | its modules |", "|---|---|---|"]
    for room in ROOMS:
        modules = [name.split(".")[-1] for name in modules_of(room) if name.count(".") == 2]
        lines.append(f"| `{room}` | {words_of(f'reversible.{room}')} | {', '.join(modules)} |")
    return "\n".join(lines)


def picture() -> str:
    """The rooms as a flowchart in Mermaid's words; an arrow that follows from others is left out."""
    looks = arrows()
    below = {room: set[str]() for room in ROOMS}  # all that a room stands on, at whatever remove
    for room in ROOMS:
        below[room] = looks[room].union(*(below[other] for other in looks[room]))
    lines = ["```mermaid", "flowchart BT"]
    for room in ROOMS:
        direct = [other for other in ROOMS if other in looks[room]]
        kept = [other for other in direct if not any(other in below[between] for between in direct)]
        lines += [f"  {room} --> {other}" for other in kept]
    return "\n".join([*lines, "```"])
