"""Chapters' kernels: on Unix sockets, started once more where they die at the start, and only there."""

import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from reversible.book import kernels

BIN = Path(sys.executable).parent
HEAD = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Tiny

```{code-cell} ipython3
:tags: [parameters]

profile = "book"
```
"""
CLAIMS = """
[[claim]]
id = "T1"
chapter = "elsewhere"
source = "there"
whose = "paper"
says = "it is deep"
not_tested = "no time"
"""
# A kernel is killed as it starts, as often as the file says; every start is counted in another.
KILLS = """
import os, signal, sys
from pathlib import Path

if "ipykernel_launcher" in sys.orig_argv:
    here = Path(__file__).parent
    with (here / "starts").open("a") as starts:
        starts.write("x")
    if len((here / "starts").read_text()) <= int((here / "kills").read_text()):
        os.kill(os.getpid(), signal.SIGKILL)
"""
EXECUTE = (
    "from pathlib import Path; from reversible.book.execute import execute_stale; execute_stale(Path('book'), 'smoke')"
)
WAYS = {
    "build": [sys.executable, "-c", EXECUTE],
    "papermill": [str(BIN / "papermill"), "book/tiny.md", "out.ipynb", "-p", "profile", "smoke", "--cwd", "book"],
}


class Tiny:
    """A book of one chapter without anything that takes time, and a folder that its kernels' starts look into."""

    def __init__(self, root: Path) -> None:
        self.root, self.site, self.temporary = root, root / "site", Path(tempfile.mkdtemp(prefix="t"))
        (root / "book").mkdir()
        self.site.mkdir()
        (root / "book" / "_toc.yml").write_text("format: jb-book\nroot: tiny\n")
        (root / "book" / "_config.yml").write_text("execute: {timeout: 60}\n")
        (root / "book" / "claims").mkdir()
        (root / "book" / "claims" / "demo.toml").write_text(CLAIMS)
        (self.site / "sitecustomize.py").write_text(KILLS)

    def run(self, way: str, *cells: str, kills: int = 0) -> subprocess.CompletedProcess[str]:
        text = HEAD + "".join(f"\n```{{code-cell}} ipython3\n{cell}\n```\n" for cell in cells)
        (self.root / "book" / "tiny.md").write_text(text)
        (self.site / "kills").write_text(str(kills))
        (self.site / "starts").write_text("")
        path = os.pathsep.join([str(Path(kernels.__file__).parents[2]), str(self.site)])
        environment = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(self.temporary)}
        return subprocess.run(WAYS[way], cwd=self.root, env=environment, capture_output=True, text=True)

    @property
    def starts(self) -> int:
        return len((self.site / "starts").read_text())

    def made(self, way: str) -> str:
        return (self.root / ("out.ipynb" if way == "papermill" else "book/_build/executed/tiny.ipynb")).read_text()


@pytest.fixture
def tiny(tmp_path):
    made = Tiny(tmp_path)
    yield made
    assert list(made.temporary.iterdir()) == []  # whatever happened, no folder of sockets is left
    made.temporary.rmdir()


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


LISTENS = """
import os
from ipykernel.connect import get_connection_info
told = get_connection_info(unpack=True)
print("transport", told["transport"], os.path.dirname(told["ip"]))
links = [os.path.join("/proc/self/fd", n) for n in os.listdir("/proc/self/fd")]
mine = {os.readlink(link) for link in links if os.path.islink(link)}
rows = [row.split() for name in ("tcp", "tcp6") for row in open("/proc/net/" + name).read().splitlines()[1:]]
print("listens at", sum(row[3] == "0A" and f"socket:[{row[9]}]" in mine for row in rows), "ports")
"""


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="no /proc/net/tcp")
def test_a_kernel_talks_over_sockets_in_the_temporary_folder_and_takes_no_port(way, tiny):
    done = tiny.run(way, LISTENS)
    assert done.returncode == 0, done.stderr
    assert f"transport ipc {tiny.temporary}/kernel-" in tiny.made(way)
    # ipykernel listens at one port for what forks of a kernel print: one that the system gives, which nobody can take
    assert "listens at 1 ports" in tiny.made(way) or "listens at 0 ports" in tiny.made(way)
    assert "TCP" not in done.stdout + done.stderr
    assert tiny.starts == 1


def test_a_kernel_that_dies_before_its_first_answer_is_started_once_more(way, tiny):
    done = tiny.run(way, "print(profile * 2)", kills=1)
    assert done.returncode == 0, done.stderr
    assert "smokesmoke" in tiny.made(way)
    assert tiny.starts == 2


def test_a_kernel_that_dies_twice_is_one_line(way, tiny):
    done = tiny.run(way, "print(profile * 2)", kills=9)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.endswith("Error: the kernel died twice before its first answer (exit status -9)")
    assert tiny.starts == 2
    if way == "papermill":
        assert "Traceback" not in done.stderr


COUNTED = "open('count', 'a').write('x')\n"


def test_a_cell_that_fails_is_run_once_and_shown(way, tiny):
    done = tiny.run(way, COUNTED + "1 / 0", "print('never')")
    assert done.returncode == 1
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert ((tiny.root / "book" / "count").read_text(), tiny.starts) == ("x", 1)


def test_a_kernel_that_dies_in_a_cell_is_not_started_again(way, tiny):
    done = tiny.run(way, COUNTED + "import os; os.kill(os.getpid(), 9)", "print('never')")
    assert done.returncode == 1
    assert "Error: the kernel died in the cell that begins with: open('count', 'a')" in done.stderr
    assert ((tiny.root / "book" / "count").read_text(), tiny.starts) == ("x", 1)


def test_a_chapter_is_stale_without_its_outputs_and_not_with_them(tiny):
    cell = "print(profile * 2)"
    assert "1 chapters to execute" in tiny.run("build", cell).stdout
    assert "0 chapters to execute" in tiny.run("build", cell).stdout
    for file in (tiny.root / "book" / "_build" / ".jupyter_cache").iterdir():
        if file.is_file():
            file.unlink()
    assert "1 chapters to execute" in tiny.run("build", cell).stdout
    assert tiny.starts == 1


@pytest.mark.parametrize(("every", "expected"), [(30, [31]), (5, [6, 31]), (0, [6, 1, 31, 4])])
def test_copies_of_a_notebook_are_as_far_apart_as_papermill_s_option_says_and_the_last_is_written(
    every, expected, monkeypatch
):
    copies, now = [], datetime.now(UTC)
    manager = SimpleNamespace(now=lambda: now, last_save_time=now, autosave_cell_every=every)
    manager.save = lambda: copies.append((now - manager.last_save_time).total_seconds())

    def cells(_, manager, **_options):
        for seconds in (6, 1, 31, 4):
            manager.last_save_time = now - timedelta(seconds=seconds)
            manager.save()

    monkeypatch.setattr(kernels.NBClientEngine, "execute_managed_notebook", classmethod(cells))
    kernels.SocketEngine.execute_managed_notebook(manager)
    assert copies == expected
    manager.save()  # as papermill does at the end
    assert copies == [*expected, 4]


def test_sockets_go_elsewhere_where_the_temporary_folder_has_a_long_path(tmp_path, monkeypatch):
    long, short = tmp_path / ("x" * 120), tempfile.mkdtemp(prefix="t")
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setattr(kernels, "FURTHER_PLACES", (str(tmp_path / "gone"), short))
    folder = kernels.sockets_folder()
    assert Path(folder.name).parent == Path(short)
    assert list(Path(folder.name).iterdir()) == []
    folder.cleanup()
    monkeypatch.setattr(kernels, "FURTHER_PLACES", ())
    with pytest.raises(kernels.KernelError, match="set TMPDIR to a folder with a short path"):
        kernels.sockets_folder()
    assert [*long.iterdir(), *Path(short).iterdir()] == []
    Path(short).rmdir()


def test_a_chapter_runs_under_a_long_temporary_folder(tiny):
    given, tiny.temporary = tiny.temporary, tiny.temporary / ("x" * 120)
    tiny.temporary.mkdir()
    done = tiny.run("build", "print(profile * 2)")
    assert done.returncode == 0, done.stderr
    assert list(tiny.temporary.iterdir()) == []
    tiny.temporary.rmdir()
    tiny.temporary = given
