"""Down and up again: the scale, the controls, the comparison."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers import refusal
from reversible.nets.net import Net
from reversible.nets.reversal import compare, down, replaced, theory_scale


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_net(*widths, sd=0.3):
    g = generator(7)
    weights = tuple(sd * torch.randn(m, n, generator=g) for n, m in itertools.pairwise(widths))
    return Net(weights, tuple(torch.zeros(len(A)) for A in weights))


def sparse_codes(batch, m, k):
    h = torch.zeros(batch, m)
    for row in h:
        row[torch.randperm(m, generator=generator(1))[:k]] = 1 + torch.rand(k, generator=generator(2))
    return h


# --- the net and its way down -----------------------------------------------------------------------------------------


def test_a_wide_random_layer_gives_its_code_back_with_gain_one():
    net, h = random_net(20000, 100, 5), sparse_codes(4, 100, 10)
    for rho in (1.0, 0.5):
        x = down(net.weights[:1], h, rho, [generator()])
        assert float((x > 0).double().mean()) == pytest.approx(rho / 2, abs=0.01)
        y = x @ net.weights[0].T
        assert float((y * h).sum() / h.square().sum()) == pytest.approx(1, abs=0.05)
    assert float(compare(h, net.up(down(net.weights[:1], h, 1.0), 1)[-1]).cosine.min()) > 0.98


def test_two_layers_against_numpy():
    net, x = random_net(300, 80, 40, 10), torch.rand(5, 300, generator=generator())
    net = replace(net, biases=tuple(0.1 * torch.randn(len(A), generator=generator(3)) for A in net.weights))
    h1, h2 = net.up(x)
    back = net.up(down(net.weights[:2], h2, 1.0), 2)[-1]
    A1, A2 = (A.double().numpy() for A in net.weights[:2])
    b1, b2 = (b.double().numpy() for b in net.biases[:2])
    own1 = np.maximum(x.double().numpy() @ A1.T + b1, 0)
    own2 = np.maximum(own1 @ A2.T + b2, 0)
    middle = np.maximum(2 / (80 * (A2**2).mean()) * own2 @ A2, 0)
    image = np.maximum(2 / (300 * (A1**2).mean()) * middle @ A1, 0)
    own_back = np.maximum(np.maximum(image @ A1.T + b1, 0) @ A2.T + b2, 0)
    for ours, numpys in ((h1, own1), (h2, own2), (back, own_back)):
        assert np.allclose(ours, numpys, rtol=1e-4, atol=1e-4)
    cosine = (own2 * own_back).sum(1) / np.linalg.norm(own2, axis=1) / np.linalg.norm(own_back, axis=1)
    assert np.allclose(compare(h2, back).cosine, cosine, atol=1e-5)


def test_a_net_by_hand():
    net = Net.of({
        "fc1.weight": np.array([[1.0, -1.0], [0.0, 2.0]]), "fc1.bias": np.array([0.0, -1.0]),
        "fc2.weight": np.array([[1.0, 1.0]]), "fc2.bias": np.array([-5.0]),
    })  # fmt: skip
    x = torch.tensor([[3.0, 1.0]])
    assert net.up(x)[0].tolist() == [[2.0, 1.0]]
    assert net.logits(x).tolist() == [[-2.0]]  # no ReLU after the last layer
    assert net.without_biases().up(x)[0].tolist() == [[2.0, 2.0]]
    assert net.with_first([2 * net.weights[0]]).up(x)[0].tolist() == [[4.0, 3.0]]
    assert "layers must be an integer from 1 to 1, not 2" in refusal(lambda: net.up(x, 2))


def test_what_is_no_net():
    A, b = np.ones((2, 3)), np.ones(2)
    assert "a net needs a matrix NAME.weight for each layer" in refusal(lambda: Net.of({"fc.bias": b}))
    assert "a net needs a matrix NAME.weight for each layer" in refusal(
        lambda: Net.of({"c.weight": np.ones((1, 1, 3))})
    )
    chain = {"a.weight": A, "a.bias": b, "b.weight": A, "b.bias": b}
    assert "each layer must take what the one before it gives" in refusal(lambda: Net.of(chain))


def test_the_scale_is_the_papers_for_its_own_weights():
    A = torch.ones(30, 500)  # entries of mean square 1, as the paper's
    assert theory_scale(A, 0.5) == pytest.approx(2 / (0.5 * 500))
    assert theory_scale(2 * A, 0.5) == pytest.approx(2 / (0.5 * 500) / 4)
    assert "rho must be a number" in refusal(lambda: theory_scale(A, 0.0))
    assert not down([torch.zeros(30, 500)], torch.ones(2, 30), 1.0).any()


def test_of_a_stack_each_net_does_what_it_does_alone():
    """Its codes, its logits and its way down, with a generator of its own."""
    nets = [random_net(30, 20, 12, 5, sd=sd) for sd in (0.1, 0.3, 0.9)]
    nets = [replace(net, biases=tuple(A[:, 0] for A in net.weights)) for net in nets]
    weights, biases = (zip(*values, strict=True) for values in zip(*((n.weights, n.biases) for n in nets), strict=True))
    stack = Net(*(tuple(torch.stack(same) for same in values) for values in (weights, biases)))
    x = torch.randn(3, 7, 30, generator=generator(8))
    for rho, signed in ((1.0, False), (0.5, False), (0.5, True)):
        h, generators = stack.up(x, 2)[-1], [generator(seed) for seed in (4, 5, 6)]
        back, logits = down(stack.weights[:2], h, rho, generators, signed), stack.logits(x)
        for s, net in enumerate(nets):
            alone = down(net.weights[:2], net.up(x[s], 2)[-1], rho, [generator(4 + s)], signed)
            assert torch.allclose(back[s], alone, atol=1e-6)
            assert torch.allclose(logits[s], net.logits(x[s]), atol=1e-5)
            assert torch.equal(stack.one(s).weights[1], net.weights[1])
            assert bool((alone < 0).any()) == signed


def test_signed_images_come_back_from_a_last_step_that_is_linear():
    """Its scale is the one that gives the code back with gain one, as the ReLU's scale does with the ReLU."""
    net, h = random_net(20000, 100, 5), sparse_codes(4, 100, 10)
    x = down(net.weights[:1], h, 1.0, signed=True)
    y = x @ net.weights[0].T
    assert float((y * h).sum() / h.square().sum()) == pytest.approx(1, abs=0.05)
    assert torch.allclose(torch.relu(2 * x), down(net.weights[:1], h, 1.0))


# --- what takes a matrix's place --------------------------------------------------------------------------------------


def matrix(m=60, n=200, seed=0):
    return 0.1 + torch.randn(m, n, generator=generator(seed))


def test_transpose_and_permuted_keep_the_entries():
    A = matrix()
    assert torch.equal(replaced(A, "transpose", generator()), A)
    permuted = replaced(A, "permuted", generator())
    assert torch.equal(permuted.flatten().sort().values, A.flatten().sort().values)
    assert float((permuted == A).double().mean()) < 0.01
    assert not torch.equal(permuted, replaced(A, "permuted", generator(1)))


def test_gaussian_keeps_mean_and_sd():
    A = (torch.rand(300, 400, generator=generator()) < 0.1).float() * 3
    G = replaced(A, "gaussian", generator())
    assert float(G.mean()) == pytest.approx(float(A.mean()), abs=0.02)
    assert float(G.std()) == pytest.approx(float(A.std()), rel=0.02)
    assert float(((G - G.mean()) ** 4).mean() / G.var() ** 2) == pytest.approx(3, abs=0.1)


def test_pseudo_inverse_undoes_the_layer_at_the_theorys_scale():
    A = matrix()
    P = replaced(A, "pseudo-inverse", generator())
    h = torch.rand(5, 60, generator=generator(1))
    assert torch.allclose(theory_scale(P, 1.0) * h @ P @ A.T, h, atol=1e-4)
    # Rows of one sign that do not overlap: the ReLU on the way takes nothing, and the code comes back exactly.
    blocks = torch.block_diag(*torch.rand(6, 1, 4, generator=generator(2)))
    net = Net((blocks, torch.ones(2, 6)), (torch.zeros(6), torch.zeros(2)))
    code = torch.rand(3, 6, generator=generator(3))
    back = net.up(down([replaced(blocks, "pseudo-inverse", generator())], code, 1.0), 1)[-1]
    assert torch.allclose(back, code, atol=1e-5)


def test_bulk_and_spikes_add_up_and_find_what_was_planted():
    A = matrix(100, 300, seed=1) - 0.1
    signal = 10 * torch.outer(torch.randn(100, generator=generator(4)), torch.randn(300, generator=generator(5))) / 17
    both = A + signal
    both[3], both[:, 7] = 0, 0  # as pruning leaves them
    rest, spikes = (replaced(both, how, generator()) for how in ("bulk", "spikes"))
    assert torch.allclose(rest + spikes, both, atol=1e-5)
    assert int(torch.linalg.matrix_rank(spikes, atol=1e-3)) == 1
    assert float(compare(signal.flatten()[None], spikes.flatten()[None]).cosine) > 0.95
    assert not rest[3].any()
    assert not rest[:, 7].any()
    assert not replaced(A, "spikes", generator()).any()


def test_an_unknown_replacement_is_one_line():
    message = refusal(lambda: replaced(matrix(), "inverse", generator()))
    assert message.startswith("generation must be one of transpose, permuted")
    assert message.endswith("not 'inverse'")


# --- the comparison ---------------------------------------------------------------------------------------------------


def test_comparison_by_hand():
    h = torch.tensor([[3.0, 4.0, 0.0], [1.0, 0.0, 0.0]])
    c = compare(h, torch.tensor([[6.0, 8.0, 0.0], [0.0, 0.0, 2.0]]))
    assert c.cosine.tolist() == pytest.approx([1.0, 0.0])
    assert c.relative_error.tolist() == pytest.approx([1.0, 5.0])
    assert c.scale == pytest.approx(0.25)  # minimises (1 - 2 s)^2 + 1 + 4 s^2
    assert c.scaled_error.tolist() == pytest.approx([0.25, 1.25])
    assert c.support.tolist() == [2, 1]
    assert c.support_back.tolist() == [2, 1]
    assert c.support_shared.tolist() == [2, 0]


def test_a_common_scale_is_the_best_one():
    h, back = torch.rand(20, 30, generator=generator()), torch.rand(20, 30, generator=generator(1))
    best = float(compare(h, back).scaled_error.mean())
    for by in (0.98, 1.02):
        assert float(compare(h, by * compare(h, back).scale * back).relative_error.mean()) > best
    assert compare(h, 1000 * h).scaled_error.max() < 1e-12


def test_empty_codes_are_lost():
    empty, full = torch.zeros(1, 3), torch.ones(1, 3)
    for h, back in ((empty, full), (full, empty), (empty, empty)):
        c = compare(h, back)
        assert c.cosine.tolist() == [0]
        assert c.relative_error.tolist() == pytest.approx([1])
        assert c.scaled_error.tolist() == pytest.approx([1])
        assert c.scale == 0
