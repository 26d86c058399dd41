"""Ways between two nets of the reader's own: the straight line, the line after matching of units, and a band."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from reversible.base.checks import InputError, integer
from reversible.base.runtime import one_thread
from reversible.nets.layered import Dense, Layered
from reversible.nets.matching import check_same_shape, matched
from reversible.nets.net import Net
from reversible.training.bands import Band, heights, let_down, line
from reversible.your_net.measures import fitted

Array = np.ndarray
PLACES = 25  # along a straight line
NONE, LOW = 0.01, 0.1  # a barrier of so much of the loss of guessing is none, or is low


@dataclass(frozen=True, eq=False)
class Ways:
    """Mean cross entropies along three ways from one net to the other, their ends included."""

    line: Array
    matched: Array  # the line, once the units of the second net are in the order of the first one's
    band: Array  # from there, let down the loss
    guess: float  # the loss of giving all classes alike
    moved: float  # share of hidden units that matching puts elsewhere
    used: int  # images
    given: int  # of so many

    def barriers(self) -> dict[str, float]:
        """By way, how far the largest loss is above that of its higher end, over the loss of guessing."""
        ways = {"line": self.line, "matched": self.matched, "band": self.band}
        return {name: float(way.max() - max(way[0], way[-1])) / self.guess for name, way in ways.items()}


def ways_between(
    model: nn.Module | Net | Layered, other: nn.Module | Net | Layered, images: Any, labels: Any,
    sample: int = 200, nets: int = 5, steps: int = 40,
) -> Ways:  # fmt: skip
    """Losses on the straight line from one net to another, after matching, and on a band of so many nets and steps.

    Both are dense ReLU nets of the same shape, as in `read`; the first `sample` images are used, with their labels
    (N,). Deterministic. Raises InputError for two nets of different shape, layers other than dense ones, images that
    do not fit, labels that are not classes, and where a band's loss is no number.
    """
    sample = integer("sample", sample, low=2)
    a, x, given = _dense(model, images, sample)
    b, _, _ = _dense(other, images, sample)
    check_same_shape(a, b)
    wanted = _labels(labels, given, len(a.biases[-1]))[: len(x)]
    band = Band(integer("nets", nets), integer("steps", steps, low=0))
    with one_thread():
        return _measured(a, b, x, wanted, band, given)


def _dense(model: nn.Module | Net | Layered, images: Any, sample: int) -> tuple[Net, Tensor, int]:
    """The net in double precision and the first images, of how many."""
    net, x, given = fitted(model, images, lambda count: torch.arange(min(count, sample)))
    if not all(isinstance(stage.read, Dense) and not stage.pools for stage in net.stages):
        raise InputError("nets must have Linear layers alone to be joined here, and this one has others")
    weights, biases = (tuple(v.detach().double() for v in values) for values in (net.weights, net.biases))
    return Net(weights, biases), x.flatten(1).double(), given


def _labels(labels: Any, given: int, classes: int) -> Tensor:
    found = torch.as_tensor(labels).detach().cpu()
    if found.shape != (given,) or found.is_floating_point() or found.is_complex():
        raise InputError(f"labels must be {given} whole numbers, one an image, not {tuple(found.shape)} {found.dtype}")
    if not 0 <= int(found.min()) <= int(found.max()) < classes:
        raise InputError(
            f"labels must be classes from 0 to {classes - 1}, not {int(found.min())} to {int(found.max())}"
        )
    return found.long()


def _measured(a: Net, b: Net, x: Tensor, labels: Tensor, band: Band, given: int) -> Ways:
    def losses(rows: Tensor) -> Tensor:
        return _losses(rows, [tuple(A.shape) for A in a.weights], x, labels)

    fits = matched(a, b)
    first, second, third = _row(a), _row(b), _row(fits)
    found = [line(first, end, PLACES) for end in (second, third)]
    strung = let_down(first, third, losses, band)
    with torch.no_grad():
        straight, after = (losses(nets)[0].numpy() for nets in found)
    moved = [(p != q).any(1).double() for p, q in zip(b.weights[:-1], fits.weights[:-1], strict=True)]
    return Ways(
        straight, after, heights(strung, losses)[0].numpy(), math.log(len(a.biases[-1])),
        float(torch.cat(moved).mean()) if moved else 0.0, len(x), given,
    )  # fmt: skip


def _row(net: Net) -> Tensor:
    """All numbers of a net, (1, P)."""
    return torch.cat([part.flatten() for part in (*net.weights, *net.biases)])[None]


def _losses(rows: Tensor, shapes: list[tuple[int, ...]], x: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropies of nets (1, K, P) on images (B, n): (1, K)."""
    sizes = [math.prod(shape) for shape in shapes] + [shape[0] for shape in shapes]
    parts = rows[0].split(sizes, 1)
    weights, biases = parts[: len(shapes)], parts[len(shapes) :]
    h = x.expand(len(rows[0]), -1, -1)  # (K, B, n)
    for place, (A, bias, shape) in enumerate(zip(weights, biases, shapes, strict=True)):
        h = torch.baddbmm(bias[:, None], h, A.view(-1, *shape).mT)
        h = torch.relu(h) if place < len(shapes) - 1 else h
    each = functional.cross_entropy(h.flatten(0, 1), labels.repeat(len(h)), reduction="none")
    return each.view(len(h), -1).mean(1)[None]


# --- in words ---------------------------------------------------------------------------------------------------------


def ways_words(found: Ways) -> list[str]:
    """Of each way, how high it is; and what may be concluded."""
    barriers = found.barriers()
    ends = f"{found.line[0]:.2g} and {found.line[-1]:.2g}"
    of = f", {found.used} of {found.given} images" if found.used < found.given else ""
    says = [
        f"On the straight line between the two nets the loss rises to {found.line.max():.2g}, from {ends} at the "
        f"ends{of}. {_barrier(barriers['line'])}",
        f"With the units of the second net in the order of the first one's ({found.moved:.0%} of them move) the line "
        f"rises to {found.matched.max():.2g}. {_barrier(barriers['matched'])}",
        f"A band that is let down from there rises to {found.band.max():.2g}. {_barrier(barriers['band'])}",
    ]
    if min(barriers.values()) <= NONE:
        says.append("The two nets lie in one valley of the loss on these images. A way between them is flat.")
    else:
        says.append("That does not tell whether the two lie in one valley. A longer band may find a lower way.")
    return [words.replace("%", " %") for words in says]


def _barrier(height: float) -> str:
    size = "no barrier" if height <= NONE else "a low barrier" if height <= LOW else "a barrier"
    return f"That is {size}: {height:.2g} of the loss of guessing above the higher end."
