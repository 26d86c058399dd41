"""Figures of noise in quadratic minima, each from its record."""

from __future__ import annotations

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.zhu2019.experiments.quadratic import TIMES
from reversible.records.record import Record
from reversible.show.drawing import LAW, legend, means_and_bars, panels, plain_numbers, show, told_apart
from reversible.show.html import Shown


def _over(path: dict[str, float], by: float, paths: int) -> Estimate:
    half = 1.96 * path["error"] / by
    return Estimate(path["mean"] / by, (path["mean"] / by - half, path["mean"] / by + half), paths)


def quadratic(record: Record) -> Shown:
    """The loss over t Tr(H Sigma) / 2 in time; the ratio to isotropic noise at the start and in the end."""
    pairs = list(record.pairs())
    figures, (rise, end) = panels(2, height=3.2)
    for cell, row in pairs:
        laws = [path["law"] / path["linear"] for path in row["flow"]]
        mean, bars = means_and_bars(_over(path, path["linear"], cell["paths"]) for path in row["flow"])
        rise.plot(TIMES, laws, color=LAW, lw=0.8)
        rise.errorbar(TIMES, mean, bars, ls="", marker="o", color="C0", mfc="none", lw=1, capsize=2)
    rise.axhline(1, color=LAW, lw=0.8, ls=":")
    rise.set(xlabel="time times the top eigenvalue", ylabel="loss over t Tr(HΣ)/2", xscale="log", ylim=(0, 1.1))
    plain_numbers(rise, "x", (1,))
    at = np.arange(1, len(pairs) + 1)
    end.plot(at, [row["ratio"] for _, row in pairs], "^", color="C1", mfc="none", label="at the start: Tr(HΣ)")
    late = [_over(row["late"], row["isotropic"]["mean"], cell["paths"]) for cell, row in pairs]
    mean, bars = means_and_bars(late)
    end.errorbar(at, mean, bars, ls="", marker="o", color="C0", mfc="none", lw=1, capsize=2, label="in the end: loss")
    end.axhline(1, color=LAW)
    end.set(
        xlabel="pair of matrices", ylabel="over isotropic noise", ylim=(0, None), xticks=at[:: max(1, len(at) // 5)]
    )
    legend(end)
    m = record.measures
    return show(
        figures,
        [
            "Mean loss over its linear form, falling with time: points on the lines of the law for each pair of "
            "matrices.",
            "For each pair of matrices how much more noise does than isotropic noise: above one at the start, and one "
            "in the end.",
        ],
        f"Simulated losses (points) lie on the law (joined by lines) within {m['flow_off'].mean:.1%}, though H and Σ "
        f"do not commute. The linear form holds at the start alone; late, the loss is {m['linear_10'].mean:.2f} of it "
        f"at most. And noise that is at least {m['ratio'].mean:.1f} times as quick as isotropic noise ends no higher.",
    )


SERIES = {("levels", 1): "one large eigenvalue", ("levels", 5): "five large ones", ("power", 1): "eigenvalues i^(−d)"}


def exponent(record: Record) -> Shown:
    """The power of D with which the ratio grows, over d."""
    pairs = list(record.pairs())
    figures, (ax,) = panels(1, height=3.4)
    for look, ((kind, k), words) in told_apart(SERIES.items()):
        same = [(cell["d"], row["exponent"]) for cell, row in pairs if (cell["kind"], cell["k"]) == (kind, k)]
        ax.plot(*zip(*same, strict=True), ls="", mfc="none", label=words, **look)
    d = np.linspace(0.5, 2, 100)
    ax.plot(d, 2 * d - 1, color=LAW, ls=":", label="2d − 1")
    ax.plot(d, np.minimum(2 * d - 1, 1), color=LAW, label="the smaller of 2d − 1 and 1")
    ax.set(xlabel="d", ylabel="power of D", ylim=(0, 2.2))
    legend(ax)
    m = record.measures
    return show(
        figures,
        "The power of D over d: it follows 2d minus one up to d of one and stays at one from there on.",
        f"The ratio grows like D to the power 2d − 1 only up to d = 1. For larger d the power is between "
        f"{m['least_above'].mean:.3f} and {m['most_above'].mean:.3f}, since the ratio can never be above D.",
    )


FIGURES = {"zhu-quadratic": quadratic, "zhu-exponent": exponent}
