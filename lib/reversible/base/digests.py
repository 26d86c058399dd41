"""Digests: of a value, and of what the code says that a module depends on."""

from __future__ import annotations

import ast
import functools
import hashlib
import io
import json
import os
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
    return sorted(_code(LIBRARY, files_of(LIBRARY)).below(module))


def code_digest(*modules: str) -> str:
    """Digest of what modules and all they import from this library say; comments and docstrings do not count."""
    code = _code(LIBRARY, files_of(LIBRARY))
    names = frozenset[str]().union(*(code.below(module) for module in modules))
    return digest({name: _meaning(code.texts[name]) for name in names})


def files_of(library: Path) -> tuple[tuple[str, int, int], ...]:
    """Each module's file, when it was last written and its size: asked for each time, as files may change."""
    found: list[tuple[str, int, int]] = []
    for folder, _, names in os.walk(library):
        for file in (os.path.join(folder, name) for name in names if name.endswith(".py")):
            here = os.stat(file)
            found.append((file, here.st_mtime_ns, here.st_size))
    return tuple(sorted(found))


@functools.lru_cache(maxsize=4)
def texts_of(library: Path, files: tuple[tuple[str, int, int], ...]) -> dict[str, tuple[bool, str]]:
    """By each module's full name whether it is a package itself, and its text; `files` are those of `files_of`."""
    texts: dict[str, tuple[bool, str]] = {}
    for file in (Path(file) for file, _, _ in files):
        parts = file.relative_to(library).with_suffix("").parts
        package = parts[-1] == "__init__"
        name = ".".join(("reversible", *(parts[:-1] if package else parts)))
        texts[name] = package, file.read_text(encoding="utf-8")
    return texts


class _Code:
    """The modules of a package by what they import of it."""

    def __init__(self, texts: dict[str, tuple[bool, str]]) -> None:
        self.texts = {name: text for name, (_, text) in texts.items()}
        self._below: dict[str, frozenset[str]] = {}

    def below(self, module: str) -> frozenset[str]:
        """What it imports of the package, itself and all below included."""
        if module not in self._below:
            found: set[str] = set()
            waiting = [module]
            while waiting:
                name = waiting.pop()
                if name not in found and name in self.texts:
                    found.add(name)
                    waiting += imports(self.texts[name])
            self._below[module] = frozenset(found)
        return self._below[module]


@functools.lru_cache(maxsize=2)
def _code(library: Path, files: tuple[tuple[str, int, int], ...]) -> _Code:
    return _Code(texts_of(library, files))


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
