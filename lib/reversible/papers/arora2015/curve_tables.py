"""Tables of the curves of error against learning rate: what was found at each, and what the design can see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from reversible.base.rebuilt import rebuilt
from reversible.papers.arora2015.experiments import shadow_gpu as gpu
from reversible.papers.arora2015.experiments.shadow import Tuned
from reversible.papers.arora2015.experiments.shadow_at_rate import AtRate, AtRateResult
from reversible.papers.arora2015.experiments.shadow_curves import FULL, NARROW, OFFSETS, WIDE, Regime
from reversible.papers.arora2015.experiments.shadow_curves_measures import DRAWN_BY, ONCE, Runs, curve_of, runs_of
from reversible.papers.arora2015.labels.curves import METHODS, regime_words
from reversible.papers.arora2015.smooth import SPACING, bracketed, minimum, place_of, power, seeds_for
from reversible.records.claims import Claim
from reversible.records.record import Record
from reversible.show.html import Shown, escape, table

SEEN = 0.003  # the gain that the numbers of seeds are judged by
WANTED = 0.8
# The place of an older record whose seeds spread as those of a regime are expected to: the same images.
SPREAD_OF = {"mnist_1000": "mnist_1000", "mnist_5000": "mnist_5000", "cifar10_5000": "cifar10_5000"}


def curves_in(record: Record) -> dict[str, Runs]:
    """Regime -> method -> offset -> cell and result, of curves that are whole."""
    cut = {(c["regime"], c["method"]) for c, r in record.pairs() if "lr" not in r}
    found = ((c, r) for c, r in record.pairs() if (c["regime"], c["method"]) not in cut)
    return runs_of([(rebuilt(AtRate, cell), rebuilt(AtRateResult, row)) for cell, row in found])


def minima(record: Record) -> Shown:
    """Of each method in each regime: the rates, where its minimum lies, the error there, how surely it is inside."""
    lines = []
    for regime, runs in curves_in(record).items():
        for method in runs:
            curve, rates = curve_of(runs, method), [result.lr for _, (_, result) in sorted(runs[method].items())]
            line = [regime_words(regime), escape(METHODS[method])]
            if curve is None:
                only = runs[method][0][1]
                lines.append([*line, f"{only.lr:.3g}", "", f"{100 * np.mean(only.test):.2f}", "", str(len(only.test))])
                continue
            at = rates[0] * 2 ** (SPACING * float(place_of(curve.tuning.mean(0)[None]).at[0]))
            lines.append([
                *line, f"{rates[0]:.3g} to {rates[-1]:.3g}", f"{at:.3g}", str(minimum(curve, DRAWN_BY).scaled(100)),
                f"{bracketed(curve, DRAWN_BY):.0%}", f"{len(curve.tuning)} + {len(curve.test)}",
            ])  # fmt: skip
    head = ["regime", "method", "learning rates", "minimum at", "error there, in percent", "inside", "seeds"]
    return Shown(table(head, lines))


def spreads(older: Record) -> dict[str, float]:
    """Standard deviation over seeds of backprop's final test error less SHADOW's, by place of a record of `Tuned`."""
    final: dict[str, dict[str, np.ndarray]] = {}
    for cell, row in older.pairs():
        if "points" in row:
            p = rebuilt(Tuned, cell)
            final.setdefault(p.place, {})[p.method] = np.array(row["points"][-1]["test_error"])
    return {
        place: float((errors["backprop"] - errors["shadow"]).std(ddof=1))
        for place, errors in final.items()
        if {"backprop", "shadow"} <= set(errors)
    }


def powers(older: Record, regimes: Sequence[Regime] = FULL) -> dict[str, dict[str, Any]]:
    """Of each regime of a full run: seeds that count, expected spread, power for SEEN, seeds that WANTED would take.

    Only the spread of an older record is looked at, not its means.
    """
    spread = spreads(older)
    found = {}
    for regime in regimes:
        if regime.schedule == "cosine":
            sd, seeds = spread[SPREAD_OF["_".join(regime.name.split("_")[:2])]], regime.seeds[1]
            found[regime.name] = {
                "seeds": seeds, "spread": sd, "power": power(SEEN, sd, seeds), "needed": seeds_for(SEEN, sd, WANTED)
            }  # fmt: skip
    return found


def power_everywhere(older: Record) -> float:
    """That of the mean over the regimes of which a mean is taken, whose seeds are independent; by the normal law."""
    rows = [row for name, row in powers(older).items() if name in ONCE]
    error = float(np.sqrt(sum(row["spread"] ** 2 / row["seeds"] for row in rows))) / len(rows)
    return float(special.ndtr(SEEN / error - special.ndtri(0.975)))


def power_table(older: Record) -> Shown:
    """What the numbers of seeds can see, computed before the run."""
    found = powers(older)
    lines = [
        [regime_words(name), str(row["seeds"]), f"{100 * row['spread']:.2f}", f"{row['power']:.0%}", str(row["needed"])]
        for name, row in found.items()
    ]
    lines.append([f"mean of {len(ONCE)} regimes, those without dropout", "", "", f"{power_everywhere(older):.0%}", ""])
    head = ["regime", "seeds that count", "expected spread of a seed's difference, points",
            f"power for a gain of {100 * SEEN:g} points", f"seeds for a power of {WANTED:.0%}"]  # fmt: skip
    return Shown(table(head, lines))


def settings() -> dict[str, str]:
    """Numbers of the design for the chapters' text."""
    narrow, wide, more = (named(name).place for name in (NARROW, WIDE, "mnist_5000_400x3"))
    tuning, test = named(NARROW).seeds
    return {
        "curve_rates": str(len(OFFSETS)), "curve_tuning": str(tuning), "curve_test": str(test),
        "curve_pilot": str(named(NARROW).pilot), "curve_regimes": str(len(FULL)), "curve_gain": f"{100 * SEEN:g}",
        "curve_images": f"{narrow['images']:,}", "curve_more_images": f"{more['images']:,}",
        "curve_width": f"{narrow['hidden'][0]:,}", "curve_wide": f"{wide['hidden'][0]:,}",
    }  # fmt: skip


def gpu_settings(older: Record) -> dict[str, str]:
    """Numbers of the design in wide nets, and what it can see, for the chapters' text."""
    found = powers(older, gpu.FULL)
    return {
        "gpu_width": f"{gpu.FULL[0].place['hidden'][0]:,}",
        "gpu_seeds": " and ".join(str(row["seeds"]) for row in found.values()),
        "gpu_power": " and ".join(f"{row['power']:.0%}" for row in found.values()),
    }


def named(name: str) -> Regime:
    """A regime of the full run."""
    return next(regime for regime in FULL if regime.name == name)


def margin(claim: Claim) -> str:
    """By how many points something may be worse, by the first line of the claim's rule."""
    return f"{-100 * claim.must[0].low:g}"
