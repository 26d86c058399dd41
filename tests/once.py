"""A fixture of a whole session that cannot be made is one error with its reason, and not one for every test.

The first test that asks for it gets the error, every later one in the same process is skipped: the run fails once.
`conftest.py` takes both names: pytest finds the hook there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator

import pytest

TAIL = 3000  # characters of the reason: the end of what a build or a command said


class NotMadeError(Exception):
    """The fixture that could not be made, and why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} could not be made: {reason}")
        self.name = name
        self.told = False


@contextlib.contextmanager
def made_once(name: str) -> Iterator[None]:
    """Around the making of a session fixture."""
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        raise NotMadeError(name, f"{type(error).__name__}: {str(error)[-TAIL:]}") from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    try:
        return (yield)
    except NotMadeError as error:  # pytest keeps it, and raises it for every test that asks
        if error.told:
            pytest.skip(f"{error.name} could not be made, see the first error")
        error.told = True
        raise
