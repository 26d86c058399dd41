"""A chapter whose full run is still to be made shows a small one, and says so; once there is a record it is shown."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from reversible.base.checks import InputError
from reversible.base.estimates import Estimate
from reversible.book import chapter as chapters
from reversible.records import make
from reversible.records.claims import Check, Claim
from reversible.records.record import Record, write_record
from reversible.show.html import Shown

CLAIM = Claim(
    id="T1", chapter="demo", source="here", whose="paper", says="it holds", record="x",
    must=(Check.parse("gain <= 1"),), pending="its full run is still to be made.",
)  # fmt: skip


@pytest.fixture
def demo(monkeypatch, tmp_path):
    """A chapter with no record, what its experiment measures, and how often it was run."""
    (tmp_path / "results").mkdir()
    runs = []

    def run(experiment, profile):
        runs.append(profile)
        measures = {"gain": Estimate.exact(0.25), "z": Estimate.exact(made.score)}
        return Record("x", profile, {"cells": []}, measures, [], {}, {})

    x = SimpleNamespace(label=lambda name: f"the {name} in words", is_score=lambda name: name == "z")
    monkeypatch.setattr(make, "run", run)
    monkeypatch.setattr(chapters, "EXPERIMENTS", {"x": x})
    monkeypatch.setattr(chapters, "figure_of", lambda record: Shown(f"<b>{record.profile}</b>", record))
    chapters._just_now.cache_clear()
    made = SimpleNamespace(score=1.0, runs=runs, folder=tmp_path)
    made.chapter = chapters.Chapter("demo", "book", tmp_path, (CLAIM,))
    yield made
    chapters._just_now.cache_clear()


def test_a_small_run_takes_the_place_of_the_record_and_says_so(demo):
    shown, figure = demo.chapter.live("x").content, demo.chapter.figure("x")
    assert "A small re-run just now: its full run is still to be made." in shown
    assert "the gain in words" in shown
    assert "0.25" in shown
    assert figure.content.endswith("<b>book</b>")
    assert "Drawn from a small re-run just now: its full run" in figure.content
    assert demo.chapter.at_hand("x") is figure.value
    assert demo.runs == ["book"]  # once for all of them


def test_a_small_run_off_its_exact_law_fails_the_chapter(demo):
    demo.score = 9.0
    with pytest.raises(AssertionError, match=r"^x, live: z is off its exact law$"):
        demo.chapter.live("x")


def test_once_there_is_a_record_it_is_the_one_that_is_shown(demo, monkeypatch):
    write_record(Record("x", "full", {"cells": []}, {}, [], {}, {}), demo.folder / "results" / "x.json")
    monkeypatch.setattr(chapters.Chapter, "record", lambda self, name: Record("x", "full", {}, {}, [], {}, {}))
    assert demo.chapter.figure("x").content == "<b>full</b>"
    assert demo.runs == []


def test_a_record_that_a_claim_takes_for_made_is_missed(demo):
    made = replace(demo.chapter, ledger=(CLAIM, replace(CLAIM, id="T2", pending="")))
    for show in (made.figure, made.live, made.at_hand):
        with pytest.raises(InputError):
            show("x")
    assert demo.runs == []
