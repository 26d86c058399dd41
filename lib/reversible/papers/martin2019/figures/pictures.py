"""Pictures that are drawn live: the phases on one page, and what a mean does to a fitted exponent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes

from reversible.papers.martin2019 import kinds, laws
from reversible.papers.martin2019.kinds import BLEEDING, COLLAPSE, DECAY, HEAVY, MU, PHASES, RANDOM, SPIKES
from reversible.show.drawing import COLOURS, LAW, legend, panels, show
from reversible.show.html import Shown
from reversible.spectra import tails

Array = np.ndarray
N, P = 600, 300


def six_phases(seed: int = 0) -> Shown:
    """A matrix of each phase, its eigenvalues as a histogram and its law as a line."""
    rng = np.random.default_rng(seed)
    figures, axes = panels(len(PHASES), height=2.5)
    soft = {}
    for ax, name in zip(axes, PHASES, strict=True):
        drawn = kinds.DRAW[name](N, P, rng)
        soft[name] = kinds.measured(drawn.matrix).soft_rank
        DRAWERS[name](ax, drawn.values)
        ax.set(title=name, ylabel="density" if name != HEAVY else "share above")
    return show(
        figures,
        [ALTS[name] for name in PHASES],
        f"Six matrices of {N} rows and {P} columns, each with its law as a line; what leaves the bulk is marked by "
        f"triangles. The soft rank is {soft[RANDOM]:.2f}, {soft[BLEEDING]:.2f}, {soft[SPIKES]:.2f}, "
        f"{soft[DECAY]:.2f}, {soft[HEAVY]:.2g} and nearly nought, so that it alone does not tell them all apart.",
    )


def _bars(ax: Axes, values: Array, end: float | None = None) -> None:
    ax.hist(values, bins=36, range=(0, end or float(values.max()) * 1.02), density=True, color=COLOURS[0], alpha=0.35)
    ax.set(xlabel="eigenvalue over n", ylim=(0, None))


def _with_spikes(count: int) -> Callable[[Axes, Array], None]:
    def drawn(ax: Axes, values: Array) -> None:
        _bars(ax, values[count:], float(values[0]) * 1.05)
        _law(ax, N - count, P - count, N)
        if count:
            ax.plot(values[:count], np.full(count, 0.03), "^", color=COLOURS[1], clip_on=False)

    return drawn


def _law(ax: Axes, n: int, p: int, over: int) -> None:
    low, high = (abs(n**0.5 + sign * p**0.5) ** 2 / over for sign in (-1, 1))
    x = np.linspace(low, high, 300)[1:-1]
    ax.plot(x, laws.bulk_pdf(x * over / n, n, p) * over / n, color=LAW)


def _decay(ax: Axes, values: Array) -> None:
    _bars(ax, values)
    grid, density, _ = laws.unequal(kinds.variances(P), P / N)
    ax.plot(grid, density, color=LAW)
    ax.set_xlim(-0.1, 1.05 * float(values.max()))


def _heavy(ax: Axes, values: Array) -> None:
    """Beside the expected number of squared entries above each value."""
    ax.loglog(values / N, np.arange(1, P + 1) / P, ls="", marker=".", ms=4, color=COLOURS[0])
    x = values[: P // 5]
    ax.loglog(x / N, N * x ** (-MU / 2), color=LAW)
    ax.set(xlabel="eigenvalue over n")


def _collapse(ax: Axes, values: Array) -> None:
    r = P // 3
    _bars(ax, values[:r])
    _law(ax, N, r, N)
    ax.plot([0], [0.03], "v", color=COLOURS[1], ms=6, clip_on=False)
    ax.text(0.0, 0.12, f"{P - r} at zero", ha="center", va="bottom", rotation=90)


DRAWERS = {
    RANDOM: _with_spikes(0), BLEEDING: _with_spikes(len(kinds.strengths(BLEEDING))),
    SPIKES: _with_spikes(len(kinds.strengths(SPIKES))), DECAY: _decay, HEAVY: _heavy, COLLAPSE: _collapse,
}  # fmt: skip
ALTS = {
    RANDOM: "Histogram of eigenvalues that fills the law of Marchenko and Pastur, with nothing beyond its edge.",
    BLEEDING: "The same bulk on its law, with a few triangles just beyond the edge.",
    SPIKES: "The same bulk on its law, and eight triangles far beyond it, well apart from each other.",
    DECAY: "A histogram that is high near zero and falls slowly over a long range, on its own law.",
    HEAVY: "Share of eigenvalues above each value, both axes logarithmic: the upper end is a straight line.",
    COLLAPSE: "A histogram on its law well above zero, and a triangle at zero for all the other values.",
}


def two_fits(mu: float = 3.5, seed: int = 0) -> Shown:
    """One-sided entries as they are and less their mean: two spectra and the power laws fitted to them."""
    W = np.random.default_rng(seed).pareto(mu, (1000, 300))
    figures, axes = panels(2, height=2.9)
    found = []
    for ax, (title, matrix) in zip(axes, {"as drawn": W, "less its mean": W - W.mean()}.items(), strict=True):
        values = kinds.eigenvalues(matrix)
        tail = tails.fit(values, ended=True)
        found.append(tail)
        share = np.arange(1, len(values) + 1) / len(values)
        ax.loglog(values, share, ls="", marker=".", ms=4, color=COLOURS[0], label="eigenvalues")
        x = np.geomspace(tail.xmin, tail.xmax, 100)
        ax.loglog(x, tail.count / len(values) * (x / tail.xmin) ** (1 - tail.alpha), color=LAW,
                  label="fitted power law")  # fmt: skip
        ax.set(title=title, xlabel="eigenvalue", ylabel="share above", ylim=(2e-3, 1.3))
        legend(ax)
    one, other = found
    return show(
        figures,
        [
            f"Share of eigenvalues above each value: one lies alone, far beyond the others, and the fitted line has a "
            f"slope of minus {one.alpha - 1:.1f}.",
            f"The same of the centred matrix: no value lies alone, and the line is steep, minus {other.alpha - 1:.1f}.",
        ],
        f"Entries with a tail index of {mu}: as drawn the fit gives α = {one.alpha:.2f} ({one.count} values, "
        f"D = {one.distance:.3f}), and with the mean taken off α = {other.alpha:.2f} ({other.count} values, "
        f"D = {other.distance:.3f}). The lone eigenvalue is that of the mean.",
    )
