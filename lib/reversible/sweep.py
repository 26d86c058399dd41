"""An experiment is a list of independent cells; a sweep maps a function over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from reversible.estimates import Estimate

Pairs = list[tuple[Any, Any]]


@dataclass(frozen=True)
class Experiment:
    """Independent cells, a function that runs one of them, and what is read off all of them together."""

    title: str
    cells: Callable[[str], list[Any]]  # profile -> frozen dataclasses of parameters, each with its own seed
    run_cell: Callable[[Any], Any]  # a cell -> a frozen dataclass of results
    measure: Callable[[Pairs], dict[str, Estimate]]  # (cell, result) pairs -> named measures


def sweep(experiment: Experiment, profile: str, name: str = "", progress: bool = False) -> Pairs:
    """Run every cell of `experiment` in `profile`, with a progress bar on a terminal if asked for."""
    cells = experiment.cells(profile)
    shown = tqdm(cells, desc=name, unit="cell", disable=None if progress else True)
    return [(cell, experiment.run_cell(cell)) for cell in shown]
