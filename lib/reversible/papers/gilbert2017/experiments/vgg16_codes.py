"""Fig. 3 on a whole VGG-16: how long is what a code of conv(5,2) makes, over the code's own length?

Codes are random ones, or those that the paper's Algorithm 2 finds for the activations below: a lasso, the switches of
its maxima, and a lasso once more on these units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible import data
from reversible.base.checks import fraction, integer, one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.convolution import Convolution, project, unit_rows, unpool
from reversible.papers.gilbert2017 import labels_vgg16 as labels
from reversible.papers.gilbert2017.experiments.vgg16 import SIDES, check_groups
from reversible.papers.gilbert2017.experiments.vgg16_trunk import (
    NOT_AT_HAND,
    Trunk,
    permuted,
    pictures,
    seen,
)
from reversible.runs.experiment import Absent, Experiment, seed_of

FILTERS = ("learned", "random", "permuted")
LENGTHS = ("one", "own")  # of filters: each of length one, or as they are, with one number for all
READ = "c51"  # whose activations are coded
CODED = "c52"  # by whose filters


def filters_of(trunk: Trunk, name: str, lengths: str, generator: torch.Generator) -> Tensor:
    """The filters of conv(5,2), Gaussian ones of their shape, or their entries in another order in each filter."""
    learned = trunk.weights[CODED]
    if name == "random":
        learned = torch.randn(learned.shape, generator=generator)
    elif name == "permuted":
        learned = permuted(learned, generator)
    if lengths == "one":
        return unit_rows(learned)
    return learned / learned.square().sum((1, 2, 3)).mean().sqrt()


def norms(maps: Tensor) -> Tensor:
    """The length of each example, (B,), in double precision."""
    return maps.flatten(1).double().norm(dim=1)


# --- random codes -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RandomCodes:
    """|W^T z| / |z| of codes with one entry from -1 to 1, uniform, in each 2 x 2 window of each map."""

    filters: str  # one of FILTERS: drawn afresh in each repeat
    lengths: str  # one of LENGTHS
    side: int  # of a map
    codes: int  # in each repeat
    draws: int
    seed: int

    def __post_init__(self) -> None:
        one_of("filters", self.filters, FILTERS)
        one_of("lengths", self.lengths, LENGTHS)
        integer("side", self.side, low=2, high=100)


@dataclass(frozen=True)
class RandomCodesResult:
    ratio: list[float]  # of each repeat the mean
    spread: list[float]  # and the standard deviation


def random_codes(p: RandomCodes) -> RandomCodesResult | Absent:
    try:
        trunk = Trunk.at_hand()
    except data.NotAtHand:
        return Absent(NOT_AT_HAND)
    result = RandomCodesResult([], [])
    for draw in range(p.draws):
        generator = trial_generator(p.seed, draw)
        layer = Convolution(filters_of(trunk, p.filters, p.lengths, generator))
        ratios = []
        for _ in range(p.codes):
            values = 2 * torch.rand(1, layer.filters.shape[0], p.side // 2, p.side // 2, generator=generator) - 1
            z = placed(values, p.side, generator)
            ratios.append(float(norms(layer.down(z, (p.side + 2, p.side + 2))) / norms(z)))
        result.ratio.append(float(np.mean(ratios)))
        result.spread.append(float(np.std(ratios, ddof=1)))
    return result


def placed(values: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Maps of `side` with each value at a random place of its own 2 x 2 window, (B, K, n, n) -> (B, K, side, side)."""
    rows, columns = (
        2 * torch.arange(n) + torch.randint(2, values.shape, generator=generator)[..., :, :] if axis else
        2 * torch.arange(n)[:, None] + torch.randint(2, values.shape, generator=generator)
        for axis, n in enumerate(values.shape[2:])
    )  # fmt: skip
    return unpool(values, rows * side + columns, (side, side))


# --- codes by Algorithm 2 ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class FoundCodes:
    """|W^T z| / |z| of the codes that Algorithm 2 finds for conv(5,1), with its ReLU or without, and controls."""

    filters: str  # one of FILTERS: drawn afresh for each group
    relu: bool
    weight: float  # lambda, over the least one for which the lasso gives nothing
    pictures: str
    side: int  # of a picture
    groups: int
    steps: int  # of each lasso
    seed: int

    def __post_init__(self) -> None:
        one_of("filters", self.filters, FILTERS)
        fraction("weight", self.weight)
        check_groups(self.pictures, self.groups)


@dataclass(frozen=True)
class FoundCodesResult:
    """Of each group the mean over its pictures; lengths over the code's own."""

    ratio: list[float]  # |W^T z| / |z|
    spread: list[float]  # how far the pictures of a group are apart: half their difference
    moved: list[float]  # the same values on another support with an entry in as many windows
    largest: list[float]  # the longest that any code on the support of z makes
    residual: list[float]  # |x - W^T z| / |x|
    nonzero: list[float]  # share of entries of z
    stopped: list[float]  # how far the second lasso is from its least value, over |x|^2: a bound


def found_codes(p: FoundCodes) -> FoundCodesResult | Absent:
    try:
        trunk = Trunk.at_hand()
        shown = [pictures(p.pictures, group, p.side) for group in range(p.groups)]
    except data.NotAtHand:
        return Absent(NOT_AT_HAND)
    result = FoundCodesResult(*([] for _ in range(7)))
    for group, images in enumerate(shown):
        generator = trial_generator(p.seed, group)
        layer = Convolution(filters_of(trunk, p.filters, "one", generator), padding=1)
        x = trunk.read(READ, trunk.up(seen(images), "p4").maps["p4"])
        _add(p, layer, torch.relu(x) if p.relu else x, generator, result)
    return result


def _add(p: FoundCodes, layer: Convolution, x: Tensor, generator: torch.Generator, result: FoundCodesResult) -> None:
    """What is found for activations x (B, M, side, side), added to what was found before."""
    z, weights = algorithm_2(layer, x, p.weight, p.steps)
    made, lengths, size = layer.down(z, tuple(x.shape[2:])), norms(z), tuple(x.shape[2:])
    ratios = norms(made) / lengths
    moved = moved_code(z, generator)
    result.ratio.append(float(ratios.mean()))
    result.spread.append(float(ratios.std(correction=0)))
    result.moved.append(float((norms(layer.down(moved, size)) / norms(moved)).mean()))
    result.largest.append(float(largest_gain(layer, z != 0, size, p.steps, generator).mean()))
    result.residual.append(float((norms(x - made) / norms(x)).mean()))
    result.nonzero.append(float((z != 0).double().mean()))
    result.stopped.append(float((duality_gap(layer, x, z, weights, z != 0) / norms(x) ** 2).max()))


def algorithm_2(layer: Convolution, x: Tensor, weight: float, steps: int) -> tuple[Tensor, Tensor]:
    """Codes z of activations x with W^T z near x, and the lambda of each: lasso, the switches of 2 x 2 maxima, lasso.

    lambda is `weight` times 2 max |W x|, the least for which the lasso's answer is zero.
    """
    weights = weight * 2 * layer.up(x).abs().amax((1, 2, 3))
    maxima = project(lasso(layer, x, weights, steps), None, (2, 2))
    return lasso(layer, x, weights, steps, maxima), weights


def lasso(layer: Convolution, x: Tensor, weights: Tensor, steps: int, start: Tensor | None = None) -> Tensor:
    """The least |x - W^T z|^2 + lambda |z|_1 over z; from `start` on over those that are zero where it is.

    FISTA of Beck and Teboulle (2009), with the momentum taken back where it points uphill. `weights` has a lambda for
    each example.
    """
    size, generator = tuple(x.shape[2:]), torch.Generator().manual_seed(0)
    z = ahead = torch.zeros_like(layer.up(x)) if start is None else start
    on = torch.ones_like(z, dtype=torch.bool) if start is None else start != 0
    gain = largest_gain(layer, on, size, min(steps, 30), generator)
    steepest = max(2.1 * float(gain.square().max()), 1e-12)  # above zero where no unit may be on
    threshold = (weights / steepest).view(-1, 1, 1, 1)
    speed = 1.0
    for _ in range(integer("steps", steps)):
        downhill = ahead + 2 / steepest * layer.up(x - layer.down(ahead, size))
        new = torch.sign(downhill) * (downhill.abs() - threshold).clamp_min(0) * on
        if float(((ahead - new) * (new - z)).sum()) > 0:
            speed = 1.0
        faster = (1 + (1 + 4 * speed**2) ** 0.5) / 2
        ahead, z, speed = new + (speed - 1) / faster * (new - z), new, faster
    return z


def duality_gap(layer: Convolution, x: Tensor, z: Tensor, weights: Tensor, on: Tensor) -> Tensor:
    """How far |x - W^T z|^2 + lambda |z|_1 can be above its least value on `on`, of each example: (B,).

    By the dual point that is the residual, made small enough: |W r| <= lambda / 2 on `on`.
    """
    left = (x - layer.down(z, tuple(x.shape[2:]))).double()
    reached = 2 * (layer.up(left.to(x.dtype)).abs() * on).amax((1, 2, 3)).double()
    dual = left * (weights.double() / reached.clamp_min(1e-300)).clamp_max(1).view(-1, 1, 1, 1)
    primal = left.square().sum((1, 2, 3)) + weights.double() * z.double().abs().sum((1, 2, 3))
    return primal - (2 * (dual * x.double()).sum((1, 2, 3)) - dual.square().sum((1, 2, 3)))


def moved_code(z: Tensor, generator: torch.Generator) -> Tensor:
    """The maxima of the windows of z in random order, each at a random place of its new window."""
    side = z.shape[-1]
    windows = z.unfold(2, 2, 2).unfold(3, 2, 2).sum((-2, -1))  # one of the four is not zero, or none
    order = torch.rand(windows.flatten(1).shape, generator=generator).argsort(1)
    return placed(windows.flatten(1).gather(1, order).view_as(windows), side, generator)


def largest_gain(
    layer: Convolution, on: Tensor, size: tuple[int, ...], steps: int, generator: torch.Generator
) -> Tensor:
    """The largest |W^T z| / |z| of codes that are zero but at `on` (B, K, ...), by power steps: (B,), from below."""
    z = torch.randn(on.shape, generator=generator) * on
    for _ in range(steps):
        z = z / norms(z).clamp_min(1e-30).to(z.dtype).view(-1, 1, 1, 1)
        made = layer.down(z, size)
        z = layer.up(made) * on
    return norms(made)  # pyright: ignore[reportPossiblyUnboundVariable]


# --- what is run and measured -----------------------------------------------------------------------------------------

WEIGHT = 0.1  # the lambda that is judged, over the largest; the paper does not tell its own
OTHER_WEIGHTS = (0.3, 0.03)
Cell = RandomCodes | FoundCodes
Result = RandomCodesResult | FoundCodesResult


def lengths_cells(profile: str) -> list[Cell]:
    codes, draws, side, steps = {"smoke": (2, 2, 6, 3), "book": (4, 2, 15, 5), "full": (20, 10, 15, 120)}[profile]
    random = [("learned", "one"), ("random", "one"), ("permuted", "one"), ("learned", "own")]
    cells: list[Cell] = [
        RandomCodes(filters=filters, lengths=lengths, side=side, codes=codes, draws=draws,
                    seed=seed_of("vgg16-lengths", f"{filters} {lengths}"))
        for filters, lengths in random
    ]  # fmt: skip
    found = [("learned", relu, WEIGHT, 10) for relu in (True, False)]
    found += [(filters, True, WEIGHT, 5) for filters in ("random", "permuted")]
    found += [("learned", True, weight, 5) for weight in OTHER_WEIGHTS]
    for filters, relu, weight, groups in found:
        cells.append(
            FoundCodes(filters=filters, relu=relu, weight=weight, pictures="photographs", steps=steps,
                       side=SIDES[profile], groups=groups if profile == "full" else 2,
                       seed=seed_of("vgg16-lengths", f"{filters} {relu} {weight}"))
        )  # fmt: skip
    return cells


def lengths(p: Cell) -> Result | Absent:
    run: Callable[..., Result | Absent] = random_codes if isinstance(p, RandomCodes) else found_codes
    return run(p)  # pyright: ignore[reportArgumentType]


def lengths_measures(pairs: list[tuple[Cell, Result | Absent]]) -> dict[str, Estimate]:
    measures: dict[str, Estimate] = {}
    for p, r in pairs:
        if isinstance(p, RandomCodes) and isinstance(r, RandomCodesResult):
            kind = p.filters if p.lengths == "one" else f"{p.filters}_own"
            measures[f"ratio_drawn_{kind}"] = Estimate.of(r.ratio)
            measures[f"spread_drawn_{kind}"] = Estimate.of(r.spread)
        elif isinstance(p, FoundCodes) and isinstance(r, FoundCodesResult):
            measures |= _found_measures(p, r)
    return measures


def _found_measures(p: FoundCodes, r: FoundCodesResult) -> dict[str, Estimate]:
    code = "relu" if p.relu else "linear"
    if p.filters != "learned":
        code = f"{code}_{p.filters}"
    if p.weight != WEIGHT:
        code = f"{code}_{round(100 * p.weight)}"
    of = {name: Estimate.of(values) for name, values in vars(r).items() if name not in ("spread", "stopped")}
    measures = {f"{name}_{code}": estimate for name, estimate in of.items()}
    measures[f"closer_than_moved_{code}"] = Estimate.of(abs(np.array(r.moved) - 1) - abs(np.array(r.ratio) - 1))
    measures[f"stopped_{code}"] = Estimate.exact(max(r.stopped))
    return measures


EXPERIMENTS = {
    "vgg16-lengths": Experiment(
        lengths_cells, lengths, lengths_measures, label=labels.lengths, repeats=("groups", "draws")
    ),
}
