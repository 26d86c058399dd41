"""Distances within classes and entropies of bins, beside what is counted by hand."""

import itertools
import math

import numpy as np
import pytest

from helpers import refusal
from reversible.theory.clusters import binned_entropy, class_distances

POINTS = np.array([[0.0, 0], [0, 1], [3, 0], [3, 1], [9, 9]])
LABELS = np.array([0, 0, 1, 1, 2])


def test_distances_are_those_of_all_pairs():
    same, other = [], []
    for i, j in itertools.combinations(range(5), 2):
        (same if LABELS[i] == LABELS[j] else other).append(math.dist(POINTS[i], POINTS[j]))
    assert class_distances(POINTS, LABELS) == pytest.approx((np.mean(same), np.mean(other)))


def test_labels_dealt_out_at_random_show_nothing():
    rng = np.random.default_rng(0)
    within, between = class_distances(rng.normal(size=(400, 3)), rng.integers(0, 2, 400))
    assert within / between == pytest.approx(1, abs=0.02)


def test_fine_bins_hold_one_point_each_and_coarse_ones_all():
    assert binned_entropy(POINTS, 1e-10) == pytest.approx(math.log(5))
    assert binned_entropy(POINTS, 1e3) == 0
    assert binned_entropy(POINTS, 2.5) == pytest.approx(math.log(5) - 0.8 * math.log(2))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: class_distances(POINTS, np.zeros(5)), "labels must be those of two classes"),
        (lambda: class_distances(POINTS, np.arange(5)), "of which one has two points"),
        (lambda: binned_entropy(POINTS, 0), "width must be a number"),
        (lambda: binned_entropy(1e6 * POINTS, 1e-11), "as floats tell no narrower bins apart, not 1e-11"),
    ],
)
def test_wrong_input_is_told_in_one_line(wrong, told):
    assert told in refusal(wrong)
