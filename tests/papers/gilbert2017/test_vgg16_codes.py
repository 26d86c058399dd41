"""Codes of a whole VGG-16: the lasso against another solver and its own conditions, codes that were planted."""

import warnings

import numpy as np
import pytest
import torch

from reversible.nets.convolution import Convolution
from reversible.papers.gilbert2017.experiments import vgg16_codes
from reversible.papers.gilbert2017.experiments.vgg16_trunk import Trunk


def with_filters(monkeypatch, filters):
    """A trunk that has these filters for conv(5,2) in the place of the one at hand."""
    monkeypatch.setattr(Trunk, "at_hand", classmethod(lambda cls: Trunk({"c52": filters}, {})))


def lasso_problem(seed=0):
    layer = Convolution(torch.randn(3, 2, 3, 3, generator=torch.Generator().manual_seed(seed)), padding=1)
    x = torch.randn(2, 2, 4, 4, generator=torch.Generator().manual_seed(seed + 100))
    return layer, x, 0.2 * 2 * layer.up(x).abs().amax((1, 2, 3))


def test_the_lasso_is_that_of_another_solver():
    from sklearn.linear_model import Lasso

    layer, x, weights = lasso_problem()
    z = vgg16_codes.lasso(layer, x, weights, 1500)
    W = layer.matrix((4, 4)).double().numpy()
    for own, target, weight in zip(z, x, weights.tolist(), strict=True):
        solver = Lasso(alpha=weight / (2 * 32), fit_intercept=False, tol=1e-10, max_iter=100_000)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            solver.fit(W.T, target.flatten().double().numpy())
        made = [W.T @ code for code in (own.flatten().double().numpy(), solver.coef_)]
        np.testing.assert_allclose(made[0], made[1], atol=2e-3)  # what is made is unique even where the code is not
        norms = [np.abs(code).sum() for code in (own.numpy(), solver.coef_)]
        assert norms[0] == pytest.approx(norms[1], rel=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_the_lassos_answer_meets_the_conditions_of_optimality_on_its_support(seed):
    layer, x, weights = lasso_problem(seed)
    start = torch.randn(2, 3, 4, 4) * (torch.rand(2, 3, 4, 4) < 0.5)
    z = vgg16_codes.lasso(layer, x, weights, 2000, start)
    assert not z[start == 0].any()
    W = layer.matrix((4, 4)).double()
    for code, on, target, weight in zip(z.double(), start != 0, x.double(), weights.tolist(), strict=True):
        slope = 2 * (W @ (target.flatten() - W.T @ code.flatten()))
        active = code.flatten() != 0
        assert active.any()
        torch.testing.assert_close(slope[active], weight * code.flatten().sign()[active], atol=1e-3 * weight, rtol=0)
        assert float(slope[on.flatten()].abs().max()) <= weight * 1.001


def test_the_duality_gap_is_a_bound_on_what_is_missing():
    layer, x, weights = lasso_problem()
    everywhere = torch.ones(2, 3, 4, 4, dtype=torch.bool)

    def value(z):
        return (x - layer.down(z, (4, 4))).square().sum((1, 2, 3)) + weights * z.abs().sum((1, 2, 3))

    best = value(vgg16_codes.lasso(layer, x, weights, 2000))
    for steps in (1, 5, 20, 2000):
        z = vgg16_codes.lasso(layer, x, weights, steps)
        gap = vgg16_codes.duality_gap(layer, x, z, weights, everywhere)
        assert (gap + 1e-4 >= (value(z) - best)).all()
    assert float(gap.max()) < 1e-2 * float(best.max())


def test_a_planted_code_of_orthonormal_filters_is_found():
    filters = torch.linalg.qr(torch.randn(6, 6))[0].view(6, 6, 1, 1)
    layer = Convolution(filters)
    generator = torch.Generator().manual_seed(0)
    planted = vgg16_codes.placed(1 + torch.rand(1, 6, 2, 2, generator=generator), 4, generator)
    z, _ = vgg16_codes.algorithm_2(layer, layer.down(planted, (4, 4)), 0.01, 200)
    assert torch.equal(z != 0, planted != 0)
    assert float(vgg16_codes.norms(layer.down(z, (4, 4))) / vgg16_codes.norms(z)) == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(z, planted, atol=0.02, rtol=0)  # but for what lambda takes off


def test_algorithm_2_has_one_entry_in_a_window_at_most():
    layer, x, _ = lasso_problem()
    z, weights = vgg16_codes.algorithm_2(layer, x, 0.1, 300)
    assert float((z != 0).view(2, 3, 2, 2, 2, 2).sum((3, 5)).max()) == 1
    assert weights.tolist() == pytest.approx([0.2 * float(layer.up(one[None]).abs().max()) for one in x])
    nothing, _ = vgg16_codes.algorithm_2(layer, x, 1.0, 50)
    assert float(nothing.abs().max()) < 1e-5


@pytest.mark.parametrize("side", [4, 7])
def test_random_codes_and_moved_ones_have_an_entry_in_each_window(side):
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(2, 3, side // 2, side // 2, generator=generator)
    z = vgg16_codes.placed(values, side, generator)
    even = z[..., : side // 2 * 2, : side // 2 * 2]
    windows = even.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    assert ((windows != 0).sum(-1) == 1).all()
    assert torch.equal(windows.sum(-1), values)
    places = {tuple(place) for place in (windows != 0).nonzero()[:, -1:].tolist()}
    assert len(places) == 4
    moved = vgg16_codes.moved_code(z, generator)
    assert not torch.equal(moved, z)
    assert sorted(moved[0].flatten().tolist()) == sorted(z[0].flatten().tolist())


def test_the_largest_gain_on_a_support_is_the_largest_singular_value():
    generator = torch.Generator().manual_seed(0)
    layer = Convolution(torch.randn(3, 2, 3, 3, generator=generator), padding=1)
    on = torch.rand(2, 3, 4, 4, generator=generator) < 0.4
    found = vgg16_codes.largest_gain(layer, on, (4, 4), 5000, generator)
    W = layer.matrix((4, 4)).double()
    wanted = [float(torch.linalg.matrix_norm(W[one.flatten()], 2)) for one in on]
    assert found.tolist() == pytest.approx(wanted, rel=1e-3)


def test_random_filters_keep_the_length_of_random_codes_and_equal_ones_do_not(monkeypatch):
    with_filters(monkeypatch, torch.randn(64, 48, 3, 3, generator=torch.Generator().manual_seed(0)))
    kinds = {"lengths": "one", "side": 6, "codes": 5, "draws": 2, "seed": 0}
    found = vgg16_codes.random_codes(vgg16_codes.RandomCodes(filters="random", **kinds))
    assert isinstance(found, vgg16_codes.RandomCodesResult)
    assert np.mean(found.ratio) == pytest.approx(1, abs=0.05)
    with_filters(monkeypatch, torch.ones(64, 48, 3, 3))
    alike = vgg16_codes.random_codes(vgg16_codes.RandomCodes(filters="learned", **kinds))
    assert isinstance(alike, vgg16_codes.RandomCodesResult)
    assert max(alike.spread) > 5 * max(found.spread)


def test_filters_with_lengths_of_their_own_are_scaled_by_one_number():
    filters = torch.randn(6, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    own = vgg16_codes.filters_of(Trunk({"c52": filters}, {}), "learned", "own", torch.Generator())
    ratio = own / filters
    torch.testing.assert_close(ratio, torch.full_like(ratio, float(ratio[0, 0, 0, 0])))
    assert float(own.square().sum((1, 2, 3)).mean()) == pytest.approx(1)


def test_what_is_found_is_measured_as_an_explicit_matrix_has_it():
    layer, x, _ = lasso_problem(3)
    p = vgg16_codes.FoundCodes(
        filters="learned", relu=True, weight=0.1, pictures="photographs", side=64, groups=1, steps=300, seed=0
    )
    result = vgg16_codes.FoundCodesResult(*([] for _ in range(7)))
    vgg16_codes._add(p, layer, x, torch.Generator().manual_seed(0), result)
    z, _ = vgg16_codes.algorithm_2(layer, x, 0.1, 300)
    W = layer.matrix((4, 4)).double().numpy()
    codes, targets = z.flatten(1).double().numpy(), x.flatten(1).double().numpy()
    made = codes @ W
    ratios = np.linalg.norm(made, axis=1) / np.linalg.norm(codes, axis=1)
    left = np.linalg.norm(targets - made, axis=1) / np.linalg.norm(targets, axis=1)
    largest = [np.linalg.norm(W[code != 0], 2) for code in codes]
    assert result.ratio == [pytest.approx(ratios.mean(), rel=1e-5)]
    assert result.spread == [pytest.approx(abs(ratios[0] - ratios[1]) / 2, rel=1e-3)]
    assert result.residual == [pytest.approx(left.mean(), rel=1e-5)]
    assert result.largest == [pytest.approx(np.mean(largest), rel=1e-2)]
    assert result.nonzero == [pytest.approx((codes != 0).mean())]
    assert result.largest[0] >= result.ratio[0]
