"""What the tests of a paper's figures share: its records, and the figures of them."""

import pytest

from reversible.papers import figure_of
from reversible.records.record import book_folder, read_record

DRAWN = {}


def pytest_generate_tests(metafunc):
    """The tests of `every_figure` are asked of all that a module names in FIGURES."""
    if metafunc.function.__module__ == "every_figure":
        metafunc.parametrize("name", metafunc.module.FIGURES)


@pytest.fixture
def record(smoke_records):
    """A record of the book; of one that is still to be made the smoke run."""

    def of(name):
        file = book_folder() / "results" / f"{name}.json"
        return read_record(file) if file.is_file() else smoke_records[name]

    return of


@pytest.fixture
def shown(request, record):
    """The figure of a record, or one of those that a module draws without any, LIVE."""
    live = getattr(request.module, "LIVE", {})

    def of(name):
        if name not in DRAWN:
            DRAWN[name] = live[name]() if name in live else figure_of(record(name))
        return DRAWN[name]

    return of
