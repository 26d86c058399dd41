"""Pictures of spectra: every value is counted, and the law in them is that of the fitted bulk."""

from dataclasses import replace

import numpy as np
import pytest

from reversible.spectra.matrix import analyse
from reversible.spectra.pictures import FINEST, FRAME, falling, picture


def drawn(matrix):
    row = analyse(matrix, nulls=False)
    return row, picture(matrix, row)


def gaussian(shape=(300, 200), seed=0):
    return 0.02 * np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("shape", [(300, 200), (200, 300), (150, 150)])
def test_all_values_are_counted_and_the_law_has_as_many(shape):
    row, found = drawn(gaussian(shape))
    assert found.counts.sum() + found.beyond == min(shape)
    width = found.end / len(found.counts)
    assert np.trapezoid(found.law[:, 1], found.law[:, 0]) / width == pytest.approx(min(shape), rel=0.01)
    assert found.law[[0, -1], 0] == pytest.approx([row.measured.edge_low, row.measured.edge_high])
    places = (np.arange(len(found.counts)) + 0.5) * width
    expected = np.interp(places, *found.law.T, left=0, right=0)
    assert np.abs(found.counts - expected).sum() < 0.2 * min(shape)
    assert np.abs(found.counts - np.interp(1.2 * places, *found.law.T, left=0, right=0)).sum() > 0.2 * min(shape)
    assert row.measured.spike_edge is not None
    assert found.edge == row.measured.spike_edge < found.end


def test_values_are_those_of_a_decomposition():
    matrix = gaussian((60, 40))
    matrix[3], matrix[:, 7] = 0, 0
    assert falling(matrix) == pytest.approx(np.linalg.svd(matrix, compute_uv=False)[:39])
    assert falling(1e-200 * matrix) == pytest.approx(1e-200 * falling(matrix))


def test_spikes_are_marked_and_far_ones_do_not_squeeze_the_bulk():
    rng = np.random.default_rng(1)
    u, v = np.linalg.qr(rng.standard_normal((300, 3)))[0], np.linalg.qr(rng.standard_normal((200, 3)))[0]
    row, found = drawn(gaussian() + u @ np.diag([0.9, 1.2, 40.0]) @ v.T)
    assert row.measured.n_spikes == 3
    assert found.beyond == 1
    assert found.largest == pytest.approx(40, rel=0.01)
    assert row.measured.edge_high is not None
    assert found.end < 1.1 * FRAME * row.measured.edge_high
    values = falling(gaussian() + u @ np.diag([0.9, 1.2, 40.0]) @ v.T)
    assert found.marks == pytest.approx(values[2:0:-1], abs=found.end / FINEST)


def with_bulk(times):
    """The picture of a matrix whose bulk was found so many times as large as it is, all else spikes."""
    row = analyse(gaussian(), nulls=False)
    m = row.measured
    names = ("sigma", "edge_low", "edge_high", "spike_edge")
    changed = {name: times * getattr(m, name) for name in names}
    return picture(gaussian(), replace(row, measured=replace(m, n_spikes=200, **changed)))


def test_where_most_values_lie_above_the_edge_they_are_seen():
    found = with_bulk(0.05)
    assert found.beyond <= 20
    assert len(found.law)
    assert found.end > 5 * (found.edge or 1)


def test_a_bulk_of_rounding_has_no_law():
    found = with_bulk(1e-10)
    assert (len(found.law), found.edge) == (0, None)


@pytest.mark.parametrize("none", [("sigma",), ("sigma", "edge_low", "edge_high", "spike_edge", "n_spikes", "ks")])
def test_without_a_bulk_there_is_no_law(none):
    row = analyse(gaussian(), nulls=False)
    found = picture(gaussian(), replace(row, measured=replace(row.measured, **dict.fromkeys(none))))
    assert (len(found.law), found.edge) == (0, None)
    assert found.counts.sum() == 200


def test_a_matrix_of_low_rank_has_no_law():
    rng = np.random.default_rng(2)
    _, found = drawn(rng.standard_normal((100, 3)) @ rng.standard_normal((3, 80)))
    assert (len(found.law), found.edge) == (0, None)
    assert found.counts.sum() + found.beyond == 80
