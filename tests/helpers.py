"""What many tests use: copies of the project that they may spoil, the command line as a process, refusals."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from reversible import data
from reversible.base.checks import InputError

ROOT = Path(__file__).parents[1]


# The kernels that every CPU has: what a chapter computes with them is what another machine may compute.
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
PLAIN = {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "MKL_CBWR": "COMPATIBLE"}


@dataclass(frozen=True)
class Checkout:
    """A copy of the project in a temporary folder; its commands use its own library."""

    root: Path

    def run(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PYTHONPATH": str(self.root / "lib"), "PATH": path, **settings}
        return subprocess.run(words, cwd=self.root, env=environment, capture_output=True, text=True)

    def build(self, **settings: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "reversible.book.build", "--profile", "smoke", **settings)

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


def skip_without_set(name: str) -> None:
    skip_without([*data.FILES_MD5[name, True], *data.FILES_MD5[name, False]])


def skip_without(files: Iterable[str]) -> None:
    missing = [file for file in files if not (data.folder() / file).is_file()]
    if missing:
        pytest.skip(f"not at hand: {missing[0]} in the folder of REVERSIBLE_DATA")


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """torch on so many threads; then on as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
        return process.communicate(timeout=600)
    finally:
        process.kill()
