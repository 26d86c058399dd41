"""Cells come back from JSON as they were: those that experiments make, and those of the records."""

import json
from dataclasses import asdict, dataclass, fields

import pytest

from cheap_cells import cells_of
from helpers import ROOT
from reversible.base.estimates import Estimate
from reversible.base.rebuilt import rebuilt
from reversible.papers import EXPERIMENTS
from reversible.records.measured import kinds_of
from reversible.records.record import read_record

RECORDS = sorted((ROOT / "book" / "results").glob("*.json"))


def as_json(thing):
    return json.loads(json.dumps(asdict(thing)))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_cells_of_an_experiment(name):
    for cell in cells_of(name, "smoke"):
        assert rebuilt(type(cell), as_json(cell)) == cell


@pytest.mark.parametrize("file", RECORDS, ids=lambda file: file.stem)
def test_cells_of_a_record(file):
    record = read_record(file)
    kinds, _ = kinds_of(EXPERIMENTS[record.experiment])
    for cell, _ in record.pairs():
        (kind,) = [kind for kind in kinds if set(cell) <= {field.name for field in fields(kind)}]
        assert as_json(rebuilt(kind, cell)) | cell == as_json(rebuilt(kind, cell))  # one made since has more fields


@dataclass
class Inner:
    size: tuple[int, ...] = ()


@dataclass
class Outer:
    inner: Inner | None
    several: tuple[Inner, ...]
    pair: tuple[str, Estimate | None]
    name: str | tuple[float, ...]
    free: dict[str, list[int]]


def test_what_lies_within():
    whole = Outer(Inner((1, 2)), (Inner((3,)), Inner()), ("a", Estimate(1.0, (0.0, 2.0), 3)), (0.5,), {"b": [4]})
    assert rebuilt(Outer, as_json(whole)) == whole
    bare = Outer(None, (), ("a", None), "b", {})
    assert rebuilt(Outer, as_json(bare)) == bare


def test_what_does_not_fit_is_refused():
    cell = as_json(Inner((1,)))
    assert rebuilt(Inner, {}) == Inner()
    with pytest.raises(TypeError, match="unexpected keyword argument 'height'"):
        rebuilt(Inner, {**cell, "height": 3})
    with pytest.raises(ValueError, match="zip"):
        rebuilt(Outer, {"inner": None, "several": [], "pair": ["a"], "name": "b", "free": {}})
