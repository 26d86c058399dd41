"""Plain backprop: the right gradient, the same to the bit, and one line where it cannot go on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import refusal
from reversible import data, train
from reversible.simulate import trial_generator

SMALL = train.Training(
    data="digits", widths=(64, 30, 20, 10), steps=60, snapshots=(0, 20, 60), lr=0.05, batch=50, seed=3
)


def test_it_begins_as_the_random_net_of_the_theory():
    net = train.initial((2000, 1000, 500, 10), torch.Generator().manual_seed(0))
    for weight, fan_in in zip(net.weights, (2000, 1000, 500), strict=True):
        assert weight.shape[1] == fan_in
        assert float(weight.square().mean()) == pytest.approx(2 / fan_in, rel=0.05)
        assert abs(float(weight.mean())) < 5 * (2 / fan_in / weight.numel()) ** 0.5
    assert all(not bias.any() for bias in net.biases)


def gradients(weights, biases, x, labels):
    """Of the mean cross entropy, in float64 and without autograd."""
    codes, active, y = [x], [], x
    for W, b in zip(weights, biases, strict=True):
        y = codes[-1] @ W.T + b
        active.append(y > 0)
        codes.append(np.maximum(y, 0))
    share = np.exp(y - y.max(1, keepdims=True))
    slope = (share / share.sum(1, keepdims=True) - np.eye(10)[labels]) / len(x)
    of_weights, of_biases = [], []
    for layer in reversed(range(len(weights))):
        of_weights.insert(0, slope.T @ codes[layer])
        of_biases.insert(0, slope.sum(0))
        slope = (slope @ weights[layer]) * (active[layer - 1] if layer else 1)
    return of_weights + of_biases


def test_three_steps_by_hand():
    p = replace(SMALL, steps=3, snapshots=(0, 3))
    start, end = train.train(p)
    images, generator = data.load("digits", train=True), trial_generator(p.seed, 0)
    train.initial(p.widths, generator)
    batches = train.shuffled(len(images.labels), p.batch, generator)
    values = [value.double().numpy().copy() for value in (*start.net.weights, *start.net.biases)]
    speeds = [0.0] * len(values)
    for _ in range(3):
        batch = images.take(next(batches))
        slopes = gradients(values[:3], values[3:], batch.scaled().double().numpy(), batch.labels.numpy())
        speeds = [0.9 * speed + slope for speed, slope in zip(speeds, slopes, strict=True)]
        values = [value - p.lr * speed for value, speed in zip(values, speeds, strict=True)]
    for value, trained in zip(values, (*end.net.weights, *end.net.biases), strict=True):
        assert np.abs(trained.numpy() - value).max() < 1e-5 * np.abs(value).max()


def test_it_learns_and_says_how_well():
    shots = list(train.train(replace(SMALL, steps=300, snapshots=(0, 300))))
    test = data.load("digits", train=False)
    assert [shot.step for shot in shots] == [0, 300]
    assert shots[0].test_error > 0.6
    assert shots[1].test_error < 0.2
    right = (shots[1].net.logits(test.scaled()).argmax(-1) == test.labels).double().mean()
    assert shots[1].test_error == pytest.approx(1 - float(right))


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.net.weights, other.net.weights, strict=True))


def test_same_seed_same_net_to_the_bit():
    torch.manual_seed(5)
    first = list(train.train(SMALL))
    torch.manual_seed(6)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    again = list(train.train(SMALL))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert not same(first[-1], list(train.train(replace(SMALL, seed=4)))[-1])


def test_a_snapshot_stays_as_it_was_and_does_not_change_the_run():
    shots = train.train(SMALL)
    start = next(shots)
    kept = [weight.clone() for weight in start.net.weights]
    last = list(shots)[-1]
    assert all(torch.equal(a, b) for a, b in zip(start.net.weights, kept, strict=True))
    assert not any(weight.requires_grad for weight in start.net.weights)
    assert same(last, next(train.train(replace(SMALL, snapshots=()))))


def test_each_pass_goes_once_through_all():
    batches = train.shuffled(10, 3, torch.Generator().manual_seed(0))
    first, second = ([next(batches) for _ in range(3)] for _ in range(2))
    assert len(torch.cat(first).unique()) == len(torch.cat(second).unique()) == 9
    assert torch.cat(first).tolist() != torch.cat(second).tolist()


def test_a_loss_that_is_no_number_is_one_line():
    message = refusal(lambda: list(train.train(replace(SMALL, lr=1e12))))
    assert "lr must be small enough for a finite loss, not 1000000000000.0" in message
    assert "at step" in message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data": "cifar"}, "data must be one of digits, mnist, not 'cifar'"),
        ({"widths": (64, 10)}, "widths must be 3 numbers or more, image first, classes last, not (64, 10)"),
        ({"widths": (64, 0, 10)}, "widths must be an integer from 1"),
        ({"widths": (784, 30, 10)}, "widths must begin with 64 and end with 10 for digits, not (784, 30, 10)"),
        ({"steps": 0}, "steps must be an integer from 1"),
        ({"lr": float("nan")}, "lr must be a number from 1e-12"),
        ({"batch": 0}, "batch must be an integer from 1"),
        ({"batch": 2000}, "batch must be an integer from 1 to 1437, the images there are, not 2000"),
        ({"seed": -1}, "seed must be an integer from 0"),
        ({"snapshots": (0, 61)}, "snapshots must be an integer from 0 to 60, not 61"),
        ({"snapshots": (20, 0)}, "snapshots must be rising steps from 0 to 60, not (20, 0)"),
    ],
)
def test_bad_parameters_are_one_line(change, says):
    assert says in refusal(lambda: list(train.train(replace(SMALL, **change))))
