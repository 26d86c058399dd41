"""What errors in noise and the searches for the nearest error cost, beside the bare passes that they need.

    python benchmarks/boundary.py [--only noise|search|descent] [--repeats 5]

*Noise*: halving sigma and counting errors, over forward passes on as many points that lie ready. *Search* and
*descent*: both searches from noisy images, over as many forward and backward passes on batches of the same sizes. What
a bare pass is given is drawn beforehand and not counted; the draws that noise needs are counted on our side alone, so
that part is told by itself.

Nets are 784-500-500-10 and two convolutions, with Gaussian weights. Times are those of this process on one thread.
Nothing here is a test: a goal missed is printed.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import torch
from timing import in_turns, seconds
from torch import Tensor
from torch.nn import functional

from reversible.base.arithmetic import here
from reversible.base.runtime import one_thread
from reversible.nets import boundary
from reversible.nets.boundary import Logits
from reversible.training.stack import initial

PARTS = ("noise", "search", "descent")
GOAL = 1.2
IMAGES, DRAWS, STEPS = 8, 1000, 12
POINTS = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--repeats", type=int, default=5)
    words = parser.parse_args()
    print(f"on {here()}")
    with one_thread():
        for name, logits in nets().items():
            for part in words.only or PARTS:
                {"noise": noise, "search": search, "descent": descent}[part](name, logits, words.repeats)


def nets() -> dict[str, Logits]:
    """By name, functions of images (B, 784)."""
    generator = torch.Generator().manual_seed(0)
    dense = initial((784, 500, 500, 10), generator)
    first, second = (torch.randn(s, generator=generator) * 0.1 for s in ((16, 1, 5, 5), (32, 16, 3, 3)))
    last = torch.randn((10, 32 * 49), generator=generator) * 0.03

    def convolutions(x: Tensor) -> Tensor:
        maps = torch.relu(functional.conv2d(x.view(-1, 1, 28, 28), first, stride=2, padding=2))
        maps = torch.relu(functional.conv2d(maps, second, stride=2, padding=1))
        return maps.flatten(1) @ last.T

    return {"784-500-500-10": dense.logits, "two convolutions": convolutions}


def noise(name: str, logits: Logits, repeats: int) -> None:
    x = torch.rand((IMAGES, 784), generator=torch.Generator().manual_seed(1))
    labels = logits(x).argmax(1)
    ready = torch.randn((DRAWS, 784), generator=torch.Generator().manual_seed(2))

    def own() -> None:
        boundary.sigma_where(logits, x, labels, torch.Generator().manual_seed(3), draws=DRAWS, steps=STEPS)

    @torch.no_grad()
    def bare() -> None:
        for _ in range(IMAGES * STEPS):
            logits(ready)

    def drawing() -> None:
        for _ in range(IMAGES):
            torch.randn((DRAWS, 784), generator=torch.Generator().manual_seed(3))

    draws = statistics.median(seconds(drawing) for _ in range(repeats))
    told(
        f"halving sigma, {name}, {IMAGES * DRAWS * STEPS:,} points", own, bare, repeats, f"; draws alone {draws:.2f} s"
    )


def search(name: str, logits: Logits, repeats: int) -> None:
    x, labels = noisy(logits)

    def own() -> None:
        boundary.nearest_error(logits, x, labels)

    several, each = x.repeat(boundary.RIVALS, 1), labels.repeat(boundary.RIVALS)

    def bare() -> None:
        for _ in range(boundary.STEPS):
            gradient(logits, several, each)
        forward(logits, several, 1)
        forward(logits, x, boundary.HALVINGS + 1)

    told(f"the search, {name}, {len(x)} points", own, bare, repeats)


def descent(name: str, logits: Logits, repeats: int) -> None:
    """Without a stop: a reach at which no error is found, so that all steps are taken by all points."""
    x, labels = noisy(logits)
    steps = 30

    def own() -> None:
        boundary.descend(logits, x, labels, 1e-3, steps)

    def bare() -> None:
        for _ in range(steps):
            gradient(logits, x, labels)
        forward(logits, x, steps + 1 + boundary.HALVINGS)

    told(f"the descent, {name}, {len(x)} points", own, bare, repeats)


def noisy(logits: Logits) -> tuple[Tensor, Tensor]:
    x = torch.rand((POINTS, 784), generator=torch.Generator().manual_seed(4))
    return x, logits(x).argmax(1)


def gradient(logits: Logits, x: Tensor, labels: Tensor) -> None:
    x = x.detach().requires_grad_()
    torch.autograd.grad(functional.cross_entropy(logits(x), labels, reduction="sum"), x)


@torch.no_grad()
def forward(logits: Logits, x: Tensor, times: int) -> None:
    for _ in range(times):
        logits(x)


def told(what: str, own: Callable[[], None], bare: Callable[[], None], repeats: int, more: str = "") -> None:
    """Both in turns, and the ratio of their medians."""
    ours, passes = in_turns(own, bare, repeats=repeats)
    print(
        f"{what}: {ours:.2f} s; bare passes {passes:.2f} s: ratio {ours / passes:.2f} (goal <= {GOAL}){more}",
        flush=True,
    )


if __name__ == "__main__":
    main()
