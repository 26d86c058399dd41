"""What is read off the curves of `shadow_curves`: gains, each method at the minimum of its own curve, and controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reversible.base.estimates import Estimate, jackknife, pooled
from reversible.papers.arora2015.smooth import Curve, bracketed, contrast, gain, minimum, smooth_errors

if TYPE_CHECKING:
    from reversible.papers.arora2015.experiments.shadow_at_rate import AtRate, AtRateResult

Runs = dict[str, dict[int, tuple[Any, Any]]]  # method -> offset of the rate -> cell and result
Scores = tuple[Sequence[float], Sequence[float]]  # of tuning seeds, of test seeds
Score = Callable[["AtRateResult"], Scores]
DRAWN_BY = 2015  # the seed of every bootstrap: all measures of a regime are of the same draws of its seeds
# Beside what a method is compared with where that is not backprop, and the name of the measure.
BESIDE = {
    "shadow_below_noise": ("noise", "shadow"),
    "shadow_below_doubled": ("doubled", "shadow"),
    "shadow_below_noise_dropout": ("noise_dropout", "shadow_dropout"),
    "h3_below_shadow": ("shadow", "h3"),
    "h1_below_shadow": ("shadow", "h1"),
    "sampling_below_shadow": ("shadow", "sampling"),
    "gain_shadow_dropout": ("backprop_dropout", "shadow_dropout"),
    "gain_dropout": ("backprop", "backprop_dropout"),
}
AT_SAME_RATE = {  # at the rate of one pilot, method by method
    "shadow_below_permuted": ("permuted", "shadow"),
    "shadow_below_gaussian": ("gaussian", "shadow"),
    **{f"noise_{size}_below_noise": ("noise", f"noise_{size}") for size in ("quarter", "half", "twice")},
}


def curve_measures(pairs: Sequence[tuple[AtRate, Any]]) -> dict[str, Estimate]:
    """All names end with the regime, but for means over several regimes and differences between them."""
    regimes = runs_of(pairs)
    measures: dict[str, Estimate] = {}
    for regime, runs in regimes.items():
        found = _of_regime(runs) | (_of_constant(regimes[base], runs) if (base := _base(regime, regimes)) else {})
        measures |= {f"{name}_{regime}": estimate for name, estimate in found.items()}
    return measures | _over_regimes(measures)


def runs_of(pairs: Sequence[tuple[AtRate, Any]]) -> dict[str, Runs]:
    """Regime -> method -> offset -> cell and result, of the cells whose data were at hand."""
    regimes: dict[str, Runs] = {}
    for cell, result in pairs:
        if hasattr(result, "lr"):
            regimes.setdefault(cell.regime, {}).setdefault(cell.method, {})[cell.offset] = cell, result
    return regimes


def _base(regime: str, regimes: Mapping[str, Runs]) -> str:
    """The regime that one with a constant rate is held against; empty for others."""
    base = regime.removesuffix("_constant")
    return base if base != regime and base in regimes else ""


# --- what a run is judged by ------------------------------------------------------------------------------------------


def final(result: AtRateResult) -> Scores:
    """The error at the end."""
    return result.tuning, result.test


def along(result: AtRateResult) -> Scores:
    """The mean error along training, from the first look to the last."""
    steps = np.array([look.step for look in result.looks], float)
    return tuple(
        np.trapezoid([getattr(look, kind) for look in result.looks], steps, axis=0) / max(1.0, steps[-1] - steps[0])
        for kind in ("tuning", "test")
    )  # type: ignore[return-value]


def stopped(result: AtRateResult) -> Scores:
    """The error of each net at the look at which its error on held-out images was lowest, the first of several."""
    tuning, test, held_out = (np.array([getattr(look, kind) for look in result.looks])
                              for kind in ("tuning", "test", "held_out"))  # fmt: skip
    return tuning.min(0).tolist(), np.take_along_axis(test, held_out.argmin(0)[None], 0)[0].tolist()


def curve_of(runs: Runs, method: str, score: Score = final) -> Curve | None:
    """A method's curve; None where there is none over several rates."""
    results = [result for _, (_, result) in sorted(runs.get(method, {}).items())]
    if len(results) < 2:
        return None
    tuning, test = zip(*map(score, results), strict=True)
    return Curve(np.array(tuning).T, np.array(test).T)


def same_seeds(one: Curve, other: Curve) -> tuple[Curve, Curve]:
    """Both with the seeds that both have: of each kind the first."""
    tuning, test = (min(len(getattr(c, kind)) for c in (one, other)) for kind in ("tuning", "test"))
    first, second = (Curve(c.tuning[:tuning], c.test[:test]) for c in (one, other))
    return first, second


# --- one regime -------------------------------------------------------------------------------------------------------


def _of_regime(runs: Runs) -> dict[str, Estimate]:
    curves = {method: curve for method in runs if (curve := curve_of(runs, method))}
    speeds = {method: curve for method in ("backprop", "shadow", "noise") if (curve := curve_of(runs, method, along))}
    found = {f"error_{method}": minimum(curve, DRAWN_BY) for method, curve in curves.items()}
    found |= {f"gain_{m}": _gain(curves, "backprop", m) for m in curves if m != "backprop" and "dropout" not in m}
    found |= {name: _gain(curves, *pair) for name, pair in BESIDE.items() if set(pair) <= set(curves)}
    found |= {
        f"speed_gain_{m}": _gain(speeds, "backprop", m) for m in ("shadow", "noise") if {"backprop", m} <= set(speeds)
    }
    found |= {name: _at_same_rate(runs, *pair) for name, pair in AT_SAME_RATE.items() if set(pair) <= set(runs)}
    found["bracketed"] = Estimate.exact(min(bracketed(curve, DRAWN_BY) for curve in curves.values()))
    if {"shadow", "sampling"} <= set(curves):
        found["sampling_log_variance_ratio"] = _log_variance_ratio(curves["sampling"], curves["shadow"])
    if {"shadow", "backprop"} <= set(runs):
        per_step = [_seconds_a_step(*runs[method][0]) for method in ("shadow", "backprop")]
        found["time_ratio"] = Estimate.exact(per_step[0] / per_step[1])
    return found | {
        f"{name}_{method}": estimate
        for method in ("shadow", "backprop") if method in runs
        for name, estimate in _tracking(runs[method][0][1]).items()
    }  # fmt: skip


def _gain(curves: Mapping[str, Curve], above: str, below: str) -> Estimate:
    return gain(*same_seeds(curves[above], curves[below]), DRAWN_BY)


def _at_same_rate(runs: Runs, above: str, below: str) -> Estimate:
    """Paired by seed, at the rate of the one pilot that both have."""
    errors = [np.array(runs[method][0][1].test) for method in (above, below)]
    both = min(map(len, errors))
    return Estimate.of(errors[0][:both] - errors[1][:both])


def _log_variance_ratio(one: Curve, other: Curve) -> Estimate:
    """Of the errors of seeds, each method at its own minimum, with a jackknife's interval."""
    errors = [smooth_errors(curve) for curve in same_seeds(one, other)]
    floor = 1e-12  # where all seeds end in the same error
    return jackknife(lambda a, b: float(np.log((a.var(ddof=1) + floor) / (b.var(ddof=1) + floor))), *errors)


def _seconds_a_step(cell: AtRate, result: AtRateResult) -> float:
    return max(result.seconds, 1e-6) / cell.training.steps


def _tracking(result: AtRateResult) -> dict[str, Estimate]:
    """Whether errors on synthetic images follow those of the same net on real ones, beyond the fall that all share.

    From each of the two curves of a seed the mean over seeds is taken off at each look. `follows` is the correlation of
    the rest of its synthetic curve with the rest of its own real curve, less the mean one with those of other seeds.
    `relative_gap` is the error on synthetic images over that on real ones at the end, less one.
    """
    real, made = (np.array([getattr(look, kind) for look in result.looks]).T for kind in ("test", "synthetic"))
    if not made.size:
        return {}
    together = _correlations(made - made.mean(0), real - real.mean(0))  # (N, N)
    own, others = np.diag(together), (together.sum(1) - np.diag(together)) / (len(together) - 1)
    gap = made[:, -1] / real[:, -1].clip(1e-3) - 1
    return {"follows": Estimate.of(own - others), "relative_gap": Estimate.of(gap)}


def _correlations(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Of each row of one with each row of the other, Pearson's; nothing goes with what does not move."""
    one, other = (v - v.mean(1, keepdims=True) for v in (rows, columns))
    lengths = np.linalg.norm(one, axis=1)[:, None] * np.linalg.norm(other, axis=1)[None]
    return np.divide(one @ other.T, lengths, out=np.zeros_like(lengths), where=lengths > 1e-12)


# --- several regimes --------------------------------------------------------------------------------------------------


def _of_constant(base: Runs, runs: Runs) -> dict[str, Estimate]:
    """SHADOW's gain by the third reading; how far the second and the third are from the first, with the same seeds."""
    first, second, third = _both(base, final), _both(runs, final), _both(runs, stopped)
    found = {"gain_stopped": gain(*third, DRAWN_BY)} if third else {}
    for reading, curves in (("constant", second), ("stopped", third)):
        if first and curves:
            parts = [(1.0, curves[0]), (-1.0, curves[1]), (-1.0, first[0]), (1.0, first[1])]
            found[f"gain_change_{reading}"] = contrast(parts, DRAWN_BY)
    return found


def _both(runs: Runs, score: Score) -> tuple[Curve, Curve] | None:
    """Backprop's curve and SHADOW's."""
    plain, made = (curve_of(runs, method, score) for method in ("backprop", "shadow"))
    return (plain, made) if plain and made else None


ONCE = ("mnist_1000_400x3", "mnist_1000_400x2", "mnist_1000_1000x3", "mnist_1000_2000x2", "mnist_5000_400x3",
        "cifar10_5000_400x3")  # fmt: skip
EVERYWHERE = ("gain_shadow", "speed_gain_shadow", "shadow_below_noise")


def _over_regimes(measures: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """Means over the regimes that have seeds of their own, without dropout; and the wide one less the narrow one.

    Where one of the regimes was not run there is no mean: that of the others would be another quantity.
    """
    found = {
        f"{name}_everywhere": pooled([measures[f"{name}_{regime}"] for regime in ONCE])
        for name in EVERYWHERE if all(f"{name}_{regime}" in measures for regime in ONCE)
    }  # fmt: skip
    narrow, wide = (measures.get(f"gain_shadow_mnist_1000_{size}") for size in ("400x3", "1000x3"))
    if narrow and wide:
        found["gain_shadow_wide_less_narrow"] = _less(wide, narrow)
    return found


def _less(one: Estimate, other: Estimate) -> Estimate:
    """Of two estimates that share no seeds."""
    mean, half = one.mean - other.mean, float(np.hypot(one.half_width, other.half_width))
    return Estimate(mean, (mean - half, mean + half), min(one.n, other.n))
