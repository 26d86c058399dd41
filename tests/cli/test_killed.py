"""`reversible train` killed at any point, told to stop, or gone astray: it goes on to the same result, to the bit."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers import ROOT
from reversible.training import checkpoints

COMMAND = [
    "train", "--profile", "smoke", "--widths", "12,12", "--images", "150", "--steps", "24", "--seeds", "3", "--stack",
    "2", "--dropout", "0.3", "--sampling", "0.8", "--checkpoint-every", "0", "--out",
]  # fmt: skip
STAGES = ("before", "half", "whole", "after")
# Writes: what is asked, a checkpoint, a finished stack, the result, which is then put in its place.
REQUEST, FIRST, STACK, RESULT, MOVED = 0, 1, 18, 37, 38


class Forks:
    """Commands in processes of their own, each to be killed at a point; see killing.py."""

    def __init__(self, process):
        self.process = process

    def __call__(self, *words, **trap):
        self.process.stdin.write(json.dumps({"words": [str(word) for word in words], **trap}) + "\n")
        self.process.stdin.flush()
        return tuple(json.loads(self.process.stdout.readline()))


@pytest.fixture(scope="module")
def forks():
    words = [sys.executable, ROOT / "tests" / "killing.py"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Forks(process)
        process.communicate()


def read(file):
    shown = json.loads(file.read_text())
    del shown["seconds"], shown["curves"]["seconds"]
    return shown


@pytest.fixture(scope="module")
def expected(forks, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "r.json"
    assert forks(*COMMAND, out) == (0, "")
    return read(out)


POINTS = [(write, stage) for write in (REQUEST, FIRST, STACK, RESULT) for stage in STAGES]


@pytest.mark.parametrize(("write", "stage"), [*POINTS, (MOVED, "whole"), (MOVED, "after")])
def test_a_command_killed_at_a_write_goes_on_to_the_same_result(write, stage, forks, expected, tmp_path):
    out = tmp_path / "r.json"
    assert forks(*COMMAND, out, write=write, stage=stage)[0] == -signal.SIGKILL
    assert out.exists() == ((write, stage) == (MOVED, "after"))
    status, err = forks(*COMMAND, out, "--resume")
    assert status == 0
    assert ("training begins" in err) == (write == REQUEST and stage != "after")
    assert read(out) == expected
    assert [file.name for file in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_command_killed_again_and_again_ends_with_the_same_result(write, forks, expected, tmp_path):
    out, kills = tmp_path / "r.json", 0
    while (done := forks(*COMMAND, out, "--resume", write=write, stage=STAGES[kills % 4]))[0]:
        kills += 1
        assert done[0] == -signal.SIGKILL
        assert kills < 80, "it does not get on"
    assert kills >= MOVED // (write + 1)
    assert read(out) == expected
    assert [file.name for file in tmp_path.iterdir()] == ["r.json"]


def test_a_command_killed_at_any_moment_goes_on_to_the_same_result(forks, expected, tmp_path):
    out, moments = tmp_path / "r.json", random.Random(0)
    killed = sum(forks(*COMMAND, out, "--resume", after=moments.uniform(0.05, 0.25))[0] != 0 for _ in range(12))
    assert killed
    assert forks(*COMMAND, out, "--resume")[0] == 0
    assert read(out) == expected


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_workers_end_with_a_command_that_is_killed_and_what_they_kept_is_gone_on_with(forks, expected, tmp_path):
    out = tmp_path / "r.json"
    status, err = forks(*COMMAND, out, "--workers", 2, write=1, stage="half")
    workers, end = err.split(), time.monotonic() + 300  # a busy machine takes its time
    assert (status, len(workers)) == (-signal.SIGKILL, 2)
    while any(runs(pid) for pid in workers):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert list(Path(f"{out}.unfinished").glob("*.checkpoint"))
    assert forks(*COMMAND, out, "--resume") == (0, "")
    assert read(out) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_told_to_stop_says_what_it_keeps(number, forks, expected, tmp_path):
    out = tmp_path / "r.json"
    for write, stage, keeps in (
        (0, "after", None),
        (FIRST, "half", None),
        (FIRST + 3, "half", (0, 1)),
        (30, "after", (1, 2)),
    ):
        status, err = forks(*COMMAND, out, "--resume", write=write, stage=stage, signal=number)
        assert status == 130
        says = err.splitlines()[-1]
        if keeps:
            assert (
                f"(stacks finished: {keeps[0]}, checkpoints: {keeps[1]}): go on by the same command with --resume"
                in says
            )
            assert not list(Path(f"{out}.unfinished").glob(".*"))
        else:
            assert says == "reversible: stopped; nothing was written"
            assert list(tmp_path.iterdir()) == []
    assert forks(*COMMAND, out, "--resume") == (0, "")
    assert read(out) == expected


def test_a_run_that_diverges_leaves_its_last_good_checkpoint_and_no_result(forks, tmp_path):
    out = tmp_path / "r.json"
    status, err = forks(*COMMAND, out, "--lr", "1e4")
    assert (status, err.count("\n")) == (2, 1)
    assert "lr must be small enough for the loss to fall, not 10000.0" in err
    assert not out.exists()
    (checkpoint,) = Path(f"{out}.unfinished").glob("*.checkpoint")
    values = checkpoints.load(checkpoint.read_bytes()[checkpoints.SEAL :])
    assert all(bool(value.isfinite().all()) for value in values.values())
