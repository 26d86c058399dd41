"""Data sets and trained weights: from a folder, checked by md5; else, for mnist, from torchvision's own download.

The folder is the one REVERSIBLE_DATA names, or the user's cache. It is laid out as torchvision lays out its own,
`MNIST/raw/...`, beside `weights/NAME.npz`. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reversible.checks import InputError, one_of

NAMES = ("digits", "mnist")
DIGITS_TEST = 360  # the last of the 1797 digits, by other writers than the first ones
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
WEIGHTS_MD5 = {  # what each is, and what it is not, stands in the book's chapter on real nets
    "lenet300_100_dense": "50656f79003fa147da03dc2aec8c50f2",
    "lenet300_100_sparse": "3af9a219ac893cd3ebbaf020a48a3f65",
    "lenet5_dense": "d96d779bd714195d0e26a9490a5da517",
    "lenet5_sparse": "1099138ffd87844835d78a57352f76dc",
    "alexnet_kmeans": "edf2e7a49f6b5455cfb47edad73081f3",
    "vgg19_normalised_conv1_1_to_conv3_1": "368ef30dd0b3f454021ee6f1b1aa707b",
    "squeezenet_v1_0_compressed": "515fe1d9d9c11c007b79a8ec9947a926",
}


class NotAtHand(InputError):  # noqa: N818 - it is a state of the reader's machine, and no mistake
    """Data or weights that are neither in the folder nor could be downloaded; its line names no path."""


@dataclass(frozen=True, eq=False)
class Images:
    """Grey images, rows joined, with their labels."""

    pixels: Tensor  # uint8 (N, n)
    labels: Tensor  # int64 (N,), from 0 to classes - 1
    classes: int
    white: int  # what a pixel is divided by: 16 for digits, 256 for mnist, as LeNet's authors did (255 is its white)

    def scaled(self) -> Tensor:
        """The pixels as float32 from 0 to 1, (N, n)."""
        return self.pixels.float().div_(self.white)

    def take(self, places: Tensor | slice) -> Images:
        """Some of the images, in the order of `places`."""
        return replace(self, pixels=self.pixels[places], labels=self.labels[places])


def folder() -> Path:
    """Where data and weights are: $REVERSIBLE_DATA, which must be there (InputError), else a folder in the cache."""
    named = os.environ.get("REVERSIBLE_DATA")
    if named:
        if not Path(named).is_dir():
            raise InputError(f"REVERSIBLE_DATA must be a folder that is there, not {named!r}")
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reversible" / "data"


def load(name: str, train: bool) -> Images:
    """The training or test images of "digits" (scikit-learn's, 8 x 8, 1437 and 360) or "mnist" (60,000 and 10,000).

    Raises InputError for another name and for a file that was altered or cut short, which it names; `NotAtHand` where
    mnist is not in the folder and cannot be downloaded.
    """
    return _digits(train) if one_of("data", name, NAMES) == "digits" else _mnist(train)


def _digits(train: bool) -> Images:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise NotAtHand(
            "digits come with scikit-learn, which is not installed: pip install 'reversible[book]'"
        ) from None
    pixels, labels = load_digits(return_X_y=True)
    images = Images(torch.tensor(pixels, dtype=torch.uint8), torch.tensor(labels, dtype=torch.int64), 10, 16)
    return images.take(slice(None, -DIGITS_TEST) if train else slice(-DIGITS_TEST, None))


def _mnist(train: bool) -> Images:
    part, raw = "train" if train else "t10k", folder() / "MNIST" / "raw"
    files = [f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"]
    if not all((raw / file).is_file() for file in files):
        _download_mnist()
    # What the md5 is right of has the known header: 16 bytes before the images, 8 before the labels.
    images, labels = (np.frombuffer(_read(raw / file, MNIST_MD5[file]), np.uint8) for file in files)
    pixels = torch.from_numpy(images[16:].reshape(-1, 784).copy())
    return Images(pixels, torch.from_numpy(labels[8:].astype(np.int64)), 10, 256)


def _download_mnist() -> None:
    """Torchvision's own download into the folder, each file checked by its hash."""
    try:
        from torchvision.datasets import MNIST

        MNIST(str(folder()), download=True)
    except (ImportError, OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
        raise NotAtHand(f"mnist is not in the folder of REVERSIBLE_DATA and no download came: {reason}") from None


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
