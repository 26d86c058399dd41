"""The build on a small book: what is executed when, and that every planted fault fails it."""

import json
import shutil
import sys
import threading
from pathlib import Path

import pytest

from helpers import Checkout
from reversible.book.execute import stamp


def stale(checkout: Checkout) -> list[str]:
    program = "import json; from pathlib import Path; from reversible.book.execute import stale;"
    done = checkout.run(sys.executable, "-c", program + "print(json.dumps(stale(Path('book'), 'smoke')))")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_path_of_the_front_page_comes_last_and_its_table_is_full(built):
    index = built.root / "book" / "_build" / "html" / "index.html"
    assert built.build().stdout.splitlines()[-1] == str(index)
    assert index.read_text().count("rv-badge") >= 2


def test_a_second_build_executes_and_renders_nothing(built):
    log = built.root / "book" / "_build" / "render.log"
    before = log.stat().st_mtime_ns
    done = built.build()
    assert "0 chapters to execute, 2 unchanged" in done.stdout
    assert log.stat().st_mtime_ns == before


BOTH = ["index", "demo"]
MODEL, CLAIMS = "lib/reversible/random_nets/model.py", "book/claims/demo.toml"
CHANGES = {
    "nothing": (None, []),
    "a code cell": (("book/demo.md", 'chapter.verdict("T1")', 'chapter.verdict("T1")  # again'), ["demo"]),
    "prose": (("book/demo.md", "It cites", "This cites"), []),
    "a module that the experiment uses": ((MODEL, "h.amax(-1) /", "1 * h.amax(-1) /"), BOTH),
    "what only the pages show": (("lib/reversible/book/cards.py", "<small>{escape", "<small >{escape"), BOTH),
    "a comment in that module": ((MODEL, "# binary: ones", "# binary: all ones"), []),
    "a module that no chapter uses": (("lib/reversible/cli/__main__.py", "exit(main())", "exit(main(None))"), []),
    "another experiment": (("lib/reversible/papers/arora2015/experiments/other_weights.py", "/ 16\n", "/ 16.0\n"), []),
    "the lock": (("requirements.lock", "numpy==", "numpy== "), BOTH),
    "the words of the chapter's claim": ((CLAIMS, "are bounded", "stay bounded"), BOTH),
    "another chapter's claim": ((CLAIMS, "no time", "no money"), ["index"]),
    "a record": (("book/results/code-law.json", "1", "2"), BOTH),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_makes_stale_what_depends_on_it_and_nothing_else(book, change):
    edit, expected = CHANGES[change]
    if edit:
        book.edit(*edit)
    assert stale(book) == expected


def test_only_the_changed_chapter_is_executed_and_its_new_output_is_shown(book):
    book.edit("book/demo.md", 'chapter.verdict("T1")', 'print("a new" + " line")\nchapter.verdict("T1")')
    done = book.build()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 chapters to execute, 1 unchanged" in done.stdout
    assert "a new line" in (book.root / "book/_build/html/demo.html").read_text()


def test_a_new_record_is_rendered(book):
    made = book.run(sys.executable, "-m", "reversible.cli", "run", "code-law", "--profile", "book",
                    "--out", "book/results/code-law.json")  # fmt: skip
    assert made.returncode == 0, made.stderr
    done = book.build()
    assert done.returncode == 0, done.stdout + done.stderr
    site = book.root / "book" / "_build" / "html"
    assert "recorded (book)" in (site / "demo.html").read_text()
    assert json.loads((site / "code-law.json").read_text())["profile"] == "book"


FAULTS = {
    "an altered record": ("book/results/code-law.json", '"ci95"', '"ci96"', "altered after the run"),
    "a rule edited after the run": (CLAIMS, "<= 3", "<= 4", "rule changed after the run"),
    "a claim whose record is missing": (CLAIMS, '"code-law"', '"linf-rate"', "cannot read the record"),
    "a rule about nothing measured": (
        "book/claims/demo.toml",
        "largest_constant_binary",
        "height",
        "measures no 'height'",
    ),
    "a truncated ledger": (CLAIMS, 'id = "T2"', 'id = "T', "not a whole claims ledger"),
    "a NaN in a record": ("book/results/code-law.json", '"n": 0', '"n": NaN', "NaN is not a measurement"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_raises_in_the_front_page(book, fault):
    file, old, new, says = FAULTS[fault]
    book.edit(file, old, new)
    done = book.run(sys.executable, "-c", "from reversible.book import front; front.verdicts()")
    assert done.returncode == 1
    assert says in done.stderr


def test_a_cell_that_raises_fails_the_build(book):
    book.edit(CLAIMS, "<= 3", "<= 4")
    book.edit("book/demo.md", 'chapter.verdict("T1")', "1 / 0")
    done = book.build()
    assert done.returncode == 2
    assert "rule changed after the run" in done.stderr or "ZeroDivisionError" in done.stderr
    book.edit(CLAIMS, "<= 4", "<= 3")
    done = book.build()
    assert done.returncode == 2
    assert "chapter demo failed" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_a_fault_fails_every_build_until_it_is_mended(book):
    """Sphinx warns of a page once; the second build must not pass by forgetting the first."""
    book.edit("book/demo.md", "arora2015", "arora1915")
    for _ in range(2):
        done = book.build()
        assert done.returncode == 2
        assert "arora1915" in done.stderr
    book.edit("book/demo.md", "arora1915", "arora2015")
    assert book.build().returncode == 0


def test_an_empty_book_fails_the_build(book):
    book.edit("_toc.yml", "  - file: demo\n", "")
    book.edit("book/index.md", "[the small chapter](demo.md)", "the small chapter")
    done = book.build()
    assert done.returncode == 2
    assert "only 1 executable pages" in done.stderr


def test_jupyter_book_alone_executes_what_is_stale_and_nothing_else(book):
    shutil.rmtree(book.root / "book" / "_build")
    told = 'from ipykernel.connect import get_connection_info as told\nprint("over", told(unpack=True)["transport"])\n'
    book.edit("book/demo.md", 'chapter.verdict("T1")', told + 'chapter.verdict("T1")')
    done = book.run("jupyter-book", "build", "book")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 chapters to execute, 0 unchanged (book profile)" in done.stdout
    assert "TCP" not in done.stdout + done.stderr
    page = book.root / "book" / "_build" / "html" / "demo.html"
    assert "recorded (smoke)" in page.read_text()
    assert "just now (book)" in page.read_text()
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


def test_papermill_alone_runs_a_chapter(book):
    done = book.run("papermill", "book/demo.md", "out.ipynb", "-p", "profile", "smoke", "--cwd", "book")
    assert done.returncode == 0, done.stderr
    assert "just now (smoke)" in (book.root / "out.ipynb").read_text()


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
    assert "profile must be one of smoke, book, paper, not 'huge'" in done.stderr


def test_a_chapter_sees_only_its_own_claims_and_records(monkeypatch, built):
    from reversible.base.checks import InputError
    from reversible.book.chapter import begin

    monkeypatch.chdir(Path(built.root))
    chapter = begin({"profile": "smoke"}, "demo")
    with pytest.raises(InputError, match="record must be one of code-law, not 'linf-rate'"):
        chapter.record("linf-rate")
    with pytest.raises(InputError, match="claim must be one of T1, not 'T2'"):
        chapter.verdict("T2")


def test_runs_are_counted_by_trials_or_seeds():
    from reversible.book.cards import where_it_ran
    from reversible.records.record import Record

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
    from reversible.base.checks import InputError
    from reversible.book.chapter import begin

    monkeypatch.chdir(Path(built.root))
    notebook: dict[str, object] = {"profile": "smoke"}
    notebook["chapter"] = begin(notebook, "demo")
    notebook |= {"profile": "book", "left_by_a_cell": 3}
    assert begin(notebook, "demo").profile == "book"
    with pytest.raises(InputError, match="parameters are profile, not left_by_a_cell"):
        begin({"profile": "book", "left_by_a_cell": 3}, "demo")


def test_a_stamp_knows_the_modules_of_its_cells_and_the_data_at_hand(monkeypatch, tmp_path, book):
    chapter = book.root / "book" / "demo.md"
    at_first = stamp(book.root / "book", "demo", "smoke")
    text = chapter.read_text()
    chapter.write_text(text.replace("chapter.live", "from reversible.theory import (\n    one_layer,\n)\nchapter.live"))
    bare = stamp(book.root / "book", "demo", "smoke")
    assert bare != at_first
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    assert stamp(book.root / "book", "demo", "smoke") == bare  # it reads no data
    chapter.write_text(text.replace("chapter.live", "from reversible.data import load\nchapter.live"))
    without = stamp(book.root / "book", "demo", "smoke")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "lenet5_dense.npz").write_bytes(b"1")
    assert stamp(book.root / "book", "demo", "smoke") != without


def test_builds_of_one_book_go_one_after_the_other(tmp_path, capsys):
    from reversible.book.build import _alone

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
