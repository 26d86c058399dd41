"""The small loop beside PyTorch's own optimiser and scheduler, which share no code with it."""

import pytest
import torch

from reversible.training.momentum import descend, epochs_of


@pytest.fixture
def problem():
    g = torch.Generator().manual_seed(3)
    x, y = torch.randn(40, 5, generator=g, dtype=torch.float64), torch.randn(40, generator=g, dtype=torch.float64)
    batches = epochs_of(40, 8, 3, g)
    return x, y, batches


def test_it_goes_where_pytorch_s_optimiser_goes(problem):
    x, y, batches = problem
    w, own = (torch.ones(5, dtype=torch.float64, requires_grad=True) for _ in range(2))

    descend([own], lambda batch: (x[batch] @ own - y[batch]).square().mean(), batches, 0.03)

    optimiser = torch.optim.SGD([w], lr=0.03, momentum=0.9)
    falling = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / len(batches))
    for batch in batches:
        optimiser.zero_grad()
        (x[batch] @ w - y[batch]).square().mean().backward()
        optimiser.step()
        falling.step()

    torch.testing.assert_close(own, w, rtol=1e-12, atol=0)
    assert (own - 1).abs().min() > 1e-3


def test_each_epoch_has_every_image_once_but_for_what_is_left_over():
    batches = epochs_of(23, 5, 4, torch.Generator().manual_seed(0))
    assert [len(batch) for batch in batches] == [5] * 16
    for epoch in range(4):
        seen = torch.cat(batches[4 * epoch : 4 * epoch + 4]).tolist()
        assert len(set(seen)) == 20
        assert set(seen) < set(range(23))
    assert not torch.equal(batches[0], batches[4])
