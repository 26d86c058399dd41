"""Martin and Mahoney (2019), "Traditional and heavy-tailed self regularization in neural network models"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="martin2019",
    title="Traditional and heavy-tailed self regularization in neural network models",
    short="Martin and Mahoney 2019",
    at_hand="Its abstract and its authors' notebooks with their outputs were at hand, its text was not.",
    chapters=("heavy-tails",),
    experiments={
        "experiments.random": ("martin-initial", "martin-spikes"),
        "experiments.phases": ("martin-phases",),
        "experiments.tails": ("martin-tails", "martin-rivals"),
        "experiments.lenet5": ("martin-lenet5",),
        "experiments.mlp3": ("martin-mlp3",),
        "experiments.batch": ("martin-batch",),
        "experiments.layers": ("martin-layers",),
    },
    figures={
        "figures.matrices": ("martin-initial", "martin-spikes", "martin-tails"),
        "figures.nets": ("martin-lenet5", "martin-mlp3", "martin-batch", "martin-layers"),
    },
)
