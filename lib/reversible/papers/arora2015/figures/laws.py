"""Two laws drawn on one net each: what every layer of a random net sees, and a trained layer's singular values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes

from reversible import data
from reversible.papers.arora2015.tables import NETS
from reversible.random_nets import model
from reversible.records.record import Record
from reversible.show.drawing import COLOURS, LAW, ink, panels, show
from reversible.show.html import Shown
from reversible.spectra import bulk, scales
from reversible.theory import one_layer as laws
from reversible.theory.depth import state_evolution
from reversible.theory.singular_values import singular_values

NET = (8000, 2000, 500, 50)  # widths of the image and of the layers above it
ON = 5  # entries of the top code
DOTS = 250  # units drawn of a layer, at most
TRAINED = ("lenet300_100_dense", "fc1")  # the layer whose singular values are drawn


@dataclass(frozen=True)
class Seen:
    """A layer on the way up: its code h, what W^T makes of what is read below it, and the law of the two."""

    code: np.ndarray  # (units,)
    comes: np.ndarray  # (units,)
    gain: float  # by the law: `comes` is gain * code ...
    noise: float  # ... and noise of this standard deviation


def seen_by_layers(seed: int = 0) -> list[Seen]:
    """The layers of one random net from the image up, each in units of its own mean active entry."""
    generator = torch.Generator().manual_seed(seed)
    weights = [model.sample_weights("gaussian", n, m, generator, torch.float32) for n, m in pairwise(NET)]
    codes = [model.Codes().sample(1, NET[-1], ON, generator, torch.float32)]
    for W in weights[::-1]:
        codes.insert(0, model.generate(W, codes[0], laws.theory_alpha(len(W), 1.0), 1.0))
    still = (1.0,) * len(weights), (0.0,) * len(weights)  # no dropout, no offsets
    states = state_evolution(NET, *still, float(codes[-1].norm()), limit=True)
    below, layers = codes[0], []
    for W, h, state in zip(weights, codes[1:], states, strict=True):
        y, unit, length = model.correlate(W, below), float(h[h > 0].mean()), float(h.norm())
        noise = float(state.noise) ** 0.5 * length
        layers.append(Seen(h[0].numpy() / unit, y[0].numpy() / unit, float(state.gain), noise / unit))
        below = model.infer(y, 0.0)
    return layers


def through_layers() -> Shown:
    """What the layers of a random net see of their own codes on the way up: a gain and a noise, by the law."""
    layers = seen_by_layers()
    figures, axes = panels(len(layers))
    for place, (ax, layer) in enumerate(zip(axes, layers, strict=True), 1):
        x = np.array([0.0, 3.2])
        band = 2 * layer.noise
        ax.fill_between(x, layer.gain * x - band, layer.gain * x + band, color=COLOURS[0], alpha=0.15, lw=0)
        ax.plot(x, layer.gain * x, color=COLOURS[0])
        ax.plot(x, x, color=LAW, ls=":")
        size = 2.5 if len(layer.code) > DOTS else 4
        ax.plot(layer.code[:DOTS], layer.comes[:DOTS], "o", ms=size, color=LAW, alpha=0.6, mew=0)
        words = f"gain {layer.gain:.2f}\nnoise {layer.noise:.2f}"
        ax.text(0.04, 0.97, words, transform=ax.transAxes, va="top", color=ink(COLOURS[0]))
        ax.set(
            xlim=(-0.15, 3.2),
            ylim=(-2, 5),
            yticks=range(-2, 6),
            xlabel="value in the layer's code",
            ylabel="what comes up to it",
        )
        units = f"{NET[place]:,} units" if place < len(layers) else f"the top code, {ON} of {NET[place]} on"
        ax.set_title(f"layer {place}: {units}")
    gains, noises = ([getattr(layer, name) for layer in layers] for name in ("gain", "noise"))
    return show(
        figures,
        [
            f"Dots of what comes up to a unit of layer {place} against its own value, in a band around a line through "
            f"zero of slope {gain:.2f}; many units are zero. A dotted diagonal is beside the line."
            for place, gain in enumerate(gains, 1)
        ],
        f"On the way up each layer sees its code times a gain (the line's slope; dotted: 1) plus noise (the band: two "
        f"standard deviations), both by the law; dots are one simulated net. From the image up the gain is "
        f"{_listed(gains)} and the noise {_listed(noises)} of an active unit's mean: the layers between are noisy, "
        f"the top code stands out.",
    )


def _listed(values: Iterable[float]) -> str:
    *most, last = (f"{value:.2f}" for value in values)
    return f"{', '.join(most)} and {last}"


@dataclass(frozen=True)
class Spectrum:
    """Singular values of a matrix in units of the bulk's sigma sqrt(n), falling, and the bulk's law in the same."""

    values: np.ndarray
    spikes: int
    law: Any  # a frozen distribution of scipy
    edge: float  # values above it are spikes


def spectrum_of(matrix: np.ndarray) -> Spectrum:
    n, p = max(matrix.shape), min(matrix.shape)
    values = np.linalg.svd(matrix, compute_uv=False)
    fitted = bulk.fit(values, (n, p))
    unit = fitted.sigma * np.sqrt(n)
    return Spectrum(values / unit, fitted.n_spikes, _bulk_law(n, p, fitted.n_spikes), fitted.spike_edge / unit)


def beside(matrix: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A matrix, its three nulls, and itself levelled; it has scales, as every matrix without zeros."""
    found = scales.fit(matrix)
    assert found is not None
    return {
        "the matrix": matrix,
        "Gaussian": rng.standard_normal(matrix.shape) * np.sqrt(np.square(matrix).mean()),
        "permuted": rng.permuted(matrix.reshape(-1)).reshape(matrix.shape),
        "scaled": found.again(rng),
        "levelled": found.level,
    }


def recorded_spectrum(record: Record) -> Spectrum:
    """The same of the layer in TRAINED, its values read off the quantiles in a record of "net-spectra"."""
    net, layer = TRAINED
    row = next(
        row
        for cell, result in record.pairs() if cell["net"] == net
        for row in result.get("rows", ()) if row["layer"] == layer
    )  # fmt: skip
    p, n = sorted(row["shape_used"])
    unit, quantiles = row["sigma"] * np.sqrt(n), row["quantiles"]
    values = np.interp((np.arange(p) + 0.5) / p, np.linspace(0, 1, len(quantiles)), quantiles)[::-1]
    return Spectrum(values, row["n_spikes"], _bulk_law(n, p, row["n_spikes"]), row["spike_edge"] / unit)


def _bulk_law(n: int, p: int, spikes: int) -> Any:
    return singular_values((p - spikes) / (n - spikes), scale=np.sqrt((n - spikes) / n))


def bulk_and_spikes(record: Record) -> Shown:
    """Singular values of a trained layer under the law of a random matrix, with those that leave it marked.

    Beside it its entries in random order, noise of its scales, and itself levelled. Where the weights are not at hand,
    what the record kept of the first.
    """
    net, layer = TRAINED
    try:
        matrix = np.asarray(data.pretrained(net)[f"{layer}.weight"], float)
        seen = {name: spectrum_of(one) for name, one in beside(matrix, np.random.default_rng(0)).items()}
        names = {"the matrix": f"{NETS[net]}, {layer}", "permuted": "its entries shuffled", "scaled": "its scales kept"}
        shown = {title: seen[name] for name, title in (names | {"levelled": "levelled"}).items()}
        left = {name: one.spikes for name, one in seen.items()}
        source = (
            f"With its entries in random order it is {left['permuted']}, in noise of the same scales {left['scaled']}, "
            f"and in the levelled matrix {left['levelled']}."
        )
    except data.NotAtHand:
        shown = {f"{NETS[net]}, {layer}": recorded_spectrum(record)}
        source = "The weights are not at hand here: the values are read off the quantiles in the record."
    figures, axes = panels(len(shown))
    top = max(found.values[0] for found in shown.values())
    for ax, (title, found) in zip(axes, shown.items(), strict=True):
        _histogram(ax, found, title, top)
    trained, *_ = shown.values()
    return show(
        figures,
        [
            f"{title}: a histogram of {len(found.values)} singular values, a curve over its bulk, and triangles under "
            f"the {found.spikes} values above {found.edge:.2f}."
            for title, found in shown.items()
        ],
        f"Most of the {len(trained.values)} singular values of a trained layer lie under the curve of a random matrix, "
        f"the law of Marchenko and Pastur; {trained.spikes} (triangles) lie above its edge at {trained.edge:.2f}, the "
        f"largest at {trained.values[0]:.2f}. {source}",
    )


def _histogram(ax: Axes, found: Spectrum, title: str, top: float) -> None:
    count = len(found.values)
    edges = list(np.arange(0, top + 0.2, 0.1))
    ax.hist(found.values, bins=edges, weights=np.full(count, 10 / count), color=COLOURS[0], alpha=0.35)
    low, high = found.law.support()
    s = np.linspace(low, high, 200)
    ax.plot(s, found.law.pdf(s) * (count - found.spikes) / count, color=COLOURS[0])
    spikes = found.values[: found.spikes]
    ax.plot(spikes, np.full(len(spikes), -0.035), "^", ms=4, color=COLOURS[7], clip_on=False, alpha=0.8)
    ax.axvline(found.edge, color=LAW, lw=1, ls=":")
    ax.text(found.edge + 0.06, 0.8, f"{found.spikes} spikes", color=ink(COLOURS[7]))
    ax.text(high, 0.5, "law", color=ink(COLOURS[0]))
    ax.set(xlim=(0, top + 0.1), ylim=(-0.08, 1.05), xlabel="singular value / (σ √n)", ylabel="density", title=title)
