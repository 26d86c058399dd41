"""The recorded experiments: deterministic, complete for the claims that read them, and able to fail."""

import types
from dataclasses import dataclass, replace

import pytest
import torch

from reversible.base import runtime
from reversible.base.checks import InputError
from reversible.base.estimates import Estimate
from reversible.papers import EXPERIMENTS
from reversible.papers.arora2015.experiments import shadow as shadow_training
from reversible.papers.arora2015.experiments import shadow_digits, shadow_long
from reversible.random_nets import one_layer as simulate
from reversible.records import make
from reversible.records.claims import NOT_TESTED, judge, read_claims, rules_for
from reversible.records.compare import LIVE_LIMIT
from reversible.records.record import book_folder, read_record
from reversible.runs.experiment import PROFILES, Experiment
from reversible.theory import one_layer as laws
from reversible.training.config import Training

CLAIMS = read_claims(book_folder())


TRAINED = {**shadow_training.EXPERIMENTS, **shadow_long.EXPERIMENTS, **shadow_digits.EXPERIMENTS}


def untested(claim):
    return judge(claim, lambda name: read_record(book_folder() / "results" / f"{name}.json")).status == NOT_TESTED


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_smoke_run_measures_what_the_rules_read(name):
    record = make.run(EXPERIMENTS[name], "smoke", rules_for(CLAIMS, name))
    for claim in CLAIMS:
        if claim.record == name:
            asked = {check.measure for check in (*claim.must, *claim.should)}
            # What the book's own record could not run is no part of this one either. What only other data measure is
            # seen to in test_shadow_training.
            assert asked <= set(record.measures) or record.absent or untested(claim) or name in TRAINED
            assert record.rules[claim.id] == claim.rule
    for measure, estimate in record.measures.items():
        if EXPERIMENTS[name].is_score(measure):
            assert estimate.mean < LIVE_LIMIT, measure
        assert EXPERIMENTS[name].label(measure)  # refused where it has none
    assert len(record.table()) == len(record.rows) == len(record.parameters["cells"])


def test_every_record_in_the_ledger_is_an_experiment_and_the_other_way_round():
    assert {claim.record for claim in CLAIMS} - {""} == set(EXPERIMENTS)


def test_same_profile_same_record_to_the_bit():
    first, second = (make.run(EXPERIMENTS["code-law"], "smoke").to_json() for _ in range(2))
    for record in (first, second):
        record["provenance"] = record["seal"] = None
    assert first == second


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_no_two_cells_share_their_randomness(name, profile):
    """But for trained methods, which are compared seed by seed, and the law itself, which has no seed."""
    cells = EXPERIMENTS[name].cells(profile)
    whole = {*TRAINED, "law-grid"}
    own = {cell.seeds if isinstance(cell, Training) else cell if name in whole else cell.seed for cell in cells}
    assert len(own) == len(cells)


def test_grid_of_theorem_2_3_is_large_enough():
    assert len(EXPERIMENTS["theorem-2-3"].cells("book")) >= 24


def test_a_wrong_law_is_seen_in_the_standard_scores(monkeypatch):
    right = laws.relative_risk
    monkeypatch.setattr(laws, "relative_risk", lambda *a, **k: 1.15 * right(*a, **k))
    assert make.run(EXPERIMENTS["inference-dropout"], "smoke").measures["rms_z"].mean > 3


@pytest.mark.parametrize(
    "call", [lambda: make.run(EXPERIMENTS["nix"], "smoke"), lambda: make.run(EXPERIMENTS["code-law"], "huge")]
)
def test_unknown_names(call):
    with pytest.raises(InputError, match="must be one of"):
        call()


def test_cuda_that_is_not_there():
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(InputError, match="no CUDA device"):
        make.run(EXPERIMENTS["linf-rate"], "smoke", device="cuda")


def test_cells_on_another_device_are_checked_against_double_precision(monkeypatch):
    """As on a machine with CUDA, with the numbers made on the CPU."""
    right, checked = simulate.precision_check, []

    def check(p):
        checked.append(p)
        return right(replace(p, device="cpu"))

    monkeypatch.setattr(runtime, "check_device", lambda device: None)
    monkeypatch.setattr(simulate, "precision_check", check)
    monkeypatch.setattr(make, "run_cell", on_cpu)
    monkeypatch.setattr(simulate, "check_device", lambda device: None)
    monkeypatch.setattr(make, "provenance", lambda module, device, seconds, name: {"device": device})
    record = make.run(EXPERIMENTS["linf-rate"], "smoke", device="cuda")
    assert [p.device for p in checked] == ["cuda"] * 3
    assert record.provenance["device"] == "cuda"
    assert record.provenance["arithmetic"] == [{"cpu": "here"}]
    assert 0 < record.provenance["float64_check"] < make.FLOAT64_TOLERANCE
    assert {cell["device"] for cell in record.parameters["cells"]} == {"cuda"}
    monkeypatch.setattr(simulate, "precision_check", lambda p: 0.01)
    with pytest.raises(InputError, match=r"0\.01 off double"):
        make.run(EXPERIMENTS["linf-rate"], "smoke", device="cuda")


def on_cpu(run, asked):
    result = run(replace(asked.cell, device="cpu"))
    return make.Done(result, {"cpu": "here"})


@pytest.fixture
def chosen(monkeypatch):
    """An experiment that chooses a number for each cell, and what it was asked."""
    calls = []

    def run_cell(cell, choice=None):
        calls.append((cell.seed, choice))
        return Result(choice or chosen.best, cell.seed)

    chosen = types.SimpleNamespace(calls=calls, best=3, cells=[Cell(1), Cell(2)])
    by_seed = lambda pairs: {f"value_{p.seed}": Estimate.exact(r.chosen * r.seed) for p, r in pairs}  # noqa: E731
    chosen.experiment = Experiment(
        lambda _: chosen.cells, run_cell, by_seed, lambda row: row["chosen"], name="mine", module=__name__
    )
    return chosen


@dataclass(frozen=True)
class Cell:
    seed: int


@dataclass(frozen=True)
class Result:
    chosen: int
    seed: int


def test_a_live_run_takes_what_its_record_chose(chosen):
    recorded = make.run(chosen.experiment, "book")
    chosen.best, chosen.cells = 5, [Cell(1), Cell(2), Cell(4)]
    now, touched = make.again(chosen.experiment, recorded, "book")
    assert chosen.calls[2:] == [(1, 3), (2, 3), (4, None)]
    assert now.measures == {
        name: Estimate.exact(value) for name, value in (("value_1", 3), ("value_2", 6), ("value_4", 20))
    }
    assert touched == set()


def test_the_whole_run_chooses_again_and_tells_what_hangs_on_another_choice(chosen):
    recorded = make.run(chosen.experiment, "paper")
    recorded.rows[1]["chosen"] = 4
    _, touched = make.again(chosen.experiment, recorded, "paper")
    assert chosen.calls[2:] == [(1, None), (2, None)]
    assert touched == {"value_2"}
