"""The nulls that a matrix is measured beside, and its own spectrum when it is levelled.

**Gaussian.** It depends on the shape alone and is drawn part by part, without a matrix: see `_gaussian`.

**Permuted.** Entries in random order have the spectrum of Gaussian ones where they are light enough: the law of the
largest singular values is universal (Pillai and Yin 2014), and so is that of the vectors. What entries change at a
finite size is known to first order. One entry of size x is a signal of rank one, which leaves the bulk from
x = sd (n p)^(1/4) on, and so is a common mean, from |mean| = sd / (n p)^(1/4) on. An excess kurtosis k moves the edge
of the squared singular values by k (sqrt(n) + sqrt(p))^2 / sqrt(n p) in units of sd^2: the next order of the density
(Pan and Zhou 2008) is that of a shift. In widths of the law of Tracy and Widom that is
k (sqrt(n) + sqrt(p))^(2/3) / (n p)^(1/3). Where the mean and all entries of a large matrix stay below half of these
thresholds, and the edge moves by half a width at most (one draw moves it by 1.27), the permuted null is drawn like the
Gaussian one. Any other is decomposed.

**Scaled.** By chance alone the mean square of p independent entries has the variance (kurtosis - 1) / p over the square
of its mean. A large matrix whose rows and columns vary no more than that has no scales to keep: its scaled null would
be the permuted one once more, and levelling would change nothing.

What is decomposed here of a large matrix is in single precision, but for a nearly square one's permuted null and its
levelled values: of these a value in a thousand would be rounding, and the verdict asks for their rank.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from reversible.spectra import bulk, entries, scales
from reversible.spectra.decomposed import VECTORS, Decomposed, decomposed, enough, is_large, rank_of, values_of
from reversible.spectra.measures import Measures, measure
from reversible.theory.singular_values import Array, gaussian_singular_values

SAMPLE = 1 << 16  # Gaussian entries that stand for more of them
LIGHT, MOVED = 0.5, 0.5  # of the threshold of a signal; of the width of the edge
BY_CHANCE = 1.1  # times the variance of mean squares that chance makes; that of 1,024 of them varies by a twentieth


def nulls_of(
    used: Array, own: dict[str, float], unit: float, generator: np.random.Generator
) -> tuple[dict[str, Measures], bulk.Bulk | None]:
    """Of a tall matrix (n, p) whose entries are `own`: its nulls by name, "scaled" only where scales are found.

    And its bulk when it is levelled: None where there are no scales, or where some levelled values are rounding.
    """
    shape = (used.shape[0], used.shape[1])
    kind, large = enough(shape), is_large(shape)
    light = large and are_light(own, shape, max(float(used.max()) - own["mean"], own["mean"] - float(used.min())))
    mixed = None if light else _shuffled(used, kind, generator)
    sd = math.hypot(own["mean"], own["sd"])
    beside = {"gaussian": measure(shape, *_gaussian(*shape, sd, generator), unit)}
    found = _gaussian_spectrum(*shape, sd, generator) if mixed is None else decomposed(mixed, kind)
    beside["permuted"] = measure(shape, own, found, unit)
    del mixed
    if large and not has_scales(used, own):
        return beside, None
    fitted = scales.fit(used if large else used.astype(float, copy=False))
    if fitted is None:
        return beside, None
    values = values_of(fitted.level, kind)
    mixed = fitted.again(generator, over=True)
    found = decomposed(mixed, "f4" if large else "f8")  # which is shown, and not judged
    beside["scaled"] = measure(shape, entries.measured(_some(mixed, generator)), found, unit)
    return beside, bulk.fit(values, shape) if rank_of(values, kind) == len(values) else None


def are_light(own: dict[str, float], shape: tuple[int, int], largest: float) -> bool:
    """Whether entries of these moments, up to `largest` away from their mean, have a Gaussian matrix's spectrum."""
    n, p = shape
    threshold = (n * p) ** 0.25
    moved = abs(own["kurtosis"] - 3) * (math.sqrt(n) + math.sqrt(p)) ** (2 / 3) / (n * p) ** (1 / 3)
    signals = max(largest / threshold, abs(own["mean"]) * threshold)
    return signals <= LIGHT * own["sd"] and moved <= MOVED


def has_scales(matrix: Array, own: dict[str, float]) -> bool:
    """Whether rows or columns of entries with these moments differ more in their mean squares than by chance."""
    mean = own["mean"] / own["sd"]  # in units of sd, as the moments below, which are about zero
    fourth = own["kurtosis"] + 4 * mean * own["skew"] + 6 * mean**2 + mean**4
    chance = fourth / (1 + mean**2) ** 2 - 1
    rows, columns = (np.einsum(f"ij,ij->{kept}", matrix, matrix, dtype=float) for kept in "ij")
    n, p = matrix.shape
    return any(np.var(s / s.mean()) > BY_CHANCE * chance / count for s, count in ((rows, p), (columns, n)))


def _shuffled(matrix: Array, kind: str, generator: np.random.Generator) -> Array:
    """Its entries in random order, in no more precision than `kind`."""
    mixed = np.array(matrix, min(np.dtype(kind), matrix.dtype), order="C")
    generator.permuted(mixed.reshape(-1), out=mixed.reshape(-1))
    return mixed


def _some(matrix: Array, generator: np.random.Generator) -> Array:
    """Its entries, or of many a sample."""
    flat, many = matrix.reshape(-1), entries.MANY
    return flat[generator.integers(0, flat.size, many)] if flat.size > many else flat


def _gaussian(n: int, p: int, sd: float, generator: np.random.Generator) -> tuple[dict[str, float], Decomposed]:
    """An n x p matrix of independent Gaussian entries, of which every part is drawn by itself, from its own law.

    The entries are a sample, whose distances from what is expected shrink as the root of its size.
    """
    sample = generator.standard_normal(min(n * p, SAMPLE))
    own, less = entries.measured(sample), math.sqrt(len(sample) / (n * p))
    own |= {name: own[name] * less for name in ("skew", "entries_ks")}
    own |= {"mean": own["mean"] * less * sd, "sd": (1 + (own["sd"] - 1) * less) * sd}
    own["kurtosis"] = 3 + (own["kurtosis"] - 3) * less
    return own, _gaussian_spectrum(n, p, sd, generator)


def _gaussian_spectrum(n: int, p: int, sd: float, generator: np.random.Generator) -> Decomposed:
    """Its singular values are those of a bidiagonal matrix, its singular vectors random directions.

    Two columns have a squared cosine of the law Beta(1/2, (n - 1)/2), and any two pairs of columns are independent:
    their sum is Gaussian but for a part in p, and the largest is that of as many independent ones as there are pairs.
    """
    pairs = p * (p - 1) / 2
    squared = 1 + math.sqrt(2 * (n - 1) / (n + 2) / pairs) * generator.standard_normal()
    largest = stats.beta.isf(-math.expm1(math.log(generator.random()) / pairs), 0.5, (n - 1) / 2)
    directions = [generator.standard_normal((size, min(VECTORS, p) + 1)) for size in (n, p)]
    values = gaussian_singular_values(n, p, generator) * sd
    columns = math.sqrt(max(squared, 0.0)), math.sqrt(n * float(largest))
    return Decomposed(values, [d / np.linalg.norm(d, axis=0) for d in directions], *columns, rank_of(values))
