"""Tables and words of the chapters on nets: what is counted for them is counted right."""

import re

import pytest

from reversible import data
from reversible.papers.arora2015 import tables
from reversible.papers.arora2015.labels import nets as labels
from reversible.records.claims import read_claims
from reversible.records.record import book_folder, read_record


def record(name):
    return read_record(book_folder() / "results" / f"{name}.json")


def cells_of(shown):
    """The cells of a table, line by line, without tags."""
    lines = re.findall(r"<tr>(.*?)</tr>", shown.content.partition("<tbody>")[2])
    return [[re.sub("<.*?>", "", cell) for cell in re.findall(r"<td>(.*?)</td>", line)] for line in lines]


def there(name):
    try:
        return data.load(name, train=True)
    except data.NotAtHand:
        return None


@pytest.mark.parametrize("name", data.NAMES)
def test_sizes_of_sets_are_those_of_the_sets(name):
    images = there(name)
    if images is None:
        pytest.skip(f"{name} is not at hand")
    assert len(images.labels) == tables.TO_TRAIN_ON[name]
    assert images.classes == tables.CLASSES[name]


def test_how_long_runs_train():
    lines = {line[0]: line[1:] for line in cells_of(tables.training_lengths(record("shadow")))}
    assert lines["MNIST, all"] == ["100", "1,600", "3", "90"]  # 1,600 x 100 / 55,000
    assert lines["CIFAR-100, 5,000"] == ["100", "600", "12", "99"]
    settings = tables.training_settings(record("shadow-ablations"))
    assert (settings["mnist_1000_passes"], settings["mnist_batch"]) == ("30", "100")  # not those of the doubled batch
    assert "time_ratio" not in settings


def test_runs_without_synthetic_images_are_held_to_the_claims_own_limit():
    [claim] = [claim for claim in read_claims(book_folder()) if claim.id == "A-4.2.2"]
    assert {check.low for check in claim.must} == {tables.TRACKS}
    shadow = record("shadow")
    low = [
        name for name, e in shadow.measures.items()
        if name.startswith("correlation_backprop") and e.mean < tables.TRACKS
    ]  # fmt: skip
    passed, _, of = tables.correlated_without(shadow).partition(" of ")
    assert int(of) - int(passed) == len(low) == 1


def test_exact_and_inexact_matrices_are_those_of_the_claim():
    spectra = record("net-spectra")
    words = tables.on_law(spectra)
    counts = [[int(n) for n in text.replace("none", "0").split(" of ")] for text in words.values()]
    on_law, of = (sum(column) for column in zip(*counts, strict=True))
    assert spectra.measures["share_bulk_on_law"].mean == pytest.approx(on_law / of)
    assert spectra.measures["share_bulk_on_law"].n == of
    assert tables.places_on_law(spectra, "alexnet_kmeans", ("conv5",)) == "18 of 18"


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


def test_variants_below_backprop_with_their_whole_interval():
    ablations = record("shadow-ablations")
    below = tables.below_backprop(ablations)
    assert below.content.count("<strong>") == sum(map(len, below.value.values())) > 0
    for place, methods in below.value.items():
        for method in methods:
            assert ablations.measures[f"{method.replace(' ', '_')}_below_backprop_{place}"].ci95[0] > 0
    assert len(cells_of(below)) == 13
