"""What the Sphinx extension does when Jupyter Book is called alone, and when the build calls it."""

import fcntl

import pytest

from reversible.base.checks import InputError
from reversible.book import build


class FakeSphinx:
    def __init__(self, srcdir):
        self.srcdir, self.handlers = srcdir, {}

    def connect(self, event, handler, priority=500):
        self.handlers[event] = handler


def held(book):
    """Does another process have the book to itself?"""
    with (book / "_build" / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_no_other_build_goes_on_while_jupyter_book_alone_does(monkeypatch, tmp_path):
    monkeypatch.delenv(build.ENVIRONMENT, raising=False)
    monkeypatch.setattr(build, "execute_stale", lambda book, profile: [profile, str(held(book))])
    app = FakeSphinx(tmp_path)
    build.setup(app)
    assert held(tmp_path)
    assert app.handlers["env-get-outdated"](app) == ["book", "True"]
    app.handlers["build-finished"](app, None)
    assert not held(tmp_path)


def test_a_chapter_that_fails_ends_jupyter_book_with_its_words(monkeypatch, tmp_path):
    def fail(*_):
        raise InputError("chapter demo failed: no")

    monkeypatch.delenv(build.ENVIRONMENT, raising=False)
    monkeypatch.setattr(build, "execute_stale", fail)
    with pytest.raises(SystemExit, match=r"^chapter demo failed: no$"):
        build.setup(FakeSphinx(tmp_path))


def test_what_changes_while_the_build_renders_fails_it(monkeypatch, tmp_path):
    monkeypatch.setenv(build.ENVIRONMENT, "smoke")
    monkeypatch.setattr(build, "stale", lambda book, profile: [f"demo in {profile}"])
    monkeypatch.setattr(build, "execute_stale", None)  # the build has done so, and holds the lock
    with pytest.raises(SystemExit, match=r"^demo in smoke changed while the book was built in the profile smoke"):
        build.setup(FakeSphinx(tmp_path))


def test_wherever_the_pages_go_the_outputs_come_from_one_cache(monkeypatch, tmp_path):
    monkeypatch.setenv(build.ENVIRONMENT, "smoke")
    monkeypatch.setattr(build, "stale", lambda *_: [])
    app = FakeSphinx(tmp_path)
    build.setup(app)
    config = type("Config", (), {})()
    app.handlers["config-inited"](app, config)
    assert vars(config) == {"nb_execution_cache_path": str((tmp_path / "_build" / ".jupyter_cache").resolve())}
