"""What a verdict is called, and what was found in a sentence with its numbers, chosen by the verdict."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reversible.base.checks import InputError
from reversible.base.estimates import Estimate
from reversible.records.claims import NOT_TESTED, RULE_CHANGED, WHOSE, Finding, Verdict, records_of

OF_OURS = {"reproduced": "holds", "partly": "holds in part", "not reproduced": "fails"}  # of what nobody else has said


def called(whose: str, status: str) -> str:
    """What a verdict is called: a claim of a paper is reproduced or not, one of ours holds or fails."""
    return OF_OURS.get(status, status) if whose in ("extension", "control") else status


def sentence(verdict: Verdict) -> str:
    """What was found: the claim's own words for this verdict, or why there is none.

    InputError where the claim has no words for it: a new record has changed the verdict, and a person has to say what
    was found.
    """
    claim, status = verdict.claim, verdict.status
    if verdict.record is None:
        return f"Not tested: {verdict.why.removesuffix('.')}."
    if status not in claim.found:
        raise InputError(f"claim {claim.id} is {status} now, and its `found` has no words for that")
    return filled(claim.found[status], verdict.record.measures.__getitem__)


def told(finding: Finding, of: Sequence[Verdict]) -> str:
    """What was found on the whole; {RECORD.MEASURE} is a number in it. InputError where a verdict has changed since."""
    verdicts = {verdict.claim.id: verdict for verdict in of}
    for claim, status in finding.rests_on.items():
        if claim not in verdicts or verdicts[claim].status != status:
            now = verdicts[claim].status if claim in verdicts else "no claim"
            raise InputError(f"claim {claim} is {now} now, not {status}: write again what was found, {finding.says!r}")
    measures = {
        f"{name}.{measure}": estimate
        for name, record in records_of(list(of)).items() for measure, estimate in record.measures.items()
    }  # fmt: skip
    return filled(finding.says, measures.__getitem__)


def filled(template: str, measured: Callable[[str], Estimate]) -> str:
    """A sentence with its numbers: {NAME} is a measure with its interval, {NAME:.2f} its mean, {NAME:.0%} in percent.

    {NAME:.1pp} is its mean in percentage points, {NAME:pp} with its interval; a | before it leaves the sign out.

    >>> filled("It falls by {x:|.1pp} points, to {x:.2f}.", {"x": Estimate.exact(-0.034)}.__getitem__)
    'It falls by 3.4 points, to −0.03.'

    InputError for a name of which nothing is measured, and for what is no template.
    """
    try:
        return _Words(measured).vformat(template, (), {})
    except KeyError as error:
        raise InputError(f"{error.args[0]!r} is not measured, in the words {template!r}") from None
    except ValueError as error:
        raise InputError(f"{error}, in the words {template!r}") from None


class _Words(string.Formatter):
    def __init__(self, measured: Callable[[str], Estimate]) -> None:
        self.measured = measured

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        return self.measured(field_name), field_name

    def format_field(self, value: Estimate, format_spec: str) -> str:
        if not format_spec:
            return str(value)
        if format_spec == "pp":
            return str(value.scaled(100))
        number = abs(value.mean) if format_spec.startswith("|") else value.mean
        spec = format_spec.removeprefix("|")
        if spec.endswith("pp"):
            number, spec = 100 * number, spec.removesuffix("pp") + "f"
        return format(number, spec).replace("-", "−").replace("%", "\N{NO-BREAK SPACE}%")


def in_order(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The paper's own claims first, then its neighbours', then ours; within these as in the ledger."""
    rank = list(WHOSE)
    return sorted(verdicts, key=lambda v: (rank.index(v.claim.whose), v.status in (NOT_TESTED, RULE_CHANGED)))
