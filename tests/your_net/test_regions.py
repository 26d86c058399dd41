"""Pieces of a reader's own net: counts beside plain searches, laws beside drawn nets, and what is said of them."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import AvgPool2d, BatchNorm1d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, Tanh

from helpers import refusal
from reversible import your_net
from reversible.nets.largest import program_of
from reversible.nets.pieces import pieces, segment
from reversible.your_net import regions as module
from your_nets import DIGITS, UNSEEN, plain

TANH = Sequential(Linear(64, 4), Tanh(), Linear(4, 2))
pytestmark = pytest.mark.usefixtures("seeded")


def without_biases(*widths):
    return Sequential(
        *[Linear(*s.weight.shape[::-1], bias=False) if isinstance(s, Linear) else s for s in plain(*widths)]
    )


def slopes_change(model, a, b, steps=20001):
    """Linear pieces of a segment by finite differences on a fine grid: what a plain forward pass shows."""
    t = torch.linspace(0, 1, steps, dtype=torch.float64)[:, None]
    with torch.no_grad():
        y = model.double()((a.flatten() + t * (b - a).flatten()).view(steps, *a.shape))
    bends = (y[2:] - 2 * y[1:-1] + y[:-2]).abs().amax(1) > 1e-9
    return 1 + int(bends[0]) + int((bends[1:] & ~bends[:-1]).sum())


def test_counts_between_samples_are_those_of_a_fine_grid():
    model = plain(64, 12, 8, 3)
    net, x = module.program_of(your_net.net_of(model)), UNSEEN[:6].double()
    for a, b in pairwise(x):
        found = pieces(net, segment(a.numpy(), b.numpy())).linear_regions
        assert abs(found - slopes_change(model, a, b)) <= 1  # two bends may share a place of the grid


@pytest.mark.parametrize("pool", [MaxPool2d(2), MaxPool2d(3), MaxPool2d((3, 2)), AvgPool2d(2)])
def test_a_net_with_pooling_is_the_model_and_has_the_pieces_of_a_fine_grid(pool):
    model = Sequential(Conv2d(1, 2, 3, padding=1), ReLU(), pool, Flatten())
    model.append(Linear(model(DIGITS[:1]).shape[1], 3))
    net, x = program_of(your_net.net_of(model, (1, 8, 8))), torch.randn(4, 1, 8, 8)
    given = model.double()(x.double()).detach().numpy()
    assert net(x.double().flatten(1).numpy()) == pytest.approx(given, abs=1e-12)
    for a, b in pairwise(x):
        found = pieces(net, segment(a.flatten().numpy(), b.flatten().numpy())).linear_regions
        assert abs(found - slopes_change(model, a, b)) <= 2


def test_random_nets_have_what_the_law_says_of_them():
    images, wide = UNSEEN[:40], plain(64, 300, 300, 3)
    by_law = your_net.count_regions(wide, images, curves=12)
    own = module._Own(your_net.net_of(wide), 12, 0)
    own.by_law = False
    drawn = module._counted(own, module._distinct(images[torch.randperm(40)]), np.random.default_rng(0))
    for name in ("lines", "segments", "circles"):
        ratio = getattr(drawn, name).random.mean() / getattr(by_law, name).random.mean()
        assert ratio == pytest.approx(1, abs=0.12), name
    assert drawn.random_distance.mean() / by_law.random_distance.mean() == pytest.approx(1, abs=0.6)
    assert by_law.lines.random == pytest.approx(601)


def test_the_words_tell_counts_and_the_law_beside_them():
    words = your_net.regions_words(found := your_net.count_regions(plain(64, 20, 10, 3), UNSEEN, curves=4, samples=30))
    assert len(words) == 4
    assert f"{found.lines.linear.mean():.0f} linear regions, the mean of 4" in words[0]
    assert "A random net of that size has 31, one more than its neurons." in words[0]
    assert f"without biases has {found.segments.random.mean():.0f}." in words[1]
    assert f"{found.distance.mean():.2g} away from a sample, the mean of 30" in words[3]


def test_of_convolutions_random_nets_are_drawn():
    model = Sequential(Conv2d(1, 2, 3), ReLU(), MaxPool2d(2), Flatten(), Linear(18, 3))
    found = your_net.count_regions(model, DIGITS, curves=3, samples=9)
    assert not found.by_law
    assert found.neurons == 72
    assert "A random net in its place has" in your_net.regions_words(found)[0]
    assert (found.lines.random > 2).all()


def test_a_line_through_the_origin_has_two_pieces_where_there_are_no_biases():
    images = torch.outer(torch.tensor([-2.0, -1, 1, 2, 3]), UNSEEN[0])
    found = your_net.count_regions(without_biases(64, 20, 20, 3), images, curves=6)
    assert set(found.lines.linear) == {2}
    assert set(found.lines.random) == {2}
    assert (found.segments.linear == found.segments.random).all()
    assert not len(found.circles.linear)
    words = your_net.regions_words(found)
    assert "has 2, with two on a line through the origin." in words[0]
    assert words[2] == "No circle goes through three samples. All that were tried lie on one line."


def test_equal_samples_count_once_and_a_blank_one_is_on_every_switch():
    twice = UNSEEN[[0, 1, 0, 1, 2]]
    assert len(your_net.count_regions(plain(64, 9, 3), twice).distance) == 3
    found = your_net.count_regions(without_biases(64, 9, 3), torch.cat([torch.zeros(1, 64), UNSEEN[:1]]))
    assert found.distance.min() == found.random_distance.min() == 0
    assert set(found.lines.linear) == {2}
    assert set(found.segments.linear) == {1}


def test_a_circle_goes_through_its_three_samples():
    three = np.random.default_rng(0).normal(size=(3, 5))
    curve = module._circle(three)
    assert curve is not None
    around = curve.at(np.linspace(0, math.tau, 100001))
    assert [np.linalg.norm(around - x, axis=1).min() for x in three] == pytest.approx([0, 0, 0], abs=1e-3)


def test_a_net_of_one_input_and_a_dead_net_are_read():
    narrow = your_net.regions_words(your_net.count_regions(plain(1, 5, 2), torch.randn(9, 1)))
    assert narrow[2].startswith("No circle")
    dead = plain(64, 4, 2)
    with torch.no_grad():
        dead[0].weight.zero_()
    assert your_net.regions_words(your_net.count_regions(dead, UNSEEN))[3].startswith("No sample is near a switch")


def test_a_plane_shows_every_piece_and_its_caption_counts_them():
    figure, alt, caption = your_net.plane(model := plain(64, 10, 10, 3), UNSEEN[:3])
    (cells,) = figure.axes[0].collections
    wanted = module.tiling(program_of(your_net.net_of(model)), module.Window.through(UNSEEN[:3].double().numpy()))
    assert len(cells.get_paths()) == wanted.activation_regions > 20
    assert f"has {wanted.linear_regions} linear regions" in caption
    assert len(alt) > 30


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            lambda: your_net.count_regions(Sequential(Linear(64, 4), Tanh(), Linear(4, 2)), UNSEEN),
            "must be ReLU in its place",
        ),
        (lambda: your_net.count_regions(plain(64, 4, 2), UNSEEN[[0, 0, 0]]), "at least two that differ"),
        (lambda: your_net.count_regions(plain(64, 4, 2), UNSEEN[:1]), "at least two that differ"),
        (lambda: your_net.count_regions(plain(63, 4, 2), UNSEEN), "63 real numbers"),
        (lambda: your_net.count_regions(plain(64, 4, 2), UNSEEN * math.nan), "must be finite"),
        (lambda: your_net.count_regions(plain(64, 4, 2), UNSEEN, curves=0), "curves must be an integer from 1"),
        (lambda: your_net.count_regions(plain(64, 4, 2), UNSEEN, samples=1), "samples must be an integer from 2"),
        (lambda: your_net.plane(plain(64, 4, 2), UNSEEN[:4]), "must be three images, not 4"),
        (lambda: your_net.plane(plain(64, 4, 2), UNSEEN[[0, 1, 1]]), "not on one line"),
        (lambda: your_net.plane(plain(1, 4, 2), torch.randn(3, 1)), "two numbers or more"),
    ],
)
def test_wrong_input_is_told_in_one_line(wrong, told):
    assert told in refusal(wrong)


def test_too_many_pieces_and_too_little_memory_are_told(monkeypatch):
    monkeypatch.setattr(module, "DRAWN", 50)
    assert "at most 50 pieces" in refusal(lambda: your_net.plane(plain(64, 20, 20, 3), UNSEEN[:3]))
    monkeypatch.setattr(module, "BUDGET", 1000)
    assert "the distance of a sample needs" in refusal(lambda: your_net.count_regions(plain(64, 20, 3), UNSEEN))


def test_a_batch_norm_is_part_of_its_layer():
    model = Sequential(Linear(64, 6), BatchNorm1d(6), ReLU(), Linear(6, 2)).eval()
    assert your_net.count_regions(model, UNSEEN, curves=2).lines.activation.max() <= 7
