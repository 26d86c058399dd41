"""Singular values of a matrix, a few of its singular vectors, and how its columns lean on each other.

They come from the eigenvalues of the smaller Gram matrix, which takes a third of the time of a singular value
decomposition, needs the matrix in another precision in pieces only, and leaves an error of some eps (s_max / s)^2 in a
singular value s, relative to it, so that what is below `rounding` is noise. What is measured on a matrix is in double
precision. Of matrices drawn at random for comparison single precision is enough where they are large, see `enough`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from reversible.theory.singular_values import Array

VECTORS = 16  # from the middle of the spectrum, whose components are looked at
SURE = 4.0  # times sqrt(eps): the largest value that rounding made of none was 1.8 times, up to 8,192 x 2,048
LARGE = 1024  # singular values from which on a matrix is large
FAR = 10  # times the largest value that is rounding
PIECE = 1 << 22  # entries that are brought to another precision at a time
DRIVERS = ("stemr", "stebz", "stev")  # of LAPACK: the fast one fails on spectra of many equal values, the last never


@dataclass(frozen=True)
class Decomposed:
    """Of a tall matrix (n, p)."""

    values: Array  # singular values, falling
    directions: list[Array]  # on either side, (length, 1 + up to VECTORS): the largest value's, then the middle's
    gram_rms: float  # root mean square cosine of two columns, times sqrt(n)
    gram_max: float  # the largest, times sqrt(n)
    rank: int  # values that are not rounding


def rounding(kind: np.dtype | str = "f8") -> float:
    """Below this share of the largest, a singular value from a Gram matrix of that precision is rounding."""
    return SURE * math.sqrt(float(np.finfo(kind).eps))


def rank_of(values: Array, kind: np.dtype | str = "f8") -> int:
    """How many of falling singular values are not rounding."""
    return int((values > rounding(kind) * values[0]).sum())


def decomposed(matrix: Array, kind: str = "f8") -> Decomposed:
    """A tall matrix in the precision `kind`: one reduction of its Gram matrix serves values and vectors."""
    p = matrix.shape[1]
    gram = _gram(matrix, kind)
    columns = _columns(gram, len(matrix))
    reduce, turn = linalg.get_lapack_funcs(("sytrd", "ormqr"), (gram,))
    form, diagonal, beside, factors, _ = reduce(gram, lower=1, lwork=64 * p, overwrite_a=1)
    diagonal, beside = diagonal.astype(float), beside.astype(float)
    squares = linalg.eigvalsh_tridiagonal(diagonal, beside, check_finite=False)
    values = np.sqrt(np.maximum(squares[::-1], 0))
    directions = _chosen(diagonal, beside).astype(kind)
    directions[1:] = turn("L", "N", form[1:, :-1], factors, np.asfortranarray(directions[1:]), 64 * p)[0]
    del gram, form
    seen = np.concatenate([piece @ directions for piece in _pieces(matrix, kind)])
    lengths = np.linalg.norm(seen, axis=0)
    there = lengths > rounding(kind) * values[0]
    sides = [directions.astype(float), (seen[:, there] / lengths[there]).astype(float)]
    return Decomposed(values, sides, *columns, rank_of(values, kind))


def _pieces(matrix: Array, kind: str) -> Iterator[Array]:
    """The rows of a matrix in the precision `kind`, some at a time."""
    rows = max(PIECE // matrix.shape[1], 1)
    for start in range(0, len(matrix), rows):
        yield matrix[start : start + rows].astype(kind, order="C", copy=False)


def _gram(matrix: Array, kind: str) -> Array:
    """The lower triangle of matrix^T matrix in the precision `kind`, and zeros above it."""
    add = linalg.get_blas_funcs("syrk", dtype=np.dtype(kind))
    gram = np.zeros((matrix.shape[1],) * 2, kind, order="F")
    for piece in _pieces(matrix, kind):
        gram = add(1.0, piece.T, beta=1.0, c=gram, lower=1, overwrite_c=1)  # pyright: ignore[reportCallIssue]
    return gram


def _chosen(diagonal: Array, beside: Array) -> Array:
    """Eigenvectors of a tridiagonal matrix: of the largest value, then of those in the middle."""
    p = len(diagonal)
    first = max(p // 2 - VECTORS // 2, 0)
    ranges = ((p - 1, p - 1), (first, min(first + VECTORS, p) - 1))
    for driver in DRIVERS:
        try:
            if driver == "stev":
                vectors = linalg.eigh_tridiagonal(diagonal, beside, lapack_driver=driver)[1]
                return np.column_stack([vectors[:, low : high + 1] for low, high in ranges])
            found = [
                linalg.eigh_tridiagonal(diagonal, beside, select="i", select_range=chosen, lapack_driver=driver)[1]
                for chosen in ranges
            ]
            return np.column_stack(found)
        except linalg.LinAlgError:
            continue
    raise linalg.LinAlgError("its singular vectors could not be found")


def values_of(matrix: Array, kind: str = "f8") -> Array:
    """Falling singular values of a tall matrix, in the precision `kind`."""
    squares = linalg.eigvalsh(_gram(matrix, kind), check_finite=False, overwrite_a=True)
    return np.sqrt(np.maximum(squares[::-1], 0)).astype(float)


def enough(shape: tuple[int, int]) -> str:
    """The precision in which no value of a random matrix is rounding: single where it is large and not nearly square.

    Its smallest value over its largest is (sqrt(n) - sqrt(p)) / (sqrt(n) + sqrt(p)), far from zero.
    """
    p, n = np.sqrt(sorted(shape))
    return "f4" if is_large(shape) and (n - p) / (n + p) > FAR * rounding("f4") else "f8"


def is_large(shape: tuple[int, int]) -> bool:
    return min(shape) >= LARGE


def _columns(gram: Array, n: int) -> tuple[float, float]:
    """Root mean square and largest cosine of two columns of length n, times sqrt(n), from the triangle of `_gram`."""
    lengths = np.sqrt(np.diagonal(gram))
    lengths[lengths == 0] = 1  # a column of zeros, as a permutation of a sparse matrix can have
    squares, largest, p = 0.0, 0.0, len(gram)
    for place in range(p - 1):
        cosines = np.abs(gram[place + 1 :, place] / (lengths[place] * lengths[place + 1 :]))
        squares, largest = squares + float(cosines @ cosines), max(largest, float(cosines.max()))
    return math.sqrt(2 * n * squares / (p * (p - 1))), math.sqrt(n) * largest
