"""What it costs to examine a net: python benchmarks/examine.py [--widths 784 500 500 10] [--images 1000] [--steps 300]

A net of these widths is trained on MNIST (on noise where it is not at hand), and `reversible.examine` asks it all there
is to ask. Printed are the seconds of the whole call and of each part, on the clock and of processors, what was foreseen
of each, and the size of the page. Nothing here is a test: a goal missed is printed.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import reversible
from reversible import data
from reversible.base.arithmetic import here
from reversible.your_net import examination
from reversible.your_net.parts import PARTS, Part
from reversible.your_net.subject import Subject

GOAL = 60  # seconds on two cores
HEAVIEST = 2_000_000  # bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[784, 500, 500, 10])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=300)
    words = parser.parse_args()
    torch.manual_seed(0)
    model = plain(words.widths)
    trained(model, *images_of(True, words.widths), words.steps)
    x, y = images_of(False, words.widths)
    x, y = x[: words.images], y[: words.images]
    examined(model, x, y)


def plain(widths: list[int]) -> nn.Sequential:
    steps = [step for pair in itertools.pairwise(widths) for step in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*steps[:-1])


def images_of(train: bool, widths: list[int]) -> tuple[Tensor, Tensor]:
    """MNIST, or noise with labels by chance."""
    try:
        if widths[0] == 784:
            found = data.load("mnist", train=train)
            return found.scaled(), found.labels
    except data.NotAtHand:
        pass
    return torch.rand(5000, widths[0]), torch.randint(widths[-1], (5000,))


def trained(model: nn.Sequential, x: Tensor, y: Tensor, steps: int) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(steps):
        batch = torch.randint(len(y), (100,))
        optimizer.zero_grad()
        functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimizer.step()


def examined(model: nn.Sequential, x: Tensor, y: Tensor) -> None:
    """The call as it is, each part timed on the way."""
    used: dict[str, float] = {}
    examination.PARTS = tuple(timed(part, used) for part in PARTS)
    begun, before = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "net.html")
        found = reversible.examine(model, x, y, out, seconds=3600)
        size = out.stat().st_size
    clock, processors = time.monotonic() - begun, time.process_time() - before
    subject = Subject.of(model, x, y)
    for each in found.outcomes:
        foreseen = each.part.seconds(subject) if each.said else float("nan")
        cpu = used.get(each.part.name, 0.0)
        print(
            f"{each.part.name}: {each.seconds:.1f} s, of processors {cpu:.1f} s, foreseen {foreseen:.1f} s {each.why}"
        )
    print(
        f"all: {clock:.1f} s (goal < {GOAL}), of processors {processors:.1f} s; page {size:,} bytes "
        f"(goal < {HEAVIEST:,}); on {here()}"
    )


def timed(part: Part, used: dict[str, float]) -> Part:
    """The same part, which adds the processors' seconds that it takes to `used`."""

    def adding(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def called(given: Any) -> Any:
            before = time.process_time()
            try:
                return call(given)
            finally:
                used[part.name] = used.get(part.name, 0.0) + time.process_time() - before

        return called

    return replace(part, measure=adding(part.measure), draw=adding(part.draw))


if __name__ == "__main__":
    main()
