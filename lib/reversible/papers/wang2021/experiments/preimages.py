"""Is the condition on the minors right? Preimages counted piece by piece, by code that the condition has no part in."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from reversible.base.estimates import Estimate
from reversible.nets.one_to_one import degree_of, occurring, signs_of
from reversible.nets.p_matrices import monotonicity, pivots
from reversible.nets.residual import Unit, newton
from reversible.papers.wang2021 import labels
from reversible.runs.experiment import Experiment, seed_of

Array = np.ndarray
NEAR = 1e-9  # of an edge between pieces: a side that lies so near is set aside


def share(count: int, of: int) -> Estimate:
    """A share with its Clopper-Pearson interval."""
    return Estimate.of_share(np.repeat([1.0, 0.0], [count, of - count]))


def patterns(h: int) -> Array:
    """All 2^h patterns of active units, (2^h, h)."""
    return np.array(list(itertools.product((False, True), repeat=h)))


# --- the transform: matrices with Gaussian entries --------------------------------------------------------------------


@dataclass(frozen=True)
class Matrices:
    """So many matrices A (h, h) with entries N(0, sd^2), and so many right-hand sides v ~ N(0, I) for each."""

    h: int
    sides: int
    trials: int  # matrices
    seed: int
    sd: float = 0.6


@dataclass(frozen=True)
class Counted:
    p: int  # matrices I + A that are P-matrices
    p_with_another_count: int  # of these: some v has not exactly one preimage
    not_p_shown: int  # of the others: some v has none or several
    p_but_not_monotone: int
    transposed_differs: int  # the test says something else of I + A^T
    swapped_stays_p: int  # it still says P with two rows of a P-matrix exchanged
    set_aside: int  # right-hand sides near an edge between pieces
    smallest_pivot: float  # in magnitude, of all that decided
    rarest: float  # the least share of v that showed a matrix not to be P


def counted(p: Matrices) -> Counted:
    """All 2^h pieces are solved for every v, and the solutions that lie on their own piece are counted."""
    rng = np.random.default_rng(p.seed)
    A = p.sd * rng.standard_normal((p.trials, p.h, p.h))
    M = np.eye(p.h) + A
    found, other = pivots(M), np.empty(p.trials)
    set_aside = 0
    for at in range(p.trials):
        preimages, near = count_of(A[at], rng.standard_normal((p.sides, p.h)))
        set_aside += int(near.sum())
        other[at] = np.mean(preimages[~near] != 1)
    swapped = M[:, [1, 0, *range(2, p.h)]]
    shown = other > 0
    return Counted(
        p=int(found.is_p.sum()),
        p_with_another_count=int((found.is_p & shown).sum()),
        not_p_shown=int((~found.is_p & shown).sum()),
        p_but_not_monotone=int((found.is_p & (monotonicity(A) <= 0)).sum()),
        transposed_differs=int((pivots(np.swapaxes(M, 1, 2)).is_p != found.is_p).sum()),
        swapped_stays_p=int((pivots(swapped).is_p & found.is_p).sum()),
        set_aside=set_aside,
        smallest_pivot=float(np.abs(found.smallest).min()),
        rarest=float(other[~found.is_p & shown].min(initial=1.0)),
    )


def count_of(A: Array, v: Array) -> tuple[Array, Array]:
    """How many u have u + A r(u) = v, and whether a solution of a piece lies near its edge: both (B,), v (B, h)."""
    preimages, near = np.zeros(len(v), int), np.zeros(len(v), bool)
    for active in patterns(len(A)):
        u = v @ np.linalg.inv(np.eye(len(A)) + A * active).T  # (B, h)
        preimages += ((u > 0) == active).all(1)
        near |= np.abs(u).min(1) < NEAR
    return preimages, near


def matrix_cells(profile: str) -> list[Matrices]:
    sides, trials, chunks = {"smoke": (300, 20, 2), "book": (2000, 25, 4), "full": (20000, 50, 8)}[profile]
    places = [(h, chunk) for h in (3, 4) for chunk in range(chunks // 2)]
    return [Matrices(h, sides, trials, seed_of("wang-preimages", f"{h}, {chunk}")) for h, chunk in places]


def matrix_measures(pairs: list[tuple[Matrices, Counted]]) -> dict[str, Estimate]:
    def total(name: str) -> int:
        return sum(getattr(r, name) for _, r in pairs)

    matrices, ps = sum(p.trials for p, _ in pairs), total("p")
    return {
        "p_share": share(ps, matrices),
        "p_with_another_count": Estimate.exact(total("p_with_another_count")),
        "not_p_shown": share(total("not_p_shown"), matrices - ps),
        "p_but_not_monotone": share(total("p_but_not_monotone"), ps),
        "transposed_differs": Estimate.exact(total("transposed_differs")),
        "swapped_stays_p": Estimate.exact(total("swapped_stays_p")),
        "sides": Estimate.exact(sum(p.trials * p.sides for p, _ in pairs)),
        "set_aside": Estimate.exact(total("set_aside")),
        "smallest_pivot": Estimate.exact(min(r.smallest_pivot for _, r in pairs)),
    }


# --- units, by way of the transform -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Units:
    """So many units of n inputs and h hidden units whose I + W1 W2 is a P-matrix, weights N(0, s^2/n) and N(0, 1/h)."""

    n: int
    h: int
    trials: int
    seed: int
    s: float = 0.8


@dataclass(frozen=True)
class Returned:
    drawn: int  # units, to find so many with a P-matrix
    errors: tuple[float, ...]  # ||x' - x|| / ||x|| of what comes back, one a unit
    cycled: int  # Newton's method without its fallback


def returned(p: Units) -> Returned:
    """A vector x ~ N(0, I) through each unit, and back by v = W1 y + b, Newton's method and x = y - W2 r(u)."""
    rng = np.random.default_rng(p.seed)
    drawn, errors, cycled = 0, [], 0
    while len(errors) < p.trials:
        drawn += 1
        unit = unit_of(rng, p.n, p.h, p.s)
        x = rng.standard_normal((1, p.n))
        if not pivots(np.eye(p.h) + unit.A).is_p[0]:
            continue
        y = unit(x)
        cycled += int(not newton(unit.A, unit.reduced(y), safe=False).converged[0])
        back = unit.lifted(y, newton(unit.A, unit.reduced(y)).u)
        errors.append(float(np.linalg.norm(back - x) / np.linalg.norm(x)))
    return Returned(drawn, tuple(errors), cycled)


def unit_of(rng: np.random.Generator, n: int, h: int, s: float, bias: float = 1.0) -> Unit:
    W1 = s * rng.standard_normal((h, n)) / np.sqrt(n)
    return Unit(W1, bias * rng.standard_normal(h), rng.standard_normal((n, h)) / np.sqrt(h))


PLACES = {"narrow": (12, 6), "wide": (6, 10)}  # n inputs, h hidden units


def unit_cells(profile: str) -> list[Units]:
    trials = {"smoke": 20, "book": 100, "full": 500}[profile]
    return [Units(n, h, trials, seed_of("wang-units", place)) for place, (n, h) in PLACES.items()]


def unit_measures(pairs: list[tuple[Units, Returned]]) -> dict[str, Estimate]:
    by_place = {("narrow" if p.h < p.n else "wide"): r for p, r in pairs}
    measures = {f"worst_error_{place}": Estimate.exact(max(r.errors)) for place, r in by_place.items()}
    measures |= {f"p_share_{place}": share(len(r.errors), r.drawn) for place, r in by_place.items()}
    return measures | {"cycled": Estimate.exact(sum(r.cycled for r in by_place.values()))}


# --- more hidden units than inputs ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WideUnits:
    """So many units of n inputs and h > n hidden units, W1 ~ N(0, 1), W2 ~ N(0, s^2), biases N(0, 1) or zero."""

    n: int
    h: int
    s: float
    biased: bool
    sides: int  # y tried on each
    trials: int
    seed: int


@dataclass(frozen=True)
class Judged:
    """Numbers of units; one-to-one is judged by the pieces that occur: of one sign, and one y has one preimage."""

    p: int  # units whose I + W1 W2 is a P-matrix
    one_to_one: int
    one_to_one_not_p: int
    p_not_one_to_one: int
    negative: int  # one-to-one, and the determinants are negative
    several_sheets: int  # of one sign, but the y has several preimages
    refuted: int  # one-to-one as judged, and yet some y has not exactly one preimage
    shown: int  # not one-to-one as judged, and some y has not exactly one preimage
    listed: int  # units whose pieces could be listed


def judged(p: WideUnits) -> Judged:
    """Each unit by its minors, by the determinants of the pieces that occur, and by preimages counted."""
    rng = np.random.default_rng(p.seed)
    rows = [_judged(Unit(rng.standard_normal((p.h, p.n)), p.biased * rng.standard_normal(p.h),
                         p.s * rng.standard_normal((p.n, p.h))), p.sides, rng) for _ in range(p.trials)]  # fmt: skip
    rows = [row for row in rows if row]
    count = {name: sum(row[name] for row in rows) for name in rows[0]}
    return Judged(**count, listed=len(rows))


def _judged(unit: Unit, sides: int, rng: np.random.Generator) -> dict[str, bool]:
    cells, y = occurring(unit), 3 * rng.standard_normal((sides, unit.W1.shape[1]))
    if cells is None:
        return {}
    signs = signs_of(unit, cells)
    one_sign = bool((signs > 0).all() or (signs < 0).all())
    degree = degree_of(unit, cells) if one_sign else 0
    is_p = bool(pivots(np.eye(len(unit.b)) + unit.A).is_p[0])
    preimages, near = count_of(unit.A, unit.reduced(y))
    another = bool((preimages[~near] != 1).any())
    return {
        "p": is_p,
        "one_to_one": degree == 1,
        "one_to_one_not_p": degree == 1 and not is_p,
        "p_not_one_to_one": is_p and degree != 1,
        "negative": degree == 1 and bool((signs < 0).all()),
        "several_sheets": degree > 1,
        "refuted": degree == 1 and another,
        "shown": degree != 1 and another,
    }


def wide_cells(profile: str) -> list[WideUnits]:
    sides, trials = {"smoke": (50, 30), "book": (100, 100), "full": (500, 500)}[profile]
    places = [(2, 4, s, biased) for s in (0.5, 1.0, 2.0) for biased in (False, True)] + [(3, 5, 0.5, True)]
    return [WideUnits(*place, sides, trials, seed_of("wang-wide-units", str(place))) for place in places]


def wide_measures(pairs: list[tuple[WideUnits, Judged]]) -> dict[str, Estimate]:
    def total(name: str) -> int:
        return sum(getattr(r, name) for _, r in pairs)

    one_to_one, listed = total("one_to_one"), total("listed")
    counts = ("p_not_one_to_one", "negative", "several_sheets", "refuted")
    return {
        "missed_by_p": share(total("one_to_one_not_p"), one_to_one),
        "one_to_one_share": share(one_to_one, listed),
        "shown": share(total("shown"), listed - one_to_one),
        **{name: Estimate.exact(total(name)) for name in counts},
        "not_listed": Estimate.exact(sum(p.trials for p, _ in pairs) - listed),
    }


EXPERIMENTS = {
    "wang-preimages": Experiment(matrix_cells, counted, matrix_measures, label=labels.preimages),
    "wang-units": Experiment(unit_cells, returned, unit_measures, label=labels.units),
    "wang-wide-units": Experiment(wide_cells, judged, wide_measures, label=labels.wide_units),
}
