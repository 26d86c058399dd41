"""The nets that the experiments of section 4.1 look at: pretrained ones by name, and those trained here."""

from __future__ import annotations

import functools

from reversible.training.config import Training
from reversible.training.run import final_net

LENETS = ("lenet300_100_dense", "lenet300_100_sparse")

trained_net = functools.lru_cache(maxsize=8)(final_net)

SCHEDULES = {
    "digits": Training(data="digits", hidden=(40, 20), steps=1000, lr=0.03, batch=50, seeds=(0,)),
    "mnist": Training(data="mnist", hidden=(300, 100), steps=3000, lr=0.03, batch=100, seeds=(0,)),
}
