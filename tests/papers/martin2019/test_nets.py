"""Nets of this paper and what is measured on them: first weights, what is frozen, schemes of the sweep, tails."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from reversible.papers.martin2019 import laws, nets
from reversible.papers.martin2019.experiments import batch, layers, lenet5, mlp3, random, tails
from reversible.papers.martin2019.experiments.batch import Batch
from reversible.papers.martin2019.experiments.tails import Pareto
from reversible.papers.martin2019.nets import LeNetRun
from reversible.runs.experiment import Absent
from reversible.training.config import Training

SMALL = LeNetRun("digits", 256, 2, 32, 64, False, 5)


def test_first_weights_are_glorots_whichever_way_round():
    W = nets.glorot_uniform(300, 100, torch.Generator().manual_seed(0))
    assert float(W.std()) == pytest.approx((2 / 400) ** 0.5, rel=0.01)
    assert float(W.abs().max()) == pytest.approx((6 / 400) ** 0.5, rel=0.01)
    p = Training(data="digits", hidden=(40, 30), steps=1, lr=0.1, batch=8, seeds=(1, 2))
    stack = nets.GlorotRun(p, ()).stack
    for W, (out, width) in zip((W.detach() for W in stack.net.weights), ((40, 64), (30, 40), (10, 30)), strict=True):
        assert W.shape == (2, out, width)
        assert float(W.std()) == pytest.approx((2 / (out + width)) ** 0.5, rel=0.1)
        assert not torch.equal(W[0], W[1])


def test_lenet5_has_the_sizes_of_the_paper_and_glorots_weights():
    net = nets.LeNet5(28, 500, 10, torch.Generator().manual_seed(0)).requires_grad_(False)
    shapes = [tuple(value.shape) for name, value in net.named_parameters() if name.endswith("weight")]
    assert shapes == [(20, 1, 5, 5), (50, 20, 5, 5), (500, 2450), (10, 500)]
    assert float(net.fc1.weight.std()) == pytest.approx((2 / 2950) ** 0.5, rel=0.01)
    assert float(net.conv2.weight.std()) == pytest.approx((2 / (25 * 70)) ** 0.5, rel=0.02)
    assert net(torch.rand(2, 1, 28, 28)).shape == (2, 10)


def test_adadelta_is_that_of_torch():
    generator = torch.Generator().manual_seed(0)
    start, target = torch.randn(5, 3, generator=generator), torch.randn(5, 3, generator=generator)
    mine, theirs = (start.clone().requires_grad_() for _ in range(2))
    optimiser = torch.optim.Adadelta([theirs], lr=nets.RATE, rho=nets.RHO, eps=nets.EPS)
    descend = nets.Adadelta([mine])
    for _ in range(300):
        descend(((mine - target) ** 4).sum())
        optimiser.zero_grad()
        ((theirs - target) ** 4).sum().backward()
        optimiser.step()
    assert torch.allclose(mine, theirs, atol=1e-6)
    assert (mine - start).abs().min() > 1e-3


def test_a_frozen_layer_stays_and_the_others_learn():
    free, frozen = ([*nets.follow(replace(SMALL, frozen=kind))] for kind in (False, True))
    assert [epoch for epoch, _, _ in free] == [0, 1, 2]
    assert torch.equal(free[0][1], frozen[0][1])
    assert torch.equal(frozen[-1][1], frozen[0][1])
    assert not torch.equal(free[-1][1], free[0][1])
    assert frozen[-1][2] > frozen[0][2] + 0.1
    again = [*nets.follow(SMALL)]
    assert torch.equal(again[-1][1], free[-1][1])
    assert again[-1][2] == free[-1][2]


def test_what_is_measured_on_a_layer_is_that_of_its_weights():
    (_, first, _), *_, (_, last, _) = nets.follow(SMALL)
    r: Any = lenet5.lenet5(SMALL)
    first, last = first.double().numpy(), last.double().numpy()
    assert r.moved == pytest.approx(np.linalg.norm(last - first) / np.linalg.norm(first))
    values = np.linalg.svd(last, compute_uv=False)
    assert r.stable_rank[-1] == pytest.approx((values**2).sum() / values[0] ** 2)
    assert r.sigma[0] == pytest.approx(laws.glorot(200, 64) * 200**0.5, rel=0.03)
    assert r.first_sigma == pytest.approx(laws.glorot(200, 64) * 200**0.5)
    still: Any = lenet5.lenet5(replace(SMALL, frozen=True))
    assert (still.moved, still.spikes[-1]) == (0, 0)
    assert still.bulk_cosine == pytest.approx(1)
    measures = lenet5.measures([(SMALL, r), (SMALL, r), (replace(SMALL, frozen=True), still)] * 2)
    assert measures["cost_of_freezing"].mean == pytest.approx(r.accuracy[-1] - still.accuracy[-1])


# --- the sweep --------------------------------------------------------------------------------------------------------


def cell(scheme, size):
    return Batch(scheme, size, "mnist", 10000, (256, 128), 5, 1562, 10, 1)


def test_schemes_change_what_they_say():
    def asked(scheme, size):
        t = cell(scheme, size).training
        return t.batch, t.steps, t.lr

    assert asked("equal", 8) == (8, 6250, 0.005)
    assert asked("equal", 512) == (512, 95, 0.005)
    for size in batch.SIZES:
        assert asked("updates", size) == (size, 1562, 0.005)
        b, steps, lr = asked("rate", size)
        assert b * steps == pytest.approx(50000, rel=0.03)
        assert lr * steps == pytest.approx(0.005 * 6250, rel=0.03)
        b, steps, lr = asked("alone", size)
        assert (b, steps) == (128, 390)
        assert lr * steps == pytest.approx(0.005 * 5 * 10000 / size, rel=0.01)
    assert len(set(cell("equal", 8).training.seeds)) == 10


def made(scheme, size, soft) -> Any:
    n = len(soft)
    return cell(scheme, size), batch.BatchResult(
        soft_rank=(tuple(soft), (1.0,) * n), stable_rank=((1.0,) * n,) * 2, spikes=((0,) * n,) * 2,
        phase=(("random-like" if min(soft) > 0.9 else "bulk+spikes",) * n, ("random-like",) * n),
        test_error=(0.1 if size == 512 else 0.04,) * n,
    )  # fmt: skip


def test_what_is_left_of_the_difference_is_counted_net_by_net():
    pairs = [made("equal", 8, [0.4, 0.5]), made("equal", 64, [0.7, 0.8]), made("equal", 512, [1.0, 1.1])]
    pairs += [made("rate", 8, [0.5, 0.5]), made("rate", 512, [0.8, 0.8])]
    pairs += [made("updates", 8, [0.6, 0.7]), made("updates", 512, [0.62, 0.6])]
    pairs += [made("alone", 8, [0.4, 0.4]), made("alone", 512, [1.0, 1.0])]
    m = batch.measures(pairs)
    assert m["spread_equal"].mean == pytest.approx(0.6)
    assert m["spearman_equal"].mean == 1
    assert (m["kept_rate"].mean, m["kept_updates"].mean, m["kept_alone"].mean) == pytest.approx((0.5, -0.04 / 0.6, 1.0))
    assert m["error_spread_equal"].mean == pytest.approx(0.06)
    assert m["phases_met"].mean == 2
    assert m["spearman_way"].mean < -0.3
    turned = [(p, replace(r, soft_rank=tuple(tuple(1 - s for s in layer) for layer in r.soft_rank))) for p, r in pairs]
    assert batch.measures(turned)["spearman_equal"].mean == -1


def test_nets_without_data_are_absent_and_measure_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    monkeypatch.setattr("reversible.data._download", refused)
    tried: list[Any] = [
        (batch.batch, cell("equal", 8), batch.measures),
        (lenet5.lenet5, replace(SMALL, data="mnist"), lenet5.measures),
        (mlp3.mlp3, mlp3.cells("full")[0], mlp3.measures),
    ]
    for run, p, measures in tried:
        found = run(p)
        assert found.absent == "no download here"
        assert measures([(p, found)]) == {}
    assert layers.layers(layers.Layers("lenet5_dense", "", 1)) == Absent("weights not at hand")


def refused(name):
    from reversible.data import NotAtHand

    raise NotAtHand("no download here")


# --- tails ------------------------------------------------------------------------------------------------------------


def test_a_mean_makes_the_largest_eigenvalue_and_small_exponents():
    p = Pareto(5.0, 500, 150, 3, 2)
    r = tails.pareto(p)
    assert r.top_over_mean == pytest.approx([1.0] * 3, abs=0.05)
    assert max(r.alpha["one_sided"]) < 4.5 < min(r.alpha["signs"])
    heavy = tails.pareto(replace(p, mu=0.8))
    assert max(r.alpha["one_sided"]) > 2 > max(heavy.alpha["signs"])
    assert np.mean(heavy.alpha["signs"]) == pytest.approx(1.4, abs=0.2)
    assert min(heavy.top_over_mean) > 2  # there the mean does not make it
    m = tails.pareto_measures([(p, r)])
    assert m["centring_5"].mean == pytest.approx(np.mean(r.alpha["centred"]) - np.mean(r.alpha["one_sided"]))


def test_samples_are_of_their_laws():
    rng = np.random.default_rng(0)
    power, lognormal = (tails.sample(law, 20000, rng) for law in tails.LAWS)
    assert 1 + 1 / np.log(power).mean() == pytest.approx(tails.EXPONENT, rel=0.02)
    assert power.min() >= 1
    assert np.log(lognormal).std() == pytest.approx(1, rel=0.02)


def test_entries_have_the_variance_of_first_weights_or_what_is_cut_off_less():
    rng = np.random.default_rng(0)
    for entries, less in (("normal", 1), ("uniform", 1), ("truncated", laws.TRUNCATED)):
        W = random.drawn(random.Initial(entries, 400, 200, 1, 0), rng)
        assert W.std() == pytest.approx(less * (2 / 600) ** 0.5, rel=0.01)
    wild = random.initial(random.Initial("student", 400, 200, 4, 0))
    assert min(wild.spikes) > 0
    assert max(wild.soft_rank) < 0.97


def test_a_fitted_layer_has_its_own_exponent_and_that_of_its_entries_in_random_order():
    rng = np.random.default_rng(4)
    u, v = rng.standard_normal((120, 40)), rng.standard_normal((40, 80))
    W = rng.standard_normal((120, 80)) + (u * np.geomspace(4, 0.4, 40)) @ v / 4
    row = layers.fitted("fc1", W, rng)
    assert row.kind == "dense"
    assert row.alpha < row.permuted_alpha
    assert layers.fitted("conv1", W.reshape(120, 20, 2, 2), rng).shape == (120, 80)
    assert row.alpha_bounded < row.alpha
