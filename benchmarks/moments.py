"""What it costs to follow signal and noise through deep nets, beside the bare matrix products of the same nets.

    python benchmarks/moments.py [--only one|stack|law] [--repeats 3]

*One*: a normalised net of depth 200 and width 512 with 64 images, weights drawn on the way, with all moments of each
layer, over its bare work: the same draws of weights and the same products. *Stack*: as many narrow nets side by side as
one after the other. *Law*: what the laws cost for a thousand layers or units.

Times are those of this process, on one thread. Nothing here is a test: a goal missed is printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from timing import in_turns, seconds

from reversible.base.arithmetic import here
from reversible.base.runtime import one_thread, trial_generator
from reversible.papers.labatie2019 import laws
from reversible.papers.labatie2019.depth import feed_forward
from reversible.papers.labatie2019.signals import Signals

PARTS = ("one", "stack", "law")
LAYERS, WIDTH, IMAGES = 200, 512, 64
NETS, NARROW, FEW = 32, 64, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--repeats", type=int, default=3)
    words = parser.parse_args()
    print(f"on {here()}")
    with one_thread(), torch.no_grad():
        for part in words.only or PARTS:
            {"one": one, "stack": stack, "law": law}[part](words.repeats)


def signals(nets: int, width: int, images: int) -> Signals:
    """Standard normal signal and noise."""
    y = torch.randn(nets, 2 * images, width, generator=trial_generator(0, 0))
    return Signals(y, torch.zeros(nets, dtype=torch.float64), [trial_generator(1, net) for net in range(nets)])


def moments(nets: int, width: int, images: int) -> Callable[[], Any]:
    """The whole: draws, products, batch normalisation, ReLU and moments."""
    return lambda: feed_forward(signals(nets, width, images), True, "relu", (LAYERS,))


def bare(nets: int, width: int, images: int) -> Callable[[], Any]:
    """The draws and products alone."""

    def run() -> None:
        s = signals(nets, width, images)
        for _ in range(LAYERS):
            s.weigh(1.0)

    return run


def one(repeats: int) -> None:
    """One net, in turns with its bare work."""
    own, other = moments(1, WIDTH, IMAGES), bare(1, WIDTH, IMAGES)
    whole, least = in_turns(own, other, repeats=repeats)
    print(
        f"one, {LAYERS} layers of {WIDTH}, {IMAGES} images: {whole:.2f} s, its draws and products {least:.2f} s: "
        f"ratio {whole / least:.2f} (goal <= 1.3)",
        flush=True,
    )


def stack(repeats: int) -> None:
    """Many narrow nets side by side and one after the other."""
    together, single = moments(NETS, NARROW, FEW), moments(1, NARROW, FEW)
    side, alone = in_turns(together, single, repeats=repeats)
    print(
        f"stack, {NETS} nets of {LAYERS} layers of {NARROW}: {side:.2f} s side by side, {NETS * alone:.2f} s one after "
        f"the other: ratio {side / (NETS * alone):.2f}",
        flush=True,
    )


def law(repeats: int) -> None:
    """Laws of a thousand layers or units."""
    units, shares = np.arange(1, 1001), np.full(1000, 0.7)
    calls = {
        "sizes of an input, width 512": lambda: laws.log_length(512),
        "1,000 residual units": lambda: (laws.residual_chi(units, 0.7, 2.3), laws.residual_steps(shares, 2 * shares)),
        "an integral over 63 eigenvalues": lambda: laws.ratio_of_squares(np.ones(63), np.ones(63), 1.0),
    }
    for name, call in calls.items():
        print(f"law, {name}: {1000 * min(seconds(call) for _ in range(repeats)):.1f} ms", flush=True)


if __name__ == "__main__":
    main()
