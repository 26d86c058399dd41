"""Goldfeld et al. (2019), "Estimating information flow in deep neural networks"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="goldfeld2019",
    title="Estimating information flow in deep neural networks",
    short="Goldfeld et al. 2019",
    at_hand="Its abstract was at hand and the authors' companion on the estimator, its text was not.",
    chapters=("information",),
    experiments={
        "experiments.exact": ("goldfeld-laws", "goldfeld-neuron"),
        "experiments.risk": ("goldfeld-risk",),
        "experiments.trained": ("goldfeld-clusters", "goldfeld-kinds", "goldfeld-bins"),
        "experiments.quiet": ("goldfeld-quiet",),
        "experiments.paths": ("goldfeld-net",),
    },
    figures={
        "figures.exact": ("goldfeld-neuron", "goldfeld-risk"),
        "figures.trained": ("goldfeld-clusters", "goldfeld-kinds", "goldfeld-bins", "goldfeld-quiet", "goldfeld-net"),
    },
)
