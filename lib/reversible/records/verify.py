"""Records run again, number beside number, and whether a verdict changes. No record is written.

What is an estimate of the same thing, and when two of them are apart, says `compare`. Each check that decides a claim
is told in one of the words of `FOUND`.

A verdict changes where the claim's own rule gives another one once the checks that are apart are decided by the re-run,
and all others by the record. Where both were made by the same code on the same kind of CPU, cells that both have run
must be equal to the bit besides; seconds do not count.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from reversible.base.checks import InputError, one_of
from reversible.base.estimates import Estimate
from reversible.records import make
from reversible.records.claims import NOT_TESTED, Check, Claim, Verdict, judge, read_claims
from reversible.records.compare import (
    LIVE_LIMIT,
    OTHER,
    allowed,
    apart,
    can_be_apart,
    difference,
    must_be_equal,
    relation,
)
from reversible.records.record import Record, book_folder, read_record
from reversible.runs.executors import unfinished
from reversible.runs.experiment import PROFILES, Experiment

AS_NEAR = 1e-3  # relative: what rounding may do to a number without an interval
WITHIN, APART, BELOW = "within", "apart", f"below {LIVE_LIMIT:g} (standard score)"
NO_INTERVAL, OTHER_SIZES = "no interval (not judged)", "other sizes (not judged)"
SECONDS, OTHER_SETTINGS = "measured in seconds (not judged)", "other settings chosen (not judged)"
NOT_RUN, ABSENT = "not run in this profile", "data not at hand"
TO_THE_BIT = "every cell that both have run is the same to the bit"
FOUND = {  # what each word says of a number of the re-run beside the recorded one
    WITHIN: "does not contradict it; of numbers without an interval (counts, worst cases): the same but for rounding",
    APART: "contradicts it, by more than chance brings about in one of ten thousand runs of all records, "
    "or is a standard score against an exact law and too large",
    BELOW: "is a standard score against the exact law, and not too large",
    NO_INTERVAL: "differs, and nothing says by how much it may",
    OTHER_SIZES: "differs, as it should where other sizes were run",
    SECONDS: "differs, as it does from machine to machine",
    OTHER_SETTINGS: "hangs on settings, learning rates say, that the re-run chose otherwise",
    NOT_RUN: "is none of the measures of this profile",
    ABSENT: "could not be measured for want of data or weights",
}


# --- what is run again ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """A record that is to be run again, and the verdicts on the claims that read it."""

    experiment: Experiment
    record: Record
    verdicts: tuple[Verdict, ...]
    limit: float  # the p-value below which a check is apart


def tasks(experiments: Mapping[str, Experiment], names: Sequence[str], profile: str) -> list[Task]:
    """The records of the book with these names, or all that were made on a CPU; `experiments` by the record's name.

    Raises InputError for a name or a profile that is none, and for a record that is missing, altered, unfit for its
    claims or made on another device: before anything is run.
    """
    one_of("profile", profile, PROFILES)
    book = book_folder()
    claims = read_claims(book)
    there = {path.stem for path in (book / "results").glob("*.json")}
    for name in names or sorted(there):
        one_of("experiment", name, experiments)
    wanted = dict.fromkeys(names or (name for name in experiments if name in there))
    found = [_read(book / "results" / f"{name}.json") for name in wanted]
    elsewhere = [record for record in found if not record.provenance["device"].startswith("CPU")]
    if names and elsewhere:
        where = elsewhere[0].provenance["device"]
        raise InputError(f"{elsewhere[0].experiment} must be a record that was made on a CPU, not on {where}")
    records = [record for record in found if record not in elsewhere]
    if not records:
        raise InputError(f"{book / 'results'} has no record that was made on a CPU")
    return [_task(experiments[record.experiment], record, claims) for record in records]


def _read(path: Path) -> Record:
    record = read_record(path)
    if record.experiment != path.stem:
        raise InputError(f"{path} is a record of {record.experiment!r}, not of {path.stem!r}")
    return record


def _task(experiment: Experiment, record: Record, claims: Sequence[Claim]) -> Task:
    own = [claim for claim in claims if claim.record == record.experiment]
    return Task(experiment, record, tuple(judge(claim, lambda _: record) for claim in own), allowed(claims))


def again(tasks: Sequence[Task], profile: str, executor: Executor | None = None) -> Iterator[Outcome]:
    """Run the records again in `profile`, one by one, and give what came out of each as soon as it is there.

    Finished cells are kept until all is done, those of finished records too: what is stopped goes on.
    """
    journals = []
    for task in tasks:
        # Where none can be kept that is said once, not for every record.
        journals.append(None if None in journals else unfinished("verify", *make.key_of(task.experiment, profile)))
        yield compared(task, *make.again(task.experiment, task.record, profile, True, executor, journals[-1]))
    for journal in filter(None, journals):
        journal.clear()


# --- what came out ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One check that decides a claim, on the record and on the re-run."""

    claim: str
    check: Check
    recorded: Estimate
    now: Estimate | None  # None: the re-run has no such measure
    found: str  # one of FOUND
    judged: bool  # the re-run could have changed the verdict here
    deciding: Estimate  # what decides the check now: `now` or `recorded`


@dataclass(frozen=True)
class Change:
    """A verdict that the re-run changes, and the checks that it does it by."""

    claim: str
    before: str
    after: str
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """A record beside its re-run."""

    recorded: Record
    now: Record
    relation: str  # SAME, ALIKE or OTHER
    rows: tuple[Row, ...]
    changes: tuple[Change, ...]
    untested: dict[str, str]  # claims that the record does not decide -> why
    beside: dict[str, str]  # further measures that estimate the same thing -> within or apart
    bits: str | None  # where cells must be equal to the bit: the first difference, "" for none; None elsewhere

    @property
    def contradicts(self) -> bool:
        """A number that decides a claim is apart, or bits differ that must not."""
        return bool(self.bits) or any(row.found == APART for row in self.rows)

    @property
    def code_unchanged(self) -> bool:
        return self.recorded.code_unchanged


def compared(task: Task, now: Record, touched: Collection[str] = ()) -> Outcome:
    """The recorded numbers beside those of a re-run, by the rules at the head of this module.

    `touched`: the measures of the re-run that hang on settings chosen otherwise than in the record.
    """
    recorded, beside = task.record, _Beside(task, now, relation(task.experiment, task.record, now), touched)
    rows: list[Row] = []
    changes: list[Change] = []
    for verdict in task.verdicts:  # one that is not tested has no checks
        own = [beside.row(verdict.claim.id, check) for check, *_ in verdict.checks]
        rows += own
        changes += _change(verdict, own)
    untested = {verdict.claim.id: verdict.why for verdict in task.verdicts if verdict.status == NOT_TESTED}
    bits = difference(recorded, now) if must_be_equal(recorded, now) else None
    further = beside.further({row.check.measure for row in rows})
    return Outcome(recorded, now, beside.how, tuple(rows), tuple(changes), untested, further, bits)


@dataclass(frozen=True)
class _Beside:
    """A record with its re-run beside it."""

    task: Task
    now: Record
    how: str  # SAME, ALIKE or OTHER
    touched: Collection[str]  # measures of the re-run that hang on settings chosen otherwise

    def row(self, claim: str, check: Check) -> Row:
        """A check on both: the re-run decides it where it is apart, and the record elsewhere."""
        then, now = self.task.record.measures[check.measure], self.now.measures.get(check.measure)
        if now is None:
            return Row(claim, check, then, now, ABSENT if self.now.absent else NOT_RUN, judged=False, deciding=then)
        found, judged = self.found(check.measure, then, now)
        return Row(claim, check, then, now, found, judged, deciding=now if found == APART else then)

    def found(self, measure: str, then: Estimate, now: Estimate) -> tuple[str, bool]:
        """The word for a number of the re-run, and whether it was judged: whether it might have been apart."""
        experiment = self.task.experiment
        if experiment.is_score(measure):
            return BELOW if now.mean <= LIVE_LIMIT else APART, True
        if measure in self.touched:
            return OTHER_SETTINGS, False
        if can_be_apart(experiment, measure, then, now, self.how):
            return APART if apart(then, now, self.task.limit) else WITHIN, True
        if math.isclose(then.mean, now.mean, rel_tol=AS_NEAR, abs_tol=1e-9):
            return WITHIN, False
        if experiment.is_timed(measure):
            return SECONDS, False
        return OTHER_SIZES if self.how == OTHER else NO_INTERVAL, False

    def further(self, deciding: Collection[str]) -> dict[str, str]:
        """The words for measures that decide nothing and estimate the same thing: within or apart."""
        if self.how == OTHER:
            return {}
        recorded, words = self.task.record.measures, dict[str, str]()
        for name, now in self.now.measures.items():
            if name in recorded and name not in deciding and not self.task.experiment.is_score(name):
                words[name], _ = self.found(name, recorded[name], now)
        return {name: word for name, word in words.items() if word in (WITHIN, APART)}


def _change(verdict: Verdict, rows: Sequence[Row]) -> list[Change]:
    """What the claim's rule says of the estimates that decide now, if that is another verdict.

    Each check is given a measure of its own, as two may be on the same one and only one of them decided anew.
    """
    claim, record = verdict.claim, verdict.record
    if record is None:
        return []
    must, should = (tuple(replace(check, measure=check.text) for check in rule) for rule in (claim.must, claim.should))
    measured = replace(record, measures={row.check.text: row.deciding for row in rows})
    after = judge(replace(claim, must=must, should=should), lambda _: measured).status
    turned = tuple(row.check.text for row in rows if row.check.holds(row.deciding) != row.check.holds(row.recorded))
    return [Change(claim.id, verdict.status, after, turned)] if turned and after != verdict.status else []


# --- what is shown ----------------------------------------------------------------------------------------------------


def head(outcome: Outcome) -> str:
    """A line: the record, its code, its re-run."""
    recorded, now = outcome.recorded, outcome.now
    where, code = recorded.provenance, "unchanged" if outcome.code_unchanged else "changed"
    later = f", measured again {where['measured']['date'][:10]}" if "measured" in where else ""
    made = f"{recorded.profile} profile, {where['seconds']:.1f} s, {where['date'][:10]}{later}, code {code} since"
    again = f"{now.profile} profile, {now.provenance['seconds']:.1f} s, {outcome.relation}"
    return f"{recorded.experiment}: recorded in the {made}; re-run in the {again}"


def table(outcome: Outcome) -> list[list[str]]:
    """A line a check under a line of names; empty where no check decides anything."""
    lines = [
        [row.claim, row.check.text, str(row.recorded), "-" if row.now is None else str(row.now), row.found]
        for row in outcome.rows
    ]
    return [["claim", "rule", "recorded", "re-run", ""], *lines] if lines else []


def notes(outcome: Outcome) -> list[str]:
    """Lines under the table: what changed, what was not tested or not run and why, the measures that decide nothing."""
    lines = [f"VERDICT CHANGED: {_changed(change)}" for change in outcome.changes]
    if outcome.bits is not None:
        other = f"OTHER BITS on the same kind of CPU: {outcome.bits}"
        lines.append(other if outcome.bits else TO_THE_BIT)
    lines += [f"{claim} is not tested by the record: {why}" for claim, why in outcome.untested.items()]
    lines += [f"not run here: {why}" for why in outcome.now.absent]
    if beside := outcome.beside:
        apart = [name for name, found in beside.items() if found == APART]
        named = f" ({', '.join(apart)})" if apart else ""
        lines.append(f"measures that decide nothing: {len(beside) - len(apart)} within, {len(apart)} apart{named}")
    return lines


def _changed(change: Change) -> str:
    return f"{change.claim}, {change.before} -> {change.after} ({'; '.join(change.checks)})"


def summary(outcomes: Sequence[Outcome]) -> str:
    """A line of counts, and one for each verdict that changed."""
    whole, changes = document(outcomes), [change for outcome in outcomes for change in outcome.changes]
    shown = ", ".join(f"{n} {found}" for found, n in whole["found"].items() if n or found in (WITHIN, APART))
    ends = {0: "no verdict changed", 1: "1 verdict changed:"}.get(len(changes), f"{len(changes)} verdicts changed:")
    checks = f"{whole['checks']} deciding checks ({whole['judged']} of them can change a verdict)"
    records = f"{len(outcomes)} record{'' if len(outcomes) == 1 else 's'}"
    return "\n".join([f"{records}, {checks}: {shown}; {ends}", *map(_changed, changes)])


def document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All of it, JSON-able."""
    rows = [row for outcome in outcomes for row in outcome.rows]
    counts = Counter(row.found for row in rows)
    return {
        "records": [_shown(outcome) for outcome in outcomes],
        "checks": len(rows),
        "judged": sum(row.judged for row in rows),
        "found": {found: counts[found] for found in FOUND},
        "changed": [asdict(change) for outcome in outcomes for change in outcome.changes],
    }


def _shown(outcome: Outcome) -> dict[str, Any]:
    recorded, now = ({"profile": r.profile, **r.provenance} for r in (outcome.recorded, outcome.now))
    rows = [{**asdict(row), "rule": row.check.text} for row in outcome.rows]
    checks = [{name: row[name] for name in ("claim", "rule", "recorded", "now", "found", "judged")} for row in rows]
    return {
        "record": outcome.recorded.experiment, "recorded": recorded, "now": now, "runs": outcome.relation,
        "code_unchanged": outcome.code_unchanged, "checks": checks, "untested": outcome.untested,
        "absent": outcome.now.absent, "beside": outcome.beside, "bits": outcome.bits,
    }  # fmt: skip
