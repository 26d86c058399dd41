"""What a chapter begins with and shows: its profile, its records, its live runs, its verdicts."""

from __future__ import annotations

import html
import inspect
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reversible import experiments
from reversible.checks import InputError, one_of
from reversible.results import (
    NOT_REPRODUCED,
    NOT_TESTED,
    PARTLY,
    REPRODUCED,
    RULE_CHANGED,
    Claim,
    Record,
    Verdict,
    book_folder,
    code_digest,
    judge,
    judge_all,
    read_claims,
    read_record,
)

PARAMETERS = ("profile",)  # what `papermill -p` may set
LIVE_LIMIT = 3.0  # standard scores of a live run against the exact law: about 1 where the law holds


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
    claims: Mapping[str, Claim]

    def record(self, experiment: str) -> Record:
        """The committed record of `experiment`, under results/."""
        one_of("record", experiment, sorted({claim.record for claim in self.claims.values()} - {""}))
        return read_record(self.book / "results" / f"{experiment}.json")

    def live(self, experiment: str, *only: str) -> Shown:
        """Run `experiment` now, in this chapter's profile, and show its measures beside the recorded ones.

        `only`: those that begin with one of these words. What lacks data or weights here says so.
        Fails where the live run leaves the exact law by more than `LIVE_LIMIT` standard scores (root mean square), and
        where the record holds the very cells that are run and an interval does not meet the recorded one.
        """
        recorded, now = self.record(experiment), experiments.run(experiment, self.profile)
        for name, estimate in now.measures.items():
            if "rms_z" in name and estimate.mean > LIVE_LIMIT:
                raise AssertionError(f"{experiment}, live: {name} = {estimate.mean:.3g} is above {LIVE_LIMIT}")
        if apart := _apart(recorded, now):
            raise AssertionError(f"{experiment}, live: other numbers than recorded from the same runs, {apart}")
        shown = [name for name in now.measures if name in recorded.measures and name.startswith(only or ("",))]
        rows = [[_words(name), str(recorded.measures[name]), str(now.measures[name])] for name in shown]
        head = ["measure", f"recorded ({recorded.profile})", f"just now ({self.profile})"]
        missing = "".join(f"<p class='rv-foot'>Not run just now: {escape(why)}</p>" for why in now.absent)
        return Shown(table(head, rows) + missing + f"<p class='rv-foot'>{where_it_ran(recorded)}</p>", now)

    def summary(self) -> Shown:
        """What the chapter claims and what was found, a line a claim."""
        verdicts = [judge(claim, self.record) for claim in self.claims.values()]
        rows = [
            [f"<a href='#claim-{v.claim.id}'>{v.claim.id}</a>", escape(v.claim.says), badge(v.status)] for v in verdicts
        ]
        return Shown(table(["claim", "in our words", "found"], rows), verdicts)

    def verdict(self, claim: str) -> Shown:
        """The card of one claim: what it says, the rule, what was measured, the verdict."""
        one_of("claim", claim, self.claims)
        verdict = judge(self.claims[claim], self.record)
        refuse_changed_rules([verdict])
        return Shown(card(verdict), verdict)


def _apart(recorded: Record, now: Record) -> str:
    """Measures of cells that the record holds too, whose intervals do not meet."""
    same = [cell in recorded.parameters["cells"] for cell in json.loads(json.dumps(now.parameters["cells"]))]
    pairs = {name: (recorded.measures[name], e) for name, e in now.measures.items() if name in recorded.measures}
    far = [
        f"{name}: {then} and {live}"
        for name, (then, live) in pairs.items()
        if then.n and (then.ci95[1] < live.ci95[0] or live.ci95[1] < then.ci95[0])
    ]
    return "; ".join(far) if same and all(same) else ""


def begin(notebook: Mapping[str, Any], name: str) -> Chapter:
    """Begin the chapter `name` with its `globals()`, right after the parameters cell.

    Every value that stands in the notebook by then is a parameter; one that no chapter has is refused.
    """
    given = {
        name
        for name, value in notebook.items()
        if not name.startswith("_")
        and name not in ("In", "Out")
        and not callable(value)
        and not inspect.ismodule(value)
    }
    if unknown := sorted(given - set(PARAMETERS)):
        raise InputError(f"a chapter's parameters are {', '.join(PARAMETERS)}, not {', '.join(unknown)}")
    profile = one_of("profile", notebook.get("profile"), experiments.PROFILES)
    book = book_folder()
    claims = {claim.id: claim for claim in read_claims(book / "claims.toml") if claim.chapter == name}
    return Chapter(name, profile, book, claims)


def refuse_changed_rules(verdicts: list[Verdict]) -> None:
    """InputError for a verdict whose rule was edited after its record was made."""
    changed = [verdict.claim for verdict in verdicts if verdict.status == RULE_CHANGED]
    if changed:
        names = ", ".join(f"{claim.id} (reversible run {claim.record})" for claim in changed)
        raise InputError(f"{RULE_CHANGED}; make the record again for {names}")


def front_page() -> Shown:
    """The table of all claims; InputError for a missing, altered or unfit record and for a rule that was changed."""
    book = book_folder()
    verdicts = judge_all(read_claims(book / "claims.toml"), book / "results")
    refuse_changed_rules(verdicts)
    counts = Counter(verdict.status for verdict in verdicts)
    order = [status for status in (REPRODUCED, PARTLY, NOT_REPRODUCED, NOT_TESTED) if counts[status]]
    summary = " ".join(f"<strong>{counts[status]}</strong> {badge(status)}" for status in order)
    rows = [_front_row(verdict) for verdict in verdicts]
    head = ["claim", "in our words", "what we measured, and where"]
    return Shown(f"<p class='rv-summary'>{summary}</p>" + table(head, rows, "rv-verdicts"), verdicts)


def _front_row(verdict: Verdict) -> list[str]:
    """Claim and verdict; our words and how they are known; the decisive measures, all that failed, and where it ran."""
    claim, name = verdict.claim, f"<strong>{verdict.claim.id}</strong>"
    words = f"{escape(claim.says)}<br><small>{escape(claim.source)}</small>"
    if claim.not_tested:
        return [f"<span id='claim-{claim.id}'>{name}</span><br>{badge(verdict.status)}", words, escape(verdict.why)]
    shown = [row for i, row in enumerate(verdict.checks) if i < min(3, len(claim.must)) or not row[2]]
    measured = "<br>".join(f"{_words(check.measure)}: {estimate}{'' if ok else ' ✗'}" for check, estimate, ok in shown)
    where = where_it_ran(verdict.record) if verdict.record else escape(verdict.why)
    return [
        f"<a href='{claim.chapter}.html#claim-{claim.id}'>{name}</a><br>{badge(verdict.status)}",
        words,
        f"{measured}<br><small>{where}</small>",
    ]


def _words(measure: str) -> str:
    return measure.replace("_", " ")


def card(verdict: Verdict) -> str:
    """One claim as a card of HTML, with the anchor that the front page links to."""
    claim, record = verdict.claim, verdict.record
    decides = [f"must: {_words(check.text)}" for check in claim.must]
    decides += [f"should: {_words(check.text)}" for check in claim.should]
    found = [[str(estimate), "yes" if ok else "<strong>no</strong>"] for _, estimate, ok in verdict.checks]
    rows = [[rule, *cells] for rule, cells in zip(decides, found or [["not tested", ""]] * len(decides), strict=True)]
    foot = where_it_ran(record) if record else f"Not tested: {escape(verdict.why)}"
    return (
        f"<div class='rv-card' id='claim-{claim.id}'><p><strong>{claim.id}</strong> {badge(verdict.status)} "
        f"<small>{escape(claim.source)}</small></p><p>{escape(claim.says)}</p>"
        f"<p><em>Measured:</em> {escape(claim.measured)}</p>"
        + table(["rule, fixed before the run", "measured, 95 % interval", "holds"], rows)
        + f"<p><em>What would change our mind:</em> {escape(claim.would_change)}</p>"
        f"<p class='rv-foot'>{foot}</p></div>"
    )


def where_it_ran(record: Record) -> str:
    """Provenance in a line: the record to download, device, seconds, date, and whether the code still is the same."""
    p = record.provenance
    same = "code unchanged since" if p["code"] == code_digest(p["module"]) else "<strong>code changed since</strong>"
    link = f"<a href='{record.experiment}.json' download>record</a>"
    cells = record.parameters["cells"]
    runs = sum(_runs_of(cell) for cell in cells)
    where = f"{p['device']}, {p['seconds']:.0f} s, {p['date'][:10]}"
    return f"{link}: {record.profile} profile, {len(cells)} cells, {runs:,} runs, {where}; {same}"


def _runs_of(cell: dict[str, Any]) -> int:
    training = cell.get("training") or cell
    return cell.get("trials") or cell.get("draws") or len(training.get("seeds", ())) or 1


def badge(status: str) -> str:
    """A verdict as a coloured word."""
    return f"<span class='rv-badge rv-{status.replace(' ', '-')}'>{status}</span>"


def table(head: list[str], rows: list[list[str]], css: str = "rv-table") -> str:
    """An HTML table in a box that scrolls where it is too wide; cells are HTML already."""
    top = "".join(f"<th scope='col'>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    inside = f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    return f"<div class='rv-scroll' tabindex='0'><table class='{css}'>{inside}</table></div>"


def escape(text: str) -> str:
    return html.escape(text)
