"""Which tests stay in one process under `--dist loadgroup`: those that share what takes long to make, else a file's.

`conftest.py` takes the hook from here: pytest finds it there.
"""

from __future__ import annotations

import pytest

FIXTURES = {"site": "the whole book", "built": "the small book", "cluster": "the cluster"}
# Begun first, in this order, for they take longest, and what is begun last should be short; tests look up the files.
LONGEST = ("the whole book", "the small book")


def group_of(item: pytest.Item) -> str:
    """The group of a test: what it shares, or its file."""
    names = getattr(item, "fixturenames", ())
    shared = [group for fixture, group in FIXTURES.items() if fixture in names]
    return shared[0] if shared else item.nodeid.partition("::")[0]


def rank(group: str) -> int:
    return LONGEST.index(group) if group in LONGEST else len(LONGEST)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before xdist reads the marks: each test its group, and the groups in their order."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    groups = {item: group_of(item) for item in items}
    items.sort(key=lambda item: rank(groups[item]))
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
