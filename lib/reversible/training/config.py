"""What a training run is asked, and what it leaves."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import InputError, integer, number_or_name, one_of, positive
from reversible.data import NAMES, Images, load
from reversible.training.synthetic import Shadow

JUDGED = 500  # images that a stack looks at together
SHOWN = 1000  # test images whose synthetic ones are tested too
DROPOUTS = "a number from 0 to less than 1"


@dataclass(frozen=True, kw_only=True)
class Training:
    """Parameters of a stack of training runs that differ in their seeds alone."""

    data: str
    hidden: tuple[int, ...]  # widths of the hidden layers, the one next to the image first
    inputs: str = "unit"  # pixels from 0 to 1; "standard": channels of mean 0 and standard deviation 1
    images: int | None = None  # training images, drawn anew by each seed; None: all there are
    held_out: int = 0  # training images, the last ones, that no run is trained on
    judge: str = "test"  # the images that tell the error; or "held out", to choose a learning rate
    dropout: float = 0.0  # share of hidden units dropped in training, the others scaled up
    shadow: Shadow | None = None  # None: real images alone
    steps: int  # batches in all
    snapshots: tuple[int, ...] = ()  # steps after which the nets are looked at; () means the last alone
    lr: float
    batch: int  # real images; synthetic ones come on top
    seeds: tuple[int, ...]
    device: str = "cpu"
    precision: str = "float32"  # "bf16": products in bfloat16; "tf32": on CUDA
    graph: bool = False  # on CUDA: the step as one graph; not in float32, which PyTorch 2.11 refuses to record

    def __post_init__(self) -> None:
        self._check_names()
        for field, value in self._numbers().items():
            object.__setattr__(self, field, value)
        self._check_ranges()

    def _check_names(self) -> None:
        one_of("data", self.data, NAMES)
        one_of("inputs", self.inputs, ("unit", "standard"))
        one_of("judge", self.judge, ("test", "held out"))
        one_of("device", self.device, ("cpu", "cuda"))
        one_of("precision", self.precision, ("float32", "bf16", *(("tf32",) if self.device == "cuda" else ())))

    def _numbers(self) -> dict[str, object]:
        """The fields that are numbers, however they were written."""
        steps = integer("steps", self.steps)
        return {
            "hidden": tuple(integer("widths", width) for width in self.hidden),
            "images": None if self.images is None else integer("images", self.images),
            "held_out": integer("held_out", self.held_out, low=1 if self.judge == "held out" else 0),
            "dropout": number_or_name("dropout", self.dropout, DROPOUTS),
            "steps": steps,
            "snapshots": tuple(integer("snapshots", step, low=0, high=steps) for step in self.snapshots),
            "lr": positive("lr", self.lr),
            "batch": integer("batch", self.batch),
            "seeds": tuple(integer("seed", seed, low=0, high=2**53) for seed in self.seeds),
        }

    def _check_ranges(self) -> None:
        """What numbers must be beside each other."""
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout must be {DROPOUTS}, not {self.dropout}")
        if list(self.snapshots) != sorted(set(self.snapshots)):
            raise InputError(f"snapshots must be rising steps from 0 to {self.steps}, not {self.snapshots}")
        if not self.hidden:
            raise InputError("widths must name one hidden layer or more, not none")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise InputError(f"seeds must be one or more, all different, not {self.seeds}")
        if self.shadow and self.shadow.source > len(self.hidden):
            raise InputError(f"source must be a hidden layer from h1 to h{len(self.hidden)}, not h{self.shadow.source}")
        if self.graph and self.device != "cuda":
            raise InputError("graph must be off on the cpu: it is CUDA's, not True")

    @property
    def looked_at(self) -> tuple[int, ...]:
        return self.snapshots or (self.steps,)


@dataclass(frozen=True)
class Point:
    """How the nets of a stack are after `step` batches, as `hooks.PROBES` find them; a number a seed."""

    step: int
    test_error: tuple[float, ...]  # share of the judged images that a net gets wrong
    shown_error: tuple[float, ...]  # of the first SHOWN of them
    synthetic_error: tuple[float, ...]  # of the synthetic images made from those, with their labels
    test_loss: tuple[float, ...]  # mean cross entropy of the judged images
    seconds: float  # of training so far, looking and first preparations left out; on a CPU its own time of one thread


@dataclass(frozen=True)
class TrainingResult:
    points: tuple[Point, ...]
    weights: tuple[str, ...]  # SHA-256 of each seed's final weights and biases

    def curve(self, name: str) -> np.ndarray:
        """A measure along training, (seeds, points)."""
        return np.array([getattr(point, name) for point in self.points]).T

    def summary(self) -> dict[str, np.ndarray]:
        """Three numbers a seed, of the test error: at the end, at its best, and its mean along the steps."""
        errors, steps = self.curve("test_error"), [point.step for point in self.points]
        span = steps[-1] - steps[0]
        area = np.trapezoid(errors, steps, axis=1) / span if span else errors[:, -1]
        return {
            "final_test_error": errors[:, -1],
            "best_test_error": errors.min(1),
            "area_under_error_curve": area,
        }


def snapshots_of(steps: int) -> tuple[int, ...]:
    """Some steps of so many to look at the nets after, denser where the error falls.

    >>> snapshots_of(320)
    (0, 10, 20, 40, 80, 120, 160, 240, 320)
    """
    return tuple(sorted({round(steps * share / 32) for share in (0, 1, 2, 4, 8, 12, 16, 24, 32)}))


def images_of(p: Training) -> tuple[Images, Images]:
    """Those to train on and those that judge."""
    whole = load(p.data, train=True)
    there = len(whole.labels)
    if p.held_out >= there:
        raise InputError(f"held_out must be an integer from 0 to {there - 1}, not {p.held_out}")
    pool, held_out = whole.take(slice(there - p.held_out)), whole.take(slice(there - p.held_out, None))
    return pool, held_out if p.judge == "held out" else load(p.data, train=False)


def scaling(p: Training, pool: Images) -> tuple[Tensor, Tensor]:
    """What pixels are multiplied by, and what is taken off then, each (n,)."""
    pixels = pool.pixels.shape[1]
    if p.inputs == "unit":
        return torch.full((pixels,), 1 / pool.white), torch.zeros(pixels)
    mean, sd = (v.repeat_interleave(pool.side**2) for v in pool.moments())
    return (1 / (pool.white * sd)).float(), (mean / sd).float()


def memory_needed(p: Training) -> int:
    """Bytes that a run takes at most, roughly: nets with gradients and momentum, a batch on its way, the images."""
    pool, judged = images_of(p)
    widths = (pool.pixels.shape[1], *p.hidden, pool.classes)
    nets = sum(out * (width + 1) for width, out in itertools.pairwise(widths)) * len(p.seeds)
    rows = max(2 * p.batch, JUDGED) * len(p.seeds)
    return 4 * (6 * nets + 4 * rows * sum(widths)) + pool.pixels.nbytes + judged.pixels.nbytes
