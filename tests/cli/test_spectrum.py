"""`reversible spectrum` as a user types it: rows as measured, bad layers skipped or refused, nothing half-written."""

import csv
import io
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

from reversible import cli, data
from reversible.cli import spectrum, spectrum_measure
from reversible.spectra import matrix as spectra
from weight_files import peak, save

RNG = np.random.default_rng(0)
NET = {
    "conv.weight": RNG.standard_normal((16, 8, 3, 2)).astype(np.float32), "conv.bias": np.zeros(16),
    "fc.weight": RNG.standard_normal((60, 40)), "head.weight": np.round(9 * RNG.standard_normal((10, 60))),
}  # fmt: skip


@pytest.fixture
def net(tmp_path):
    np.savez(tmp_path / "net.npz", **NET)
    return tmp_path / "net.npz"


def expected(name, matrix, **how):
    return json.loads(json.dumps(spectra.analyse(matrix, name, **how).to_json()))


def test_json_is_what_is_measured_on_each_layer(run, net):
    status, out, err = run(net, "--json", "--seed", 3)
    assert (status, err) == (0, "")
    matrices = {"conv": NET["conv.weight"].reshape(16, 48), "fc": NET["fc.weight"], "head": NET["head.weight"]}
    assert json.loads(out) == [expected(name, matrix, seed=3) for name, matrix in matrices.items()]


def test_one_layer_without_nulls_and_by_position(run, net):
    out = run(net, "--json", "--layer", "conv.weight", "--no-nulls", "--positions")[1]
    rows = json.loads(out)
    assert [row["layer"] for row in rows] == ["conv", *(f"conv[{i},{j}]" for i in range(3) for j in range(2))]
    assert rows[4] == expected("conv[1,1]", NET["conv.weight"][:, :, 1, 1], nulls=False)


def test_table_is_aligned_and_says_what_json_says(run, net):
    status, out, err = run(net)
    assert (status, err) == (0, "")
    lines, rows = out.splitlines(), json.loads(run(net, "--json")[1])
    assert len(lines) == 4
    names = ("sigma", "kurtosis", "edges", "largest")
    ends = [lines[0].index(f"  {name}") + len(name) + 2 for name in names]
    for line, row in zip(lines[1:], rows, strict=True):
        shape = " x ".join(map(str, row["shape"]))
        assert line.split()[:5] == [row["layer"], *shape.split(), str(row["rank"])]
        edges = f"{row['edge_low']:.3g}..{row['edge_high']:.3g}"
        shown = [f"{row['sigma']:.3g}", f"{row['kurtosis']:.3g}", edges, f"{row['largest']:.3g}"]
        assert [line[:end].split()[-1] for end in ends] == shown
        null = row["nulls"]["permuted"]
        assert f"  {row['ks']:.3g} ({null['ks']:.3g})  " in line
        assert f" {row['n_spikes']} ({row['nulls']['scaled']['n_spikes']})  " in line
        assert f"  {row['alpha']:.3g} ({null['alpha']:.3g})  {row['verdict']}" in line
        assert line.endswith(row["verdict"])


def test_table_without_nulls_or_an_exponent(run, tmp_path):
    np.save(tmp_path / "small.npy", RNG.standard_normal((5, 4)))
    status, out, _ = run(tmp_path / "small.npy", "--no-nulls")
    assert status == 0
    head, line = out.splitlines()
    assert "permuted" not in head
    assert "scaled" not in head
    assert line.split()[:4] == ["small", "5", "x", "4"]
    assert line[head.index("alpha") + len("alpha") - 1] == "-"


def test_csv_has_one_line_a_matrix(run, net):
    status, out, err = run(net, "--csv")
    assert (status, err) == (0, "")
    lines, rows = list(csv.DictReader(io.StringIO(out))), json.loads(run(net, "--json")[1])
    assert [line["layer"] for line in lines] == ["conv", "fc", "head"]
    for line, row in zip(lines, rows, strict=True):
        assert float(line["ks"]) == row["ks"]
        assert float(line["alpha_permuted"]) == row["nulls"]["permuted"]["alpha"]
        assert int(line["n_spikes_levelled"]) == row["levelled"]["n_spikes"]


def test_csv_without_pandas(run, net, monkeypatch):
    monkeypatch.setattr(spectrum, "find_spec", lambda name: None)
    assert run(net, "--csv")[0] == 2
    assert run(net, "--json")[0] == 0


@pytest.mark.parametrize("kind", ["float16", "float64", "bfloat16"])
def test_the_same_numbers_give_the_same_rows_whatever_their_type(run, tmp_path, kind):
    weight = torch.tensor(NET["head.weight"]).float()
    for name, stored in {"a": weight, "b": weight.to(getattr(torch, kind))}.items():
        torch.save({"w": stored}, tmp_path / f"{name}.pt")
    assert run(tmp_path / "b.pt", "--json") == run(tmp_path / "a.pt", "--json")


SKIPPED = {
    "flat": np.full((3, 4), 0.5),
    "row": np.ones((1, 5)),
    "none": np.ones((0, 5)),
    "dead": np.eye(3)[:, :1] * [1, 0],
}


def test_layers_that_cannot_be_tested_are_skipped_with_a_line(run, tmp_path, net):
    np.savez(tmp_path / "more.npz", **SKIPPED, **NET)
    status, out, err = run(tmp_path / "more.npz", "--json")
    assert (status, out) == (0, run(net, "--json")[1])
    lines = err.splitlines()
    assert [line.split(":")[1] for line in lines] == [
        " skipped flat, 3 x 4", " skipped row, 1 x 5", " skipped none, 0 x 5", " skipped dead, 3 x 2",
    ]  # fmt: skip
    assert lines[0].endswith("must not be constant; every entry is 0.5")
    assert lines[1].endswith("must have at least 2 rows and 2 columns, not (1, 5)")


def test_nothing_left_is_one_line_and_status_2(run, tmp_path):
    np.savez(tmp_path / "none.npz", **SKIPPED)
    status, out, err = run(tmp_path / "none.npz")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"no layer of '{tmp_path / 'none.npz'}' can be tested; flat, 3 x 4: the matrix must not be constant" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--layer", "nix"], "has no layer 'nix'; there are conv, fc, head"),
        (["--seed", "-1"], "seed must be an integer from 0 to 4294967296, not '-1'"),
        (["--memory", "none"], "memory must be an integer from 1 to 1000000000, not 'none'"),
        (["--memory", "0"], "memory must be an integer from 1"),
        (["--json", "--csv"], "--csv: not allowed with argument --json"),
        (["--nulls"], "unrecognized arguments: --nulls"),
        (["other.npz", "third.npz"], "unrecognized arguments: third.npz"),
    ],
)
def test_bad_options_are_one_line_and_status_2(run, net, words, says):
    status, out, err = run(net, *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_cost_the_others_nothing(run, tmp_path, net, bad):
    np.savez(tmp_path / "a.npz", first=np.array([[1, bad]]), **NET)
    status, out, err = run(tmp_path / "a.npz", "--json")
    assert (status, out) == (0, run(net, "--json")[1])
    assert err == "reversible: skipped first, 1 x 2: must hold finite numbers; 1 of 2 are not\n"
    assert run(tmp_path / "a.npz", "--json", "--skip", "first") == (0, out, "")


def test_layers_by_patterns(run, net):
    def names(*words):
        return [row["layer"] for row in json.loads(run(net, "--json", "--no-nulls", *words)[1])]

    assert names("--layer", "*c*", "--skip", "conv*") == ["fc"]
    assert names("--layer", "head", "--layer", "conv.weight") == ["conv", "head"]
    assert names("--skip", "fc", "--skip", "head.*") == ["conv"]
    assert "no layer is left: all 3 are skipped" in run(net, "--skip", "*")[2]


def test_many_that_are_left_out_for_one_reason_take_one_line(run, tmp_path):
    save(tmp_path / "a.npz", {**NET, **{f"index{i}": np.ones((3, 3), int) for i in range(12)}})
    err = run(tmp_path / "a.npz", "--no-nulls")[2]
    assert err.splitlines() == [
        "reversible: skipped index0, 3 x 3 and 11 more: integers (int64) are no weights, "
        "but a mask, a table of indices or codes"
    ]


def test_within_a_limit_of_time_small_layers_come_first_and_rows_keep_their_order(run, tmp_path, monkeypatch):
    sizes = {"a": 90, "b": 60, "c": 120, "d": 30}
    save(tmp_path / "net.npz", {name: RNG.standard_normal((n, n)) for name, n in sizes.items()})
    everything = json.loads(run(tmp_path / "net.npz", "--json", "--max-seconds", 1e6)[1])
    assert [row["layer"] for row in everything] == list("abcd")
    clock = iter(range(1000))
    seconds = SimpleNamespace(monotonic=lambda: next(clock))  # one a layer; threads beside it have the real clock
    monkeypatch.setattr(spectrum_measure, "time", seconds)
    status, out, err = run(tmp_path / "net.npz", "--json", "--max-seconds", 7.5)
    assert (status, json.loads(out)) == (0, [everything[1], everything[3]])
    assert [line.split(",")[0] for line in err.splitlines()] == ["reversible: skipped a", "reversible: skipped c"]
    assert "max-seconds must be a number from" in run(tmp_path / "net.npz", "--max-seconds", "0")[2]


def test_only_one_layer_is_held_at_a_time(run, tmp_path):
    save(tmp_path / "net.npz", {f"w{i}": RNG.standard_normal((500, 300)) for i in range(5)})
    run(tmp_path / "net.npz", "--layer", "w0", "--no-nulls")  # what is imported on the way does not count
    one, _ = peak(lambda: run(tmp_path / "net.npz", "--layer", "w0", "--no-nulls"))
    all_of_them, _ = peak(lambda: run(tmp_path / "net.npz", "--no-nulls"))
    assert all_of_them < one + 600_000  # half a layer


def test_a_layer_too_large_for_the_budget(run, tmp_path):
    np.save(tmp_path / "w.npy", np.zeros((400, 400)))
    status, out, err = run(tmp_path / "w.npy", "--memory", 9)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "w, 400 x 400: needs 11 MiB; allowed are 9 MiB" in err


def test_no_file_at_all(run):
    assert "required: WEIGHTS" in run()[2]
    assert run("nix.npz")[2] == "reversible: there is no file 'nix.npz'\n"


@settings(max_examples=60)
@given(
    weight=hnp.arrays(
        st.one_of(hnp.floating_dtypes(sizes=(16, 32, 64)), hnp.integer_dtypes(), hnp.boolean_dtypes()),
        hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=5),
    )
)
def test_whatever_is_in_a_file_ends_in_rows_or_one_line(tmp_path_factory, weight):
    path = tmp_path_factory.getbasetemp() / "any.npy"
    np.save(path, weight)
    assert cli.main(["spectrum", str(path), "--json"]) in (0, 2)


IMPORTED = """
import sys
from reversible import cli
from reversible.cli import spectrum, spectrum_measure
for file in sys.argv[1:]:
    assert cli.main(["spectrum", file, "--no-nulls"]) == 0
print("torch" in sys.modules, file=sys.stderr)
"""


def test_torch_which_takes_seconds_is_loaded_for_no_file(tmp_path):
    files = [str(tmp_path / f"fc{ending}") for ending in (".npy", ".npz", ".safetensors", ".pt")]
    torch.save({"fc": torch.tensor(NET["fc.weight"])}, files[3])
    np.save(files[0], NET["fc.weight"])
    np.savez(files[1], fc=NET["fc.weight"])
    save_file({"fc": NET["fc.weight"]}, files[2])
    done = subprocess.run([sys.executable, "-c", IMPORTED, *files], capture_output=True, text=True)
    assert done.stderr == "False\n"
    table = done.stdout.splitlines()
    assert len(table) == 8
    assert table[:2] == table[2:4] == table[4:6] == table[6:]


def test_a_trained_net(run):
    file = data.folder() / "weights" / "lenet300_100_dense.npz"
    if not file.is_file():
        pytest.skip("the trained weights are not in the folder of REVERSIBLE_DATA")
    status, out, err = run(file, "--json", "--no-nulls")
    assert (status, err) == (0, "")
    rows = json.loads(out)
    assert [(row["layer"], row["shape"]) for row in rows] == [
        ("fc1", [300, 784]), ("fc2", [100, 300]), ("fc3", [10, 100]),
    ]  # fmt: skip
    with np.load(file) as arrays:
        assert rows[0]["largest"] == pytest.approx(np.linalg.norm(arrays["fc1.weight"].astype(float), 2))
