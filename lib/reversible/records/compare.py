"""Whether a re-run agrees with its record: to the bit where it must, by one joint test elsewhere.

*To the bit.* The same cells, by the same code and versions, on the same kind of arithmetic, have the same rows. What
took how many seconds does not count.

*By the joint test.* On another kind of CPU, and with other seeds, numbers differ. A record's measures are read off its
cells, and another profile has other cells. So a number of the re-run is an estimate of the same thing as the recorded
one in two cases only. SAME: the very cells of the record were run. ALIKE: all that were run are among the record's, or
they are the record's but for seeds and the number of repeats. All else is OTHER: a slope over smaller nets, or the
error of another "widest" one, may differ and everybody be right.

Two estimates a and b of the same thing have independent errors, or share seeds, which draws them nearer to each other.
The longer arm of an interval over 1.96 is the standard error of many repeats and more than that of few, for their
interval is wider by Student's quantile; times sqrt(n) it is the spread of a repeat. With D the larger spread of the
two, t = (a - b) / (D sqrt(1 / n_a + 1 / n_b)) is the statistic of Student's test of two samples, but for its D, which
is at least their pooled spread: its tails are at most those of Student's t with n_a + n_b - 2 degrees of freedom. A
book has K checks that decide claims. Whatever their dependence, the probability that one of them has
p < FALSE_ALARM / (2 K) by chance is at most FALSE_ALARM / 2: that is all that `apart` means, and nothing less stops a
build. This is exact for normal repeats. Simulated skewed, discrete and log-normal ones, few against few and few
against many, keep to it down to the level that decides (`benchmarks/agreement.py`); Welch's test, which takes each
side's own spread, does not.

Three kinds of measures are told apart from these, as the experiment says. Standard scores against an exact law are
about 1 at every size as long as the law holds; their root mean square is held against LIVE_LIMIT, which N independent
ones exceed with probability P(chi^2_N > 9 N): 6e-6 for three, far less for more; the other half of FALSE_ALARM covers
them.
Measures of time hang on the machine. Counts, worst cases and others without an interval have no scale.

*Settings that were chosen.* A live run takes the learning rates of its record. Where they are chosen again (profile
`full`), another choice is another thing to estimate: measures that hang on such a cell are shown and not judged.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from scipy import special

from reversible.base.arithmetic import in_words
from reversible.base.estimates import Estimate
from reversible.records.claims import Claim
from reversible.records.record import Record
from reversible.runs.experiment import Experiment

FALSE_ALARM = 1e-4  # a build's probability to be stopped by chance
LIVE_LIMIT = 3.0  # standard scores of a run against the exact law, root mean square: about 1 where the law holds
SAME, ALIKE, OTHER = "the same runs", "the same sizes", "other sizes"
UNKNOWN = "a CPU that the record does not name"


# --- what was run -----------------------------------------------------------------------------------------------------


def relation(experiment: Experiment, recorded: Record, now: Record) -> str:
    """Whether `now` holds the SAME runs as the record, ALIKE ones, or OTHER ones."""
    if _ran(recorded) == _ran(now):
        return SAME
    then, here = ({text(experiment.place(json.loads(cell))) for cell in _ran(record)} for record in (recorded, now))
    return ALIKE if among(recorded, now) or then == here else OTHER


def among(recorded: Record, now: Record) -> bool:
    """All cells that `now` ran are among those of the record, and what it could not run the record could not either."""
    ran = _ran(now)
    return bool(ran) and ran == _asked(now) & _ran(recorded)


def rows_of(record: Record) -> dict[str, dict[str, Any]]:
    """The row of each cell that was run, by the cell's `text`."""
    return {text(cell): row for cell, row in record.pairs() if "absent" not in row}


def text(cell: Any) -> str:
    """What tells a cell from others."""
    return json.dumps(cell, sort_keys=True)


def _asked(record: Record) -> set[str]:
    return {text(cell) for cell in record.parameters["cells"]}


def _ran(record: Record) -> set[str]:
    return _asked(record) & set(rows_of(record))


# --- to the bit -------------------------------------------------------------------------------------------------------


def must_be_equal(recorded: Record, now: Record) -> bool:
    """Both have run some cell, by the same code and versions, on one and the same kind of arithmetic."""
    if not _ran(recorded) & _ran(now):
        return False
    then, here = recorded.provenance, now.provenance
    kinds = then.get("arithmetic", [])
    same_kind = len(kinds) == 1 and kinds == here.get("arithmetic")
    return same_kind and then["versions"] == here["versions"] and recorded.code_unchanged


def difference(recorded: Record, now: Record) -> str:
    """The first number of a cell that both have run in which they differ, in words; empty where there is none."""
    then, here = rows_of(recorded), rows_of(now)
    for place, cell in enumerate(now.parameters["cells"]):
        if text(cell) in then and text(cell) in here:
            for where, one, other in _differences(then[text(cell)], json.loads(text(here[text(cell)]))):
                return f"cell {place + 1}, {where.lstrip('.')}: {other} just now, {one} recorded"
    return ""


def _differences(one: Any, other: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            if name != "seconds":
                yield from _differences(one[name], other[name], f"{where}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, pair in enumerate(zip(one, other, strict=True)):
            yield from _differences(*pair, f"{where}[{i}]")
    elif one != other:
        yield where, one, other


# --- by the joint test ------------------------------------------------------------------------------------------------


def deciding(claims: Iterable[Claim], experiment: str) -> list[str]:
    """The measures of `experiment` that decide claims, each once."""
    rules = [claim for claim in claims if claim.record == experiment]
    return list(dict.fromkeys(check.measure for claim in rules for check in (*claim.must, *claim.should)))


def allowed(claims: Sequence[Claim]) -> float:
    """The p-value below which one of all checks of these claims is apart."""
    return FALSE_ALARM / 2 / max(1, sum(len(claim.must) + len(claim.should) for claim in claims))


def apart(one: Estimate, other: Estimate, limit: float) -> bool:
    """Two estimates of the same thing, both with an interval, differ by more than chance does: p < `limit`."""
    return has_interval(one) and has_interval(other) and p_value(one, other) < limit


def p_value(one: Estimate, other: Estimate) -> float:
    """Of two estimates of the same thing: see the head of this module.

    >>> p_value(Estimate(0.0, (-1.0, 1.0), 100), Estimate(0.1, (-0.9, 1.1), 100)) > 0.5
    True
    """
    arms = [max(e.ci95[1] - e.mean, e.mean - e.ci95[0]) for e in (one, other)]
    spread = max(arm / 1.96 * math.sqrt(e.n) for arm, e in zip(arms, (one, other), strict=True))
    t = abs(one.mean - other.mean) / (spread * math.sqrt(1 / one.n + 1 / other.n))
    return 2 * float(special.stdtr(one.n + other.n - 2, -t))


def has_interval(estimate: Estimate) -> bool:
    """Several repeats stand behind it, and they were not all the same."""
    return estimate.n > 1 and estimate.ci95[0] < estimate.ci95[1]


def can_be_apart(experiment: Experiment, measure: str, one: Estimate, other: Estimate, how: str) -> bool:
    """Both are estimates of the same thing, of runs related as `how` says, and hang on no clock."""
    return how != OTHER and not experiment.is_timed(measure) and has_interval(one) and has_interval(other)


def off_the_law(experiment: Experiment, record: Record) -> dict[str, Estimate]:
    """The standard scores against an exact law that lie above `LIVE_LIMIT`."""
    return {name: e for name, e in record.measures.items() if experiment.is_score(name) and e.mean > LIVE_LIMIT}


# --- both -------------------------------------------------------------------------------------------------------------


def contradiction(
    experiment: Experiment, recorded: Record, now: Record, claims: Sequence[Claim], touched: Collection[str] = ()
) -> str:
    """What in the re-run contradicts the law or the record, in a line; empty where nothing does.

    `claims` are all of the book; `touched` are the measures that hang on settings chosen otherwise than in the record.
    """
    for name, estimate in off_the_law(experiment, now).items():
        return f"{name} = {estimate.mean:.3g} is above {LIVE_LIMIT:g} (on {where(now)})"
    if must_be_equal(recorded, now) and (found := difference(recorded, now)):
        return f"other bits than recorded on the same kind of CPU, {where(now)}: {found}"
    how, limit = relation(experiment, recorded, now), allowed(claims)
    for name in deciding(claims, experiment.name):
        if name in now.measures and name in recorded.measures and name not in touched:
            then, here = recorded.measures[name], now.measures[name]
            if can_be_apart(experiment, name, then, here, how) and apart(then, here, limit):
                both = f"{here} just now on {where(now)}, {then} recorded on {where(recorded)}"
                return f"{name} = {both}: p = {p_value(then, here):.1g}, allowed is {limit:.1g}"
    return ""


def where(record: Record) -> str:
    """The kinds of arithmetic that a record was made by, in words."""
    return " and ".join(map(in_words, record.provenance.get("arithmetic", []))) or UNKNOWN
