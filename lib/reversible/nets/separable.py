"""Are classes linearly separable? A linear classifier is fitted to features by ridge regression, and tested on others.

Ridge regression on one-hot labels has a closed form, so nothing is trained and nothing hangs on a learning rate: its
penalty is chosen among PENALTIES by leaving one example out (scikit-learn's RidgeClassifierCV). Features are first
given a mean of zero and a standard deviation of one, each by itself.
"""

from __future__ import annotations

import numpy as np

from reversible.base.checks import InputError

Array = np.ndarray
PENALTIES = tuple(10.0**power for power in range(-2, 6))


def separability(x: Array, labels: Array, unseen: Array, unseen_labels: Array) -> float:
    """The share of `unseen` examples (M, n) that a linear classifier fitted to x (N, n) gets right.

    Labels are whole numbers. Raises InputError where examples and labels differ in number, where there are fewer than
    two classes to fit, for features that are not finite, and where scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import RidgeClassifierCV
    except ImportError:
        raise InputError("a linear probe is fitted by scikit-learn: pip install 'reversible[book]'") from None
    (x, labels), (unseen, unseen_labels) = _checked("x", x, labels), _checked("unseen", unseen, unseen_labels)
    if len(np.unique(labels)) < 2:
        raise InputError(f"labels must name two classes or more, not {len(np.unique(labels))}")
    mean, sd = x.mean(0), x.std(0)
    scale = np.where(sd > 1e-12 * np.abs(x).max(initial=0), sd, np.inf)  # a constant feature becomes zero
    probe = RidgeClassifierCV(alphas=PENALTIES).fit((x - mean) / scale, labels)
    return float(np.mean(probe.predict((unseen - mean) / scale) == unseen_labels))


def _checked(name: str, x: Array, labels: Array) -> tuple[Array, Array]:
    x, labels = np.asarray(x, np.float64), np.asarray(labels)
    if x.ndim != 2 or labels.shape != x.shape[:1] or not len(x):
        raise InputError(f"{name} must be rows of features with a label each, not {x.shape} with {labels.shape} labels")
    if not np.isfinite(x).all():
        raise InputError(f"{name} must hold finite features; {int((~np.isfinite(x)).sum())} are not")
    return x, labels
