"""How far the nearest error is from images of a reader's own, beside what errors in noise foretell of it.

Any model can be asked that gives scores (B, classes) and their gradients, however it is built: it is run in eval mode,
and is left as it was. The law is `theory.errors_in_noise`, the searches are those of `nets.boundary`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reversible.base.checks import InputError, fraction, integer, positive
from reversible.base.runtime import one_thread, trial_generator
from reversible.nets.boundary import Foretold, Logits, error_in_noise, foretold, nearest_found, wrong
from reversible.nets.layered import Layered
from reversible.nets.net import Net
from reversible.theory import errors_in_noise as laws
from reversible.your_net.images import images_as

Array = np.ndarray
FARTHEST = 3.0  # how far a descent goes, in distances that noise foretells
SAME = 1e-4  # two answers to one image that are the same but for rounding, relative to the largest score
NEARLY_FLAT = (0.8, 1.25)  # distances found over foretold ones, in the median
SMALL, LARGE = 1e-4, 1e2  # sigma is searched for between these, in root mean squares of an image's entries


@dataclass(frozen=True, eq=False)
class Errors:
    """Of each image that was looked at, and that the model gets right."""

    sigma: Array  # the standard deviation of the noise
    share: Array  # of noisy copies that are wrong
    foretold: Array  # what noise says of the distance of the nearest error; nan where it says nothing
    nearest: Array  # the distance of the nearest error found; infinite where none was
    wanted: float | None  # the share that sigma was searched for; None where sigma was given
    right: int  # images that the model gets right,
    given: int  # of so many

    @property
    def ratio(self) -> Array:
        """Found over foretold, of the images that have both."""
        both = np.isfinite(self.foretold) & np.isfinite(self.nearest)
        return self.nearest[both] / self.foretold[both]


def find_errors(
    model: nn.Module | Net | Layered, images: Any, labels: Any, share: float = 0.01, sigma: float | None = None,
    samples: int = 20, draws: int = 1000, fresh: int = 10_000, seed: int = 0,
) -> Errors:  # fmt: skip
    """Noise of which a `share` of copies is wrong, or of the given `sigma`, and the nearest error that is found.

    `images` (N, ...) are as the model reads them, `labels` are N integers. Of those that the model gets right at most
    `samples` are drawn by the seed. Deterministic in all that is given.

    Raises InputError for fewer than two images that the model gets right, labels that do not fit, a sigma or a share
    that is not positive, and a model that gives no tensor of scores, other scores the second time in eval mode, other
    scores to an image in other company, or scores without gradients.
    """
    samples, draws, fresh = integer("samples", samples, low=2), integer("draws", draws), integer("fresh", fresh)
    seed, share = integer("seed", seed, low=0), fraction("share", share)
    sigma = None if sigma is None else positive("sigma", sigma)
    with one_thread(), _in_eval(model):
        x, shape = _images(model, images)
        logits = _checked(model, x, shape)
        y = _labels(labels, len(x), logits(x[:1]).shape[1])
        right = (~torch.cat([wrong(logits, *part) for part in zip(x.split(500), y.split(500), strict=True)])).nonzero()
        if len(right) < 2:
            raise InputError(f"images must be at least two that the model gets right, not {len(right)} of {len(x)}")
        generator = trial_generator(seed, 0)
        chosen = right[torch.randperm(len(right), generator=generator)[:samples], 0]
        said = _foretold(logits, x[chosen], y[chosen], (share, sigma, draws, fresh), generator)
        reach = FARTHEST * said.distance.where(said.distance.isfinite(), said.sigma * math.sqrt(x.shape[1])).to(x.dtype)
        nearest, _, _ = nearest_found(logits, x[chosen], y[chosen], reach)
    values = (value.double().numpy() for value in (said.sigma, said.share, said.distance, nearest))
    return Errors(*values, wanted=share if sigma is None else None, right=len(right), given=len(x))


def _foretold(
    logits: Logits, x: Tensor, y: Tensor, asked: tuple[float, float | None, int, int], generator: torch.Generator
) -> Foretold:
    share, sigma, draws, fresh = asked
    if sigma is None:
        size = float(x.square().mean().sqrt()) or 1.0
        return foretold(logits, x, y, generator, share, draws, fresh, SMALL * size, LARGE * size)
    found = error_in_noise(logits, x, y, sigma, fresh, generator)
    far = [laws.flat_distance(float(mu), sigma) if 0 < mu < 0.5 else math.nan for mu in found]
    return Foretold(torch.full((len(x),), sigma), found, torch.tensor(far, dtype=torch.float64))


# --- what is given ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _in_eval(model: Any) -> Iterator[None]:
    """Modules in eval mode, and each of them as it was afterwards."""
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    before = [module.training for module in modules]
    try:
        if isinstance(model, nn.Module):
            model.eval()
        yield
    finally:
        for module, mode in zip(modules, before, strict=True):
            module.training = mode


def _images(model: Any, images: Any) -> tuple[Tensor, tuple[int, ...]]:
    """All images as rows of numbers in the model's precision, and the shape of one as the model reads it."""
    if isinstance(model, (Net, Layered)):
        first, shape = model.weights[0], model.shape if isinstance(model, Layered) else model.weights[0].shape[1:]
    else:
        first = next(iter(model.parameters()), torch.zeros(1)) if isinstance(model, nn.Module) else torch.zeros(1)
        shape = tuple(getattr(images, "shape", ()))[1:]
    width = math.prod(shape) if shape else 0
    x, _ = images_as(images, (width,), first.dtype, torch.arange)
    return x.reshape(len(x), -1), tuple(shape)


def _checked(model: Any, x: Tensor, shape: tuple[int, ...]) -> Logits:
    """The model as a function of rows of numbers, once it has been tried."""
    call: Callable[[Tensor], Any] = model.logits if isinstance(model, (Net, Layered)) else model
    if not callable(call):
        raise InputError(f"the model must be a torch.nn.Module or a net of this library, not {type(model).__name__}")

    def logits(rows: Tensor) -> Tensor:
        scores = call(rows.view(len(rows), *shape))
        if not isinstance(scores, Tensor):
            raise InputError(f"the model must give one tensor of scores (B, classes), not a {type(scores).__name__}")
        return scores

    few = x[:8].clone().requires_grad_()
    try:
        first = logits(few)
    except (RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"images must fit the model, and it says: {str(error).splitlines()[0]}") from None
    if first.dim() != 2 or len(first) != len(few) or first.shape[1] < 2 or not first.is_floating_point():
        raise InputError(f"the model must give scores (B, classes) of two classes or more, not {tuple(first.shape)}")
    if not first.requires_grad:
        raise InputError("the model's scores must have gradients, and they have none")
    _refuse_changes(logits, few.detach(), first.detach())
    return logits


def _refuse_changes(logits: Logits, few: Tensor, first: Tensor) -> None:
    if not bool(first.isfinite().all()):
        raise InputError("the model's scores must be finite, and some of them are not")
    with torch.no_grad():
        again, alone = logits(few), logits(few[:1])
    allowed = SAME * float(first.abs().max())
    if float((again - first).abs().max()) > allowed:
        raise InputError(
            "the model must give the same scores each time in eval mode, and the second time it gave others"
        )
    if float((alone - first[:1]).abs().max()) > allowed:
        raise InputError("the model must score an image by itself, and its scores change with the others of the batch")


def _labels(labels: Any, count: int, classes: int) -> Tensor:
    try:
        y = torch.as_tensor(np.asarray(labels))
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"labels must be {count} integers, not {type(labels).__name__}") from None
    if y.shape != (count,) or y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise InputError(f"labels must be {count} integers, one an image, not {tuple(y.shape)} of {y.dtype}")
    y = y.long()
    if not 0 <= int(y.min()) <= int(y.max()) < classes:
        raise InputError(f"labels must be from 0 to {classes - 1}, not from {int(y.min())} to {int(y.max())}")
    return y


# --- in words ---------------------------------------------------------------------------------------------------------


def errors_words(found: Errors) -> list[str]:
    """What noise does, what it foretells, what is found, and what that says of the boundary."""
    looked = f"{len(found.sigma)} of the {found.right:,} images that the model gets right, of {found.given:,}"
    return [f"Looked at were {looked}. {_noise_words(found)}", *_distance_words(found)]


def _noise_words(found: Errors) -> str:
    if found.wanted is None:
        return (
            f"Noise with a standard deviation of {found.sigma[0]:.2g} makes {_percent(float(np.median(found.share)))} "
            "of the copies of the median image wrong."
        )
    often = "one copy in a hundred" if found.wanted == 0.01 else f"{_percent(found.wanted)} of the copies"
    return f"Noise makes {often} wrong at a standard deviation of {_spread(found.sigma)} an entry."


def _distance_words(found: Errors) -> list[str]:
    none = int(np.isinf(found.nearest).sum())
    missed = f" Of {none} images no error was found: the model's gradients may be masked." if none else ""
    ratio = found.ratio
    if not len(ratio):
        return [f"From this nothing is foretold of the nearest error.{missed}"]
    said, near = (
        _spread(found.foretold[np.isfinite(found.foretold)]),
        _spread(found.nearest[np.isfinite(found.nearest)]),
    )
    middle = float(np.median(ratio))
    return [
        f"If errors lay beyond a flat boundary, the nearest would be {said} away. The nearest one that was found is "
        f"{near} away, {middle:.2f} times as far in the median image.{missed}",
        _meaning(middle),
    ]


def _meaning(middle: float) -> str:
    low, high = NEARLY_FLAT
    if middle < low:
        return "So errors are nearer than noise tells: they lie in corners or thin layers, which noise seldom hits."
    if middle > high:
        return (
            "So errors are farther than noise tells: they lie on many sides of an image, or there are nearer ones that "
            "the search does not find."
        )
    return "So noise tells how near errors are: as far as it sees them, the boundary is nearly flat."


def _spread(values: Array) -> str:
    return f"{np.median(values):.2g} ({values.min():.2g} to {values.max():.2g})"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
