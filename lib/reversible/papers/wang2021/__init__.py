"""Wang, An, Liu and Li (2021), "Fixed-point algorithms for inverse of residual rectifier neural networks"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="wang2021",
    title="Fixed-point algorithms for inverse of residual rectifier neural networks",
    short="Wang, An, Liu and Li 2021",
    at_hand="Its abstract, its list of references and the captions of its figures were at hand, its text was not.",
    chapters=("residual-nets",),
    experiments={
        "experiments.preimages": ("wang-preimages", "wang-units", "wang-wide-units"),
        "experiments.curves": ("wang-curves", "wang-large"),
        "experiments.digit_nets": ("wang-digit-nets",),
        "experiments.sparse": ("wang-sparse",),
    },
    figures={"figures": ("wang-curves", "wang-large", "wang-digit-nets", "wang-sparse")},
)  # fmt: skip
