"""A reader's own net: what is read as it is, what is refused, and what is measured."""

import copy
import json
from collections import OrderedDict
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import Dropout, Flatten, Identity, Linear, LogSoftmax, ReLU, Sequential, Softmax
from torch.nn.utils import prune

from helpers import refusal
from reversible import cli, your_net
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.net import Net
from reversible.theory.depth import EDGE, optimal_offsets, state_evolution, top_risk
from reversible.your_net.measures import OTHER_NET, OWN, weights_of
from your_nets import UNSEEN, plain, trained


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


# --- the net ----------------------------------------------------------------------------------------------------------

relu = ReLU()
WHAT_USERS_HAVE = {
    "plain": lambda: plain(64, 20, 12, 10),
    "no biases": lambda: Sequential(Linear(64, 20, bias=False), ReLU(), Linear(20, 10, bias=False)),
    "one ReLU twice": lambda: Sequential(Linear(64, 20), relu, Linear(20, 12), relu, Linear(12, 10)),
    "nested": lambda: Sequential(Sequential(Flatten(), Linear(64, 20), ReLU()), Sequential(Linear(20, 10))),
    "dropout": lambda: Sequential(Dropout(), Linear(64, 20), Identity(), ReLU(), Dropout(0.2), Linear(20, 10)),
    "softmax": lambda: Sequential(Linear(64, 20), ReLU(), Linear(20, 10), Softmax(1)),
    "log softmax": lambda: Sequential(Linear(64, 20), ReLU(), Linear(20, 10), LogSoftmax(-1)),
    "float64": lambda: plain(64, 20, 10).double(),
    "float16": lambda: plain(64, 20, 10).half(),
    "bfloat16": lambda: plain(64, 20, 10).bfloat16(),
}


@pytest.mark.parametrize("kind", WHAT_USERS_HAVE)
def test_what_users_have_is_read_as_it_is_and_left_alone(kind):
    model = WHAT_USERS_HAVE[kind]().train()
    before, trainable = copy.deepcopy(model.state_dict()), [p.requires_grad for p in model.parameters()]
    net = your_net.net_of(model)
    reading = your_net.read(model, UNSEEN[:40].reshape(40, 1, 8, 8), batches=4)
    assert all(module.training for module in model.modules())
    assert [p.requires_grad for p in model.parameters()] == trainable
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert len(reading.layers) == len(net.weights) - 1
    said, ours = copy.deepcopy(model).double().eval()(UNSEEN.double()), net.logits(UNSEEN.double())
    ours = torch.softmax(ours, 1) if kind == "softmax" else torch.log_softmax(ours, 1) if "log" in kind else ours
    assert torch.allclose(said, ours, atol=1e-12)
    with torch.no_grad():
        next(model.parameters()).zero_()
    assert net.weights[0].any()  # a copy


WRONG_IN_PLACE: dict[str, tuple[Any, str, str, str]] = {
    "convolution without a ReLU": (lambda: Sequential(nn.Conv2d(1, 2, 3), *plain(72, 9)), "1", "ReLU", "Linear"),
    "convolution in rows": (lambda: Sequential(Flatten(), nn.Conv2d(1, 2, 3)), "1", "Linear", "Conv2d"),
    "convolution above": (lambda: Sequential(*plain(64, 9), ReLU(), nn.Conv2d(1, 2, 3)), "2", "Linear", "Conv2d"),
    "of one dimension": (lambda: Sequential(nn.Conv1d(1, 2, 3), ReLU()), "0", "Linear or Conv2d", "Conv1d"),
    "transposed": (lambda: Sequential(nn.ConvTranspose2d(1, 2, 3)), "0", "Linear or Conv2d", "ConvTranspose2d"),
    "maps normed in rows": (lambda: Sequential(Linear(64, 20), nn.BatchNorm2d(20)), "1", "ReLU", "BatchNorm2d"),
    "rows normed in maps": (lambda: Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm1d(2)), "1", "ReLU", "BatchNorm1d"),
    "layer norm": (lambda: Sequential(Linear(64, 20), nn.LayerNorm(20)), "1", "ReLU", "LayerNorm"),
    "adaptive": (
        lambda: Sequential(nn.Conv2d(1, 2, 3), ReLU(), nn.AdaptiveAvgPool2d(1)),
        "2", "Linear or Conv2d", "AdaptiveAvgPool2d",
    ),
    "pooled image": (lambda: Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 2, 3)), "0", "Linear or Conv2d", "MaxPool2d"),
    "pooled rows": (lambda: Sequential(*plain(64, 20), ReLU(), nn.MaxPool2d(2)), "2", "Linear", "MaxPool2d"),
    "tanh": (lambda: Sequential(Linear(64, 20), nn.Tanh(), Linear(20, 10)), "1", "ReLU", "Tanh"),
    "nested": (lambda: Sequential(Sequential(Linear(64, 20), nn.GELU()), Linear(20, 10)), "0.1", "ReLU", "GELU"),
    "leaky": (lambda: Sequential(Linear(64, 20), nn.LeakyReLU(), Linear(20, 10)), "1", "ReLU", "LeakyReLU"),
    "two Linear": (lambda: Sequential(Linear(64, 20), Linear(20, 10)), "1", "ReLU", "Linear"),
    "two ReLU": (lambda: Sequential(Linear(64, 20), ReLU(), ReLU(), Linear(20, 10)), "2", "Linear", "ReLU"),
    "softmax of a batch": (lambda: Sequential(*plain(64, 20, 10), Softmax(0)), "3", "ReLU", "Softmax"),
    "softmax inside": (lambda: Sequential(Linear(64, 20), Softmax(1), Linear(20, 10)), "1", "ReLU", "Softmax"),
    "flatten of a batch": (lambda: Sequential(Flatten(0), *plain(64, 20)), "0", "Linear or Conv2d", "Flatten"),
    "parametrized": (
        lambda: Sequential(nn.utils.parametrizations.weight_norm(Linear(64, 20)), ReLU(), Linear(20, 10)),
        "0", "Linear or Conv2d", "ParametrizedLinear",
    ),
    "lazy": (lambda: Sequential(nn.LazyLinear(20), ReLU(), Linear(20, 10)), "0", "Linear or Conv2d", "LazyLinear"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG_IN_PLACE)
def test_what_cannot_be_reversed_is_refused_by_its_name(kind):
    made, name, wanted, found = WRONG_IN_PLACE[kind]
    model = made()
    for call in (your_net.net_of, your_net.spectra_of, lambda model: your_net.read(model, UNSEEN)):
        assert refusal(lambda call=call: call(model)) == (
            f"module '{name}' must be {wanted} in its place, not {found}: the net must be Linear or Conv2d with a ReLU "
            "behind each, and Linear at the end; BatchNorm1d and BatchNorm2d, MaxPool2d and AvgPool2d, Flatten, "
            "Dropout, Dropout2d and Identity may stand between them"
        )


def pruned():
    model = plain(64, 20, 10)
    prune.l1_unstructured(model[0], "weight", 0.5)
    return model


def with_hook():
    model = plain(64, 20, 10)
    model.register_forward_hook(lambda module, x, y: 2 * y)
    return model


def empty_place():
    model = plain(64, 20, 10)
    model._modules["1"] = None
    return model


class Overridden(Sequential):
    def forward(self, input):
        return 2 * super().forward(input)


def spoiled(value, place="weight"):
    model = plain(64, 20, 10)
    with torch.no_grad():
        getattr(model[2], place)[0] = value
    return model


SHORT = "the model must be Linear or Conv2d, ReLU, Linear at least, and end with Linear, not"
REFUSED = {
    "one layer": (lambda: Sequential(Linear(64, 10)), f"{SHORT} Linear"),
    "no head": (lambda: Sequential(Linear(64, 20), ReLU()), f"{SHORT} Linear, ReLU"),
    "no head, long": (lambda: Sequential(*plain(64, 20, 9), ReLU()), f"{SHORT} Linear, ReLU, Linear, ReLU"),
    "empty": (Sequential, f"{SHORT} empty"),
    "only dropout": (lambda: Sequential(Dropout(), Sequential()), f"{SHORT} empty"),
    "no Sequential": (lambda: Linear(64, 10), "the model must be a torch.nn.Sequential, not Linear"),
    "no module": (lambda: "model.pt", "the model must be a torch.nn.Sequential, not str"),
    "own forward": (lambda: Overridden(*plain(64, 20, 10)), "must be a torch.nn.Sequential, not Overridden"),
    "own forward inside": (lambda: Sequential(Overridden(*plain(64, 9)), *plain(9, 5)), "in its place, not Over"),
    "pruned": (pruned, "module '0' must have no hooks; torch.nn.utils.prune.remove takes those of pruning away"),
    "hook": (with_hook, "the model must have no hooks"),
    "nothing in a place": (empty_place, "module '1' must be ReLU in its place, not NoneType"),
    "misfit": (lambda: Sequential(*plain(64, 20), ReLU(), Linear(9, 10)), "'2' must take the 20 numbers it is given"),
    "nan": (lambda: spoiled(torch.nan), "2.weight must hold finite numbers; 20 of 200 are not"),
    "infinite bias": (lambda: spoiled(torch.inf, "bias"), "2.bias must hold finite numbers; 1 of 10 are not"),
    "huge": (lambda: spoiled(1e38), "the largest of 2.weight must be 0 or from 1e-30 to 1e+30, not 1e+38"),
    "complex": (lambda: plain(64, 20, 10).to(torch.complex64), "hold real numbers, not [20, 64] of torch.complex64"),
    "meta": (lambda: plain(64, 20, 10).to("meta"), "hold real numbers, not [20, 64] of torch.float32, meta"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.filterwarnings("ignore:Complex modules are a new feature")
def test_what_is_no_such_net_is_refused(kind):
    made, says = REFUSED[kind]
    model = made()
    for call in (your_net.net_of, lambda model: your_net.read(model, UNSEEN)):
        assert says in refusal(lambda call=call: call(model))


IMAGES = {
    "narrow": (UNSEEN[:, :63], "images must be (N, ...), 64 real numbers each, not (360, 63) of torch.float32"),
    "mnist": (torch.zeros(50, 1, 28, 28), "64 real numbers each, not (50, 1, 28, 28)"),
    "one image": (UNSEEN[0], "images must be a tensor or array (N, ...) of numbers, not Tensor"),
    "none": (UNSEEN[:0], "64 real numbers each, not (0, 64)"),
    "few": (UNSEEN[:39], "images must be at least 40, two for each of 20 batches, not 39"),
    "complex": (UNSEEN.to(torch.complex64), "of torch.complex64"),
    "nan": (UNSEEN.where(UNSEEN < 1, torch.nan), "images must be finite"),
    "words": (np.array([["a"] * 64] * 40), "images must be a tensor or array (N, ...) of numbers, not ndarray"),
    "masked": (np.ma.masked_equal(np.eye(64), 1), "images must have no masked entries; 64 are masked"),
    "nothing": (None, "images must be a tensor or array (N, ...) of numbers, not NoneType"),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_images_that_do_not_fit_are_refused(kind):
    images, says = IMAGES[kind]
    assert says in refusal(lambda: your_net.reverse(plain(64, 20, 10), images))


def test_the_same_images_in_any_form():
    model, read_only = plain(64, 20, 10), UNSEEN.numpy().copy()
    read_only.flags.writeable = False
    forms = UNSEEN, UNSEEN.double(), UNSEEN.reshape(-1, 8, 8), read_only, UNSEEN.clone().requires_grad_()
    forms += UNSEEN.to_sparse(), pd.DataFrame(read_only), read_only.astype(">f4"), np.ma.array(read_only)
    first, *others = (your_net.reversal_words(your_net.reverse(model, images, batches=4)) for images in forms)
    assert all(other == first for other in others)
    assert "batches must be an integer from 2" in refusal(lambda: your_net.reverse(model, UNSEEN, batches=1))


# --- what is measured -------------------------------------------------------------------------------------------------


def test_rows_are_those_that_the_command_prints(tmp_path, capsys):
    steps: dict[str, Any] = {"a": Linear(64, 40), "b": ReLU(), "c": Sequential(Linear(40, 33)), "d": ReLU()}
    model = Sequential(OrderedDict({**steps, "e": (head := Linear(33, 10))}))
    with torch.no_grad():
        head.weight.zero_()
    torch.save(model.state_dict(), tmp_path / "model.pt")
    assert cli.main(["spectrum", str(tmp_path / "model.pt"), "--json"]) == 0
    printed, noted = capsys.readouterr()
    rows, skipped = your_net.spectra_of(model)
    assert json.loads(printed) == json.loads(json.dumps([row.to_json() for row in rows]))
    assert [row.layer for row in rows] == ["a", "c.0"]
    assert skipped == ["Of layer e nothing can be said: the matrix must not be constant; every entry is 0."]
    assert "skipped e, 10 x 33" in noted


def cosine(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def down_by_hand(h, A, signed=False):
    factor = 1 if signed else 2
    sent = factor * h @ A / (A.shape[1] * (A**2).mean())
    return sent if signed else np.maximum(sent, 0)


@pytest.mark.parametrize("shift", [0.0, -0.5])
def test_down_and_up_against_numpy(shift):
    """Its own weights; with entries below zero the last step down has no ReLU."""
    model, x = plain(64, 30, 20, 10), (UNSEEN + shift).double().numpy()
    with torch.no_grad():
        for layer in model[:-1:2]:
            layer.bias.add_(0.5)
    (A, a), (B, b), (C, c) = ([p.detach().double().numpy() for p in model[i].parameters()] for i in (0, 2, 4))

    def up(x):
        h = np.maximum(x @ A.T + a, 0)
        return h, np.maximum(h @ B.T + b, 0)

    sent = down_by_hand(up(x)[0], A, shift < 0), down_by_hand(down_by_hand(up(x)[1], B), A, shift < 0)
    for number, layer in enumerate(your_net.reverse(model, x, batches=18)):
        h, back = up(x)[number], up(sent[number])[number]
        assert layer.of("cosine").mean == pytest.approx(cosine(h, back).mean(), abs=1e-9)
        errors = ((back - h) ** 2).sum(1) / (h**2).sum(1)
        assert layer.of("relative_error").mean == pytest.approx(errors.mean(), rel=1e-6)
        kept = (up(x)[1] @ C.T + c).argmax(1) == (up(sent[number])[1] @ C.T + c).argmax(1)
        assert layer.of("kept").mean == pytest.approx(kept.mean())
        other = np.mean([cosine(h, np.roll(back, shift, 0)).mean() for shift in range(1, 360)])
        assert layer.of("cosine").mean - layer.of("specific").mean == pytest.approx(other, abs=0.01)
        assert layer.active == pytest.approx((h > 0).mean())
        assert (layer.law is None) == bool(shift)


def test_of_random_nets_each_makes_and_reads_its_own_codes():
    model, others = trained(plain(64, 40, 10), 100), []
    (layer,) = your_net.reverse(model, UNSEEN, batches=10, seed=3)
    A = model[0].weight.detach()
    for _ in range(30):
        net = plain(64, 40, 10)
        with torch.no_grad():
            net[0].weight.copy_(torch.randn(A.shape) * A.std() + A.mean())
            net[0].bias.copy_(model[0].bias)
        others.append(your_net.reverse(net, UNSEEN, batches=2)[0].of("cosine").mean)
    low, high = Estimate.of(others).ci95
    assert low - 0.02 < layer.of("cosine", OTHER_NET).mean < high + 0.02
    x, a = UNSEEN.double().numpy(), model[0].bias.detach().double().numpy()
    for draw, found in enumerate(layer.by_batch[OTHER_NET]["cosine"]):
        (B,) = (B.numpy() for B in weights_of(your_net.net_of(model), 1, OTHER_NET, trial_generator(3, 1 + draw)))
        h = np.maximum(x @ B.T + a, 0)
        assert found == pytest.approx(cosine(h, np.maximum(down_by_hand(h, B) @ B.T + a, 0)).mean())  # over all images


def test_above_the_layer_a_random_net_is_the_net_itself():
    model = trained(plain(64, 40, 30, 10), 100)
    first, second = your_net.reverse(model, UNSEEN, batches=4, seed=3)
    weights = [layer.weight.detach().double().numpy() for layer in model[::2]]
    biases = [layer.bias.detach().double().numpy() for layer in model[::2]]
    x = UNSEEN.double().numpy()

    def up(weights, x):
        for A, a in zip(weights[:-1], biases, strict=False):
            x = np.maximum(x @ A.T + a, 0)
        return (x @ weights[-1].T + biases[-1]).argmax(1)

    for draw in range(4):
        drawn = weights_of(your_net.net_of(model), 2, OTHER_NET, trial_generator(3, 1 + draw))
        A, B = (W.numpy() for W in drawn)
        h1 = np.maximum(x @ A.T + biases[0], 0)
        h2 = np.maximum(h1 @ B.T + biases[1], 0)
        sent = down_by_hand(h1, A), down_by_hand(down_by_hand(h2, B), A)
        for layer, others, back in ((first, [A, *weights[1:]], sent[0]), (second, [A, B, weights[2]], sent[1])):
            kept = (up(others, x) == up(others, back)).mean()
            assert layer.by_batch[OTHER_NET]["kept"][draw] == pytest.approx(kept, abs=0.01)  # of the 360 images


def test_images_are_dealt_out_in_a_random_order():
    """They may come sorted by class; here the second half is black, and has no code."""
    model = Sequential(Linear(64, 40, bias=False), ReLU(), Linear(40, 10))
    (layer,) = your_net.reverse(model, torch.cat([UNSEEN[:100], torch.zeros(100, 64)]), batches=4)
    assert layer.empty == 0.5
    cosines = layer.by_batch[OWN]["cosine"]
    assert 0.2 < cosines.min() < cosines.max() < 0.7


def test_the_law_is_that_of_the_map_for_the_typical_code():
    """Sparse codes, the images that they make, and offsets below zero: the theory's own case."""
    model = plain(1600, 60, 10)
    with torch.no_grad():
        A = model[0].weight.normal_()
        model[0].bias.fill_(-0.15)
        x = torch.relu((0.5 + torch.rand(80, 60)) * (torch.rand(80, 60) < 0.06) @ A) * 2 / 1600
        h = torch.relu(model[0](x)).double().numpy()
    (layer,) = your_net.reverse(model, x[torch.from_numpy(h.any(1))], batches=10)
    k = len(layer.typical)
    assert abs(k - np.median((h > 0).sum(1)[h.any(1)])) <= 0.5
    assert any(np.allclose(np.sort(code[code > 0]), layer.typical, rtol=1e-4) for code in h if (code > 0).sum() == k)
    offsets = optimal_offsets((1600, 60), (1.0,), layer.typical)
    state = state_evolution((1600, 60), (1.0,), offsets, np.linalg.norm(layer.typical))[-1]
    assert layer.law == pytest.approx(float(top_risk(state, layer.typical)), rel=1e-5)
    assert float(top_risk(state, layer.typical)) < EDGE
    words = " ".join(your_net.theory_words(your_net.spectra_of(model)[0], [layer]))
    for says in (
        f"h1 (k/t = {k}/1600",
        "inside the map's line",
        f"loses {layer.law:.2f}",
        str(layer.of("scaled_error")),
    ):
        assert says in words
    assert "sparse enough for the theorems" in words


def test_a_net_in_single_precision_is_measured_as_well():
    """As `Net.of` makes it from a file's arrays."""
    model = plain(64, 40, 10)
    arrays = {name: value.numpy() for name, value in model.state_dict().items()}
    (single,), (double,) = (your_net.reverse(net, UNSEEN, batches=4) for net in (Net.of(arrays), model))
    assert single.of("cosine").mean == pytest.approx(double.of("cosine").mean, abs=1e-4)
    assert your_net.pictures(Net.of(arrays), UNSEEN)[1] == your_net.pictures(model, UNSEEN)[1]


def test_the_same_seed_gives_the_same_words():
    model = plain(64, 40, 10)
    first, again, other = (str(your_net.read(model, UNSEEN, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
