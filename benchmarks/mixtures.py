"""What the plug-in entropy of a Gaussian mixture costs, over the one matrix of distances that it needs.

    python benchmarks/mixtures.py [--components 10000] [--draws 100000] [--repeats 3]

In 3, 10 and 64 dimensions: seconds of a processor on one thread, over those of the matrix product of draws and
components alone, and over those of the matrix of squared distances, which is the product with both squared lengths
added; in turns, in blocks of the same size. Memory is what the process's peak grew by. Nothing here is a test: a goal
missed is printed.
"""

from __future__ import annotations

import argparse
import resource
import statistics
from collections.abc import Callable

import numpy as np
from timing import seconds

from reversible.base.arithmetic import here
from reversible.base.runtime import one_thread
from reversible.theory.mixtures import BLOCK, entropy

Array = np.ndarray
DIMENSIONS, SIGMA, GOAL = (3, 10, 64), 0.3, 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--components", type=int, default=10_000)
    parser.add_argument("--draws", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    words = parser.parse_args()
    print(f"on {here()}")
    with one_thread():
        for d in DIMENSIONS:
            print(compared(d, words.components, words.draws, words.repeats), flush=True)


def compared(d: int, components: int, draws: int, repeats: int) -> str:
    """A line for one number of dimensions."""
    rng = np.random.default_rng(d)
    y, x = rng.uniform(-1, 1, (components, d)), rng.uniform(-1, 1, (draws, d))
    entropy(y[:100], SIGMA, 100, rng)  # what is loaded once
    before = _peak()
    calls: list[Callable[[], object]] = [
        lambda: entropy(y, SIGMA, draws, rng), lambda: products(x, y), lambda: distances(x, y),
    ]  # fmt: skip
    taken = [[seconds(call) for call in calls] for _ in range(repeats)]
    own, product, matrix = (statistics.median(column) for column in zip(*taken, strict=True))
    goal = "within" if own <= GOAL * matrix else "above"
    return (
        f"{d:3} dimensions: {own:.1f} s, {own / product:.2f} x the product, {own / matrix:.2f} x the distances "
        f"({goal} the goal of {GOAL:g}), {(_peak() - before) >> 10} MiB more memory"
    )


def products(x: Array, y: Array) -> None:
    """All inner products, a block at a time."""
    rows, table = max(1, BLOCK // len(y)), np.ascontiguousarray(y.T)
    block = np.empty((rows, len(y)))
    for at in range(0, len(x), rows):
        part = x[at : at + rows]
        np.matmul(part, table, out=block[: len(part)])


def distances(x: Array, y: Array) -> None:
    """All squared distances, a block at a time."""
    rows, table = max(1, BLOCK // len(y)), np.ascontiguousarray(-2 * y.T)
    mine, theirs = np.square(x).sum(1)[:, None], np.square(y).sum(1)
    block = np.empty((rows, len(y)))
    for at in range(0, len(x), rows):
        part = x[at : at + rows]
        now = block[: len(part)]
        np.matmul(part, table, out=now)
        now += mine[at : at + rows]
        now += theirs


def _peak() -> int:
    """Memory in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
