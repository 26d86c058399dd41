"""A whole VGG-16: maps against loops and torch's own gradient, both theories against matrices, what is not at hand."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from helpers import refusal
from reversible import data
from reversible.nets.convolution import Convolution
from reversible.papers.gilbert2017.experiments import vgg16, vgg16_codes, vgg16_down, vgg16_trunk
from reversible.papers.gilbert2017.experiments.vgg16_trunk import CONVOLUTIONS, NOT_AT_HAND, POOLS, SPOTS, Trunk
from reversible.papers.gilbert2017.published import TABLE_2_WHOLE, TABLE_4
from reversible.runs.experiment import Absent

WIDTHS = dict(zip(CONVOLUTIONS, (4, 4, 6, 6, 8, 8, 8, 6, 6, 6, 6, 6, 6), strict=True))


def small_trunk(seed=0, dtype=torch.float32):
    """A trunk of VGG-16's shape with few channels; biases of either sign."""
    generator, weights, biases, below = torch.Generator().manual_seed(seed), {}, {}, 3
    for name, K in WIDTHS.items():
        scale = (2 / (9 * below)) ** 0.5
        weights[name] = scale * torch.randn(K, below, 3, 3, generator=generator, dtype=dtype)
        biases[name] = 0.1 * torch.randn(K, generator=generator, dtype=dtype)
        below = K
    return Trunk(weights, biases)


@pytest.fixture
def small(monkeypatch):
    """The small trunk in the place of the one at hand."""
    trunk = small_trunk()
    monkeypatch.setattr(Trunk, "at_hand", classmethod(lambda cls: trunk))
    return trunk


# --- the trunk --------------------------------------------------------------------------------------------------------


def test_places_are_those_of_the_papers_tables():
    assert (len(SPOTS), len(CONVOLUTIONS), len(POOLS)) == (18, 13, 5)
    assert list(CONVOLUTIONS) == list(TABLE_4)
    assert SPOTS.index("p3") == SPOTS.index("c33") + 1
    assert TABLE_2_WHOLE["c53"] == min(TABLE_2_WHOLE.values())


def test_a_convolution_is_what_loops_make_of_a_patch():
    trunk, x = small_trunk(), torch.randn(1, 4, 5, 5)
    found = trunk.read("c12", x)
    padded = np.zeros((4, 7, 7))
    padded[:, 1:6, 1:6] = x[0]
    weight, bias = trunk.weights["c12"].numpy(), trunk.biases["c12"].numpy()
    for k, r, c in itertools.product(range(4), range(5), range(5)):
        total = float(bias[k])
        for m, down, right in itertools.product(range(4), range(3), range(3)):
            total += weight[k, m, down, right] * padded[m, r + down, c + right]
        assert float(found[0, k, r, c]) == pytest.approx(total, abs=1e-4)


def test_activations_are_those_of_torchs_own_modules():
    trunk, x = small_trunk(), torch.randn(2, 3, 32, 32)
    codes, below = trunk.up(x), 3
    assert list(codes.maps) == ["seen", *SPOTS]
    assert list(codes.switches) == list(POOLS)
    with torch.no_grad():
        for spot in SPOTS:
            if spot in POOLS:
                x = nn.MaxPool2d(2)(x)
            else:
                layer = nn.Conv2d(below, WIDTHS[spot], 3, padding=1)
                layer.weight.copy_(trunk.weights[spot])
                assert layer.bias is not None
                layer.bias.copy_(trunk.biases[spot])
                x, below = torch.relu(layer(x)), WIDTHS[spot]
            torch.testing.assert_close(codes.maps[spot], x, msg=spot)
    assert list(trunk.up(torch.randn(1, 3, 32, 32), "p1").maps) == ["seen", "c11", "c12", "p1"]


@pytest.mark.parametrize("place", ["c11", "p1", "c22", "p3", "p5"])
def test_the_way_down_with_known_switches_is_the_gradient_of_the_way_up(place):
    trunk = small_trunk(1, torch.float64)
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    codes = trunk.up(x, place)
    code = torch.randn(codes.maps[place].shape, dtype=torch.float64) * (codes.maps[place] > 0)
    seen = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((trunk.up(seen, place).maps[place] * code).sum(), seen)
    torch.testing.assert_close(trunk.down(code, place, codes), gradient)


def test_with_fixed_switches_a_maximum_goes_to_the_first_place_of_its_window():
    trunk = small_trunk()
    x = torch.randn(1, 3, 32, 32)
    codes = trunk.up(x, "p1")
    code, placed = codes.maps["p1"], torch.zeros(1, 4, 32, 32)
    placed[:, :, ::2, ::2] = code
    middle = torch.relu(trunk.layer("c12").down(placed, (32, 32)))
    wanted = trunk.layer("c11").down(middle, (32, 32))  # a picture has entries below zero
    torch.testing.assert_close(trunk.down(code, "p1", codes, "fixed"), wanted)
    assert (wanted < 0).any()


def test_what_the_net_sees_is_blue_first_less_the_mean_as_the_package_says():
    image = torch.rand(1, 3, 2, 2)
    found, mean = vgg16_trunk.seen(image), (104.00699, 116.66877, 122.67892)
    for colour, r, c in itertools.product(range(3), range(2), range(2)):
        wanted = 255 * float(image[0, 2 - colour, r, c]) - mean[colour]
        assert float(found[0, colour, r, c]) == pytest.approx(wanted, abs=1e-3)


def test_crops_of_photographs_share_no_pixel_and_pictures_of_groups_none():
    photographs = vgg16_trunk._photographs()
    marked = torch.arange(photographs[0, 0].numel()).view(1, 1, *photographs.shape[2:]).expand(2, 3, -1, -1).float()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vgg16_trunk, "_photographs", lambda: marked)
        crops = [vgg16_trunk.pictures("photographs", group)[0, 0] for group in range(15)]
    pixels = torch.cat([crop.flatten() for crop in crops])
    assert len(pixels) == len(pixels.unique()) == 15 * 128 * 128


def test_images_of_cifar_are_enlarged(needs_cifar10):
    first, second = vgg16_trunk.pictures("cifar10", 0, 64), vgg16_trunk.pictures("cifar10", 1, 64)
    assert first.shape == second.shape == (2, 3, 64, 64)
    assert not torch.equal(first, second)
    images = data.load("cifar10", train=False).take(slice(2, 4)).scaled().view(2, 3, 32, 32)
    torch.testing.assert_close(
        second.unflatten(3, (32, 2)).unflatten(2, (32, 2)).mean((3, 5)), images, atol=0.2, rtol=0
    )


def test_random_trunks_and_permuted_filters_keep_what_they_should():
    trunk = small_trunk()
    drawn = trunk.random(torch.Generator().manual_seed(1))
    assert {name: w.shape for name, w in drawn.weights.items()} == {n: w.shape for n, w in trunk.weights.items()}
    assert not any(bias.any() for bias in drawn.biases.values())
    assert float(drawn.weights["c32"].std()) == pytest.approx((2 / 72) ** 0.5, rel=0.1)
    filters = torch.randn(5, 2, 3, 3)
    shuffled = vgg16_trunk.permuted(filters, torch.Generator().manual_seed(0))
    assert not torch.equal(shuffled, filters)
    assert torch.equal(shuffled.flatten(1).sort(1).values, filters.flatten(1).sort(1).values)


# --- Tables 2, 3 and 4 ------------------------------------------------------------------------------------------------


def test_shares_are_counted_unit_by_unit(small):
    p = vgg16.Vgg16Shares(weights="learned", pictures="photographs", side=32, groups=2, seed=0)
    found = vgg16.vgg16_shares(p)
    assert isinstance(found, vgg16.Vgg16SharesResult)
    maps = small.up(vgg16_trunk.seen(vgg16_trunk.pictures("photographs", 1, 32))).maps
    for spot in SPOTS:
        on = sum(value > 0 for value in maps[spot].flatten().tolist())
        assert found.shares[spot][1] == pytest.approx(on / maps[spot].numel())


def test_one_step_is_rebuilt_as_an_explicit_matrix_does_it(small):
    p = vgg16.Vgg16Rebuilt(pictures="photographs", side=32, groups=2, seed=3)
    found = vgg16.vgg16_rebuilt(p)
    assert isinstance(found, vgg16.Vgg16RebuiltResult)
    maps = [small.up(vgg16_trunk.seen(vgg16_trunk.pictures("photographs", g, 32))).maps["p3"] for g in range(2)]
    errors, means = [], []
    for picture, x in enumerate(maps[1].double()):
        rows = small.weights["c41"].double()
        W = Convolution(rows / rows.flatten(1).norm(dim=1).view(-1, 1, 1, 1), padding=1).matrix((4, 4)).numpy()
        h = np.maximum(W @ x.flatten().numpy(), 0).reshape(-1, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(-1, 4)
        kept = np.where(np.arange(4) == h.argmax(1)[:, None], h, 0.0)
        z = kept.reshape(-1, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).flatten()
        back = W.T @ z
        back *= np.linalg.norm(x) / np.linalg.norm(back)
        errors.append(np.linalg.norm(back - x.flatten().numpy()) / np.linalg.norm(x))
        guess = np.mean([m[1 - picture].mean((1, 2)).double().numpy() for m in maps], 0)  # of the other photograph
        guess = np.repeat(guess, 16)
        guess *= np.linalg.norm(x) / np.linalg.norm(guess)
        means.append(np.linalg.norm(guess - x.flatten().numpy()) / np.linalg.norm(x))
    assert found.errors["learned pool3"][1] == pytest.approx(np.mean(errors), rel=1e-4)
    assert found.errors["means pool3"][1] == pytest.approx(np.mean(means), rel=1e-4)
    assert found.errors["noise pool1"][0] == pytest.approx(2**0.5, abs=0.15)


def test_a_planted_pair_of_filters_is_the_coherence(small):
    small.weights["c31"][5] = -0.95 * small.weights["c31"][2] + 0.01 * small.weights["c31"][5]
    found = vgg16.vgg16_coherence(vgg16.Vgg16Coherence(layers=("c31", "c12"), seed=0))
    assert isinstance(found, vgg16.Vgg16CoherenceResult)
    assert found.modulus["c31"] > 0.99 > found.signed["c31"]
    rows = small.weights["c12"].flatten(1).double().numpy()
    largest = max(abs(a @ b) / np.sqrt((a @ a) * (b @ b)) for a, b in itertools.combinations(rows, 2))
    assert found.modulus["c12"] == pytest.approx(largest)


# --- down -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", [True, False])
def test_both_theories_are_what_a_matrix_makes_of_them(signed):
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(3, 2, 4, 4, generator=generator)
    x = x if signed else x.abs()
    filters, bias = torch.randn(5, 2, 3, 3, generator=generator), torch.randn(5, generator=generator)
    found = vgg16_down.both_theories(x, filters, bias, signed)
    W = Convolution(filters, padding=1).matrix((4, 4)).double().numpy()
    b, inputs = np.repeat(bias.double().numpy(), 16), x.flatten(1).double().numpy()
    h = np.maximum(inputs @ W.T + b, 0)
    made = 2 * 5 / float(filters.double().square().sum()) * h @ W
    made = made / 2 if signed else np.maximum(made, 0)
    again = np.maximum(made @ W.T + b, 0)
    unit = W / np.repeat(filters.double().flatten(1).norm(dim=1).numpy(), 16)[:, None]
    z = np.maximum(inputs @ unit.T, 0)

    def cosine(a, b):
        return (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))

    e = (z**2).sum(1) / (inputs**2).sum(1)
    law = np.sqrt(e / (1 + e))
    wanted = {
        "code": cosine(h, again), "other": cosine(h, np.roll(again, 1, 0)), "input": cosine(inputs, z @ unit),
        "law": law, "law_ratio": cosine(inputs, z @ unit) / law,
    }  # fmt: skip
    assert found == pytest.approx({name: values.mean() for name, values in wanted.items()}, abs=1e-5)


def test_the_whole_way_has_a_cosine_for_each_way_and_pool(small):
    x = vgg16_trunk.seen(vgg16_trunk.pictures("photographs", 6, 32))
    found = vgg16_down._whole_way(small, x, torch.Generator().manual_seed(0))
    codes = small.up(x)
    back = small.down(codes.maps["p2"], "p2", codes)
    assert found["image p2"] == pytest.approx(float(torch.cosine_similarity(x.flatten(1), back.flatten(1)).mean()))
    down = small.down(codes.maps["p2"], "p2", codes, "fixed")
    again = small.up(down * (x.flatten(1).norm(dim=1) / down.flatten(1).norm(dim=1)).view(-1, 1, 1, 1))
    code = codes.maps["p2"]
    same, other = (
        float(torch.cosine_similarity(code.flatten(1), maps.flatten(1)).mean())
        for maps in (again.maps["p2"], again.maps["p2"][[1, 0]])
    )
    assert (found["code p2"], found["code_other p2"]) == pytest.approx((same, other), abs=1e-5)
    assert len(found) == 5 * 5
    assert all(abs(value) <= 1 for value in found.values())


# --- the experiments --------------------------------------------------------------------------------------------------

EXPERIMENTS = {**vgg16.EXPERIMENTS, **vgg16_codes.EXPERIMENTS, **vgg16_down.EXPERIMENTS}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_is_not_at_hand_is_said_to_be_absent(name, monkeypatch):
    def none(cls):
        raise data.NotAtHand("no wheel")

    monkeypatch.setattr(Trunk, "at_hand", classmethod(none))
    experiment = EXPERIMENTS[name]
    cells = experiment.cells("smoke")
    results = [experiment.run_cell(cell) for cell in cells]
    assert results == [Absent(NOT_AT_HAND)] * len(cells)
    assert experiment.measure(list(zip(cells, results, strict=True))) == {}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_full_runs_have_ten_repeats_of_pictures_apart(name):
    counts = [getattr(p, "groups", getattr(p, "draws", None)) for p in EXPERIMENTS[name].cells("full")]
    controls = name == "vgg16-lengths"  # of found codes, controls and other lambdas have five
    assert all(count is None or count >= (5 if controls else 10) for count in counts)


def test_the_trunk_at_hand_reads_a_patch_as_loops_do(needs_vgg16):
    trunk = Trunk.at_hand()
    x = vgg16_trunk.seen(vgg16_trunk.pictures("photographs", 6, 32))
    maps = trunk.up(x, "c21").maps
    weight, bias = trunk.weights["c21"].double().numpy(), trunk.biases["c21"].double().numpy()
    patch = maps["p1"][1, :, 4:7, 9:12].double().numpy()
    wanted = np.maximum((weight * patch).sum((1, 2, 3)) + bias, 0)
    np.testing.assert_allclose(maps["c21"][1, :, 5, 10].numpy(), wanted, rtol=1e-3, atol=1e-2)
    assert (wanted > 0).any()


BAD = {
    "side must be a multiple of 32, not 40": lambda: vgg16_trunk.pictures("photographs", 0, 40),
    "side must be an integer from 32 to 128": lambda: vgg16_trunk.pictures("photographs", 0, 256),
    "group must be an integer from 0 to 14": lambda: vgg16_trunk.pictures("photographs", 15),
    "pictures must be one of": lambda: vgg16_trunk.pictures("imagenet", 0),
    "place must be one of": lambda: small_trunk().up(torch.zeros(1, 3, 32, 32), "p6"),
    "groups must be an integer from 1 to 10": lambda: vgg16.Vgg16Rebuilt(
        pictures="cifar10", side=64, groups=11, seed=0
    ),
    "weights must be one of": lambda: vgg16_down.Vgg16Down(
        weights="x", pictures="photographs", side=64, groups=1, seed=0
    ),
    "layer must be one of": lambda: vgg16.Vgg16Coherence(layers=("c14",), seed=0),
    "filters must be one of": lambda: vgg16_codes.RandomCodes(
        filters="x", lengths="one", side=4, codes=1, draws=1, seed=0
    ),
    "weight must be a number from": lambda: vgg16_codes.FoundCodes(
        filters="random", relu=True, weight=2, pictures="cifar10", side=64, groups=1, steps=1, seed=0
    ),
}  # fmt: skip


@pytest.mark.parametrize("says", BAD)
def test_what_cannot_be_is_refused_in_one_line(says):
    assert says in refusal(BAD[says])
