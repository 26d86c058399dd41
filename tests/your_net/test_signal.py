"""How far a signal gets in a reader's own net: what is measured beside the law, and what is said and refused."""

import math
import re

import numpy as np
import pytest
import torch
from torch import nn

from helpers import refusal
from reversible import your_net
from reversible.theory.activations import activation
from reversible.theory.edges import edge
from reversible.theory.mean_field import Field
from reversible.your_net import signal as module

pytestmark = pytest.mark.usefixtures("seeded")


def begun(act, depth, width, s_w, s_b):
    """A net with Gaussian weights and biases of these deviations."""
    layers = [nn.Linear(width, width) for _ in range(depth)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=s_w / math.sqrt(width))
        nn.init.normal_(layer.bias, std=s_b)
    return nn.Sequential(*[step for layer in layers for step in (layer, act)], nn.Linear(width, 3))


@pytest.mark.parametrize(
    ("act", "name"), [(nn.Tanh(), "tanh"), (nn.SiLU(), "swish"), (nn.ReLU(), "relu"), (nn.GELU(), "gelu")]
)
def test_a_wide_net_is_on_the_law(act, name):
    model = begun(act, 5, 1200, 1.3, 0.2)
    found = your_net.follow_signal(model, torch.randn(40, 1200) + 0.5)
    assert found.activation.name == activation(name).name
    assert found.s_w == pytest.approx(np.full(5, 1.3), rel=0.02)
    assert found.variance == pytest.approx(found.law_variance, rel=0.2)
    assert found.correlation == pytest.approx(found.law_correlation, abs=0.06)
    assert np.log(found.growth) == pytest.approx(np.log(found.law_growth), abs=0.3)


def test_nothing_of_the_model_is_changed_and_the_same_is_said_again():
    model = begun(nn.Tanh(), 3, 30, 1.0, 0.1)
    before = [p.detach().clone() for p in model.parameters()]
    x = np.random.default_rng(1).standard_normal((10, 30))
    one, other = (your_net.signal_words(your_net.follow_signal(model, x)) for _ in range(2))
    assert one == other
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_it_forgets_after_as_many_layers_as_the_map_takes():
    words = your_net.signal_words(your_net.follow_signal(begun(nn.Tanh(), 10, 200, 1.0, 0.3), torch.randn(30, 200)))
    said = int(re.findall(r"after about (\d+) layer", words)[0])
    field, q, far = Field(activation("tanh"), 1.0, 0.3), 1.09, 1 - 0.09 / 1.09
    near, layer, start = 0.1 * far, 0, 0.9 * far
    while far - near >= 0.01 * start:
        far, near, q, layer = field.next_gap(far, q), field.next_gap(near, q), field.variance(q), layer + 1
    assert abs(said - layer) <= 1
    on = edge(activation("tanh"), 0.3)
    assert f"{on.s_w:.2g}" in words
    assert "it would be" in words


def test_on_the_edge_it_is_said_to_remember_and_what_has_no_edge_is_told():
    on = your_net.edge_for("tanh", 0.05)
    assert (on.s_w, on.attracts) == (pytest.approx(1.1225, abs=1e-3), True)
    assert your_net.edge_for("relu").s_w == pytest.approx(math.sqrt(2))
    assert your_net.edge_for(begun(nn.SiLU(), 2, 5, 1, 0)).attracts is False
    assert module.forgets_after(Field(activation("tanh"), on.s_w, 0.05), on.q, 0.5) is None
    words = your_net.signal_words(your_net.follow_signal(begun(nn.Softplus(), 3, 40, 1.0, 0.1), torch.randn(9, 40)))
    assert "softplus has no edge of chaos" in words
    words = your_net.signal_words(your_net.follow_signal(begun(nn.SiLU(), 3, 40, 1.0, 0.1), torch.randn(9, 40)))
    assert "inputs have to be scaled, too" in words


@pytest.mark.parametrize(
    ("model", "samples", "words"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.Mish(), nn.Linear(4, 4)), np.eye(4), "not Mish"),
        (nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)), np.eye(4), "one kind"),
        (nn.Sequential(nn.Linear(4, 4)), np.eye(4), "two or more"),
        (nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)), np.eye(3), "rows of 4 finite numbers"),
        (nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)), np.ones((3, 4)), "differ"),
        (nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)), np.full((3, 4), math.nan), "finite"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(model, samples, words):
    assert words in refusal(lambda: your_net.follow_signal(model, samples))
