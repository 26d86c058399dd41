"""Matrices whose rank or kind is known by construction, which once were judged wrongly or not at all."""

import numpy as np

EYES = (34, 38, 39, 48, 49, 52, 53, 54, 56, 64, 66, 77, 79, 89, 94, 100, 105, 181, 185)  # sizes at which stemr failed


def dirac(channels):
    """A convolution that changes nothing, as a matrix."""
    kernel = np.zeros((channels, channels, 3, 3))
    kernel[np.arange(channels), np.arange(channels), 1, 1] = 1
    return kernel.reshape(channels, -1)


def of_equal_values():
    """By name a matrix of zeros and ones, and its largest singular value."""
    rng = np.random.default_rng(0)
    places = rng.permutation(np.arange(256) % 64)  # each column stands in four rows
    return {
        **{f"eye {n}": (np.eye(n), 1) for n in EYES},
        **{f"dirac {n}": (dirac(n), 1) for n in (34, 48, 64, 100)},
        **{f"permutation {n}": (np.eye(n)[rng.permutation(n)], 1) for n in (47, 64, 90)},
        "stacked": (np.vstack([np.eye(56)] * 2), 2**0.5), "one-hot rows": (np.eye(64)[places], 2),
    }  # fmt: skip


def of_low_rank():
    """By name a matrix and how many of its singular values are not rounding."""
    normal = np.random.default_rng(0).standard_normal
    return {
        "rank8": (normal((256, 8)) @ normal((8, 256)), 8), "rank1": (np.outer(normal(200), normal(300)), 1),
        "twice": (np.tile(normal((256, 128)), (1, 2)), 128),
        "dead": (normal((512, 512)) * np.where(np.arange(512) < 200, 1e-10, 1)[:, None], 312),
        "lora": (normal((256, 16)) @ normal((16, 512)), 16),
    }  # fmt: skip


def leaning(variances, n, p, rng):
    """Gaussian entries whose covariance has these variances as eigenvalues, turned at random."""
    turned = np.linalg.qr(rng.standard_normal((p, p)))[0]
    return (rng.standard_normal((n, p)) * np.sqrt(variances)) @ turned


def smooth(n, p, rng):
    """Rows in which each entry has a correlation of 0.9 with the one before: a spectrum within [0.05, 19]."""
    matrix = rng.standard_normal((n, p))
    for j in range(1, p):
        matrix[:, j] = 0.9 * matrix[:, j - 1] + 0.19**0.5 * matrix[:, j]
    return matrix


LIGHT = {
    "exponential": lambda n, p, rng: leaning(rng.exponential(1, p), n, p, rng),
    "chi-square": lambda n, p, rng: leaning(rng.chisquare(1, p), n, p, rng),
    "smooth": smooth,
}  # correlated columns of Gaussian entries, all of whose moments are finite
