"""Table 1: nets of fixed random filters whose classifier alone is trained, against the same nets learned.

All nets of a cell have the same images, in the same order, and the learned ones begin as the random ones. For each kind
of net some rates are tried from each seed, and the net that is best on held-out training images is tested; so the
choice, made anew for every seed, is part of every interval. Nothing is chosen on test images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from reversible import data
from reversible.base.runtime import trial_generator
from reversible.nets.convolution import Convolution, project, unit_rows
from reversible.papers.gilbert2017 import net_labels as labels
from reversible.papers.gilbert2017.filter_nets import (
    CHUNK,
    MOMENTS,
    FilterNet,
    Reader,
    Schedule,
    Standard,
    readings,
    trained_net,
    trained_reader,
)
from reversible.papers.gilbert2017.net_measures import measures
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.theory import one_step

DEPTH = 3  # layers of the deepest nets
GRID, COARSE = 4, 2  # the grid of means that a classifier reads, and a coarser one
FILTERS, IMAGES, ORDER, LABELS = range(4)  # a seed's streams of random numbers
SENT = 200  # test images that are sent through a layer and back
# Rates for each kind of net, about the best of a few trials. Those of a classifier alone are for MANY columns, and fall
# with their number: a step moves what it says in proportion to it. They are one more than for a learned net, since
# random layers ask for other rates as they are stacked. Those of learned nets are by their depth.
READER_RATES, MANY = (0.0013, 0.004, 0.014, 0.05), 512
RATES = {1: (0.005, 0.015, 0.05), 2: (0.005, 0.015, 0.05), 3: (0.015, 0.05, 0.15)}


@dataclass(frozen=True, kw_only=True)
class FilterNets:
    """Nets of one to three layers with K filters each, all from one seed."""

    data: str
    K: int
    learned: tuple[int, ...]  # the depths whose nets are learned, too
    controls: bool  # whether the controls are run
    images: int  # training images, and
    held_out: int  # others, which choose the rate
    epochs: int
    batch: int
    seed: int


@dataclass(frozen=True)
class NetResult:
    """A net at the best of its rates."""

    rate: float
    held_out: tuple[float, ...]  # accuracy on held-out images at each rate
    accuracy: float  # on all test images


@dataclass(frozen=True)
class StepBack:
    """What one layer's filters give back of its input in one step, means over images."""

    cosine: float
    over_law: float  # the cosine over sqrt(e / (1 + e)), e the energy that is kept over the input's


@dataclass(frozen=True)
class FilterNetsResult:
    """By the kind of net, then by depth or layer from 1 on."""

    nets: dict[str, list[NetResult]]
    back: dict[str, list[StepBack]]


@dataclass(frozen=True, eq=False)
class Split:
    """Images as nets see them, channels of mean 0 and deviation 1, (B, M, D, D), with their labels."""

    x: Tensor
    labels: Tensor

    @classmethod
    def of(cls, images: data.Images, mean: Tensor, deviation: Tensor) -> Split:
        x = images.scaled().unflatten(1, (images.channels, images.side, images.side))
        x = (x - mean[:, None, None]) / deviation[:, None, None]
        return cls(x.contiguous(memory_format=torch.channels_last), images.labels)


@dataclass(frozen=True, eq=False)
class Task:
    """Three sets of images: to train on, to choose by, to test on; or what fixed filters made of them."""

    p: FilterNets
    train: Split
    held_out: Split
    test: Split
    classes: int

    @classmethod
    def of(cls, p: FilterNets) -> Task:
        """Raises `data.NotAtHand`."""
        pool = data.load(p.data, train=True)
        mean, deviation = (moment.float() for moment in pool.moments())
        places = torch.randperm(len(pool.labels), generator=trial_generator(p.seed, IMAGES))
        images = pool.take(places[: p.images]), pool.take(places[p.images : p.images + p.held_out])
        train, held_out, test = (Split.of(part, mean, deviation) for part in (*images, data.load(p.data, train=False)))
        return cls(p, train, held_out, test, pool.classes)

    def seen(self, see: Callable[[Tensor], Tensor]) -> Task:
        """The same task with something made of the images."""
        return self.with_inputs(*map(see, self.inputs))

    @property
    def inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        """The images of the three sets."""
        return self.train.x, self.held_out.x, self.test.x

    def with_inputs(self, train: Tensor, held_out: Tensor, test: Tensor) -> Task:
        """The same labels with other inputs."""
        return replace(
            self,
            train=Split(train, self.train.labels),
            held_out=Split(held_out, self.held_out.labels),
            test=Split(test, self.test.labels),
        )

    def shuffled(self) -> Task:
        """The same task with labels to train on and to choose by that say nothing."""
        generator = trial_generator(self.p.seed, LABELS)
        parts = [Split(part.x, part.labels[torch.randperm(len(part.labels), generator=generator)])
                 for part in (self.train, self.held_out)]  # fmt: skip
        return replace(self, train=parts[0], held_out=parts[1])

    def order(self) -> torch.Generator:
        """The order of batches: the same for every net of the seed."""
        return trial_generator(self.p.seed, ORDER)

    def schedule(self, rate: float) -> Schedule:
        return Schedule(self.p.epochs, self.p.batch, rate)


# --- training ---------------------------------------------------------------------------------------------------------


def with_fixed_filters(task: Task) -> NetResult:
    """The classifier alone is trained, on columns (B, C)."""
    task = task.seen(Standard.of(task.train.x))
    columns = task.train.x.shape[1]

    def tried(rate: float) -> Reader:
        schedule = task.schedule(rate)
        return trained_reader(task.train.x, task.train.labels, task.classes, schedule, task.order())

    return best(READER_RATES, lambda rate: tried(rate * MANY / columns).accuracy, task)[0]


def with_learned_filters(task: Task, start: FilterNet) -> tuple[NetResult, FilterNet]:
    """All is trained from `start`; with it the net itself."""
    nets: dict[float, FilterNet] = {}

    def tried(rate: float) -> Callable[[Tensor, Tensor], float]:
        schedule = task.schedule(rate)
        x, labels = task.train.x, task.train.labels
        net, reader, standard = trained_net(start, x, labels, task.classes, GRID, schedule, task.order())
        nets[rate] = net
        return lambda x, labels: reader.accuracy(standard(readings(net, x, GRID)[-1]), labels)

    result, rate = best(RATES[start.depth], tried, task)
    return result, nets[rate]


def best(
    rates: tuple[float, ...], tried: Callable[[float], Callable[[Tensor, Tensor], float]], task: Task
) -> tuple[NetResult, float]:
    """The net whose accuracy on held-out images is largest, tested; `tried` trains one and gives its accuracy."""
    judges = [tried(rate) for rate in rates]
    held_out = [judge(task.held_out.x, task.held_out.labels) for judge in judges]
    place = max(range(len(rates)), key=held_out.__getitem__)
    tested = judges[place](task.test.x, task.test.labels)
    return NetResult(rates[place], tuple(held_out), tested), rates[place]


# --- a cell -----------------------------------------------------------------------------------------------------------


def filter_nets(p: FilterNets) -> FilterNetsResult | Absent:
    """Train and test all nets of a cell, and send test images through their layers and back."""
    try:
        task = Task.of(p)
    except data.NotAtHand as missing:
        return Absent(str(missing))
    start = first_filters(p, task)
    nets, back = {"random": _fixed(task, start)}, {"random": steps_back(start, start, task)}
    for depth in p.learned:
        result, net = with_learned_filters(task, start.first(depth))
        nets.setdefault("learned", []).append(result)
        if depth == DEPTH:
            back |= {"learned": steps_back(net, net, task), "fresh": steps_back(net, start, task)}
    if p.controls:
        nets |= controls(task, start)
    return FilterNetsResult(nets, back)


def first_filters(p: FilterNets, task: Task, relu: bool = True) -> FilterNet:
    """The random net of DEPTH layers that all others are taken from."""
    generator = trial_generator(p.seed, FILTERS)
    net = FilterNet.random(task.train.x.shape[1], p.K, DEPTH, generator, relu)
    return net.with_moments(task.train.x[:MOMENTS])


def read_by_depth(task: Task, net: FilterNet, grid: int = GRID) -> list[Task]:
    """What a classifier reads of each layer, as a task of its own."""
    read = [readings(net, x, grid) for x in task.inputs]
    return [task.with_inputs(*level) for level in zip(*read, strict=True)]


def _fixed(task: Task, net: FilterNet, grid: int = GRID) -> list[NetResult]:
    return [with_fixed_filters(each) for each in read_by_depth(task, net, grid)]


def controls(task: Task, start: FilterNet) -> dict[str, list[NetResult]]:
    """What could do as well: pixels, no ReLU, labels that say nothing, a coarser grid, one learned layer of three."""
    linear = first_filters(task.p, task, relu=False)
    one_layer = read_by_depth(task, start.first(1))[0]
    above = task.seen(lambda x: torch.cat([start.first(2).levels(part)[-1] for part in x.split(CHUNK)]))
    last = replace(start, filters=start.filters[2:], scales=start.scales[2:], shifts=start.shifts[2:], moments=())
    return {
        "pixels": [with_fixed_filters(task.seen(lambda x: x.flatten(1)))],
        "linear": _fixed(task, linear),
        "shuffled": [with_fixed_filters(one_layer.shuffled())],
        "coarse": _fixed(task, start.first(2), COARSE),
        "last": [with_learned_filters(above, last)[0]],
    }


# --- one step back ----------------------------------------------------------------------------------------------------


def steps_back(net: FilterNet, filters: FilterNet, task: Task) -> list[StepBack]:
    """Of each layer of `net`: what the `filters` of that layer, of length one, give back of what the layer sees.

    A ReLU, 2 x 2 max pooling and its switches, and the transpose, as for the weights at hand: without normalisation.
    """
    seen = net.levels(task.test.x[:SENT])[:-1]
    return [_step_back(x, w) for x, w in zip(seen, filters.filters, strict=True)]


def _step_back(x: Tensor, filters: Tensor) -> StepBack:
    layer = Convolution(unit_rows(filters).contiguous(), padding=filters.shape[-1] // 2)
    kept = project(torch.relu(layer.up(x)), None, (2, 2))
    back = layer.down(kept, tuple(x.shape[2:]))
    energies = [part.square().flatten(1).sum(1).double() for part in (kept, x)]
    there = energies[0] > 0  # of a few images a narrow net keeps nothing
    found = functional.cosine_similarity(x.flatten(1).double(), back.flatten(1).double())[there]
    law = torch.tensor([one_step.cosine(e) for e in (energies[0] / energies[1])[there].tolist()])
    return StepBack(float(found.mean()), float((found / law).mean()))


# --- profiles ---------------------------------------------------------------------------------------------------------

LEARNED = {16: 5, 32: 10, 64: 5}  # seeds by the number of filters; these nets are learned, too
RANDOM = {128: 5, 256: 5}


def cells(profile: str) -> list[FilterNets]:
    """Each seed and number of filters a cell. Digits everywhere at hand; CIFAR-10 in the profile `full`.

    The controls have ten seeds. A seed of 64 filters takes minutes to learn: five are what an hour allows.
    """
    asked: dict[str, Any] = {
        "smoke": {"data": "digits", "images": 100, "held_out": 50, "epochs": 1, "batch": 25},
        "book": {"data": "digits", "images": 1000, "held_out": 400, "epochs": 2, "batch": 25},
        "full": {"data": "cifar10", "images": 10000, "held_out": 3000, "epochs": 4, "batch": 50},
    }[profile]
    small = profile != "full"
    seeds = {4: 2, 8: 2} if small else LEARNED | RANDOM
    return [
        FilterNets(
            **asked, K=K, learned=() if K in RANDOM else (1, 2, 3), controls=(8 if small else 32) == K,
            seed=seed_of("cifar-nets", f"{profile} {K} {repeat}"),
        )
        for K, count in seeds.items()
        for repeat in range(count)
    ]  # fmt: skip


EXPERIMENTS = {"cifar-nets": Experiment(cells, filter_nets, measures, label=labels.cifar_nets)}
