"""Figures of the single-layer chapter: points are measured, with 95 % intervals; lines are the law."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reversible.base.runtime import trial_generator
from reversible.random_nets import model
from reversible.random_nets.one_layer import OneLayer, round_trip
from reversible.records.record import Record
from reversible.show.drawing import (
    bars_of,
    coloured,
    error_heatmap,
    frame,
    image_rows,
    legend,
    panels,
    plain_ticks,
    points,
    show,
    span,
    style,
)
from reversible.show.html import Shown
from reversible.theory import one_layer as laws


def baby_theorem(record: Record) -> Shown:
    """Largest error of the linear net against n, with the exact law."""
    data = frame(record)
    data["m / k"] = 4.0 ** np.round(np.log(data.m / data.k) / np.log(4))  # 1, 4, 16, whatever rounding made of them
    figure, axes = panels(2)
    for ax, part in zip(axes, (2, 8), strict=True):
        some = data[data.m == data.n // part]
        points(ax, some, "n", "linf", "predicted_linf", "m / k")
        ax.set(title=f"m = n / {part}", ylabel="largest error")
        legend(ax)
    return show(figure, f"Largest error of W^T W h / n against n from {span(data.n)}, falling as the law's lines do.")


def technical_lemma(record: Record) -> Shown:
    """Both moments of w relu(wh + xi) against h, with Stein's exact values."""
    data = frame(record)
    data = data[data.s > 1]
    for end in ("", "_low", "_high"):
        data[f"scaled{end}"] = data[f"second{end}"] / data.s**2
    figure, (left, right) = panels(2)
    for ax, moment in ((left, "first"), (right, "scaled")):
        points(ax, data, "h", moment, None, "s", "linear")
        for colour, (s, part) in coloured(data.groupby("s")):
            h = np.linspace(0, part.h.max(), 50)
            first, second = laws.lemma_moments(h, s)
            ax.plot(h, first if ax is left else second / s**2, color=colour, lw=1)
    left.set(ylabel="E[w r(wh + ξ)]")
    right.set(ylabel="E[w² r(wh + ξ)²] / s²")
    legend(left)
    return show(figure, "Simulated first and second moments lie on the lines h/2 and (3h² + s²)/(2s²).")


def unbiased_inference(record: Record) -> Shown:
    """Gain on the support and noise off it, over t."""
    data = frame(record)
    data["t"] = data.rho * data.n
    data["law"] = 2**0.5
    figure, (left, right) = panels(2)
    points(left, data, "t", "mean_gain", "predicted_mean_gain", "predicted_mean_gain", "linear")
    left.set(xscale="log", ylabel="gain: slope of y on h", ylim=(0.4, 1.1))
    left.minorticks_off()
    legend(left, labels=["α = 1/(ρn): law 1/2", "α = 2/(ρn): law 1"], handles=left.containers)
    points(right, data[data.alpha.isna()], "t", "noise_sd_times_sqrt_t", "law", "k", "linear")
    right.set(xscale="log", ylabel="noise sd × √t / ‖h‖")
    legend(right)
    return show(
        figure, "Left: the gain is 1 with the factor 2 and 1/2 without. Right: noise times root t lies at root 2."
    )


def linf_rate(record: Record) -> Shown:
    """Lemma 2.5: the largest error of a coordinate against t."""
    data = frame(record)
    data["t"] = data.rho * data.n
    for name in ("linf_times_sqrt_t", "linf_times_sqrt_t_low", "linf_times_sqrt_t_high", "predicted_linf_times_sqrt_t"):
        data[name.replace("_times_sqrt_t", "")] = data[name] / np.sqrt(data.t)
    figure, (ax,) = panels(1)
    points(ax, data, "t", "linf", "predicted_linf", "m")
    ax.set(ylabel="‖Wᵀx − h‖∞ / ‖h‖")
    ax.legend(frameon=False)
    return show(figure, f"The largest coordinate error falls as one over root t for t from {span(data.t)}, on the law.")


def theorem_2_3(record: Record) -> Shown:
    """Measured against predicted relative error, and the bound (k (2 + 4 ln m) + 4)/t."""
    data = frame(record)
    data["t"] = data.rho * data.n
    data["bound"] = [laws.theorem_bound(int(k), t, int(m)) for k, t, m in zip(data.k, data.t, data.m, strict=True)]
    data["deviation"] = data.relative_error / data.predicted_relative_error - 1
    for end in ("low", "high"):
        data[f"deviation_{end}"] = data[f"relative_error_{end}"] / data.predicted_relative_error - 1
    figure, (left, right) = panels(2)
    data["k / t"] = data.k / data.t
    points(left, data, "k / t", "relative_error", None, "m")
    left.set_xticks([0.001, 0.01])
    for colour, (_, part) in coloured(data.groupby("m")):
        part = part.sort_values("k / t")
        left.plot(part["k / t"], part.predicted_relative_error, color=colour, lw=1)
        left.plot(part["k / t"], part.bound, color=colour, lw=1, ls=":")
    left.set(ylabel="relative error", title="solid: exact law, dotted: bound")
    legend(left)
    points(right, data, "predicted_relative_error", "deviation", None, "m", "linear")
    right.axhspan(-0.03, 0.03, color="0.9", zorder=0)
    right.set(xscale="log", xlabel="predicted relative error", ylabel="measured / predicted − 1")
    spans = span(data.relative_error), span(data.deviation)
    return show(figure, f"{len(data)} cells: relative error {spans[0]} follows the law; deviations {spans[1]}.")


def regime_map(record: Record) -> Shown:
    """Measured relative error over k and t with the edges of the theorem's regime."""
    data = frame(record)
    data["t"] = data.rho * data.n
    grid = data.pivot(index="t", columns="k", values="relative_error").sort_index(ascending=False)
    style()
    figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    error_heatmap(ax, grid, cbar_kws={"label": "relative error"})
    ts, ks = np.log(grid.index.to_numpy(float)), np.log(grid.columns.to_numpy(float))
    rows, columns = np.arange(len(ts)) + 0.5, np.arange(len(ks)) + 0.5
    fine = np.linspace(ks[0], ks[-1], 100)
    for power, line in ((1, "-"), (2, "--")):
        height = np.interp(power * fine, ts[::-1], rows[::-1], left=np.nan, right=np.nan)
        ax.plot(np.interp(fine, ks, columns), height, "w" + line, lw=5, alpha=0.7)
        ax.plot(np.interp(fine, ks, columns), height, "k" + line, lw=2, label=f"t = k{'²' if power == 2 else ''}")
    ax.set(xlabel="k, nonzero entries of the code", ylabel="t = ρn, pixels kept")
    ax.set_yticklabels([f"{t:g}" for t in grid.index], rotation=0)
    ax.legend(loc="lower right", fontsize=9)
    best = float(grid.min().min())
    return show(
        figure, f"Relative error over k and t, from {best:.2g} at large t and small k to 1 and more below t = k."
    )


def inference_dropout(record: Record) -> Shown:
    """Noise variance and relative error against the retention at inference."""
    data = frame(record)
    data["t"] = data.rho * data.n
    for end in ("", "_low", "_high"):
        data[f"noise{end}"] = data[f"noise_sd_times_sqrt_t{end}"] ** 2 / 2
    data["k / t"] = data.k / data.t
    figure, (left, right) = panels(2)
    points(left, data, "q", "noise", None, "k", "linear")
    q = np.linspace(data.q.min(), 1, 50)
    left.plot(q, 1 / q, color="0.3", lw=1)
    left.set(ylabel="noise variance × t / 2‖h‖²")
    legend(left)
    points(right, data, "q", "relative_error", "predicted_relative_error", "k / t")
    right.set(ylabel="relative error")
    legend(right, fontsize=7, ncol=2)
    return show(figure, "Noise variance grows as one over the retention q, and the relative error with it, on the law.")


def relu_and_offset(record: Record) -> Shown:
    """Relative error against m for each way of inference, with the law and the minimax rate."""
    data = frame(record)
    names = {"linear0.0": "linear", "relu0.0": "ReLU", "reluproof": "ReLU, proof's offset",
             "reluoptimal": "ReLU, best offset", "hardoptimal": "hard threshold, best"}  # fmt: skip
    data["variant"] = [names[f"{e}{o}"] for e, o in zip(data.estimate, data.offset, strict=True)]
    style()
    figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
    for colour, name in coloured(names.values()):
        part = data[data.variant == name].sort_values("m")
        bars = bars_of(part, "relative_error")
        ax.errorbar(part.m, part.relative_error, bars, fmt="o", ms=4, color=colour, label=name, capsize=2)
        ax.plot(part.m, part.predicted_relative_error, color=colour, lw=1)
    widths = np.unique(data.m)
    k, t = int(data.k.iloc[0]), float(data.rho.iloc[0] * data.n.iloc[0])
    ax.plot(widths, [laws.minimax_rate(k, t, int(m)) for m in widths], "k--", lw=1, label="minimax rate")
    ax.set(xscale="log", yscale="log", xlabel="m, width of the code", ylabel="relative error")
    plain_ticks(ax, widths)
    legend(ax, loc="center left", bbox_to_anchor=(1, 0.5))
    return show(
        figure, "Without offset the error grows linearly with m; with an offset it hardly grows and stays far lower."
    )


def weight_families(record: Record) -> Shown:
    """Gain, noise and error over the law, for each family of weights."""
    data = frame(record)
    data["error_over_law"] = data.relative_error / data.predicted_relative_error
    for end in ("low", "high"):
        data[f"error_over_law_{end}"] = data[f"relative_error_{end}"] / data.predicted_relative_error
    families = list(model.FAMILIES)
    figure, axes = panels(3, 3.8)
    titles = {
        "mean_gain": ("gain", 1.0),
        "noise_sd_times_sqrt_t": ("noise sd × √t / ‖h‖", 2**0.5),
        "error_over_law": ("error / Gaussian law", 1.0),
    }
    for ax, (column, (title, law)) in zip(axes, titles.items(), strict=True):
        ax.axvline(law, color="0.6", lw=1)
        for shift, (colour, (k, part)) in zip((-0.2, 0, 0.2), coloured(data.groupby("k")), strict=False):
            part = part.set_index("weights").loc[families]
            rows, bars = np.arange(len(families)) + shift, bars_of(part, column)
            ax.errorbar(part[column], rows, xerr=bars, fmt="o", ms=4, color=colour, label=f"k = {k}")
        ax.set(yticks=range(len(families)), yticklabels=families if ax is axes[0] else [], title=title)
        ax.invert_yaxis()
    axes[2].set_xscale("log")
    axes[2].xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes[2].xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes[2].xaxis.set_minor_formatter(NullFormatter())
    legend(axes[0])
    return show(
        figure, "Signs, uniform and sparse weights behave as Gaussian ones; skewed and correlated weights do not."
    )


def digits_reversal(record: Record) -> Shown:
    """Relative error of digits sent through one random layer and back, against its width."""
    data = frame(record)
    figure, (ax,) = panels(1)
    data["offset rule"] = data.offset.map({"none": 0, "optimal": 1})
    points(ax, data, "n", "relative_error", "predicted_relative_error", "offset rule")
    ax.set(xlabel="n, units of the random layer", ylabel="relative error")
    ax.legend(labels=["no offset", "best offset"], handles=ax.containers, frameon=False)
    return show(
        figure, f"Relative error of digits against n from {span(data.n)}: {span(data.relative_error)}, on the law."
    )


def digit_pictures(codes: np.ndarray, widths: tuple[int, ...], seed: int = 0) -> Shown:
    """Digits (images, 64), and what comes back of each from one random layer of each width, with the error measured."""
    lines, errors = [("original", codes)], []
    for n in widths:
        layer = OneLayer(n=n, m=64, k=64, rho=1.0, offset=0.0, batch=len(codes), seed=seed)
        images = model.infer(round_trip(layer, torch.tensor(codes), trial_generator(seed, n)), 0.0).numpy()
        errors.append(float(np.mean(((images - codes) ** 2).sum(1) / (codes**2).sum(1))))
        lines.append((f"n = {n}\nerror {errors[-1]:.2g}", images))
    figure = image_rows(lines, 8, (len(codes), len(widths) + 1.2), vmax=1)
    return show(
        figure,
        f"Digits and what comes back from {', '.join(map(str, widths))} units: "
        f"mean error {errors[0]:.2g} to {errors[-1]:.2g}.",
    )


FIGURES = {
    "baby-theorem": baby_theorem,
    "technical-lemma": technical_lemma,
    "unbiased-inference": unbiased_inference,
    "linf-rate": linf_rate,
    "theorem-2-3": theorem_2_3,
    "regime-map": regime_map,
    "inference-dropout": inference_dropout,
    "relu-and-offset": relu_and_offset,
    "weight-families": weight_families,
    "digits-reversal": digits_reversal,
}
