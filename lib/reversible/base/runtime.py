"""What every run stands on: its threads, its random numbers, its device, its memory."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from reversible.base.checks import InputError

MEMORY_BUDGET = 2**30

# Like the builtin map: a function and what it is applied to, one by one, give the results in the same order.
Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


def check_memory(needed: int, budget: int, what: str) -> None:
    """InputError where `what` needs more than `budget` bytes."""
    if needed > budget:
        raise InputError(f"{what} needs {needed >> 20} MiB; allowed are {budget >> 20} MiB")


def check_device(device: str) -> None:
    """InputError where "cuda" is asked for and not there."""
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device must be cpu here: no CUDA device was found, not 'cuda'")


def trial_generator(seed: int, trial: int, device: str = "cpu") -> torch.Generator:
    """The randomness of one trial: a function of the cell's seed and the trial's number alone."""
    state = np.random.SeedSequence([seed, trial]).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state >> 1))


class _OneThread:
    """Holds torch to one thread from the first run that asks for it until the last one is over."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.holders = 0  # runs that are under way
        self.before = 1  # torch's threads before the first of them

    def hold(self) -> None:
        with self.lock:
            if self.holders == 0:
                self.before = torch.get_num_threads()
            self.holders += 1
            torch.set_num_threads(1)  # for every one of them: torch keeps the number for each thread, too

    def release(self) -> None:
        with self.lock:
            self.holders -= 1
            if self.holders == 0:
                torch.set_num_threads(self.before)


_ONE_THREAD = _OneThread()  # one for the whole process, as torch's number of threads is


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread a simulation: sums in one order, and workers that do not fight for cores.

    In a pool of threads the last to leave gives torch its number of threads back.
    """
    _ONE_THREAD.hold()
    try:
        yield
    finally:
        _ONE_THREAD.release()
