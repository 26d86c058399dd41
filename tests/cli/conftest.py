"""What the tests of one command have in common."""

import pytest

from reversible import cli


@pytest.fixture
def run(capsys):
    """`reversible spectrum` with these words, as its status, what it prints, and what it says beside that."""

    def typed(*words):
        status = cli.main(["spectrum", *map(str, words)])
        out, err = capsys.readouterr()
        return status, out, err

    return typed
