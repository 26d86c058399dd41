"""What `reversible verify` compares, and what may change a verdict."""

from dataclasses import replace

import pytest

from helpers import refusal
from reversible.base.estimates import Estimate
from reversible.records import compare, make, verify
from reversible.records.claims import Check
from reversible.records.record import read_record
from reversible.records.verify import ABSENT, APART, BELOW, NO_INTERVAL, NOT_RUN, OTHER_SIZES, SECONDS, WITHIN
from two_records import (
    CLAIMS,
    EXPERIMENTS,
    FEWER,
    PART,
    RECORDED,
    SMALLER,
    Cell,
    Result,
    file_of,
    interval,
    remake,
    two_records,
)


@pytest.fixture
def world(tmp_path, monkeypatch):
    return two_records(tmp_path, monkeypatch)


def again(name, profile):
    """What came out of a record's re-run."""
    (outcome,) = verify.again(verify.tasks(EXPERIMENTS, [name], profile), profile)
    return outcome


def found(name, profile, check):
    """What is said of a check: the word, whether it could have changed a verdict, and the verdicts that changed."""
    outcome = again(name, profile)
    row = next(row for row in outcome.rows if row.check.text == check)
    return row.found, row.judged, [(change.claim, change.after) for change in outcome.changes]


@pytest.mark.parametrize(
    ("cells", "missing", "how"),
    [
        (RECORDED, (), compare.SAME),
        (RECORDED[::-1], (), compare.SAME),
        (PART, (), compare.ALIKE),
        (FEWER, (), compare.ALIKE),
        (FEWER + [replace(cell, seed=90) for cell in FEWER], (), compare.ALIKE),  # a place twice, by two seeds
        (FEWER[:2], (), compare.OTHER),  # the widest is another one
        ([*RECORDED, Cell(11, 10, 7)], (), compare.OTHER),
        (SMALLER, (), compare.OTHER),
        ([replace(cell, training=({"seeds": (1,)},)) for cell in FEWER], (), compare.OTHER),
        (RECORDED, (9,), compare.OTHER),  # asked for, but not run: an average over fewer nets is another one
        (PART, (9,), compare.ALIKE),
    ],
)
def test_what_the_rerun_holds_of_the_record(world, cells, missing, how):
    recorded = read_record(file_of("first"))
    world.cells["smoke"], world.missing = cells, missing
    assert compare.relation(EXPERIMENTS["first"], recorded, make.run(EXPERIMENTS["first"], "smoke")) == how


def test_seeds_are_no_place_however_deep_they_lie(world):
    one, other = ([replace(RECORDED[0], training=({"seeds": (seed,), "lr": 1},))] for seed in (1, 2))
    world.cells |= {"full": one, "book": other}
    assert (
        compare.relation(
            EXPERIMENTS["first"], make.run(EXPERIMENTS["first"], "full"), make.run(EXPERIMENTS["first"], "book")
        )
        == compare.ALIKE
    )


def test_what_the_record_could_not_run_is_no_difference(world):
    world.missing = (9,)
    remake()
    recorded = read_record(file_of("first"))
    assert compare.relation(EXPERIMENTS["first"], recorded, make.run(EXPERIMENTS["first"], "full")) == compare.SAME
    world.missing = ()
    assert compare.relation(EXPERIMENTS["first"], recorded, make.run(EXPERIMENTS["first"], "full")) == verify.OTHER


GAIN, WORST, SCORE = "gain = 1 +- 0.1", "worst <= 2", "rms_z <= 1.5"
NO, FAILS, PART_OF = [], [("T1", "not reproduced")], [("T1", "partly")]


@pytest.mark.parametrize(
    ("profile", "check", "now", "word", "judged", "changed"),
    [
        # the very runs, and the same sizes with other draws: only what is apart may change a verdict
        *(
            (profile, *row)
            for profile in ("full", "book")
            for row in [
                (GAIN, interval(0.95, 1.05), WITHIN, True, NO),
                (GAIN, interval(0.95, 1.15), WITHIN, True, NO),
                (GAIN, interval(1.11, 1.20), WITHIN, True, NO),  # outside of what is allowed, but chance may do that
                (GAIN, interval(1.45, 1.55), APART, True, FAILS),
                (GAIN, interval(0.45, 0.55), APART, True, FAILS),
                (WORST, Estimate.exact(1.5), WITHIN, False, NO),
                (WORST, Estimate.exact(1.5004), WITHIN, False, NO),
                (WORST, Estimate.exact(9.0), NO_INTERVAL, False, NO),
                (SCORE, Estimate.exact(1.6), BELOW, True, NO),
                (SCORE, Estimate.exact(3.1), APART, True, PART_OF),
            ]
        ),
        # other sizes: nothing but the exact law is the same there
        ("smoke", GAIN, interval(0.95, 1.05), WITHIN, False, NO),
        ("smoke", GAIN, interval(1.45, 1.55), OTHER_SIZES, False, NO),
        ("smoke", WORST, Estimate.exact(9.0), OTHER_SIZES, False, NO),
        ("smoke", SCORE, Estimate.exact(1.6), BELOW, True, NO),
        ("smoke", SCORE, Estimate.exact(3.1), APART, True, PART_OF),
    ],
)
def test_the_word_and_what_it_may_change(world, profile, check, now, word, judged, changed):
    world.measures[Check.parse(check).measure] = now
    assert found("first", profile, check) == (word, judged, changed)


@pytest.mark.parametrize(("score", "off"), [(2.9, {}), (3.1, {"rms_z_else": Estimate.exact(3.1)})])
def test_a_score_off_the_law_contradicts_at_any_size_though_no_claim_reads_it(world, score, off):
    world.measures["rms_z_else"] = Estimate.exact(score)
    [outcome] = verify.again(verify.tasks(EXPERIMENTS, ["first"], "smoke"), "smoke")
    assert (outcome.off_law, outcome.contradicts, outcome.changes) == (off, bool(off), ())
    assert ("OFF THE LAW: rms_z_else = 3.1 is above 3" in verify.notes(outcome)) == bool(off)


@pytest.mark.parametrize(
    ("then", "now", "changed"),
    [
        (interval(1.5, 1.6), interval(0.95, 1.05), [("T1", "reproduced")]),
        (interval(1.5, 1.6), interval(1.05, 1.15), NO),  # apart, and open
        (interval(1.2, 1.4), interval(0.95, 1.05), NO),
    ],
)
def test_a_check_that_failed_may_hold(world, then, now, changed):
    world.measures["gain"] = then
    remake()
    world.measures["gain"] = now
    assert found("first", "book", GAIN)[2] == changed


def test_a_verdict_that_has_another_reason_does_not_change(world):
    world.measures["worst"] = Estimate.exact(9.0)
    remake()
    world.measures["gain"] = interval(1.45, 1.55)
    assert found("first", "book", GAIN) == (APART, True, NO)


def test_numbers_that_are_apart_under_the_same_verdict_change_none(world):
    world.measures["gain"] = interval(0.949, 0.951)
    remake()
    world.measures["gain"] = interval(1.049, 1.051)
    assert found("first", "book", GAIN) == (APART, True, NO)
    assert again("first", "book").contradicts


def test_of_two_checks_on_one_measure_each_is_decided_by_its_own_limits(world):
    claims = verify.book_folder() / "claims" / "demo.toml"
    claims.write_text(CLAIMS.replace('must = ["gain = 1 +- 0.1", "worst <= 2"]', 'must = ["gain = 1 +- 0.9"]'))
    claims.write_text(claims.read_text().replace('["rms_z <= 1.5"]', '["gain = 1 +- 0.1"]'))
    remake()
    world.measures["gain"] = interval(1.45, 1.55)
    assert found("first", "book", GAIN)[2] == PART_OF


@pytest.mark.parametrize("profile", ["full", "book"])
def test_seconds_hang_on_the_machine(world, profile):
    world.measures["equal_time_gain"] = interval(-9.3, -9.1)
    assert found("second", profile, "equal_time_gain >= 0") == (SECONDS, False, NO)


def test_cells_on_the_same_kind_of_cpu_are_the_same_to_the_bit(world):
    assert again("first", "full").bits == ""
    world.run_cell = lambda cell: Result(cell.size**2 + (cell.size == 7))
    outcome = again("first", "full")
    assert outcome.bits == "cell 2, square: 50 just now, 49 recorded"
    assert outcome.contradicts
    assert verify.notes(outcome)[0].startswith("OTHER BITS on the same kind of CPU: cell 2, square: 50")


def test_a_measure_that_this_profile_does_not_have(world):
    del world.measures["gain"]
    assert found("first", "smoke", GAIN) == (NOT_RUN, False, NO)
    world.missing = (3,)
    assert found("first", "smoke", GAIN) == (ABSENT, False, NO)
    assert verify.notes(again("first", "smoke")) == ["not run here: no data here"]


def test_a_claim_that_the_record_does_not_test_is_said_and_not_compared(world):
    world.missing = (9,)
    del world.measures["gain"]
    remake()
    world.missing, world.measures["gain"] = (), interval(7, 8)
    outcome = again("first", "full")
    assert verify.notes(outcome) == [verify.TO_THE_BIT, "T1 is not tested by the record: no data here"]
    assert (verify.table(outcome), outcome.changes) == ([], ())
    assert "1 record, 0 deciding checks" in verify.summary([outcome])


def test_a_profile_that_is_none_is_refused_before_records_are_read(world):
    file_of("first").write_text("")
    assert (
        refusal(lambda: verify.tasks(EXPERIMENTS, [], "huge")) == "profile must be one of smoke, book, full, not 'huge'"
    )
