"""What takes long is made once a session: one error where it cannot be made, one maker where several processes want it.

The first test that asks for what could not be made gets the error, every later one is skipped: the run fails once.
`conftest.py` takes the hook from here: pytest finds it there.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

TAIL = 3000  # characters of the reason: the end of what a build or a command said


class NotMadeError(Exception):
    """What could not be made, and why; `told` where some test has had the error."""

    def __init__(self, name: str, reason: str, told: bool = False) -> None:
        super().__init__(f"{name} could not be made: {reason}")
        self.name, self.reason, self.told = name, reason, told


@contextlib.contextmanager
def made_once(name: str) -> Iterator[None]:
    """Around the making of a session fixture."""
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        raise NotMadeError(name, f"{type(error).__name__}: {str(error)[-TAIL:]}") from error


class Shared:
    """A folder that all processes of one session have in common, and what is made in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def made(self, name: str, make: Callable[[Path], object]) -> Path:
        """The file `name`, made by `make(path)` where no process has; the others wait for it.

        NotMadeError where it could not be made, here or by another process.
        """
        place, failed, half = (self.folder / f"{name}{end}" for end in ("", ".failed", ".unfinished"))
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # goes with the process, however that ends
            if failed.exists():
                raise NotMadeError(name, failed.read_text(), told=True)
            if not place.exists():
                try:
                    with made_once(name):
                        make(half)
                except NotMadeError as error:
                    failed.write_text(error.reason)
                    raise
                half.rename(place)
        return place


def shared_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for `Shared` of this session, which the next one has no part in."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if hasattr(request.config, "workerinput") else own) / "shared"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    try:
        return (yield)
    except NotMadeError as error:  # pytest keeps it, and raises it for every test that asks
        if error.told:
            pytest.skip(f"{error.name} could not be made, see the first error")
        error.told = True
        raise
