"""A record measured again: its measures read off its rows by the code that is here, without a run.

The rows of a record hang on its cells and on what ran them; the measures hang on the rows and on what reads them. So
where only the reading was edited, an interval say, nothing has to be run. The record keeps its rows, the provenance of
its run and the digests of the rules as they stood then: what is measured otherwise is judged by the rule that was
there before, and a rule that was edited since still shows. Beside the run's provenance it says, under `measured`, by
which code and when the measures were read.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any, get_args, get_type_hints

from reversible.base.checks import InputError
from reversible.base.rebuilt import rebuilt
from reversible.records.record import Record, provenance
from reversible.runs.experiment import Absent, Experiment, Pairs

KEPT = ("meaning", "runs", "definitions", "commit", "versions", "date")  # what is said of the code that read the rows


def measured_again(experiment: Experiment, record: Record) -> Record:
    """The record with its measures as the code that is here reads them off its rows.

    InputError for a record of another experiment, where what made the rows has changed since, where the cells of its
    profile are others by now, and where its rows are not what its experiment gives.
    """
    name = record.experiment
    if name != experiment.name:
        raise InputError(f"the record must be one of {experiment.name}, not of {name}")
    if changed := record.runs_changed_since:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        by = f"changed since the run: {', '.join(changed[:3])}{more}"
        raise InputError(f"{name} cannot be measured again, for what made its rows has {by}")
    if _without_device(map(asdict, experiment.cells(record.profile))) != _without_device(record.parameters["cells"]):
        raise InputError(f"{name} cannot be measured again, for the profile {record.profile} has other cells by now")
    measures = experiment.measure(pairs_of(experiment, record))
    now = provenance(experiment.module, "cpu", 0.0, name)
    measured = {field: now[field] for field in KEPT}
    return replace(record, measures=measures, provenance=record.provenance | {"measured": measured})


def pairs_of(experiment: Experiment, record: Record) -> Pairs:
    """The cells of a record and their results, as its experiment made them, of one kind or of several.

    InputError for a cell or a row that is not what JSON keeps of them: nothing is made up.
    """
    cells, results = kinds_of(experiment)
    return [
        (_rebuilt(cells, cell, f"cell {place}"), _rebuilt([*results, Absent], row, f"row {place}"))
        for place, (cell, row) in enumerate(record.pairs(), start=1)
    ]


def kinds_of(experiment: Experiment) -> tuple[list[type], list[type]]:
    """The classes of an experiment's cells and of its results but for `Absent`, by the hints of what runs a cell."""
    asked, *_, returned = get_type_hints(experiment.run_cell).values()
    cells, results = ([k for k in (*get_args(hint), hint) if isinstance(k, type)] for hint in (asked, returned))
    return cells, [kind for kind in results if kind is not Absent]


def _rebuilt(kinds: Sequence[type], kept: dict[str, Any], what: str) -> Any:
    """Of one of these dataclasses: the one that has all these fields and no other."""
    for kind in kinds:
        if set(kept) == {field.name for field in fields(kind)}:
            with contextlib.suppress(TypeError, ValueError):  # of a part that is none of its kind
                if _as_json(found := rebuilt(kind, kept)) == kept:
                    return found
    wanted = " or ".join(", ".join(field.name for field in fields(kind)) for kind in kinds)
    raise InputError(f"{what} must hold {wanted} as its experiment gives them, not {', '.join(kept) or 'nothing'}")


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(asdict(value)))


def _without_device(cells: Any) -> list[dict[str, Any]]:
    """As JSON has them; the device is the run's own, whatever the profile says."""
    as_kept = json.loads(json.dumps([*cells]))
    return [{name: value for name, value in cell.items() if name != "device"} for cell in as_kept]
