"""Data and weights: whole and right, or refused in one line; nothing unpickled whose hash is not known."""

import hashlib
import io
import pickle
import warnings
from http.client import RemoteDisconnected
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch

from helpers import refusal
from reversible import data

SPLITS = list(data.FILES_MD5)
CIFAR = [split for split in SPLITS if split[0] != "mnist"]
LABELS = [3, 1, 4, 1, 5, 9]


def idx(array, *header):
    return np.array(header, ">u4").tobytes() + array.tobytes()


def idx_files(pixels):
    return [idx(pixels.reshape(6, 28, 28), 2051, 6, 28, 28), idx(np.array(LABELS, np.uint8), 2049, 6)]


def pickles(name, pixels, count, **more):
    """The images dealt out to `count` batches as CIFAR is, with the other labels that are not asked for."""
    for part in np.array_split(np.arange(6), count):
        labels = [LABELS[i] for i in part]
        keys = {"cifar10": {b"labels": labels}, "cifar100": {b"coarse_labels": [0] * 6, b"fine_labels": labels}}
        yield pickle.dumps({**keys[name], b"data": pixels[part], **more}, protocol=2)


@pytest.fixture
def small(tmp_path, monkeypatch, request):
    """Six images in the format of one part of a set, for which the test is parametrized, with md5s to match."""
    name, train = request.param
    names = list(data.FILES_MD5[request.param])
    pixels = np.random.default_rng(0).integers(0, 256, (6, 784 if name == "mnist" else 3072)).astype(np.uint8)
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    contents = {}

    def hold(*new):
        contents.update(zip(names, new, strict=True))
        md5s = {file: hashlib.md5(content).hexdigest() for file, content in contents.items()}
        monkeypatch.setitem(data.FILES_MD5, request.param, md5s)

    def write():
        for file, content in contents.items():
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_bytes(content)

    hold(*(idx_files(pixels) if name == "mnist" else pickles(name, pixels, len(names))))
    files, load = [tmp_path / file for file in names], lambda: data.load(name, train)
    return SimpleNamespace(name=name, load=load, hold=hold, write=write, pixels=pixels, files=files)


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
    assert (train.side, train.channels) == (8, 1)
    assert np.array_equal(test.scaled(), (pixels[-360:] / 16).astype(np.float32))


@pytest.mark.parametrize("small", SPLITS, indirect=True)
def test_files_are_read_as_they_are(small):
    small.write()
    images = small.load()
    assert np.array_equal(images.pixels, small.pixels)
    assert images.labels.tolist() == LABELS
    assert (images.pixels.dtype, images.labels.dtype, images.scaled().dtype) == (
        torch.uint8,
        torch.int64,
        torch.float32,
    )
    assert np.array_equal(images.scaled(), small.pixels / np.float32(256 if small.name == "mnist" else 255))
    assert images.take(torch.tensor([5, 0])).labels.tolist() == [9, 3]
    shapes = {"mnist": (10, 28, 1), "cifar10": (10, 32, 3), "cifar100": (100, 32, 3)}
    assert (images.classes, images.side, images.channels) == shapes[small.name]


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content[:-1] + b"\x07"])
@pytest.mark.parametrize("small", SPLITS, indirect=True)
def test_a_cut_or_altered_file_is_named(small, change):
    small.write()
    for file in small.files:
        content = file.read_bytes()
        file.write_bytes(change(content))
        md5 = hashlib.md5(content).hexdigest()
        assert refusal(small.load) == f"{file} was altered or cut short: its md5 is not {md5}"
        file.write_bytes(content)


class Call:
    """What calls a function when it is unpickled."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("small", CIFAR, indirect=True)
def test_no_pickle_is_opened_whose_md5_is_not_known(small):
    small.write()
    small.files[0].write_bytes(pickle.dumps(Call(warnings.warn, "it was opened"), protocol=2))
    assert "altered or cut short" in refusal(small.load)


@pytest.mark.parametrize("small", CIFAR, indirect=True)
def test_only_the_warning_of_old_pickles_is_silent(small, monkeypatch):
    category = np.exceptions.VisibleDeprecationWarning

    def hold(warning):
        call = Call(warnings.warn, warning, category)
        small.hold(*pickles(small.name, small.pixels, len(small.files), filenames=call))

    def download(root, download):
        warnings.warn(silent, category, stacklevel=1)
        small.write()

    silent = "dtype(): align should be passed as Python or NumPy boolean but got `align=0`."
    monkeypatch.setattr(f"torchvision.datasets.{small.name.upper()}", download)
    hold(silent)
    assert small.load().labels.tolist() == LABELS
    hold("another")
    small.write()
    with pytest.warns(category, match="another"):
        small.load()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("Error downloading a:\nTried b, got:\n"), "Error downloading a"),
        (URLError("no"), "<urlopen error no>"),
        (RemoteDisconnected("closed"), "closed"),
        (PermissionError(13, "Permission denied", "/a/path"), "Permission denied"),
        (OSError(), "OSError"),
        (ModuleNotFoundError("No module named 'x'"), "No module named 'x'"),
    ],
)
@pytest.mark.parametrize("small", SPLITS, indirect=True)
def test_no_data_and_no_network_is_one_line_without_a_path(small, monkeypatch, error, reason):
    monkeypatch.setattr(f"torchvision.datasets.{small.name.upper()}", no_network(error))
    with pytest.raises(data.NotAtHand) as caught:
        small.load()
    line = f"{small.name} is not in the folder of REVERSIBLE_DATA and no download came: {reason}"
    assert str(caught.value) == line


@pytest.mark.parametrize("small", SPLITS, indirect=True)
def test_a_download_is_read_where_it_was_put_and_checked(small, monkeypatch):
    asked = []

    def download(root, download):
        asked.append((root, download))
        small.write()

    monkeypatch.setattr(f"torchvision.datasets.{small.name.upper()}", download)
    for _ in range(2):
        assert small.load().labels.tolist() == LABELS
    assert asked == [(str(data.folder()), True)]
    small.files[-1].unlink()
    assert small.load().labels.tolist() == LABELS
    assert len(asked) == 2


def test_a_download_that_brings_nothing_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    monkeypatch.setattr("torchvision.datasets.CIFAR10", lambda root, download: None)
    assert "cannot read" in refusal(lambda: data.load("cifar10", train=False))


def test_mnist_is_mnist(needs_mnist):
    train, test = data.load("mnist", train=True), data.load("mnist", train=False)
    assert (train.pixels.shape, test.pixels.shape) == ((60000, 784), (10000, 784))
    assert test.labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_is_what_torchvision_reads(request, name, train):
    request.getfixturevalue(f"needs_{name}")
    from torchvision import datasets

    images = data.load(name, train)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"dtype\(\): align", np.exceptions.VisibleDeprecationWarning)
        theirs = getattr(datasets, name.upper())(str(data.folder()), train=train, download=False)
    count = 50000 if train else 10000
    assert images.pixels.shape == (count, 3072)
    assert np.array_equal(images.pixels.view(count, 3, 32, 32).permute(0, 2, 3, 1), theirs.data)
    assert images.labels.tolist() == theirs.targets
    assert images.classes == len(theirs.classes)
    assert images.labels.bincount().tolist() == [count // images.classes] * images.classes


@pytest.mark.parametrize(
    ("name", "mean", "deviation"),  # as the training recipes of many give them
    [
        ("cifar10", [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
        ("cifar100", [0.5071, 0.4865, 0.4409], [0.2673, 0.2564, 0.2762]),
    ],
)
def test_moments_of_cifar_are_the_known_ones(request, name, mean, deviation):
    request.getfixturevalue(f"needs_{name}")
    found = data.load(name, train=True).moments()
    assert found[0].tolist() == pytest.approx(mean, abs=6e-5)
    assert found[1].tolist() == pytest.approx(deviation, abs=6e-5)


@pytest.mark.parametrize(("channels", "white"), [(1, 16), (3, 255)])
def test_moments_are_of_each_channel_over_all_images(channels, white):
    generator = np.random.default_rng(1)
    top = np.repeat([white, white // 2, white // 4][:channels], 4)  # so that no two channels are alike
    pixels = torch.from_numpy(generator.integers(0, top + 1, (5, channels * 4)).astype(np.uint8))
    images = data.Images(pixels, torch.zeros(5).long(), classes=1, white=white, side=2, channels=channels)
    scaled = pixels.numpy().reshape(5, channels, 4).astype(np.float64) / white
    mean, deviation = images.moments()
    assert mean.dtype == deviation.dtype == torch.float64
    np.testing.assert_allclose(mean, scaled.mean((0, 2)), rtol=1e-14)
    np.testing.assert_allclose(deviation, scaled.std((0, 2)), rtol=1e-14)


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
    message = "data must be one of digits, mnist, cifar10, cifar100, not 'cifar'"
    assert refusal(lambda: data.load("cifar", train=True)) == message
    assert "weights must be one of" in refusal(lambda: data.pretrained("../x"))
