"""What the simulator costs beside its bare arithmetic: python benchmarks/simulate.py [--device cuda] [--ratio]

Prints, for n = 4096, m = 1024 and 1024 codes a W, three numbers with their goals, and what they were measured on;
with --ratio the first of them alone.
Repeats of what is compared are interleaved and medians are taken, since machines are noisy. Nothing here is a test: a
goal missed is printed, no more.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from reversible.base.arithmetic import here
from reversible.base.runtime import MEMORY_BUDGET, one_thread, trial_generator
from reversible.random_nets.one_layer import DTYPES, OneLayer, memory_needed, one_layer_trial
from reversible.runs.executors import executor

# Of one H200, dense: float32 outside the tensor cores in FLOP/s, memory in bytes/s. Another GPU: --peak, --bandwidth.
PEAK, BANDWIDTH = 67e12, 4.8e12


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--ratio", action="store_true", help="nothing but the time over the bare arithmetic")
    parser.add_argument("--n", type=int, default=4096, help="a power of two; m and the codes are a quarter of it")
    parser.add_argument("--peak", type=float, default=PEAK, help="of the GPU in float32, FLOP/s")
    parser.add_argument("--bandwidth", type=float, default=BANDWIDTH, help="of the GPU's memory, bytes/s")
    words = parser.parse_args(argv)
    p = OneLayer(n=words.n, m=words.n // 4, k=20, batch=words.n // 4, trials=2, device=words.device)
    print(f"n = {p.n}, m = {p.m}, {p.batch} codes a W, {p.dtype} on {p.device}, medians of {words.repeats} repeats")
    if p.device == "cuda":
        on_gpu(p, words.repeats, words.peak, words.bandwidth)
        return
    on_cpu(p, words.repeats)
    if not words.ratio:
        memory(p)
        two_workers(p, 24)


def on_cpu(p: OneLayer, repeats: int) -> None:
    """The simulator over the two matrix products and drawing W, on one thread both."""
    with one_thread():
        whole, bare = interleaved([lambda: one_layer_trial(p, 0), lambda: bare_products(p)], repeats)
    print(
        f"time       {whole * 1e3:.1f} ms a W, bare {bare * 1e3:.1f} ms: ratio {whole / bare:.3f} (goal <= 1.25) "
        f"on {here()}"
    )


def bare_products(p: OneLayer) -> torch.Tensor:
    """Drawing W, W h and W^T x: all that cannot be left out."""
    generator = trial_generator(p.seed, 0, p.device)
    W = torch.randn(p.n, p.m, generator=generator, dtype=DTYPES[p.dtype], device=p.device)
    h = torch.ones(p.batch, p.m, dtype=W.dtype, device=p.device)
    return (h @ W.T) @ W


def interleaved(calls: list[Callable[[], object]], repeats: int) -> list[float]:
    """The median seconds of each call, taken in turns after one round to warm up."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats + 1):
        for call, mine in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call()
            mine.append(time.perf_counter() - start)
    return [statistics.median(mine[1:]) for mine in seconds]


def on_gpu(p: OneLayer, repeats: int, peak: float, bandwidth: float) -> None:
    """The simulator over what the card's arithmetic or its memory allow at best, whichever is slower.

    Two products of 2 n m B operations each; W is written once and read twice, x (B, n) and y (B, m) are written and
    read once, h (B, m) is written and read once.
    """
    flop = 2 * 2 * p.n * p.m * p.batch
    moved = DTYPES[p.dtype].itemsize * (3 * p.n * p.m + 2 * p.batch * p.n + 4 * p.batch * p.m)
    bound = max(flop / peak, moved / bandwidth)

    def trial() -> None:
        one_layer_trial(p, 0)
        torch.cuda.synchronize()

    def bare() -> None:
        bare_products(p)
        torch.cuda.synchronize()

    whole, products = interleaved([trial, bare], repeats)
    print(f"time       {whole * 1e3:.3f} ms a W, bare {products * 1e3:.3f} ms, bound {bound * 1e3:.3f} ms "
          f"beside {here()}")  # fmt: skip
    print(f"           ratio to the bound {whole / bound:.2f} (goal <= 1.5) beside {here()}")
    print(f"memory     {torch.cuda.max_memory_allocated() >> 20} MiB on the card, "
          f"promised {memory_needed(p) >> 20} MiB beside {here()}")  # fmt: skip


def memory(p: OneLayer) -> None:
    """The process's peak while a fresh process runs two trials, beyond what it held before."""
    with executor(2) as pool:
        assert pool
        used = pool.submit(peak_of_trials, p).result()
    promised = memory_needed(p)
    print(
        f"memory     {used >> 20} MiB at the peak, promised {promised >> 20} MiB, "
        f"budget {MEMORY_BUDGET >> 20} MiB: {used / MEMORY_BUDGET:.0%} (goal <= 100 %) on {here()}"
    )


def peak_of_trials(p: OneLayer) -> int:
    """Bytes of resident memory, library and all its imports included, at the peak less at the start; Linux only."""
    one_layer_trial(OneLayer(n=64, m=8, k=2), 0)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the high-water mark begins again
    for trial in range(p.trials):
        one_layer_trial(p, trial)
    return _status("VmHWM") - before


def _status(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert found
    return int(found[1]) << 10


def two_workers(p: OneLayer, trials: int) -> None:
    """The same trials on one process and on two, both warm."""
    with executor(2) as two, executor(2) as spare:
        assert two
        assert spare

        def on_two() -> None:
            list(two.map(trial_of, [(p, trial) for trial in range(trials)]))

        def on_one() -> None:  # a chain: each trial waits for the one before, so that one process is busy
            for trial in range(trials):
                spare.submit(trial_of, (p, trial)).result()

        one, both = interleaved([on_one, on_two], 3)
    print(
        f"speed-up   {one:.2f} s on one worker, {both:.2f} s on two: {one / both:.2f} (goal >= 1.8 on two free cores) "
        f"on {here()}"
    )


def trial_of(task: tuple[OneLayer, int]) -> None:
    one_layer_trial(*task)


if __name__ == "__main__":
    main()
