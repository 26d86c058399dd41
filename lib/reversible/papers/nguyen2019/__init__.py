"""Nguyen (2019), "On connected sublevel sets in deep learning"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="nguyen2019",
    title="On connected sublevel sets in deep learning",
    short="Nguyen 2019",
    at_hand="Its abstract was at hand and a reader's table of its theorems, its text was not.",
    chapters=("one-valley",),
    experiments={
        "experiments.paths": ("nguyen-pyramid", "nguyen-wide"),
        "experiments.levels": ("nguyen-one-unit", "nguyen-unbounded"),
        "experiments.bands": ("nguyen-bands",),
        "experiments.starts": ("nguyen-starts",),
    },
    figures={
        "figures.paths": ("nguyen-pyramid", "nguyen-wide"),
        "figures.levels": ("nguyen-one-unit",),
        "figures.trained": ("nguyen-bands", "nguyen-starts"),
    },
)
