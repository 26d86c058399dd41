"""Fault drills on the small book: each planted fault is caught, and a build that was killed does not spoil the next."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import small_book

OUTPUT = "```{code-cell} ipython3\nfrom reversible.show.html import Shown\n\nShown(%r)\n```\n"
IN_PROSE = {"![a picture](gone.png)\n": "gone.png", "[words](gone.md)\n": "gone.md", "{cite:t}`a1915`\n": "a1915"}
IN_OUTPUTS = {
    OUTPUT % "<img src='gone.svg' alt='x'>": "leads to gone.svg",
    OUTPUT % "<a href='gone.json'>x</a>": "leads to gone.json",
    OUTPUT % "<a href='index.html#gone'>x</a>": "leads to index.html#gone",
}
NEW_LINE = ("book/demo.md", 'chapter.verdict("T1")', 'print("a new" + " line")\nchapter.verdict("T1")')


def test_a_fault_in_prose_fails_every_build_until_it_is_mended(book):
    """Sphinx warns of a page once; the second build must not pass by forgetting the first."""
    page = book.root / "book" / "demo.md"
    whole = page.read_text()
    page.write_text("\n".join([whole, *IN_PROSE]))
    for _ in range(2):
        done = book.build()
        assert done.returncode == 2
        assert [says for says in IN_PROSE.values() if says not in done.stderr] == []
    page.write_text(whole)
    book.edit(*NEW_LINE)
    done = book.build()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 chapters to execute, 1 unchanged" in done.stdout
    assert "a new line" in (book.root / "book/_build/html/demo.html").read_text()


def test_a_book_that_is_not_whole_fails_the_build(book):
    """Its one executable page leads nowhere in its outputs, of which Sphinx knows nothing."""
    book.edit("_toc.yml", "  - file: demo\n", "")
    book.edit("book/index.md", "[one chapter](demo.md)", "no chapter")
    page = book.root / "book" / "index.md"
    page.write_text("\n".join([page.read_text(), *IN_OUTPUTS]))
    done = book.build()
    assert done.returncode == 2
    assert "the built book is not whole: only 1 executable pages" in done.stderr
    assert [says for says in IN_OUTPUTS.values() if says not in done.stderr] == []


def test_a_new_record_and_that_it_is_of_other_code_are_rendered(book, smoke_records):
    small_book.put_record(book, replace(smoke_records[small_book.RECORD], profile="book"))
    book.edit("lib/reversible/theory/singular_values.py", "max(n, p) - 0.5", "1 * max(n, p) - 0.5")
    done = book.build()
    assert done.returncode == 0, done.stderr
    site = book.root / "book" / "_build" / "html"
    assert json.loads((site / f"{small_book.RECORD}.json").read_text())["profile"] == "book"
    assert "book profile" in (site / "demo.html").read_text()
    assert "code changed since" in (site / "demo.html").read_text()


def test_a_build_that_is_killed_again_and_again_does_not_spoil_the_next(book):
    """kill -9 of the whole group as soon as the file of a stage is there."""
    made = book.root / "book" / "_build"
    book.edit("book/demo.md", "It cites", "This cites")
    book.edit(*NEW_LINE)
    for stage in ("executed/demo.ipynb", "render.log"):
        (made / stage).unlink()
        words = [sys.executable, "-m", "reversible.book.build", "--profile", "smoke"]
        environment = {**os.environ, "PYTHONPATH": str(book.root / "lib")}
        run = subprocess.Popen(words, cwd=book.root, env=environment, start_new_session=True, stdout=subprocess.DEVNULL)
        while not (made / stage).exists():
            assert run.poll() is None
            time.sleep(0.01)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    done = book.build()
    assert done.returncode == 0, done.stderr
    page = (made / "html" / "demo.html").read_text()
    assert "a new line" in page
    assert "This cites" in page
    assert "0 chapters to execute" in book.build().stdout
