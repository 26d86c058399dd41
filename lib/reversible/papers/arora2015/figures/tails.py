"""Power laws fitted to three spectra, and what tells these apart: rivals, and their entries in random order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from reversible.papers.arora2015.experiments.known_kinds import KINDS
from reversible.show.drawing import COLOURS, LAW, legend, panels, show
from reversible.show.html import Shown
from reversible.spectra import tails, verdicts
from reversible.spectra.decomposed import values_of
from reversible.spectra.matrix import Row, analyse
from reversible.theory.singular_values import Array

SIZE, SEED = (600, 200), 5
FAMILIES = {
    "student 2": (verdicts.HEAVY_TAILED, "Student t, 2 degrees"),
    "exponential variances": (verdicts.STRUCTURED, "exponential variances"),
    "autoregressive": (verdicts.STRUCTURED, "smooth rows"),
}
RIVALS = {
    "lognormal": "a lognormal law", "cutoff": "a power law that is cut off", "exponential": "an exponential law",
}  # fmt: skip


@dataclass(frozen=True)
class Tailed:
    """A matrix, and the squares of its singular values, falling, beside those of its entries in random order."""

    row: Row
    values: Array
    mixed: Array

    @property
    def rivals(self) -> list[str]:
        """Laws for which a power law does not stand."""
        fit = self.row.measured.alpha_fit
        beating = [name for name in ("lognormal", "cutoff") if fit[f"gain_{name}"] > tails.GAIN]
        return beating + ["exponential"] * (fit["over_exponential"] <= tails.RULED_OUT)


def tailed() -> dict[str, Tailed]:
    """By family."""
    found = {}
    for kind, (expected, _) in FAMILIES.items():
        rng = np.random.default_rng(SEED)
        matrix = KINDS[expected][kind](rng, *SIZE)
        mixed = rng.permuted(matrix.reshape(-1)).reshape(SIZE)
        found[kind] = Tailed(analyse(matrix, kind), values_of(matrix) ** 2, values_of(mixed) ** 2)
    return found


def three_tails() -> Shown:
    """Share of squared singular values above a point, the power law of the tail, and the entries in random order."""
    found = tailed()
    figures, axes = panels(len(found), 3.3)
    for ax, (kind, one) in zip(axes, found.items(), strict=True):
        _above(ax, one)
        ax.set(title=FAMILIES[kind][1])
    low, high = (bound([one.row.measured.alpha or 0.0 for one in found.values()]) for bound in (min, max))
    beaten = [f"{_rivals(one)} for {FAMILIES[kind][1]}" for kind, one in found.items() if one.rivals]
    kept = [FAMILIES[kind][1] for kind, one in found.items() if one.row.verdict == verdicts.HEAVY_TAILED]
    return show(
        figures,
        [_alt(FAMILIES[kind][1], one) for kind, one in found.items()],
        f"A power law is fitted to the tail of each spectrum (line), with exponents α from {low:.1f} to {high:.1f}. "
        f"It does not stand beside {_listed(beaten)}. In random order the entries keep their tail for {_listed(kept)} "
        f"alone.",
    )


def _above(ax: Axes, one: Tailed) -> None:
    m = one.row.measured
    unit, shares = one.values.mean(), (np.arange(len(one.values)) + 1) / len(one.values)
    seen = np.unique(np.geomspace(1, len(shares), 50).astype(int)) - 1  # all of the tail, and fewer of the many below
    ax.plot(one.values[seen] / unit, shares[seen], ls="", marker="o", ms=3, color=COLOURS[0], label="the matrix")
    ax.plot(
        one.mixed[seen] / unit,
        shares[seen],
        ls="",
        marker="^",
        ms=3,
        fillstyle="none",
        color=COLOURS[1],
        label="random order",
    )
    start, count = m.alpha_fit["xmin"] / unit, m.alpha_fit["n_tail"]
    x = np.geomspace(start, one.values[0] / unit, 30)
    law = count / len(one.values) * (x / start) ** (1 - (m.alpha or 0.0))
    ax.plot(x, law, color=LAW, lw=1.5, label="power law")
    ax.set(xscale="log", yscale="log", xlabel="x, over the mean squared value", ylabel="share of squared values ≥ x")
    ax.set_ylim(0.5 / len(one.values), 1.6)
    legend(ax, ncols=3, columnspacing=0.8, handlelength=1.2, handletextpad=0.4)


def _alt(name: str, one: Tailed) -> str:
    left = "as far" if one.row.verdict == verdicts.HEAVY_TAILED else "not nearly as far"
    return (
        f"{name}: squared singular values on logarithmic axes, their upper end beside a straight line; those of the "
        f"entries in random order reach {left}."
    )


def _rivals(one: Tailed) -> str:
    return _listed([RIVALS[rival] for rival in one.rivals])


def _listed(names: list[str]) -> str:
    return " and ".join(names) or "none of them"
