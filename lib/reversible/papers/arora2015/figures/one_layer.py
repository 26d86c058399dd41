"""Figures of the single-layer chapter: points are measured, with 95 % intervals; lines are the law."""

from __future__ import annotations

import numpy as np

from reversible.records.record import Record
from reversible.show.drawing import (
    LAW,
    SMALLEST,
    by_size,
    error_heatmap,
    frame,
    ink,
    label_ends,
    legend,
    measured,
    panels,
    plain_numbers,
    plain_ticks,
    points,
    show,
    span,
    told_apart,
)
from reversible.show.html import Shown
from reversible.theory import one_layer as laws


def baby_theorem(record: Record) -> Shown:
    """Largest error of the linear net against n, with the exact law."""
    data = frame(record)
    data["m / k"] = 4.0 ** np.round(np.log(data.m / data.k) / np.log(4))  # 1, 4, 16, whatever rounding made of them
    parts = (2, 8)
    figures, axes = panels(2)
    for ax, part in zip(axes, parts, strict=True):
        some = data[data.m == data.n // part]
        points(
            ax,
            some,
            "n",
            "linf",
            "predicted_linf",
            "m / k",
            words=lambda ratio: f"1 in {ratio:g} on" if ratio > 1 else "all on",
        )
        ax.set(title=f"m = n / {part}", xlabel="n, pixels of the image", ylabel="largest error of an entry")
    return show(
        figures,
        [
            f"A chart of the largest error against n, both logarithmic, for m = n / {part}: three lines of "
            f"points that rise slowly, one for each share of entries that are on."
            for part in parts
        ],
        f"Where m and k grow in proportion to n, the largest error of the linear net grows slowly, as the exact law "
        f"says (lines). The fewer entries are on, the smaller it is: from {data.linf.max():.2g} with all of them on to "
        f"{data.linf.min():.2g} with one in {data['m / k'].max():g}.",
    )


def technical_lemma(record: Record) -> Shown:
    """Both moments of w relu(wh + xi) against h, with Stein's exact values."""
    data = frame(record)
    data = data[data.s > 1]
    for end in ("", "_low", "_high"):
        data[f"scaled{end}"] = data[f"second{end}"] / data.s**2
    figures, (left, right) = panels(2)
    for look, (s, part) in by_size(data.groupby("s")):
        h = np.linspace(0, part.h.max(), 50)
        first, second = laws.lemma_moments(h, s)
        for ax, moment, curve in ((left, "first", first), (right, "scaled", second / s**2)):
            measured(ax, part, "h", moment, look, f"s = {s:g}")
            ax.plot(h, curve, color=look["color"])
    left.set(xlabel="h", ylabel="first moment: E[w r(wh + ξ)]")
    right.set(xlabel="h", ylabel="second: E[w² r(wh + ξ)²] / s²")
    for ax in (left, right):
        legend(ax, ncols=3)
    gap = float((data["first"] - data.predicted_first).abs().max())
    return show(
        figures,
        [
            "The first moment against h: points of three values of s on one straight line through zero.",
            "The second moment over s squared against h: points of three values of s, each on a curve that rises from "
            "one half, the more the smaller s is.",
        ],
        f"Both moments, simulated with {data.draws.max():,} draws each (points), lie on their exact values (lines): "
        f"h/2 for the first, within {gap:.2g}, and (3h² + s²)/(2s²) for the second over s².",
    )


def unbiased_inference(record: Record) -> Shown:
    """Gain on the support and noise off it, over t."""
    data = frame(record)
    data["t"] = data.rho * data.n
    figures, (left, right) = panels(2)
    names = {1.0: "with α = 2/(ρn)", 0.5: "with α = 1/(ρn)"}
    for look, (law, part) in told_apart(data.groupby("predicted_mean_gain")):
        measured(left, part, "t", "mean_gain", look)
        left.axhline(law, color=look["color"])
        left.text(data.t.min(), law - 0.03, names[law], va="top", color=ink(look["color"]), fontsize=SMALLEST)
    left.set(xscale="log", xlabel="t, pixels kept", ylabel="gain: slope of Wᵀx on h", ylim=(0.4, 1.1))
    kept = data[data.alpha.isna()]
    for look, (k, part) in told_apart(kept.groupby("k")):
        shifted = part.assign(t=part.t * (0.96 if k == kept.k.min() else 1.04))  # side by side
        measured(right, shifted, "t", "noise_sd_times_sqrt_t", look, f"k = {k}")
    right.axhline(2**0.5, color=LAW)
    right.set(xscale="log", xlabel="t, pixels kept", ylabel="noise × √t / ‖h‖")
    label_ends(right, [(2**0.5, "law: √2", LAW)])
    legend(right)
    for ax in (left, right):
        plain_numbers(ax, "x", (1, 3))
    return show(
        figures,
        [
            "The gain against t: points on two level lines, at 1 and at one half.",
            "The noise times the root of t against t: points of two sparsities scattered closely about a level line at "
            "the root of 2.",
        ],
        f"An entry comes back at {kept.mean_gain.mean():.3f} of its size with the theory's factor 2, and at half of it "
        f"without (first panel). The noise on entries that are off is {kept.noise_sd_times_sqrt_t.mean():.3f} ‖h‖/√t "
        f"whatever the size (second); the law says √2.",
    )


def linf_rate(record: Record) -> Shown:
    """Lemma 2.5: the largest error of a coordinate against t."""
    data = frame(record)
    data["t"] = data.rho * data.n
    for name in ("linf_times_sqrt_t", "linf_times_sqrt_t_low", "linf_times_sqrt_t_high", "predicted_linf_times_sqrt_t"):
        data[name.replace("_times_sqrt_t", "")] = data[name] / np.sqrt(data.t)
    figure, (ax,) = panels(1)
    points(ax, data, "t", "linf", "predicted_linf", "m", words=lambda m: f"m = {m:,}")
    ax.set(xlabel="t = ρn, pixels kept", ylabel="largest error: ‖Wᵀx − h‖∞ / ‖h‖")
    return show(
        figure,
        "A chart of the largest error of an entry against t, both logarithmic: two straight falling lines, a little "
        "apart, with the points on them.",
        f"From t = {data.t.min():,.0f} to {data.t.max():,.0f} the largest error of an entry falls from "
        f"{data.linf.max():.2g} to {data.linf.min():.2g} of the code's length, like 1/√t, on the exact law (lines). A "
        f"code ten times as wide costs little more.",
    )


def theorem_2_3(record: Record) -> Shown:
    """Measured against predicted relative error, and the bound (k (2 + 4 ln m) + 4)/t."""
    data = frame(record)
    data["t"] = data.rho * data.n
    data["k / t"] = data.k / data.t
    data["bound"] = [laws.theorem_bound(int(k), t, int(m)) for k, t, m in zip(data.k, data.t, data.m, strict=True)]
    for end in ("", "_low", "_high"):
        data[f"deviation{end}"] = 100 * (data[f"relative_error{end}"] / data.predicted_relative_error - 1)
    figures, (left, right) = panels(2, 3.2)
    for look, (m, part) in by_size(data.groupby("m")):
        measured(left, part, "k / t", "relative_error", look, f"m = {m:,}", law="predicted_relative_error")
        part = part.sort_values("k / t")
        left.plot(part["k / t"], part.bound, color=look["color"], ls=":")
        measured(right, part, "predicted_relative_error", "deviation", look, f"m = {m:,}")
    left.plot([], [], color=LAW, ls=":", label="bound")
    left.set(xscale="log", yscale="log", xlabel="k / t", ylabel="relative error", title="lines: the exact law")
    right.axhspan(-3, 3, color="0.92", zorder=0)
    right.axhline(0, color=LAW)
    right.set(xscale="log", xlabel="relative error by the law", ylabel="measured over the law, %")
    right.set_title("grey: within 3 %")
    for ax, which in ((left, "xy"), (right, "x")):
        for one in which:
            plain_numbers(ax, one, (1, 3))
        legend(ax)
    return show(
        figures,
        [
            "A chart of the relative error against k over t, both logarithmic: points on rising solid lines, one for "
            "each m, with a dotted line a little above each.",
            "The deviation of each setting from the law, in percent, against the error by the law: points scattered "
            "about zero, most of them in a grey band.",
        ],
        f"In {len(data)} settings the relative error, {span(data.relative_error)}, lies on the exact law and below the "
        f"theorem's bound (dotted). No setting is more than {data.deviation.abs().max():.1f} % off "
        f"the law.",
    )


def regime_map(record: Record) -> Shown:
    """Measured relative error over k and t with the edges of the theorem's regime."""
    data = frame(record)
    data["t"] = data.rho * data.n
    grid = data.pivot(index="t", columns="k", values="relative_error").sort_index(ascending=False)
    figure, (ax,) = panels(1, 3.7)
    error_heatmap(ax, grid, cbar_kws={"label": "relative error"})
    ts, ks = np.log(grid.index.to_numpy(float)), np.log(grid.columns.to_numpy(float))
    rows, columns = np.arange(len(ts)) + 0.5, np.arange(len(ks)) + 0.5
    fine = np.linspace(ks[0], ks[-1], 100)
    for power, line, words in ((1, "-", "t = k"), (2, "--", "t = k²")):
        height = np.interp(power * fine, ts[::-1], rows[::-1], left=np.nan, right=np.nan)
        x = np.interp(fine, ks, columns)
        ax.plot(x, height, "w" + line, lw=5, alpha=0.7)
        ax.plot(x, height, "k" + line, lw=2, label=words)
    ax.set(xlabel="k, nonzero entries of the code", ylabel="t = ρn, pixels kept")
    ax.set_yticklabels([f"{t:,g}" for t in grid.index], rotation=0)
    legend(ax)
    return show(
        figure,
        "A table of relative errors in colours, t growing upwards and k to the right: light in the upper left, dark in "
        "the lower right, with two rising lines across it, t = k and the steeper t = k squared.",
        f"The error is small at the upper left, where many pixels are kept for few entries "
        f"({float(grid.min().min()):.2g} at best), and about 1 or more below the line t = k. "
        f"Above t = k² it goes on falling.",
    )


def inference_dropout(record: Record) -> Shown:
    """Noise variance and relative error against the retention at inference."""
    data = frame(record)
    data["t"] = data.rho * data.n
    for end in ("", "_low", "_high"):
        data[f"noise{end}"] = data[f"noise_sd_times_sqrt_t{end}"] ** 2 / 2
    data["k / t"] = data.k / data.t
    figures, (left, right) = panels(2)
    for look, (k, part) in told_apart(data.groupby("k")):
        measured(left, part.assign(q=part.q + (0.008 if k == data.k.max() else -0.008)), "q", "noise", look, f"k = {k}")
    q = np.linspace(data.q.min(), 1, 50)
    left.plot(q, 1 / q, color=LAW)
    left.annotate("law: 1/q", (0.45, 1 / 0.45), (6, 2), textcoords="offset points", color=LAW)
    left.set(ylabel="noise variance × t / 2‖h‖²")
    legend(left)
    right.set_yscale("log")
    some = data[(data.k / data.t).isin(sorted(data["k / t"].unique())[::2])]
    points(right, some, "q", "relative_error", "predicted_relative_error", "k / t", "linear", "k/t = {:.2g}".format)
    plain_numbers(right, "y")
    right.set(ylabel="relative error")
    for ax in (left, right):
        ax.set(xlabel="q, share of the image that is read", xticks=sorted(data.q.unique()))
    one, half = (data[data.q == q].relative_error.to_numpy() for q in (1.0, 0.5))
    return show(
        figures,
        [
            "The noise variance against the share q of the image that is read: points on a falling curve, 1 over q.",
            "The relative error against q: falling lines, one above the other by k over t, with the points on them.",
        ],
        f"Where only a share q of the image is read, the noise variance is 1/q times as large, and the error grows "
        f"with it, on the law (lines): at q = 1/2 it is {np.mean(half / one):.2f} times that of the whole image.",
    )


VARIANTS = {
    "linear0.0": "linear", "relu0.0": "ReLU", "reluproof": "ReLU, proof's offset",
    "reluoptimal": "ReLU, best offset", "hardoptimal": "hard threshold",
}  # fmt: skip


def relu_and_offset(record: Record) -> Shown:
    """Relative error against m for each way of inference, with the law and the minimax rate."""
    data = frame(record)
    data["variant"] = [VARIANTS[f"{e}{o}"] for e, o in zip(data.estimate, data.offset, strict=True)]
    widths = np.unique(data.m)
    k, t = int(data.k.iloc[0]), float(data.rho.iloc[0] * data.n.iloc[0])
    minimax = [laws.minimax_rate(k, t, int(m)) for m in widths]
    figure, (ax,) = panels(1)
    ax.set(xscale="log", yscale="log", xlabel="m, width of the code", ylabel="relative error")
    ends = [(minimax[-1], "minimax rate", LAW)]
    ax.plot(widths, minimax, color=LAW, ls="--")
    for look, name in told_apart(VARIANTS.values()):
        part = data[data.variant == name].sort_values("m")
        measured(ax, part, "m", "relative_error", look, law="predicted_relative_error")
        ends.append((float(part.predicted_relative_error.iloc[-1]), name, look["color"]))
    plain_ticks(ax, widths)
    label_ends(ax, ends)
    widest = data[data.m == widths[-1]].set_index("variant").relative_error
    return show(
        figure,
        "A chart of the relative error against the width of the code, both logarithmic. The two lines without offset "
        "rise steeply and in parallel; those with an offset, far below, rise a little, beside a broken line.",
        f"Without an offset the error grows in proportion to the width of the code; with one it hardly grows. At m = "
        f"{widths[-1]:,} it is {widest['linear']:.2g} for the linear net, {widest['ReLU']:.2g} with a ReLU, and "
        f"{widest['ReLU, best offset']:.2g} with the best offset.",
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
}
