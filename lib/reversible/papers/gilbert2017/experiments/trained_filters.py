"""Tables 2, 3 and 4 on the weights at hand: shares of nonzero activations, what comes back, coherence of filters."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.convolution import Convolution, project, unit_rows
from reversible.papers.gilbert2017 import labels
from reversible.papers.gilbert2017.experiments.filters_at_hand import (
    EXACT,
    LENET,
    PICTURES,
    PLACES,
    VGG,
    Vgg,
    at,
    pictures,
)
from reversible.papers.gilbert2017.published import TABLE_2, TABLE_4
from reversible.runs.experiment import Absent, Experiment, seed_of
from reversible.theory import coherence as laws
from reversible.theory import one_step

NOT_AT_HAND = "weights or pictures not at hand"
GROUP = 10  # pictures that share their random filters

# --- Table 2: shares of nonzero activations ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ActiveShares:
    """Shares of nonzero activations, of VGG-19 or of random filters of its shapes, fresh ones for each group."""

    weights: str  # "learned" or "random"
    pictures: str  # one of PICTURES
    groups: int  # of ten pictures; of photographs each is one group
    seed: int

    def __post_init__(self) -> None:
        one_of("weights", self.weights, ("learned", "random"))
        one_of("pictures", self.pictures, PICTURES)


@dataclass(frozen=True)
class ActiveSharesResult:
    shares: dict[str, list[float]]  # by the place in Table 2: of each group


def active_shares(p: ActiveShares) -> ActiveSharesResult | Absent:
    shares: dict[str, list[float]] = {place: [] for place in TABLE_2}
    size = 6 if p.pictures == "photographs" else GROUP  # crops of a photograph
    try:
        learned = Vgg.at_hand()
        for group in range(p.groups):
            net = learned if p.weights == "learned" else learned.random(trial_generator(p.seed, group))
            found = net.activations(pictures(p.pictures, slice(size * group, size * (group + 1))))
            for place, of in shares.items():
                of.append(float((found[place] > 0).float().mean()))
    except data.NotAtHand:
        return Absent(NOT_AT_HAND)
    return ActiveSharesResult(shares)


def shares_cells(profile: str) -> list[ActiveShares]:
    groups = {"smoke": 2, "book": 2, "full": 20}[profile]
    shown = ("cifar10 doubled",) if profile != "full" else PICTURES
    return [
        ActiveShares(
            weights=weights, pictures=name, groups=2 if name == "photographs" else groups,
            seed=seed_of("active-shares", f"{weights} {name}"),
        )
        for name in shown
        for weights in ("learned", "random")
    ]  # fmt: skip


def shares_measures(pairs: list[tuple[ActiveShares, ActiveSharesResult | Absent]]) -> dict[str, Estimate]:
    """Of CIFAR-10 with twice the pixels unless the name says otherwise."""
    found = {(p.weights, p.pictures): r.shares for p, r in pairs if isinstance(r, ActiveSharesResult)}
    measures: dict[str, Estimate] = {}
    for (weights, name), shares in found.items():
        kind = {"cifar10 doubled": "", "cifar10": "_small", "photographs": "_photographs"}[name]
        for place in TABLE_2:
            measures[f"share_{weights}{kind}_{place}"] = Estimate.of(shares[place])
    learned, random = (found.get((weights, "cifar10 doubled")) for weights in ("learned", "random"))
    if learned and random:
        for place, papers in TABLE_2.items():
            measures[f"gap_{place}"] = Estimate.of(np.array(learned[place]) - papers)
        layers = [place for place in TABLE_2 if place.startswith("c")]
        less = [np.array(random[place]) - np.array(learned[place]) for place in layers]
        measures["sparser_than_random"] = Estimate.of(np.mean(less, axis=0))
    return measures


# --- Table 3: what comes back of a layer's input ----------------------------------------------------------------------

FILTERS = ("learned", "random", "permuted")
GUESSES = ("fixed", "ones", "means", "noise", "abs_noise")  # "fixed": by random filters with fixed switches


@dataclass(frozen=True, kw_only=True)
class RebuiltInputs:
    """The input of a trained layer rebuilt in one step by its own filters, random and permuted ones, and controls."""

    place: str  # one of PLACES
    groups: int
    seed: int

    def __post_init__(self) -> None:
        one_of("place", self.place, PLACES)


@dataclass(frozen=True)
class RebuiltInputsResult:
    """Of each group the mean over its pictures; errors are |x^ - x| / |x| with x^ made as long as x."""

    errors: dict[str, list[float]]
    kept: dict[str, list[float]]  # e
    law_ratio: dict[str, list[float]]  # cosine over sqrt(e / (1 + e))


def rebuilt_inputs(p: RebuiltInputs) -> RebuiltInputsResult | Absent:
    result = RebuiltInputsResult({name: [] for name in (*FILTERS, *GUESSES)}, *({f: [] for f in FILTERS} for _ in "ab"))
    try:
        others = at(p.place, slice(-100, None)).x  # pictures that are in no group
        means = others.mean((0, 2, 3))[:, None, None]
        for group in range(p.groups):
            _rebuild(p, group, means, result)
    except data.NotAtHand:
        return Absent(NOT_AT_HAND)
    return result


def _rebuild(p: RebuiltInputs, group: int, means: Tensor, result: RebuiltInputsResult) -> None:
    place, generator = at(p.place, slice(GROUP * group, GROUP * (group + 1))), trial_generator(p.seed, group)
    x = place.x
    for name in FILTERS:
        layer = Convolution(unit_rows(_replaced(place.filters, name, generator)), padding=place.padding)
        h, size = torch.relu(layer.up(x)), tuple(x.shape[2:])
        kept = project(h, None, (2, 2))
        found = _cosine(x, layer.down(kept, size))
        energy = (kept.square().flatten(1).sum(1) / x.square().flatten(1).sum(1)).tolist()
        law = torch.tensor([one_step.cosine(e) for e in energy])
        result.errors[name].append(_matched(found))
        result.kept[name].append(float(np.mean(energy)))
        result.law_ratio[name].append(float((found / law).mean()))
        if name == "random":
            moved = layer.down(project(h, None, (2, 2), "fixed"), size)
            result.errors["fixed"].append(_matched(_cosine(x, moved)))
    noise = torch.randn(x.shape, generator=generator)
    shown = {"ones": torch.ones_like(x), "means": means.expand_as(x), "noise": noise, "abs_noise": noise.abs()}
    for name, guess in shown.items():
        result.errors[name].append(_matched(_cosine(x, guess)))


def _replaced(filters: Tensor, name: str, generator: torch.Generator) -> Tensor:
    if name == "learned":
        return filters
    if name == "random":
        return torch.randn(filters.shape, generator=generator)
    return torch.stack([w.flatten()[torch.randperm(w.numel(), generator=generator)].view_as(w) for w in filters])


def _cosine(x: Tensor, back: Tensor) -> Tensor:
    return functional.cosine_similarity(x.flatten(1).double(), back.flatten(1).double())


def _matched(cosines: Tensor) -> float:
    return float(np.mean([one_step.matched_error(c) for c in cosines.tolist()]))


def rebuilt_cells(profile: str) -> list[RebuiltInputs]:
    groups = {"smoke": 2, "book": 2, "full": 20}[profile]
    places = PLACES if profile == "full" else EXACT
    return [RebuiltInputs(place=place, groups=groups, seed=seed_of("rebuilt-inputs", place)) for place in places]


def rebuilt_measures(pairs: list[tuple[RebuiltInputs, RebuiltInputsResult | Absent]]) -> dict[str, Estimate]:
    measures: dict[str, Estimate] = {}
    for place, r in ((p.place, r) for p, r in pairs if isinstance(r, RebuiltInputsResult)):
        for name, errors in r.errors.items():
            measures[f"error_{name}_{place}"] = Estimate.of(errors)
        random = np.array(r.errors["random"])
        for name in ("learned", "permuted", "fixed", "ones", "means", "abs_noise"):
            measures[f"random_below_{name}_{place}"] = Estimate.of(np.array(r.errors[name]) - random)
        for name in ("learned", "random"):
            measures[f"law_ratio_{name}_{place}"] = Estimate.of(r.law_ratio[name])
            measures[f"kept_{name}_{place}"] = Estimate.of(r.kept[name])
    return measures


# --- Table 4: coherence -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class FilterCoherence:
    """The largest correlation of two filters: Gaussian ones, fresh in each draw, or those of a trained layer."""

    filters: str  # "random", or the layer of a trained net, one of LAYERS
    count: int = 0  # of random filters
    fan_in: int = 0
    draws: int = 1
    seed: int

    def __post_init__(self) -> None:
        one_of("filters", self.filters, ("random", *LAYERS))


LAYERS = {
    "vgg_c11": (VGG, "conv1_1"), "lenet_conv1": (LENET, "conv1"), "lenet_conv2": (LENET, "conv2"),
    "vgg_c12": (VGG, "conv1_2"), "vgg_c21": (VGG, "conv2_1"), "vgg_c22": (VGG, "conv2_2"), "vgg_c31": (VGG, "conv3_1"),
}  # fmt: skip
EXACT_LAYERS = ("vgg_c11", "lenet_conv1", "lenet_conv2")  # those whose input channels are not rescaled


@dataclass(frozen=True)
class FilterCoherenceResult:
    modulus: tuple[float, ...]  # of each draw: the largest |correlation|
    signed: tuple[float, ...]  # the largest correlation
    shifted: float | None  # of trained filters: the largest |correlation| with one of the two filters shifted
    share_below: tuple[float, ...]  # where the modulus lies in the law of random filters, from 0 to 1
    over_median: float  # mean modulus over the law's median


def filter_coherence(p: FilterCoherence) -> FilterCoherenceResult | Absent:
    try:
        trained = None if p.filters == "random" else torch.from_numpy(_weights(*LAYERS[p.filters])).double()
    except data.NotAtHand:
        return Absent(NOT_AT_HAND)
    shape = (p.count, p.fan_in) if trained is None else (len(trained), trained[0].numel())
    modulus, signed = [], []
    for draw in range(p.draws):
        drawn = torch.randn(shape, generator=trial_generator(p.seed, draw), dtype=torch.float64)
        rows = unit_rows((drawn if trained is None else trained).flatten(1))
        above = (rows @ rows.T)[tuple(torch.triu_indices(len(rows), len(rows), offset=1))]
        modulus.append(float(above.abs().max()))
        signed.append(float(above.max()))
    below = tuple(laws.largest_cdf(value, *shape) for value in modulus)
    over = float(np.mean(modulus)) / laws.largest_quantile(0.5, *shape)
    shifted = None if trained is None else _shifted(trained)
    return FilterCoherenceResult(tuple(modulus), tuple(signed), shifted, below, over)


def _weights(net: str, layer: str) -> np.ndarray:
    return data.pretrained(net)[f"{layer}.weight"]


def _shifted(filters: Tensor) -> float:
    """The largest |<w, w' shifted>| / (|w| |w'|) of all pairs and shifts, a filter and its own shifts included."""
    rows = unit_rows(filters)
    taps = filters.shape[-1]
    largest = 0.0
    for down, right in itertools.product(range(taps), range(-taps + 1, taps)):
        one = rows[:, :, down:, max(right, 0) : taps + min(right, 0)].flatten(1)
        other = rows[:, :, : taps - down, max(-right, 0) : taps - max(right, 0)].flatten(1)
        products = (one @ other.T).abs()
        if (down, right) == (0, 0):
            products.fill_diagonal_(0.0)
        largest = max(largest, float(products.max()))
    return largest


def coherence_cells(profile: str) -> list[FilterCoherence]:
    shapes = [(64, 27), (64, 576), (128, 1152), (256, 1152)][: {"smoke": 1, "book": 2, "full": 4}[profile]]
    draws = {"smoke": 20, "book": 60, "full": 300}[profile]
    trained = EXACT_LAYERS if profile != "full" else tuple(LAYERS)
    cells = [FilterCoherence(filters=layer, seed=seed_of("filter-coherence", layer)) for layer in trained]
    return cells + [
        FilterCoherence(filters="random", count=count, fan_in=fan_in, draws=draws,
                        seed=seed_of("filter-coherence", f"{count} x {fan_in}"))
        for count, fan_in in shapes
    ]  # fmt: skip


def coherence_measures(pairs: list[tuple[FilterCoherence, FilterCoherenceResult | Absent]]) -> dict[str, Estimate]:
    random = [r for p, r in pairs if p.filters == "random" and isinstance(r, FilterCoherenceResult)]
    shares = [Estimate.of(r.share_below) for r in random]
    measures = {
        "share_below_gap": Estimate.exact(max(abs(e.mean - 0.5) for e in shares)),
        "inside_by_modulus": Estimate.exact(inside(absolute=True)),
        "inside_signed": Estimate.exact(inside(absolute=False)),
    }
    for layer, r in ((p.filters, r) for p, r in pairs if p.filters != "random"):
        if isinstance(r, FilterCoherenceResult):
            measures[f"modulus_{layer}"] = Estimate.exact(r.modulus[0])
            measures[f"signed_{layer}"] = Estimate.exact(r.signed[0])
            measures[f"shifted_{layer}"] = Estimate.exact(r.shifted or 0.0)
            measures[f"over_random_{layer}"] = Estimate.exact(r.over_median)
    return measures


def inside(absolute: bool) -> int:
    """How many of the random column of Table 4 lie in the middle 95 % of the law."""
    levels = [laws.largest_cdf(line.random, line.filters, line.fan_in, absolute) for line in TABLE_4.values()]
    return sum(0.025 <= level <= 0.975 for level in levels)


EXPERIMENTS = {
    "active-shares": Experiment(
        shares_cells, active_shares, shares_measures, label=labels.active_shares, repeats=("groups",)
    ),
    "rebuilt-inputs": Experiment(
        rebuilt_cells, rebuilt_inputs, rebuilt_measures, label=labels.rebuilt_inputs, repeats=("groups",)
    ),
    "filter-coherence": Experiment(
        coherence_cells, filter_coherence, coherence_measures, label=labels.filter_coherence
    ),
}
