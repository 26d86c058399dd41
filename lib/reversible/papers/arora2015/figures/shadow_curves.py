"""Figures of the curves of error against learning rate, and of what is gained at their minima."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, PercentFormatter

from reversible.base.estimates import Estimate
from reversible.papers.arora2015.curve_tables import OPEN, best_rate, curves_in, in_points
from reversible.papers.arora2015.experiments.shadow_curves import NARROW, WIDE
from reversible.papers.arora2015.experiments.shadow_curves_measures import DRAWN_BY, Runs, curve_of
from reversible.papers.arora2015.labels.curves import METHODS, regime_words, short_words
from reversible.papers.arora2015.smooth import minimum
from reversible.records.record import Record
from reversible.show.drawing import COLOURS, LAW, Look, legend, means_and_bars, panels, show, told_apart
from reversible.show.html import Shown

DRAWN = ("backprop", "shadow", "noise")
SHOWN = ("mnist_1000_400x3", "mnist_1000_1000x3", "mnist_5000_400x3", "cifar10_5000_400x3")  # a panel each
SHORT = {"noise": "noise"}  # where a legend has less room


def shadow_curves(record: Record) -> Shown:
    """Error against learning rate in four of the regimes."""
    regimes = curves_in(record)
    return _panels(record, [name for name in SHOWN if name in regimes] or list(regimes)[:1])


def shadow_gpu(record: Record) -> Shown:
    """Error against learning rate in each regime."""
    return _panels(record, list(curves_in(record)))


def _panels(record: Record, names: list[str]) -> Shown:
    """A panel a regime: points with intervals, the smooth minimum of each ringed."""
    regimes = curves_in(record)
    figures, axes = panels(len(names), 3.4)
    said = []
    for ax, name in zip(axes, names, strict=True):
        _frame(ax, [_curve(ax, regimes[name], method, look) for look, method in told_apart(DRAWN)])
        ax.set(title=regime_words(name), xlabel="learning rate", ylabel="test error at the end")
        legend(ax)
        said.append(f"{in_points(record.measures[f'gain_shadow_{name}'])} ({regime_words(name)})")
    return show(
        figures,
        [
            f"Test error against learning rate, {regime_words(name)}: a curve with a minimum for backprop, one for "
            f"SHADOW and one for noise of the same size."
            for name in names
        ],
        f"Test error at the end against learning rate: means over seeds with 95% intervals; rings are the smooth "
        f"minima. Backprop's less SHADOW's, in points: {'; '.join(said)}.",
    )


def _curve(ax: Axes, runs: Runs, method: str, look: Look) -> tuple[float, float]:
    """Draw one; its lowest smooth error, and the highest at rates at which no training fails."""
    curve, rates = curve_of(runs, method), [result.lr for _, (_, result) in sorted(runs[method].items())]
    if curve is None:
        raise ValueError(f"{method} was run at one rate alone")
    mean, bars = means_and_bars([Estimate.of(errors) for errors in curve.test.T])
    ax.errorbar(rates, mean, bars, lw=1, capsize=2, ms=3, label=SHORT.get(method, METHODS[method]), **look)
    lowest = minimum(curve, DRAWN_BY).mean
    ax.plot(best_rate(curve, rates), lowest, "o", ms=10, mfc="none", mec=look["color"], mew=1.5)
    return lowest, float(curve.test.mean(0)[: max(1, curve.usable)].max())


def _frame(ax: Axes, spans: list[tuple[float, float]]) -> None:
    """Rates at which training fails run out at the top."""
    ax.set_xscale("log", base=2)
    low, high = np.log2(ax.get_xlim())
    ticks = 2.0 ** np.arange(np.ceil(low), np.floor(high) + 1, 1 + (high - low > 6))
    ax.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    lowest, highest = min(low for low, _ in spans), max(high for _, high in spans)
    room = 0.25 * (highest - lowest) or 0.01
    ax.set_ylim(lowest - room, highest + room)


def shadow_gains(record: Record) -> Shown:
    """What SHADOW gains on backprop, and noise of the same size, a row a regime, with intervals about zero."""
    regimes = regimes_of(record)
    figures, axes = panels(1, 1.4 + 0.42 * len(regimes))
    draw_gains(axes[0], record, regimes)
    axes[0].set_yticks(range(len(regimes)), [regime_words(name).replace(", ", ",\n") for name in regimes])
    axes[0].set_ylim(len(regimes) - 0.5, -0.5)
    legend(axes[0])
    gains = [record.measures[f"gain_shadow_{name}"].scaled(100) for name in regimes]
    above, below = sum(e.ci95[0] > 0 for e in gains), sum(e.ci95[1] < 0 for e in gains)
    return show(
        figures,
        "A row for each regime, with backprop's lowest error less SHADOW's and less that of noise of the same size, "
        "each with its interval about a line at zero.",
        f"Backprop's lowest error less that of SHADOW and of noise, in percentage points. The interval of SHADOW's "
        f"gain lies above zero in {above} of {len(gains)} regimes, and below zero in {below}. A bar that leaves the "
        f"axis on both sides belongs to a curve that is open, and decides nothing.",
    )


def regimes_of(record: Record) -> list[str]:
    """Those in which all that are DRAWN were run."""
    return [name for name, runs in curves_in(record).items() if set(DRAWN) <= set(runs)]


def draw_gains(ax: Axes, record: Record, regimes: list[str]) -> None:
    """Gains with their intervals, regime i at the height i, and a line at zero."""
    heights, drawn = np.arange(len(regimes)), list[Estimate]()
    for nudge, (look, method) in zip((-0.12, 0.12), told_apart(DRAWN)[1:], strict=True):
        drawn += (gains := [record.measures[f"gain_{method}_{name}"].scaled(100) for name in regimes])
        mean, bars = means_and_bars(gains)
        ax.errorbar(
            mean, heights + nudge, xerr=bars, ls="", lw=1, capsize=2, label=SHORT.get(method, METHODS[method]), **look
        )
    ax.plot([0, 0], [-0.6, len(regimes) - 0.5], color=LAW)
    _within(ax, drawn)
    ax.set_xlabel("points  ← worse | better →")


def _within(ax: Axes, drawn: Iterable[Estimate]) -> None:
    """Intervals of open curves leave the axis on both sides."""
    ends = [0.0, *(end for e in drawn if e.half_width < OPEN for end in e.ci95)]
    margin = 0.06 * (max(ends) - min(ends)) or 1.0
    ax.set_xlim(min(ends) - margin, max(ends) + margin)


# What stands beside SHADOW, and the measure that says how far SHADOW lies below it, or it below SHADOW.
VARIANTS = {"h1": "h1_below_shadow", "h3": "h3_below_shadow", "sampling": "sampling_below_shadow"}
CONTROLS = {
    "backprop": "gain_shadow", "noise": "shadow_below_noise", "permuted": "shadow_below_permuted",
    "gaussian": "shadow_below_gaussian", "doubled": "shadow_below_doubled",
}  # fmt: skip


def shadow_variants(record: Record) -> Shown:
    """How far SHADOW lies below its variants and its controls, with intervals, a panel for the narrow and the wide."""
    regimes = [name for name in (NARROW, WIDE) if name in curves_in(record)] or list(curves_in(record))[:1]
    figures, axes = panels(len(regimes), 3.6)
    said = []
    for ax, name in zip(axes, regimes, strict=True):
        found = {
            method: _points(record.measures[f"{measure}_{name}"], method in VARIANTS)
            for method, measure in (VARIANTS | CONTROLS).items() if f"{measure}_{name}" in record.measures
        }  # fmt: skip
        _beside_shadow(ax, found)
        ax.set(title=short_words(name), xlabel="points  ← worse | better →")
        said.append(f"{sum(e.ci95[0] > 0 for e in found.values())} of {len(found)} ({regime_words(name)})")
    return show(
        figures,
        [
            f"{regime_words(name)}: a row for each variant of SHADOW and, with hollow markers, for each control, with "
            f"how far SHADOW's error lies below it and the interval about a line at zero."
            for name in regimes
        ],
        f"How far SHADOW's test error lies below that of its variants and of the controls (hollow), in percentage "
        f"points: to the right of the line SHADOW is the better one. Its whole interval lies there beside "
        f"{' and '.join(said)}.",
    )


def _points(e: Estimate, turned: bool) -> Estimate:
    """In percentage points, with the other sign where it is how far a variant lies below SHADOW."""
    low, high = (100 * end for end in e.ci95)
    return Estimate(-100 * e.mean, (-high, -low), e.n) if turned else Estimate(100 * e.mean, (low, high), e.n)


def _beside_shadow(ax: Axes, found: Mapping[str, Estimate]) -> None:
    for y, (method, estimate) in enumerate(found.items()):
        colour = COLOURS[0] if method in VARIANTS else LAW
        ax.plot(estimate.ci95, (y, y), color=colour, lw=1.5)
        ax.plot(estimate.mean, y, "o" if method in VARIANTS else "s", ms=5, color=colour,
                mfc=colour if method in VARIANTS else "white")  # fmt: skip
    ax.axvline(0, color=LAW, lw=1)
    ax.set_yticks(range(len(found)), [METHODS[method].removeprefix("SHADOW ") for method in found])
    ax.set_ylim(len(found) - 0.5, -0.5)
    _within(ax, found.values())


FIGURES = {"shadow-curves": shadow_curves, "shadow-gpu": shadow_gpu}
