"""Files as people have them, read by `reversible spectrum` as it is typed: each stands for a kind."""

import argparse
import collections
import datetime
import json
import pathlib
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import parametrizations

from reversible import cli
from weight_files import save

RNG = np.random.default_rng(0)
GENERATOR = torch.Generator().manual_seed(0)
INERT = {
    "scalar": np.float64(0.93), "array": np.zeros((3, 3)), "space": argparse.Namespace(lr=0.1),
    "path": pathlib.PosixPath("x"), "hist": collections.defaultdict(list, a=[1]), "date": datetime.datetime.now(),
}  # fmt: skip


def random(*shape):
    return torch.randn(*shape, generator=GENERATOR) * 0.02


NET = {"fc1.weight": random(64, 32), "fc2.weight": random(16, 64)}


@pytest.fixture
def run(capsys):
    """The rows by layer, and the lines beside them."""

    def typed(file, *words):
        assert cli.main(["spectrum", str(file), "--json", "--no-nulls", *words]) == 0
        out, err = capsys.readouterr()
        return {row["layer"]: row for row in json.loads(out)}, err

    return typed


def largest(matrix):
    return pytest.approx(np.linalg.norm(np.asarray(matrix, float), 2), rel=1e-6)


@pytest.mark.parametrize("name", ["model_best.pth.tar", "pytorch_model.bin", "last.ckpt", "net.th", "checkpoint"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_of_torch_is_read_whatever_it_is_called(run, tmp_path, name, zipped):
    torch.save(NET, tmp_path / name, _use_new_zipfile_serialization=zipped)
    rows, err = run(tmp_path / name)
    assert (list(rows), err) == (["fc1", "fc2"], "")
    assert rows["fc1"]["largest"] == largest(NET["fc1.weight"])


@pytest.mark.parametrize("kind", INERT)
def test_what_is_harmless_beside_the_weights_is_passed_over(run, tmp_path, kind):
    torch.save({"state_dict": NET, "extra": INERT[kind]}, tmp_path / "net.pt")
    assert list(run(tmp_path / "net.pt")[0]) == ["fc1", "fc2"]


ODD = {
    "attn.mask": torch.full((64, 64), -torch.inf).triu(1), "adj": torch.eye(64).to_sparse(),
    "freqs": torch.polar(torch.ones(64, 32), torch.ones(64, 32)), "hash": torch.full((64, 8), 2**62),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_an_array_that_is_no_layer_costs_the_others_nothing(run, tmp_path, name):
    torch.save({name: ODD[name], **NET}, tmp_path / "net.pt")
    rows, err = run(tmp_path / "net.pt")
    assert list(rows) == ["fc1", "fc2"]
    assert err.startswith(f"reversible: skipped {name}, 64 x ")
    assert err.count("\n") == 1


def test_the_weight_is_judged_and_not_its_direction(run, tmp_path):
    linear = parametrizations.weight_norm(nn.Linear(64, 48, bias=False))
    lengths = dict(linear.named_parameters())["parametrizations.weight.original0"]
    lengths.data *= torch.linspace(0, 3, 48).exp()[:, None]
    torch.save(nn.Sequential(linear).state_dict(), tmp_path / "net.pt")
    rows, err = run(tmp_path / "net.pt")
    assert err == "reversible: 0 is g v / |v|, as weight_norm has it\n"
    assert rows["0"]["largest"] == largest(torch.as_tensor(linear.weight).detach())


def test_codes_are_judged_with_their_scales_or_not_at_all(run, tmp_path):
    scales = torch.exp(torch.randn(2, 3, generator=GENERATOR))
    codes = (random(256, 320) * 1000).to(torch.float8_e4m3fn)
    rows_of, whole = torch.linspace(0, 4, 40).exp(), torch.randint(-127, 128, (40, 50), dtype=torch.int8)
    packed = torch.randint(-(2**31), 2**31 - 1, (64, 128), dtype=torch.int32)
    arrays = {
        "proj.weight": codes, "proj.weight_scale_inv": scales, "fc.weight": whole, "fc.SCB": rows_of,
        "q.qweight": packed, "q.scales": torch.rand(4, 128).half(),
    }  # fmt: skip
    save_file(arrays, tmp_path / "net.safetensors")
    rows, err = run(tmp_path / "net.safetensors")
    assert sorted(rows) == ["fc", "proj"]
    spread = scales.repeat_interleave(128, 0).repeat_interleave(128, 1)[:, :320]
    assert rows["proj"]["largest"] == largest(codes.float() * spread)
    assert rows["fc"]["largest"] == largest(whole.double() * rows_of[:, None] / 127)
    assert "skipped q.qweight, 64 x 128: its codes (int32) are packed" in err
    assert err.endswith("beside them: scales\n")


def test_an_update_is_judged_as_the_product_that_it_is(run, tmp_path):
    A, B = random(16, 128), random(64, 16)
    save_file({"q.lora_A.weight": A, "q.lora_B.weight": B}, tmp_path / "net.safetensors")
    rows, err = run(tmp_path / "net.safetensors")
    assert "reversible: q.lora is the update of rank 16, B A" in err
    assert rows["q.lora"]["shape"] == [64, 128]
    assert rows["q.lora"]["largest"] == largest(B.double() @ A.double())


def test_the_axes_of_flax(run, tmp_path):
    conv, out = RNG.standard_normal((40, 12, 3, 3)), RNG.standard_normal((8, 8, 48))
    kernels = {"params/conv/kernel": conv.transpose(2, 3, 1, 0), "params/out/kernel": out}
    save(tmp_path / "net.npz", kernels)
    rows, _ = run(tmp_path / "net.npz")
    assert [row["shape"] for row in rows.values()] == [[40, 108], [48, 64]]
    assert rows["params/conv/kernel"]["largest"] == largest(conv.reshape(40, 108))
    assert rows["params/out/kernel"]["largest"] == largest(out.reshape(64, 48))
    as_torch, _ = run(tmp_path / "net.npz", "--axes", "torch")
    assert [row["shape"] for row in as_torch.values()] == [[3, 3 * 12 * 40], [8, 8 * 48]]
    np.save(tmp_path / "conv.npy", conv.transpose(2, 3, 1, 0))
    assert run(tmp_path / "conv.npy", "--axes", "flax")[0]["conv"]["shape"] == [40, 108]


def test_buffers_of_indices_and_masks_have_no_verdict(run, tmp_path):
    buffers = {"attn.relative_position_index": torch.ones(9, 9).long(), "mask": torch.ones(64, 64).tril().bool()}
    save_file({"fc.weight": random(64, 64), **buffers}, tmp_path / "net.safetensors")
    rows, err = run(tmp_path / "net.safetensors")
    assert list(rows) == ["fc"]
    assert [line.split(",")[0] for line in err.splitlines()] == [f"reversible: skipped {name}" for name in buffers]


def heads(path, layers):
    """A .safetensors of bfloat16 with a hole for numbers, which takes no room on the disk; the last layer has some."""
    header, offset = {}, 0
    for name, shape in layers.items():
        end = offset + 2 * shape[0] * shape[1]
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    head = json.dumps(header).encode()
    numbers = random(*list(layers.values())[-1]).bfloat16().view(torch.uint8).numpy().tobytes()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        file.seek(offset - len(numbers), 1)
        file.write(numbers)


def test_a_layer_too_large_is_skipped_and_a_net_that_is_not_is_read_layer_by_layer(run, tmp_path):
    heads(tmp_path / "net.safetensors", {"emb.weight": [256000, 8192], "layers.0.q.weight": [40, 50]})
    rows, err = run(tmp_path / "net.safetensors")
    assert list(rows) == ["layers.0.q"]
    assert err == "reversible: skipped emb, 256000 x 8192: needs 17697 MiB; allowed are 8192 MiB\n"
    blocks = {f"layers.{i}.up": [5632, 2048] for i in range(40)}  # all together 4 GiB on the disk, and more in memory
    heads(tmp_path / "large.safetensors", {**blocks, "head": [40, 50]})
    assert list(run(tmp_path / "large.safetensors", "--layer", "head", "--memory", "800")[0]) == ["head"]


def test_shards_are_one_net_and_numbers_are_in_their_order(run, tmp_path):
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    for name, file in names.items():
        save_file({name: random(32, 32)}, tmp_path / file)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": names}))
    assert list(run(tmp_path)[0]) == list(run(index)[0]) == ["a", "b"]
    ordered = tmp_path / "order.safetensors"
    save_file({f"layers.{i}.w": random(32, 32) for i in range(12)}, ordered)
    assert list(run(ordered)[0]) == [f"layers.{i}.w" for i in range(12)]
    assert list(run(ordered, "--layer", "layers.1*")[0]) == ["layers.1.w", "layers.10.w", "layers.11.w"]
    assert run(tmp_path)[1] == "reversible: of the folder order.safetensors was left out\n"


def test_a_newer_small_type_costs_the_others_nothing(run, tmp_path):
    head = json.dumps({
        "w": {"dtype": "F4", "shape": [64, 64], "data_offsets": [0, 2048]},
        "v": {"dtype": "F32", "shape": [16, 16], "data_offsets": [2048, 3072]},
    }).encode()  # fmt: skip
    numbers = RNG.standard_normal((16, 16)).astype("<f4").tobytes()
    (tmp_path / "net.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(2048) + numbers)
    rows, err = run(tmp_path / "net.safetensors")
    assert (list(rows), err) == (["v"], "reversible: skipped w, 64 x 64: must hold dense real numbers, not F4\n")
