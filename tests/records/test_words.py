"""What verdicts are called, and sentences whose numbers come from records."""

from dataclasses import replace

import pytest

from helpers import refusal
from reversible.base.estimates import Estimate
from reversible.papers import papers
from reversible.records import words
from reversible.records.claims import STATUSES, Claim, Finding, Verdict, judge_all, read_claims, read_findings
from reversible.records.record import Record, book_folder

MEASURES = {"gain": Estimate(-0.0314, (-0.05, -0.01), 9), "share": Estimate.exact(0.5)}
RECORD = Record("x", "book", {"cells": []}, MEASURES, [], {}, {})
CLAIM = Claim(id="T", chapter="demo", source="", whose="paper", says="", record="x", found={"partly": "By {gain:.2f}."})


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("no number", "no number"),
        ("{gain}", "-0.031 [-0.050, -0.010]"),
        ("{gain:.2f} and {share:.1f}", "−0.03 and 0.5"),
        ("{gain:|.3f}", "0.031"),
        ("{share:.0%}", "50\N{NO-BREAK SPACE}%"),
        ("{gain:.1pp} or {gain:|.2pp}", "−3.1 or 3.14"),
        ("by {gain:pp} points", "by -3.1 [-5.0, -1.0] points"),
        ("{gain:.0e}", "−3e−02"),
    ],
)
def test_numbers_in_a_sentence(template, says):
    assert words.filled(template, MEASURES.__getitem__) == says


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{height}", "'height' is not measured, in the words '{height}'"),
        ("{gain:.2q}", "in the words '{gain:.2q}'"),
        ("{gain", "in the words '{gain'"),
    ],
)
def test_what_is_no_sentence_is_one_line(template, says):
    assert says in refusal(lambda: words.filled(template, MEASURES.__getitem__))


def test_the_sentence_is_that_of_the_verdict():
    verdict = Verdict(CLAIM, "partly", RECORD, ())
    assert words.sentence(verdict) == "By −0.03."
    said = refusal(lambda: words.sentence(replace(verdict, status="reproduced")))
    assert said == "claim T is reproduced now, and its `found` has no words for that"
    assert words.sentence(Verdict(CLAIM, "not tested", None, (), "no data")) == "Not tested: no data."


@pytest.mark.parametrize("status", STATUSES)
def test_what_a_verdict_is_called_by_whose_claim_it_is(status):
    of_ours = {"reproduced": "holds", "partly": "holds in part", "not reproduced": "fails"}
    assert words.called("paper", status) == words.called("neighbour", status) == status
    assert words.called("extension", status) == words.called("control", status) == of_ours.get(status, status)


def test_what_was_found_on_the_whole_rests_on_verdicts():
    verdicts = [Verdict(CLAIM, "partly", RECORD, ())]
    finding = Finding("demo", "It is {x.gain:.2f}.", {"T": "partly"})
    assert words.told(finding, verdicts) == "It is −0.03."
    assert "claim T is partly now, not reproduced" in refusal(
        lambda: words.told(replace(finding, rests_on={"T": "reproduced"}), verdicts)
    )
    assert "claim U is no claim now" in refusal(lambda: words.told(replace(finding, rests_on={"U": "x"}), verdicts))
    assert "'x.height' is not measured" in refusal(
        lambda: words.told(replace(finding, says="{x.height}"), verdicts)
    )  # fmt: skip


def test_the_papers_own_claims_come_first():
    whose = ("control", "extension", "paper", "neighbour", "paper")
    verdicts = [Verdict(replace(CLAIM, id=str(i), whose=w), "partly", RECORD, ()) for i, w in enumerate(whose)]
    verdicts[2] = replace(verdicts[2], status="not tested")
    assert "".join(verdict.claim.id for verdict in words.in_order(verdicts)) == "42310"


def test_every_claim_of_the_book_says_what_was_found():
    """With the records as they are, so that a record made again fails here before it fails the build."""
    book = book_folder()
    verdicts = judge_all(read_claims(book), book / "results")
    for verdict in verdicts:
        said = words.sentence(verdict)
        assert said[0].isupper()
        assert said.endswith(".")
        assert not said.endswith("..")
    papers_with_findings = {finding.paper for finding in read_findings(book) if words.told(finding, verdicts)}
    assert papers_with_findings == {paper.key for paper in papers()}
