"""Nearest errors of a reader's own net: linear nets where they are known, words, and what is refused."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import Conv2d, Dropout, Flatten, Linear, ReLU, Sequential

from helpers import refusal
from reversible import your_net
from reversible.nets.net import Net
from reversible.your_net import errors as module
from your_nets import DIGITS, UNSEEN, plain

pytestmark = pytest.mark.usefixtures("seeded")
FEW = {"samples": 4, "draws": 300, "fresh": 500}


def own(model, images=UNSEEN):
    """The model's own answers as labels: it is right about each."""
    with torch.no_grad():
        return model(images).argmax(1)


@pytest.fixture
def linear():
    model = Linear(64, 2)
    with torch.no_grad():
        model.bias.sub_(model(UNSEEN).median(0).values)
    return model


def test_of_a_plane_noise_tells_the_distance_and_it_is_found(linear):
    found = your_net.find_errors(linear, UNSEEN, own(linear), samples=6, fresh=40_000)
    assert found.ratio == pytest.approx(np.ones(6), abs=0.06)
    assert found.share == pytest.approx(np.full(6, 0.01), abs=0.006)
    assert (found.right, found.given) == (len(UNSEEN), len(UNSEEN))
    words = your_net.errors_words(found)
    assert words[0].startswith(f"Looked at were 6 of the {len(UNSEEN)} images that the model gets right")
    assert "one copy in a hundred wrong" in words[0]
    assert words[2] == "So noise tells how near errors are: as far as it sees them, the boundary is nearly flat."


def test_images_that_the_model_gets_wrong_are_left_out(linear):
    labels = own(linear)
    labels[:100] = 1 - labels[:100]
    found = your_net.find_errors(linear, UNSEEN, labels, **FEW)
    assert found.right == len(UNSEEN) - 100


def test_at_a_sigma_of_ones_own_the_share_is_told(linear):
    found = your_net.find_errors(linear, UNSEEN, own(linear), sigma=0.3, **FEW)
    assert found.sigma == pytest.approx(np.full(4, 0.3))
    assert "Noise with a standard deviation of 0.3 makes" in your_net.errors_words(found)[0]


def test_models_of_maps_and_nets_of_the_library_are_read_and_left_as_they_were():
    model = Sequential(Conv2d(1, 3, 3, stride=2), ReLU(), Flatten(), Dropout(0.5), Linear(27, 4)).train()
    assert len(your_net.find_errors(model, DIGITS, own(model.eval(), DIGITS), **FEW).sigma) == 4
    assert your_net.find_errors(model.train(), DIGITS, own(model.eval(), DIGITS), **FEW).given == len(DIGITS)
    model.train()
    your_net.find_errors(model, DIGITS, own_in_eval(model), **FEW)
    assert all(part.training for part in model.modules())
    assert all(value.grad is None for value in model.parameters())
    net = Net((torch.randn(9, 64), torch.randn(3, 9)), (torch.zeros(9), torch.zeros(3)))
    assert len(your_net.find_errors(net, UNSEEN, net.logits(UNSEEN).argmax(1), **FEW).sigma) == 4


def own_in_eval(model):
    before = model.training
    labels = own(model.eval(), DIGITS)
    model.train(before)
    return labels


def made(ratio, none=0):
    nearest = np.concatenate([ratio * np.arange(1.0, 6.0), np.full(none, math.inf)])
    flat = np.arange(1.0, 6.0 + none)
    return your_net.Errors(flat / 2.3, np.full(len(flat), 0.01), flat, nearest, 0.01, 50, 60)


@pytest.mark.parametrize(
    ("ratio", "says"), [(0.5, "nearer than noise tells"), (1.1, "nearly flat"), (1.6, "farther than noise tells")]
)
def test_what_is_said_hangs_on_how_far_the_errors_are(ratio, says):
    words = your_net.errors_words(made(ratio))
    assert says in words[2]
    assert f"{ratio:.2f} times as far in the median image" in words[1]


def test_images_without_an_error_are_told():
    assert "Of 2 images no error was found" in your_net.errors_words(made(1.0, none=2))[1]
    nothing = your_net.Errors(np.ones(2), np.zeros(2), np.full(2, math.nan), np.full(2, math.inf), None, 2, 2)
    assert your_net.errors_words(nothing)[1].startswith("From this nothing is foretold")


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Linear(64, 3)


class Tuple(Inner):
    def forward(self, x):
        return self.inner(x), x


class Changing(Inner):
    def forward(self, x):
        return nn.functional.dropout(self.inner(x), 0.5, training=True)


class Company(Inner):
    def forward(self, x):
        return self.inner(x - x.mean(0))


class NoGradient(Inner):
    @torch.no_grad()
    def forward(self, x):
        return self.inner(x)


LABELS = torch.zeros(len(UNSEEN), dtype=torch.long)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: your_net.find_errors(plain(64, 4, 3), UNSEEN, LABELS, sigma=0), "sigma must be a number from 1e-12"),
        (lambda: your_net.find_errors(plain(64, 4, 3), UNSEEN, LABELS, share=0), "share must be a number from"),
        (
            lambda: your_net.find_errors(m := plain(64, 4, 3), UNSEEN[:1], own(m)[:1]),
            "at least two that the model gets right, not 1 of 1",
        ),
        (
            lambda: your_net.find_errors(plain(64, 4, 3), UNSEEN, LABELS[:7]),
            f"labels must be {len(UNSEEN)} integers, one an image, not (7,)",
        ),
        (
            lambda: your_net.find_errors(plain(64, 4, 3), UNSEEN, LABELS + 3),
            "labels must be from 0 to 2, not from 3 to 3",
        ),
        (lambda: your_net.find_errors(plain(64, 4, 3), UNSEEN, LABELS.float()), "integers, one an image"),
        (lambda: your_net.find_errors(Tuple(), UNSEEN, LABELS), "one tensor of scores (B, classes), not a tuple"),
        (lambda: your_net.find_errors(Changing(), UNSEEN, LABELS), "the second time it gave others"),
        (lambda: your_net.find_errors(Company(), UNSEEN, LABELS), "change with the others of the batch"),
        (lambda: your_net.find_errors(NoGradient(), UNSEEN, LABELS), "must have gradients"),
        (lambda: your_net.find_errors(plain(63, 4, 3), UNSEEN, LABELS), "images must fit the model"),
        (lambda: your_net.find_errors(plain(64, 4, 1), UNSEEN, LABELS), "scores (B, classes) of two classes or more"),
        (lambda: your_net.find_errors(plain(64, 4, 3), UNSEEN * math.nan, LABELS), "images must be finite"),
        (lambda: your_net.find_errors(plain(64, 4, 3), UNSEEN, LABELS, samples=1), "samples must be an integer from 2"),
        (lambda: your_net.find_errors(3, UNSEEN, LABELS), "must be a torch.nn.Module"),  # pyright: ignore
    ],
)
def test_wrong_input_is_told_in_one_line(wrong, told):
    assert told in refusal(wrong)


def test_nothing_is_found_beyond_a_masked_gradient_and_noise_still_tells(linear):
    """Scores times ten thousand: the same answers; the margins that the search follows are as good as before."""
    loud = lambda x: 1e4 * linear(x)  # noqa: E731
    found = your_net.find_errors(loud, UNSEEN, own(linear), samples=3, fresh=20_000)  # pyright: ignore
    assert found.ratio == pytest.approx(np.ones(3), abs=0.1)
    assert module.FARTHEST > 1
