"""`reversible spectrum` on matrices of low rank, of equal values and of few columns: a row for each, whatever fails."""

import json

import numpy as np
import pytest

from known_matrices import LIGHT, of_equal_values, of_low_rank
from reversible import cli
from reversible.spectra import matrix as spectra

RNG = np.random.default_rng(0)
EQUAL = {name: matrix for name, (matrix, _) in of_equal_values().items() if name in ("eye 64", "dirac 34", "stacked")}
LOW = {name: matrix for name, (matrix, _) in of_low_rank().items()}
THIN = {"pair": np.outer(np.arange(1, 385.0), [1, 2.0]), "thin": RNG.standard_normal((64, 9))}
GOOD = {"good": RNG.standard_normal((64, 64))}
TAILS = {name: draw(400, 100, RNG) for name, draw in LIGHT.items()}
RANKS = {name: rank for name, (_, rank) in of_low_rank().items()} | {"pair": 1, "thin": 9, "good": 64}


@pytest.fixture
def run(capsys, tmp_path):
    def typed(net, *words):
        np.savez(tmp_path / "net.npz", **net)
        status = cli.main(["spectrum", str(tmp_path / "net.npz"), *words])
        out, err = capsys.readouterr()
        return status, out, err

    return typed


@pytest.mark.parametrize("net", [EQUAL | GOOD, LOW | GOOD, THIN | GOOD, TAILS])
@pytest.mark.parametrize("how", ["--seed=1", "--no-nulls"])
def test_each_matrix_has_a_row(run, net, how):
    status, out, err = run(net, "--json", how)
    rows = {row["layer"]: row for row in json.loads(out)}
    assert (status, err, {*rows}) == (0, "", {*net})
    for name, row in rows.items():
        assert row["rank"] == RANKS.get(name, min(row["shape"]))
        assert (row["verdict"] == "not judged") == (name in THIN)
        if name in EQUAL or name in TAILS:
            assert row["verdict"] == "structured"


@pytest.mark.parametrize("net", [EQUAL, LOW, THIN])
def test_the_table_has_a_dash_where_no_bulk_fits(run, net):
    status, out, err = run(net)
    assert (status, err) == (0, "")
    head, *lines = out.splitlines()
    assert len(lines) == len(net)
    for line in lines:
        row = spectra.analyse(net[next(name for name in net if line.startswith(f"{name}  "))])
        assert line.endswith(row.verdict)
        for column in ("sigma", "edges"):
            at = head.index(column) + len(column)  # numbers end where their heads do
            shown = line[:at].split()[-1]
            assert (shown == "-") == (row.measured.sigma is None)
    assert "None" not in out
    assert "e-299" not in out


def test_what_fails_in_one_layer_costs_the_others_nothing(run, monkeypatch):
    asked = spectra.analyse

    def fails(matrix, *words, **how):
        if len(matrix) == 34:
            raise np.linalg.LinAlgError("its singular vectors could not be found")
        return asked(matrix, *words, **how)

    monkeypatch.setattr(spectra, "analyse", fails)
    status, out, err = run(EQUAL | GOOD, "--json")
    assert (status, [row["layer"] for row in json.loads(out)]) == (0, ["eye 64", "stacked", "good"])
    assert err.startswith("reversible: skipped dirac 34, 34 x 306: its singular values were not found")
    assert err.count("\n") == 1


def test_a_page_and_a_picture_of_what_has_no_bulk(run, tmp_path):
    words = ("--layer", "eye 64", "--plot", str(tmp_path / "eye.svg"), "--html", str(tmp_path / "eye.html"))
    assert run(EQUAL, *words)[0] == 0
    assert "structured" in (tmp_path / "eye.html").read_text()
