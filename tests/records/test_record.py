"""Records that were altered or cut short, and where they say they come from."""

import json
import math
import os
from dataclasses import replace

import pytest

from reversible.base import digests
from reversible.base.checks import InputError
from reversible.base.estimates import Estimate
from reversible.base.meaning import meaning_of
from reversible.records import record as results
from reversible.records.claims import Check, Claim
from reversible.records.record import Record, read_record, write_record

RECORD = Record(
    experiment="demo",
    profile="smoke",
    parameters={"cells": [{"n": 3}, {"n": 4}]},
    measures={"slope": Estimate(1.0, (0.95, 1.05), 12), "worst": Estimate.exact(0.4)},
    rows=[{"error": {"mean": 0.5, "ci95": [0.4, 0.6], "n": 3}}, {"error": {"mean": 0.2, "ci95": [0.1, 0.3], "n": 3}}],
    rules={},
    provenance={"code": "x", "module": "reversible.theory.one_layer", "seconds": 1.0},
)
CLAIM = Claim(
    id="T1", chapter="demo", source="here [ours]", whose="paper", says="it holds", record="demo",
    must=(Check.parse("slope = 1 +- 0.1"),), should=(Check.parse("worst <= 0.5"),),
)  # fmt: skip


def test_a_record_survives_the_disk(tmp_path):
    write_record(RECORD, tmp_path / "demo.json")
    assert read_record(tmp_path / "demo.json") == RECORD
    assert [row["error_high"] for row in RECORD.table()] == [0.6, 0.3]
    assert [row["n"] for row in RECORD.table()] == [3, 4]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda text: text.replace("0.95", "0.96"), "altered after the run"),
        (lambda text: text[: len(text) // 2], "not a whole record"),
        (lambda text: "", "not a whole record"),
        (lambda text: "[1, 2]", "not a whole record"),
        (lambda text: "{}", "not a whole record"),
        (lambda text: text.replace("0.4", "NaN", 1), "NaN is not a measurement"),
        (lambda text: text.replace("reversible record 2", "reversible record 9"), "not a record of this project"),
        (lambda text: text.replace("reversible record 2", "reversible record 1"), "altered after the run"),
    ],
)
def test_a_spoiled_record_is_refused(tmp_path, spoil, says):
    path = tmp_path / "demo.json"
    write_record(RECORD, path)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(InputError, match=says):
        read_record(path)


def test_a_record_with_a_forged_interval_cannot_be_sealed_with_nan():
    with pytest.raises(InputError, match="must be finite"):
        Estimate(math.nan, (0.0, 1.0), 3)
    with pytest.raises(ValueError, match="Out of range"):
        replace(RECORD, provenance={"seconds": math.inf}).to_json()


def test_a_missing_record():
    with pytest.raises(InputError, match="cannot read the record"):
        read_record(results.Path("nowhere.json"))


def test_writing_is_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "demo.json"
    path.write_text("before")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot write .*demo.json: No space left"):
        write_record(RECORD, path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_into_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot write"):
        write_record(RECORD, tmp_path / "no" / "demo.json")


def test_provenance_names_code_versions_and_device_but_no_path():
    where = results.provenance("reversible.theory.one_layer", "cpu", 1.25)
    assert where["code"] == digests.code_digest("reversible.theory.one_layer")
    assert {"python", "numpy", "scipy", "torch"} == set(where["versions"])
    assert str(results.LIBRARY.parents[1]) not in json.dumps(where)


def test_the_provenance_of_an_experiment_names_its_definitions_in_place_of_its_modules():
    where = results.provenance("reversible.papers.arora2015.experiments.lemmas", "cpu", 1.25, "code-law")
    found = meaning_of("code-law", "reversible.papers.arora2015.experiments.lemmas")
    assert "code" not in where
    assert (where["meaning"], where["definitions"]) == (found.digest, found.definitions)
    assert len(where["definitions"]["reversible.papers.arora2015.experiments.lemmas.code_law"]) == 12
