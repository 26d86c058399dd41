"""Files of weights: what is stored comes back, and what is too large is known before it is read."""

import math
import os
import urllib.request
from urllib.error import URLError

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from helpers import refusal
from reversible.spectra import downloads
from reversible.spectra import matrix as spectra
from reversible.spectra.readers.stored import SMALL, decoded
from reversible.spectra.weight_files import Layer, matrices, memory_needed, opened, read
from weight_files import LARGE, NET, header, large_safetensors, npz, peak, save, tensors


def same(layer, name, array):
    return layer.name == name and layer.weight.dtype == array.dtype and np.array_equal(layer.weight, array)


@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".pt", ".pth", ".PT"])
def test_layers_come_back_as_they_were_stored(tmp_path, ending):
    layers = read(save(tmp_path / f"net{ending}", NET))
    assert [layer.name for layer in layers] == ["z", "a"]
    assert all(same(layer, layer.name, NET[f"{layer.name}.weight"]) for layer in layers)


def test_bfloat16_of_jax_which_numpy_calls_two_bytes(tmp_path):
    bits = (NET["a.weight"].view(np.uint32) >> 16).astype(np.uint16)
    np.savez(tmp_path / "net.npz", w=bits.view("V2"), odd=np.zeros((3, 3), "V3"))
    (layer,) = read(str(tmp_path / "net.npz"))
    assert same(layer, "w", (bits.astype(np.uint32) << 16).view(np.float32))


def test_npy_and_older_torch_files(tmp_path):
    np.save(tmp_path / "fc1.npy", np.asfortranarray(NET["a.weight"]).astype(">f4"))
    (layer,) = read(str(tmp_path / "fc1.npy"))
    assert same(layer, "fc1", NET["a.weight"])
    torch.save(tensors(NET), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert [layer.name for layer in read(str(tmp_path / "old.pt"))] == ["z", "a"]


def test_a_layer_is_a_copy_of_a_file_that_may_change(tmp_path):
    source = save(tmp_path / "net.pt", NET)
    layers = read(source)
    with open(source, "r+b") as file:
        file.write(b"\0" * os.path.getsize(source))
    assert all(same(layer, layer.name, NET[f"{layer.name}.weight"]) for layer in layers)


@pytest.mark.parametrize(
    ("wrapped", "names"),
    [
        (lambda net: {"epoch": 3, "state_dict": net}, ["z", "a"]),
        (lambda net: {"loss": torch.tensor(0.5), "training": {"model": net, "lr": 0.1}}, ["z", "a"]),
        (lambda net: {"model": net, "ema": net}, ["model.z", "model.a", "ema.z", "ema.a"]),
        (lambda net: {"model": net, "optimizer": {"state": {0: {"exp_avg": torch.ones(9, 9)}}}}, ["z", "a"]),
        (lambda net: net["a.weight"], ["net"]),
        (lambda net: {"a": net["a.weight"], "a.weight": net["a.weight"]}, ["a", "a.weight"]),
        (lambda net: {"nets": [net, (net,)]}, ["0.z", "0.a", "1.0.z", "1.0.a"]),
        (lambda net: {"a": [{"b": ({"c": {"d": {"e": net}}},)}], "optimizer_states": [net]}, ["z", "a"]),
        (lambda net: {"net": net, "opt": {"state": {0: {"m": torch.ones(9, 9)}}, "param_groups": []}}, ["z", "a"]),
        (lambda net: {0: net["a.weight"], "b\n\x1b[1m": torch.nn.Parameter(net["a.weight"])}, ["0", r"b\n\x1b[1m"]),
    ],
)
def test_checkpoints_hold_state_dicts_however_deep(tmp_path, wrapped, names):
    torch.save(wrapped(tensors(NET)), tmp_path / "net.pt")
    assert [layer.name for layer in read(str(tmp_path / "net.pt"))] == names


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".pt"])
def test_other_kinds_of_numbers_become_the_floats_that_hold_them(tmp_path, kind, ending):
    stored = np.arange(12).reshape(3, 4).astype(kind)
    (layer,) = read(save(tmp_path / f"net{ending}", {"w": stored}))
    assert same(layer, "w", stored.astype(np.float64 if kind == "float64" else np.float32))


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "bool", "int32", "uint32", "int64"])
@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".pt"])
def test_whole_numbers_are_no_weights_and_cost_the_others_nothing(tmp_path, kind, ending):
    source = save(tmp_path / f"net{ending}", {"w": np.arange(12).reshape(3, 4).astype(kind), **NET})
    with opened(source) as net:
        assert {layer.name for layer in net.layers} == {"z", "a"}
        assert [(each.name, each.shape) for each in net.skipped] == [("w", (3, 4))]
        assert f"({kind}) are no weights" in net.skipped[0].why
    assert f"no layer of {source!r} can be read; w: " in refusal(lambda: read(source, only="w"))


@pytest.mark.parametrize("ending", [".safetensors", ".pt"])
@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2])
def test_types_that_numpy_has_not(tmp_path, kind, ending):
    stored = {"w": torch.tensor(NET["z.weight"]).to(kind)}
    path = tmp_path / f"net{ending}"
    safetensors.torch.save_file(stored, path) if ending == ".safetensors" else torch.save(stored, path)
    (layer,) = read(str(path))
    assert same(layer, "w", stored["w"].float().numpy())


@pytest.mark.parametrize("kind", SMALL)
def test_every_code_of_eight_bits_is_what_torch_says(kind):
    codes = bytes(range(256))
    torches = torch.tensor(list(codes), dtype=torch.uint8).view(getattr(torch, kind)).float().numpy()
    torches = np.where(np.isfinite(torches), torches, np.nan)  # an infinity is no number either
    assert np.array_equal(decoded(codes, kind), torches, equal_nan=True)


@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".pt"])
def test_one_layer_by_its_name(tmp_path, ending):
    source = save(tmp_path / f"net{ending}", NET)
    for name in ("a", "a.weight"):
        (layer,) = read(source, only=name)
        assert same(layer, "a", NET["a.weight"])
    says = refusal(lambda: read(source, only="z.bias"))
    assert says.startswith(f"{source!r} has no layer 'z.bias'; there are ")
    many = save(tmp_path / f"many{ending}", {f"block{i}.fc": np.eye(2) for i in range(40)})
    assert "of 40 the closest are block7.fc, " in refusal(lambda: read(many, only="block7fc"))
    assert "of 40 the closest are block0.fc, " in refusal(lambda: read(many, only="~"))


def huge(path):
    """A file of a layer of 10**9 entries, and, but in .npy, of a small one."""
    if path.suffix == ".npy":
        path.write_bytes(header(LARGE))
    elif path.suffix == ".npz":
        npz(path, huge=header(LARGE), fc=header((2, 2)) + np.eye(2, dtype="f4").tobytes())
    elif path.suffix == ".safetensors":
        large_safetensors(path)
    else:
        torch.save({"fc": torch.eye(2), "huge": torch.ones(1).expand(LARGE)}, path)
    return str(path)


@pytest.mark.parametrize("ending", [".npy", ".npz", ".safetensors", ".pt"])
def test_a_layer_too_large_is_refused_by_its_head(tmp_path, ending):
    source = huge(tmp_path / f"huge{ending}")
    used, says = peak(lambda: refusal(lambda: read(source, only="huge")))
    needed = -(-(8 * 10**9 + 24 * 20_000**2 + 2**25 + 512 * 70_000) // 2**20)
    assert says == f"no layer of {source!r} can be read; huge: needs {needed} MiB; allowed are 8192 MiB"
    assert used < 2e6
    if ending != ".npy":
        (layer,) = read(source, memory=1)
        assert layer.weight.shape == (2, 2)


@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".pt"])
def test_nothing_but_heads_is_read_of_what_is_refused(tmp_path, ending):
    source = save(tmp_path / f"net{ending}", {"w": np.ones((1000, 2000)), "fc": np.eye(2)})
    with open("/proc/self/io") as counters:
        before = int(counters.readline().split()[1])  # bytes read by this process; what is mapped does not count
        assert "w: needs 86 MiB" in refusal(lambda: read(source, memory=1, only="w"))
        assert [layer.name for layer in read(source, memory=1)] == ["fc"]
        counters.seek(0)
        assert int(counters.readline().split()[1]) - before < 500_000


def test_the_budget_to_the_mebibyte(tmp_path):
    source = save(tmp_path / "a.npz", {"w": np.zeros((256, 512)), "b": np.zeros((256, 512))})
    assert memory_needed((256, 512), 8) == 10 * 2**20
    assert refusal(lambda: read(source, memory=9)).endswith("w: needs 10 MiB; allowed are 9 MiB")
    assert len(read(source, memory=10, only="w")) == 1
    together = f"the 2 layers of {source!r} need 11 MiB together; allowed are 10 MiB, or choose one layer"
    assert refusal(lambda: read(source, memory=10)) == together
    assert len(read(source, memory=11)) == 2
    assert "memory must be an integer from 1" in refusal(lambda: read(source, memory=0))


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(9000, 60), (60, 9000), (500, 500), (1200, 1100)])
def test_measuring_takes_no_more_than_is_said(shape, kind):
    matrix = np.random.default_rng(0).standard_normal(shape).astype(kind)
    spectra.analyse(matrix[:40])  # what is imported on the way does not count
    used, _ = peak(lambda: spectra.analyse(matrix))
    assert 0.6 < (used + matrix.nbytes) / memory_needed(shape, matrix.itemsize) < 1


def test_a_large_layer_takes_less_than_six_of_its_size_in_single_precision():
    vocabulary = (32000, 4096)
    assert memory_needed(vocabulary) < 6 * 4 * math.prod(vocabulary)


def test_matrices_of_a_convolution():
    weight = np.arange(2 * 3 * 2 * 4, dtype=np.float32).reshape(2, 3, 2, 4)
    found = dict(matrices(Layer("conv", weight), positions=True))
    assert list(found) == ["", *(f"[{i},{j}]" for i in range(2) for j in range(4))]
    assert np.array_equal(found[""], weight.reshape(2, 24))
    assert np.array_equal(found["[1,2]"], weight[:, :, 1, 2])
    assert [name for name, _ in matrices(Layer("conv", weight))] == [""]
    assert [name for name, _ in matrices(Layer("fc", weight[:, :, 0, 0]), positions=True)] == [""]
    assert [(name, m.shape) for name, m in matrices(Layer("none", weight[:0]))] == [("", (0, 24))]


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of torch's, and no network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    def offline(*_, **__):
        raise URLError(OSError(-2, "Name or service not known"))

    monkeypatch.setattr("torch.hub.urlopen", offline)
    return tmp_path / "torch" / "hub" / "checkpoints"


CACHED = "alexnet-owt-7be5be79.pth"


def test_torchvision_without_network(hub, capsys):
    says = "needs the network or a cached copy: urlopen error [Errno -2] Name or service not known"
    assert refusal(lambda: read("torchvision:alexnet")) == f"torchvision:alexnet {says}"
    assert capsys.readouterr() == ("", "")
    assert list(hub.iterdir()) == []


def test_torchvision_cached(hub):
    hub.mkdir(parents=True)
    save(hub / CACHED, NET)
    layers = read("torchvision:AlexNet")
    assert [layer.name for layer in layers] == ["z", "a"]
    for layer, (name, weight) in zip(layers, downloads.layers("torchvision:alexnet").items(), strict=True):
        assert same(layer, name, weight)
    (hub / CACHED).write_bytes(b"noise")
    assert f"cannot read '{hub / CACHED}': it is cut short" in refusal(lambda: read("torchvision:alexnet"))


def test_torchvision_download_with_another_hash(hub, tmp_path, monkeypatch):
    local = (tmp_path / "wrong.pth").as_uri()
    save(tmp_path / "wrong.pth", NET)
    monkeypatch.setattr("torch.hub.urlopen", lambda *_: urllib.request.urlopen(local))
    assert "a cached copy: invalid hash value" in refusal(lambda: read("torchvision:alexnet"))
    assert list(hub.iterdir()) == []


def test_torchvision_download(hub, tmp_path, monkeypatch, capsys):
    from hashlib import sha256

    from torchvision.models import AlexNet_Weights

    save(tmp_path / "net.pth", NET)
    digest = sha256((tmp_path / "net.pth").read_bytes()).hexdigest()[:8]
    (tmp_path / "net.pth").rename(tmp_path / f"net-{digest}.pth")
    local = (tmp_path / f"net-{digest}.pth").as_uri()
    monkeypatch.setattr("torch.hub.urlopen", urllib.request.urlopen)
    monkeypatch.setattr(AlexNet_Weights.DEFAULT.value, "url", local)
    assert [layer.name for layer in read("torchvision:alexnet")] == ["z", "a"]
    assert [file.name for file in hub.iterdir()] == [f"net-{digest}.pth"]
    assert capsys.readouterr() == ("", "")  # a bar on a terminal alone


def test_torchvision_has_no_such_model():
    says = refusal(lambda: read("torchvision:alexnt"))
    assert says.startswith("torchvision has no model 'alexnt'; of ")
    assert "the closest are alexnet" in says
    assert "torchvision has no model ''; of " in refusal(lambda: read("torchvision:"))


def test_without_torchvision(monkeypatch):
    monkeypatch.setitem(downloads.sys.modules, "torchvision", None)
    assert "torchvision:alexnet needs torchvision, which" in refusal(lambda: read("torchvision:alexnet"))
