"""Convolutions, pooling and hard thresholding against plain loops in numpy that share no code with them."""

import itertools

import numpy as np
import pytest
import torch

from helpers import refusal
from reversible.nets.convolution import (
    Convolution,
    first_places,
    iterates,
    pool,
    project,
    sparsify,
    step,
    unit_rows,
    unpool,
)

SHAPES = [((11,), (3,), 1, 0), ((11,), (4,), 2, 0), ((10,), (3,), 3, 2), ((7, 9), (3, 2), 1, 0), ((7, 9), (3, 3), 2, 1)]


def drawn(size, taps, K=4, M=3, batch=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((K, M, *taps)), rng.standard_normal((batch, M, *size))


def by_loops(filters, x, stride, padding):
    """h of one example: each filter times the window below it, place by place."""
    x = np.pad(x, [(0, 0)] + [(padding, padding)] * (x.ndim - 1))
    taps = filters.shape[2:]
    shifts = [(D - t) // stride + 1 for D, t in zip(x.shape[1:], taps, strict=True)]
    h = np.zeros((len(filters), *shifts))
    for place in itertools.product(*map(range, shifts)):
        window = x[(slice(None), *[slice(s * stride, s * stride + t) for s, t in zip(place, taps, strict=True)])]
        for i, w in enumerate(filters):
            h[(i, *place)] = (w * window).sum()
    return h


@pytest.mark.parametrize(("size", "taps", "stride", "padding"), SHAPES)
def test_up_is_the_filter_at_each_place(size, taps, stride, padding):
    filters, x = drawn(size, taps)
    layer = Convolution(torch.tensor(filters), stride, padding)
    wanted = np.stack([by_loops(filters, one, stride, padding) for one in x])
    assert layer.shifts(size) == wanted.shape[2:]
    np.testing.assert_allclose(layer.up(torch.tensor(x)).numpy(), wanted, atol=1e-12)


@pytest.mark.parametrize(("size", "taps", "stride", "padding"), SHAPES)
def test_the_matrix_is_the_convolution_and_its_transpose_goes_down(size, taps, stride, padding):
    filters, x = drawn(size, taps)
    layer = Convolution(torch.tensor(filters), stride, padding)
    W = layer.matrix(size).numpy()
    h = (x.reshape(2, -1) @ W.T).reshape(2, 4, *layer.shifts(size))
    np.testing.assert_allclose(layer.up(torch.tensor(x)).numpy(), h, atol=1e-12)
    z = np.random.default_rng(1).standard_normal(h.shape)
    down = layer.down(torch.tensor(z), size).numpy()
    np.testing.assert_allclose(down.reshape(2, -1), z.reshape(2, -1) @ W, atol=1e-12)


def test_a_row_of_the_matrix_is_a_filter_at_one_shift():
    filters, _ = drawn((9,), (3,))
    W = Convolution(torch.tensor(filters), stride=2).matrix((9,)).numpy().reshape(4, 4, 3, 9)
    for i, j in itertools.product(range(4), range(4)):
        wanted = np.zeros((3, 9))
        wanted[:, 2 * j : 2 * j + 3] = filters[i]
        np.testing.assert_array_equal(W[i, j], wanted)


def pooled_by_loops(h, window):
    """Of one map the entry of largest modulus of each window, in place; the rest zero."""
    kept = np.zeros_like(h)
    for corner in itertools.product(*[range(0, n - w + 1, w) for n, w in zip(h.shape, window, strict=True)]):
        best = max(
            itertools.product(*[range(c, c + w) for c, w in zip(corner, window, strict=True)]),
            key=lambda place: abs(h[place]),
        )
        kept[best] = h[best]
    return kept


@pytest.mark.parametrize(("size", "window"), [((10,), (3,)), ((10,), (10,)), ((6, 9), (2, 3)), ((5, 5), (2, 2))])
def test_unpooling_puts_each_maximum_where_it_was(size, window):
    h = np.random.default_rng(2).standard_normal((2, 3, *size))
    values, places = pool(torch.tensor(h), window)
    found = unpool(values, places, size).numpy()
    for b, i in itertools.product(range(2), range(3)):
        np.testing.assert_array_equal(found[b, i], pooled_by_loops(h[b, i], window))


@pytest.mark.parametrize(("size", "window"), [((10,), (3,)), ((6, 9), (2, 3))])
def test_fixed_switches_put_it_at_the_first_place_of_its_window(size, window):
    h = np.random.default_rng(3).standard_normal((1, 1, *size))
    values, places = pool(torch.tensor(h), window)
    found = unpool(values, first_places(places, size, window), size).numpy()[0, 0]
    wanted = np.zeros(size)
    kept = pooled_by_loops(h[0, 0], window)
    for corner in itertools.product(*[range(0, n - w + 1, w) for n, w in zip(size, window, strict=True)]):
        wanted[corner] = kept[tuple(slice(c, c + w) for c, w in zip(corner, window, strict=True))].sum()
    np.testing.assert_array_equal(found, wanted)


def nearest_by_trying(h, k):
    """The block-sparse vector with k nonzero entries nearest to h (K, n), by trying all supports."""
    best, least = np.zeros_like(h), np.inf
    for blocks in itertools.combinations(range(len(h)), k):
        for places in itertools.product(range(h.shape[1]), repeat=k):
            z = np.zeros_like(h)
            z[list(blocks), list(places)] = h[list(blocks), list(places)]
            if (gap := ((z - h) ** 2).sum()) < least:
                best, least = z, gap
    return best


@pytest.mark.parametrize("k", [1, 2, 3])
def test_with_known_switches_it_is_the_projection_onto_block_sparse_vectors(k):
    h = np.random.default_rng(k).standard_normal((4, 5))
    np.testing.assert_array_equal(project(torch.tensor(h)[None], k).numpy()[0], nearest_by_trying(h, k))


def test_sparsify_keeps_the_largest_of_each_example():
    z = torch.tensor([[[3.0, -4.0, 1.0]], [[0.5, 0.0, -0.1]]])
    assert sparsify(z, 1).tolist() == [[[0, -4, 0]], [[0.5, 0, 0]]]
    assert sparsify(z, None) is z


def test_hard_thresholding_is_the_textbook_iteration():
    filters, x = drawn((9,), (3,), K=6, M=2, batch=1)
    layer = Convolution(torch.tensor(filters))
    W = layer.matrix((9,)).numpy()
    found = [z.numpy()[0] for z in iterates(layer, torch.tensor(x), lambda h: project(h, 3), 3)]
    z = np.zeros((6, 7))
    for other in found:
        h = (z.ravel() + W @ (x.ravel() - W.T @ z.ravel())).reshape(6, 7)
        z = nearest_by_trying(h, 3)
        np.testing.assert_allclose(other, z, atol=1e-10)
    first = step(layer, torch.tensor(x), torch.zeros(1, 6, 7, dtype=torch.float64), lambda h: project(h, 3))
    np.testing.assert_allclose(first.numpy()[0], found[0], atol=1e-12)


def test_unit_rows_have_length_one_and_zeros_stay():
    filters = torch.tensor(drawn((9,), (3,))[0])
    filters[1] = 0
    lengths = unit_rows(filters).flatten(1).norm(dim=1)
    np.testing.assert_allclose(lengths, [1, 0, 1, 1], atol=1e-15)
    assert torch.equal(Convolution(filters).with_unit_rows().filters, unit_rows(filters))


ONE = Convolution(torch.ones(2, 1, 3))
BAD = {
    "filters must be": lambda: Convolution(torch.ones(2, 3)),
    "stride must be": lambda: Convolution(torch.ones(2, 1, 3), stride=0),
    "padding must be": lambda: Convolution(torch.ones(2, 1, 3), padding=-1),
    "do not fit into": lambda: ONE.up(torch.ones(1, 1, 2)),
    "an input must have 1 axes": lambda: ONE.shifts((4, 4)),
    "z must have": lambda: ONE.down(torch.ones(1, 2, 5), (4,)),
    "an explicit matrix": lambda: ONE.matrix((10**5,)),
    "does not fit maps": lambda: pool(torch.ones(1, 1, 4), (5,)),
    "h must be": lambda: pool(torch.ones(3)),
    "switches must be one of": lambda: project(torch.ones(1, 1, 4), switches="lost"),
    "k must be": lambda: sparsify(torch.ones(1, 1, 4), 5),
    "steps must be": lambda: iterates(ONE, torch.ones(1, 1, 4), lambda h: h, 0),
}


@pytest.mark.parametrize("says", BAD)
def test_what_cannot_be_is_refused_in_one_line(says):
    assert says in refusal(BAD[says])
