"""The recorded experiments: a name and a profile give a record, the same one to the bit on one kind of CPU."""

from __future__ import annotations

import functools
import importlib
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from typing import Any

from reversible.arithmetic import arithmetic
from reversible.checks import InputError, one_of
from reversible.compare import rows_of, text
from reversible.meaning import meaning_of
from reversible.results import Record, provenance
from reversible.sweep import Experiment, Journal, Pairs, mapped

PROFILES = ("smoke", "book", "paper")
FLOAT64_TOLERANCE = 1e-3  # relative, of a relative error

# By module, so that a record and a chapter depend on the code they use and on no other.
MODULES: dict[str, tuple[str, ...]] = {
    "reversible.experiments.lemmas": ("code-law", "baby-theorem", "technical-lemma"),
    "reversible.experiments.single_layer": (
        "unbiased-inference", "linf-rate", "theorem-2-3", "regime-map", "inference-dropout", "relu-and-offset",
    ),
    "reversible.experiments.random_like": ("weight-families", "digits-reversal"),
    "reversible.experiments.multi_layer": ("middle-and-top", "theorem-3-1", "theorem-3-2", "depth-limit"),
    "reversible.experiments.depth_laws": (
        "two-layer-gain", "depth-law", "finite-width", "stacked-offsets", "phase-transitions",
    ),
    "reversible.experiments.reversal_map": ("reversal-map",),
    "reversible.experiments.law_grid": ("law-grid", "law-grid-nets"),
    "reversible.experiments.spectral_laws": ("spectral-laws", "planted-spikes", "verdict-rule"),
    "reversible.experiments.net_spectra": ("net-spectra",),
    "reversible.experiments.real_nets": ("net-reversal", "training-travel"),
    "reversible.experiments.shadow_training": ("shadow", "shadow-ablations", "shadow-gpu"),
    "reversible.experiments.shadow_digits": ("shadow-digits", "ablations-digits"),
    "reversible.experiments.shadow_long": ("shadow-long",),
}  # fmt: skip
NAMES = tuple(name for names in MODULES.values() for name in names)


def module_of(name: str) -> str:
    """The module that holds the experiment `name`; InputError for a name that is none."""
    one_of("experiment", name, NAMES)
    return next(module for module, names in MODULES.items() if name in names)


def find(name: str) -> Experiment:
    """The experiment `name`; InputError for a name that is none."""
    return importlib.import_module(module_of(name)).EXPERIMENTS[name]


@dataclass(frozen=True)
class Asked:
    """A cell, and what is chosen for it already; None: it chooses by itself."""

    cell: Any
    choice: Any = None


@dataclass(frozen=True)
class Done:
    """What came out of a cell, and the kind of arithmetic it was made by, wherever that was."""

    result: Any
    arithmetic: dict[str, str]


def run(
    name: str, profile: str, rules: dict[str, str] | None = None, progress: bool = False,
    executor: Executor | None = None, device: str = "cpu", journal: Journal | None = None,
) -> Record:  # fmt: skip
    """Run the experiment `name` in `profile`; `rules` are the digests of the rules that will read the record.

    Cells run on `executor` (None: here), those that have a device on `device`; what is finished is kept in `journal`.
    The measures are the same to the bit wherever on CPUs of one kind the cells ran, but for those of time. On "cuda" a
    sample of simulations is checked against double precision, and InputError is raised where they differ, or where no
    CUDA device is.
    """
    asked = [Asked(cell) for cell in cells_of(name, profile, device)]
    return _run(name, profile, asked, rules, progress, executor, device, journal)[0]


def again(
    recorded: Record, profile: str, progress: bool = False, executor: Executor | None = None,
    journal: Journal | None = None,
) -> tuple[Record, frozenset[str]]:  # fmt: skip
    """Run a record's experiment once more on CPUs, and give with it the measures that hang on other choices.

    What the record chose on its way, learning rates say, is taken from it; in the profile `paper` it is chosen again.
    """
    name, rows = recorded.experiment, {} if profile == "paper" else rows_of(recorded)
    choice = find(name).choice or (lambda row: None)
    cells = cells_of(name, profile)
    rows_then = [rows.get(text(asdict(cell))) for cell in cells]
    asked = [Asked(cell, row and choice(row)) for cell, row in zip(cells, rows_then, strict=True)]
    now, pairs = _run(name, profile, asked, None, progress, executor, "cpu", journal)
    return now, _touched(recorded, now, pairs)


def _run(
    name: str, profile: str, asked: list[Asked], rules: dict[str, str] | None, progress: bool,
    executor: Executor | None, device: str, journal: Journal | None,
) -> tuple[Record, Pairs]:  # fmt: skip
    start, cells = time.perf_counter(), [item.cell for item in asked]
    where = provenance(module_of(name), device, 0.0, name)  # as the code is now; it may be edited before the end
    if device != "cpu":
        where |= _float64_check(cells)
    done: list[Done] = mapped(
        functools.partial(run_cell, name), asked, executor=executor, journal=journal, label=name, progress=progress
    )
    pairs = [(cell, one.result) for cell, one in zip(cells, done, strict=True)]
    kinds = {text(one.arithmetic): one.arithmetic for one in done}
    where["arithmetic"] = [kinds[kind] for kind in sorted(kinds)]
    record = Record(
        experiment=name,
        profile=profile,
        parameters={"cells": [asdict(cell) for cell in cells]},
        measures=find(name).measure(pairs),
        rows=[asdict(result) for _, result in pairs],
        rules=rules or {},
        provenance=where | {"seconds": round(time.perf_counter() - start, 1)},
    )
    return record, pairs


def _touched(recorded: Record, now: Record, pairs: Pairs) -> frozenset[str]:
    """The measures of `now` that come out otherwise without the cells in which another choice was made."""
    experiment = find(now.experiment)
    if experiment.choice is None:
        return frozenset()
    chosen_then, chosen_now = (
        {cell: experiment.choice(row) for cell, row in rows_of(record).items()} for record in (recorded, now)
    )
    other = {cell for cell, choice in chosen_now.items() if chosen_then.get(cell, choice) != choice}
    kept = experiment.measure([pair for pair in pairs if text(asdict(pair[0])) not in other]) if other else now.measures
    return frozenset(name for name, estimate in now.measures.items() if kept.get(name) != estimate)


def cells_of(name: str, profile: str, device: str = "cpu") -> list[Any]:
    """The cells of the experiment `name`, those that have a device on `device`; InputError for what is not there."""
    experiment = find(name)
    one_of("profile", profile, PROFILES)
    cells = experiment.cells(profile)
    if one_of("device", device, ("cpu", "cuda")) == "cpu":
        return cells
    from reversible.simulate import check_device

    check_device(device)
    if not any(hasattr(cell, "device") for cell in cells):
        raise InputError(f"device must be cpu for {name}, which has no cells for another one, not {device!r}")
    return [replace(cell, device=device) if hasattr(cell, "device") else cell for cell in cells]


def key_of(name: str, profile: str, device: str = "cpu") -> tuple[str, ...]:
    """What such a run's journal is called by: the request and the meaning of the experiment."""
    return "run", name, profile, device, meaning_of(name, module_of(name)).digest


def run_cell(name: str, asked: Asked) -> Done:
    """One cell of the experiment `name`."""
    chosen = () if asked.choice is None else (asked.choice,)
    return Done(on_one_thread(find(name).run_cell, asked.cell, *chosen), arithmetic())


def on_one_thread(run: Callable[..., Any], *what: Any) -> Any:
    """What every cell is run by: one thread, so that sums are in one order."""
    from reversible.simulate import one_thread

    with one_thread():
        return run(*what)


def _float64_check(cells: list[Any]) -> dict[str, float]:
    """The largest `precision_check` of three single layers among simulated cells; of a deep net the top layer is taken.

    Training has no law that it could be off.
    """
    from reversible.multi_layer import MultiLayer
    from reversible.simulate import OneLayer, precision_check

    layers = [cell.layer(cell.depth - 1) if isinstance(cell, MultiLayer) else cell for cell in cells]
    layers = [layer for layer in layers if isinstance(layer, OneLayer)]
    if not layers:
        return {}
    worst = max(precision_check(layers[place]) for place in {0, len(layers) // 2, len(layers) - 1})
    if not worst <= FLOAT64_TOLERANCE:
        raise InputError(f"single precision on this device is {worst:.2g} off double; allowed is {FLOAT64_TOLERANCE}")
    return {"float64_check": worst}
