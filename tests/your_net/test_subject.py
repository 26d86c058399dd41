"""What is examined, looked at first: bad input, nothing of the reader's changed, random nets of its shape."""

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import BatchNorm1d, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential, Tanh

from helpers import refusal
from reversible import your_net
from reversible.your_net import subject as module
from reversible.your_net.subject import Subject, scores_of
from your_nets import DIGITS, LABELS, UNSEEN, plain

pytestmark = pytest.mark.usefixtures("seeded")


class Odd(nn.Module):
    """Gives what `makes` makes of the scores of a Linear layer."""

    def __init__(self, makes: Any) -> None:
        super().__init__()
        self.layer, self.makes = Linear(64, 10), makes
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Any) -> Any:
        return self.makes(self, self.layer(x))


def counting(model, y):
    model.calls += 1
    return y


SCORES = {
    "a tuple": (lambda _, y: (y, y), "must return one tensor of scores (N, classes), not tuple"),
    "a dict": (lambda _, y: {"logits": y}, "must return one tensor of scores (N, classes), not dict"),
    "one score": (lambda _, y: y[:, :1], "of two classes or more, not (128, 1)"),
    "no classes": (lambda _, y: y[:, 0], "of two classes or more, not (128,)"),
    "classes alone": (lambda _, y: y.argmax(1, keepdim=True).repeat(1, 2), "of two classes or more, not (128, 2)"),
    "chance": (lambda _, y: y + torch.rand_like(y), "must give the same twice in eval mode"),
    "dropout that stays": (lambda _, y: nn.functional.dropout(y), "must give the same twice in eval mode"),
    "the others of a batch": (lambda _, y: y - y.mean(0), "must score each image by itself in eval mode"),
    "a count of passes": (counting, "must not change in eval mode, and a pass changes its calls"),
    "infinity": (lambda _, y: y / 0, "must give finite scores"),
}


@pytest.mark.parametrize("kind", SCORES)
def test_a_model_whose_scores_mean_nothing_is_refused(kind):
    makes, told = SCORES[kind]
    assert told in refusal(lambda: your_net.examine(Odd(makes), UNSEEN, LABELS))


def without_statistics():
    return Sequential(Linear(64, 9), BatchNorm1d(9, track_running_stats=False), Tanh(), Linear(9, 10))


TEN = "360 whole numbers from 0, one for each image"
WRONG = {
    "no module": (lambda: (lambda x: x, UNSEEN, LABELS), "the model must be a torch.nn.Module, not function"),
    "one image": (lambda: (plain(64, 9, 10), UNSEEN[:1], LABELS[:1]), "images must be at least 8, not 1"),
    "too wide": (lambda: (plain(60, 9, 10), UNSEEN, LABELS), "images must be (N, ...), 60 real numbers each"),
    "not taken": (lambda: (Sequential(Linear(60, 10), Tanh()), UNSEEN, LABELS), "must take images of shape (360, 64)"),
    "nan": (lambda: (plain(64, 9, 10), UNSEEN * math.nan, LABELS), "images must be finite"),
    "fewer labels": (lambda: (plain(64, 9, 10), UNSEEN, LABELS[:-1]), f"labels must be {TEN}, not of shape (359,)"),
    "one-hot": (lambda: (plain(64, 9, 10), UNSEEN, torch.eye(10)[LABELS]), "not of shape (360, 10)"),
    "a class more": (lambda: (plain(64, 9, 9), UNSEEN, LABELS), "must be from 0 to 8, as the model has scores, not 9"),
    "below zero": (lambda: (plain(64, 9, 10), UNSEEN, LABELS - 1), f"labels must be {TEN}, not -1"),
    "halves": (lambda: (plain(64, 9, 10), UNSEEN, LABELS / 2), "one for each image, not 1.5"),
    "nan labels": (lambda: (plain(64, 9, 10), UNSEEN, LABELS * math.nan), "one for each image, not nan"),
    "names": (lambda: (plain(64, 9, 10), UNSEEN, [str(x) for x in LABELS.tolist()]), "one for each image, not '"),
    "nothing": (lambda: (plain(64, 9, 10), UNSEEN, None), "one for each image, not of shape ()"),
    "statistics of the batch": (lambda: (without_statistics(), UNSEEN, LABELS), "must score each image by itself"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_input_is_told_in_one_line(kind):
    given, told = WRONG[kind]
    assert told in refusal(lambda: your_net.examine(*given()))


@pytest.mark.parametrize(("how", "told"), [({"sample": 7}, "sample must be an integer from 8"), ({"seed": -1}, "seed")])
def test_settings_are_checked(how, told):
    assert told in refusal(lambda: Subject.of(plain(64, 9, 10), UNSEEN, LABELS, **how))


def test_nothing_of_the_readers_is_changed():
    model = Sequential(Linear(64, 9), BatchNorm1d(9), ReLU(), Dropout(), Linear(9, 10)).train()
    before, drawn = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    subject = Subject.of(model, UNSEEN, LABELS)
    subject.random_model()
    assert all(part.training for part in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn)
    assert not any(part.training for part in subject.model.modules())


def test_images_keep_their_labels_when_some_are_drawn():
    subject = Subject.of(plain(64, 9, 10), UNSEEN, LABELS, sample=50)
    places = [int((image == UNSEEN).all(1).nonzero()[0]) for image in subject.images]
    assert len(set(places)) == len(places) == 50
    assert (LABELS[places] == subject.labels).all()
    assert places != sorted(places)
    assert subject.given == 360


@pytest.mark.parametrize("kind", [list, np.asarray, lambda y: np.asarray(y, np.uint8), lambda y: y.double()])
def test_labels_of_any_kind_of_whole_numbers(kind):
    assert torch.equal(module._labels(kind(LABELS), 360), LABELS)


def test_the_shares_are_those_of_plain_counts():
    subject = Subject.of(model := plain(64, 9, 10), UNSEEN, LABELS)
    with torch.no_grad():
        wrong = (model(UNSEEN).argmax(1) != LABELS).double().mean()
    assert subject.error == pytest.approx(float(wrong))
    assert subject.guessed == pytest.approx(1 - max(LABELS.bincount()) / 360)
    assert subject.absent == []
    some = LABELS < 8
    assert Subject.of(model, UNSEEN[some], LABELS[some]).absent == [8, 9]


READ = {
    "rows": (lambda: plain(64, 9, 10), UNSEEN, (64,)),
    "maps as rows": (lambda: plain(64, 9, 10), DIGITS, (64,)),
    "rows of one number in maps": (lambda: plain(64, 9, 10), UNSEEN[:, None], (64,)),
    "flattened maps": (lambda: Sequential(Flatten(), plain(64, 9, 10)), DIGITS, (64,)),
    "normed maps": (lambda: Sequential(BatchNorm2d(1), Flatten(), plain(64, 9, 10)), DIGITS, (1, 8, 8)),
    "maps": (lambda: Sequential(Conv2d(1, 2, 3), ReLU(), MaxPool2d(2), Flatten(), Linear(18, 10)), DIGITS, (1, 8, 8)),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_the_model_reads_the_images_as_its_layers_do(kind):
    make, images, shape = READ[kind]
    subject = Subject.of(make(), images, LABELS)
    assert tuple(subject.images.shape[1:]) == shape
    assert subject.net is not None
    scores = subject.net.logits(subject.images.double().reshape(len(images), *subject.net.shape))
    assert torch.allclose(scores.float(), subject.scores, atol=1e-4)


def test_half_precision_is_examined_in_single():
    subject = Subject.of(plain(64, 9, 10).half(), UNSEEN, LABELS)
    assert subject.images.dtype == subject.scores.dtype == torch.float32
    assert Subject.of(plain(64, 9, 10).double(), UNSEEN, LABELS).scores.dtype == torch.float64


def test_a_random_model_has_gaussian_weights_of_its_shape_and_no_biases():
    model: Any = Sequential(Conv2d(1, 30, 3), BatchNorm2d(30), ReLU(), Flatten(), Linear(30 * 36, 10))
    with torch.no_grad():
        model[1].running_mean.fill_(3)
        model[1].weight.fill_(7)
    subject = Subject.of(model, DIGITS, LABELS)
    twin, other = subject.random_model(), subject.random_model(1)
    for place, fan in ((0, 9), (4, 1080)):
        drawn = twin[place].weight.detach()
        assert float(drawn.square().mean()) == pytest.approx(2 / fan, rel=0.2)
        assert float(twin[place].bias.detach().abs().max()) == 0
        assert not torch.equal(drawn, other[place].weight)
        assert not torch.equal(drawn, model[place].weight)
    assert float(twin[1].running_mean.abs().max()) == 0
    assert float(twin[1].weight.detach().max()) == 1
    assert torch.equal(scores_of(twin, DIGITS), scores_of(subject.random_model(), DIGITS))


def test_a_random_net_has_the_shape_of_the_net():
    subject = Subject.of(plain(64, 200, 10), UNSEEN, LABELS)
    twin = subject.random_net()
    assert subject.net is not None
    assert [weight.shape for weight in twin.weights] == [weight.shape for weight in subject.net.weights]
    assert float(twin.weights[0].square().mean()) == pytest.approx(2 / 64, rel=0.05)
    assert float(twin.biases[0].abs().max()) == 0
