"""What `reversible spectrum` found, as lines of text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reversible.cli.common import aligned

if TYPE_CHECKING:
    from reversible.spectra.weight_files import Waiting

FEW = 3  # lines of what was left out for one reason, each with its name; of more one line tells


def table(rows: list[dict[str, Any]]) -> str:
    """One aligned line a matrix."""
    head, *lines = cells(rows)
    return aligned([head, *lines], left=(0, 1, len(head) - 1))


def cells(rows: list[dict[str, Any]]) -> list[list[str]]:
    """A head and a line a matrix; in brackets the same of its entries in random order, of spikes of its own scales."""
    null, scaled = (" (permuted)", " (scaled)") if rows[0]["nulls"] else ("", "")
    heads = ["layer", "shape", "rank", "sigma", "kurtosis", f"ks{null}", "edges", "largest", f"spikes{scaled}"]
    lines = [[*heads, "stable rank", f"alpha{null}", "verdict"]]
    for row in rows:
        sigma, kurtosis, largest, rank = (short(row[name]) for name in ("sigma", "kurtosis", "largest", "stable_rank"))
        edges = "-" if row["edge_low"] is None else f"{short(row['edge_low'])}..{short(row['edge_high'])}"
        ks, alpha = (short(row[name]) + _beside(row["nulls"], name) for name in ("ks", "alpha"))
        spikes = f"{whole(row['n_spikes'])}{_beside(row['nulls'], 'n_spikes', 'scaled')}"
        full = min(row["shape_used"])
        of = str(full) if row["rank"] == full else f"{row['rank']} of {full}"
        numbers = [of, sigma, kurtosis, ks, edges, largest, spikes, rank, alpha]
        lines.append([row["layer"], times(row["shape"]), *numbers, row["verdict"]])
    return lines


def short(number: float | None) -> str:
    return "-" if number is None else f"{number:.3g}"


def whole(number: int | None) -> str:
    return "-" if number is None else str(number)


def _beside(nulls: dict[str, Any], name: str, null: str = "permuted") -> str:
    return f" ({short(nulls.get(null, {}).get(name))})" if nulls else ""


def what(name: str, shape: Sequence[int]) -> str:
    return f"{name}, {times(shape)}" if shape else name


def times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def made(layers: Sequence[Waiting]) -> list[str]:
    """A line for each way in which layers are put together."""
    ways: dict[str, list[str]] = {}
    for layer in layers:
        if layer.made:
            ways.setdefault(layer.made, []).append(layer.name)
    return [f"{few(names)} {'is' if len(names) == 1 else 'are each'} {made}" for made, names in ways.items()]


def few(names: Sequence[str]) -> str:
    more = len(names) - FEW
    return ", ".join(names[:FEW]) + (f" and {more} more" if more > 0 else "")


def few_lines(lines: Sequence[str]) -> str:
    """In one line, of many the first."""
    return "; ".join(lines[:FEW]) + (f"; and {len(lines) - FEW} lines more" if len(lines) > FEW else "")


def say(lines: Sequence[str]) -> None:
    """Beside what is measured, on the error stream."""
    for line in lines:
        print(f"reversible: {line}", file=sys.stderr)
