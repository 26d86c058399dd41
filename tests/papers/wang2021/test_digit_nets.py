"""Nets of residual units: what they compute, that the special one is tied, and digits that come back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from reversible import data
from reversible.papers.wang2021.experiments import digit_nets as experiment
from reversible.papers.wang2021.experiments.digit_nets import DigitNets, chosen, digit_nets, relative, sent_back
from reversible.papers.wang2021.unit_nets import UNITS, UnitRun, training_of
from reversible.runs.experiment import Absent

CELL = DigitNets("digits", h=12, steps=80, lr=0.02, batch=50, per_class=3, iterations=200, seed=1)


def run_of(special, steps=5, seed=1):
    return UnitRun(training_of("digits", 12, 64, steps, 0.02, 50, seed), special)


@pytest.mark.parametrize("special", [True, False])
def test_a_net_is_what_its_weights_say(special):
    run = run_of(special)
    run.advance(5)
    x = torch.rand(1, 4, 64, generator=torch.Generator().manual_seed(0))
    by_hand = x[0].double().numpy()
    for unit in run.net.units(0):
        by_hand = by_hand + np.maximum(by_hand @ unit.W1.T + unit.b, 0) @ unit.W2.T
    np.testing.assert_allclose(run.net.through(x)[0].detach(), by_hand, atol=1e-4)
    reader, bias = (parts[-1][0].detach().double().numpy() for parts in (run.net.weights, run.net.biases))
    np.testing.assert_allclose(run.net.logits(x)[0].detach(), by_hand @ reader.T + bias, atol=1e-3)


def test_the_special_net_stays_tied_and_the_other_does_not():
    special, ordinary = run_of(True), run_of(False)
    for first, second in zip(special.net.units(0), ordinary.net.units(0), strict=True):
        np.testing.assert_array_equal(first.W1, second.W1)  # they begin with the same W1
    for run in (special, ordinary):
        run.advance(5)
    for unit in special.net.units(0):
        np.testing.assert_array_equal(unit.W2, unit.W1.T)
        assert np.linalg.eigvalsh(np.eye(12) + unit.A)[0] >= 1 - 1e-6
    for unit in ordinary.net.units(0):
        assert np.abs(unit.W2 - unit.W1.T).max() > 0.05
    assert len(special.stack.values) == 2 * (UNITS + 1)
    assert len(ordinary.stack.values) == 2 * (UNITS + 1) + UNITS


def test_every_weight_is_trained():
    for special in (True, False):
        run = run_of(special)
        before = [value.detach().clone() for value in run.stack.values]
        run.advance(2)
        assert all(not torch.equal(a, b) for a, b in zip(before, run.stack.values, strict=True))


def test_training_is_the_same_again():
    assert run_of(True).error() == run_of(True).error()
    assert run_of(True, steps=60).error() < 0.6


def test_digits_come_back_from_the_special_net():
    found = digit_nets(CELL)
    assert not isinstance(found, Absent)
    special, ordinary = found.special, found.ordinary
    assert special.proved == ("unique",) * UNITS
    assert special.back["newton"] == special.back_by_any == 1
    assert special.worst["newton"] < 1e-5
    assert special.float64_error < 1e-12
    assert min(special.lipschitz) > 1
    assert special.errors["plain"] > 0.5
    assert special.lipschitz == pytest.approx(special.norms, rel=1e-5)
    assert "not unique" in ordinary.proved
    assert 0 < special.active < 1


def test_a_fault_on_the_way_back_is_seen(monkeypatch):
    monkeypatch.setattr(
        experiment, "sent_back", lambda units, y, method, steps: sent_back(units[::-1], y, method, steps)
    )
    found = digit_nets(replace(CELL, steps=5))
    assert not isinstance(found, Absent)
    assert found.special.back["newton"] == 0


def test_what_does_not_arrive_is_lost():
    x = np.array([[3.0, 4.0], [3.0, 4.0], [3.0, 4.0]])
    found = np.array([[3.0, 4.5], [np.nan, np.nan], [300.0, 4.0]])
    np.testing.assert_allclose(relative(found, x), [0.1, 1, 1])


def test_images_of_each_class():
    images = chosen(data.load("digits", train=False), 3)
    assert images.labels.tolist() == [label for label in range(10) for _ in range(3)]


def test_a_set_that_is_not_at_hand_is_absent(monkeypatch):
    def missing(name, train):
        raise data.NotAtHand("mnist is not in the folder")

    monkeypatch.setattr(data, "load", missing)
    assert digit_nets(CELL) == Absent("mnist is not in the folder")
    assert experiment.digit_measures([(CELL, Absent("x"))]) == {}
