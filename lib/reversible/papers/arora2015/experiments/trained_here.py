"""The nets that the experiments of section 4.1 look at: pretrained ones by name, and those trained here."""

from __future__ import annotations

import functools

from reversible.nets.net import Net
from reversible.training.config import Training
from reversible.training.run import Run, trained

LENETS = ("lenet300_100_dense", "lenet300_100_sparse")


@functools.lru_cache(maxsize=8)
def trained_nets(p: Training) -> tuple[Net, ...]:
    """The nets of a stack at the end of its training, one a seed."""
    run = Run(p)
    trained(p, run)
    return tuple(run.stack.nets())


SCHEDULES = {
    "digits": Training(data="digits", hidden=(40, 20), steps=1000, lr=0.03, batch=50, seeds=(0,)),
    "mnist": Training(data="mnist", hidden=(300, 100), steps=3000, lr=0.03, batch=100, seeds=(0,)),
}
