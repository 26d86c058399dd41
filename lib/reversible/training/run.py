"""Train small nets by backprop, with dropout, with SHADOW's synthetic images, or otherwise: many seeds side by side.

A `Stack` of nets trains in batched products. Loss: mean cross entropy of what the batch becomes. SGD with momentum, the
learning rate constant. On the CPU, on one thread, the same to the bit.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from reversible.base.checks import InputError
from reversible.base.runtime import one_thread
from reversible.nets.net import Net
from reversible.training.config import Point, Training, TrainingResult
from reversible.training.hooks import PROBES, Becomes, Probe, Step, step_of
from reversible.training.stack import Stack, losses, told_when_out_of_memory

MOMENTUM = 0.9
CHUNK = 50  # steps between looks at the clock, never at the numbers

Row = dict[str, Any]  # what all probes found after a step, with the number of the "step" and "seconds" of training


class Run:
    """A stack in training: the loop, with what a batch becomes in it and what is looked at on the way."""

    def __init__(
        self, p: Training, step: Step | Mapping[int, Step] | None = None, probes: Sequence[Probe] = PROBES
    ) -> None:
        """`step` is what a batch becomes, or several such by the step each begins at; None: what `p` asks for.

        Raises `data.NotAtHand`, and InputError for too few images, a device that is not there, no memory, and where
        nothing is said of step 0.
        """
        self.p = p
        self.stack = Stack(p)
        self.steps: dict[int, Step] = _by_beginning(step_of(p) if step is None else step)
        self.probes = tuple(probes)
        self.clock = Clock(p.device)
        self.rows: list[Row] = []  # one for each look so far
        with told_when_out_of_memory(p):
            self.phases = {start: CapturedStep(self.stack, hook(self.stack)) for start, hook in self.steps.items()}
            self.looks = [probe(self.stack) for probe in self.probes]

    @property
    def step(self) -> int:
        """Batches trained on so far."""
        return self.stack.step

    # --- the loop -----------------------------------------------------------------------------------------------------

    def follow(self, watch: Callable[[Run], None] = lambda run: None) -> Iterator[Row]:
        """Train, and look at the nets after each of p.snapshots that is still to come.

        `watch` sees the run every CHUNK steps and after each look. Raises Diverged.
        """
        for step in self.p.looked_at[len(self.rows) :]:
            while self.step < step:
                self.advance(min(step, self.step + CHUNK))
                watch(self)
            self.rows.append(self.look())
            watch(self)
            yield self.rows[-1]

    def advance(self, until: int) -> None:
        """Train up to step `until`; nothing here waits for the device."""
        with self._ready():
            self._phase().prepare()
            with self.clock.running():
                while self.step < until:
                    self.stack.batches.turn_to(self.step)
                    self._phase().train()
                    self.stack.step += 1

    def look(self) -> Row:
        """What the probes find in the nets as they are.

        Raises InputError where two of them give the same name, and Diverged where a probe does.
        """
        with self._ready():
            found = [look() for look in self.looks]
        names = ["step", *(name for each in found for name in each), "seconds"]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"probes must give names of their own, not {', '.join(twice)} once more")
        row: Row = {"step": self.step}
        for each in found:
            row |= each
        return {**row, "seconds": self.clock.read()}

    def check(self) -> None:
        """Raises Diverged where the last batch's losses say so; waits for the device."""
        self.stack.refuse(float(self.stack.losses.detach().max()))  # nan where one of them is

    def _phase(self) -> CapturedStep:
        return self.phases[max(start for start in self.phases if start <= self.step)]

    @contextlib.contextmanager
    def _ready(self) -> Iterator[None]:
        with one_thread(), told_when_out_of_memory(self.p), products_in(self.p):
            yield

    # --- putting it by and taking it up again ------------------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """All that a run needs to go on as if it had not stopped, on the CPU; its rows are kept beside it."""
        return {**self.stack.state(), "seconds": torch.tensor(self.clock.read())}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state` of the same Training with the same hooks."""
        self.stack.restore(state)
        self.clock.seconds = float(state["seconds"])


def _by_beginning(step: Step | Mapping[int, Step]) -> dict[int, Step]:
    steps: dict[int, Step] = dict(step) if isinstance(step, Mapping) else {0: step}
    if 0 not in steps or min(steps) < 0:
        raise InputError(f"step must say what a batch becomes from step 0 on, not from {sorted(steps)}")
    return steps


# --- one step ---------------------------------------------------------------------------------------------------------


def train_step(stack: Stack, becomes: Becomes) -> None:
    """Train the nets on what the batch at hand becomes."""
    x, labels = becomes(*stack.batch())  # (S, B, n), (S, B)
    logits = stack.net.logits(x, stack.thin if stack.p.dropout else None)  # (S, B, classes)
    stack.losses = losses(logits, labels)  # (S,)
    slopes = torch.autograd.grad(stack.losses.sum(), stack.values)
    with torch.no_grad():  # what torch.optim.SGD(fused=True) calls, after seconds of importing a compiler
        torch._fused_sgd_(  # pyright: ignore[reportPrivateImportUsage]
            stack.values, slopes, stack.speeds, lr=stack.p.lr, momentum=MOMENTUM,
            weight_decay=0.0, dampening=0.0, nesterov=False, maximize=False, is_first_step=False,
        )  # fmt: skip


class CapturedStep:
    """The step of training with one way to make a batch: run call by call or, with p.graph, as one CUDA graph."""

    def __init__(self, stack: Stack, becomes: Becomes) -> None:
        self.noise = stack.noise
        self.call = functools.partial(train_step, stack, becomes)
        self.wanted = stack.p.graph
        self.warm = False  # whether it has run call by call, so that the device has all it needs
        self.graph: torch.cuda.CUDAGraph | None = None

    def prepare(self) -> None:
        """Record the graph if it is wanted, once some steps have run without; this trains nothing."""
        if self.wanted and self.warm and self.graph is None:
            graph = torch.cuda.CUDAGraph()
            for generator in self.noise:
                graph.register_generator_state(generator)
            with torch.cuda.graph(graph):
                self.call()
            self.graph = graph

    def train(self) -> None:
        if self.graph is not None:
            self.graph.replay()
        else:
            self.call()
            self.warm = True


class Clock:
    """Seconds of training: of a CPU this thread's own time, which other work does not lengthen."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.seconds = 0.0
        self.spans: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []  # around what was trained and not yet read

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Counts what passes meanwhile, where nothing is raised."""
        if self.device == "cpu":
            start = time.thread_time()
            yield
            self.seconds += time.thread_time() - start
        else:
            span = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            span[0].record()
            yield
            span[1].record()
            self.spans.append(span)

    def read(self) -> float:
        """All of them so far, to a thousandth; waits for the device."""
        if self.spans:
            torch.cuda.synchronize()
            self.seconds += sum(start.elapsed_time(end) for start, end in self.spans) / 1000
            self.spans.clear()
        return round(self.seconds, 3)


@contextlib.contextmanager
def products_in(p: Training) -> Iterator[None]:
    """Matrix products in p.precision."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if p.precision == "tf32" else "highest")
    try:  # no cache: it would keep weights as they were before a step
        with torch.autocast(p.device, torch.bfloat16, enabled=p.precision == "bf16", cache_enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


# --- whole runs by the probes of a Point ------------------------------------------------------------------------------


def train(p: Training, run: Run | None = None, watch: Callable[[Run], None] = lambda run: None) -> Iterator[Point]:
    """Train, and test the nets after each of p.snapshots; the nets as they then are: `run.stack`. Deterministic in p.

    `run` may be one that is under way, with the probes of a Point. `watch` is that of `Run.follow`. Raises Diverged.
    """
    for row in (run or Run(p)).follow(watch):
        yield Point(**row)


def trained(p: Training, run: Run | None = None, watch: Callable[[Run], None] = lambda run: None) -> TrainingResult:
    """A whole run of `train`."""
    run = run or Run(p)
    for _ in run.follow(watch):
        pass
    return TrainingResult(tuple(Point(**row) for row in run.rows), run.stack.digests())


def final_net(p: Training) -> Net:
    """The net of a single seed at the end of its training."""
    run = Run(p)
    trained(p, run)
    return run.stack.nets()[0]
