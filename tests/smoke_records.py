"""Records of the smoke profile, each made once a session, and what it took to make them."""

from __future__ import annotations

import json
import time
from pathlib import Path

from once import Shared
from reversible.papers import EXPERIMENTS
from reversible.records import make
from reversible.records.claims import read_claims, rules_for
from reversible.records.record import Record, book_folder, read_record, write_record


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
