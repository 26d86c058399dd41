"""Records run again, number beside number, and whether a verdict changes. No record is written.

A record's measures are read off its cells, and another profile has other cells. So a number of the re-run is an
estimate of the same thing as the recorded one in two cases only. SAME: the very cells of the record were run. ALIKE:
all that were run are among the record's, or they are the record's but for seeds and the number of repeats. All else is
OTHER: a slope over smaller nets, or the error of another "widest" one, may differ and everybody be right. Standard
scores against an exact law ("rms_z" in the name) are an exception: about 1 at every size as long as the law holds.

Each check that decides a claim is told in a word:

- "within": the two 95 % intervals meet; of numbers without an interval (counts, worst cases), they are the same.
- "apart": they do not, or are not, although they are estimates of the same thing. Chance alone does that to one pair of
  intervals of independent runs in two hundred, to one in twenty where one is much the wider: no verdict hangs on it.
- "below 3 (standard score)": scores of other runs than the recorded ones; above 3 they are "apart".
- "no interval (not judged)", "other sizes (not judged)": apart as well, and there is no reason why they should not be.
- "not run in this profile", "data not at hand": the re-run has no such measure.

A verdict changes where the claim's own rule gives another one once the checks below are decided by the re-run, and all
others by the record:

- SAME: every check, but for those on measures of time, which hang on the machine;
- ALIKE, and measures of time: a check that is decided the other way: it held and the whole interval of the re-run lies
  outside of what it allows, or it failed with its whole interval outside and that of the re-run lies inside;
- standard scores of other runs: a check that held, where they lie above `LIVE_LIMIT` now.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from reversible import experiments
from reversible.checks import InputError, one_of
from reversible.estimates import Estimate
from reversible.executors import unfinished
from reversible.results import NOT_TESTED, Check, Claim, Record, Verdict, book_folder, judge, read_claims, read_record

LIVE_LIMIT = 3.0  # standard scores of a run against the exact law: about 1 where the law holds
SEEDS_AND_REPEATS = ("seed", "seeds", "trials", "draws", "batches")  # in a cell: which draws and how many, not of what
NEAR, AS_NEAR = 1e-4, 1e-3  # relative: intervals that meet but for what four digits do not show; what rounding may do
TIMED = ("equal_time_gain", "time_ratio")  # what measures read off seconds begin with
SAME, ALIKE, OTHER = "the same runs", "the same sizes", "other sizes"
WITHIN, APART, BELOW = "within", "apart", f"below {LIVE_LIMIT:g} (standard score)"
NO_INTERVAL, OTHER_SIZES = "no interval (not judged)", "other sizes (not judged)"
NOT_RUN, ABSENT = "not run in this profile", "data not at hand"
FOUND = (WITHIN, APART, BELOW, NO_INTERVAL, OTHER_SIZES, NOT_RUN, ABSENT)


# --- which numbers are estimates of the same thing --------------------------------------------------------------------


def intervals(recorded: Record, now: Record) -> dict[str, str]:
    """Of each measure that both have with an interval: `WITHIN` where the two intervals meet, else `APART`."""
    both = {name: (recorded.measures[name], e) for name, e in now.measures.items() if name in recorded.measures}
    return {name: WITHIN if _meet(*pair) else APART for name, pair in both.items() if all(e.n for e in pair)}


def among(recorded: Record, now: Record) -> bool:
    """All cells that `now` ran are among those of the record, and what it could not run the record could not either."""
    ran = _ran(now)
    return bool(ran) and ran == _asked(now) & _ran(recorded)


def off_the_law(record: Record) -> dict[str, Estimate]:
    """The standard scores against an exact law that lie above `LIVE_LIMIT`."""
    return {name: e for name, e in record.measures.items() if _is_score(name) and e.mean > LIVE_LIMIT}


def relation(recorded: Record, now: Record) -> str:
    """Whether `now` holds the SAME runs as the record, ALIKE ones, or OTHER ones."""
    if _ran(recorded) == _ran(now):
        return SAME
    return ALIKE if among(recorded, now) or _places(recorded) == _places(now) else OTHER


def _meet(one: Estimate, other: Estimate) -> bool:
    gap = max(one.ci95[0], other.ci95[0]) - min(one.ci95[1], other.ci95[1])
    return gap <= NEAR * max(abs(one.mean), abs(other.mean))


def _asked(record: Record) -> set[str]:
    return {_text(cell) for cell in record.parameters["cells"]}


def _ran(record: Record) -> set[str]:
    pairs = zip(record.parameters["cells"], record.rows, strict=False)
    return _asked(record) - {_text(cell) for cell, row in pairs if "absent" in row}


def _places(record: Record) -> set[str]:
    return {_text(json.loads(cell, object_hook=_place)) for cell in _ran(record)}


def _place(cell: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in cell.items() if name not in SEEDS_AND_REPEATS}


def _text(cell: Any) -> str:
    return json.dumps(cell, sort_keys=True)


def _is_score(measure: str) -> bool:
    return "rms_z" in measure


# --- what is run again ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """A record that is to be run again, and the verdicts on the claims that read it."""

    record: Record
    verdicts: tuple[Verdict, ...]


def tasks(names: Sequence[str], profile: str) -> list[Task]:
    """The records of the book with these names, or all that were made on a CPU.

    Raises InputError for a name or a profile that is none, and for a record that is missing, altered, unfit for its
    claims or made on another device: before anything is run.
    """
    one_of("profile", profile, experiments.PROFILES)
    book = book_folder()
    claims = read_claims(book / "claims.toml")
    there = {path.stem for path in (book / "results").glob("*.json")}
    for name in names or sorted(there):
        experiments.module_of(name)
    wanted = dict.fromkeys(names or (name for name in experiments.NAMES if name in there))
    found = [_read(book / "results" / f"{name}.json") for name in wanted]
    elsewhere = [record for record in found if not record.provenance["device"].startswith("CPU")]
    if names and elsewhere:
        where = elsewhere[0].provenance["device"]
        raise InputError(f"{elsewhere[0].experiment} must be a record that was made on a CPU, not on {where}")
    records = [record for record in found if record not in elsewhere]
    if not records:
        raise InputError(f"{book / 'results'} has no record that was made on a CPU")
    return [_task(record, claims) for record in records]


def _read(path: Path) -> Record:
    record = read_record(path)
    if record.experiment != path.stem:
        raise InputError(f"{path} is a record of {record.experiment!r}, not of {path.stem!r}")
    return record


def _task(record: Record, claims: Sequence[Claim]) -> Task:
    own = [claim for claim in claims if claim.record == record.experiment]
    return Task(record, tuple(judge(claim, lambda _: record) for claim in own))


def again(tasks: Sequence[Task], profile: str, executor: Executor | None = None) -> Iterator[Outcome]:
    """Run the records again in `profile`, one by one, and give what came out of each as soon as it is there.

    Finished cells are kept until all is done, those of finished records too: what is stopped goes on.
    """
    journals = []
    for task in tasks:
        name = task.record.experiment
        # Where none can be kept that is said once, not for every record.
        journals.append(None if None in journals else unfinished("verify", *experiments.key_of(name, profile)))
        yield compared(task, experiments.run(name, profile, None, True, executor, journal=journals[-1]))
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
    beside: dict[str, str]  # further measures with an interval that estimate the same thing -> within or apart

    @property
    def code_unchanged(self) -> bool:
        return self.recorded.code_unchanged


def compared(task: Task, now: Record) -> Outcome:
    """The recorded numbers beside those of a re-run, by the rules at the head of this module."""
    recorded, how = task.record, relation(task.record, now)
    rows: list[Row] = []
    changes: list[Change] = []
    for verdict in task.verdicts:  # one that is not tested has no checks
        own = [_row(verdict.claim.id, check, then, now, how) for check, then, _ in verdict.checks]
        rows += own
        changes += _change(verdict, own)
    deciding = {row.check.measure for row in rows}
    beside = {name: found for name, found in intervals(recorded, now).items() if name not in deciding}
    untested = {verdict.claim.id: verdict.why for verdict in task.verdicts if verdict.status == NOT_TESTED}
    return Outcome(recorded, now, how, tuple(rows), tuple(changes), untested, {} if how == OTHER else beside)


def _row(claim: str, check: Check, then: Estimate, record: Record, how: str) -> Row:
    now = record.measures.get(check.measure)
    if now is None:
        return Row(claim, check, then, now, ABSENT if record.absent else NOT_RUN, False, then)
    score = how != SAME and _is_score(check.measure)
    judged = how == SAME or score or (how == ALIKE and bool(then.n and now.n))
    if score:
        found = BELOW if now.mean <= LIVE_LIMIT else APART
    elif _agree(then, now):
        found = WITHIN
    else:
        found = APART if judged else NO_INTERVAL if how == ALIKE else OTHER_SIZES
    deciding = now if judged and _decides(check, then, now, how) else then
    return Row(claim, check, then, now, found, judged, deciding)


def _agree(then: Estimate, now: Estimate) -> bool:
    if then.n and now.n:
        return _meet(then, now)
    return math.isclose(then.mean, now.mean, rel_tol=AS_NEAR, abs_tol=1e-9)


def _decides(check: Check, then: Estimate, now: Estimate, how: str) -> bool:
    """It is the re-run that decides the check, not the record."""
    outside = [e.ci95[1] < check.low or check.high < e.ci95[0] for e in (then, now)]
    if how == SAME and not check.measure.startswith(TIMED):
        return True
    if how != SAME and _is_score(check.measure):
        return check.holds(then) and now.mean > LIVE_LIMIT
    return outside[1] if check.holds(then) else outside[0] and check.holds(now)


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
    return [] if after == verdict.status else [Change(claim.id, verdict.status, after, turned)]


# --- what is shown ----------------------------------------------------------------------------------------------------


def head(outcome: Outcome) -> str:
    """A line: the record, its code, its re-run."""
    recorded, now = outcome.recorded, outcome.now
    where, code = recorded.provenance, "unchanged" if outcome.code_unchanged else "changed"
    made = f"{recorded.profile} profile, {where['seconds']:.1f} s, {where['date'][:10]}, code {code} since"
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
        "absent": outcome.now.absent, "beside": outcome.beside,
    }  # fmt: skip
