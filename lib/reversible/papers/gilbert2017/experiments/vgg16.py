"""Tables 2, 3 and 4 on a whole VGG-16: shares of nonzero activations, one step from each pooling, coherence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible import data
from reversible.base.checks import integer, one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.convolution import Convolution, project, unit_rows
from reversible.papers.gilbert2017 import labels_vgg16 as labels
from reversible.papers.gilbert2017.experiments.vgg16_trunk import (
    CONVOLUTIONS,
    CROP,
    NOT_AT_HAND,
    PICTURES,
    SPOTS,
    Trunk,
    cosines,
    permuted,
    pictures,
    seen,
)
from reversible.papers.gilbert2017.published import TABLE_2_WHOLE, TABLE_4
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.theory import coherence as laws
from reversible.theory import one_step

SIDES = {"smoke": 32, "book": 96, "full": CROP}  # of the pictures, by profile


def groups_of(profile: str, name: str) -> int:
    """How many groups of pictures a profile has."""
    return 2 if profile != "full" else PICTURES[name]


def check_groups(name: str, groups: int) -> None:
    integer("groups", groups, low=1, high=PICTURES[one_of("pictures", name, PICTURES)])


# --- Table 2: shares of nonzero activations ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Vgg16Shares:
    """Shares of nonzero activations at all eighteen places, of VGG-16 or of random nets, a fresh one for each group."""

    weights: str  # "learned" or "random"
    pictures: str  # one of PICTURES
    side: int
    groups: int
    seed: int

    def __post_init__(self) -> None:
        one_of("weights", self.weights, ("learned", "random"))
        check_groups(self.pictures, self.groups)


@dataclass(frozen=True)
class Vgg16SharesResult:
    shares: dict[str, list[float]]  # by place: of each group


def vgg16_shares(p: Vgg16Shares) -> Vgg16SharesResult | Absent:
    shares: dict[str, list[float]] = {spot: [] for spot in SPOTS}
    try:
        learned = Trunk.at_hand()
        for group in range(p.groups):
            net = learned if p.weights == "learned" else learned.random(trial_generator(p.seed, group))
            codes = net.up(seen(pictures(p.pictures, group, p.side)))
            for spot, of in shares.items():
                of.append(float((codes.maps[spot] > 0).double().mean()))
    except data.NotAtHand:
        return Absent(NOT_AT_HAND)
    return Vgg16SharesResult(shares)


def shares_cells(profile: str) -> list[Vgg16Shares]:
    return [
        Vgg16Shares(
            weights=weights, pictures=name, side=SIDES[profile], groups=groups_of(profile, name),
            seed=seed_of("vgg16-shares", f"{weights} {name}"),
        )
        for name in PICTURES
        for weights in ("learned", "random")
    ]  # fmt: skip


def shares_measures(pairs: list[tuple[Vgg16Shares, Vgg16SharesResult | Absent]]) -> dict[str, Estimate]:
    found = {(p.weights, p.pictures): r.shares for p, r in pairs if isinstance(r, Vgg16SharesResult)}
    measures: dict[str, Estimate] = {}
    for (weights, name), shares in found.items():
        for spot, papers in TABLE_2_WHOLE.items():
            measures[f"share_{weights}_{name}_{spot}"] = Estimate.of(shares[spot])
            if weights == "learned":
                measures[f"gap_{name}_{spot}"] = Estimate.of(np.array(shares[spot]) - papers)
    for name in PICTURES:
        learned, random = (found.get((weights, name)) for weights in ("learned", "random"))
        if learned and random:
            less = [np.array(random[spot]) - np.array(learned[spot]) for spot in CONVOLUTIONS]
            measures[f"sparser_than_random_{name}"] = Estimate.of(np.mean(less, axis=0))
    return measures


# --- Table 3: what one step gives back of each pooling ----------------------------------------------------------------

STEPS = {"pool1": ("p1", "c21"), "pool2": ("p2", "c31"), "pool3": ("p3", "c41"), "pool4": ("p4", "c51")}
FILTERS = ("learned", "random", "permuted")
GUESSES = ("ones", "means", "abs_noise", "noise")


@dataclass(frozen=True, kw_only=True)
class Vgg16Rebuilt:
    """pool(i) rebuilt in one step by the filters of conv(i+1,1), by random and permuted ones, and by guesses."""

    pictures: str  # one of PICTURES
    side: int
    groups: int
    seed: int

    def __post_init__(self) -> None:
        check_groups(self.pictures, self.groups)


@dataclass(frozen=True)
class Vgg16RebuiltResult:
    """By "FILTERS pool1" and so on, of each group the mean over its pictures."""

    errors: dict[str, list[float]]  # |x^ - x| / |x| with x^ made as long as x
    kept: dict[str, list[float]]  # e, of filters
    law_ratio: dict[str, list[float]]  # cosine over sqrt(e / (1 + e)), of filters


def vgg16_rebuilt(p: Vgg16Rebuilt) -> Vgg16RebuiltResult | Absent:
    result = Vgg16RebuiltResult({}, {}, {})
    try:
        trunk = Trunk.at_hand()
        maps = [_pooled(trunk, pictures(p.pictures, group, p.side)) for group in range(p.groups)]
    except data.NotAtHand:
        return Absent(NOT_AT_HAND)
    for group, own in enumerate(maps):
        generator = trial_generator(p.seed, group)
        for name, (spot, filters) in STEPS.items():
            others = torch.stack([other[spot].flip(0) for other in maps]).mean((0, 3, 4))  # (2, M): not of the picture
            _rebuild(name, own[spot], trunk.weights[filters], others[..., None, None], generator, result)
    return result


def _pooled(trunk: Trunk, images: Tensor) -> dict[str, Tensor]:
    maps = trunk.up(seen(images), "p4").maps
    return {spot: maps[spot] for spot, _ in STEPS.values()}  # the others are many and large


def _rebuild(
    name: str, x: Tensor, learned: Tensor, means: Tensor, generator: torch.Generator, result: Vgg16RebuiltResult
) -> None:
    """One place and group of pictures x (2, M, ...), whose guess by means is `means` (2, M, 1, 1)."""
    filters = {
        "learned": learned,
        "random": torch.randn(learned.shape, generator=generator),
        "permuted": permuted(learned, generator),
    }
    for kind, rows in filters.items():
        layer = Convolution(unit_rows(rows), padding=1)
        kept = project(torch.relu(layer.up(x)), None, (2, 2))
        found = cosines(x, layer.down(kept, tuple(x.shape[2:])))
        energy = kept.double().square().sum((1, 2, 3)) / x.double().square().sum((1, 2, 3))
        law = torch.tensor([one_step.cosine(e) for e in energy.tolist()])
        _add(result.errors, f"{kind} {name}", _matched(found))
        _add(result.kept, f"{kind} {name}", float(energy.mean()))
        _add(result.law_ratio, f"{kind} {name}", float((found / law).mean()))
    noise = torch.randn(x.shape, generator=generator)
    shown = {"ones": torch.ones_like(x), "means": means.expand_as(x), "abs_noise": noise.abs(), "noise": noise}
    for kind, guess in shown.items():
        _add(result.errors, f"{kind} {name}", _matched(cosines(x, guess)))


def _add(values: dict[str, list[float]], name: str, value: float) -> None:
    values.setdefault(name, []).append(value)


def _matched(found: Tensor) -> float:
    return float(np.mean([one_step.matched_error(c) for c in found.tolist()]))


def rebuilt_cells(profile: str) -> list[Vgg16Rebuilt]:
    return [
        Vgg16Rebuilt(pictures=name, side=SIDES[profile], groups=groups_of(profile, name),
                     seed=seed_of("vgg16-rebuilt", name))
        for name in PICTURES
    ]  # fmt: skip


def rebuilt_measures(pairs: list[tuple[Vgg16Rebuilt, Vgg16RebuiltResult | Absent]]) -> dict[str, Estimate]:
    measures: dict[str, Estimate] = {}
    for of, r in ((p.pictures, r) for p, r in pairs if isinstance(r, Vgg16RebuiltResult)):
        for name in STEPS:
            random = np.array(r.errors[f"random {name}"])
            for kind in (*FILTERS, *GUESSES):
                errors = r.errors[f"{kind} {name}"]
                measures[f"error_{kind}_{of}_{name}"] = Estimate.of(errors)
                if kind not in ("random", "noise"):
                    measures[f"random_below_{kind}_{of}_{name}"] = Estimate.of(np.array(errors) - random)
            for kind in FILTERS:
                measures[f"law_ratio_{kind}_{of}_{name}"] = Estimate.of(r.law_ratio[f"{kind} {name}"])
                measures[f"kept_{kind}_{of}_{name}"] = Estimate.of(r.kept[f"{kind} {name}"])
    return measures


# --- Table 4: coherence of the learned filters ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Vgg16Coherence:
    """The largest correlation of two learned filters, of some of the thirteen convolutions."""

    layers: tuple[str, ...]
    seed: int  # of nothing: there is no chance in it

    def __post_init__(self) -> None:
        for layer in self.layers:
            one_of("layer", layer, CONVOLUTIONS)


@dataclass(frozen=True)
class Vgg16CoherenceResult:
    modulus: dict[str, float]  # by layer: the largest |correlation|
    signed: dict[str, float]  # the largest correlation
    over_random: dict[str, float]  # the modulus over the median of Gaussian filters of the same shape


def vgg16_coherence(p: Vgg16Coherence) -> Vgg16CoherenceResult | Absent:
    try:
        trunk = Trunk.at_hand()
    except data.NotAtHand:
        return Absent(NOT_AT_HAND)
    result = Vgg16CoherenceResult({}, {}, {})
    for layer in p.layers:
        rows = unit_rows(trunk.weights[layer].double()).flatten(1)
        between = (rows @ rows.T)[tuple(torch.triu_indices(len(rows), len(rows), offset=1))]
        result.modulus[layer] = float(between.abs().max())
        result.signed[layer] = float(between.max())
        result.over_random[layer] = result.modulus[layer] / laws.largest_quantile(0.5, *rows.shape)  # pyright: ignore[reportArgumentType]
    return result


def coherence_cells(profile: str) -> list[Vgg16Coherence]:
    return [Vgg16Coherence(layers=CONVOLUTIONS, seed=seed_of("vgg16-coherence", 0))]


def coherence_measures(pairs: list[tuple[Vgg16Coherence, Vgg16CoherenceResult | Absent]]) -> dict[str, Estimate]:
    measures: dict[str, Estimate] = {}
    for r in (r for _, r in pairs if isinstance(r, Vgg16CoherenceResult)):
        for layer, modulus in r.modulus.items():
            measures[f"modulus_{layer}"] = Estimate.exact(modulus)
            measures[f"signed_{layer}"] = Estimate.exact(r.signed[layer])
            measures[f"gap_{layer}"] = Estimate.exact(modulus - TABLE_4[layer].learned)
            measures[f"over_random_{layer}"] = Estimate.exact(r.over_random[layer])
    return measures


EXPERIMENTS = {
    "vgg16-shares": Experiment(shares_cells, vgg16_shares, shares_measures, label=labels.shares, repeats=("groups",)),
    "vgg16-rebuilt": Experiment(
        rebuilt_cells, vgg16_rebuilt, rebuilt_measures, label=labels.rebuilt, repeats=("groups",)
    ),
    "vgg16-coherence": Experiment(coherence_cells, vgg16_coherence, coherence_measures, label=labels.coherence),
}
