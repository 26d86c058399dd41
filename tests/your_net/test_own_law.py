"""The law of a reader's dense layer: what it is told, when it has nothing to say, and which side a layer is on."""

import numpy as np
import pytest
import torch
from torch.nn import Conv2d, Flatten, Linear, ReLU, Sequential

from reversible.base.estimates import Estimate
from reversible.your_net.measures import reverse
from reversible.your_net.own_law import Told, told


def batches(rng, n, count=6, size=30):
    return [rng.random((size, n)) * (rng.random((size, n)) < 0.3) for _ in range(count)]


def test_a_random_layer_loses_what_the_law_says():
    rng = np.random.default_rng(0)
    found = told(rng.standard_normal((150, 300)), np.zeros(150), batches(rng, 300))
    assert found is not None
    assert found.spikes <= 1
    assert found.over_law.mean == pytest.approx(1, abs=0.2)
    assert found.measured.n == 6


def test_structure_in_the_rest_is_seen():
    """Orthogonal rows have no spike and no scales, and yet the code comes back better than from noise."""
    rng = np.random.default_rng(1)
    A = np.linalg.qr(rng.standard_normal((400, 100)))[0].T * 10
    found = told(A, np.zeros(100), batches(rng, 400))
    assert found is not None
    assert found.side == -1


@pytest.mark.parametrize(
    ("interval", "side"), [((0.95, 1.3), 0), ((1.12, 1.3), 1), ((0.7, 0.88), -1), ((0.88, 0.99), 0)]
)
def test_sides(interval, side):
    about = Estimate(1.0, (0.9, 1.1), 5)
    assert Told(about, about, Estimate(sum(interval) / 2, interval, 5), 3).side == side


@pytest.mark.parametrize("A", [np.ones((3, 400)), np.zeros((40, 50)), np.ones((1200, 1100))])
def test_layers_without_a_law_have_none(A):
    assert told(A, np.zeros(len(A)), batches(np.random.default_rng(0), A.shape[1])) is None


def test_only_dense_layers_that_are_shown_no_negative_number_are_told():
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    dense = Sequential(Linear(60, 50), ReLU(), Linear(50, 40), ReLU(), Linear(40, 3))
    x = torch.rand(60, 60, generator=generator)
    assert [layer.told is not None for layer in reverse(dense, x, batches=5)] == [True, True]
    assert [layer.told is not None for layer in reverse(dense, x - 0.5, batches=5)] == [False, True]
    maps = Sequential(Conv2d(1, 4, 3), ReLU(), Flatten(), Linear(4 * 36, 40), ReLU(), Linear(40, 3))
    images = torch.rand(20, 1, 8, 8, generator=generator)
    assert [layer.told for layer in reverse(maps, images, batches=4)] == [None, None]
