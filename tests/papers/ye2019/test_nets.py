"""Encoder-decoders beside torch's own convolutions, and counts of patterns beside a sample of many points."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from reversible.nets.pieces import circle, pieces
from reversible.nets.program import Program
from reversible.papers.ye2019 import laws
from reversible.papers.ye2019.experiments.denoise import LENGTH, Nets
from reversible.papers.ye2019.nets import circular, random_coder, space


@pytest.mark.parametrize("kind", ["skips", "plain"])
def test_a_coder_is_the_net_that_torch_trains(kind):
    nets = Nets(kind, 2, torch.Generator().manual_seed(1))
    assert sum(f[0].numel() for f in nets.filters) == 324
    x = torch.randn(5, 2, LENGTH, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for place, coder in enumerate(nets.coders()):
        given = nets(x)[:, place].detach().numpy()
        assert coder.program()(x[:, place].numpy()) == pytest.approx(given, abs=1e-12)


def test_j_is_the_derivative_and_no_larger_than_the_bound():
    rng = np.random.default_rng(3)
    whole = random_coder(16, (4, 8), rng)
    for coder in (whole, whole.without_skips()):
        x, step = rng.standard_normal((2, 16))
        program = coder.program()
        moved = (program((x + 1e-7 * step)[None]) - program((x - 1e-7 * step)[None]))[0] / 2e-7
        assert coder.frame(x) @ step == pytest.approx(moved, abs=1e-5)
        assert 0 < np.linalg.norm(coder.frame(x), 2) <= coder.bound() * (1 + 1e-12)


def test_skips_left_out_are_skips_with_filters_of_zero():
    rng = np.random.default_rng(4)
    coder = random_coder(8, (2, 2), rng)
    silent = []
    for f in coder.decoder:
        silent.append(f.copy())
        silent[-1][:, f.shape[1] // 2 :] = 0
    x = rng.standard_normal((6, 8))
    given = replace(coder, decoder=tuple(silent)).program()(x)
    assert coder.without_skips().program()(x) == pytest.approx(given)
    assert np.abs(coder.program()(x) - given).max() > 1e-3


@pytest.mark.parametrize(("inputs", "neurons"), [(2, 5), (3, 5), (3, 7)])
def test_all_patterns_of_a_layer_are_those_that_many_points_have(inputs, neurons):
    rng = np.random.default_rng(neurons)
    W = rng.standard_normal((neurons, inputs))
    net = Program.of([(W, np.zeros(neurons)), (np.ones((1, neurons)), np.zeros(1))])
    found = space(net) if inputs == 3 else pieces(net, circle([0, 0], 1, [1, 0], [0, 1])).activation_regions
    seen = len(np.unique(rng.standard_normal((400_000, inputs)) @ W.T > 0, axis=0))
    assert seen <= found == laws.cones(neurons, inputs)
    assert seen > 0.9 * found


def test_a_local_convolution_has_fewer():
    W = circular(np.random.default_rng(5).standard_normal((3, 1, 2)), 3)
    net = Program.of([(W, np.zeros(9)), (np.ones((1, 9)), np.zeros(1))])
    assert space(net) == laws.local_cones(3) < laws.cones(9, 3)
