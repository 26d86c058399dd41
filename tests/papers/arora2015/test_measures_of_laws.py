"""What is read off the runs beside the laws: edges and their steps, laws that are nearer, counts with intervals."""

import math
from typing import Any

import pytest

from reversible.base.estimates import Estimate
from reversible.papers import EXPERIMENTS
from reversible.papers.arora2015.experiments import depth, law_grid, one_layer, reversal_map, two_and_three_layers
from reversible.random_nets.deep import LayerResult, MultiLayer, MultiLayerResult
from reversible.random_nets.one_layer import OneLayerResult


def around(mean, half=0.01, n=9):
    return Estimate(mean, (mean - half, mean + half), n)


def net_of(error, half=0.01, noise=1.0, law=1.0):
    """A result with this error at the top, or this noise beside its law."""
    nothing: dict[str, Any] = dict.fromkeys(LayerResult.__dataclass_fields__, 0.0)
    top = LayerResult(**nothing | {
        "relative_error": around(error, half), "noise_sd": around(noise, half), "predicted_noise_sd": law,
        "mean_gain": around(1.0), "predicted_relative_error": 1.0, "predicted_mean_gain": 1.0,
    })  # fmt: skip
    fields: dict[str, Any] = dict.fromkeys(MultiLayerResult.__dataclass_fields__)
    fields["layers"] = (top,)
    return MultiLayerResult(**fields)


def cells_on(grid, layers=1):
    return [
        (MultiLayer(widths=(*(2 * t,) * (layers - 1), t, 20), rho=(1,) * layers, k=2), net_of(error))
        for t, error in grid
    ]


def test_the_edge_of_a_map_lies_between_its_cells_or_beyond_the_sparsest_code():
    between = reversal_map.edge(cells_on([(400, 0.2), (100, 0.3)]))
    assert 2 / 400 < between.ci95[0] < between.mean < between.ci95[1] < 2 / 100
    assert between.mean == pytest.approx(math.sqrt(2 / 400 * 2 / 100), rel=0.15)
    beyond = reversal_map.edge(cells_on([(400, 0.5), (100, 0.6)]))
    assert (beyond.mean, beyond.ci95) == (pytest.approx(2 / 400), (0.0, pytest.approx(2 / 400)))


def test_a_step_to_more_layers_is_open_where_neither_edge_is_on_the_grid():
    known, beyond = Estimate(0.02, (0.018, 0.022), 9), Estimate(0.005, (0.0, 0.005), 9)
    assert reversal_map._less(beyond, known).ci95 == pytest.approx((-0.022, -0.013))
    low, high = reversal_map._less(beyond, beyond).ci95
    assert low < 0 < high


def test_a_law_is_nearer_by_what_the_other_is_farther_off():
    """Limit 1, law in use 1.1: halfway between the two none is nearer."""
    at = [depth._nearer(net_of(1, 0.01, noise, law=1.1), 1.0) for noise in (1.1, 1.048, 1.0)]
    assert at[0].ci95[0] > 0.15
    assert at[1].ci95[0] < 0 < at[1].ci95[1]
    assert at[2].ci95[1] < -0.1


def test_the_number_of_layers_that_read_half_has_an_interval_where_the_errors_leave_it_open():
    pairs = [
        (MultiLayer(widths=(200,) * layers + (50,), rho=(1,) * layers, k=5, offset=offset), net_of(error, half))
        for layers, error, half in ((1, 0.2, 0.01), (2, 0.49, 0.05), (3, 0.52, 0.05), (4, 0.9, 0.01))
        for offset in ("optimal", (0.0,) * layers)
    ]
    found = two_and_three_layers.depth_measures(pairs)["deepest_below_half"]
    assert (found.mean, found.ci95) == (2, (1, 3))


@pytest.mark.parametrize(("power", "ok"), [(1.0, True), (3.0, False)])
def test_growth_like_the_bound_is_told_from_a_faster_one(power, ok):
    cells = EXPERIMENTS["relu-and-offset"].cells("full")
    nothing: dict[str, Any] = dict.fromkeys(OneLayerResult.__dataclass_fields__, 0.0)
    pairs = [
        (p, OneLayerResult(**nothing | {
            "relative_error": around((2 + 4 * math.log(p.m)) ** power, 1e-3), "predicted_relative_error": 1.0,
        }))
        for p in cells
    ]  # fmt: skip
    found = one_layer.offset_measures(pairs)["logarithm_proof"]
    assert found.mean == pytest.approx(power)
    assert (abs(found.mean - 1) <= 0.25) == ok


def test_nets_that_are_run_are_as_many_of_each_depth():
    cells = law_grid.nets_to_run("full")
    kept = [(p.depth, p.rho[-1] * p.widths[-2] >= law_grid.FEW) for p in cells]
    assert {key: kept.count(key) for key in kept} == {
        (layers, many): 64 if many else 16 for layers in (1, 2, 3, 4) for many in (True, False)
    }
    assert len({(p.widths, p.k, p.rho) for p in cells}) == len(cells)
