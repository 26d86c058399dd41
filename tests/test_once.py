"""A session fixture that cannot be made is one error; the tests beside it go on."""

import os
import subprocess
import sys
from pathlib import Path

CONFTEST = """
import contextlib

import pytest
from once import made_once, pytest_runtest_setup


@pytest.fixture(scope="session")
def house():
    with made_once("the house"):
        open("tried", "a").write("x")
        assert False, "x" * 9000 + "no bricks"


@pytest.fixture(scope="session")
def garden():
    with made_once("the garden"):
        pytest.fail("no seeds")
    yield


@pytest.fixture(scope="session")
def pond():
    with made_once("the pond"):
        pytest.skip("no water needed")


@pytest.fixture
def room(house):
    return house
"""
TESTS = """
def test_1(house): pass
def test_2(room): pass
def test_3(): pass
def test_4(garden): pass
def test_5(garden): pass
def test_6(room): pass
def test_7(pond): pass
def test_8(pond): pass
"""


def test_a_fixture_that_cannot_be_made_is_one_error_with_its_reason(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    words = [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path)]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "1 passed, 5 skipped, 2 errors" in done.stdout
    assert (tmp_path / "tried").read_text() == "x"
    assert "NotMadeError: the house could not be made: AssertionError: xxx" in done.stdout
    assert "no bricks" in done.stdout
    assert "NotMadeError: the garden could not be made: Failed: no seeds" in done.stdout
    assert "[2] " in done.stdout.partition("short test summary")[2]
    assert "the house could not be made, see the first error" in done.stdout
    assert "the garden could not be made, see the first error" in done.stdout
    assert "the pond could not" not in done.stdout
