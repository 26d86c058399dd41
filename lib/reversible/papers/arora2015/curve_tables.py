"""Tables of the curves of error against learning rate: what was found at each, and what the design can see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from reversible.base.estimates import Estimate
from reversible.base.rebuilt import rebuilt
from reversible.papers.arora2015.experiments import shadow_gpu as gpu
from reversible.papers.arora2015.experiments.shadow_at_rate import AtRate, AtRateResult
from reversible.papers.arora2015.experiments.shadow_curves import FULL, HIGHER, NARROW, OFFSETS, WIDE, Regime
from reversible.papers.arora2015.experiments.shadow_curves_measures import (
    DRAWN_BY,
    ONCE,
    Runs,
    curve_of,
    runs_of,
    same_seeds,
)
from reversible.papers.arora2015.labels.curves import METHODS, regime_words
from reversible.papers.arora2015.smooth import (
    FAILS,
    SPACING,
    Curve,
    bracketed,
    minimum,
    power,
    seeds_for,
    smooth_errors,
)
from reversible.records.claims import Claim
from reversible.records.record import Record
from reversible.show.html import Shown, escape, table
from reversible.training.run import MOMENTUM

CIFAR = "cifar10_5000_400x3"
OPEN = 50.0  # half an interval of more points is that of an open curve, which holds all
SEEN = 0.003  # the gain that the numbers of seeds are judged by
WANTED = 0.8
GAINS_OF = {"gain_shadow": ("backprop", "shadow"), "gain_shadow_dropout": ("backprop_dropout", "shadow_dropout")}
WIDEST, WIDEST_CIFAR = (regime.name for regime in gpu.FULL)
# The regime whose seeds spread as those of wider nets are expected to: the same images.
LIKE = {WIDEST: NARROW, WIDEST_CIFAR: CIFAR}


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
            at = best_rate(curve, rates)
            lines.append([
                *line, f"{rates[0]:.3g} to {rates[-1]:.3g}", f"{at:.3g}", str(minimum(curve, DRAWN_BY).scaled(100)),
                f"{bracketed(curve, DRAWN_BY):.0%}", f"{len(curve.tuning)} + {len(curve.test)}",
            ])  # fmt: skip
    head = ["regime", "method", "learning rates", "minimum at", "error there, in percent", "inside", "seeds"]
    return Shown(table(head, lines))


def best_rate(curve: Curve, rates: Sequence[float]) -> float:
    """The learning rate of a curve's smooth minimum; `rates` are those at which it was measured, rising."""
    return rates[0] * 2 ** (SPACING * float(curve.place().at[0]))


def spreads(record: Record) -> dict[str, float]:
    """By measure the standard deviation over test seeds of a gain of SHADOW, each method at its own minimum."""
    found = {}
    for regime, runs in curves_in(record).items():
        for measure, pair in GAINS_OF.items():
            plain, made = (curve_of(runs, method) for method in pair)
            if plain and made:
                above, below = map(smooth_errors, same_seeds(plain, made))
                found[f"{measure}_{regime}"] = float((above - below).std(ddof=1))
    return found


def powers(record: Record) -> dict[str, dict[str, Any]]:
    """Of each gain with a decaying rate: seeds that count, their spread, power for SEEN, seeds that WANTED takes."""
    return {
        measure: {"seeds": (seeds := record.measures[measure].n), "spread": sd, **_power(sd, seeds)}
        for measure, sd in spreads(record).items() if not measure.endswith("_constant")
    }  # fmt: skip


def _power(spread: float, seeds: int) -> dict[str, Any]:
    return {"power": power(SEEN, spread, seeds), "needed": seeds_for(SEEN, spread, WANTED)}


def power_table(record: Record) -> Shown:
    """What SHADOW gains in each regime, beside what so many seeds that spread so can see."""
    lines = [
        [_regime_of(measure), str(record.measures[measure].scaled(100)), str(row["seeds"]),
         f"{100 * row['spread']:.2f}", f"{row['power']:.0%}", str(row["needed"])]
        for measure, row in powers(record).items()
    ]  # fmt: skip
    everywhere = str(record.measures["gain_shadow_everywhere"].scaled(100))
    lines.append([f"mean of {len(ONCE)} regimes, those without dropout", everywhere, "", "", "", ""])
    head = ["regime", "gain of SHADOW, points", "seeds that count", "spread of a seed's gain, points",
            f"power for a gain of {100 * SEEN:g} points", f"seeds for a power of {WANTED:.0%}"]  # fmt: skip
    return Shown(table(head, lines))


def _regime_of(measure: str) -> str:
    """The regime that a gain was measured in, as a reader says it."""
    name = next(measure.removeprefix(f"{gain}_") for gain in reversed(GAINS_OF) if measure.startswith(f"{gain}_"))
    return regime_words(name) + (", with dropout" if "dropout" in measure else "")


def settings() -> dict[str, str]:
    """Numbers of the design for the chapters' text."""
    narrow, wide, more = (named(name).place for name in (NARROW, WIDE, "mnist_5000_400x3"))
    tuning, test = named(NARROW).seeds
    return {
        "curve_rates": str(len(OFFSETS)), "curve_tuning": str(tuning), "curve_test": str(test),
        "curve_pilot": str(named(NARROW).pilot), "curve_regimes": str(len(FULL)), "curve_gain": f"{100 * SEEN:g}",
        "curve_images": f"{narrow['images']:,}", "curve_more_images": f"{more['images']:,}",
        "curve_width": f"{narrow['hidden'][0]:,}", "curve_wide": f"{wide['hidden'][0]:,}",
        "curve_momentum": f"{MOMENTUM:g}", "curve_batch": str(narrow["batch"]),
        "curve_held_out": f"{narrow['held_out']:,}", "curve_steps": str(narrow["steps"]),
        "curve_passes": str(_passes(narrow)), "curve_more_steps": str(more["steps"]),
        "curve_more_passes": str(_passes(more)), "curve_fails": f"{FAILS:g}", "curve_added": str(len(HIGHER)),
        "curve_open": str(sum(len(regime.lower) + len(regime.higher) for regime in FULL)),
    }  # fmt: skip


def _passes(place: dict[str, Any]) -> int:
    return place["steps"] * place["batch"] // place["images"]


GAINS = {
    "speed_everywhere": "speed_gain_shadow_everywhere", "gain_everywhere": "gain_shadow_everywhere",
    "gain_mnist": f"gain_shadow_{NARROW}", "gain_cifar10": f"gain_shadow_{CIFAR}",
    "gain_dropout": f"gain_shadow_dropout_{NARROW}_long",
}  # fmt: skip
FOLLOWS = {"follows_mnist": f"follows_shadow_{NARROW}", "follows_cifar10": f"follows_shadow_{CIFAR}"}
VARIANTS = {
    "h3_narrow": f"h3_below_shadow_{NARROW}", "h3_wide": f"h3_below_shadow_{WIDE}",
    "sampling_narrow": f"sampling_below_shadow_{NARROW}",
}  # fmt: skip
GPU_GAINS = {
    "gpu_gain_mnist": f"gain_shadow_{WIDEST}", "gpu_gain_cifar10": f"gain_shadow_{WIDEST_CIFAR}",
    "gpu_noise_mnist": f"gain_noise_{WIDEST}", "gpu_noise_cifar10": f"gain_noise_{WIDEST_CIFAR}",
    "gpu_h3": f"h3_below_shadow_{WIDEST}",
    "gpu_speed_mnist": f"speed_gain_shadow_{WIDEST}", "gpu_speed_cifar10": f"speed_gain_shadow_{WIDEST_CIFAR}",
}  # fmt: skip
VARIANCES = {"sampling_variance": f"sampling_log_variance_ratio_{NARROW}"}


def words(record: Record) -> dict[str, str]:
    """What was measured of SHADOW, with intervals, for the chapter's table; gains in percentage points."""
    return _told(record, GAINS, in_points) | _told(record, FOLLOWS)


def variant_words(record: Record) -> dict[str, str]:
    """The same of its variants."""
    return _told(record, VARIANTS, in_points) | _told(record, VARIANCES)


def _told(record: Record, measures: dict[str, str], shown: Callable[[Estimate], str] = str) -> dict[str, str]:
    return {word: shown(record.measures[measure]) for word, measure in measures.items()}


def in_points(gain: Estimate) -> str:
    """A gain in percentage points with its interval, or that it is not known."""
    shown = gain.scaled(100)
    return str(shown) if shown.half_width < OPEN else "not known, as a curve is open"


def gpu_settings(narrower: Record) -> dict[str, str]:
    """Numbers of the design in wide nets, for the chapters' text; power as if they spread as narrower ones do."""
    spread = spreads(narrower)
    seeds = {regime.name: regime.seeds[1] for regime in gpu.FULL}
    found = [_power(spread[f"gain_shadow_{LIKE[name]}"], count)["power"] for name, count in seeds.items()]
    return {
        "gpu_width": f"{gpu.FULL[0].place['hidden'][0]:,}",
        "gpu_seeds": " and ".join(map(str, seeds.values())),
        "gpu_power": " and ".join(f"{each:.0%}" for each in found),
    }


def gpu_found(record: Record) -> dict[str, str]:
    """What was measured in wide nets, gains in percentage points, and on which card; for the chapter's text."""
    lowest = [_lowest(record, WIDEST, method) for method in ("backprop", "shadow")]
    return _told(record, GPU_GAINS, in_points) | {
        "gpu_card": record.provenance["device"],
        "gpu_minutes": f"{record.provenance['seconds'] / 60:.0f}",
        "gpu_by_test": f"{100 * (lowest[0] - lowest[1]):.2f}",
    }


def _lowest(record: Record, regime: str, method: str) -> float:
    """The lowest mean error on test images themselves, at rates at which no training fails."""
    curve = curve_of(curves_in(record)[regime], method)
    assert curve
    return float(curve.test.mean(0)[: curve.usable].min())


def named(name: str) -> Regime:
    """A regime of the full run."""
    return next(regime for regime in FULL if regime.name == name)


def margin(claim: Claim) -> str:
    """By how many points something may be worse, by the first line of the claim's rule."""
    return f"{-100 * claim.must[0].low:g}"
