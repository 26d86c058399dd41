"""The model-RIP constant against brute force over all subsets, and the search against planted answers."""

import itertools

import numpy as np
import pytest

from helpers import refusal
from reversible.spectra.supports import cut, distance, enumerated, searched, supports_in_all


def gram(K=4, n=4, dimension=24, seed=0):
    """Rows of K blocks of n; rows of a block are correlated, as shifts of one filter are."""
    rng = np.random.default_rng(seed)
    common = np.repeat(rng.standard_normal((K, dimension)), n, axis=0)
    W = (0.5 * common + rng.standard_normal((K * n, dimension))) / np.sqrt(1.25 * dimension)
    return W @ W.T, np.repeat(np.arange(K), n)


def by_brute_force(G, blocks, size, each):
    """Of all subsets of rows those that are allowed, by singular values of the matrix itself."""
    W = np.linalg.cholesky(G + 1e-13 * np.eye(len(G)))
    worst, count = 0.0, 0
    for subset in itertools.combinations(range(len(G)), size):
        if max(np.bincount(blocks[list(subset)])) <= each:
            values = np.linalg.svd(W[list(subset)], compute_uv=False) ** 2
            worst, count = max(worst, values[0] - 1, 1 - values[-1]), count + 1
    return worst, count


@pytest.mark.parametrize(("size", "each"), [(1, 1), (2, 1), (3, 1), (2, 2), (4, 2)])
def test_enumeration_is_brute_force(size, each):
    G, blocks = gram()
    worst, count = by_brute_force(G, blocks, size, each)
    found = enumerated(G, blocks, size, each)
    assert found.value == pytest.approx(worst, abs=1e-9)
    assert distance(G, found.support) == found.value
    assert supports_in_all(blocks, size, each) == count
    assert max(np.bincount(blocks[list(found.support)])) <= each


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("size", "each"), [(2, 1), (3, 1), (4, 2)])
def test_search_is_never_above_enumeration_and_here_as_good(size, each, seed):
    G, blocks = gram(seed=seed)
    exact, found = enumerated(G, blocks, size, each), searched(G, blocks, size, each, np.random.default_rng(seed))
    assert found.value <= exact.value + 1e-12
    assert found.value >= 0.97 * exact.value
    assert max(np.bincount(blocks[list(found.support)])) <= each
    assert len(set(found.support)) == size


def test_the_smallest_eigenvalue_counts_as_much_as_the_largest():
    """Rows that are too short: no eigenvalue is above one."""
    G, blocks = gram()
    worst, _ = by_brute_force(0.2 * G, blocks, 3, 1)
    assert 0.8 < worst == pytest.approx(enumerated(0.2 * G, blocks, 3).value)
    assert searched(0.2 * G, blocks, 3).value == pytest.approx(worst, rel=0.03)


def test_a_planted_support_is_found():
    """Five rows of five blocks that all but coincide, among sixty that are nearly orthogonal."""
    rng = np.random.default_rng(3)
    W = np.linalg.qr(rng.standard_normal((80, 60)))[0].T
    planted = (2, 14, 26, 38, 50)
    W[list(planted)] = W[2] + 0.05 * rng.standard_normal((5, 80))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    blocks = np.repeat(np.arange(15), 4)
    found = searched(W @ W.T, blocks, 5, rng=rng)
    assert set(found.support) == set(planted)
    assert found.value > 3


def test_two_of_a_block_are_twice_the_vectors_with_one():
    """d_2k by sums of two vectors of M_k: every union of two of its supports, tried one by one."""
    G, blocks = gram(K=3, n=3)
    ones = [s for s in itertools.combinations(range(9), 2) if blocks[s[0]] != blocks[s[1]]]
    unions = {tuple(sorted({*a, *b})) for a in ones for b in ones}
    worst = max(distance(G, union) for union in unions)
    assert enumerated(G, blocks, 4, each=2).value == pytest.approx(worst, abs=1e-12)


def test_cut_keeps_the_largest_of_each_block():
    v = np.array([5.0, -6.0, 1.0, 4.0, 0.5, 0.2])
    assert cut(v, np.array([0, 0, 0, 1, 1, 2]), 2, 1).tolist() == [1, 3]
    assert cut(v, np.array([0, 0, 0, 1, 1, 2]), 3, 2).tolist() == [1, 0, 3]


G0, BLOCKS0 = gram()
BAD = {
    "G must be": lambda: enumerated(G0[:3], BLOCKS0, 2),
    "each must be": lambda: searched(G0, BLOCKS0, 2, each=3),
    "size must be": lambda: searched(G0, BLOCKS0, 5),
    "starts must be": lambda: searched(G0, BLOCKS0, 2, starts=0),
    "enumeration stops at 2000000": lambda: enumerated(np.eye(400), np.repeat(np.arange(40), 10), 6),
}


@pytest.mark.parametrize("says", BAD)
def test_what_cannot_be_is_refused_in_one_line(says):
    assert says in refusal(BAD[says])
