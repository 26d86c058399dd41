"""The nets that are trained side by side: their weights and momentum, images, batches and streams of random numbers.

Each net of a stack has its own first weights, training images, order of batches and dropout: its numbers are those of a
run by itself, within rounding. The first weights are Gaussian, W_ij ~ N(0, 2 / in) (He et al. 2015), the biases zero:
at step 0 each net is the random-like net of the theory. In the shapes below S is the number of nets, B the images of a
batch, n the pixels of an image.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reversible.base.checks import InputError
from reversible.base.runtime import check_device, trial_generator
from reversible.nets.net import Net
from reversible.nets.reversal import thinned
from reversible.training.config import JUDGED, Training, images_of, scaling

DIVERGED = 100.0  # a loss so many times that of guessing
NO_ROOM = "out of memory", "allocate memory", "enough memory"  # what is said where there is none
# A seed's streams of random numbers: first weights and order of batches; which images; what stays; dropout; looking.
ORDER, IMAGES, FIXED, NOISE, LOOK = 0, 10**9, 10**9 + 1, 10**9 + 2, 10**9 + 3


class Diverged(InputError):  # noqa: N818 - it is what happened to a run
    """The loss is no longer a number, or as large as one that will not come back."""


def initial(widths: tuple[int, ...], generator: torch.Generator) -> Net:
    """Gaussian weights of variance 2 / in, zero biases."""
    sizes = list(itertools.pairwise(widths))
    weights = tuple(torch.randn(out, width, generator=generator) * math.sqrt(2 / width) for width, out in sizes)
    return Net(weights, tuple(torch.zeros(out) for _, out in sizes))


@dataclass(frozen=True, eq=False)
class Shown:
    """The images of a run on its device, and how the nets are shown them."""

    pixels: Tensor  # (N, n) uint8: those to train on
    labels: Tensor  # (N,)
    judged: Tensor  # (M, n) uint8: those that tell the error
    judged_labels: Tensor  # (M,)
    factor: Tensor  # (n,): what pixels are multiplied by, and
    shift: Tensor  # (n,): what is taken off then
    signed: bool  # whether the nets see entries below zero
    classes: int
    side: int  # pixels

    @classmethod
    def of(cls, p: Training) -> Shown:
        """Raises `data.NotAtHand`, and InputError where more images are held out than there are."""
        pool, judged = images_of(p)
        factor, shift = scaling(p, pool)
        return cls(
            pixels=pool.pixels.to(p.device),
            labels=pool.labels.to(p.device),
            judged=judged.pixels.to(p.device),
            judged_labels=judged.labels.to(p.device),
            factor=factor.to(p.device),
            shift=shift.to(p.device),
            signed=p.inputs == "standard",
            classes=pool.classes,
            side=pool.side,
        )

    def inputs(self, pixels: Tensor) -> Tensor:
        """What the nets are shown: uint8 (..., n) to float32."""
        x = pixels.float().mul_(self.factor)
        return x.sub_(self.shift) if self.signed else x

    def judged_parts(self, nets: int, count: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The first `count` judged images for each of so many nets, JUDGED at a time: x (S, J, n), labels (S, J)."""
        for at in range(0, count, JUDGED):
            part = slice(at, min(at + JUDGED, count))
            x, labels = self.inputs(self.judged[part]), self.judged_labels[part]  # (J, n), (J,)
            yield x.expand(nets, -1, -1), labels.expand(nets, -1)


class Batches:
    """Which images each net is trained on, and the batch at hand: each pass goes once through them, in new order."""

    def __init__(self, places: Tensor, size: int, order: list[torch.Generator]) -> None:
        """`places` (S, N) among the images, at least `size` a net; `order` shuffles them, a generator a net."""
        self.places = places
        self.order = order
        self.passing = torch.empty_like(places)  # (S, N): the same, in the order of this pass
        self.index = self.passing[:, :size].clone()  # (S, B): the batch, always in the same memory

    def turn_to(self, step: int) -> None:
        """Make `index` the batch of this step; steps come in order. A rest of a pass short of a batch is left out."""
        size = self.index.shape[1]
        at = step % (self.places.shape[1] // size) * size
        if at == 0:
            self._begin_pass()
        self.index.copy_(self.passing[:, at : at + size])

    def _begin_pass(self) -> None:
        for mine, places, generator in zip(self.passing, self.places, self.order, strict=True):
            mine.copy_(places[torch.randperm(len(places), generator=generator, device=places.device)])


class Stack:
    """All of a run that training changes, on its device; what the hooks of a run are made from."""

    def __init__(self, p: Training) -> None:
        """Raises `data.NotAtHand`, and InputError for too few images, a device that is not there, no memory."""
        check_device(p.device)
        self.p = p
        self.step = 0  # batches trained on so far
        with told_when_out_of_memory(p):
            self.images = Shown.of(p)
            first = self.generators(ORDER, "cpu")
            self.values = self._first_values(first)  # weights, then biases, the layer next to the image first
            self.speeds = [torch.zeros_like(value) for value in self.values]  # what momentum keeps of each
            order = first if p.device == "cpu" else self.generators(ORDER)
            self.batches = Batches(self._own_images(), p.batch, order)
            self.noise = self.generators(NOISE)  # for all that is drawn while training, a generator a net
            self.losses = torch.zeros(len(p.seeds), device=p.device)  # (S,): of the last batch

    @property
    def net(self) -> Net:
        """The nets as they are: views of what is trained."""
        layers = len(self.p.hidden) + 1
        return Net(tuple(W.mT for W in self.values[:layers]), tuple(self.values[layers:]))

    def generators(self, stream: int, device: str | None = None) -> list[torch.Generator]:
        """A stream of each net's random numbers, from its beginning: one of ORDER, ..., LOOK, or another number."""
        return [trial_generator(seed, stream, device or self.p.device) for seed in self.p.seeds]

    def batch(self) -> tuple[Tensor, Tensor]:
        """The images of the batch at hand as the nets are shown them (S, B, n), and their labels (S, B)."""
        index = self.batches.index
        return self.images.inputs(self.images.pixels[index]), self.images.labels[index]

    def thin(self, h: Tensor) -> Tensor:
        """Dropout of a code (S, B, m): what is kept is scaled up."""
        return thinned(h, 1 - self.p.dropout, self.noise) / (1 - self.p.dropout)

    def refuse(self, loss: float) -> None:
        """Raises Diverged where a loss is no number, or one that will not come back."""
        if not loss <= DIVERGED * math.log(self.images.classes):
            raise Diverged(
                f"lr must be small enough for the loss to fall, not {self.p.lr}: {loss:.3g} by step {self.step}"
            )

    def _first_values(self, generators: list[torch.Generator]) -> list[Tensor]:
        """The paper's W, (S, in, out): so a product's gradient has the layout of what it is subtracted from."""
        widths = (self.images.pixels.shape[1], *self.p.hidden, self.images.classes)
        nets = [initial(widths, generator) for generator in generators]
        columns = zip(*([*(A.T for A in net.weights), *net.biases] for net in nets), strict=True)
        return [torch.stack(same).to(self.p.device).requires_grad_() for same in columns]

    def _own_images(self) -> Tensor:
        """Which images each net is trained on, (S, N)."""
        there = len(self.images.labels)
        asked = self.p.images or there
        if asked > there:
            raise InputError(f"images must be an integer from 1 to {there}, the training images there are, not {asked}")
        if self.p.batch > asked:
            raise InputError(f"batch must be an integer from 1 to {asked}, the images there are, not {self.p.batch}")
        if asked == there:
            return torch.arange(there, device=self.p.device).repeat(len(self.p.seeds), 1)
        draws = [torch.randperm(there, generator=g)[:asked] for g in self.generators(IMAGES, "cpu")]
        return torch.stack(draws).to(self.p.device)

    # --- as they are now ----------------------------------------------------------------------------------------------

    def nets(self) -> list[Net]:
        """Each seed's net as it is now, a copy on the CPU."""
        weights, biases = (
            [value.detach().cpu().clone(memory_format=torch.contiguous_format) for value in values]
            for values in (self.net.weights, self.net.biases)
        )
        return [Net(tuple(weights), tuple(biases)).one(s) for s in range(len(self.p.seeds))]

    def digests(self) -> tuple[str, ...]:
        """SHA-256 of each seed's weights and biases."""
        shas = [hashlib.sha256() for _ in self.p.seeds]
        for net, sha in zip(self.nets(), shas, strict=True):
            for value in (*net.weights, *net.biases):
                sha.update(value.numpy().tobytes())
        return tuple(sha.hexdigest() for sha in shas)

    # --- putting them by and taking them up again --------------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """All that the nets need to be trained on as if they had not been stopped, a copy on the CPU."""
        named = {"passing": self.batches.passing, "step": torch.tensor(self.step)}
        named |= {name: value.detach() for name, value in self._trained()}
        named |= {name: generator.get_state() for name, generator in self._drawn_from()}
        return {name: value.to("cpu", copy=True).contiguous() for name, value in named.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state` of the same Training."""
        self.step = int(state["step"])
        self.batches.passing.copy_(state["passing"])
        with torch.no_grad():
            for name, value in self._trained():
                value.copy_(state[name])
        for name, generator in self._drawn_from():
            generator.set_state(state[name])

    def _trained(self) -> list[tuple[str, Tensor]]:
        kinds = (("value", self.values), ("speed", self.speeds))
        return [(f"{kind}.{i}", value) for kind, values in kinds for i, value in enumerate(values)]

    def _drawn_from(self) -> list[tuple[str, torch.Generator]]:
        kinds = (("order", self.batches.order), ("noise", self.noise))
        return [(f"{kind}.{i}", generator) for kind, generators in kinds for i, generator in enumerate(generators)]


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy of each net: (S, B, classes), (S, B) -> (S,)."""
    each = functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(labels.shape).mean(1)


@contextlib.contextmanager
def told_when_out_of_memory(p: Training) -> Iterator[None]:
    """What a device says in many words when it is full, in one line."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(words in str(error) for words in NO_ROOM):
            raise
        raise InputError(
            f"{p.device} must have the memory for {len(p.seeds)} nets of widths {p.hidden} side by side, and it has "
            "not: take fewer seeds at a time, or a smaller batch"
        ) from None
