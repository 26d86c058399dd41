"""`reversible train` of what cannot be: one line, exit status 2, nothing written."""

import shlex

import pytest
import torch

from reversible import cli

TINY = shlex.split("train --profile smoke --widths 12,12 --images 150 --steps 40 --seeds 3 --stack 2")


def run(capsys, *words):
    status = cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--data svhn", "data must be one of digits, mnist, cifar10, cifar100, not 'svhn'"),
        ("--method adam", "method must be one of backprop, shadow, not 'adam'"),
        ("--profile huge", "profile must be one of smoke, book, paper, not 'huge'"),
        ("--from h9", "from must be one of h1, h2, not 'h9'"),
        ("--from x2", "from must be one of h1, h2, not 'x2'"),
        ("--from h0", "from must be one of h1, h2, not 'h0'"),
        ("--sampling 0", "sampling must be a number from 1e-12 to 1, not '0'"),
        ("--scale big", "scale must be one of norm, theory, not 'big'"),
        ("--smoothing median", "smoothing must be one of off, blur, lowpass, not 'median'"),
        ("--share 2", "share must be a number from 1e-12 to 1, not '2'"),
        ("--start 40", "start must be an integer from 0 to 39, not '40'"),
        ("--generation magic", "generation must be one of transpose, permuted, gaussian, noise, not 'magic'"),
        ("--method backprop --from h1 --share 1", "method must be shadow for --from, --share, not 'backprop'"),
        ("--dropout 1.5", "dropout must be a number from 0 to less than 1, not 1.5"),
        ("--dropout 1", "dropout must be a number from 0 to less than 1, not 1.0"),
        ("--dropout nan", "dropout must be a number from"),
        ("--widths 0,3", "widths must be an integer from 1 to 1000000000, not '0'"),
        ("--widths a", "widths must be an integer from 1 to 1000000000, not 'a'"),
        ("--widths ''", "widths must be an integer from 1 to 1000000000, not ''"),
        ("--widths 3,", "widths must be an integer from 1 to 1000000000, not ''"),
        ("--inputs raw", "inputs must be one of unit, standard, not 'raw'"),
        ("--images 0", "images must be an integer from 1 to"),
        ("--images 1438", "images must be an integer from 1 to 1437, the training images there are, not 1438"),
        ("--batch 151", "batch must be an integer from 1 to 150, the images there are, not 151"),
        ("--batch 0", "batch must be an integer from 1 to"),
        ("--steps 0", "steps must be an integer from 1 to 1000000000, not '0'"),
        ("--lr -1", "lr must be a number from 1e-12 to 1e+12, not '-1'"),
        ("--seeds 0", "seeds must be an integer from 1 to 1000000, not '0'"),
        ("--seed -1", "seed must be an integer from 0 to"),
        ("--stack 0", "stack must be an integer from 1 to"),
        ("--device tpu", "device must be one of cpu, cuda, not 'tpu'"),
        ("--device cuda", "device must be cpu here: no CUDA device was found, not 'cuda'"),
        ("--precision tf32", "precision must be one of float32, bf16, not 'tf32'"),
        ("--graph", "graph must be off on the cpu"),
        ("--memory 1", "2 nets side by side need"),
        ("--memory 0", "memory must be an integer from 1 to"),
        ("--checkpoint-every -1", "checkpoint-every must be seconds from 0 up, not '-1'"),
        ("--checkpoint-every soon", "checkpoint-every must be a number from"),
        ("--workers 0", "workers must be an integer from 1 to 1024, not '0'"),
        ("--workers 2 --scheduler x:1", "workers must be 1 where a scheduler has its own"),
        ("--lr 1e5", "lr must be small enough for the loss to fall, not 100000.0"),
        ("--learning-rate 1", "unrecognized arguments: --learning-rate 1"),
        ("more", "unrecognized arguments: more"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(words, says, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    status, out, err = run(capsys, *TINY, "--out", tmp_path / "r.json", *shlex.split(words))
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert says in err
    assert list(tmp_path.iterdir()) == []


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
