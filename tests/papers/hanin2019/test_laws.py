"""Laws of random nets beside simulations that share no code with them, and nets with known pieces."""

import math

import numpy as np
import pytest

from reversible.nets.pieces import pieces, segment
from reversible.nets.program import Program
from reversible.papers.hanin2019.experiments import training
from reversible.papers.hanin2019.experiments.fold import share_left
from reversible.papers.hanin2019.experiments.random import exponent
from reversible.papers.hanin2019.nets import shaken, tent
from reversible.theory import regions as laws
from reversible.training.run import Run


@pytest.mark.parametrize("layer", [1, 2])
def test_zeros_on_a_part_of_a_line_are_counted_in_a_plain_simulation(layer):
    rng = np.random.default_rng(layer)
    n, width, s, low, high = 3, 300, 0.5, -1.0, 2.0
    x, u = np.array([1.0, 0.3, -0.4]), np.array([0.2, 1, 0.7])
    h = x[None] + np.linspace(low, high, 801)[:, None] * u
    counts = []
    for _ in range(30):
        z = h
        for fan_in, out in [(n, width), (width, width)][:layer]:
            z = np.maximum(z, 0) if fan_in == width else z
            z = z @ (rng.standard_normal((fan_in, out)) * math.sqrt(2 / fan_in)) + s * rng.standard_normal(out)
        counts.append((np.diff(z > 0, axis=0)).sum(0).mean())
    error = np.std(counts) / math.sqrt(len(counts))
    law = laws.zeros(x, u, layer, s, low, high)
    assert abs(np.mean(counts) - law) < 4 * error + 0.005
    assert abs(law - laws.zeros(x, u, 3 - layer, s, low, high)) > 4 * error + 0.005  # it can tell the layers apart


def test_the_distance_law_is_that_of_many_independent_planes():
    rng = np.random.default_rng(1)
    n, N = 200, 2000
    x = rng.standard_normal((100, n))
    x *= math.sqrt(n) / np.linalg.norm(x, axis=1, keepdims=True)
    W = rng.standard_normal((N, n))
    found = (np.abs(x @ W.T) / np.linalg.norm(W, axis=1)).min(1)
    law = laws.distance((N,), 1.0, 0.0)
    assert N * law == pytest.approx(math.sqrt(2 * math.pi) / 2)
    assert abs(found.mean() / law - 1) < 0.4  # one draw of planes: its mean has an error of a tenth


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
