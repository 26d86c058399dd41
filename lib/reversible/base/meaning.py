"""The meaning of an experiment: a digest of the definitions that make its record, wherever they lie.

A definition is a function, a class or a constant of a module. Its digest is made of its syntax tree without its own
name, docstrings, comments and type hints, in which each name that stands for another definition of this library is
replaced by that definition's digest. So a definition may be renamed or moved to another module, and nothing changes;
an edit changes the digests of all that use it, and of nothing else. `spelling` writes the trees down.
"""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reversible.base.checks import InputError
from reversible.base.digests import LIBRARY, digest, files_of, texts_of
from reversible.base.scopes import Name
from reversible.base.spelling import ROLES, UNKNOWN, Module, Token, spelled

PACKAGE = "reversible"
HARNESS = "on_one_thread"  # what every cell is run by, in whatever module it is
RUNS = tuple(role for role in ROLES if role != "measure")  # what makes a record's rows, whatever is read off them
SHORT = 12  # hexadecimal digits that tell one definition from another
_ONE_AT_A_TIME = threading.RLock()  # digests are filled in as they are asked for, and a build has several threads


@dataclass(frozen=True)
class Meaning:
    """What makes the record of an experiment."""

    entry: str  # where the experiment is put together, "reversible.papers.KEY.MODULE.EXPERIMENTS[code-law]"
    digest: str  # SHA-256
    definitions: Mapping[str, str]  # the full name of each definition in use -> the first digits of its digest
    uses: Mapping[str, frozenset[str]]  # definition -> those it names itself, without those that name it in turn


def meaning_of(name: str, module: str, library: Path = LIBRARY) -> Meaning:
    """The meaning of the experiment `name` of `module`, or of whatever module of the library has it by now.

    `library` is the folder of the package. A module outside the package counts as a whole, as it is written. Raises
    InputError for an experiment that is not there, and for a name in use that cannot be resolved.
    """
    with _ONE_AT_A_TIME:
        return _library(library, files_of(library)).meaning(name, module)


def meaning_of_runs(name: str, module: str, library: Path = LIBRARY) -> Meaning:
    """As `meaning_of`, of what makes the rows alone: the cells and what runs them, not what is read off them."""
    with _ONE_AT_A_TIME:
        return _library(library, files_of(library)).meaning(name, module, RUNS)


def unknown_to(before: Collection[str], now: Meaning) -> list[str]:
    """The definitions in a meaning that say what none of those with the short digests `before` said.

    Without those that differ only because of others that they use.
    """
    new = {name for name, short in now.definitions.items() if short not in before}
    return sorted(name for name in new if not new & now.uses[name])


def changed(before: Collection[str], now: Meaning) -> list[str]:
    """The definitions at fault where a meaning is another one than before; `before` are the short digests of then.

    Those are the definitions with a new digest that use none with a new digest: what lies above them changed because
    of them. Definitions that call each other in a circle are named together. Where every definition is known, the
    experiment was put together otherwise, and its entry is named.
    """
    return unknown_to(before, now) or [now.entry]


@functools.lru_cache(maxsize=4)
def _library(library: Path, files: tuple[tuple[str, int, int], ...]) -> _Library:
    return _Library(texts_of(library, files))


class _Library:
    """The definitions of a package and their digests, each worked out when it is first asked for."""

    def __init__(self, texts: dict[str, tuple[bool, str]]) -> None:
        self.texts = texts
        self.written: dict[str, list[str | tuple[str, str]]] = {}  # definition -> its text; (definition, attributes)
        self.digests: dict[str, str] = {}
        self.uses: dict[str, frozenset[str]] = {}

    def meaning(self, name: str, module: str, roles: Collection[str] = ROLES) -> Meaning:
        entry, tokens = self._entry(name, module, roles)
        self.digests.pop(entry, None)  # that of a module outside is read anew
        self.written[entry] = [self._resolved(token) for token in (*tokens, ".harness", self._harness())]
        self._connect(entry, {}, {}, [])
        found: set[str] = set()
        waiting = [entry]
        while waiting:
            if (definition := waiting.pop()) not in found:
                found.add(definition)
                waiting += self._used(definition)
        short = {definition: self.digests[definition][:SHORT] for definition in sorted(found - {entry})}
        return Meaning(entry, self.digests[entry], short, {definition: self.uses[definition] for definition in short})

    def _entry(self, name: str, module: str, roles: Collection[str]) -> tuple[str, tuple[Token, ...]]:
        if module.split(".")[0] != PACKAGE:
            return f"{module}[{name}]", ("=" + _text_of(module),)
        for place in (module, *self.texts):
            if place in self.texts and "EXPERIMENTS" in self.texts[place][1] and name in self._module(place).entries:
                by_role = sorted((role, text) for role, text in self._module(place).entries[name].items())
                tokens = [token for role, text in by_role if role in roles for token in ("." + role, *text)]
                return f"{place}.EXPERIMENTS[{name}]", tuple(tokens)
        raise InputError(f"no module of {PACKAGE} has an experiment {name} in a dict EXPERIMENTS that is written out")

    def _harness(self) -> Name:
        homes = [place for place, (_, text) in self.texts.items() if f"def {HARNESS}(" in text]
        if len(homes) != 1:
            raise InputError(f"{HARNESS} must be defined in one module of {PACKAGE}, not in {len(homes)}")
        return (*homes[0].split("."), HARNESS)

    def _module(self, name: str) -> Module:
        return spelled(name, *self.texts[name])

    def _resolved(self, token: Token) -> str | tuple[str, str]:
        if isinstance(token, str):
            return token
        definition, attributes = self._find(token)
        return (definition, attributes) if definition else "@" + attributes

    def _find(self, name: Name) -> tuple[str, str]:
        """The definition that a full name leads to, and its attributes; without one what lies outside the package."""
        if name[0] == UNKNOWN:
            raise InputError(f"{name[1]} uses {name[2]}, which is neither defined there, nor imported by its name")
        if name[0] != PACKAGE:
            return "", ".".join(name)
        for depth in range(1, len(name)):
            here, there = ".".join(name[:depth]), ".".join(name[: depth + 1])
            module = self._module(here)
            if name[depth] in module.definitions:
                return there, ".".join(name[depth + 1 :])
            origin = module.imports.get(name[depth])
            if origin and origin != name[: depth + 1]:  # a package may import its own modules
                return self._find((*origin, *name[depth + 1 :]))
            if there not in self.texts:
                raise InputError(f"{here} has no {name[depth]}, which is used as {'.'.join(name)}")
        return ".".join((*name, "*")), ""  # a module as a value

    def _written(self, definition: str) -> list[str | tuple[str, str]]:
        if definition not in self.written:
            place, _, name = definition.rpartition(".")
            module, tokens = self._module(place), list[Token]()
            for each in sorted(module.definitions) if name == "*" else ():  # but what it is called there counts
                tokens += ["." + each, (*place.split("."), each)]
            self.written[definition] = [self._resolved(t) for t in tokens or module.definitions.get(name, ())]
        return self.written[definition]

    def _used(self, definition: str) -> list[str]:
        return list(dict.fromkeys(token[0] for token in self._written(definition) if isinstance(token, tuple)))

    def _connect(self, name: str, place: dict[str, int], lowest: dict[str, int], open_: list[str]) -> None:
        """Tarjan's strongly connected components: what a definition uses gets its digest before the definition."""
        if name in self.digests:
            return
        place[name] = lowest[name] = len(place)
        open_.append(name)
        for other in self._used(name):
            if other not in place:
                self._connect(other, place, lowest, open_)
            if other not in self.digests:
                lowest[name] = min(lowest[name], lowest[other])
        if lowest[name] == place[name]:
            circle = open_[open_.index(name) :]
            del open_[open_.index(name) :]
            self._seal(circle)

    def _seal(self, circle: list[str]) -> None:
        """The digests of definitions that use each other in a circle, or of one alone.

        In a circle each begins as the same unknown and is written down again and again with what the others were
        before: as often as it takes to tell any two such circles apart, whatever they are called.
        """
        used = {other for name in circle for other in self._used(name)}
        found = dict.fromkeys(circle, "")
        rounds = 2 * len(circle) if used & set(circle) else 1
        for _ in range(rounds):
            found = {name: digest([rounds, *self._lines(name, found)]) for name in circle}
        self.digests |= found
        self.uses |= dict.fromkeys(circle, frozenset(used - set(circle)))

    def _lines(self, definition: str, circle: dict[str, str]) -> Iterator[str]:
        for token in self._written(definition):
            if isinstance(token, str):
                yield token
            else:
                name, attributes = token
                yield f"^{circle[name]}.{attributes}" if name in circle else f"#{self.digests[name]}.{attributes}"


def _text_of(module: str) -> str:
    found = importlib.util.find_spec(module)
    if not found or not found.origin:
        raise InputError(f"the module {module} is not there")
    return Path(found.origin).read_text(encoding="utf-8")
