"""The explorer of the law: the grid is the library's, and the page holds the grid."""

import json
import re
from dataclasses import asdict
from html.parser import HTMLParser
from itertools import product

import numpy as np
import pytest
import torch

from reversible.base.estimates import Estimate
from reversible.papers.arora2015.experiments.law_grid import (
    CODES,
    FEW,
    LawErrors,
    LawRow,
    Net,
    NetRun,
    codes_of,
    is_net,
    law_as_run,
    law_error,
    law_measures,
    law_rows,
    layer_widths,
    net_measures,
    nets_to_run,
    run_net,
    run_row,
)
from reversible.papers.arora2015.explorer import constant_error
from reversible.random_nets.deep import MultiLayer
from reversible.records.record import book_folder, read_record
from reversible.runs.experiment import PROFILES
from reversible.show.vega import VEGA, vega_script
from reversible.theory.depth import optimal_offsets, state_evolution, top_risk
from small_explorer import AXES, START, by_the_library, can_be_run

# --- the grid ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [(500, 50, 5, 1.0, 1), (2000, 100, 20, 0.25, 1), (32000, 800, 50, 0.1, 2), (500, 200, 10, 1.0, 3)],
)
def test_an_error_is_the_library_s(place):
    error = law_error(*place)
    assert error == by_the_library(*place)
    assert error < 1


def test_a_row_is_its_images_in_their_order_and_the_same_to_the_bit():
    row = LawRow(m=50, k=5, rho=0.5, depth=2, n=(500, 4000))
    assert run_row(row).errors == (law_error(500, 50, 5, 0.5, 2), law_error(4000, 50, 5, 0.5, 2))
    assert run_row(row) == run_row(row)


@pytest.mark.parametrize("k", [2, 50])
def test_its_codes_are_the_simulation_s(k):
    """Over other codes, drawn by the simulation's own law, the same error but for what chance leaves."""
    widths, rho = layer_widths(2000, 100, 2), (0.5, 0.5)
    net = MultiLayer(widths=widths, rho=rho, k=k, offset="optimal")
    entries = net.layer(1).code_law.draw(4000, 100, k, torch.Generator().manual_seed(1))[1].numpy()
    risk = top_risk(net.law(np.linalg.norm(entries, axis=1))[-1], entries)
    error = law_error(2000, 100, k, 0.5, 2)
    assert error == pytest.approx(float(risk.mean()), rel=0.015)
    assert codes_of(k).shape == (CODES, k)
    assert np.std(top_risk(net.law(np.linalg.norm(codes_of(k), axis=1))[-1], codes_of(k))) / CODES**0.5 < 0.01 * error


def test_where_the_law_says_more_than_nothing_it_is_nothing():
    widths, rho, codes = layer_widths(2000, 100, 3), (0.1,) * 3, codes_of(5)
    offsets = optimal_offsets(widths, rho, np.linspace(0.6, 1.4, 5))
    top = state_evolution(widths, rho, offsets, np.linalg.norm(codes, axis=1))[-1]
    assert top_risk(top, codes).mean() > 1.2
    assert law_error(2000, 100, 5, 0.1, 3) == 1


@pytest.mark.parametrize("profile", PROFILES)
def test_rows_are_nets_and_each_is_there_once(profile):
    rows = law_rows(profile)
    assert len(rows) == len(set(rows)) >= 4
    assert set(rows) <= set(law_rows("full"))
    for row in rows:
        for n in row.n:
            assert can_be_run(layer_widths(n, row.m, row.depth), row.rho, row.k)


def test_what_the_simulation_refuses_is_no_net_of_the_grid():
    places = list(product((500, 1000), (100, 800), (5, 100), (0.1, 0.5), (1, 2, 4)))
    nets = [is_net(Net(*place)) for place in places]
    for (n, m, k, rho, depth), found in zip(places, nets, strict=True):
        possible = k < m <= n and can_be_run(layer_widths(n, m, depth), rho, k)
        assert found == possible, (n, m, k, rho, depth)
    assert 0 < sum(nets) < len(nets)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_nets_that_are_run_are_of_the_grid_and_each_is_there_once(profile):
    nets = [Net(p.widths[0], p.widths[-1], p.k, p.rho[0], p.depth) for p in nets_to_run(profile)]
    grid = {Net(n, row.m, row.k, row.rho, row.depth) for row in law_rows("full") for n in row.n}
    assert len(nets) == len(set(nets)) == len({p.seed for p in nets_to_run(profile)})
    assert set(nets) <= grid
    for net, p in zip(nets, nets_to_run(profile), strict=True):
        assert (p.widths, set(p.rho)) == (layer_widths(net.n, net.m, net.depth), {net.rho})


def test_a_net_that_is_run_stands_beside_its_own_law():
    run = run_net(MultiLayer(widths=(1000, 316, 100), rho=(0.5, 0.5), k=5, offset="optimal", trials=20, seed=3))
    assert run.law == by_the_library(1000, 100, 5, 0.5, 2)
    assert run.error.mean == pytest.approx(run.law, rel=0.15)
    assert run.error.n == 20


def test_measures_of_nets_keep_those_with_few_units_apart_and_take_off_what_is_uncertain():
    many, few = (MultiLayer(widths=(500, t, 20), rho=(1.0, 1.0), k=3) for t in (FEW, FEW - 1))
    flat = MultiLayer(widths=(500, 20), rho=(1.0,), k=3)
    sure, unsure = 0.001, 0.2 * 2.306  # half of an interval: that of nine repeats with a standard error of 0.2
    runs = [
        (many, 0.5, 0.6, sure), (many, 0.5, 0.5, sure), (flat, 2.0, 2.2, sure),
        (few, 0.5, 1.0, sure), (few, 1.0, 1.2, unsure), (few, 1.0, 0.8, unsure),
    ]  # fmt: skip
    pairs = [(p, NetRun(law, Estimate(error, (error - half, error + half), 9))) for p, law, error, half in runs]
    found = net_measures(pairs)
    assert {name: estimate.mean for name, estimate in found.items()} == {
        "nets": 6,
        "error_over_law_many_kept_depth_1": pytest.approx(1.1), "error_over_law_many_kept_depth_2": pytest.approx(1.1),
        "nets_many_kept": 3, "largest_over_law_many_kept": pytest.approx(1.2),
        "rms_gap_many_kept": pytest.approx((0.05 / 3) ** 0.5, rel=1e-4),
        "error_over_law_few_kept_depth_2": pytest.approx(4 / 3),
        "nets_few_kept": 3, "largest_over_law_few_kept": 2,
        "rms_gap_few_kept": pytest.approx(3**-0.5, rel=1e-4),  # what is uncertain lies no farther off than it may
    }  # fmt: skip
    assert found["error_over_law_few_kept_depth_2"].half_width == pytest.approx(1.96 * 2**0.5 * 0.2 / 3, rel=1e-3)


def test_the_law_of_a_net_that_is_run_is_not_cut_off_where_zero_would_be_the_better_answer():
    nets = sorted((p for p in nets_to_run("full") if p.depth == 2), key=lambda p: p.rho[0] * p.widths[1] / p.k)
    places = ((p.widths[0], p.widths[-1], p.k, p.rho[0], p.depth) for p in nets)  # the hardest first
    place = next(place for place in places if law_error(*place) == 1)
    assert law_as_run(*place) > 1


def test_measures_count_steps_between_neighbours():
    """Six nets: of two steps in pixels that are not from nothing to nothing one goes down; equal is not better."""
    rows = [LawRow(m=9, k=2, rho=rho, depth=depth, n=(10, 20)) for rho in (0.5, 1.0) for depth in (1, 2)][:3]
    results = [LawErrors(errors) for errors in ((0.3, 0.4), (1.0, 1.0), (0.3, 0.1))]
    measures = {name: estimate.mean for name, estimate in law_measures(list(zip(rows, results, strict=True))).items()}
    assert measures == {
        "values": 6,
        "share_that_comes_to_nothing": pytest.approx(1 / 3),
        "share_better_with_pixels": 0.5,
        "share_better_with_units_kept": 0.5,
        "share_worse_with_depth": 1,
    }


def test_the_committed_record_is_the_library_s_grid():
    path = book_folder() / "results" / "law-grid.json"
    if not path.is_file():
        pytest.skip("no record of law-grid yet")
    record = read_record(path)
    assert record.parameters["cells"] == json.loads(json.dumps([asdict(row) for row in law_rows("full")]))
    for cell, row in record.pairs()[::61]:
        place = cell["m"], cell["k"], cell["rho"], cell["depth"]
        assert row["errors"][-1] == pytest.approx(by_the_library(cell["n"][-1], *place), rel=1e-4)


# --- the page ---------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.seen = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_every_slider_has_its_label_its_output_and_an_id_of_its_own(small_explorer):
    tags = Tags(small_explorer.content).seen
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    sliders = {attrs["id"]: attrs for tag, attrs in tags if tag == "input"}
    assert list(sliders) == [f"rv-explorer-{name}" for name in AXES]
    for tag in ("label", "output"):
        assert [attrs["for"] for seen, attrs in tags if seen == tag] == list(sliders)
    for name, slider in zip(AXES, sliders.values(), strict=True):
        assert (slider["type"], slider["min"], int(slider["max"])) == ("range", "0", len(AXES[name]) - 1)
        assert AXES[name][int(slider["value"])] == START[name]
        assert float(slider["aria-valuetext"].replace(",", "")) == START[name]
    assert [attrs["src"] for tag, attrs in tags if tag == "script" and "src" in attrs] == [f"_static/{VEGA}"]


def test_the_grid_in_the_page_is_whole_and_empty_where_no_net_is(small_explorer):
    shown = small_explorer
    (content,) = re.findall(r"id='rv-explorer-grid'>(.*?)</script>", shown.content)
    grid = json.loads(content)
    assert grid == json.loads(json.dumps(shown.value))
    assert {name: tuple(values) for name, values in grid["axes"].items()} == AXES
    places = list(product(*AXES.values()))
    assert len(grid["errors"]) == len(places)
    for place, error in zip(places, grid["errors"], strict=True):
        n, m, k, rho, depth = place
        possible = k < m <= n and can_be_run(layer_widths(n, m, depth), rho, k)
        assert (error is None) == (not possible), place
    for (n, m, depth), widths in zip(product(AXES["n"], AXES["m"], AXES["depth"]), grid["widths"], strict=True):
        assert widths == (list(layer_widths(n, m, depth)) if n >= m else None)
    for (m, k), error in zip(product(AXES["m"], AXES["k"]), grid["constant"], strict=True):
        assert error == (constant_error(m, k) if k < m else None)


@pytest.mark.parametrize(("m", "k"), [(100, 50), (400, 5)])
def test_no_constant_does_better_than_the_one_that_reads_nothing(m, k):
    codes = np.zeros((4000, m))
    codes[:, :k] = np.random.default_rng(7).uniform(0.5, 1.5, (4000, k))
    errors = [np.sum((c - codes) ** 2) / np.sum(codes**2) for c in np.linspace(0, 2 * k / m, 41)]
    assert min(errors) == pytest.approx(constant_error(m, k), rel=0.005)


def test_vega_is_one_script_with_its_licences_that_names_no_address():
    script = vega_script()
    assert script == vega_script()
    for words in ("Interactive Data Lab", "Redistribution and use", "Mike Bostock", "Permission to use, copy"):
        assert words in script
    assert {address.split("/")[2] for address in re.findall(r"https?://[\w./-]+", script)} == {"www.w3.org"}
    assert len(script) < 650_000
