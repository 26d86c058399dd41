"""Zhu, Wu, Yu, Wu and Ma (2019), "The anisotropic noise in stochastic gradient descent"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="zhu2019",
    title=(
        "The anisotropic noise in stochastic gradient descent: its behavior of escaping from sharp minima and "
        "regularization effects"
    ),
    short="Zhu et al. 2019",
    at_hand="Its abstract and its authors' code were at hand, its text was not.",
    chapters=("gradient-noise",),
    experiments={
        "experiments.quadratic": ("zhu-quadratic", "zhu-exponent"),
        "experiments.hidden": ("zhu-hidden",),
        "experiments.toy": ("zhu-toy",),
        "experiments.net": ("zhu-net",),
    },
    figures={"figures.laws": ("zhu-quadratic", "zhu-exponent"), "figures.nets": ("zhu-hidden", "zhu-toy", "zhu-net")},
)
