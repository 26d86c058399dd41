"""Figures of Martin and Mahoney: what they say and show, and numbers that are the record's."""

import re

import numpy as np
import pytest

from every_figure import *  # noqa: F403
from figure_checks import alts, captions, marked
from reversible.papers.martin2019 import PAPER, figures, tables
from reversible.papers.martin2019.experiments.batch import SCHEMES
from reversible.papers.martin2019.kinds import PHASES

LIVE = {"six phases": figures.six_phases, "two fits": figures.two_fits}
FIGURES = [*PAPER.draws, *LIVE]


def test_each_phase_has_a_panel_of_its_own_in_order():
    figure = figures.six_phases()
    assert [panel.axes[0].get_title() for panel in figure.value] == list(PHASES)
    assert len(alts(figure)) == len(PHASES)
    spikes = [panel.axes[0].lines[-1] for panel in figure.value[1:3]]
    assert [len(line.get_xdata()) for line in spikes] == [3, 8]
    for line in spikes:
        assert min(line.get_xdata()) > (1 + 0.5**0.5) ** 2  # beyond the edge


def test_the_two_fits_are_drawn_with_the_slopes_that_are_told():
    figure = figures.two_fits()
    told = [float(alpha) for alpha in re.findall(r"α = (\d+\.\d\d)", captions(figure)[0])]
    for panel, alpha in zip(figure.value, told, strict=True):
        x, y = panel.axes[0].lines[-1].get_data()
        assert -np.diff(np.log(y))[0] / np.diff(np.log(x))[0] == pytest.approx(alpha - 1, abs=0.006)
    assert told[1] > told[0] + 0.5


def test_soft_ranks_of_the_sweep_are_the_records_in_every_scheme(shown, record):
    by_size, by_way = shown("martin-batch").value
    pairs = list(record("martin-batch").pairs())
    for series, way, scheme in zip(marked(by_size), marked(by_way), SCHEMES, strict=True):
        wanted = sorted((c["size"], np.mean(r["soft_rank"][0])) for c, r in pairs if c["scheme"] == scheme)
        assert pytest.approx(np.array(wanted)) == series.T
        assert way[1] == pytest.approx(series[1])
    products = {scheme: way[0] for scheme, way in zip(SCHEMES, marked(by_way), strict=True)}
    assert np.ptp(products["updates"]) == 0
    assert products["rate"].max() < 1.2 * products["rate"].min()
    assert np.ptp(products["equal"]) > 0


def test_exponents_are_drawn_beside_the_notebooks(shown, record):
    panel = shown("martin-tails").value[0]
    pairs = sorted(record("martin-tails").pairs(), key=lambda pair: pair[0]["mu"])
    *series, notebook = marked(panel)
    for found, name in zip(series, ("one_sided", "signs", "centred"), strict=True):
        assert found[1] == pytest.approx([np.mean(row["alpha"][name]) for _, row in pairs])
    assert notebook[1] == pytest.approx([1.204, 1.641, 3.078, 3.371, 3.822])


def test_fitted_layers_are_drawn_one_by_one(shown, record):
    rows = [row for _, r in record("martin-layers").pairs() if "absent" not in r for row in r["rows"]]
    dense, convolutions, permuted = marked(shown("martin-layers").value[0])
    assert len(permuted[0]) == len(rows) == len(dense[0]) + len(convolutions[0])
    assert sorted(permuted[0]) == pytest.approx(sorted(row["permuted_alpha"] for row in rows))


def test_phases_met_are_counted_over_all_layers_looked_at(record):
    shown = tables.met({words: record(name) for name, words in tables.NETS.items()})
    assert [line[0] for line in shown.value] == list(PHASES)
    counts = np.array([[int(cell) for cell in line[1:]] for line in shown.value]).sum(0)
    nets = sum(len(r["test_error"]) for _, r in record("martin-batch").pairs())
    assert counts[2] == 2 * nets
    assert counts[0] == len(record("martin-lenet5").rows)


def test_the_table_of_first_weights_has_the_notebooks_fits():
    assert [line[2] for line in tables.first_sigma().value] == ["1.2946", "1.2036", "1.0126"]
    assert [line[3] for line in tables.first_sigma().value] == ["1.2888", "1.1895", "1.0157"]


def test_every_exponent_stands_with_its_settings(record):
    rows = [row for _, r in record("martin-layers").pairs() if "absent" not in r for row in r["rows"]]
    lines = tables.fits(record("martin-layers")).value
    assert [line[2] for line in lines] == [f"{row['alpha']:.2f}" for row in rows]
    assert [line[4:6] for line in lines] == [[str(row["count"]), f"{row['distance']:.3f}"] for row in rows]
    assert all(" to " in line[3] for line in lines)


def test_a_small_net_is_not_held_against_the_notebooks_without_saying_so(record):
    made = record("martin-lenet5")
    shown = tables.beside(made).content
    assert ("another task" in shown) == (made.profile != "full")
    assert "0.9924" in shown
