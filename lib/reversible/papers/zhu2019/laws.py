"""Laws of noise near a quadratic minimum, for any Hessian H and covariance Sigma, whether they commute or not [ours].

H and Sigma are symmetric (D, D) arrays in double precision, and Sigma has no negative eigenvalue. The loss is
L(w) = w^T H w / 2, and w begins at 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reversible.base.checks import InputError

Array = np.ndarray
SYMMETRIC = 1e-10  # relative


def rise(H: Array, S: Array, t: float) -> float:
    """E L at time t of dw = -H w dt + S^(1/2) dB: Tr((I - e^(-2 H t)) S) / 4."""
    values, shares = _along(H, S)
    return float(-np.expm1(-2 * values * t) @ shares) / 4


def linear_rise(H: Array, S: Array, t: float) -> float:
    """What it begins with, t Tr(H S) / 2; where H has no negative eigenvalue it is never less than `rise`."""
    values, shares = _along(H, S)
    return float(values @ shares) * t / 2


def rise_of_steps(H: Array, S: Array, size: float, steps: int) -> float:
    """E L after so many steps w <- w - size (H w + noise of covariance S).

    (size / 2) Tr((2 I - size H)^(-1) (I - (I - size H)^(2 steps)) S); an eigenvalue of 2 / size is met by its limit.
    """
    values, shares = _along(H, S)
    edge = 2 - size * values
    with np.errstate(divide="ignore", invalid="ignore"):
        each = (1 - (1 - size * values) ** (2 * steps)) / edge
    return size / 2 * float(np.where(edge == 0, 2 * steps, each) @ shares)


def ratio(H: Array, S: Array) -> float:
    """Tr(H S) over Tr(H) Tr(S) / D, which isotropic noise of equal trace has."""
    both = float(np.trace(H) * np.trace(S))
    if both <= 0:
        raise InputError(f"Tr H and Tr Sigma must be above zero for their ratio, not {np.trace(H)} and {np.trace(S)}")
    return len(H) * float(np.sum(H * S)) / both


def alignment(H: Array, S: Array) -> float:
    """The a of the paper's second condition: u^T S u Tr H / (lambda Tr S), with lambda and u the top of H."""
    values, vectors = np.linalg.eigh(H)
    u = vectors[:, -1]
    return float(u @ S @ u) * float(np.trace(H)) / (float(values[-1]) * float(np.trace(S)))


def _along(H: Array, S: Array) -> tuple[Array, Array]:
    """The eigenvalues of H, and what S has along each eigenvector: all of S that a trace with a function of H sees."""
    for name, A in (("H", H), ("Sigma", S)):
        if A.shape != H.shape or A.ndim != 2 or np.abs(A - A.T).max() > SYMMETRIC * np.abs(A).max():
            raise InputError(f"{name} must be a symmetric matrix of shape {H.shape}, not one of shape {A.shape}")
    values, vectors = np.linalg.eigh(H)
    return values, np.einsum("ij,ik,kj->j", vectors, S, vectors)


# --- the ratio where only the spectrum counts -------------------------------------------------------------------------


def ratio_of_values(values: Array, counts: Array) -> float:
    """The ratio for Sigma = H with these eigenvalues, each so many times: D Tr(H^2) / (Tr H)^2."""
    return float(counts.sum() * (counts @ values**2) / (counts @ values) ** 2)


def two_levels(size: int, d: float, k: int) -> tuple[Array, Array]:
    """k eigenvalues of one and all others size^(-d), which the paper's first condition allows at most."""
    return np.array([1.0, float(size) ** -d]), np.array([float(k), float(size - k)])


def least_ratio(size: int, d: float, k: int, a: float) -> float:
    """What both conditions make sure of: a D / (k + (D - k) D^(-d))^2."""
    return a * size / (k + (size - k) * float(size) ** -d) ** 2


def growth(sizes: Sequence[int], ratios: Sequence[float]) -> float:
    """The power of D with which a ratio grows: the slope of its log by least squares."""
    return float(np.polyfit(np.log(np.array(sizes, float)), np.log(np.array(ratios)), 1)[0])
