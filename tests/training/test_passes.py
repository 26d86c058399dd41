"""Passes over data: each goes once through all, in an order of its own; a function in parts is the function."""

import torch

from helpers import refusal
from reversible.training.passes import in_parts, passes


def order():
    return torch.Generator().manual_seed(3)


def test_each_pass_has_every_place_once_in_new_order():
    found = list(passes(12, 4, 2, order()))
    first, second = torch.cat(found[:3]), torch.cat(found[3:])
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(12))
    assert first.tolist() != second.tolist()


def test_a_rest_that_is_short_is_left_out():
    assert [len(index) for index in passes(10, 4, 1, order())] == [4, 4]
    assert list(passes(10, 4, 0, order())) == []
    assert "batch must be an integer from 1 to 3" in refusal(lambda: list(passes(3, 4, 1, order())))


def test_a_function_in_parts_is_the_function_without_gradients():
    x = torch.rand(7, 3, requires_grad=True)
    found = in_parts(torch.exp, x, 2)
    assert torch.equal(found, torch.exp(x))
    assert not found.requires_grad
