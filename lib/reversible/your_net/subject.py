"""A reader's model with its images and labels, looked at once before anything is measured of it.

The model is copied, and the copy is put in eval mode on the CPU: nothing of the reader's own is changed.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reversible.base.checks import InputError, integer
from reversible.base.runtime import one_thread, trial_generator
from reversible.nets.layered import Layered
from reversible.your_net.images import Choice, images_as, wanted_of
from reversible.your_net.modules import net_from, parts_of, unwrapped
from reversible.your_net.regions import random_like

FEWEST = 8  # images
AT_ONCE = 128  # images in a pass
SAME = 1e-3  # scores that differ by less of their size are the same, whatever the order of sums
ALONE = 3  # images that are passed once more, one by one


@dataclass(frozen=True, eq=False)
class Subject:
    """What is examined."""

    model: Any  # a copy of the nn.Module, in eval mode on the CPU; what torch puts around it is taken off
    images: Tensor  # (N, ...) as the model reads them, in the precision of its weights
    labels: Tensor  # (N,) whole numbers from 0
    scores: Tensor  # (N, classes), what the model gives
    net: Layered | None  # the same as layers, in double precision; None where it cannot be read as such
    why_not: str  # why it cannot; "" where it can
    given: int  # images, of which these were drawn
    seed: int
    kept: dict[str, Any] = field(default_factory=dict, repr=False)  # what parts have in common, see `once`

    @classmethod
    def of(cls, model: Any, images: Any, labels: Any, sample: int = 1000, seed: int = 0) -> Subject:
        """Checked: InputError in one line for a model, images or labels that nothing can be measured with."""
        sample, seed = integer("sample", sample, low=FEWEST), integer("seed", seed, low=0, high=2**32)
        copied = _copied(model)
        x, choose, given, net, why_not = _images(copied, images, sample, seed)
        y = _labels(labels, given)[choose(given)]
        x = x.to(_precision(copied))
        with one_thread():
            scores = _scores(copied, x, y)
        return cls(copied, x, y, scores, net, why_not, given, seed)

    @property
    def classes(self) -> int:
        """How many the model tells apart."""
        return self.scores.shape[1]

    @property
    def error(self) -> float:
        """The share of the images that the model gives another class than their label."""
        return float((self.scores.argmax(1) != self.labels).double().mean())

    @property
    def guessed(self) -> float:
        """That share for the most frequent label alone."""
        return 1 - float(self.labels.bincount().max()) / len(self.labels)

    @property
    def absent(self) -> list[int]:
        """Classes of the model that no image here has."""
        counts = self.labels.bincount(minlength=self.classes)
        return (counts == 0).nonzero().flatten().tolist()

    @property
    def layers(self) -> list[tuple[str, nn.Module]]:
        """The Linear and convolutional layers of the model by name, whatever stands between them."""
        kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
        return [(name, module) for name, module in self.model.named_modules() if isinstance(module, kinds)]

    @property
    def work(self) -> float:
        """Products of two numbers in a pass of one image; of a model that cannot be read its number of weights."""
        if self.net is None:
            return float(sum(p.numel() for p in self.model.parameters()))
        each = (math.prod(stage.read.gives) * stage.read.weight[0].numel() for stage in self.net.stages)
        return float(sum(each))

    def once(self, name: str, make: Any) -> Any:
        """What several parts need, made by the first that asks for it."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    def random_net(self, draw: int = 0) -> Layered:
        """The net with other weights: Gaussian with variance two over the inputs of a layer, and no biases."""
        assert self.net is not None
        generator = trial_generator(self.seed, 1_000_000 + draw)
        return Layered(tuple(random_like(stage, generator) for stage in self.net.stages))

    def random_model(self, draw: int = 0) -> Any:
        """The same of the model, readable or not; other layers that have parameters begin anew."""
        twin, generator = copy.deepcopy(self.model), trial_generator(self.seed, 1_000_000 + draw)
        drawn = {name for name, _ in self.layers}
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
            for name, module in twin.named_modules():
                if name in drawn:
                    _redraw(module)
                elif reset := getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None):
                    reset()
        return twin.eval()


def _redraw(layer: Any) -> None:
    """In place."""
    layer.weight.normal_(0.0, math.sqrt(2 / layer.weight[0].numel()))
    if layer.bias is not None:
        layer.bias.zero_()


# --- the model and its images -----------------------------------------------------------------------------------------


def _copied(model: Any) -> Any:
    if not isinstance(model, nn.Module):
        raise InputError(f"the model must be a torch.nn.Module, not {type(model).__name__}")
    try:
        copied = copy.deepcopy(unwrapped(model)).eval().cpu()
    except Exception as error:
        raise InputError(f"the model must be one that can be copied: {_line(error)}") from None
    return copied.requires_grad_(True) if _precision(copied).itemsize > 2 else copied.requires_grad_(True).float()


def _precision(model: nn.Module) -> torch.dtype:
    kinds = [p.dtype for p in model.parameters() if p.is_floating_point()]
    return kinds[0] if kinds else torch.float32


def _images(model: Any, images: Any, sample: int, seed: int) -> tuple[Tensor, Choice, int, Layered | None, str]:
    """The images that are used in the shape that the model reads, how they are chosen, of how many; the net, or why."""

    def choose(count: int) -> Tensor:
        if count < FEWEST:
            raise InputError(f"images must be at least {FEWEST}, not {count}")
        return torch.randperm(count, generator=trial_generator(seed, 0))[:sample]

    try:
        parts = parts_of(model)
    except InputError as error:
        x, given = images_as(images, None, torch.float64, choose)
        return x, choose, given, None, str(error)
    x, given = images_as(images, wanted_of(parts[0]), torch.float64, choose)
    net = net_from(parts, tuple(x.shape[1:]))
    rows = x.reshape(len(x), *net.shape)
    return x if _takes(model, x) and not _takes(model, rows) else rows, choose, given, net, ""


def _takes(model: Any, x: Tensor) -> bool:
    """Images of this shape, as maps or as rows of numbers."""
    try:
        with torch.no_grad():
            given = model(x[:2].to(_precision(model)))
    except Exception:
        return False
    return isinstance(given, Tensor) and given.dim() == 2


def _labels(labels: Any, count: int) -> Tensor:
    """(count,) whole numbers from 0."""
    allowed = f"{count} whole numbers from 0, one for each image"
    try:
        values = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
        shape, kind = values.shape, values.dtype.kind
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"labels must be {allowed}, not {type(labels).__name__}") from None
    if shape != (count,):
        raise InputError(f"labels must be {allowed}, not of shape {shape}")
    if kind not in "iuf" or not np.isfinite(values).all() or (values != np.floor(values)).any() or values.min() < 0:
        wrong = next((value for value in values.tolist() if not _whole(value)), values.dtype)
        raise InputError(f"labels must be {allowed}, not {wrong!r}")
    return torch.from_numpy(values.astype(np.int64))


def _whole(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return number and value >= 0 and value == int(value)


# --- what the model gives ---------------------------------------------------------------------------------------------


def scores_of(model: Any, images: Tensor) -> Tensor:
    """What a model in eval mode gives, (N, classes), some images at a time."""
    with torch.no_grad():
        return torch.cat([model(part) for part in images.split(AT_ONCE)])


def _scores(model: Any, x: Tensor, labels: Tensor) -> Tensor:
    """The model's scores, once it is known that it is a function of an image that gives each class a score."""
    state = {name: value.clone() for name, value in model.state_dict().items() if isinstance(value, Tensor)}
    try:
        with torch.no_grad():
            first = model(x[:AT_ONCE])
    except Exception as error:
        raise InputError(f"the model must take images of shape {tuple(x.shape)}: {_line(error)}") from None
    if not isinstance(first, Tensor):
        raise InputError(f"the model must return one tensor of scores (N, classes), not {type(first).__name__}")
    if first.dim() != 2 or len(first) != min(len(x), AT_ONCE) or first.shape[1] < 2 or not first.is_floating_point():
        raise InputError(f"the model must return scores (N, classes) of two classes or more, not {tuple(first.shape)}")
    if (largest := int(labels.max())) >= first.shape[1]:
        raise InputError(f"labels must be from 0 to {first.shape[1] - 1}, as the model has scores, not {largest}")
    scores = scores_of(model, x)
    if not scores.isfinite().all():
        raise InputError("the model must give finite scores")
    _must_stay(model, x, scores, state)
    return scores


def _must_stay(model: Any, x: Tensor, scores: Tensor, state: dict[str, Tensor]) -> None:
    """InputError where a pass changes the model, or where scores hang on chance or on the images beside."""
    size = float(scores.abs().max()) or 1.0
    for name, value in model.state_dict().items():
        if isinstance(value, Tensor) and not torch.equal(value, state[name]):
            raise InputError(f"the model must not change in eval mode, and a pass changes its {name}")
    if float((scores_of(model, x) - scores).abs().max()) > SAME * size:
        raise InputError("the model must give the same twice in eval mode, and it gives other scores the second time")
    if _far_alone(model, x, scores) > SAME * size:
        raise InputError("the model must score each image by itself in eval mode: alone one gets other scores")


def _far_alone(model: Any, x: Tensor, scores: Tensor) -> float:
    """How far the scores of single images are from theirs among others."""
    try:
        alone = torch.cat([scores_of(model, image[None]) for image in x[:ALONE]])
    except Exception:  # statistics of a single one
        return math.inf
    return float((alone - scores[:ALONE]).abs().max())


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
