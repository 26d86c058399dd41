"""What is read off a record's cells: its own measures again, in whatever order the cells come."""

import random
from typing import get_args, get_type_hints

import pytest

from helpers import ROOT
from reversible.base.rebuilt import rebuilt
from reversible.papers import EXPERIMENTS
from reversible.records.record import read_record
from reversible.runs.experiment import Absent

RECORDS = sorted((ROOT / "book" / "results").glob("*.json"))


def pairs_of(record):
    """The cells of a record with their results, as its experiment made them, of one kind or of several."""
    experiment = EXPERIMENTS[record.experiment]
    cells = list(dict.fromkeys(type(cell) for cell in experiment.cells("smoke")))
    returned = get_type_hints(experiment.run_cell)["return"]
    results = [kind for kind in (*get_args(returned), returned) if kind is not Absent]
    return [
        (rebuilt(_kind(cells, c), c), rebuilt(Absent if "absent" in row else _kind(results, row), row))
        for c, row in record.pairs()
    ]


def _kind(kinds, kept):
    """The first of the dataclasses that has all these fields, or the only one."""
    fits = [kind for kind in kinds if set(kept) <= set(getattr(kind, "__dataclass_fields__", ()))]
    return (fits or kinds)[0]


@pytest.mark.parametrize("file", RECORDS, ids=lambda file: file.stem)
def test_measures_are_those_of_the_record_in_any_order_of_cells(file):
    record = read_record(file)
    if not record.code_unchanged:
        pytest.skip("the code has changed since the record was made")
    pairs = pairs_of(record)
    random.Random(1).shuffle(pairs)
    measures = EXPERIMENTS[record.experiment].measure(pairs)
    assert measures.keys() == record.measures.keys()
    for name, recorded in record.measures.items():
        assert measures[name].mean == pytest.approx(recorded.mean, rel=1e-6, abs=1e-9), name
        assert measures[name].ci95 == pytest.approx(recorded.ci95, rel=1e-6, abs=1e-9), name
        assert measures[name].n == recorded.n, name
