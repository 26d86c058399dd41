"""Data and weights: whole and right, or refused in one line; never unpickled."""

import hashlib
import io
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch

from conftest import refusal
from reversible import data


def idx(array, *header):
    return np.array(header, ">u4").tobytes() + array.tobytes()


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """Six test images in MNIST's format, with md5s to match."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 28, 28)).astype(np.uint8)
    labels = np.array([3, 1, 4, 1, 5, 9], np.uint8)
    files = {
        "t10k-images-idx3-ubyte": idx(pixels, 2051, 6, 28, 28),
        "t10k-labels-idx1-ubyte": idx(labels, 2049, 6),
    }
    monkeypatch.setattr(data, "MNIST_MD5", {name: hashlib.md5(content).hexdigest() for name, content in files.items()})
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))

    def write():
        (tmp_path / "MNIST" / "raw").mkdir(parents=True)
        for name, content in files.items():
            (tmp_path / "MNIST" / "raw" / name).write_bytes(content)

    return SimpleNamespace(write=write, pixels=pixels, labels=labels, raw=tmp_path / "MNIST" / "raw")


def no_network(error):
    def download(root, download):
        raise error

    return download


def test_digits_are_split_in_one_fixed_way():
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    train, test = data.load("digits", train=True), data.load("digits", train=False)
    assert (len(train.labels), len(test.labels)) == (1437, 360)
    assert np.array_equal(torch.cat([train.pixels, test.pixels]), pixels)
    assert np.array_equal(torch.cat([train.labels, test.labels]), labels)
    assert (train.classes, train.pixels.dtype, train.labels.dtype) == (10, torch.uint8, torch.int64)
    assert np.array_equal(test.scaled(), (pixels[-360:] / 16).astype(np.float32))


def test_mnist_files_are_read_as_they_are(small_mnist):
    small_mnist.write()
    images = data.load("mnist", train=False)
    assert np.array_equal(images.pixels, small_mnist.pixels.reshape(6, 784))
    assert images.labels.tolist() == small_mnist.labels.tolist()
    assert images.scaled().dtype == torch.float32
    assert np.array_equal(images.scaled() * 256, small_mnist.pixels.reshape(6, 784))
    assert images.take(torch.tensor([5, 0])).labels.tolist() == [9, 3]


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content[:-1] + b"\x07"])
@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_a_cut_or_altered_file_is_named(small_mnist, name, change):
    small_mnist.write()
    file = small_mnist.raw / name
    file.write_bytes(change(file.read_bytes()))
    message = refusal(lambda: data.load("mnist", train=False))
    assert str(file) in message
    assert "altered or cut short" in message


@pytest.mark.parametrize("error", [RuntimeError("Error downloading a:\nTried b, got:\n"), URLError("no"), OSError()])
def test_no_data_and_no_network_is_one_line_without_a_path(small_mnist, monkeypatch, error):
    monkeypatch.setattr("torchvision.datasets.MNIST", no_network(error))
    with pytest.raises(data.NotAtHand) as caught:
        data.load("mnist", train=False)
    assert "\n" not in str(caught.value)
    assert "mnist is not in the folder" in str(caught.value)
    assert "/" not in str(caught.value)


def test_a_download_is_read_where_it_was_put_and_checked(small_mnist, monkeypatch):
    asked = []

    def download(root, download):
        asked.append((root, download))
        small_mnist.write()

    monkeypatch.setattr("torchvision.datasets.MNIST", download)
    assert data.load("mnist", train=False).labels.tolist() == small_mnist.labels.tolist()
    data.load("mnist", train=False)
    assert asked == [(str(data.folder()), True)]


def test_mnist_is_mnist(needs_mnist):
    train, test = data.load("mnist", train=True), data.load("mnist", train=False)
    assert (train.pixels.shape, test.pixels.shape) == ((60000, 784), (10000, 784))
    assert test.labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize("name", ["lenet300_100_dense", "lenet300_100_sparse"])
def test_lenet_is_lenet(needs_weights, name):
    arrays = data.pretrained(name)
    shapes = [arrays[f"fc{i}.{kind}"].shape for i in (1, 2, 3) for kind in ("weight", "bias")]
    assert shapes == [(300, 784), (300,), (100, 300), (100,), (10, 100), (10,)]
    assert {value.dtype for value in arrays.values()} == {np.dtype(np.float32)}
    assert ((arrays["fc1.weight"] == 0).mean() > 0.9) == name.endswith("sparse")


@pytest.mark.parametrize("name", data.WEIGHTS_MD5)
def test_all_weights_are_whole(needs_weights, name):
    assert all(array.dtype.kind in "fu" for array in data.pretrained(name).values())


def test_weights_that_are_missing_altered_or_pickled(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    name = "lenet300_100_dense"
    with pytest.raises(data.NotAtHand, match=rf"the weights {name}\.npz are not in the folder"):
        data.pretrained(name)
    (tmp_path / "weights").mkdir()
    buffer = io.BytesIO()
    np.savez(buffer, weight=np.array([{}], object))
    (tmp_path / "weights" / f"{name}.npz").write_bytes(buffer.getvalue())
    assert f"{name}.npz was altered or cut short" in refusal(lambda: data.pretrained(name))
    monkeypatch.setitem(data.WEIGHTS_MD5, name, hashlib.md5(buffer.getvalue()).hexdigest())
    with pytest.raises(ValueError, match="allow_pickle=False"):
        data.pretrained(name)


def test_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path / "none"))
    assert "REVERSIBLE_DATA must be a folder that is there, not " in refusal(data.folder)
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    assert data.folder() == tmp_path
    monkeypatch.delenv("REVERSIBLE_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data.folder() == tmp_path / "reversible" / "data"


def test_names_that_are_none():
    assert "data must be one of digits, mnist, not 'cifar'" in refusal(lambda: data.load("cifar", train=True))
    assert "weights must be one of" in refusal(lambda: data.pretrained("../x"))
