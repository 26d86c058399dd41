"""Ways between two nets of a reader: losses beside torch's own, what is said of them, and what is refused."""

import pytest
import torch
from torch.nn import Conv2d, Flatten, Linear, ReLU, Sequential, functional

from helpers import refusal
from reversible import data, your_net
from your_nets import DIGITS, UNSEEN, plain, trained

LABELS = data.load("digits", train=False).labels
pytestmark = pytest.mark.usefixtures("seeded")


def middle_loss(a, b, count):
    """Of the net half-way between two, by torch."""
    with torch.no_grad():
        half = plain(64, 12, 10)
        for p, x, y in zip(half.parameters(), a.parameters(), b.parameters(), strict=True):
            p.copy_((x + y) / 2)
        return float(functional.cross_entropy(half(UNSEEN[:count]), LABELS[:count]))


def test_losses_on_the_line_are_those_of_nets_between_and_a_band_lies_lower():
    a, b = (trained(plain(64, 12, 10), 150) for _ in range(2))
    ways = your_net.ways_between(a, b, UNSEEN, LABELS, sample=60)
    assert ways.line[len(ways.line) // 2] == pytest.approx(middle_loss(a, b, 60), rel=1e-4)
    assert ways.matched[-1] == pytest.approx(ways.line[-1])
    barriers = ways.barriers()
    assert barriers["line"] > barriers["matched"] >= barriers["band"] >= 0
    words = your_net.ways_words(ways)
    assert len(words) == 4
    assert f"rises to {ways.line.max():.2g}" in words[0]
    assert "60 of 360 images" in words[0]


def test_a_net_and_itself_in_another_order_have_no_barrier_once_matched():
    a = trained(plain(64, 12, 10), 150)
    b = plain(64, 12, 10)
    order = torch.arange(11, -1, -1)
    with torch.no_grad():
        b[0].weight.copy_(a[0].weight[order])
        b[0].bias.copy_(a[0].bias[order])
        b[2].weight.copy_(a[2].weight[:, order])
        b[2].bias.copy_(a[2].bias)
    ways = your_net.ways_between(a, b, UNSEEN, LABELS, steps=0)
    assert ways.moved == 1
    assert ways.barriers()["line"] > 0.01
    assert ways.barriers()["matched"] == pytest.approx(0, abs=1e-12)
    assert "in one valley" in your_net.ways_words(ways)[-1]


def test_a_high_way_is_not_called_flat():
    high = torch.tensor([0.1, 2.0, 0.1]).numpy()
    ways = your_net.Ways(high, high, high, 2.3, 0.5, 10, 10)
    words = your_net.ways_words(ways)
    assert "That is a barrier: 0.83" in words[0]
    assert "does not tell" in words[-1]


CONVOLUTION = Sequential(Conv2d(1, 2, 3), ReLU(), Flatten(), Linear(72, 10))


@pytest.mark.parametrize(
    ("says", "call"),
    [
        ("layers of the same sizes", lambda: your_net.ways_between(plain(64, 5, 10), plain(64, 6, 10), UNSEEN, LABELS)),
        ("Linear layers alone", lambda: your_net.ways_between(CONVOLUTION, CONVOLUTION, DIGITS, LABELS)),
        ("labels must be 360", lambda: your_net.ways_between(plain(64, 5, 10), plain(64, 5, 10), UNSEEN, LABELS[:9])),
        ("classes from 0 to 3", lambda: your_net.ways_between(plain(64, 5, 4), plain(64, 5, 4), UNSEEN, LABELS)),
    ],
)
def test_bad_input_gets_one_line(says, call):
    assert says in refusal(call)
