"""Checkpoints: whatever stops a run, and however often, it ends with the numbers of one that was never stopped."""

import functools
import hashlib
import json
import pickle
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from helpers import refusal
from reversible.base import digests
from reversible.base.journal import Journal
from reversible.training import checkpoints
from reversible.training import run as train
from reversible.training.checkpoints import Keeper, Unfinished, resumed, train_stack
from reversible.training.config import Training, TrainingResult
from reversible.training.stack import Diverged
from reversible.training.synthetic import Shadow

SMALL = Training(
    data="digits", hidden=(20, 16, 12), steps=30, snapshots=(0, 10, 30), lr=0.05, batch=50, images=170, seeds=(3, 4),
    dropout=0.3, shadow=Shadow(rho=0.8, start=12),
)  # fmt: skip


def numbers(result: TrainingResult):
    return [replace(point, seconds=0.0) for point in result.points], result.weights


@functools.cache
def undisturbed(p: Training):
    return numbers(train.trained(p))


class Killed(BaseException):
    pass


class StoppedAt:
    """Watches a run and ends it the n-th time."""

    def __init__(self, left: int):
        self.left = left

    def __call__(self, run):
        self.left -= 1
        if self.left < 0:
            raise Killed


# --- to the bit -------------------------------------------------------------------------------------------------------

VARIANTS = {
    "backprop": replace(SMALL, shadow=None, dropout=0.0),
    "dropout": replace(SMALL, shadow=None),
    "shadow with sampling, later on": SMALL,
    "permuted, each seed in its own way": replace(SMALL, shadow=Shadow(generation="permuted")),
    "gaussian, smoothed": replace(SMALL, shadow=Shadow(generation="gaussian", smoothing="blur")),
    "noise": replace(SMALL, shadow=Shadow(generation="noise", source=1), inputs="standard"),
    "all images in bfloat16": replace(SMALL, images=None, precision="bf16"),
}


@pytest.mark.parametrize("kind", VARIANTS)
def test_a_run_taken_up_from_any_of_its_checkpoints_ends_as_it_would_have(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "CHUNK", 7)
    p, file = VARIANTS[kind], tmp_path / "checkpoint"
    run, contents = train.Run(p), []
    keep = Keeper(run, file, 0)

    def watch(run):
        keep(run)
        contents.append(file.read_bytes())

    assert numbers(train.trained(p, run, watch)) == undisturbed(p)
    assert len(contents) == 8  # steps 0, 7, 10, 10 and looked at, 17, 24, 30, 30 and looked at
    for content in contents:
        file.write_bytes(content)
        assert numbers(train.trained(p, resumed(train.Run(p), file))) == undisturbed(p)


def test_a_stack_goes_on_from_its_folder_and_is_seen_from_the_first_step_on(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "CHUNK", 7)
    with pytest.raises(Killed):
        train_stack(SMALL, tmp_path, 0, StoppedAt(6))
    assert len(list(tmp_path.iterdir())) == 1
    steps = []
    again = train_stack(SMALL, tmp_path, 0, lambda run: steps.append(run.step))
    assert steps == [24, 30, 30]  # where it was stopped was kept before
    assert numbers(again) == undisturbed(SMALL)
    other = replace(SMALL, seeds=(5, 6))
    assert numbers(train_stack(other, tmp_path, 0)) == undisturbed(other)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_stack_can_be_sent_to_other_processes():
    there = pickle.loads(pickle.dumps(functools.partial(train_stack, folder=None, every=0.0)))
    assert numbers(there(SMALL)) == undisturbed(SMALL)


def test_seconds_add_up(tmp_path):
    run = train.Run(SMALL)
    run.clock.seconds = 1000.0
    checkpoints.write(run, tmp_path / "c", checkpoints.identity(run))
    assert train.trained(SMALL, resumed(train.Run(SMALL), tmp_path / "c")).points[-1].seconds > 1000


# --- when it is kept --------------------------------------------------------------------------------------------------


def test_it_is_kept_so_often_and_the_clock_stands_still_meanwhile(tmp_path, monkeypatch):
    clock, written = [0.0], []
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: clock[0])

    def slow(run, file, whose):
        written.append(clock[0])
        clock[0] += 100

    monkeypatch.setattr(checkpoints, "write", slow)
    run = train.Run(SMALL)
    keep = Keeper(run, tmp_path / "c", 20)
    for _ in range(60):
        clock[0] += 1
        keep(run)
    assert written == [20, 140, 260]


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e9])
def test_a_run_that_is_lost_is_not_kept(loss, tmp_path):
    file = tmp_path / "c"
    run = train.Run(SMALL)
    keep, look = Keeper(run, file, 0), Keeper(run, None, 0)
    run.advance(7)
    keep(run)
    look(run)
    good = file.read_bytes()
    run.stack.losses[1] = loss
    for watch in (keep, look):
        with pytest.raises(Diverged, match="lr must be small enough"):
            watch(run)
    assert file.read_bytes() == good
    assert list(tmp_path.iterdir()) == [file]


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    file = tmp_path_factory.mktemp("whole") / "c"
    run = train.Run(SMALL)
    run.advance(7)
    checkpoints.write(run, file, checkpoints.identity(run))
    return file.read_bytes()


def sealed(body: bytes) -> bytes:
    return hashlib.sha256(body).digest() + body


def refused(p, tmp_path, content):
    """The line, and nothing is touched."""
    file, run = tmp_path / "c", train.Run(p)
    file.write_bytes(content)
    says = refusal(lambda: resumed(run, file))
    assert str(file) in says
    assert file.read_bytes() == content
    assert (run.step, run.rows) == (0, [])
    return says


def test_what_was_cut_short_anywhere_is_refused(whole, tmp_path):
    for length in (0, 1, 31, 32, 33, 40, 41, 500, len(whole) // 2, len(whole) - 1):
        assert "was cut short or altered" in refused(SMALL, tmp_path, whole[:length])
    assert "was cut short or altered" in refused(SMALL, tmp_path, whole + b"\0")


def test_what_was_altered_anywhere_is_refused(whole, tmp_path):
    for place in (0, 31, 32, 39, 45, 400, len(whole) // 2, len(whole) - 1):
        altered = bytearray(whole)
        altered[place] ^= 1
        assert "was cut short or altered" in refused(SMALL, tmp_path, bytes(altered))


def test_what_is_no_checkpoint_is_refused(tmp_path):
    assert "or is no checkpoint" in refused(SMALL, tmp_path, b"dear diary, " * 100)
    Journal(tmp_path).keep("item", "result")
    a_result = next(file for file in tmp_path.iterdir() if file.name != "c").read_bytes()
    plain = save({"value": torch.zeros(3)})
    marked = save({"value": torch.zeros(3)}, metadata={"format": "reversible checkpoint 0"})
    for content in (
        a_result,
        sealed(b""),
        sealed(b"\xff" * 99),
        sealed(b"\2\0\0\0\0\0\0\0{}"),
        sealed(plain),
        sealed(marked),
    ):
        assert "is not a checkpoint of this project" in refused(SMALL, tmp_path, content)
    (tmp_path / "folder").mkdir()
    assert "cannot read the checkpoint" in refusal(lambda: resumed(train.Run(SMALL), tmp_path / "folder"))


@pytest.mark.parametrize(
    "change",
    [
        {"lr": 0.04}, {"seeds": (4, 3)}, {"steps": 31, "snapshots": ()}, {"snapshots": (0, 30)}, {"dropout": 0.2},
        {"shadow": None}, {"shadow": Shadow(rho=0.8, start=13)}, {"inputs": "standard"}, {"images": None},
    ],
)  # fmt: skip
def test_another_trainings_is_refused(change, whole, tmp_path):
    says = refused(replace(SMALL, **change), tmp_path, whole)
    assert "is a checkpoint of another run: " in says
    assert "other training" in says


@pytest.mark.parametrize("name", ["code", "numpy", "scipy", "torch"])
def test_other_codes_and_other_versions_are_refused(name, whole, tmp_path, monkeypatch):
    made_by = checkpoints.made_by()
    monkeypatch.setattr(checkpoints, "made_by", lambda: made_by | {name: "1.0"})
    assert f"of another run: {'other code' if name == 'code' else name}" in refused(SMALL, tmp_path, whole)


def test_code_that_trains_counts_and_the_command_line_does_not():
    modules = digests.imported_modules("reversible.training.run")
    assert {
        "reversible.training.run",
        "reversible.training.config",
        "reversible.training.hooks",
        "reversible.training.stack",
        "reversible.training.synthetic",
        "reversible.data",
    } <= set(modules)
    assert not {"reversible.cli.train", "reversible.training.checkpoints"} & set(modules)
    assert checkpoints.made_by()["code"] == digests.code_digest("reversible.training.run")
    assert checkpoints.made_by()["torch"] == torch.__version__.split("+")[0]


# --- the folder of a request ------------------------------------------------------------------------------------------

ASKED = {**asdict(SMALL), "stack": 2}


def opened(folder: Path, asked, resume: bool) -> Unfinished:
    """A folder that a run has left with something in it."""
    with Unfinished.opened(folder, asked, resume) as unfinished:
        (folder / "x.checkpoint").touch()
    return unfinished


def test_a_folder_is_gone_on_with_only_for_what_was_asked_and_only_if_told(tmp_path):
    folder = tmp_path / "f"
    opened(folder, ASKED, resume=True)
    (folder / "x.checkpoint").touch()
    before = {file: file.read_bytes() for file in folder.iterdir()}
    assert "holds an unfinished run" in refusal(lambda: opened(folder, ASKED, resume=False))
    other = {**ASKED, "lr": 0.04, "shadow": asdict(Shadow(rho=0.7, start=12))}
    says = refusal(lambda: opened(folder, other, resume=True))
    assert says.endswith("keeps another run, and is left as it is: lr 0.05 and not 0.04, shadow.rho 0.8 and not 0.7")
    assert "shadow.source 2 and not null" in refusal(lambda: opened(folder, {**ASKED, "shadow": None}, True))
    assert {file: file.read_bytes() for file in folder.iterdir()} == before
    opened(folder, json.loads(json.dumps(ASKED)), resume=True)
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_halves_of_files_do_not_pile_up(tmp_path):
    opened(tmp_path / "f", ASKED, resume=False)
    (tmp_path / "f" / ".x.checkpoint.q5k2").write_bytes(b"half")
    opened(tmp_path / "f", ASKED, resume=True)
    assert sorted(file.name for file in (tmp_path / "f").iterdir()) == ["request.json", "x.checkpoint"]


def test_other_code_does_not_go_on_with_finished_stacks(tmp_path, monkeypatch):
    opened(tmp_path / "f", ASKED, resume=False)
    made_by = checkpoints.made_by()
    monkeypatch.setattr(checkpoints, "made_by", lambda: made_by | {"code": "0" * 64})
    assert "other code" in refusal(lambda: opened(tmp_path / "f", ASKED, resume=True))


def spoiled(file: Path) -> None:
    content = file.read_text()
    file.write_text(content.replace('"lr": 0.05', '"lr": 0.04'))


@pytest.mark.parametrize(
    "spoil",
    [
        spoiled,
        lambda file: file.write_text("{"),
        lambda file: file.write_text("[]"),
        lambda file: file.write_text("{}"),
    ],
)
def test_a_request_that_is_not_whole_is_refused(spoil, tmp_path):
    opened(tmp_path / "f", ASKED, resume=False)
    spoil(tmp_path / "f" / "request.json")
    assert "was cut short or altered" in refusal(lambda: opened(tmp_path / "f", ASKED, resume=True))


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "novel.txt").write_text("It was")
    assert "cannot read" in refusal(lambda: opened(tmp_path / "f", ASKED, resume=True))
    assert "cannot read the folder" in refusal(lambda: opened(tmp_path / "f" / "novel.txt", ASKED, resume=True))
    assert "cannot write" in refusal(lambda: opened(tmp_path / "no" / "f", ASKED, resume=True))
    assert [file.name for file in (tmp_path / "f").iterdir()] == ["novel.txt"]


def test_a_folder_is_dropped_whole_or_keeps_its_name(tmp_path, monkeypatch):
    unfinished = opened(tmp_path / "f", ASKED, resume=False)
    (tmp_path / "f" / "x.checkpoint").touch()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.shutil, "rmtree", lambda *path, **how: None)  # killed on the way
        unfinished.clear()
    assert [file.name for file in (tmp_path / "f").iterdir()] == ["request.json"]
    opened(tmp_path / "f", ASKED, resume=True).clear()
    assert list(tmp_path.iterdir()) == []
