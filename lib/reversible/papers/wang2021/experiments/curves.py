"""How often each condition holds and each method arrives, by the size of the weights; small matrices and large ones."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from scipy import special

from reversible.base.estimates import Estimate, root_mean_square
from reversible.nets.one_to_one import all_occur, certified
from reversible.nets.p_matrices import monotonicity, norm, pivots
from reversible.nets.residual import Unit, damped, newton, piece, plain, proved_step
from reversible.papers.wang2021 import labels
from reversible.papers.wang2021.experiments.preimages import patterns, share
from reversible.runs.experiment import Experiment, seed_of

Array = np.ndarray
FAMILIES = ("gaussian", "gram", "unit")
H, INPUTS = 8, 16  # hidden units; inputs of the units
SIZES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0)


@dataclass(frozen=True)
class Cases:
    """So many matrices A of a family at the size s, with one right-hand side v ~ N(0, I) each.

    gaussian: s G / sqrt(h). gram: s G G^T / h. unit: W1 W2 with W1 ~ N(0, 1/n), W2 ~ N(0, s^2/h), n = 16.
    """

    family: str
    h: int
    s: float
    trials: int
    seed: int


@dataclass(frozen=True)
class Tally:
    """Numbers of cases; `fails` is a method that has not arrived where I + A is a P-matrix."""

    lipschitz: int  # ||W1|| ||W2|| < 1, of units; of the other families as banach
    banach: int
    monotone: int
    p: int
    plain: int
    damped: int  # with t = 1 / (1 + ||A||)
    proved: int  # with the proved step, where there is one
    newton: int
    least_index: int
    p_plain_fails: int
    gained: int  # of these, those that Newton's method with its fallback solves
    p_damped_fails: int
    p_proved_fails: int  # of the monotone ones
    p_newton_cycles: int
    p_ours_fails: int  # Newton's method with its fallback
    plain_but_not_p: int
    several: int  # of these: v has several preimages
    p_missed: int  # P-matrices that are not monotone
    unclear: int  # a pivot within rounding of zero


def matrices(p: Cases, rng: np.random.Generator) -> tuple[Array, Array]:
    """A (trials, h, h) and the bound on the Lipschitz constant that the layers' norms give, (trials,)."""
    if p.family == "unit":
        W1 = rng.standard_normal((p.trials, p.h, INPUTS)) / math.sqrt(INPUTS)
        W2 = p.s * rng.standard_normal((p.trials, INPUTS, p.h)) / math.sqrt(p.h)
        return W1 @ W2, norm(W1) * norm(W2)
    G = rng.standard_normal((p.trials, p.h, p.h))
    A = p.s * (G @ np.swapaxes(G, 1, 2) / p.h if p.family == "gram" else G / math.sqrt(p.h))
    return A, norm(A)


def tallied(p: Cases) -> Tally:
    """Conditions, methods, and how they lie to each other, case by case."""
    rng = np.random.default_rng(p.seed)
    A, lipschitz = matrices(p, rng)
    v = rng.standard_normal((p.trials, p.h))
    found, steps = pivots(np.eye(p.h) + A), proved_step(A)
    is_p, monotone = found.is_p, ~np.isnan(steps)
    by_plain, by_newton = plain(A, v).converged, newton(A, v, safe=False).converged
    by_damped, ours = damped(A, v, 1 / (1 + norm(A))).converged, newton(A, v).converged
    by_proved = np.zeros(p.trials, bool)
    by_proved[monotone] = damped(A[monotone], v[monotone], steps[monotone]).converged
    lucky = by_plain & ~is_p
    several = np.zeros(p.trials, bool)
    several[lucky] = count_of_each(A[lucky], v[lucky]) > 1
    seen = {
        "lipschitz": lipschitz < 1,
        "banach": norm(A) < 1,
        "monotone": monotone,
        "p": is_p,
        "plain": by_plain,
        "damped": by_damped,
        "proved": by_proved,
        "newton": by_newton,
        "least_index": ours & ~by_newton,
        "p_plain_fails": is_p & ~by_plain,
        "gained": is_p & ~by_plain & ours,
        "p_damped_fails": is_p & ~by_damped,
        "p_proved_fails": monotone & ~by_proved,
        "p_newton_cycles": is_p & ~by_newton,
        "p_ours_fails": is_p & ~ours,
        "plain_but_not_p": lucky,
        "several": several,
        "p_missed": is_p & ~monotone,
        "unclear": ~found.is_clear,
    }
    return Tally(**{name: int(which.sum()) for name, which in seen.items()})


def count_of_each(A: Array, v: Array) -> Array:
    """How many u have u + A r(u) = v, for an A (B, h, h) to each v (B, h): by all 2^h pieces."""
    count = np.zeros(len(v), int)
    for active in patterns(v.shape[1]) if len(v) else ():
        count += ((piece(A, v, np.broadcast_to(active, v.shape)) > 0) == active).all(1)
    return count


def curve_cells(profile: str) -> list[Cases]:
    sizes, trials = {"smoke": ((1.0,), 30), "book": ((0.3, 0.6, 1.0, 1.5), 100), "full": (SIZES, 2000)}[profile]
    places = [(family, H, s) for family in FAMILIES for s in sizes]
    places += [("gaussian", H, 0.4)] if profile == "smoke" else []  # where most are P-matrices
    places += [("gaussian", 1, s) for s in (0.5, 1.0, 2.0)]  # of which the share of P-matrices is known exactly
    return [Cases(*place, trials, seed_of("wang-curves", str(place))) for place in places]


def curve_measures(pairs: list[tuple[Cases, Tally]]) -> dict[str, Estimate]:
    at_one = {p.family: (p, r) for p, r in pairs if p.h > 1 and p.s == 1}
    measures: dict[str, Estimate] = {}
    for family, (p, r) in at_one.items():
        measures[f"gain_{family}"] = share(r.gained, r.p)
        measures[f"beyond_damping_{family}"] = share(r.p_damped_fails, r.p)
        measures[f"missed_by_monotone_{family}"] = share(r.p_missed, r.p)
        measures[f"p_share_{family}"] = share(r.p, p.trials)
        measures[f"plain_share_{family}"] = share(r.plain, p.trials)
    mostly_p = [(p, r) for p, r in pairs if p.family == "gaussian" and p.h > 1 and r.p > p.trials / 2]
    best = max(mostly_p, key=lambda pair: pair[1].gained / pair[1].p)[1]
    wide = [(p, r) for p, r in pairs if p.family == "gaussian" and p.h > 1]
    gaps = [gap(p, r) for p, r in wide]
    small = [(p, r) for p, r in pairs if p.h == 1]
    lucky = sum(r.plain_but_not_p for _, r in wide)
    return measures | {
        "largest_gain_mostly_p": share(best.gained, best.p),
        "largest_gap": max(gaps, key=lambda e: abs(e.mean)),
        "several_where_plain_arrives": share(sum(r.several for _, r in wide), lucky),
        "proved_step_too_slow": share(sum(r.p_proved_fails for _, r in wide), sum(r.monotone for _, r in wide)),
        "p_not_solved": Estimate.exact(sum(r.p_ours_fails for _, r in pairs)),
        "newton_cycles_on_p": Estimate.exact(sum(r.p_newton_cycles for _, r in pairs)),
        "p_cases": Estimate.exact(sum(r.p for _, r in pairs)),
        "rms_z_single": root_mean_square(
            share(r.p, p.trials).z(float(special.ndtr(1 / p.s))) for p, r in small
        ),
        "unclear": Estimate.exact(sum(r.unclear for _, r in pairs)),
    }  # fmt: skip


def gap(p: Cases, r: Tally) -> Estimate:
    """The share of cases in which the plain iteration arrives less that of P-matrices, case by case."""
    up, down = r.plain_but_not_p, r.p_plain_fails
    return Estimate.of(np.repeat([1.0, -1.0, 0.0], [up, down, p.trials - up - down]))


# --- large matrices ---------------------------------------------------------------------------------------------------

BANACH, MONOTONE = (0.47, 0.53), (0.68, 0.74)  # on either side of 1/2 and of 1/sqrt(2)
TYPICAL, BEYOND = 1.1, 1.6  # on either side of sqrt(2)
CALM = 0.8  # where the energy of the solution is compared with its law


@dataclass(frozen=True)
class Large:
    """So many Gaussian matrices G / sqrt(h), each looked at over several sizes s."""

    h: int
    trials: int
    seed: int


@dataclass(frozen=True)
class LargeResult:
    """One number or answer a matrix."""

    norm: tuple[float, ...]  # ||G|| / sqrt(h): the size at which Banach's condition ends is one over it
    downward: tuple[float, ...]  # the largest eigenvalue of -(G + G^T) / 2 / sqrt(h): likewise of monotone
    typical: tuple[bool, ...]  # the plain iteration arrives at s = TYPICAL, for one v
    beyond: tuple[bool, ...]  # and at s = BEYOND
    energy: tuple[float, ...]  # ||u||^2 / ||v||^2 of what it arrives at, at s = CALM
    not_one_to_one: tuple[bool, ...]  # proved of s = TYPICAL, by a minor that is negative


def large(p: Large) -> LargeResult:
    rng = np.random.default_rng(p.seed)
    rows = []
    for _ in range(p.trials):
        G, v = rng.standard_normal((p.h, p.h)) / math.sqrt(p.h), rng.standard_normal((1, p.h))
        calm, near, far = (plain(s * G, v) for s in (CALM, TYPICAL, BEYOND))
        unit = Unit(np.eye(p.h), np.zeros(p.h), TYPICAL * G)
        rows.append({
            "norm": float(norm(G)),
            "downward": 1 - float(monotonicity(G)),
            "typical": bool(near.converged[0]),
            "beyond": bool(far.converged[0]),
            "energy": float((calm.u**2).sum() / (v**2).sum()),
            "not_one_to_one": certified(unit).verdict == "not unique" and all_occur(unit),
        })  # fmt: skip
    return LargeResult(**{field.name: tuple(row[field.name] for row in rows) for field in fields(LargeResult)})


def large_cells(profile: str) -> list[Large]:
    h, trials, cells = {"smoke": (64, 4, 2), "book": (128, 10, 2), "full": (512, 10, 10)}[profile]
    return [Large(h, trials, seed_of("wang-large", place)) for place in range(cells)]


def large_measures(pairs: list[tuple[Large, LargeResult]]) -> dict[str, Estimate]:
    def of(name: str) -> Array:
        return np.array([value for _, r in pairs for value in getattr(r, name)])

    banach, monotone = 1 / of("norm"), 1 / of("downward")
    return {
        "banach_below": Estimate.of_share(banach > BANACH[0]),
        "banach_above": Estimate.of_share(banach > BANACH[1]),
        "monotone_below": Estimate.of_share(monotone > MONOTONE[0]),
        "monotone_above": Estimate.of_share(monotone > MONOTONE[1]),
        "plain_below": Estimate.of_share(of("typical")),
        "plain_above": Estimate.of_share(of("beyond")),
        "not_one_to_one": Estimate.of_share(of("not_one_to_one")),
        "energy_over_law": Estimate.of(of("energy")).scaled(1 - CALM**2 / 2),
        "banach_edge": Estimate.of(banach),
        "monotone_edge": Estimate.of(monotone),
    }


EXPERIMENTS = {
    "wang-curves": Experiment(curve_cells, tallied, curve_measures, label=labels.curves, scores=("rms_z",)),
    "wang-large": Experiment(large_cells, large, large_measures, label=labels.large),
}
