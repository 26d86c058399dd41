"""The introduction's pictures: one code goes down and up through a random net, drawn as images."""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
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


def _square(title: str, vector: Tensor) -> Figure:
    """A vector whose length is a square as a grey image; dark is large."""
    style()
    figure, ax = plt.subplots(figsize=(1.62, 2.0), layout="constrained")
    side = round(vector.numel() ** 0.5)
    ax.imshow(
        vector.reshape(side, side).numpy(),
        cmap="gray_r",
        vmin=0,
        vmax=max(float(vector.max()), 1e-9),
        interpolation="none",
    )
    ax.set_title(title)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(True)
    return figure


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
    errors = [f"{_error(found, h):.2g}" for found in (same, wrong)]
    return show(
        [
            _square(f"a code:\n{k} of {m} entries on", h),
            _square(f"its image:\n{n:,} pixels", x),
            _square(f"read with Wᵀ:\nerror {errors[0]}", same),
            _square(f"other weights:\nerror {errors[1]}", wrong),
        ],
        [
            f"A square of {m} cells, {k} of them dark.",
            "A large square that looks like noise.",
            f"A square of {m} cells with the same {k} cells dark.",
            "An empty square." if not wrong.any() else "A square of cells with next to nothing in it.",
        ],
        f"A code of {k} entries makes an image that looks like noise, half of whose pixels are dropped. The same "
        f"weights read it with a relative error of {errors[0]}; other weights find nothing (error {errors[1]}).",
    )


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
    errors = [f"{_error(unit_hat, unit):.2g}", f"{_error(h_hat, h):.2g}"]
    return show(
        [
            _square(f"top code:\n3 of {top} on", h),
            _square(f"middle layer:\n{middle:,} units", unit),
            _square(f"image:\n{image:,} pixels", x),
            _square(f"middle read:\nerror {errors[0]}", unit_hat),
            _square(f"top read:\nerror {errors[1]}", h_hat),
        ],
        [
            "A square of 100 cells, three of them dark.",
            "A square of many cells, scattered grey.",
            "A larger square that looks like noise.",
            "The square of the middle layer, with noise in all its cells.",
            "The square of the code with the same three cells dark.",
        ],
        f"Down through two layers (the first three squares) and up again (the last two): the middle layer comes back "
        f"with a relative error of {errors[0]}, the code on top of it with {errors[1]}.",
    )
