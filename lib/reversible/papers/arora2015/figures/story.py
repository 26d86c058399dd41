"""The introduction's pictures: one code goes down and up through a random net, drawn as images."""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from reversible.random_nets import model
from reversible.show.drawing import show, style
from reversible.show.html import Shown
from reversible.theory import one_layer as laws

SIDES = (80, 40, 10)  # of the image, the middle layer and the top code, drawn as squares


def story_sizes() -> dict[str, str]:
    """The sizes of the two pictures, for the prose beside them."""
    names = ("image_pixels", "middle_units", "code_entries")
    return {name: f"{side**2:,}" for name, side in zip(names, SIDES, strict=True)}


def _squares(pictures: list[tuple[str, Tensor]], alt: str) -> Shown:
    """Vectors whose lengths are squares, as grey images side by side."""
    style()
    figure, axes = plt.subplots(1, len(pictures), figsize=(2.1 * len(pictures), 2.5), layout="constrained")
    for ax, (title, vector) in zip(axes, pictures, strict=True):
        side = round(vector.numel() ** 0.5)
        ax.imshow(vector.reshape(side, side), cmap="gray_r", vmin=0, vmax=max(float(vector.max()), 1e-9))
        ax.set_title(title, fontsize=9)
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set_visible(True)
    return show(figure, alt)


def _error(h_hat: Tensor, h: Tensor) -> float:
    return float((h_hat - h).square().sum() / h.square().sum())


def code_story(seed: int = 0) -> Shown:
    """One layer: a code, its image, the code read back with the same weights, and with other weights."""
    generator = torch.Generator().manual_seed(seed)
    m, n, k = SIDES[-1] ** 2, SIDES[0] ** 2, 5
    h = model.Codes().sample(1, m, k, generator, torch.float32)
    W, other = (model.sample_weights("gaussian", n, m, generator, torch.float32) for _ in range(2))
    x = model.generate(W, h, laws.theory_alpha(n, 0.5), 0.5, generator)
    b = float(laws.proof_offset(float(h.norm()), n, m, 0.5))
    same, wrong = (model.infer(model.correlate(matrix, x), b) for matrix in (W, other))
    return _squares(
        [(f"code: {k} of {m} entries", h), (f"image: {n} pixels, half dropped", x),
         (f"read with Wᵀ: error {_error(same, h):.2g}", same),
         (f"read with other weights: {_error(wrong, h):.2g}", wrong)],
        f"A code of {k} entries, its noise-like image, the same code read back, and nothing read with other weights.",
    )  # fmt: skip


def picture_story(seed: int = 1) -> Shown:
    """Two layers down and up, the middle layer beside its reading: the top comes back better than the middle."""
    generator = torch.Generator().manual_seed(seed)
    image, middle, top = (side**2 for side in SIDES)
    h = model.Codes().sample(1, top, 3, generator, torch.float32)
    upper = model.sample_weights("gaussian", middle, top, generator, torch.float32)
    lower = model.sample_weights("gaussian", image, middle, generator, torch.float32)
    unit = model.generate(upper, h, laws.theory_alpha(middle, 0.5), 0.5, generator)
    x = model.generate(lower, unit, laws.theory_alpha(image, 0.5), 0.5, generator)
    unit_hat = model.infer(model.correlate(lower, x), 0.0)
    h_hat = model.infer(model.correlate(upper, unit_hat), -0.15 * float(h.norm()))
    return _squares(
        [("top code", h), ("middle layer", unit), ("image", x),
         (f"middle read: error {_error(unit_hat, unit):.2g}", unit_hat),
         (f"top read: error {_error(h_hat, h):.2g}", h_hat)],
        "Down and up through two layers: the middle layer comes back noisy, the top code clean.",
    )  # fmt: skip
