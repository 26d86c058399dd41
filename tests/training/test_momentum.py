"""The small loop beside PyTorch's own optimiser and scheduler, which share no code with it."""

import pytest
import torch

from reversible.training.momentum import descend
from reversible.training.passes import passes


@pytest.fixture
def problem():
    g = torch.Generator().manual_seed(3)
    x, y = torch.randn(40, 5, generator=g, dtype=torch.float64), torch.randn(40, generator=g, dtype=torch.float64)
    batches = list(passes(40, 8, 3, g))
    return x, y, batches


def test_it_goes_where_pytorch_s_optimiser_goes(problem):
    x, y, batches = problem
    w, own = (torch.ones(5, dtype=torch.float64, requires_grad=True) for _ in range(2))

    descend([own], lambda batch: (x[batch] @ own - y[batch]).square().mean(), iter(batches), 15, 0.03)

    optimiser = torch.optim.SGD([w], lr=0.03, momentum=0.9)
    falling = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / len(batches))
    for batch in batches:
        optimiser.zero_grad()
        (x[batch] @ w - y[batch]).square().mean().backward()
        optimiser.step()
        falling.step()

    torch.testing.assert_close(own, w, rtol=1e-12, atol=0)
    assert (own - 1).abs().min() > 1e-3
