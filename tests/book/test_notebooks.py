"""Notebooks to take away: in the smoke profile, whole, and with buttons where the project has an address."""

import ast
import json

import pytest

from reversible.book.execute import chapters
from reversible.book.pages import downloads, glossary, main, needs, smoke_notebooks, with_definitions
from reversible.records.record import book_folder

ADDRESS = "https://github.com/some-one/reversible"


def cells_of(path):
    return [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]


def test_every_chapter_is_a_notebook_in_the_smoke_profile(tmp_path, capsys):
    assert main([str(tmp_path / "notebooks")]) == 0
    names = chapters(book_folder())
    assert sorted(p.stem for p in (tmp_path / "notebooks").iterdir()) == sorted(names)
    for name in names:
        cells = cells_of(tmp_path / "notebooks" / f"{name}.ipynb")
        parameters = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
        assert len(parameters) == 1, name
        values = {}
        exec("".join(parameters[0]["source"]), values)
        assert values["profile"] == "smoke"
        assert "google.colab" not in "".join(cells[0]["source"])


def test_on_colab_a_notebook_fetches_the_project_first(tmp_path):
    smoke_notebooks(book_folder(), tmp_path, ADDRESS)
    first = "".join(cells_of(tmp_path / "single-layer.ipynb")[0]["source"])
    assert f"!git clone -q --depth 1 {ADDRESS} reversible" in first
    python = "\n".join(line for line in first.splitlines() if not line.strip().startswith(("!", "%"))) + "\n    pass"
    ast.parse(python)


@pytest.mark.parametrize("words", [[], ["a", "b"]])
def test_a_call_without_one_folder_is_one_line(words, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}/", f"{ADDRESS}.git"])
def test_buttons_lead_to_the_address(address):
    links = downloads("spectra", address, "main")
    assert "notebooks/spectra.ipynb' download" in links
    colab = "https://colab.research.google.com/github/some-one/reversible/blob/gh-pages/notebooks/smoke/spectra.ipynb"
    assert f"href='{colab}'" in links
    assert (
        "href='https://mybinder.org/v2/gh/some-one/reversible/main?urlpath=lab/tree/notebooks/spectra.ipynb'" in links
    )


def test_without_an_address_there_are_no_buttons():
    assert downloads("spectra", "", "main").count("<a ") == 1


def test_the_address_stands_in_one_place_of_the_configuration():
    import yaml

    config = yaml.safe_load((book_folder() / "_config.yml").read_text())
    assert set(config["repository"]) == {"url", "branch"}


@pytest.mark.parametrize(("address", "get"), [(ADDRESS, f"`git clone {ADDRESS}`"), ("", "copy or clone the project")])
def test_a_downloaded_notebook_begins_with_what_it_needs(address, get):
    cell = needs("A title", address)
    assert cell.cell_type == "markdown"
    for says in ("*A title*", get, "`make book`", ".venv", "`book`"):
        assert says in cell.source


GLOSSARY = """<dl class="simple glossary"><dt id="term-gain">gain</dt>
<dd><p>By how much an <em>entry</em> is
multiplied &amp; no more.</p></dd><dt id="term-two-words">two words</dt><dd><p>Second.</p></dd></dl>"""


def test_links_into_the_glossary_carry_the_meaning(tmp_path):
    (tmp_path / "glossary.html").write_text(GLOSSARY)
    terms = glossary(tmp_path)
    assert terms == {"term-gain": "By how much an entry is multiplied & no more.", "term-two-words": "Second."}
    link = '<a class="reference internal" href="glossary.html#term-gain">gain</a>'
    gained = with_definitions(link, terms)
    assert 'data-rv-term="By how much an entry is multiplied &amp; no more.">gain' in gained
    for other in (link.replace("term-gain", "term-gone"), link.replace("glossary.html", "x.html")):
        assert with_definitions(other, terms) == other
    assert glossary(tmp_path / "nowhere") == {}
