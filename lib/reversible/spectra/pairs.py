"""The same layer before and after: what did training, pruning, rounding or fine-tuning move?

With A before, B after and D = B - A, all in double precision. `moved` measures, and `says` puts it in one sentence by
the first of these rules that holds; sizes are Frobenius norms.

    unchanged         D is zero
    set to zero       B is zero; "zero before" where A is
    scaled            D is (c - 1) A but for a hundredth of its squared size
    rounded           no entry has moved by more than bfloat16 would move it, 2^-8 of itself
    few values        B has up to 256 different values, A over four times as many; its cosine with A is 0.7 at least
    pruned            a hundredth or more of A's entries have become zero, and none that was zero has come back
    rows, columns     D is what scaling each row (or column) by a factor of its own gives, but for a hundredth
    unrelated         the cosine of A and B, as vectors, is within 4 / sqrt(entries) of zero, as that of random ones is
    low rank          all of D but a millionth of its squared size is of rank r, and r is a quarter of the full at most
    judged            by the verdict on D: random-like, random-like but for spikes, or what else it is

An update of low rank that was stored in few digits has a rest. Where the spikes that lie clear of the edge, a fifth
above it or more, hold half of its squared size and the verdict is that of spikes in noise, or where they hold all but a
hundredth whatever the verdict, their number is told as its rank. Nearer to the edge a value may be of the rest: what
rounding leaves has entries of several sizes, which pushes one out now and then, and may not pass for noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from reversible.spectra.matrix import Row
from reversible.spectra.pictures import falling
from reversible.spectra.verdicts import RANDOM_LIKE, SMALLEST, SPIKES
from reversible.theory.singular_values import Array

LEFT = 1e-2  # of the squared size of a change: what a rule may leave unexplained
ROUNDED, LEAST = 2.0**-8, 2.0**-25  # of an entry: what bfloat16 moves it by; what float16 cannot hold
VALUES, MORE, ALIKE = 256, 4, 0.7  # of "few values"
PRUNED = 1e-2  # share of entries
LONG = 8  # entries in a row that is said to have a factor of its own
CHANCE = 4.0  # standard deviations of the cosine of two random matrices
EXACT, LOW = 1e-6, 0.25  # of "low rank"
CLEAR, HALF = 1.2, 0.5  # times the edge, and a share of the squared size: spikes that are the rank
TOP = 5  # singular vectors that are compared
FAR = 1e100


@dataclass(frozen=True)
class Moved:
    """From A to B."""

    change: float | None  # the size of B - A over that of A; None where A is zero
    scale: float | None  # c of the c A that is nearest to B
    cosine: float | None  # of A and B as vectors; None where one of them is zero
    zeros_before: float  # share of entries
    zeros_after: float
    became_zero: float  # share of the entries that were not zero
    came_back: float  # share of the entries that were zero
    others: float | None  # the size of B - A over that of A, where B is not zero
    rank: int | None  # of B - A, but for a millionth of its squared size; None where it is zero
    overlap: float | None  # largest cosine of one of the five largest singular components of A with one of B's
    overlap_first: float | None  # cosine of the largest of A and the largest of B


def is_low(m: Moved, shape: tuple[int, ...]) -> bool:
    """The update is of low rank."""
    return m.rank is not None and m.rank <= LOW * min(shape)


def compared(a: Array, b: Array, update: Row | None) -> tuple[Moved, str]:
    """What has moved from a matrix to one of the same shape, and a sentence; `update` is the row of B - A, if any."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    unit = max(float(np.abs(a).max(initial=0)), float(np.abs(b).max(initial=0)))
    if unit and not 1 / FAR < unit < FAR:  # squares are to be numbers, too
        a, b = a / unit, b / unit
    values = falling(b - a) if (a != b).any() else np.zeros(0)
    m = _moved(a, b, values)
    return m, _says(a, b, m, update, values)


def _moved(a: Array, b: Array, values: Array) -> Moved:
    sizes = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    was, now = a != 0, b != 0
    inner = float(np.vdot(a, b))
    overlaps = _overlaps(a, b) if all(sizes) else None
    return Moved(
        change=_over(float(np.linalg.norm(values)), sizes[0]),
        scale=_over(inner, sizes[0] ** 2),
        cosine=_over(inner, sizes[0] * sizes[1]),
        zeros_before=1 - float(was.mean()),
        zeros_after=1 - float(now.mean()),
        became_zero=_over(float((was & ~now).sum()), float(was.sum())) or 0.0,
        came_back=_over(float((now & ~was).sum()), float((~was).sum())) or 0.0,
        others=_over(float(np.linalg.norm(b[now] - a[now])), float(np.linalg.norm(a[now]))),
        rank=_rank(values) if len(values) else None,
        overlap=None if overlaps is None else float(np.abs(overlaps).max()),
        overlap_first=None if overlaps is None else float(overlaps[0, 0]),
    )


def _says(a: Array, b: Array, m: Moved, update: Row | None, values: Array) -> str:
    """The first rule that holds; `values` are those of B - A."""
    if not len(values):
        return "unchanged"
    if not b.any():
        return "set to zero"
    if m.change is None:
        return "zero before"
    return _scaled(a, b, m) or _rounded(a, b, m) or _pruned(a, b, m) or _by_rows(a, b) or _updated(a, m, update, values)


def _scaled(a: Array, b: Array, m: Moved) -> str:
    assert m.scale is not None
    explained = _square(b - m.scale * a) <= LEFT * _square(b - a)
    return f"scaled by {m.scale:.4g}" if explained else ""


def _rounded(a: Array, b: Array, m: Moved) -> str:
    """In fewer digits, or to few values."""
    if _as_rounded(a, b):
        return f"rounded: no entry moved by more than {100 * ROUNDED:.1g} % of itself"
    values = _values(b)
    if values > VALUES or (m.cosine or 0) < ALIKE or _values(a, MORE * VALUES) <= MORE * values:
        return ""
    zero = f", and {percent(m.zeros_after)} of the entries are zero" if m.became_zero >= PRUNED else ""
    return f"rounded to {values} different values{zero}"


def _as_rounded(a: Array, b: Array) -> bool:
    least = min(LEAST, 1e-6 * float(np.abs(a).max(initial=0)))
    return bool((np.abs(b - a) <= ROUNDED * np.abs(a) + least).all())


def _values(matrix: Array, most: int = VALUES) -> int:
    """How many different ones, or `most` + 1 where there are more."""
    flat = matrix.reshape(-1)
    for part in (flat[: 16 * most], flat):
        if (found := len(np.unique(part))) > most:
            return most + 1
    return found


def _pruned(a: Array, b: Array, m: Moved) -> str:
    if m.became_zero < PRUNED or m.came_back:
        return ""
    kept = b != 0
    before = f" (before: {percent(m.zeros_before)})" if m.zeros_before else ""
    zero = f"pruned: {percent(m.zeros_after)} of the entries are zero{before}"
    if _as_rounded(a[kept], b[kept]):
        return f"{zero}, the others unchanged"
    return f"{zero}, the others moved by {percent(m.others or 0)} of their size"


def _by_rows(a: Array, b: Array) -> str:
    for axis, name in ((1, "row"), (0, "column")):
        if a.shape[axis] < LONG:
            continue
        squares = np.square(a).sum(axis)
        factors = np.divide((a * b).sum(axis), squares, out=np.ones(len(squares)), where=squares > 0)
        scaled = a * np.expand_dims(factors, axis)
        if _square(b - scaled) <= LEFT * _square(b - a):
            return f"each {name} scaled by a factor of its own, {factors.min():.3g} to {factors.max():.3g}"
    return ""


def _updated(a: Array, m: Moved, update: Row | None, values: Array) -> str:
    size = f"of {percent(m.change or 0)} of its size"
    if abs(m.cosine or 0) <= CHANCE / np.sqrt(a.size):
        return f"nothing is left of it: the cosine of before and after is {m.cosine:.2g}, as of two random matrices"
    if is_low(m, a.shape):
        return f"an update of low rank {m.rank}, {size}"
    if update is None or min(update.shape_used) < SMALLEST:
        return f"an update {size}, too small to be judged"
    if update.verdict == RANDOM_LIKE:
        return f"an update that looks random, {size}"
    return _spiked(update, values, size) or f"an update that does not look random ({update.verdict}), {size}"


def _spiked(update: Row, values: Array, size: str) -> str:
    """Of low rank but for a rest, or random-like but for spikes."""
    m, count, noise = update.measured, update.measured.n_spikes or 0, update.verdict == SPIKES
    shares = np.cumsum(np.square(values)) / np.square(values).sum()
    clear = int((values / values[0] > CLEAR * m.spike_edge / m.largest).sum()) if m.spike_edge else 0
    if 0 < clear <= LOW * len(values) and (left := 1 - shares[clear - 1]) <= (1 - HALF if noise else LEFT):
        rest = "noise" if noise else "a small rest"
        return f"an update of low rank {clear} and {rest}, {size}; the rest holds {percent(left)} of its square"
    if not noise or not count:
        return ""
    spikes = "1 spike, which holds" if count == 1 else f"{count} spikes, which hold"
    return f"an update that looks random but for {spikes} {percent(shares[count - 1])} of its square, {size}"


def percent(share: float) -> str:
    """
    >>> percent(0.8312), percent(0.0123), percent(0.00031)
    ('83 %', '1.2 %', '0.031 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.2g} %"


def _rank(values: Array) -> int:
    """How many of them hold all but a millionth of the sum of squares."""
    squares = np.square(values)
    return int((squares.sum() - np.cumsum(squares) > EXACT * squares.sum()).sum()) + 1


def _overlaps(a: Array, b: Array) -> Array:
    """Cosines of singular components u v^T of A (rows) with those of B: products of those of their vectors."""
    (left, right), (other_left, other_right) = _components(a), _components(b)
    return (left.T @ other_left) * (right.T @ other_right)


def _components(matrix: Array) -> tuple[Array, Array]:
    """Vectors of the largest singular values on either side, (length, up to TOP); the shorter side comes first."""
    tall = matrix if len(matrix) >= len(matrix.T) else matrix.T
    tall = tall / np.abs(tall).max()
    p = tall.shape[1]
    squares, vectors = linalg.eigh(tall.T @ tall, subset_by_index=(max(p - TOP, 0), p - 1), overwrite_a=True)
    there = squares[::-1] > 1e-14 * squares[-1]
    short = vectors[:, ::-1][:, there]
    long = tall @ short
    return short, long / np.linalg.norm(long, axis=0)


def _square(matrix: Array) -> float:
    return float(np.square(matrix).sum())


def _over(part: float, whole: float) -> float | None:
    return part / whole if whole else None
