"""Each part of an examination beside independent code, and what it says of nets of another kind."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import AvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, Tanh

from reversible import your_net
from reversible.your_net.measures import OTHER_NET
from reversible.your_net.parts import PARTS, inversion, pieces, reversal, weights
from reversible.your_net.subject import Subject
from your_nets import DIGITS, LABELS, UNSEEN, Block, plain, residual, trained

pytestmark = pytest.mark.usefixtures("seeded")


def of(model, images=UNSEEN):
    return Subject.of(model, images, LABELS)


@pytest.fixture
def quick(monkeypatch):
    """Fewer images and draws."""
    monkeypatch.setattr(reversal, "BATCHES", 3)
    monkeypatch.setattr(reversal, "IMAGES", 30)
    monkeypatch.setattr(reversal, "COUNT", 2)


def convolutions(pool):
    return Sequential(Conv2d(1, 4, 3), BatchNorm2d(4), ReLU(), pool, Flatten(), Linear(36, 10))


# --- spectra ----------------------------------------------------------------------------------------------------------


def test_spectra_are_those_of_the_state_dict():
    model = plain(64, 40, 33, 10)
    with torch.no_grad():
        model[2].weight.mul_(torch.linspace(0.1, 3, 40))  # so that its own entries in another order tell apart
    found, (rows, _) = weights.measured(of(model)), your_net.spectra_of(model)
    assert [row.measured.ks for row in found.rows] == [row.measured.ks for row in rows]
    lines = weights.said(found).numbers
    assert lines[2] == ("2, distance from the law", f"{rows[1].measured.ks:.3f}", f"{rows[1].nulls['permuted'].ks:.3f}")
    assert lines[3] == ("2, spikes", str(rows[1].measured.n_spikes), str(rows[1].nulls["permuted"].n_spikes))


def test_spikes_are_told_from_a_random_matrix():
    model = plain(64, 64, 64, 10)
    with torch.no_grad():
        model[0].weight.add_(torch.outer(torch.randn(64), torch.randn(64)) / 8)
    sentence = weights.said(weights.measured(of(model))).sentence
    assert "1 is random-like except for spikes" in sentence
    assert "1 is random-like, " in sentence or "1 is random-like and" in sentence


def test_spectra_of_any_model_and_of_convolutions():
    class Other(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = Conv2d(1, 40, 3), Linear(40, 10)

        def forward(self, x):
            return self.head(torch.tanh(self.conv(x)).mean((2, 3)))

    found = weights.measured(of(Other(), DIGITS))
    assert [(row.layer, row.shape) for row in found.rows] == [("conv", (40, 9)), ("head", (10, 40))]
    assert weights.drawn(found).content.count("<img") == 2


def test_a_layer_of_zeros_costs_the_others_nothing():
    model = plain(64, 40, 40, 10)
    with torch.no_grad():
        model[2].weight.zero_()
    said = weights.said(weights.measured(of(model)))
    assert said.sentence.startswith("Of its 2 matrices")
    assert any("Of layer 2 nothing can be said" in line for line in said.more)


# --- reversal ---------------------------------------------------------------------------------------------------------


def test_reversal_is_that_of_reverse(quick):
    subject = of(trained(plain(64, 40, 33, 10), 50))
    layers = your_net.reverse(subject.model, subject.images, 3, sample=30)
    found = reversal.measured(subject)
    said = reversal.said(found)
    assert [x.of("cosine").mean for x in found.layers] == pytest.approx([x.of("cosine").mean for x in layers])
    assert said.numbers[0][1:] == (str(found.layers[0].of("cosine")), str(found.layers[0].of("cosine", OTHER_NET)))
    assert f"h1 with a cosine of {layers[0].of('cosine').mean:.2f}" in said.sentence
    first, second = ({1: "above", 0: "among", -1: "below"}[layer.beside()] for layer in found.layers)
    both = f"{first} such nets from h1 and " + ("h2" if first == second else f"{second} such nets from h2")
    assert any(words in said.random for words in (both, f"{second} such nets from h2 and {first} such nets from h1"))


def test_images_that_are_no_pictures_have_cosines_drawn(quick):
    subject = of(plain(63, 20, 10), UNSEEN[:, :63])
    assert "hidden layer" in reversal.drawn(reversal.measured(subject)).content
    square = of(plain(64, 20, 10))
    assert "top row" in reversal.drawn(reversal.measured(square)).content


def test_a_dead_net_brings_nothing_back(quick):
    model = plain(64, 20, 10)
    with torch.no_grad():
        model[0].bias.fill_(-100)
    assert reversal.said(reversal.measured(of(model))).sentence.startswith("Nothing comes back")


def test_few_images_suffice(quick):
    subject = Subject.of(plain(64, 20, 10), UNSEEN[:8], LABELS[:8])
    assert "h1 with a cosine" in reversal.said(reversal.measured(subject)).sentence


# --- inversion --------------------------------------------------------------------------------------------------------


def rank_by_differences(model, image, layers, step=1e-5):
    """Numbers of directions that a code follows, from plain passes a little beside an image."""
    below = Sequential(*list(model)[: 2 * layers]).double()
    eye = torch.eye(64, dtype=torch.float64) * step
    with torch.no_grad():
        slopes = (below(image + eye) - below(image - eye)) / (2 * step)
    return int(torch.linalg.matrix_rank(slopes, rtol=1e-7))


def test_directions_are_those_of_finite_differences():
    subject = of(model := plain(64, 40, 33, 10))
    found = inversion.measured(subject)
    for layers, each in enumerate(found.kept, 1):
        wanted = [rank_by_differences(model, x, layers) for x in subject.images[: inversion.IMAGES].double()]
        assert each.rank == pytest.approx(np.mean(wanted), abs=0.3)  # a switch may lie within a step
    assert inversion.said(found).sentence.startswith("Of the 64 directions")


def test_a_layer_of_low_rank_tells_no_more():
    model = plain(64, 40, 33, 10)
    with torch.no_grad():
        model[0].weight.copy_(torch.randn(40, 3) @ torch.randn(3, 64))
    (first, second) = inversion.measured(of(model)).kept
    assert first.rank == second.rank == 3
    assert inversion.said(inversion.Measured([], [first])).numbers[0][1] == "3"


@pytest.mark.parametrize("pool", [MaxPool2d(2), AvgPool2d(2)])
def test_directions_of_a_net_of_convolutions(pool):
    subject = of(convolutions(pool), DIGITS)
    (kept,) = inversion.measured(subject).kept
    assert subject.net is not None
    image = subject.images[:1].double()
    h = subject.net.up(image)[0]
    assert kept.gains[0][-1] > 0 or (kept.gains[0] > 1e-9).sum() <= int((h > 0).sum())
    assert kept.rank <= 36


def test_blocks_are_sent_backwards():
    found = inversion.measured(subject := of(residual()))
    assert [block.name for block in found.blocks] == ["1", "2"]
    assert all(block.error < 1e-10 for block in found.blocks)
    assert "64 of 64 inputs came back" in inversion.said(found).sentence
    given = subject.model[0](subject.images[:32])  # what the first block is given
    assert np.allclose(found.blocks[0].found.x, given.detach(), atol=1e-5)
    assert "<img" in inversion.drawn(found).content


def test_blocks_that_are_not_one_to_one_are_told():
    with torch.no_grad():
        model = residual()
        for block in model[1:3]:
            block.inside[2].weight.copy_(-3 * block.inside[0].weight.T)
    found = inversion.measured(of(model))
    lines = {what: own for what, own, _ in inversion.said(found).numbers}
    assert lines["1, exactly one input?"] == "not unique"


def test_the_innermost_block_is_taken():
    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Block(64, 8)

        def forward(self, x):
            return self.block(x)

    assert [name for name, _ in inversion.blocks_of(of(Around()))] == ["block"]


# --- pieces -----------------------------------------------------------------------------------------------------------


def test_pieces_are_those_of_count_regions():
    subject = of(plain(64, 20, 10))
    counted = your_net.count_regions(subject.model, subject.images, pieces.CURVES, pieces.IMAGES)
    said = pieces.said(pieces.measured(subject))
    assert said.numbers[0] == ("linear regions, whole line", f"{counted.lines.linear.mean():,.0f}", "21")
    assert said.sentence.startswith(f"Between two images it has {counted.segments.linear.mean():,.0f} linear regions")


@pytest.mark.parametrize(("times", "words"), [(1, "about as many as"), (2, "more than"), (0.5, "fewer than")])
def test_pieces_are_compared_with_a_random_net(times, words):
    counts = pieces.Counts(*(np.array([40.0 * times]), np.array([40.0 * times]), np.array([40.0])))
    far = np.array([1.0])
    found = pieces.Regions(10, True, counts, counts, pieces.Counts(*[np.array([])] * 3), far, far)
    said = pieces.said(found)
    assert words in said.sentence
    assert [line[0] for line in said.numbers if "circle" in line[0]] == []


# --- what they need ---------------------------------------------------------------------------------------------------


def test_what_a_nets_kind_does_not_allow_is_said():
    why = {part.name: part.why_not(of(Sequential(Linear(64, 40), Tanh(), Linear(40, 10)))) for part in PARTS}
    assert why["spectra"] == ""
    for name in ("reversal", "regions"):
        assert why[name].startswith("module '1' must be ReLU in its place, not Tanh")
    assert why["inversion"].startswith("no residual block x + W2 relu(W1 x + b) is in the model, and module '1'")


def test_what_is_foreseen_grows_with_the_net():
    small, large = of(plain(64, 40, 10)), of(plain(64, 400, 400, 10))
    for part in PARTS:
        if not part.why_not(small):
            assert 0 < part.seconds(small) < part.seconds(large)
