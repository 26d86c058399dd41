"""What a built book must have, told from its files: no page is rendered for it."""

import pytest

from reversible.base.checks import InputError
from reversible.book import build

CELL = "```{code-cell} ipython3\n1\n```\n"
HEAD = "<html><head><link href='https://x.org/a.css'></head><body>"
PAGES = {
    "index": f"{HEAD}<p class='rv-badge' id='badge'>cell_output</p><a href='demo.html#place'>x</a>",
    "demo": f"{HEAD}<p class=\"cell_output\" id=\"place\"></p><a href='#place'>x</a> <img src='_static/a%20b.svg'>",
    "plain": f"{HEAD}<a href='mailto:a@x.org'>x</a><a href='//x.org/y'>x</a><a href='demo.html?a=1'>x</a>",
}


@pytest.fixture
def book(tmp_path):
    """A book of two executable pages and a plain one, as if it had been built."""
    (tmp_path / "_toc.yml").write_text("root: index\nchapters:\n- file: demo\n- file: plain\n")
    for name, text in {"index": CELL, "demo": CELL, "plain": "words\n"}.items():
        (tmp_path / f"{name}.md").write_text(text)
    site = tmp_path / "_build" / "html"
    (site / "_static").mkdir(parents=True)
    (site / "_static" / "a b.svg").touch()
    for name, text in PAGES.items():
        (site / f"{name}.html").write_text(text)
    return tmp_path


def test_a_whole_book_has_no_fault(book):
    assert list(build.faults(book)) == []


def test_a_page_that_is_missing_or_shows_nothing_is_a_fault(book):
    site = book / "_build" / "html"
    (site / "demo.html").unlink()
    (site / "index.html").write_text("nothing")
    assert list(build.faults(book)) == [
        "index.html is missing or shows no output", "demo.html is missing or shows no output",
        "index.html shows no verdict", "plain.html leads to demo.html, which is not there",
    ]  # fmt: skip


def test_a_book_of_one_executable_page_is_a_fault(book):
    (book / "_toc.yml").write_text("root: index\nchapters:\n- file: plain\n")
    assert list(build.faults(book)) == ["only 1 executable pages"]


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("<img src='gone.svg' alt='x'>", "gone.svg"),
        ('<a href="gone.json">x</a>', "gone.json"),
        ("<script src='_static/gone.js'></script>", "_static/gone.js"),
        ("<a href='gone%20too.html'>x</a>", "gone%20too.html"),
        ("<a href='gone.html#place'>x</a>", "gone.html#place"),
        ("<a href='index.html#place'>x</a>", "index.html#place"),
        ("<a href='#badge'>x</a>", "#badge"),
        ("<a href='a&amp;b.html'>x</a>", "a&amp;b.html"),
    ],
)
def test_what_leads_nowhere_is_a_fault_once(book, link, says):
    with (book / "_build" / "html" / "plain.html").open("a") as page:
        page.write(link + link)
    assert list(build.faults(book)) == [f"plain.html leads to {says}, which is not there"]


@pytest.mark.parametrize(
    "link",
    [
        "<a href='_static/a%20b.svg#anything'>x</a>",  # not a page, so it has no places
        "<a href='data:x'>x</a><a href='http://x.org/gone#y'>x</a>",
        "<a href='index.html#badge'>x</a>",
        "<a href='#it&amp;s'>x</a><p id='it&s'></p>",
        "<a data-href='gone.html'>x</a>",
    ],
)
def test_what_leads_somewhere_is_no_fault(book, link):
    with (book / "_build" / "html" / "plain.html").open("a") as page:
        page.write(link)
    assert list(build.faults(book)) == []


def test_a_book_that_is_not_whole_is_rendered_again_the_next_time(book, monkeypatch):
    """By a command that leaves a page out the first time; a third time there is nothing to do."""

    def jupyter_book(command, **_):
        site = book / "_build" / "html"
        (site / "_static").mkdir(parents=True)
        (site / "_static" / "a b.svg").touch()
        for name in ("index", "demo", "plain") if rendered else ("index", "demo"):
            (site / f"{name}.html").write_text(PAGES[name] + "cell_output")
        rendered.append(command[1:3])
        return build.subprocess.CompletedProcess(command, 0)

    rendered = []
    monkeypatch.setattr(build.subprocess, "run", jupyter_book)
    (book / "plain.md").write_text(CELL)
    with pytest.raises(InputError, match=r"^the built book is not whole: plain.html is missing or shows no output$"):
        build.render(book, "smoke")
    build.render(book, "smoke")
    build.render(book, "smoke")
    assert rendered == [["build", str(book)]] * 2
