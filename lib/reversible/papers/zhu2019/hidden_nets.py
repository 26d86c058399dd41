"""The paper's net with one hidden layer: fixed output weights of plus and minus one, an output that is clipped.

As the authors' code has it: points in a square, labels zero and one, squared loss, full-batch Adam whose rate falls
linearly at the end. That is no training by batches, so the book's one loop is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from reversible.training.curvature import Landscape

SIDE = 2.0  # points lie in [-SIDE, SIDE]^2
CLIP = 1e-3  # outputs lie in [CLIP, 1 - CLIP]
FIRST = 0.1  # first weights are uniform from -FIRST to FIRST, as the authors' default makes them
RATE, FALLING, EPOCH = 1e-3, 21, 10  # Adam's rate, the epoch from which on it falls, steps an epoch
MOMENTS, SMALL = (0.9, 0.999), 1e-8  # Adam's own defaults (Kingma and Ba 2015)


@dataclass(frozen=True, eq=False)
class Hidden:
    """h ReLUs on points of a plane; the output weights are trained as well if `all_trained`."""

    hidden: int
    all_trained: bool

    @property
    def size(self) -> int:
        """Number of trained weights, D."""
        return self.hidden * (4 if self.all_trained else 3)

    @property
    def signs(self) -> Tensor:
        """Output weights: half of them one, half of them minus one (h,)."""
        half = self.hidden // 2
        return torch.cat([torch.ones(half), -torch.ones(self.hidden - half)]).double()

    def first(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Random first weights (D,); output weights that are trained begin at `signs`.

        They are drawn again until a tenth of the points x has an output that is not clipped: else nothing is trained.
        """
        while True:
            w = (2 * torch.rand(3 * self.hidden, generator=generator, dtype=torch.float64) - 1) * FIRST
            w = torch.cat([w, self.signs]) if self.all_trained else w
            if self.kept(w, x).double().mean() >= 0.1:
                return w

    def kept(self, w: Tensor, x: Tensor) -> Tensor:
        """Whether an output is not clipped."""
        raw = self.raw(w, x)
        return (raw > CLIP) & (raw < 1 - CLIP)

    def raw(self, w: Tensor, x: Tensor) -> Tensor:
        """The output before it is clipped: weights (D,), points (..., 2) -> (...)."""
        h = self.hidden
        out = w[3 * h :] if self.all_trained else self.signs
        return torch.relu(x @ w[: 2 * h].view(2, h) + w[2 * h : 3 * h]) @ out

    def losses(self, w: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Squared distances of clipped outputs from labels."""
        return (self.raw(w, x).clamp(CLIP, 1 - CLIP) - y).square()

    def landscape(self, w: Tensor, x: Tensor, y: Tensor) -> Landscape:
        """Of points (N, 2) and labels (N,), at weights w."""
        return Landscape(self.losses, lambda w: self.losses(w, x, y), w, (x, y))


def points(count: int, random_labels: bool, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Points (N, 2) and labels (N,): whether the first coordinate is the larger, or random ones."""
    x = (2 * torch.rand(count, 2, generator=generator, dtype=torch.float64) - 1) * SIDE
    half = (x[:, 0] >= x[:, 1]).double()
    return x, torch.randint(2, (count,), generator=generator).double() if random_labels else half


def adam(w: Tensor, slope: Callable[[Tensor], Tensor], epochs: tuple[int, ...]) -> Iterator[Tensor]:
    """The weights after each of `epochs`, rising; the rate falls linearly from FALLING to the last of them."""
    mean, square = torch.zeros_like(w), torch.zeros_like(w)
    for step in range(epochs[-1] * EPOCH + 1):
        epoch = step // EPOCH
        if step % EPOCH == 0 and epoch in epochs:
            yield w
        rate = RATE * min(1.0, (epochs[-1] - epoch) / max(1, epochs[-1] - FALLING))
        g = slope(w)
        mean = MOMENTS[0] * mean + (1 - MOMENTS[0]) * g
        square = MOMENTS[1] * square + (1 - MOMENTS[1]) * g.square()
        now = [part / (1 - m ** (step + 1)) for part, m in zip((mean, square), MOMENTS, strict=True)]
        w = w - rate * now[0] / (now[1].sqrt() + SMALL)
