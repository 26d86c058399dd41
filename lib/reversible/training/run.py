"""Train small nets by backprop, with dropout, with SHADOW's synthetic images, or both: many seeds side by side.

A stack of S nets trains in batched products, each net with its own first weights, training images, order of batches and
dropout: a net's numbers are those of its own run, within rounding. The first weights are Gaussian, W_ij ~ N(0, 2 / in)
(He et al. 2015), the biases zero: at step 0 each net is the random-like net of the theory. Loss: mean cross entropy of
the batch. SGD with momentum, the learning rate constant. On the CPU, on one thread, the same to the bit.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from reversible.base.checks import InputError
from reversible.base.runtime import check_device, one_thread, trial_generator
from reversible.nets.net import Net
from reversible.nets.reversal import thinned
from reversible.training.config import JUDGED, SHOWN, Point, Training, TrainingResult, images_of, scaling
from reversible.training.synthetic import Generation, Shadow

MOMENTUM = 0.9
CHUNK = 50  # steps between looks at the clock, never at the numbers
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


class Run:
    """A stack under way: all that changes, on its device."""

    def __init__(self, p: Training) -> None:
        """Raises `data.NotAtHand`, and InputError for too few images, a device that is not there, no memory."""
        check_device(p.device)
        self.p, self.step, self.seconds, self.points = p, 0, 0.0, list[Point]()
        with told_when_out_of_memory(p):
            pool, judged = images_of(p)
            self.classes, self.pixels, self.labels = pool.classes, pool.pixels.to(p.device), pool.labels.to(p.device)
            self.judged = judged.pixels.to(p.device), judged.labels.to(p.device)
            self.factor, self.shift = (v.to(p.device) for v in scaling(p, pool))
            first = self._generators(ORDER, "cpu")
            nets = [initial((pool.pixels.shape[1], *p.hidden, pool.classes), generator) for generator in first]
            # The paper's W, (S, in, out): so a product's gradient has the layout of what it is subtracted from.
            columns = zip(*([*(A.T for A in net.weights), *net.biases] for net in nets), strict=True)
            self.values = [torch.stack(same).to(p.device).requires_grad_() for same in columns]
            self.speeds = [torch.zeros_like(value) for value in self.values]
            self.places = self._own_images(len(pool.labels))  # (S, N): which images each net trains on
            self.order = first if p.device == "cpu" else self._generators(ORDER)
            self.noise = self._generators(NOISE)
            self.passing = torch.empty_like(self.places)  # the same, in the order of this pass
            self.index = self.passing[:, : p.batch].clone()
            self.losses = torch.zeros(len(p.seeds), device=p.device)  # of the last batch
            self.graphs: dict[
                bool, Any
            ] = {}  # of a step without synthetic images and of one with; None: it ran without
            self.spans: list[tuple[Any, Any]] = []  # CUDA events around what was trained and not yet timed
            look = p.shadow or Shadow(source=min(2, len(p.hidden)))
            self.generation = Generation.of(
                look, self.net, pool.side, p.inputs == "standard", self._generators(FIXED, "cpu")
            )

    @property
    def net(self) -> Net:
        """The stack as it is: views of what is trained."""
        layers = len(self.p.hidden) + 1
        return Net(tuple(W.mT for W in self.values[:layers]), tuple(self.values[layers:]))

    def _generators(self, stream: int, device: str | None = None) -> list[torch.Generator]:
        return [trial_generator(seed, stream, device or self.p.device) for seed in self.p.seeds]

    def _own_images(self, there: int) -> Tensor:
        asked = self.p.images or there
        if asked > there:
            raise InputError(f"images must be an integer from 1 to {there}, the training images there are, not {asked}")
        if self.p.batch > asked:
            raise InputError(f"batch must be an integer from 1 to {asked}, the images there are, not {self.p.batch}")
        if asked == there:
            return torch.arange(there, device=self.p.device).repeat(len(self.p.seeds), 1)
        draws = [torch.randperm(there, generator=g)[:asked] for g in self._generators(IMAGES, "cpu")]
        return torch.stack(draws).to(self.p.device)

    def inputs(self, pixels: Tensor) -> Tensor:
        """What the net is shown: uint8 (..., n) to float32."""
        x = pixels.float().mul_(self.factor)
        return x.sub_(self.shift) if self.p.inputs == "standard" else x

    # --- training -----------------------------------------------------------------------------------------------------

    def advance(self, until: int) -> None:
        """Train up to step `until`; nothing here waits for the device."""
        with one_thread(), told_when_out_of_memory(self.p), _products(self.p):
            self._capture()
            with self._timed():
                while self.step < until:
                    self._next_batch()
                    if graph := self.graphs.setdefault(self._shadowed(), None):
                        graph.replay()
                    else:
                        self._train_step()
                    self.step += 1

    def _shadowed(self) -> bool:
        return self.p.shadow is not None and self.step >= self.p.shadow.start

    def _capture(self) -> None:
        """The step as one CUDA graph, once some of its kind have run without and warmed up; this trains nothing."""
        if self.p.graph and self.graphs.get(self._shadowed(), True) is None:
            graph = torch.cuda.CUDAGraph()
            for generator in self.noise:
                graph.register_generator_state(generator)
            with torch.cuda.graph(graph):
                self._train_step()
            self.graphs[self._shadowed()] = graph

    def _next_batch(self) -> None:
        """Each pass goes once through a net's images, in new order; a rest short of a batch is left out."""
        a_pass = self.places.shape[1] // self.p.batch
        at = self.step % a_pass * self.p.batch
        if at == 0:
            for mine, places, generator in zip(self.passing, self.places, self.order, strict=True):
                mine.copy_(places[torch.randperm(len(places), generator=generator, device=places.device)])
        self.index.copy_(self.passing[:, at : at + self.p.batch])

    def _train_step(self) -> None:
        x, labels = self.inputs(self.pixels[self.index]), self.labels[self.index]
        if self._shadowed():
            made = max(1, round(self.generation.p.share * self.p.batch))
            x = torch.cat([x, self.generation(self.net, x[:, :made], self.noise).to(x.dtype)], 1)
            labels = torch.cat([labels, labels[:, :made]], 1)
        self.losses = _losses(self.net.logits(x, self._thin if self.p.dropout else None), labels)
        slopes = torch.autograd.grad(self.losses.sum(), self.values)
        with torch.no_grad():  # what torch.optim.SGD(fused=True) calls, after seconds of importing a compiler
            torch._fused_sgd_(  # pyright: ignore[reportPrivateImportUsage]
                self.values, slopes, self.speeds, lr=self.p.lr, momentum=MOMENTUM,
                weight_decay=0.0, dampening=0.0, nesterov=False, maximize=False, is_first_step=False,
            )  # fmt: skip

    def _thin(self, h: Tensor) -> Tensor:
        return thinned(h, 1 - self.p.dropout, self.noise) / (1 - self.p.dropout)

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        """Adds what passes to self.seconds: of a CPU this thread's own time, which other work does not lengthen."""
        if self.p.device == "cpu":
            start = time.thread_time()
            yield
            self.seconds += time.thread_time() - start
        else:
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            yield
            end.record()
            self.spans.append((start, end))

    # --- looking ------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def measure(self) -> Point:
        """Test the nets as they are; raises Diverged where their loss says so."""
        pixels, labels = self.judged
        wrong, loss, shown, synthetic = torch.zeros(4, len(self.p.seeds), device=self.p.device, dtype=torch.float64)
        look, generators = self.generation.plain(), self._generators(LOOK)
        with one_thread(), told_when_out_of_memory(self.p), _products(self.p):
            for at in range(0, len(labels), JUDGED):
                x = self.inputs(pixels[at : at + JUDGED]).expand(len(self.p.seeds), -1, -1)
                target = labels[at : at + JUDGED].expand(len(self.p.seeds), -1)
                logits = self.net.logits(x)
                wrong += _wrong(logits, target)
                loss += _losses(logits, target) * target.shape[1]
                if at < SHOWN:
                    shown += _wrong(logits, target)
                    synthetic += _wrong(self.net.logits(look(self.net, x, generators)), target)
        all_judged, some = len(labels), min(SHOWN, len(labels))
        test_loss = (loss / all_judged).tolist()
        self._refuse_diverged(max(test_loss, key=lambda value: math.inf if math.isnan(value) else value))
        counted = ((wrong, all_judged), (shown, some), (synthetic, some))
        real, real_shown, made = (tuple((count / of).tolist()) for count, of in counted)
        return Point(self.step, real, real_shown, made, tuple(float(f"{v:.6g}") for v in test_loss), self._time())

    def check(self) -> None:
        """Raises Diverged where the last batch's losses say so; waits for the device."""
        self._refuse_diverged(float(self.losses.detach().max()))  # of numbers one of which is none the largest is none

    def _refuse_diverged(self, loss: float) -> None:
        if not loss <= DIVERGED * math.log(self.classes):
            raise Diverged(
                f"lr must be small enough for the loss to fall, not {self.p.lr}: {loss:.3g} by step {self.step}"
            )

    def _time(self) -> float:
        if self.spans:
            torch.cuda.synchronize()
            self.seconds += sum(start.elapsed_time(end) for start, end in self.spans) / 1000
            self.spans.clear()
        return round(self.seconds, 3)

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

    # --- putting it by and taking it up again ------------------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """All that a run needs to go on as if it had not stopped, on the CPU; its points are kept beside it."""
        named = {"passing": self.passing, "step": torch.tensor(self.step), "seconds": torch.tensor(self._time())}
        named |= {f"{kind}.{i}": value.detach() for kind, i, value in self._numbered()}
        named |= {f"{kind}.{i}": generator.get_state() for kind, i, generator in self._streams()}
        return {name: value.to("cpu", copy=True).contiguous() for name, value in named.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state` of the same Training."""
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        self.passing.copy_(state["passing"])
        with torch.no_grad():
            for kind, i, value in self._numbered():
                value.copy_(state[f"{kind}.{i}"])
        for kind, i, generator in self._streams():
            generator.set_state(state[f"{kind}.{i}"])

    def _numbered(self) -> list[tuple[str, int, Tensor]]:
        pairs = (("value", self.values), ("speed", self.speeds))
        return [(kind, i, value) for kind, values in pairs for i, value in enumerate(values)]

    def _streams(self) -> list[tuple[str, int, torch.Generator]]:
        pairs = (("order", self.order), ("noise", self.noise))
        return [(kind, i, generator) for kind, generators in pairs for i, generator in enumerate(generators)]


def train(p: Training, run: Run | None = None, watch: Callable[[Run], None] = lambda run: None) -> Iterator[Point]:
    """Train, and test the nets after each of p.snapshots; the nets as they then are: `run.net`. Deterministic in p.

    `run` may be one that is under way. `watch` sees it every CHUNK steps and after each test. Raises Diverged.
    """
    run = run or Run(p)
    for step in p.looked_at[len(run.points) :]:
        while run.step < step:
            run.advance(min(step, run.step + CHUNK))
            watch(run)
        run.points.append(run.measure())
        watch(run)
        yield run.points[-1]


def trained(p: Training, run: Run | None = None, watch: Callable[[Run], None] = lambda run: None) -> TrainingResult:
    """A whole run of `train`."""
    run = run or Run(p)
    for _ in train(p, run, watch):
        pass
    return TrainingResult(tuple(run.points), run.digests())


def final_net(p: Training) -> Net:
    """The net of a single seed at the end of its training."""
    run = Run(p)
    trained(p, run)
    return run.nets()[0]


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


@contextlib.contextmanager
def _products(p: Training) -> Iterator[None]:
    """Matrix products in p.precision."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if p.precision == "tf32" else "highest")
    try:  # no cache: it would keep weights as they were before a step
        with torch.autocast(p.device, torch.bfloat16, enabled=p.precision == "bf16", cache_enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def _losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy of each net: (S, B, classes), (S, B) -> (S,)."""
    each = functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(labels.shape).mean(1)


def _wrong(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits.argmax(-1) != labels).sum(-1)
