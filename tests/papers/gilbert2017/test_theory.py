"""The experiments on random filters: against plain loops, with planted faults, and with bad input."""

import itertools
import math

import numpy as np
import pytest
import torch

from helpers import refusal
from reversible.base.runtime import trial_generator
from reversible.nets import convolution
from reversible.papers import EXPERIMENTS
from reversible.papers.gilbert2017.experiments import exact, hidden_codes, one_step, random_filters, recovery
from reversible.records import make
from reversible.records.compare import LIVE_LIMIT
from reversible.theory import model_rip  # fmt: skip
from reversible.theory import one_step as step_laws


def test_pairs_of_filters_give_all_back_and_without_them_half_is_lost():
    found = exact.orthonormal_pairs(exact.OrthonormalPairs(n=60, draws=3, seed=1))
    assert found.worst_error < 1e-13
    assert found.mean_error_without_pairs == pytest.approx(math.sqrt(0.5), abs=0.1)


LAYER = exact.IhtStep(filters=12, channels=3, size=(14,), taps=(3,), k=4, draws=2, seed=1)


def test_layer_and_step_agree_and_the_controls_do_not():
    found = exact.iht_step(LAYER)
    assert max(found.difference, found.image_difference) < 1e-13
    assert min(found.relu_difference, found.pairs_difference, found.start_difference) > 0.1


def test_pooling_without_the_modulus_is_seen(monkeypatch):
    def pool(h, window=None):
        size = convolution._window(h, window)
        return torch.nn.functional.max_pool1d(h, size, return_indices=True)

    monkeypatch.setattr(convolution, "pool", pool)
    assert exact.iht_step(LAYER).difference > 0.1


def test_lengths_are_those_of_matrices_drawn_in_numpy():
    p = random_filters.CodeLength(rows="gaussian", channels=4, size=(9,), taps=(3,), k=3, draws=2000, seed=5)
    found, rng = random_filters.code_length(p), np.random.default_rng(p.seed)
    z, places = rng.uniform(-1, 1, 3), rng.integers(0, 7, 3)
    own = np.random.default_rng(0).standard_normal((20_000, 3, 4, 3)) / math.sqrt(12)
    x = np.zeros((20_000, 4, 9))
    for i, place in enumerate(places):
        x[:, :, place : place + 3] += z[i] * own[:, i]
    ratio = (x**2).sum((1, 2)) / (z @ z)
    assert found.predicted_sd == pytest.approx(ratio.std(), rel=0.03)
    assert found.sd_over_law * found.predicted_sd == pytest.approx(ratio.std(), rel=0.07)


def wrong(law, by):
    return lambda *words, **named: by * law(*words, **named)


def test_a_wrong_law_of_lengths_is_seen(monkeypatch):
    monkeypatch.setattr(model_rip, "length_variance", wrong(model_rip.length_variance, 1.3))
    measures = make.run(EXPERIMENTS["code-length"], "smoke").measures
    assert measures["rms_z"].mean > LIVE_LIMIT
    assert measures["largest_gap_of_sd"].mean > 0.1


def test_a_wrong_law_of_one_step_is_seen(monkeypatch):
    monkeypatch.setattr(step_laws, "mean_cosine", wrong(step_laws.mean_cosine, 1.1))
    measures = make.run(EXPERIMENTS["one-step-law"], "smoke").measures
    assert measures["dense_rms_z"].mean > LIVE_LIMIT


def test_a_wrong_recursion_is_seen(monkeypatch, smoke_records):
    rightly = smoke_records["switch-depth"].measures["worst_gap"].mean
    monkeypatch.setattr(step_laws, "unknown_gain", lambda size: 1.0)
    wrongly = make.run(EXPERIMENTS["switch-depth"], "smoke").measures["worst_gap"].mean
    assert wrongly > 0.3 > 3 * rightly


def test_exact_constants_of_two_filters_are_those_of_all_pairs():
    p = random_filters.ModelRip(question="length", filters=4, channels=3, length=7, taps=3, k=2, draws=1, seed=3)
    filters = random_filters._filters(p, trial_generator(p.seed, 0)).numpy()
    worst = 0.0
    for (a, i), (b, j) in itertools.product(itertools.product(range(4), range(5)), repeat=2):
        if a < b:
            rows = np.zeros((2, 3, 7))
            rows[0, :, i : i + 3], rows[1, :, j : j + 3] = filters[a], filters[b]
            values = np.linalg.svd(rows.reshape(2, -1), compute_uv=False) ** 2
            worst = max(worst, values[0] - 1, 1 - values[1])
    assert random_filters.model_rip(p).values == (pytest.approx(worst),)


BOUND = recovery.RecoveryBound(rows="gaussian", filters=3, channels=6, length=6, taps=3, k=2, codes=40, seed=2)


def nearest(b, k):
    """The block-sparse vector nearest to b (K, n), by trying all supports."""
    tried = []
    for blocks in itertools.combinations(range(len(b)), k):
        for places in itertools.product(range(b.shape[1]), repeat=k):
            z = np.zeros_like(b)
            z[list(blocks), list(places)] = b[list(blocks), list(places)]
            tried.append(z)
    return min(tried, key=lambda z: ((z - b) ** 2).sum())


def test_errors_of_one_step_are_those_of_matrices_and_all_supports():
    found, generator = recovery.recovery_bound(BOUND), trial_generator(BOUND.seed, 0)
    W = recovery._layer(BOUND, generator).matrix((6,)).numpy()
    worst = 0.0
    for code in recovery._codes(BOUND, generator, W @ W.T).numpy():
        assert (np.count_nonzero(code, axis=1) <= 1).all()
        x = code.ravel() @ W
        back = nearest((W @ x).reshape(3, 4), 2).ravel() @ W
        worst = max(worst, np.linalg.norm(back - x) / np.linalg.norm(x))
    assert found.worst_known == pytest.approx(worst)
    assert found.sharper_bound is None or found.worst_known <= found.sharper_bound
    blocks = np.repeat(np.arange(3), 4)
    for constant, size, each in ((found.d_k, 2, 1), (found.d_2k, 4, 2)):
        rows = [r for r in itertools.combinations(range(12), size) if max(np.bincount(blocks[list(r)])) <= each]
        values = [np.linalg.svd(W[list(r)], compute_uv=False) ** 2 for r in rows]
        assert constant == pytest.approx(max(max(v[0] - 1, 1 - v[-1]) for v in values))


def test_a_bound_that_is_too_small_is_seen(monkeypatch):
    monkeypatch.setattr(model_rip, "papers_bound", wrong(model_rip.papers_bound, 0.01))
    assert make.run(EXPERIMENTS["recovery-bound"], "smoke").measures["worst_over_papers_bound"].mean > 1


def test_readings_of_the_figure_are_told_apart():
    p = hidden_codes.HiddenCodes(rows="gaussian", filters=32, channels=16, length=20, k=4, codes=60, seed=1)
    found = hidden_codes.hidden_codes(p)
    medians = {name: quantiles[1] for name, quantiles in found.quantiles.items()}
    assert medians["fifth"] < medians["second"] < medians["known"] < medians["relu"] < medians["fixed"]
    assert medians["support"] < medians["known"] < medians["dense"]
    assert found.d_k < found.d_2k
    assert found.response > 1.5
    assert found.response_on_support == pytest.approx(1, abs=0.1)


def test_codes_of_the_figure_have_different_filters():
    p = hidden_codes.HiddenCodes(rows="unit", filters=9, channels=2, length=8, k=5, codes=30, seed=1)
    z, chosen, places = hidden_codes._codes(p, trial_generator(1, 0))
    assert (z != 0).sum((1, 2)).tolist() == [5] * 30
    assert ((z != 0).sum(2) <= 1).all()
    for code, filters, at in zip(z, chosen, places, strict=True):
        assert (code[filters, at] != 0).all()


def test_energy_that_layers_keep_is_the_laws():
    for kept, share in (("all", 1.0), ("relu", 0.5), ("pooled", 0.386)):
        p = one_step.OneStep(
            kind="dense", input="white", kept=kept, channels=6, units=2.0, side=8, draws=6, seed=4
        )  # fmt: skip
        found = one_step.one_step(p)
        assert found.kept_law == pytest.approx(2 * share, abs=2e-3)
        assert found.kept.mean == pytest.approx(found.kept_law, rel=0.1)


BAD = {
    "rows must be one of": [
        lambda: random_filters.CodeLength(rows="odd", channels=1, size=(5,), taps=(2,), k=1, draws=2, seed=0),
        lambda: hidden_codes.HiddenCodes(rows="odd", codes=2, seed=0),
        lambda: recovery.RecoveryBound(rows="odd", filters=2, channels=1, length=5, taps=2, k=1, codes=2, seed=0),
    ],
    "question must be one of": [
        lambda: random_filters.ModelRip(question="why", filters=2, channels=1, length=5, taps=2, k=1, draws=2, seed=0)
    ],
    "kind must be one of": [
        lambda: one_step.OneStep(kind="odd", input="white", kept="all", channels=1, units=1.0, side=4, draws=2, seed=0)
    ],
    "kept must be one of": [
        lambda: one_step.OneStep(
            kind="dense", input="white", kept="odd", channels=1, units=1.0, side=4, draws=2, seed=0
        )
    ],
}


@pytest.mark.parametrize(("says", "call"), [(says, call) for says, calls in BAD.items() for call in calls])
def test_what_cannot_be_is_refused_in_one_line(says, call):
    assert says in refusal(call)
