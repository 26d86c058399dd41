"""What a paper says of itself is what its modules hold, and what the book has."""

import importlib

import pytest
import yaml

from helpers import ROOT, refusal
from reversible.papers import EXPERIMENTS, figure_of, module_of, papers
from reversible.records.record import Record

TABLES = [(paper, "experiments", "EXPERIMENTS") for paper in papers()] + [(p, "figures", "FIGURES") for p in papers()]


@pytest.mark.parametrize(("paper", "table", "name"), TABLES, ids=lambda value: getattr(value, "key", value))
def test_the_tables_of_a_paper_are_those_of_its_modules(paper, table, name):
    for module, records in getattr(paper, table).items():
        assert tuple(getattr(importlib.import_module(f"reversible.papers.{paper.key}.{module}"), name)) == records
    folder = ROOT / "lib" / "reversible" / "papers" / paper.key
    holding = [file for file in folder.rglob("*.py") if f"\n{name} = {{" in file.read_text()]
    names = {".".join(file.relative_to(folder).with_suffix("").parts) for file in holding}
    assert names == set(getattr(paper, table))


@pytest.mark.parametrize("paper", papers(), ids=lambda paper: paper.key)
def test_a_paper_has_its_chapters_its_ledger_and_its_reference(paper):
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = [entry["file"] for part in contents["parts"] for entry in part["chapters"]]
    assert [name for name in listed if name in paper.chapters] == list(paper.chapters)
    assert (ROOT / "book" / "claims" / f"{paper.key}.toml").is_file()
    assert f"{{{paper.key}," in (ROOT / "book" / "references.bib").read_text()
    assert paper.title in (ROOT / "book" / "references.bib").read_text().replace("{", "").replace("}", "")


def test_no_two_papers_share_a_key_a_record_or_a_chapter():
    for things in ([p.key for p in papers()], list(EXPERIMENTS), [name for p in papers() for name in p.chapters]):
        assert len(set(things)) == len(things) > 0


def test_what_is_none_is_refused_by_name():
    assert refusal(lambda: module_of("nix")).startswith("experiment must be one of code-law, ")
    record = Record("code-law", "smoke", {"cells": []}, {}, [], {}, {})
    assert refusal(lambda: figure_of(record)).endswith("not 'code-law'")
