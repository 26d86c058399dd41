"""`reversible spectrum`: are the weights of somebody's net random-like?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from reversible.base.checks import InputError, integer
from reversible.cli.common import aligned
from reversible.runs.sweep import mapped


def options(parser: argparse.ArgumentParser) -> None:
    """Those of `reversible spectrum`."""
    add = parser.add_argument
    add("weights", metavar="WEIGHTS", help="a file .npy, .npz, .safetensors, .pt or .pth, or torchvision:NAME")
    add("--layer", metavar="NAME", help="this layer alone")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for machines: everything that was measured, nulls included")
    form.add_argument("--csv", action="store_true", help="the same as a table, one line a matrix")
    add("--no-nulls", dest="nulls", action="store_false", help="only the weights, no random matrices beside")
    add("--positions", action="store_true", help="of a convolution each position of its kernel, too")
    add("--seed", default="0", help="of the random matrices (default 0)")
    add("--memory", default="8192", help="budget in MiB (default 8192)")
    parser.set_defaults(call=_spectrum)


def _spectrum(arguments: argparse.Namespace) -> int:
    from reversible.spectra import matrix as spectra
    from reversible.spectra import weight_files as weights

    if arguments.csv and not find_spec("pandas"):
        raise InputError("--csv needs pandas, which is not installed: pip install 'reversible[book]'")
    seed = integer("seed", arguments.seed, low=0, high=2**32)
    layers = weights.read(arguments.weights, arguments.memory, arguments.layer)

    def measured(item: tuple[str, Any]) -> Any:
        """The row of a matrix, or why there is none: its numbers are finite, so it is small or all the same."""
        name, matrix = item
        try:
            return replace(spectra.analyse(matrix, nulls=arguments.nulls, seed=seed), layer=name)
        except InputError as error:
            return f"{name}, {_times(matrix.shape)}: {error}"

    items = [
        (layer.name + at, matrix) for layer in layers for at, matrix in weights.matrices(layer, arguments.positions)
    ]
    results = mapped(measured, items, label="spectrum", unit="layer", progress=True)
    skipped = [why for why in results if isinstance(why, str)]
    rows = [row for row in results if not isinstance(row, str)]
    if not rows:
        raise InputError(f"no layer of {arguments.weights!r} can be tested; {skipped[0]}")
    for why in skipped:
        print(f"reversible: skipped {why}", file=sys.stderr)
    shown = [row.to_json() for row in rows]
    if arguments.json:
        print(json.dumps(shown, indent=1, allow_nan=False))
    else:
        print(spectra.to_frame(rows).to_csv(index=False).rstrip() if arguments.csv else _table(shown))
    return 0


def _table(rows: list[dict[str, Any]]) -> str:
    """One aligned line a matrix; in brackets the same of its entries in random order, of spikes of its own scales."""
    null, scaled = (" (permuted)", " (scaled)") if rows[0]["nulls"] else ("", "")
    heads = ["layer", "shape", "sigma", "kurtosis", f"ks{null}", "edges", "largest", f"spikes{scaled}", "stable rank"]
    lines = [[*heads, f"alpha{null}", "verdict"]]
    for row in rows:
        sigma, kurtosis, largest, rank = (_short(row[name]) for name in ("sigma", "kurtosis", "largest", "stable_rank"))
        edges = f"{_short(row['edge_low'])}..{_short(row['edge_high'])}"
        ks, alpha = (_short(row[name]) + _beside(row["nulls"], name) for name in ("ks", "alpha"))
        spikes = f"{row['n_spikes']}{_beside(row['nulls'], 'n_spikes', 'scaled')}"
        numbers = [sigma, kurtosis, ks, edges, largest, spikes, rank, alpha]
        lines.append([row["layer"], _times(row["shape"]), *numbers, row["verdict"]])
    return aligned(lines, left=(0, 1, len(lines[0]) - 1))


def _short(number: float | None) -> str:
    return "-" if number is None else f"{number:.3g}"


def _beside(nulls: dict[str, Any], name: str, null: str = "permuted") -> str:
    return f" ({_short(nulls.get(null, {}).get(name))})" if nulls else ""


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
