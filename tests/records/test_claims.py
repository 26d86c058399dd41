"""Claims, their rules and their verdicts."""

import math
from dataclasses import replace

import pytest

from helpers import refusal
from reversible.base.checks import InputError
from reversible.base.estimates import Estimate
from reversible.records.claims import TOO_FEW, Check, Claim, judge, read_claims
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


def verdict(claim=CLAIM, **measures):
    record = replace(RECORD, measures={**RECORD.measures, **measures}, rules={claim.id: claim.rule})
    return judge(claim, lambda _: record).status


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
    assert verdict(slope=Estimate(1.0, (0.5, 1.5), 5)) == "undecided"
    assert verdict(slope=Estimate(0.6, (0.5, 0.7), 5)) == "not reproduced"
    assert judge(replace(CLAIM, not_tested="no data", must=(), record=""), lambda _: RECORD).status == "not tested"


def test_what_fails_with_the_limit_inside_its_interval_is_undecided():
    rule = CLAIM.must[0]  # slope = 1 +- 0.1
    for low, high, is_open in ((0.95, 1.05, False), (0.8, 1.0, True), (0.5, 1.5, True), (0.5, 0.89, False)):
        assert rule.is_open(Estimate((low + high) / 2, (low, high), 5)) == is_open

    def why(**measures):
        record = replace(RECORD, measures={**RECORD.measures, **measures}, rules={CLAIM.id: CLAIM.rule})
        return judge(CLAIM, lambda _: record).why

    assert why(slope=Estimate(1.0, (0.5, 1.5), 5)) == TOO_FEW
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
whose = "paper"
says = "it holds"
record = "demo"
must = ["slope = 1 +- 0.1"]
"""


def ledger(book):
    (book / "claims").mkdir(exist_ok=True)
    return book / "claims" / "demo.toml"


def test_a_ledger_is_read(tmp_path):
    ledger(tmp_path).write_text(GOOD)
    [claim] = read_claims(tmp_path)
    assert claim.must == (Check.parse("slope = 1 +- 0.1"),)
    ledger(tmp_path).write_text(GOOD + 'added = ["slope = 1 +- 0.1"]')
    [later] = read_claims(tmp_path)
    assert (later.added, later.rule) == (("slope = 1 +- 0.1",), claim.rule)


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
        (GOOD + 'added = ["slope = 1 +- 0.2"]', "a line in added of claim T1 must be one of"),
        (GOOD.replace("+- 0.1", ""), "a check is"),
        (GOOD.replace("+- 0.1", "+- 0.1.2"), "a check is"),
    ],
)
def test_a_spoiled_ledger_is_refused(tmp_path, text, says):
    ledger(tmp_path).write_text(text)
    with pytest.raises(InputError, match=says):
        read_claims(tmp_path)
