"""Hayou, Doucet and Rousseau (2019), "On the impact of the activation function on deep neural networks training"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="hayou2019",
    title="On the impact of the activation function on deep neural networks training",
    short="Hayou, Doucet and Rousseau 2019",
    at_hand="Its abstract was at hand and an earlier version of its text, with some formulas lost.",
    chapters=("edge-of-chaos",),
    experiments={
        "experiments.maps": ("hayou-relu", "hayou-smooth", "hayou-edges", "hayou-off", "hayou-residual"),
        "experiments.finite": ("hayou-width", "hayou-signals"),
        "experiments.training": ("hayou-training",),
    },
    figures={
        "figures.maps": ("hayou-relu", "hayou-smooth", "hayou-edges", "hayou-residual"),
        "figures.finite": ("hayou-width", "hayou-signals"),
        "figures.training": ("hayou-training",),
    },
)
