"""What a training step costs beside its bare matrix products: python benchmarks/train.py [--device cuda] [--ratio]

Prints, for three hidden layers and the method asked for, ratios with their goals: a step over its bare products (on a
GPU over what its arithmetic or its memory allow at best, whichever is slower), the plain loop that most people write
(DataLoader, nn.Sequential, torch.optim.SGD) over ours, and seeds one after another over seeds side by side. Repeats of
what is compared are interleaved and medians are taken; each line says on which processor. With --ratio the first of
these three alone. Nothing here is a test: a goal missed is printed, no more.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from simulate import interleaved
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from reversible import data
from reversible.base.arithmetic import here
from reversible.base.runtime import one_thread
from reversible.training.config import Training
from reversible.training.run import MOMENTUM, Run
from reversible.training.synthetic import Shadow

# Of one H200, dense: FLOP/s by precision, memory in bytes/s. Another GPU: --peak, --bandwidth.
PEAK, BANDWIDTH = {"float32": 67e12, "tf32": 495e12, "bf16": 989e12}, 4.8e12


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument(
        "--precision", default=None, choices=tuple(PEAK), help="default: float32 on the CPU, tf32 on cuda"
    )
    parser.add_argument("--data", default=None, choices=data.NAMES, help="default: MNIST where it is at hand")
    parser.add_argument("--width", type=int, default=None, help="default: 1000 on the CPU, 5000 on cuda")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--seeds", type=int, default=8, help="side by side")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--peak", type=float, default=None, help="of the GPU in this precision, FLOP/s")
    parser.add_argument("--bandwidth", type=float, default=BANDWIDTH, help="of the GPU's memory, bytes/s")
    parser.add_argument("--ratio", action="store_true", help="nothing but a step over the least it could take")
    words = parser.parse_args(argv)
    on_gpu = words.device == "cuda"
    precision = words.precision or ("tf32" if on_gpu else "float32")
    width = words.width or (5000 if on_gpu else 1000)
    p = Training(
        data=words.data or at_hand(), hidden=(width,) * 3, steps=10**6, lr=1e-4, batch=words.batch, seeds=(0,),
        device=words.device, precision=precision, graph=on_gpu,
    )  # fmt: skip
    print(f"{p.data}, hidden widths {p.hidden}, {p.batch} images a batch, {precision} on {p.device}")
    many = replace(p, seeds=tuple(range(words.seeds)))
    for method, shadow in (("backprop", None), ("shadow", Shadow())):
        for stack in (p, many):
            q = replace(stack, shadow=shadow)
            if on_gpu:
                against_the_card(method, q, words.repeats, words.peak or PEAK[precision], words.bandwidth)
            else:
                against_bare_products(method, q, words.repeats)
    if not words.ratio:
        against_a_plain_loop(p, words.repeats)
        side_by_side(p, words.seeds, words.repeats)


def at_hand() -> str:
    try:
        data.load("mnist", train=True)
        return "mnist"
    except data.NotAtHand:
        return "digits"


def where(p: Training) -> str:
    """The processor, and whether it did the arithmetic or stood beside a GPU that did."""
    return f"{'on' if p.device == 'cpu' else 'beside'} {here()}"


def steps_of(run: Run, count: int = 1) -> Callable[[], None]:
    """Trains so many steps more each time it is called, and waits until they are done."""

    def call() -> None:
        run.advance(run.step + count)
        if run.p.device == "cuda":
            torch.cuda.synchronize()

    return call


def products(p: Training, run: Run) -> list[tuple[int, int, int]]:
    """The matrix products of a step of one net as (rows, inner, columns): nothing that cannot be left out.

    Each layer (in, out) has x W, x^T g and, above the first, g W^T, for the whole batch; SHADOW has x W up to its
    source and h W^T down from it before, for the images that get synthetic ones.
    """
    layers = [(W.shape[1], W.shape[2]) for W in run.stack.values[: len(p.hidden) + 1]]
    made = round(p.shadow.share * p.batch) if p.shadow else 0
    rows, found = p.batch + made, list[tuple[int, int, int]]()
    for place, (width, out) in enumerate(layers):
        found += [(rows, width, out), (width, rows, out)] + ([(rows, out, width)] if place else [])
        if p.shadow and place < p.shadow.source:
            found += [(made, width, out), (made, out, width)]
    return found


def against_bare_products(method: str, p: Training, repeats: int) -> None:
    run, stack = Run(p), len(p.seeds)
    pairs = [(torch.randn(stack, a, b), torch.randn(stack, b, c)) for a, b, c in products(p, run)]
    out = [torch.empty(stack, a.shape[1], b.shape[2]) for a, b in pairs]

    def bare() -> None:
        for (a, b), into in zip(pairs, out, strict=True):
            torch.bmm(a, b, out=into)

    with one_thread():
        step, least = interleaved([steps_of(run), bare], repeats)
    goal = "(goal <= 1.2)" if p.hidden[0] == 1000 else ""
    print(f"  {method}, {stack} seeds: {step * 1e3:.0f} ms a step, bare products {least * 1e3:.0f} ms: ratio "
          f"{step / least:.2f} {goal} on {here()}")  # fmt: skip


def against_the_card(method: str, p: Training, repeats: int, peak: float, bandwidth: float) -> None:
    """Over max(FLOP / peak, bytes / bandwidth).

    A parameter is read by each of its products, its gradient written once, and the optimiser reads value, speed and
    gradient and writes the first two: 4 bytes each. A unit of a batch is written and read twice going up, and its slope
    the same coming down; what the loss and the images take is left out.
    """
    run, stack = Run(p), len(p.seeds)
    needed = products(p, run)
    flop = 2 * stack * sum(a * b * c for a, b, c in needed)
    parameters = sum(W.numel() for W in run.stack.values)
    reads = 2 + (2 if p.shadow else 0)
    rows = (2 if p.shadow else 1) * p.batch * stack
    moved = 4 * (parameters * (reads + 1 + 5) + rows * sum(p.hidden) * 6)
    best = max(flop / peak, moved / bandwidth)
    steps_of(run, 5)()  # warms up
    start = time.perf_counter()
    steps_of(run)()  # captures the graph
    prepared = time.perf_counter() - start
    many = 20
    (step,) = (seconds / many for seconds in interleaved([steps_of(run, many)], repeats))
    goal = 1.4 if stack > 1 else 1.6
    parts = f"{flop / peak * 1e3:.2f} arithmetic, {moved / bandwidth * 1e3:.2f} memory"
    print(f"  {method}, {stack} seeds: {step * 1e3:.2f} ms a step, at best {best * 1e3:.2f} ms ({parts}): "
          f"ratio {step / best:.2f} (goal <= {goal}); prepared in {prepared:.1f} s, beside {here()}")  # fmt: skip


def against_a_plain_loop(p: Training, repeats: int) -> None:
    """A pass through eight batches of images, with nothing tested on the way."""
    images = data.load(p.data, train=True).take(slice(8 * p.batch))
    batches = len(images.labels) // p.batch
    loop = plain_loop(p, images)
    run = Run(replace(p, images=batches * p.batch))
    with one_thread():
        ours, plain = interleaved([steps_of(run, batches), loop], repeats)
    print(f"plain loop with a DataLoader over ours, backprop, one seed: {plain / ours:.2f} {where(p)}")


def plain_loop(p: Training, images: data.Images) -> Callable[[], None]:
    widths = (images.pixels.shape[1], *p.hidden, images.classes)
    layers: list[Any] = []
    for width, out in itertools.pairwise(widths):
        layers += [nn.Linear(width, out), nn.ReLU()]
    net = nn.Sequential(*layers[:-1]).to(p.device)
    optimiser = torch.optim.SGD(net.parameters(), lr=p.lr, momentum=MOMENTUM)
    loader = DataLoader(TensorDataset(images.scaled(), images.labels), p.batch, shuffle=True, drop_last=True)
    loss_of = nn.CrossEntropyLoss()

    def one_pass() -> None:
        for x, labels in loader:
            loss = loss_of(net(x.to(p.device)), labels.to(p.device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            loss.item()  # as such loops do, to show it

    return one_pass


def side_by_side(p: Training, seeds: int, repeats: int) -> None:
    """At the width asked for, and at a small one, where it is the calls that cost."""
    for width in (p.hidden[0], 100):
        q = replace(p, hidden=(width,) * 3, batch=min(p.batch, 100))
        stacked = steps_of(Run(replace(q, seeds=tuple(range(seeds)))))
        alone = [steps_of(Run(replace(q, seeds=(seed,)))) for seed in range(seeds)]

        def one_by_one(alone: list[Callable[[], None]] = alone) -> None:
            for step in alone:
                step()

        with one_thread():
            together, apart = interleaved([stacked, one_by_one], repeats)
        print(
            f"{seeds} seeds one after another over side by side, width {width}, batch {q.batch}: "
            f"{apart / together:.2f} {where(p)}"
        )


if __name__ == "__main__":
    main()
