"""What is read off a record's cells: its own measures again, in whatever order the cells come."""

import random

import pytest

from helpers import ROOT
from reversible.papers import EXPERIMENTS
from reversible.records.measured import pairs_of
from reversible.records.record import read_record

RECORDS = sorted((ROOT / "book" / "results").glob("*.json"))


@pytest.mark.parametrize("file", RECORDS, ids=lambda file: file.stem)
def test_measures_are_those_of_the_record_in_any_order_of_cells(file):
    record = read_record(file)
    if not record.code_unchanged:
        pytest.skip("the code has changed since the record was made")
    pairs = pairs_of(EXPERIMENTS[record.experiment], record)
    random.Random(1).shuffle(pairs)
    measures = EXPERIMENTS[record.experiment].measure(pairs)
    assert measures.keys() == record.measures.keys()
    for name, recorded in record.measures.items():
        assert measures[name].mean == pytest.approx(recorded.mean, rel=1e-6, abs=1e-9), name
        assert measures[name].ci95 == pytest.approx(recorded.ci95, rel=1e-6, abs=1e-9), name
        assert measures[name].n == recorded.n, name
