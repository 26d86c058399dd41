"""Greedy training and training end to end beside each other: what was found by rate and layer, and what is read off it.

The rate of each net is the one of the grid with which it is best on the images that choose, by itself: for greedy
training at its last layer, end to end at each number of epochs. So the choice is inside every interval.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reversible.base.estimates import Estimate, largest, smallest
from reversible.nets.separable import separability

Array = np.ndarray
Table = Any  # of tuples: by rate, by layer or epoch, a number a net


@dataclass(frozen=True)
class Compared:
    """Errors by method: `1`, `2`, `3` are greedy with heads of so many layers, `t1` and `t3` the same end to end."""

    images: int
    tuning: dict[str, Table]  # by method: (rates, layers or epochs, nets)
    test: dict[str, Table]
    probe: dict[str, Table]  # of greedy methods: of a linear classifier on what each layer gives
    ensemble: dict[str, Table]  # of all heads: (rates, nets)
    random: Table  # of the linear classifier on images, and after each random layer: (1 + layers, nets)
    seconds: dict[str, float]  # by method, at all rates together

    @classmethod
    def empty(cls, images: int, heads: Sequence[int], together: Sequence[int]) -> Compared:
        """To be filled in."""
        names = [*map(str, heads), *(f"t{k}" for k in together)]
        tuning, test = (dict.fromkeys(names, ()) for _ in range(2))
        probe, ensemble = (dict.fromkeys(map(str, heads), ()) for _ in range(2))
        return cls(images, tuning, test, probe, ensemble, (), dict.fromkeys(names, 0.0))

    def add_greedy(self, k: int, tuning: Table, test: Table, probe: Table, ensemble: Table, seconds: float) -> None:
        """One rate more."""
        for table, rows in ((self.tuning, tuning), (self.test, test), (self.probe, probe), (self.ensemble, ensemble)):
            table[str(k)] = (*table[str(k)], tuple(rows))
        self.seconds[str(k)] += seconds

    def add_together(self, k: int, tuning: Table, test: Table, seconds: float) -> None:
        """One rate more."""
        for table, rows in ((self.tuning, tuning), (self.test, test)):
            table[f"t{k}"] = (*table[f"t{k}"], tuple(rows))
        self.seconds[f"t{k}"] += seconds

    def with_random(self, random: Table) -> Compared:
        return Compared(self.images, self.tuning, self.test, self.probe, self.ensemble, tuple(random), self.seconds)


def probe_error(x: Array, labels: Array, unseen: Array, unseen_labels: Array) -> float:
    """The share that a linear classifier on features gets wrong; all, where training failed and they are not finite."""
    if not (np.isfinite(x).all() and np.isfinite(unseen).all()):
        return 1.0
    return 1 - separability(x, labels, unseen, unseen_labels)


@dataclass(frozen=True)
class Budget:
    """Multiply-adds an image: of each stage of greedy training, and of an epoch end to end."""

    stages: Sequence[float]
    epoch: float

    @property
    def same_cost(self) -> int:
        """The whole number of epochs end to end that costs at least as much as all stages."""
        return int(np.ceil(sum(self.stages) / self.epoch - 1e-9))


@dataclass(frozen=True, eq=False)
class Nets:
    """Errors of all nets at the rates that are theirs: (layers or epochs, nets)."""

    test: dict[str, Array]
    tuning: dict[str, Array]
    probe: dict[str, Array]  # none where nothing was probed
    ensemble: dict[str, Array]  # (nets,)
    random: Array
    at_edge: Array  # whether the rate of a greedy net is the smallest or the largest of the grid

    @classmethod
    def of(cls, found: Sequence[Compared]) -> Nets:
        """Of several cells, one after the other."""
        tuning, test, probe, ensemble = (
            {name: joined([getattr(r, field)[name] for r in found]) for name in getattr(found[0], field)}
            for field in ("tuning", "test", "probe", "ensemble")
        )
        heads = list(ensemble)
        best = {name: table[:, -1].argmin(0) for name, table in tuning.items()}
        by_epoch = {name: table.argmin(0) for name, table in tuning.items()}
        rates = len(tuning["1"])
        own = {k: chosen(test[k], best[k]) for k in heads}
        own |= {name: np.take_along_axis(test[name], by_epoch[name][None], 0)[0] for name in test if name not in heads}
        return cls(
            own, {k: chosen(tuning[k], best[k]) for k in heads},
            {k: chosen(probe[k], best[k]) for k in heads if probe[k].size},
            {k: chosen(ensemble[k], best[k]) for k in heads}, joined([r.random for r in found]),
            np.concatenate([(best[k] == 0) | (best[k] == rates - 1) for k in heads]),
        )  # fmt: skip


def joined(tables: Sequence[Table]) -> Array:
    """The same table of several cells: its last axis, of nets, one after the other."""
    return np.concatenate([np.array(table, float) for table in tables], -1)


def chosen(table: Array, rate: Array) -> Array:
    """Of a table (rates, ..., nets), each net's own rate: (..., nets)."""
    return np.stack([table[r, ..., net] for net, r in enumerate(rate)], -1)


def measures_of(found: Sequence[Compared], budget: Callable[[int], Budget]) -> dict[str, Estimate]:
    """All that is read off the nets; nothing where no data were at hand."""
    if not found:
        return {}
    nets = Nets.of(found)
    measures = depth_measures(nets) | probe_measures(nets)
    for name in (name for name in nets.test if name.startswith("t")):
        measures |= together_measures(nets, name, budget(int(name[1:])))
        own, beside = (sum(r.seconds[key] for r in found) for key in (name[1:], name))
        measures[f"seconds_k{name[1:]}"] = Estimate.exact(own / beside) if beside else Estimate.exact(0)
    return measures


def depth_measures(nets: Nets) -> dict[str, Estimate]:
    """Of greedy nets: what happens from layer to layer, and from k to k."""
    measures, steps, gains = dict[str, Estimate](), [], []
    for k in nets.ensemble:
        test = nets.test[k]
        measures[f"first_k{k}"], measures[f"last_k{k}"] = Estimate.of(test[0]), Estimate.of(test[-1])
        measures[f"ensemble_k{k}"] = Estimate.of(nets.ensemble[k])
        steps += [Estimate.of(before - after) for before, after in itertools.pairwise(test)]
        gains.append(Estimate.of(test[-1] - nets.ensemble[k]))
    for more, fewer in (("2", "1"), ("3", "2")):
        measures[f"gain_k{more}"] = Estimate.of(nets.test[fewer][-1] - nets.test[more][-1])
    measures["at_edge"] = Estimate.exact(float(nets.at_edge.mean()))
    return measures | {"smallest_step": smallest(steps), "ensemble_gain": smallest(gains)}


def probe_measures(nets: Nets) -> dict[str, Estimate]:
    """Of probes on trained layers, and on random ones; nothing where nothing was probed."""
    if not nets.probe:
        return {}
    measures = dict[str, Estimate]()
    pixels, first, *later = nets.random
    for k, probe in nets.probe.items():
        rises = [Estimate.of(probe[0] - after) for after in probe[1:]]
        measures[f"probe_rise_k{k}"] = smallest(rises)
        measures[f"probe_last_rise_k{k}"] = rises[-1]
        measures[f"probe_first_k{k}"], measures[f"probe_last_k{k}"] = Estimate.of(probe[0]), Estimate.of(probe[-1])
        measures[f"over_random_k{k}"] = smallest(
            [Estimate.of(control - own) for own, control in zip(probe, nets.random[1:], strict=True)]
        )  # fmt: skip
    return measures | {
        "random_rise": largest([Estimate.of(first - each) for each in later]),
        "random_last_rise": Estimate.of(first - later[-1]),
        "random_first": Estimate.of(first),
        "random_last": Estimate.of(later[-1]),
        "pixels": Estimate.of(pixels),
    }


def together_measures(nets: Nets, name: str, budget: Budget) -> dict[str, Estimate]:
    """Greedy against end to end, with the same epochs in all and at the same cost."""
    k, end = name[1:], nets.test[name]
    own, same = nets.test[k][-1], min(budget.same_cost, len(end))
    return {
        f"behind_k{k}": Estimate.of(own - end[-1]),
        f"behind_same_cost_k{k}": Estimate.of(own - end[same - 1]),
        f"together_k{k}": Estimate.of(end[-1]),
        f"together_same_cost_k{k}": Estimate.of(end[same - 1]),
        f"same_cost_epochs_k{k}": Estimate.exact(same),
        f"cost_over_k{k}": Estimate.exact(sum(budget.stages) / (budget.epoch * len(end))),
        f"cost_over_same_k{k}": Estimate.exact(sum(budget.stages) / (budget.epoch * same)),
    }
