"""Labatie (2019), "Characterizing well-behaved vs. pathological deep neural networks"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="labatie2019",
    title="Characterizing well-behaved vs. pathological deep neural networks",
    short="Labatie 2019",
    at_hand="Its abstract was at hand with its author's code and the moments stored there, its text was not.",
    chapters=("signal-and-noise",),
    experiments={
        "experiments.lengths": ("labatie-lengths",),
        "experiments.depth": ("labatie-plain", "labatie-batch"),
        "experiments.channel": ("labatie-channel",),
        "experiments.residual": ("labatie-residual",),
        "experiments.training": ("labatie-training",),
    },
    figures={
        "figures.depth": ("labatie-lengths", "labatie-plain", "labatie-batch"),
        "figures.others": ("labatie-channel", "labatie-residual", "labatie-training"),
    },
)
