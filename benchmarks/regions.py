"""What it costs to count the pieces of a net, beside a forward pass, relucent and sampling.

    python benchmarks/regions.py [--only line|plane|beside|sampled] [--repeats 3]

*Line*: all pieces of whole lines through nets of 10,000 neurons, over one batched forward pass in double precision over
as many points as there are pieces. *Plane*: windows of a plane with 100, 200 and 300 neurons; Euler's formula is
checked in each run, and memory is the process's peak less what it held before. *Beside*: relucent 1.0, which searches
from piece to neighbour, on the same nets and windows; it is left out with a line where it is not installed. *Sampled*:
what points in a window find of its pieces in as much time as it takes to count them all.

Times are those of the process and its children, on one thread. Nothing here is a test: a goal missed is printed.
"""

from __future__ import annotations

import argparse
import itertools
import math
import re
import resource
import statistics
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from reversible.base.arithmetic import here
from reversible.base.runtime import one_thread
from reversible.nets.pieces import pieces, whole_line
from reversible.nets.polygons import Tiling, Window, tiling
from reversible.nets.program import RELU, Affine, Program

Array = np.ndarray
Layers = list[tuple[Array, Array]]
PARTS = ("line", "plane", "beside", "sampled")
LINES = {"10 layers of 1,000": (100, *[1000] * 10, 10), "2 layers of 5,000": (100, 5000, 5000, 10)}
PLANES = {100: (2, 50, 50, 1), 200: (2, *[50] * 4, 1), 300: (2, *[50] * 6, 1)}
BESIDE = ((2, 8, 1), (2, 8, 8, 1), (2, 12, 12, 1))
REACH = 3.0  # windows are squares of twice this side
TOGETHER = 5000  # samples at once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--repeats", type=int, default=3)
    words = parser.parse_args()
    print(f"on {here()}")
    with one_thread(), torch.no_grad():
        for part in words.only or PARTS:
            {"line": lines, "plane": planes, "beside": beside, "sampled": sampled}[part](words.repeats)


def layers(widths: tuple[int, ...], seed: int = 0) -> Layers:
    """Gaussian weights with variance two over the inputs, and biases with standard deviation 0.3."""
    rng = np.random.default_rng(seed)
    return [
        (rng.standard_normal((m, n)) * math.sqrt(2 / n), 0.3 * rng.standard_normal(m))
        for n, m in itertools.pairwise(widths)
    ]


def seconds_of(call: Callable[..., Any], *values: Any) -> tuple[float, Any]:
    """Seconds of a processor, in this process and in those that it waits for, and what the call gives."""
    before = _used()
    given = call(*values)
    return _used() - before, given


def _used() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


# --- along a line -----------------------------------------------------------------------------------------------------


def lines(repeats: int) -> None:
    """All pieces of a line over a forward pass, in turns."""
    for name, widths in LINES.items():
        weights = layers(widths)
        net, model, rng = Program.of(weights), module_of(weights), np.random.default_rng(1)
        line = whole_line(*rng.standard_normal((2, widths[0])))
        count = pieces(net, line).activation_regions
        points = torch.from_numpy(line.at(np.linspace(-1.5, 1.5, count)))
        model(points)
        spent = [(seconds_of(pieces, net, line)[0], seconds_of(model, points)[0]) for _ in range(repeats)]
        own, bare = (statistics.median(column) for column in zip(*spent, strict=True))
        print(
            f"line, {name} neurons: {count:,} pieces in {own:.1f} s, {count / own:,.0f} a second; a forward pass over "
            f"as many points {bare:.1f} s: ratio {own / bare:.2f} (goal <= 3)",
            flush=True,
        )


def module_of(weights: Layers) -> nn.Sequential:
    """The same net in torch, in double precision."""
    steps: list[nn.Module] = []
    for W, b in weights:
        steps += [nn.Linear(*W.shape[::-1], dtype=torch.float64), nn.ReLU()]
        for own, values in zip(steps[-2].parameters(), (W, b), strict=True):
            own.copy_(torch.from_numpy(values))
    return nn.Sequential(*steps[:-1])


# --- in a plane -------------------------------------------------------------------------------------------------------


def planes(repeats: int) -> None:
    """Seconds and memory of windows of nets with layers of 50."""
    for neurons, widths in PLANES.items():
        net, window = Program.of(layers(widths)), square()
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the high-water mark begins again
        before = _status("VmRSS")
        spent, found = seconds_of(tiling, net, window)
        used = _status("VmHWM") - before
        count = found.activation_regions
        goal = " (goal < 60 s)" if neurons == max(PLANES) else ""
        print(
            f"plane, {neurons} neurons: {count:,} pieces in {spent:.1f} s{goal}, {count / spent:,.0f} a second; "
            f"{used / count / 1024:.1f} KiB a piece; corners - edges + pieces = {found.euler}",
            flush=True,
        )


def square() -> Window:
    return Window.of([0, 0], [1, 0], [0, 1], (-REACH, -REACH), (REACH, REACH))


def _status(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert found
    return int(found[1]) << 10


# --- beside others ----------------------------------------------------------------------------------------------------


def beside(repeats: int) -> None:
    """relucent and this library: pieces that meet a window, and seconds."""
    if find_spec("relucent") is None:
        print("relucent is not installed and is left out: pip install relucent==1.0.0")
        return
    for widths in BESIDE:
        weights = layers(widths)
        own, found = seconds_of(tiling, Program.of(weights), square())
        other, count = seconds_of(searched, weights)
        same = "the same" if count == found.activation_regions else "ANOTHER NUMBER"
        print(
            f"beside, {widths}: {found.activation_regions} pieces in {own:.3f} s, "
            f"{found.activation_regions / own:,.0f} a second; relucent {count} ({same}) in {other:.1f} s, "
            f"{count / other:,.0f} a second",
            flush=True,
        )


def searched(weights: Layers) -> int:
    """How many pieces relucent finds that meet the window."""
    relucent = import_module("relucent")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = relucent.Complex(module_of(weights))
        found.bfs(nworkers=1, verbose=0, cube_radius=REACH, cube_mode="intersect")
    return len(found)


def sampled(repeats: int) -> None:
    """The share of all pieces that points find, drawn evenly from the window, in the time that counting them takes."""
    for neurons, widths in PLANES.items():
        weights = layers(widths)
        net = Program.of(weights)
        budget, found = seconds_of(tiling, net, square())
        seen, points = drawn(net, budget)
        every = found.activation_regions
        print(
            f"sampled, {neurons} neurons: {points:,} points in {budget:.1f} s find {seen:,} of {every:,} pieces and "
            f"miss {1 - seen / every:.1%}; {smallest(found)}",
            flush=True,
        )


def drawn(net: Program, budget: float) -> tuple[int, int]:
    """Distinct patterns at random points, for so many seconds, and how many points that were."""
    rng, seen, points, start = np.random.default_rng(2), np.empty((0,), "V1"), 0, _used()
    while _used() - start < budget:
        bits = patterns(net, square().at(rng.uniform(-REACH, REACH, (TOGETHER, 2))))
        new = np.ascontiguousarray(bits).view(f"V{bits.shape[1]}").ravel()
        seen = np.unique(np.concatenate([seen.astype(new.dtype), new]) if points else new)
        points += TOGETHER
    return len(seen), points


def patterns(net: Program, x: Array) -> Array:
    """Which neurons are active at points, as bits."""
    active = []
    for step in net.steps:
        if isinstance(step, Affine):
            x = step.linear(x) + step.bias
        elif step == RELU:
            active.append(x > 0)
            x = np.maximum(x, 0)
    return np.packbits(np.concatenate(active, 1), axis=1)


def smallest(found: Tiling) -> str:
    """How small pieces are."""
    areas = np.sort(found.areas) / (2 * REACH) ** 2
    return f"half of the pieces have less than {areas[len(areas) // 2]:.1e} of the window, the least {areas[0]:.0e}"


if __name__ == "__main__":
    main()
