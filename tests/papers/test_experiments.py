"""The recorded experiments: deterministic, complete for the claims that read them, and able to fail."""

import math
import re
import types
from dataclasses import asdict, dataclass
from itertools import combinations

import pytest
import torch

from cheap_cells import cells_of
from helpers import skip_without
from reversible.base.arithmetic import arithmetic
from reversible.base.checks import InputError
from reversible.base.estimates import Estimate
from reversible.papers import EXPERIMENTS
from reversible.papers.arora2015.experiments import shadow_curves, shadow_gpu
from reversible.records import make
from reversible.records.claims import read_claims, rules_for
from reversible.records.compare import LIVE_LIMIT
from reversible.records.record import book_folder, read_record
from reversible.runs.experiment import PROFILES, Experiment
from reversible.theory import one_layer as laws
from reversible.training.config import Training
from smoke_records import SECONDS

CLAIMS = read_claims(book_folder())
TRAINED = {**shadow_curves.EXPERIMENTS, **shadow_gpu.EXPERIMENTS}


# The data of a trained cell, its number of images and its widths, where a measure's name ends with them.
PLACE = re.compile(r"_(?:digits|mnist|cifar10|cifar100)_(?:\d+|all)(?:_\d+x\d+)?(?:_long)?(?=_constant$|$)")
# What no run here measures, nor the committed record: AlexNet's weights are not at hand.
NOT_AT_HAND = {"net-spectra": {"alexnet_fc_on_law", "alexnet_fc_nothing_leaves"}}
# And what a smoke run does not: it trains in one regime, and has no means over several.
NOT_IN_SMOKE = {**NOT_AT_HAND, "shadow-curves": {
    "gain_shadow_wide_less_narrow", "gain_shadow_everywhere", "speed_gain_shadow_everywhere",
    "shadow_below_noise_everywhere",
}}  # fmt: skip


def asked_of(name):
    """The measures of a record that claims ask for."""
    claims = [claim for claim in CLAIMS if claim.record == name]
    return {check.measure for claim in claims for check in (*claim.must, *claim.should)}


NOT_IN_SMOKE["net-reversal"] = {measure for measure in asked_of("net-reversal") if "trained_mnist" in measure}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_smoke_run_is_whole_and_on_the_law(name, smoke_records, record_property):
    record, experiment = smoke_records[name], EXPERIMENTS[name]
    record_property(SECONDS, [name, smoke_records.seconds(name)])  # for the summary, see smoke_records.py
    assert record.rules == rules_for(CLAIMS, name)
    for measure, estimate in record.measures.items():
        if experiment.is_score(measure):
            assert estimate.mean < LIVE_LIMIT, measure
        assert experiment.label(measure)  # refused where it has none
    assert len(record.table()) == len(record.rows) == len(record.parameters["cells"])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_smoke_run_measures_what_the_rules_read(name, smoke_records):
    """Of trained cells on its own data; that the profile `full` measures all the others test_shadow_curves sees."""
    if name == "net-reversal":
        skip_without(["weights/lenet300_100_dense.npz"])
    record = smoke_records[name]
    asked, measured = asked_of(name), set(record.measures)
    if name in TRAINED:
        asked, measured = ({PLACE.sub("", measure) for measure in measures} for measures in (asked, measured))
    assert asked
    missing = asked - measured
    if missing > NOT_IN_SMOKE.get(name, set()) and record.absent:
        pytest.skip(f"not at hand: {'; '.join(record.absent)}")
    assert missing == NOT_IN_SMOKE.get(name, set())


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_committed_record_measures_what_the_rules_read(name):
    file = book_folder() / "results" / f"{name}.json"
    if file.exists():
        assert asked_of(name) - set(read_record(file).measures) == NOT_AT_HAND.get(name, set())
    else:
        assert [claim.id for claim in CLAIMS if claim.record == name and not claim.pending] == []


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
    cells = cells_of(name, profile)
    whole = {*TRAINED, "trained-layers", "law-grid", "hayou-training"}
    own = {cell.seeds if isinstance(cell, Training) else cell if name in whole else cell.seed for cell in cells}
    assert len(own) == len(cells)


# Made before `seed_of` was there, from ranges that began at the same numbers.
SHARE_SEEDS = (
    {"code-law", "baby-theorem", "net-reversal"},
    {"unbiased-inference", "linf-rate", "theorem-2-3", "regime-map", "inference-dropout"},
    {"law-grid-nets", "net-reversal"},
)


def seeds_in(value, named=False):
    """All seeds of a cell, whose dict this is."""
    if isinstance(value, dict):
        return set().union(*(seeds_in(part, name in ("seed", "seeds", "tuning_seeds")) for name, part in value.items()))
    if isinstance(value, list | tuple):
        return set().union(*(seeds_in(part, named) for part in value))
    return {value} if named else set()


def test_no_further_experiments_share_their_seeds():
    """New ones take theirs from `seed_of`, and share none."""
    seeds = {
        name: {seed for profile in PROFILES for cell in cells_of(name, profile) for seed in seeds_in(asdict(cell))}
        for name in EXPERIMENTS
    }
    assert [name for name in seeds if not seeds[name]] == ["law-grid"]
    pairs = {frozenset(pair) for pair in combinations(seeds, 2) if seeds[pair[0]] & seeds[pair[1]]}
    assert pairs == {frozenset(pair) for names in SHARE_SEEDS for pair in combinations(sorted(names), 2)}


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
    """As on a machine with CUDA, by an experiment that says itself how far it is off."""
    found, checked = [1e-4, 2 * make.FLOAT64_TOLERANCE, math.nan], []

    def off(cells):
        checked.append(cells)
        return found[len(checked) - 1]

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    experiment = Experiment(
        lambda _: [CellOnDevice(1), CellOnDevice(2)], lambda cell: Result(1, cell.seed), lambda pairs: {},
        float64=off, name="mine", module=__name__,
    )  # fmt: skip
    record = make.run(experiment, "smoke", device="cuda")
    assert checked == [[CellOnDevice(1, "cuda"), CellOnDevice(2, "cuda")]]
    assert record.parameters["cells"] == [{"seed": 1, "device": "cuda"}, {"seed": 2, "device": "cuda"}]
    assert record.provenance["device"] == "a GPU"
    assert record.provenance["arithmetic"] == [arithmetic()]
    assert record.provenance["float64_check"] == 1e-4
    for says in (r"0\.002 off double", "nan off double"):
        with pytest.raises(InputError, match=says):
            make.run(experiment, "smoke", device="cuda")
    record = make.run(experiment, "smoke")
    assert len(checked) == 3
    assert "float64_check" not in record.provenance


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_whatever_is_simulated_on_another_device_says_how_far_it_is_off(name):
    """What is trained there does not: its rounding decides where training goes."""
    cells, off = cells_of(name, "smoke"), EXPERIMENTS[name].float64
    trained = name in {*TRAINED, "greedy-cifar", "greedy-gpu"} or isinstance(cells[0], Training)
    assert (off is not None) == (hasattr(cells[0], "device") and not trained)
    if off:
        assert 0 < off(cells) < make.FLOAT64_TOLERANCE


@dataclass(frozen=True)
class CellOnDevice:
    seed: int
    device: str = "cpu"


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
    recorded = make.run(chosen.experiment, "full")
    recorded.rows[1]["chosen"] = 4
    _, touched = make.again(chosen.experiment, recorded, "full")
    assert chosen.calls[2:] == [(1, None), (2, None)]
    assert touched == {"value_2"}
