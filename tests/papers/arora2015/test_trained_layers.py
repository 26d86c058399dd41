"""Layers that read back their own codes, random and trained: cells, what they find by hand, measures, refusals."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers import refusal
from reversible import data
from reversible.papers.arora2015.experiments import own_codes, trained_layers
from reversible.papers.arora2015.experiments.own_codes import OwnCodes
from reversible.papers.arora2015.experiments.trained_here import SCHEDULES
from reversible.papers.arora2015.experiments.trained_layers import (
    Decay,
    TrainedLayer,
    TrainedLayers,
    TrainedLayersResult,
    look_at,
    lost,
)
from reversible.runs.experiment import Absent
from reversible.theory.own_codes import Known
from reversible.training.run import Run

BRIEF = replace(SCHEDULES["digits"], steps=60, seeds=(1, 2))
CELL = TrainedLayers(training=BRIEF, images=40)


def ran(cell):
    result = trained_layers.trained_layers(cell)
    assert isinstance(result, TrainedLayersResult)
    return result


# --- random layers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entries", own_codes.ENTRIES)
def test_noise_has_the_variance_that_the_law_takes_for_granted(entries):
    p = OwnCodes(m=300, n=500, entries=entries, uneven=True, draws=2, seed=0)
    A = own_codes.layer(p, np.random.default_rng(0))
    assert np.square(A).mean() == pytest.approx(1, rel=0.1)
    assert abs(A.mean()) < 0.02


def test_planted_spikes_stand_out():
    p = OwnCodes(m=200, n=300, spikes=4, draws=2, seed=0)
    values = np.linalg.svd(own_codes.layer(p, np.random.default_rng(0)), compute_uv=False)
    edge = 200**0.5 + 300**0.5
    assert (values > 1.2 * edge).sum() == 4


def test_the_law_holds_where_it_should_and_the_same_cell_gives_the_same():
    p = OwnCodes(m=150, n=300, draws=12, seed=3)
    r = own_codes.own_codes(p)
    assert r == own_codes.own_codes(p)
    for ratio in (r.over_law, r.given_over_law):
        assert abs(ratio.mean - 1) < 0.03 + ratio.half_width < 0.2
    assert r.given.ci95[0] > r.error.ci95[1]  # own codes lose less
    assert "entries must be one of" in refusal(lambda: replace(p, entries="cauchy"))


# --- trained layers ---------------------------------------------------------------------------------------------------


def test_decay_takes_its_share_of_every_weight_at_every_step_and_lets_biases_alone():
    still = replace(BRIEF, lr=1e-12, steps=10, seeds=(1,))
    before, after = (Run(still, step=Decay(share)) for share in (0.0, 0.1))
    for run in (before, after):
        run.advance(10)
    for whole, less in zip(before.stack.values, after.stack.values, strict=True):
        left = 0.9**10 if whole.dim() == 3 else 1.0
        assert torch.allclose(less, left * whole, rtol=1e-4, atol=1e-9)


def test_rows_are_by_seed_then_layer_and_repeat():
    r = ran(CELL)
    assert [(row.seed, row.layer) for row in r.rows] == [(s, layer) for s in (1, 2) for layer in (1, 2)]
    assert r == ran(CELL)
    assert r != ran(replace(CELL, decay=1.0))


def test_what_is_lost_by_hand():
    rng = np.random.default_rng(0)
    A, x, b = rng.standard_normal((6, 9)), rng.random((4, 9)), rng.standard_normal(6) / 5
    h = np.maximum(x @ A.T + b, 0)
    down = np.maximum(2 * 6 / (A**2).sum() * h @ A, 0)
    back = np.maximum(down @ A.T + b, 0)
    unit, seen = (v / np.linalg.norm(h, axis=1, keepdims=True) for v in (h, back))
    scales = np.linspace(0, 3, 30_001)
    errors = [np.square(unit - c * seen).sum(1).mean() for c in scales]
    assert lost(x, A, b) == pytest.approx(min(errors), abs=1e-6)


def test_a_layer_of_noise_is_told_by_the_law_for_noise_and_one_of_a_spike_by_the_spike():
    rng = np.random.default_rng(1)
    x = rng.random((60, 400)) * (rng.random((60, 400)) < 0.3)
    noise = rng.standard_normal((200, 400)) / 20
    seen = look_at(x, noise, np.zeros(200), np.random.default_rng(2))
    assert seen["spikes_found"] <= 1
    assert seen["own"] == pytest.approx(seen["measured"], rel=0.25)
    assert seen["theorem"] > 1.3 * seen["measured"]
    spike = np.abs(rng.standard_normal((200, 1))) @ np.abs(rng.standard_normal((1, 400))) / 20
    seen = look_at(x, spike + noise / 50, np.zeros(200), np.random.default_rng(2))
    assert seen["spikes"] == pytest.approx(0, abs=1e-3)
    assert seen["measured"] < 0.01 < seen["theorem"]


def row(seed, layer, **values):
    fields = dict.fromkeys(TrainedLayer.__dataclass_fields__, 1.0) | values
    return TrainedLayer(**{**fields, "seed": seed, "layer": layer})


def test_measures_are_over_seeds_and_a_law_that_is_right_explains_all():
    rng = np.random.default_rng(0)
    training = replace(BRIEF, seeds=(1, 2, 3))
    pairs = []
    for decay in (0.0, 0.1):
        rows = []
        for seed in training.seeds:
            for layer in (1, 2):
                error = float(rng.uniform(0.1, 0.4))
                rows.append(row(seed, layer, measured=error, law=error, theorem=2 * error, own=error / 2, given=0.2))
        pairs.append((TrainedLayers(training=training, decay=decay), TrainedLayersResult(tuple(rows))))
    found = trained_layers.measures(pairs)
    assert found["layers"].mean == 12
    assert found["law_over_measured"].mean == pytest.approx(1)
    assert found["explained_by_law"].mean == pytest.approx(1)
    assert found["theorem_over_measured"].mean == pytest.approx(2)
    assert found["theorem_off"].mean == pytest.approx(np.log(2))
    assert found["theorem_over_measured"].n == 3
    assert found["law_furthest"].mean == pytest.approx(0)
    given = [abs(np.log(0.2 / r.measured)) for _, result in pairs for r in result.rows]
    assert found["law_closer_than_rivals"].mean == pytest.approx(min(np.mean(given), np.log(2)))


def test_missing_images_are_said(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))

    def offline(name):
        raise data.NotAtHand("no network")

    monkeypatch.setattr(data, "_download", offline)
    cell = trained_layers.cells("full")[0]
    assert trained_layers.trained_layers(cell) == Absent("no network")
    assert trained_layers.measures([(cell, Absent("no network"))]) == {}


@pytest.mark.parametrize("decay", [-0.1, 100.0, float("nan")])
def test_a_decay_that_leaves_nothing_is_refused(decay):
    says = refusal(lambda: replace(CELL, decay=decay))
    assert says.startswith("decay must be")


def test_the_four_laws_are_told_more_and_more():
    assert set(trained_layers.LAWS) < set(TrainedLayer.__dataclass_fields__)
    assert Known.noise(3, 4).low_rank.shape == (3, 4)
    assert not Known.noise(3, 4).low_rank.any()
