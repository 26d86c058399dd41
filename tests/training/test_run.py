"""Training a stack of nets: the right steps, each seed its own run, the same to the bit, stopped and taken up again."""

import functools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from by_hand import batches, trained_by_hand
from helpers import refusal, torch_threads
from reversible import data
from reversible.base.runtime import trial_generator
from reversible.training import config as training
from reversible.training import hooks, stack
from reversible.training import run as train
from reversible.training.config import Point, Training
from reversible.training.run import Run, trained
from reversible.training.stack import Diverged
from reversible.training.synthetic import Shadow

SMALL = Training(data="digits", hidden=(30, 20), steps=60, snapshots=(0, 20, 60), lr=0.05, batch=50, seeds=(3,))
METHODS = {
    "plain": {},
    "dropout": {"dropout": 0.5},
    "shadow": {"shadow": Shadow(rho=0.5)},
    "permuted": {"shadow": Shadow(generation="permuted")},
    "gaussian": {"shadow": Shadow(generation="gaussian")},
    "noise": {"shadow": Shadow(generation="noise")},
    "all at once": {
        "inputs": "standard",
        "dropout": 0.3,
        "shadow": Shadow(source=1, rho=0.7, generation="noise", smoothing="blur", share=0.3, start=4),
    },
}
each_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


@pytest.fixture(autouse=True)
def read_once(monkeypatch):
    monkeypatch.setattr(training, "load", LOAD)


LOAD = functools.cache(data.load)


def untimed(points):
    return [replace(point, seconds=0) for point in points]


def same_to_the_bit(one, other):
    return one.weights == other.weights and untimed(one.points) == untimed(other.points)


def flat(net):
    return torch.cat([value.flatten() for value in (*net.weights, *net.biases)])


# --- the right steps --------------------------------------------------------------------------------------------------


def test_it_begins_as_the_random_net_of_the_theory():
    net = stack.initial((2000, 1000, 500, 10), torch.Generator().manual_seed(0))
    for weight, fan_in in zip(net.weights, (2000, 1000, 500), strict=True):
        assert weight.shape[1] == fan_in
        assert float(weight.square().mean()) == pytest.approx(2 / fan_in, rel=0.05)
        assert abs(float(weight.mean())) < 5 * (2 / fan_in / weight.numel()) ** 0.5
    assert all(not bias.any() for bias in net.biases)


@pytest.mark.parametrize("change", [{}, {"dropout": 0.4}, {"inputs": "standard", "batch": 700}])
def test_three_steps_by_hand(change):
    p = replace(SMALL, steps=3, snapshots=(), **change)  # two batches of 700 a pass: the third step begins another
    net = train.final_net(p)
    for value, expected in zip((*net.weights, *net.biases), trained_by_hand(p), strict=True):
        assert np.abs(value.numpy() - expected).max() < 2e-6 * np.abs(expected).max()


def test_the_step_is_the_one_of_torchs_optimiser(monkeypatch):
    run, slopes, right = Run(replace(SMALL, seeds=(0, 1), dropout=0.5)), [], torch.autograd.grad
    values = [value.detach().clone().requires_grad_() for value in run.stack.values]
    monkeypatch.setattr(torch.autograd, "grad", lambda *given: slopes.append(right(*given)) or slopes[-1])
    run.advance(5)
    optimiser = torch.optim.SGD(values, lr=SMALL.lr, momentum=0.9, fused=True)
    for slope in slopes:
        for value, its in zip(values, slope, strict=True):
            value.grad = its.clone()
        optimiser.step()
    assert len(slopes) == 5
    assert all(torch.equal(a, b) for a, b in zip(run.stack.values, values, strict=True))


def test_it_learns_and_says_how_well(monkeypatch):
    p = replace(SMALL, steps=300, snapshots=(0, 300))
    run = Run(p)
    points = list(train.train(p, run))
    test, net = data.load("digits", train=False), run.stack.nets()[0]
    logits = net.logits(test.scaled())
    wrong = (logits.argmax(-1) != test.labels).double()
    assert [point.step for point in points] == [0, 300]
    assert points[0].test_error[0] > 0.6
    assert points[1].test_error[0] == pytest.approx(float(wrong.mean()))
    assert points[1].test_error[0] < 0.2
    assert points[1].test_loss[0] == pytest.approx(float(functional.cross_entropy(logits, test.labels)), rel=1e-5)
    assert points[1].shown_error == points[1].test_error  # there are fewer than are shown at most
    monkeypatch.setattr(stack, "JUDGED", 100)  # the last part has fewer
    monkeypatch.setattr(hooks, "SHOWN", 200)
    parts = Point(**run.look())
    assert parts.test_error == points[1].test_error
    assert parts.test_loss[0] == pytest.approx(points[1].test_loss[0], rel=1e-5)
    assert parts.shown_error[0] == pytest.approx(float(wrong[:200].mean()))


# --- each seed its own run --------------------------------------------------------------------------------------------


@each_method
def test_a_stack_gives_each_seed_the_numbers_of_its_own_run(method):
    p = replace(SMALL, steps=40, snapshots=(0, 40), images=300, seeds=(0, 1, 2), **method)
    run = Run(p)
    together = trained(p, run)
    assert len(set(together.weights)) == 3
    for place, seed in enumerate(p.seeds):
        alone = Run(replace(p, seeds=(seed,)))
        own = trained(alone.p, alone)
        a, b = flat(run.stack.nets()[place]), flat(alone.stack.nets()[0])
        assert float((a - b).abs().max() / b.abs().max()) < 1e-5
        for name in ("test_error", "shown_error", "synthetic_error"):
            assert together.curve(name)[place].tolist() == own.curve(name)[0].tolist()
        assert np.allclose(together.curve("test_loss")[place], own.curve("test_loss")[0], rtol=1e-4)


def test_methods_are_paired_by_seed():
    """First weights, images and batches are the seed's, whatever the method."""
    runs = [Run(replace(SMALL, images=120, seeds=(4, 5), **method)) for method in METHODS.values()]
    assert len({run.stack.digests() for run in runs}) == 1
    for step in range(1, 6):
        for run in runs:
            assert torch.equal(run.stack.batches.places, runs[0].stack.batches.places)
            run.advance(step)
            assert torch.equal(run.stack.batches.index, runs[0].stack.batches.index)
    assert len({run.stack.digests() for run in runs}) == len(runs)
    one, other = runs[0].stack.batches.places
    assert len(set(one.tolist())) == len(set(other.tolist())) == 120
    assert set(one.tolist()) != set(other.tolist())


def test_each_pass_goes_once_through_a_nets_images():
    run = Run(replace(SMALL, images=130, seeds=(0, 1)))
    passes = []
    for first in range(0, 6, 2):
        parts = []
        for step in (first, first + 1):
            run.advance(step + 1)
            parts.append(run.stack.batches.index.clone())
        passes.append(torch.cat(parts, 1))
    for places in passes:
        for its, own in zip(places.tolist(), run.stack.batches.places.tolist(), strict=True):
            assert len(set(its)) == 100  # the rest, short of a batch, is left out
            assert set(its) < set(own)
    orders = [tuple(order) for places in passes for order in places.tolist()]
    assert len({frozenset(order) for order in orders}) == 6  # and is another rest in each pass


def test_images_held_out_are_not_trained_on():
    p = replace(SMALL, held_out=400, seeds=(0, 1))
    whole, test = data.load("digits", train=True), data.load("digits", train=False)
    for change, count in (({}, 1037), ({"images": 700}, 700)):
        run = Run(replace(p, **change))
        assert run.stack.batches.places.shape == (2, count)
        assert int(run.stack.batches.places.max()) < 1037
        assert torch.equal(run.stack.images.pixels, whole.pixels[:1037])
        assert torch.equal(run.stack.images.labels, whole.labels[:1037])
        assert torch.equal(run.stack.images.judged, test.pixels)
    images = Run(replace(p, judge="held out")).stack.images
    assert torch.equal(images.judged, whole.pixels[-400:])
    assert torch.equal(images.judged_labels, whole.labels[-400:])


# --- the same to the bit ----------------------------------------------------------------------------------------------


@each_method
def test_the_same_training_ends_in_the_same_bits(monkeypatch, method):
    p, used, right = replace(SMALL, **method), set(), train.losses
    torch.manual_seed(5)
    first = trained(p)
    torch.manual_seed(6)
    monkeypatch.setattr(train, "losses", lambda *given: used.add(torch.get_num_threads()) or right(*given))
    with torch_threads(2):
        assert same_to_the_bit(first, trained(p))
        assert torch.get_num_threads() == 2
        assert used == {1}
    assert first.weights != trained(replace(p, seeds=(4,))).weights
    last = trained(replace(p, snapshots=()))  # looking does not change the run
    assert (last.weights, untimed(last.points)) == (first.weights, untimed(first.points[-1:]))


@each_method
def test_a_run_goes_on_where_it_was_stopped(method):
    p = replace(SMALL, steps=12, snapshots=(0, 5, 12), images=130, seeds=(0, 1), **method)  # two batches a pass
    whole = trained(p)
    for stop in range(p.steps + 1):
        run, again = Run(p), Run(p)
        for step in filter(lambda step: step <= stop, p.snapshots):
            run.advance(step)
            run.rows.append(run.look())
        run.advance(stop)
        state, rows, digests = run.state(), list(run.rows), run.stack.digests()
        run.advance(p.steps)  # what was put by is not changed by what comes after
        again.restore(state)
        again.rows.extend(rows)
        assert (again.step, again.stack.digests()) == (stop, digests)
        assert again.clock.seconds == pytest.approx(float(state["seconds"]))
        assert same_to_the_bit(trained(p, again), whole)


def test_a_run_is_watched_and_its_nets_are_copies():
    p, seen = replace(SMALL, steps=130, snapshots=(0, 20, 130)), []
    run = Run(p)
    start, kept = run.stack.nets()[0], flat(run.stack.nets()[0])
    result = trained(p, run, lambda its: seen.append((its.step, len(its.rows))))
    assert seen == [(0, 1), (20, 1), (20, 2), (70, 2), (120, 2), (130, 2), (130, 3)]
    assert torch.equal(flat(start), kept)
    assert not torch.equal(flat(run.stack.nets()[0]), kept)
    assert not any(weight.requires_grad for weight in run.stack.nets()[0].weights)
    assert result.weights == run.stack.digests() != Run(p).stack.digests()


# --- where it cannot go on --------------------------------------------------------------------------------------------


def test_a_learning_rate_that_is_too_large_is_one_line():
    p = replace(SMALL, lr=1e6, seeds=(0, 1))
    says = "lr must be small enough for the loss to fall, not 1000000.0: "
    run = Run(p)
    run.check()  # before the first step there is nothing to refuse
    run.advance(7)
    for call in (run.check, run.look, lambda: list(train.train(p))):
        message = refusal(call)
        assert message.startswith(says)
        assert message.endswith(" by step 20" if call not in (run.check, run.look) else " by step 7")
    with pytest.raises(Diverged):
        run.look()


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("weight", "says"), [(math.nan, ": nan by"), (1e4, "e+"), (math.inf, ": nan by")])
def test_one_net_of_a_stack_that_is_lost_is_seen(seed, weight, says):
    run = Run(replace(SMALL, seeds=(0, 1, 2)))
    with torch.no_grad():
        run.stack.values[2][seed] *= weight
    assert says in refusal(run.look)
    run.advance(1)
    assert says in refusal(run.check)


def test_a_loss_is_lost_at_a_hundred_times_that_of_guessing():
    run = Run(SMALL)
    run.stack.losses = torch.tensor([1.0, 99.9 * math.log(10)])
    run.check()
    run.stack.losses = torch.tensor([1.0, 100.1 * math.log(10)])
    assert "not 0.05: 230 by step 0" in refusal(run.check)


# --- products in bfloat16 ---------------------------------------------------------------------------------------------


def trained_in_bf16(p, fresh):
    """With casts written out; `fresh`: of the weights as they are at each step, else as they were at first."""
    images, order = data.load(p.data, train=True), trial_generator(p.seeds[0], stack.ORDER)
    net = stack.initial((64, *p.hidden, 10), order)
    places = batches(p, len(images.labels), order)
    values = [value.requires_grad_() for value in (*net.weights, *net.biases)]
    offsets, speeds = [torch.zeros_like(value) for value in values], [torch.zeros_like(value) for value in values]
    for _ in range(p.steps):
        batch = images.take(torch.from_numpy(next(places)))
        rounded = [
            (value if fresh else value - offset).bfloat16() for value, offset in zip(values, offsets, strict=True)
        ]
        h = batch.scaled().bfloat16()
        for i in range(len(net.weights)):
            h = functional.linear(torch.relu(h) if i else h, rounded[i], rounded[i + len(net.weights)])
        slopes = torch.autograd.grad(functional.cross_entropy(h.float(), batch.labels), values)
        with torch.no_grad():
            for value, offset, speed, slope in zip(values, offsets, speeds, slopes, strict=True):
                speed.mul_(0.9).add_(slope)
                value.sub_(p.lr * speed)
                offset.sub_(p.lr * speed)
    return torch.cat([value.detach().flatten() for value in values])


def test_bf16_multiplies_the_weights_of_each_step():
    p = replace(SMALL, steps=40, snapshots=(), precision="bf16")
    net, other = flat(train.final_net(p)), flat(train.final_net(replace(p, precision="float32")))
    assert net.dtype == torch.float32

    def distance(one):
        return float((one - net).norm() / net.norm())

    assert distance(trained_in_bf16(p, fresh=True)) < 2e-3
    assert 0.01 < distance(other) < 0.1
    assert distance(trained_in_bf16(p, fresh=False)) > 0.1
