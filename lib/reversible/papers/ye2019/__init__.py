"""Ye and Sung (2019), "Understanding geometry of encoder-decoder CNNs"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="ye2019",
    title="Understanding geometry of encoder-decoder CNNs",
    short="Ye and Sung 2019",
    at_hand="Its abstract and its introduction were at hand, the text of its theorems was not.",
    chapters=("encoders-decoders",),
    experiments={
        "experiments.random": ("ye-frame", "ye-arrangement", "ye-depth", "ye-skips"),
        "experiments.denoise": ("ye-denoise",),
    },
    figures={"figures.drawn": ("ye-depth", "ye-skips", "ye-denoise")},
)
