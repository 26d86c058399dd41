"""What curvature and gradient noise cost beside plain PyTorch: python benchmarks/curvature.py [--repeats 15]

*Products with the Hessian*: `training.curvature` over a bare double backward with a kept graph, on the same loss; the
two are compared as vectors, too. *Gradients of single samples*: by vmap over one forward and backward pass of the same
batch, for a dense net, whose gradients are as many numbers as its weights for each sample, and for a convolutional one,
where weights are few and work is much. What the machine needs to write those numbers once is printed beside it: for a
dense net this alone is more than the goal allows.

Repeats of what is compared are interleaved and medians are taken, on one thread. Nothing here is a test: a goal missed
is printed, no more.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from simulate import interleaved
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from reversible.base.arithmetic import here
from reversible.base.runtime import one_thread
from reversible.training.curvature import Landscape, of_module, per_sample

SAMPLES, BLOCK = 256, 64  # images, and so many at once where gradients are taken one by one
SIDE = 28


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    words = parser.parse_args()
    torch.manual_seed(0)
    x, labels = torch.randn(SAMPLES, 1, SIDE, SIDE), torch.randint(10, (SAMPLES,))
    print(f"{SAMPLES} images of {SIDE} x {SIDE}, medians of {words.repeats} repeats, on {here()}")
    with one_thread():
        for name, model in nets().items():
            landscape = of_module(model, x, labels)
            products(name, model, landscape, words.repeats)
            single(name, model, landscape, words.repeats)


def nets() -> dict[str, nn.Module]:
    dense = nn.Sequential(nn.Flatten(), nn.Linear(SIDE**2, 100), nn.ReLU(), nn.Linear(100, 10))
    convolutional = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * (SIDE // 4) ** 2, 10),
    )  # fmt: skip
    return {"dense": dense, "convolutional": convolutional}


def products(name: str, model: nn.Module, landscape: Landscape, repeats: int) -> None:
    """Of the Hessian with one vector."""
    values = list(model.parameters())
    loss = functional.cross_entropy(model(landscape.samples[0]), landscape.samples[1])
    slopes = torch.autograd.grad(loss, values, create_graph=True)
    v = torch.randn(landscape.size)
    parts = v.split([value.numel() for value in values])
    shaped = [part.view(value.shape) for part, value in zip(parts, values, strict=True)]

    def bare() -> Tensor:
        twice = torch.autograd.grad(slopes, values, shaped, retain_graph=True)
        return torch.cat([part.reshape(-1) for part in twice])

    off = float((bare() - landscape.hessian_times(v)).norm() / bare().norm())
    own, least = interleaved([lambda: landscape.hessian_times(v), bare], repeats)
    print(
        f"{name}, {landscape.size:,} weights: {1 / own:.0f} products with the Hessian a second, bare double backward "
        f"{1 / least:.0f}: ratio {own / least:.2f} (goal <= 1.2); they differ by {off:.0e}"
    )


def single(name: str, model: nn.Module, landscape: Landscape, repeats: int) -> None:
    """The gradient of each sample."""
    x, labels = landscape.samples
    values = dict(model.named_parameters())
    detached = {name: value.detach() for name, value in values.items()}
    into = torch.empty(SAMPLES, landscape.size)

    def of_one(parts: dict[str, Tensor], one: Tensor, label: Tensor) -> Tensor:
        return functional.cross_entropy(functional_call(model, parts, (one[None],)), label[None])

    def together() -> tuple[Tensor, ...]:
        return torch.autograd.grad(functional.cross_entropy(model(x), labels), list(values.values()))

    calls: list[Callable[[], object]] = [
        lambda: [per_sample(of_one, detached, *part) for part in zip(x.split(BLOCK), labels.split(BLOCK), strict=True)],
        together, lambda: into.fill_(1.0),
    ]  # fmt: skip
    each, batch, write = interleaved(calls, repeats)
    print(
        f"{name}: {SAMPLES} gradients one by one {each * 1e3:.1f} ms, a pass of the batch {batch * 1e3:.1f} ms: ratio "
        f"{each / batch:.2f} (goal <= 3); to write so many numbers once {write * 1e3:.1f} ms"
    )


if __name__ == "__main__":
    main()
