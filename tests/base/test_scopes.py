"""Which definition a name stands for, in a library of a few lines: Python's scopes, imports, circles of functions."""

import subprocess

import pytest

from helpers import refusal
from pythons import pythons
from reversible.base.meaning import changed, meaning_of

HARNESS = "def on_one_thread(run, *what):\n    return run(*what)\n"
ENTRY = '\nEXPERIMENTS = {"x": Experiment(f, f, f)}\n'


@pytest.fixture
def meaning(tmp_path):
    """The meaning of an experiment that is made of `f` in a module of this text; more modules by name."""

    def found(text, **modules):
        files = {"exp.py": text + ENTRY, "__init__.py": "", "runs/experiment.py": HARNESS, "runs/__init__.py": ""}
        for file, content in {**files, **{f"{name}.py": content for name, content in modules.items()}}.items():
            (tmp_path / "reversible" / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "reversible" / file).write_text(content)
        return meaning_of("x", "reversible.exp", tmp_path / "reversible")

    return found


GLOBAL = [
    "return X",
    "return lambda y: X",
    "return lambda y=X: y",
    "def g(a=X): return a",
    "def g(): return X",
    "@X\ndef g(): pass",
    "class C(X): pass",
    "class C(metaclass=X): pass",
    "class C:\n    X = X",
    "class C:\n    X = 3\n    def method(self): return X",
    "class C:\n    X = 3\n    y = [X for _ in ()]",
    "return [X for y in ()]",
    "return [X for X in X]",
    "return ([X for X in ()], X)",
    "return [y for X in () for y in ()], [y for y in X]",
    "global X\nX = 3",
    "X = 3\ndef g():\n    global X\n    return X",
    "global X\nreturn [(X := y) for y in ()]",
    "def g():\n    X = 3\nreturn X",
    "return f'{X}'",
    "return f'{1:{X}}'",
    "return X.a.b",
    "X[0] = 3",
    "match 3:\n    case X.a: pass",
    "y: int = X",
    "try:\n    pass\nexcept X: pass",
]
LOCAL = [
    "return lambda X: X",
    "return lambda *X, **Y: X",
    "def g(X): return X",
    "def X(): return X",
    "class X:\n    y = 3\nreturn X",
    "X = 3\nreturn X",
    "print(X)\nX = 3",
    "X += 3",
    "X: int = 3\nreturn X",
    "X: int\nreturn X",
    "for X in (): pass\nreturn X",
    "with open('a') as (X, y): return X",
    "try:\n    pass\nexcept ValueError as X: return X",
    "import X\nreturn X",
    "import os as X\nreturn X.path",
    "import X.y\nreturn X.y",
    "match 3:\n    case [X, *_]: return X",
    "match 3:\n    case {**X}: return X",
    "match 3:\n    case [*X]: return X",
    "return [X for X in ()]",
    "return {X: X for X in ()}",
    "return (X for y in () for X in y if X)",
    "return [(X := y) for y in ()], X",
    "if X := 3: return X",
    "X = 3\ndef g():\n    nonlocal X\n    X = 4\n    return X",
    "X = 3\nreturn lambda: X",
    "X = 3\nclass C:\n    y = X",
    "class C:\n    X = 3\nreturn C.X",
    "return dict(X=3)",
    "return 'X', print.X",
    "y: X = 3\ndef g(a: X, *b: X) -> X: pass",
    "del X",
]


@pytest.mark.parametrize(("body", "is_global"), [(b, True) for b in GLOBAL] + [(b, False) for b in LOCAL])
def test_a_name_is_global_where_python_says_so(meaning, body, is_global):
    text = "def f(z):\n    " + body.replace("\n", "\n    ") + "\n"
    first, second = meaning("X = 1\n" + text), meaning("X = 2\n" + text)
    assert ("reversible.exp.X" in first.definitions) == is_global
    assert (first.digest != second.digest) == is_global
    if is_global:
        assert changed(first.definitions.values(), second) == ["reversible.exp.X"]


F, NP = "def f(z):\n    ", "import numpy as np\n"
SAME = {
    "parentheses and quotes": (F + "return ('a' 'b')", F + 'return "ab"'),
    "an f-string in parts": (F + "return f'a{z}' 'b' f'c'", F + "return f'a{z}bc'"),
    "an empty part": (F + "return f'{z}' ''", F + "return f'{z}'"),
    "a hint of a constant": ("X = 3\n" + F + "return X", "X: int = 3\n" + F + "return X"),
    "where an import stands": (NP + F + "return np.mean", F + "from numpy import mean as m\n    return m"),
    "a name of a part": ("A, B = 1, 2\n" + F + "return B", "C, D = 1, 2\n" + F + "return D"),
    "an order": ("def g(): return 1\n" + F + "return g()", F + "return h()\ndef h(): return 1"),
    "the name of a recursion": (
        F + "return g(z)\ndef g(z): return g(z - 1)", F + "return h(z)\ndef h(z): return h(z - 1)",
    ),
    "names in a circle": (
        F + "return g(z)\ndef g(z): return h(z) or 1\ndef h(z): return g(z) or 2",
        "def a(z): return b(z) or 2\n" + F + "return b(z)\ndef b(z): return a(z) or 1",
    ),
    "for type checkers": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from numpy import ndarray\n" + F + "return 1",
        F + "return 1",
    ),
    "what runs as a script": (F + "return 1\nif __name__ == '__main__':\n    f(1)", F + "return 1"),
}  # fmt: skip
OTHER = {
    "a default of None": (F + "return lambda *, a: a", F + "return lambda *, a=None: a"),
    "a key of None": (F + "return {None: z}", F + "return {**z}"),
    "a decorator or a base": (F + "@int\n    class C(str): pass", F + "class C(int, str): pass"),
    "True and 1": (F + "return True", F + "return 1"),
    "1 and 1.0": (F + "return 1", F + "return 1.0"),
    "bytes": (F + "return b'a'", F + "return 'a'"),
    "an operator": (F + "return z + 1", F + "return z - 1"),
    "an alias of another package": (NP + F + "return np.a", "import scipy as np\n" + F + "return np.a"),
    "an attribute": (NP + F + "return np.a", NP + F + "return np.b"),
    "which of two": ("A, B = 1, 2\n" + F + "return A", "A, B = 1, 2\n" + F + "return B"),
    "more of a value": ("X = {}\n" + F + "return X", "X = {}\nX[1] = 2\n" + F + "return X"),
    "a call on a value": ("X = {}\n" + F + "return X", "X = {}\nX.update(a=1)\n" + F + "return X"),
    "a branch": ("if 1:\n    X = 1\n" + F + "return X", "if 0:\n    X = 1\n" + F + "return X"),
    "a loop": (
        "X = {}\nfor i in (1, 2): X[i] = i\n" + F + "return X", "X = {}\nfor i in (1, 3): X[i] = i\n" + F + "return X",
    ),
    "what is tried": (
        F + "try:\n        import a\n    except ImportError: return 1",
        F + "try:\n        import b\n    except ImportError: return 1",
    ),
    "one of two imports": (
        "try:\n    from a import X\nexcept ImportError:\n    from b import X\n" + F + "return X",
        "try:\n    from a import X\nexcept ImportError:\n    from c import X\n" + F + "return X",
    ),
    "a statement of the module": ("import torch\n" + F + "return 1", "import torch\nassert torch\n" + F + "return 1"),
    "a field": (F + "class C:\n        a: int = 1", F + "class C:\n        a = 1"),
    "a conversion": (F + "return f'{z!r}'", F + "return f'{z}'"),
    "in a circle": (F + "return g(z)\ndef g(z): return f(z) or 1", F + "return g(z)\ndef g(z): return f(z) or 2"),
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_texts_of_one_meaning(meaning, what):
    first, second = SAME[what]
    assert meaning(first).digest == meaning(second).digest


@pytest.mark.parametrize("what", OTHER)
def test_texts_of_two_meanings(meaning, what):
    first, second = OTHER[what]
    assert meaning(first).digest != meaning(second).digest


def test_a_circle_is_named_whole_and_what_uses_it_is_not(meaning):
    text = F + "return g(z)\ndef g(z): return h(z) or 1\ndef h(z): return g(z) or 2"
    first, second = meaning(text), meaning(text.replace("2", "3"))
    assert changed(first.definitions.values(), second) == ["reversible.exp.g", "reversible.exp.h"]


def test_imports_are_followed_through_packages_and_aliases(meaning):
    modules = {
        "low": "X = 1\nY = 2\n", "sub/__init__": "from .inner import f as shown\nfrom reversible.sub import inner\n",
        "sub/inner": "from ..low import X as seen\n\n\ndef f():\n    return seen\n",
    }  # fmt: skip
    for text in (
        "from reversible.sub import shown\n" + F + "return shown()",
        "import reversible.sub.inner\n" + F + "return reversible.sub.inner.f()",
        F + "from reversible import sub as s\n    return s.inner.f()",
        "from reversible.sub.inner import f as g\n" + F + "return g()",
    ):
        found = set(meaning(text, **modules).definitions)
        assert found - {"reversible.runs.experiment.on_one_thread"} == {
            "reversible.exp.f", "reversible.sub.inner.f", "reversible.low.X",
        }  # fmt: skip
    whole = meaning("from reversible import low\n" + F + "return getattr(low, z)", **modules)
    assert {"reversible.low.X", "reversible.low.Y"} < set(whole.definitions)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (F + "return nowhere", "reversible.exp uses nowhere, which is neither defined there, nor imported by its name"),
        ("from os import *\n" + F + "return path", "reversible.exp uses path, which is neither"),
        (
            "from reversible.low import Z\n" + F + "return Z",
            "reversible.low has no Z, which is used as reversible.low.Z",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(meaning, text, says):
    assert says in refusal(lambda: meaning(text, low="X = 1\n"))


FORMATTED = r"""
def f(z):
    a = f"{z}" f"" "b{{" f"{{{z!r:>{z}}}}" f'{z = }' f"\N{BULLET}\x41{z:\x20<5}" f"{z:}" f"a" "b"
    b = f"{f'{z}' + 'c'}{'d'}" rf"\d{z}" f"{z:%H:%M}" + f"" + f"{z:{z}.{z}}"
    return a, b, 1e22, 1e-7, 0x10, 1j, b"\xff", ..., "\u00e9\U0001f600", -1, not z, "a" "b", u"c"
"""


def test_every_python_at_hand_reads_strings_alike(meaning, tmp_path):
    here = meaning(FORMATTED).digest
    from reversible.base.meaning import LIBRARY

    say = "import sys; from pathlib import Path; from reversible.base.meaning import meaning_of; "
    say += "print(meaning_of('x', 'reversible.exp', Path(sys.argv[1])).digest)"
    for version, python in pythons().items():
        done = subprocess.run([python, "-B", "-c", say, tmp_path / "reversible"], capture_output=True, text=True,
                              env={"PYTHONPATH": str(LIBRARY.parent)})  # fmt: skip
        assert done.stdout.strip() == here, (version, done.stderr)
