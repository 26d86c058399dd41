"""Figures of the chapter on the law of a layer that reads back its own codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from reversible import data
from reversible.records.record import Record
from reversible.show.drawing import (
    LAW,
    bars_of,
    frame,
    image_rows,
    legend,
    panels,
    plain_numbers,
    show,
    told_apart,
)
from reversible.show.html import Shown
from reversible.theory.one_step import cosine

PICTURES = 6
LAWS = {
    "theorem": "sizes and the code alone",
    "given": "and its spikes and scales",
    "own": "sizes, and whose code it is",
    "law": "all of it",
}


def pictures(seed: int = 0) -> Shown:
    """Images beside what comes down, before its ReLU, of a random layer's own codes and of codes of another layer."""
    try:
        images = data.load("mnist", train=False)
    except data.NotAtHand:
        images = data.load("digits", train=False)
    x = images.take(slice(PICTURES)).scaled().double().numpy()
    n = x.shape[1]
    rng = np.random.default_rng(seed)
    A, other = rng.standard_normal((2, n, n))
    lines = [("image", x)]
    for words, maker in (("its own code,\nsent down", A), ("another layer's\ncode, sent down", other)):
        lines.append((words, np.maximum(x @ maker.T, 0) @ A))
    found = [float(np.mean((x * down).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(down, axis=1)))
             for _, down in lines[1:]]  # fmt: skip
    side = round(n**0.5)
    return show(
        image_rows([(words, np.maximum(rows, 0) / rows.max(1, keepdims=True)) for words, rows in lines], side),
        f"Rows of {PICTURES} images: test images, then what a random layer makes of its own codes of them, in which "
        f"the image can be seen in noise, then what it makes of the codes of another layer, which is noise.",
        f"A random layer as wide as its input sends its own code down to a picture whose mean cosine with the image is "
        f"{found[0]:.2f}; by the law it is {cosine(0.5):.2f}. Of the same code made by another layer it is "
        f"{found[1]:.2f}.",
    )


def own_codes(record: Record) -> Shown:
    """The error of each setting against the law's, and that of own codes beside codes that another layer made."""
    rows = frame(record)
    rows["kind"] = np.where(
        rows.entries == "sparse", "few large entries", np.where(rows.spikes > 0, "with spikes", "noise alone")
    )
    figures, (ax, beside) = panels(2, 3.1)
    rows["by_law"] = rows.error / rows.over_law
    ends = [0.0, rows.by_law.max()]
    ax.plot(ends, ends, color=LAW)
    for look, (kind, part) in told_apart(rows.groupby("kind", sort=False)):
        ax.errorbar(part.by_law, part.error, bars_of(part, "error"), ls="", lw=0.8, label=kind, ms=3.5, **look)
    ax.set(xlim=(0, None), ylim=(0, None), xlabel="error, by the law", ylabel="error of own codes, measured")
    legend(ax)
    plain = rows[(rows.entries == "gaussian") & ~rows.uneven.astype(bool) & (rows.spikes == 0) & (rows.bias == 0)]
    places = [f"{m} × {n}" for m, n in zip(plain.m, plain.n, strict=True)]
    for nudge, (look, (name, words)) in zip(
        (-0.12, 0.12), told_apart([("error", "own codes"), ("given", "another layer's")]), strict=True
    ):
        bars = bars_of(plain, name)
        at = np.arange(len(plain)) + nudge
        beside.errorbar(plain[name], at, xerr=bars, ls="", lw=1, label=words, **look)
        law = plain[name] / plain[{"error": "over_law", "given": "given_over_law"}[name]]
        beside.plot(law, at, "|", color=look["color"], ms=12, mew=1.5)
    beside.set(yticks=range(len(plain)), yticklabels=places, xlim=(0, 1.02), xlabel="relative squared error")
    beside.set_ylim(len(plain) - 0.5, -0.5)
    legend(beside, ncols=2)
    m = record.measures
    return show(
        figures,
        [
            "The measured error of own codes against that of the law: points on the diagonal, those of noise with "
            "few large entries around it.",
            "A row for each shape of a layer, with two points each: the error of own codes far to the left of that of "
            "codes that another layer made. A stroke marks the law at each point.",
        ],
        f"The error of a random layer's own codes is {m['own_over_law_plain'].mean:.3f} times the law's in noise alone "
        f"and {m['own_over_law_spiked'].mean:.3f} times with spikes. Of codes that another layer made, "
        f"{m['given_over_own'].mean:.1f} times as much is lost.",
    )


def trained_layers(record: Record) -> Shown:
    """Measured error of trained layers against four laws that are told more and more."""
    rows = _rows(record)
    kinds = trained_kinds(record)
    figures, axes = panels(len(LAWS), 2.9)
    seen = [*LAWS, "measured"]
    ends = np.array([kinds[seen].to_numpy().min() * 0.9, kinds[seen].to_numpy().max() * 1.1])
    for ax, (law, words) in zip(axes, LAWS.items(), strict=True):
        _against(ax, kinds, law, ends)
        ax.set_title(f"told {words}" if law != "given" else "told sizes, the code,\nits spikes and scales")
        legend(ax, title="weight decay")  # in each, so that all are of one size
    m = record.measures
    return show(
        figures,
        [
            f"The error by a law that is told {words} against the measured one, both logarithmic; a point for each "
            f"kind of layer, a marker for each weight decay, and a line where both agree."
            for words in LAWS.values()
        ],
        f"Each point is a layer of nets of one kind, mean over {rows.seed.nunique()} seeds. The law that knows sizes "
        f"and the code alone gives {m['theorem_over_measured'].mean:.1f} times the measured error; the law that knows "
        f"spikes, scales and whose code it is too, {m['law_over_measured'].mean:.2f} times.",
    )


def _rows(record: Record) -> pd.DataFrame:
    return pd.DataFrame([
        {"decay": cell["decay"], "widths": tuple(cell["training"]["hidden"]), **row}
        for cell, result in record.pairs()
        for row in result.get("rows", ())
    ])  # fmt: skip


def trained_kinds(record: Record) -> Any:
    """A row for each kind of layer in a record of "trained-layers", by weight decay, widths and place: means."""
    return _rows(record).groupby(["decay", "widths", "layer"], as_index=False).mean(numeric_only=True)


def _against(ax: Axes, kinds: Any, law: str, ends: np.ndarray) -> None:
    for look, (decay, part) in told_apart(kinds.groupby("decay")):
        ax.plot(part[law], part.measured, ls="", ms=4, label=f"{decay:g}", **look)
    diagonal(ax, ends, "the law")


def diagonal(ax: Axes, ends: np.ndarray, by: str) -> None:
    """Logarithmic axes of one length for measured errors against those `by` a law, and the line where both agree."""
    ax.plot(ends, ends, color=LAW, zorder=1)
    ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel=f"error, by {by}", ylabel="error, measured")
    for which in ("x", "y"):
        plain_numbers(ax, which)


FIGURES = {"own-codes": own_codes, "trained-layers": trained_layers}
