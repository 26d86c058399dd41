"""A reader's block: what is accepted, what comes back, what is refused in one line."""

import numpy as np
import pytest
import torch
from torch import nn

import reversible
from helpers import refusal
from reversible.nets.inverse import invert


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Block(nn.Module):
    """y = x + W2 act(W1 x + b1) + b2."""

    def __init__(self, n=6, h=4, act=torch.relu, add=1.0):
        super().__init__()
        self.up, self.down = nn.Linear(n, h), nn.Linear(h, n)
        self.act, self.add = act, add
        with torch.no_grad():
            for value in self.parameters():
                value.copy_(torch.randn(value.shape, generator=seeded(len(value))) / 3)

    def forward(self, x):
        return self.add * x + self.down(self.act(self.up(x)))


def branch(n=6, h=4):
    block = Block(n, h)
    return nn.Sequential(block.up, nn.ReLU(), nn.Dropout(0.5), block.down)


x = torch.randn(5, 6, generator=seeded(9))


def test_a_module_gives_x_back():
    block = Block()
    found = invert(block, block(x))
    assert found.converged.all()
    assert found.certificate.verdict == "unique"
    np.testing.assert_allclose(found.x, x, atol=1e-6)  # the block computed y in float32
    exact = Block().double()
    found = invert(exact, exact(x.double()))
    np.testing.assert_allclose(found.x, x, atol=1e-12)
    assert found.error.max() < 1e-12
    assert found.trace[-1].max() < 1e-10


def test_weights_and_a_branch_are_the_same_block():
    block = Block().double()
    y = block(x.double()).detach()
    whole = invert(block, y)
    parts = invert(branch().double(), y)
    by_hand = invert((block.up.weight, block.up.bias, block.down.weight), y - block.down.bias)
    np.testing.assert_allclose(parts.x, whole.x)
    np.testing.assert_allclose(by_hand.x, whole.x, atol=1e-12)


def test_a_module_is_left_as_it_was():
    block = Block().train()
    before = [value.clone() for value in block.parameters()]
    invert(block, x)
    assert block.training
    assert all(torch.equal(a, b) for a, b in zip(before, block.parameters(), strict=True))
    assert all(value.grad is None for value in block.parameters())


class Swapped(Block):
    """The same, registered the other way around."""

    def __init__(self, n=6, h=4):
        nn.Module.__init__(self)
        self.down, self.up = nn.Linear(h, n), nn.Linear(n, h)
        self.act, self.add = torch.relu, 1.0


@pytest.mark.parametrize("h", [4, 6])
def test_which_layer_comes_first_is_tried_and_not_read_off_their_order(h):
    block = Swapped(h=h).double()
    np.testing.assert_allclose(invert(block, block(x.double())).x, x, atol=1e-12)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_a_block_of_little_precision_is_known_for_what_it_is(kind):
    block = Block().to(kind)
    found = invert(block, block(x.to(kind)))
    assert found.converged.all()
    np.testing.assert_allclose(found.x, x, atol=100 * torch.finfo(kind).eps)
    assert refusal(lambda: invert(Block(add=0.99).to(kind), x)).startswith("block must compute")


def test_a_layer_under_spectral_norm_is_read_as_it_is_in_evaluation_and_left_alone():
    block = Block(h=6)
    for layer in (block.up, block.down):
        nn.utils.parametrizations.spectral_norm(layer)
    y = block.eval()(x)
    block.train()
    before = {name: value.clone() for name, value in block.state_dict().items()}
    found = invert(block, y)
    np.testing.assert_allclose(found.x, x, atol=1e-5)
    assert block.training
    assert all(torch.equal(value, before[name]) for name, value in block.state_dict().items())


def test_a_method_that_misses_what_is_there_is_told_from_a_block_that_has_it_not():
    W1 = 2 * np.eye(3)
    found = invert((W1, np.zeros(3), W1), np.ones((2, 3)), method="plain")
    assert not found.converged.any()
    assert found.missed
    assert found.words.endswith("above zero. The method has not found all of them: try another.")
    assert not invert((W1, np.zeros(3), W1), np.ones((2, 3))).missed
    assert not invert(([[1.0]], [0.0], [[-2.0]]), [[1.0]]).missed  # nothing is there


def test_one_y_and_the_front_door():
    found = reversible.invert(([[2.0]], [0.0], [[1.0]]), [3.0])
    assert found.x.tolist() == [1.0]
    assert found.words == (
        "1 of 1 came back, with an error of at most 0. Every y has exactly one preimage: the least eigenvalue of the "
        "symmetric part of I + W1 W2 is 3, above zero."
    )


def test_what_has_no_preimage_is_nan_and_says_so():
    found = invert(([[1.0]], [0.0], [[-2.0]]), [[1.0], [-1.0]])  # y = -|x|
    assert found.converged.tolist() == [False, True]
    assert np.isnan(found.x[0, 0])
    assert abs(found.x[1, 0]) == 1
    assert found.certificate.verdict == "not unique"
    assert str(found).startswith("1 of 2 came back, with an error of at most 0. Not every y has exactly one preimage")
    nothing = invert(([[1.0]], [0.0], [[-2.0]]), [[1.0]])
    assert str(nothing).startswith("0 of 1 came back. Not every y")


def test_methods():
    rng = np.random.default_rng(0)
    W1 = rng.standard_normal((5, 8))
    block = W1, rng.standard_normal(5), W1.T  # monotone, and far from contracting
    there = rng.standard_normal((4, 8))
    y = there + np.maximum(there @ W1.T + block[1], 0) @ W1
    assert not invert(block, y, method="plain").converged.any()
    for method in ("newton", "damped"):
        np.testing.assert_allclose(invert(block, y, method=method).x, there, atol=1e-7)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = branch()

    def forward(self, x):
        return x + self.block(x)


def test_a_branch_inside_a_module():
    module = Twice().double().eval()
    np.testing.assert_allclose(invert(module, module(x.double())).x, x, atol=1e-12)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (Block(act=torch.tanh), "block must compute x + W2 relu(W1 x + b), and Block computes something else"),
        (Block(add=0.0), "block must compute x + W2 relu(W1 x + b), and Block computes something else"),
        (Block(add=0.99), "block must compute x + W2 relu(W1 x + b), and Block computes something else"),
        (Block(act=nn.GELU()), "block must be made of Linear, ReLU, Linear, with x added around them, not of Linear"),
        (nn.Linear(6, 6), "block must be made of Linear, ReLU, Linear, with x added around them, not of Linear"),
        (nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 6)), "what the block adds to x must be Linear, ReLU, Linear in"),
        (nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 5)), "the block's second Linear must be 6 x 4 beside"),
        (nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU()), "block must be made of Linear, ReLU, Linear, with x added"),
        ((np.ones((2, 6)), np.ones(3), np.ones((6, 2))), "b must have one entry for each of the 2 rows of W1, not the"),
        ((np.ones((2, 6)), np.ones(2)), "block must be (W1, b, W2) or a torch module, not tuple"),
        (torch.relu, "block must be (W1, b, W2) or a torch module, not builtin_function_or_method"),
    ],
)
def test_a_block_that_is_none(block, says):
    assert refusal(lambda: invert(block, x)).startswith(says)


class Choosy(Block):
    def forward(self, x):
        raise ValueError("only images\nof this size")


class Uncopied(Block):
    def __deepcopy__(self, memo):
        raise TypeError("no copies\nof this")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: invert(branch(), x[:, :4]), "y must be of shape B x 6 or 6, as the block takes 6 numbers, not (5, 4)"),
        (lambda: invert(branch(), x * np.nan), "y must hold finite numbers, and 30 of 30 are not"),
        (lambda: invert(branch(), np.ones((0, 6))), "y must be of shape B x 6 or 6, as the block takes 6 numbers, not"),
        (lambda: invert(branch(), x.reshape(5, 2, 3)), "y must be of shape B x 6 or 6, as the block takes 6 numbers"),
        (lambda: invert(Uncopied(), x), "block must be a module that can be copied: no copies"),
        (lambda: invert(branch(), "image"), "y must hold real numbers, not the str 'image'"),
        (lambda: invert(branch(), x, method="lemke"), "method must be one of newton, damped, plain, not 'lemke'"),
        (lambda: invert(Choosy(), x), "block must take inputs of shape B x 6: only images"),
    ],
)
def test_other_bad_input_is_one_line(call, says):
    assert refusal(call).startswith(says)
