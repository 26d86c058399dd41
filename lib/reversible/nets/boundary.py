"""How far from a point the nearest error of a classifier is: errors in noise, and two searches, batched over points.

A classifier is a function from points (B, n) to scores (B, classes) which torch can differentiate; its answer is the
largest score. An error is an answer that is not the point's label. Searches find *an* error, so that the distance
they give is never below that of the nearest one, whatever they miss.

*The search* steps onto the plane on which, to first order at the point at hand, the label and a rival class have equal
scores, at its point next to where the search began. Where the boundary is smooth it comes to rest where the way to it
is at right angles to it; where scores are affine one step is exact. It is DeepFool (Moosavi-Dezfooli et al. 2016) with
the projection of Croce and Hein (2020), who call theirs FAB. *The descent* follows the gradient of the loss by steps of
equal length and stops at its first error: projected gradient (Madry et al. 2018) as Ford et al. (2019) use it. Both
then halve the segment back to the start until they stand behind the first error they find on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reversible.base.checks import InputError, fraction, integer, positive
from reversible.theory import errors_in_noise as laws

Logits = Callable[[Tensor], Tensor]  # (B, n) -> (B, classes)
BUDGET = 64 << 20  # bytes of noisy points at once
BEYOND = 1.01  # a step goes so far past the plane, to stand on its other side
HALVINGS = 12
STEPS, RIVALS = 20, 3  # of the search: steps, and classes that are tried one by one
DESCENT, REACH = 100, 75  # of the descent: steps at most, and steps to the length `reach`
TOGETHER = 4096  # points that a search moves at once


def wrong(logits: Logits, x: Tensor, labels: Tensor) -> Tensor:
    """Which points (B, n) get another answer than their labels (B,): (B,) of bool."""
    return _scores(logits, x).argmax(-1) != labels


# --- errors in noise --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sigmas:
    """Of each image the deviation of noise that was tried last and the share of errors that was seen at it."""

    sigma: Tensor  # (M,)
    share: Tensor  # (M,)
    found: Tensor  # (M,) bool: whether the wanted share lies inside the range that was searched


def error_in_noise(
    logits: Logits, x: Tensor, labels: Tensor, sigma: Tensor | float, draws: int, generator: torch.Generator
) -> Tensor:
    """The share of errors among so many points x + sigma N(0, 1) of each image (M, n): (M,).

    `sigma` is one number or (M,). InputError for one that is not positive. Draws as much as memory needs at a time.
    """
    deviations = _deviations(x, sigma)
    found = torch.zeros(len(x), dtype=torch.float64)
    with torch.no_grad():
        for image, (point, label, deviation) in enumerate(zip(x, labels, deviations, strict=True)):
            for count in _parts(integer("draws", draws), x):
                noise = _noise((count, *x.shape[1:]), x, generator)
                answers = logits(noise.mul_(deviation).add_(point)).argmax(-1)
                found[image] += int((answers != label).sum())
    return found / draws


def sigma_where(
    logits: Logits, x: Tensor, labels: Tensor, generator: torch.Generator, share: float = 0.01, draws: int = 1000,
    low: float = 1e-3, high: float = 10.0, steps: int = 12,
) -> Sigmas:  # fmt: skip
    """The deviation of noise at which a `share` of the draws is wrong, by halving from `low` to `high` in logarithms.

    Each image (M, n) has draws of its own, and keeps them from step to step, so that its share can only be a step
    function of sigma. What is given is a sigma that was tried, with its share: the one whose share is nearest. A share
    of few errors is uncertain: estimate it again with fresh noise.
    """
    wanted, low, high = fraction("share", share), positive("low", low), positive("high", high)
    if low >= high:
        raise InputError(f"low must be below high, not {low:g} and {high:g}")
    search = low, high, integer("steps", steps)
    found = []
    for point, label in zip(x, labels, strict=True):
        noise = _noise((integer("draws", draws), *x.shape[1:]), x, generator)
        found.append(_halved(logits, point, label, wanted, search, noise))
    sigma, shares, inside = zip(*found, strict=True) if found else ((), (), ())
    return Sigmas(torch.tensor(sigma), torch.tensor(shares), torch.tensor(inside, dtype=torch.bool))


@torch.no_grad()
def _halved(
    logits: Logits, point: Tensor, label: Tensor, wanted: float, search: tuple[float, float, int], noise: Tensor
) -> tuple[float, float, bool]:
    low, high, steps = search
    place = torch.empty_like(noise)
    tried: list[tuple[float, float, float]] = []  # how far off, sigma, share
    ends = low, high
    for _ in range(steps):
        sigma = math.sqrt(low * high)
        answers = logits(torch.add(point, noise, alpha=sigma, out=place)).argmax(-1)
        found = float((answers != label).double().mean())
        tried.append((abs(found - wanted), sigma, found))
        low, high = (low, sigma) if found > wanted else (sigma, high)
    _, sigma, found = min(tried)
    return sigma, found, low > ends[0] and high < ends[1]


def _deviations(x: Tensor, sigma: Tensor | float) -> list[float]:
    if isinstance(sigma, Tensor):
        return [positive("sigma", float(one)) for one in sigma.expand(len(x))]
    return [positive("sigma", sigma)] * len(x)


def _noise(shape: tuple[int, ...], x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=x.dtype, device=x.device)


def _parts(draws: int, x: Tensor) -> list[int]:
    """How many draws at a time."""
    most = max(1, BUDGET // max(1, x[0].numel() * x.element_size())) if len(x) else draws
    return [min(most, draws - at) for at in range(0, draws, most)]


@dataclass(frozen=True, eq=False)
class Foretold:
    """What noise says of each image: how far its errors are if they lie beyond one plane."""

    sigma: Tensor  # (M,): the deviation of noise with about the wanted share of errors
    share: Tensor  # (M,): of fresh draws at it
    distance: Tensor  # (M,): -sigma Phi^-1(share); nan where the share is 0, a half or more, or sigma was not found


def foretold(
    logits: Logits, x: Tensor, labels: Tensor, generator: torch.Generator, share: float = 0.01, draws: int = 1000,
    fresh: int = 10_000, low: float = 1e-3, high: float = 10.0,
) -> Foretold:  # fmt: skip
    """Sigma by halving on `draws`, the share of errors at it from `fresh` ones, and the flat distance of both."""
    sigmas = sigma_where(logits, x, labels, generator, share, draws, low, high)
    shares = error_in_noise(logits, x, labels, sigmas.sigma, fresh, generator)
    useful = sigmas.found & (shares > 0) & (shares < 0.5)
    far = [
        laws.flat_distance(float(mu), float(sigma)) if known else math.nan
        for mu, sigma, known in zip(shares, sigmas.sigma, useful, strict=True)
    ]
    return Foretold(sigmas.sigma, shares, torch.tensor(far, dtype=torch.float64))


# --- the search -------------------------------------------------------------------------------------------------------


def nearest_error(
    logits: Logits, x: Tensor, labels: Tensor, steps: int = STEPS, rivals: int = RIVALS
) -> tuple[Tensor, Tensor]:
    """The distance (B,) of points x (B, n) to the nearest error that the search finds, and that error (B, n).

    Each of the `rivals` classes with the largest scores is searched for by itself. A point that is an error is at
    distance 0, and one of which no error was found at infinity.
    """
    steps, rivals = integer("steps", steps), integer("rivals", rivals)
    batches = zip(x.split(TOGETHER), labels.split(TOGETHER), strict=True)
    distances, points = zip(*[_searched(logits, *batch, steps, rivals) for batch in batches], strict=True)
    return torch.cat(distances), torch.cat(points)


def polished(logits: Logits, x: Tensor, labels: Tensor, error: Tensor, steps: int = STEPS) -> tuple[Tensor, Tensor]:
    """The same from known errors (B, n) on: nearer ones along the boundary to the classes that are said there."""
    scores = _scores(logits, error)
    rival = scores.scatter(1, labels[:, None], -math.inf).argmax(1)
    known = scores.argmax(1) != labels
    best = _approached(logits, x, labels, rival, steps, error.where(known[:, None], x))
    return _closed(logits, x, labels, best, already=wrong(logits, x, labels))


def nearest_found(logits: Logits, x: Tensor, labels: Tensor, reach: Tensor | float) -> tuple[Tensor, Tensor, Tensor]:
    """The distances (B,) of the nearest error that both searches find, of the search alone, and of the descent alone.

    The search goes on from where the descent has ended, too. `reach` is that of `descend`.
    """
    search, _ = nearest_error(logits, x, labels)
    descent, error = descend(logits, x, labels, reach)
    further, _ = polished(logits, x, labels, error)
    return torch.minimum(torch.minimum(search, descent), further), search, descent


def _scores(logits: Logits, x: Tensor) -> Tensor:
    with torch.no_grad():
        return logits(x)


def _searched(logits: Logits, x: Tensor, labels: Tensor, steps: int, rivals: int) -> tuple[Tensor, Tensor]:
    scores = _scores(logits, x)
    classes = scores.shape[1]
    others = scores.scatter(1, labels[:, None], -math.inf)
    several = min(rivals, classes - 1)
    rival = others.topk(several, 1).indices.T.reshape(-1)  # (R B,): all of the first, then all of the second
    start, own = x.repeat(several, 1), labels.repeat(several)
    best = _approached(logits, start, own, rival, steps)
    distance = (best - start).norm(dim=1).where(best.isfinite().all(1), torch.tensor(math.inf, dtype=x.dtype))
    nearest = distance.view(several, len(x)).argmin(0) * len(x) + torch.arange(len(x))
    return _closed(logits, x, labels, best[nearest], already=scores.argmax(1) != labels)


def _approached(
    logits: Logits, x: Tensor, labels: Tensor, rival: Tensor, steps: int, start: Tensor | None = None
) -> Tensor:
    """The nearest error on the way to each rival (B, n); of none, infinite.

    Until the first error a step goes all the way onto the plane. From then on the search stands at its nearest error,
    and takes the step's whole way or, after one that did not lead to a nearer error, half as much of it as before.
    """
    rows = torch.arange(len(x))
    at = x if start is None else start
    best, target, part = at.clone(), at.clone(), torch.ones_like(x[:, 0])
    nearest = torch.full_like(part, math.inf)
    for step in range(steps + 1):
        tried = at.detach().requires_grad_()
        scores = logits(tried)
        ahead = scores[rows, labels] - scores[rows, rival]
        (slope,) = torch.autograd.grad(ahead.sum(), tried) if step < steps else (at,)
        with torch.no_grad():
            way = at - x
            length = way.norm(dim=1)
            better = (scores.argmax(1) != labels) & (length < nearest)
            nearest, best[better] = length.where(better, nearest), at[better]
            # The plane ahead + slope (v - at) = 0 of a new place: its point next to x.
            shift = BEYOND * ((slope * way).sum(1) - ahead.detach()) / slope.norm(dim=1).square().clamp_min(1e-30)
            moved = better | nearest.isinf()
            target[moved] = torch.addcmul(x, shift[:, None], slope)[moved]
            part = torch.where(moved, 1.0, part / 2)
            at = torch.lerp(best, target, part[:, None])  # all the way where there is no error yet
    return best.where(nearest.isfinite()[:, None], torch.full_like(best, math.inf))


def _closed(logits: Logits, x: Tensor, labels: Tensor, error: Tensor, already: Tensor) -> tuple[Tensor, Tensor]:
    """From each error back along the segment to x, as far as there is one: distances and points."""
    known = error.isfinite().all(1)
    error = error.where(known[:, None], x)
    low, high = torch.zeros(len(x), dtype=x.dtype), torch.ones(len(x), dtype=x.dtype)
    with torch.no_grad():
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            errs = logits(torch.lerp(x, error, middle[:, None])).argmax(1) != labels
            low, high = low.where(errs, middle), middle.where(errs, high)
        at = torch.lerp(x, error, high[:, None])
        distance = (at - x).norm(dim=1).where(known, torch.tensor(math.inf, dtype=x.dtype))
        return distance.where(~already, torch.zeros_like(distance)), at.where(~already[:, None], x)


# --- the descent ------------------------------------------------------------------------------------------------------


def descend(
    logits: Logits, x: Tensor, labels: Tensor, reach: Tensor | float, steps: int = DESCENT
) -> tuple[Tensor, Tensor]:
    """The distance (B,) to the first error on the way up the loss, and that error (B, n): steps of `reach` / 75.

    `reach` is one number or (B,): no point goes farther. What `nearest_error` says of errors and of none holds here.
    """
    far = torch.as_tensor(reach, dtype=x.dtype).expand(len(x))
    if len(x) and not (bool((far > 0).all()) and bool(far.isfinite().all())):
        raise InputError(f"reach must be above 0, not {float(far.min()):g}")
    already = wrong(logits, x, labels)
    error, at = torch.full_like(x, math.inf), x.clone()
    left = (~already).nonzero()[:, 0]
    for _ in range(integer("steps", steps)):
        if not len(left):
            break
        at[left] = _stepped(logits, at[left], x[left], labels[left], far[left])
        errs = wrong(logits, at[left], labels[left])
        error[left[errs]] = at[left[errs]]
        left = left[~errs]
    return _closed(logits, x, labels, error, already)


def _stepped(logits: Logits, at: Tensor, x: Tensor, labels: Tensor, reach: Tensor) -> Tensor:
    """A step up the loss, and back onto the ball around x."""
    at = at.detach().requires_grad_()
    loss = functional.cross_entropy(logits(at), labels, reduction="sum")
    (slope,) = torch.autograd.grad(loss, at)
    with torch.no_grad():
        size = slope.norm(dim=1).clamp_min(1e-30)
        way = at + (reach / REACH / size)[:, None] * slope - x
        return x + way * (reach / way.norm(dim=1).clamp_min(1e-30)).clamp_max(1.0)[:, None]
