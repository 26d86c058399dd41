"""Pooling that takes the largest of a window, in ReLUs: max(a, b) = a + relu(b - a), and a code has a = relu(a).

So a net with such pooling is affine on pieces like any other, and where another entry of a window becomes the largest
it switches.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reversible.nets.layered import Layered, Pool
from reversible.nets.program import RELU, Affine, Program, Step, affine_of, mean_of

Array = np.ndarray


def program_of(net: Layered) -> Program:
    """The steps of a net with any pooling; InputError for weights that are not finite."""
    steps: list[Step] = []
    for stage in net.stages:
        steps += [affine_of(stage.read), RELU]
        channels = stage.read.gives[0]
        for pool in stage.pools:
            steps += _largest(pool, channels) if pool.largest else [mean_of(pool, channels)]
    return Program(tuple(steps[:-1]), int(np.prod(net.shape)))


def _largest(pool: Pool, channels: int) -> list[Step]:
    """One round of pairs after another, until each window has one entry left."""
    windows, places, each = _windows(pool, channels), channels * int(np.prod(pool.gives)), int(np.prod(pool.window))
    steps: list[Step] = [Affine(windows, np.zeros(places * each))]
    while each > 1:
        steps += [_pairs(_apart, places, each, each), RELU, _pairs(_together, places, each, -(-each // 2))]
        each = -(-each // 2)
    return steps


def _windows(pool: Pool, channels: int) -> Callable[[Array], Array]:
    """Maps as their windows: (B, channels * size) -> (B, places * entries of a window)."""
    (rows, columns), (down, across) = pool.gives, pool.window

    def apart(h: Array) -> Array:
        maps = h.reshape(-1, channels, *pool.size)[:, :, : rows * down, : columns * across]
        split = maps.reshape(-1, channels, rows, down, columns, across).swapaxes(3, 4)
        return split.reshape(len(h), channels * rows * columns * down * across)

    return apart


def _pairs(of: Callable[[Array], Array], places: int, each: int, given: int) -> Affine:
    """`of`, which takes windows (B, places, each), on rows of numbers."""
    return Affine(lambda h: of(h.reshape(len(h), places, each)).reshape(len(h), -1), np.zeros(places * given))


def _apart(h: Array) -> Array:
    """Of each pair a, b of a window a and b - a; an odd one is left as it is."""
    h = h.copy()
    paired = h.shape[2] // 2 * 2
    h[:, :, 1:paired:2] -= h[:, :, 0:paired:2]
    return h


def _together(h: Array) -> Array:
    """Of each pair the sum, with the odd one."""
    summed = h[:, :, ::2].copy()
    summed[:, :, : h.shape[2] // 2] += h[:, :, 1::2]
    return summed
