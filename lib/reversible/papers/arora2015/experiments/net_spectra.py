"""Section 4.1: every weight matrix of trained nets, beside its nulls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from reversible import data
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.papers.arora2015.experiments.trained_here import SCHEDULES
from reversible.papers.arora2015.labels import nets as labels
from reversible.runs.experiment import Absent, Experiment
from reversible.spectra import downloads
from reversible.spectra import matrix as spectra
from reversible.spectra.matrix import CORRELATED, GAUSSIAN, SMALLEST
from reversible.spectra.weight_files import Layer, matrices
from reversible.theory.singular_values import Array
from reversible.training.run import final_net

QUANTILES = np.linspace(0, 1, 61)

DENSE = ("lenet300_100_dense", "lenet5_dense", "alexnet_kmeans", "vgg19_normalised_conv1_1_to_conv3_1")
PRUNED = ("lenet300_100_sparse", "lenet5_sparse", "squeezenet_v1_0_compressed")
DOWNLOADED = ("torchvision:alexnet", "torchvision:vgg16")
GROUPS = {"alexnet_kmeans": ("conv2", "conv4", "conv5")}  # halves of the outputs that see halves of the inputs
OWN = "trained on digits"


@dataclass(frozen=True, kw_only=True)
class NetSpectra:
    """All matrices of a net; convolutions as (out, in * height * width), and (out, in) at each place of the kernel."""

    net: str
    seed: int  # of the nulls

    def __post_init__(self) -> None:
        one_of("net", self.net, (*DENSE, *PRUNED, *DOWNLOADED, OWN))


@dataclass(frozen=True)
class NetSpectraResult:
    # spectra.Row.to_json(), `quantiles` of the singular values over sigma sqrt(n), and of a convolution `places`, the
    # places of its kernel, and `places_on_law`, those whose matrix has its bulk on the law
    rows: tuple[dict[str, Any], ...]


def net_spectra(p: NetSpectra) -> NetSpectraResult | Absent:
    """Measure a net's matrices; `Absent` where its weights are not at hand."""
    try:
        found = layers_of(p.net)
    except data.NotAtHand:
        return Absent("weights not at hand")
    return NetSpectraResult(tuple(_row(layer, p.seed) for layer in found))


def layers_of(net: str) -> list[Layer]:
    """The layers of a net of this experiment that have a matrix to look at; `data.NotAtHand`."""
    if net in DOWNLOADED:
        return [Layer(name, weight) for name, weight in downloads.layers(net).items()]
    if net == OWN:
        return [Layer(f"fc{i}", A.numpy()) for i, A in enumerate(final_net(SCHEDULES["digits"]).weights, 1)]
    arrays = data.pretrained(net)
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
    values = linalg.svdvals(matrix)[: min(row.shape_used)] / (row.measured.sigma * max(row.shape_used) ** 0.5)
    places = [matrix for _, matrix in matrices(layer, positions=True)[1:] if min(matrix.shape) >= SMALLEST]
    on_law = sum(_on_law(spectra.analyse(place, nulls=False).to_json()) for place in places)
    shown = {"quantiles": [float(f"{q:.5g}") for q in np.quantile(values, QUANTILES)]}
    return row.to_json() | shown | ({"places": len(places), "places_on_law": on_law} if places else {})


def spectra_cells(profile: str) -> list[NetSpectra]:
    nets = {
        "smoke": (OWN, "lenet300_100_dense"),
        "book": (OWN, "lenet300_100_dense", "lenet5_dense"),
        "full": (*DENSE, *PRUNED, OWN, *DOWNLOADED),
    }[profile]
    return [NetSpectra(net=net, seed=8500 + i) for i, net in enumerate(nets)]


def spectra_measures(pairs: list[tuple[NetSpectra, NetSpectraResult | Absent]]) -> dict[str, Estimate]:
    """Shares are of the matrices of dense nets with `SMALLEST` singular values or more."""
    rows = {p.net: r.rows for p, r in pairs if isinstance(r, NetSpectraResult)}
    counted = [row for net in rows if net in (*DENSE, OWN) for row in rows[net] if min(row["shape_used"]) >= SMALLEST]
    measures: dict[str, Estimate] = {}
    for name, holds in COUNTED.items():
        measures[f"share_{name}"] = Estimate.of_share([holds(row) for row in counted])
    if "torchvision:alexnet" in rows:
        connected = [row for row in rows["torchvision:alexnet"] if row["layer"].startswith("classifier")]
        leaves = sum(row["verdict"] == spectra.RANDOM_LIKE for row in connected)
        measures["alexnet_fc_largest_ks"] = Estimate.exact(max(row["ks"] for row in connected))
        measures["alexnet_fc_nothing_leaves"] = Estimate.exact(leaves)
    return measures


def _on_law(row: dict[str, Any]) -> bool:
    p = min(row["shape_used"])
    return row["ks"] <= spectra.BULK_FIT + 1 / p and row["n_spikes"] <= spectra.LARGEST_RANK * p


COUNTED = {
    "columns_independent": lambda row: row["gram_rms"] <= CORRELATED * row["nulls"]["permuted"]["gram_rms"],
    "entries_gaussian": lambda row: row["entries_ks"] <= GAUSSIAN,
    "bulk_on_law": _on_law,
    "nothing_leaves": lambda row: _on_law(row) and row["n_spikes"] == 0,
    "more_spikes_than_permuted": lambda row: row["n_spikes"] > row["nulls"]["permuted"]["n_spikes"],
    "not_heavy_tailed": lambda row: row["verdict"] != spectra.HEAVY_TAILED,
}

EXPERIMENTS = {"net-spectra": Experiment(spectra_cells, net_spectra, spectra_measures, label=labels.net_spectra)}
