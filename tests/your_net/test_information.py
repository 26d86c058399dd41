"""Clusters and noisy information of a reader's net: beside codes that are known, and what is said of them."""

import math

import pytest
import torch
from torch.nn import BatchNorm1d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential, Tanh

from helpers import refusal
from reversible import data, your_net
from reversible.theory.mixtures import information_line
from your_nets import DIGITS, UNSEEN, plain, trained

LABELS = data.load("digits", train=False).labels
pytestmark = pytest.mark.usefixtures("seeded")


def one_unit(activation):
    """A net whose hidden layer is a single unit that is its input."""
    first = Linear(1, 1)
    with torch.no_grad():
        first.weight.fill_(1)
        first.bias.zero_()
    return Sequential(first, activation, Linear(1, 2))


def test_information_of_one_unit_is_that_of_quadrature():
    x = torch.tensor([[0.0], [0.1], [1.0], [1.2], [5.0], [5.5]])
    found = your_net.layer_information(one_unit(ReLU()), x, [0, 0, 1, 1, 0, 0], sigma=0.2, draws=20_000)
    layer = found.layers[0]
    assert layer.noise == pytest.approx(0.2 * float(x.std(correction=0)), rel=1e-5)
    exact = information_line(x[:, 0].double().numpy(), layer.noise)
    assert layer.images.mean == pytest.approx(exact, abs=3 * layer.images.half_width)
    values = x[:, 0].double().numpy()
    known = 2 / 3 * information_line(values[[0, 1, 4, 5]], layer.noise) + 1 / 3 * information_line(
        values[2:4], layer.noise
    )
    assert layer.labels == pytest.approx(exact - known, abs=0.03)
    assert found.label_entropy == pytest.approx(math.log(3) - 2 / 3 * math.log(2))


def test_a_trained_net_draws_classes_together_and_one_of_random_labels_does_not():
    seen = your_net.layer_information(trained(plain(64, 32, 16, 10), 300), UNSEEN, LABELS)
    assert seen.layers[-1].ratio < seen.layers[0].ratio < 0.9
    assert [layer.dealt for layer in seen.layers] == pytest.approx([1] * 3, abs=0.03)
    dealt = your_net.layer_information(plain(64, 32, 16, 10), UNSEEN, LABELS[torch.randperm(360)])
    assert [layer.ratio for layer in dealt.layers] == pytest.approx([1] * 3, abs=0.03)
    assert all(layer.labels <= layer.images.mean <= dealt.image_entropy + 1e-9 for layer in dealt.layers)


def test_less_is_told_through_more_noise():
    model = plain(64, 32, 10)
    told = [your_net.layer_information(model, UNSEEN, LABELS, sigma=s).layers[0].images.mean for s in (0.1, 1, 10)]
    assert told == sorted(told, reverse=True)
    assert told[0] == pytest.approx(math.log(360), abs=0.01)
    assert told[2] < 1


def test_any_activation_is_read_and_the_model_is_left_as_it_was():
    model = Sequential(Sequential(Linear(64, 9), BatchNorm1d(9), Tanh()), Dropout(0.5), Linear(9, 10)).train()
    found = your_net.layer_information(model, UNSEEN, LABELS)
    assert [layer.name for layer in found.layers] == ["0.2", "2"]
    assert model.training
    maps = Sequential(Conv2d(1, 2, 3), ReLU(), MaxPool2d(2), Flatten(), Linear(18, 10))
    assert [layer.units for layer in your_net.layer_information(maps, DIGITS, LABELS).layers] == [72, 10]


def test_the_words_tell_what_was_measured():
    found = your_net.layer_information(trained(plain(64, 32, 10), 200), UNSEEN, LABELS, bins=20)
    words = your_net.information_words(found)
    assert len(words) == 3
    assert "classes draw together" in words[0]
    assert "The noise below is ours" in words[0]
    assert f"{found.layers[0].ratio:.2f} times as far apart" in words[1]
    assert f"{found.layers[0].images.mean:.1f} of the 5.9 nats" in words[1]
    assert "entropy of its bins, which say how images lie" in words[1]
    assert words[2].startswith("The scores (10 units)")


def test_an_absent_class_is_said_and_a_dead_layer_tells_nothing():
    kept = LABELS != 7
    model = plain(64, 4, 10)
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.fill_(-1)
    words = your_net.information_words(your_net.layer_information(model, UNSEEN[kept], LABELS[kept]))
    assert words[-1].startswith("There was no image of class 7.")
    assert "gives all images the same" in words[1]


def test_of_many_images_a_sample_is_used_and_said():
    found = your_net.layer_information(plain(64, 9, 10), UNSEEN, LABELS, sample=100)
    assert (found.images, found.given) == (100, 360)
    assert "100 images of 360" in your_net.information_words(found)[0]


class Twice(torch.nn.Module):
    def forward(self, x):
        return x, x


class Restless(torch.nn.Module):
    def forward(self, x):
        return x + torch.rand(1)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: your_net.layer_information(plain(64, 4, 10), UNSEEN, LABELS, sigma=0), "sigma must be a number from"),
        (lambda: your_net.layer_information(plain(64, 4, 10), UNSEEN, LABELS[:9]), "labels must be 360 whole numbers"),
        (
            lambda: your_net.layer_information(plain(64, 4, 10), UNSEEN, LABELS + 0.5),
            "labels must be 360 whole numbers",
        ),
        (lambda: your_net.layer_information(plain(64, 4, 10), UNSEEN, ["a"] * 360), "labels must be whole numbers"),
        (lambda: your_net.layer_information(plain(64, 4, 10), UNSEEN, LABELS + 1), "labels must be from 0 to 9"),
        (lambda: your_net.layer_information(plain(64, 4, 10), UNSEEN, 0 * LABELS), "two classes or more"),
        (lambda: your_net.layer_information(plain(64, 4, 10), UNSEEN[:1], LABELS[:1]), "two classes or more"),
        (lambda: your_net.layer_information(plain(64, 4, 10), UNSEEN[:3], [0, 0, 5]), "and class 5 has one"),
        (lambda: your_net.layer_information(plain(63, 4, 10), UNSEEN, LABELS), "63 real numbers"),
        (lambda: your_net.layer_information(plain(64, 4, 10), UNSEEN * math.nan, LABELS), "must be finite"),
        (lambda: your_net.layer_information(plain(64, 4, 10), UNSEEN, LABELS, bins=10**9), "bins must be at most"),
        (
            lambda: your_net.layer_information(plain(64, 4, 10), UNSEEN, LABELS, bins=1),
            "bins must be an integer from 2",
        ),
        (lambda: your_net.layer_information(Linear(64, 10), UNSEEN, LABELS), "must be a torch.nn.Sequential"),
        (lambda: your_net.layer_information(Sequential(Tanh()), UNSEEN, LABELS), "must have weights"),
        (lambda: your_net.layer_information(Sequential(Linear(64, 10), Twice()), UNSEEN, LABELS), "not tuple"),
        (
            lambda: your_net.layer_information(Sequential(Linear(64, 10), Restless()), UNSEEN, LABELS),
            "the same for the same",
        ),
    ],
)
def test_wrong_input_is_told_in_one_line(wrong, told):
    assert told in refusal(wrong)


def test_bins_as_many_as_floats_tell_apart_are_taken():
    found = your_net.layer_information(plain(64, 4, 10), UNSEEN, LABELS, bins=1000)
    binned = [layer.binned for layer in found.layers if layer.binned is not None]
    assert len(binned) == 2
    assert 0 < min(binned) <= max(binned) <= found.image_entropy + 1e-9
