"""Images of a reader: how many of them are used, which, what is said of it, and how far a long reading is."""

import io
import math
import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from torch.nn import Conv2d, Flatten, Linear, ReLU, Sequential

from helpers import refusal
from reversible import your_net
from reversible.your_net.measures import OWN
from your_nets import DIGITS, UNSEEN, plain

pytestmark = pytest.mark.usefixtures("seeded")


def used(layers):
    return {(layer.used, layer.given) for layer in layers}


def test_more_images_than_are_enough_are_not_all_used():
    (layer,) = your_net.reverse(plain(64, 9, 5), torch.rand(2600, 64), batches=2)
    assert (layer.used, layer.given) == (your_net.ENOUGH, 2600)
    assert math.isclose(1 / (2 * math.sqrt(layer.used)), 0.01)  # one of a printed percent
    assert your_net.reversal_words([layer])[0] == (
        "Of the 2,600 images 2,500 were used, drawn at random. "
        "Over so many a mean cosine, or a share of the images, has a standard error of 0.01 at most."
    )


def test_all_images_are_used_where_they_are_no_more_and_nothing_is_said_of_it():
    for sample in (your_net.ENOUGH, 360):
        reading = your_net.read(plain(64, 20, 12, 10), UNSEEN, batches=4, sample=sample)
        assert used(reading.layers) == {(360, 360)}
        assert "images were used" not in str(reading) + reading._repr_html_()


@pytest.mark.parametrize(("count", "sample", "batches", "left"), [(365, 2500, 20, 360), (360, 50, 4, 48)])
def test_batches_are_of_one_size(count, sample, batches, left):
    layers = your_net.reverse(plain(64, 9, 5), torch.rand(count, 64), batches=batches, sample=sample)
    assert used(layers) == {(left, count)}
    assert your_net.reversal_words(layers)[0].startswith(f"Of the {count} images {left} were used")
    assert layers[0].of("cosine").n == batches


def test_the_sample_is_drawn_by_the_seed_and_not_from_the_top():
    """Files come sorted by class; here the second half is black, and has no code."""
    model = Sequential(Linear(64, 40, bias=False), ReLU(), Linear(40, 10))
    images = torch.cat([UNSEEN[:180], torch.zeros(180, 64)])
    found = [your_net.reverse(model, images, batches=2, seed=seed, sample=100)[0] for seed in (0, 0, 1, 2)]
    assert found[0].empty == found[1].empty
    assert np.array_equal(found[0].by_batch[OWN]["cosine"], found[1].by_batch[OWN]["cosine"])
    assert all(0.3 < layer.empty < 0.7 for layer in found)
    assert len({layer.empty for layer in found}) > 1


def test_the_standard_error_is_what_is_said():
    """Of a share over samples of 40 images: as for draws without replacement, and below the bound that is printed."""
    model = Sequential(Linear(64, 40, bias=False), ReLU(), Linear(40, 10))
    images = torch.cat([UNSEEN[:180], torch.zeros(180, 64)])
    shares = [your_net.reverse(model, images, batches=2, seed=seed, sample=40)[0].empty for seed in range(60)]
    bound = 1 / (2 * math.sqrt(40))
    assert abs(np.mean(shares) - 0.5) < 4 * bound / math.sqrt(60)
    exact = bound * math.sqrt((360 - 40) / (360 - 1))
    assert 0.65 * exact < np.std(shares, ddof=1) < 1.35 * exact  # 4 standard errors of a standard deviation of 60


def test_cosines_of_codes_lie_between_0_and_1_as_the_bound_takes_for_granted():
    layers = your_net.reverse(plain(64, 40, 30, 10), UNSEEN - 0.5, batches=4)
    values = np.concatenate([rows["cosine"] for layer in layers for rows in layer.by_batch.values()])
    assert values.min() >= 0
    assert values.max() <= 1


@pytest.mark.parametrize("sample", [0, -1, 7, 8.5, "many", None, True, math.nan, math.inf])
def test_a_sample_that_cannot_be_drawn_is_one_line(sample):
    says = f"sample must be an integer from 8 to 1000000000, not {sample!r}"
    for call in (your_net.reverse, your_net.read):
        assert refusal(lambda call=call: call(plain(64, 9, 5), UNSEEN, batches=4, sample=sample)) == says


def test_what_is_not_finite_is_refused_even_where_it_would_not_be_drawn():
    for place in (0, 4999):
        images = torch.rand(5000, 64)
        images[place, 3] = torch.nan
        says = refusal(lambda images=images: your_net.reverse(plain(64, 9, 5), images, batches=2, sample=4))
        assert says == "images must be finite, and so must be what the net makes of them"


FORMS = {
    "table": lambda x: pd.DataFrame(x),
    "sparse tensor": lambda x: torch.from_numpy(x).to_sparse(),
    "sparse matrix": lambda x: sparse.csr_matrix(x),
    "big-endian": lambda x: x.astype(">f4"),
    "masked": lambda x: np.ma.masked_array(x, mask=np.zeros_like(x, bool)),
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "integers": lambda x: np.round(16 * x).astype(np.uint8),
}


TABLES = {
    "yes and no": (lambda table: table.astype({3: bool}), ""),
    "several kinds": (lambda table: table.astype({3: bool, 4: "Float64", 5: int}), ""),
    "words": (lambda table: table.assign(name="a").drop(columns=0), "of numbers, not DataFrame"),
    "numbers in words": (lambda table: table.astype({3: str}), "of numbers, not DataFrame"),
    "a gap": (lambda table: table.astype("Float64").where(table != 1), "of numbers, not DataFrame"),
    "a gap that is nan": (lambda table: table.where(table != 1), "images must be finite"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_several_kinds(kind):
    """Numbers of any kind are read, as they are; what is no number is not made one."""
    made, says = TABLES[kind]
    table = made(pd.DataFrame(np.round(4 * UNSEEN.numpy()) / 4))
    model = plain(64, 20, 10)
    if says:
        assert says in refusal(lambda: your_net.reverse(model, table, batches=4))
    else:
        same = table.astype(float).to_numpy()
        first, other = (your_net.reverse(model, images, batches=4) for images in (same, table))
        assert your_net.reversal_words(first) == your_net.reversal_words(other)


@pytest.mark.parametrize("form", FORMS)
def test_a_sample_of_images_in_any_form(form):
    model, x = plain(64, 20, 10), UNSEEN.numpy()
    given = FORMS[form](x)
    as_array = given if form == "integers" else x
    first, other = (your_net.reverse(model, images, batches=4, sample=100) for images in (as_array, given))
    assert used(other) == {(100, 360)}
    assert your_net.reversal_words(first) == your_net.reversal_words(other)


def test_masked_entries_are_refused():
    masked = np.ma.masked_equal(np.round(16 * UNSEEN.numpy()), 16)
    says = refusal(lambda: your_net.read(plain(64, 20, 10), masked))
    assert says == f"images must have no masked entries; {int(masked.mask.sum())} are masked"


def test_pictures_are_of_the_first_images():
    """Whoever calls it chooses them; and only these are sent through the net."""
    images = torch.cat([UNSEEN[:2], torch.full((3, 64), 1e300, dtype=torch.float64)])
    _, alt, _ = your_net.pictures(plain(64, 9, 5), images, count=2)
    assert "Rows of 2 images" in alt


# --- progress ---------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def of_maps():
    return Sequential(Conv2d(1, 2, 3), ReLU(), Flatten(), Linear(72, 5))


# three ways, and four random nets: of dense ones each over all images, of others over those of its batch
@pytest.mark.parametrize(
    ("made", "images", "sent"), [(lambda: plain(64, 20, 12, 10), UNSEEN, 40 * (3 + 4)), (of_maps, DIGITS, 40 * (3 + 1))]
)
def test_a_bar_on_a_terminal_and_nowhere_else(made, images, sent, monkeypatch, capsys):
    model = made()
    silent = your_net.read(model, images[:40], batches=4)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    assert str(your_net.read(model, images[:40], batches=4)) == str(silent)
    shown = terminal.getvalue()
    assert re.search(rf"reverse: 100%\|.*\| {sent}/{sent} ", shown)
    assert re.search(r"spectra: 100%\|.*\| (2/2|3/3) ", shown)
