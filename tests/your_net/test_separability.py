"""Separability of a reader's own net: beside a probe by hand, its control, and what is said of it."""

import numpy as np
import pytest
import torch
from torch.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential

from helpers import refusal
from reversible import data, your_net
from reversible.base.runtime import trial_generator
from reversible.nets.separable import separability
from reversible.your_net.separability import Separability
from your_nets import DIGITS, UNSEEN, plain, trained

LABELS = data.load("digits", train=False).labels
pytestmark = pytest.mark.usefixtures("seeded")


def test_shares_are_those_of_a_probe_on_what_the_model_itself_gives():
    model = plain(64, 20, 12, 10)
    found = your_net.separable(model, UNSEEN, LABELS, draws=1)
    order = torch.randperm(len(LABELS), generator=trial_generator(0, 0))
    x, y = model[:4].double()(UNSEEN[order].double()).detach().numpy(), LABELS[order].numpy()
    half = len(y) // 2
    assert found.own[2] == separability(x[:half], y[:half], x[half:], y[half:])
    assert found.own.shape == (3,)
    assert found.random.shape == (1, 3)
    assert found.random[0, 0] == found.own[0]  # pixels are the same for all nets
    assert found.tested == len(y) - half


def test_a_trained_net_is_more_separable_than_random_ones_and_a_random_one_is_not():
    model = plain(64, 24, 24, 10)
    random = your_net.separable(model, UNSEEN, LABELS)
    own = your_net.separable(trained(model, 600), UNSEEN, LABELS)
    assert own.own[-1] > own.random[:, -1].max() + 0.05
    assert random.own[-1] < random.random[:, -1].max() + 0.05
    assert sum("training adds" in line for line in your_net.separability_words(own)) == 2


def test_maps_are_read_by_quadrants():
    model = Sequential(Conv2d(1, 4, 3, padding=1), ReLU(), MaxPool2d(2), Flatten(), Linear(64, 10))
    found = your_net.separable(model, DIGITS, LABELS, draws=2)
    assert found.own.shape == (2,)
    assert 0.3 < found.own[1] < 1


def said(own, random, tested=400):
    return your_net.separability_words(Separability(np.array(own), np.array(random), tested))


def test_words_follow_the_numbers():
    lines = said([0.8, 0.9, 0.6], [[0.8, 0.7, 0.61], [0.8, 0.72, 0.59]])
    assert lines[1].startswith("On h1 it gets 90 % right. After as many random layers it is 70 % to 72 %, so")
    assert lines[1].endswith("so training adds 19 % here.")
    assert "cannot be told from chance" in lines[2]
    assert lines[3].startswith("With depth the classes become less separable. From h1 to h2 the share goes from 90 %")
    assert "more separable." in said([0.8, 0.6, 0.9], [[0.8, 0.7, 0.7]])[3]
    assert "neither more nor less" in said([0.8, 0.9, 0.91], [[0.8, 0.7, 0.7]])[3]
    assert "takes away 20 %" in said([0.8, 0.5], [[0.8, 0.7]])[1]
    assert len(said([0.8, 0.9], [[0.8, 0.7]])) == 2


def test_the_error_of_a_share_is_never_none():
    found = Separability(np.zeros(1), np.zeros((1, 1)), 100)
    assert found.error(0.5) == pytest.approx(0.05)
    assert found.error(1.0) == pytest.approx(np.sqrt(0.01 * 0.99 / 100))


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (LABELS[:-1], "20 or more, one for each image, not 359 for 360"),
        (LABELS.double(), "whole numbers in a row, not float64"),
        (torch.zeros(360, dtype=torch.int64), "two classes or more, not 1"),
    ],
)
def test_labels_that_cannot_be_used(labels, says):
    assert says in refusal(lambda: your_net.separable(plain(64, 8, 10), UNSEEN, labels))
    assert "draws must be" in refusal(lambda: your_net.separable(plain(64, 8, 10), UNSEEN, LABELS, 0))
