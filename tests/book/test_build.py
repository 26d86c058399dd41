"""The build on a small book: what is executed when, and that every planted fault fails it."""

import shutil
import sys
import threading

import pytest

import small_book
from helpers import refusal
from reversible.base import digests
from reversible.base.checks import InputError
from reversible.book import execute as execution
from reversible.book import front
from reversible.book.build import _alone
from reversible.book.cards import where_it_ran
from reversible.book.chapter import begin
from reversible.book.execute import stale, stamp
from reversible.records.record import Record


def test_the_path_of_the_front_page_comes_last_and_a_second_build_executes_and_renders_nothing(built):
    log, index = (built.root / "book" / "_build" / name for name in ("render.log", "html/index.html"))
    before = log.stat().st_mtime_ns
    done = built.build()
    assert done.stdout.splitlines()[-1] == str(index)
    assert "0 chapters to execute, 2 unchanged" in done.stdout
    assert log.stat().st_mtime_ns == before
    assert index.read_text().count("rv-badge") >= 2


# --- what is stale ----------------------------------------------------------------------------------------------------

BOTH = ["index", "demo"]
LAWS, CLAIMS = "lib/reversible/theory/singular_values.py", "book/claims/demo.toml"
RECORD = f"book/results/{small_book.RECORD}.json"
CHANGES = {
    "nothing": (None, []),
    "a code cell": (("book/demo.md", 'chapter.verdict("T1")', 'chapter.verdict("T1")  # again'), ["demo"]),
    "prose": (("book/demo.md", "It cites", "This cites"), []),
    "a module that the experiment uses": ((LAWS, "max(n, p) - 0.5", "1 * max(n, p) - 0.5"), BOTH),
    "what only the pages show": (("lib/reversible/book/cards.py", "<summary>How", "<summary >How"), BOTH),
    "a comment in that module": ((LAWS, "# asked before", "# looked at before"), []),
    "a module that no chapter uses": (("lib/reversible/cli/__main__.py", "exit(main())", "exit(main(None))"), []),
    "another experiment": (("lib/reversible/papers/arora2015/experiments/other_weights.py", "/ 16\n", "/ 16.0\n"), []),
    "the lock": (("requirements.lock", "numpy==", "numpy== "), BOTH),
    "the words of the chapter's claim": ((CLAIMS, "are on the law", "stay on the law"), BOTH),
    "another chapter's claim": ((CLAIMS, "no time", "no money"), ["index"]),
    "a record": ((RECORD, "1", "2"), BOTH),
}  # fmt: skip


@pytest.fixture
def by_its_library(book, monkeypatch):
    """The book, whose stamps are of its own copy of the library."""
    monkeypatch.setattr(digests, "LIBRARY", book.root / "lib" / "reversible")
    return book


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_makes_stale_what_depends_on_it_and_nothing_else(by_its_library, change):
    edit, expected = CHANGES[change]
    if edit:
        by_its_library.edit(*edit)
    assert stale(by_its_library.root / "book", "smoke") == expected


def test_another_profile_makes_all_stale(by_its_library):
    assert stale(by_its_library.root / "book", "book") == BOTH


def test_a_stamp_knows_the_modules_of_its_cells_and_the_data_at_hand(monkeypatch, tmp_path, book):
    """Of a chapter whose claims have no record, for what draws records may read data."""

    def stamped(imported=""):
        chapter.write_text(text.replace('chapter.verdict("T1")', f'{imported}chapter.verdict("T1")'))
        return stamp(book.root / "book", "demo", "smoke")

    chapter = book.root / "book" / "demo.md"
    text = chapter.read_text()
    book.edit(CLAIMS, 'chapter = "demo"', 'chapter = "index"')
    book.edit(CLAIMS, 'chapter = "elsewhere"', 'chapter = "demo"')
    at_first = stamped()
    bare = stamped("from reversible.theory import (\n    one_layer,\n)\n")
    assert bare != at_first
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    assert stamped("from reversible.theory import (\n    one_layer,\n)\n") == bare  # it reads no data
    without = stamped("from reversible.data import load\n")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "lenet5_dense.npz").write_bytes(b"1")
    assert stamped("from reversible.data import load\n") != without


def executed_while(book, comes, monkeypatch, folder):
    """What is stale after all chapters were executed, when a file came to the data while the second one was."""
    monkeypatch.setenv("REVERSIBLE_DATA", str(folder))
    (folder / "weights").mkdir()
    monkeypatch.setattr(execution, "_is_cached", lambda book, name: True)
    chapter = book.root / "book" / "demo.md"
    chapter.write_text(
        chapter.read_text().replace("chapter.verdict", "from reversible.data import load\nchapter.verdict", 1)
    )
    ran = []

    def execute(place, name, profile):
        under = stamp(place, name, profile)
        ran.append(name)
        if len(ran) == len(BOTH):
            (folder / comes).write_bytes(b"1")
        execution._keep({name: under}, place)
        return 0.0

    monkeypatch.setattr(execution, "execute", execute)
    place = book.root / "book"
    (place / "_build" / "stamps.json").unlink(missing_ok=True)
    execution.execute_stale(place, "smoke", workers=1)
    assert sorted(ran) == sorted(BOTH)
    return place


def test_weights_that_a_chapter_fetches_make_no_other_chapter_stale(book, monkeypatch, tmp_path):
    file = execution.FETCHED[0]
    place = executed_while(book, file, monkeypatch, tmp_path)
    assert stale(place, "smoke") == []
    (tmp_path / file).unlink()
    assert "demo" in stale(place, "smoke")


def test_data_that_come_while_the_book_is_executed_make_stale_what_reads_data(book, monkeypatch, tmp_path):
    assert "demo" in stale(executed_while(book, "weights/lenet5_dense.npz", monkeypatch, tmp_path), "smoke")


# --- planted faults ---------------------------------------------------------------------------------------------------

FAULTS = {
    "an altered record": (RECORD, '"ci95"', '"ci96"', "altered after the run"),
    "a rule edited after the run": (CLAIMS, "<= 1", "<= 2", "rule changed after the run"),
    "a claim whose record is missing": (CLAIMS, f'"{small_book.RECORD}"', '"linf-rate"', "cannot read the record"),
    "a rule about nothing measured": (CLAIMS, '"largest_ks', '"height', "measures no 'height'"),
    "a truncated ledger": (CLAIMS, 'id = "T2"', 'id = "T', "not a whole claims ledger"),
    "a NaN in a record": (RECORD, '"ci95": [', '"ci95": [NaN, ', "NaN is not a measurement"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_raises_in_the_front_page(book, fault, monkeypatch):
    file, old, new, says = FAULTS[fault]
    book.edit(file, old, new)
    monkeypatch.chdir(book.root)
    assert says in refusal(front.verdicts)


def test_a_cell_that_raises_fails_the_build_with_the_words_of_the_first_chapter_that_failed(book):
    book.edit(CLAIMS, "<= 1", "<= 2")
    book.edit("book/demo.md", 'chapter.verdict("T1")', "1 / 0")
    done = book.build()
    assert done.returncode == 2
    assert "chapter index failed" in done.stderr
    assert "rule changed after the run" in done.stderr
    book.edit(CLAIMS, "<= 2", "<= 1")
    done = book.build()
    assert done.returncode == 2
    assert "1 chapters to execute, 1 unchanged" in done.stdout
    assert "chapter demo failed" in done.stderr
    assert "ZeroDivisionError" in done.stderr


# --- without the build ------------------------------------------------------------------------------------------------


def test_jupyter_book_alone_executes_what_is_stale_and_nothing_else(book):
    shutil.rmtree(book.root / "book" / "_build")
    told = 'from ipykernel.connect import get_connection_info as told\nprint("over", told(unpack=True)["transport"])\n'
    book.edit("book/demo.md", 'chapter.verdict("T1")', told + 'print("in the profile", profile)\nchapter.verdict("T1")')
    done = book.run("jupyter-book", "build", "book")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 chapters to execute, 0 unchanged (book profile)" in done.stdout
    assert "TCP" not in done.stdout + done.stderr
    page = book.root / "book" / "_build" / "html" / "demo.html"
    assert "in the profile book" in page.read_text()
    assert "over ipc" in page.read_text()
    book.edit("book/demo.md", 'chapter.verdict("T1")', 'print("a new" + " line")\nchapter.verdict("T1")')
    done = book.run("jupyter-book", "build", "book")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 chapters to execute, 1 unchanged (book profile)" in done.stdout
    assert "a new line" in page.read_text()


def test_jupyter_book_alone_fails_with_the_words_of_the_chapter(book):
    book.edit("book/demo.md", 'chapter.verdict("T1")', "1 / 0")
    done = book.run("jupyter-book", "build", "book")
    assert done.returncode == 1
    assert done.stderr.count("ZeroDivisionError: division by zero") == 1
    assert "chapter demo failed:" in done.stderr
    assert "jupyter_book" not in done.stderr  # no traceback of the renderer's own


def test_papermill_alone_runs_a_chapter_and_its_experiment(book):
    book.edit("book/demo.md", 'chapter.verdict("T1")', f'chapter.live("{small_book.RECORD}")')
    done = book.run("papermill", "book/demo.md", "out.ipynb", "-p", "profile", "smoke", "--cwd", "book")
    assert done.returncode == 0, done.stderr
    shown = (book.root / "out.ipynb").read_text()
    assert "stored tiny re-run" in shown
    assert "A tiny re-run just now: the same numbers, to the bit" in shown
    assert "Every number of the run just now is the recorded one, to the bit." in shown


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("colour", "red", "parameters are profile, not colour"), ("profile", "huge", "profile must be one of")],
)
def test_papermill_with_an_unknown_parameter_is_refused(book, name, value, says):
    done = book.run("papermill", "book/demo.md", "out.ipynb", "-p", name, value, "--cwd", "book")
    assert done.returncode == 1
    assert says in done.stderr


def test_bad_profile_is_one_line(built):
    done = built.run(sys.executable, "-m", "reversible.book.build", "--profile", "huge")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "profile must be one of smoke, book, full, not 'huge'" in done.stderr


# --- chapters ---------------------------------------------------------------------------------------------------------


def test_a_chapter_sees_only_its_own_claims_and_records(monkeypatch, built):
    monkeypatch.chdir(built.root)
    chapter = begin({"profile": "smoke"}, "demo")
    with pytest.raises(InputError, match="record must be one of spectral-laws, not 'linf-rate'"):
        chapter.record("linf-rate")
    with pytest.raises(InputError, match="claim must be one of T1, not 'T2'"):
        chapter.verdict("T2")


def test_runs_are_counted_by_trials_or_seeds():
    where = {
        "code": "x",
        "module": "reversible.theory.one_layer",
        "device": "CPU",
        "seconds": 1.0,
        "date": "2026-01-01",
    }
    cells = [{"trials": 5}, {"training": {"seeds": [1, 2, 3]}}, {"seeds": [1, 2]}, {"training": None}]
    record = Record("code-law", "smoke", {"cells": cells}, {}, [{}, {}, {}, {}], {}, where)
    assert "4 cells, 11 runs" in where_it_ran(record)
    record.rows[1]["absent"] = "weights not at hand"
    assert "3 cells (1 more not at hand), 8 runs" in where_it_ran(record)


def test_a_chapter_may_begin_again_with_another_profile(monkeypatch, built):
    monkeypatch.chdir(built.root)
    notebook: dict[str, object] = {"profile": "smoke"}
    notebook["chapter"] = begin(notebook, "demo")
    notebook |= {"profile": "book", "left_by_a_cell": 3}
    assert begin(notebook, "demo").profile == "book"
    with pytest.raises(InputError, match="parameters are profile, not left_by_a_cell"):
        begin({"profile": "book", "left_by_a_cell": 3}, "demo")


def test_builds_of_one_book_go_one_after_the_other(tmp_path, capsys):
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with _alone(tmp_path / "_build"):
            entered.set()
            leave.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(60)
    threading.Timer(0.3, leave.set).start()
    with _alone(tmp_path / "_build"):
        assert leave.is_set()
    holder.join()
    assert "another build of this book is under way" in capsys.readouterr().out
