"""How the samples of a reader's net lie, layer by layer: do classes draw together, and what is told through noise?

The noise is ours: it is added to what a layer gives, to that layer alone, and is as large as the spread of one of its
units. Without it, a layer that gives no two images the same tells all of them, whatever it has learnt; so the entropy
of bins, which is given where bins are asked for, says how images lie and is no information of the net.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reversible.base.checks import InputError, integer, positive
from reversible.base.estimates import Estimate
from reversible.base.runtime import one_thread, trial_generator
from reversible.theory.clusters import binned_entropy, class_distances
from reversible.theory.mixtures import information
from reversible.your_net.images import NOT_FINITE, images_as
from reversible.your_net.modules import unwrapped

Array = np.ndarray
LOOKED_AT = (
    nn.ReLU, nn.Tanh, nn.Sigmoid, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Softplus, nn.Hardtanh, nn.ReLU6,
)  # fmt: skip
MOST = 2000  # images at most: their distances are taken pair by pair
CLOSE = 1e-3  # a ratio nearer to one than that tells nothing of classes
NOBODY = "no image of class"


@dataclass(frozen=True, eq=False)
class Told:
    """A layer: how far its images are apart, and what it tells of them through noise."""

    name: str  # of its module; of the last the module that gives the scores
    units: int
    within: float  # mean distance of two images of a class
    between: float  # and of two of different classes
    dealt: float  # the first over the second where the same labels are dealt out at random
    noise: float  # standard deviation of what is added to each unit; 0 where no unit ever changes
    images: Estimate  # nats that tell which of the images it was
    labels: float  # nats that tell its label; both by draws of the noise
    binned: float | None  # entropy of bins in nats, where bins were asked for

    @property
    def ratio(self) -> float:
        """1 where classes do not show, and less where they draw together."""
        return self.within / self.between if self.between > 0 else 1.0


@dataclass(frozen=True, eq=False)
class Clusters:
    """All layers, bottom first, and what was looked at."""

    layers: tuple[Told, ...]
    images: int
    given: int  # of so many
    classes: int  # that images have
    absent: tuple[int, ...]  # those of which the net gives a score and no image is there
    sigma: float
    label_entropy: float  # nats

    @property
    def image_entropy(self) -> float:
        """The most that can be told, in nats."""
        return math.log(self.images)


def layer_information(
    model: nn.Module, images: Any, labels: Any, sigma: float = 1.0, bins: int | None = None, draws: int = 2000,
    sample: int = 1000, seed: int = 0,
) -> Clusters:  # fmt: skip
    """Distances and noisy information behind each activation of a torch.nn.Sequential, and of its scores.

    `labels` are whole numbers from 0 on, one an image. `sigma` is the noise over the root mean square of the standard
    deviations of a layer's units, `bins` how many bins stand along the range of a layer's numbers. Of more images than
    `sample` so many are drawn by the seed. The model is copied and put into eval mode. Deterministic in all that is
    given.

    Raises InputError for a model that is no Sequential or gives other than one tensor, or does not give the same twice;
    images or labels that do not fit it, fewer than two classes, a class with one image, a sigma of zero, and more bins
    than floats tell apart.
    """
    sigma, seed = positive("sigma", sigma), integer("seed", seed, low=0)
    sample, draws = integer("sample", sample, low=4, high=MOST), integer("draws", draws, low=2)
    net = _Steps(model)
    with one_thread(), torch.no_grad():
        places = lambda count: torch.randperm(count, generator=trial_generator(seed, 0))[:sample]  # noqa: E731
        x, given = images_as(images, net.wanted(), net.precision, places)
        found = [*net.looks(x)]
        kept, absent = _labels(labels, given, places(given), found[-1][1].shape[1])
    ask = _Asked(kept, sigma, None if bins is None else integer("bins", bins, low=2), draws, seed)
    shares = np.bincount(kept) / len(kept)
    return Clusters(
        layers=tuple(ask.told(name, layer) for name, layer in found),
        images=len(kept), given=given, classes=len(np.unique(kept)), absent=absent, sigma=sigma,
        label_entropy=float(-sum(p * math.log(p) for p in shares if p > 0)),
    )  # fmt: skip


def _labels(labels: Any, given: int, places: Tensor, scores: int) -> tuple[Array, tuple[int, ...]]:
    """Labels of the chosen images, and the classes that none of them has."""
    try:
        whole = np.asarray(labels.detach().cpu() if isinstance(labels, Tensor) else labels)
        read = whole.astype(np.int64)
    except (TypeError, ValueError):
        raise InputError(f"labels must be whole numbers, one an image, not {type(labels).__name__}") from None
    if whole.shape != (given,) or whole.dtype.kind not in "iufb" or not (read == whole).all():
        raise InputError(f"labels must be {given} whole numbers, one an image, not {whole.dtype} of {whole.shape}")
    most = max(2, scores) - 1
    if read.min() < 0 or read.max() > most:
        raise InputError(f"labels must be from 0 to {most}, as the net has scores, not {read.min()} to {read.max()}")
    kept = read[places.numpy()]
    there, counts = np.unique(kept, return_counts=True)
    if len(there) < 2:
        raise InputError(f"labels must be of two classes or more among the images used, not all {there[0]}")
    if counts.min() < 2:
        raise InputError(f"labels must have two images of a class at least, and class {there[counts.argmin()]} has one")
    return kept, tuple(sorted(set(range(most + 1)) - set(there.tolist())))


# --- a model, step by step --------------------------------------------------------------------------------------------


class _Steps:
    """A copy of a Sequential in eval mode, as a row of modules."""

    def __init__(self, model: nn.Module) -> None:
        inside = unwrapped(model)
        if not isinstance(inside, nn.Sequential):
            raise InputError(f"the model must be a torch.nn.Sequential, not {type(inside).__name__}")
        self.steps = [*_flat(copy.deepcopy(inside).eval().cpu())]
        first = next((p for _, step in self.steps for p in step.parameters()), None)
        if first is None:
            raise InputError("the model must have weights, and it has none")
        self.precision = first.dtype

    def wanted(self) -> tuple[int | None, ...]:
        """What an image must be, as the first module with weights has it."""
        for _, step in self.steps:
            if isinstance(step, nn.Linear):
                return (step.in_features,)
            if isinstance(step, nn.Conv2d):
                return (step.in_channels, None, None)
        raise InputError("the model must have a Linear or a Conv2d, which say what its images are")

    def looks(self, x: Tensor) -> Iterator[tuple[str, Array]]:
        """What stands behind each activation, and the scores: the module's name and (N, units)."""
        if len(self.wanted()) == 1:
            x = x.flatten(1)
        self._refuse_changing(x[:2])
        for place, (name, step) in enumerate(self.steps):
            x = _one_tensor(name, step(x))
            if isinstance(step, LOOKED_AT) or place == len(self.steps) - 1:
                points = x.flatten(1).double().numpy()
                if not np.isfinite(points).all():
                    raise InputError(NOT_FINITE)
                yield name, points

    def _refuse_changing(self, x: Tensor) -> None:
        first, second = x, x
        for name, step in self.steps:
            first, second = (_one_tensor(name, step(each)) for each in (first, second))
        if not torch.equal(first, second):
            raise InputError("the model must give the same for the same images in eval mode, and it does not")


def _flat(model: nn.Sequential, name: str = "") -> Iterator[tuple[str, Any]]:
    for at, module in model._modules.items():
        inside, full = unwrapped(module), f"{name}.{at}" if name else at
        if isinstance(inside, nn.Sequential):
            yield from _flat(inside, full)
        else:
            yield full, inside


def _one_tensor(name: str, given: Any) -> Tensor:
    if not isinstance(given, Tensor):
        raise InputError(f"module {name!r} must give a tensor, not {type(given).__name__}")
    return given


# --- a layer ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Asked:
    labels: Array
    sigma: float
    bins: int | None
    draws: int
    seed: int

    def told(self, name: str, points: Array) -> Told:
        """All of one layer, points (N, units)."""
        rng = np.random.default_rng(self.seed)
        within, between = class_distances(points, self.labels)
        noise = self.sigma * math.sqrt(float(points.var(0).mean()))
        dealt = class_distances(points, rng.permutation(self.labels))
        images, labels = self._through(points, noise, rng)
        return Told(
            name, points.shape[1], within, between, dealt[0] / dealt[1] if dealt[1] else 1.0, noise, images, labels,
            None if self.bins is None else binned_entropy(points, self._width(name, points)),
        )  # fmt: skip

    def _through(self, points: Array, noise: float, rng: np.random.Generator) -> tuple[Estimate, float]:
        """What is told of the image, and of its label: the first less what is told of it where the label is known."""
        if noise <= 1e-6 * float(np.abs(points - points.mean(0)).max()):
            return Estimate.exact(0.0), 0.0
        whole, known = information(points, noise, self.draws, rng), 0.0
        for c, count in zip(*np.unique(self.labels, return_counts=True), strict=True):
            own = points[self.labels == c]
            known += count / len(points) * information(own, noise, max(200, self.draws // 4), rng).mean
        return whole, max(0.0, whole.mean - known)

    def _width(self, name: str, points: Array) -> float:
        """Of a bin; where the layer never changes, any."""
        assert self.bins is not None
        spread, largest = float(np.ptp(points)), float(np.abs(points).max())
        if spread == 0:
            return 1.0
        most = math.floor(spread / (largest * float(np.finfo(np.float32).eps)))
        if self.bins > most:
            raise InputError(f"bins must be at most {most} in layer {name}, as floats tell no more apart: {self.bins}")
        return spread / self.bins


# --- in words ---------------------------------------------------------------------------------------------------------


def information_words(found: Clusters) -> list[str]:
    """Of each layer how its classes lie and what it tells through our noise; and the whole in a sentence or two."""
    return [_whole(found), *(_layer_words(found, layer) for layer in found.layers), *_absent(found)]


def _whole(found: Clusters) -> str:
    first, last = found.layers[0], found.layers[-1]
    change = "draw together" if last.ratio < first.ratio - CLOSE else "do not draw together"
    used = f"{found.images:,} images" + (f" of {found.given:,}" if found.given > found.images else "")
    says = (
        f"From the first layer to the scores classes {change}. Two of {used} of one class are first {first.ratio:.2f} "
        f"and last {last.ratio:.2f} times as far apart as two of different classes."
    )
    return (
        f"{says} The noise below is ours, and {_size(found.sigma)}; without any, a layer tells all that it keeps apart."
    )


def _size(sigma: float) -> str:
    return "as large as the spread of a unit" if sigma == 1 else f"{sigma:g} times as large as the spread of a unit"


def _layer_words(found: Clusters, layer: Told) -> str:
    name = "The scores" if layer is found.layers[-1] else f"Layer {layer.name}"
    units = f"{layer.units} unit{'s' * (layer.units > 1)}"
    if layer.noise == 0:
        return f"{name} ({units}) gives all images the same. It tells nothing of them."
    says = (
        f"{name} ({units}): two images of a class are {layer.ratio:.2f} times as far apart as two of different ones. "
        f"It is {layer.dealt:.2f} where labels are dealt out at random. Through the noise it tells "
        f"{layer.images.mean:.1f} of the {found.image_entropy:.1f} nats that say which image it was, and "
        f"{layer.labels:.1f} of the {found.label_entropy:.1f} nats of its label."
    )
    return (
        says
        if layer.binned is None
        else f"{says} The entropy of its bins, which say how images lie, is {layer.binned:.1f}."
    )


def _absent(found: Clusters) -> Sequence[str]:
    if not found.absent:
        return []
    names = ", ".join(map(str, found.absent))
    return [f"There was {NOBODY} {names}. What is said holds for the others."]
