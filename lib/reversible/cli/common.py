"""What several commands share: options, where a result may go, aligned columns."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection
from pathlib import Path

from reversible.base.checks import InputError


def where_options(parser: argparse.ArgumentParser) -> None:
    """Where cells run, for every command that has many."""
    parser.add_argument("--workers", default="1", metavar="N", help="processes of this machine to run on (default 1)")
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="run on the Dask cluster there, tcp://host:port (default: on this machine)",
    )


def checked_out(out: Path | None, option: str = "--out") -> Path | None:
    """Where a result goes, if anywhere; InputError where it could not be written."""
    if out and (out.is_dir() or not out.parent.is_dir() or not os.access(out.parent, os.W_OK)):
        raise InputError(f"{option} must be a file in a folder that can be written, not {out}")
    return out


def aligned(lines: list[list[str]], left: Collection[int] = ()) -> str:
    """Columns, those whose places are in `left` flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    pads = [str.ljust if place in left else str.rjust for place in range(len(widths))]
    cells = [[pad(cell, width) for pad, cell, width in zip(pads, line, widths, strict=True)] for line in lines]
    return "\n".join("  ".join(line).rstrip() for line in cells)
