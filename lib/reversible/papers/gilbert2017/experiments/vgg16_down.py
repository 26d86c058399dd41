"""Down a whole VGG-16: to the picture through all layers, and both theories of reversal one layer at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.convolution import Convolution, unit_rows
from reversible.papers.gilbert2017 import labels_vgg16 as labels
from reversible.papers.gilbert2017.experiments.vgg16 import SIDES, check_groups
from reversible.papers.gilbert2017.experiments.vgg16_trunk import (
    CONVOLUTIONS,
    NOT_AT_HAND,
    POOLS,
    SPOTS,
    Trunk,
    cosines,
    pictures,
    seen,
)
from reversible.runs.experiment import Absent, Experiment, seed_of

GROUPS = {"smoke": 2, "book": 2, "full": 10}

# --- to the picture ---------------------------------------------------------------------------------------------------

WAYS = {  # from the code of a pooling down to the picture: what is sent, and where maxima go
    "image": "the code, known switches",
    "image_fixed": "the code, fixed switches",
    "image_noise": "noise without signs, known switches",
}


@dataclass(frozen=True, kw_only=True)
class Vgg16Down:
    """Cosines of a picture with what comes down to it from each pooling, and of codes that go down and up again."""

    weights: str  # "learned" or "random": afresh for each group
    pictures: str
    side: int
    groups: int
    seed: int

    def __post_init__(self) -> None:
        one_of("weights", self.weights, ("learned", "random"))
        check_groups(self.pictures, self.groups)


@dataclass(frozen=True)
class Vgg16DownResult:
    """By "WAYS p1" and so on, of each group the mean over its pictures."""

    cosines: dict[str, list[float]]


def vgg16_down(p: Vgg16Down) -> Vgg16DownResult | Absent:
    try:
        trunk = Trunk.at_hand()
        shown = [seen(pictures(p.pictures, group, p.side)) for group in range(p.groups)]
    except data.NotAtHand:
        return Absent(NOT_AT_HAND)
    result = Vgg16DownResult({})
    for group, x in enumerate(shown):
        generator = trial_generator(p.seed, group)
        net = trunk if p.weights == "learned" else trunk.random(generator)
        for name, value in _whole_way(net, x, generator).items():
            result.cosines.setdefault(name, []).append(value)
    return result


def _whole_way(net: Trunk, x: Tensor, generator: torch.Generator) -> dict[str, float]:
    """Of two pictures that the net sees."""
    codes, found = net.up(x), {}
    for place in POOLS:
        code = codes.maps[place]
        noise = torch.randn(code.shape, generator=generator).abs()
        back = net.down(code, place, codes, "fixed")
        again = net.up(as_long_as(x, back), place).maps[place]
        cosine = {
            "image": cosines(x, net.down(code, place, codes)),
            "image_fixed": cosines(x, back),
            "image_noise": cosines(x, net.down(noise, place, codes)),
            "code": cosines(code, again),
            "code_other": cosines(code, again.flip(0)),
        }
        found |= {f"{name} {place}": float(values.mean()) for name, values in cosine.items()}
    return found


def as_long_as(x: Tensor, back: Tensor) -> Tensor:
    """`back` times a number for each picture, so that it is as long as x; zeros stay zeros."""
    lengths = [maps.flatten(1).norm(dim=1).view(-1, 1, 1, 1) for maps in (x, back)]
    return back * (lengths[0] / lengths[1].clamp_min(1e-30))


def down_cells(profile: str) -> list[Vgg16Down]:
    return [
        Vgg16Down(weights=weights, pictures="photographs", side=SIDES[profile], groups=GROUPS[profile],
                  seed=seed_of("vgg16-down", weights))
        for weights in ("learned", "random")
    ]  # fmt: skip


def down_measures(pairs: list[tuple[Vgg16Down, Vgg16DownResult | Absent]]) -> dict[str, Estimate]:
    found = {p.weights: r.cosines for p, r in pairs if isinstance(r, Vgg16DownResult)}
    measures: dict[str, Estimate] = {}
    for weights, cosine in found.items():
        for name, values in cosine.items():
            way, place = name.split()
            measures[f"{way}_{weights}_{place}"] = Estimate.of(values)
        for place in POOLS:
            code, other, image, noise = (
                np.array(cosine[f"{way} {place}"]) for way in ("code", "code_other", "image", "image_noise")
            )
            measures[f"code_above_other_{weights}_{place}"] = Estimate.of(code - other)
            measures[f"image_above_noise_{weights}_{place}"] = Estimate.of(image - noise)
    if len(found) == 2:
        for place in POOLS:
            learned, random = (np.array(found[weights][f"image {place}"]) for weights in ("learned", "random"))
            measures[f"random_above_learned_{place}"] = Estimate.of(random - learned)
    return measures


# --- one layer at a time ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Vgg16Theories:
    """Each convolution with its own input: does its code come back, and does its input?"""

    pictures: str
    side: int
    groups: int
    seed: int

    def __post_init__(self) -> None:
        check_groups(self.pictures, self.groups)


@dataclass(frozen=True)
class Vgg16TheoriesResult:
    """By "code_learned c11" and so on, of each group the mean over its pictures."""

    values: dict[str, list[float]]


def vgg16_theories(p: Vgg16Theories) -> Vgg16TheoriesResult | Absent:
    try:
        trunk = Trunk.at_hand()
        shown = [seen(pictures(p.pictures, group, p.side)) for group in range(p.groups)]
    except data.NotAtHand:
        return Absent(NOT_AT_HAND)
    result = Vgg16TheoriesResult({})
    for group, images in enumerate(shown):
        generator, maps = trial_generator(p.seed, group), trunk.up(images).maps
        for below, spot in zip(("seen", *SPOTS), SPOTS, strict=False):
            if spot not in CONVOLUTIONS:
                continue
            learned = trunk.weights[spot]
            random = learned.std(correction=0) * torch.randn(learned.shape, generator=generator)
            for name, filters, bias in (
                ("learned", learned, trunk.biases[spot]),
                ("random", random, torch.zeros(len(learned))),
            ):
                for measure, value in both_theories(maps[below], filters, bias, signed=below == "seen").items():
                    result.values.setdefault(f"{measure}_{name} {spot}", []).append(value)
    return result


def both_theories(x: Tensor, filters: Tensor, bias: Tensor, signed: bool) -> dict[str, float]:
    """One layer and its input x (B, M, ...), in the mean over the pictures; an x with `signed` entries gets no ReLU.

    Of Arora, Liang and Ma: h = relu(W x + b) comes down as relu(alpha W^T h), with alpha = 2 K / |W|^2, and goes up
    again: the cosines of h with what it comes to, and with what the code of the next picture comes to. Of Gilbert and
    his coauthors: the cosine of x with W^T relu(W x), filters of length one, no bias, and sqrt(e / (1 + e)).
    """
    size, layer = tuple(x.shape[2:]), Convolution(filters, padding=1)
    h = torch.relu(layer.up(x) + bias.view(-1, 1, 1))
    made = 2 * len(filters) / filters.square().sum() * layer.down(h, size)
    made = made / 2 if signed else torch.relu(made)
    again = torch.relu(layer.up(made) + bias.view(-1, 1, 1))
    unit = Convolution(unit_rows(filters), padding=1)
    z = torch.relu(unit.up(x))
    energy = z.double().square().sum((1, 2, 3)) / x.double().square().sum((1, 2, 3))
    input_back = cosines(x, unit.down(z, size))
    law = (energy / (1 + energy)).sqrt()  # `one_step.cosine`, and 0 where no unit is on
    found = {
        "code": cosines(h, again),
        "other": cosines(h, again.roll(1, 0)),
        "input": input_back,
        "law": law,
        "law_ratio": input_back / law.clamp_min(1e-30),
    }
    return {name: float(values.mean()) for name, values in found.items()}


def theories_cells(profile: str) -> list[Vgg16Theories]:
    return [
        Vgg16Theories(pictures="photographs", side=SIDES[profile], groups=GROUPS[profile],
                      seed=seed_of("vgg16-theories", 0))
    ]  # fmt: skip


def theories_measures(pairs: list[tuple[Vgg16Theories, Vgg16TheoriesResult | Absent]]) -> dict[str, Estimate]:
    measures: dict[str, Estimate] = {}
    for values in (r.values for _, r in pairs if isinstance(r, Vgg16TheoriesResult)):
        for name, of in values.items():
            measures[name.replace(" ", "_")] = Estimate.of(of)
        for name in ("code", "other", "input", "law_ratio"):
            for weights in ("learned", "random"):
                measures[f"{name}_{weights}"] = Estimate.of(_mean(values, f"{name}_{weights}"))
        learned, other, random = (_mean(values, name) for name in ("code_learned", "other_learned", "code_random"))
        measures["code_above_other"] = Estimate.of(learned - other)
        measures["code_above_random"] = Estimate.of(learned - random)
    return measures


def _mean(values: dict[str, list[float]], name: str) -> np.ndarray:
    """Of each group the mean over the thirteen convolutions."""
    return np.mean([values[f"{name} {spot}"] for spot in CONVOLUTIONS], axis=0)


EXPERIMENTS = {
    "vgg16-down": Experiment(down_cells, vgg16_down, down_measures, label=labels.down, repeats=("groups",)),
    "vgg16-theories": Experiment(
        theories_cells, vgg16_theories, theories_measures, label=labels.theories, repeats=("groups",)
    ),
}
