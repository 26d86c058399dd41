"""Nets of random and of learned filters: against torch's own modules, faults that are seen, and figures and tables."""

import functools
import html
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from helpers import skip_without_set
from pictures import DESKTOP, MARGIN, PHONE, SMALLEST, Looked, rendered
from reversible import data
from reversible.base.estimates import Estimate
from reversible.papers.gilbert2017 import filter_nets as nets
from reversible.papers.gilbert2017 import net_measures
from reversible.papers.gilbert2017.experiments import cifar_nets as experiment
from reversible.papers.gilbert2017.experiments.cifar_nets import FilterNets, NetResult, StepBack, filter_nets
from reversible.papers.gilbert2017.figures import cifar_nets as figures
from reversible.papers.gilbert2017.filter_nets import FilterNet, Reader, Schedule, Standard
from reversible.records.record import Record, book_folder, read_record
from reversible.runs.experiment import Absent

CELL = FilterNets(
    data="digits", K=6, learned=(1, 2, 3), controls=True, images=400, held_out=100, epochs=2, batch=20, seed=3
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count=40, channels=3, side=16, seed=1):
    return torch.randn(count, channels, side, side, generator=generator(seed))


def rows_of(labels=10, count=300, columns=20, seed=0):
    """Columns in which one entry tells the class."""
    y = torch.randint(labels, (count,), generator=generator(seed))
    return torch.randn(count, columns, generator=generator(seed + 1)) + 3 * torch.eye(labels, columns)[y], y


# --- nets -------------------------------------------------------------------------------------------------------------


def modules_of(net):
    """The same net of torch's own modules, in the order of the textbook: normalised and cut off before it is pooled."""
    layers = []
    for w, scale, shift, (mean, variance) in zip(net.filters, net.scales, net.shifts, net.moments, strict=True):
        convolution = nn.Conv2d(w.shape[1], w.shape[0], w.shape[2], padding=w.shape[2] // 2, bias=False)
        normal = nn.BatchNorm2d(len(scale), eps=nets.EPS)
        with torch.no_grad():
            for own, value in ((convolution.weight, w), (normal.weight, scale), (normal.bias, shift)):
                own.copy_(value)
            normal.get_buffer("running_mean").copy_(mean)
            normal.get_buffer("running_var").copy_(variance)
        layers += [convolution, normal, nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers).eval()


def test_a_net_is_torchs_own_layers_whatever_the_place_of_pooling():
    net = FilterNet.random(3, 5, 3, generator()).with_moments(images())
    scaled = replace(net, scales=tuple(scale * 0.7 for scale in net.scales), shifts=tuple(s - 0.2 for s in net.shifts))
    for one in (net, scaled):
        with torch.no_grad():
            torch.testing.assert_close(one.levels(images())[-1], modules_of(one)(images()), atol=1e-5, rtol=1e-4)


def test_with_its_moments_a_net_normalises_the_images_they_are_of():
    bare = FilterNet.random(3, 5, 2, generator())
    known = bare.with_moments(images())
    torch.testing.assert_close(bare.levels(images())[-1], known.levels(images())[-1], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(bare.levels(images(8))[-1], known.levels(images(8))[-1], atol=1e-2)


def test_first_layers_and_what_is_read():
    net = FilterNet.random(3, 5, 3, generator()).with_moments(images())
    levels = net.levels(images())
    torch.testing.assert_close(net.first(2).levels(images())[-1], levels[2])
    read = nets.readings(net, images(), 4)
    assert [tuple(level.shape) for level in read] == [(40, 80), (40, 80), (40, 20)]
    by_hand = levels[1].unflatten(2, (4, 2)).unflatten(4, (4, 2)).mean((3, 5)).flatten(1)
    torch.testing.assert_close(read[0], by_hand, atol=1e-6, rtol=1e-5)
    deviation = net.filters[1].std() * (5 * 9) ** 0.5
    assert float(deviation) == pytest.approx(2**0.5, rel=0.15)


def test_columns_are_brought_to_one_scale_by_training_images():
    columns = 3 + 2 * torch.randn(500, 4, generator=generator())
    seen = Standard.of(columns)(columns)
    torch.testing.assert_close(seen.mean(0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(seen.var(0, correction=0), torch.ones(4), atol=1e-3, rtol=0)


def test_a_step_is_that_of_torchs_own_descent():
    value, other = (torch.ones(3, requires_grad=True) for _ in "ab")
    theirs = torch.optim.SGD([other], lr=1.0, momentum=nets.MOMENTUM, weight_decay=nets.DECAY)
    x, labels = torch.randn(8, 3, generator=generator()), torch.randint(3, (8,), generator=generator())
    nets.follow([value], lambda batch: batch * value, x, labels, Schedule(3, 4, 0.1), generator(5))
    order, step = generator(5), 0
    for _ in range(3):
        passing = torch.randperm(8, generator=order)
        for index in (passing[:4], passing[4:]):
            step += 1
            theirs.param_groups[0]["lr"] = 0.1 * nets.rises_and_falls(step / 6)
            theirs.zero_grad()
            nn.functional.cross_entropy(x[index] * other, labels[index]).backward()
            theirs.step()
    torch.testing.assert_close(value, other)


def test_a_classifier_learns_what_is_there_to_learn_and_nothing_of_shuffled_labels():
    columns, labels = rows_of()
    reader = nets.trained_reader(columns, labels, 10, Schedule(5, 20, 0.05), generator())
    assert reader.accuracy(*rows_of(seed=7)) > 0.8
    shuffled = nets.trained_reader(columns, labels[torch.randperm(300, generator=generator(2))], 10,
                                   Schedule(5, 20, 0.05), generator())  # fmt: skip
    assert shuffled.accuracy(*rows_of(seed=7)) < 0.25


def test_a_trained_net_learns_from_where_it_begins_and_leaves_that_alone():
    start = FilterNet.random(1, 4, 2, generator())
    before = [w.clone() for w in start.filters]
    x = torch.zeros(200, 1, 8, 8)
    labels = torch.arange(200) % 2
    x[labels == 0, :, :4] = 1
    net, reader, standard = nets.trained_net(start, x, labels, 2, 4, Schedule(3, 20, 0.05), generator())
    assert all(torch.equal(a, b) for a, b in zip(before, start.filters, strict=True))
    assert all(not torch.equal(a, b) for a, b in zip(net.filters, start.filters, strict=True))
    assert not any(value.requires_grad for value in (*net.filters, *net.scales, *net.shifts))
    assert reader.accuracy(standard(nets.readings(net, x, 4)[-1]), labels) == 1


# --- a cell -----------------------------------------------------------------------------------------------------------


@functools.cache
def found():
    result = filter_nets(CELL)
    assert not isinstance(result, Absent)
    return result


def test_a_cell_has_every_kind_of_net_and_is_the_same_again():
    assert {kind: len(of) for kind, of in found().nets.items()} == {
        "random": 3, "learned": 3, "pixels": 1, "linear": 3, "shuffled": 1, "coarse": 2, "last": 1,
    }  # fmt: skip
    assert {kind: len(of) for kind, of in found().back.items()} == {"random": 3, "learned": 3, "fresh": 3}
    alone = filter_nets(replace(CELL, controls=False, learned=()))
    assert not isinstance(alone, Absent)
    assert alone.nets["random"] == found().nets["random"]
    assert found().nets["random"][0].accuracy > 0.6
    assert found().nets["pixels"][0].accuracy > 0.6
    assert found().nets["shuffled"][0].accuracy < 0.3
    assert found().back["random"][0] == found().back["fresh"][0]  # both see the image


def test_the_rate_is_chosen_on_held_out_images_alone():
    task = experiment.Task.of(CELL)
    good = {0.1: 0.3, 0.2: 0.9, 0.3: 0.5}
    judged = []

    def tried(rate):
        def judge(x, labels):
            judged.append((rate, len(labels)))
            return good[rate] if len(labels) == 100 else 1 - good[rate]

        return judge

    result, rate = experiment.best((0.1, 0.2, 0.3), tried, task)
    assert rate == 0.2
    assert (result.rate, result.held_out) == (0.2, (0.3, 0.9, 0.5))
    assert result.accuracy == pytest.approx(0.1)
    assert judged == [(0.1, 100), (0.2, 100), (0.3, 100), (0.2, len(task.test.labels))]


def test_the_three_sets_share_no_image():
    task = experiment.Task.of(CELL)
    rows = [{row.numpy().tobytes() for row in x.contiguous()} for x in (task.train.x, task.held_out.x)]
    assert len(task.train.x) == 400
    assert not rows[0] & rows[1]
    shuffled = task.shuffled()
    assert not torch.equal(shuffled.train.labels, task.train.labels)
    assert torch.equal(shuffled.test.labels, task.test.labels)
    assert torch.equal(shuffled.train.x, task.train.x)


def test_a_step_back_is_that_of_explicit_matrices():
    x, filters = images(2, 2, 6), torch.randn(3, 2, 3, 3, generator=generator())
    step = experiment._step_back(x, filters)
    W = experiment.Convolution(experiment.unit_rows(filters), padding=1).matrix((6, 6)).numpy()
    cosines, ratios = [], []
    for image in x.flatten(1).numpy():
        h = np.maximum(W @ image, 0).reshape(3, 6, 6)
        kept = np.zeros_like(h)
        for k, r, c in np.ndindex(3, 3, 3):
            window = h[k, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2]
            kept[k, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2] = window * (window == window.max())
        back = W.T @ kept.ravel()
        cosines.append(image @ back / np.linalg.norm(image) / np.linalg.norm(back))
        e = (kept**2).sum() / (image**2).sum()
        ratios.append(cosines[-1] / np.sqrt(e / (1 + e)))
    assert isinstance(step, StepBack)
    assert step.cosine == pytest.approx(np.mean(cosines), rel=1e-4)
    assert step.over_law == pytest.approx(np.mean(ratios), rel=1e-4)


def test_a_set_that_is_not_at_hand_is_absent(monkeypatch):
    def missing(name, train):
        raise data.NotAtHand("cifar10 is not in the folder")

    monkeypatch.setattr(data, "load", missing)
    assert filter_nets(CELL) == Absent("cifar10 is not in the folder")
    assert net_measures.measures([(CELL, Absent("x"))]) == {}


def test_pictures_in_colour_are_seen_channel_by_channel():
    skip_without_set("cifar10")
    task = experiment.Task.of(replace(CELL, data="cifar10"))
    assert task.train.x.shape == (400, 3, 32, 32)
    torch.testing.assert_close(task.test.x.mean((0, 2, 3)), torch.zeros(3), atol=0.05, rtol=0)
    first = data.load("cifar10", train=False).pixels[0].view(3, 32, 32).float()
    seen = task.test.x[0]
    for channel in range(3):  # an increasing line of what is stored
        assert float(torch.corrcoef(torch.stack([first[channel].ravel(), seen[channel].ravel()]))[0, 1]) > 0.999


# --- measures ---------------------------------------------------------------------------------------------------------


def made_up(K, repeat, seed=0):
    """A cell and its result in which accuracies are lines in log2 K, learned 0.02 a layer above random."""
    level = 0.3 + 0.05 * np.log2(K) + 0.001 * repeat
    nets_of = lambda *levels: [NetResult(0.1, (0.0,), level + up) for up in levels]  # noqa: E731
    found = {"random": nets_of(0, 0.03, 0.031), "learned": nets_of(0.02, 0.07, 0.171)}
    extra = {"pixels": nets_of(-0.1), "linear": nets_of(-0.04, 0, 0.01), "shuffled": nets_of(-0.3),
             "coarse": nets_of(-0.02, 0.01), "last": nets_of(0.06)}  # fmt: skip
    back = {
        kind: [StepBack(c + 0.001 * repeat, 0.9) for c in (0.9, 0.5, 0.4)] for kind in ("random", "learned", "fresh")
    }
    p = replace(CELL, K=K, seed=100 * K + repeat)
    return p, experiment.FilterNetsResult(found | (extra if K == 8 else {}), back)


def test_measures_are_what_was_planted():
    pairs = [made_up(K, repeat) for K in (4, 8, 16) for repeat in range(3)]
    found = net_measures.measures(pairs)
    means = {name: estimate.mean for name, estimate in found.items()}
    planted = {
        "learned_less_random_1": 0.02, "learned_less_random_3": 0.14, "second_layer_random": 0.03,
        "third_layer_random": 0.001, "second_layer_learned": 0.05, "third_layer_learned": 0.101,
        "gap_by_doubling_1": 0, "random_by_doubling_1": 0.05, "learned_by_doubling_3": 0.05,
        "random_at_the_papers_1": 0.851, "learned_at_the_papers_3": 1.022, "random_less_pixels_1": 0.1,
        "relu_gain_1": 0.04, "relu_gain_3": 0.021, "fine_less_coarse_2": 0.02, "last_less_random": 0.029,
        "learned_less_last": 0.111, "all_beyond_last": 0.082, "fresh_less_learned_2": 0, "cosine_by_width_2": 0,
        "accuracy_by_width_2": 0.1, "accuracy_random_1_4": 0.401, "correlation_among_seeds": 1,
    }  # fmt: skip
    for name, value in planted.items():
        assert means[name] == pytest.approx(value, abs=1e-9), name
    assert all(experiment.EXPERIMENTS["cifar-nets"].label(name) for name in found)


def test_a_correlation_is_about_the_means_of_its_groups():
    rng = np.random.default_rng(0)
    x = [rng.standard_normal(40) + 10 * group for group in range(3)]
    y = [v - v.mean() + 5 * rng.standard_normal(40) - 30 * group for group, v in enumerate(x)]
    found = net_measures.correlation_within(x, y)
    assert found.ci95[0] < 0.2 < found.ci95[1]
    assert found.mean > -0.1
    alone = net_measures.correlation_within(x[:1], y[:1])
    assert alone.mean == pytest.approx(np.corrcoef(x[0], y[0])[0, 1])


# --- figures and tables -----------------------------------------------------------------------------------------------


def record():
    """The stored one, or before it is there one that is made up."""
    file = book_folder() / "results" / "cifar-nets.json"
    if file.is_file():
        return read_record(file)
    pairs = [made_up(K, repeat) for K in (8, 16, 32) for repeat in range(3)]
    parameters = {"cells": [vars(p) for p, _ in pairs]}
    return Record("cifar-nets", "full", parameters, net_measures.measures(pairs), [], {}, {})


@functools.cache
def shown():
    return figures.cifar_nets(record())


def caption():
    return html.unescape(re.findall(r"<figcaption>([^<]*)</figcaption>", shown().content)[0])


def test_the_caption_has_the_records_numbers():
    m = record().measures
    assert 60 < len(caption()) < 420
    assert re.fullmatch(r"[A-Z].*[.]", caption())
    assert not re.search(r"\b(left|right)\b", caption())
    for depth in (1, 3):
        assert f"{100 * m[f'learned_less_random_{depth}'].mean:.1f}" in caption()
    assert "1.6 and 14.5" in caption()
    assert shown().content.count("<img") == shown().content.count(' alt="') == 3


@pytest.mark.parametrize("panel", range(3))
def test_labels_are_read_and_none_is_cut_off_or_lies_on_another(panel):
    looked = Looked(shown().value[panel])
    for column in (DESKTOP, PHONE, MARGIN):
        assert looked.smallest_label(rendered(looked.panel, 3, False, column)) >= SMALLEST
    assert looked.cut_off() == []
    assert looked.colliding() == []


def test_the_table_has_the_papers_numbers_beside_ours():
    found = figures.table_1(record()).content
    for accuracies in figures.TABLE_1.values():
        assert all(f"<td>{accuracy:.1f}</td>" in found for accuracy in accuracies)
    assert figures._percent(Estimate.exact(0.5)) in ("50", "50.0")


def test_words_for_the_prose_are_numbers():
    assert all(re.search(r"\d", said) for said in figures.words(record()).values())
    assert isinstance(Reader.blank(3, 2), Reader)
