"""The recorded experiments: a name and a profile give a record, the same one to the bit on the same machine."""

from __future__ import annotations

import importlib
import time
from dataclasses import asdict

from reversible.checks import one_of
from reversible.results import Record, provenance
from reversible.sweep import Experiment, sweep

PROFILES = ("smoke", "book", "paper")

# By module, so that a record and a chapter depend on the code they use and on no other.
MODULES: dict[str, tuple[str, ...]] = {
    "reversible.experiments.lemmas": ("code-law", "baby-theorem", "technical-lemma"),
    "reversible.experiments.single_layer": (
        "unbiased-inference", "linf-rate", "theorem-2-3", "regime-map", "inference-dropout", "relu-and-offset",
    ),
    "reversible.experiments.random_like": ("weight-families", "digits-reversal"),
}  # fmt: skip
NAMES = tuple(name for names in MODULES.values() for name in names)


def module_of(name: str) -> str:
    """The module that holds the experiment `name`; InputError for a name that is none."""
    one_of("experiment", name, NAMES)
    return next(module for module, names in MODULES.items() if name in names)


def find(name: str) -> Experiment:
    """The experiment `name`; InputError for a name that is none."""
    return importlib.import_module(module_of(name)).EXPERIMENTS[name]


def run(name: str, profile: str, rules: dict[str, str] | None = None, progress: bool = False) -> Record:
    """Run the experiment `name` in `profile`; `rules` are the digests of the rules that will read the record."""
    experiment = find(name)
    one_of("profile", profile, PROFILES)
    start = time.perf_counter()
    pairs = sweep(experiment, profile, name, progress)
    return Record(
        experiment=name,
        profile=profile,
        parameters={"cells": [asdict(cell) for cell, _ in pairs]},
        measures=experiment.measure(pairs),
        rows=[asdict(result) for _, result in pairs],
        rules=rules or {},
        provenance=provenance(module_of(name), "cpu", time.perf_counter() - start),
    )
