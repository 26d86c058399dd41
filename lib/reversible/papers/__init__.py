"""The papers, found by listing the folders here; what each gives is found through its own tables.

A paper is a folder KEY with an `__init__.py` that holds a `PAPER`. Its modules of experiments hold `EXPERIMENTS`, a
dict by the names of their records; its modules of figures hold `FIGURES`, a dict of functions by the same names. Which
is where `PAPER` says, so that nothing is imported to list them. Papers never import papers.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reversible.base.checks import one_of
from reversible.records.record import Record
from reversible.runs.experiment import Experiment
from reversible.show.html import Shown

HOME = Path(__file__).parent


@dataclass(frozen=True)
class Paper:
    """What a paper gives to the book."""

    key: str  # the name of its folder, of its ledger and of its entry among the references
    title: str
    short: str  # authors and year, as the front page names it
    at_hand: str  # what of its text was read for this book, in a sentence
    chapters: tuple[str, ...]  # book/NAME.md, in order
    experiments: Mapping[str, tuple[str, ...]]  # module below its folder -> names of the records it makes
    figures: Mapping[str, tuple[str, ...]]  # module below its folder -> names of the records it draws

    @property
    def makes(self) -> dict[str, str]:
        """The full name of the module that makes each record."""
        return self._modules(self.experiments)

    @property
    def draws(self) -> dict[str, str]:
        """The full name of the module that draws each record that has a figure."""
        return self._modules(self.figures)

    def _modules(self, table: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
        return {name: f"{__name__}.{self.key}.{module}" for module, names in table.items() for name in names}


@functools.cache
def papers() -> tuple[Paper, ...]:
    """Every paper, in the order of their keys; no experiment is imported for it."""
    keys = sorted(file.parent.name for file in HOME.glob("*/__init__.py"))
    return tuple(importlib.import_module(f"{__name__}.{key}").PAPER for key in keys)


def paper_of(record: str) -> Paper:
    """The paper that the record is made for; InputError for a name that is none."""
    known = {name: paper for paper in papers() for name in paper.makes}
    return known[one_of("experiment", record, known)]


def module_of(record: str) -> str:
    """The module that makes a record; InputError for a name that is none."""
    return paper_of(record).makes[record]


class _Experiments(Mapping[str, Experiment]):
    """All experiments by the names of their records, each imported when it is asked for; InputError for no name."""

    def __getitem__(self, name: str) -> Experiment:
        module = module_of(name)
        return replace(importlib.import_module(module).EXPERIMENTS[name], name=name, module=module)

    def __iter__(self) -> Iterator[str]:
        return (name for paper in papers() for name in paper.makes)

    def __len__(self) -> int:
        return sum(1 for _ in self)


EXPERIMENTS: Mapping[str, Experiment] = _Experiments()


def figure_of(record: Record) -> Shown:
    """The figure of a record, as its paper draws it; InputError where it draws none."""
    drawn = paper_of(record.experiment).draws
    module = drawn[one_of("figure", record.experiment, drawn)]
    draw: Callable[[Record], Shown] = importlib.import_module(module).FIGURES[record.experiment]
    return draw(record)
