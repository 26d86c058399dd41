"""Fault drills on the small book: each planted fault is caught, and a build that was killed does not spoil the next."""

import os
import signal
import subprocess
import sys
import time

import pytest

OUTPUT = "```{code-cell} ipython3\nfrom reversible.show.html import Shown\n\nShown(%r)\n```\n"
PLANTED = {
    "in prose": {"![a picture](gone.png)\n": "gone.png", "[words](gone.md)\n": "gone.md"},
    "in an output": {
        OUTPUT % "<img src='gone.svg' alt='x'>": "leads to gone.svg",
        OUTPUT % "<a href='gone.json'>x</a>": "leads to gone.json",
        OUTPUT % "<a href='index.html#gone'>x</a>": "leads to index.html#gone",
    },
}


@pytest.mark.parametrize("where", PLANTED)
def test_pictures_and_links_that_lead_nowhere_fail_the_build(book, where):
    page = book.root / "book" / "demo.md"
    page.write_text("\n".join([page.read_text(), *PLANTED[where]]))
    done = book.build()
    assert done.returncode == 2
    for says in PLANTED[where].values():
        assert says in done.stderr


def test_a_record_of_other_code_says_so_on_every_page(book):
    book.edit("lib/reversible/random_nets/model.py", "h.amax(-1) /", "1 * h.amax(-1) /")
    done = book.build()
    assert done.returncode == 0, done.stderr
    for name in ("index", "demo"):
        assert "code changed since" in (book.root / "book" / "_build" / "html" / f"{name}.html").read_text()


@pytest.mark.parametrize("stage", ["executed/demo.ipynb", "render.log"])
def test_a_killed_build_does_not_spoil_the_next(book, stage):
    """kill -9 of the whole group as soon as the file of a stage is there."""
    made = book.root / "book" / "_build"
    book.edit("book/demo.md", "It cites", "This cites")
    book.edit("book/demo.md", 'chapter.verdict("T1")', 'print("a new" + " line")\nchapter.verdict("T1")')
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
