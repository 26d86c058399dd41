"""What the tests of a reader's net share."""

import pytest
import torch


@pytest.fixture
def seeded():
    """Torch's own draws begin at the same place, and leave no trace."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
