"""Hanin and Rolnick (2019), "Complexity of linear regions in deep networks"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="hanin2019",
    title="Complexity of linear regions in deep networks",
    short="Hanin and Rolnick 2019",
    at_hand="Its abstract was at hand and a later paper that restates its theorems, its text was not.",
    chapters=("linear-regions",),
    experiments={
        "experiments.random": ("hanin-lines", "hanin-settings", "hanin-distance", "hanin-plane"),
        "experiments.fold": ("hanin-fold",),
        "experiments.training": ("hanin-training",),
    },
    figures={
        "figures.random": ("hanin-lines", "hanin-distance", "hanin-plane", "hanin-fold"),
        "figures.training": ("hanin-training",),
    },
)
