"""Files of torch.save of all its times, read without torch: every tensor is what torch itself says."""

import collections
import io
import pickle
import struct
import tarfile
import warnings
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from helpers import refusal
from reversible.spectra.readers import pickles, trees
from reversible.spectra.weight_files import opened, read

BASE = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
TENSORS = {
    "plain": BASE, "turned": BASE.T, "part": BASE[1:4, ::2], "one": torch.ones(1).expand(4, 5), "half": BASE.half(),
    "bfloat16": BASE.bfloat16(), "double": BASE.double(), "e4m3": BASE.to(torch.float8_e4m3fn),
    "e5m2": BASE.to(torch.float8_e5m2), "parameter": nn.Parameter(BASE), "last": BASE.view(2, 4, 6).permute(2, 0, 1),
}  # fmt: skip


def in_numpy(tensor):
    return (tensor.double() if tensor.dtype == torch.float64 else tensor.float()).detach().numpy()


def written(form, holds):
    """The bytes of a file, as torch or pickle writes it."""
    file = io.BytesIO()
    if form == "pickle":
        pickle.dump(holds, file)
    else:
        torch.save(holds, file, _use_new_zipfile_serialization=form == "zip")
    return file.getvalue()


@pytest.mark.parametrize("form", ["zip", "row", "pickle"])
def test_every_tensor_is_what_torch_says(tmp_path, form):
    (tmp_path / "net").write_bytes(written(form, TENSORS))
    layers = {layer.name: layer.weight for layer in read(str(tmp_path / "net"))}
    assert list(layers) == list(TENSORS)
    for name, tensor in TENSORS.items():
        assert np.array_equal(layers[name], in_numpy(tensor)), name


class Gone(nn.Sequential):
    """A class of somebody's program."""


Gone.__module__ = "torch.nn"


@pytest.mark.filterwarnings("ignore:Couldn't retrieve source code")
@pytest.mark.parametrize("form", ["zip", "row", "pickle"])
def test_a_whole_module_is_read_and_its_class_is_not_looked_for(tmp_path, monkeypatch, form):
    block = Gone(nn.Linear(5, 6), nn.BatchNorm1d(6))
    module = nn.Sequential(collections.OrderedDict(conv=nn.Conv2d(3, 4, 2), block=block))
    for holds in (module, {"epoch": 3, "model": module}):
        monkeypatch.setattr(nn, "Gone", Gone, raising=False)
        (tmp_path / "net").write_bytes(written(form, holds))
        monkeypatch.delattr(nn, "Gone")
        layers = {layer.name: layer.weight for layer in read(str(tmp_path / "net"))}
        assert list(layers) == ["conv", "block.0"]
        assert np.array_equal(layers["block.0"], block.state_dict()["0.weight"].numpy())


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_of_numpy(tmp_path, protocol):
    net = {"z": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "a": np.arange(8, dtype=">f4").reshape(2, 4)}
    (tmp_path / "net.pkl").write_bytes(pickle.dumps({"net": net, "n": np.float64(3)}, protocol=protocol))
    for layer in read(str(tmp_path / "net.pkl")):
        assert np.array_equal(layer.weight, net[layer.name])


def test_quantised_tensors_are_the_numbers_they_mean(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that these are to go
        rows = torch.quantize_per_channel(BASE, torch.rand(6) + 0.1, torch.arange(6), 0, torch.qint8)
        whole = torch.quantize_per_tensor(BASE, 0.1, 3, torch.quint8)
        net = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(20, 10)), {nn.Linear}, torch.qint8)
        expected = {"rows": rows.dequantize(), "whole": whole.dequantize(), "0": net[0].weight().dequantize()}
        torch.save({"rows": rows, "whole": whole, **net.state_dict()}, tmp_path / "net.pt")
    layers = {layer.name: layer.weight for layer in read(str(tmp_path / "net.pt"))}
    assert layers.keys() == expected.keys()
    for name, tensor in expected.items():
        assert layers[name] == pytest.approx(tensor.numpy(), rel=1e-5, abs=1e-9)


def as_in_2016(path, array):
    """A tar archive of storages, tensors and a pickle, as torch 0.1 wrote it."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            return 7 if thing is array else None

    storages, tensors, named = io.BytesIO(), io.BytesIO(), io.BytesIO()
    for thing in (1, (5, "cpu", torch.FloatStorage)):
        pickle.dump(thing, storages, protocol=2)
    storages.write(struct.pack("<q", array.size) + array.tobytes())
    pickle.dump([], storages, protocol=2)
    for thing in (1, (7, 5, torch.FloatTensor)):
        pickle.dump(thing, tensors, protocol=2)
    tensors.write(struct.pack("<i4x5q", 2, *array.shape, array.shape[1], 1, 0))
    Pickler(named, protocol=2).dump({"fc.weight": array})
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, part in {"sys_info": io.BytesIO(), "pickle": named, "tensors": tensors, "storages": storages}.items():
            head = tarfile.TarInfo(name)
            head.size = len(part.getvalue())
            archive.addfile(head, io.BytesIO(part.getvalue()))


def test_a_tar_archive_of_2016(tmp_path):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    as_in_2016(tmp_path / "model_best.pth.tar", array)
    assert np.array_equal(torch.load(tmp_path / "model_best.pth.tar", weights_only=False)["fc.weight"], array)
    (layer,) = read(str(tmp_path / "model_best.pth.tar"))
    assert layer.name == "fc"
    assert np.array_equal(layer.weight, array)


def test_what_is_passed_over_is_said(tmp_path):
    model = nn.Linear(5, 4)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 5)).sum().backward()
    optimizer.step()
    holds = {"model": model.state_dict(), "anything": optimizer.state_dict(), "table": np.ones((3, 3))}
    torch.save(holds, tmp_path / "net.pt")
    with opened(str(tmp_path / "net.pt")) as net:
        assert [layer.name for layer in net.layers] == ["weight"]
        assert net.notes == [trees.OF_OPTIMIZER, trees.BESIDE]


def test_what_holds_itself_ends(tmp_path):
    net: dict[str, object] = {"w": BASE}
    ring: list[object] = [net]
    ring.append(ring)
    net["up"] = ring
    torch.save(ring, tmp_path / "ring.pt")
    assert [layer.name for layer in read(str(tmp_path / "ring.pt"))] == ["w"]
    shared, long = (84, 84), list[object]([BASE])
    long += [(shared, i) for i in range(50_000)]  # nothing in it but one layer, and no harm
    torch.save({"replay": long, "again": long}, tmp_path / "long.pt")
    assert len(read(str(tmp_path / "long.pt"))) == 2
    doubled = [BASE]
    for _ in range(60):
        doubled = [doubled, doubled]  # 2^60 ways to one tensor
    torch.save(doubled, tmp_path / "bomb.pt")
    assert "the same lists and dicts more than" in refusal(lambda: read(str(tmp_path / "bomb.pt")))


def test_one_tensor_whose_numbers_are_missing_costs_the_others_nothing(tmp_path):
    torch.save({"a": BASE, "b": BASE + 1}, tmp_path / "net.pt")
    with zipfile.ZipFile(tmp_path / "net.pt") as whole, zipfile.ZipFile(tmp_path / "part.pt", "w") as part:
        for name in whole.namelist():
            if not name.endswith("data/0"):
                part.writestr(name, whole.read(name))
    with opened(str(tmp_path / "part.pt")) as net:
        assert [layer.name for layer in net.layers] == ["b"]
        assert [(each.name, each.shape) for each in net.skipped] == [("a", (6, 8))]
        assert np.array_equal(net.layers[0].load().weight, BASE + 1)


def test_a_compressed_archive_is_read_too(tmp_path):
    torch.save({"a": BASE, "b": BASE + 1}, tmp_path / "net.pt")
    with zipfile.ZipFile(tmp_path / "net.pt") as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(tmp_path / "small.pt", "w", zipfile.ZIP_DEFLATED) as small:
        for name, content in members.items():
            small.writestr(name, content)
    assert np.array_equal(read(str(tmp_path / "small.pt"), only="b")[0].weight, BASE + 1)


def test_a_pickle_is_written_down_and_not_done():
    """A call is kept as a name and its arguments; so is what is put into the object that it would have made."""
    made = pickles.read(io.BytesIO(pickle.dumps({"a": collections.Counter("aab"), "b": [slice(1, 2), 2 + 3j]})))
    counter, (piece, number) = made["a"], made["b"]
    assert (counter.name, counter.args) == ("collections.Counter", ({"a": 2, "b": 1},))
    assert (piece.name, piece.args) == ("builtins.slice", (1, 2, None))
    assert (number.name, number.args) == ("builtins.complex", (2.0, 3.0))
    for broken in (b"\x80\x02R.", b"\x80\x02K\x01K\x02.", b"\x80\x02}K\x01K\x02u.", b"\x80\x02K", b"\x80\x05\x97."):
        with pytest.raises(ValueError, match=r"pickle|not enough data"):
            pickles.read(io.BytesIO(broken))
