"""What a dense layer of the reader's net loses of its own codes, one step down and up, beside the law of that layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reversible.base.estimates import Estimate
from reversible.spectra.known import known
from reversible.spectra.verdicts import SMALLEST
from reversible.theory.own_codes import Array, Made, law_moments, moments, read_back

WIDEST = 1024  # units or inputs of a layer, the fewer of the two: a wider one takes minutes
AS_RANDOM = 0.1  # the law may be off by this share of the error, and the rest of the weights counts as random


@dataclass(frozen=True)
class Told:
    """A layer's codes sent one step down and up: relative squared errors at the best scale of each batch."""

    measured: Estimate  # over batches
    law: Estimate  # by the law that is told the layer's spikes, its scales, and that it has made the codes
    over_law: Estimate  # the first over the second, batch by batch
    spikes: int

    @property
    def side(self) -> int:
        """1 where more is lost than by the law, -1 where less is, 0 where the two agree or cannot be told apart."""
        low, high = self.over_law.ci95
        return int(low > 1 + AS_RANDOM) - int(high < 1 / (1 + AS_RANDOM))


def told(A: Array, bias: Array, batches: Sequence[Array]) -> Told | None:
    """Of a layer A (m, n), bias (m,) and what it is shown, (B, n) a batch, none of it negative.

    None for a layer that the law does not cover: one that is too narrow or too wide, is zero, or is never on.
    """
    if not SMALLEST <= min(A.shape) <= WIDEST or not A.any():
        return None
    fitted, alpha = known(A), 2 * len(A) / float(np.square(A).sum())
    errors = []
    for x in batches:
        seen = x @ A.T
        h = np.maximum(seen + bias, 0)
        back = np.maximum(np.maximum(alpha * h @ A, 0) @ A.T + bias, 0)
        law = law_moments(h, read_back(fitted, h, alpha, Made(x, seen)), bias).error()
        errors.append((moments(h, back, back**2).error(), law))
    measured, law = np.array(errors).T
    if not (law > 0).all():
        return None
    return Told(Estimate.of(measured), Estimate.of(law), Estimate.of(measured / law), len(fitted.values))
