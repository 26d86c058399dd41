"""The noise of a reader's training at the present weights: is it along the curvature, and how sharp is the minimum?"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reversible.base.checks import InputError, integer
from reversible.base.estimates import Estimate
from reversible.base.runtime import one_thread, trial_generator
from reversible.training.curvature import Indicator, Landscape, indicator, of_module

MANY = 500  # images at most: the graph of one gradient over all of them is held
VECTORS = 50  # random ones
NOTHING = 1e-12  # a mean squared gradient that is none


@dataclass(frozen=True)
class Noise:
    """Of the mean cross entropy of some images, at the present weights."""

    weights: int  # D, those that need a gradient
    images: int
    loss: float
    top: float  # the largest eigenvalue of the Hessian H
    indicator: Indicator  # Tr(H Sigma), Tr H and Tr Sigma

    @property
    def over_isotropic(self) -> Estimate | None:
        """Tr(H Sigma) over that of isotropic noise of equal trace; None where Tr H is not clearly above zero."""
        there = self.indicator.curvature.ci95[0] > 0 and self.indicator.noise > NOTHING
        return self.indicator.over_isotropic if there else None


def noise_of(
    model: nn.Module, images: Any, labels: Any, vectors: int = VECTORS, sample: int = MANY, seed: int = 0
) -> Noise:
    """Measure the noise of single samples' gradients against the curvature of the mean cross entropy of these images.

    `model` is any module that gives logits (N, classes), taken as it is in evaluation and in double precision; it is
    left as it is. `images` (N, ...) and `labels` (N,) are those that it is trained on; of more than `sample` so many
    are drawn by the seed. Traces are estimated by `vectors` random vectors. Deterministic in all that is given.
    Raises InputError for images and labels that do not fit each other or the model, for what is not finite, for a model
    without weights to train, and for one that cannot be differentiated twice.
    """
    vectors = integer("vectors", vectors, low=2)
    sample, seed = integer("sample", sample, low=2), integer("seed", seed, low=0)
    x, y = _given(images, labels)
    chosen = torch.randperm(len(x), generator=trial_generator(seed, 0))[:sample]
    own = copy.deepcopy(model).to("cpu", torch.float64).eval()
    with one_thread():
        landscape = _landscape(own, x[chosen], y[chosen])
        losses = _losses(landscape)
        try:
            found = indicator(landscape, vectors, trial_generator(seed, 1))
            top = float(landscape.top()[0])
        except RuntimeError as error:
            raise InputError(f"the model must be one that torch.func differentiates twice: {_line(error)}") from None
    return Noise(landscape.size, len(chosen), float(losses.mean()), top, found)


def _given(images: Any, labels: Any) -> tuple[Tensor, Tensor]:
    try:
        x = torch.as_tensor(images if isinstance(images, Tensor) else np.asarray(images)).detach()
        y = torch.as_tensor(labels if isinstance(labels, Tensor) else np.asarray(labels)).detach()
        whole = not (y.is_floating_point() or y.is_complex() or y.dtype == torch.bool)
        x, y = x.to("cpu", torch.float64), y.to("cpu", torch.int64)
    except (TypeError, ValueError, RuntimeError):
        raise InputError("images and labels must be arrays or tensors of numbers, images (N, ...)") from None
    if y.dim() != 1 or not whole or x.dim() < 2 or len(x) != len(y) or len(y) < 2:
        raise InputError(
            f"labels must be whole numbers (N,), one for each of two images or more, not {tuple(y.shape)} for "
            f"{tuple(x.shape)}"
        )
    if not x.isfinite().all():
        raise InputError("images must be finite, and so must be what the net makes of them")
    return x, y


def _landscape(model: nn.Module, x: Tensor, y: Tensor) -> Landscape:
    if not any(value.requires_grad for value in model.parameters()):
        raise InputError("the model must have weights that need a gradient, and it has none")
    try:
        with torch.no_grad():
            logits = model(x)
    except RuntimeError as error:
        raise InputError(f"images must fit the model, and {tuple(x.shape)} do not: {_line(error)}") from None
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != len(x):
        raise InputError(f"the model must give logits (N, classes), not {getattr(logits, 'shape', type(logits))}")
    if int(y.min()) < 0 or int(y.max()) >= logits.shape[1]:
        raise InputError(
            f"labels must be from 0 to {logits.shape[1] - 1}, the model's classes, not {int(y.min())} to {int(y.max())}"
        )
    return of_module(model, x, y)


def _losses(landscape: Landscape) -> Tensor:
    with torch.no_grad():
        losses = landscape.of_all(landscape.weights)
    if not losses.isfinite().all():
        raise InputError("images must be finite, and so must be what the net makes of them")
    return losses


def _line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


# --- in words ---------------------------------------------------------------------------------------------------------


def noise_words(found: Noise) -> list[str]:
    """What the noise is along, how sharp it is here, and how many directions are curved."""
    return [_along(found), _sharp(found), _directions(found)]


def _along(found: Noise) -> str:
    of_noise = found.indicator.of_noise.mean
    if found.indicator.noise <= NOTHING:
        return "There is no noise here. All images have the same gradient, as far as double precision tells."
    if (ratio := found.over_isotropic) is None:
        return (
            f"Tr(HΣ) is {of_noise:.3g}. Isotropic noise gives no number to compare it with, because the trace of H is "
            "not clearly above zero: the weights are not near a minimum."
        )
    low, high = ratio.ci95
    says = f"Tr(HΣ) is {of_noise:.3g}, which is {_large(ratio.mean)} times that of isotropic noise of the same trace "
    says += f"(95 % interval {_large(low)} to {_large(high)}; {found.weights:,}, the number of weights, is the most). "
    if low > 1:
        return says + "So the noise of training is along the curvature, and at first it raises the loss so much faster."
    return says + "So the noise of training is not clearly along the curvature."


def _sharp(found: Noise) -> str:
    if found.top <= 0:
        return f"The top eigenvalue of H is {found.top:.3g}. The loss curves upwards in no direction."
    return (
        f"The top eigenvalue of H is {found.top:.3g}. Plain gradient descent on these images is stable near such a "
        f"minimum for learning rates below {2 / found.top:.2g}."
    )


def _directions(found: Noise) -> str:
    trace, loss = found.indicator.curvature.mean, f"The mean loss of the {found.images:,} images is {found.loss:.3g}"
    if found.top <= 0 or trace <= 0:
        return f"{loss}, and the trace of H is {trace:.3g}."
    return (
        f"{loss}, and the trace of H is {trace:.3g}, which is that of {trace / found.top:.1f} directions as curved as "
        f"the first, out of {found.weights:,}."
    )


def _large(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
