"""`reversible spectrum BEFORE AFTER`: layers matched by name, each told by what has moved, the others by a line."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from reversible.spectra import matrix as spectra
from reversible.spectra.pairs import compared
from weight_files import peak, save

RNG = np.random.default_rng(0)


def weights(*shape):
    return RNG.standard_normal(shape)


BEFORE = {name: weights(80, 60) for name in ("same", "tuned", "pruned")} | {
    "conv": weights(12, 4, 3, 3), "first": weights(5, 4), "grown": weights(6, 5), "flat": np.ones((5, 5)),
}  # fmt: skip
AFTER = {
    "same": BEFORE["same"],
    "tuned": BEFORE["tuned"] + 0.1 * weights(80, 2) @ weights(2, 60),
    "pruned": BEFORE["pruned"] * (np.abs(BEFORE["pruned"]) > 1),
    "conv": 0.5 * BEFORE["conv"],
    "second": weights(5, 4),
    "grown": weights(7, 5),
    "flat": 2 * np.ones((5, 5)),
}
SAYS = {
    "same": "unchanged",
    "tuned": "an update of low rank 2, of",
    "pruned": "pruned: 69 % of the entries are zero, the others unchanged",
    "conv": "scaled by 0.5",
    "flat": "scaled by 2",
}


@pytest.fixture
def nets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.npz", BEFORE)
    save(tmp_path / "b.safetensors", {name: np.ascontiguousarray(array) for name, array in AFTER.items()})
    return "a.npz", "b.safetensors"


def test_each_layer_that_both_have_gets_a_line_and_a_sentence(run, nets):
    status, out, err = run(*nets, "--no-nulls")
    assert status == 0
    table, told = out.rstrip("\n").split("\n\n")
    assert [line.split()[0] for line in table.splitlines()] == ["layer", *SAYS]
    for line, (name, sentence) in zip(told.splitlines(), SAYS.items(), strict=True):
        assert line.startswith(f"{name}: {sentence}")
    assert err.splitlines() == [
        "reversible: skipped first, 5 x 4: it is in 'a.npz' alone",
        "reversible: skipped grown, 6 x 5: in 'b.safetensors' it is 7 x 5",
        "reversible: skipped second, 5 x 4: it is in 'b.safetensors' alone",
    ]


def test_json_has_the_rows_of_both_and_of_the_update(run, nets):
    found = {pair["layer"]: pair for pair in json.loads(run(*nets, "--json", "--seed", 4)[1])}
    pair = found["tuned"]
    matrices = {"before": BEFORE["tuned"], "after": AFTER["tuned"], "update": AFTER["tuned"] - BEFORE["tuned"]}
    rows = {part: spectra.analyse(matrix, "tuned", seed=4) for part, matrix in matrices.items()}
    for part, row in rows.items():
        assert pair[part] == json.loads(json.dumps(row.to_json()))
    moved, says = compared(BEFORE["tuned"], AFTER["tuned"], rows["update"])
    assert (pair["moved"]["change"], pair["says"]) == (moved.change, says)
    assert found["same"]["update"] is None
    assert "constant" in found["same"]["not_measured"]["update"]
    assert found["same"]["moved"]["change"] == 0
    assert set(found["flat"]["not_measured"]) == {"before", "after", "update"}


def test_csv_has_one_line_a_matrix(run, nets):
    lines = list(csv.DictReader(io.StringIO(run(*nets, "--csv", "--no-nulls")[1])))
    found = json.loads(run(*nets, "--json", "--no-nulls")[1])
    assert [line["layer"] for line in lines] == list(SAYS)
    for line, pair in zip(lines, found, strict=True):
        assert float(line["overlap"]) == pair["moved"]["overlap"]
        if pair["before"]:
            assert float(line["largest_before"]) == pair["before"]["largest"]
        assert (line["verdict_update"] == "") == (pair["update"] is None)


def test_a_row_of_three_panels_a_layer_and_a_page(run, nets, tmp_path):
    assert run(*nets, "--no-nulls", "--plot", "a.svg", "--html", "a.html")[0] == 0
    words = [text.text or "" for text in ET.parse(tmp_path / "a.svg").getroot().iter()]
    assert [name for name in words if name.startswith("tuned, ") and "x" not in name] == [
        "tuned, before", "tuned, after", "tuned, update",
    ]  # fmt: skip
    text = (tmp_path / "a.html").read_text()
    assert text.count("<svg") == 3 * len(SAYS) + 1
    assert not re.search("https?:|<script", text)
    for says in (*SAYS.items(), ("grown, 6 x 5", "in &#x27;b.safetensors&#x27; it is 7 x 5")):
        assert ": ".join(says) in text


def test_positions_and_patterns_hold_for_both(run, nets):
    out = run(*nets, "--json", "--no-nulls", "--positions", "--layer", "conv")[1]
    found = json.loads(out)
    assert [pair["layer"] for pair in found][:3] == ["conv", "conv[0,0]", "conv[0,1]"]
    assert {pair["says"] for pair in found} == {"scaled by 0.5"}
    status, _, err = run(*nets, "--layer", "first")
    assert status == 2
    assert "'b.safetensors' has no layer 'first'" in err


def test_nothing_in_common_is_one_line_and_status_2(run, nets):
    status, out, err = run(*nets, *(word for name in SAYS for word in ("--skip", name)))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "no layer of 'a.npz' can be compared with 'b.safetensors'; first, 5 x 4: it is in 'a.npz' alone" in err
    assert run("a.npz", "nix.npz")[2] == "reversible: there is no file 'nix.npz'\n"


def test_what_neither_can_read_is_told_once(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bad = {"fc": BEFORE["same"], "mask": np.ones((5, 5), bool), "odd": np.full((4, 4), np.nan)}
    save(tmp_path / "a.npz", bad)
    save(tmp_path / "b.npz", {**bad, "mask2": np.ones((5, 5), bool)})
    status, out, err = run("a.npz", "b.npz", "--no-nulls")
    assert status == 0
    assert out.rstrip().endswith("\n\nfc: unchanged")
    named = [line.split("skipped ")[1].split(",")[0] for line in err.splitlines()]
    assert sorted(named) == ["mask", "mask2", "odd"]


def test_memory_counts_both(run, tmp_path):
    save(tmp_path / "a.npz", {"small": weights(40, 40), "large": weights(400, 400)})
    status, _, err = run(tmp_path / "a.npz", "--no-nulls", "--memory", 14)
    assert (status, err) == (0, "")
    status, _, err = run(tmp_path / "a.npz", tmp_path / "a.npz", "--no-nulls", "--memory", 14)
    assert status == 0
    assert err == "reversible: skipped large, 400 x 400: two of it need 15 MiB; allowed are 14 MiB\n"


def test_only_one_layer_of_each_is_held_at_a_time(run, tmp_path):
    for name in "ab":
        save(tmp_path / f"{name}.npz", {f"w{i}": weights(400, 250) for i in range(4)})
    files = [tmp_path / "a.npz", tmp_path / "b.npz", "--no-nulls"]
    run(*files, "--layer", "w0")
    one, _ = peak(lambda: run(*files, "--layer", "w0"))
    all_of_them, _ = peak(lambda: run(*files))
    assert all_of_them < one + 400_000  # half a layer
