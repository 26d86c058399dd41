"""What is read off training runs: the right differences, with the right sign, of the right seeds; and honest tuning."""

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import stats

from reversible.base.estimates import Estimate, jackknife
from reversible.papers import figure_of
from reversible.papers.arora2015 import figures, tables
from reversible.papers.arora2015.experiments import shadow as st
from reversible.papers.arora2015.experiments import shadow_digits, shadow_long
from reversible.records.claims import read_claims
from reversible.records.record import Record, book_folder, read_record
from reversible.runs.experiment import Absent
from reversible.training.config import Point, Training, TrainingResult
from reversible.training.stack import Diverged
from reversible.training.synthetic import Shadow

ALL = {**st.EXPERIMENTS, **shadow_long.EXPERIMENTS, **shadow_digits.EXPERIMENTS}
CLAIMS = read_claims(book_folder())
RESULTS = book_folder() / "results"


def made_up(cell, level, seconds_a_step=1.0, spread=0.0, lr=0.1):
    """A result whose error falls in a line from 1 to `level`, seed s lying s * spread above it."""
    points = []
    for step in cell.training.looked_at:
        share = step / cell.training.steps
        errors = tuple(1 - (1 - level) * share + spread * s for s in range(len(cell.training.seeds)))
        points.append(Point(step, errors, errors, tuple(e + 0.01 for e in errors), errors, seconds_a_step * step))
    return st.TunedResult(tuple(points), ("",) * len(cell.training.seeds), lr, (0.5,) * len(cell.grid))


def pairs_of(cells, levels, **more):
    return [(cell, made_up(cell, levels.get(cell.method, 0.4), **more)) for cell in cells]


LEVELS = {"backprop": 0.3, "shadow": 0.2, "backprop dropout": 0.25, "shadow dropout": 0.24, "h3": 0.15, "blur": 0.1,
          "noise": 0.35, "sampling": 0.2}  # fmt: skip


@pytest.mark.parametrize("name", list(ALL))
def test_the_full_profile_measures_all_that_the_rules_read(name):
    experiment = ALL[name]
    measures = experiment.measure(pairs_of(experiment.cells("full"), LEVELS, spread=0.001))
    asked = {check.measure for claim in CLAIMS if claim.record == name for check in (*claim.must, *claim.should)}
    assert asked
    assert asked <= set(measures)
    assert all(map(experiment.label, measures))


def test_a_gain_is_backprop_less_shadow():
    cells = st.shadow_cells("book")
    measures = st.shadow_measures(pairs_of(cells, LEVELS))
    assert measures["final_gain_digits_200"].mean == pytest.approx(0.1)
    assert measures["best_gain_dropout_digits_200"].mean == pytest.approx(0.01)
    assert measures["area_gain_digits_all"].mean == pytest.approx(0.05)  # a line from 1: half of the final gain
    assert measures["gap_shadow_digits_200"].mean == pytest.approx(0.01)
    assert measures["correlation_shadow_digits_200"].mean == pytest.approx(1.0)
    assert measures["final_gain_digits_200"].n == 10


def test_equal_time_stops_shadow_when_backprop_is_done():
    cells = st.shadow_cells("book")
    pairs = [(c, made_up(c, LEVELS[c.method], 2.0 if c.method.startswith("shadow") else 1.0)) for c in cells]
    measures = st.shadow_measures(pairs)
    # Half of the steps: SHADOW is half way from 1 to 0.2.
    assert measures["equal_time_gain_digits_200"].mean == pytest.approx(0.3 - 0.6)
    assert measures["time_ratio_digits_200"].mean == pytest.approx(2.0)


def test_ablations_are_below_what_they_are_set_beside():
    cells = st.ablation_cells("book")
    measures = st.ablation_measures(pairs_of(cells, LEVELS))
    assert measures["h3_below_shadow_digits_200"].mean == pytest.approx(0.05)
    assert measures["blur_below_shadow_digits_200"].mean == pytest.approx(0.1)
    assert measures["shadow_below_noise_digits_200"].mean == pytest.approx(0.15)
    assert measures["noise_below_backprop_digits_200"].mean == pytest.approx(-0.05)
    assert measures["sampling_below_shadow_digits_200"].n == 20
    assert measures["shadow_below_noise_digits_200"].n == 10


def test_seeds_are_paired_and_so_a_common_spread_costs_nothing():
    cells = st.shadow_cells("book")
    measures = st.shadow_measures(pairs_of(cells, LEVELS, spread=0.01))
    assert np.ptp(measures["final_gain_digits_200"].ci95) < 1e-9
    assert np.ptp(measures["final_error_shadow_digits_200"].ci95) > 0.01


def test_a_wider_spread_shows_in_the_ratio_of_variances():
    cells = st.ablation_cells("book")
    pairs = [(c, made_up(c, 0.2, spread=0.02 if c.method == "sampling" else 0.01)) for c in cells]
    ratio = st.ablation_measures(pairs)["sampling_log_variance_ratio_digits_200"]
    assert ratio.mean == pytest.approx(np.log(4), abs=1e-6)
    assert ratio.ci95[0] <= ratio.mean <= ratio.ci95[1]


def held(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


@pytest.mark.parametrize("skewness", [0.0, 0.5])
def test_the_interval_of_ten_seeds_holds_the_mean_and_that_of_a_bootstrap_less_often(skewness):
    """A skewness of a half is more than recorded differences have: they are hardly more skewed than normal samples."""
    rng = np.random.default_rng(3)
    shape = 4 / skewness**2 if skewness else 1
    values = rng.gamma(shape, 1, (20_000, 10)) - shape if skewness else rng.standard_normal((20_000, 10))
    assert held([Estimate.of(row).ci95 for row in values], 0) >= 0.94
    few = values[:3000]
    bca = stats.bootstrap((few,), np.mean, axis=-1, vectorized=True, n_resamples=1000, rng=0).confidence_interval
    assert held(zip(*bca, strict=True), 0) <= 0.92


def test_the_interval_of_a_ratio_of_variances_holds_it_more_often_than_that_of_a_bootstrap():
    """Of twenty seeds, paired as SHADOW's with sampling and without are, somewhat skewed."""
    rng = np.random.default_rng(4)
    common, own = (rng.gamma(16, 1, (3000, 20)) - 16 for _ in range(2))
    above, below = 1.5 * (common + own), common - own
    truth = 2 * np.log(1.5)
    ours = [jackknife(st._log_variance_ratio, *both).ci95 for both in zip(above, below, strict=True)]
    bca = stats.bootstrap(
        (above[:1000], below[:1000]), lambda a, b, axis: np.log(a.var(axis=axis, ddof=1) / b.var(axis=axis, ddof=1)),
        axis=-1, paired=True, vectorized=True, n_resamples=1000, rng=0,
    ).confidence_interval  # fmt: skip
    assert held(ours, truth) >= 0.925
    assert held(zip(*bca, strict=True), truth) <= held(ours, truth) - 0.01


@pytest.mark.parametrize("values", [[0.2] * 10, [0.2] * 9 + [0.3]])
def test_the_ratio_of_variances_of_values_that_are_nearly_all_the_same_is_a_number(values):
    found = jackknife(st._log_variance_ratio, np.array(values), np.array([0.2] * 10))
    assert found.ci95[0] <= found.mean <= found.ci95[1]
    assert found.n == len(values)


# --- tuning -----------------------------------------------------------------------------------------------------------

CELL = st.shadow_cells("smoke")[2]


def trained_like(monkeypatch, held_out, diverging=()):
    """`trained` as if these were the held-out errors by learning rate; what it is called with is kept."""
    called = []

    def trained(p: Training):
        called.append(p)
        if (p.lr in diverging and p.judge == "test") or held_out[p.lr] is None:
            raise Diverged("the loss")
        level = held_out[p.lr] if p.judge == "held out" else 1 - held_out[p.lr]  # the test set says the contrary
        levels = (level,) * len(p.seeds)
        point = Point(p.steps, levels, levels, levels, levels, 1.0)
        return TrainingResult((point,), ("",) * len(p.seeds))

    monkeypatch.setattr(st, "trained", trained)
    return called


def test_the_learning_rate_is_chosen_on_held_out_images_by_other_seeds(monkeypatch):
    called = trained_like(monkeypatch, {0.03: 0.5, 0.1: 0.4})
    result = st.tuned(CELL)
    assert isinstance(result, st.TunedResult)
    assert result.lr == 0.1
    assert result.tuning_errors == (0.5, 0.4)
    *tries, final = called
    assert {p.judge for p in tries} == {"held out"}
    assert final.judge == "test"
    assert not {seed for p in tries for seed in p.seeds} & set(final.seeds)
    assert final.seeds == CELL.training.seeds


def test_what_diverges_is_not_taken(monkeypatch):
    trained_like(monkeypatch, {0.03: 0.5, 0.1: None})
    result = st.tuned(CELL)
    assert isinstance(result, st.TunedResult)
    assert (result.lr, result.tuning_errors) == (0.03, (0.5, 1.0))


def test_where_a_seed_that_counts_diverges_the_next_best_is_taken(monkeypatch):
    trained_like(monkeypatch, {0.03: 0.5, 0.1: 0.4}, diverging=(0.1,))
    result = st.tuned(CELL)
    assert isinstance(result, st.TunedResult)
    assert (result.lr, result.tuning_errors) == (0.03, (0.5, 0.4))


def test_where_everything_diverges_the_cell_says_so(monkeypatch):
    trained_like(monkeypatch, {0.03: None, 0.1: None})
    assert st.tuned(CELL) == Absent("shadow diverges at every learning rate")


def test_data_that_are_not_at_hand(monkeypatch):
    def trained(p):
        raise st.NotAtHand("mnist is not here")

    monkeypatch.setattr(st, "trained", trained)
    assert st.tuned(CELL) == Absent("mnist is not here")


# --- cells ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["smoke", "book", "full"])
@pytest.mark.parametrize("name", list(ALL))
def test_methods_differ_in_nothing_but_what_they_are_called_by(name, profile):
    cells = ALL[name].cells(profile)
    assert len({(cell.method, cell.place) for cell in cells}) == len(cells)
    for cell in cells:
        same = next(other for other in cells if other.place == cell.place and other.method == "backprop")
        mine, theirs = ({**asdict(c.training), "seeds": c.training.seeds[:3]} for c in (cell, same))
        differ = {key for key in mine if mine[key] != theirs[key]}
        assert differ <= ({"batch"} if cell.method == st.DOUBLED else {"shadow", "dropout"}), cell.method
        assert (cell.grid, cell.tuning_seeds) == (same.grid, same.tuning_seeds)
        assert not set(cell.tuning_seeds) & set(cell.training.seeds)
        assert cell.training.held_out > 0


def test_recipes_by_hand():
    asked = {cell.method: cell.training for cell in st.ablation_cells("book")}  # 200 steps, 50 images a batch
    assert asked["late start"].shadow == Shadow(start=66)
    assert asked["half share"].shadow == Shadow(share=0.5)
    assert (asked["doubled"].batch, asked["doubled"].shadow, asked["shadow"].batch) == (100, None, 50)
    methods = {cell.method: cell.training for cell in st.shadow_cells("book")}
    assert methods["shadow dropout"] == replace(methods["shadow"], dropout=0.5)
    assert {p.lr for p in (*asked.values(), *methods.values())} == {st.NOT_CHOSEN}


@pytest.mark.parametrize("name", [name for name in ALL if (RESULTS / f"{name}.json").exists()])
def test_the_full_profile_asks_what_its_sealed_record_was_asked(name):
    cells = json.loads(json.dumps([asdict(cell) for cell in ALL[name].cells("full")]))
    assert cells == read_record(RESULTS / f"{name}.json").parameters["cells"]


def test_what_is_run_live_is_in_the_record_too():
    for name in ("shadow-digits", "ablations-digits"):
        assert ALL[name].cells("book") == ALL[name].cells("full")


def record_of(name, pairs):
    cells, rows = ([asdict(pair[end]) for pair in pairs] for end in (0, 1))
    return Record(name, "full", {"cells": cells}, ALL[name].measure(pairs), rows, {}, {})


@pytest.mark.parametrize("name", ["shadow", "shadow-ablations"])
def test_figures_and_tables_of_a_record(name):
    experiment = ALL[name]
    *pairs, (last, _) = pairs_of(experiment.cells("full"), LEVELS, spread=0.001)
    pairs = [*pairs, (last, Absent("it diverges at every learning rate"))]
    record = record_of(name, pairs)
    shown = tables.learning_rates(record).content
    assert "<strong>0.1: 0.500</strong>" in shown
    assert "MNIST, 1,000" in shown
    assert tables.training_errors(record).content.count("<tr>") == len(pairs)  # a head, and all but one
    drawn = [figure_of(record)]
    if name == "shadow":
        drawn += [figures.shadow_sizes(record), figures.shadow_tracking(record)]
    for figure in drawn:
        assert re.search(r"<figcaption>[^<]*\d[^<]*\.</figcaption>", figure.content)


def test_places_are_compared_where_both_methods_were_trained():
    pairs = pairs_of(st.shadow_cells("book"), LEVELS)
    without = [(p, Absent("it diverges") if (p.place, p.method) == ("digits_200", "shadow") else r) for p, r in pairs]
    assert tables.places_compared(record_of("shadow", pairs)) == ["digits_200", "digits_all"]
    few = record_of("shadow", without)
    assert tables.places_compared(few) == ["digits_all"]
    assert tables.training_settings(few)["time_ratio"] == "1.0 to 1.0"
    assert "its test error is from 5 points below to 10 points below" in figures.overview({"shadow": few}).content


def test_the_device_is_the_one_asked_for(monkeypatch):
    called = trained_like(monkeypatch, {0.03: 0.5, 0.1: 0.4})
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    st.tuned(replace(CELL, device="cuda"))
    assert {p.device for p in called} == {"cuda"}
