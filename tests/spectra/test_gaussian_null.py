"""The Gaussian null is drawn part by part: each part is distributed as that of a matrix that is drawn whole."""

# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import functools

import numpy as np
import pytest
from scipy import stats

from reversible.spectra import entries, nulls
from reversible.spectra.decomposed import decomposed
from reversible.spectra.measures import measure

DRAWS, MANY, SD = 150, 1000, 0.3
SAMPLE = 1500  # entries that are drawn: of the matrices below a fifth to a third
SHAPES = ((80, 60), (200, 40))
ENTRIES = ("mean", "sd", "skew", "kurtosis", "entries_ks", "entries_ad", "normal_p")
COLUMNS = ("gram_rms", "gram_max")
PARTS = (
    "vectors_ks", "localisation", "localisation_top", "sigma", "ks", "edge_high", "largest",
    "stable_rank", "alpha",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _fewer(monkeypatch):
    monkeypatch.setattr(nulls, "SAMPLE", SAMPLE)


@functools.cache
def measured(shape):
    """Measures of matrices that are drawn whole, and of nulls."""
    rng, found = np.random.default_rng(1), []
    for _ in range(DRAWS):
        whole = SD * rng.standard_normal(shape)
        null = measure(shape, *nulls._gaussian(*shape, SD, rng), 2.0)
        found.append((measure(shape, entries.measured(whole), decomposed(whole), 2.0), null))
    return found


@functools.cache
def drawn(shape):
    """The same of entries and columns alone, which takes less time."""
    rng, found = np.random.default_rng(2), []
    for _ in range(MANY):
        whole = SD * rng.standard_normal(shape)
        both = (entries.measured(whole), decomposed(whole)), nulls._gaussian(*shape, SD, rng)
        found.append([own | {name: getattr(parts, name) for name in COLUMNS} for own, parts in both])
    return found


def of(shape, part):
    if part in ENTRIES + COLUMNS:
        return np.array([[own[part] for own in pair] for pair in drawn(shape)]).T
    return np.array([[getattr(m, part) for m in pair] for pair in measured(shape)]).T


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("part", ENTRIES + COLUMNS + PARTS)
def test_each_part_has_the_law_of_a_whole_matrix(shape, part):
    whole, null = of(shape, part)
    assert stats.ks_2samp(whole, null).pvalue > 1e-4


OFF = {"sd": 1.01, "sigma": 1.02, "largest": 1.05, "gram_rms": 1.03, "gram_max": 1.15, "entries_ks": 1.5}
WIDER = {"mean": 0.0, "skew": 0.0, "kurtosis": 3.0, "gram_rms": 1.0}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_part_that_is_off_would_be_seen(shape):
    for part, by in OFF.items():
        whole, null = of(shape, part)
        assert stats.ks_2samp(whole, by * null).pvalue < 1e-4, part
    for part, about in WIDER.items():
        whole, null = of(shape, part)
        assert stats.ks_2samp(whole, about + 1.6 * (null - about)).pvalue < 1e-4, part


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_of_full_rank_and_has_vectors_on_both_sides(shape):
    own, drawn = nulls._gaussian(*shape, SD, np.random.default_rng(0))
    assert drawn.rank == shape[1]
    assert [side.shape[0] for side in drawn.directions] == [*shape]
    assert own["sd"] == pytest.approx(SD, rel=0.05)
