"""The command line on its page: what a terminal shows, and that no command goes unshown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import refusal
from reversible.book.terminal import COLUMNS, terminal
from reversible.cli.command import _parser
from reversible.records import record as results

BOOK = results.book_folder()


def page(name):
    return (BOOK / f"{name}.md").read_text()


TYPED = re.findall(r'^terminal\("(reversible .*?)"(?:, status=(\d))?', page("command-line"), re.M)


def commands(parser, before=""):
    """Every command of a parser that has none below it."""
    below = [action.choices for action in parser._actions if action.dest == "==SUPPRESS==" and action.choices]
    if not below:
        return [before.strip()]
    return [name for choice, inner in below[0].items() for name in commands(inner, f"{before} {choice}")]


def test_the_page_shows_bad_input_and_machines():
    assert [status for _, status in TYPED].count("2") >= 3
    assert any("--json | head -n" in typed for typed, _ in TYPED)


@pytest.mark.parametrize("command", commands(_parser()))
def test_every_command_is_run_on_its_page_and_its_options_are_shown(command):
    run = [typed for typed, _ in TYPED if typed.startswith(f"reversible {command} ")]
    assert f"reversible {command} --help" in run
    assert [typed for typed in run if "--help" not in typed]
    assert f"## `{command}`:" in page("command-line")


@pytest.mark.parametrize("typed", [["simulate", "one-layer", "--help"], ["simulate", "one-layer", "--n", "3"]])
def test_terminal_shows_what_a_real_process_prints(typed, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    done = subprocess.run([sys.executable, "-m", "reversible.cli", *typed], text=True, capture_output=True)
    assert terminal(f"reversible {' '.join(typed)}", status=done.returncode).value == done.stdout + done.stderr


def test_terminal_escapes_cuts_and_leaves_everything_as_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "33")
    here = Path.cwd()
    shown = terminal("reversible simulate one-layer --n 3 --m 2 --k '<b>'", 2, tmp_path).content
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert shown.endswith("<strong>$ echo $?</strong>\n2</pre>")
    assert "tabindex='0'" in shown
    cut = terminal("reversible verdicts | head -n 3").content
    assert len(cut.splitlines()) == 4
    assert (os.environ["COLUMNS"], Path.cwd(), *capsys.readouterr()) == ("33", here, "", "")


def test_terminal_runs_in_the_folder(tmp_path):
    (tmp_path / "nothing.npz").touch()
    assert terminal("reversible spectrum nothing.npz", 2, tmp_path).value == "reversible: 'nothing.npz' is empty\n"


def test_terminal_sets_a_long_command_on_lines_that_can_be_copied():
    command = "reversible simulate one-layer --n 4000 --m 500 --k 501 --trials 9 --offset optimal --retention 0.5"
    first, second, *_ = terminal(command, status=2).content.split("<strong>")[1].splitlines()
    assert first.endswith(" \\")
    assert second.strip().startswith("--offset optimal")
    assert f"{first[2:-1].strip()} {second.strip().removesuffix('</strong>')}" == command


def test_terminal_fails_where_the_exit_status_is_another():
    with pytest.raises(AssertionError, match="exit status 2, not 0"):
        terminal("reversible simulate one-layer --n 3")
    with pytest.raises(AssertionError, match="exit status 0, not 2"):
        terminal("reversible --version", status=2)


@pytest.mark.parametrize("command", ["ls", "reversible verdicts | sort", "reversible verdicts | head -n 3 | wc"])
def test_terminal_refuses_what_it_cannot_show(command):
    assert "a terminal shows reversible ..." in refusal(lambda: terminal(command))
