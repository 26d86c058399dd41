"""Notebooks to take away: in the smoke profile, whole, and with buttons where the project has an address."""

import ast
import json

import pytest

from reversible.book.execute import chapters
from reversible.book.pages import downloads, main, smoke_notebooks
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
