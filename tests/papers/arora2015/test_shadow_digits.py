"""How the runs on digits choose a learning rate: by other seeds, on held-out images, never at the edge."""

from dataclasses import replace

import pytest

from reversible.papers.arora2015.experiments import shadow_digits as sd
from reversible.papers.arora2015.experiments.shadow import TunedResult
from reversible.runs.experiment import Absent
from reversible.training.config import Point, Training, TrainingResult
from reversible.training.stack import Diverged

CELL = replace(sd.digits_cells("smoke")[2], grid=(0.03, 0.1, 0.3))


def trained_like(monkeypatch, held_out, failing=()):
    """`trained` as if these were the held-out errors by learning rate; what it is called with is kept.

    An error that is none diverges; at the rates `failing` seeds that count end no better than by guessing.
    """
    called = []

    def trained(p: Training):
        called.append(p)
        if held_out[p.lr] is None:
            raise Diverged("the loss")
        level = held_out[p.lr] if p.judge == "held out" else 1 - held_out[p.lr] / 2  # the test set says the contrary
        levels = [min(level, 0.8)] * len(p.seeds)
        if held_out[p.lr] > 0.88 if p.judge == "held out" else p.lr in failing:
            levels[-1] = 0.9
        point = Point(p.steps, tuple(levels), tuple(levels), tuple(levels), tuple(levels), 1.0)
        return TrainingResult((point,), ("",) * len(p.seeds))

    monkeypatch.setattr(sd, "trained", trained)
    return called


def taken(result):
    assert isinstance(result, TunedResult)
    return result.lr, result.tuning_errors


def test_the_learning_rate_is_chosen_on_held_out_images_by_other_seeds(monkeypatch):
    called = trained_like(monkeypatch, {0.03: 0.5, 0.1: 0.4, 0.3: 0.45})
    assert taken(sd.tuned(CELL)) == (0.1, (0.5, 0.4, 0.45))
    *tries, final = called
    assert {p.judge for p in tries} == {"held out"}
    assert final.judge == "test"
    assert not {seed for p in tries for seed in p.seeds} & set(final.seeds)
    assert final.seeds == CELL.training.seeds


def test_the_last_of_the_grid_is_not_taken_for_nobody_knows_what_lies_above(monkeypatch):
    trained_like(monkeypatch, {0.03: 0.5, 0.1: 0.4, 0.3: 0.3})
    assert taken(sd.tuned(CELL)) == (0.1, (0.5, 0.4, 0.3))


@pytest.mark.parametrize("failure", [None, 0.9])  # it diverges; a seed ends no better than by guessing
def test_a_rate_below_one_that_fails_is_at_the_edge_and_is_not_taken(monkeypatch, failure):
    trained_like(monkeypatch, {0.03: 0.5, 0.1: 0.4, 0.3: failure})
    assert taken(sd.tuned(CELL)) == (0.03, (0.5, 0.4, 1.0))


def test_where_a_seed_that_counts_fails_the_next_best_is_taken(monkeypatch):
    trained_like(monkeypatch, {0.03: 0.5, 0.1: 0.4, 0.3: 0.45}, failing=(0.1,))
    assert taken(sd.tuned(CELL)) == (0.03, (0.5, 0.4, 0.45))


def test_where_everything_fails_the_cell_says_so(monkeypatch):
    trained_like(monkeypatch, {0.03: None, 0.1: None, 0.3: None})
    assert sd.tuned(CELL) == Absent("shadow fails at every learning rate")


def test_a_choice_is_taken_and_nothing_is_tried(monkeypatch):
    called = trained_like(monkeypatch, {0.03: 0.5, 0.1: 0.4, 0.3: None})
    choice = sd.chosen({"lr": 0.1, "tuning_errors": [0.5, 0.4, 1.0]})
    assert taken(sd.tuned(CELL, choice)) == (0.1, (0.5, 0.4, 1.0))
    assert [(p.lr, p.judge) for p in called] == [(0.1, "test")]
    assert choice == sd.Choice(0.1, (0.5, 0.1, 1.0)) != sd.Choice(0.03, choice.tuning_errors)
    assert sd.tuned(CELL, sd.Choice(0.3, ())) == Absent("shadow fails at the recorded learning rate")


def test_data_that_are_not_at_hand(monkeypatch):
    def trained(p):
        raise sd.NotAtHand("mnist is not here")

    monkeypatch.setattr(sd, "trained", trained)
    assert sd.tuned(CELL) == Absent("mnist is not here")
