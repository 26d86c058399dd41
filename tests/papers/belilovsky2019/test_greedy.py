"""Greedy training: starts to the bit, frozen layers that stay, features that are kept, and what is read off nets."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from helpers import refusal
from reversible.nets.separable import separability
from reversible.papers.belilovsky2019 import convolution as conv
from reversible.papers.belilovsky2019.compared import Budget, Compared, Nets, measures_of, probe_error
from reversible.papers.belilovsky2019.experiments import depth, start
from reversible.papers.belilovsky2019.greedy import (
    Plan,
    begun_as_identity,
    end_to_end,
    errors,
    fitted,
    greedy,
    risk,
    sets_of,
)

SEEDS = (3, 4)


@pytest.fixture(scope="module")
def sets():
    return sets_of("digits", 120, 40, SEEDS, 60)


@pytest.mark.parametrize("kind", start.KINDS)
def test_a_layer_that_begins_as_the_identity_starts_at_the_last_risk_to_the_bit(kind):
    found = start.start(start.Start(kind, 2, 60, 6, 2, 2, 2, 5)).off
    assert set(found["none"]) == {0.0}
    assert min(found["rearranged"]) > 1e-4
    assert max(found["narrower"]) > 1e-6  # a unit that is off everywhere is not missed


def test_the_second_stage_begins_where_the_first_ended_and_goes_on(sets):
    plan = Plan((8, 8), 2, 3, 20, 0.05, "identity")
    first, second = greedy(plan, sets, SEEDS, (risk,), looks=3)
    assert second.rows[0]["risk"] == first.rows[-1]["risk"]
    assert second.rows[-1]["risk"] != second.rows[0]["risk"]


def test_features_are_what_the_frozen_layer_makes_of_each_nets_own_images(sets):
    first, second = greedy(Plan((8, 7), 1, 1, 20, 0.05), sets, SEEDS, ())
    for net in range(len(SEEDS)):
        W, b = first.net.weights[0][net].double(), first.net.biases[0][net].double()
        wanted = torch.relu(sets.test.x[net].double() @ W.T + b)
        assert torch.allclose(second.sets.test.x[net].double(), wanted, atol=1e-5)
    assert not torch.equal(sets.train.labels[0], sets.train.labels[1])
    assert torch.equal(second.sets.train.labels, sets.train.labels)


def test_one_layer_greedily_is_one_layer_end_to_end_to_the_bit(sets):
    plan = Plan((9,), 2, 4, 30, 0.05)
    (stage,) = greedy(plan, sets, SEEDS, (errors, risk))
    together = end_to_end(plan, sets, SEEDS, (errors, risk), 4)
    assert stage.rows[-1]["risk"] == together.rows[-1]["risk"]
    assert len(together.rows) == 4


def test_a_stage_is_plain_descent_with_momentum():
    """By hand, in double precision."""
    sets = sets_of("digits", 120, 40, SEEDS[:1], 60)
    (begun,) = greedy(Plan((6,), 1, 1, 120, 1e-12), sets, SEEDS[:1], ())
    (stage,) = greedy(Plan((6,), 1, 3, 120, 0.1), sets, SEEDS[:1], ())
    values = [v[0].double().requires_grad_() for pair in zip(begun.net.weights, begun.net.biases, strict=True)
              for v in pair]  # fmt: skip
    speeds, x = [torch.zeros_like(v) for v in values], sets.train.x[0].double()
    for _ in range(3):
        W, b, C, c = values
        loss = functional.cross_entropy(torch.relu(x @ W.T + b) @ C.T + c, sets.train.labels[0])
        slopes = torch.autograd.grad(loss, values)
        with torch.no_grad():
            for v, speed, slope in zip(values, speeds, slopes, strict=True):
                v -= 0.1 * speed.mul_(0.9).add_(slope)
    assert torch.allclose(stage.net.weights[0][0].double(), values[0], atol=1e-5)
    assert torch.allclose(stage.net.biases[1][0].double(), values[3], atol=1e-5)


def test_a_wider_layer_begins_with_zeros_and_a_narrower_one_with_what_fits():
    value = torch.arange(6.0).view(2, 3)
    assert fitted(value, (3, 4)).tolist() == [[0, 1, 2, 0], [3, 4, 5, 0], [0, 0, 0, 0]]
    assert fitted(value, (1, 2)).tolist() == [[0, 1]]


def test_the_identity_is_put_into_a_state_and_no_momentum_is():
    state = {f"value.{i}": torch.ones(shape) for i, shape in enumerate([(2, 3, 5), (2, 5, 4), (2, 5), (2, 4)])}
    state["speed.0"] = torch.full((2, 3, 5), 7.0)
    before = {f"value.{i}": torch.full(shape, 2.0) for i, shape in enumerate([(2, 9, 3), (2, 3, 4), (2, 3), (2, 4)])}
    own = begun_as_identity(state, before, 5)
    assert torch.equal(own["value.0"][1], torch.eye(3, 5))
    assert own["value.1"][0].tolist() == [[2] * 4] * 3 + [[0] * 4] * 2
    assert own["value.2"].abs().max() == 0
    assert own["value.3"].tolist() == [[2] * 4] * 2
    assert own["speed.0"].min() == 7


def test_quadrants_of_maps_and_a_convolution_that_passes_on():
    x = torch.rand(2, 3, 4, 4)
    assert conv.quadrants(x)[0, 5] == pytest.approx(float(x[0, 1, :2, 2:].mean()))
    values = conv.first_values(3, (3, 5), 4, x, torch.Generator().manual_seed(2))
    begun = conv.begin_as_identity(values, 3, 4)
    assert torch.equal(conv.relu_conv(x, begun[0], begun[1])[:, :3], x)
    assert begun[2].shape == (5, 4, 3, 3)


def test_greedy_convolutions_learn_and_end_to_end_too():
    sets = conv.image_sets("digits", 300, 50, 1, 200)
    plan = conv.ConvPlan((6, 6), 2, 6, 20, 0.03)
    first, last = conv.greedy_conv(plan, sets, 1)
    assert conv.accuracy(last.stage, last.sets.test) > 0.6
    assert torch.equal(last.sets.test.x, first.through().test.x)
    seen = []
    values = conv.conv_together(plan, sets, 1, 8, lambda values: seen.append(conv.accuracy(values, sets.test)))
    assert len(seen) == 8
    assert seen[-1] == conv.accuracy(values, sets.test) > 0.6
    assert len(values) == 2 * 4  # two layers, one more of the head, and the linear one


def test_a_linear_probe_is_ridge_regression_by_its_normal_equations():
    rng = np.random.default_rng(5)
    labels, unseen_labels = rng.integers(3, size=80), rng.integers(3, size=90)
    middle = rng.standard_normal((3, 6))
    x, unseen = (middle[y] + rng.standard_normal((len(y), 6)) for y in (labels, unseen_labels))
    found = separability(np.c_[x, np.ones(80)], labels, np.c_[unseen, np.ones(90)], unseen_labels)  # one constant
    a, b = (x - x.mean(0)) / x.std(0), (unseen - x.mean(0)) / x.std(0)
    target = 2 * np.eye(3)[labels] - 1
    shares = []
    for penalty in 10.0 ** np.arange(-2, 6):
        fit = np.linalg.solve(a.T @ a + penalty * np.eye(6), a.T @ (target - target.mean(0)))
        shares.append(float(((b @ fit + target.mean(0)).argmax(1) == unseen_labels).mean()))
    assert found in shares
    assert 0.5 < found < 1


def test_rates_are_chosen_net_by_net_on_images_that_choose():
    """Two rates, two layers, two nets: the first net is best at the second rate, the second net at the first."""
    tuning, test = (
        (((0.5, 0.5), (0.4, 0.1)), ((0.5, 0.5), (0.2, 0.3))),
        (((0.9, 0.8), (0.7, 0.6)), ((0.5, 0.4), (0.3, 0.2))),
    )
    table = {str(k): tuning for k in (1, 2, 3)}
    end = ((0.5, 0.2), (0.6, 0.1)), ((0.4, 0.3), (0.1, 0.2))  # by rate and epoch
    found = Compared(
        10, table | {"t3": end}, dict.fromkeys("123", test) | {"t3": end}, dict.fromkeys("123", test),
        dict.fromkeys("123", ((0.5, 0.25), (0.125, 0.5))), ((0.5, 0.5), (0.4, 0.6), (0.3, 0.7)),
        {"1": 1.0, "2": 1.0, "3": 3.0, "t3": 2.0},
    )  # fmt: skip
    nets = Nets.of([found])
    assert nets.test["1"].tolist() == [[0.5, 0.8], [0.3, 0.6]]
    assert nets.ensemble["2"].tolist() == [0.125, 0.25]
    assert nets.test["t3"].tolist() == [[0.4, 0.2], [0.1, 0.1]]
    m = measures_of([found], lambda k: Budget([1.0, 1.0], 2.0))
    assert m["behind_k3"].mean == pytest.approx(0.45 - 0.1)
    assert m["behind_same_cost_k3"].mean == pytest.approx(0.45 - 0.3)
    assert m["smallest_step"].mean == pytest.approx(0.2)
    assert m["seconds_k3"].mean == 1.5
    assert m["random_last_rise"].mean == pytest.approx(0)


def test_a_budget_is_rounded_up_to_whole_epochs():
    assert Budget([5, 5], 2.5).same_cost == 4
    assert Budget([5, 5.1], 2.5).same_cost == 5


def test_dense_budgets_are_those_of_the_nets_that_are_run():
    p = depth.cells("full")[0]
    own = depth.budget(p, 1)
    first, rest = 196 * 96, 96 * 96
    assert sum(own.stages) == 5 * (2 * first + 3 * 960) + first + 3 * (5 * (2 * rest + 3 * 960) + rest)
    assert own.epoch == 2 * first + 3 * (3 * rest + 960)


def test_bad_input():
    ones = np.ones(4, int)
    assert "widths must not fall" in refusal(lambda: Plan((8, 6), 1, 1, 10, 0.1, "identity"))
    assert "k must be" in refusal(lambda: Plan((8,), 0, 1, 10, 0.1))
    assert "start must be one of" in refusal(lambda: Plan((8,), 1, 1, 10, 0.1, "zero"))
    assert "layers must be" in refusal(lambda: Plan((), 1, 1, 10, 0.1))
    assert "images must be at most" in refusal(lambda: sets_of("digits", 2000, 10, (1,)))
    assert "images must be at most" in refusal(lambda: conv.image_sets("digits", 2000, 10, 1))
    assert "two classes" in refusal(lambda: separability(np.ones((4, 2)), ones, np.ones((4, 2)), ones))
    assert "finite" in refusal(
        lambda: separability(np.full((4, 2), np.nan), np.array([1, 2] * 2), np.ones((4, 2)), ones)
    )
    assert "label each" in refusal(lambda: separability(np.ones((4, 2)), ones[:3], np.ones((4, 2)), ones))


def test_features_of_a_training_that_failed_are_all_wrong():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 20)
    x = rng.standard_normal((40, 3)) + 9 * labels[:, None]
    assert probe_error(x, labels, x, labels) == 0
    for spoilt in (np.nan, np.inf):
        broken = x.copy()
        broken[0, 0] = spoilt
        assert probe_error(broken, labels, x, labels) == probe_error(x, labels, broken, labels) == 1
