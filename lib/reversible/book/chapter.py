"""What a chapter begins with, shows and ends with: its profile, its records, its live runs, its verdicts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reversible.base.checks import InputError, one_of
from reversible.book.cards import card, to_card, told, where_it_ran
from reversible.papers import EXPERIMENTS, figure_of
from reversible.records import make
from reversible.records.claims import (
    Claim,
    Verdict,
    judge,
    read_claims,
    records_of,
    refuse_changed_rules,
)
from reversible.records.compare import (
    FALSE_ALARM,
    OTHER,
    among,
    contradiction,
    must_be_equal,
    off_the_law,
    relation,
    where,
)
from reversible.records.record import Record, book_folder, read_record
from reversible.records.words import in_order, sentence
from reversible.runs.experiment import FULL, PROFILES, Experiment
from reversible.show.html import Shown, badge, duration, escape, table

PARAMETERS = ("profile",)  # what `papermill -p` may set
BEGUN = "_reversible_begun"  # this name stands among a notebook's globals once its chapter has begun
RUNTIME = (
    "<p class='rv-foot' data-rv='runtime'></p>"  # reversible.book.pages writes into these two when it builds the page
)
DOWNLOADS = "<p data-rv='downloads'></p>"


@dataclass(frozen=True)
class Chapter:
    """A chapter while it runs; it sees the records that its own claims read, and no other."""

    name: str
    profile: str
    book: Path
    ledger: tuple[Claim, ...]  # all claims of the book

    @property
    def claims(self) -> dict[str, Claim]:
        """Those of this chapter, by id."""
        return {claim.id: claim for claim in self.ledger if claim.chapter == self.name}

    def record(self, experiment: str) -> Record:
        """The committed record of `experiment`, under results/."""
        one_of("record", experiment, sorted({claim.record for claim in self.claims.values()} - {""}))
        return read_record(self.book / "results" / f"{experiment}.json")

    def figure(self, experiment: str) -> Shown:
        """The figure of that record; where it is still to be made, that of a run just now, as is said above it."""
        drawn = figure_of(self.at_hand(experiment))
        if not (why := self._pending(experiment)):
            return drawn
        note = f"<p class='rv-foot'>Drawn from a {_run(self.profile)} just now: {escape(why)}</p>"
        return Shown(note + drawn.content, drawn.value)

    def at_hand(self, experiment: str) -> Record:
        """That record; where it is still to be made, one of a run just now in this chapter's profile."""
        return _just_now(experiment, self.profile) if self._pending(experiment) else self.record(experiment)

    def live(self, experiment: str, *only: str) -> Shown:
        """Run `experiment` now, in this chapter's profile, and show its measures beside the recorded ones.

        `only`: those that begin with one of these words. What lacks data or weights here says so.
        What the record chose on its way, learning rates say, is taken from it, but for the profile `full`. Fails where
        the run contradicts the exact law or the record: see `compare`. Where the record is still to be made, the
        measures stand by themselves.
        """
        if why := self._pending(experiment):
            return _alone(experiment, _just_now(experiment, self.profile), why)
        recorded = self.record(experiment)
        tried = EXPERIMENTS[experiment]
        now, touched = make.again(tried, recorded, self.profile)
        if found := contradiction(tried, recorded, now, self.ledger, touched):
            raise AssertionError(f"{experiment}, live: {found}")
        if strangers := [word for word in only if not any(name.startswith(word) for name in recorded.measures)]:
            raise AssertionError(f"{experiment} has no measure that begins with {', '.join(strangers)}")
        shown = [name for name in now.measures if name in recorded.measures and name.startswith(only or ("",))]
        rows = [[escape(tried.label(name)), str(recorded.measures[name]), str(now.measures[name])] for name in shown]
        head = ["measure", f"stored {_run(recorded.profile)}", f"{_run(self.profile)} just now"]
        missing = "".join(f"<p class='rv-foot'>Not run just now: {escape(why)}</p>" for why in now.absent)
        taken = self.profile != FULL and tried.choice and among(recorded, now)
        rates = "<p class='rv-foot'>Trained just now with the learning rates of the record.</p>" if taken else ""
        said, beside = _beside(tried, recorded, now)
        again = f"To run it yourself: <code>reversible run {escape(experiment)} --profile {self.profile}</code>"
        foot = (
            f"<p class='rv-foot'>{beside}</p>{rates}{missing}<p class='rv-foot'>{where_it_ran(recorded)}<br>{again}</p>"
        )
        return Shown(
            f"<details class='rv-live'><summary>A {_run(self.profile)} just now: {said}</summary>"
            f"{table(head, rows)}{foot}</details>",
            now,
        )

    def summary(self) -> Shown:
        """What was found, a sentence a claim, the paper's own first; where its numbers ran; how long it takes."""
        verdicts = in_order(self._verdicts())
        theirs = [v for v in verdicts if v.claim.whose in ("paper", "neighbour")] or verdicts
        ours = verdicts[len(theirs) :]
        found = f"<p><strong>What we found</strong></p>{_findings(theirs)}" if theirs else ""
        if ours:
            found += f"<details><summary>Our {len(ours)} extensions and controls</summary>{_findings(ours)}</details>"
        return Shown(found + _where_they_ran([*records_of(verdicts).values()]), verdicts)

    def ending(self) -> Shown:
        """What would change our mind, a line a claim, and how to run the chapter; the built page adds links."""
        lines = [f"<li>{to_card(v.claim.id)}: {escape(v.claim.would_change)}</li>" for v in in_order(self._verdicts())]
        minds = f"<p><strong>What would change our mind</strong></p><ul>{''.join(lines)}</ul>" if lines else ""
        command = f"papermill book/{self.name}.md {self.name}.ipynb -p profile smoke --cwd book"
        how = "<p><strong>Run this chapter</strong> in the project's folder, alone or with all that has changed:</p>"
        lines = f"<div class='highlight'><pre>{command}\njupyter-book build book</pre></div>"
        return Shown(minds + how + lines + DOWNLOADS)

    def tell(self, **words: str) -> None:
        """Numbers for the prose around this cell: `{glue:text}`name`` stands there for `words[name]`."""
        from myst_nb import glue

        for name, word in words.items():
            glue(name, word, display=False)

    def rests_on(self, statuses: Mapping[str, str]) -> Shown:
        """The verdicts by claim that the words nearby take for granted; AssertionError where one has changed since."""
        found = {
            claim: judge(self.claims[one_of("claim", claim, self.claims)], self.record).status for claim in statuses
        }
        changed = [f"{claim} is {now}, not {statuses[claim]}" for claim, now in found.items() if now != statuses[claim]]
        if changed:
            raise AssertionError(f"words of chapter {self.name} need writing again: {'; '.join(changed)}")
        links = ", ".join(f"{to_card(claim)} {badge(now)}" for claim, now in found.items())
        return Shown(f"<p class='rv-foot'>These words rest on {links}; with other verdicts the book is not built.</p>")

    def _pending(self, experiment: str) -> str:
        """Why the record of `experiment` is not made yet, as all the claims that read it say; empty where it is."""
        reading = [claim for claim in self.claims.values() if claim.record == experiment]
        made = (self.book / "results" / f"{experiment}.json").exists()
        return "" if made or not reading or not all(c.pending for c in reading) else reading[0].pending

    def _verdicts(self) -> list[Verdict]:
        return [judge(claim, self.record) for claim in self.claims.values()]

    def verdict(self, claim: str) -> Shown:
        """The card of one claim: what it says, the rule, what was measured, the verdict."""
        one_of("claim", claim, self.claims)
        verdict = judge(self.claims[claim], self.record)
        refuse_changed_rules([verdict])
        return Shown(card(verdict), verdict)


@functools.cache
def _just_now(experiment: str, profile: str) -> Record:
    """An experiment run in this process, once for its figure and its measures."""
    now = make.run(EXPERIMENTS[experiment], profile)
    if broken := [*off_the_law(EXPERIMENTS[experiment], now)]:
        raise AssertionError(f"{experiment}, live: {', '.join(broken)} is off its exact law")
    return now


def _alone(experiment: str, now: Record, why: str) -> Shown:
    """The measures of a run that no record stands beside yet."""
    label = EXPERIMENTS[experiment].label
    rows = [[escape(label(name)), str(measure)] for name, measure in now.measures.items()]
    missing = "".join(f"<p class='rv-foot'>Not run just now: {escape(absent)}</p>" for absent in now.absent)
    said = f"A {_run(now.profile)} just now: {why}"
    shown = table(["measure", f"{_run(now.profile)} just now"], rows)
    return Shown(f"<details class='rv-live'><summary>{escape(said)}</summary>{shown}{missing}</details>", now)


def _run(profile: str) -> str:
    """What a run in a profile is called."""
    return {"smoke": "tiny re-run", "book": "small re-run", FULL: "full run"}[profile]


def _beside(experiment: Experiment, recorded: Record, now: Record) -> tuple[str, str]:
    """How a live run, which contradicts neither law nor record, agrees with the record: in a word, in a sentence."""
    if must_be_equal(recorded, now) and among(recorded, now):
        return "the same numbers, to the bit", "Every number of the run just now is the recorded one, to the bit."
    if relation(experiment, recorded, now) == OTHER:
        return "other sizes, on the same law", (
            "The run just now has other sizes than the stored one, so its numbers differ and the rules of the claims, "
            "which were set for the stored run, do not apply to it. It was held against the exact law instead."
        )
    return "it agrees with the stored run", (
        f"The run just now, on {escape(where(now))}, agrees with the stored one within the uncertainty of both, "
        f"by a joint test that raises a false alarm in less than one of {1 / FALSE_ALARM:,.0f} builds."
    )


def _findings(verdicts: Sequence[Verdict]) -> str:
    items = [f"<li>{told(v)} {escape(sentence(v))} <small>{to_card(v.claim.id)}</small></li>" for v in verdicts]
    return f"<ul class='rv-findings'>{''.join(items)}</ul>"


def begin(notebook: dict[str, Any], name: str) -> Chapter:
    """Begin the chapter `name` with its `globals()`, right after the parameters cell; it may be begun again later.

    InputError for a parameter that no chapter has, for a profile that is none, and where the book is not at hand.
    """
    if BEGUN not in notebook:  # later it holds what its cells left, too
        _refuse_unknown(_values_in(notebook))
    profile = one_of("profile", notebook.get("profile"), PROFILES)
    notebook[BEGUN] = True
    book = book_folder()
    return Chapter(name, profile, book, tuple(read_claims(book)))


def _values_in(notebook: Mapping[str, Any]) -> list[str]:
    """The names that cells have assigned values to, sorted: of a notebook that has run its parameters alone, those.

    The others are what was imported, functions, classes and modules, and IPython's own: In, Out and names with _.
    """
    named = (name for name in notebook if not name.startswith("_") and name not in ("In", "Out"))
    return sorted(name for name in named if not callable(notebook[name]) and not inspect.ismodule(notebook[name]))


def _refuse_unknown(parameters: list[str]) -> None:
    if unknown := [name for name in parameters if name not in PARAMETERS]:
        raise InputError(f"a chapter's parameters are {', '.join(PARAMETERS)}, not {', '.join(unknown)}")


def _where_they_ran(records: list[Record]) -> str:
    """All that a chapter's recorded numbers took, with each record to unfold; and what this page itself took."""
    lines = "".join(f"<li>{escape(record.experiment)}: {where_it_ran(record)}</li>" for record in records)
    seconds = sum(record.provenance["seconds"] for record in records)
    devices = " and ".join(sorted({record.provenance["device"] for record in records}))
    took = (
        f"Recorded numbers: {duration(seconds)} on {escape(devices)}, {len(records)} record{'s' * (len(records) > 1)}"
    )
    folded = f"<details class='rv-foot'><summary>{took}</summary><ul>{lines}</ul></details>" if records else ""
    return folded + RUNTIME
