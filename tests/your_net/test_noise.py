"""The noise of a reader's net: its numbers beside matrices, its words, and what is refused."""

import copy
import math

import pytest
import torch
from torch.nn import BatchNorm1d, Dropout, Linear, Module, Sequential, Tanh

from helpers import refusal
from reversible import data, your_net
from reversible.base.estimates import Estimate
from reversible.training.curvature import Indicator, matrices, of_module
from reversible.your_net.noise import Noise
from your_nets import plain, trained

SEEN = data.load("digits", train=True)
X, Y = SEEN.scaled()[:60], SEEN.labels[:60]
pytestmark = pytest.mark.usefixtures("seeded")


def test_numbers_are_those_of_the_matrices_and_the_model_is_left_as_it_is():
    model = trained(plain(64, 6, 10), 20)
    before = copy.deepcopy(model.state_dict())
    found = your_net.noise_of(model, X, Y, vectors=1500)
    H, S = matrices(of_module(copy.deepcopy(model).double(), X.double(), Y))
    assert found.top == pytest.approx(float(torch.linalg.eigvalsh(H)[-1]), rel=1e-3)
    assert abs(found.indicator.of_noise.z(float(torch.trace(H @ S)))) < 4
    assert found.indicator.noise == pytest.approx(float(torch.trace(S)), rel=1e-9)
    ratio = found.over_isotropic
    assert ratio is not None
    wanted = len(H) * float(torch.trace(H @ S) / torch.trace(H) / torch.trace(S))
    assert ratio.mean == pytest.approx(wanted, rel=0.15)
    assert found.weights == len(H) == 6 * 64 + 6 + 70
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.training


def test_the_same_call_finds_the_same_and_a_sample_is_drawn():
    one, other = (your_net.noise_of(plain_net, X, Y, vectors=3, sample=20) for plain_net in [plain(64, 4, 10)] * 2)
    assert one == other
    assert one.images == 20


def test_other_modules_are_read_as_they_are_in_evaluation():
    model = Sequential(Linear(64, 5), BatchNorm1d(5), Tanh(), Dropout(0.5), Linear(5, 10))
    model(X)
    assert your_net.noise_of(model, X.numpy(), Y.numpy(), vectors=3) == your_net.noise_of(model, X, Y, vectors=3)


def test_words_tell_the_numbers():
    found = Noise(
        1234, 60, 0.25, 8.0, Indicator(Estimate(3.0, (2.9, 3.1), 50), Estimate(20.0, (19.9, 20.1), 50), 4.0, 1234)
    )
    words = your_net.noise_words(found)
    assert "Tr(HΣ) is 3, which is 46.3 times that of isotropic noise" in words[0]
    assert "along the curvature, and at first" in words[0]
    assert words[1].endswith("learning rates below 0.25.")
    assert "that of 2.5 directions as curved as the first, out of 1,234." in words[2]


def test_words_where_there_is_no_noise_no_minimum_or_no_ratio():
    def words(of_noise, trace, noise, top):
        return your_net.noise_words(
            Noise(10, 5, 1.0, top, Indicator(Estimate.exact(of_noise), Estimate.exact(trace), noise, 10))
        )

    assert words(0, 1, 0.0, 1)[0].startswith("There is no noise here.")
    assert "not near a minimum" in words(1, -1, 1.0, 1)[0]
    assert words(1, -1, 1.0, -2)[1].endswith("curves upwards in no direction.")
    assert words(1, -1, 1.0, -2)[2].endswith("the trace of H is -1.")
    unsure = Indicator(Estimate(1.0, (-9.0, 11.0), 5), Estimate.exact(1.0), 1.0, 10)
    assert "not clearly along" in your_net.noise_words(Noise(10, 5, 1.0, 1.0, unsure))[0]


class Pair(Module):
    def __init__(self):
        super().__init__()
        self.inside = Linear(64, 3)

    def forward(self, x):
        return self.inside(x), x


def frozen():
    return plain(64, 4, 10).requires_grad_(False)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: your_net.noise_of(plain(64, 4, 10), X, Y[:5]), "one for each of two images or more"),
        (lambda: your_net.noise_of(plain(64, 4, 10), X, Y.double()), "labels must be whole numbers"),
        (lambda: your_net.noise_of(plain(64, 4, 10), ["a"], Y), "must be arrays or tensors of numbers"),
        (lambda: your_net.noise_of(plain(63, 4, 10), X, Y), "images must fit the model, and (60, 64) do not"),
        (lambda: your_net.noise_of(plain(64, 4, 3), X, Y), "labels must be from 0 to 2"),
        (lambda: your_net.noise_of(plain(64, 4, 10), X * math.nan, Y), "images must be finite"),
        (lambda: your_net.noise_of(Pair(), X, Y), "must give logits (N, classes)"),
        (lambda: your_net.noise_of(frozen(), X, Y), "weights that need a gradient, and it has none"),
        (lambda: your_net.noise_of(plain(64, 4, 10), X, Y, vectors=1), "vectors must be an integer from 2"),
        (lambda: your_net.noise_of(plain(64, 4, 10), X, Y, sample=1), "sample must be an integer from 2"),
    ],
)
def test_wrong_input_is_told_in_one_line(wrong, told):
    assert told in refusal(wrong)
