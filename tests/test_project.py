"""The project's own files: in step with each other, and within their limits; what is clean `make check` sees."""

import ast
import re
import shutil
import subprocess
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from helpers import ROOT
from reversible import ROOMS
from reversible.base.digests import imports
from reversible.book.rooms import arrows

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.lock").read_text(), re.M))


def declared():
    project = PYPROJECT["project"]
    extras = [r for group in project["optional-dependencies"].values() for r in group]
    return [Requirement(text) for text in project["dependencies"] + extras]


def test_lock_pins_all_that_pyproject_asks_for():
    for requirement in declared():
        assert requirement.name.lower() in LOCK, requirement.name
        assert LOCK[requirement.name.lower()] in requirement.specifier, requirement


def test_lock_is_hashed_and_names_no_host():
    text = (ROOT / "requirements.lock").read_text()
    assert text.count("--hash=sha256:") > len(LOCK)
    assert "://" not in text


def test_conda_environment_takes_python_from_pyproject_and_the_rest_from_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, _, pip = environment["dependencies"]
    assert python.startswith("python=")
    assert (
        f"{python.removeprefix('python=')}.0"
        in Requirement(f"python{PYPROJECT['project']['requires-python']}").specifier
    )
    assert pip == {"pip": ["-r requirements.lock"]}


def test_versions_agree():
    from reversible import __version__

    assert PYPROJECT["project"]["version"] == __version__
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text()
    uv = f"uv=={LOCK['uv']}"
    assert uv in (ROOT / "Makefile").read_text()


def tracked(*patterns):
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines()]


def test_every_folder_and_file_of_the_library_is_a_room():
    library = ROOT / "lib" / "reversible"
    found = {file.relative_to(library).parts[0].removesuffix(".py") for file in library.rglob("*.py")} - {"__init__"}
    assert found == set(ROOMS)


def test_a_room_imports_only_from_rooms_before_it():
    upward = {room: [o for o in others if ROOMS.index(o) > ROOMS.index(room)] for room, others in arrows().items()}
    assert not any(upward.values()), upward


def papers_of(text):
    return {name.split(".")[2] for name in imports(text) if name.startswith("reversible.papers.") and "." in name[18:]}


def test_papers_never_import_papers():
    folders = [file.parent for file in (ROOT / "lib" / "reversible" / "papers").glob("*/__init__.py")]
    for folder in folders:
        for file in folder.rglob("*.py"):
            assert papers_of(file.read_text()) <= {folder.name}, file
    assert papers_of("from reversible.papers.other2019.laws import law") == {"other2019"}


def test_nothing_in_papers_looks_names_up_in_modules_or_registers_itself():
    for file in (ROOT / "lib" / "reversible" / "papers").rglob("*.py"):
        tree = ast.parse(file.read_text())
        modules = {
            a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom | ast.Import) for a in n.names
        }
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) in ("getattr", "setattr")]
        assert [ast.unparse(n) for n in calls if ast.unparse(n.args[0]) in modules] == [], file
        called = [n for n in tree.body if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call)]
        assert [ast.unparse(n) for n in called] == [], file


def test_files_are_short():
    long = {str(f): n for f in tracked("*.py") if (n := len(f.read_text().splitlines())) > 350}
    assert long == {}


def test_no_file_names_a_machine_path():
    pattern = re.compile(r"(?<![\w.])/(?:work|root|home|farm)/\w")
    named = [str(f) for f in tracked() if not f.is_symlink() and pattern.search(f.read_text(errors="ignore"))]
    assert named == []


def test_readme_says_what_the_makefile_does():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make (\w+)`", readme):
        assert f"\n{target}:" in makefile, target


def test_what_is_written_by_itself_is_in_step():
    """`python -m reversible.book.front` writes the README's figure and table and the picture of the rooms again."""
    from reversible.book import front

    for file, text in front.kept_in_step(ROOT).items():
        assert file.read_text() == text, file.name
    assert "](book/_static/story.svg)" in (ROOT / "README.md").read_text()


def test_records_were_made_by_the_code_that_is_here():
    """A number in the book is one that this code gives; else `reversible run NAME --profile full` makes it again."""
    from reversible.records.record import read_record

    records = [read_record(file) for file in (ROOT / "book" / "results").glob("*.json")]
    assert [r.experiment for r in records if not r.code_unchanged] == []


def test_records_weigh_little():
    """One is larger: it is of thirteen hours of training, with the error of each seed at each look."""
    most = {"shadow-curves": 1_200_000}
    assert all(f.stat().st_size < most.get(f.stem, 600_000) for f in (ROOT / "book" / "results").glob("*.json"))
