"""Plain papermill, as it is installed, reads a chapter by any path."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from papermill.cli import papermill

from reversible.book import kernels

CHAPTER = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Tiny: β

```{code-cell} ipython3
:tags: [parameters]

profile = "book"
```

```{code-cell} ipython3
import os

print(profile * 2, os.getcwd())
```
"""


@pytest.fixture
def root(tmp_path):
    """A checkout's folder with a book, a folder beside it, and another book with a notebook as papermill knows them."""
    for folder in ("checkout/book", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "checkout" / "book" / "tiny.md").write_text(CHAPTER, encoding="utf-8")
    return tmp_path


def called(*words):
    return CliRunner().invoke(papermill, [*words, "--log-level", "WARNING"])


def sources(out):
    return ["".join(cell["source"]) for cell in json.loads(Path(out).read_text(encoding="utf-8"))["cells"]]


FORMS = {
    "as it was": ("checkout", "book/tiny.md"),
    "from here": ("checkout", "./book/tiny.md"),
    "with a way up": ("checkout/book", "../book/tiny.md"),
    "inside the book": ("checkout/book", "tiny.md"),
    "inside, from here": ("checkout/book", "./tiny.md"),
    "elsewhere": ("elsewhere", "../checkout/book/tiny.md"),
    "from above": (".", "checkout/book/tiny.md"),
    "absolute": ("elsewhere", None),
}


@pytest.mark.parametrize("cwd", [None, "book"])
@pytest.mark.parametrize("form", FORMS)
def test_a_chapter_is_read_by_any_path(form, cwd, root, monkeypatch):
    folder, path = FORMS[form]
    monkeypatch.chdir(root / folder)
    book = root / "checkout" / "book"
    more = ["--cwd", str(book)] if cwd else []
    done = called(path or str(book / "tiny.md"), "o.ipynb", "-p", "profile", "smoke", "--prepare-only", *more)
    assert done.exit_code == 0, done.output
    assert "does not end in" not in done.output
    assert sources("o.ipynb")[0] == "# Tiny: β"
    assert 'profile = "smoke"' in sources("o.ipynb")[2]  # behind the chapter's own


def test_what_is_written_into_the_book_lies_where_the_path_says(root, monkeypatch):
    """Though the chapter is run in another folder."""
    monkeypatch.chdir(root / "checkout")
    done = called("book/tiny.md", "book/o.ipynb", "--prepare-only", "--cwd", "book")
    assert done.exit_code == 0, done.output
    assert len(sources("book/o.ipynb")) == 3


def test_notebooks_and_parameters_in_files_are_read_as_ever(root, monkeypatch):
    monkeypatch.chdir(root / "checkout")
    assert called("book/tiny.md", "tiny.ipynb", "--prepare-only").exit_code == 0
    Path("p.yml").write_text("---\nprofile: full\n", encoding="utf-8")
    done = called("tiny.ipynb", "o.ipynb", "-f", "p.yml", "--prepare-only")
    assert done.exit_code == 0, done.output
    assert 'profile = "full"' in sources("o.ipynb")[2]


WRONG = {
    "nothing there": ("./bok/tiny.md", "Error: cannot read ./bok/tiny.md: No such file or directory"),
    "a folder": ("folder.md", "Error: cannot read folder.md: Is a directory"),
    "no chapter": ("README.md", "Error: README.md must be a chapter, with a kernelspec in its first lines, and has n"),
    "no text": ("bytes.md", "Error: cannot read bytes.md: 'utf-8' codec can't decode byte 0xff in position 0"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_chapter_is_one_line(kind, root, monkeypatch):
    monkeypatch.chdir(root)
    Path("README.md").write_text("# Read me\n", encoding="utf-8")
    Path("bytes.md").write_bytes(b"\xff\xfe")
    Path("folder.md").mkdir()
    path, says = WRONG[kind]
    done = called(path, "o.ipynb")
    assert done.exit_code == 1
    assert done.output.splitlines()[-1].startswith(says)
    assert isinstance(done.exception, SystemExit)  # and no traceback
    assert not Path("o.ipynb").exists()


def test_a_chapter_runs_from_inside_the_book(root):
    words = [str(Path(sys.executable).parent / "papermill"), "tiny.md", "o.ipynb", "-p", "profile", "smoke"]
    environment = {**os.environ, "PYTHONPATH": str(Path(kernels.__file__).parents[2])}
    book = root / "checkout" / "book"
    done = subprocess.run(words, cwd=book, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert f"smokesmoke {book}" in (book / "o.ipynb").read_text(encoding="utf-8")
