"""SHADOW in wide nets: the loop for a device is that of `shadow_at_rate` to the bit; a curve that is cut counts not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import made_up_curves
from made_up_curves import made_up
from reversible.base.estimates import Estimate
from reversible.papers import EXPERIMENTS
from reversible.papers.arora2015 import curve_tables
from reversible.papers.arora2015.experiments import shadow_at_rate as at
from reversible.papers.arora2015.experiments import shadow_curves as sc
from reversible.papers.arora2015.experiments import shadow_gpu as gpu
from reversible.papers.arora2015.experiments.shadow_curves_measures import curve_measures
from reversible.papers.arora2015.smooth import power
from reversible.records.claims import read_claims
from reversible.records.record import book_folder, read_record
from reversible.runs.experiment import Absent, on_one_thread
from reversible.training.run import CapturedStep, train_step
from reversible.training.stack import Stack

CELLS = {cell.method: cell for cell in gpu.gpu_cells("smoke") if cell.offset == 0}
SETTLED = at.Rate(0.05)


def without_seconds(result):
    return replace(result, seconds=0.0)


@pytest.mark.parametrize("method", ["backprop", "shadow", "noise"])
def test_the_loop_is_the_other_one_to_the_bit(method):
    ours, theirs = (on_one_thread(run, CELLS[method], SETTLED) for run in (gpu.at_rate_on_device, at.at_rate))
    assert without_seconds(ours) == without_seconds(theirs)
    assert len(ours.looks) == len(CELLS[method].training.snapshots)


def test_the_pilot_is_the_other_one():
    pilot = CELLS["backprop"].pilot
    assert on_one_thread(gpu.piloted, pilot, "cosine") == on_one_thread(at.piloted, pilot, "cosine")
    found = on_one_thread(gpu.at_rate_on_device, replace(CELLS["shadow"], offset=1))
    assert found.lr == gpu.piloted(pilot, "cosine") * 2**0.5


def test_a_stack_of_the_device_begins_as_the_other_one():
    p = replace(CELLS["shadow"].training, seeds=(3, 4))
    ours, theirs = gpu.DeviceStack(p), Stack(p)
    assert ours.digests() == theirs.digests()
    for stack in (ours, theirs):
        stack.batches.turn_to(0)
    assert torch.equal(ours.batches.index, theirs.batches.index)


def test_a_recorded_step_reads_the_rate_anew():
    """What a graph records is the tensor, not its number: steps by one recording are those at the rates it has then."""
    p, rate = replace(CELLS["backprop"].training, seeds=(3,)), torch.tensor(0.0)
    ours, theirs = gpu.DeviceStack(p), Stack(p)
    ours.p = gpu.with_rate(p, rate)
    step = CapturedStep(ours, lambda x, labels: (x, labels))
    for stack in (ours, theirs):
        stack.batches.turn_to(0)
    for lr in (0.1, 0.3):
        rate.fill_(lr)
        step.train()
        theirs.p = replace(p, lr=lr)
        train_step(theirs, lambda x, labels: (x, labels))
        assert ours.digests() == theirs.digests()
    assert p.lr == sc.NOT_CHOSEN


def test_on_a_gpu_products_are_short_and_steps_recorded(monkeypatch):
    asked = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr(
        gpu,
        "followed",
        lambda p, schedule, probe: (
            asked.append(p)
            or iter(
                [
                    {
                        "step": 1,
                        "tuning": (),
                        "test": (),
                        "held_out": (),
                        "synthetic": (),
                        "tuning_at_end": (0.5,),
                        "test_at_end": (0.5,),
                        "seconds": 1.0,
                    }
                ]
            )
        ),
    )
    gpu.at_rate_on_device(replace(CELLS["shadow"], device="cuda"), SETTLED)
    assert [(p.device, p.precision, p.graph, p.lr) for p in asked] == [("cuda", "bf16", True, 0.05)]


def test_the_sizes_are_those_of_the_narrow_nets_but_for_the_width():
    wide, narrow = gpu.FULL[0].place, curve_tables.named(sc.NARROW).place
    assert {**wide, "hidden": ()} == {**narrow, "hidden": ()}
    assert wide["hidden"] == (5000,) * 3
    assert [regime.offsets for regime in gpu.FULL] == [sc.OFFSETS, tuple(range(-1, 8))]
    assert [regime.higher for regime in gpu.FULL] == [("backprop", "h3"), ()]
    seeds = [seed for regime in (*gpu.FULL, *sc.FULL) if not regime.like
             for kind, count in zip(("tuning", "test", "pilot"), (*regime.seeds, regime.pilot), strict=True)
             for seed in regime._seeds(kind, count)]  # fmt: skip
    assert len(set(seeds)) == len(seeds)


def test_a_cut_curve_counts_for_nothing():
    cells = gpu.gpu_cells("full")
    pairs = [(p, made_up(p)) for p in cells]
    whole = gpu.gpu_measures(pairs)
    asked = {check.measure for claim in read_claims(book_folder()) if claim.record == "shadow-gpu"
             for check in (*claim.must, *claim.should)}  # fmt: skip
    assert len(asked) == 5
    assert asked <= set(whole)
    assert all(EXPERIMENTS["shadow-gpu"].label(name) for name in whole)
    assert "gain_shadow_everywhere" not in whole
    assert whole == {name: e for name, e in curve_measures(pairs).items() if name in whole}
    cut = [(p, Absent("no time") if (p.method, p.offset) == ("h3", 3) else r) for p, r in pairs]
    assert whole.keys() - gpu.gpu_measures(cut).keys() == {name for name in whole if "h3" in name}
    late = [(p, r if p.regime.startswith("mnist") or p.method != "backprop" else Absent("no time")) for p, r in pairs]
    assert not [name for name in gpu.gpu_measures(late) if "cifar10" in name]
    assert gpu.gpu_measures([(p, Absent("no time")) for p in cells]) == {}


def test_a_cut_curve_is_not_drawn():
    record = made_up_curves.record("shadow-gpu")
    rows = [{"absent": "no time"} if (cell["method"], cell["offset"]) == ("h3", 3) else row
            for cell, row in record.pairs()]  # fmt: skip
    whole, cut = (curve_tables.curves_in(each) for each in (record, replace(record, rows=rows)))
    assert whole["mnist_1000_5000x3"].keys() - cut["mnist_1000_5000x3"].keys() == {"h3"}
    assert whole["cifar10_5000_5000x3"].keys() == cut["cifar10_5000_5000x3"].keys()


def test_power_is_that_of_the_seeds_that_count():
    record, own = made_up_curves.spread_record()
    found = curve_tables.gpu_settings(record)
    assert found["gpu_seeds"] == "12 and 8"
    assert found["gpu_width"] == "5,000"
    spread = [float(own[regime].std(ddof=1)) for regime in (sc.NARROW, "cifar10_5000_400x3")]
    expected = [power(0.003, sd, seeds) for sd, seeds in zip(spread, (12, 8), strict=True)]
    assert found["gpu_power"] == " and ".join(f"{each:.0%}" for each in expected)


# --- what the chapter says of the record ------------------------------------------------------------------------------


def test_words_of_the_wide_nets_are_those_of_the_record():
    record = read_record(book_folder() / "results" / "shadow-gpu.json")
    found = curve_tables.gpu_found(record)
    regime = gpu.FULL[0].name
    assert found["gpu_gain_mnist"] == str(record.measures[f"gain_shadow_{regime}"].scaled(100))
    lowest = {  # rates at which a seed is half as bad again as the best mean are none of those at which nets train
        method: min(
            float(np.mean(row["test"])) for cell, row in record.pairs()
            if (cell["regime"], cell["method"]) == (regime, method) and max(row["test"]) < 0.13
        )
        for method in ("backprop", "shadow")
    }  # fmt: skip
    assert found["gpu_by_test"] == f"{100 * (lowest['backprop'] - lowest['shadow']):.2f}"
    assert float(found["gpu_minutes"]) > 1


def test_a_gain_of_an_open_curve_is_said_not_to_be_known():
    assert curve_tables.in_points(Estimate(-0.009, (-2.0, 2.0), 12)) == "not known, as a curve is open"
    assert curve_tables.in_points(Estimate(-0.002, (-0.006, 0.002), 12)) == "-0.20 [-0.60, 0.20]"
