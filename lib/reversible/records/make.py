"""A record is made: an experiment and a profile give it, the same one to the bit on one kind of CPU."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from typing import Any

from reversible.base.arithmetic import arithmetic
from reversible.base.checks import InputError, one_of
from reversible.base.journal import Journal
from reversible.base.meaning import meaning_of
from reversible.records.compare import rows_of, text
from reversible.records.record import Record, provenance
from reversible.runs.experiment import PROFILES, Experiment, Pairs, on_one_thread
from reversible.runs.sweep import mapped

FLOAT64_TOLERANCE = 1e-3  # relative, of a relative error


@dataclass(frozen=True)
class Asked:
    """A cell, and what is chosen for it already; None: it chooses by itself."""

    cell: Any
    choice: Any = None


@dataclass(frozen=True)
class Done:
    """What came out of a cell, the kind of arithmetic it was made by, wherever that was, and how long it took."""

    result: Any
    arithmetic: dict[str, str]
    seconds: float = 0.0


def run(
    experiment: Experiment, profile: str, rules: dict[str, str] | None = None, progress: bool = False,
    executor: Executor | None = None, device: str = "cpu", journal: Journal | None = None,
) -> Record:  # fmt: skip
    """Run an experiment in `profile`; `rules` are the digests of the rules that will read the record.

    Cells run on `executor` (None: here), those that have a device on `device`; what is finished is kept in `journal`.
    The measures are the same to the bit wherever on CPUs of one kind the cells ran, but for those of time. On "cuda" a
    sample of simulations is checked against double precision, and InputError is raised where they differ, or where no
    CUDA device is.
    """
    asked = [Asked(cell) for cell in cells_of(experiment, profile, device)]
    return _run(experiment, profile, asked, rules, progress, executor, device, journal)[0]


def again(
    experiment: Experiment, recorded: Record, profile: str, progress: bool = False, executor: Executor | None = None,
    journal: Journal | None = None,
) -> tuple[Record, frozenset[str]]:  # fmt: skip
    """Run a record's experiment once more on CPUs, and give with it the measures that hang on other choices.

    What the record chose on its way, learning rates say, is taken from it; in the profile `full` it is chosen again.
    """
    rows = {} if profile == "full" else rows_of(recorded)
    choice = experiment.choice or (lambda row: None)
    cells = cells_of(experiment, profile)
    rows_then = [rows.get(text(asdict(cell))) for cell in cells]
    asked = [Asked(cell, row and choice(row)) for cell, row in zip(cells, rows_then, strict=True)]
    now, pairs = _run(experiment, profile, asked, None, progress, executor, "cpu", journal)
    return now, _touched(experiment, recorded, now, pairs)


def _run(
    experiment: Experiment, profile: str, asked: list[Asked], rules: dict[str, str] | None, progress: bool,
    executor: Executor | None, device: str, journal: Journal | None,
) -> tuple[Record, Pairs]:  # fmt: skip
    cells = [item.cell for item in asked]
    # The code as it is now; it may be edited before the end.
    where = provenance(experiment.module, device, 0.0, experiment.name)
    if device != "cpu":
        where |= _float64_check(experiment, cells)
    cell = functools.partial(run_cell, experiment.run_cell)
    done: list[Done] = mapped(cell, asked, executor=executor, journal=journal, label=experiment.name, progress=progress)
    pairs = [(cell, one.result) for cell, one in zip(cells, done, strict=True)]
    kinds = {text(one.arithmetic): one.arithmetic for one in done}
    where["arithmetic"] = [kinds[kind] for kind in sorted(kinds)]
    record = Record(
        experiment=experiment.name,
        profile=profile,
        parameters={"cells": [asdict(cell) for cell in cells]},
        measures=experiment.measure(pairs),
        rows=[asdict(result) for _, result in pairs],
        rules=rules or {},
        provenance=where | {"seconds": round(sum(one.seconds for one in done), 1)},
    )
    return record, pairs


def _touched(experiment: Experiment, recorded: Record, now: Record, pairs: Pairs) -> frozenset[str]:
    """The measures of `now` that come out otherwise without the cells in which another choice was made."""
    if experiment.choice is None:
        return frozenset()
    chosen_then, chosen_now = (
        {cell: experiment.choice(row) for cell, row in rows_of(record).items()} for record in (recorded, now)
    )
    other = {cell for cell, choice in chosen_now.items() if chosen_then.get(cell, choice) != choice}
    kept = experiment.measure([pair for pair in pairs if text(asdict(pair[0])) not in other]) if other else now.measures
    return frozenset(name for name, estimate in now.measures.items() if kept.get(name) != estimate)


def cells_of(experiment: Experiment, profile: str, device: str = "cpu") -> list[Any]:
    """The cells of an experiment, those that have a device on `device`; InputError for what is not there."""
    one_of("profile", profile, PROFILES)
    cells = experiment.cells(profile)
    if one_of("device", device, ("cpu", "cuda")) == "cpu":
        return cells
    from reversible.base.runtime import check_device  # brings torch, which takes seconds: not for --help

    check_device(device)
    if not any(hasattr(cell, "device") for cell in cells):
        name = experiment.name
        raise InputError(f"device must be cpu for {name}, which has no cells for another one, not {device!r}")
    return [replace(cell, device=device) if hasattr(cell, "device") else cell for cell in cells]


def key_of(experiment: Experiment, profile: str, device: str = "cpu") -> tuple[str, ...]:
    """What such a run's journal is called by: the request and the meaning of the experiment."""
    meaning = meaning_of(experiment.name, experiment.module).digest
    return "run", experiment.name, profile, device, meaning


def run_cell(run: Callable[..., Any], asked: Asked) -> Done:
    """One cell of an experiment, run by `run`, its `run_cell`."""
    start, chosen = time.perf_counter(), () if asked.choice is None else (asked.choice,)
    result = on_one_thread(run, asked.cell, *chosen)
    return Done(result, arithmetic(), time.perf_counter() - start)


def _float64_check(experiment: Experiment, cells: list[Any]) -> dict[str, float]:
    if not experiment.float64:
        return {}
    worst = experiment.float64(cells)
    if not worst <= FLOAT64_TOLERANCE:
        raise InputError(f"single precision on this device is {worst:.2g} off double; allowed is {FLOAT64_TOLERANCE}")
    return {"float64_check": worst}
