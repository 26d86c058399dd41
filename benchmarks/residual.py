"""What it costs to send a residual unit backwards: python benchmarks/residual.py [--h 1000] [--batch 100] [--repeats N]

Pattern Newton for a batch of right-hand sides that share one matrix, over one batched LU decomposition of as many
matrices of the same size; and the seconds of the exact test for P-matrices, beside that by all minors. Repeats of what
is compared are interleaved and medians are taken, on one thread. Nothing here is a test: a goal missed is printed.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from simulate import interleaved

from reversible.base.arithmetic import here
from reversible.base.runtime import one_thread
from reversible.nets.p_matrices import minors, pivots
from reversible.nets.residual import newton


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--h", type=int, default=1000, help="hidden units")
    parser.add_argument("--batch", type=int, default=100, help="right-hand sides")
    parser.add_argument("--repeats", type=int, default=3)
    words = parser.parse_args()
    with one_thread():
        by_newton(words.h, words.batch, words.repeats)
        by_minors(words.repeats)


def by_newton(h: int, batch: int, repeats: int) -> None:
    """A Gram matrix, on which the plain iteration fails, and a Gaussian one, on which it arrives."""
    rng = np.random.default_rng(0)
    G, v = rng.standard_normal((h, h)), rng.standard_normal((batch, h))
    for name, A in (("Gram", G @ G.T / h), ("Gaussian", 0.6 * G / np.sqrt(h))):
        pieces = torch.from_numpy(np.eye(h) + A).expand(batch, h, h).contiguous()
        solved, bare = interleaved(
            [lambda A=A: newton(A, v), lambda pieces=pieces: torch.linalg.lu_factor(pieces)], repeats
        )
        found = newton(A, v)
        print(
            f"{name} A, h = {h}, batch {batch}: {solved:.2f} s in at most {found.steps.max()} patterns, one batched LU "
            f"{bare:.2f} s: ratio {solved / bare:.2f} (goal <= 5), {found.converged.mean():.0%} solved, on {here()}"
        )


def by_minors(repeats: int) -> None:
    """The exact test of 500 matrices of 8 and 12 units and of 100 of 14, and of the first by determinants."""
    rng = np.random.default_rng(0)
    for h, count, goal in ((8, 500, 0.2), (12, 500, 3.0), (14, 100, 3.0)):
        M = np.eye(h) + 0.5 * rng.standard_normal((count, h, h)) / np.sqrt(h)
        (seconds,) = interleaved([lambda M=M: pivots(M)], repeats)
        beside = ""
        if h == 8:
            (slow,) = interleaved([lambda M=M: minors(M)], repeats)
            beside = f"; by all minors {slow:.2f} s"
        print(f"exact test of {count} matrices of {h} units: {seconds:.2f} s (goal <= {goal:g}){beside}")


if __name__ == "__main__":
    main()
