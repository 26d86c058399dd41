"""Records of the smoke profile, each made once a session, and what it took to make them.

An experiment has a budget of 2 seconds in this profile, of one processor. No test hangs on it, since machines differ:
the end of a run says which are over it. `conftest.py` takes the hook from here: pytest finds it there.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from once import Shared
from reversible.papers import EXPERIMENTS
from reversible.records import make
from reversible.records.claims import read_claims, rules_for
from reversible.records.record import Record, book_folder, read_record, write_record

SECONDS = "seconds of a smoke run"  # a test's property: [name, seconds]
BUDGET = 2


class SmokeRecords:
    """The record of each experiment, as if read from the results of the smoke profile, with the data at hand."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    def __getitem__(self, name: str) -> Record:
        return read_record(self.shared.made(f"{name}.json", lambda path: self._make(name, path)))

    def _make(self, name: str, path: Path) -> None:
        start = time.process_time()
        record = make.run(EXPERIMENTS[name], "smoke", rules_for(read_claims(book_folder()), name))
        seconds = time.process_time() - start
        write_record(record, path)
        (self.shared.folder / f"{name}.seconds").write_text(json.dumps(seconds))

    def seconds(self, name: str) -> float:
        """Seconds of a processor that making the record took."""
        self[name]
        return json.loads((self.shared.folder / f"{name}.seconds").read_text())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many smoke runs there were, what they took together, and which are over the budget."""
    reports = terminalreporter.getreports("passed")
    took = dict(value for report in reports for name, value in report.user_properties if name == SECONDS)
    if took:
        over = [
            f"{name} {took[name]:.1f}" for name in sorted(took, key=lambda name: -took[name]) if took[name] > BUDGET
        ]
        terminalreporter.write_line(
            f"{len(took)} experiments took {sum(took.values()):.0f} s of a processor in the smoke profile; "
            f"over the budget of {BUDGET} s: {', '.join(over) or 'none'}"
        )
