"""The pages of the library: every room, every public name, as docstrings and comments say it."""

import html
import importlib
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reversible import ROOMS
from reversible.book import rooms
from reversible.book.docstrings import ON_PAGES, constants, fields, rest
from reversible.records import record as results

BOOK = results.book_folder()


def page(name):
    return (BOOK / f"{name}.md").read_text()


MODULES = [module for room in ON_PAGES for module in rooms.shown_of(room)]


def public(module):
    named = {name: thing for name, thing in vars(module).items() if not name.startswith("_")}
    kinds = [n for n, t in named.items() if isinstance(t, type) or inspect.isroutine(t) or hasattr(t, "cache_info")]
    return {name for name in kinds if named[name].__module__ == module.__name__}


@pytest.fixture(scope="module")
def rendered(site):
    """The HTML of the pages, built as strictly as all of the book."""
    names = ["library", *(f"library-{room}" for room in ON_PAGES)]
    return "".join((site / f"{name}.html").read_text() for name in names)


def words(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())


def test_every_room_has_its_page_and_no_other_has_one():
    assert {file.stem for file in BOOK.glob("library-*.md")} == {f"library-{room}" for room in ON_PAGES}
    for room in ON_PAGES:
        assert page(f"library-{room}").startswith(f"# `{room}`: ")
        assert f"```{{eval-rst}}\n.. room:: {room}\n```" in page(f"library-{room}")
    for room in set(ROOMS) - set(ON_PAGES):
        assert f"`{room}`" in page("library")


def test_a_room_that_is_none_is_refused(tmp_path):
    (tmp_path / "conf.py").write_text("extensions = ['reversible.book.docstrings']\n")
    (tmp_path / "index.rst").write_text("Page\n====\n\n.. room:: kitchen\n")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", tmp_path, tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "room must be one of base, " in done.stderr
    assert "not 'kitchen'" in done.stderr


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_of_a_module_is_on_its_page(rendered, name):
    module = importlib.import_module(name)
    missing = [each for each in public(module) if f'id="{name}.{each}"' not in rendered]
    assert missing == []
    start = rendered.index(f'id="module-{name}"')
    itself = words(rendered[start : rendered.find('id="module-', start + 20)])
    assert [each for each in constants(module) if not re.search(rf"\b{each}\b", itself)] == []


def test_the_page_says_what_docstrings_and_comments_say(rendered):
    text = words(rendered)
    assert "OneLayer(*, n, m, k, rho, q," in text
    assert "rho: float = 0.5 retention probability of the generation’s dropout; t = rho n" in text
    assert "FALSE_ALARM = 0.01 share of random matrices that show a spike" in text
    assert "theory_alpha(n: int, rho: float) → float" in text
    assert "||h||_inf / ||h|| of each code" in text
    assert "rho: float, *, offset: ArrayLike = 0.0, q: float = 1.0" in text  # aliases as they are written
    assert "watch: Callable[[Run], None] = lambda run: ..." in text  # and so are defaults, but for what a lambda does
    assert str(Path.cwd()) not in text


@pytest.mark.parametrize(
    ("docstring", "shown"),
    [
        ("||h||_inf of `h`, *not* h * n_drop", "\\|\\|h\\|\\|\\_inf of ``h``, *not* h \\* n\\_drop"),
        ("**The law.** a_ and b", "**The law.** a\\_ and b"),
        ("    x = r(W h) * n_drop", ".. code-block:: text\n\n    x = r(W h) * n_drop"),
        (">>> f(2 * 3)\n6", ">>> f(2 * 3)\n6"),
        ("1. One of\n   two\n2. Two", "1. One of\n   two\n2. Two"),
        ("Words\n  that go on", "Words\nthat go on"),
    ],
)
def test_docstring_as_restructured_text(docstring, shown):
    assert "\n".join(rest(docstring.split("\n"))).strip("\n") == shown


def test_comments_of_fields_that_go_on_or_stand_inside():
    from reversible.spectra.matrix import Measures
    from reversible.training.synthetic import Shadow

    first, *_, last = fields(Shadow)
    assert first == ("source", "int = 2", "hidden layer h_l they are generated from")
    assert last[2].startswith("what takes the place of the transposed matrices")
    assert last[2].endswith("as long as the way from it to its synthetic image")
    assert {name: says for name, _, says in fields(Measures)}["localisation"].startswith("sum of their fourth powers")


def test_comments_of_constants():
    from reversible.base import runtime
    from reversible.random_nets import one_layer as simulate
    from reversible.theory import singular_values as spectral_laws

    assert constants(runtime)["Mapper"].startswith("Like the builtin map:")
    assert constants(simulate)["DTYPES"] == ""
    assert constants(spectral_laws)["singular_values"].startswith("Singular values of W / sqrt(n)")
    assert "Array" not in constants(spectral_laws)
