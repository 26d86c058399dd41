"""Signal and noise in nets: noise is a derivative, moments are those of numpy and scipy, and what is trained."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from helpers import refusal
from reversible.base.runtime import trial_generator
from reversible.papers.labatie2019 import signals
from reversible.papers.labatie2019.depth import feed_forward, residual
from reversible.papers.labatie2019.experiments import depth as experiments
from reversible.papers.labatie2019.experiments import training
from reversible.papers.labatie2019.signals import Signals, effective_rank, kurtosis, standardised
from reversible.papers.labatie2019.trained import KINDS, DeepNet, DeepRun, Kind, errors_in_halves
from reversible.training.config import Training
from reversible.training.stack import losses


def small(seed=1, nets=2, batch=6, width=8):
    draw = [trial_generator(seed, net) for net in range(nets)]
    y = torch.randn(nets, 2 * batch, width, generator=trial_generator(seed, 99))
    return Signals(y, torch.zeros(nets, dtype=torch.float64), draw)


def layer(x, W, normalised, activation):
    """Of one net, with the statistics of the batch taken as constants."""
    y = x @ W
    if normalised:
        y = (y - y.mean(0).detach()) / (y.var(0, correction=0) + signals.EPS).sqrt().detach()
    return {"relu": torch.relu, "tanh": torch.tanh, "linear": lambda z: z}[activation](y)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("activation", signals.ACTIVATIONS)
def test_noise_is_the_derivative_along_it(normalised, activation):
    s = small()
    x, noise = s.signal.clone(), s.noise.clone()
    s.weigh(signals.ACTIVATIONS[activation])
    if normalised:
        s.normalise()
    s.activate(activation)
    for net in range(2):
        W = torch.randn(8, 8, generator=trial_generator(1, net)) * (signals.ACTIVATIONS[activation] / 8) ** 0.5

        def of(x, W=W):
            return layer(x, W, normalised, activation)

        found: Any = torch.autograd.functional.jvp(of, x[net], noise[net])
        wanted, slope = found
        assert torch.allclose(s.signal[net], wanted, atol=1e-5)
        assert torch.allclose(s.noise[net], slope, atol=1e-5)


def test_parts_add_up_and_scaling_back_changes_nothing(monkeypatch):
    looks = {}
    for apart in (2, 1000):
        monkeypatch.setattr("reversible.papers.labatie2019.depth.APART", apart)
        s = small(width=16)
        before = s.log_chi_square()
        looks[apart] = feed_forward(s, True, "relu", (1, 3, 6))
        assert looks[apart].log_chi[-1] == pytest.approx(((s.log_chi_square() - before) / 2).tolist(), rel=1e-4)
    assert np.array(looks[2].log_chi) == pytest.approx(np.array(looks[1000].log_chi), rel=1e-4)
    parts = np.array(looks[2].normalised) + np.array(looks[2].activated)
    assert parts == pytest.approx(np.array(looks[2].log_chi), abs=1e-4)


def test_a_residual_unit_adds_its_branch():
    s = small(width=16)
    again = small(width=16)
    found = residual(s, 2, (1, 2))
    for _ in range(2):
        kept = again.y.clone()
        for _ in range(2):
            again.normalise()
            again.activate("relu")
            again.weigh()
        again.y += kept
    assert torch.allclose(s.y, again.y)
    assert len(found.log_chi) == 2
    assert found.log_recursion[0] == pytest.approx(found.log_chi[0], abs=0.5)


def test_moments_are_those_of_numpy_and_scipy():
    x = torch.randn(3, 10, 7, generator=trial_generator(5, 0)).double() ** 3
    for net, given in enumerate(x.numpy()):
        values = np.linalg.svd(given - given.mean(0), compute_uv=False) ** 2
        assert float(effective_rank(x)[net]) == pytest.approx(values.sum() / values.max())
    column = x[:1, :, :1]
    assert float(kurtosis(column)) == pytest.approx(stats.kurtosis(column.numpy().ravel(), fisher=False))
    steep = signals.square_of_mean_modulus(x).numpy()
    assert steep == pytest.approx((np.abs(x.numpy()).mean(1) ** 2).mean(1))


def test_pixels_are_standardised_and_constant_ones_are_zero():
    x = standardised("digits").double()
    spread = x.var(0, correction=0)
    assert x.mean(0).abs().max() < 1e-4
    assert set(spread.round(decimals=3).tolist()) == {0.0, 1.0}


def test_bad_input_gets_one_line():
    assert refusal(lambda: Signals.of("digits", 5000, 8, 1, 0)).startswith(
        "batch must be an integer from 2 to 1437, the images there are, not 5000"
    )
    assert refusal(lambda: effective_rank(torch.ones(1, 4, 3))).startswith("a signal must differ")
    assert refusal(lambda: experiments.Depth(True, "step", "digits", 8, 4, (1,), 2, 0)).startswith("activation must be")


# --- nets in training -------------------------------------------------------------------------------------------------


def test_a_normalised_net_in_training_is_that_of_signals():
    s = small(nets=1)
    x = s.signal.clone()
    weights = [torch.eye(8)[None]]
    for _ in range(3):
        weights.append(torch.randn(1, 8, 8, generator=s.draw[0]) * 0.5)  # (1, out, in)
    weights.append(torch.eye(8)[None])
    y = x[0]
    for W in weights[1:-1]:
        y = layer(y, W[0].T, True, "relu")
    given = DeepNet(KINDS["normalised"], weights, torch.zeros(1, 8)).logits(x)
    assert torch.allclose(given[0], y, atol=1e-5)
    units = DeepNet(Kind(True, "relu", 3), weights, torch.zeros(1, 8)).logits(x)
    branch = x[0]
    for W in weights[1:-1]:
        branch = layer(branch, torch.eye(8), True, "relu") @ W[0].T
    assert torch.allclose(units[0], layer(x[0] + branch, torch.eye(8), True, "relu"), atol=1e-5)


def asked(**changed):
    given = {"data": "digits", "inputs": "standard", "hidden": (16, 16), "images": 400, "steps": 150, "lr": 0.1}
    return Training(**given | {"batch": 40, "seeds": (1, 2)} | changed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_is_that_of_torchs_own_optimizer(kind):
    run = DeepRun(asked(steps=3), KINDS[kind], (errors_in_halves,))
    mine = [value.detach().clone().requires_grad_() for value in run.stack.values]
    optimizer = torch.optim.SGD(mine, lr=0.1, momentum=0.9, foreach=False)
    for step in (1, 2, 3):
        run.advance(step)
        x, labels = run.stack.batch()
        optimizer.zero_grad()
        losses(DeepNet(KINDS[kind], mine[:-1], mine[-1]).logits(x), labels).sum().backward()
        optimizer.step()
    for trained, wanted in zip(run.stack.values, mine, strict=True):
        assert torch.allclose(trained, wanted, atol=1e-4)


def test_nets_learn_and_a_net_that_is_no_number_guesses():
    p = asked()
    run = DeepRun(p, KINDS["normalised"], (errors_in_halves,))
    before = errors_in_halves(run.stack)()
    (row,) = run.follow()
    assert max(row["first"]) < 0.5 < min(before["first"])
    with torch.no_grad():
        run.stack.values[-1][0] = float("nan")
    after = errors_in_halves(run.stack)()
    assert after["first"][0] == pytest.approx(0.9)
    assert after["first"][1] == row["first"][1]


def test_the_best_rate_is_chosen_on_the_other_half():
    first, second = np.array([[0.1, 0.5], [0.2, 0.6]]), np.array([[0.4, 0.0], [0.6, 0.0]])
    assert training.best(first, second) == pytest.approx(0.5)
    chi = [np.array([k, k + 0.1]) for k in range(3)]
    halves = [np.full((2, 1), error) for error in (0.1, 0.3, 0.2)]
    columns = [part for c, half in zip(chi, halves, strict=True) for part in (c, half, half)]
    assert training.ranked(*columns) == pytest.approx(0.5)
