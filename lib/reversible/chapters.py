"""What a chapter begins with, shows and ends with: its profile, its records, its live runs, its verdicts."""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reversible import experiments
from reversible.checks import InputError, one_of
from reversible.compare import FALSE_ALARM, OTHER, among, contradiction, must_be_equal, relation, where
from reversible.estimates import Estimate
from reversible.results import (
    RULE_CHANGED,
    UNDECIDED,
    Check,
    Claim,
    Record,
    Verdict,
    book_folder,
    judge,
    read_claims,
    read_record,
    records_of,
)

PARAMETERS = ("profile",)  # what `papermill -p` may set
BEGUN = "_reversible_begun"  # stands among a notebook's globals once its chapter has begun
RUNTIME = "<p class='rv-foot' data-rv='runtime'></p>"  # reversible.pages writes into these two when it builds the page
DOWNLOADS = "<p data-rv='downloads'></p>"


@dataclass(frozen=True)
class Shown:
    """A piece of HTML that a notebook displays."""

    content: str
    value: Any = field(default=None, repr=False)

    def _repr_html_(self) -> str:
        return self.content


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

    def live(self, experiment: str, *only: str) -> Shown:
        """Run `experiment` now, in this chapter's profile, and show its measures beside the recorded ones.

        `only`: those that begin with one of these words. What lacks data or weights here says so.
        What the record chose on its way, learning rates say, is taken from it, but for the profile `paper`. Fails where
        the run contradicts the exact law or the record: see `compare`.
        """
        recorded = self.record(experiment)
        now, touched = experiments.again(recorded, self.profile)
        if found := contradiction(recorded, now, self.ledger, touched):
            raise AssertionError(f"{experiment}, live: {found}")
        if strangers := [word for word in only if not any(name.startswith(word) for name in recorded.measures)]:
            raise AssertionError(f"{experiment} has no measure that begins with {', '.join(strangers)}")
        shown = [name for name in now.measures if name in recorded.measures and name.startswith(only or ("",))]
        rows = [[in_words(name), str(recorded.measures[name]), str(now.measures[name])] for name in shown]
        head = ["measure", f"recorded ({recorded.profile})", f"just now ({self.profile})"]
        missing = "".join(f"<p class='rv-foot'>Not run just now: {escape(why)}</p>" for why in now.absent)
        taken = self.profile != "paper" and experiments.find(experiment).choice and among(recorded, now)
        rates = "<p class='rv-foot'>Trained just now with the learning rates of the record.</p>" if taken else ""
        beside = f"<p class='rv-foot'>{_beside(recorded, now)}</p>"
        return Shown(
            table(head, rows) + missing + rates + beside + f"<p class='rv-foot'>{where_it_ran(recorded)}</p>", now
        )

    def summary(self) -> Shown:
        """What the chapter claims and what was found, a line a claim; where its numbers ran; how long it takes."""
        verdicts = self._verdicts()
        rows = [[_to_card(v.claim.id), escape(v.claim.says), told(v)] for v in verdicts]
        claims = table(["claim", "in our words", "found"], rows) if rows else ""
        return Shown(claims + _where_they_ran([*records_of(verdicts).values()]), verdicts)

    def ending(self) -> Shown:
        """What would change our mind, a line a claim, and how to run the chapter; the built page adds links."""
        rows = [[_to_card(v.claim.id), told(v), escape(v.claim.would_change)] for v in self._verdicts()]
        minds = table(["claim", "found", "what would change our mind"], rows) if rows else ""
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
        links = ", ".join(f"{_to_card(claim)} {badge(now)}" for claim, now in found.items())
        return Shown(f"<p class='rv-foot'>These words rest on {links}; with other verdicts the book is not built.</p>")

    def _verdicts(self) -> list[Verdict]:
        return [judge(claim, self.record) for claim in self.claims.values()]

    def verdict(self, claim: str) -> Shown:
        """The card of one claim: what it says, the rule, what was measured, the verdict."""
        one_of("claim", claim, self.claims)
        verdict = judge(self.claims[claim], self.record)
        refuse_changed_rules([verdict])
        return Shown(card(verdict), verdict)


def _beside(recorded: Record, now: Record) -> str:
    """How a live run, which contradicts neither law nor record, was held against the record, in words."""
    if must_be_equal(recorded, now) and among(recorded, now):
        return "Every number of the run just now is the recorded one, to the bit."
    if relation(recorded, now) == OTHER:
        return "The run just now has other sizes than the recorded one; only the exact law is the same for both."
    return (
        f"The run just now, on {escape(where(now))}, agrees with the recorded one within the uncertainty of both, "
        f"by a joint test that raises a false alarm in less than one of {1 / FALSE_ALARM:,.0f} builds."
    )


def begin(notebook: dict[str, Any], name: str) -> Chapter:
    """Begin the chapter `name` with its `globals()`, right after the parameters cell.

    Every value that stands in the notebook by then is a parameter; one that no chapter has is refused. Begun once, the
    notebook holds what its cells left, and may begin again.
    """
    given = {
        name
        for name, value in notebook.items()
        if not name.startswith("_")
        and name not in ("In", "Out")
        and not callable(value)
        and not inspect.ismodule(value)
    }
    if (unknown := sorted(given - set(PARAMETERS))) and BEGUN not in notebook:
        raise InputError(f"a chapter's parameters are {', '.join(PARAMETERS)}, not {', '.join(unknown)}")
    profile = one_of("profile", notebook.get("profile"), experiments.PROFILES)
    notebook[BEGUN] = True
    book = book_folder()
    return Chapter(name, profile, book, tuple(read_claims(book / "claims.toml")))


def refuse_changed_rules(verdicts: list[Verdict]) -> None:
    """InputError for a verdict whose rule was edited after its record was made."""
    changed = [verdict.claim for verdict in verdicts if verdict.status == RULE_CHANGED]
    if changed:
        names = ", ".join(f"{claim.id} (reversible run {claim.record})" for claim in changed)
        raise InputError(f"{RULE_CHANGED}; make the record again for {names}")


def _to_card(claim: str) -> str:
    return f"<a href='#{anchor(claim)}'>{escape(claim)}</a>"


def anchor(claim: str) -> str:
    """The place of a claim's card on its page; without dots, which a style sheet's selector cannot have in a name."""
    return f"claim-{claim.replace('.', '-')}"


def in_words(measure: str) -> str:
    """A measure's name as a reader sees it."""
    return measure.replace("_", " ")


def card(verdict: Verdict) -> str:
    """One claim as a card of HTML, with the anchor that the front page links to."""
    claim, record = verdict.claim, verdict.record
    decides = [f"must: {escape(in_words(check.text))}" for check in claim.must]
    decides += [f"should: {escape(in_words(check.text))}" for check in claim.should]
    found = [[str(estimate), _holds(check, estimate, ok)] for check, estimate, ok in verdict.checks]
    rows = [[rule, *cells] for rule, cells in zip(decides, found or [["not tested", ""]] * len(decides), strict=True)]
    foot = where_it_ran(record) if record else f"Not tested: {escape(verdict.why)}"
    return (
        f"<div class='rv-card' id='{anchor(claim.id)}'><p><strong>{escape(claim.id)}</strong> {told(verdict)} "
        f"<small>{escape(claim.source)}</small></p><p>{escape(claim.says)}</p>"
        f"<p><em>Measured:</em> {escape(claim.measured)}</p>"
        + table(["rule, fixed before the run", "measured, 95 % interval", "holds"], rows)
        + f"<p class='rv-foot'>{foot}</p></div>"
    )


def _holds(check: Check, estimate: Estimate, ok: bool) -> str:
    if ok:
        return "yes"
    return "<strong>cannot be told</strong>" if check.is_open(estimate) else "<strong>no</strong>"


def where_it_ran(record: Record) -> str:
    """Provenance in a line: the record to download, device, seconds, date, and whether the code still is the same."""
    p = record.provenance
    link = f"<a href='{escape(record.experiment)}.json' download>record</a>"
    absent = {i for i, row in enumerate(record.rows) if "absent" in row}
    ran = [cell for i, cell in enumerate(record.parameters["cells"]) if i not in absent]
    cells = f"{len(ran)} cells" + (f" ({len(absent)} more not at hand)" if absent else "")
    device = where(record) if p.get("arithmetic") and p["device"].startswith("CPU") else p["device"]
    took = f"{escape(device)}, {duration(p['seconds'])}, {escape(p['date'][:10])}"
    runs, same = f"{sum(map(_runs_of, ran)):,} runs", _code_since(record)
    return f"{link}: {escape(record.profile)} profile, {cells}, {runs}, {took}; {same}"


def _code_since(record: Record) -> str:
    changed = record.changed_since
    if not changed:
        return "code edited since, the same to the bit" if record.edited_since else "code unchanged since"
    names = ", ".join(f"<code>{escape(name)}</code>" for name in changed[:3])
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return f"<strong>code changed since</strong>: {names}{more}"


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


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever is read most easily."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _runs_of(cell: dict[str, Any]) -> int:
    training = cell.get("training") or cell
    return cell.get("trials") or cell.get("draws") or len(training.get("seeds", ())) or 1


def told(verdict: Verdict) -> str:
    """A verdict's badge, and whether it is open yet."""
    return badge(verdict.status) + (" <small>(undecided)</small>" if verdict.why == UNDECIDED else "")


def badge(status: str) -> str:
    """A status as a coloured word."""
    return f"<span class='rv-badge rv-{status.replace(' ', '-')}'>{status}</span>"


def table(
    head: list[str], rows: list[list[str]], css: str = "rv-table", marks: list[dict[str, str]] | None = None
) -> str:
    """An HTML table in a box that scrolls where it is too wide; cells are HTML already; `marks`: data of each row."""
    top = "".join(f"<th scope='col'>{cell}</th>" for cell in head)
    body = ""
    for row, mark in zip(rows, marks or [{}] * len(rows), strict=True):
        data = "".join(f" data-{key}='{escape(value)}'" for key, value in mark.items())
        body += f"<tr{data}>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
    inside = f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    name = "table: " + re.sub("<[^>]*>", "", ", ".join(head)).replace("'", "&#x27;")
    box = f"class='rv-scroll' tabindex='0' role='group' aria-label='{name}'"
    return f"<div {box}><table class='{css}'>{inside}</table></div>"


def escape(text: str) -> str:
    return html.escape(text)
