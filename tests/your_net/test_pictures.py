"""Pictures of what comes down in a reader's net: in the images' own shape and colours."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential

from helpers import refusal
from reversible import your_net
from reversible.your_net.measures import ALL_WAYS, OTHER_NET
from your_nets import DIGITS, plain

pytestmark = pytest.mark.usefixtures("seeded")


def of_colours(channels=3, height=8, width=6):
    model = Sequential(Conv2d(channels, 4, 3), ReLU(), MaxPool2d(2), Flatten(), Linear(4 * 3 * 2, 5))
    return model, torch.rand(6, channels, height, width) - 0.2


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_have_the_images_shape_and_colours(channels):
    model, images = of_colours(channels)
    figure, alt, caption = your_net.pictures(model, images, count=2)
    labels = [" ".join(ax.get_ylabel().split()) for ax in figure.axes if ax.get_ylabel()]
    ways = [name for way, name in ALL_WAYS.items() if way != OTHER_NET]
    assert labels == ["image", *(f"from h1, {name}" for name in ways)]
    assert caption.count("from h1, ") == len(ways)
    assert "2 images" in alt
    for ax in figure.axes:
        drawn = np.asarray(ax.get_images()[0].get_array())
        assert drawn.shape == ((8, 6) if channels == 1 else (8, 6, 3))
        assert drawn.min() >= 0
        assert drawn.max() <= 1
    first = np.asarray(figure.axes[0].get_images()[0].get_array()).reshape(8, 6, -1)
    x = images[0].numpy().transpose(1, 2, 0)
    assert np.allclose(first, (x - x.min()) / (x - x.min()).max(), atol=1e-6)
    plt.close(figure)


def test_pictures_of_digits_are_square():
    model = Sequential(Conv2d(1, 4, 3), ReLU(), Flatten(), Linear(144, 5))
    figure, _, _ = your_net.pictures(model, DIGITS, count=2)
    assert np.allclose(figure.axes[0].get_images()[0].get_array(), DIGITS[0, 0])
    plt.close(figure)


def test_images_of_two_channels_cannot_be_drawn():
    assert "images must be square and grey to be drawn" in refusal(lambda: your_net.pictures(*of_colours(2)))


def test_a_dense_net_sees_colours_too():
    figure, _, _ = your_net.pictures(plain(3 * 8 * 6, 9, 5), of_colours()[1], count=2)
    assert np.asarray(figure.axes[0].get_images()[0].get_array()).shape == (8, 6, 3)
    plt.close(figure)
