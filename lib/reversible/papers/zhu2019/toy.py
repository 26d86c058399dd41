"""The paper's loss in a plane, with a sharp and a flat basin, and descent in it with noise of one trace and any shape.

As the authors' code has it: L is the mean over samples x of min{20 a^2 / 2 + 200 b^2 / 2, |w - x - flat|^2}, where a
and b are w - x - (1, 1) along the directions (1, -1) and (1, 1) over the root of 2. All here is in coordinates (a, b)
from the sharp minimum (1, 1), where descent begins. A step goes down the mean gradient, then Gaussian noise is added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reversible.base.checks import one_of

Array = np.ndarray
SHARP = np.array([20.0, 200.0])  # curvatures of the sharp basin along a and b
FLAT = 2.0  # of the flat one, in all directions
SPREAD = np.array([math.sqrt(10), 1.0]) / 100  # standard deviations of samples along a and b
RATE, TRACE = 0.005, 0.01  # the learning rate; the trace of the covariance of the noise that is added to w
FAR = math.sqrt(8)  # from one minimum to the other: the flat one is at (-1, -1)
CENTRES = {"along": np.array([0.0, -FAR]), "across": np.array([FAR, 0.0])}  # the flat minimum
NEAR = 0.5  # a run ends in the flat basin if both its old coordinates are so near the flat minimum, or beyond
ARMS = ("const", "diag", "leading", "hessian", "first")
BY_COVARIANCE = ("diag", "leading")  # the others do not see it
SUMS = ("own", "running")  # whose covariance it is, see `seen`


@dataclass(frozen=True)
class Seen:
    """What noise is made of at present: R runs beside each other, all in coordinates (a, b)."""

    slope: Array  # (R, 2): the mean gradient
    share: Array  # (R,): of the samples for which the sharp basin is the lower one
    covariance: Array  # (R, 3): of the samples' gradients, entries aa, bb and ab; noughts where nobody asks for it


def seen(w: Array, x: Array, centre: Array, sums: str = "") -> Seen:
    """At weights w (R, 2), with samples x (2, R, N).

    The covariance is that of the gradients if `sums` is "own", and for "running" that of their running sums over the
    samples, which is what the authors' code takes, as it never sets the gradients to zero between two samples.
    """
    a, b = w[:, :1] - x[0], w[:, 1:] - x[1]
    off_a, off_b = a - centre[0], b - centre[1]
    a2, b2 = SHARP[0] * a, SHARP[1] * b
    sharp = a2 * a + b2 * b <= FLAT * (off_a * off_a + off_b * off_b)
    g = np.where(sharp, a2, FLAT * off_a), np.where(sharp, b2, FLAT * off_b)
    slope = np.stack([part.mean(1) for part in g], 1)
    if not sums:
        return Seen(slope, sharp.mean(1), np.zeros((len(w), 3)))
    of = [np.cumsum(part, 1) if sums == "running" else part for part in g]
    of = [part - part.mean(1, keepdims=True) for part in of]
    pairs = ((0, 0), (1, 1), (0, 1))
    covariance = [np.einsum("rn,rn->r", of[i], of[j]) / a.shape[1] for i, j in pairs]
    return Seen(slope, sharp.mean(1), np.stack(covariance, 1))


def noise(arm: str, now: Seen, z: Array) -> Array:
    """Noise (R, 2) of trace TRACE made of standard normal z (R, 2)."""
    return math.sqrt(TRACE) * {"const": _const, "diag": _diag, "leading": _leading, "hessian": _hessian,
                               "first": _first}[one_of("arm", arm, ARMS)](now, z)  # fmt: skip


def _const(now: Seen, z: Array) -> Array:
    return z / math.sqrt(2)


def _diag(now: Seen, z: Array) -> Array:
    """Independent along the old coordinates, x = (a + b) / sqrt 2 and y = (b - a) / sqrt 2."""
    aa, bb, ab = now.covariance.T
    old = z * np.sqrt(np.stack([aa + bb + 2 * ab, aa + bb - 2 * ab], 1) / (2 * (aa + bb))[:, None])
    return np.stack([old[:, 0] - old[:, 1], old[:, 0] + old[:, 1]], 1) / math.sqrt(2)


def _leading(now: Seen, z: Array) -> Array:
    """All of the covariance: it has two eigenvectors, and the authors take up to twenty."""
    aa, bb, ab = now.covariance.T / (now.covariance[:, 0] + now.covariance[:, 1])
    low = ab / np.sqrt(aa)
    return np.stack([np.sqrt(aa) * z[:, 0], low * z[:, 0] + np.sqrt(np.maximum(bb - low**2, 0)) * z[:, 1]], 1)


def _hessian(now: Seen, z: Array) -> Array:
    values = now.share[:, None] * SHARP + (1 - now.share[:, None]) * FLAT
    return z * np.sqrt(values / values.sum(1, keepdims=True))


def _first(now: Seen, z: Array) -> Array:
    """Along b wherever the sharp basin counts; else the Hessian is round, and LAPACK's last eigenvector is y."""
    size, old = z[:, :1], np.array([[-1.0, 1.0]]) / math.sqrt(2)
    return np.where(now.share[:, None] > 0, size * np.array([[0.0, 1.0]]), size * old)


def runs(arm: str, place: str, sums: str, count: int, samples: int, steps: int, rng: np.random.Generator) -> Array:
    """Where so many runs are after so many steps, (count, 2); each has samples of its own."""
    x = rng.standard_normal((2, count, samples)) * SPREAD[:, None, None]
    w, centre = np.zeros((count, 2)), CENTRES[one_of("place", place, tuple(CENTRES))]
    asked = one_of("sums", sums, SUMS) if arm in BY_COVARIANCE else ""
    for _ in range(steps):
        now = seen(w, x, centre, asked)
        w = w - RATE * now.slope + noise(arm, now, rng.standard_normal((count, 2)))
    return w


def escaped(w: Array, place: str) -> Array:
    """Which runs end in the flat basin, (R,): by the authors' rule, turned with the basin."""
    centre = CENTRES[place]
    along = centre / FAR
    out = w @ along  # towards the flat minimum
    side = w @ np.array([-along[1], along[0]])
    # In the old coordinates: x - 1 and y - 1 are below -1.5, or so for the turned basin.
    edge = (FAR / math.sqrt(2) - NEAR) * math.sqrt(2)
    return np.abs(side) < out - edge


def law_of_const(sd: float) -> float:
    """The probability that one step of noise along b, of this deviation, crosses to the flat minimum along b [ours]."""
    border = FAR / (1 + math.sqrt(SHARP[1] / FLAT))
    return 0.5 * math.erfc(border / sd / math.sqrt(2))
