"""Laws of random nets beside simulations that share no code with them, and nets with known pieces."""

import numpy as np
import pytest

from reversible.nets.pieces import pieces, segment
from reversible.nets.program import Program
from reversible.papers.hanin2019.experiments import training
from reversible.papers.hanin2019.experiments.fold import share_left
from reversible.papers.hanin2019.experiments.random import exponent
from reversible.papers.hanin2019.nets import shaken, tent
from reversible.training.run import Run


def test_the_tent_is_the_map_it_says_and_stays_when_nothing_is_moved():
    x = np.linspace(0, 1, 65)[:, None]
    y = x
    for _ in range(3):
        y = np.where(y < 0.5, 2 * y, 2 - 2 * y)
    assert Program.of(tent(3))(x) == pytest.approx(y)
    still = shaken(tent(6), 0.0, np.random.default_rng(1))
    assert pieces(still, segment([0], [1])).linear_regions == 64


def test_a_share_that_every_draw_has_is_exact_and_a_slope_of_means_is_right():
    from reversible.papers.hanin2019.experiments.fold import FoldResult

    assert share_left(FoldResult((8, 8), (4, 4))).ci95 == (0.5, 0.5)
    sizes = [10, 20, 40]
    assert exponent(sizes, [3.0 * n * np.array([0.9, 1.1, 1]) for n in sizes]).mean == pytest.approx(1)


def test_an_image_keeps_its_random_label():
    p = training.Trained("random", "digits", 200, (8,), (0, 1), 1, 2, 5)
    run = Run(training.training_of(p), training.random_labels, ())
    becomes = training.random_labels(run.stack)
    table = training.labels_of(run.stack)
    for step in (0, 1):
        run.stack.batches.turn_to(step)
        x, labels = run.stack.batch()
        given = becomes(x, labels)[1]
        for net in range(2):
            index = run.stack.batches.index[net]
            assert (given[net] == table[net][index]).all()
            assert (given[net] == labels[net]).double().mean() < 0.4
