"""How far a device is off double precision: simulations by the book's own checks, training steps by a second way.

The second way is backprop and SHADOW written out in float64 on the CPU. It shares no code with what it checks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from reversible.papers import EXPERIMENTS
from reversible.papers.arora2015.experiments.shadow_at_rate import Judged
from reversible.papers.arora2015.experiments.shadow_gpu import DeviceStack, followed
from reversible.records.make import FLOAT64_TOLERANCE, cells_of
from reversible.training.config import Training
from reversible.training.hooks import step_of
from reversible.training.run import MOMENTUM, CapturedStep, products_in
from reversible.training.synthetic import Shadow

# Relative, of the change of all weights in STEPS steps. float32 has sums of some thousand terms, each rounded by 6e-8.
# What a shorter precision costs hangs on how far slopes of single images cancel, and on how many units lie so near
# their kink that rounding switches them: it is held against the same steps with products as short on the CPU.
FLOAT32 = 1e-4
BITS = {"tf32": 11, "bf16": 8}  # of an operand, the leading one with them
ALLOWED = 2.0  # how many times the CPU's error in a shorter precision a device may be off
STEPS, RATE = 3, 0.05
WAYS = {"backprop": None, "SHADOW from h2": Shadow(), "SHADOW from h3": Shadow(source=3)}
SAMPLE = ("linf-rate", "theorem-2-3", "weight-families", "two-layer-gain", "depth-law", "finite-width")  # experiments


def simulations(device: str) -> list[tuple[str, float, float]]:
    """Of some experiments, in the smoke profile: name, relative error of the device, and what is allowed."""
    found = []
    for name in SAMPLE:
        experiment = EXPERIMENTS[name]
        cells = experiment.cells("smoke") if device == "cpu" else cells_of(experiment, "smoke", device)
        assert experiment.float64
        found.append((name, experiment.float64(cells), FLOAT64_TOLERANCE))
    return found


def training(device: str, data: str) -> list[tuple[str, float, float]]:
    """Of each method in each precision that the device is for."""
    found = []
    for way in WAYS:
        found.append((f"{way} in float32", off_double(asked_of(device, data, way)), FLOAT32))
        for precision, bits in BITS.items() if device == "cuda" else ():
            rounding = off_double(asked_of("cpu", data, way), bits)
            off = off_double(asked_of(device, data, way, precision))
            found.append((f"{way} in {precision}", off, ALLOWED * rounding))
    return found


def asked_of(device: str, data: str, way: str = "backprop", precision: str = "float32") -> Training:
    """A small run for a check."""
    return Training(data=data, hidden=(96, 80, 64), images=200, held_out=100, batch=50, steps=STEPS, lr=RATE,
                    judge="held out", shadow=WAYS[way], seeds=(1, 2), device=device, precision=precision)  # fmt: skip


def off_double(p: Training, bits: int = 0) -> float:
    """How far the change of all weights in STEPS steps is off that in float64, relative to that.

    With operands of products rounded to so many `bits`; 0: as they are.
    """
    origin, stack = DeviceStack(replace(p, device="cpu", precision="float32")), DeviceStack(p)
    values = [value.detach().double().requires_grad_() for value in origin.values]
    first, speeds = [value.detach().clone() for value in values], [torch.zeros_like(value) for value in values]
    with torch.no_grad():
        for value, begins in zip(stack.values, origin.values, strict=True):
            value.copy_(begins)
    step = CapturedStep(stack, step_of(p)[0](stack))
    for number in range(STEPS):
        origin.batches.turn_to(number)
        stack.batches.index.copy_(origin.batches.index)
        x, labels = origin.batch()
        with products_in(p), Shortened(bits) if bits else contextlib.nullcontext():
            step.train()
        slopes = torch.autograd.grad(loss_by_hand(values, x.double(), labels, p.shadow), values)
        with torch.no_grad():
            for value, speed, slope in zip(values, speeds, slopes, strict=True):
                speed.mul_(MOMENTUM).add_(slope)
                value.sub_(p.lr * speed)
    off = [mine.detach().cpu().double() - value for mine, value in zip(stack.values, values, strict=True)]
    moved = [value.detach() - before for value, before in zip(values, first, strict=True)]
    return norm(off) / norm(moved)


class Shortened(TorchFunctionMode):
    """Matrix products of operands with so many bits, and so their slopes: what a GPU does, on any device."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        match getattr(func, "__name__", ""):
            case "baddbmm":
                return args[0] + ShortProduct.apply(args[1], args[2], self.bits)
            case "matmul" | "__matmul__":
                return ShortProduct.apply(args[0], args[1], self.bits)
        return func(*args, **(kwargs or {}))


class ShortProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, bits: int) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.bits = bits
        return shortened(a, bits) @ shortened(b, bits)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        a, b, slope = (shortened(each, ctx.bits) for each in (*ctx.saved_tensors, slopes[0]))
        return slope @ b.mT, a.mT @ slope, None


def shortened(x: Tensor, bits: int) -> Tensor:
    """Numbers rounded to so many bits."""
    fraction, exponent = torch.frexp(x)
    return torch.ldexp(torch.round(fraction * 2**bits) / 2**bits, exponent)


def norm(values: list[Tensor]) -> float:
    return float(torch.stack([value.detach().square().sum() for value in values]).sum().sqrt())


def loss_by_hand(values: list[Tensor], x: Tensor, labels: Tensor, shadow: Shadow | None) -> Tensor:
    """The sum over nets of the mean cross entropy; values are the paper's W, (S, in, out), then biases."""
    layers = len(values) // 2
    W, b = values[:layers], values[layers:]
    if shadow:
        x, labels = torch.cat([x, reversed_by_hand(W, b, x, shadow.source)], 1), torch.cat([labels, labels], 1)
    for place in range(layers - 1):
        x = (x @ W[place] + b[place][:, None]).clamp(min=0)
    logits = x @ W[-1] + b[-1][:, None]
    return functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum") / labels.shape[1]


@torch.no_grad()
def reversed_by_hand(W: list[Tensor], b: list[Tensor], x: Tensor, source: int) -> Tensor:
    """SHADOW's images: up, down by the transposes, and as long as the image. Scales above zero make no difference."""
    h = x
    for place in range(source):
        h = (h @ W[place] + b[place][:, None]).clamp(min=0)
    for place in reversed(range(source)):
        h = (h @ W[place].mT).clamp(min=0)
    return h * (x.norm(dim=-1, keepdim=True) / h.norm(dim=-1, keepdim=True).clamp(min=1e-300))


def recorded(device: str, data: str) -> list[tuple[str, float, float]]:
    """On a GPU: how far steps recorded as a graph are off steps run call by call, with a rate that falls."""
    found = []
    for way in WAYS:
        p = replace(asked_of(device, data, way), steps=8, snapshots=())
        errors = [list(followed(replace(p, graph=graph), "cosine", Judged(1, False)))[-1] for graph in (False, True)]
        ends = [(*row["tuning_at_end"], *row["test_at_end"]) for row in errors]
        found.append((f"{way}, recorded", max(abs(a - b) for a, b in zip(*ends, strict=True)), 0.02))
    return found
