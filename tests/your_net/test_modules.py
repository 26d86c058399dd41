"""Convolutional nets of a reader: what torch makes of them in eval mode, what is refused, and what is measured."""

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import (
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout2d,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
)

from helpers import refusal
from reversible import cli, your_net
from reversible.nets.layered import one_step
from reversible.your_net import modules
from reversible.your_net.measures import ALL_WAYS, FIXED, OTHER_NET, OWN
from your_nets import DIGITS, UNSEEN

pytestmark = pytest.mark.usefixtures("seeded")


def lived_in(model):
    """Batch norms as training leaves them: statistics of some data, scales of both signs."""
    with torch.no_grad():
        norms: list[Any] = [m for m in model.modules() if isinstance(m, (BatchNorm1d, BatchNorm2d))]
        for norm in norms:
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.01, 3)
            if norm.affine:
                norm.weight.normal_()
                norm.bias.normal_()
    return model


relu, shared = ReLU(), Conv2d(2, 2, 3, padding=1)
ends = (Flatten(), Linear(18, 5))
NETS: dict[str, Callable[[], Any]] = {
    "lenet": lambda: Sequential(
        Conv2d(1, 4, 3), ReLU(), MaxPool2d(2), Conv2d(4, 6, 2), ReLU(), Flatten(), Linear(24, 9), ReLU(), Linear(9, 5)
    ),
    "vgg": lambda: Sequential(
        Sequential(Conv2d(1, 4, 3, padding=1, bias=False), BatchNorm2d(4), ReLU(inplace=True)),
        Sequential(Conv2d(4, 4, 3, padding="same"), BatchNorm2d(4), ReLU(), MaxPool2d(2, 2)), Dropout2d(),
        Flatten(), Linear(64, 9, bias=False), BatchNorm1d(9), ReLU(), nn.Dropout(), Linear(9, 5),
    ),
    "norm behind the ReLU, padded": lambda: Sequential(
        Conv2d(1, 3, 3), ReLU(), BatchNorm2d(3), Conv2d(3, 2, 3, padding=2), BatchNorm2d(2), ReLU(), Flatten(),
        BatchNorm1d(128), Linear(128, 5),
    ),
    "maps normed, then rows": lambda: Sequential(Conv2d(1, 2, 3, stride=2), ReLU(), BatchNorm2d(2), *ends),
    "norms everywhere": lambda: Sequential(
        BatchNorm2d(1), Conv2d(1, 2, 3, stride=2, padding=1), BatchNorm2d(2), BatchNorm2d(2, affine=False), ReLU(),
        BatchNorm2d(2), BatchNorm2d(2), Flatten(), Linear(32, 5), BatchNorm1d(5),
    ),
    "dense with norms": lambda: Sequential(
        Flatten(), BatchNorm1d(64), Linear(64, 9), BatchNorm1d(9), ReLU(), BatchNorm1d(9), Linear(9, 5)
    ),
    "maps normed, then dense": lambda: Sequential(BatchNorm2d(1), Flatten(), Linear(64, 9), ReLU(), Linear(9, 5)),
    "maxima before the ReLU": lambda: Sequential(Conv2d(1, 2, 3), MaxPool2d(2), ReLU(), *ends),
    "averages": lambda: Sequential(Conv2d(1, 2, (3, 2)), ReLU(), AvgPool2d((2, 3)), Flatten(), Linear(12, 5)),
    "two poolings": lambda: Sequential(Conv2d(1, 2, 1), ReLU(), MaxPool2d(2), AvgPool2d(2), Flatten(), Linear(8, 5)),
    "shared": lambda: Sequential(
        Conv2d(1, 2, 3), relu, shared, relu, Sequential(shared), relu, MaxPool2d(2), Flatten(), Linear(18, 5)
    ),
    "flattened before the ReLU": lambda: Sequential(Conv2d(1, 2, 3, stride=2), Flatten(), ReLU(), Linear(18, 5)),
}  # fmt: skip


def largest_difference(model, x):
    """Between what torch's double says in eval mode and ours, relative to the largest."""
    with torch.no_grad():
        says = copy.deepcopy(model).double().eval()(x.double())
    ours = your_net.net_of(model, x.shape[1:]).logits(x.double())
    return float((says - ours.view_as(says)).abs().max() / says.abs().max())


@pytest.mark.parametrize("kind", NETS)
def test_a_net_says_what_torch_says(kind):
    model = lived_in(NETS[kind]()).train()
    before = copy.deepcopy(model.state_dict())
    x = DIGITS[:20] if kind != "dense with norms" else UNSEEN[:20]
    assert largest_difference(model, x) < 1e-12
    reading = your_net.read(model, x, batches=5)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert np.isfinite([layer.of("cosine").mean for layer in reading.layers]).all()
    assert str(reading)


def variance_for_deviation(norm, count, right=modules._affine):
    scale, shift = right(norm, count)
    times = (norm[1].running_var.double() + norm[1].eps).rsqrt()
    return scale * times, shift


def no_eps(norm, count, right=modules._affine):
    spoiled = copy.copy(norm[1])
    spoiled.eps = 0.0
    return right((norm[0], spoiled), count)


@pytest.mark.parametrize("fault", [variance_for_deviation, no_eps])
@pytest.mark.parametrize("kind", ["vgg", "norm behind the ReLU, padded", "dense with norms"])
def test_a_norm_folded_wrongly_is_seen(kind, fault, monkeypatch):
    model = lived_in(NETS[kind]())
    monkeypatch.setattr(modules, "_affine", fault)
    assert largest_difference(model, UNSEEN[:20] if "dense" in kind else DIGITS[:20]) > 1e-7


# --- what is refused --------------------------------------------------------------------------------------------------


def conv(*more, **how) -> Any:
    return Sequential(Conv2d(1, 2, 3, **how), *more, ReLU(), Flatten(), Linear(72, 5))


def behind(*modules_):
    return Sequential(Conv2d(1, 2, 3), ReLU(), *modules_, Flatten(), Linear(18, 5))


def normed(**fields):
    model = conv(BatchNorm2d(2, track_running_stats=fields.pop("tracked", True)))
    for name, value in fields.items():
        if name == "eps":
            model[1].eps = value
        else:
            with torch.no_grad():
                getattr(model[1], name)[0] = value
    return model


REFUSED = {
    "groups": (
        lambda: Sequential(Conv2d(1, 2, 3), ReLU(), Conv2d(2, 2, 3, groups=2)),
        "module '2' must be a Conv2d with groups=1, not groups=2",
    ),
    "dilation": (lambda: conv(dilation=2), "module '0' must be a Conv2d with dilation=1, not dilation=(2, 2)"),
    "mode": (lambda: conv(padding=1, padding_mode="circular"), "padding_mode='zeros', not padding_mode='circular'"),
    "strides": (lambda: conv(stride=(1, 2)), "with the same stride both ways, not stride=(1, 2)"),
    "paddings": (lambda: conv(padding=(0, 1)), "with the same padding on all sides, not padding=(0, 1)"),
    "same of even": (
        lambda: Sequential(Conv2d(1, 2, 2, padding="same")), "with the same padding on all sides, not padding='same'",
    ),
    "overlapping": (
        lambda: behind(MaxPool2d(3, stride=2)),
        "module '2' must be a MaxPool2d with windows side by side, not kernel_size=(3, 3) with stride=(2, 2)",
    ),
    "padded maxima": (lambda: behind(MaxPool2d(2, padding=1)), "a MaxPool2d with padding=0, not padding=1"),
    "ceiling": (lambda: behind(AvgPool2d(2, ceil_mode=True)), "an AvgPool2d with ceil_mode=False, not ceil_mode=True"),
    "spread maxima": (lambda: behind(MaxPool2d(2, dilation=2)), "a MaxPool2d with dilation=1, not dilation=2"),
    "indices": (lambda: behind(MaxPool2d(2, return_indices=True)), "return_indices=False, not return_indices=True"),
    "divisor": (lambda: behind(AvgPool2d(2, divisor_override=3)), "with no divisor_override, not divisor_override=3"),
    "averages before": (lambda: conv(AvgPool2d(2)), "module '1' (AvgPool2d) must stand behind the ReLU, not before it"),
    "norm, then maxima": (
        lambda: behind(BatchNorm2d(2), MaxPool2d(2)),
        "module '3' (MaxPool2d) must not stand between a BatchNorm2d and the layer above it",
    ),
    "maxima, then norm": (
        lambda: conv(MaxPool2d(2), BatchNorm2d(2)),
        "module '2' (BatchNorm2d) must stand right behind its Linear or Conv2d, or behind a ReLU",
    ),
    "flattened, then norm": (
        lambda: Sequential(Conv2d(1, 2, 3), Flatten(), BatchNorm1d(72), ReLU(), Linear(72, 5)),
        "module '2' (BatchNorm1d) must stand right behind its Linear or Conv2d, or behind a ReLU",
    ),
    "not flattened": (
        lambda: Sequential(Conv2d(1, 2, 3), ReLU(), Linear(6, 5)),
        "module '2' (Linear) must have a Flatten below it: it gets the maps of a Conv2d",
    ),
    "ends in maps": (lambda: Sequential(Conv2d(1, 2, 3), ReLU(), Conv2d(2, 5, 6)), "with Linear, not Conv2d, ReLU, C"),
    "one layer": (lambda: Sequential(Conv2d(1, 2, 3), ReLU()), "at least, and end with Linear, not Conv2d, ReLU"),
    "no statistics": (lambda: normed(tracked=False), "module '1' must keep running statistics, else it is another"),
    "endless mean": (lambda: normed(running_mean=torch.inf), "1.running_mean must hold finite numbers; 1 of 2 are not"),
    "negative": (lambda: normed(running_var=-0.5), "1.running_var must be 0 or more, and above 0 with eps, not -0.5"),
    "no variance": (lambda: normed(running_var=0.0, eps=0.0), "must be 0 or more, and above 0 with eps, not 0"),
    "features": (lambda: conv(BatchNorm2d(3)), "module '1' must take the 2 features it is given, not 3"),
    "features of rows": (
        lambda: Sequential(Flatten(), Linear(64, 9), BatchNorm1d(8), ReLU(), Linear(9, 5)),
        "module '2' must take the 9 features it is given, not 8",
    ),
    "channels": (
        lambda: Sequential(Conv2d(1, 2, 3), ReLU(), Conv2d(3, 2, 3), ReLU(), *ends),
        "module '2' must take the 2 channels of 2 x 6 x 6, not 3",
    ),
    "too large filters": (
        lambda: behind(MaxPool2d(2), Conv2d(2, 2, 5), ReLU()),
        "module '3' must get maps that its 5 x 5 filters fit, not 3 x 3",
    ),
    "too large windows": (lambda: behind(MaxPool2d(7)), "'2' must have windows that fit maps of 6 x 6, not (7, 7)"),
    "misfit": (lambda: behind(MaxPool2d(3)), "module '4' must take the 8 numbers it is given as maps of 2 x 2, not 18"),
    "nan": (lambda: spoiled(torch.nan), "0.weight must hold finite numbers; 9 of 18 are not"),
    "hook": (lambda: hooked(), "module '0' must have no hooks"),
}  # fmt: skip


def spoiled(value):
    model = conv()
    with torch.no_grad():
        model[0].weight[0] = value
    return model


def hooked():
    model = conv()
    model[0].register_forward_hook(lambda module, x, y: 2 * y)
    return model


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_reversed_is_refused_by_its_name(kind):
    made, says = REFUSED[kind]
    model = made()
    assert says in refusal(lambda: your_net.read(model, DIGITS))


IMAGES = {
    "rows": (UNSEEN, "images must be (N, 1, height, width), real numbers, not (360, 64) of torch.float32"),
    "no channels": (UNSEEN.view(-1, 8, 8), "images must be (N, 1, height, width), real numbers, not (360, 8, 8)"),
    "colours": (DIGITS.expand(-1, 3, 8, 8), "images must be (N, 1, height, width), real numbers, not (360, 3, 8, 8)"),
    "none": (DIGITS[:0], "not (0, 1, 8, 8)"),
    "larger": (torch.zeros(50, 1, 28, 28), "must take the 864 numbers it is given as maps of 12 x 12, not 24"),
    "small": (DIGITS[:, :, :2, :2], "module '0' must get maps that its 3 x 3 filters fit, not 2 x 2"),
    "endless": (DIGITS / 0, "images must be finite"),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_images_that_do_not_fit_are_refused(kind):
    images, says = IMAGES[kind]
    assert says in refusal(lambda: your_net.reverse(NETS["lenet"](), images))


def test_a_net_of_maps_needs_their_shape():
    for kind in ("lenet", "maps normed, then dense"):
        says = refusal(lambda kind=kind: your_net.net_of(NETS[kind]()))
        assert says == "shape must be (channels, height, width) of an image for a net with maps, not None"


# --- what is measured -------------------------------------------------------------------------------------------------


def test_rows_are_those_that_the_command_prints(tmp_path, capsys):
    model = lived_in(Sequential(
        Conv2d(1, 8, 3), BatchNorm2d(8), ReLU(), Sequential(Conv2d(8, 40, 3), ReLU()), Flatten(), Linear(640, 5)
    ))  # fmt: skip
    torch.save(model.state_dict(), tmp_path / "model.pt")
    assert cli.main(["spectrum", str(tmp_path / "model.pt"), "--json"]) == 0
    rows, skipped = your_net.spectra_of(model)
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps([row.to_json() for row in rows]))
    assert [(row.layer, row.shape) for row in rows] == [("0", (8, 9)), ("3.0", (40, 72)), ("5", (5, 640))]
    assert skipped == []


def test_ways_and_steps_layer_by_layer():
    model = NETS["lenet"]()
    first, second, third = layers = your_net.reverse(model, DIGITS, batches=4)
    assert [list(layer.by_batch) for layer in layers] == [list(ALL_WAYS)] * 3
    assert all(layer.law is None and layer.on_maps for layer in layers)
    assert (first.below, second.below, third.below) == (64, 36, 24)
    assert first.of("cosine").mean != first.of("cosine", FIXED).mean
    net = your_net.net_of(model, (1, 8, 8))
    codes = net.up(DIGITS.double())
    assert third.active == pytest.approx(float((codes[2] > 0).double().mean()))
    found, law = one_step(net.stages[1], codes[0])
    assert second.steps[OWN]["cosine"].mean() == pytest.approx(float(found.mean()))
    assert second.steps[OWN]["law"].mean() == pytest.approx(float(law.mean()))
    assert abs(float((second.steps[OTHER_NET]["cosine"] - second.steps[OTHER_NET]["law"]).mean())) < 0.1


def test_without_maxima_there_is_no_way_without_switches():
    for kind in ("averages", "maps normed, then rows"):
        layers = your_net.reverse(NETS[kind](), DIGITS, batches=4)
        assert all(FIXED not in layer.by_batch for layer in layers)
        assert "maximum" not in " ".join(your_net.reversal_words(layers))


def test_of_random_nets_each_makes_and_reads_its_own_codes():
    """Random filters of the same size in place of those of a net whose filters are random are as good."""
    model: Any = Sequential(Conv2d(1, 16, 3, bias=False), ReLU(), MaxPool2d(2), Flatten(), Linear(144, 5))
    with torch.no_grad():
        model[0].weight.normal_()
    (layer,) = your_net.reverse(model, DIGITS)
    assert layer.beside() == 0
    assert layer.of("cosine", OTHER_NET).mean > layer.of("cosine", "gaussian").mean + 0.05


def test_the_same_seed_gives_the_same_words():
    model = NETS["vgg"]()
    first, again, other = (str(your_net.read(model, DIGITS[:40], seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert "a convolution stands at or below" in first


def test_a_convolution_that_is_never_active():
    model = NETS["lenet"]()
    with torch.no_grad():
        model[3].bias.fill_(-100)
    reading = your_net.read(model, DIGITS, batches=4)
    assert [layer.dead for layer in reading.layers] == [False, True, False]
    steps = reading.layers[1].steps[OWN]
    assert not steps["cosine"].any()
    assert not steps["law"].any()
    assert "h2" not in reading.words()["What does the theory say of it?"][-1]


def test_filters_that_are_zero():
    """Nothing goes down, and the code of the biases alone comes back whole."""
    model = NETS["lenet"]()
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.fill_(1)
    reading = your_net.read(model, DIGITS, batches=4)
    assert reading.skipped == ["Of layer 0 nothing can be said: the matrix must not be constant; every entry is 0."]
    assert reading.layers[0].of("cosine").mean == pytest.approx(1)
    assert "-0" not in " ".join(your_net.reversal_words(reading.layers[:1]))
