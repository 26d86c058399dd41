"""What `spectra.analyse` costs beside a singular value decomposition and beside WeightWatcher, and how right both are.

    python benchmarks/spectra.py [--size 4096] [--repeats 3] [--draws 5]

Times are ratios within one run: medians of interleaved repeats, all on the same threads. Errors are on planted
matrices: sigma found over sigma planted, and spikes found less planted. WeightWatcher (0.7.7, with powerlaw 1.5) gives
no sigma in the matrix's own unit; it is read off the upper edge of its bulk, sigma^2 (sqrt(n) + sqrt(p))^2. Nothing
here is a test: a goal missed is printed, no more.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import math
import warnings
from typing import Any

import numpy as np
import torch
from simulate import interleaved

from reversible.base.arithmetic import here
from reversible.papers.arora2015.experiments.instrument import KURTOSIS, Planted, plant
from reversible.spectra import matrix as spectra
from reversible.spectra.verdicts import left

Array = np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--draws", type=int, default=5)
    words = parser.parse_args()
    times(words.size, words.repeats)
    smallest_values(min(words.size, 1024))
    errors(words.draws)


def times(size: int, repeats: int) -> None:
    """Analysis with and without nulls, and WeightWatcher without and with its fit and random matrix, over one svd."""
    matrix = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
    svd, bare, nulls, watcher, full_watcher = interleaved(
        [
            lambda: np.linalg.svd(matrix.astype(float), compute_uv=False),
            lambda: spectra.analyse(matrix, nulls=False),
            lambda: spectra.analyse(matrix),
            lambda: watched(matrix),
            lambda: watched(matrix, mp_fit=True, randomize=True),
        ],
        repeats,
    )
    print(
        f"time of a {size} x {size} layer over one numpy.linalg.svd(compute_uv=False) of it, {svd:.2f} s, on {here()}:"
    )
    print(f"  without nulls   {bare / svd:.2f} (goal <= 0.7)   WeightWatcher                    {watcher / svd:.2f}")
    print(
        f"  with nulls      {nulls / svd:.2f} (goal <= 2.5)   WeightWatcher, mp_fit, randomize {full_watcher / svd:.2f}"
    )


def smallest_values(size: int) -> None:
    """What the Gram matrix does to singular values: relative error, by how small they are."""
    rng = np.random.default_rng(1)
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2))
    true = np.geomspace(1, 1e-9, size)
    matrix = (left * true) @ right.T
    found = np.sqrt(np.maximum(np.linalg.eigvalsh(matrix.T @ matrix)[::-1], 0))
    print(
        f"relative error of singular values from the Gram matrix, {size} x {size}, by size over the largest, "
        f"on {here()}:"
    )
    for low in (1e-2, 1e-4, 1e-6, 1e-8):
        inside = (true >= low) & (true < 100 * low)
        print(f"  from {low:g}: at most {np.abs(found[inside] / true[inside] - 1).max():.1e}")


def errors(draws: int) -> None:
    """Both tools on the same planted matrices."""
    print(
        f"planted matrices, {draws} draws each: largest error of sigma, largest error in the number of spikes, "
        f"on {here()}"
    )
    print(f"  {'n x p, entries, spikes':34}{'reversible':22}WeightWatcher")
    for n, p in ((512, 512), (1024, 512), (1024, 1024)):
        for kind in KURTOSIS:
            for share in (0.0, 0.03, 0.1):
                planted = Planted(n=n, p=p, kind=kind, share=share, draws=draws, seed=0)
                print(f"  {f'{n} x {p}, {kind}, {planted.spikes}':34}" + "".join(_errors(planted)))


def _errors(p: Planted) -> list[str]:
    ours, theirs = [], []
    for draw in range(p.draws):
        matrix = plant(p, np.random.default_rng([p.seed, draw]))
        m = spectra.analyse(matrix, nulls=False).measured
        row = watched(matrix, mp_fit=True)
        sigma = math.sqrt(row["bulk_max"]) / (math.sqrt(p.n) + math.sqrt(p.p))
        assert m.sigma is not None
        ours.append((abs(m.sigma / p.sigma - 1), abs(left(m) - p.spikes)))
        theirs.append((abs(sigma / p.sigma - 1), abs(row["num_spikes"] - p.spikes)))
    return [f"{f'{max(s for s, _ in found):.1%}, {max(c for _, c in found):.0f}':22}" for found in (ours, theirs)]


def watched(matrix: Array, **options: Any) -> dict[str, Any]:
    """WeightWatcher's row of a net whose only layer has this matrix."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import weightwatcher

        layer = torch.nn.Linear(*matrix.shape, bias=False)
        layer.weight.data = torch.tensor(matrix.T.copy()).float()
        watcher = weightwatcher.WeightWatcher(model=torch.nn.Sequential(layer), log_level=logging.ERROR)
        return watcher.analyze(plot=False, **options).iloc[0].to_dict()


if __name__ == "__main__":
    main()
