"""The model-RIP constant of a matrix: exact by enumeration where it is small, else from below by a search.

The rows of W come in *blocks*, and a support S may have at most `each` of a block, `size` in all. The constant d is the
smallest with (1 - d) |z|^2 <= |W^T z|^2 <= (1 + d) |z|^2 for all z on such supports: how far an eigenvalue of
G_SS = W_S W_S^T can be from 1. Only G = W W^T is looked at. A sum of two vectors with at most one of a block, k in all,
is a vector with at most two of a block, 2k in all, and the other way round: so d_2k is the constant with `each` 2 and
`size` 2k. Larger supports have more extreme eigenvalues, by interlacing: those of the full size are enough.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import InputError, integer

Array = np.ndarray
MOST_SUPPORTS = 2_000_000  # that are enumerated
TRIED = 24  # rows that take another's place, the most promising first
STEPS = 30  # of the truncated power iteration


@dataclass(frozen=True)
class Constant:
    """How far an eigenvalue of G is from 1 on the support where it is farthest, of all or of those that were seen."""

    value: float
    support: tuple[int, ...]


def distance(G: Array, support: Array | tuple[int, ...]) -> float:
    """How far an eigenvalue of G (rows, rows) on `support` is from 1.

    >>> round(distance(np.array([[1.0, 0.5], [0.5, 1.0]]), (0, 1)), 12)
    0.5
    """
    return float(_distances(G, np.array([support]))[0])


def _distances(G: Array, supports: Array) -> Array:
    """Of supports (N, size)."""
    values = np.linalg.eigvalsh(G[supports[:, :, None], supports[:, None, :]])
    return np.maximum(values[:, -1] - 1, 1 - values[:, 0])


def enumerated(G: Array, blocks: Array, size: int, each: int = 1) -> Constant:
    """The exact constant, over all supports; InputError where there are more than two million of them."""
    G, blocks = _checked(G, blocks, size, each)
    if (count := supports_in_all(blocks, size, each)) > MOST_SUPPORTS:
        raise InputError(f"enumeration stops at {MOST_SUPPORTS} supports, and there are {count}")
    best = Constant(-1.0, ())
    supports = _supports(blocks, size, each)
    while chunk := list(itertools.islice(supports, 20_000)):
        found = _distances(G, np.array(chunk))
        if found.max() > best.value:
            best = Constant(float(found.max()), chunk[int(found.argmax())])
    return best


def supports_in_all(blocks: Array, size: int, each: int) -> int:
    """How many supports there are: the coefficient of t^size in a product over the blocks."""
    ways = [1] + [0] * size
    for count in np.unique(blocks, return_counts=True)[1].tolist():
        chosen = [1, count, count * (count - 1) // 2][: each + 1]
        ways = [sum(c * ways[s - j] for j, c in enumerate(chosen) if j <= s) for s in range(size + 1)]
    return ways[size]


def _supports(blocks: Array, size: int, each: int) -> Iterator[tuple[int, ...]]:
    rows = [np.flatnonzero(blocks == block).tolist() for block in np.unique(blocks)]

    def further(place: int, left: int) -> Iterator[tuple[int, ...]]:
        if left == 0:
            yield ()
        elif left <= each * (len(rows) - place):
            for count in range(min(each, left) + 1):
                for rest in further(place + 1, left - count):
                    for chosen in itertools.combinations(rows[place], count):
                        yield (*chosen, *rest)

    return further(0, size)


def searched(
    G: Array, blocks: Array, size: int, each: int = 1, rng: np.random.Generator | None = None, starts: int = 6
) -> Constant:
    """A constant from below: the farthest eigenvalue that a search finds, by power iterations cut down to supports.

    Each start runs the power iteration (Yuan and Zhang 2013) for the largest eigenvalue, and one for the smallest; the
    supports that they end at are then improved by swapping a row at a time until no swap helps.
    """
    G, blocks = _checked(G, blocks, size, each)
    rng = rng or np.random.default_rng(0)
    found: dict[tuple[int, ...], Array] = {}
    for start in rng.standard_normal((integer("starts", starts), len(G))):
        high = _powers(G, blocks, size, each, start)
        low = _powers((1 + distance(G, high)) * np.eye(len(G)) - G, blocks, size, each, start)
        found |= {tuple(sorted(support.tolist())): support for support in (high, low)}
    return max((_swapped(G, blocks, each, support) for support in found.values()), key=lambda c: c.value)


def _powers(A: Array, blocks: Array, size: int, each: int, start: Array) -> Array:
    support = cut(start, blocks, size, each)
    v = start
    for _ in range(STEPS):
        _, vectors = np.linalg.eigh(A[np.ix_(support, support)])
        v = A[:, support] @ vectors[:, -1]
        after = cut(v, blocks, size, each)
        if set(after) == set(support):
            break
        support = after
    return support


def cut(v: Array, blocks: Array, size: int, each: int) -> Array:
    """The support that keeps most of v: in each block the `each` largest moduli, of these the `size` largest."""
    kept: dict[int, int] = {}
    chosen = []
    for row in np.argsort(-np.abs(v), kind="stable").tolist():
        block = int(blocks[row])
        if kept.get(block, 0) < each:
            kept[block] = kept.get(block, 0) + 1
            chosen.append(row)
        if len(chosen) == size:
            break
    return np.array(chosen)


def _swapped(G: Array, blocks: Array, each: int, support: Array) -> Constant:
    """Swaps of one row at a time, the best of all that were tried, until none helps."""
    best = Constant(distance(G, support), tuple(support.tolist()))
    while True:
        options = np.array([row for place in range(len(support)) for row in _others(G, blocks, each, support, place)])
        if not len(options):
            return best
        values = _distances(G, options)
        if not values.max() > best.value + 1e-12:
            return best
        support = options[int(values.argmax())]
        best = Constant(float(values.max()), tuple(support.tolist()))


def _others(G: Array, blocks: Array, each: int, support: Array, place: int) -> list[Array]:
    """The support with the row at `place` replaced by each of the rows that lean most on the extreme eigenvectors."""
    rest = np.delete(support, place)
    _, vectors = np.linalg.eigh(G[np.ix_(rest, rest)]) if len(rest) else (None, np.zeros((0, 1)))
    leaning = np.abs(G[:, rest] @ vectors[:, [0, -1]]).max(1) + 1e-9 * np.abs(np.diag(G) - 1)
    full = {block for block, count in zip(*np.unique(blocks[rest], return_counts=True), strict=True) if count >= each}
    taken = set(support.tolist())
    order = [r for r in np.argsort(-leaning, kind="stable").tolist() if r not in taken and blocks[r] not in full]
    return [np.append(rest, row) for row in order[:TRIED]]


def _checked(G: Array, blocks: Array, size: int, each: int) -> tuple[Array, Array]:
    G, blocks = np.asarray(G, float), np.asarray(blocks)
    if G.ndim != 2 or G.shape[0] != G.shape[1] or blocks.shape != G.shape[:1]:
        raise InputError(f"G must be (rows, rows) with a block for each row, not {G.shape} with {blocks.shape}")
    integer("each", each, high=2)
    integer("size", size, high=int(np.minimum(np.unique(blocks, return_counts=True)[1], each).sum()))
    return G, blocks
