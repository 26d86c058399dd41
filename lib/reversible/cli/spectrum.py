"""`reversible spectrum`: are the weights of somebody's net random-like?"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reversible.base.checks import InputError
from reversible.cli import spectrum_files as files
from reversible.cli import spectrum_pair as pair
from reversible.cli.spectrum_measure import Asked, Measured, measured, of_layer
from reversible.cli.spectrum_table import cells, few_lines, made, say, table, times, what

FORMS = "a file of any name: .npy, .npz, .safetensors, of torch.save, HDF5 (Keras), ONNX, GGUF, msgpack (Flax)"
AXES = """
What is taken for granted: an array is (out, in) or (out, in, kernel...), as PyTorch has it, and its matrix is
out x (in * kernel). Arrays that are called kernel, and files of Keras, are taken as (kernel..., in, out), as Flax and
Keras have it; --axes torch or --axes flax says it of all. Nothing in a file is ever run."""


def options(parser: argparse.ArgumentParser) -> None:
    """Those of `reversible spectrum`."""
    parser.epilog = AXES
    add = parser.add_argument
    add("weights", metavar="WEIGHTS", help=f"{FORMS}; a folder; an index of shards; or torchvision:NAME")
    again = "the same net after training, pruning or fine-tuning: what has moved, layer by layer?"
    add("other", metavar="WEIGHTS", nargs="?", help=again)
    add("--layer", metavar="NAME", action="append", help="these layers alone, such as 'layers.1*'; may be repeated")
    add("--skip", metavar="NAME", action="append", help="not these; may be repeated")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for machines: everything that was measured, nulls included")
    form.add_argument("--csv", action="store_true", help="the same as a table, one line a matrix")
    add("--plot", metavar="FILE.svg", type=Path, help=files.PLOT_HELP)
    add("--html", metavar="FILE.html", type=Path, help=files.PAGE_HELP)
    add("--no-nulls", dest="nulls", action="store_false", help="only the weights, no random matrices beside")
    add("--positions", action="store_true", help="of a convolution each position of its kernel, too")
    add("--axes", default="auto", help="auto (default), torch or flax: the order of an array's axes, see below")
    add("--seed", default="0", help="of the random matrices (default 0)")
    add("--memory", default="8192", help="budget in MiB (default 8192); a layer that needs more is skipped")
    add("--max-seconds", metavar="S", help="begin no layer that would end later; small ones are then measured first")
    parser.set_defaults(call=_spectrum)


def _spectrum(arguments: argparse.Namespace) -> int:
    if arguments.csv and not find_spec("pandas"):
        raise InputError("--csv needs pandas, which is not installed: pip install 'reversible[book]'")
    asked = Asked.of(arguments)
    files.check(arguments)
    return _one(arguments, asked) if arguments.other is None else pair.compared(arguments, asked)


def _one(arguments: argparse.Namespace, asked: Asked) -> int:
    """The matrices of one net."""
    from reversible.spectra import weight_files as weights

    chosen = (arguments.memory, arguments.layer, arguments.skip, arguments.axes)
    with weights.opened(arguments.weights, *chosen) as net:
        found = measured(net.layers, asked, of_layer)
    found.left += [(what(each.name, each.shape), each.why) for each in net.skipped]
    if not found.rows:
        raise InputError(f"no layer of {arguments.weights!r} can be tested; {few_lines(found.lines())}")
    notes = [*net.notes, *made(net.layers)]
    say([*notes, *(f"skipped {line}" for line in found.lines())])
    _show(found.rows, arguments)
    files.write(arguments, lambda: _report(found, arguments.weights, notes, asked))
    return 0


def _show(rows: list[Any], arguments: argparse.Namespace) -> None:
    from reversible.spectra import matrix as spectra

    shown = [row.to_json() for row in rows]
    if arguments.json:
        print(json.dumps(shown, indent=1, allow_nan=False))
    else:
        print(spectra.to_frame(rows).to_csv(index=False).rstrip() if arguments.csv else table(shown))


def _report(found: Measured, source: str, notes: list[str], asked: Asked) -> files.Report:
    from reversible.show.histograms import Panel
    from reversible.your_net.words import listed, spectrum_words

    rows = found.rows
    words = spectrum_words(rows) if asked.nulls else [""] * len(rows)
    sections = [
        files.Section(
            row.layer, [said] if said else [],
            [Panel(row.layer, f"{times(row.shape)}, {row.verdict}", drawn, row.measured.n_spikes)],
        )
        for row, said, drawn in zip(rows, words, found.pictures, strict=True)
    ]  # fmt: skip
    title = f"Are the weights of {source} random-like?"
    lines = cells([row.to_json() for row in rows])
    verdicts = [row.verdict for row in rows]
    counted = listed(f"{count} {verdict}" for verdict, count in Counter(verdicts).items())
    summary = f"The verdicts on {len(rows)} matrices: {counted}."
    return files.Report(title, source, lines, sections, summary, verdicts, notes, found.lines(), asked.words())
