"""How linearly separable are the classes after each layer of the reader's own net, and after random layers?

A linear classifier is fitted to what a layer gives for one half of the examples, and tested on the other half, as
`nets.separable` says. The control is the same net with random weights: what it separates, depth alone separates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from reversible.base.checks import InputError, integer
from reversible.base.runtime import one_thread, trial_generator
from reversible.nets.layered import Layered
from reversible.nets.net import Net
from reversible.nets.separable import separability
from reversible.your_net.measures import fitted
from reversible.your_net.regions import random_like

Array = np.ndarray
TWO = 2.0  # standard errors: what a difference has to be larger than to be told
LEAST = 20  # examples


@dataclass(frozen=True, eq=False)
class Separability:
    """The share of tested examples that a linear classifier gets right: on images, and after each hidden layer."""

    own: Array  # (1 + layers,)
    random: Array  # (draws, 1 + layers): of nets with random weights
    tested: int  # examples

    def error(self, share: float) -> float:
        """The standard error of a share of the tested examples; of one or of none as if one more were wrong or right.

        For a share p of n it is sqrt(p (1 - p) / n).
        """
        inside = min(max(share, 1 / self.tested), 1 - 1 / self.tested)
        return float(np.sqrt(inside * (1 - inside) / self.tested))


def separable(
    model: nn.Module | Net | Layered, images: Any, labels: Any, draws: int = 3, samples: int = 2000, seed: int = 0
) -> Separability:
    """Fit a linear classifier to what each layer gives, in the model and in `draws` nets with random weights.

    `images` are as in `reverse`, `labels` are whole numbers, one for each; at most `samples` are used, drawn by the
    seed. They should not be what the model was trained on. Of maps a classifier reads the means over the quadrants.
    Deterministic in all that is given. Raises InputError for fewer than LEAST examples, labels that do not fit them or
    name one class alone, and what `reverse` refuses.
    """
    draws, seed = integer("draws", draws), integer("seed", seed, low=0)
    samples = integer("samples", samples, low=LEAST)
    said = _labels(labels)
    if len(said) != len(images) or len(said) < LEAST:
        raise InputError(f"labels must be {LEAST} or more, one for each image, not {len(said)} for {len(images)}")
    chosen = torch.randperm(len(said), generator=trial_generator(seed, 0))[:samples]
    net, x, _ = fitted(model, images, lambda count: chosen)
    own = said[chosen.numpy()]
    with one_thread(), torch.no_grad():
        random = [_shares(_random(net, seed, draw), x, own) for draw in range(draws)]
        return Separability(np.array(_shares(net, x, own)), np.array(random), len(own) - len(own) // 2)


def _labels(labels: Any) -> Array:
    said = np.asarray(labels)
    if said.ndim != 1 or not np.issubdtype(said.dtype, np.integer):
        raise InputError(f"labels must be whole numbers in a row, not {said.dtype} of shape {said.shape}")
    return said


def _random(net: Layered, seed: int, draw: int) -> Layered:
    generator = trial_generator(seed, 1 + draw)
    return Layered(tuple(random_like(stage, generator) for stage in net.stages))


def _shares(net: Layered, x: Tensor, labels: Array) -> list[float]:
    """On images, and after each hidden layer."""
    half = len(x) // 2
    given = [_read(part) for part in (x, *net.up(x.to(net.weights[0].dtype)))]
    return [separability(f[:half], labels[:half], f[half:], labels[half:]) for f in given]


def _read(features: Tensor) -> Array:
    """What a classifier reads, (N, n): of maps the means over the quadrants."""
    if features.dim() == 4:
        features = functional.adaptive_avg_pool2d(features, (min(2, features.shape[2]), min(2, features.shape[3])))
    return features.flatten(1).double().numpy()


# --- in words ---------------------------------------------------------------------------------------------------------


def separability_words(found: Separability) -> list[str]:
    """What a linear classifier says of images, of each layer, and of depth."""
    images, *layers = found.own.tolist()
    first = (
        f"On the images themselves a linear classifier gets {images:.0%} right. It was fitted to as many others as the "
        f"{found.tested} on which it was tested."
    )
    each = [_layer_words(found, place, share) for place, share in enumerate(layers, 1)]
    return [line.replace("%", " %") for line in (first, *each, *_depth_words(found))]


def _layer_words(found: Separability, place: int, share: float) -> str:
    random = found.random[:, place]
    low, high = random.min(), random.max()
    between = f"{low:.0%}" if f"{low:.0%}" == f"{high:.0%}" else f"{low:.0%} to {high:.0%}"
    says = f"On h{place} it gets {share:.0%} right. After as many random layers it is {between}"
    apart = (share - random.mean()) / np.hypot(found.error(share), found.error(float(random.mean())))
    if abs(apart) <= TWO:
        return f"{says}, so what training added here cannot be told from chance."
    return f"{says}, so training {'adds' if apart > 0 else 'takes away'} {abs(share - random.mean()):.0%} here."


def _depth_words(found: Separability) -> Sequence[str]:
    """From the first hidden layer to the last; nothing of a single one."""
    if len(found.own) < 3:
        return ()
    own, random = found.own, found.random.mean(0)
    return (
        f"With depth the classes become {_trend(found, own)}. From h1 to h{len(own) - 1} the share goes from "
        f"{own[1]:.0%} to {own[-1]:.0%}, and through random layers from {random[1]:.0%} to {random[-1]:.0%}.",
    )


def _trend(found: Separability, shares: Array) -> str:
    first, last = float(shares[1]), float(shares[-1])
    apart = (last - first) / np.hypot(found.error(first), found.error(last))
    if abs(apart) <= TWO:
        return "neither more nor less separable, as far as these examples tell"
    return "more separable" if apart > 0 else "less separable"
