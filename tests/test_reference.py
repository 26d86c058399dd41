"""The reference pages: no name, command, record, file or citation on them can go stale unseen."""

import dataclasses
import fnmatch
import html
import importlib
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import refusal
from reversible import ROOMS, data
from reversible.base import meaning
from reversible.book import inventory, rooms
from reversible.book.docstrings import ON_PAGES, constants, fields, rest
from reversible.book.terminal import COLUMNS, terminal
from reversible.cli.command import _parser
from reversible.papers import EXPERIMENTS, module_of
from reversible.records import record as results
from reversible.records.claims import judge, read_claims

BOOK = results.book_folder()


def page(name):
    return (BOOK / f"{name}.md").read_text()


# --- notation ---------------------------------------------------------------------------------------------------------

ROLE = re.compile(r"\{py:obj\}`([\w.]+)(?:\((\w+)\))? <([\w.]+)>`")
NAMED = [match.groups() for match in ROLE.finditer(page("notation"))]


def found(name) -> Any:
    """What `room.module.Name.attribute` is in the library; a field of a dataclass counts, with a default or without."""
    module, rest = f"reversible.{name}", []
    while not find_spec_of(module):
        module, _, last = module.rpartition(".")
        rest.insert(0, last)
    thing: Any = importlib.import_module(module)
    for part in rest:
        if dataclasses.is_dataclass(thing) and part in {field.name for field in dataclasses.fields(thing)}:
            return part
        thing = getattr(thing, part)
    return thing


def find_spec_of(module):
    try:
        return importlib.util.find_spec(module)
    except ModuleNotFoundError:  # what it lies in is no package
        return None


@pytest.mark.parametrize(("name", "argument", "link"), NAMED)
def test_name_in_the_table_of_notation_is_in_the_code(name, argument, link):
    thing = found(name)
    assert argument is None or argument in inspect.signature(thing).parameters
    assert f"reversible.{name}".startswith(link)


def test_every_line_of_notation_has_three_columns_and_nearly_every_one_a_name():
    lines = [line for line in page("notation").splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {4}
    nameless = [line for line in lines if not ROLE.search(line) and not line.startswith("| symbol")]
    assert len(NAMED) > 60
    assert len(nameless) <= 3, nameless


# --- the library ------------------------------------------------------------------------------------------------------

MODULES = [module for room in ON_PAGES for module in rooms.shown_of(room)]


def public(module):
    named = {name: thing for name, thing in vars(module).items() if not name.startswith("_")}
    kinds = [n for n, t in named.items() if isinstance(t, type) or inspect.isroutine(t) or hasattr(t, "cache_info")]
    return {name for name in kinds if named[name].__module__ == module.__name__}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """The pages' directives, made into HTML by Sphinx alone, as strictly as the book."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "conf.py").write_text("extensions = ['reversible.book.docstrings']\nhtml_theme = 'basic'\n")
    names = ["library", *(f"library-{room}" for room in ON_PAGES)]
    for name in names:
        directives = re.findall(r"```\{eval-rst\}\n(.*?)```", page(name), re.S)
        below = "".join(f"\n   {other}" for other in names if other != name)
        contents = f"\n\n.. toctree::\n{below}\n" if name == "library" else ""
        (folder / f"{name}.rst").write_text(f"{name}\n{'=' * len(name)}\n\n" + "\n".join(directives) + contents)
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "--keep-going", "-q", "-b", "html", "-D", "root_doc=library"]
    done = subprocess.run(
        [*command, folder, folder / "out"], capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    return "".join((folder / "out" / f"{name}.html").read_text() for name in names)


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
    from reversible.random_nets import one_layer as simulate
    from reversible.theory import singular_values as spectral_laws

    assert constants(simulate)["Mapper"].startswith("Like the builtin map:")
    assert constants(simulate)["DTYPES"] == ""
    assert constants(spectral_laws)["singular_values"].startswith("Singular values of W / sqrt(n)")
    assert "Array" not in constants(spectral_laws)


# --- the command line -------------------------------------------------------------------------------------------------

TYPED = re.findall(r'^terminal\("(reversible .*?)"(?:, status=(\d))?', page("command-line"), re.M)


def commands(parser, before=""):
    """Every command of a parser that has none below it."""
    below = [action.choices for action in parser._actions if action.dest == "==SUPPRESS==" and action.choices]
    if not below:
        return [before.strip()]
    return [name for choice, inner in below[0].items() for name in commands(inner, f"{before} {choice}")]


def test_the_page_shows_bad_input_and_machines():
    assert [status for _, status in TYPED].count("2") >= 3
    assert any("--json | head -n" in typed for typed, _ in TYPED)


@pytest.mark.parametrize("command", commands(_parser()))
def test_every_command_is_run_on_its_page_and_its_options_are_shown(command):
    run = [typed for typed, _ in TYPED if typed.startswith(f"reversible {command} ")]
    assert f"reversible {command} --help" in run
    assert [typed for typed in run if "--help" not in typed]
    assert f"## `{command}`:" in page("command-line")


@pytest.mark.parametrize("typed", [["simulate", "one-layer", "--help"], ["simulate", "one-layer", "--n", "3"]])
def test_terminal_shows_what_a_real_process_prints(typed, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    done = subprocess.run([sys.executable, "-m", "reversible.cli", *typed], text=True, capture_output=True)
    assert terminal(f"reversible {' '.join(typed)}", status=done.returncode).value == done.stdout + done.stderr


def test_terminal_escapes_cuts_and_leaves_everything_as_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "33")
    here = Path.cwd()
    shown = terminal("reversible simulate one-layer --n 3 --m 2 --k '<b>'", 2, tmp_path).content
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert shown.endswith("<strong>$ echo $?</strong>\n2</pre>")
    assert "tabindex='0'" in shown
    cut = terminal("reversible verdicts | head -n 3").content
    assert len(cut.splitlines()) == 4
    assert (os.environ["COLUMNS"], Path.cwd(), *capsys.readouterr()) == ("33", here, "", "")


def test_terminal_runs_in_the_folder(tmp_path):
    (tmp_path / "nothing.npz").touch()
    assert terminal("reversible spectrum nothing.npz", 2, tmp_path).value == "reversible: 'nothing.npz' is empty\n"


def test_terminal_sets_a_long_command_on_lines_that_can_be_copied():
    command = "reversible simulate one-layer --n 4000 --m 500 --k 501 --trials 9 --offset optimal --retention 0.5"
    first, second, *_ = terminal(command, status=2).content.split("<strong>")[1].splitlines()
    assert first.endswith(" \\")
    assert second.strip().startswith("--offset optimal")
    assert f"{first[2:-1].strip()} {second.strip().removesuffix('</strong>')}" == command


def test_terminal_fails_where_the_exit_status_is_another():
    with pytest.raises(AssertionError, match="exit status 2, not 0"):
        terminal("reversible simulate one-layer --n 3")
    with pytest.raises(AssertionError, match="exit status 0, not 2"):
        terminal("reversible --version", status=2)


@pytest.mark.parametrize("command", ["ls", "reversible verdicts | sort", "reversible verdicts | head -n 3 | wc"])
def test_terminal_refuses_what_it_cannot_show(command):
    assert "a terminal shows reversible ..." in refusal(lambda: terminal(command))


# --- records ----------------------------------------------------------------------------------------------------------


def test_every_record_is_listed_with_its_readers_and_whether_its_code_is_the_same(monkeypatch):
    found = results.meaning_of

    def meaning_of(name, module):
        now = found(name, module)
        return dataclasses.replace(now, digest="other") if "lemmas" in module else now

    monkeypatch.setattr(results, "meaning_of", meaning_of)
    monkeypatch.setattr(inventory, "read_record", lambda file: unchanged(results.read_record(file)))
    shown = inventory.records()
    files = sorted(file.name for file in (BOOK / "results").glob("*.json"))
    assert re.findall(r"href='([\w-]+\.json)' download", shown.content) == files
    lines = dict(zip(files, shown.value, strict=True))
    assert "<a href='single-layer.html'>single-layer</a>" in lines["theorem-2-3.json"][1]
    same = {name: "changed" not in line[-1] for name, line in lines.items()}
    lemmas = {f"{name}.json" for name in EXPERIMENTS if "lemmas" in module_of(name)}
    assert {name for name, unchanged in same.items() if not unchanged} == lemmas & set(files)


def unchanged(record):
    now = meaning.meaning_of(record.experiment, record.provenance["module"])
    now = {"meaning": now.digest, "definitions": now.definitions}
    return dataclasses.replace(record, provenance=record.provenance | now)


def test_every_field_of_a_record_is_explained():
    record = json.loads((BOOK / "results" / "code-law.json").read_text())
    assert re.findall(r"^\| `(\w+)` \|", page("records"), re.M) == list(record)
    assert [name for name in record["provenance"] if f"`{name}`" not in page("records") and name != "module"] == []


def test_the_page_checks_a_record_by_hand_as_the_library_does(capsys, monkeypatch):
    monkeypatch.setattr(inventory, "records", lambda: None)
    cells = re.findall(r"```\{code-cell\}.*?\n(?::tags: .*?\n)?\n?(.*?)```", page("records"), re.S)
    namespace = {}
    for cell in cells:
        exec(compile(cell, "records.md", "exec"), namespace)
    said = capsys.readouterr().out.splitlines()
    seal, altered, rule = (line for line in said if line in ("True", "False"))
    assert (seal, altered, rule) == ("True", "False", "True")
    claims = {claim.id: claim for claim in read_claims(BOOK)}
    record = results.read_record(BOOK / "results" / "theorem-2-3.json")
    assert said[-1] == judge(claims["A-T2.3"], lambda _: record).status


# --- data -------------------------------------------------------------------------------------------------------------


def test_every_file_is_listed_with_its_md5_and_no_set_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    monkeypatch.setattr(data, "_download", lambda name: pytest.fail(f"{name} is downloaded"))
    listed = {
        (re.sub("<.*?>", "", file), re.sub("<.*?>", "", md5), size) for file, size, md5 in inventory.files().value
    }
    known = {(file, md5, "not at hand") for part in data.FILES_MD5.values() for file, md5 in part.items()}
    known |= {(f"weights/{name}.npz", md5, "not at hand") for name, md5 in data.WEIGHTS_MD5.items()}
    assert listed == known
    sets = {name: rest for name, *rest in inventory.data_sets().value}
    assert list(sets) == list(data.NAMES)
    assert [name for name, line in sets.items() if line[0] == "not at hand"] == ["mnist", "cifar10", "cifar100"]
    assert sets["digits"][:4] == ["1,437", "360", "8 × 8, grey, 0 to 16", "10"]
    assert "https://" in sets["cifar10"][-1]


def test_a_set_that_is_there_is_measured(needs_mnist):
    _, mnist, *_ = inventory.data_sets().value
    assert mnist[:5] == ["mnist", "60,000", "10,000", "28 × 28, grey, 0 to 255", "10"]
    assert any("MiB" in size for _, size, _ in inventory.files().value)


def test_every_set_and_every_weight_file_has_a_source_and_terms():
    text = page("data")
    weights = re.findall(r"^(`.*`)\n: (.*)$", text, re.M)
    patterns = re.findall(r"`([\w*]+)`", " ".join(names for names, _ in weights))
    assert all("cite:t" in says and "https://" in says and "Licence there: " in says for _, says in weights)
    assert [name for name in data.WEIGHTS_MD5 if not any(fnmatch.fnmatch(name, p) for p in patterns)] == []
    assert [p for p in patterns if not fnmatch.filter(data.WEIGHTS_MD5, p)] == []
    for name in ("Digits", "MNIST", "CIFAR-10 and CIFAR-100"):
        says = re.search(rf"^{name}\n: (.*)$", text, re.M)
        assert says
        assert "cite:t" in says[1]
        assert "icence not stated" in says[1] or "terms are those of" in says[1]


# --- bibliography -----------------------------------------------------------------------------------------------------

BIBLIOGRAPHY = (BOOK / "references.bib").read_text()
ENTRIES = {
    key: (kind, dict(re.findall(r"^  (\w+) = \{(.*)\},$", body, re.M)))
    for kind, key, body in re.findall(r"@(\w+)\{([\w-]+),\n(.*?)\n\}", BIBLIOGRAPHY, re.S)
}
NEEDED = {
    "article": {"author", "title", "journal", "volume", "pages", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "techreport": {"author", "title", "institution", "year"},
    "misc": {"author", "title", "year"},
}
LINKS = {"doi": r"10\.\d{4,}/\S+", "eprint": r"\d{4}\.\d{4,5}", "url": r"https://\S+"}


def test_every_entry_of_the_bibliography_was_read():
    assert len(ENTRIES) == BIBLIOGRAPHY.count("@") > 20


@pytest.mark.parametrize("key", ENTRIES)
def test_entry_is_whole_and_leads_to_its_source(key):
    kind, entry = ENTRIES[key]
    assert NEEDED[kind] - set(entry) == set()
    links = set(LINKS) & set(entry)
    assert links
    assert all(re.fullmatch(LINKS[link], entry[link]) for link in links)
    assert ("eprint" in entry) == (entry.get("archiveprefix") == "arXiv")
    assert re.fullmatch(r"(19|20)\d\d", entry["year"])
    if "eprint" in entry:  # 1511.05653 came in November 2015, and papers are printed later
        assert 2000 + int(entry["eprint"][:2]) <= int(entry["year"])


def test_every_citation_has_an_entry_and_every_entry_is_cited():
    text = "".join(file.read_text() for file in BOOK.glob("*.md"))
    cited = {key.strip() for keys in re.findall(r"\{cite:[pt]\}`([^`]+)`", text) for key in keys.split(",")}
    assert cited == set(ENTRIES)
