"""Folders and indexes of shards as one net; what is missing or broken of it costs the rest nothing."""

import json

import numpy as np
import pytest

from helpers import refusal
from reversible.spectra.weight_files import opened
from weight_files import save

RNG = np.random.default_rng(0)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"


def random():
    return RNG.standard_normal((4, 3)).astype(np.float32)


def found(path):
    """Names of layers, and the notes."""
    with opened(str(path)) as net:
        assert all(layer.load().weight.shape == (4, 3) for layer in net.layers)
        return [layer.name for layer in net.layers], net.notes


@pytest.fixture
def shards(tmp_path):
    """A net in three shards with an index, which also holds what is in none."""
    weight_map = {}
    for shard in (1, 2, 10):
        file = f"model-{shard:05}-of-00010.safetensors"
        arrays = {f"layers.{shard}.{part}.weight": random() for part in "ab"}
        save(tmp_path / file, arrays)
        weight_map |= dict.fromkeys(arrays, file)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return index


def test_shards_are_one_net(shards):
    names = [f"layers.{shard}.{part}" for shard in (1, 2, 10) for part in "ab"]
    assert found(shards) == found(shards.parent) == (names, [])


def test_a_shard_that_is_missing_or_a_pointer_costs_the_others_nothing(shards):
    gone = shards.parent / "model-00002-of-00010.safetensors"
    gone.unlink()
    names, (note,) = found(shards)
    assert names == [f"layers.{shard}.{part}" for shard in (1, 10) for part in "ab"]
    assert note == f"skipped 2 arrays of the index: there is no file '{gone}'"
    gone.write_bytes(LFS)
    assert "is a Git LFS pointer, not the file: git lfs pull" in found(shards)[1][0]
    for file in shards.parent.glob("*.safetensors"):
        file.write_bytes(LFS)
    assert refusal(lambda: found(shards)).startswith(f"no shard of '{shards}' can be read; skipped 2 arrays")


def test_an_index_reads_nothing_elsewhere(shards, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.safetensors"
    save(outside, {"secret": random()})
    for name in (str(outside), f"../{outside.parent.name}/secret.safetensors", "..", ""):
        shards.write_text(json.dumps({"weight_map": {"secret": name}}))
        assert f"names {name!r}, which is not beside it" in refusal(lambda: found(shards))


def test_what_the_index_names_and_no_shard_has_is_said(shards):
    index = json.loads(shards.read_text())
    index["weight_map"]["lost.weight"] = "model-00001-of-00010.safetensors"
    shards.write_text(json.dumps(index))
    says = "model-00001-of-00010.safetensors lacks 1 arrays that the index names, 'lost.weight' first"
    assert found(shards)[1] == [says]


def test_of_a_net_in_several_kinds_one_is_read_and_the_rest_is_said(tmp_path):
    for file in ("model.safetensors", "pytorch_model.bin", "optimizer.pt", "rng_state.pth"):
        save(tmp_path / file, {"w.weight": random()})
    (tmp_path / "config.json").write_text("{}")
    assert found(tmp_path) == (["w"], ["of the folder pytorch_model.bin was left out"])
    (tmp_path / "model.safetensors").write_bytes(LFS)
    names, notes = found(tmp_path)
    assert names == ["w"]
    assert "Git LFS pointer" in notes[0]


def test_files_of_one_kind_are_one_net(tmp_path):
    for number in (1, 2, 10):
        np.save(tmp_path / f"layer{number}.npy", random())
    assert found(tmp_path)[0] == ["layer1", "layer2", "layer10"]
    for epoch in (9, 10):
        save(tmp_path / f"epoch{epoch}.pt", {"w.weight": random()})
    assert found(tmp_path)[0] == ["epoch9/w", "epoch10/w"]


def test_folders_in_a_folder(tmp_path):
    for folder in ("unet", "text_encoder"):
        (tmp_path / folder).mkdir()
        save(tmp_path / folder / "model.safetensors", {"w.weight": random()})
    (tmp_path / "empty").mkdir()
    assert found(tmp_path)[0] == ["text_encoder/w", "unet/w"]


def test_a_folder_without_weights(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert "holds no file of weights" in refusal(lambda: found(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(LFS)
    assert "is a Git LFS pointer" in refusal(lambda: found(tmp_path))
