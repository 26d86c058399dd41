"""Tables and words of the chapters on nets: what is counted for them is counted right."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from reversible.papers.arora2015 import tables
from reversible.papers.arora2015.experiments import net_spectra
from reversible.papers.arora2015.experiments.net_spectra import NetSpectra, NetSpectraResult
from reversible.papers.arora2015.labels import nets as labels
from reversible.records.record import book_folder, read_record
from reversible.runs.experiment import Absent
from reversible.spectra import matrix
from reversible.spectra.bulk import farthest


def record(name):
    return read_record(book_folder() / "results" / f"{name}.json")


def cells_of(shown):
    """The cells of a table, line by line, without tags."""
    lines = re.findall(r"<tr>(.*?)</tr>", shown.content.partition("<tbody>")[2])
    return [[re.sub("<.*?>", "", cell) for cell in re.findall(r"<td>(.*?)</td>", line)] for line in lines]


def row_of(layer="fc1", **changes):
    drawn = np.random.default_rng(1).standard_normal((60, 48))
    return matrix.analyse(drawn, layer).to_json() | changes


def spectra_of(**rows) -> Any:
    """A record of net-spectra, as far as tables ask for it."""
    return SimpleNamespace(pairs=lambda: [({"net": net}, {"rows": own}) for net, own in rows.items()])


def test_exact_and_inexact_matrices_are_those_of_the_claim():
    on, off, small = row_of(), row_of(ks=0.2), row_of(shape_used=[60, 20])
    rows = {
        "lenet5_dense": (on, off, off, small), "vgg16_hed_bsds500": (on,), "alexnet_kmeans": (on, off),
        "lenet5_sparse": (off,), "torchvision:vgg16": (off,),
    }  # fmt: skip
    words = tables.how_many_on_law(spectra_of(**rows))
    assert words == {"exact_on_law": "2 of 4", "inexact_on_law": "1 of 2"}
    found: list[tuple[NetSpectra, NetSpectraResult | Absent]] = [
        (NetSpectra(net=net, seed=0), NetSpectraResult(own, net_spectra.WEIGHTS[net])) for net, own in rows.items()
    ]
    assert net_spectra.spectra_measures(found)["share_bulk_on_law"].mean == 2 / 4


def test_places_are_counted_by_the_beginning_of_a_layers_name():
    places = [row_of(f"conv{i}, group 1", places=9, places_on_law=i) for i in (4, 5, 1)]
    assert tables.places_on_law(spectra_of(alexnet_kmeans=places), "alexnet_kmeans", ("conv4", "conv5")) == "9 of 18"


def test_the_table_of_nets_has_spikes_of_each_null_and_says_where_there_are_no_scales():
    rows = [row_of(n_spikes=7), row_of("fc2", levelled=None)]
    rows[0]["nulls"]["scaled"]["n_spikes"], rows[0]["nulls"]["permuted"]["n_spikes"] = 4, 2
    rows[0]["levelled"]["n_spikes"] = 3
    del rows[1]["nulls"]["scaled"]
    _, first, second = cells_of(tables.nets(spectra_of(lenet5_dense=rows)))
    assert first[5:8] == [f"{rows[0]['ks']:.3f} ({farthest(41):.3f})", "7 (2, 4)", "3"]
    assert second[6:8] == ["0 (0, –)", "–"]


def test_a_random_net_in_the_nets_place_stands_beside_it():
    reversal = record("net-reversal")
    lines = {line[0]: line[1:] for line in cells_of(tables.in_its_place(reversal))}
    assert set(lines) == set(labels.PLACES.values())
    m = reversal.measures
    own, random, shuffled, down = lines["LeNet-300-100, from h2"]
    assert own == f"{m['cosine_dense_2'].mean:.3f} ({m['specific_dense_2'].mean:.3f})"
    less = {"gaussian_everywhere": random, "permuted_everywhere": shuffled, "permuted": down}
    for change, cell in less.items():
        cosine, part = cell.replace("\N{MINUS SIGN}", "-").removesuffix(")").split(" (")
        assert float(cosine) == pytest.approx(
            (m["cosine_dense_2"].mean - m[f"cosine_above_{change}_dense_2"].mean), abs=6e-4
        )
        assert float(part) == pytest.approx(m[f"specific_{change}_dense_2"].mean, abs=6e-4)
