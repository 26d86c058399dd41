"""The job for a machine with a GPU, rehearsed in small on a CPU; marked `cuda`, what only such a machine can tell."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reversible.base.checks import InputError
from reversible.papers.arora2015.experiments import shadow_gpu
from reversible.papers.belilovsky2019 import convolution as conv
from reversible.papers.belilovsky2019.experiments import cifar
from reversible.records.record import read_record
from reversible.runs.experiment import on_one_thread
from reversible.training import config

JOB = Path(__file__).resolve().parents[1] / "benchmarks" / "gpu_job"
LACKING = ("jupytext", "papermill", "jupyter_book", "nbformat", "nbclient", "IPython", "matplotlib", "pandas",
           "seaborn", "powerlaw", "safetensors", "h5py", "dask", "distributed", "torchvision", "hypothesis",
           "pytest")  # fmt: skip
BARE = f"""
import runpy, sys
sys.modules |= dict.fromkeys({LACKING})  # an import of one of them fails
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.fixture(scope="module")
def run():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("gpu_job_run", JOB / "run.py")
    assert spec
    assert spec.loader
    module, before = importlib.util.module_from_spec(spec), list(sys.path)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


@pytest.fixture
def job(run, tmp_path, monkeypatch):
    monkeypatch.setattr(config, "load", config.load)  # as it was, once the job has put its own there
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    return run.Job(tmp_path, tmp_path / "out", "cpu", 600.0, True)


def log_of(job):
    return (job.out / "log.txt").read_text(encoding="utf-8")


# --- the whole --------------------------------------------------------------------------------------------------------


def test_it_runs_from_end_to_end_where_hardly_anything_is_installed(tmp_path):
    out, data = tmp_path / "out", tmp_path / "data"
    data.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(JOB / "run.py"), str(data), str(out), "--device", "cpu", "--rehearse"],
        env={**os.environ, "PYTHONPATH": str(JOB.parents[1] / "lib")}, capture_output=True, encoding="utf-8",
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    log = (out / "log.txt").read_text(encoding="utf-8")
    assert done.stdout == log
    assert log.endswith("done, 0 of 14 steps failed or were left out\n")
    assert log.count("ratio") == 5
    assert sum("off, allowed" in line for line in log.splitlines()) == 9
    record = read_record(out / "shadow-gpu.json")
    assert record.absent == []
    assert {"gain_shadow_digits_200_20x3", "h3_below_shadow_digits_200_20x3"} <= set(record.measures)
    assert record.rules.keys() == {"G-4.2.1", "G-4.2.1.final", "G-4.2.1.cifar10", "G-4.2.3", "G-4.2.noise"}
    assert record.code_unchanged
    record = read_record(out / "greedy-gpu.json")
    assert record.absent == []
    assert {"behind_k3", "gain_k2", "gain_k3"} <= set(record.measures)
    assert record.rules.keys() == {"belilovsky2019-gpu.heads", "belilovsky2019-gpu.end"}
    assert record.code_unchanged


def test_one_net_trained_layer_by_layer_makes_a_record_without_measures(run, job):
    first, second = (cell.seed for cell in cifar.gpu_cells("smoke"))
    assert run.greedy(job, first)
    record = read_record(job.out / "greedy-gpu.json")
    assert record.absent == [run.LEFT_OUT]
    assert record.measures == {}
    job.until, job.longest["greedy-gpu"] = 0.0, 1.0
    assert not run.greedy(job, second)
    job.until = float("inf")
    assert run.greedy(job, second)
    assert "behind_k3" in read_record(job.out / "greedy-gpu.json").measures


def test_a_further_run_finds_the_cells_of_the_first(run, tmp_path, monkeypatch):
    monkeypatch.setattr(config, "load", config.load)
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    made = []

    def counted(cell):
        made.append(cell.offset)
        return shadow_gpu.at_rate_on_device(cell)

    experiment = shadow_gpu.EXPERIMENTS["shadow-gpu"]
    monkeypatch.setitem(shadow_gpu.EXPERIMENTS, "shadow-gpu", replace(experiment, run_cell=counted))
    monkeypatch.setattr(run, "EXPERIMENTS", {**run.EXPERIMENTS, **shadow_gpu.EXPERIMENTS})
    first, second, cells = tmp_path / "first", tmp_path / "second", str(tmp_path / "cells")
    words = ["--device", "cpu", "--rehearse", "--cells", cells, "--commit", "a commit", "--only"]
    assert run.main([str(tmp_path), str(first), *words, "curve digits_200_20x3 backprop"]) == 0
    assert run.main([str(tmp_path), str(second), *words, "curve digits_200_20x3 b", "curve digits_200_20x3 s"]) == 0
    assert made == [-2, -1, 0, 1, 2] * 2  # of backprop and of SHADOW, none twice
    record = read_record(second / "shadow-gpu.json")
    assert "gain_shadow_digits_200_20x3" in record.measures
    assert record.provenance["commit"] == "a commit"
    assert "[float64]" not in (second / "log.txt").read_text(encoding="utf-8")


def test_what_there_is_no_time_for_is_left_out_with_a_line(run, tmp_path, monkeypatch):
    monkeypatch.setattr(config, "load", config.load)
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    out = tmp_path / "out"
    assert run.main([str(tmp_path), str(out), "--device", "cpu", "--rehearse", "--minutes", "0.001"]) == 1
    log = (out / "log.txt").read_text(encoding="utf-8")
    assert "[float64] left out: it may take 60 s, and 0 s are left" in log
    assert not (out / "shadow-gpu.json").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere", "out", "--device", "cpu"], "DATA must be a folder that is there, not 'nowhere'"),
        pytest.param([".", "out"], "device must be cpu here", marks=pytest.mark.skipif(
            torch.cuda.is_available(), reason="there is one")),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_one_line(run, words, says, capsys):
    assert run.main(words) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


# --- a run that is cut off --------------------------------------------------------------------------------------------


def test_after_each_curve_there_is_a_record_of_all_so_far(run, job):
    regime = "digits_200_20x3"
    assert run.curve(job, regime, "backprop")
    assert run.curve(job, regime, "shadow")
    record = read_record(job.out / "shadow-gpu.json")
    assert record.absent == [run.LEFT_OUT]
    assert f"gain_shadow_{regime}" in record.measures
    assert not [name for name in record.measures if "h3" in name or "noise" in name]
    job.until = 0.0  # and now the time is over
    job.longest[regime] = 1.0
    assert not run.curve(job, regime, "noise")
    assert read_record(job.out / "shadow-gpu.json").measures.keys() == record.measures.keys()
    assert "0 of 5 rates were run" in log_of(job)


def test_a_cell_that_was_left_out_is_still_to_come(run, job, monkeypatch):
    regime, calls = "digits_200_20x3", []
    experiment = shadow_gpu.EXPERIMENTS["shadow-gpu"]

    def counted(cell):
        calls.append(cell.offset)
        return shadow_gpu.at_rate_on_device(cell)

    monkeypatch.setitem(shadow_gpu.EXPERIMENTS, "shadow-gpu", replace(experiment, run_cell=counted))
    job.until, job.longest[regime] = 0.0, 1.0
    assert not run.curve(job, regime, "backprop")
    assert calls == []
    job.until = float("inf")
    assert run.curve(job, regime, "backprop")
    assert run.curve(job, regime, "backprop")
    assert calls == [-2, -1, 0, 1, 2]  # and none twice


def test_a_step_that_fails_takes_no_other_with_it(run, job):
    def breaks(job):
        raise ValueError("broken\nin two lines")

    assert not run.taken(job, run.Step("first", 0, breaks))
    assert run.taken(job, run.Step("second", 0, lambda job: None))
    assert "[first] FAILED: ValueError: broken\n" in log_of(job)
    assert "in two lines" in (job.out / "errors.txt").read_text(encoding="utf-8")


def test_a_graph_that_does_not_record_well_is_not_used(run, job, monkeypatch):
    monkeypatch.setitem(shadow_gpu.FAST, "graph", True)
    monkeypatch.setattr(job, "device", "cuda")
    monkeypatch.setattr(run.checks, "recorded", lambda *_: [("backprop", 0.5, 0.02)])
    assert not run.graph(job)
    assert shadow_gpu.FAST["graph"] is False
    assert "0.5 off, allowed 0.02 FAILS" in log_of(job)
    monkeypatch.setattr(run.checks, "recorded", lambda *_: [("backprop", 0.0, 0.02)])
    assert run.graph(job)
    assert shadow_gpu.FAST["graph"] is True


# --- its data ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def fakes(run, tmp_path, monkeypatch):
    """A folder with files that are called as those of the two sets."""
    source, known = tmp_path / "from", {}
    for number, (which, files) in enumerate(run.parts.FILES_MD5.items()):
        known[which] = {}
        for file in files:
            content = bytes(torch.randint(256, (3000 + number,), dtype=torch.uint8).tolist())
            known[which][file] = run.parts._md5(content)
            (source / file).parent.mkdir(parents=True, exist_ok=True)
            (source / file).write_bytes(content)
    monkeypatch.setattr(run.parts, "FILES_MD5", known)
    return source


def test_sets_come_out_of_their_parts_as_they_went_in(run, fakes, tmp_path):
    packed, out = tmp_path / "packed", tmp_path / "unpacked"
    lines = run.parts.pack(fakes, packed, 5000)
    assert [line.split(":")[0] for line in lines] == ["mnist", "cifar10"]
    sizes = [path.stat().st_size for path in packed.iterdir() if path.suffix != ".json"]
    assert len(sizes) > 4
    assert max(sizes) == 5000
    assert run.parts.unpack(packed, out) == ["mnist", "cifar10"]
    for name in ("mnist", "cifar10"):
        for file in run.parts.files_of(name):
            assert (out / file).read_bytes() == (fakes / file).read_bytes()
    (packed / "cifar10.json").unlink()
    assert run.parts.unpack(packed, tmp_path / "again") == ["mnist"]
    assert run.parts.SIZE == 45 << 20


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_a_part_that_is_not_right_is_named(run, fakes, tmp_path, harm):
    run.parts.pack(fakes, tmp_path / "packed", 5000)
    harm(tmp_path / "packed" / "mnist.001")
    with pytest.raises(InputError, match=r"the part mnist\.001 as it was written"):
        run.parts.unpack(tmp_path / "packed", tmp_path / "unpacked")


def test_a_folder_without_the_sets_is_one_line(run, tmp_path, capsys):
    assert run.parts.main([str(tmp_path), str(tmp_path / "to")]) == 2
    assert "FROM must be a folder with all files of mnist or cifar10" in capsys.readouterr().err


# --- against double precision -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["backprop", "SHADOW from h2", "SHADOW from h3"])
def test_steps_are_those_in_double_precision(run, way):
    p = run.checks.asked_of("cpu", "digits", way)
    assert on_one_thread(run.checks.off_double, p) < run.checks.FLOAT32
    rounded = on_one_thread(run.checks.off_double, replace(p, precision="bf16"))
    assert 0.001 < rounded < 0.1  # bfloat16 rounds an operand by up to 0.004
    by_hand = [on_one_thread(run.checks.off_double, p, bits) for bits in (8, 11, 20)]
    assert rounded == pytest.approx(by_hand[0], rel=0.3)  # and here some sums besides
    assert by_hand[0] > 1.5 * by_hand[1] > 150 * by_hand[2]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("MOMENTUM", 0.8),
        ("reversed_by_hand", lambda W, b, x, source: x),
        ("step_of", lambda p: {0: lambda stack: lambda x, labels: (x, labels)}),
    ],
)
def test_a_fault_is_farther_off_than_any_precision(run, name, fault, monkeypatch):
    p = run.checks.asked_of("cpu", "digits", "SHADOW from h2")
    rounded = on_one_thread(run.checks.off_double, replace(p, precision="bf16"))
    monkeypatch.setattr(run.checks, name, fault)
    assert on_one_thread(run.checks.off_double, p) > run.checks.ALLOWED * rounded


@pytest.mark.cuda
@needs_cuda
def test_simulations_on_the_device_are_those_in_double_precision(run):
    assert not [row for row in run.checks.simulations("cuda") if not row[1] <= row[2]]


@pytest.mark.cuda
@needs_cuda
def test_training_on_the_device_is_that_in_double_precision(run):
    assert not [row for row in run.checks.training("cuda", run.train.at_hand()) if not row[1] <= row[2]]


@pytest.mark.cuda
@needs_cuda
def test_recorded_steps_are_those_that_are_not(run):
    assert not [row for row in run.checks.recorded("cuda", run.train.at_hand()) if not row[1] <= row[2]]


@pytest.mark.cuda
@needs_cuda
def test_layers_trained_one_by_one_on_the_device_end_where_those_on_the_cpu_do():
    p = replace(cifar.gpu_cells("smoke")[0], images=400, epochs=3)
    sets = conv.image_sets(p.data, p.images, p.tuning, p.seed, p.test)
    ends = []
    for device in ("cpu", "cuda"):
        *_, last = conv.greedy_conv(p.plan(3, 0.03), cifar.on_device(sets, device), p.seed)
        ends.append(conv.risk_of(last.stage, last.sets.train.x, last.sets.train.labels))
    assert ends[1] == pytest.approx(ends[0], rel=0.02)
