"""The table of notation: every name in it is in the code."""

import dataclasses
import importlib
import importlib.util
import inspect
import re
from typing import Any

import pytest

from reversible.book import rooms
from reversible.book.docstrings import ON_PAGES
from reversible.records import record as results

BOOK = results.book_folder()


def page(name):
    return (BOOK / f"{name}.md").read_text()


ROLE = re.compile(r"\{py:obj\}`([\w.]+)(?:\((\w+)\))? <([\w.]+)>`")
NAMED = [match.groups() for match in ROLE.finditer(page("notation"))]


def found(name) -> Any:
    """What `room.module.Name.attribute` is in the library; a field of a dataclass counts, with a default or without."""
    module, rest = f"reversible.{name}", []
    while not find_spec_of(module):
        module, _, last = module.rpartition(".")
        rest.insert(0, last)
    thing: Any = importlib.import_module(module)
    for part in rest:
        if dataclasses.is_dataclass(thing) and part in {field.name for field in dataclasses.fields(thing)}:
            return part
        thing = getattr(thing, part)
    return thing


def find_spec_of(module):
    try:
        return importlib.util.find_spec(module)
    except ModuleNotFoundError:  # what it lies in is no package
        return None


@pytest.mark.parametrize(("name", "argument", "link"), NAMED)
def test_name_in_the_table_of_notation_is_in_the_code(name, argument, link):
    thing = found(name)
    assert argument is None or argument in inspect.signature(thing).parameters
    assert f"reversible.{name}".startswith(link)
    assert any(link.startswith(f"{module}.") for room in ON_PAGES for module in rooms.shown_of(room))


def test_every_line_of_notation_has_three_columns_and_nearly_every_one_a_name():
    lines = [line for line in page("notation").splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {4}
    nameless = [line for line in lines if not ROLE.search(line) and not line.startswith("| symbol")]
    assert len(NAMED) > 60
    assert len(nameless) <= 3, nameless
