"""What takes long to make is made by one process: all tests that ask for it are in one group."""

from types import SimpleNamespace

import pytest

from groups import ALONE, LONGEST, SHARED, TOGETHER, group_of, rank, sharing
from helpers import ROOT


@pytest.mark.parametrize("fixture", SHARED)
def test_one_group_asks_for_it(request, fixture):
    assert len(sharing(fixture, request.session.items)) <= 1


def test_tests_of_two_groups_that_ask_for_one_thing_are_seen():
    ids = ("tests/book/test_pages.py::test_a[x::y]", "tests/book/test_readers.py::test_b", "tests/other.py::test_c")
    items = [SimpleNamespace(nodeid=test, fixturenames=["site"]) for test in ids]
    assert sharing("site", items) == ["tests/other.py", "the whole book"]
    assert sharing("built", items) == []


def test_groups_name_files_that_are_there_and_the_longest_begin_first():
    files = [file for group in TOGETHER.values() for file in group] + list(ALONE)
    assert [file for file in (*files, *(g for g in LONGEST if g.endswith(".py"))) if not (ROOT / file).is_file()] == []
    order = sorted(["lib/x.py::x", "tests/book/test_drills.py::a", "tests/book/test_readers.py::b"], key=rank)
    assert order == ["tests/book/test_readers.py::b", "tests/book/test_drills.py::a", "lib/x.py::x"]
    assert group_of(f"{ALONE[0]}::a[1]") != group_of(f"{ALONE[0]}::a[2]")
