"""Every measure that a reader meets has a label that says what it is, in words."""

import json
import re
import subprocess
import sys

import pytest

from helpers import ROOT, refusal
from reversible.book.cards import limits
from reversible.papers import EXPERIMENTS
from reversible.papers.arora2015 import tables
from reversible.papers.arora2015.labels import curves, many_layers, nets, one_layer
from reversible.records.claims import read_claims
from reversible.records.record import book_folder, read_record
from reversible.runs.experiment import plain_words
from reversible.runs.labels import labels

RESULTS = book_folder() / "results"
CLAIMS = read_claims(book_folder())
CHECKS = [(claim.record, check) for claim in CLAIMS for check in (*claim.must, *claim.should)]
LONGEST = 120
CODE_NAMES = re.compile(r"_|\b(?:rms|ks|sd|linf|rho|mnist|cifar\d*|lenet\w*|k[123])\b")
NAMES = ("AlexNet", "SHADOW", "A, ", "Tr(", "1 − c")  # what a label may begin with that is no small letter


def measures_of(name):
    """Those of the committed record, if there is one, and of the rules that read it."""
    file = RESULTS / f"{name}.json"
    recorded = json.loads(file.read_text())["measures"] if file.exists() else {}
    return list(dict.fromkeys([*recorded, *(check.measure for record, check in CHECKS if record == name)]))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_measure_of_a_record_and_of_its_rules_has_a_label_of_its_own(name):
    found = {measure: EXPERIMENTS[name].label(measure) for measure in measures_of(name)}
    assert found
    assert len(set(found.values())) == len(found)
    for measure, label in found.items():
        assert label != plain_words(measure)
        assert len(label) <= LONGEST, label
        assert label == label.strip(" .,"), label
        assert "  " not in label, label
        assert label[0].islower() or label.startswith(NAMES), label
        assert not CODE_NAMES.search(label), label


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_name_that_no_pattern_fits_is_refused(name):
    label, known = EXPERIMENTS[name].label, measures_of(name)[0]
    for stranger in ("nix", f"{known}_nix", f"nix_{known}", f"{known}\n", ""):
        assert refusal(lambda stranger=stranger: label(stranger)).endswith(f"and {stranger!r} has none")


COMPOSED = [
    (one_layer.weight_families, "gain_student", "mean gain on the support, Student t weights"),
    (
        many_layers.depth_limit,
        "error_deepest",
        "relative error of the top code in the deepest net, with the best offsets",
    ),
    (many_layers.reversal_map, "edge_depth_3", "k/t at which a quarter of the code is lost, three layers"),
    (nets.training_travel, "n_spikes_2_after", "number of spikes of h2, after training"),
    (
        one_layer.weight_families,
        "error_over_law_student",
        "mean ratio of the error to the law's with Gaussian kurtosis, Student t weights",
    ),
    (
        nets.net_reversal,
        "cosine_above_gaussian_trained_digits_1",
        "how much lower the cosine is with Gaussian entries on the way down (digits nets, from h1)",
    ),
    (
        nets.net_reversal,
        "scale_pseudo_inverse_sparse_2",
        "best scale with the pseudo-inverse on the way down (pruned LeNet-300-100, from h2)",
    ),
    (
        curves.curves,
        "gain_shadow_dropout_mnist_1000_400x3_long",
        "SHADOW's gain with dropout in both (1,000 of MNIST, three layers of 400, twice as long)",
    ),
    (
        curves.curves,
        "shadow_below_noise_cifar10_5000_400x3",
        "how far SHADOW lies below noise of the same size (5,000 of CIFAR-10, three layers of 400)",
    ),
]


@pytest.mark.parametrize(("label", "measure", "words"), COMPOSED)
def test_composed_measures_are_composed_of_words(label, measure, words):
    assert label(measure) == words


def test_the_pattern_with_the_most_letters_of_its_own_is_taken_wherever_it_stands():
    patterns = {"gain_{what}": "gain of {what}", "gain_without_{what}": "gain without {what}", "gain_all": "whole gain"}
    what = {"all": "all", "b": "B", "without_b": "no B"}
    for several in (patterns, dict(reversed(patterns.items()))):
        label = labels(several, what=what)
        assert label("gain_b") == "gain of B"
        assert label("gain_without_b") == "gain without B"
        assert label("gain_all") == "whole gain"


def test_a_part_is_one_of_its_table_and_nothing_else():
    label = labels({"{method}_{place}": "{method} on {place}"}, method={"a": "A", "a_b": "A.B"}, place={"c.": "C"})
    assert label("a_b_c.") == "A.B on C"
    assert "'a_b_cd' has none" in refusal(lambda: label("a_b_cd"))
    with pytest.raises(KeyError):
        labels({"{method}": "{method}"})


def test_lines_of_rules_are_in_words():
    shown = {check.text: f"{EXPERIMENTS[record].label(check.measure)} {limits(check)}" for record, check in CHECKS}
    constant = "mean ratio of β to √(ln k / k) in the longest codes"
    assert shown["constant_binary <= 3"] == f"{constant}, binary entries ≤ 3"
    assert not [line for line in shown.values() if "_" in line]


def test_tables_of_reversals_are_in_words():
    record = read_record(RESULTS / "net-reversal.json")
    shown = tables.reversal(record, "cosine_above_rho_0_8", "scale_gaussian_everywhere").content
    assert "<th scope='col'>how much lower the cosine is with retention 0.8 on the way down</th>" in shown
    assert "<th scope='col'>best scale with Gaussian entries in the whole net</th>" in shown
    for words in nets.PLACES.values():
        assert f"<td>{words}</td>" in shown
        assert f"<td>{words}</td>" in tables.supports(record).content
    assert "_" not in shown


def test_labels_bring_no_torch():
    asked = "import sys; from reversible.papers.arora2015.labels import curves, many_layers, nets"
    done = subprocess.run(
        [sys.executable, "-c", f"{asked}; print('torch' in sys.modules)"], capture_output=True, text=True
    )
    assert done.stdout == "False\n", done.stderr


def test_the_book_types_no_name_of_a_measure_in_its_prose():
    names = {name for record in EXPERIMENTS for name in measures_of(record) if "_" in name}
    for page in sorted((ROOT / "book").glob("*.md")):
        prose = re.sub(r"^```.*?^```|`[^`]*`|\$[^$]*\$", " ", page.read_text(), flags=re.S | re.M)
        assert not names & set(re.findall(r"\w+", prose)), page.name
