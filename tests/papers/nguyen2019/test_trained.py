"""What nets are trained on, and that rows of numbers are those nets."""

import torch

from reversible.papers.nguyen2019.experiments.bands import Joined, _unpacked
from reversible.papers.nguyen2019.experiments.starts import Starts, starts
from reversible.papers.nguyen2019.experiments.tasks import Points, losses_of, rows, trained_on
from reversible.papers.nguyen2019.nets import activation, given
from reversible.runs.experiment import Absent
from reversible.training.bands import Band
from reversible.training.stack import losses

POINTS = Points(4, 2, 1.0)


def test_nets_beside_each_other_share_their_points_and_fit_them():
    run = trained_on(POINTS, 6, 200, 0.3, (5, 6, 7, 8))
    x, labels = POINTS.drawn(run.stack)
    assert torch.equal(x[0], x[1])
    assert torch.equal(labels[2], labels[3])
    assert not torch.equal(x[0], x[2])
    assert not x[..., 2:].any()
    plain = losses(run.stack.net.logits(x), labels).detach().double()
    nets = rows(run, 2)
    own = losses_of(nets[:, None], x[..., :2].double(), labels, 6)[:, 0]
    assert torch.allclose(plain, own, rtol=1e-4, atol=1e-6)
    assert float(own.median()) < 0.1
    p = Joined("more", 5, 2, 1, Band(1, 1), 1, 1, 1)
    theta = _unpacked(nets[0], p)
    logits = torch.from_numpy(given(theta, x[0, :, :2].double().numpy(), activation("relu")))
    assert torch.allclose(losses(logits[None], labels[:1]).double(), own[:1], rtol=1e-4)


def test_first_weights_are_scaled_once_and_those_of_a_small_net():
    usual, tiny = (trained_on(Points(4, 2, scale), 50, 1, 1e-12, tuple(range(8))) for scale in (1.0, 0.01))
    first = usual.stack.values[0].detach()[..., :2, :]
    assert abs(float(first.square().mean()) - 1) < 0.1  # two over two inputs
    for one, other in zip(usual.stack.values, tiny.stack.values, strict=True):
        assert torch.allclose(0.01 * one, other)


def test_starts_take_a_rate_that_they_are_told():
    p = Starts(1.0, 3, 2, 30, 2, 4, 1)
    told = starts(p, 0.01)
    assert not isinstance(told, Absent)
    assert (told.rate, told.shares, len(told.losses)) == (0.01, (), 4)
