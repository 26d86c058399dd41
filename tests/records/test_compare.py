"""When a re-run contradicts its record: never by chance, always by a fault; to the bit on one kind of CPU."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from reversible.base.arithmetic import arithmetic, cpu_model, in_words
from reversible.base.estimates import Estimate, jackknife, pooled, ratio
from reversible.book import cards
from reversible.book import chapter as chapters
from reversible.papers import EXPERIMENTS
from reversible.records import make
from reversible.records.claims import Check, Claim, read_claims
from reversible.records.compare import FALSE_ALARM, LIVE_LIMIT, allowed, apart, contradiction, difference, p_value
from reversible.records.record import Record, book_folder, read_record
from reversible.runs.experiment import Experiment

RNG = np.random.default_rng(15)


def means(draw, n):
    return lambda: Estimate.of(draw(n))


def shares(n):
    return lambda: Estimate.of_share(RNG.random(n) < 0.2)


SAME_THING = {  # two ways to estimate one and the same number
    "normal": (means(RNG.standard_normal, 10), means(RNG.standard_normal, 10)),
    "skewed": (means(RNG.standard_exponential, 10), means(RNG.standard_exponential, 10)),
    "skewed, few and many": (means(RNG.standard_exponential, 10), means(RNG.standard_exponential, 200)),
    "few and many": (means(RNG.random, 4), means(RNG.random, 40)),
    "two values": (means(RNG.standard_normal, 2), means(RNG.standard_normal, 10)),
    "shares": (shares(10), shares(40)),
    "pooled": (lambda: pooled([means(RNG.standard_normal, 5)() for _ in range(3)]), means(RNG.standard_normal, 20)),
    "ratios": (lambda: ratio(*(means(lambda n: 9 + RNG.random(n), 8)() for _ in range(2))),) * 2,
}


@pytest.mark.parametrize("name", SAME_THING)
def test_chance_is_not_taken_for_a_difference(name):
    one, other = SAME_THING[name]
    found = np.array([p_value(one(), other()) for _ in range(10_000)])
    for level in (0.05, 0.01, 0.001):
        allowed_by_chance = stats.binom.isf(1e-6, len(found), level)
        assert np.sum(found < level) <= allowed_by_chance, level


def test_a_jackknife_of_twenty_is_not_taken_for_a_difference():
    values = [jackknife(lambda x: float(np.log(x.var(ddof=1))), RNG.standard_normal(20)) for _ in range(600)]
    found = np.array([p_value(a, b) for a, b in zip(values[::2], values[1::2], strict=True)])
    assert np.sum(found < 0.01) <= stats.binom.isf(1e-6, len(found), 0.01)


def test_the_tail_that_decides_is_that_of_students_t():
    """The p-value is above that of Student's test of two samples, and the same for many repeats of one spread."""
    one, other = RNG.standard_normal(10), 3 * RNG.standard_normal(20)
    for shift in (1.0, 4.0, 9.0):
        _, student = map(float, stats.ttest_ind(one, other + shift))
        assert student < p_value(Estimate.of(one), Estimate.of(other + shift)) < student**0.3
    many = RNG.standard_normal(100_000)
    _, student = map(float, stats.ttest_ind(many, many + 0.02))
    assert p_value(Estimate.of(many), Estimate.of(many + 0.02)) == pytest.approx(student, rel=0.01)


def test_a_difference_of_many_errors_is_seen():
    one = Estimate.of(RNG.standard_normal(10))
    limit = allowed(read_claims(book_folder()))
    assert not apart(one, Estimate.of(RNG.standard_normal(10) + 1), limit)
    assert apart(one, Estimate.of(RNG.standard_normal(10) + 8), limit)


def test_what_has_no_interval_cannot_be_apart():
    same = Estimate(0.5, (0.5, 0.5), 10)
    assert not apart(same, Estimate(0.7, (0.69, 0.71), 10), 0.05)
    assert not apart(Estimate.exact(1.0), Estimate.exact(2.0), 0.05)
    none_of_ten, half_of_ten = (Estimate.of_share([share] * 5 + [0] * 5) for share in (0, 1))
    assert apart(none_of_ten, half_of_ten, 0.05) == (p_value(none_of_ten, half_of_ten) < 0.05)


def test_false_alarms_of_all_checks_and_all_scores_stay_below_what_is_promised():
    """The scores of one cell may hang together, so that a cell counts as one; the fewest are in the smallest runs."""
    claims = read_claims(book_folder())
    by_chance = allowed(claims) * sum(len(claim.must) + len(claim.should) for claim in claims)
    scores = {file.stem: scores_in(file) for file in (book_folder() / "results").glob("*.json")}
    assert sum(scores.values()) > 10
    for name, number in scores.items():
        cells = len(EXPERIMENTS[name].cells("smoke")) if number else 1
        by_chance += number * stats.chi2.sf(cells * LIVE_LIMIT**2, cells)
    assert by_chance <= FALSE_ALARM


def scores_in(file):
    """How many measures of a record are scores: a live run is held against each, whether or not a claim reads it."""
    return sum(map(EXPERIMENTS[file.stem].is_score, read_record(file).measures))


# --- records ----------------------------------------------------------------------------------------------------------

HERE = {"versions": {"numpy": "1"}, "arithmetic": [arithmetic()], "device": "CPU", "seconds": 1.0, "date": "2026-01-01",
        "module": "reversible.theory.one_layer", "commit": "unknown"}  # fmt: skip
X = Experiment(list, int, dict, timed=("equal_time_gain",), scores=("rms_z",), name="x")
CELL = {"n": 3, "widths": [2, 1]}
CLAIM = Claim(id="T", chapter="demo", source="", whose="paper", says="", record="x",
              must=(Check.parse("gain >= 0"), Check.parse("equal_time_gain >= 0")))  # fmt: skip
NEAR, FAR = Estimate(0.2, (0.1, 0.3), 20), Estimate(0.9, (0.8, 1.0), 20)


def record(gain=NEAR, profile="book", value=0.25, cells=(CELL,), elsewhere=False, **measures):
    kind = {**arithmetic(), "cpu": "another"} if elsewhere else arithmetic()
    rows = [{"value": value, "seconds": 9.0} for _ in cells]
    measures = {"gain": gain, "equal_time_gain": NEAR, **measures}
    return Record("x", profile, {"cells": list(cells)}, measures, rows, {}, {**HERE, "arithmetic": [kind]})


@pytest.fixture(autouse=True)
def unchanged_code(monkeypatch):
    monkeypatch.setattr(Record, "code_unchanged", True)
    monkeypatch.setattr(Record, "changed_since", [])


def test_the_same_rows_agree_whatever_the_seconds():
    now = record()
    now.rows[0]["seconds"] = 5.0
    assert contradiction(X, record(), now, [CLAIM]) == ""


def test_other_bits_on_the_same_kind_of_cpu_are_named():
    found = contradiction(X, record(), record(value=0.25000000000000006), [CLAIM])
    assert "other bits than recorded on the same kind of CPU, " in found
    assert found.endswith("cell 1, value: 0.25000000000000006 just now, 0.25 recorded")


@pytest.mark.parametrize(
    "why", ["another CPU", "other versions", "other code", "a record that names no CPU", "two CPUs"]
)
def test_elsewhere_bits_may_differ(why, monkeypatch):
    recorded, now = record(), record(value=0.3, elsewhere=why == "another CPU")
    if why == "other versions":
        now.provenance["versions"] = {"numpy": "2"}
    elif why == "other code":
        monkeypatch.setattr(Record, "code_unchanged", False)
    elif why == "a record that names no CPU":
        del recorded.provenance["arithmetic"]
    elif why == "two CPUs":
        for one in (recorded, now):
            one.provenance["arithmetic"] = [arithmetic(), {**arithmetic(), "cpu": "another"}]
    assert contradiction(X, recorded, now, [CLAIM]) == ""


def test_a_number_far_from_the_recorded_one_is_named_with_both_kinds_of_cpu():
    found = contradiction(X, record(), record(gain=FAR, elsewhere=True), [CLAIM])
    assert found.startswith("gain = 0.90 [0.80, 1.00] just now on another, ")
    assert f"0.20 [0.10, 0.30] recorded on {in_words(arithmetic())}: p = " in found
    assert "\n" not in found


def test_intervals_that_do_not_meet_are_no_contradiction():
    """Two of them stopped the book on another processor once; of forty pairs every fifth machine would have one."""
    then, here = Estimate(0.0106, (0.0058, 0.0158), 10), Estimate(-0.0008, (-0.0050, 0.0039), 10)
    assert here.ci95[1] < then.ci95[0]
    assert contradiction(X, record(gain=then), record(gain=here, elsewhere=True), [CLAIM]) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"cells": ({**CELL, "n": 4},)},  # another cell may measure something else
        {"cells": (CELL, {**CELL, "n": 4})},
        {"gain": NEAR, "equal_time_gain": FAR},  # read off seconds, which are the machine's
        {"gain": NEAR, "else": FAR},  # decides no claim
        {"gain": Estimate.exact(0.9)},
    ],
)
def test_what_is_not_an_estimate_of_the_same_thing_may_be_far_off(change):
    recorded = replace(record(profile="full"), measures={**record().measures, "else": NEAR})
    assert contradiction(X, recorded, record(**{"gain": FAR, **change}, elsewhere=True), [CLAIM]) == ""


def test_other_draws_of_the_same_sizes_are_held_against_the_record():
    recorded, now = record(cells=({**CELL, "seed": 1},)), record(gain=FAR, cells=({**CELL, "seed": 2},))
    assert contradiction(X, recorded, now, [CLAIM]).startswith("gain = ")
    assert (
        contradiction(X, recorded, now, [CLAIM], touched={"gain"}) == ""
    )  # where a learning rate was chosen otherwise


def test_a_score_off_the_law_is_a_contradiction_at_any_size():
    now = record(cells=({"n": 99},), rms_z=Estimate.exact(3.5))
    assert contradiction(X, record(), now, [CLAIM]).startswith("rms_z = 3.5 is above 3")


def test_rows_of_another_shape_differ():
    now = record()
    now.rows[0]["more"] = 1
    assert "more" in difference(record(), now)


def test_the_cpu_is_named_whatever_the_system_says(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("model name\t: Some CPU\ncpu family\t: 6\nmodel\t\t: 8\n\nmodel name\t: Second\n")
    assert cpu_model(file) == "Some CPU (family 6, model 8)"
    file.write_text("CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\n")
    assert cpu_model(file).endswith("(CPU implementer 0x41, CPU part 0xd0c)")
    assert cpu_model(tmp_path / "none") != ""


# --- chapters ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def live(monkeypatch):
    """A chapter's live run, with the record and the re-run that a test hands in."""

    def shown(recorded, now, *only):
        monkeypatch.setattr(make, "again", lambda *_: (now, frozenset()))
        monkeypatch.setattr(chapters, "EXPERIMENTS", {"x": X})
        monkeypatch.setattr(cards, "EXPERIMENTS", {"x": X})
        monkeypatch.setattr(chapters.Chapter, "record", lambda *_: recorded)
        return chapters.Chapter("demo", "book", Path(), (CLAIM,)).live("x", *only).content

    return shown


def test_a_live_run_says_how_it_was_held_against_the_record(live):
    assert "to the bit" in live(record(), record())
    assert "agrees with the stored one within" in live(record(), record(value=0.3, elsewhere=True))
    assert "other sizes" in live(record(), record(cells=({"n": 99},)))


def test_a_live_run_that_contradicts_its_record_fails_its_chapter(live):
    with pytest.raises(AssertionError, match=r"^x, live: gain = 0\.90"):
        live(record(), record(gain=FAR, elsewhere=True))


def test_a_live_run_shows_no_empty_table_for_a_measure_that_is_not_there(live):
    with pytest.raises(AssertionError, match="x has no measure that begins with noise"):
        live(record(), record(), "gain", "noise")
