"""Parts of the experiments of Ford et al. beside what is known otherwise: distances, corruptions, defences, ranks."""

import math

import numpy as np
import pytest
import torch

from reversible.papers.ford2019 import corruptions, defences, models
from reversible.papers.ford2019.experiments import linear, sets, slack
from reversible.papers.ford2019.experiments.defences import spearman
from reversible.training.config import Training
from reversible.training.run import Run


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_distance_of_a_linear_model_is_that_of_the_nearest_point_on_a_fine_sphere():
    model = models.Linear(drawn(4, 2), drawn(4, seed=1))
    x = drawn(20, 2, seed=2)
    y = model(x).argmax(1)
    turn = torch.linspace(0, 2 * math.pi, 2001, dtype=torch.float64)
    ways = torch.stack([turn.cos(), turn.sin()], 1)
    for point, label, far in zip(x, y, model.distance(x, y), strict=True):
        assert (model(point + 0.999 * far * ways).argmax(1) == label).all()
        assert (model(point + 1.001 * far * ways).argmax(1) != label).any()
    assert float(model.distance(x, (y + 1) % 4).max()) == 0


def test_exact_distances_in_the_plane_are_those_of_a_fine_search():
    p = slack.Slack("nets", 2, 6, 1, 3)
    logits, x, exact = slack._net(p, torch.Generator().manual_seed(2))
    y = logits(x).argmax(1)
    turn = torch.linspace(0, 2 * math.pi, 3001, dtype=torch.float64)
    ways = torch.stack([turn.cos(), turn.sin()], 1)
    for point, label, far in zip(x, y, exact, strict=True):
        if torch.isfinite(far):
            steps = torch.linspace(0, 0.995, 200, dtype=torch.float64)
            inside = point + far * (steps[:, None, None] * ways)
            assert (logits(inside.reshape(-1, 2)).argmax(1) == label).all()
            assert (logits(point + 1.01 * far * ways).argmax(1) != label).any()
    assert torch.isfinite(exact).any()


def test_too_few_errors_near_are_seen_in_the_score():
    rng = np.random.default_rng(0)
    z = rng.standard_normal(20_000)
    c = 2.3263479
    assert linear.bound_score(np.maximum(c - z, 0), 0.01, 1.0) < 4
    assert linear.bound_score(1.1 * np.maximum(c - z, 0), 0.01, 1.0) > 5
    p = sets.Errors("plane", 20, 0.01, 5000, 3, 1)
    found = sets.measured(p)
    assert sets.score_of_bound(p, found) < 4
    assert sets.score_of_bound(sets.Errors("plane", 20, 0.02, 5000, 3, 1), found) > 4


def test_attacked_images_are_on_the_ball_and_lose_more():
    W = drawn(3, 10).float()
    logits = lambda x: x @ W.T  # noqa: E731
    x = drawn(8, 10, seed=1).float()
    y = logits(x).argmax(1)
    moved = models.attacked(logits, x, y, 0.5, 3)
    assert (moved - x).norm(dim=1).tolist() == pytest.approx([0.5] * 8, rel=1e-4)
    loss = lambda z: torch.nn.functional.cross_entropy(logits(z), y)  # noqa: E731
    assert loss(moved) > loss(x + 0.5 * models._unit(drawn(8, 10, seed=2).float()))


def test_noise_in_training_is_each_nets_own_and_has_its_size():
    run = Run(Training(data="digits", hidden=(8,), images=200, steps=2, lr=0.05, batch=100, seeds=(1, 2)), probes=())
    run.stack.batches.turn_to(0)
    x, y = run.stack.batch()
    noisy, labels = models.Noisy(0.3)(run.stack)(x, y)
    assert (noisy - x).std().item() == pytest.approx(0.3, rel=0.05)
    assert not torch.equal(noisy[0] - x[0], noisy[1] - x[1])
    assert torch.equal(labels, y)


@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_a_corruption_keeps_to_the_range_and_grows(name):
    images = torch.rand((20, 3, 32, 32), generator=torch.Generator().manual_seed(1))
    images = torch.nn.functional.avg_pool2d(images, 3, 1, 1)
    off = []
    for strength in corruptions.STRENGTHS:
        spoilt = corruptions.corrupted(name, images, strength, torch.Generator().manual_seed(2))
        assert spoilt.shape == images.shape
        assert 0 <= spoilt.min() <= spoilt.max() <= 1
        off.append(float((spoilt - images).abs().mean()))
    assert 0 < off[0] <= off[1] <= off[2]


def test_cosines_give_an_image_back_when_steps_are_small_and_masks_answer_as_when_opened():
    images = torch.rand((3, 1, 8, 8))
    assert torch.allclose(defences.coarse(images, 1e-5), images, atol=1e-4)
    W = drawn(4, 64).float()
    logits = lambda x: x @ W.T  # noqa: E731
    x = images.flatten(1).requires_grad_()
    for name in defences.MASKED:
        shown, opened = (of(name, logits, 1, 8) for of in (defences.masked, defences.opened))
        assert torch.equal(shown(x).argmax(1), opened(x).argmax(1))
        assert torch.autograd.grad(opened(x).sum(), x)[0].abs().sum() > 0
    for name in ("rounded", "coarse"):
        assert torch.autograd.grad(defences.masked(name, logits, 1, 8)(x).sum(), x)[0].abs().sum() == 0


def test_ranks_share_where_values_are_equal():
    assert spearman(np.array([1.0, 2, 3, 4]), np.array([1.0, 4, 9, 16])) == pytest.approx(1)
    assert spearman(np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 1, 0])) == pytest.approx(-0.9486833)
