"""Figures of nets that are trained greedily and end to end, from their records."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reversible.base.estimates import Estimate
from reversible.papers.belilovsky2019.compared import Budget, Compared, Nets, joined
from reversible.papers.belilovsky2019.experiments import cifar, depth
from reversible.records.record import Record
from reversible.show.drawing import legend, means_and_bars, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown

HEADS = {"1": "linear head", "2": "head of 2 layers", "3": "head of 3 layers"}
MODULES = {"greedy-depth": depth, "greedy-cifar": cifar}


def compared(record: Record) -> Shown:
    """Probes over layers; test errors over costs; errors over rates."""
    pairs = [(cell, row) for cell, row in record.pairs() if "absent" not in row]
    found = [Compared(**row) for _, row in pairs]
    nets, module = Nets.of(found), MODULES[record.experiment]
    asked = module.cells(record.profile)[0]
    figures, (probes, over_cost, over_rate) = panels(3, height=3.6)
    _probes(probes, nets)
    _costs(over_cost, nets, lambda k: module.budget(asked, k))
    _rates(over_rate, found, module.RATES)
    for ax in (probes, over_cost, over_rate):
        legend(ax, ncols=1)
    m = record.measures
    return show(
        figures,
        [
            "Error of a linear probe over the number of layers, for trained layers with three kinds of heads and for "
            "random layers.",
            "Test error over the multiply-adds of training, for greedy nets after each layer and for the same nets end "
            "to end after each epoch.",
            "Error on images that choose a rate, over the rate, for each way to train.",
        ],
        f"A linear probe's error goes from {m['probe_first_k3'].mean:.1%} at the first layer to "
        f"{m['probe_last_k3'].mean:.1%} at the last with heads of three layers, and from {m['random_first'].mean:.1%} "
        f"to {m['random_last'].mean:.1%} through random layers. At the same cost a greedy net is "
        f"{100 * m['behind_same_cost_k3'].mean:.1f} points behind the same net end to end, with the same epochs in all "
        f"{100 * m['behind_k3'].mean:.1f}.",
    )


def _points(ax: Axes, x: Any, rows: Any, look: dict[str, Any], label: str, ls: str = "") -> None:
    mean, bars = means_and_bars(Estimate.of(nets) for nets in rows)
    ax.errorbar(x, 100 * mean, 100 * bars, ls=ls, lw=1, capsize=2, mfc="none", label=label, **look)


def _probes(ax: Axes, nets: Nets) -> None:
    named = [*((HEADS[k], nets.probe[k]) for k in nets.probe), ("random layers", nets.random[1:])]
    for look, (label, rows) in told_apart(named):
        _points(ax, np.arange(1, len(rows) + 1), rows, look, label, ":")
    ax.set(xlabel="layers", ylabel="error of a linear probe (%)", xticks=np.arange(1, len(nets.random)))


def _costs(ax: Axes, nets: Nets, budget: Any) -> None:
    ends = [name for name in nets.test if name.startswith("t")]
    looks = told_apart([*nets.probe, *ends])
    for look, name in looks:
        own: Budget = budget(int(name.removeprefix("t")))
        rows = nets.test[name]
        together = name in ends
        cost = own.epoch * np.arange(1, len(rows) + 1) if together else np.cumsum(own.stages)
        label = f"end to end, {HEADS[name[1:]]}" if together else f"greedy, {HEADS[name]}"
        _points(ax, cost / 1e6, rows, look, label, "-" if together else ":")
    ax.set(xlabel="million multiply-adds an image", ylabel="test error (%)", xscale="log")
    plain_numbers(ax, "x", (1, 2, 5))


def _rates(ax: Axes, found: list[Compared], rates: tuple[float, ...]) -> None:
    for look, name in told_apart(found[0].tuning):
        table = joined([r.tuning[name] for r in found])[:, -1]  # (rates, nets)
        label = f"end to end, {HEADS[name[1:]]}" if name.startswith("t") else f"greedy, {HEADS[name]}"
        _points(ax, rates, table, look, label, ":")
    ax.set(xlabel="learning rate", ylabel="error on choosing images (%)", xscale="log")
    plain_numbers(ax, "x", (1, 3))


FIGURES = {"greedy-depth": compared, "greedy-cifar": compared}
