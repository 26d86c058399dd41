"""The two hooks of the training loop: a `Step` says what a batch becomes, a `Probe` looks at the nets on the way.

Both are called once, with the stack of nets as it begins, and give a function that the loop then calls again and again.
What they prepare there (a copy of the first weights, something that is drawn once) is there again when a run is taken
up later. Whatever a Step draws at random comes from `stack.noise`, a generator a net, which is kept with the run. What
a Probe draws comes from streams of its own, `stack.generators(number)`, so that looking changes nothing.

Here are also the first of them: SHADOW's synthetic images, and errors on test images and on synthetic ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from reversible.training.config import SHOWN, Training
from reversible.training.stack import FIXED, LOOK, Stack, losses
from reversible.training.synthetic import Generation, Shadow

Becomes = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # real images, labels -> images, labels to train on
Look = Callable[[], Mapping[str, Any]]  # names, of which no two probes share one, and what was found


class Step(Protocol):
    """What a batch becomes before the nets are trained on it."""

    def __call__(self, stack: Stack, /) -> Becomes:
        """Gives what is called at each step: images (S, B, n) and labels (S, B) -> the same for another number of B.

        Gradients flow through what it does with `stack.net`, unless it does that under `torch.no_grad`. With
        Training.graph it is called a few times, to be recorded: nothing in it may hang on the number of the step.
        """
        ...


class Probe(Protocol):
    """What is looked at after each step of Training.snapshots."""

    def __call__(self, stack: Stack, /) -> Look:
        """Gives what is called at each look: it returns numbers, texts, and tuples and dicts of such, by name."""
        ...


# --- what a batch becomes ---------------------------------------------------------------------------------------------


def step_of(p: Training) -> dict[int, Step]:
    """What a batch becomes in a run as `p` asks for it, each from its own step on."""
    if p.shadow is None:
        return {0: as_it_is}
    return {0: as_it_is, p.shadow.start: WithSynthetic(p.shadow)}  # the second alone where it starts at 0


def as_it_is(stack: Stack) -> Becomes:
    """Real images alone."""
    return lambda x, labels: (x, labels)


@dataclass(frozen=True)
class WithSynthetic:
    """SHADOW: on top of a batch come synthetic images, made of its first ones by the nets as they are at this step."""

    shadow: Shadow

    def __call__(self, stack: Stack) -> Becomes:
        made = max(1, round(self.shadow.share * stack.p.batch))
        generation = generation_of(stack, self.shadow)

        def becomes(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            synthetic = generation(stack.net, x[:, :made], stack.noise).to(x.dtype)  # (S, made, n)
            return torch.cat([x, synthetic], 1), torch.cat([labels, labels[:, :made]], 1)  # (S, B + made, n)

        return becomes


def generation_of(stack: Stack, shadow: Shadow) -> Generation:
    """What makes the synthetic images of a stack; the same for a stack of the same seeds."""
    return Generation.of(shadow, stack.net, stack.images.side, stack.images.signed, stack.generators(FIXED, "cpu"))


# --- what is looked at ------------------------------------------------------------------------------------------------


def errors(stack: Stack) -> Look:
    """On the judged images: the share that each net gets wrong, that of the first SHOWN, the mean cross entropy.

    Looking raises Diverged where a loss says so.
    """
    count = len(stack.images.judged_labels)

    @torch.no_grad()
    def look() -> dict[str, Any]:
        wrong, shown, loss = _zeros(stack), _zeros(stack), _zeros(stack)
        seen = 0
        for x, labels in stack.images.judged_parts(len(wrong), count):
            logits = stack.net.logits(x)  # (S, J, classes)
            wrong += _wrong(logits, labels)
            loss += losses(logits, labels) * labels.shape[1]
            if seen < SHOWN:
                shown += _wrong(logits, labels)
            seen += labels.shape[1]
        test_loss = (loss / count).tolist()
        stack.refuse(max(test_loss, key=lambda value: math.inf if math.isnan(value) else value))
        return {
            "test_error": _shares(wrong, count),
            "shown_error": _shares(shown, min(SHOWN, count)),
            "test_loss": tuple(float(f"{value:.6g}") for value in test_loss),
        }

    return look


def synthetic_errors(stack: Stack) -> Look:
    """On synthetic images made of the first SHOWN judged ones, without sampling and smoothing."""
    count = min(SHOWN, len(stack.images.judged_labels))
    shadow = stack.p.shadow or Shadow(source=min(2, len(stack.p.hidden)))
    generation = generation_of(stack, shadow).plain()

    @torch.no_grad()
    def look() -> dict[str, Any]:
        wrong, generators = _zeros(stack), stack.generators(LOOK)
        for x, labels in stack.images.judged_parts(len(wrong), count):
            made = generation(stack.net, x, generators)  # (S, J, n)
            wrong += _wrong(stack.net.logits(made), labels)
        return {"synthetic_error": _shares(wrong, count)}

    return look


PROBES: tuple[Probe, ...] = (errors, synthetic_errors)  # what a `Point` is made of


def _zeros(stack: Stack) -> Tensor:
    return torch.zeros(len(stack.p.seeds), device=stack.p.device, dtype=torch.float64)


def _wrong(logits: Tensor, labels: Tensor) -> Tensor:
    """How many each net gets wrong: (S, B, classes), (S, B) -> (S,)."""
    return (logits.argmax(-1) != labels).sum(-1)


def _shares(count: Tensor, of: int) -> tuple[float, ...]:
    return tuple((count / of).tolist())
