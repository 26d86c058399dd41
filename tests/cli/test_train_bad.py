"""`reversible train` of what cannot be: one line, exit status 2, nothing written."""

import re
import shlex

import pytest
import torch

import golden
from reversible import cli

TINY = shlex.split("train --profile smoke --widths 12,12 --images 150 --steps 40 --seeds 3 --stack 2")


def run(capsys, *words):
    status = cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


# What is refused, of what it speaks and the value it names, as it names it.
REFUSED = [
    ("--data svhn", "data must", "'svhn'"), ("--method adam", "method must", "'adam'"),
    ("--profile huge", "profile must", "'huge'"), ("--from h9", "from must", "'h9'"),
    ("--from x2", "from must", "'x2'"), ("--from h0", "from must", "'h0'"),
    ("--sampling 0", "sampling must", "'0'"), ("--scale big", "scale must", "'big'"),
    ("--smoothing median", "smoothing must", "'median'"), ("--share 2", "share must", "'2'"),
    ("--start 40", "start must", "'40'"), ("--generation magic", "generation must", "'magic'"),
    ("--method backprop --from h1 --share 1", "method must", "'backprop'"),
    ("--dropout 1.5", "dropout must", "1.5"), ("--dropout 1", "dropout must", "1.0"),
    ("--dropout nan", "dropout must", "'nan'"), ("--widths 0,3", "widths must", "'0'"),
    ("--widths a", "widths must", "'a'"), ("--widths ''", "widths must", "''"), ("--widths 3,", "widths must", "''"),
    ("--inputs raw", "inputs must", "'raw'"), ("--images 0", "images must", "'0'"),
    ("--images 1438", "images must", "1438"), ("--batch 151", "batch must", "151"), ("--batch 0", "batch must", "'0'"),
    ("--steps 0", "steps must", "'0'"), ("--lr -1", "lr must", "'-1'"), ("--seeds 0", "seeds must", "'0'"),
    ("--seed -1", "seed must", "'-1'"), ("--stack 0", "stack must", "'0'"), ("--device tpu", "device must", "'tpu'"),
    ("--device cuda", "device must", "'cuda'"), ("--precision tf32", "precision must", "'tf32'"),
    ("--graph", "graph must", "cpu"), ("--memory 1", "1 MiB", "--stack"), ("--memory 0", "memory must", "'0'"),
    ("--checkpoint-every -1", "checkpoint-every must", "'-1'"),
    ("--checkpoint-every soon", "checkpoint-every must", "'soon'"), ("--workers 0", "workers must", "'0'"),
    ("--workers 2 --scheduler x:1", "workers must", "2"), ("--lr 1e5", "lr must", "100000.0"),
    ("--learning-rate 1", "unrecognized", "--learning-rate 1"), ("more", "unrecognized", "more"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "of", "value"), REFUSED)
def test_bad_input_is_one_line_and_leaves_nothing(words, of, value, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    status, out, err = run(capsys, *TINY, "--out", tmp_path / "r.json", *shlex.split(words))
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert of in err
    assert value in err[err.index(of) :]
    assert list(tmp_path.iterdir()) == []
    said = re.sub(r"[\d.e+]+ by step", "... by step", err)  # the loss, which other kernels round otherwise
    golden.check("train_bad", words, said.splitlines())


def test_all_that_is_pinned_is_tried():
    assert golden.cases("train_bad") == [words for words, *_ in REFUSED]


def test_data_that_is_nowhere_is_one_line(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path / "nowhere"))
    status, out, err = run(capsys, *TINY, "--data", "mnist", "--out", tmp_path / "r.json")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "REVERSIBLE_DATA must be a folder that is there" in err
    assert list(tmp_path.iterdir()) == []


def test_out_and_resume_that_cannot_be(capsys, tmp_path):
    for words, says in (
        (["--out", tmp_path / "no" / "r.json"], "--out must be a file in a folder that can be written, not"),
        (["--out", tmp_path], "--out must be a file in a folder that can be written, not"),
        (["--resume"], "--resume needs --out FILE, beside which the unfinished run is kept"),
    ):
        status, out, err = run(capsys, *TINY, *words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert says in err
    assert list(tmp_path.iterdir()) == []


def test_memory_counts_all_that_train_at_once(capsys):
    one = run(capsys, *TINY, "--memory", 1)[2]
    assert "1 x 2 nets side by side need" in one
    assert "2 x 2 nets side by side need" in run(capsys, *TINY, "--memory", 1, "--workers", 8)[2]
    assert "--stack" in one
