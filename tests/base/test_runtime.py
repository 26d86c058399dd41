"""Torch's threads while runs hold it to one, however they overlap."""

from contextlib import ExitStack

import pytest
import torch

from helpers import torch_threads
from reversible.base.runtime import one_thread


@pytest.fixture(autouse=True)
def two_threads():
    with torch_threads(2):
        yield


def test_the_last_run_to_end_gives_torch_its_threads_back():
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(one_thread())
        second.enter_context(one_thread())
        first.close()  # the one that began first ends first
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_a_run_that_fails_gives_them_back_as_well():
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert torch.get_num_threads() == 2
