"""Dense nets trained one layer at a time, by the house's loop on features that are kept.

Stage j trains a layer x_{j+1} = r(W_j x_j + b_j) and a head C_j on top of it, which has k - 1 hidden layers of its own
and gives the classes' scores. Then the layer stays as it is, the head is dropped, and each image is replaced by its
features. S nets run side by side, each on its own images and features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from reversible import data
from reversible.base.checks import InputError, integer, one_of
from reversible.base.runtime import trial_generator
from reversible.nets.net import Net
from reversible.papers.belilovsky2019 import laws
from reversible.training.config import Training
from reversible.training.hooks import Look, Probe, as_it_is
from reversible.training.run import CapturedStep, Clock, Run
from reversible.training.stack import ORDER, Batches, Stack, initial, losses

WHICH, STARTS = 0, ("random", "identity")  # the stream that draws images; what a layer after the first begins as
MOST = 16  # stages at most: each has its own streams
SETS = ("train", "tuning", "test")


# --- images and features ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Part:
    """Images or features of each net (S, N, n), and their labels (S, N)."""

    x: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class Sets:
    """To train on, to choose a rate by, and to test on."""

    train: Part
    tuning: Part
    test: Part
    classes: int

    def through(self, W: Tensor, b: Tensor) -> Sets:
        """The features that a layer W (S, m, n), b (S, m) makes of all of them."""
        return self.after(lambda x: relu_layer(x, W, b))

    def after(self, apply: Callable[[Tensor], Tensor]) -> Sets:
        """What `apply` makes of the images, with the same labels."""
        train, tuning, test = (Part(apply(p.x), p.labels) for p in (self.train, self.tuning, self.test))
        return Sets(train, tuning, test, self.classes)


def relu_layer(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """r(W x + b) of inputs (S, N, n): (S, N, m)."""
    return torch.relu(torch.baddbmm(b[:, None], x, W.mT))


def sets_of(name: str, images: int, tuning: int, seeds: Sequence[int], test: int | None = None) -> Sets:
    """Each seed's own draw of training images, and others that choose; the first `test` test images, the same for all.

    Pixels from 0 to 1; of images larger than 16 x 16 with one channel the mean over windows of 2 x 2 is taken.
    Raises `data.NotAtHand`, and InputError where there are too few.
    """
    whole, judged = data.load(name, train=True), data.load(name, train=False)
    there = len(whole.labels)
    if images + tuning > there:
        raise InputError(f"images must be at most {there - tuning}, as {tuning} of {there} choose rates, not {images}")
    order = [torch.randperm(there, generator=trial_generator(seed, WHICH))[: images + tuning] for seed in seeds]
    index = torch.stack(order)
    x, labels = pixels_of(whole)[index], whole.labels[index]
    end = len(judged.labels) if test is None else integer("test", test, high=len(judged.labels))
    shown = Part(
        pixels_of(judged)[:end].expand(len(seeds), -1, -1), judged.labels[:end].expand(len(seeds), -1)
    )  # fmt: skip
    return Sets(Part(x[:, :images], labels[:, :images]), Part(x[:, images:], labels[:, images:]), shown, whole.classes)


def pixels_of(images: data.Images) -> Tensor:
    """From 0 to 1, (N, n); grey ones of more than 16 x 16 at half the resolution."""
    x = images.scaled()
    if images.channels > 1 or images.side <= 16:
        return x
    windows = x.view(-1, images.side, images.side)
    return torch.nn.functional.avg_pool2d(windows[:, None], 2).flatten(1)


# --- one stage --------------------------------------------------------------------------------------------------------


class FeatureStack(Stack):
    """Nets of a layer and its head, each on its own features."""

    def __init__(self, p: Training, sets: Sets) -> None:
        self.p, self.step, self.sets = p, 0, sets
        first = self.generators(ORDER)
        self.values = self._first_values(first)
        self.speeds = [torch.zeros_like(value) for value in self.values]
        nets, count = sets.train.labels.shape
        self.batches = Batches(torch.arange(count).repeat(nets, 1), p.batch, first)
        self.noise, self.losses = [], torch.zeros(nets)
        self.rows = torch.arange(nets)[:, None]  # (S, 1)

    def _first_values(self, generators: list[torch.Generator]) -> list[Tensor]:
        return first_values((self.sets.train.x.shape[-1], *self.p.hidden, self.sets.classes), generators)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Features (S, B, n) and labels (S, B)."""
        index = self.batches.index
        return self.sets.train.x[self.rows, index], self.sets.train.labels[self.rows, index]


def first_values(widths: Sequence[int], generators: list[torch.Generator]) -> list[Tensor]:
    """Weights (S, in, out) of variance 2 / in, then biases of zero, as a Stack keeps them."""
    nets = [initial(tuple(widths), generator) for generator in generators]
    columns = zip(*([*(A.T for A in net.weights), *net.biases] for net in nets), strict=True)
    return [torch.stack(same).requires_grad_() for same in columns]


class FeatureRun(Run):
    """The house's loop on such a stack."""

    def __init__(self, p: Training, sets: Sets, probes: Sequence[Probe]) -> None:
        self.p, self.stack = p, FeatureStack(p, sets)
        self.steps, self.probes = {0: as_it_is}, tuple(probes)
        self.clock, self.rows = Clock(p.device), []
        self.phases = {0: CapturedStep(self.stack, as_it_is(self.stack))}
        self.looks = [probe(self.stack) for probe in self.probes]


def risk(stack: Stack) -> Look:
    """A probe: the mean cross entropy of each net on all that it is trained on, in one order; at most 1e6."""
    sets = own_sets(stack)

    @torch.no_grad()
    def look() -> Mapping[str, Any]:
        found = losses(stack.net.logits(sets.train.x), sets.train.labels)
        return {"risk": tuple(torch.nan_to_num(found, nan=1e6).clamp(max=1e6).tolist())}

    return look


def errors(stack: Stack) -> Look:
    """A probe: the share that each net gets wrong of what chooses and of what tests."""
    sets = own_sets(stack)

    @torch.no_grad()
    def look() -> Mapping[str, Any]:
        return {f"{name}_error": wrong(stack.net.logits(part.x), part.labels) for name, part in judged(sets)}

    return look


def own_sets(stack: Stack) -> Sets:
    """What a FeatureStack is trained and judged on."""
    assert isinstance(stack, FeatureStack)
    return stack.sets


def judged(sets: Sets) -> list[tuple[str, Part]]:
    """What chooses, and what tests."""
    return [("tuning", sets.tuning), ("test", sets.test)]


def wrong(logits: Tensor, labels: Tensor) -> tuple[float, ...]:
    """The share of labels that the largest logit is not, for each net; where it is no number, that is wrong too."""
    right = (logits.argmax(-1) == labels) & logits.isfinite().all(-1)
    return tuple((1 - right.double().mean(-1)).tolist())


# --- all stages -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """How a net is trained, layer by layer."""

    widths: tuple[int, ...]  # of the layers
    k: int  # 1: the head is linear; k - 1 hidden layers in it
    epochs: int  # a layer
    batch: int
    lr: float
    start: str = "random"  # or "identity": from the second layer on, where no width is smaller than the one before

    def __post_init__(self) -> None:
        integer("k", self.k, high=8)
        integer("layers", len(self.widths), high=MOST)
        one_of("start", self.start, STARTS)
        if self.start == "identity" and any(b < a for a, b in zip(self.widths, self.widths[1:], strict=False)):
            raise InputError(f"widths must not fall where layers begin as the identity, not {self.widths}")


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer that was trained with its head."""

    run: FeatureRun
    rows: list[dict[str, Any]]  # of each look

    @property
    def net(self) -> Net:
        """The layer and its head, (S, ...), as they are now."""
        net = self.run.stack.net
        return Net(tuple(W.detach() for W in net.weights), tuple(b.detach() for b in net.biases))

    @property
    def sets(self) -> Sets:
        """What it was trained on."""
        return self.run.stack.sets  # pyright: ignore[reportAttributeAccessIssue]

    def through(self) -> Sets:
        """What the next stage is trained on."""
        return self.sets.through(self.net.weights[0], self.net.biases[0])


def greedy(plan: Plan, sets: Sets, seeds: Sequence[int], probes: Sequence[Probe], looks: int = 1) -> Iterator[Stage]:
    """Train layer after layer; each stage as it is solved. It is looked at `looks` times, the first at its start if
    there are several.
    """
    before: Stage | None = None
    for layer, width in enumerate(plan.widths):
        p = training_of(plan, layer, sets, seeds, looks)
        run = FeatureRun(p, sets, probes)
        if before and plan.start == "identity":
            run.restore(begun_as_identity(run.state(), before.run.state(), width))
        before = Stage(run, [*run.follow()])
        yield before
        sets = before.through()


def training_of(plan: Plan, layer: int, sets: Sets, seeds: Sequence[int], looks: int) -> Training:
    """What the loop is asked for one layer and its head."""
    width, steps = plan.widths[layer], plan.epochs * (sets.train.labels.shape[1] // plan.batch)
    hidden = (width,) * plan.k  # the head is as wide as its layer
    return Training(
        data="digits",  # which are not loaded: the stack has features
        hidden=hidden, steps=steps, lr=plan.lr, batch=plan.batch, snapshots=snapshots(steps, looks),
        seeds=tuple(MOST * seed + layer for seed in seeds),
    )  # fmt: skip


def snapshots(steps: int, looks: int) -> tuple[int, ...]:
    """The last step alone, or so many from the start on, evenly."""
    return () if looks == 1 else tuple(round(steps * place / (looks - 1)) for place in range(looks))


def begun_as_identity(state: dict[str, Tensor], before: dict[str, Tensor], width: int) -> dict[str, Tensor]:
    """The state of a stage at its start, with the identity as its layer and the head of the stage before.

    What is wider than the layer before passes nothing on at first: those units begin at zero, and the head reads them
    with weights of zero. `state` and `before` are those of `Run.state`.
    """
    layers = sum(name.startswith("value.") for name in state) // 2
    own = dict(state)
    nets, narrow, _ = state["value.0"].shape
    own["value.0"] = torch.eye(narrow, width).expand(nets, -1, -1).contiguous()
    own[f"value.{layers}"] = torch.zeros_like(state[f"value.{layers}"])
    for place in [*range(1, layers), *range(layers + 1, 2 * layers)]:
        own[f"value.{place}"] = fitted(before[f"value.{place}"], state[f"value.{place}"].shape)
    return own


def fitted(value: Tensor, shape: Sequence[int]) -> Tensor:
    """The same numbers in the places that both shapes have, and zeros in the others."""
    own = value.new_zeros(tuple(shape))
    common = tuple(slice(min(a, b)) for a, b in zip(value.shape, shape, strict=True))
    own[common] = value[common]
    return own


def end_to_end(plan: Plan, sets: Sets, seeds: Sequence[int], probes: Sequence[Probe], epochs: int) -> Stage:
    """The same net, all layers and the last head, trained together for so many epochs and looked at after each."""
    passing = sets.train.labels.shape[1] // plan.batch
    p = replace(
        training_of(plan, 0, sets, seeds, 1), hidden=(*plan.widths, *plan.widths[-1:] * (plan.k - 1)),
        steps=epochs * passing, snapshots=tuple(passing * (epoch + 1) for epoch in range(epochs)),
    )  # fmt: skip
    run = FeatureRun(p, sets, probes)
    return Stage(run, [*run.follow()])


# --- what it costs ----------------------------------------------------------------------------------------------------


def costs(plan: Plan, pixels: int, classes: int) -> list[laws.Cost]:
    """Of each stage, in multiply-adds an image."""
    found = []
    for narrow, width in zip((pixels, *plan.widths), plan.widths, strict=False):
        layer, *head = laws.dense_products((narrow, *(width,) * plan.k, classes))
        found.append(laws.greedy_cost(layer, head))
    return found


def cost_together(plan: Plan, pixels: int, classes: int) -> laws.Cost:
    """Of the same net end to end."""
    return laws.end_to_end_cost(
        laws.dense_products((pixels, *plan.widths, *plan.widths[-1:] * (plan.k - 1), classes))
    )  # fmt: skip
