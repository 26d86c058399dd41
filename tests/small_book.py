"""A book of one small chapter and a front page, for tests that change it, spoil it and build it again."""

import re
import shutil
import sys
from pathlib import Path

from helpers import Checkout, copy_project

CHAPTER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A small chapter

It cites {cite:t}`arora2015`.

```{code-cell} ipython3
:tags: [parameters]

profile = "book"
```

```{code-cell} ipython3
from reversible.book.chapter import begin

chapter = begin(globals(), "demo")
chapter.live("code-law")
```

```{code-cell} ipython3
chapter.verdict("T1")
```
"""

CLAIMS = """
[[claim]]
id = "T1"
chapter = "demo"
source = "here"
says = "entries are bounded"
measured = "the largest"
record = "code-law"
must = ["largest_constant_binary <= 3"]
would_change = "a larger one"

[[claim]]
id = "T2"
chapter = "elsewhere"
source = "there"
says = "it is deep"
not_tested = "no time"
"""


def made(root: Path) -> Checkout:
    """The small book in the folder `root`, built in the smoke profile."""
    checkout = copy_project(root)
    book = checkout.root / "book"
    shutil.rmtree(book / "results")
    (book / "results").mkdir()
    for page in book.glob("*.md"):
        if page.stem not in ("index", "bibliography"):
            page.unlink()
    (book / "demo.md").write_text(CHAPTER)
    shutil.rmtree(book / "claims")
    (book / "claims").mkdir()
    (book / "claims" / "demo.toml").write_text(CLAIMS)
    pages = "  - file: demo\n  - file: bibliography\n"
    (checkout.root / "_toc.yml").write_text(f"format: jb-book\nroot: index\nchapters:\n{pages}")
    front = (book / "index.md").read_text().replace("from reversible.papers.arora2015 import figures\n", "")
    picture = "```{code-cell} ipython3\n:tags: [remove-input]\n\nfigures.overview(front.records_of(verdicts))\n```\n"
    assert picture in front
    (book / "index.md").write_text(front.replace(picture, ""))  # drawing takes seconds to be imported
    for page in (book / "index.md", book / "bibliography.md"):  # without links to chapters that are not there
        page.write_text(re.sub(r"\[([^]]*)\]\([\w-]+\.md\)", r"\1", page.read_text()))
    with (book / "index.md").open("a") as page:
        page.write("\n[the small chapter](demo.md)\n")
    ran = checkout.run(sys.executable, "-m", "reversible.cli", "run", "code-law", "--profile", "smoke",
                        "--out", "book/results/code-law.json")  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    done = checkout.build()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 chapters to execute, 0 unchanged" in done.stdout
    return checkout
