"""The command line as a user types it: output, one-line errors, exit status, nothing half-written."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reversible import cli
from reversible.records import record as results

SIMULATE = ["simulate", "one-layer", "--n", "300", "--m", "50", "--k", "5"]


def run(capsys, *words):
    status = cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


def test_simulate_json_holds_what_is_promised(capsys):
    status, out, err = run(capsys, *SIMULATE, "--trials", 20, "--retention", 0.5, "--seed", 3, "--json")
    assert (status, err) == (0, "")
    shown = json.loads(out)
    assert shown["parameters"]["q"] == 0.5
    assert shown["trials"] == 20
    for name in ("mean_gain", "noise_sd_times_sqrt_t", "linf_times_sqrt_t", "relative_error", "support_recovery_rate"):
        assert set(shown[name]) == {"mean", "ci95", "n"}
    low, high = shown["relative_error"]["ci95"]
    assert low < shown["relative_error"]["mean"] < high
    assert shown["predicted_relative_error"] > 0
    assert {"code", "commit", "versions", "device", "seconds", "date"} <= set(shown["provenance"])


def test_simulate_is_repeatable_and_readable(capsys):
    first = run(capsys, *SIMULATE, "--trials", 5)
    assert first == run(capsys, *SIMULATE, "--trials", 5)
    assert "relative_error" in first[1]
    assert "exact law" in first[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([*SIMULATE, "--rho", "0"], "rho must be a number from 1e-12 to 1, not '0'"),
        ([*SIMULATE, "--rho", "nan"], "rho must be a number from 1e-12 to 1, not 'nan'"),
        ([*SIMULATE, "--retention", "1.5"], "q must be a number from 1e-12 to 1, not '1.5'"),
        ([*SIMULATE[:-1], "51"], "k must be an integer from 1 to 50, not '51'"),
        ([*SIMULATE, "--trials", "2.5"], "trials must be an integer from 1 to 1000000000, not '2.5'"),
        ([*SIMULATE, "--alpha", "inf"], "alpha must be a number from 1e-12 to 1e+12, not 'inf'"),
        ([*SIMULATE, "--offset", "best"], "offset must be proof, optimal or a finite number, not 'best'"),
        ([*SIMULATE, "--codes", "poisson"], "codes must be one of binary, uniform, exponential, not 'poisson'"),
        ([*SIMULATE, "--weights", "levy"], "weights must be one of"),
        ([*SIMULATE, "--memory", "0"], "memory must be an integer from 1"),
        ([*SIMULATE, "--batch", "1e9"], "need"),
        (["simulate", "one-layer", "--n", "3"], "required: --m, --k"),
        (["simulate", "two-layer"], "invalid choice: 'two-layer'"),
        ([*SIMULATE, "--nn", "3"], "unrecognized arguments: --nn 3"),
        ([], "required: COMMAND"),
        (["run", "nix"], "experiment must be one of"),
        ([*SIMULATE, "--workers", "0"], "workers must be an integer from 1 to 1024, not '0'"),
        (["run", "code-law", "--workers", "2", "--scheduler", "x:1"], "workers must be 1 where a scheduler"),
        (["run", "code-law", "--device", "tpu"], "device must be one of cpu, cuda, not 'tpu'"),
        (["run", "code-law", "--profile", "huge"], "profile must be one of smoke, book, full, not 'huge'"),
        (
            ["run", "code-law", "--out", "/no/such/folder/x.json"],
            "--out must be a file in a folder that can be written",
        ),
    ],
)
def test_bad_input_is_one_line_and_status_2(capsys, words, says):
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("reversible: ")
    assert says in err


@settings(max_examples=80)
@given(
    field=st.sampled_from(["--n", "--m", "--k", "--rho", "--retention", "--alpha", "--offset", "--trials", "--batch"]),
    value=st.one_of(st.text(max_size=6), st.floats().map(str), st.integers(-5, 40).map(str)),
)
def test_whatever_is_typed_ends_in_a_result_or_one_line(field, value):
    words = [*SIMULATE, "--trials", "2", "--json"]
    status = cli.main([*words, f"{field}={value}"])
    assert status in (0, 2)


def test_run_writes_a_whole_record_that_is_read_again(capsys, tmp_path):
    status, out, _ = run(capsys, "run", "code-law", "--profile", "smoke", "--out", tmp_path / "r.json")
    assert (status, out) == (0, "")
    record = results.read_record(tmp_path / "r.json")
    assert record.experiment == "code-law"
    assert "A-2.1" in record.rules


FULL_DISK = """
import resource, signal, sys
from reversible import cli
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing past the limit is then an error like a full disk's
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_full_disk_is_one_line_and_the_old_record_stays(tmp_path):
    out = tmp_path / "r.json"
    out.write_text("old")
    words = ["run", "code-law", "--profile", "smoke", "--out", str(out)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", FULL_DISK, *words], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"cannot write {out}" in done.stderr
    assert out.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["r.json"]
    kept = list(tmp_path.glob("cache/reversible/unfinished/*/*"))
    assert len(kept) == 9  # the cells themselves are small, and are not lost


def test_run_prints_the_record_without_out(capsys):
    status, out, _ = run(capsys, "run", "code-law", "--profile", "smoke")
    assert status == 0
    assert json.loads(out)["format"] == results.FORMAT


def test_verdicts_of_this_book(capsys):
    status, out, _ = run(capsys, "verdicts", "--json")
    assert status == 0
    shown = {claim["id"]: claim for claim in json.loads(out)}
    assert (shown["A-4.1.alexnet"]["verdict"], shown["A-4.1.alexnet"]["why"]) == ("not tested", "weights not at hand")
    assert shown["D-law"]["checks"][0]["rule"] == "error_over_law = 1 +- 0.02"
    assert run(capsys, "verdicts")[1].splitlines()[0].startswith("A-2.1")


def test_verdicts_where_there_is_no_book(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(results, "LIBRARY", tmp_path / "lib" / "reversible")
    status, _, err = run(capsys, "verdicts")
    assert (status, err.count("\n")) == (2, 1)
    assert "no book/claims" in err


def test_installed_command():
    done = subprocess.run([sys.executable, "-m", "reversible.cli", "--version"], capture_output=True, text=True)
    assert done.stdout.startswith("reversible ")


DEEP = ["simulate", "multi-layer", "--widths", "400,300,60", "--rho", "1,0.5", "--k", "5", "--trials", "4"]


def test_multi_layer_json_holds_what_is_promised(capsys):
    status, out, err = run(capsys, *DEEP, "--offset", "optimal", "--retention", 0.8, "--json")
    assert (status, err) == (0, "")
    shown = json.loads(out)
    assert [layer["width"] for layer in shown["layers"]] == [60, 300]  # from the top down
    for layer in shown["layers"]:
        for name in ("mean_gain", "noise_sd", "relative_error"):
            low, high = layer[name]["ci95"]
            assert low <= layer[name]["mean"] <= high
            assert layer[f"predicted_{name}"] > 0
    assert shown["parameters"]["widths"] == [400, 300, 60]
    assert {"code", "commit", "versions", "device", "seconds", "date"} <= set(shown["provenance"])


def test_multi_layer_is_readable_and_the_same_on_two_workers(capsys):
    first = run(capsys, *DEEP)
    assert first == run(capsys, *DEEP, "--workers", 2)
    assert "relative_error" in first[1]
    assert first[1].index("width 60") < first[1].index("width 300")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--widths", "60"], "widths must be 2 to 65 numbers, image first, top code last, not (60,)"),
        (["--widths", "400,x,60"], "widths must be an integer from 1 to 1000000000, not 'x'"),
        (["--rho", "1"], "rho must be 2 numbers, one for each layer but the top, not (1.0,)"),
        (["--rho", "1,1.5"], "rho must be a number from 1e-12 to 1, not '1.5'"),
        (["--k", "61"], "k must be an integer from 1 to 60, not '61'"),
        (["--offset", "1,2,3"], "offset must be 0, proof, optimal or 2 numbers"),
        (["--offset", "best"], "offset must be 0, proof, optimal or 2 numbers"),
        (["--widths", "400,20,60"], "leaves a hidden layer of width 20 silent"),
        (["--widths", "10,40000,40000", "--k", "5", "--rho", "1,1"], "MiB; allowed are 1024 MiB"),
    ],
)
def test_bad_input_of_many_layers_is_one_line_and_status_2(capsys, words, says):
    status, out, err = run(capsys, *DEEP, *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err
