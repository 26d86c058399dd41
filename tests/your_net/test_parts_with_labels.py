"""The parts of an examination that ask for labels, each beside the function that it stands on."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import Linear, Sequential, Tanh

from helpers import refusal
from reversible import your_net
from reversible.your_net.parts import errors, information, noise, separability, signal
from reversible.your_net.subject import Subject
from your_nets import LABELS, UNSEEN, plain, trained

pytestmark = pytest.mark.usefixtures("seeded")


@pytest.fixture(scope="module")
def subject():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Subject.of(trained(plain(64, 30, 20, 10), 200), UNSEEN, LABELS)


@pytest.fixture
def quick(monkeypatch):
    """Fewer images and draws."""
    for module, settings in {
        errors: {"SAMPLES": 4, "DRAWS": 100, "FRESH": 200},
        noise: {"VECTORS": 5, "IMAGES": 20},
        information: {"DRAWS": 50, "IMAGES": 100},
    }.items():
        for name, value in settings.items():
            monkeypatch.setattr(module, name, value)


def test_errors_are_those_of_find_errors(subject, quick):
    found = errors.measured(subject)
    own = your_net.find_errors(subject.model, subject.images, subject.labels, samples=4, draws=100, fresh=200)
    assert found.own.nearest == pytest.approx(own.nearest)
    said = errors.said(found)
    assert f"is {np.median(own.nearest):.2g} away from the median image" in said.sentence
    assert f"{np.median(own.ratio):.2f} times as far as errors in noise foretell" in said.sentence
    assert said.numbers[2][1] == f"{np.median(own.nearest):.2g}"
    assert found.size == pytest.approx(float(subject.images.norm(dim=1).square().mean().sqrt()))
    assert "beyond a flat boundary (line)" in errors.drawn(found).content


def test_a_random_net_is_asked_for_its_own_classes(subject, quick):
    found = errors.measured(subject)
    assert found.random is not None
    assert found.random.right == len(subject.images)
    assert f"at a distance of {np.median(found.random.nearest):.2g}" in errors.said(found).random


def test_errors_need_images_that_are_right(subject):
    wrong = Subject.of(subject.model, UNSEEN, (subject.model(UNSEEN).argmax(1) + 1) % 10)
    assert errors.right_images(wrong) == "two images that the net gets right are needed, and there are 0"
    assert errors.right_images(subject) == ""


def test_noise_is_that_of_noise_of(subject, quick):
    found = noise.measured(subject)
    own = your_net.noise_of(subject.model, subject.images, subject.labels, 5, 20)
    assert found.own.top == pytest.approx(own.top)
    assert found.random.top != pytest.approx(own.top)
    lines = noise.said(found).numbers
    assert lines[1] == ("the largest eigenvalue of the Hessian", f"{own.top:.3g}", f"{found.random.top:.3g}")
    assert "isotropic noise" in noise.said(found).sentence
    assert "<img" in noise.drawn(found).content


def test_clusters_are_those_of_layer_information(subject, quick):
    found = information.measured(subject)
    own = your_net.layer_information(subject.model, subject.images, subject.labels, draws=50, sample=100)
    assert [layer.ratio for layer in found.own.layers] == pytest.approx([layer.ratio for layer in own.layers])
    said = information.said(found)
    assert f"{own.layers[0].ratio:.2f} times as far apart" in said.sentence
    assert said.numbers[0][1:] == (f"{own.layers[0].ratio:.2f}", f"{found.random.layers[0].ratio:.2f}")
    assert found.own.layers[-1].ratio < found.random.layers[-1].ratio  # it was trained, and that one was not


def test_clusters_of_other_activations_and_of_no_row_of_modules(quick):
    tanh = Subject.of(Sequential(Linear(64, 9), Tanh(), Linear(9, 10)), UNSEEN, LABELS)
    assert information.is_row(tanh) == ""
    assert len(information.measured(tanh).own.layers) == 2

    class Other(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = Linear(64, 10)

        def forward(self, x):
            return self.layer(x)

    assert information.is_row(Subject.of(Other(), UNSEEN, LABELS)) == (
        "the model must be a torch.nn.Sequential, not Other"
    )


def test_separability_is_that_of_separable(subject):
    found, own = separability.measured(subject), your_net.separable(subject.model, subject.images, labels_of(subject))
    assert found.own == pytest.approx(own.own)
    said = separability.said(found)
    assert [line[0] for line in said.numbers] == ["right on the images", "right on h1", "right on h2"]
    assert f"{100 * own.own[-1]:.0f} % on h2" in said.sentence
    assert f"{100 * own.random.mean(0)[-1]:.0f} % right" in said.random


def labels_of(subject):
    return subject.labels.numpy()


def test_few_images_are_told(subject):
    few = Subject.of(subject.model, UNSEEN[:9], LABELS[:9])
    assert separability.enough(few) == "20 images are needed, and there are 9"
    assert "20 or more" in refusal(lambda: separability.measured(few))


def test_signals_are_those_of_follow_signal(subject, monkeypatch):
    monkeypatch.setattr(signal, "PAIRS", 10)
    found, own = signal.measured(subject), your_net.follow_signal(subject.model, subject.images, 10)
    assert found.own.correlation == pytest.approx(own.correlation)
    said = signal.said(found)
    assert f"{own.correlation[0]:.2f} in the first layer and {own.correlation[-1]:.2f} in h2" in said.sentence
    assert said.numbers[0] == (
        "h1, mean square of what it is given", f"{own.variance[0]:.3g}", f"{found.random.variance[0]:.3g}"
    )  # fmt: skip
    assert found.random.s_w == pytest.approx(np.sqrt(2), rel=0.1)  # the variance of its weights is two over the inputs
    assert signal.drawn(found).content.count("<img") == 2
