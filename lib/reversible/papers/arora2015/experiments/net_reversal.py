"""Section 4.1 on real nets: is a trained net reversible with its own transposed weights, and what has training done?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reversible import data
from reversible.base.checks import InputError, fraction, integer, one_of
from reversible.base.estimates import Estimate
from reversible.base.runtime import trial_generator
from reversible.nets.net import Net
from reversible.nets.reversal import RANDOM, REPLACEMENTS, replaced, round_trip
from reversible.papers.arora2015.experiments.trained_here import LENETS, SCHEDULES, trained_nets
from reversible.papers.arora2015.labels import nets as labels
from reversible.runs.experiment import Absent, Experiment
from reversible.training.config import Training

IMAGES_SEED = 4100  # which test images a batch holds hangs on its number alone, so that cells can be compared in pairs


# --- a net sent down by its own weights, beside controls --------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class NetReversal:
    """Test images x -> code h_l -> down to x~ -> up to h_hat_l, in batches with their own images and random draws.

    Of one net the batches are the independent repeats; where `training` has several seeds, its nets are.
    """

    net: str  # one of LENETS, or "trained": by `training`
    data: str  # what it is shown
    layer: int  # hidden layer from which it generates: 1 or 2
    generation: str = "transpose"  # what takes the place of the layers' matrices, see reversal.REPLACEMENTS
    everywhere: bool = False  # True: it takes it on the way up as well, in the layers up to `layer`
    rho: float = 1.0  # retention of the generation's dropout
    biases: str = "trained"  # or "zero"
    training: Training | None = None
    batches: int = 20
    images: int = 100  # a batch
    seed: int

    def __post_init__(self) -> None:
        one_of("net", self.net, (*LENETS, "trained"))
        one_of("data", self.data, data.NAMES)
        one_of("generation", self.generation, REPLACEMENTS)
        one_of("biases", self.biases, ("trained", "zero"))
        fraction("rho", self.rho)
        integer("layer", self.layer, high=2)
        integer("batches", self.batches, low=2)
        integer("images", self.images, low=2)
        if (self.net == "trained") != (self.training is not None):
            raise InputError(f"training must be given where net is trained and nowhere else, not {self.training}")


@dataclass(frozen=True)
class NetReversalResult:
    """Estimates are over repeats, each the mean of its images; supports are shares of the layer's units."""

    cosine: Estimate  # of h and h_hat
    centred: Estimate  # of h and h_hat, each less its mean over the images of the batch
    cosine_other: Estimate  # of h and the h_hat of another image: what all codes have in common
    specific: Estimate  # cosine less cosine_other, paired: what came back of this image and no other
    relative_error: Estimate  # ||h_hat - h||^2 / ||h||^2 at the theory's scale
    scaled_error: Estimate  # the same at the best scale of the batch
    scale: Estimate  # that scale
    support: Estimate  # of h
    support_back: Estimate  # of h_hat
    support_shared: Estimate  # of both
    input_cosine: Estimate  # of x and x~
    input_error: Estimate  # relative, squared, at the best scale
    input_nonzero: Estimate  # share of pixels of x
    input_nonzero_back: Estimate  # of x~
    agreement: Estimate  # share of images whose x~ the net gives the class it gives x
    negative_bias_share: Estimate  # of the layer's own units; interval over units
    mean_bias: Estimate  # over the root mean square of what the biases are added to; interval over units
    cosine_by_repeat: tuple[float, ...]
    centred_by_repeat: tuple[float, ...]
    scaled_error_by_repeat: tuple[float, ...]


def net_reversal(p: NetReversal) -> NetReversalResult | Absent:
    """Run p.batches batches of each net. Deterministic in p; `Absent` where data or weights are not at hand.

    Raises InputError where there are fewer test images than p asks for.
    """
    try:
        nets, test = _nets(p), data.load(p.data, train=False)
    except data.NotAtHand as missing:
        return Absent(str(missing))
    pixels = nets[0].weights[0].shape[1]
    if pixels != test.pixels.shape[1]:
        raise InputError(f"data must be of {pixels} pixels for {p.net}, not {p.data!r}")
    if p.batches * p.images > len(test.labels):
        raise InputError(f"batches times images must be at most {len(test.labels)}, not {p.batches} x {p.images}")
    order = torch.randperm(len(test.labels), generator=trial_generator(IMAGES_SEED, 0))
    shown = [test.take(places).scaled() for places in order[: p.batches * p.images].split(p.images)]
    by_net = [_batches(p, net, place, shown) for place, net in enumerate(nets)]
    repeats = [_mean(rows) for rows in by_net] if len(nets) > 1 else by_net[0]
    columns = {name: [row[name] for row in repeats] for name in repeats[0]}
    return NetReversalResult(
        **{name: Estimate.of(values) for name, values in columns.items()},
        **_bias_facts(nets, p.layer, torch.cat(shown)),
        cosine_by_repeat=tuple(columns["cosine"]),
        centred_by_repeat=tuple(columns["centred"]),
        scaled_error_by_repeat=tuple(columns["scaled_error"]),
    )


def _batches(p: NetReversal, net: Net, place: int, shown: Sequence[Tensor]) -> list[dict[str, float]]:
    """The measures of each batch of one net, the one at this place among the cell's nets."""
    found: list[dict[str, float]] = []
    matrices: list[Tensor] = []
    for batch, x in enumerate(shown):
        generator = trial_generator(p.seed, place * p.batches + batch)
        if batch == 0 or p.generation in RANDOM:
            matrices = [replaced(A, p.generation, generator) for A in net.weights[: p.layer]]
        found.append(_measures(p, net.with_first(matrices) if p.everywhere else net, matrices, x, generator))
    return found


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _measures(p: NetReversal, net: Net, matrices: Sequence[Tensor], x: Tensor, generator: Any) -> dict[str, float]:
    """Of a batch x (B, n), by name; see `NetReversalResult`."""
    trip = round_trip(net, matrices, x, p.rho, [generator])
    codes, inputs = trip.codes, trip.inputs
    cosine, other = float(codes.cosine.mean()), float(trip.others.cosine.mean())
    units, pixels = matrices[-1].shape[0], x.shape[1]
    return {
        "cosine": cosine,
        "centred": float(codes.centred.mean()),
        "cosine_other": other,
        "specific": cosine - other,
        "relative_error": float(codes.relative_error.mean()),
        "scaled_error": float(codes.scaled_error.mean()),
        "scale": codes.scale,
        "support": float(codes.support.mean()) / units,
        "support_back": float(codes.support_back.mean()) / units,
        "support_shared": float(codes.support_shared.mean()) / units,
        "input_cosine": float(inputs.cosine.mean()),
        "input_error": float(inputs.scaled_error.mean()),
        "input_nonzero": float(inputs.support.mean()) / pixels,
        "input_nonzero_back": float(inputs.support_back.mean()) / pixels,
        "agreement": float(trip.same_class.double().mean()),
    }


def _bias_facts(nets: Sequence[Net], layer: int, x: Tensor) -> dict[str, Estimate]:
    """Of the layer's biases: over its units for one net, over nets for several."""
    shares, means = zip(*(_biases(net, layer, x) for net in nets), strict=True)
    if len(nets) == 1:
        return {"negative_bias_share": Estimate.of_share(shares[0]), "mean_bias": Estimate.of(means[0])}
    over_nets = (Estimate.of([float(np.mean(units)) for units in of_nets]) for of_nets in (shares, means))
    return dict(zip(("negative_bias_share", "mean_bias"), over_nets, strict=True))


def _biases(net: Net, layer: int, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Unit by unit: whether the bias is negative, and the bias over the root mean square of what it is added to."""
    bias, below = net.biases[layer - 1], net.up(x, layer - 1)[-1] if layer > 1 else x
    rms = float((below @ net.weights[layer - 1].T).square().mean().sqrt())
    return (bias < 0).double().numpy(), bias.double().numpy() / rms


def _nets(p: NetReversal) -> list[Net]:
    nets = trained_nets(p.training) if p.training else [Net.of(data.pretrained(p.net))]
    return [net if p.biases == "trained" else net.without_biases() for net in nets]


CONTROLS: list[dict[str, Any]] = [{"generation": how} for how in REPLACEMENTS if how != "transpose"]
# A pseudo-inverse is no net of its own.
OTHER_NETS = [{**control, "everywhere": True} for control in CONTROLS if control["generation"] != "pseudo-inverse"]
VARIATIONS: list[dict[str, Any]] = [
    {}, *CONTROLS, *OTHER_NETS, {"rho": 0.8}, {"rho": 0.5}, {"biases": "zero"},
]  # fmt: skip


def reversal_cells(profile: str) -> list[NetReversal]:
    """Around transpose, rho = 1 and trained biases, one thing changed at a time, for each net and hidden layer.

    The nets that are trained here are ten of each kind: what is said of trained nets is said of these.
    """
    dense, sparse = ({"net": name, "data": "mnist"} for name in LENETS)
    seeds = tuple(range({"smoke": 3, "book": 5, "full": 10}[profile]))
    digits, mnist = (
        {"net": "trained", "data": name, "training": replace(schedule, seeds=seeds)}
        for name, schedule in SCHEDULES.items()
    )
    few: list[dict[str, Any]] = [{}, *CONTROLS]
    grids = {
        "smoke": [(digits, VARIATIONS, 3, 20), (dense, few, 4, 10)],
        "book": [(digits, VARIATIONS, 5, 36), (dense, VARIATIONS, 10, 20), (sparse, few, 10, 20)],
        "full": [
            (digits, VARIATIONS, 10, 36), *((net, VARIATIONS, 20, 100) for net in (dense, sparse)),
            (mnist, VARIATIONS, 10, 100),
        ],
    }[profile]  # fmt: skip
    places = [
        {**net, "layer": layer, **change, "batches": batches, "images": images}
        for net, changes, batches, images in grids
        for layer in (1, 2)
        for change in changes
    ]
    return [NetReversal(**place, seed=9000 + i) for i, place in enumerate(places)]


def reversal_measures(pairs: Sequence[tuple[NetReversal, NetReversalResult | Absent]]) -> dict[str, Estimate]:
    """For each net and layer that is at hand; `X_above_Y` is the transpose less Y, paired by repeat."""
    there = [(p, r) for p, r in pairs if isinstance(r, NetReversalResult)]
    measures: dict[str, Estimate] = {}
    for p, r in there:
        place, change = place_of(p), _change(p)
        if change:
            base = next(own for q, own in there if place_of(q) == place and not _change(q))
            for name in ("cosine", "centred", "scaled_error"):
                pairs_of = getattr(base, f"{name}_by_repeat"), getattr(r, f"{name}_by_repeat")
                measures[f"{name}_above_{change}_{place}"] = Estimate.of(np.subtract(*pairs_of))
            measures |= {f"{name}_{change}_{place}": getattr(r, name) for name in ("specific", "scale")}
        else:
            named = {name: getattr(r, name) for name in PLAIN} | {"active_share": r.support}
            measures |= {f"{name}_{place}": value for name, value in named.items()}
    return measures


PLAIN = (
    "cosine", "centred", "cosine_other", "specific", "relative_error", "scaled_error", "scale", "input_cosine",
    "input_error", "agreement", "negative_bias_share", "mean_bias",
)  # fmt: skip


def place_of(p: NetReversal) -> str:
    net = f"trained_{p.data}" if p.training else p.net.removeprefix("lenet300_100_")
    return f"{net}_{p.layer}"


def _change(p: NetReversal) -> str:
    """What sets a cell apart from the base; empty for the base itself."""
    control = "" if p.generation == "transpose" else p.generation.replace("-", "_")
    words = [
        f"{control}_everywhere" if p.everywhere else control,
        f"rho_{p.rho:g}".replace(".", "_") if p.rho < 1 else "",
        "zero_biases" if p.biases == "zero" else "",
    ]
    return "_".join(filter(None, words))


EXPERIMENTS = {
    "net-reversal": Experiment(reversal_cells, net_reversal, reversal_measures, label=labels.net_reversal),
}
