"""Text is UTF-8, whatever the locale: no call leaves that to it, and what a terminal cannot show is escaped."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from helpers import ROOT
from reversible import cli

CELL = re.compile(r"^```\{code-cell\}.*?\n(?P<code>.*?)^```$", re.M | re.S)
MODE = re.compile(r"[rwxa][bt+]*")
TEMPORARY = ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile")
# Python's pip, which speaks as the locale is in which it is heard; the definition is part of what made records.
TOLD_BY_A_CHILD = {"lib/reversible/data.py: subprocess.run(command, capture_output=True, text=True"}


def left_to_the_locale(code: str) -> Iterator[str]:
    """The calls that read or write text and name no encoding."""
    for call in ast.walk(ast.parse(code)):
        if isinstance(call, ast.Call) and _is_text(call) and not any(k.arg == "encoding" for k in call.keywords):
            yield ast.unparse(call)


def _is_text(call: ast.Call) -> bool:
    given = {k.arg: k.value for k in call.keywords}
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "read_text":
        return not call.args  # an encoding; or the name of a file of a distribution, which is read as UTF-8
    if name == "write_text":
        return True
    if name in TEMPORARY:
        return "b" not in _mode(call.args[:1], given, "w+b")
    if name == "open":
        place = 1 if isinstance(call.func, ast.Name) else 0
        return "b" not in _mode(call.args[place : place + 1], given, "r")
    return any(isinstance(v := given.get(k), ast.Constant) and v.value for k in ("text", "universal_newlines"))


def _mode(place: list[ast.expr], given: dict[str | None, ast.expr], without: str) -> str:
    """Of what opens a file; binary where it takes no mode, as a member of an archive and os.open do."""
    said = place[0] if place else given.get("mode")
    if said is None:
        return without
    value = said.value if isinstance(said, ast.Constant) else None
    return value if isinstance(value, str) and MODE.fullmatch(value) else "b"


def without_magics(cell: str) -> str:
    return "\n".join(line for line in cell.splitlines() if not line.startswith((":", "%", "!")))


def all_code() -> Iterator[tuple[str, str]]:
    for folder in ("lib", "benchmarks"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")
    for page in sorted((ROOT / "book").glob("*.md")):
        for cell in CELL.finditer(page.read_text(encoding="utf-8")):
            yield f"book/{page.name}", without_magics(cell["code"])


def test_no_call_leaves_the_encoding_to_the_locale():
    found = [f"{file}: {call}" for file, code in all_code() for call in left_to_the_locale(code)]
    assert [line for line in found if not line.startswith(tuple(TOLD_BY_A_CHILD))] == []
    assert len(found) == len(TOLD_BY_A_CHILD)


LEFT = (
    "path.read_text()", "path.write_text('x', errors='replace')", "open(path)", "open(path, 'w')", "path.open()",
    "path.open(mode='a')", "open(path, mode='r+')", "NamedTemporaryFile('w')", "tempfile.TemporaryFile(mode='w+')",
    "subprocess.run(words, text=True)", "subprocess.Popen(words, universal_newlines=True)",
)  # fmt: skip
NAMED = (
    "path.read_text(encoding='utf-8')", "path.read_bytes()", "distribution.read_text('LICENSE')", "open(path, 'rb')",
    "path.open('wb')", "os.open(path, 1)",
    "open(path, encoding='utf-8')", "NamedTemporaryFile()", "archive.open(member)", "archive.open('a.h5')",
    "subprocess.run(words, capture_output=True)", "subprocess.run(words, text=True, encoding='utf-8')",
)  # fmt: skip


@pytest.mark.parametrize("code", [*LEFT, *NAMED])
def test_such_a_call_is_seen(code):
    assert bool(list(left_to_the_locale(code))) == (code in LEFT)


# --- run in another locale --------------------------------------------------------------------------------------------

PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # ASCII, everywhere


def typed(*words, **environment):
    command = [sys.executable, "-m", "reversible.cli", *map(str, words)]
    where = {**os.environ, "PYTHONPATH": str(ROOT / "lib"), "PYTHONIOENCODING": "", **environment}
    return subprocess.run(command, env=where, cwd=ROOT, capture_output=True)


def latin(folder):
    """Windows' old encoding as a locale, where there is what makes one."""
    if not shutil.which("localedef"):
        pytest.skip("no localedef")
    made = subprocess.run(["localedef", "-i", "en_US", "-f", "CP1252", folder / "en_US.CP1252"], capture_output=True)
    if not (folder / "en_US.CP1252").is_dir():
        pytest.skip(f"localedef made none: {made.stderr!r}")
    return {"LOCPATH": str(folder), "LC_ALL": "en_US.CP1252", "PYTHONUTF8": "0"}


@pytest.mark.parametrize("of", [lambda _: PLAIN, latin], ids=["C", "CP1252"])
def test_the_ledger_is_read_in_any_locale(of, tmp_path, capsys):
    done = typed("verdicts", "--json", **of(tmp_path))
    status, (out, err) = cli.main(["verdicts", "--json"]), capsys.readouterr()
    assert (done.returncode, done.stderr.decode()) == (status, err)  # 0 and none, but where a record is to be made yet
    assert done.stdout.decode() == out


@pytest.mark.parametrize(("encoding", "shown"), [("", rb"\u03b2"), ("utf-8", "β".encode())])
def test_a_name_that_the_terminal_cannot_show_is_escaped(encoding, shown, tmp_path):
    np.savez(tmp_path / "net.npz", **{"β": np.random.default_rng(0).standard_normal((64, 40)), "γ": np.eye(2)})
    done = typed("spectrum", tmp_path / "net.npz", "--no-nulls", **{**PLAIN, "PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
    assert b"Traceback" not in done.stderr


def test_errors_name_what_cannot_be_shown():
    done = typed("run", "β", **PLAIN)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert rb"\udcce\udcb2" in done.stderr  # its two bytes, as the system hands them over
