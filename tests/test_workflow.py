"""The workflow for the project's host: thin, well formed, and its one script of its own does what it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from helpers import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "book.yml"


def test_workflow_fits_the_schema():
    linter = Path(sys.executable).parent / "check-jsonschema"
    words = [linter, "--builtin-schema", "vendor.github-workflows", WORKFLOW]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflow_has_no_step_that_the_makefile_does_not_know():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    runs = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert {"make publish", "make verify", ".ci/run"} == set(runs)
    assert {"publish", "verify", "test"} <= targets
    assert "make test" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.skipif(not shutil.which("git"), reason="no git")
def test_publish_pushes_the_pages_and_leaves_the_checkout_alone(tmp_path, monkeypatch):
    for name, value in (("AUTHOR", "a"), ("COMMITTER", "a")):
        monkeypatch.setenv(f"GIT_{name}_NAME", value)
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.org")
    checkout, pages = tmp_path / "checkout", tmp_path / "checkout" / "book" / "_build" / "html"
    (checkout / ".ci").mkdir(parents=True)
    (pages / "_static").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "publish", checkout / ".ci")
    shutil.copy(ROOT / ".gitignore", checkout)

    def git(*words):
        done = subprocess.run(["git", *words], cwd=checkout, check=True, capture_output=True, text=True)
        return done.stdout.split()

    git("init", "-q", "-b", "main")
    git("init", "-q", "--bare", str(tmp_path / "origin"))
    git("remote", "add", "origin", str(tmp_path / "origin"))
    git("add", "-A")
    git("commit", "-qm", "all")
    for words in ("one", "two"):
        (pages / "index.html").write_text(words)
        (pages / "_static" / "look.css").write_text("")
        subprocess.run([checkout / ".ci" / "publish"], check=True, capture_output=True)
        git("fetch", "-q", "--force", "origin", "gh-pages:seen")
        assert git("ls-tree", "-r", "--name-only", "seen") == [".nojekyll", "_static/look.css", "index.html"]
        assert git("show", "seen:index.html") == [words]
        assert len(git("rev-list", "seen")) == 1
        assert git("status", "--short") == []
