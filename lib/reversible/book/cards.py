"""Verdicts and records as a reader sees them: a claim's card, where a record was made."""

from __future__ import annotations

from reversible.base.estimates import Estimate
from reversible.papers import EXPERIMENTS
from reversible.records.claims import UNDECIDED, Check, Verdict
from reversible.records.compare import where
from reversible.records.record import Record
from reversible.show.html import badge, duration, escape, table


def to_card(claim: str) -> str:
    return f"<a href='#{anchor(claim)}'>{escape(claim)}</a>"


def anchor(claim: str) -> str:
    """The place of a claim's card on its page; without dots, which a style sheet's selector cannot have in a name."""
    return f"claim-{claim.replace('.', '-')}"


def in_words(check: Check, record: str) -> str:
    """A line of a rule as a reader sees it, as HTML: with its measure's label, and its limits."""
    return escape(f"{EXPERIMENTS[record].label(check.measure)} {check.text.removeprefix(check.measure).strip()}")


def card(verdict: Verdict) -> str:
    """One claim as a card of HTML, with the anchor that the front page links to."""
    claim, record = verdict.claim, verdict.record
    decides = [f"must: {in_words(check, claim.record)}" for check in claim.must]
    decides += [f"should: {in_words(check, claim.record)}" for check in claim.should]
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
    ran = [cell for cell, row in record.pairs() if "absent" not in row]
    absent = len(record.rows) - len(ran)
    cells = f"{len(ran)} cells" + (f" ({absent} more not at hand)" if absent else "")
    device = where(record) if p.get("arithmetic") and p["device"].startswith("CPU") else p["device"]
    took = f"{escape(device)}, {duration(p['seconds'])}, {escape(p['date'][:10])}"
    runs, same = f"{sum(map(EXPERIMENTS[record.experiment].runs_of, ran)):,} runs", _code_since(record)
    return f"{link}: {escape(record.profile)} profile, {cells}, {runs}, {took}; {same}"


def _code_since(record: Record) -> str:
    changed = record.changed_since
    if not changed:
        return "code edited since, the same to the bit" if record.edited_since else "code unchanged since"
    names = ", ".join(f"<code>{escape(name)}</code>" for name in changed[:3])
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return f"<strong>code changed since</strong>: {names}{more}"


def told(verdict: Verdict) -> str:
    """A verdict's badge, and whether it is open yet."""
    return badge(verdict.status) + (" <small>(undecided)</small>" if verdict.why == UNDECIDED else "")
