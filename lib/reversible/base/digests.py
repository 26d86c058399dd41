"""Digests: of a value, and of what the code says that a module depends on."""

from __future__ import annotations

import ast
import functools
import hashlib
import io
import json
import threading
import tokenize
from pathlib import Path

LIBRARY = Path(__file__).parents[1]
_PARSING = threading.Lock()  # Python 3.11 keeps one depth for all threads that parse: a build has several


def digest(value: object) -> str:
    """SHA-256 of a JSON-able value, the same for the same value whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()


def imported_modules(module: str) -> list[str]:
    """The modules of this library that `module` ("reversible.data", say) imports, itself and all below included."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found and _module_file(name):
            found.add(name)
            waiting += imports(_source(name))
    return sorted(found)


def _module_file(name: str) -> Path | None:
    place = LIBRARY.joinpath(*name.split(".")[1:])
    return next((f for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file()), None)


def _source(name: str) -> str:
    file = _module_file(name)
    assert file is not None
    return file.read_text(encoding="utf-8")


@functools.cache  # by the text, so that a file that changes under way is read anew
def imports(text: str) -> list[str]:
    """The names that a module's text imports from this library; SyntaxError where it is none."""
    names: list[str] = []
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    # A package's own file only gathers what is in it: whoever imports the package's parts does not depend on it.
    return [n for n in names if n.startswith("reversible.")]


def parsed(text: str) -> ast.Module:
    with _PARSING:
        return ast.parse(text)


def code_digest(module: str) -> str:
    """Digest of what `module` and all it imports from this library say; comments and docstrings do not count."""
    return digest({name: _meaning(_source(name)) for name in imported_modules(module)})


@functools.cache
def _meaning(text: str) -> str:
    """A module's text without comments, docstrings and blank lines, the same on every version of Python."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(parsed(text)):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            for row in range(body[0].lineno, (body[0].end_lineno or body[0].lineno) + 1):
                lines[row - 1] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())
