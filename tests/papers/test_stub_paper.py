"""A further paper touches no shared file but the table of contents, and all that it gives is found."""

import hashlib
import json
import sys

import pytest

from helpers import copy_project

STUB = {
    "lib/reversible/papers/stub2020/__init__.py": '''
"""A stub of a paper."""

from reversible.papers import Paper

PAPER = Paper(
    key="stub2020", title="On coins", short="Stub 2020", at_hand="It was made up.",
    chapters=("coins",),
    experiments={"experiments": ("coin-tosses",)}, figures={"figures": ("coin-tosses",)},
)
''',
    "lib/reversible/papers/stub2020/laws.py": '''
"""The law of a coin."""


def heads(p: float) -> float:
    """The expected share of heads."""
    return p
''',
    "lib/reversible/papers/stub2020/experiments.py": '''
"""Coins, tossed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reversible.base.estimates import Estimate
from reversible.papers.stub2020.laws import heads
from reversible.runs.experiment import Experiment


@dataclass(frozen=True)
class Tosses:
    p: float
    tosses: int
    seed: int


@dataclass(frozen=True)
class Heads:
    heads: int


def toss(cell: Tosses) -> Heads:
    return Heads(int(np.random.default_rng(cell.seed).binomial(cell.tosses, cell.p)))


def cells(profile: str) -> list[Tosses]:
    return [Tosses(0.5, 100 if profile == "smoke" else 1000, seed) for seed in range(20)]


def measures(pairs: list[tuple[Tosses, Heads]]) -> dict[str, Estimate]:
    return {"off_the_law": Estimate.of([r.heads / p.tosses - heads(p.p) for p, r in pairs])}


def label(measure: str) -> str:
    return {"off_the_law": "share of heads less its law"}[measure]


EXPERIMENTS = {"coin-tosses": Experiment(cells, toss, measures, label=label, repeats=("tosses",))}
''',
    "lib/reversible/papers/stub2020/figures.py": '''
"""Its one figure."""

from reversible.records.record import Record
from reversible.show.html import Shown


def coin_tosses(record: Record) -> Shown:
    return Shown(f"<b>{len(record.rows)} coins drawn</b>")


FIGURES = {"coin-tosses": coin_tosses}
''',
    "book/claims/stub2020.toml": """
[[claim]]
id = "stub2020-1"
chapter = "coins"
source = "[ours]"
whose = "paper"
found.reproduced = "They are, within {off_the_law:|.2f}."
says = "Coins are fair."
measured = "Heads."
record = "coin-tosses"
must = ["off_the_law = 0 +- 0.1"]
would_change = "An unfair one."
""",
    "book/coins.md": """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Coins

```{code-cell} ipython3
:tags: [parameters]

profile = "book"
```

```{code-cell} ipython3
from reversible.book.chapter import begin

chapter = begin(globals(), "coins")
chapter.live("coin-tosses")
```

```{code-cell} ipython3
chapter.figure("coin-tosses")
```

```{code-cell} ipython3
chapter.verdict("stub2020-1")
```
""",
}
LOOK = """
import json
from pathlib import Path
from reversible import cli, papers
from reversible.book import execute, front

book = Path("book")
out = "book/results/coin-tosses.json"
assert cli.main(["run", "coin-tosses", "--profile", "smoke", "--out", out]) == 0
execute.execute(book, "coins", "smoke")
verdicts = [verdict for verdict in front.verdicts() if verdict.claim.id.startswith("stub")]
text = "".join(str(cell) for cell in execute.executed(book, "coins").cells)
print(json.dumps({
    "paper": papers.paper_of("coin-tosses").title,
    "verdicts": [verdict.status for verdict in verdicts],
    "found": [*front.by_paper(verdicts).value.items()],
    "row": front.claims_table(verdicts).content,
    "page": text,
    "stale": execute.stale(book, "smoke").count("coins"),
}))
"""


@pytest.fixture
def checkout(tmp_path):
    """The project, and a stub of a paper in it."""
    made = copy_project(tmp_path)
    before = digests(made.root)
    for file, text in STUB.items():
        assert not (made.root / file).exists()
        (made.root / file).parent.mkdir(exist_ok=True)
        (made.root / file).write_text(text.lstrip("\n"))
    made.edit("_toc.yml", "  - caption: Reference\n", "  - caption: Coins\n    chapters:\n      - file: coins\n"
              "  - caption: Reference\n")  # fmt: skip
    after = digests(made.root)
    assert {name for name in before if after[name] != before[name]} == {"_toc.yml"}
    return made


def digests(root):
    files = [file for file in root.rglob("*") if file.is_file() and not file.is_symlink()]
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_further_paper_is_found_with_all_that_it_gives(checkout):
    done = checkout.run(sys.executable, "-c", LOOK)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["paper"], found["verdicts"], found["stale"]) == ("On coins", ["reproduced"], 0)
    assert found["found"] == [[["stub2020", "paper"], {"reproduced": 1}]]
    assert "They are, within 0." in found["row"]
    for shown in (
        "20 coins drawn",
        "share of heads less its law",
        "A tiny re-run just now",
        "2,000 runs",
        "rv-reproduced",
    ):
        assert shown in found["page"], shown
