"""The command line, `reversible ...`; thin: what it calls is the library's."""

from reversible.cli.command import main

__all__ = ["main"]
