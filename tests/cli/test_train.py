"""`reversible train` as a user types it: what is asked is what is trained, what is shown is what was measured."""

import argparse
import json
import multiprocessing
import os
import shlex
import signal
import threading
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reversible import cli
from reversible.base.estimates import Estimate
from reversible.cli import command
from reversible.cli import train as cli_train
from reversible.data import NAMES
from reversible.training import checkpoints
from reversible.training import run as train
from reversible.training import synthetic as shadow
from reversible.training.config import Training, snapshots_of
from reversible.training.synthetic import Shadow

TINY = shlex.split("train --profile smoke --widths 12,12 --images 150 --steps 40 --seeds 3 --stack 2 --dropout 0.3")
P = Training(
    data="digits", hidden=(12, 12), images=150, steps=40, snapshots=snapshots_of(40), batch=50, lr=0.05, dropout=0.3,
    seeds=(0, 1, 2), shadow=Shadow(),
)  # fmt: skip
NUMBERS = ("final_test_error", "best_test_error", "area_under_error_curve")


def run(capsys, *words):
    status = cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


def timeless(text):
    shown = json.loads(text)
    del shown["provenance"], shown["seconds"], shown["curves"]["seconds"]
    return shown


def parsed(words):
    return command._parser().parse_args(["train", *shlex.split(words)])


# --- what is asked ----------------------------------------------------------------------------------------------------

BOOK = Training(
    data="digits", hidden=(100, 100, 100), steps=300, snapshots=(0, 9, 19, 38, 75, 112, 150, 225, 300), batch=50,
    lr=0.05, seeds=tuple(range(10)), shadow=Shadow(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("", {}),
        ("--method backprop", {"shadow": None}),
        ("--method backprop --dropout 0.5", {"shadow": None, "dropout": 0.5}),
        ("--from h1", {"shadow": Shadow(source=1)}),
        ("--sampling 0.7", {"shadow": Shadow(rho=0.7)}),
        ("--scale theory", {"shadow": Shadow(scale="theory")}),
        ("--smoothing lowpass", {"shadow": Shadow(smoothing="lowpass")}),
        ("--share 0.5", {"shadow": Shadow(share=0.5)}),
        ("--start 100", {"shadow": Shadow(start=100)}),
        ("--generation permuted", {"shadow": Shadow(generation="permuted")}),
        ("--widths 70,60", {"hidden": (70, 60)}),
        ("--inputs standard", {"inputs": "standard"}),
        ("--images 400", {"images": 400}),
        ("--steps 64", {"steps": 64, "snapshots": (0, 2, 4, 8, 16, 24, 32, 48, 64)}),
        ("--batch 20", {"batch": 20}),
        ("--lr 0.2", {"lr": 0.2}),
        ("--seeds 3 --seed 7", {"seeds": (7, 8, 9)}),
        ("--precision bf16", {"precision": "bf16"}),
        ("--profile smoke --images all", {"hidden": (30, 30, 30), "steps": 60, "snapshots": snapshots_of(60)}),
    ],
)
def test_each_option_is_what_is_trained(words, change):
    assert cli_train.training(parsed(words)) == replace(BOOK, **change)


@pytest.mark.parametrize(
    ("data", "profile", "hidden", "inputs", "images", "steps", "batch", "lr"),
    [
        ("digits", "smoke", (30,) * 3, "unit", 500, 60, 50, 0.05),
        ("mnist", "smoke", (30,) * 3, "unit", 500, 60, 100, 0.03),
        ("cifar10", "smoke", (30,) * 3, "standard", 500, 60, 100, 0.01),
        ("mnist", "book", (400,) * 3, "unit", None, 1500, 100, 0.03),
        ("cifar10", "book", (300,) * 3, "standard", None, 1500, 100, 0.01),
        ("cifar100", "book", (300,) * 3, "standard", None, 1500, 100, 0.01),
        ("mnist", "full", (5000,) * 3, "unit", None, 10000, 512, 0.01),
        ("cifar100", "full", (5000,) * 3, "standard", None, 10000, 512, 0.01),
    ],
)
def test_profiles_set_sizes_and_what_is_typed_wins(data, profile, hidden, inputs, images, steps, batch, lr):
    words = f"--data {data} --profile {profile}"
    asked = {"hidden": hidden, "inputs": inputs, "images": images, "steps": steps, "batch": batch, "lr": lr}
    p = cli_train.training(parsed(words))
    assert {name: getattr(p, name) for name in asked} == asked
    own = "--widths 20,20 --inputs standard --images 300 --steps 10 --batch 30 --lr 0.5"
    typed = {"hidden": (20, 20), "inputs": "standard", "images": 300, "steps": 10, "batch": 30, "lr": 0.5}
    p = cli_train.training(parsed(f"{words} {own}"))
    assert {name: getattr(p, name) for name in asked} == typed


def test_help_names_each_default_and_each_choice(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit, match="0"):
        cli.main(["train", "--help"])
    says = capsys.readouterr().out
    parser = argparse.ArgumentParser()
    cli_train.options(parser)
    assert [option.option_strings for option in parser._actions[1:] if "default" not in str(option.help)] == []
    for name in (*shadow.SCALES, *shadow.GENERATIONS, *shadow.SMOOTHERS, *NAMES, "backprop", "bf16"):
        assert name in says, name
    for profile, data, row in (
        ("smoke", "digits", "30,30,30 unit 500 60 50 0.05"),
        ("full", "mnist", "5000,5000,5000 unit"),
    ):
        assert f"{profile} {data} {row}" in " ".join(says.split())


def test_the_defaults_of_synthetic_images_are_the_librarys():
    kept = cli_train.training(parsed("")).shadow
    assert kept == Shadow()
    assert len(cli_train.SHADOWS) == len(fields(Shadow))


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_json_and_file_hold_what_was_measured(capsys, tmp_path):
    out = tmp_path / "r.json"
    status, text, err = run(capsys, *TINY, "--json", "--out", out)
    assert (status, err) == (0, "")
    shown = json.loads(text)
    assert json.loads(out.read_text()) == shown
    assert [file.name for file in tmp_path.iterdir()] == ["r.json"]
    assert set(shown) == {"config", *NUMBERS, "curves", "weights_sha256", "seconds", "provenance"}
    config = shown["config"]
    assert {name: config[name] for name in ("hidden", "seeds", "stack", "dropout", "data")} == {
        "hidden": [12, 12], "seeds": [0, 1, 2], "stack": 2, "dropout": 0.3, "data": "digits",
    }  # fmt: skip
    assert config["shadow"]["source"] == 2
    stacks = [train.trained(replace(P, seeds=seeds)) for seeds in ((0, 1), (2,))]
    assert shown["weights_sha256"] == [sha for result in stacks for sha in result.weights]
    curves = shown["curves"]
    assert curves["steps"] == list(snapshots_of(40))
    for name in cli_train.MEASURES:
        assert curves[name] == np.concatenate([result.curve(name) for result in stacks]).tolist()
    assert np.array(curves["seconds"]).shape == (3, 9)
    assert curves["seconds"][0] == curves["seconds"][1]
    assert shown["seconds"] == pytest.approx(curves["seconds"][0][-1] + curves["seconds"][2][-1], abs=1e-3)
    for name in NUMBERS:
        estimate = Estimate.of(np.concatenate([result.summary()[name] for result in stacks]))
        assert shown[name] == {"mean": estimate.mean, "ci95": list(estimate.ci95), "n": 3}
    about = shown["provenance"]
    assert {"code", "commit", "versions", "device", "seconds", "date"} <= set(about)
    assert about["module"] == "reversible.training.run"


def test_a_single_seed_has_no_interval(capsys):
    shown = json.loads(run(capsys, *TINY, "--seeds", 1, "--json")[1])
    assert {shown[name]["ci95"] for name in NUMBERS} == {None}
    assert shown["final_test_error"] == {"mean": shown["curves"]["test_error"][0][-1], "ci95": None, "n": 1}
    assert "- (one seed)" in run(capsys, *TINY, "--seeds", 1)[1]


def test_the_table_is_aligned_and_says_what_json_says(capsys):
    shown = json.loads(run(capsys, *TINY, "--json")[1])
    status, out, err = run(capsys, *TINY)
    assert (status, err) == (0, "")
    title, numbers, curves = out.rstrip().split("\n\n")
    assert title == "3 runs of SHADOW from h2 on digits, dropout 0.3, hidden layers 12,12, 40 steps"
    for line, name in zip(numbers.splitlines()[1:], NUMBERS, strict=True):
        low, high = shown[name]["ci95"]
        assert line.split() == [name, f"{shown[name]['mean']:.4f}", f"{low:.4f}", "to", f"{high:.4f}"]
    heads, *rows = curves.splitlines()
    assert heads.split() == ["step", *cli_train.MEASURES]
    for at, row in enumerate(rows):
        means = [f"{np.mean(shown['curves'][name], axis=0)[at]:.4f}" for name in cli_train.MEASURES]
        assert row.split() == [str(shown["curves"]["steps"][at]), *means]
    assert len({len(row) for row in [heads, *rows]}) == 1
    assert "runs of backprop on digits" in run(capsys, *TINY, "--method", "backprop")[1]


# --- where it runs ----------------------------------------------------------------------------------------------------


def test_the_same_to_the_bit_on_two_workers_and_on_a_cluster_which_keeps_no_checkpoints(
    capsys, tmp_path, cluster, monkeypatch
):
    left, finish = [], checkpoints.Unfinished.finish

    def seen(self, *about):
        left.append(sorted(file.name for file in self.folder.iterdir()))
        finish(self, *about)

    monkeypatch.setattr(checkpoints.Unfinished, "finish", seen)
    expected = timeless(run(capsys, *TINY, "--json")[1])
    out = tmp_path / "r.json"
    for where in ([], ["--workers", 2], ["--scheduler", cluster.scheduler_address]):
        status, text, err = run(capsys, *TINY, *where, "--json", "--checkpoint-every", 0, "--out", out)
        assert (status, err) == (0, "")
        assert timeless(text) == timeless(out.read_text()) == expected
    here, workers, elsewhere = left
    assert workers == here
    assert sum(name.endswith(".checkpoint") for name in here) == 2
    assert [name for name in here if not name.endswith(".checkpoint")] == elsewhere
    assert len(elsewhere) == 3  # what was asked, two finished stacks


def test_a_bar_counts_steps_from_where_a_run_goes_on(tmp_path, monkeypatch):
    class Bar:
        disable, initial, n = False, 40, 40

        def update(self, steps):
            self.n += steps

    bar: Any = Bar()
    see, one, other = cli_train._Steps(bar), train.Run(P), train.Run(P)
    one.stack.step = 10  # gone on with
    for step in (10, 17, 30):
        one.stack.step = step
        see(one)
    see(other)
    assert (bar.initial, bar.n) == (50, 70)


# --- going on ---------------------------------------------------------------------------------------------------------


def unfinished(out: Path, *words: str) -> dict[Path, bytes]:
    """What a run that was stopped after its first stack leaves."""
    calls = []

    def stop(p, *about, **options):
        calls.append(p)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return checkpoints_train_stack(p, *about, **options)

    checkpoints_train_stack = checkpoints.train_stack
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "train_stack", stop)
        assert cli.main([*TINY, "--out", str(out), *words]) == 130
    return {file: file.read_bytes() for file in Path(f"{out}.unfinished").iterdir()}


def test_ctrl_c_keeps_finished_stacks_for_resume_alone(capsys, tmp_path):
    out = tmp_path / "r.json"
    here = timeless(run(capsys, *TINY, "--json")[1])
    kept = unfinished(out, "--checkpoint-every", "0")
    says = capsys.readouterr().err
    assert says.startswith("reversible: stopped; ")
    assert says.endswith("(stacks finished: 1, checkpoints: 1): go on by the same command with --resume\n")
    for words, line in (
        ([], "holds an unfinished run: go on with it by --resume, or remove it"),
        (["--resume", "--lr", "0.04"], "keeps another run, and is left as it is: lr 0.05 and not 0.04"),
        (["--resume", "--stack", "3"], "stack 2 and not 3"),
        (["--resume", "--seeds", "4"], "seeds [0, 1, 2] and not [0, 1, 2, 3]"),
        (["--resume", "--method", "backprop"], "shadow.source 2 and not null"),
        (["--resume", "--precision", "bf16"], 'precision "float32" and not "bf16"'),
    ):
        status, shown, err = run(capsys, *TINY, "--out", out, *words)
        assert (status, shown, err.count("\n")) == (2, "", 1)
        assert line in err
        assert {file: file.read_bytes() for file in kept} == kept
    assert not out.exists()
    status, text, err = run(capsys, *TINY, "--resume", "--json", "--out", out)
    assert (status, err) == (0, "")
    assert timeless(text) == here
    assert [file.name for file in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.parametrize("cut", [0, 100, -1])
def test_a_checkpoint_that_is_not_whole_is_one_line_and_stays(cut, capsys, tmp_path):
    out = tmp_path / "r.json"
    unfinished(out, "--checkpoint-every", "0")
    folder = Path(f"{out}.unfinished")
    for file in folder.iterdir():
        if "." not in file.name:
            file.unlink()  # the first stack's result; its checkpoint is left
    (checkpoint,) = folder.glob("*.checkpoint")
    checkpoint.write_bytes(checkpoint.read_bytes()[:cut])
    before = {file: file.read_bytes() for file in folder.iterdir()}
    capsys.readouterr()
    status, shown, err = run(capsys, *TINY, "--resume", "--out", out)
    assert (status, shown, err.count("\n")) == (2, "", 1)
    assert "was cut short or altered" in err
    assert {file: file.read_bytes() for file in folder.iterdir()} == before
    assert not out.exists()


def test_resume_with_nothing_there_says_so_and_begins(capsys, tmp_path):
    status, _, err = run(capsys, *TINY, "--resume", "--out", tmp_path / "r.json")
    assert status == 0
    assert err == f"reversible: nothing to go on with in {tmp_path / 'r.json.unfinished'}: training begins\n"
    assert (tmp_path / "r.json").is_file()


def test_ctrl_c_without_out_keeps_nothing(capsys, monkeypatch):
    def stop(*about, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "train_stack", stop)
    assert run(capsys, *TINY) == (130, "", "reversible: stopped; nothing was written\n")


def test_a_result_that_cannot_be_put_in_its_place_is_kept_in_the_folder(capsys, tmp_path, monkeypatch):
    out = tmp_path / "r.json"
    with monkeypatch.context() as patch:
        patch.setattr(cli_train, "checked_out", lambda out: out)
        out.mkdir()
        status, shown, err = run(capsys, *TINY, "--out", out)
    assert (status, shown, err.count("\n")) == (2, "", 1)
    assert f"cannot write {out}" in err
    out.rmdir()
    assert run(capsys, *TINY, "--resume", "--out", out)[0] == 0
    assert [file.name for file in tmp_path.iterdir()] == ["r.json"]


def test_sigterm_with_two_workers_ends_them_too_and_keeps_their_checkpoints(capsys, tmp_path):
    out, before = tmp_path / "r.json", set(multiprocessing.active_children())

    def terminate():
        while not list(tmp_path.glob("r.json.unfinished/*.checkpoint")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=terminate)
    thread.start()
    status, shown, err = run(capsys, *TINY, "--steps", 100000, "--workers", 2, "--checkpoint-every", 0, "--out", out)
    thread.join()
    assert (status, shown, err.count("\n")) == (130, "", 1), err
    assert "stacks finished: 0, checkpoints: " in err
    assert "go on by the same command with --resume" in err
    assert not out.exists()
    assert set(multiprocessing.active_children()) == before
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
