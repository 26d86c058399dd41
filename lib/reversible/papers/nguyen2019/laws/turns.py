"""Paths between matrices with orthonormal columns, and between a matrix and its nearest such one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg

from reversible.base.checks import InputError

Array = np.ndarray
HALF_TURN = 1e-9  # an eigenvalue of a rotation so near to -1 is taken for it


def turn(Q: Array, R: Array) -> Callable[[float], Array]:
    """A path from Q to R, both (n, m) with orthonormal columns and m < n, on which all columns stay orthonormal.

    Both are completed to rotations of the space; these are joined by a rotation whose angles grow with t. InputError
    for square matrices whose determinants differ in sign, between which there is no such path.
    """
    first, last = _completed(Q), _completed(R)
    if np.linalg.det(first) * np.linalg.det(last) < 0:
        raise InputError(
            f"widths must decrease: a square matrix of {len(Q)} rows and one whose determinant has the other sign are "
            "not joined by invertible ones"
        )
    basis, planes = _planes(last @ first.T)
    return lambda t: _rotated(basis, planes, t) @ Q


def _completed(Q: Array) -> Array:
    """An orthogonal matrix that begins with Q, of determinant 1 where a column is free."""
    n, m = Q.shape
    full = np.column_stack([Q, linalg.null_space(Q.T)]) if m < n else Q.copy()
    if m < n and np.linalg.det(full) < 0:
        full[:, -1] *= -1
    return full


def _planes(rotation: Array) -> tuple[Array, list[tuple[int, int, float]]]:
    """A rotation as angles in planes of an orthonormal basis (n, n): (column, column, angle)."""
    T, basis = linalg.schur(rotation, output="real")  # pyright: ignore[reportAssignmentType]
    planes, half, i = [], [], 0
    while i < len(T):
        if i + 1 < len(T) and abs(T[i + 1, i]) > HALF_TURN:
            planes.append((i, i + 1, float(np.arctan2(T[i + 1, i], T[i, i]))))
            i += 2
            continue
        half += [i] if T[i, i] < 0 else []
        i += 1
    planes += [(a, b, np.pi) for a, b in zip(half[::2], half[1::2], strict=True)]  # a rotation has an even number
    return basis, planes


def _rotated(basis: Array, planes: list[tuple[int, int, float]], t: float) -> Array:
    rotation = np.eye(len(basis))
    for a, b, angle in planes:
        c, s = np.cos(t * angle), np.sin(t * angle)
        rotation[np.ix_([a, b], [a, b])] = [[c, -s], [s, c]]
    return basis @ rotation @ basis.T


def rank_of(values: Array, shape: tuple[int, ...]) -> int:
    """How many singular values are above rounding."""
    return int((values > max(shape) * np.finfo(float).eps * values.max(initial=0)).sum())
