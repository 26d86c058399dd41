"""Which tests stay in one process: a file's, and those of several files that share what takes long to make.

pytest 9.2 no longer tells xdist the groups of `--dist loadgroup`, so the scheduler is told by a hook of its own.
`conftest.py` takes the hooks from here: pytest finds them there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

SHARED = ("site", "built", "cluster")  # fixtures that take long to make: one group has all tests that ask for one
TOGETHER = {
    "the whole book": ("tests/book/test_pages.py", "tests/book/test_readers.py", "tests/book/test_docstrings.py"),
    "the small book": ("tests/book/test_build.py", "tests/book/test_drills.py"),
    "the cluster": ("tests/cli/test_train.py", "tests/runs/test_executors.py", "tests/runs/test_sweep.py"),
}
ALONE = ("tests/book/test_portability.py",)  # each of its tests takes long, and they share nothing
# Begun first, in this order, for they take longest, and what is begun last should be short.
LONGEST = ("the whole book", *ALONE, "the small book", "the cluster")


def group_of(test: str) -> str:
    """The group of a test, by its id."""
    file = test.partition("::")[0]
    if file in ALONE:
        return test
    return next((group for group, files in TOGETHER.items() if file in files), file)


def rank(test: str) -> int:
    groups = (group_of(test), test.partition("::")[0])
    return next((place for place, group in enumerate(LONGEST) if group in groups), len(LONGEST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""
    items.sort(key=lambda item: rank(item.nodeid))


def sharing(fixture: str, items: Iterable[Any]) -> list[str]:
    """The groups whose tests ask for a fixture."""
    return sorted({group_of(item.nodeid) for item in items if fixture in getattr(item, "fixturenames", ())})


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Whole groups to one process, in the order that they were collected in."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log)
