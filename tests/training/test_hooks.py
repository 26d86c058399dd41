"""The two hooks of the training loop: what is trained on and what is looked at can come from anywhere, by hand here."""

import contextlib
import functools
import gc
import re
import types
import weakref
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from by_hand import gradients, trained_by_hand
from helpers import ROOT, refusal
from reversible import data
from reversible.training import run as training_run
from reversible.training.checkpoints import Keeper, identity, resumed, write
from reversible.training.config import Training
from reversible.training.hooks import PROBES, as_it_is, errors, step_of
from reversible.training.run import CapturedStep, Run, trained
from reversible.training.stack import losses
from reversible.training.synthetic import Shadow

P = Training(data="digits", hidden=(30, 20), steps=6, snapshots=(0, 3, 6), lr=0.05, batch=50, seeds=(3,))
IMAGES = 20


@dataclass(frozen=True)
class Flipped:
    """A step: each label c becomes 9 - c with this probability."""

    share: float

    def __call__(self, stack):
        def becomes(x, labels):
            draws = torch.stack([torch.rand(labels.shape[1], generator=generator) for generator in stack.noise])
            return x, torch.where(draws < self.share, 9 - labels, labels)

        return becomes


def flipped_by_hand(share):
    def becomes(x, labels, noise):
        draws = torch.rand(len(labels), generator=noise).numpy()
        return x, np.where(draws < share, 9 - labels, labels)

    return becomes


def gradient_noise(stack):
    """A probe: the trace of the covariance of the gradients of single images."""

    def look():
        x, labels = next(stack.images.judged_parts(len(stack.p.seeds), IMAGES))
        each = []
        for i in range(IMAGES):
            loss = losses(stack.net.logits(x[:, [i]]), labels[:, [i]])
            slopes = torch.autograd.grad(loss.sum(), stack.values)
            each.append(torch.cat([slope.flatten(1) for slope in slopes], 1))  # (S, parameters)
        return {"noise": tuple(torch.stack(each).double().var(0).sum(1).tolist())}

    return look


def noise_by_hand(p):
    values, test = trained_by_hand(p), data.load(p.data, train=False)
    x, labels, layers = test.scaled().double().numpy(), test.labels.numpy(), len(p.hidden) + 1
    parts = [gradients(values[:layers], values[layers:], x[[i]], labels[[i]], []) for i in range(IMAGES)]
    each = np.array([np.concatenate([slope.ravel() for slope in slopes]) for slopes in parts])
    return each.var(0, ddof=1).sum()


def distance(stack):
    """A probe that remembers how the nets began."""
    start = stack.nets()

    def look():
        pairs = zip(stack.nets(), start, strict=True)
        return {"distance": tuple(float((net.weights[0] - first.weights[0]).norm()) for net, first in pairs)}

    return look


def worst(run, expected):
    net = run.stack.nets()[0]
    pairs = zip((*net.weights, *net.biases), expected, strict=True)
    return max(np.abs(value.numpy() - right).max() / np.abs(right).max() for value, right in pairs)


# --- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{}, {"dropout": 0.3}])
def test_a_step_of_ones_own_is_what_is_trained_on(change):
    run = Run(replace(P, **change), step=Flipped(0.3))
    run.advance(6)
    assert worst(run, trained_by_hand(run.p, flipped_by_hand(0.3))) < 2e-6
    assert worst(run, trained_by_hand(run.p)) > 1e-3


def test_a_probe_of_ones_own_is_what_is_looked_at():
    p = replace(P, snapshots=(1, 6))
    run = Run(p, probes=(gradient_noise, errors))
    rows = list(run.follow())
    assert rows == run.rows
    assert [list(row) for row in rows] == [["step", "noise", "test_error", "shown_error", "test_loss", "seconds"]] * 2
    for row, point in zip(rows, trained(p).points, strict=True):
        assert (row["step"], row["test_error"], row["test_loss"]) == (point.step, point.test_error, point.test_loss)
        assert row["noise"] == (pytest.approx(noise_by_hand(replace(p, steps=point.step, snapshots=())), rel=1e-4),)


def test_of_several_steps_each_begins_at_its_own():
    flipped, count = flipped_by_hand(0.5), iter(range(6))

    def becomes(x, labels, noise):
        return flipped(x, labels, noise) if next(count) in (2, 3) else (x, labels)

    run = Run(P, step={4: as_it_is, 0: as_it_is, 2: Flipped(0.5)})
    run.advance(6)
    assert worst(run, trained_by_hand(P, becomes)) < 2e-6


@pytest.mark.parametrize("change", [{}, {"dropout": 0.4}, {"precision": "bf16", "seeds": (1, 2)}])
def test_a_step_that_changes_nothing_gives_the_same_bits_as_none(change):
    p = replace(P, **change)
    assert Run(p).steps == step_of(p) == {0: as_it_is}
    own, none = (trained(p, run) for run in (Run(p, step=lambda stack: lambda x, labels: (x, labels)), Run(p)))
    assert own.weights == none.weights
    assert [replace(point, seconds=0) for point in own.points] == [replace(point, seconds=0) for point in none.points]
    assert trained(p, Run(p, step=Flipped(0.5))).weights != none.weights


def test_synthetic_images_are_the_step_that_is_asked_for_by_the_training():
    p = replace(P, shadow=Shadow(start=2))
    assert list(step_of(p)) == [0, 2]
    assert list(step_of(replace(p, shadow=Shadow()))) == [0]
    asked, given = trained(p), trained(P, Run(P, step=step_of(p)))
    assert asked.weights == given.weights != trained(P).weights


def test_looking_changes_nothing_of_the_run():
    assert trained(P).weights == trained(replace(P, snapshots=())).weights
    run = Run(P, probes=(gradient_noise, distance))
    assert len(list(run.follow())) == 3
    assert run.stack.digests() == trained(P).weights


def test_the_example_in_the_guide_runs():
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    section = guide[guide.index("## Train something else") :]
    found = re.search(r"```python\n(.*?)```", section, re.S)
    assert found
    names: dict[str, Any] = {"p": replace(P, seeds=(3, 4))}
    exec(found[1], names)
    assert [row["step"] for row in names["rows"]] == [0, 3, 6]
    expected = trained_by_hand(P, flipped_by_hand(0.1))
    run = Run(P, step=names["flipped"])
    run.advance(6)
    assert worst(run, expected) < 2e-6


# --- kept and taken up again ------------------------------------------------------------------------------------------

HOOKS = {"step": {0: as_it_is, 2: Flipped(0.3)}, "probes": (distance, errors, gradient_noise)}


def rows_and_weights(run):
    return [{**row, "seconds": 0} for row in run.rows], run.stack.digests()


def test_a_run_with_hooks_goes_on_to_the_bit_and_remembers_how_it_began(tmp_path, monkeypatch):
    monkeypatch.setattr(training_run, "CHUNK", 2)
    whole = Run(P, **HOOKS)
    keep, contents = Keeper(whole, tmp_path / "c", 0), []
    for _ in whole.follow(lambda run: keep(run) or contents.append((tmp_path / "c").read_bytes())):
        pass
    assert whole.rows[-1]["distance"][0] > whole.rows[1]["distance"][0] > whole.rows[0]["distance"][0] == 0
    assert len(contents) == 7  # 0 looked at, 2, 3, 3 looked at, 5, 6, 6 looked at
    for content in contents:
        (tmp_path / "c").write_bytes(content)
        again = resumed(Run(P, **HOOKS), tmp_path / "c")
        for _ in again.follow():
            pass
        assert rows_and_weights(again) == rows_and_weights(whole)


@pytest.mark.parametrize(
    "other",
    [
        {"step": {0: as_it_is, 2: Flipped(0.4)}},
        {"step": {0: as_it_is, 3: Flipped(0.3)}},
        {"step": Flipped(0.3)},
        {"probes": (distance, errors)},
        {"probes": PROBES},
    ],
)
def test_a_run_with_other_hooks_is_not_gone_on_with(other, tmp_path):
    run, file = Run(P, **HOOKS), tmp_path / "c"
    write(run, file, identity(run))
    assert resumed(Run(P, **HOOKS), file).rows == []
    says = refusal(lambda: resumed(Run(P, **{**HOOKS, **other}), file))
    assert says.endswith("is a checkpoint of another run: other hooks")


@pytest.mark.parametrize(
    "hook",
    [
        lambda stack: lambda: {},
        functools.partial(distance),
        types.MethodType(lambda self, stack: lambda: {}, "made with what cannot be told"),
    ],
)
def test_hooks_that_cannot_be_told_apart_are_not_kept(hook, tmp_path):
    run = Run(P, probes=(hook,))
    assert list(run.look()) == ["step", *hook(run.stack)(), "seconds"]
    says = refusal(lambda: Keeper(run, tmp_path / "c"))
    assert says.startswith("hooks of a run that is kept must be functions of a module or dataclasses, not ")
    Keeper(run, None)(run)


@pytest.mark.parametrize("found", [{"a": {1, 2}}, {"a": float("nan")}, {"a": np.float32(1)}])
def test_what_cannot_be_written_down_is_not_kept(found, tmp_path):
    run = Run(P)
    run.rows.append(found)
    says = refusal(lambda: write(run, tmp_path / "c", identity(run)))
    assert says.startswith("probes of a run that is kept must find numbers, texts and tuples of such: ")
    assert list(tmp_path.iterdir()) == []


# --- what cannot be ---------------------------------------------------------------------------------------------------


def test_no_two_probes_give_the_same_name():
    for probes, name in (((errors, *PROBES), "shown_error, test_error, test_loss"), ((clock,), "seconds, step")):
        says = refusal(Run(P, probes=probes).look)
        assert says == f"probes must give names of their own, not {name} once more"


def clock(stack):
    return lambda: {"step": 7, "seconds": 7}


@pytest.mark.parametrize("step", [{}, {1: as_it_is}, {-1: as_it_is, 0: as_it_is}])
def test_something_is_said_of_the_first_step(step):
    assert refusal(lambda: Run(P, step=step)).startswith("step must say what a batch becomes from step 0 on")


def test_a_run_that_is_over_gives_its_memory_back_at_once():
    """On a GPU the next one needs it: no two objects hold each other."""
    run = Run(replace(P, shadow=Shadow()))
    trained(run.p, run)
    gone = weakref.ref(run.stack)
    gc.disable()
    try:
        del run
        assert gone() is None
    finally:
        gc.enable()


# --- as one CUDA graph ------------------------------------------------------------------------------------------------


class Graph:
    """What is recorded in it runs at each replay, and not when it is recorded."""

    recording = None

    def __init__(self):
        self.streams, self.calls, self.replays = [], [], 0

    def register_generator_state(self, generator):
        self.streams.append(generator)

    def replay(self):
        self.replays += 1


@pytest.fixture
def steps_taken(monkeypatch):
    """The calls of a step that are neither recorded nor replayed; on a machine without CUDA."""
    taken = []

    @contextlib.contextmanager
    def recorded(graph):
        Graph.recording = graph
        yield
        Graph.recording = None

    def step(stack, becomes):
        (Graph.recording.calls if Graph.recording else taken).append(becomes)

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", recorded)
    monkeypatch.setattr(training_run, "train_step", step)
    return taken


@pytest.mark.parametrize("wanted", [True, False])
def test_a_step_is_recorded_once_some_have_run_without(steps_taken, wanted):
    stack = types.SimpleNamespace(noise=["a", "b"], p=types.SimpleNamespace(graph=wanted))
    step = CapturedStep(stack, "as it is")  # pyright: ignore[reportArgumentType]
    for _ in range(3):  # advances of two steps each
        step.prepare()
        step.train()
        step.train()
    if wanted:
        assert isinstance(step.graph, Graph)
        assert (steps_taken, step.graph.calls, step.graph.replays) == (["as it is"] * 2, ["as it is"], 4)
        assert step.graph.streams == ["a", "b"]
    else:
        assert (steps_taken, step.graph) == (["as it is"] * 6, None)


def test_each_way_to_make_a_batch_is_recorded_by_itself(steps_taken):
    run = Run(P, step={0: as_it_is, 3: Flipped(0.3)})
    for phase in run.phases.values():
        phase.wanted = True
    for until in range(1, 7):
        run.advance(until)
    graphs = [phase.graph for phase in run.phases.values()]
    assert len(steps_taken) == 2
    assert [(graph.calls, graph.replays) for graph in graphs if isinstance(graph, Graph)] == [
        ([one], 2) for one in steps_taken
    ]
    assert steps_taken[0] is not steps_taken[1]
