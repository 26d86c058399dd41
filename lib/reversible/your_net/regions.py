"""The pieces of a net of the reader's own: along lines between samples, around circles through them, in a plane.

Beside each count stands that of random nets of the same size: Gaussian weights with variance two over the inputs of a
layer, and no biases. Of dense nets it is the law of wide layers, `theory.regions`; where there are convolutions or
pooling such nets are drawn, one for each curve, and counted on the same curves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reversible.base.checks import InputError, integer
from reversible.base.runtime import check_memory, one_thread, trial_generator
from reversible.nets.largest import program_of
from reversible.nets.layered import Dense, Layered, Stage
from reversible.nets.net import Net
from reversible.nets.pieces import BUDGET, TIE, Curve, circle, nearest, pieces, segment, whole_line
from reversible.nets.polygons import Window, tiling
from reversible.nets.program import Program
from reversible.theory import regions as laws
from reversible.your_net.measures import fitted

Array = np.ndarray
DRAWN = 50_000  # pieces of a picture at most
RANDOM = 3  # random nets beside a picture
FINE = 4096  # points around a circle, for its law
NEGLIGIBLE = 0.005  # a share that is none


@dataclass(frozen=True, eq=False)
class Counts:
    """On each of several curves."""

    activation: Array  # pieces on which no neuron switches
    linear: Array  # pieces on which what the net gives is one affine map
    random: Array  # linear pieces of a random net: their mean by the law, or those of one that was drawn


@dataclass(frozen=True, eq=False)
class Regions:
    """What was counted, and how far samples are from the nearest switch."""

    neurons: int
    by_law: bool  # else random nets were drawn
    lines: Counts  # whole ones, through two samples
    segments: Counts  # between the same two
    circles: Counts  # through three samples; none where all samples lie on one line
    distance: Array  # of each sample
    random_distance: Array


def count_regions(
    model: nn.Module | Net | Layered, images: Any, curves: int = 10, samples: int = 100, seed: int = 0
) -> Regions:
    """Count the pieces of a model on so many lines and circles through samples, and measure distances of samples.

    `images` are as in `reverse`; at most `samples` are used, drawn by the seed, and of equal ones one. Deterministic in
    all that is given. Raises InputError for a model with anything but ReLUs and pooling, images that do not fit it,
    fewer than two that differ, and nets for which memory does not suffice.
    """
    curves, samples, seed = integer("curves", curves), integer("samples", samples, low=2), integer("seed", seed, low=0)
    net, given, _ = fitted(model, images, _at_most(samples, seed))
    x = _distinct(given)
    with one_thread(), torch.no_grad():
        return _counted(_Own(net, curves, seed), x, np.random.default_rng(seed))


def _at_most(samples: int, seed: int) -> Callable[[int], Tensor]:
    return lambda count: torch.randperm(count, generator=trial_generator(seed, 0))[:samples]


def _distinct(images: Tensor) -> Array:
    """Rows of numbers, of equal ones the first."""
    x = images.flatten(1).double().numpy()
    x = x[np.sort(np.unique(x, axis=0, return_index=True)[1])]
    if len(x) < 2:
        raise InputError(f"images must be at least two that differ, not {len(images)} with {len(x)}")
    return x


class _Own:
    """A net as steps, and random ones of its size beside it."""

    def __init__(self, net: Layered, draws: int, seed: int) -> None:
        self.net, self.program, self.draws, self.seed = net, program_of(net), draws, seed
        self.neurons = sum(math.prod(stage.read.gives) for stage in net.hidden)
        self.by_law = all(isinstance(stage.read, Dense) for stage in net.stages)
        shapes = [stage.read.gives for stage in net.stages]
        self.widest = max(map(math.prod, [net.shape, *shapes]))

    def random(self, draw: int) -> Program:
        """The random net of this number."""
        generator = trial_generator(self.seed, 1 + draw)
        return program_of(Layered(tuple(random_like(stage, generator) for stage in self.net.stages)))

    def counts(self, found: list[tuple[Curve, float]]) -> Counts:
        """On curves, each with the number of its law."""
        own = [pieces(self.program, curve) for curve, _ in found]
        beside = [law if self.by_law else pieces(self.random(i), c).linear_regions for i, (c, law) in enumerate(found)]
        return Counts(*map(np.array, ([f.activation_regions for f in own], [f.linear_regions for f in own], beside)))

    def distances(self, program: Program, x: Array) -> Array:
        """Of samples from the nearest switch; as many at once as memory holds."""
        each = 24 * (x.shape[1] + 1) * self.widest
        check_memory(each, BUDGET, "the distance of a sample")
        found = nearest(program, x, max(1, min(16, BUDGET // each)))
        return np.where(found > TIE * np.abs(x).max(1), found, 0.0)  # else it is rounding

    def random_distances(self, x: Array) -> Array:
        """By the law, or in random nets, each with its share of the samples."""
        if self.by_law:
            return laws.distance((self.neurons,), 1.0, 0.0) * np.sqrt(np.square(x).mean(1))  # in proportion to x
        parts = np.array_split(x, min(self.draws, len(x)))
        return np.concatenate([self.distances(self.random(i), part) for i, part in enumerate(parts)])


def random_like(stage: Stage, generator: torch.Generator) -> Stage:
    """Gaussian weights of variance two over the inputs in the place of its own, and no biases; in double precision."""
    weight = stage.read.weight
    drawn = torch.randn(weight.shape, generator=generator, dtype=torch.float64) * math.sqrt(2 / weight[0].numel())
    return replace(stage, read=replace(stage.read, weight=drawn, bias=torch.zeros_like(stage.read.bias)))


def _counted(own: _Own, x: Array, rng: np.random.Generator) -> Regions:
    pairs = [x[rng.choice(len(x), 2, replace=False)] for _ in range(own.draws)]
    rounds = [_circle(x[rng.choice(len(x), 3, replace=False)]) for _ in range(own.draws)] if len(x) > 2 else []
    lines = [(whole_line(a, b - a), _law_of_line(own.neurons, a, b, math.inf)) for a, b in pairs]
    segments = [(segment(a, b), _law_of_line(own.neurons, a, b, 1.0)) for a, b in pairs]
    circles = [(each, _law_of_circle(own.neurons, each)) for each in rounds if each]
    return Regions(
        neurons=own.neurons, by_law=own.by_law, lines=own.counts(lines), segments=own.counts(segments),
        circles=own.counts(circles), distance=own.distances(own.program, x), random_distance=own.random_distances(x),
    )  # fmt: skip


def _law_of_line(neurons: int, a: Array, b: Array, high: float) -> float:
    """Mean pieces of a random net without biases between a and b (`high` = 1), or on all of their line."""
    low = -math.inf if high == math.inf else 0.0
    zeros = laws.zeros(a, b - a, 1, 0.0, low, high)
    return 1 + zeros * (1 if _is_through_origin(a, b) else neurons)


def _is_through_origin(a: Array, b: Array) -> bool:
    """Nets without biases have all their switches in one point of such a line."""
    along = (b - a) / np.linalg.norm(b - a)
    return bool(np.linalg.norm(a - (a @ along) * along) <= TIE * max(np.linalg.norm(a), np.linalg.norm(b)))


def _law_of_circle(neurons: int, curve: Curve) -> float:
    turn = (np.arange(FINE) + 0.5) * math.tau / FINE
    return max(1.0, neurons * laws.zeros_around(curve.at(turn), 1, 0.0))


def _circle(three: Array) -> Curve | None:
    """The circle through three samples; None where they lie on one line."""
    a, sides = three[0], three[1:] - three[0]
    gram = sides @ sides.T
    if gram[0, 0] * gram[1, 1] - gram[0, 1] ** 2 <= TIE * gram[0, 0] * gram[1, 1]:
        return None
    to_centre = np.linalg.solve(gram, np.diag(gram) / 2) @ sides
    return circle(a + to_centre, float(np.linalg.norm(to_centre)), *sides)


# --- in words ---------------------------------------------------------------------------------------------------------


def regions_words(found: Regions) -> list[str]:
    """Of each kind of curve and of the distances: what was found, and what random nets of that size have."""
    return [_line_words(found), _segment_words(found), _circle_words(found), _distance_words(found)]


def _line_words(found: Regions) -> str:
    lines = found.lines
    says = f"On a whole line through two samples it has {_mean(lines.linear, 'linear regions')}. {_beside(found)}"
    if lines.random.min() < found.neurons + 0.5 and found.by_law:
        says += f" without biases has {_number(lines.random)}, with two on a line through the origin."
    else:
        says += f" has {_number(lines.random)}{', one more than its neurons' * found.by_law}."
    if (more := lines.activation.mean() / lines.linear.mean() - 1) > NEGLIGIBLE:
        says += f" Neurons switch without a bend, too: there are {more:.0%} more pieces on which no neuron switches."
    return says.replace("%", " %")


def _segment_words(found: Regions) -> str:
    between = f"Between the two samples it has {_mean(found.segments.linear, 'linear regions')}"
    return f"{between}. {_bare(found, found.segments.random)}."


def _circle_words(found: Regions) -> str:
    circles = found.circles
    if not len(circles.linear):
        return "No circle goes through three samples. All that were tried lie on one line."
    around = f"Around a circle through three samples it has {_mean(circles.linear, 'linear regions')}"
    return f"{around}. {_bare(found, circles.random)}."


def _distance_words(found: Regions) -> str:
    far, random = (distance[np.isfinite(distance)] for distance in (found.distance, found.random_distance))
    if not len(far):
        return "No sample is near a switch. None of the neurons ever switches."
    spread = f", the mean of {len(far)} of them ({far.min():.2g} to {far.max():.2g})" if len(far) > 1 else ""
    bare = " without biases" * found.by_law
    return (
        f"The nearest switch of a neuron is {far.mean():.2g} away from a sample{spread}. "
        f"{_beside(found)}{bare} has one {random.mean():.2g} away."
    )


def _beside(found: Regions) -> str:
    return "A random net of that size" if found.by_law else "A random net in its place"


def _bare(found: Regions, counts: Array) -> str:
    return f"{_beside(found)}{' without biases' * found.by_law} has {_number(counts)}"


def _mean(counts: Array, what: str) -> str:
    curves = f", the mean of {len(counts)} ({counts.min():,} to {counts.max():,})" if len(counts) > 1 else ""
    return f"{_number(counts)} {what}{curves}"


def _number(counts: Array) -> str:
    mean = float(np.mean(counts))
    return f"{mean:,.0f}" if mean >= 10 or mean == round(mean) else f"{mean:.1f}"


# --- a picture --------------------------------------------------------------------------------------------------------


def plane(model: nn.Module | Net | Layered, three: Any, margin: float = 0.5, seed: int = 0) -> tuple[Any, str, str]:
    """A window of the plane through three images cut into the net's pieces, as `drawing.show` takes it.

    That is the figure, what it looks like, and what to see. The window reaches `margin` of their spread beyond them.
    InputError where `count_regions` raises it, for other than three images, for three on one line, and for a window
    with so many pieces that no picture shows them.
    """
    from reversible.show import drawing
    from reversible.show.tilings import classes_of, draw_tiling

    net, images, given = fitted(model, three, lambda count: torch.arange(count))
    if given != 3:
        raise InputError(f"three must be three images, not {given}")
    x, own = images.flatten(1).double().numpy(), _Own(net, RANDOM, seed)
    if x.shape[1] < 2:
        raise InputError("a plane must be in a space of two numbers or more, and the net reads one")
    window, most = Window.through(x, margin), min(DRAWN, BUDGET // (64 * own.widest))
    with one_thread(), torch.no_grad():
        found = tiling(own.program, window, most)
        beside = [tiling(own.random(draw), window).linear_regions for draw in range(RANDOM)]
    said = classes_of(own.program(x))
    (figure,), (ax,) = drawing.panels(1, height=drawing.ALONE)
    draw_tiling(ax, found, x, said.tolist())
    return (
        figure,
        "A window of the plane through three images, cut into convex polygons in the colours of the classes.",
        f"The plane through three images (marked by the class that the net gives them) has {found.linear_regions:,} "
        f"linear regions in this window, where {RANDOM} random nets in its place have {np.mean(beside):,.0f} on "
        f"average. Colours are the class that the net gives the middle of a piece.",
    )
