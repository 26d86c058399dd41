"""What takes long is made once a session, by one process; what cannot be made is one error, and other tests go on."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from once import NotMadeError, Shared

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


SHARES = """
import time

import pytest
from once import Shared, shared_folder


@pytest.fixture(scope="session")
def house(request, tmp_path_factory):
    return Shared(shared_folder(request, tmp_path_factory)).made("house", build)


def build(path):
    open("tried", "a").write("x")
    time.sleep(0.5)  # the other process asks meanwhile
    path.write_text("bricks")
"""


@pytest.mark.parametrize(("processes", "sessions"), [([], 2), (["-n", "2"], 1)])
def test_processes_of_a_session_share_what_one_has_made_and_the_next_makes_it_anew(processes, sessions, tmp_path):
    (tmp_path / "conftest.py").write_text(SHARES)
    (tmp_path / "test_it.py").write_text(
        "".join(f"def test_{i}(house): assert house.read_text() == 'bricks'\n" for i in range(4))
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    for session in range(1, sessions + 1):
        words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *processes, str(tmp_path)]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert "4 passed" in done.stdout, done.stdout
        assert (tmp_path / "tried").read_text() == "x" * session


def test_what_one_process_cannot_make_no_other_tries(tmp_path):
    def make(path):
        tried.append(path)
        path.write_text("half")
        pytest.fail("no seeds")

    tried, shared = [], Shared(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(shared.made, "garden", make).exception() for _ in range(2))
    assert [str(error) for error in (first, second)] == ["garden could not be made: Failed: no seeds"] * 2
    assert isinstance(first, NotMadeError)
    assert isinstance(second, NotMadeError)
    assert (first.told, second.told) == (False, True)
    assert len(tried) == 1
    assert not (tmp_path / "garden").exists()


def test_what_is_left_of_a_process_that_died_is_not_taken_for_the_whole(tmp_path):
    def die(path):
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Shared(tmp_path).made("garden", die)
    assert Shared(tmp_path).made("garden", lambda path: path.write_text("whole")).read_text() == "whole"
