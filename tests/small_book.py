"""A book of one small chapter and a front page, for tests that change it, spoil it and build it again.

Nothing in it takes time: what its kernels import brings no torch, and they run no experiment.
"""

import shutil
from dataclasses import replace
from pathlib import Path

from helpers import Checkout, copy_project
from reversible.records.claims import read_claims, rules_for
from reversible.records.record import Record, write_record

HEAD = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""
PARAMETERS = """```{code-cell} ipython3
:tags: [parameters]

profile = "book"
```

"""
INDEX = f"""{HEAD}# A small book

It has [one chapter](demo.md).

{PARAMETERS}```{{code-cell}} ipython3
from reversible.book import front
from reversible.book.chapter import begin

begin(globals(), "index")
front.by_paper(front.verdicts())
```
"""
CHAPTER = f"""{HEAD}# A small chapter

It cites {{cite:t}}`arora2015`.

{PARAMETERS}```{{code-cell}} ipython3
from reversible.book.chapter import begin

chapter = begin(globals(), "demo")
```

```{{code-cell}} ipython3
chapter.verdict("T1")
```
"""
PAGES = {
    "index": INDEX, "demo": CHAPTER, "bibliography": "# Bibliography\n\n```{bibliography}\n```\n",
    "run-it": "# Run it\n",  # the foot of every page leads here
}  # fmt: skip
RECORD = "spectral-laws"  # its experiment is one of numpy alone
CLAIMS = f"""
[[claim]]
id = "T1"
chapter = "demo"
source = "here"
whose = "paper"
found.reproduced = "They are, within {{largest_ks:.2f}}."
says = "bulks are on the law"
measured = "the largest distance"
record = "{RECORD}"
must = ["largest_ks <= 1"]
would_change = "a larger one"

[[claim]]
id = "T2"
chapter = "elsewhere"
source = "there"
whose = "extension"
says = "it is deep"
not_tested = "no time"
"""


def made(root: Path, record: Record) -> Checkout:
    """The small book in the folder `root`, with this record of `RECORD`, built in the smoke profile."""
    checkout = copy_project(root)
    book = checkout.root / "book"
    for folder in ("results", "claims"):
        shutil.rmtree(book / folder)
        (book / folder).mkdir()
    for page in book.glob("*.md"):
        page.unlink()
    for name, text in PAGES.items():
        (book / f"{name}.md").write_text(text)
    (book / "claims" / "demo.toml").write_text(CLAIMS)
    pages = "  - file: demo\n  - file: bibliography\n  - file: run-it\n"
    (checkout.root / "_toc.yml").write_text(f"format: jb-book\nroot: index\nchapters:\n{pages}")
    put_record(checkout, record)
    done = checkout.build()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 chapters to execute, 0 unchanged" in done.stdout
    return checkout


def put_record(checkout: Checkout, record: Record) -> None:
    """Put it into the book, under the book's own rules."""
    book = checkout.root / "book"
    write_record(replace(record, rules=rules_for(read_claims(book), RECORD)), book / "results" / f"{RECORD}.json")
