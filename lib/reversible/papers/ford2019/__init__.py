"""Ford, Gilmer, Carlini, Cubuk (2019), "Adversarial examples are a natural consequence of test error in noise"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="ford2019",
    title="Adversarial examples are a natural consequence of test error in noise",
    short="Ford et al. 2019",
    at_hand="Its abstract, its authors' code and two of its tables of results were at hand, its text was not.",
    chapters=("errors-in-noise",),
    experiments={
        "experiments.sets": ("ford-sets",),
        "experiments.linear": ("ford-linear",),
        "experiments.slack": ("ford-slack",),
        "experiments.trained": ("ford-nets",),
        "experiments.defences": ("ford-rank",),
        "experiments.corrupted": ("ford-transfer",),
    },
    figures={
        "figures.laws": ("ford-sets", "ford-linear", "ford-slack"),
        "figures.nets": ("ford-nets", "ford-rank", "ford-transfer"),
    },
)
