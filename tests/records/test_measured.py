"""Records measured again without a run: what is kept, what is said, and what is refused."""

import json
import shutil
from dataclasses import replace

import pytest

from helpers import refusal
from reversible import cli
from reversible.base import meaning
from reversible.base.estimates import Estimate
from reversible.book.cards import where_it_ran
from reversible.papers import EXPERIMENTS
from reversible.records import make, measured
from reversible.records import record as results
from reversible.records.claims import RULE_CHANGED, Check, Claim, judge
from reversible.records.measured import measured_again, pairs_of
from reversible.records.record import LIBRARY, read_record, write_record

NAME, LEMMAS = "baby-theorem", "papers/arora2015/experiments/lemmas"
LAW = EXPERIMENTS[NAME]
CLAIM = Claim(
    id="T1", chapter="demo", source="here", whose="paper", says="it holds", record=NAME,
    must=(Check.parse("failure_rate <= 1"),),
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    file = tmp_path_factory.mktemp("made") / f"{NAME}.json"
    write_record(make.run(LAW, "smoke", {CLAIM.id: CLAIM.rule}), file)
    return read_record(file)


def older(record):
    """As of the time before records said what their runs alone meant."""
    return replace(record, provenance={name: of for name, of in record.provenance.items() if name != "runs"})


def wider(pairs):
    return {name: replace(e, ci95=(e.ci95[0] - 5, e.ci95[1] + 5)) for name, e in LAW.measure(pairs).items()}


def by(experiment, **what):
    return replace(experiment, **what)


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """The library as if a piece of it had been edited."""

    def edit(old, new, file=LEMMAS):
        copy = tmp_path / "reversible"
        shutil.copytree(LIBRARY, copy, ignore=shutil.ignore_patterns("__pycache__"))
        text = (copy / f"{file}.py").read_text()
        assert text.count(old) == 1
        (copy / f"{file}.py").write_text(text.replace(old, new))
        for function in (meaning.meaning_of, meaning.meaning_of_runs):
            there = lambda name, module, function=function: function(name, module, copy)  # noqa: E731
            monkeypatch.setattr(results, function.__name__, there)

    return edit


READING = ("logs(math.log(p.m) for p, _ in pairs)]", "logs(p.m for p, _ in pairs)]")
RUNNING = ("int((constants > 1).sum())", "int((constants > 2).sum())")
OTHER_RUN = (
    '"baby-theorem": Experiment(baby_cells, baby_theorem, baby_measures',
    '"baby-theorem": Experiment(baby_cells, baby_cells, baby_measures',
)


def test_a_record_whose_code_is_the_same_has_the_same_measures(made):
    again = measured_again(LAW, made)
    assert again.measures == made.measures
    assert (again.rows, again.parameters, again.rules) == (made.rows, made.parameters, made.rules)
    assert {name: of for name, of in again.provenance.items() if name != "measured"} == made.provenance
    assert again.code_unchanged


def test_other_measures_of_the_same_rows_are_judged_by_the_rule_of_the_run(made):
    again = measured_again(by(LAW, measure=wider), made)
    assert [judge(CLAIM, lambda _, r=r: r).status for r in (made, again)] == ["reproduced", "undecided"]
    later = replace(CLAIM, must=(Check.parse("failure_rate <= 2"),))
    assert judge(later, lambda _: again).status == RULE_CHANGED


@pytest.mark.parametrize("age", [older, lambda record: record])
def test_an_edit_of_the_reading_alone_is_told_from_one_of_the_runs(made, edited, age):
    edited(*READING)
    record = age(made)
    assert record.changed_since == ["papers.arora2015.experiments.lemmas.baby_measures"]
    assert record.runs_changed_since == []
    assert not record.code_unchanged
    assert measured_again(LAW, record).code_unchanged


@pytest.mark.parametrize("age", [older, lambda record: record])
def test_a_record_whose_runs_would_come_out_otherwise_is_refused(made, edited, age):
    edited(*RUNNING)
    says = "baby-theorem cannot be measured again, for what made its rows has changed since the run: "
    assert refusal(lambda: measured_again(LAW, age(made))) == says + "papers.arora2015.experiments.lemmas.baby_theorem"


def test_a_run_put_together_otherwise_of_known_definitions_is_refused(made, edited):
    edited(*OTHER_RUN)
    assert "EXPERIMENTS[baby-theorem]" in refusal(lambda: measured_again(LAW, made))


def test_the_harness_is_part_of_the_runs(made, edited):
    edited("    with one_thread():\n", "    if one_thread():\n", "runs/experiment")
    assert "runs.experiment.on_one_thread" in refusal(lambda: measured_again(LAW, made))


def test_what_was_measured_again_may_be_so_once_more_but_not_after_an_edit_of_the_runs(made, edited):
    again = measured_again(LAW, older(made))
    assert measured_again(LAW, again).measures == made.measures
    edited(*RUNNING)
    assert "baby-theorem cannot be measured again" in refusal(lambda: measured_again(LAW, again))


def test_an_older_record_of_which_nothing_is_known_is_refused(made, tmp_path, monkeypatch):
    unknown = {name: of for name, of in made.provenance.items() if name not in ("meaning", "runs", "definitions")}
    record = replace(made, provenance=unknown | {"code": "0" * 64})
    assert "papers.arora2015.experiments.lemmas" in refusal(lambda: measured_again(LAW, record))


def test_other_cells_by_now_are_refused_and_another_device_is_none(made):
    fewer = by(LAW, cells=lambda profile: LAW.cells(profile)[1:])
    assert "the profile smoke has other cells by now" in refusal(lambda: measured_again(fewer, made))
    cells = [{**cell, "device": "cuda"} for cell in made.parameters["cells"]]
    assert measured._without_device(cells) == measured._without_device(made.parameters["cells"])


def test_a_record_of_another_experiment_is_refused(made):
    other = replace(made, experiment="other")
    assert "must be one of baby-theorem, not of other" in refusal(lambda: measured_again(LAW, other))


LINF = {"mean": 1.0, "ci95": [0.5, 1.5], "n": 3}
ROW = {"linf": LINF, "worst_constant": 1.0, "failures": 0, "predicted_linf": 1.0}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({}, "not nothing"),
        ({"linfs": 1.0}, "not linfs"),
        ({**ROW, "linf": {"mean": 1.0, "n": 3}}, "not linf, worst_constant, failures, predicted_linf"),
        ({**ROW, "more": 1}, "not linf, worst_constant, failures, predicted_linf, more"),
    ],
)
def test_rows_that_lack_what_is_read_are_refused(made, row, says):
    refused = refusal(lambda: measured_again(LAW, replace(made, rows=[row, *made.rows[1:]])))
    wanted = "linf, worst_constant, failures, predicted_linf or absent"
    assert refused == f"row 1 must hold {wanted} as its experiment gives them, {says}"


def test_an_absent_row_is_read_as_one(made):
    pairs = pairs_of(LAW, replace(made, rows=[{"absent": "no data"}, *made.rows[1:]]))
    assert pairs[0][1].absent == "no data"
    assert isinstance(pairs[1][1].linf, Estimate)


def test_a_changed_record_names_the_definitions_at_most_three_and_none_as_markup(made, edited, monkeypatch):
    edited(*RUNNING)
    assert "<strong>code changed since</strong>: <code>papers.arora2015.experiments.lemmas" in where_it_ran(made)
    monkeypatch.setattr(results.Record, "changed_since", ["a", "<b>", "c", "d", "e"])
    assert "<code>a</code>, <code>&lt;b&gt;</code>, <code>c</code> and 2 more" in where_it_ran(made)


def test_the_provenance_says_both_and_so_does_the_page(made, edited):
    edited(*READING)
    run = replace(made, provenance={**made.provenance, "commit": "of the run", "date": "2020-02-02T00:00:00"})
    again = measured_again(LAW, run)
    assert (again.provenance["commit"], again.provenance["date"][:10]) == ("of the run", "2020-02-02")
    later = again.provenance["measured"]
    assert set(later) == set(measured.KEPT)
    assert later["commit"] != "of the run"
    assert later["meaning"] != run.provenance["meaning"]
    said = where_it_ran(again)
    assert f"2020-02-02; measured again, from the same runs, on {later['date'][:10]}; code unchanged since" in said
    assert "measured again" not in where_it_ran(run)


# --- as a user types it -----------------------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path, monkeypatch, made):
    (tmp_path / "book" / "results").mkdir(parents=True)
    (tmp_path / "book" / "claims").mkdir()
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "book" / "results" / f"{NAME}.json"
    write_record(made, file)
    return file


def typed(capsys, *words):
    status = cli.main(["measure", *words])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_command_prints_or_writes_a_sealed_record(book, capsys, tmp_path, made):
    status, out, err = typed(capsys, NAME)
    assert (status, err, "measured" in json.loads(out)["provenance"]) == (0, "", True)
    assert typed(capsys, NAME, "--out", str(book)) == (0, "", "")
    assert read_record(book).measures == made.measures
    assert "measured" in read_record(book).provenance


def test_the_command_refuses_a_broken_seal_and_writes_nothing(book, capsys, tmp_path):
    book.write_text(book.read_text().replace('"n": 20', '"n": 21', 1))
    before = book.read_text()
    status, out, err = typed(capsys, NAME, "--out", str(book))
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "was altered after the run: its seal does not fit its content" in err
    assert book.read_text() == before


def test_the_command_refuses_what_is_no_record(book, capsys):
    assert "is not there" in typed(capsys, "linf-rate")[2]
    status, _, err = typed(capsys, "nothing")
    assert (status, len(err.splitlines())) == (2, 1)
