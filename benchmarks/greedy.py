"""What an epoch on kept features costs, beside the bare products of the layer that is trained.

    python benchmarks/greedy.py [--repeats 5]

*Stage*: an epoch of one stage of greedy training, a layer and its head on features that are kept, by the house's loop;
over the same products alone: of each batch the layer and the head forward, the gradients of their weights, and what
flows from the head to the layer. Both in turns, the median of the ratios, for nets side by side as the experiments have
them. *Kept*: the same stage where the layers below are run anew for each batch, over the stage on kept features.

Times are those of this thread's processor. Nothing here is a test: a goal missed is printed.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import torch
from timing import rounds
from torch import Tensor

from reversible.base.arithmetic import here
from reversible.base.runtime import one_thread
from reversible.papers.belilovsky2019.greedy import FeatureRun, Part, Plan, Sets, relu_layer, training_of

CLASSES = 10
SHAPES = {  # nets side by side, width, images of each, batch
    "10 nets of width 96, batches of 50": (10, 96, 1000, 50),
    "1 net of width 512, batches of 100": (1, 512, 2000, 100),
    "1 net of width 1024, batches of 1000": (1, 1024, 4000, 1000),
}
BELOW = 3  # layers that are frozen, where features are not kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    words = parser.parse_args()
    print(f"on {here()}")
    with one_thread():
        for name, shape in SHAPES.items():
            stage(name, *shape, words.repeats)


def stage(name: str, nets: int, width: int, images: int, batch: int, repeats: int) -> None:
    """One shape, with a linear head."""
    sets = made_up(nets, width, images)
    run = FeatureRun(training_of(Plan((width,), 1, 100, batch, 1e-3), 0, sets, range(nets), 1), sets, ())
    steps = images // batch
    bare = bare_products(nets, width, batch)
    frozen = frozen_layers(nets, width, batch)
    spent = rounds(
        lambda: run.advance(run.step + steps), lambda: repeat(bare, steps), lambda: repeat(frozen, steps),
        repeats=repeats,
    )  # fmt: skip
    ratio = statistics.median(own / products for own, products, _ in spent)
    again = statistics.median((own + below) / own for own, _, below in spent)
    own = statistics.median(own for own, _, _ in spent)
    print(
        f"{name}: an epoch {1000 * own:.0f} ms, {ratio:.2f} times the bare products (goal <= 1.3); with {BELOW} frozen "
        f"layers run anew it would take {again:.2f} times as long",
        flush=True,
    )


def made_up(nets: int, width: int, images: int) -> Sets:
    g = torch.Generator().manual_seed(0)
    part = Part(torch.rand(nets, images, width, generator=g), torch.randint(CLASSES, (nets, images), generator=g))
    return Sets(part, part, part, CLASSES)


def bare_products(nets: int, width: int, batch: int) -> Callable[[], None]:
    """Of one batch: two forward, two for the weights, one for the layer's output."""
    x, h, d = torch.rand(nets, batch, width), torch.rand(nets, batch, width), torch.rand(nets, batch, CLASSES)
    W, C = torch.rand(nets, width, width), torch.rand(nets, width, CLASSES)

    @torch.no_grad()
    def call() -> None:
        products: tuple[Tensor, ...] = (x @ W, h @ C, x.mT @ h, h.mT @ d, d @ C.mT)
        assert len(products) == 5

    return call


def frozen_layers(nets: int, width: int, batch: int) -> Callable[[], None]:
    x, W, b = torch.rand(nets, batch, width), torch.rand(nets, width, width) / width, torch.zeros(nets, width)

    @torch.no_grad()
    def call() -> None:
        h = x
        for _ in range(BELOW):
            h = relu_layer(h, W, b)

    return call


def repeat(call: Callable[[], None], times: int) -> None:
    for _ in range(times):
        call()


if __name__ == "__main__":
    main()
