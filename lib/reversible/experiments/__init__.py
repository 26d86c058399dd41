"""The recorded experiments: a name and a profile give a record, always the same one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from reversible.checks import one_of
from reversible.estimates import Estimate
from reversible.experiments import lemmas
from reversible.experiments import random_like as like
from reversible.experiments import single_layer as single
from reversible.results import Record, provenance
from reversible.simulate import one_layer

PROFILES = ("smoke", "book", "paper")


@dataclass(frozen=True)
class Experiment:
    """Independent cells, a function that runs one of them, and what is read off all of them together."""

    title: str
    cells: Callable[[str], list[Any]]  # profile -> frozen dataclasses of parameters, each with its own seed
    run_cell: Callable[[Any], Any]  # a cell -> a frozen dataclass of results
    measure: Callable[[list[tuple[Any, Any]]], dict[str, Estimate]]  # (cell, result) pairs -> named measures


EXPERIMENTS: dict[str, Experiment] = {
    "code-law": Experiment("How large an entry of a code gets", lemmas.code_law_cells, lemmas.code_law, lemmas.code_law_measures),
    "baby-theorem": Experiment("The linear net on binary codes", lemmas.baby_cells, lemmas.baby_theorem, lemmas.baby_measures),
    "technical-lemma": Experiment("Moments of w relu(wh + xi)", lemmas.lemma_cells, lemmas.technical_lemma, lemmas.lemma_measures),
    "unbiased-inference": Experiment("Gain and noise", single.unbiased_cells, one_layer, single.unbiased_measures),
    "linf-rate": Experiment("Largest error of a coordinate", single.linf_cells, one_layer, single.linf_measures),
    "theorem-2-3": Experiment("Relative error, proof's offset", single.theorem_cells, one_layer, single.theorem_measures),
    "regime-map": Experiment("Relative error over k and t", single.regime_cells, one_layer, single.regime_measures),
    "inference-dropout": Experiment("Dropout at inference", single.dropout_cells, one_layer, single.dropout_measures),
    "relu-and-offset": Experiment("Linear, ReLU, offsets, threshold", single.offset_cells, one_layer, single.offset_measures),
    "weight-families": Experiment("Weights of other laws", like.family_cells, one_layer, like.family_measures),
    "digits-reversal": Experiment("Digits up and down", like.digits_cells, like.digits_reversal, like.digits_measures),
}


def run(name: str, profile: str, rules: dict[str, str] | None = None, progress: bool = False) -> Record:
    """Run the experiment `name` in `profile`; `rules` are the digests of the rules that will read the record."""
    experiment = EXPERIMENTS[one_of("experiment", name, EXPERIMENTS)]
    cells = experiment.cells(one_of("profile", profile, PROFILES))
    start = time.perf_counter()
    results = [experiment.run_cell(cell) for cell in tqdm(cells, desc=name, unit="cell", disable=None if progress else True)]
    pairs = list(zip(cells, results, strict=True))
    return Record(
        experiment=name,
        profile=profile,
        parameters={"cells": [asdict(cell) for cell in cells]},
        measures=experiment.measure(pairs),
        rows=[asdict(result) for result in results],
        rules=rules or {},
        provenance=provenance(experiment.measure.__module__, "cpu", time.perf_counter() - start),
    )
