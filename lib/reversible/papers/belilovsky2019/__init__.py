"""Belilovsky, Eickenberg and Oyallon (2019), "Greedy layerwise learning can scale to ImageNet"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="belilovsky2019",
    title="Greedy layerwise learning can scale to ImageNet",
    short="Belilovsky et al. 2019",
    at_hand="Its abstract was at hand, the text of its earlier version and the authors' code.",
    chapters=("one-layer-at-a-time",),
    experiments={
        "experiments.start": ("greedy-start",),
        "experiments.risk": ("greedy-risk",),
        "experiments.errors": ("greedy-errors",),
        "experiments.depth": ("greedy-depth",),
        "experiments.cifar": ("greedy-cifar", "greedy-gpu"),
    },
    figures={
        "figures.theory": ("greedy-risk", "greedy-errors"),
        "figures.trained": ("greedy-depth", "greedy-cifar"),
    },
)
