"""How often chance makes two estimates of one thing disagree: python benchmarks/agreement.py [--pairs N] [--draws N]

First for simulated repeats, far into the tail: of N pairs of intervals, how many lie apart at the level that decides,
over how many are allowed to. Then for the book's own experiments in the smoke profile: every measure that decides a
claim, from runs with fresh seeds, pair by pair. Nothing here is a test: what is missed is printed, no more.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from reversible.base.arithmetic import here
from reversible.base.estimates import Estimate
from reversible.papers import EXPERIMENTS
from reversible.records.claims import read_claims
from reversible.records.compare import deciding, has_interval, p_value
from reversible.records.record import book_folder
from reversible.runs.experiment import on_one_thread

LEVELS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 2e-7)
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
DRAWS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "uniform": lambda rng, shape: rng.random(shape),
    "exponential": lambda rng, shape: rng.standard_exponential(shape),
    "log-normal": lambda rng, shape: rng.lognormal(size=shape),
    "one in five": lambda rng, shape: (rng.random(shape) < 0.2).astype(float),
}
SIZES = ((4, 4), (10, 10), (4, 40), (10, 200))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=2_000_000)
    parser.add_argument("--draws", type=int, default=5, help="runs of all experiments with fresh seeds")
    words = parser.parse_args()
    print(f"on {here()}")
    for name, sizes in itertools.product(DRAWS, SIZES):
        shares = tail(name, sizes, words.pairs if max(sizes) < 100 else words.pairs // 10)
        print(f"{name:12} {sizes[0]:3} and {sizes[1]:3} repeats, over allowed: {shares}", flush=True)
    fresh(words.draws)


def tail(name: str, sizes: tuple[int, int], pairs: int) -> str:
    """The share of `pairs` of t intervals that are apart at each level, over the level."""
    rng, counts, chunk = np.random.default_rng(0), np.zeros(len(LEVELS)), 20_000
    for _ in range(pairs // chunk):
        (a, spread_a), (b, spread_b) = (of_many(DRAWS[name](rng, (chunk, n))) for n in sizes)
        judged = np.minimum(spread_a, spread_b) > 0
        scale = np.maximum(spread_a, spread_b)[judged] * np.sqrt(sum(1 / n for n in sizes))
        found = 2 * special.stdtr(sum(sizes) - 2, -np.abs(a - b)[judged] / scale)
        counts += [(found < level).sum() for level in LEVELS]
    return ", ".join(f"{count / pairs / level:.2g} at {level:g}" for count, level in zip(counts, LEVELS, strict=True))


def of_many(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each row the mean, and what `compare.p_value` takes for the spread of a repeat."""
    wider = special.stdtrit(values.shape[1] - 1, 0.975) / 1.96
    return values.mean(1), wider * values.std(1, ddof=1)


def fresh(draws: int) -> None:
    """p-values of the deciding measures between runs of the smoke profile with seeds of their own."""
    claims = read_claims(book_folder())
    found: list[tuple[float, str]] = []
    for name in EXPERIMENTS:
        asked = EXPERIMENTS[name]
        names = [m for m in deciding(claims, name) if not asked.is_score(m) and not asked.is_timed(m)]
        runs = [measures(name, draw) for draw in range(draws)] if names else []
        for measure, (one, other) in itertools.product(names, itertools.combinations(runs, 2)):
            a, b = one.get(measure), other.get(measure)
            if a and b and has_interval(a) and has_interval(b):
                found.append((p_value(a, b), f"{name}, {measure}"))
    shares = ", ".join(f"{np.mean([p < level for p, _ in found]):.3g} below {level:g}" for level in (0.05, 0.01, 0.001))
    print(f"{len(found)} pairs of runs with fresh seeds: {shares}; the smallest {min(found)}")


def measures(name: str, draw: int) -> dict[str, Estimate]:
    """Of the experiment's smoke profile with other seeds."""
    experiment = EXPERIMENTS[name]
    cells = [other_seed(cell, 100_000 * (draw + 1)) for cell in experiment.cells("smoke")]
    pairs = [(cell, on_one_thread(experiment.run_cell, cell)) for cell in cells]
    return experiment.measure(pairs)


def other_seed(cell: Any, by: int) -> Any:
    """The cell with its seeds moved up."""
    if hasattr(cell, "training") and cell.training:
        return replace(cell, training=other_seed(cell.training, by))
    if hasattr(cell, "seeds"):
        return replace(cell, seeds=tuple(seed + by for seed in cell.seeds))
    return replace(cell, seed=cell.seed + by) if hasattr(cell, "seed") else cell


if __name__ == "__main__":
    main()
