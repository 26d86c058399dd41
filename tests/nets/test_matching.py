"""Matching of units: what was permuted is found again, and the function stays."""

import itertools

import pytest
import torch

from helpers import refusal
from reversible.nets.matching import matched, permuted
from reversible.nets.net import Net


def net(*widths, seed=0):
    g = torch.Generator().manual_seed(seed)
    pairs = list(itertools.pairwise(widths))
    return Net(
        tuple(torch.randn(m, n, generator=g) for n, m in pairs), tuple(torch.randn(m, generator=g) for _, m in pairs)
    )


def test_a_permuted_net_is_the_same_function_and_is_put_in_order_again():
    a, x = net(5, 7, 6, 3), torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    b = permuted(permuted(a, 0, torch.tensor([3, 1, 0, 6, 5, 2, 4])), 1, torch.tensor([5, 0, 1, 4, 2, 3]))
    assert torch.allclose(a.logits(x), b.logits(x), atol=1e-5)
    assert not torch.equal(a.weights[0], b.weights[0])
    back = matched(a, b)
    assert all(torch.equal(p, q) for p, q in zip(a.weights, back.weights, strict=True))


def test_one_layer_is_matched_as_well_as_by_trying_all_orders():
    a, b = net(3, 5, 2, seed=2), net(3, 5, 2, seed=3)

    def apart(other):
        parts = [(*a.weights, *a.biases), (*other.weights, *other.biases)]
        return sum(float((p - q).square().sum()) for p, q in zip(*parts, strict=True))

    best = min(apart(permuted(b, 0, torch.tensor(order))) for order in itertools.permutations(range(5)))
    assert apart(matched(a, b)) == pytest.approx(best, rel=1e-5)


def test_two_shapes_are_refused():
    assert "layers of the same sizes" in refusal(lambda: matched(net(3, 4, 2), net(3, 5, 2)))
