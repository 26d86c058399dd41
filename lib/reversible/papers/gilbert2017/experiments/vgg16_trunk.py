"""VGG-16's thirteen convolutions at hand: pictures for them, the way up with its switches, and the way down.

The weights are those of an edge detector (Xie and Tu 2015), for which an ImageNet VGG-16 was trained further on the
500 pictures of BSDS500. All thirteen convolutions have their biases; the classifier that VGG-16 ends with is not there.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from reversible import data
from reversible.base.checks import InputError, integer, one_of
from reversible.nets.convolution import SWITCHES, Convolution, first_places, pool, unpool
from reversible.papers.gilbert2017.published import TABLE_2_WHOLE

WEIGHTS = "vgg16_hed_bsds500"
SPOTS = tuple(TABLE_2_WHOLE)  # c11, c12, p1, ..., c53, p5, from the picture up
CONVOLUTIONS = tuple(spot for spot in SPOTS if spot.startswith("c"))
POOLS = tuple(spot for spot in SPOTS if spot.startswith("p"))
MEAN = (104.00699, 116.66877, 122.67892)  # of blue, green, red, which the package takes off before the net sees them
NOT_AT_HAND = "VGG-16's weights or pictures not at hand"

PICTURES = {"photographs": 15, "cifar10": 10}  # how many groups of two pictures there are at most
GROUP = 2
CROP = 128  # pixels; 3 x 5 crops of a photograph lie apart from each other


def pictures(name: str, group: int, side: int = CROP) -> Tensor:
    """Two colour pictures with values from 0 to 1, (2, 3, side, side), in no other group; `data.NotAtHand`.

    Of "photographs" a crop from each of scikit-learn's two, as fine as they are; of "cifar10" test images that are
    enlarged. `side` is a multiple of 32, so that every pooling fits.
    """
    if integer("side", side, low=32, high=CROP) % 32:
        raise InputError(f"side must be a multiple of 32, not {side}")
    integer("group", group, low=0, high=PICTURES[one_of("pictures", name, PICTURES)] - 1)
    if name == "photographs":
        row, column = (CROP * place for place in divmod(group, 5))
        return _photographs()[:, :, row : row + side, column : column + side]
    images = _test_set(data.folder()).take(slice(GROUP * group, GROUP * (group + 1)))
    shown = images.scaled().view(-1, images.channels, images.side, images.side)
    return functional.interpolate(shown, size=(side, side), mode="bilinear")


@functools.lru_cache(maxsize=1)
def _test_set(folder: Path) -> data.Images:
    return data.load("cifar10", train=False)


@functools.lru_cache(maxsize=1)
def _photographs() -> Tensor:
    try:
        from sklearn.datasets import load_sample_images

        photographs = load_sample_images().images
    except (ImportError, OSError):
        raise data.NotAtHand("the photographs come with scikit-learn, and need it and Pillow") from None
    return torch.from_numpy(np.stack(photographs)).permute(0, 3, 1, 2).float() / 255


def seen(images: Tensor) -> Tensor:
    """What the net sees of pictures from 0 to 1: blue, green and red from 0 to 255, less their mean."""
    return 255 * images.flip(1) - torch.tensor(MEAN).view(3, 1, 1)


@dataclass(frozen=True, eq=False)
class Codes:
    """What a trunk has of some pictures, by place, and where the maxima of each pooling were."""

    maps: Mapping[str, Tensor]  # "seen" and SPOTS: (B, K, ...), from ReLUs on without negative entries
    switches: Mapping[str, Tensor]  # POOLS


@dataclass(frozen=True, eq=False)
class Trunk:
    """VGG-16's convolutions, or others of the same shapes: weights (K, M, 3, 3) and biases (K) by their names."""

    weights: Mapping[str, Tensor]
    biases: Mapping[str, Tensor]

    @classmethod
    def at_hand(cls) -> Trunk:
        """InputError or `data.NotAtHand` as `data.trained_weights`."""
        return _at_hand(data.folder())

    def random(self, generator: torch.Generator) -> Trunk:
        """Gaussian weights of the same shapes, of mean zero and variance 2 / (9 M), and no biases."""
        weights = {
            name: torch.randn(w.shape, generator=generator) * (2 / w[0].numel()) ** 0.5
            for name, w in self.weights.items()
        }
        return Trunk(weights, {name: torch.zeros_like(b) for name, b in self.biases.items()})

    def layer(self, name: str) -> Convolution:
        return Convolution(self.weights[name], padding=1)

    def read(self, name: str, x: Tensor) -> Tensor:
        """One convolution with its bias, before its ReLU."""
        return self.layer(name).up(x) + self.biases[name].view(-1, 1, 1)

    def up(self, x: Tensor, last: str = "p5") -> Codes:
        """From what the net sees, (B, 3, side, side), to the place `last`."""
        maps, switches = {"seen": x}, {}
        for spot in SPOTS[: SPOTS.index(one_of("place", last, SPOTS)) + 1]:
            if spot in POOLS:
                x, switches[spot] = pool(x, (2, 2))
            else:
                x = torch.relu(self.read(spot, x))
            maps[spot] = x
        return Codes(maps, switches)

    def down(self, code: Tensor, place: str, codes: Codes, switches: str = "known") -> Tensor:
        """From a code at `place` to what the net would see, by the transposed filters and without biases.

        With known switches a maximum goes where it was in `codes`, and units that were off there stay off. With fixed
        ones the code is all that is known: a maximum goes to the first place of its window, and there are ReLUs.
        """
        known = one_of("switches", switches, SWITCHES) == "known"
        below = ("seen", *SPOTS[: SPOTS.index(one_of("place", place, SPOTS)) + 1])
        for spot, under in zip(reversed(below[1:]), reversed(below[:-1]), strict=True):
            size = tuple(codes.maps[under].shape[2:])
            if spot in POOLS:
                places = codes.switches[spot]
                code = unpool(code, places if known else first_places(places, size, (2, 2)), size)
            else:
                code = self.layer(spot).down(code, size)
            if under != "seen":
                code = code * (codes.maps[under] > 0) if known else torch.relu(code)
        return code


@functools.lru_cache(maxsize=1)  # read once for all cells of a run; nothing changes its tensors
def _at_hand(folder: Path) -> Trunk:
    arrays = {name: torch.from_numpy(array) for name, array in data.trained_weights(WEIGHTS).items()}
    return Trunk(*({name: arrays[f"{name}.{kind}"] for name in CONVOLUTIONS} for kind in ("weight", "bias")))


def permuted(filters: Tensor, generator: torch.Generator) -> Tensor:
    """Each filter with its own entries in random order."""
    orders = torch.rand(len(filters), filters[0].numel(), generator=generator).argsort(1)
    return filters.flatten(1).gather(1, orders).view_as(filters)


def cosines(x: Tensor, back: Tensor) -> Tensor:
    """Of each picture the cosine of two maps, (B,), in double precision; 0 where one of them is all zeros."""
    return functional.cosine_similarity(x.flatten(1).double(), back.flatten(1).double())
