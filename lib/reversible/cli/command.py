"""`reversible ...`: simulate, train, measure weights, run and verify records, show verdicts.

Errors are one line on stderr, exit status 2.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from reversible import __version__
from reversible.base.checks import InputError
from reversible.cli import records, simulate, spectrum, train


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


def main(words: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status: 0, 1 where a verdict cannot stand, 2 for bad input, 130 for Ctrl-C."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show, as on stderr
    try:
        arguments = _parser().parse_args(words)
        return arguments.call(arguments)
    except InputError as error:
        print(f"reversible: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:  # a sweep says what it kept
        print(f"reversible: {str(stopped) or 'stopped; nothing was written'}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `reversible verdicts | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="reversible", description="Does the theory of reversible deep nets hold?", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"reversible {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for name, options, says in (
        ("simulate", simulate.options, "a theorem-checking simulation beside the exact law"),
        ("run", records.run_options, "any recorded experiment again"),
        ("measure", records.measure_options, "a record's measures read off its rows again, without a run"),
        ("spectrum", spectrum.options, "are the weights of your own net random-like?"),
        ("train", train.options, "small nets by backprop or SHADOW, many seeds"),
        ("verdicts", records.verdicts_options, "the table of claims"),
        ("verify", records.verify_options, "the records run again: do they still hold?"),
    ):
        options(commands.add_parser(name, help=says, allow_abbrev=False))
    return parser
