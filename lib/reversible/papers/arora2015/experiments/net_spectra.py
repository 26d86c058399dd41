"""Section 4.1: every weight matrix of trained nets, beside its nulls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import linalg

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.papers.arora2015.experiments.trained_here import SCHEDULES
from reversible.papers.arora2015.labels import nets as labels
from reversible.runs.experiment import Absent, Experiment
from reversible.spectra import bulk, downloads, verdicts
from reversible.spectra import matrix as spectra
from reversible.spectra.verdicts import CORRELATED, GAUSSIAN, SMALLEST
from reversible.spectra.weight_files import Layer, matrices
from reversible.theory.singular_values import Array
from reversible.training.run import final_net

QUANTILES = np.linspace(0, 1, 61)

DOWNLOADED = ("torchvision:alexnet", "torchvision:vgg16")
GROUPS = {"alexnet_kmeans": ("conv2", "conv4", "conv5")}  # halves of the outputs that see halves of the inputs
OWN = "trained on digits"
EXACT, ESTIMATED, RESCALED, PRUNED = "exact", "estimated", "rescaled", "pruned"
WEIGHTS = {  # what those at hand are of the weights that were trained; the exact ones of dense nets are judged
    "lenet300_100_dense": EXACT, "lenet5_dense": EXACT, "alexnet_kmeans": ESTIMATED,
    "vgg19_normalised_conv1_1_to_conv3_1": RESCALED, "vgg16_hed_bsds500": EXACT, "lenet300_100_sparse": PRUNED,
    "lenet5_sparse": PRUNED, "squeezenet_v1_0_compressed": PRUNED, OWN: EXACT,
    **dict.fromkeys(DOWNLOADED, EXACT),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class NetSpectra:
    """All matrices of a net; convolutions as (out, in * height * width), and (out, in) at each place of the kernel."""

    net: str
    seed: int  # of the nulls

    def __post_init__(self) -> None:
        one_of("net", self.net, WEIGHTS)


@dataclass(frozen=True)
class NetSpectraResult:
    # spectra.Row.to_json(), `quantiles` of the singular values over sigma sqrt(n), and of a convolution `places`, the
    # places of its kernel, and `places_on_law`, those whose matrix has its bulk on the law
    rows: tuple[dict[str, Any], ...]
    weights: str = EXACT  # of WEIGHTS


def net_spectra(p: NetSpectra) -> NetSpectraResult | Absent:
    """Measure a net's matrices; `Absent` where its weights are not at hand."""
    try:
        found = layers_of(p.net)
    except data.NotAtHand:
        return Absent("weights not at hand")
    return NetSpectraResult(tuple(_row(layer, p.seed) for layer in found), WEIGHTS[p.net])


def layers_of(net: str) -> list[Layer]:
    """The layers of a net of this experiment that have a matrix to look at; `data.NotAtHand`."""
    if net in DOWNLOADED:
        return [Layer(name, weight) for name, weight in downloads.layers(net).items()]
    if net == OWN:
        return [Layer(f"fc{i}", A.numpy()) for i, A in enumerate(final_net(SCHEDULES["digits"]).weights, 1)]
    arrays = data.trained_weights(net)
    found = [Layer(name, array) for name, array in _decoded(arrays).items() if name != "preprocess"]
    return [part for layer in found for part in _grouped(layer, layer.name in GROUPS.get(net, ()))]


def _decoded(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """NAME -> weights; a layer stored as clusters is looked up in its codebook."""
    plain = {name.removesuffix(".weight"): a for name, a in arrays.items() if name.endswith(".weight")}
    indices = {name.removesuffix(".index"): a for name, a in arrays.items() if name.endswith(".index")}
    return plain | {name: arrays[f"{name}.codebook"][index] for name, index in indices.items()}


def _grouped(layer: Layer, halves: bool) -> list[Layer]:
    if not halves:
        return [layer]
    parts = np.split(layer.weight, 2)
    return [Layer(f"{layer.name}, group {i}", part) for i, part in enumerate(parts, 1)]


def _row(layer: Layer, seed: int) -> dict[str, Any]:
    matrix = matrices(layer)[0][1]
    row = spectra.analyse(matrix, layer.name, seed=seed)
    unit = row.measured.sigma or (np.square(matrix).sum() / np.prod(row.shape_used)) ** 0.5  # where no bulk fits
    values = linalg.svdvals(matrix)[: min(row.shape_used)] / (unit * max(row.shape_used) ** 0.5)
    places = [matrix for _, matrix in matrices(layer, positions=True)[1:] if min(matrix.shape) >= SMALLEST]
    measured = [spectra.analyse(place, nulls=False).measured for place in places]
    on_law = sum(verdicts.on_law(m, min(place.shape)) for m, place in zip(measured, places, strict=True))
    shown = {"quantiles": [float(f"{q:.5g}") for q in np.quantile(values, QUANTILES)]}
    return row.to_json() | shown | ({"places": len(places), "places_on_law": on_law} if places else {})


def spectra_cells(profile: str) -> list[NetSpectra]:
    nets = {
        "smoke": (OWN, "lenet300_100_dense"),
        "book": (OWN, "lenet300_100_dense", "lenet5_dense"),
        "full": tuple(WEIGHTS),
    }[profile]
    return [NetSpectra(net=net, seed=8500 + i) for i, net in enumerate(nets)]


def spectra_measures(pairs: list[tuple[NetSpectra, NetSpectraResult | Absent]]) -> dict[str, Estimate]:
    """Shares are of the exact matrices of dense nets with `SMALLEST` singular values or more; of inexact ones apart.

    What torchvision offers is measured apart, too: whoever has no access to it gets the same shares.
    """
    found = [(p.net, r) for p, r in pairs if isinstance(r, NetSpectraResult) and r.weights != PRUNED]
    here = [(r.weights, row) for net, r in found if net not in DOWNLOADED for row in r.rows]
    judged = [(weights, row) for weights, row in here if min(row["shape_used"]) >= SMALLEST]
    measures: dict[str, Estimate] = {}
    for name, holds in COUNTED.items():
        for kind, are in (("share", True), ("inexact_share", False)):
            if own := [holds(row) for weights, row in judged if (weights == EXACT) == are]:
                measures[f"{kind}_{name}"] = Estimate.of_share(own)
    for net, r in found:
        if net == "torchvision:alexnet":
            connected = [row for row in r.rows if row["layer"].startswith("classifier")]
            measures["alexnet_fc_on_law"] = Estimate.of_share([on_law(row) for row in connected])
            measures["alexnet_fc_nothing_leaves"] = Estimate.of_share(list(map(COUNTED["nothing_leaves"], connected)))
    return measures


def on_law(row: dict[str, Any]) -> bool:
    """Whether the bulk of a matrix, a row as JSON has it, is on the law."""
    return row["rank"] == _rank(row) and verdicts.on_law(_bulk(row), _rank(row))


def left(row: dict[str, Any]) -> int:
    """How many singular values have left the bulk: all where none fits."""
    return row["rank"] if row["n_spikes"] is None else row["n_spikes"]


def _levelled_on_law(row: dict[str, Any]) -> bool:
    return bool(row["levelled"]) and verdicts.on_law(_bulk(row["levelled"]), _rank(row), levelled=True)


def _bulk(of: dict[str, Any]) -> bulk.Bulk:
    return bulk.Bulk(**{field.name: of[field.name] for field in fields(bulk.Bulk)})


def _rank(row: dict[str, Any]) -> int:
    return min(row["shape_used"])


COUNTED = {
    "columns_independent": lambda row: row["gram_rms"] <= CORRELATED * row["nulls"]["scaled"]["gram_rms"],
    "entries_gaussian": lambda row: row["entries_ks"] <= GAUSSIAN,
    "bulk_on_law": on_law,
    "nothing_leaves": lambda row: on_law(row) and row["n_spikes"] == 0,
    "levelled_on_law": _levelled_on_law,
    "more_spikes_than_permuted": lambda row: left(row) > left(row["nulls"]["permuted"]),
    "more_spikes_than_scaled": lambda row: left(row) > left(row["nulls"]["scaled"]),
    "spikes_once_levelled": lambda row: bool(row["levelled"]) and row["levelled"]["n_spikes"] > 0,
    "not_heavy_tailed": lambda row: row["verdict"] != verdicts.HEAVY_TAILED,
}

EXPERIMENTS = {"net-spectra": Experiment(spectra_cells, net_spectra, spectra_measures, label=labels.net_spectra)}
