"""`reversible spectrum BEFORE AFTER`: layers of two nets side by side, and what has moved in each."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from reversible.base.checks import InputError, integer
from reversible.cli import spectrum_files as files
from reversible.cli.common import aligned
from reversible.cli.spectrum_measure import Asked, Measured, measured, of_matrix
from reversible.cli.spectrum_table import few_lines, made, say, short, times, what, whole

if TYPE_CHECKING:
    from reversible.show.histograms import Panel
    from reversible.spectra.matrix import Row
    from reversible.spectra.pairs import Moved
    from reversible.spectra.weight_files import Net, Waiting

PARTS = ("before", "after", "update")
CHANGED = ("sigma", "kurtosis", "n_spikes", "largest", "alpha")
COPIES = 3  # of a layer that are held beside what measuring one takes, in double precision
ARROW = " -> "


@dataclass(frozen=True)
class Both:
    """A layer of either net."""

    before: Waiting
    after: Waiting

    @property
    def name(self) -> str:
        return self.before.name

    @property
    def shape(self) -> tuple[int, ...]:
        return self.before.shape

    @property
    def work(self) -> float:
        return len(PARTS) * self.before.work

    @property
    def memory(self) -> int:
        return self.before.memory + COPIES * 8 * int(np.prod(self.shape))


@dataclass(frozen=True)
class Pair:
    """A matrix before and after, and their difference, each as a matrix by itself; what has moved, and a sentence."""

    layer: str
    shape: tuple[int, int]
    says: str
    moved: Moved
    rows: dict[str, Row | None]  # of PARTS; none where it cannot be measured
    why: dict[str, str] = field(default_factory=dict)  # of those

    def verdict(self, part: str) -> str:
        row = self.rows[part]
        return row.verdict if row else "-"

    def value(self, part: str, name: str) -> Any:
        row = self.rows[part]
        return None if row is None else getattr(row.measured, name)

    def to_json(self) -> dict[str, Any]:
        rows = {part: row and row.to_json() for part, row in self.rows.items()}
        head = {"layer": self.layer, "shape": list(self.shape), "says": self.says}
        return {**head, "moved": asdict(self.moved), **rows, "not_measured": self.why}

    def flat(self) -> dict[str, Any]:
        from reversible.spectra.matrix import to_frame

        line = {"layer": self.layer, "rows": self.shape[0], "columns": self.shape[1], "says": self.says}
        line |= asdict(self.moved)
        for part, row in self.rows.items():
            of_row = to_frame([row]).iloc[0].to_dict() if row else {}
            line |= {f"{key}_{part}": value for key, value in of_row.items() if key not in ("layer", "rows", "columns")}
        return line


def compared(arguments: argparse.Namespace, asked: Asked) -> int:
    """Two nets, layer by layer."""
    from reversible.spectra import weight_files as weights

    chosen = (arguments.memory, arguments.layer, arguments.skip, arguments.axes)
    sources = arguments.weights, arguments.other
    with weights.opened(sources[0], *chosen) as before, weights.opened(sources[1], *chosen) as after:
        both, left = matched((before, after), sources, integer("memory", arguments.memory) << 20)
        found = measured(both, asked, of_both)
        notes = list(dict.fromkeys(line for net in (before, after) for line in (*net.notes, *made(net.layers))))
    found.left += left
    if not found.rows:
        raise InputError(f"no layer of {sources[0]!r} can be compared with {sources[1]!r}; {few_lines(found.lines())}")
    say([*notes, *(f"skipped {line}" for line in found.lines())])
    _show(found.rows, arguments)
    files.write(arguments, lambda: _report(found, sources, notes, asked))
    return 0


def matched(nets: tuple[Net, Net], sources: Sequence[str], budget: int) -> tuple[list[Both], list[tuple[str, str]]]:
    """Layers of one name and shape in both nets; of the others a name, and why they cannot be compared."""
    first, second = ({layer.name: layer for layer in net.layers} for net in nets)
    skipped = [{each.name: each for each in net.skipped} for net in nets]
    both, left = list[Both](), list[tuple[str, str]]()
    for name, layer in first.items():
        other = second.get(name)
        pair = other and Both(layer, other)
        if pair is None:
            if name not in skipped[1]:
                left.append((what(name, layer.shape), f"it is in {sources[0]!r} alone"))
        elif layer.shape != pair.after.shape:
            left.append((what(name, layer.shape), f"in {sources[1]!r} it is {times(pair.after.shape)}"))
        elif pair.memory > budget:
            needs = f"two of it need {-(-pair.memory >> 20)} MiB; allowed are {budget >> 20} MiB"
            left.append((what(name, layer.shape), needs))
        else:
            both.append(pair)
    alone = [layer for name, layer in second.items() if name not in first and name not in skipped[0]]
    left += [(what(layer.name, layer.shape), f"it is in {sources[1]!r} alone") for layer in alone]
    told = dict.fromkeys((what(each.name, each.shape), each.why) for net in nets for each in net.skipped)
    return both, [*left, *told]


def of_both(task: Both, asked: Asked) -> Measured:
    """The pairs of a layer's matrices, or why there are none."""
    from reversible.spectra import weight_files as weights

    try:
        parts = [weights.matrices(layer.load(), asked.positions) for layer in (task.before, task.after)]
    except InputError as error:
        return Measured([], [(what(task.name, task.shape), str(error))])
    found = Measured([])
    for (at, before), (_, after) in zip(*parts, strict=True):
        try:
            pair, pictures = _pair(task.name + at, before, after, asked)
        except MemoryError:
            found.left.append((what(task.name + at, before.shape), "there is not enough memory to compare it"))
            continue
        found.rows.append(pair)
        found.pictures.append(pictures)
    return found


def _pair(name: str, before: np.ndarray, after: np.ndarray, asked: Asked) -> tuple[Pair, dict[str, Any]]:
    from reversible.spectra.pairs import compared as compared_matrices

    rows, pictures, why = {}, {}, {}
    update = np.subtract(after, before, dtype=float)
    for part, matrix in zip(PARTS, (before, after, update), strict=True):
        rows[part], pictures[part], reason = of_matrix(name, matrix, asked)
        if reason:
            why[part] = reason
    moved, says = compared_matrices(before, after, rows["update"])
    return Pair(name, (before.shape[0], before.shape[1]), says, moved, rows, why), pictures


# --- as text ----------------------------------------------------------------------------------------------------------


def _show(pairs: list[Pair], arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps([pair.to_json() for pair in pairs], indent=1, allow_nan=False))
    elif arguments.csv:
        import pandas as pd

        print(pd.DataFrame([pair.flat() for pair in pairs]).to_csv(index=False).rstrip())
    else:
        head, *lines = cells(pairs)
        told = [f"{pair.layer}: {pair.says}" for pair in pairs]
        print("\n".join([aligned([head, *lines], left=(0, 1, len(head) - 2, len(head) - 1)), "", *told]))


def cells(pairs: list[Pair]) -> list[list[str]]:
    """A head and a line a matrix: how far it has moved, and what was measured before and after."""
    from reversible.spectra.pairs import is_low

    heads = ["layer", "shape", "change", "zeros", "overlap", "sigma", "kurtosis", "spikes", "largest", "alpha"]
    lines = [[*heads, "verdict on the update", "verdict"]]
    for pair in pairs:
        m = pair.moved
        zeros = _both(short(m.zeros_before), short(m.zeros_after))
        values = [_both(*(_told(pair.value(part, name)) for part in PARTS[:2])) for name in CHANGED]
        verdict = _both(pair.verdict("before"), pair.verdict("after"))
        spikes, low = pair.value("update", "n_spikes"), is_low(m, pair.shape)
        update = pair.verdict("update") + (f" (rank {m.rank})" if low else f" ({spikes})" if spikes else "")
        line = [pair.layer, times(pair.shape), short(m.change), zeros, short(m.overlap), *values, update, verdict]
        lines.append(line)
    return lines


def _told(value: float | None) -> str:
    return whole(value) if isinstance(value, int) else short(value)


def _both(before: str, after: str) -> str:
    return before if before == after else f"{before}{ARROW}{after}"


# --- as a page --------------------------------------------------------------------------------------------------------


def _report(found: Measured, sources: Sequence[str], notes: list[str], asked: Asked) -> files.Report:
    pairs: list[Pair] = found.rows
    sections = [
        files.Section(pair.layer, [f"{pair.layer}: {pair.says}."], _panels(pair, pictures))
        for pair, pictures in zip(pairs, found.pictures, strict=True)
    ]
    verdicts = [pair.verdict(part) for pair in pairs for part in PARTS]
    others = sum(pair.verdict("before") != pair.verdict("after") for pair in pairs)
    summary = f"{len(pairs)} matrices were compared; of {others} the verdict has changed."
    title = f"What has moved from {sources[0]} to {sources[1]}?"
    names, how = ARROW.join(sources), (HOW, *asked.words())
    return files.Report(title, names, cells(pairs), sections, summary, verdicts, notes, found.lines(), how)


HOW = (
    "In this table change is the size of the difference over the size before, zeros the share of entries that are "
    "zero, and overlap the largest cosine of one of the five largest singular components before with one of those "
    "after; it is near 0 for matrices that have nothing to do with each other. The difference is judged as a matrix, "
    "too; in brackets is its rank where that is low, and else the number of its spikes."
)


def _panels(pair: Pair, pictures: dict[str, Any]) -> list[Panel]:
    from reversible.show.histograms import Panel

    size = times(pair.shape)
    return [
        Panel(f"{pair.layer}, {part}", f"{size}, {pair.verdict(part)}", pictures[part], pair.value(part, "n_spikes"))
        for part in PARTS
    ]
