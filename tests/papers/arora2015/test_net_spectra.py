"""The experiments on spectra: what is counted, what is left out, and that a broken fit would show."""

import json
import re

import numpy as np
import pytest

from reversible import data
from reversible.base.estimates import Estimate
from reversible.papers import EXPERIMENTS, figure_of
from reversible.papers.arora2015 import tables
from reversible.papers.arora2015.experiments import instrument as spectral_laws
from reversible.papers.arora2015.experiments import known_kinds, net_spectra
from reversible.papers.arora2015.experiments import noise as other_noise
from reversible.papers.arora2015.experiments.instrument import Planted, plant, planted
from reversible.papers.arora2015.experiments.net_spectra import (
    NetSpectra,
    NetSpectraResult,
    layers_of,
    spectra_measures,
)
from reversible.records import make
from reversible.runs.experiment import Absent
from reversible.spectra import bulk, nulls, verdicts
from reversible.spectra import matrix as spectra


def test_clusters_are_looked_up_and_groups_are_apart(needs_weights):
    layers = {layer.name: layer.weight for layer in layers_of("alexnet_kmeans")}
    assert layers["conv2, group 1"].shape == layers["conv2, group 2"].shape == (128, 48, 5, 5)
    assert {"conv1", "conv3", "fc8"} < set(layers)
    stored = data.pretrained("alexnet_kmeans")
    assert layers["fc8"][3, 7] == stored["fc8.codebook"][stored["fc8.index"][3, 7]]
    assert layers["conv4, group 2"][0, 0, 0, 0] == stored["conv4.codebook"][stored["conv4.index"][192, 0, 0, 0]]
    assert "preprocess" not in {layer.name for layer in layers_of("vgg19_normalised_conv1_1_to_conv3_1")}


def test_weights_that_are_not_there_are_absent_and_measured_by_none(monkeypatch, tmp_path):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    cell = NetSpectra(net="lenet5_dense", seed=0)
    found = net_spectra.net_spectra(cell)
    assert found == Absent("weights not at hand")
    one = spectra.analyse(np.random.default_rng(0).standard_normal((50, 40)), "fc1").to_json()
    own = NetSpectra(net=net_spectra.OWN, seed=1)
    measures = spectra_measures([(cell, found), (own, NetSpectraResult((one,)))])
    assert measures["share_bulk_on_law"] == Estimate.of_share([1])
    assert "alexnet_fc_on_law" not in measures


def row(**changes):
    rng = np.random.default_rng(1)
    return spectra.analyse(rng.standard_normal((60, 48)), "classifier.1").to_json() | changes


LEVELLED = row()["levelled"]


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({}, "share_nothing_leaves"),
        ({"ks": 0.2}, "share_bulk_on_law"),
        ({"n_spikes": 2}, "share_nothing_leaves"),
        ({"n_spikes": 20}, "share_bulk_on_law"),
        ({"gram_rms": 2.0}, "share_columns_independent"),
        ({"levelled": LEVELLED | {"ks": 0.2}}, "share_levelled_on_law"),
        ({"levelled": None}, "share_levelled_on_law"),
        ({"entries_ks": 0.06}, "share_entries_gaussian"),
        ({"verdict": verdicts.HEAVY_TAILED}, "share_not_heavy_tailed"),
    ],
)
def test_what_counts(changes, share):
    measured = spectra_measures([(NetSpectra(net="lenet5_dense", seed=0), NetSpectraResult((row(**changes),)))])
    assert measured[share].mean == (0 if changes else 1)


def test_pruned_nets_and_small_matrices_are_not_counted_and_inexact_ones_apart():
    counted, small, off = row(), row(shape_used=[60, 20], ks=0.9), row(ks=0.9)
    nets = {
        "lenet5_dense": (counted, small), "lenet5_sparse": (off,), "alexnet_kmeans": (off, counted, off),
        "vgg19_normalised_conv1_1_to_conv3_1": (off,), "torchvision:vgg16": (off,),
    }  # fmt: skip
    pairs: list[tuple[NetSpectra, NetSpectraResult | Absent]] = [
        (NetSpectra(net=net, seed=0), NetSpectraResult(rows, net_spectra.WEIGHTS[net])) for net, rows in nets.items()
    ]
    measured = spectra_measures(pairs)
    assert (measured["share_bulk_on_law"].n, measured["share_bulk_on_law"].mean) == (1, 1)
    assert (measured["inexact_share_bulk_on_law"].n, measured["inexact_share_bulk_on_law"].mean) == (4, 0.25)


def test_spikes_are_counted_beside_each_null():
    own = row(n_spikes=3)
    own["nulls"]["scaled"]["n_spikes"], own["nulls"]["permuted"]["n_spikes"] = 3, 1
    for left in (0, 2):
        own["levelled"] = LEVELLED | {"n_spikes": left}
        measured = spectra_measures([(NetSpectra(net="lenet5_dense", seed=0), NetSpectraResult((own,)))])
        names = ("more_spikes_than_scaled", "more_spikes_than_permuted", "spikes_once_levelled")
        assert [measured[f"share_{name}"].mean for name in names] == [0, 1, left > 0]


def test_alexnet_is_measured_where_it_is_at_hand():
    rows = (row(ks=0.02), row(ks=0.04, n_spikes=3, verdict=verdicts.SPIKES), row() | {"layer": "features.0", "ks": 0.8})
    pairs: list[tuple[NetSpectra, NetSpectraResult | Absent]] = [
        (NetSpectra(net="torchvision:alexnet", seed=0), NetSpectraResult(rows)),
        (NetSpectra(net="lenet5_dense", seed=0), NetSpectraResult((row(),))),
    ]
    measured = spectra_measures(pairs)
    assert (measured["alexnet_fc_on_law"].mean, measured["alexnet_fc_on_law"].n) == (1, 2)
    assert measured["alexnet_fc_nothing_leaves"].mean == 0.5
    assert measured["share_bulk_on_law"].n == 1


PLANTED = Planted(n=300, p=200, kind="gaussian", share=0.1, draws=3, seed=5)


def test_a_fit_that_does_not_remove_the_spikes_would_show(monkeypatch):
    assert (planted(PLANTED).sigma_near, planted(PLANTED).count_near) == (3, 3)
    once = bulk._noise
    monkeypatch.setattr(bulk, "_noise", lambda values, n, p: once(values, 300, len(values)))  # p - r and n - r ignored
    assert planted(PLANTED).sigma_near == 0


def test_what_is_planted_is_there():
    matrix = plant(PLANTED, np.random.default_rng(0))
    values = np.linalg.svd(matrix, compute_uv=False) / (PLANTED.sigma * np.sqrt(300))
    assert (values > 1 + np.sqrt(2 / 3)).sum() == PLANTED.spikes == 20
    strongest = spectral_laws.spiked(np.array(6 * spectral_laws.threshold(2 / 3)), 2 / 3)
    assert values[0] == pytest.approx(strongest, rel=0.05)


@pytest.mark.parametrize("kind", other_noise.NOISES)
def test_noise_of_each_kind_has_variance_one(kind):
    drawn = other_noise.NOISES[kind](np.random.default_rng(3), 500, 400)
    assert np.square(drawn).mean() == pytest.approx(1, abs=0.15 if kind == "student_3" else 0.03)
    assert drawn.mean() == pytest.approx(0, abs=0.02)


def test_a_limit_that_is_too_low_would_show(monkeypatch):
    cell = other_noise.Distance(what="gaussian", n=80, p=40, draws=300, seed=5)
    beyond, point = other_noise.distance(cell).beyond, other_noise.distance(cell).point
    assert beyond <= 9  # 3 expected
    assert point.ci95[0] < 40 * bulk.farthest(40) < point.ci95[1]
    monkeypatch.setattr(bulk, "FARTHEST", bulk.FARTHEST - 0.6)
    assert other_noise.distance(cell).beyond > 15


def test_the_extreme_of_several_shares_has_the_interval_of_all_together():
    counts = [(1, 100), (3, 100), (0, 100)]
    most, least = (spectral_laws.extreme_share(counts, which) for which in (max, min))
    assert (most.mean, least.mean, most.n) == (0.03, 0, 100)
    alone = Estimate.of_share([1.0] * 3 + [0.0] * 97)
    assert most.ci95[0] < alone.ci95[0] < 0.03 < alone.ci95[1] < most.ci95[1]
    assert spectral_laws.extreme_share([(3, 100)], max).ci95 == pytest.approx(alone.ci95)


def test_a_verdict_that_knows_nothing_of_scales_would_show(monkeypatch):
    cell = known_kinds.Kind(expected=verdicts.UNEQUAL, kind="unequal rows", n=120, p=100, draws=2, seed=1)
    assert known_kinds.judged(cell).right.mean == 1
    monkeypatch.setattr(nulls.scales, "fit", lambda matrix: None)
    assert known_kinds.judged(cell).right.mean == 0


DRAWN = ["spectral-laws", "planted-spikes", "bulk-distance", "other-noise", "verdict-rule", "net-spectra"]


@pytest.mark.parametrize("name", [*DRAWN, "training-travel"])
def test_a_figure_says_in_words_what_it_shows(name, smoke_records):
    shown = figure_of(smoke_records[name]).content
    assert shown.startswith("<figure")
    assert len(shown.split('alt="')[1].split('"')[0]) > 40
    assert re.search(r"<figcaption>[^<]*\d[^<]*\.</figcaption>", shown)


def test_tables_of_nets_name_verdicts_and_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    record = make.run(EXPERIMENTS["net-spectra"], "smoke")
    json.dumps(record.to_json(), allow_nan=False)
    table = tables.nets(record).content
    assert "not tested (weights not at hand)" in table
    assert all(row["verdict"] in table for row in record.rows[0]["rows"])
    assert record.absent == ["weights not at hand"]
