"""`reversible verify` as a user types it: what is printed, what is refused first, Ctrl-C; this book's own records."""

import json
from dataclasses import replace

import pytest

from reversible import cli
from reversible.base.journal import Journal
from reversible.records import make, verify
from reversible.records import record as results
from reversible.records.record import read_record, write_record
from reversible.records.verify import APART, WITHIN
from reversible.theory import one_layer as laws
from two_records import EXPERIMENTS, FEWER, Result, file_of, interval, remake, two_records


@pytest.fixture
def world(tmp_path, monkeypatch):
    return two_records(tmp_path, monkeypatch)


def typed(capsys, *words):
    status = cli.main(["verify", *words])
    out, err = capsys.readouterr()
    return status, out, err


def kept():
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in file_of("first").parent.iterdir()}


def test_nothing_changed(world, capsys):
    before = kept()
    world.measures["else"] = interval(7.0, 8.0)
    status, out, err = typed(capsys, "--profile", "full")
    assert (status, err) == (0, "")
    assert "first: recorded in the full profile, " in out
    assert ", code unchanged since; re-run in the full profile, " in out
    assert "T1     gain = 1 +- 0.1  1.000 [0.950, 1.050]  1.000 [0.950, 1.050]  within\n" in out
    assert "measures that decide nothing: 1 within, 1 apart (else)" in out
    counts = "3 within, 0 apart, 1 below 3 (standard score)"
    summary = f"2 records, 4 deciding checks (2 of them can change a verdict): {counts}; no verdict changed"
    assert out.splitlines()[-1] == summary
    assert len(world.ran) == 6
    assert kept() == before


def test_a_verdict_that_changed_is_named_and_is_status_1(world, capsys):
    world.measures["gain"] = interval(1.45, 1.55)
    status, out, _ = typed(capsys)
    assert status == 1
    change = "T1, reproduced -> not reproduced (gain = 1 +- 0.1)"
    assert f"    VERDICT CHANGED: {change}\n" in out
    assert out.splitlines()[-2].endswith("; 1 verdict changed:")
    assert out.splitlines()[-1] == change


def test_numbers_that_are_apart_and_bits_that_differ_are_status_1_under_the_same_verdict(world, capsys):
    world.measures["gain"] = interval(0.949, 0.951)
    remake()
    world.measures["gain"] = interval(1.049, 1.051)
    status, out, _ = typed(capsys, "first")
    assert (status, "1 record, 3 deciding checks (2 of them can change" in out, " 1 apart" in out) == (1, True, True)
    world.measures["gain"] = interval(0.949, 0.951)
    world.run_cell = lambda cell: Result(0)
    status, out, _ = typed(capsys, "first", "--profile", "full")
    assert (status, "OTHER BITS" in out, "no verdict changed" in out) == (1, True, True)


def test_each_record_is_shown_as_soon_as_it_is_done(world, capsys):
    shown = []
    run_cell = world.run_cell
    world.run_cell = lambda cell: (shown.append(capsys.readouterr().out), run_cell(cell))[1]
    assert cli.main(["verify", "second", "first", "second"]) == 0
    assert shown[3].startswith("second: recorded in")
    assert shown[:3] == [*shown[4:], ""] == ["", "", ""]
    assert capsys.readouterr().out.count("re-run in") == 1  # the third name is the first again


def test_json_says_what_the_text_says(world, capsys):
    world.measures["gain"] = interval(1.45, 1.55)
    status, out, _ = typed(capsys, "--json")
    text = typed(capsys)[1]
    shown = json.loads(out)
    assert status == 1
    assert shown["changed"] == [
        {"claim": "T1", "before": "reproduced", "after": "not reproduced", "checks": ["gain = 1 +- 0.1"]}
    ]
    assert [record["record"] for record in shown["records"]] == ["first", "second"]
    first = shown["records"][0]
    assert (first["runs"], first["code_unchanged"], first["beside"]) == (
        "the same sizes", True, {"else": WITHIN, "equal_time_gain": WITHIN},
    )  # fmt: skip
    assert (first["recorded"]["profile"], first["now"]["profile"]) == ("full", "book")
    checks = [check for record in shown["records"] for check in record["checks"]]
    assert checks[0] == {
        "claim": "T1", "rule": "gain = 1 +- 0.1", "found": APART, "judged": True,
        "recorded": {"mean": 1.0, "ci95": [0.95, 1.05], "n": 9}, "now": {"mean": 1.5, "ci95": [1.45, 1.55], "n": 9},
    }  # fmt: skip
    assert all(f"{check['claim']}     {check['rule']}" in text for check in checks)
    assert shown["checks"] == len(checks) == sum(shown["found"].values()) == 4
    counts = ", ".join(f"{n} {word}" for word, n in shown["found"].items() if n)
    assert f"4 deciding checks ({shown['judged']} of them can change a verdict): {counts}; 1 verdict" in text


def test_code_that_changed_is_said(world, capsys, monkeypatch):
    now = results.meaning_of("first", "two_records")
    monkeypatch.setattr(results, "meaning_of", lambda *_: replace(now, digest="other"))
    assert "code changed since" in typed(capsys, "first")[1]


def altered(world):
    file_of("second").write_text(file_of("second").read_text().replace("0.1", "0.11", 1))


def cut_short(world):
    file_of("second").write_text(file_of("second").read_text()[:99])


def copied(world):
    file_of("second").write_bytes(file_of("first").read_bytes())


def on_a_gpu(world):
    record = read_record(file_of("second"))
    write_record(replace(record, provenance={**record.provenance, "device": "NVIDIA H200"}), file_of("second"))


def rule_edited(world):
    claims = verify.book_folder() / "claims" / "demo.toml"
    claims.write_text(claims.read_text().replace("equal_time_gain >= 0", "equal_time_gain >= -1"))


def unmeasured(world):
    rule_edited(world)
    claims = verify.book_folder() / "claims" / "demo.toml"
    claims.write_text(claims.read_text().replace("equal_time_gain", "height"))


def stray(world):
    write_record(read_record(file_of("first")), file_of("draft"))


def none_there(world):
    for name in EXPERIMENTS:
        file_of(name).unlink()


@pytest.mark.parametrize(
    ("spoil", "words", "says"),
    [
        (None, ["third"], "experiment must be one of first, second, not 'third'"),
        (none_there, ["second"], "cannot read the record book/results/second.json: it is not there"),
        (none_there, [], "book/results has no record that was made on a CPU"),
        (None, ["--profile", "huge"], "profile must be one of smoke, book, full, not 'huge'"),
        (None, ["--workers", "0"], "workers must be an integer from 1 to 1024, not '0'"),
        (None, ["--workers", "2", "--scheduler", "x:1"], "workers must be 1 where a scheduler has its own"),
        (None, ["--out=x.json"], "unrecognized arguments: --out=x.json"),
        (altered, [], "book/results/second.json was altered after the run"),
        (altered, ["first", "second"], "book/results/second.json was altered after the run"),
        (cut_short, [], "book/results/second.json is not a whole record"),
        (copied, [], "book/results/second.json is a record of 'first', not of 'second'"),
        (stray, [], "experiment must be one of first, second, not 'draft'"),
        (on_a_gpu, ["second"], "second must be a record that was made on a CPU, not on NVIDIA H200"),
        (unmeasured, [], "claim T2: the record of second measures no 'height'"),
    ],
)
def test_what_cannot_be_verified_is_one_line_and_status_2_before_anything_is_run(world, capsys, spoil, words, says):
    if spoil:
        spoil(world)
    status, out, err = typed(capsys, *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("reversible: ")
    assert says in err
    assert world.ran == []


def test_a_verdict_whose_rule_was_edited_cannot_stand_and_nothing_is_run(world, capsys):
    rule_edited(world)
    told = "reversible: rule changed after the run; make the record again for T2 (reversible run second)\n"
    assert typed(capsys) == (1, "", told)
    assert world.ran == []


def test_what_is_not_asked_for_is_not_looked_at(world, capsys):
    altered(world)
    assert typed(capsys, "first")[0] == 0


def test_records_of_other_devices_are_left_out(world, capsys):
    on_a_gpu(world)
    assert "\n1 record, 3 deciding checks" in typed(capsys)[1]


def test_ctrl_c_then_the_same_command_goes_on(world, capsys, tmp_path):
    before = kept()
    world.stop_at = FEWER[1].seed
    both = [*FEWER, *FEWER]
    status, out, err = typed(capsys)
    assert (status, out, err.count("\n")) == (130, "", 1)
    assert "stopped; 1 of 3 cells are kept, and the same command goes on from them" in err
    world.stop_at, run_cell = -1, world.run_cell

    def stop_in_the_second(cell):
        if len(world.ran) == 4:
            raise KeyboardInterrupt
        return run_cell(cell)

    world.run_cell = stop_in_the_second
    status, out, _ = typed(capsys)
    assert (status, out.count("re-run in"), "verdict changed" in out) == (130, 1, False)
    world.run_cell = run_cell
    status, out, _ = typed(capsys)
    assert (status, out.count("re-run in"), world.ran) == (0, 2, both)  # no cell twice
    assert list(tmp_path.glob("cache/reversible/unfinished/*")) == []
    typed(capsys)
    assert world.ran == both + both
    assert kept() == before


def test_what_an_unfinished_run_has_kept_is_not_taken_for_a_rerun(world, capsys):
    journal = Journal.of(*make.key_of(EXPERIMENTS["second"], "book"))
    for cell in FEWER:
        journal.keep(cell, Result(0))
    assert typed(capsys, "second")[0] == 0
    assert world.ran == FEWER
    assert journal.read(FEWER[0])  # and it is still there for that run


def test_a_cache_that_cannot_be_written_is_said_once(world, capsys, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    status, _, err = typed(capsys)
    assert (status, err.count("\n")) == (0, 1)
    assert "a run that is stopped begins anew" in err


# --- this book --------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_records_of_this_book(own_cache, capsys):
    status, out, err = typed(capsys, "baby-theorem", "technical-lemma", "--profile", "smoke")
    assert (status, err) == (0, "")
    assert "technical-lemma: recorded in the full profile" in out
    assert ", the same sizes\n" in out
    assert out.splitlines()[-1].startswith("2 records, 9 deciding checks (2 of them can change a verdict): ")


def test_a_law_that_is_wrong_is_seen_at_other_sizes_too(own_cache, capsys, monkeypatch):
    right = laws.relative_risk
    monkeypatch.setattr(laws, "relative_risk", lambda *a, **k: 1.15 * right(*a, **k))
    status, out, _ = typed(capsys, "inference-dropout", "--profile", "smoke")
    assert status == 1
    assert "    OFF THE LAW: rms_z = " in out
