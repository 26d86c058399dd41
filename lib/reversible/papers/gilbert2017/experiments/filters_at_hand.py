"""Trained filters and pictures: what of VGG-19, LeNet-5, CIFAR-10, MNIST and two photographs is at hand, as inputs.

VGG-19's first five convolutions are a copy whose channels are rescaled: a channel that is divided by a positive number
is zero where it was zero, so shares of nonzero activations are VGG-19's own; correlations of filters and distances of
activations are not, but for the first layer. LeNet-5's weights are exact.
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
from reversible.base.checks import one_of
from reversible.papers.gilbert2017.published import TABLE_2

VGG = "vgg19_normalised_conv1_1_to_conv3_1"
LENET = "lenet5_dense"
PICTURES = ("cifar10", "cifar10 doubled", "photographs")
CROP, CORNERS = 224, ((0, 0), (0, 208), (0, 416), (203, 0), (203, 208), (203, 416))  # of photographs, 427 x 640


def pictures(name: str, places: slice) -> Tensor:
    """Colour pictures with pixels from 0 to 1, (B, 3, side, side); `data.NotAtHand`.

    Test images of CIFAR-10, as they are or with twice as many pixels on a side, or crops of scikit-learn's photographs.
    """
    if one_of("pictures", name, PICTURES) == "photographs":
        return _photographs()[places]
    images = _test_set("cifar10", data.folder()).take(places)
    shown = images.scaled().view(-1, 3, images.side, images.side)
    return functional.interpolate(shown, scale_factor=2, mode="bilinear") if "doubled" in name else shown


@functools.lru_cache(maxsize=1)  # a set is read once for all groups of pictures of a cell
def _test_set(name: str, folder: Path) -> data.Images:
    return data.load(name, train=False)


def _photographs() -> Tensor:
    try:
        from sklearn.datasets import load_sample_images

        photographs = load_sample_images().images
    except (ImportError, OSError):
        raise data.NotAtHand("the photographs come with scikit-learn, and need it and Pillow") from None
    crops = [photo[r : r + CROP, c : c + CROP] for photo in photographs for r, c in CORNERS]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255


def digits(places: slice) -> Tensor:
    """Test images of MNIST as LeNet-5 sees them, (B, 1, 28, 28)."""
    images = _test_set("mnist", data.folder()).take(places)
    return images.scaled().view(-1, 1, images.side, images.side)


@dataclass(frozen=True, eq=False)
class Vgg:
    """VGG-19 up to conv3_1, with zeros around its maps as VGG has them; or with other weights of the same shapes."""

    weights: Mapping[str, Tensor]  # NAME.weight (K, M, 3, 3), NAME.bias (K)

    @classmethod
    def at_hand(cls) -> Vgg:
        """InputError or `data.NotAtHand` as `data.pretrained`."""
        return cls({name: torch.from_numpy(array) for name, array in data.pretrained(VGG).items()})

    def random(self, generator: torch.Generator) -> Vgg:
        """The same with Gaussian weights of mean zero and variance 2 / (9 M), and without biases, but `preprocess`."""
        drawn = dict(self.weights)
        for name, weight in self.weights.items():
            if not name.startswith("preprocess"):
                fan_in = weight[0].numel()
                scale = (2 / fan_in) ** 0.5 if name.endswith("weight") else 0.0
                drawn[name] = scale * torch.randn(weight.shape, generator=generator)
        return Vgg(drawn)

    def activations(self, images: Tensor, last: str = "c31") -> dict[str, Tensor]:
        """What the places of Table 2, "c11", "c12", "p1", ..., up to `last` have for `images` (B, 3, ...).

        "seen" is what the net sees: the pictures less their mean, in the order and range that VGG wants.
        """
        x = functional.conv2d(images, self.weights["preprocess.weight"], self.weights["preprocess.bias"])
        found = {"seen": x}
        for place in TABLE_2 if last != "seen" else ():
            if place.startswith("p"):
                x = functional.max_pool2d(x, 2)
            else:
                name = f"conv{place[1]}_{place[2]}"
                x = torch.relu(
                    functional.conv2d(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], padding=1)
                )
            found[place] = x
            if place == last:
                break
        return found


def lenet_pool1(images: Tensor, arrays: Mapping[str, np.ndarray]) -> Tensor:
    """What LeNet-5's second convolution sees: the first one, which has no ReLU, and 2 x 2 maxima; (B, 20, 12, 12)."""
    weight, bias = (torch.from_numpy(arrays[f"conv1.{kind}"]) for kind in ("weight", "bias"))
    return functional.max_pool2d(functional.conv2d(images, weight, bias), 2)


@dataclass(frozen=True, eq=False)
class Place:
    """An input of a convolution of a trained net, and the filters that see it."""

    x: Tensor  # (B, M, ...)
    filters: Tensor  # (K, M, taps, taps)
    padding: int


EXACT = ("vgg_images", "lenet_digits", "lenet_pool1")  # with weights that are the net's own, up to lengths of rows
RESCALED = ("vgg_pool1", "vgg_pool2")  # of the copy whose channels are rescaled: shown, not judged
PLACES = (*EXACT, *RESCALED)


def at(place: str, which: slice) -> Place:
    """A place with its input for some pictures, CIFAR-10 doubled or MNIST; `data.NotAtHand`."""
    if one_of("place", place, PLACES).startswith("lenet"):
        arrays = data.pretrained(LENET)
        images = digits(which)
        x, name = (images, "conv1") if place == "lenet_digits" else (lenet_pool1(images, arrays), "conv2")
        return Place(x, torch.from_numpy(arrays[f"{name}.weight"]), 0)
    net = Vgg.at_hand()
    seen, name = {"vgg_images": ("seen", "conv1_1"), "vgg_pool1": ("p1", "conv2_1"), "vgg_pool2": ("p2", "conv3_1")}[
        place
    ]
    return Place(net.activations(pictures("cifar10 doubled", which), last=seen)[seen], net.weights[f"{name}.weight"], 1)
