"""The meanings of records that were made before records had them, derived again from the tree of that time."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace

import pytest

from helpers import ROOT, refusal
from reversible.base import digests
from reversible.base.meaning import export, meaning_of, moved_lines
from reversible.book.cards import where_it_ran
from reversible.papers import module_of
from reversible.records import record as results

RESULTS = ROOT / "book" / "results"
LEMMAS = "papers.arora2015.experiments.lemmas"
MOVED = tomllib.loads((RESULTS / "moved.toml").read_text())


@pytest.fixture(scope="module")
def then(tmp_path_factory):
    """The library as it was when the records were the code's."""
    folder = tmp_path_factory.mktemp("then") / "reversible"
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    try:
        export(MOVED["tree"], folder)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"the tree is not in this clone: {error.stderr.decode().strip()}")
    return folder


def older_records():
    where = {file.stem: json.loads(file.read_text())["provenance"] for file in RESULTS.glob("*.json")}
    return {name: provenance for name, provenance in where.items() if "meaning" not in provenance}


def test_the_lines_are_those_of_a_tree_in_which_the_records_were_unchanged(then, monkeypatch):
    monkeypatch.setattr(digests, "LIBRARY", then)
    records = older_records()
    assert records.keys() <= MOVED["records"].keys()
    for name, where in records.items():
        assert digests.code_digest(where["module"]) == where["code"] == MOVED["records"][name]["code"], name
        assert meaning_of(name, where["module"], then).digest == MOVED["records"][name]["meaning"], name


def test_every_line_is_derived_again(then):
    lines = tomllib.loads("\n".join(moved_lines(MOVED["tree"], then, RESULTS)))
    assert lines["tree"] == MOVED["tree"]
    assert lines["records"].items() <= MOVED["records"].items()
    assert lines["same_bits"] == MOVED["same_bits"]
    assert lines["edited"].items() <= MOVED["edited"].items()
    assert lines["definitions"].items() <= MOVED["definitions"].items()


CELLS = """
import json, sys
from dataclasses import asdict
try:
    from reversible.papers import EXPERIMENTS
    from reversible.runs.experiment import on_one_thread
    find = EXPERIMENTS.get
except ImportError:  # the library as it was then
    from reversible.experiments import find, on_one_thread

for name in sys.argv[1:]:
    found = find(name)
    cells = found.cells("smoke")
    for cell in (cells[0], cells[-1]):
        print(json.dumps([name, asdict(cell), asdict(on_one_thread(found.run_cell, cell))]))
"""


SECONDS = r'"seconds": [\d.e-]+'


def test_what_was_edited_without_changing_a_bit_gives_every_number_again(then):
    """A few cells of each experiment, by the code of that time and by the one that is here, on this CPU."""
    said = {}
    for library in (then.parent, ROOT / "lib"):
        where = {**os.environ, "PYTHONPATH": str(library), "OMP_NUM_THREADS": "1"}
        words = [sys.executable, "-c", CELLS, *MOVED["same_bits"]]
        done = subprocess.run(words, env=where, capture_output=True, text=True, cwd=then.parent)
        assert done.returncode == 0, done.stderr
        said[library] = done.stdout.splitlines()
    old, new = said.values()
    assert len(old) == 2 * len(MOVED["same_bits"])
    for one, other in zip(old, new, strict=True):
        assert re.sub(SECONDS, "", one) == re.sub(SECONDS, "", other), json.loads(one)[0]


def test_only_edited_experiments_are_said_to_have_the_same_bits():
    for name, meaning in MOVED["same_bits"].items():
        assert meaning != MOVED["records"][name]["meaning"]
        assert meaning == meaning_of(name, module_of(name)).digest, name


CODE = "c" * 64


@pytest.fixture
def record(monkeypatch):
    """A record of the first format, which says no meaning, and its line in moved.toml, of code that was not edited."""
    record, now = results.read_record(RESULTS / "code-law.json"), meaning_of("code-law", f"reversible.{LEMMAS}")
    line = {"code": CODE, "meaning": now.digest}
    moved = {"records": {"code-law": line}, "same_bits": {}, "edited": {}, "definitions": dict(now.definitions)}
    monkeypatch.setattr(results, "_moved", lambda: moved)
    kept = {name: of for name, of in record.provenance.items() if name not in ("meaning", "runs", "definitions")}
    return replace(record, provenance=kept | {"code": CODE, "module": "reversible.experiments.lemmas"})


def line_of_an_edit():
    """As if the code had been edited since without changing a bit."""
    moved = results._moved()
    moved["same_bits"]["code-law"] = moved["records"]["code-law"]["meaning"]
    moved["records"]["code-law"]["meaning"] = "0" * 64


def with_provenance(record, **what):
    return replace(record, provenance={**record.provenance, **what})


@pytest.fixture
def edited(monkeypatch):
    """As if definitions had been edited since: their digests are others, and so is the meaning."""

    def edit(*names):
        def meaning(name, module):
            now = meaning_of(name, module)
            other = {f"reversible.{each}": "0" * 12 for each in names}
            return replace(now, digest="other", definitions={**now.definitions, **other})

        monkeypatch.setattr(results, "meaning_of", meaning)

    return edit


def test_a_record_is_unchanged_by_its_own_meaning_or_by_its_line(record):
    now = meaning_of("code-law", "reversible.papers.arora2015.experiments.lemmas")
    own = with_provenance(record, meaning=now.digest, definitions=dict(now.definitions))
    del own.provenance["code"]
    assert record.code_unchanged
    assert own.code_unchanged
    assert not with_provenance(own, meaning="0" * 64).code_unchanged
    assert with_provenance(record, code="0" * 64).changed_since == ["experiments.lemmas"]
    assert not replace(record, experiment="elsewhere").code_unchanged


def test_an_edit_that_changes_no_bit_is_said_and_told_from_none(record):
    assert not record.edited_since
    assert "code unchanged since" in where_it_ran(record)
    line_of_an_edit()
    assert record.edited_since
    assert record.code_unchanged
    assert record.runs_changed_since == []
    assert "code edited since, the same to the bit" in where_it_ran(record)


def test_what_was_measured_again_is_unchanged_by_what_it_says_of_that_or_by_an_edit_that_changes_no_bit(record):
    now = meaning_of("code-law", f"reversible.{LEMMAS}")
    again = {"meaning": now.digest, "runs": "of then", "definitions": dict(now.definitions)}
    assert with_provenance(record, measured=again).code_unchanged
    later = with_provenance(record, measured=again | {"meaning": "0" * 64})
    assert not later.code_unchanged
    assert later.runs_changed_since != []
    line_of_an_edit()
    assert later.edited_since
    assert later.runs_changed_since == []


def test_a_changed_record_names_the_definitions(record, edited):
    edited("random_nets.model.Codes", "base.estimates.Estimate", f"{LEMMAS}.code_law")
    assert record.changed_since == ["base.estimates.Estimate", "random_nets.model.Codes"]  # code_law uses both
    names = "<code>base.estimates.Estimate</code>, <code>random_nets.model.Codes</code>"
    assert f"<strong>code changed since</strong>: {names}" in where_it_ran(record)
    edited()
    assert record.changed_since == [f"{LEMMAS}.EXPERIMENTS[code-law]"]


def test_at_most_three_names_are_shown_and_none_as_markup(record, monkeypatch):
    monkeypatch.setattr(results.Record, "changed_since", ["a", "<b>", "c", "d", "e"])
    assert "<code>a</code>, <code>&lt;b&gt;</code>, <code>c</code> and 2 more" in where_it_ran(record)


def test_without_the_file_nothing_is_known_and_a_spoiled_one_is_refused(record, tmp_path, monkeypatch):
    monkeypatch.undo()
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(results, "book_folder", lambda: tmp_path)
    assert not record.code_unchanged
    (tmp_path / "results" / "moved.toml").write_text("[records\n")
    assert "cannot read " in refusal(lambda: record.code_unchanged)
