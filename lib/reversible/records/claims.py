"""The claims ledger, the rules that decide, and verdicts, computed and never typed."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from reversible.base.checks import InputError, one_of
from reversible.base.digests import digest
from reversible.base.estimates import Estimate
from reversible.records.record import NoRecord, Record, read_record

REPRODUCED, PARTLY, UNDECIDED, NOT_REPRODUCED, NOT_TESTED = STATUSES = (
    "reproduced", "partly", "undecided", "not reproduced", "not tested"
)  # fmt: skip
RULE_CHANGED = "rule changed after the run"
TOO_FEW = "the limit lies inside the interval of all that failed: more runs are needed to tell"
WHOSE = {  # whose a claim is
    "paper": "the paper's claim", "neighbour": "another paper's claim", "extension": "our extension",
    "control": "our control",
}  # fmt: skip
NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
CHECK = re.compile(rf"(?P<measure>\w+) (?P<op><=|>=|=) (?P<value>-?{NUMBER})(?: \+- (?P<margin>{NUMBER}))?")


@dataclass(frozen=True)
class Check:
    """One line of a rule: `NAME <= 1`, `NAME >= 1` or `NAME = 1 +- 0.1`; the whole 95 % interval must lie inside."""

    text: str
    measure: str
    low: float
    high: float

    @classmethod
    def parse(cls, text: str) -> Check:
        match = CHECK.fullmatch(text)
        if not match or (match["op"] == "=") != (match["margin"] is not None):
            raise InputError(f"a check is NAME <= X, NAME >= X or NAME = X +- D, not {text!r}")
        value, margin = float(match["value"]), float(match["margin"] or "inf")
        low = -float("inf") if match["op"] == "<=" else value - (0 if match["op"] == ">=" else margin)
        high = float("inf") if match["op"] == ">=" else value + (0 if match["op"] == "<=" else margin)
        return cls(text, match["measure"], low, high)

    def holds(self, estimate: Estimate) -> bool:
        return self.low <= estimate.ci95[0] and estimate.ci95[1] <= self.high

    def is_open(self, estimate: Estimate) -> bool:
        """Whether the interval lies neither inside nor outside: too few repeats to tell."""
        outside = estimate.ci95[1] < self.low or self.high < estimate.ci95[0]
        return not outside and not self.holds(estimate)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One entry of the ledger: a claim, how it is measured, and the rule that decides, written before the run."""

    id: str
    chapter: str
    source: str  # where it stands, with the mark of how it is known here
    whose: str  # one of WHOSE
    says: str  # the claim, in our words
    found: Mapping[str, str] = field(default_factory=dict)  # by verdict: what was found, in a sentence, see `words`
    measured: str = ""  # what is measured
    record: str = ""  # the experiment whose record decides
    must: tuple[Check, ...] = ()  # all hold, or the claim is not reproduced
    should: tuple[Check, ...] = ()  # one fails, and it is partly reproduced
    added: tuple[str, ...] = ()  # lines of these two that were written after a first run had been seen
    would_change: str = ""  # what would change our mind
    not_tested: str = ""  # why, where nothing decides
    pending: str = ""  # why, until there is a record
    paper: str = ""  # the key of the paper whose ledger it stands in

    @property
    def rule(self) -> str:
        """Digest of what decides; words may be mended without it."""
        return digest([self.id, self.record, [c.text for c in self.must], [c.text for c in self.should]])


@dataclass(frozen=True)
class Finding:
    """What was found on the whole, in a few words with their numbers, see `words`, and the verdicts it rests on."""

    paper: str  # whose ledger it stands in
    says: str
    rests_on: Mapping[str, str]  # claim -> verdict
    lead: bool = False  # it stands in the first screen of the front page, and not with its paper


class Checked(NamedTuple):
    """A line of a rule, what was measured, and whether it holds."""

    check: Check
    measured: Estimate
    holds: bool


@dataclass(frozen=True)
class Verdict:
    """A claim beside its record: the status, and what became of each line of the rule."""

    claim: Claim
    status: str
    record: Record | None
    checks: tuple[Checked, ...]
    why: str = ""  # where it is not tested, or undecided


def read_claims(book: Path) -> list[Claim]:
    """The claims of a book: those of each ledger claims/KEY.toml, KEY a paper's, in the order of the keys.

    InputError where there is none, for one that is cut short or says something the project does not know, and for a
    claim that is there twice.
    """
    claims = [claim for ledger in _ledgers(book) for claim in read_ledger(ledger)]
    ids = [claim.id for claim in claims]
    if repeated := {i for i in ids if ids.count(i) > 1}:
        raise InputError(f"{book / 'claims'} names {', '.join(sorted(repeated))} more than once")
    return claims


def read_findings(book: Path) -> list[Finding]:
    """What the book found on the whole, ledger by ledger; InputError as in `read_ledger`."""
    return [finding for ledger in _ledgers(book) for finding in _read(ledger)[1]]


def _ledgers(book: Path) -> list[Path]:
    ledgers = sorted((book / "claims").glob("*.toml"))
    if not ledgers:
        raise InputError(f"cannot read the claims: {book / 'claims'} has no KEY.toml")
    return ledgers


def read_ledger(path: Path) -> list[Claim]:
    """The claims ledger; InputError where it is missing, cut short, or says something the project does not know."""
    return _read(path)[0]


def _read(path: Path) -> tuple[list[Claim], list[Finding]]:
    try:
        claims, findings = _parsed(path.read_text(encoding="utf-8"), path.stem)
        return [*claims], [*findings]
    except OSError as error:
        raise InputError(f"cannot read the claims {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(f"{path} is not a whole claims ledger ({error})") from None


@functools.cache  # by the text, so that a ledger that changes under way is read anew
def _parsed(text: str, paper: str) -> tuple[tuple[Claim, ...], tuple[Finding, ...]]:
    ledger = tomllib.loads(text)
    findings = tuple(Finding(paper, **entry) for entry in ledger.get("found", []))
    return tuple(_claim(entry | {"paper": paper}) for entry in ledger["claim"]), findings


def _claim(entry: dict[str, Any]) -> Claim:
    checks = {key: tuple(Check.parse(text) for text in entry.get(key, [])) for key in ("must", "should")}
    claim = Claim(**{**entry, **checks, "added": tuple(entry.get("added", []))})
    one_of(f"whose of claim {claim.id}", claim.whose, WHOSE)
    for status in claim.found:
        one_of(f"a verdict in found of claim {claim.id}", status, STATUSES[:-1])
    lines = [check.text for check in (*claim.must, *claim.should)]
    for text in claim.added:
        one_of(f"a line in added of claim {claim.id}", text, lines)
    if bool(claim.must and claim.record) == bool(claim.not_tested):
        raise InputError(f"claim {claim.id} needs either a record and a rule, or the reason why it is not tested")
    return claim


def rules_for(claims: list[Claim], experiment: str) -> dict[str, str]:
    """The digests of the rules that read the record of `experiment`."""
    return {claim.id: claim.rule for claim in claims if claim.record == experiment}


def judge(claim: Claim, read: Callable[[str], Record]) -> Verdict:
    """The verdict on one claim; `read` gives the record of an experiment, or raises InputError."""
    if claim.not_tested:
        return Verdict(claim, NOT_TESTED, None, (), claim.not_tested)
    try:
        record = read(claim.record)
    except InputError as error:
        if claim.pending and isinstance(error, NoRecord):
            return Verdict(claim, NOT_TESTED, None, (), claim.pending)
        raise InputError(f"claim {claim.id}: {error}") from None
    unmeasured = [c.measure for c in (*claim.must, *claim.should) if c.measure not in record.measures]
    if unmeasured and record.absent:
        return Verdict(claim, NOT_TESTED, None, (), "; ".join(record.absent))
    if unmeasured:
        raise InputError(f"claim {claim.id}: the record of {claim.record} measures no {unmeasured[0]!r}")
    must, should = ([_checked(check, record) for check in rule] for rule in (claim.must, claim.should))
    checks = (*must, *should)
    if record.rules.get(claim.id) != claim.rule:
        return Verdict(claim, RULE_CHANGED, record, checks)
    failed = [row for row in must if not row.holds]
    if failed:
        if all(row.check.is_open(row.measured) for row in failed):
            return Verdict(claim, UNDECIDED, record, checks, TOO_FEW)
        return Verdict(claim, NOT_REPRODUCED, record, checks)
    return Verdict(claim, REPRODUCED if all(row.holds for row in should) else PARTLY, record, checks)


def _checked(check: Check, record: Record) -> Checked:
    measured = record.measures[check.measure]
    return Checked(check, measured, check.holds(measured))


def judge_all(claims: list[Claim], results: Path) -> list[Verdict]:
    """Every verdict, from the records in the folder `results`; InputError for a record that is missing or unfit."""
    read = functools.cache(lambda name: read_record(results / f"{name}.json"))  # several claims read one record
    return [judge(claim, read) for claim in claims]


def records_of(of: list[Verdict]) -> dict[str, Record]:
    """The records that these verdicts rest on, by experiment."""
    return {verdict.record.experiment: verdict.record for verdict in of if verdict.record}


def refuse_changed_rules(verdicts: list[Verdict]) -> None:
    """InputError for a verdict whose rule was edited after its record was made."""
    changed = [verdict.claim for verdict in verdicts if verdict.status == RULE_CHANGED]
    if changed:
        names = ", ".join(f"{claim.id} (reversible run {claim.record})" for claim in changed)
        raise InputError(f"{RULE_CHANGED}; make the record again for {names}")
