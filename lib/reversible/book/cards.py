"""Verdicts and records as a reader sees them: a claim's card, where a record was made."""

from __future__ import annotations

import math

from reversible.base.estimates import Estimate
from reversible.papers import EXPERIMENTS
from reversible.records.claims import WHOSE, Check, Claim, Verdict
from reversible.records.compare import where
from reversible.records.record import Record
from reversible.records.words import called, sentence
from reversible.show.html import badge, duration, escape, table


def to_card(claim: str) -> str:
    return f"<a href='#{anchor(claim)}'>{escape(claim)}</a>"


def anchor(claim: str) -> str:
    """The place of a claim's card on its page; without dots, which a style sheet's selector cannot have in a name."""
    return f"claim-{claim.replace('.', '-')}"


def limits(check: Check) -> str:
    """What a line of a rule allows, as a reader writes it.

    >>> limits(Check.parse("gain = 1 +- 0.01")), limits(Check.parse("slope <= -0.3"))
    ('1 ± 0.01', '≤ −0.3')
    """
    text = check.text.removeprefix(check.measure).removeprefix(" = ").strip()
    return text.replace("+-", "±").replace("<=", "≤").replace(">=", "≥").replace("-", "−")


def card(verdict: Verdict) -> str:
    """One claim as a card of HTML, with the anchor that the front page links to."""
    claim, record = verdict.claim, verdict.record
    id_and_source = f"<strong>{escape(claim.id)}</strong>, {WHOSE[claim.whose]}: {escape(claim.source)}"
    return (
        f"<div class='rv-card' id='{anchor(claim.id)}'><p class='rv-lead'>{told(verdict)} "
        f"{escape(sentence(verdict))}</p><p><small>{id_and_source}</small><br>{escape(claim.says)}</p>"
        + (_rule(verdict) if record else "")
        + f"<details class='rv-foot'><summary>How it was measured</summary><p>{escape(claim.measured)}</p>"
        + (f"<p>{where_it_ran(record)}</p>" if record else "")
        + "</details></div>"
    )


def _rule(verdict: Verdict) -> str:
    """The rule line by line: what is measured, the measurement, its limits, the two in a picture, and what follows."""
    label = EXPERIMENTS[verdict.claim.record].label
    rows = [
        [
            escape(label(check.measure)),
            str(estimate),
            _line(verdict.claim, check),
            bar(check, estimate),
            _holds(check, estimate, ok),
        ]
        for check, estimate, ok in verdict.checks
    ]
    secondary = len(verdict.claim.must)
    for row in rows[secondary:]:
        row[0] += " <small>(secondary)</small>"
    return table(["measure", "measured, 95 % interval", "rule, set before the run", "", "holds"], rows, "rv-rule")


def _line(claim: Claim, check: Check) -> str:
    """What a line of the rule allows, and whether it was written later than the others."""
    later = " <small>(written after a first run)</small>" if check.text in claim.added else ""
    return limits(check) + later


WIDTH, HEIGHT = 120, 14  # of the picture of a measurement beside its limits, in pixels


def bar(check: Check, estimate: Estimate) -> str:
    """A measurement, its mean and interval, beside what the rule allows, as a small picture."""
    ends = [x for x in (check.low, check.high, estimate.mean, *estimate.ci95) if math.isfinite(x)]
    low, high = min(ends), max(ends)
    pad = 0.15 * (high - low) or abs(high) or 1.0

    def place(x: float) -> float:
        return round(WIDTH * min(max((x - low + pad) / (high - low + 2 * pad), 0), 1), 1)

    (a, b), (left, right) = map(place, estimate.ci95), map(place, (check.low, check.high))
    middle = HEIGHT // 2
    return (
        f"<svg class='rv-bar' width='{WIDTH}' height='{HEIGHT}' viewBox='0 0 {WIDTH} {HEIGHT}' aria-hidden='true'>"
        f"<rect class='rv-allowed' x='{left}' width='{max(round(right - left, 1), 1)}' height='{HEIGHT}'/>"
        f"<line x1='{a}' x2='{b}' y1='{middle}' y2='{middle}'/>"
        f"<circle cx='{place(estimate.mean)}' cy='{middle}' r='3'/></svg>"
    )


def _holds(check: Check, estimate: Estimate, ok: bool) -> str:
    if ok:
        return "✓ yes"
    return "<strong>cannot be told</strong>" if check.is_open(estimate) else "<strong>✗ no</strong>"


def where_it_ran(record: Record) -> str:
    """Provenance in a line: the record to download, device, seconds, date, whether the code still is the same.

    And where the measures were read off the rows once more, without a run: when that was.
    """
    p = record.provenance
    link = f"<a href='{escape(record.experiment)}.json' download>record</a>"
    ran = [cell for cell, row in record.pairs() if "absent" not in row]
    absent = len(record.rows) - len(ran)
    cells = f"{len(ran)} cells" + (f" ({absent} more not at hand)" if absent else "")
    device = where(record) if p.get("arithmetic") and p["device"].startswith("CPU") else p["device"]
    took = f"{escape(device)}, {duration(p['seconds'])}, {escape(p['date'][:10])}"
    runs, same = f"{sum(map(EXPERIMENTS[record.experiment].runs_of, ran)):,} runs", _code_since(record)
    return f"{link}: {escape(record.profile)} profile, {cells}, {runs}, {took}{_again(record)}; {same}"


def _again(record: Record) -> str:
    later = record.provenance.get("measured")
    return f"; measured again, from the same runs, on {escape(later['date'][:10])}" if later else ""


def _code_since(record: Record) -> str:
    changed = record.changed_since
    if not changed:
        return "code unchanged since"
    names = ", ".join(f"<code>{escape(name)}</code>" for name in changed[:3])
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return f"<strong>code changed since</strong>: {names}{more}"


def told(verdict: Verdict) -> str:
    """A verdict's badge: a claim of a paper is reproduced or not, one of ours holds or fails."""
    return badge(verdict.status, called(verdict.claim.whose, verdict.status))
