"""Small bias-free denoisers of piecewise constant signals, with skips and without, of equally many weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, jackknife
from reversible.nets.pieces import pieces, whole_line
from reversible.papers.ye2019 import labels
from reversible.papers.ye2019.nets import TAPS, Coder
from reversible.runs.experiment import Experiment, seed_of

Array = np.ndarray
LENGTH, NOISE, BATCH, RATE = 32, 0.5, 32, 3e-3
CHANNELS = {"skips": (4, 8), "plain": (6, 8)}  # 324 weights each


@dataclass(frozen=True)
class Denoise:
    """Nets side by side; a net and its counterpart of the other kind are given the same signals."""

    kind: str
    steps: int
    tested: int  # signals a net
    lines: int  # a net
    draws: int  # nets
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, tuple(CHANNELS))


@dataclass(frozen=True)
class DenoiseResult:
    """A number a net; errors are over the variance of the noise."""

    error: tuple[float, ...]
    before: tuple[float, ...]  # mean number of activation regions of a line
    after: tuple[float, ...]
    largest: tuple[float, ...]  # norm of J
    bound: tuple[float, ...]


def signals(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Clean ones of four steps, (count, LENGTH), and the same with noise."""
    cuts = torch.rand(count, 3, generator=generator, dtype=torch.float64)
    place = (torch.arange(LENGTH) / LENGTH >= cuts[:, :, None]).sum(1)
    levels = torch.randn(count, 4, generator=generator, dtype=torch.float64)
    clean = levels.gather(1, place)
    return clean, clean + NOISE * torch.randn(count, LENGTH, generator=generator, dtype=torch.float64)


class Nets(torch.nn.Module):
    """So many nets of a kind at once: convolutions in groups."""

    def __init__(self, kind: str, count: int, generator: torch.Generator) -> None:
        super().__init__()
        (c1, c2), self.skips, self.count = CHANNELS[kind], kind == "skips", count
        twice = 2 if self.skips else 1
        shapes = [(c1, 1), (c2, c1), (c1, twice * c2), (1, twice * c1)]
        self.filters = torch.nn.ParameterList(
            torch.randn(count, out, into, TAPS, generator=generator, dtype=torch.float64) * math.sqrt(2 / (into * TAPS))
            for out, into in shapes
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, LENGTH) -> (B, S, LENGTH)."""
        a = torch.relu(self._conv(0, x[:, :, None]))
        b = torch.relu(self._conv(1, _halved(a)))
        c = torch.relu(self._conv(2, self._beside(_doubled(_halved(b)), b)))
        return self._conv(3, self._beside(_doubled(c), a))[:, :, 0]

    def _beside(self, x: Tensor, h: Tensor) -> Tensor:
        return torch.cat([x, h], 2) if self.skips else x

    def _conv(self, place: int, x: Tensor) -> Tensor:
        """(B, S, c, n) by each net's own filters."""
        padded = functional.pad(x.flatten(1, 2), (TAPS // 2, TAPS // 2), mode="circular")
        return functional.conv1d(padded, self.filters[place].flatten(0, 1), groups=self.count).unflatten(
            1, (self.count, -1)
        )

    def coders(self) -> list[Coder]:
        """Each net by itself."""
        arrays = [f.detach().numpy().copy() for f in self.filters]
        return [Coder(LENGTH, (a, b), (c, d), self.skips) for a, b, c, d in zip(*arrays, strict=True)]


def _halved(h: Tensor) -> Tensor:
    return (h[..., ::2] + h[..., 1::2]) / math.sqrt(2)


def _doubled(h: Tensor) -> Tensor:
    return h.repeat_interleave(2, -1) / math.sqrt(2)


def denoise(p: Denoise) -> DenoiseResult:
    nets = Nets(p.kind, p.draws, torch.Generator().manual_seed(p.seed))
    lines = [signals(2 * p.lines, torch.Generator().manual_seed(1000 + net))[1].numpy() for net in range(p.draws)]
    before = _patterns(nets.coders(), lines)
    _train(nets, p.steps)
    coders = nets.coders()
    errors, norms = zip(*(_tested(coder, p.tested, net) for net, coder in enumerate(coders)), strict=True)
    bounds = tuple(coder.bound() for coder in coders)
    return DenoiseResult(errors, before, _patterns(coders, lines), norms, bounds)


def _train(nets: Nets, steps: int) -> None:
    sources = [torch.Generator().manual_seed(net) for net in range(nets.count)]
    adam = torch.optim.Adam(nets.parameters(), RATE)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(steps):
        clean, noisy = (torch.stack(part, 1) for part in zip(*(signals(BATCH, g) for g in sources), strict=True))
        adam.zero_grad()
        (nets(noisy) - clean).square().mean((0, 2)).sum().backward()
        adam.step()
        rate.step()


def _patterns(coders: Sequence[Coder], lines: Sequence[Array]) -> tuple[float, ...]:
    found = []
    for coder, x in zip(coders, lines, strict=True):
        program = coder.program()
        pairs = x.reshape(-1, 2, LENGTH)
        found.append(float(np.mean([pieces(program, whole_line(a, b - a)).activation_regions for a, b in pairs])))
    return tuple(found)


def _tested(coder: Coder, count: int, net: int) -> tuple[float, float]:
    """The error over the noise, and the largest norm of J."""
    clean, noisy = (x.numpy() for x in signals(count, torch.Generator().manual_seed(2000 + net)))
    error = float(np.square(coder.program()(noisy) - clean).mean()) / NOISE**2
    return error, max(float(np.linalg.norm(coder.frame(x), 2)) for x in noisy[: count // 10])


def cells(profile: str) -> list[Denoise]:
    steps, tested, lines, draws = {
        "smoke": (20, 20, 2, 2), "book": (150, 100, 4, 3), "full": (3000, 4000, 20, 10)
    }[profile]  # fmt: skip
    return [Denoise(kind, steps, tested, lines, draws, seed_of("ye-denoise", kind)) for kind in CHANNELS]


def measures(pairs: list[tuple[Denoise, DenoiseResult]]) -> dict[str, Estimate]:
    by_kind = {p.kind: r for p, r in pairs}
    found, rooms = {}, []
    for kind, r in by_kind.items():
        room = np.array(r.bound) / np.array(r.largest)
        rooms.append(room.min())
        found |= {
            f"error_{kind}": Estimate.of(r.error),
            f"patterns_{kind}": jackknife(
                lambda a, b: float(a.mean() / b.mean()), np.array(r.after), np.array(r.before)
            ),
            f"largest_{kind}": Estimate.of(r.largest),
            f"room_{kind}": Estimate.of(room),
        }
    one, other = by_kind["skips"], by_kind["plain"]
    return found | {
        "error_gain": Estimate.of(np.array(other.error) - np.array(one.error)),
        "largest_gap": Estimate.of(np.array(one.largest) - np.array(other.largest)),
        "least_room": Estimate.exact(float(min(rooms))),
    }


EXPERIMENTS = {"ye-denoise": Experiment(cells, denoise, measures, label=labels.denoise)}
