"""`reversible spectrum`: are the weights of somebody's net random-like?"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from reversible.base.checks import InputError, integer, positive
from reversible.cli.common import aligned

if TYPE_CHECKING:
    from reversible.spectra.weight_files import Net, Waiting

FORMS = "a file of any name: .npy, .npz, .safetensors, of torch.save, HDF5 (Keras), ONNX, GGUF, msgpack (Flax)"
AXES = """
What is taken for granted: an array is (out, in) or (out, in, kernel...), as PyTorch has it, and its matrix is
out x (in * kernel). Arrays that are called kernel, and files of Keras, are taken as (kernel..., in, out), as Flax and
Keras have it; --axes torch or --axes flax says it of all. Nothing in a file is ever run."""
TRIED = (300, 200)  # a matrix that takes a moment
FEW = 3  # lines of what was left out for one reason, each with its name; of more one line tells


def options(parser: argparse.ArgumentParser) -> None:
    """Those of `reversible spectrum`."""
    parser.epilog = AXES
    add = parser.add_argument
    add("weights", metavar="WEIGHTS", help=f"{FORMS}; a folder; an index of shards; or torchvision:NAME")
    add("--layer", metavar="NAME", action="append", help="these layers alone, such as 'layers.1*'; may be repeated")
    add("--skip", metavar="NAME", action="append", help="not these; may be repeated")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for machines: everything that was measured, nulls included")
    form.add_argument("--csv", action="store_true", help="the same as a table, one line a matrix")
    add("--no-nulls", dest="nulls", action="store_false", help="only the weights, no random matrices beside")
    add("--positions", action="store_true", help="of a convolution each position of its kernel, too")
    add("--axes", default="auto", help="auto (default), torch or flax: the order of an array's axes, see below")
    add("--seed", default="0", help="of the random matrices (default 0)")
    add("--memory", default="8192", help="budget in MiB (default 8192); a layer that needs more is skipped")
    add("--max-seconds", metavar="S", help="begin no layer that would end later; small ones are then measured first")
    parser.set_defaults(call=_spectrum)


def _spectrum(arguments: argparse.Namespace) -> int:
    from reversible.spectra import weight_files as weights

    if arguments.csv and not find_spec("pandas"):
        raise InputError("--csv needs pandas, which is not installed: pip install 'reversible[book]'")
    asked = _Asked.of(arguments)
    chosen = (arguments.memory, arguments.layer, arguments.skip, arguments.axes)
    with weights.opened(arguments.weights, *chosen) as net:
        found = _measured(net, asked)
    if not found.rows:
        lines = found.lines()
        more = f"; and {len(lines) - FEW} lines more" if len(lines) > FEW else ""
        raise InputError(f"no layer of {arguments.weights!r} can be tested; {'; '.join(lines[:FEW])}{more}")
    for line in (*net.notes, *_made(net.layers), *(f"skipped {line}" for line in found.lines())):
        print(f"reversible: {line}", file=sys.stderr)
    _show(found.rows, arguments)
    return 0


@dataclass(frozen=True)
class _Asked:
    """How matrices are to be measured."""

    nulls: bool
    seed: int
    positions: bool
    seconds: float | None  # None: as long as it takes

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> _Asked:
        limit = None if arguments.max_seconds is None else positive("max-seconds", arguments.max_seconds)
        seed = integer("seed", arguments.seed, low=0, high=2**32)
        return cls(arguments.nulls, seed, arguments.positions, limit)


@dataclass
class _Measured:
    """Rows, and of what has none why."""

    rows: list[Any]
    left: list[tuple[str, str]] = field(default_factory=list)  # name and shape; why

    def lines(self) -> list[str]:
        """A line for each that was left out, and one for many that were left out for the same reason."""
        by_reason: dict[str, list[str]] = {}
        for what, why in self.left:
            by_reason.setdefault(why, []).append(what)
        lines = []
        for why, names in by_reason.items():
            few = len(names) <= FEW
            lines += [f"{what}: {why}" for what in names] if few else [f"{names[0]} and {len(names) - 1} more: {why}"]
        return lines


def _measured(net: Net, asked: _Asked) -> _Measured:
    """Layer by layer, each read when it is its turn and then let go; told in their order, in whatever one measured."""
    found = _Measured([])
    of_layer: dict[int, _Measured] = {}
    for place, layer in _turns(net.layers, asked):
        of_layer[place] = _of_layer(layer, asked)
    for place, layer in enumerate(net.layers):
        late = [(_what(layer.name, layer.shape), f"it would have ended later than after {asked.seconds} s")]
        part = of_layer.get(place, _Measured([], late))
        found.rows += part.rows
        found.left += part.left
    found.left += [(_what(each.name, each.shape), each.why) for each in net.skipped]
    return found


def _turns(layers: Sequence[Waiting], asked: _Asked) -> Iterator[tuple[int, Waiting]]:
    """The layers one by one, with progress on a terminal; within a limit the small ones first, while there is time."""
    order, limit, begun = list(range(len(layers))), asked.seconds, time.monotonic()
    rate, spent, done = 0.0, 0.0, 0.0  # seconds for a unit of work
    if limit is not None:
        order.sort(key=lambda place: layers[place].work)
        rate = _rate(asked)
    bar_format = "{desc} {percentage:3.0f}% |{bar}| {elapsed} gone, {remaining} left"
    with tqdm(total=sum(layer.work for layer in layers), bar_format=bar_format, disable=None) as bar:
        for count, place in enumerate(order, 1):
            work, start = layers[place].work, time.monotonic()
            bar.set_description_str(f"spectrum: layer {count} of {len(layers)}")
            if limit is not None and start - begun + rate * work > limit:
                break
            yield place, layers[place]
            spent, done = spent + time.monotonic() - start, done + work
            rate = spent / done
            bar.update(work)


def _rate(asked: _Asked) -> float:
    """Seconds for a unit of work on this machine: those of a matrix measured twice, what is imported for it aside."""
    from reversible.spectra import matrix as spectra
    from reversible.spectra import weight_files as weights

    tried = np.random.default_rng(0).standard_normal(TRIED)
    spectra.analyse(tried, nulls=asked.nulls)
    start = time.monotonic()
    spectra.analyse(tried, nulls=asked.nulls)
    return (time.monotonic() - start) / weights.work_needed(TRIED)


def _of_layer(layer: Waiting, asked: _Asked) -> _Measured:
    """The rows of a layer's matrices, or why there are none."""
    from reversible.spectra import matrix as spectra
    from reversible.spectra import weight_files as weights
    from reversible.spectra.readers.stored import why

    try:
        parts = weights.matrices(layer.load(), asked.positions)
    except InputError as error:
        return _Measured([], [(_what(layer.name, layer.shape), str(error))])
    found = _Measured([])
    for at, matrix in parts:
        try:
            row = spectra.analyse(matrix, nulls=asked.nulls, seed=asked.seed)
            found.rows.append(replace(row, layer=layer.name + at))
        except (InputError, np.linalg.LinAlgError, MemoryError) as error:
            found.left.append((_what(layer.name + at, matrix.shape), why(error)))
    return found


def _made(layers: Sequence[Waiting]) -> list[str]:
    """A line for each way in which layers are put together."""
    ways: dict[str, list[str]] = {}
    for layer in layers:
        if layer.made:
            ways.setdefault(layer.made, []).append(layer.name)
    return [f"{_few(names)} {'is' if len(names) == 1 else 'are each'} {made}" for made, names in ways.items()]


def _few(names: Sequence[str]) -> str:
    more = len(names) - FEW
    return ", ".join(names[:FEW]) + (f" and {more} more" if more > 0 else "")


def _show(rows: list[Any], arguments: argparse.Namespace) -> None:
    from reversible.spectra import matrix as spectra

    shown = [row.to_json() for row in rows]
    if arguments.json:
        print(json.dumps(shown, indent=1, allow_nan=False))
    else:
        print(spectra.to_frame(rows).to_csv(index=False).rstrip() if arguments.csv else _table(shown))


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


def _what(name: str, shape: Sequence[int]) -> str:
    return f"{name}, {_times(shape)}" if shape else name


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
