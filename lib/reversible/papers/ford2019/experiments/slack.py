"""Two searches for errors beside exact distances: sets in many dimensions, and nets of two inputs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.boundary import Logits, nearest_found
from reversible.nets.polygons import Window, tiling
from reversible.nets.program import Program
from reversible.papers.ford2019 import labels
from reversible.runs.experiment import Experiment, seed_of

Array = np.ndarray
KINDS = ("slab", "ball", "nets")
EDGE, RADIUS = 2.0, 30.0  # of the slab and of the ball
NEAR = 1.01  # a ratio to the exact distance that is near to it
WINDOW, WIDTHS = 6.0, (2, 16, 16, 1)  # half its side; of the nets


@dataclass(frozen=True)
class Slack:
    """Classifiers with two answers, and points of one of them."""

    kind: str
    n: int
    points: int  # a classifier
    draws: int  # classifiers
    seed: int

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


Rows = tuple[tuple[float | None, ...], ...]  # a row a classifier, a number a point; None: infinite


@dataclass(frozen=True)
class SlackResult:
    """A row a classifier, a number a point."""

    exact: Rows
    both: Rows  # the nearest error of both, one going on from the other
    search: Rows
    descent: Rows


def slack(p: Slack) -> SlackResult:
    found = [_one(p, trial_generator(p.seed, draw)) for draw in range(p.draws)]
    return SlackResult(*(tuple(map(_row, column)) for column in zip(*found, strict=True)))


def _row(distances: Tensor) -> tuple[float | None, ...]:
    return tuple(value if math.isfinite(value) else None for value in distances.tolist())


def _one(p: Slack, generator: torch.Generator) -> tuple[Tensor, ...]:
    if p.kind == "nets":
        logits, x, exact = _net(p, generator)
    else:
        x = torch.randn((p.points, p.n), generator=generator, dtype=torch.float64)
        logits, exact = _set(p, x, generator)
    own = logits(x).argmax(1)
    return exact, *nearest_found(logits, x, own, 2 * exact.nan_to_num(posinf=WINDOW).clamp_min(1e-6))


def _set(p: Slack, x: Tensor, generator: torch.Generator) -> tuple[Logits, Tensor]:
    """A slab with x on both sides of its planes, or a ball, and exact distances."""
    if p.kind == "ball":
        score = lambda z: RADIUS - z.norm(dim=1)  # noqa: E731
        return _two(score), (RADIUS - x.norm(dim=1)).abs()
    u = torch.randn(p.n, generator=generator, dtype=torch.float64)
    u = u / u.norm()
    return _two(lambda z: EDGE - (z @ u).abs()), (EDGE - (x @ u).abs()).abs()


def _two(score: Logits) -> Logits:
    """The first of two answers where the score is positive."""
    return lambda z: torch.stack([score(z), torch.zeros(len(z), dtype=z.dtype)], 1)


def _net(p: Slack, generator: torch.Generator) -> tuple[Logits, Tensor, Tensor]:
    layers = [
        (torch.randn((m, n), generator=generator, dtype=torch.float64) * math.sqrt(2 / n),
         torch.randn(m, generator=generator, dtype=torch.float64) * 0.5)
        for n, m in itertools.pairwise(WIDTHS)
    ]  # fmt: skip
    x = torch.randn((p.points, 2), generator=generator, dtype=torch.float64)
    return _two(lambda z: _score(layers, z)), x, torch.from_numpy(exact_distances(layers, x.numpy()))


def _score(layers: list[tuple[Tensor, Tensor]], z: Tensor) -> Tensor:
    for W, b in layers[:-1]:
        z = torch.relu(z @ W.T + b)
    return (z @ layers[-1][0].T + layers[-1][1])[:, 0]


def exact_distances(layers: list[tuple[Tensor, Tensor]], x: Array) -> Array:
    """Distance of points to the nearest one of the other sign of the score, in a window that holds all of them.

    A ReLU on the score cuts the window's pieces along its zeros, so that each piece has one sign, and the nearest point
    of a piece lies on its edges. Infinite where the whole window has one sign; a point whose nearest edge of the window
    is nearer than that would be wrong, and is infinite, too.
    """
    pairs = [(W.numpy(), b.numpy()) for W, b in layers]
    net = Program.of([*pairs, (np.ones((1, 1)), np.zeros(1))])
    tiles = tiling(net, Window.of([0, 0], [1, 0], [0, 1], (-WINDOW, -WINDOW), (WINDOW, WINDOW)))
    positive = np.array([tiles.values[list(polygon)].max() > 0 for polygon in tiles.polygons])
    score = _score(layers, torch.from_numpy(x)).numpy()
    far = np.full(len(x), math.inf)
    for polygon, sign in zip(tiles.polygons, positive, strict=True):
        corners = tiles.corners[list(polygon)]
        other = (score > 0) != sign
        far[other] = np.minimum(far[other], _to_edges(x[other], corners))
    return np.where(far < WINDOW - np.abs(x).max(1), far, math.inf)


def _to_edges(x: Array, corners: Array) -> Array:
    """Distances of points (B, 2) to the edges of a polygon."""
    start, along = corners, np.roll(corners, -1, axis=0) - corners
    way = x[:, None] - start
    part = np.clip((way * along).sum(2) / np.maximum((along**2).sum(1), 1e-300), 0, 1)
    return np.linalg.norm(way - part[:, :, None] * along, axis=2).min(1)


def cells(profile: str) -> list[Slack]:
    n, points, draws, nets = {
        "smoke": (30, 8, 2, 5), "book": (100, 20, 3, 10), "full": (784, 40, 10, 80),
    }[profile]  # fmt: skip
    return [
        Slack("nets", 2, points, nets, seed_of("ford-slack", "nets")),
        *(Slack(kind, n, points, draws, seed_of("ford-slack", kind)) for kind in KINDS[:2]),
    ]


def ratios(found: Rows, exact: Rows) -> list[Array]:
    """Found over exact distances, an array a classifier, where there are exact ones; infinite for none found."""
    both = [(_plain(f), _plain(e)) for f, e in zip(found, exact, strict=True)]
    return [f[np.isfinite(e)] / e[np.isfinite(e)] for f, e in both if np.isfinite(e).any()]


def _plain(row: Sequence[float | None]) -> Array:
    return np.array([math.inf if value is None else value for value in row])


def measures(pairs: list[tuple[Slack, SlackResult]]) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for p, r in pairs:
        for name, values in (("search", r.search), ("descent", r.descent), ("both", r.both)):
            there = [ratio[np.isfinite(ratio)] for ratio in ratios(values, r.exact)]
            found[f"close_{name}_{p.kind}"] = _mean([float((ratio <= NEAR).mean()) for ratio in there if len(ratio)])
            found[f"missed_{name}_{p.kind}"] = _mean([float(np.isinf(q).mean()) for q in ratios(values, r.exact)])
        found[f"lowest_{p.kind}"] = Estimate.exact(min(float(ratio.min()) for ratio in ratios(r.both, r.exact)))
    return found


def _mean(shares: list[float]) -> Estimate:
    return Estimate.exact(shares[0]) if len(set(shares)) == 1 else Estimate.of(shares)


EXPERIMENTS = {"ford-slack": Experiment(cells, slack, measures, label=labels.slack)}
