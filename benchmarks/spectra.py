"""What the analysis of a matrix and of a whole net costs, and how right it is, beside WeightWatcher.

    python benchmarks/spectra.py [--sizes 1024,2048,4096] [--repeats 3] [--draws 5] [--only times|net|errors]

*Times* are those of the process, on one thread: medians of interleaved repeats, over one numpy.linalg.svd of the same
matrix without vectors. *Net* is a file for each distinct shape of LLAMA's layers in bf16, given to the command
`reversible spectrum` once; its seconds and its peak memory are those that Linux counts, and the minutes are those
of two processes that share the layers. *Errors* are on planted matrices: sigma found over sigma planted, spikes found
less planted, and the exponent of a planted power law.

WeightWatcher (0.7.7, with powerlaw 1.5) is left out with a line where it is not installed. It gives no sigma in the
matrix's own unit; it is read off the upper edge of its bulk, sigma^2 (sqrt(n) + sqrt(p))^2. Nothing here is a test: a
goal missed is printed, no more.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import math
import os
import re
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reversible.base.arithmetic import here
from reversible.base.runtime import one_thread
from reversible.papers.arora2015.experiments.instrument import KURTOSIS, Planted, plant
from reversible.spectra import matrix as spectra
from reversible.spectra.verdicts import left

Array = np.ndarray
LLAMA = {  # layers of a net like Llama 2 of 7 billion weights: shape and how many of them
    "embedding and head": ((32000, 4096), 2),
    "query, key, value, output": ((4096, 4096), 4 * 32),
    "gate, up": ((11008, 4096), 2 * 32),
    "down": ((4096, 11008), 32),
}
PARTS = ("times", "net", "errors")
# A child's peak as `wait4` tells it counts its parent's, from before it began; its own is in this file of the kernel.
COMMAND = """import sys
from reversible.cli import main
status = main()
print(open("/proc/self/status", encoding="utf-8").read(), file=sys.stderr)
sys.exit(status)"""
ALPHA = 3.0  # of the planted power law


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1024,2048,4096")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, action="append")
    words = parser.parse_args()
    print(f"on {here()}")
    watching = find_spec("weightwatcher") is not None
    if not watching:
        print("WeightWatcher is not installed and is left out: pip install weightwatcher==0.7.7")
    parts = words.only or PARTS
    square = 0.0
    if "times" in parts:
        with one_thread():
            for size in map(int, words.sizes.split(",")):
                square = times(size, words.repeats, watching)
    if "net" in parts:
        net(square if words.sizes.endswith("4096") else 0.0)
        net(0.0, spread=0.3)
    if "errors" in parts:
        smallest_values(1024)
        errors(words.draws, watching)


# --- times ------------------------------------------------------------------------------------------------------------


def times(size: int, repeats: int, watching: bool) -> float:
    """One planted matrix: what each tool takes, and what it finds; the seconds of WeightWatcher's fullest analysis."""
    planted = Planted(n=size, p=size, kind="gaussian", share=0.01, draws=1, seed=0)
    matrix = plant(planted, np.random.default_rng(0)).astype(np.float32)
    calls: dict[str, Callable[[Array], Any]] = {
        "svd": lambda W: np.linalg.svd(W.astype(float), compute_uv=False),
        "without nulls": lambda W: spectra.analyse(W, nulls=False),
        "with nulls": spectra.analyse,
    }
    if watching:
        calls |= {"WeightWatcher": watched, "WeightWatcher, mp_fit, randomize": fully_watched}
    seconds, found = taken(calls, matrix, repeats)
    print(f"{size} x {size}: one numpy.linalg.svd(compute_uv=False) {seconds['svd']:.2f} s; over it:")
    goals = {"without nulls": " (goal <= 0.5)", "with nulls": " (goal <= 1.0)"}
    for name in [*calls][1:]:
        print(f"  {name:34}{seconds[name] / seconds['svd']:.2f}{goals.get(name, '')}")
    m = found["with nulls"].measured
    print(f"  sigma {m.sigma:.4f}, spikes {m.n_spikes}, alpha {m.alpha:.2f}; planted {planted.sigma:.4f}, "
          f"{planted.spikes}, no power law{_theirs(found, planted)}")  # fmt: skip
    return seconds.get("WeightWatcher, mp_fit, randomize", 0.0)


def _theirs(found: dict[str, Any], planted: Planted) -> str:
    row = found.get("WeightWatcher, mp_fit, randomize")
    if row is None:
        return ""
    return f"; WeightWatcher {sigma_of(row, planted):.4f}, {row['num_spikes']:.0f}, {row['alpha']:.2f}"


def taken(
    calls: dict[str, Callable[[Array], Any]], matrix: Array, repeats: int
) -> tuple[dict[str, float], dict[str, Any]]:
    """The median seconds of this process in each call, taken in turns after a round on a small part; and its result."""
    for call in calls.values():
        call(matrix[:256, :256])
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    found = {}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            found[name] = call(matrix)
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(each) for name, each in seconds.items()}, found


# --- a net ------------------------------------------------------------------------------------------------------------


def net(watched_square: float, spread: float = 0.0) -> None:
    """The whole of LLAMA from its distinct shapes, and its peak memory beside its largest layer in float32.

    With a `spread` of the logarithms of rows' scales all nulls of a layer are decomposed: it cannot cost more.
    """
    weights = sum(n * p * count for (n, p), count in LLAMA.values())
    largest = max(4 * n * p for (n, p), _ in LLAMA.values())
    kind = "rows of unequal scales" if spread else "independent entries"
    print(f"a net of {weights / 1e9:.2f} billion weights in bf16, {kind}, a process for each shape, on one thread:")
    whole, peak = 0.0, 0
    for name, (shape, count) in LLAMA.items():
        seconds, memory, verdict = one_file(shape, spread)
        whole, peak = whole + count * seconds, max(peak, memory)
        print(f"  {count:3} x {shape[0]} x {shape[1]} ({name}): {seconds:.1f} s, {memory >> 20} MiB, {verdict}")
    print(f"  {whole / 120:.0f} minutes on two cores (goal <= 30); peak memory {peak / largest:.2f} times the largest "
          f"layer in float32, {largest >> 20} MiB (goal <= 3)")  # fmt: skip
    if watched_square:
        count = LLAMA["query, key, value, output"][1]
        print(f"  WeightWatcher, mp_fit, randomize: {count * watched_square / 120:.0f} minutes on two cores for the "
              f"{count} square layers alone")  # fmt: skip


def one_file(shape: tuple[int, int], spread: float) -> tuple[float, int, str]:
    """Seconds of a processor, bytes at the peak and the verdict of `reversible spectrum` on a Gaussian layer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "layer.safetensors")
        write(path, shape, spread)
        alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-c", COMMAND, "spectrum", str(path), "--json"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        child = subprocess.run(command, env=alone, capture_output=True, encoding="utf-8", check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", child.stderr)[0])
    return seconds, peak << 10, json.loads(child.stdout)[0]["verdict"]


def write(path: Path, shape: tuple[int, int], spread: float) -> None:
    """A .safetensors of one layer in bf16, written a few rows at a time."""
    n, p = shape
    head = json.dumps({"w.weight": {"dtype": "BF16", "shape": shape, "data_offsets": [0, 2 * n * p]}}).encode()
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for start in range(0, n, 256):
            rows = 0.02 * rng.standard_normal((min(256, n - start), p), dtype=np.float32)
            rows *= np.exp(spread * rng.standard_normal((len(rows), 1), dtype=np.float32))
            file.write(torch.from_numpy(rows).bfloat16().view(torch.uint8).numpy().tobytes())


# --- errors -----------------------------------------------------------------------------------------------------------


def smallest_values(size: int) -> None:
    """What the Gram matrix does to singular values: relative error, by how small they are."""
    rng = np.random.default_rng(1)
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2))
    true = np.geomspace(1, 1e-9, size)
    matrix = (left * true) @ right.T
    found = np.sqrt(np.maximum(np.linalg.eigvalsh(matrix.T @ matrix)[::-1], 0))
    print(f"relative error of singular values from the Gram matrix, {size} x {size}, by size over the largest:")
    for low in (1e-2, 1e-4, 1e-6, 1e-8):
        inside = (true >= low) & (true < 100 * low)
        print(f"  from {low:g}: at most {np.abs(found[inside] / true[inside] - 1).max():.1e}")


def errors(draws: int, watching: bool) -> None:
    """Both tools on the same planted matrices."""
    print(f"planted matrices, {draws} draws each: largest error of sigma, largest error in the number of spikes")
    print(f"  {'n x p, entries, spikes':34}{'reversible':22}{'WeightWatcher' if watching else ''}")
    for n, p in ((512, 512), (1024, 512), (1024, 1024)):
        for kind in KURTOSIS:
            for share in (0.0, 0.03, 0.1):
                planted = Planted(n=n, p=p, kind=kind, share=share, draws=draws, seed=0)
                print(f"  {f'{n} x {p}, {kind}, {planted.spikes}':34}" + "".join(_errors(planted, watching)))
    ours, theirs = [], []
    for draw in range(draws):
        matrix = power_law((512, 512), np.random.default_rng(draw))
        ours.append(spectra.analyse(matrix, nulls=False).measured.alpha or math.nan)
        theirs += [watched(matrix)["alpha"]] if watching else []
    beside = f"; WeightWatcher {min(theirs):.2f} to {max(theirs):.2f}" if watching else ""
    print(f"  512 x 512, squared singular values of a power law of alpha {ALPHA:g}: alpha {min(ours):.2f} to "
          f"{max(ours):.2f}{beside}")  # fmt: skip


def power_law(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """A matrix whose squared singular values are drawn from a power law of exponent ALPHA."""
    left, right = (np.linalg.qr(rng.standard_normal((size, min(shape))))[0] for size in shape)
    return (left * rng.random(min(shape)) ** (-0.5 / (ALPHA - 1))) @ right.T


def _errors(p: Planted, watching: bool) -> list[str]:
    ours, theirs = [], []
    for draw in range(p.draws):
        matrix = plant(p, np.random.default_rng([p.seed, draw]))
        m = spectra.analyse(matrix, nulls=False).measured
        ours.append((abs((m.sigma or math.inf) / p.sigma - 1), abs(left(m) - p.spikes)))
        if watching:
            row = watched(matrix, mp_fit=True)
            theirs.append((abs(sigma_of(row, p) / p.sigma - 1), abs(row["num_spikes"] - p.spikes)))
    both = [found for found in (ours, theirs) if found]
    return [f"{f'{max(s for s, _ in found):.1%}, {max(c for _, c in found):.0f}':22}" for found in both]


# --- WeightWatcher ----------------------------------------------------------------------------------------------------


def watched(matrix: Array, **options: Any) -> dict[str, Any]:
    """WeightWatcher's row of a net whose only layer has this matrix."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import weightwatcher

        layer = torch.nn.Linear(*matrix.shape, bias=False)
        layer.weight.data = torch.tensor(matrix.T.copy()).float()
        watcher = weightwatcher.WeightWatcher(model=torch.nn.Sequential(layer), log_level=logging.ERROR)
        return watcher.analyze(plot=False, **options).iloc[0].to_dict()


def fully_watched(matrix: Array) -> dict[str, Any]:
    """With its fit of a bulk, and the random matrix that it sets beside."""
    return watched(matrix, mp_fit=True, randomize=True)


def sigma_of(row: dict[str, Any], p: Planted) -> float:
    """Its noise level in the matrix's own unit."""
    return math.sqrt(row["bulk_max"]) / (math.sqrt(p.n) + math.sqrt(p.p))


if __name__ == "__main__":
    main()
