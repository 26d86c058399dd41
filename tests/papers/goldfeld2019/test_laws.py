"""The nets and the neuron of Goldfeld et al. beside code that shares nothing with them."""

import math

import numpy as np
import pytest
import torch

from reversible.base.checks import InputError
from reversible.base.estimates import Estimate
from reversible.papers.goldfeld2019 import neuron
from reversible.papers.goldfeld2019.experiments import exact, risk, trained
from reversible.papers.goldfeld2019.experiments.paths import passed
from reversible.papers.goldfeld2019.nets import FIRST, Nets, Trainer, inputs, random_task, streams, task
from reversible.papers.goldfeld2019.neuron import EQUAL, INPUTS, RATE, THIRDS, WANTED, descent, given

SMALL = trained.cells_of("goldfeld-clusters", ("labels",), "smoke")[0]


@pytest.mark.parametrize("shares", [EQUAL, THIRDS])
def test_a_step_of_the_neuron_is_that_of_autograd(shares):
    w, b = torch.tensor(0.4, requires_grad=True), torch.tensor(-0.2, requires_grad=True)
    x, wanted = torch.tensor(INPUTS), torch.tensor(WANTED)
    (torch.tensor(shares) * (torch.tanh(w * x + b) - wanted) ** 2).sum().backward()
    assert w.grad is not None
    assert b.grad is not None
    found = neuron._stepped(0.4, -0.2, shares, (0, 0, 0, 0))
    assert found == pytest.approx((0.4 - RATE * float(w.grad), -0.2 - RATE * float(b.grad)), abs=1e-6)


def test_the_path_is_the_same_in_one_go_and_in_parts():
    assert descent(EQUAL, [10, 50])[1] == pytest.approx(descent(EQUAL, [50])[0])
    assert given(*descent(EQUAL, [3000])[0]) == pytest.approx([-1, -0.99, -0.8, 0.87], abs=0.02)


def test_a_level_lasts_from_its_first_look_to_its_last_without_a_break():
    steps, told = (0, 1, 10, 100, 1000), (1.0, 1.0, 1.0, 0.5, 1.0)
    assert exact.decades(steps, told, 1.0, 0.01) == pytest.approx(1)
    assert exact.decades(steps, told, 2.0, 0.01) == 0


def test_labels_are_half_and_half_and_each_nets_own():
    x = inputs(10)
    first, second = (task(x, g) for g in streams(1, 2, 0))
    dealt = random_task(x, streams(1, 1, 0)[0])
    assert len(torch.unique(x, dim=0)) == 1024
    for labels in (first, second, dealt):
        assert 0.45 < labels.double().mean() <= 0.5
    assert 0.1 < (first == second).double().mean() < 0.9


@pytest.mark.parametrize("shape", ["tanh", "relu", "linear"])
def test_a_stack_gives_what_each_net_gives_alone(shape):
    nets = Nets.of(shape, 0.1, (6, 5, 4, 2), streams(3, 2, FIRST))
    x = inputs(6)
    act = {"tanh": torch.tanh, "relu": torch.relu, "linear": lambda z: z}[shape]
    noise = torch.randn(2, 64, 9, dtype=torch.float64)
    for net in range(2):
        h1 = act(x @ nets.weights[0][net] + nets.biases[0][net])
        h2 = act((h1 + 0.1 * noise[net, :, :5]) @ nets.weights[1][net] + nets.biases[1][net])
        scores = (h2 + 0.1 * noise[net, :, 5:]) @ nets.weights[2][net] + nets.biases[2][net]
        for mine, theirs in zip((h1, h2, scores), nets.layers(x, noise), strict=True):
            assert torch.allclose(mine, theirs[net])
        alone = nets.one(net).layers(x, noise[net : net + 1])
        assert torch.allclose(alone[-1][0], scores)


def test_orthonormal_weights_are_at_no_distance():
    nets = Nets.of("tanh", 0.1, (6, 5, 4, 2), streams(3, 2, FIRST))
    assert (nets.far_from_orthonormal() > 0.1).all()
    with torch.no_grad():
        for W in nets.weights[:-1]:
            W.copy_(torch.linalg.qr(W).Q)
    assert nets.far_from_orthonormal().max() < 1e-20


def test_nets_learn_and_noise_changes_the_passes_alone():
    data = trained.Data.of(SMALL)
    trainer = trained.trainer_of(SMALL, data)
    before = trainer.nets.layers(data.x)[-1].argmax(-1)
    for _ in range(30):
        trainer.epoch()
    after = trainer.nets.layers(data.x)[-1].argmax(-1)
    wrong = [float((said != data.labels).double().mean()) for said in (before, after)]
    assert wrong[1] < 0.3 < wrong[0]
    first, *_, top = passed(trainer.nets, 0, data.x[:1].repeat(50, 1), torch.Generator().manual_seed(1))
    assert np.ptp(first, axis=0).max() == 0
    assert np.ptp(top, axis=0).min() > 0.01


def test_too_few_inputs_for_a_batch_are_told():
    nets, x = Nets.of("tanh", 0.1, (3, 2, 2), streams(1, 1, FIRST)), inputs(3)
    with pytest.raises(InputError, match="inputs must be at least"):
        Trainer(nets, x, torch.zeros(1, 8, dtype=torch.long), torch.arange(8)[None], 1)


def test_falls_and_correlations_are_those_of_plain_curves():
    down = tuple(tuple((value, 2 * value) for _ in range(3)) for value in (1.0, 4.0, 3.0, 2.0, 1.0, 0.5))
    up = tuple(tuple((-a, -b) for a, b in look) for look in down)
    assert trained.fall(down).mean == pytest.approx(1 - 0.5 / 4)
    assert trained.following(down, down, from_peak=False).mean == pytest.approx(1)
    assert trained.following(down, up, from_peak=True).mean == pytest.approx(-1)
    rising_first = (3.0, 2.0, 1.5, 1.2, 1.0, 0.9)
    other = tuple(tuple((value, value) for _ in range(3)) for value in rising_first)
    assert trained.following(down, other, from_peak=True).mean == pytest.approx(1)
    assert trained.following(down, other, from_peak=False).mean < 0.9


def test_samples_that_are_needed_are_read_off_a_known_curve():
    """Errors of 3 / n, so that a tenth of a nat takes thirty samples."""
    made = [risk.Risk("high", 4, n, 10, 4, 0) for n in (15, 30, 60)]
    pairs = [(p, risk.RiskResult((3 / p.n,) * 4, (0.0,) * 4, 1.0)) for p in made]
    assert math.exp(risk.needed(pairs).mean) == pytest.approx(30)
    assert risk.slope_of(pairs).mean == pytest.approx(-1)
    assert risk.growth(
        Estimate(math.log(60), (4.0, 4.2), 4), Estimate(math.log(30), (3.3, 3.5), 4)
    ).mean == pytest.approx(2)
