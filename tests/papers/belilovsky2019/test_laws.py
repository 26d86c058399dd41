"""Laws of greedy training beside independent arithmetic, and costs beside what torch itself counts."""

import itertools

import mpmath
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from helpers import refusal
from reversible.papers.belilovsky2019 import greedy as dense
from reversible.papers.belilovsky2019 import laws
from reversible.papers.belilovsky2019.convolution import ConvPlan, first_values, logits, products
from reversible.papers.belilovsky2019.experiments.errors import direction, features, of_norm_one
from reversible.papers.belilovsky2019.greedy import Plan


@pytest.mark.parametrize("bias", [0, 1, 0.5])
@pytest.mark.parametrize("eps", [1e-8, 1e-3, 0.2])
def test_the_worst_error_is_that_of_the_map_itself_in_many_digits(eps, bias):
    with mpmath.workdps(60):
        x, moved = mpmath.mpf(1), mpmath.mpf(1)
        for _ in range(9):
            x, moved = x + bias, (1 + mpmath.mpf(eps)) * moved + bias
        assert laws.worst_error(9, eps, bias) == pytest.approx(float(moved - x), rel=1e-6)


def test_the_worst_error_reaches_both_orders():
    for bias, power in ((0, 1), (1, 2)):
        small, large = (laws.worst_error(layers, 1e-9, bias) for layers in (100, 200))
        assert np.log2(large / small) == pytest.approx(power, abs=0.02)


def test_errors_stay_below_their_bound_and_reach_it_where_all_is_aligned():
    rng = np.random.default_rng(3)
    for _ in range(20):
        layers = [(rng.standard_normal((7, 7)), rng.standard_normal(7)) for _ in range(4)]
        moved = [(W + 0.1 * rng.standard_normal(W.shape), b) for W, b in layers]
        x = rng.standard_normal((5, 7))
        clean, astray = features(layers, x), features(moved, x)
        norms, moves = ([float(np.linalg.norm(M, 2)) for M in Ms] for Ms in ([W for W, _ in layers],
                        [V - W for (W, _), (V, _) in zip(layers, moved, strict=True)]))  # fmt: skip
        bound = laws.error_bound(norms, moves, [np.linalg.norm(h, axis=1) for h in (x, *astray[:-1])])
        errors = np.array([np.linalg.norm(a - b, axis=1) for a, b in zip(clean, astray, strict=True)])
        assert (errors <= bound).all()
    one = [(np.eye(1), np.ones(1))] * 5
    more = [(1.01 * np.eye(1), np.ones(1))] * 5
    astray = features(more, np.ones((1, 1)))
    bound = laws.error_bound([1] * 5, [0.01] * 5, [1, *(float(h[0, 0]) for h in astray[:-1])])
    assert bound == pytest.approx([(a - b).item() for a, b in zip(astray, features(one, np.ones((1, 1))), strict=True)])
    assert bound[-1] == pytest.approx(laws.worst_error(5, 0.01, 1))


def test_moves_have_the_norm_one_and_layers_too():
    rng = np.random.default_rng(1)
    W, x, h = rng.standard_normal((6, 4)), rng.random((9, 4)), rng.random((9, 6))
    for moves in ("random", "aligned"):
        assert np.linalg.norm(direction(moves, W, x, h, rng), 2) == pytest.approx(1)
    layers = [(W, rng.standard_normal(6)), (rng.standard_normal((5, 6)), rng.standard_normal(5))]
    own = of_norm_one(layers)
    assert [np.linalg.norm(V, 2) for V, _ in own] == pytest.approx([1, 1])
    scale = np.prod([np.linalg.norm(V, 2) for V, _ in layers])
    assert scale * features(own, x)[-1] == pytest.approx(features(layers, x)[-1])


def counted(call):
    """Multiply-adds, as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / 2


def stepped(net, x, labels, values):
    loss = torch.nn.functional.cross_entropy(net(x), labels)
    torch.autograd.grad(loss, values)


def mlp(values, frozen=0):
    """A plain net of weights (out, in)."""

    def net(x):
        for W in values[:-1]:
            x = torch.relu(x @ W.T)
        return x @ values[-1].T

    return net


@pytest.mark.parametrize("k", [1, 3])
def test_costs_of_dense_nets_are_what_torch_counts(k):
    plan = Plan((12, 12, 12), k, 1, 5, 0.1)
    x, labels = torch.rand(10, 20), torch.randint(4, (10,))
    widths, wholes = [20, *plan.widths], []
    for narrow, width, cost in zip(widths, widths[1:], dense.costs(plan, 20, 4), strict=False):
        sizes = [narrow, *[width] * k, 4]
        values = [torch.randn(b, a, requires_grad=True) for a, b in itertools.pairwise(sizes)]
        features = torch.rand(10, narrow)
        assert counted(lambda v=values, f=features: stepped(mlp(v), f, labels, v)) == 10 * cost.an_epoch
        wholes.append(cost)
    sizes = [20, *plan.widths, *[12] * (k - 1), 4]
    values = [torch.randn(b, a, requires_grad=True) for a, b in itertools.pairwise(sizes)]
    assert counted(lambda: stepped(mlp(values), x, labels, values)) == 10 * dense.cost_together(plan, 20, 4).an_epoch
    assert wholes[0].of(3) == 3 * wholes[0].an_epoch + 20 * 12


def test_products_of_convolutions_are_what_torch_counts():
    plan, x = ConvPlan((6, 6), 2, 1, 5, 0.1), torch.rand(3, 2, 8, 8)
    values = first_values(2, (6, 6, 6), 10, x, torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert counted(lambda: logits(values, x)) == 3 * sum(products(2, (6, 6, 6), 64, 10))
    assert plan.k == 2


@pytest.mark.parametrize(("layers", "heads"), [(1, 0), (4, 0), (4, 1), (6, 2)])
def test_the_ratio_of_costs_is_that_of_equal_products(layers, heads):
    stage = laws.greedy_cost(1, [1] * heads).an_epoch
    assert laws.greedy_over_end_to_end(layers, heads) == pytest.approx(
        layers * stage / laws.end_to_end_cost([1] * (layers + heads)).an_epoch
    )


def test_bad_input_of_laws():
    assert "3, 2 and 3" in refusal(lambda: laws.error_bound([1, 1, 1], [1, 1], [1, 1, 1]))
    assert "layers must be" in refusal(lambda: laws.worst_error(0, 0.1, 0))
    assert "eps must be" in refusal(lambda: laws.worst_error(2, -0.1, 0))
