"""No number in the chapters' prose is typed: it comes from a record or a cell, or it is part of a name."""

import ast
import re

import pytest

from reversible.book.execute import chapters, code_cells
from reversible.records.record import book_folder

BOOK = book_folder()
NOT_PROSE = [
    r"\A---\n.*?\n---\n",  # front matter
    r"^```.*?^```",  # cells and blocks of code
    r"`[^`]*`",  # code, and the roles that put a cell's words or a reference here
    r"\]\([^)]*\)",  # where links lead
    r"\$\$.*?\$\$|\$[^$]*\$",  # mathematics, looked at apart
]
NAMES = [
    r"[A-Za-z]+-\d+(?:-\d+)*",  # CIFAR-10, LeNet-300-100
    r"\b(?:conv|fc|h)\d+\b",  # layers
    r"\b(?:[Ss]ections?|[Tt]heorems?|[Ll]emmas?|and) \d+\.\d+",
    r"\b[Ss]ections? \d+",
    r"\((?:2|3|4)\.\d\)",  # the paper's section in a title
    r"^\d+\. ",  # lists
    r"\b(?:19|20)\d\d\b",  # years
    r"\b95 %",  # the level of every interval of the book
]
CITED = re.compile(r"\{cite:t\}|\[[AMNR]\]")  # what a sentence says that its source said


def strip(text, patterns):
    for pattern in patterns:
        text = re.sub(pattern, " ", text, flags=re.S | re.M)
    return text


def typed_numbers(text):
    """The lines of a page's prose that hold a typed number."""
    roles = re.sub(r"\{cite:t\}`[^`]*`", "{cite:t}", text)
    lines = strip(roles, NOT_PROSE).splitlines()
    return [line.strip() for line in lines if re.search(r"\d", strip(line, NAMES)) and not CITED.search(line)]


def typed_results(text):
    """Formulas that hold a number which no definition has: with a decimal point, or above ten; not in an exponent."""
    text = re.sub(r"\^\{[^}]*\}", "", strip(text, NOT_PROSE[:3]))
    formulas = [a or b for a, b in re.findall(r"\$\$(.*?)\$\$|\$([^$]*)\$", text, flags=re.S)]
    return [f for f in formulas if re.search(r"(?<![\d_^{.])\d+\.\d|(?<![\d_^{.\w])(?!10\b)\d\d", f)]


PAGES = sorted({*chapters(BOOK), "bibliography"})


@pytest.mark.parametrize("name", PAGES)
def test_no_number_is_typed(name):
    text = (BOOK / f"{name}.md").read_text()
    assert typed_numbers(text) == []
    assert typed_results(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "The error falls to 0.07.",
        "It takes 12 layers.",
        "Backprop wins by 3 points on CIFAR-10.",
        "2. the second of 40 nets",
        "In 2015 the error was 9 %.",
    ],
)
def test_a_typed_number_is_found(line):
    assert typed_numbers(f"---\na: 1\n---\n\n# Title\n\nWords {{cite:p}}`x2015`.\n{line}\n") != []


@pytest.mark.parametrize("formula", ["$0.93$", "$$e = 0.5 k$$", "$p = 4096$"])
def test_a_typed_result_is_found_in_a_formula(formula):
    assert typed_results(f"The law is {formula} here.") != []


@pytest.mark.parametrize(
    "line",
    [
        "Theorem 2.3 holds for LeNet-300-100 and fc6 within 95 % intervals.",
        "1. first",
        "the error is {glue:text}`error`, as in $2 / t$",
        "{cite:t}`martin2019` found exponents of 2.29.",
        "[the map](map-2.md) of 2015",
    ],
)
def test_names_formulas_and_cells_are_left_alone(line):
    assert typed_numbers(line) == []


@pytest.mark.parametrize("name", chapters(BOOK))
def test_every_number_of_the_prose_is_told_once(name):
    """What `chapter.tell` is given by name; a page in which a cell's words stand for two things is not rendered."""
    tree = ast.parse("\n".join(code_cells(BOOK, name)))
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "tell"]
    told = [word.arg for call in calls for word in call.keywords if word.arg]
    assert sorted({word for word in told if told.count(word) > 1}) == []
    asked = set(re.findall(r"\{glue:text\}`(\w+)`", (BOOK / f"{name}.md").read_text()))
    assert sorted(set(told) - asked) == []
    if all(word.arg for call in calls for word in call.keywords):
        assert sorted(asked - set(told)) == []
