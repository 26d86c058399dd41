"""What changes the meaning of an experiment: edits of what it uses, and nothing else."""

import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

import by_bytecode
from helpers import refusal
from pythons import pythons
from reversible.base.meaning import LIBRARY, changed, meaning_of
from reversible.papers import EXPERIMENTS, module_of
from reversible.runs.experiment import on_one_thread

LEMMAS = "papers/arora2015/experiments/lemmas"
MODULE = {name: module_of(name) for name in EXPERIMENTS}


def all_meanings(library=LIBRARY):
    return {name: meaning_of(name, module, library) for name, module in MODULE.items()}


@pytest.fixture(scope="module")
def now():
    return all_meanings()


# --- the library, with an edit ----------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(LIBRARY, tmp_path / "reversible", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "reversible"


def edit(library, file, old, new):
    text = (library / file).read_text()
    assert old in text, f"{old!r} is not in {file}"
    (library / file).write_text(text.replace(old, new))


def everywhere(library, pattern, new):
    found = 0
    for file in library.rglob("*.py"):
        text, n = re.subn(pattern, new, file.read_text())
        found += n
        file.write_text(text)
    assert found > 1


def differing(library, now):
    return {name for name, meaning in all_meanings(library).items() if meaning.digest != now[name].digest}


def move_a_function(library):
    """mean_gain of laws into a module of its own, which laws imports from for whoever says laws.mean_gain."""
    text = (library / "theory" / "one_layer.py").read_text()
    body = text[text.index("def mean_gain(") : text.index("def variance(")]
    moved = "from __future__ import annotations\n\nfrom reversible.theory.one_layer import theory_alpha as alpha_of"
    (library / "moved.py").write_text(f"{moved}\n\n\n{body}".replace("theory_alpha(n", "alpha_of(n"))
    rest = text.replace(body, "").replace(
        "import functools\n", "import functools\n\nfrom reversible.moved import mean_gain\n", 1
    )
    (library / "theory" / "one_layer.py").write_text(rest)


def make_a_package(library):
    """one_layer.py of theory becomes a package whose own file imports from a module below it."""
    package = library / "theory" / "one_layer"
    package.mkdir()
    package.with_suffix(".py").rename(package / "closed_forms.py")
    text = (package / "closed_forms.py").read_text()
    names = sorted(set(re.findall(r"^(?:def |class )?([A-Za-z_]\w*)(?= =|\(|:)", text, re.M)))
    (package / "__init__.py").write_text(f"from .closed_forms import {', '.join(names)}\n")


def another_alias(library):
    """In the modules that call this one so; others call other modules so."""
    for file in library.rglob("*.py"):
        if re.search(r"import one_layer as laws\b", text := file.read_text()):
            text = re.sub(r"import one_layer as laws\b", "import one_layer as rules", text)
            file.write_text(re.sub(r"(?<![\w.])laws\.(?=\w)", "rules.", text))


NEW = "def new():\n    return 1\n\n\ndef variance("
INSIDE = "    import reversible.base.runtime as here\n\n    with here.one_thread():"
HARMLESS = {
    "a docstring": lambda lib: everywhere(lib, r'(\n    """)(\w)', r"\1Read this: \2"),
    "a comment": lambda lib: everywhere(lib, r"\n\n\ndef ", "\n\n\n# here it begins\ndef "),
    "a type hint": lambda lib: everywhere(lib, r"\) -> float:", ") -> object:"),
    "hints of arguments": lambda lib: everywhere(lib, r"(\w): int([,)])", r"\1: object\2"),
    "the name of a function": lambda lib: everywhere(lib, r"\bthresholded_risk\b", "risk_of_a_threshold"),
    "the name of a class": lambda lib: everywhere(lib, r"\bOneLayer\b", "SingleLayer"),
    "the name of a constant": lambda lib: everywhere(lib, r"\bMOMENTUM\b", "INERTIA"),
    "another module": move_a_function,
    "a package": make_a_package,
    "a new function": lambda lib: edit(lib, "theory/one_layer.py", "def variance(", NEW),
    "the alias of a package": lambda lib: everywhere(lib, r"\bnp\b", "numpy_"),
    "the alias of a module": another_alias,
    "an import inside": lambda lib: edit(lib, "runs/experiment.py", "    with one_thread():", INSIDE),
    "what runs the sweep": lambda lib: edit(lib, "runs/sweep.py", "items = list(items)", "items = [*items]"),
    "a new field of Experiment": lambda lib: edit(
        lib, "runs/experiment.py", "    measure: C", "    words: str\n    measure: C"
    ),
}


# What may be made in one copy: all experiments are asked once a copy, which takes its time.
AT_ONCE = (
    ("a docstring", "a comment", "a type hint", "hints of arguments", "the alias of a package"),
    ("the name of a function", "the name of a class", "the name of a constant", "a new function", "an import inside",
     "what runs the sweep", "a new field of Experiment"),
    ("another module", "the alias of a module"),
    ("a package",),
)  # fmt: skip


@pytest.mark.parametrize("several", AT_ONCE, ids=", ".join)
def test_what_does_not_matter_changes_no_meaning(copy, now, several):
    for what in several:
        HARMLESS[what](copy)
    assert differing(copy, now) == set()


def test_everything_harmless_is_tried():
    assert sorted(what for several in AT_ONCE for what in several) == sorted(HARMLESS)


EDITS = {
    "theory.one_layer.variance": ("norm2 + (kurtosis - 1) * h2", "norm2 + kurtosis * h2", 19),
    "theory.one_layer.minimax_rate": ("def minimax_rate(k: int,", "def minimax_rate(k: int = 3, *,", 1),
    "theory.one_layer.energy_nodes": ("p: float, count: int = 16", "p: float, count: int = 17", None),
    "theory.singular_values.tracy_widom": ("stats.gamma(46.446", "stats.gamma(46.447", 16),
    "training.run.MOMENTUM": ("MOMENTUM = 0.9", "MOMENTUM = 0.83", 25),
    "base.runtime._OneThread": ("self.holders += 1", "self.holders += 2", 126),
    "random_nets.one_layer._optimal_offset": ("lru_cache(maxsize=64)", "lru_cache(maxsize=63)", None),
    "random_nets.model.Codes": ('"exponential": 2.0', '"exponential": 2.5', None),
    "base.estimates.ratio": ("def ratio(", "def ratio(*more, ", None),
    "records.verify.AS_NEAR": ("AS_NEAR = 1e-3", "AS_NEAR = 1e-4", 0),
}  # fmt: skip


@pytest.fixture(scope="module")
def graph():
    return by_bytecode.uses(LIBRARY)


@pytest.fixture(scope="module")
def reach(graph):
    """What each experiment uses as the compiler sees it, from the functions themselves."""
    found = {}
    for name in EXPERIMENTS:
        asked = EXPERIMENTS[name]
        parts = [asked.cells, asked.run_cell, asked.measure, on_one_thread, *filter(None, [asked.choice])]
        found[name] = by_bytecode.reached(graph, [f"{part.__module__}.{part.__qualname__}" for part in parts])
    return found


def test_an_experiment_uses_what_the_compiler_says(now, reach, graph):
    for name, meaning in now.items():
        imports = {each for each in reach[name] - set(meaning.definitions) if graph[each] & set(graph)}
        assert reach[name] - imports == set(meaning.definitions), name
        assert all(len(graph[each]) == 1 for each in imports), name


@pytest.mark.parametrize("definition", EDITS)
def test_an_edit_changes_the_experiments_that_use_it_and_no_other(copy, now, reach, definition):
    old, new, count = EDITS[definition]
    place, _, _ = definition.rpartition(".")
    edit(copy, f"{place.replace('.', '/')}.py", old, new)
    after = all_meanings(copy)
    found = {name for name in after if after[name].digest != now[name].digest}
    assert found == {name for name in after if f"reversible.{definition}" in reach[name]}
    assert count in (None, len(found))
    assert found or count == 0
    for name in found:
        assert changed(now[name].definitions.values(), after[name]) == [f"reversible.{definition}"]


def test_what_is_dropped_or_put_together_otherwise_is_said_to_be_the_entry(copy, now):
    edit(copy, f"{LEMMAS}.py", "code_law_cells, code_law, code_law_measures",
         "code_law_cells, run_cell=code_law, measure=lambda pairs: {}")  # fmt: skip
    after = meaning_of("code-law", MODULE["code-law"], copy)
    assert after.digest != now["code-law"].digest
    assert changed(now["code-law"].definitions.values(), after) == [
        "reversible.papers.arora2015.experiments.lemmas.EXPERIMENTS[code-law]"
    ]


def test_an_experiment_is_found_in_the_module_it_was_moved_to(copy, now):
    (copy / "elsewhere").mkdir()
    (copy / "elsewhere" / "__init__.py").write_text("")
    (copy / f"{LEMMAS}.py").rename(copy / "elsewhere" / "lemmas.py")
    assert differing(copy, now) == set()
    (copy / "elsewhere" / "lemmas.py").unlink()
    assert "no module of reversible has an experiment code-law" in refusal(lambda: all_meanings(copy))


def test_a_module_outside_the_library_counts_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "of_a_reader.py").write_text("A = 1\n")
    first = meaning_of("mine", "of_a_reader")
    (tmp_path / "of_a_reader.py").write_text("A = 2\n")
    second = meaning_of("mine", "of_a_reader")
    assert first.digest != second.digest
    assert changed(first.definitions.values(), second) == ["of_a_reader[mine]"]


def test_threads_may_ask_at_once(now):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: meaning_of(name, MODULE[name]).digest, list(now) * 3))
    assert found == [meaning.digest for meaning in now.values()] * 3


# --- on every Python --------------------------------------------------------------------------------------------------

SAY = """
import json, sys
from reversible.base.meaning import meaning_of
found = {name: meaning_of(name, module).digest for name, module in json.loads(sys.argv[1]).items()}
assert not {"numpy", "scipy", "torch"} & set(sys.modules)
print(json.dumps(found))
"""


def said(python):
    """The digests that a Python finds, which has nothing but its standard library."""
    backwards = json.dumps(dict(reversed(MODULE.items())))
    done = subprocess.run(
        [python, "-B", "-c", SAY, backwards], env={"PATH": os.environ["PATH"], "PYTHONPATH": str(LIBRARY.parent)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_python_at_hand_finds_the_same(now):
    """Asked in another order, which must not matter either."""
    if len(pythons()) == 1:
        pytest.skip("no other Python from 3.11 on at hand")
    for version, python in pythons().items():
        assert said(python) == {name: meaning.digest for name, meaning in now.items()}, version
