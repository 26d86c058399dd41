"""Copies of the project that tests may spoil, a built book, and a browser to look at it."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from once import made_once, pytest_runtest_setup
from reversible import data
from reversible.base.checks import InputError

__all__ = ["pytest_runtest_setup"]  # a hook, which pytest looks for here

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Checkout:
    """A copy of the project in a temporary folder; its commands use its own library."""

    root: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PYTHONPATH": str(self.root / "lib"), "PATH": path}
        return subprocess.run(words, cwd=self.root, env=environment, capture_output=True, text=True)

    def build(self) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "reversible.book.build", "--profile", "smoke")

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1))


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def copy_project(root: Path) -> Checkout:
    for folder in ("lib", "book"):
        shutil.copytree(
            ROOT / folder, root / folder, symlinks=True, ignore=shutil.ignore_patterns("_build", "__pycache__")
        )
    for file in ("_config.yml", "_toc.yml", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / file, root / file)
    return Checkout(root)


@pytest.fixture(scope="session", autouse=True)
def unpacked() -> Iterator[None]:
    """Data that lies beside this checkout, unpacked where later runs find it again; REVERSIBLE_DATA goes first.

    All of it before the first test: a chapter is executed again where the data at hand are others.
    """
    packed, folder = ROOT.parent / "shared" / "data" / "unpack.py", Path(tempfile.gettempdir()) / "reversible-data"
    with pytest.MonkeyPatch.context() as patch:
        if packed.is_file() and not os.environ.get("REVERSIBLE_DATA"):
            subprocess.run([sys.executable, packed, folder], check=True, stdout=subprocess.DEVNULL)
            patch.setenv("REVERSIBLE_DATA", str(folder))
        yield


@pytest.fixture
def needs_mnist() -> None:
    skip_without_set("mnist")


@pytest.fixture
def needs_cifar10() -> None:
    skip_without_set("cifar10")


@pytest.fixture
def needs_cifar100() -> None:
    skip_without_set("cifar100")


@pytest.fixture
def needs_weights() -> None:
    skip_without(f"weights/{name}.npz" for name in data.WEIGHTS_MD5)


def skip_without_set(name: str) -> None:
    skip_without([*data.FILES_MD5[name, True], *data.FILES_MD5[name, False]])


def skip_without(files: Iterable[str]) -> None:
    missing = [file for file in files if not (data.folder() / file).is_file()]
    if missing:
        pytest.skip(f"not at hand: {missing[0]} in the folder of REVERSIBLE_DATA")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole book, built strictly from nothing in the smoke profile: the folder of its pages."""
    with made_once("the whole book"):
        checkout = copy_project(tmp_path_factory.mktemp("book"))
        done = checkout.build()
        assert done.returncode == 0, done.stdout + done.stderr
        return Path(done.stdout.splitlines()[-1]).parent


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A book of one small chapter and a front page, built once; tests take copies."""
    import small_book

    with made_once("the small book"):
        return small_book.made(tmp_path_factory.mktemp("small"))


@pytest.fixture
def book(built: Checkout, tmp_path: Path) -> Checkout:
    """The small book, built, for a test to spoil."""
    shutil.copytree(built.root, tmp_path / "copy", symlinks=True)
    return Checkout(tmp_path / "copy")


@pytest.fixture(scope="session")
def served(site: Path) -> Iterator[str]:
    """The site's address on this machine; from file:// a browser refuses the fonts."""
    handler = functools.partial(QuietHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Headless Chromium; without one the tests skip, in CI they fail.

    While it is open an event loop runs in the test's own thread, in which nothing else that needs one can start.
    """
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        message = "no chromium on the PATH: the built pages cannot be looked at"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=switches)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def cluster():
    """A real cluster on this machine: a scheduler and two worker processes of one thread."""
    with contextlib.ExitStack() as stack:
        with made_once("the cluster"):
            opened = stack.enter_context(opened_cluster(2))
        yield opened


@contextlib.contextmanager
def opened_cluster(workers):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=":0"
    ) as opened:
        yield opened


def refusal(call: Callable[[], object]) -> str:
    """The one line with which `call` refuses bad input."""
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def command(*words, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "reversible.cli", *map(str, words)],
        env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def communicate(process):
    try:
        return process.communicate(timeout=60)
    finally:
        process.kill()
