"""Records that were altered, cut short or made under other rules; claims and their verdicts."""

import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from conftest import refusal
from reversible.base import digests
from reversible.base.checks import InputError
from reversible.base.estimates import Estimate
from reversible.base.meaning import meaning_of
from reversible.records import record as results
from reversible.records.claims import UNDECIDED, Check, Claim, judge, read_claims
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
    id="T1", chapter="demo", source="here [D]", says="it holds", record="demo",
    must=(Check.parse("slope = 1 +- 0.1"),), should=(Check.parse("worst <= 0.5"),),
)  # fmt: skip


def verdict(claim=CLAIM, **measures):
    record = replace(RECORD, measures={**RECORD.measures, **measures}, rules={claim.id: claim.rule})
    return judge(claim, lambda _: record).status


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


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("a <= 2", -math.inf, 2),
        ("a >= -1.5", -1.5, math.inf),
        ("a = 1 +- 0.25", 0.75, 1.25),
        ("a <= 1e-10", -math.inf, 1e-10),
    ],
)
def test_checks_parse(text, low, high):
    check = Check.parse(text)
    assert (check.low, check.high) == (low, high)


@pytest.mark.parametrize("text", ["a < 1", "a = 1", "a <= 1 +- 2", "a <= x", "", "a == 1", "a >= 1; import os"])
def test_checks_that_are_none(text):
    with pytest.raises(InputError, match="a check is"):
        Check.parse(text)


def test_the_whole_interval_must_lie_inside():
    check = Check.parse("slope = 1 +- 0.1")
    assert check.holds(Estimate(1.0, (0.9, 1.1), 5))
    assert not check.holds(Estimate(1.0, (0.89, 1.1), 5))
    assert not check.holds(Estimate(1.0, (0.9, 1.11), 5))


def test_verdicts():
    assert verdict() == "reproduced"
    assert verdict(worst=Estimate.exact(0.6)) == "partly"
    assert verdict(slope=Estimate(1.0, (0.5, 1.5), 5)) == "not reproduced"
    assert judge(replace(CLAIM, not_tested="no data", must=(), record=""), lambda _: RECORD).status == "not tested"


def test_what_fails_with_the_limit_inside_its_interval_is_undecided():
    rule = CLAIM.must[0]  # slope = 1 +- 0.1
    for low, high, is_open in ((0.95, 1.05, False), (0.8, 1.0, True), (0.5, 1.5, True), (0.5, 0.89, False)):
        assert rule.is_open(Estimate((low + high) / 2, (low, high), 5)) == is_open

    def why(**measures):
        record = replace(RECORD, measures={**RECORD.measures, **measures}, rules={CLAIM.id: CLAIM.rule})
        return judge(CLAIM, lambda _: record).why

    assert why(slope=Estimate(1.0, (0.5, 1.5), 5)) == UNDECIDED
    assert why(slope=Estimate(0.6, (0.5, 0.7), 5)) == ""
    assert why(slope=Estimate.exact(0.5)) == ""  # a number without an interval decides
    assert why(worst=Estimate.exact(0.6)) == why() == ""


@pytest.mark.parametrize("text", ["x <= 1.2.3", "x <= .", "x = 1 +- 0..1", "x <= 1e", "x = 1", "x <= 1 +- 2"])
def test_a_rule_with_no_number_is_refused(text):
    assert "a check is NAME <= X" in refusal(lambda: Check.parse(text))


def test_a_rule_reads_numbers_as_python_writes_them():
    assert (Check.parse("x = -1e-3 +- 1e-4").low, Check.parse("x >= 1e+3").low) == (pytest.approx(-0.0011), 1000)


def test_a_rule_that_was_edited_after_the_run_shows():
    record = replace(RECORD, rules={CLAIM.id: CLAIM.rule})
    softer = replace(CLAIM, must=(Check.parse("slope = 1 +- 0.5"),))
    assert judge(softer, lambda _: record).status == "rule changed after the run"
    assert judge(replace(CLAIM, says="other words"), lambda _: record).status == "reproduced"
    assert judge(CLAIM, lambda _: RECORD).status == "rule changed after the run"


def test_a_rule_about_something_that_was_not_measured():
    claim = replace(CLAIM, must=(Check.parse("height <= 1"),))
    with pytest.raises(InputError, match="claim T1: the record of demo measures no 'height'"):
        judge(claim, lambda _: RECORD)


def test_a_rule_about_cells_that_could_not_be_run_is_not_tested_and_says_why():
    claim = replace(CLAIM, must=(Check.parse("height <= 1"),))
    partly_run = replace(RECORD, rows=[RECORD.rows[0], {"absent": "weights not at hand"}])
    found = judge(claim, lambda _: partly_run)
    assert (found.status, found.why, found.checks) == ("not tested", "weights not at hand", ())
    rule = {CLAIM.id: CLAIM.rule}
    assert judge(CLAIM, lambda _: replace(partly_run, rules=rule)).status == "reproduced"


def test_a_claim_that_waits_for_its_record_is_not_tested_until_there_is_one(tmp_path):
    claim = replace(CLAIM, pending="no GPU run yet")
    path = tmp_path / "demo.json"
    found = judge(claim, lambda name: read_record(tmp_path / f"{name}.json"))
    assert (found.status, found.why) == ("not tested", "no GPU run yet")
    with pytest.raises(InputError, match="claim T1: cannot read the record"):
        judge(CLAIM, lambda name: read_record(tmp_path / f"{name}.json"))
    write_record(replace(RECORD, rules={claim.id: claim.rule}), path)
    assert judge(claim, lambda _: read_record(path)).status == "reproduced"
    path.write_text(path.read_text()[:-9])
    with pytest.raises(InputError, match=r"claim T1: .* not a whole record"):
        judge(claim, lambda _: read_record(path))


GOOD = """
[[claim]]
id = "T1"
chapter = "demo"
source = "here"
says = "it holds"
record = "demo"
must = ["slope = 1 +- 0.1"]
"""


def ledger(book):
    (book / "claims").mkdir()
    return book / "claims" / "demo.toml"


def test_a_ledger_is_read(tmp_path):
    ledger(tmp_path).write_text(GOOD)
    assert read_claims(tmp_path)[0].must == (Check.parse("slope = 1 +- 0.1"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD[:-8], "not a whole claims ledger"),
        ("", "not a whole claims ledger"),
        ("x = 1", "not a whole claims ledger"),
        (GOOD + GOOD, "T1 more than once"),
        (GOOD.replace("must", "mast"), "not a whole claims ledger"),
        (GOOD.replace('record = "demo"', ""), "needs either a record and a rule"),
        (GOOD + 'not_tested = "but it was"', "needs either a record and a rule"),
        (GOOD.replace("+- 0.1", ""), "a check is"),
        (GOOD.replace("+- 0.1", "+- 0.1.2"), "a check is"),
    ],
)
def test_a_spoiled_ledger_is_refused(tmp_path, text, says):
    ledger(tmp_path).write_text(text)
    with pytest.raises(InputError, match=says):
        read_claims(tmp_path)


def test_a_module_depends_on_what_it_imports_and_on_no_more():
    assert digests.imported_modules("reversible.theory.one_layer") == ["reversible.theory.one_layer"]
    found = digests.imported_modules("reversible.papers.arora2015.experiments.lemmas")
    assert {
        "reversible.theory.one_layer",
        "reversible.random_nets.model",
        "reversible.base.checks",
    } < set(found)
    assert not {"reversible.records.record", "reversible.papers.arora2015.figures", "reversible.cli"} & set(found)


def test_code_digest_sees_code_and_not_comments(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "LIBRARY", tmp_path)

    def digest_of(text):
        (tmp_path / "laws.py").write_text(text)
        return digests.code_digest("reversible.theory.one_layer")

    first = digest_of('def f(x):\n    """Doc."""\n    return x + 1\n')
    assert digest_of('def f(x):\n    """Other words."""\n\n    return x + 1  # more\n') == first
    assert digest_of('def f(x):\n    """Doc."""\n    return x + 2\n') != first
    assert digest_of('def f(x):\n    """Doc."""\n    return "# x" + 1\n') != digest_of(
        'def f(x):\n    return "# y" + 1\n'
    )


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


def test_threads_may_ask_for_digests_at_once():
    """Python 3.11 stumbles over two threads that parse: the build has one a worker."""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(digests.code_digest, ["reversible.papers.arora2015.experiments.net_reversal"] * 40))
    assert len(found) == 1
