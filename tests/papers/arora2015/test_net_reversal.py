"""Section 4.1 on real nets: cells that are deterministic, paired, and say what they lack."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from helpers import refusal
from reversible import data
from reversible.base.runtime import trial_generator
from reversible.nets.reversal import compare
from reversible.papers.arora2015.experiments import net_reversal as real_nets
from reversible.papers.arora2015.experiments import training_travel as travel
from reversible.papers.arora2015.experiments.net_reversal import NetReversal, NetReversalResult, net_reversal
from reversible.papers.arora2015.experiments.trained_here import SCHEDULES, trained_nets
from reversible.papers.arora2015.experiments.training_travel import TravelResult, training_travel
from reversible.runs.experiment import Absent

BRIEF = replace(SCHEDULES["digits"], steps=100)
TRAINED = NetReversal(net="trained", data="digits", layer=2, training=BRIEF, batches=5, images=20, seed=1)
LENET = NetReversal(net="lenet300_100_dense", data="mnist", layer=1, batches=3, images=10, seed=2)


def ran(cell):
    result = net_reversal(cell)
    assert isinstance(result, NetReversalResult)
    return result


def travelled(cell):
    result = training_travel(cell)
    assert isinstance(result, TravelResult)
    return result


def test_the_same_cell_gives_the_same_result_to_the_bit():
    first = asdict(ran(TRAINED))
    trained_nets.cache_clear()
    torch.manual_seed(1)
    assert asdict(ran(TRAINED)) == first
    dropped = replace(TRAINED, rho=0.5)
    assert asdict(ran(dropped)) == asdict(ran(dropped)) != first
    assert asdict(ran(replace(dropped, seed=2))) != asdict(ran(dropped))


def test_own_weights_beat_a_permutation_on_the_same_images():
    own, control = ran(TRAINED), ran(replace(TRAINED, generation="permuted", seed=9))
    assert (own.support, own.input_nonzero) == (control.support, control.input_nonzero)  # the codes are the net's own
    assert all(a > b for a, b in zip(own.cosine_by_repeat, control.cosine_by_repeat, strict=True))
    assert own.specific.mean == pytest.approx(own.cosine.mean - own.cosine_other.mean)
    assert own.specific.ci95[0] > control.specific.ci95[1]
    other = ran(replace(TRAINED, generation="permuted", everywhere=True, seed=9))
    assert other.input_nonzero == own.input_nonzero
    assert other.support != own.support  # and here another net's


def test_shares_are_shares():
    r = ran(TRAINED)
    assert r.support_shared.mean <= min(r.support.mean, r.support_back.mean) <= 1
    assert 0 <= r.agreement.mean <= 1
    assert r.scaled_error.mean <= min(1, r.relative_error.mean)
    zero = ran(replace(TRAINED, biases="zero"))
    assert (zero.negative_bias_share.mean, zero.mean_bias.mean) == (0, 0)
    assert r.negative_bias_share.n == 20
    assert 0 < r.negative_bias_share.mean < 1


def test_facts_of_the_net_by_hand():
    r, net, test = ran(TRAINED), trained_nets(BRIEF)[0], data.load("digits", train=False)
    places = torch.randperm(360, generator=trial_generator(real_nets.IMAGES_SEED, 0))[:100]
    x = test.take(places).scaled().double().numpy()
    (A1, A2, A3), (b1, b2, b3) = ([v.double().numpy() for v in values] for values in (net.weights, net.biases))
    fed = np.maximum(x @ A1.T + b1, 0) @ A2.T
    assert r.negative_bias_share.mean == np.mean(b2 < 0) != np.mean(b2 > 0)
    assert r.mean_bias.mean == pytest.approx(b2.mean() / np.sqrt((fed**2).mean()), rel=1e-4)

    def classes(images):
        return (np.maximum(np.maximum(images @ A1.T + b1, 0) @ A2.T + b2, 0) @ A3.T + b3).argmax(1)

    middle = np.maximum(np.maximum(fed + b2, 0) @ A2, 0)
    assert r.agreement.mean == pytest.approx(np.mean(classes(x) == classes(theory_scaled(middle, A1, A2))))


def theory_scaled(middle, A1, A2):
    return np.maximum(middle @ A1, 0) * 2 * 40 / (A1**2).sum() * 2 * 20 / (A2**2).sum()


def test_a_random_control_is_drawn_anew_for_each_batch(monkeypatch):
    drawn = []
    right = real_nets.replaced
    monkeypatch.setattr(real_nets, "replaced", lambda A, how, g: drawn.append(right(A, how, g)) or drawn[-1])
    ran(replace(TRAINED, generation="permuted"))
    assert len({matrix.numpy().tobytes() for matrix in drawn}) == 5 * 2
    drawn.clear()
    ran(replace(TRAINED, generation="bulk"))
    assert len(drawn) == 2


def test_measures_are_paired_differences():
    cells = [TRAINED, replace(TRAINED, generation="bulk"), replace(TRAINED, rho=0.5), replace(TRAINED, biases="zero")]
    pairs = [(cell, ran(cell)) for cell in cells]
    measures = real_nets.reversal_measures(pairs)
    base, rest = pairs[0][1], pairs[1][1]
    differences = np.subtract(base.cosine_by_repeat, rest.cosine_by_repeat)
    found = measures["cosine_above_bulk_trained_digits_2"]
    assert found.mean == pytest.approx(differences.mean())
    assert found.half_width == pytest.approx(2.776 * differences.std(ddof=1) / math.sqrt(5), rel=1e-3)
    assert {"cosine_above_rho_0_5_trained_digits_2", "scaled_error_above_zero_biases_trained_digits_2",
            "active_share_trained_digits_2", "scale_bulk_trained_digits_2"} <= set(measures)  # fmt: skip


def test_of_several_nets_the_nets_are_the_repeats():
    several = replace(TRAINED, training=replace(BRIEF, seeds=(0, 1, 2)))
    r, alone = ran(several), ran(TRAINED)
    assert r.cosine.n == r.negative_bias_share.n == len(r.centred_by_repeat) == 3
    assert r.cosine_by_repeat[0] == pytest.approx(alone.cosine.mean, rel=1e-3)
    assert len(set(r.cosine_by_repeat)) == 3
    pairs = [(cell, ran(cell)) for cell in (several, replace(several, generation="permuted"))]
    found = real_nets.reversal_measures(pairs)["centred_above_permuted_trained_digits_2"]
    assert found.n == 3
    assert found.mean == pytest.approx(pairs[0][1].centred.mean - pairs[1][1].centred.mean)


def test_centred_codes_do_not_see_what_all_codes_have_in_common():
    h = torch.rand(20, 30, generator=torch.Generator().manual_seed(0))
    common = 5 * torch.rand(30, generator=torch.Generator().manual_seed(1))
    other = torch.rand(20, 30, generator=torch.Generator().manual_seed(2))
    alike = compare(h + common, other + common)
    assert float(alike.cosine.mean()) > 0.9
    assert abs(float(alike.centred.mean())) < 0.2
    assert torch.allclose(compare(h, 3 * h + common).centred, torch.ones(20, dtype=torch.float64))


def test_lenet_is_seen_to_be_reversible(needs_mnist, needs_weights):
    own, control = ran(LENET), ran(replace(LENET, generation="gaussian"))
    assert own.cosine.mean > control.cosine.mean + 0.2
    assert own.negative_bias_share.n == 300


def test_missing_data_is_said_and_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    absent = net_reversal(LENET)
    assert isinstance(absent, Absent)
    assert "lenet300_100_dense" in absent.absent
    assert "\n" not in absent.absent
    assert str(tmp_path) not in absent.absent
    measures = real_nets.reversal_measures([(LENET, absent), (TRAINED, ran(TRAINED))])
    assert not any("dense" in name for name in measures)
    assert "cosine_trained_digits_2" in measures

    def offline(name):
        raise data.NotAtHand("no network")

    monkeypatch.setattr(data, "_download", offline)
    cell = travel.travel_cells("full")[0]
    assert training_travel(cell) == Absent("no network")
    assert travel.travel_measures([(cell, Absent("no network"))]) == {}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"net": "alexnet"}, "net must be one of lenet300_100_dense, lenet300_100_sparse, trained, not 'alexnet'"),
        ({"data": "cifar"}, "data must be one of"),
        ({"layer": 3}, "layer must be an integer from 1 to 2, not 3"),
        ({"generation": "inverse"}, "generation must be one of"),
        ({"biases": "none"}, "biases must be one of trained, zero, not 'none'"),
        ({"rho": 0}, "rho must be a number from 1e-12 to 1, not 0"),
        ({"batches": 1}, "batches must be an integer from 2"),
        ({"training": None}, "training must be given where net is trained"),
        ({"images": 100}, "batches times images must be at most 360, not 5 x 100"),
    ],
)
def test_bad_cells_are_one_line(change, says):
    assert says in refusal(lambda: ran(replace(TRAINED, **change)))


def test_images_of_another_size_than_the_net_reads_are_one_line(needs_mnist):
    says = "data must be of 64 pixels for trained, not 'mnist'"
    assert says in refusal(lambda: ran(replace(TRAINED, data="mnist")))


def test_travel_begins_at_the_random_net():
    cell = replace(BRIEF, steps=120, snapshots=(0, 10, 120))
    result = travelled(cell)
    assert asdict(result) == asdict(travelled(cell))
    assert [(row.step, row.layer) for row in result.rows] == [(s, layer) for s in (0, 10, 120) for layer in (1, 2)]
    start, end = result.rows[0], result.rows[-2]
    assert start.distance == 0
    assert 0 < result.rows[2].distance < end.distance < 1.5
    assert start.sigma == pytest.approx(math.sqrt(2 / 64), rel=0.1)
    assert start.kurtosis == pytest.approx(3, abs=0.5)
    assert end.test_error < start.test_error
    assert start.cosine_transpose > start.cosine_gaussian
    assert "snapshots must begin with 0 here, not ()" in refusal(lambda: travelled(BRIEF))


def test_travel_measures_pair_the_seeds():
    cells = [replace(BRIEF, steps=20, snapshots=(0, 20), seeds=(seed,)) for seed in (1, 2, 3)]
    pairs = [(cell, travelled(cell)) for cell in cells]
    measures = travel.travel_measures(pairs)
    changes = [r.rows[-1].sigma - r.rows[1].sigma for _, r in pairs]
    assert measures["sigma_2_change"].mean == pytest.approx(np.mean(changes))
    assert measures["sigma_2_change"].n == 3
    assert measures["distance_1_before"].mean == 0
    assert measures["test_error_after"].mean == pytest.approx(np.mean([r.rows[-1].test_error for _, r in pairs]))
    assert measures["cosine_above_gaussian_1_after"].mean == pytest.approx(
        measures["cosine_transpose_1_after"].mean - measures["cosine_gaussian_1_after"].mean
    )


@pytest.mark.parametrize("name", real_nets.EXPERIMENTS)
@pytest.mark.parametrize("profile", ["smoke", "book", "full"])
def test_cells_have_their_own_seeds_and_their_base(name, profile):
    cells = real_nets.EXPERIMENTS[name].cells(profile)
    seeds = {cell.seeds if name == "training-travel" else cell.seed for cell in cells}
    assert len(seeds) == len(cells) == len({repr(cell) for cell in cells})
    if name == "net-reversal":
        changes = {(real_nets.place_of(cell), real_nets._change(cell)) for cell in cells}
        assert len(changes) == len(cells)
        assert {(place, "") for place, _ in changes} <= changes
