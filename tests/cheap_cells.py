"""The cells of experiments, without what some of them search for at length."""

import functools

import pytest

from reversible.papers import EXPERIMENTS
from reversible.papers.arora2015.experiments import theorems
from reversible.random_nets.deep import MultiLayer


@functools.cache
def cells_of(name, profile):
    """Those of an experiment, but for their offsets, which are zero: no seed hangs on them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MultiLayer, "offsets", lambda p: (0.0,) * p.depth)
        patch.setattr(theorems, "minimax_offsets", lambda widths, rho, k, **options: (0.0,) * len(rho))
        return EXPERIMENTS[name].cells(profile)
