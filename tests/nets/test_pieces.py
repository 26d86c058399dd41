"""Pieces of nets: counts beside searches, closed forms and linear programs that share no code with them."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from reversible.base.checks import InputError
from reversible.nets.layered import Conv, Dense, Layered, Pool, Stage
from reversible.nets.net import Net
from reversible.nets.pieces import circle, nearest, pieces, segment, whole_line
from reversible.nets.polygons import Polygons, Window, tiling
from reversible.nets.program import Program
from reversible.nets.residual import Unit


def layers(widths, rng, s=0.3):
    return [(rng.normal(size=(m, n)) * math.sqrt(2 / n), s * rng.normal(size=m)) for n, m in itertools.pairwise(widths)]


def signs(net, x):
    """The pattern of active neurons at x, in plain words: no code of the library."""
    pattern = []
    for place, layer in enumerate(net):
        if isinstance(layer, Unit):
            z = layer.W1 @ x + layer.b
            pattern += list(z > 0)
            x = x + layer.W2 @ np.where(z > 0, z, 0)
        elif place < len(net) - 1:
            z = layer[0] @ x + layer[1]
            pattern += list(z > 0)
            x = np.where(z > 0, z, 0)
    return tuple(pattern)


def searched(pattern_at, low, high, steps=300, fine=1e-7):
    """Changes of the pattern between two numbers, by halving wherever it differs."""

    def changes(a, b, at_a, at_b):
        if at_a == at_b:
            return 0
        if b - a < fine:
            return 1
        middle = (a + b) / 2
        at = pattern_at(middle)
        return changes(a, middle, at_a, at) + changes(middle, b, at, at_b)

    grid = np.linspace(low, high, steps)
    found = [pattern_at(t) for t in grid]
    pairs = zip(itertools.pairwise(grid), itertools.pairwise(found), strict=True)
    return sum(changes(a, b, at_a, at_b) for (a, b), (at_a, at_b) in pairs)


def residual(rng, n=4, h=6):
    return [
        (rng.normal(size=(n, 3)), 0.3 * rng.normal(size=n)),
        Unit.of(rng.normal(size=(h, n)), 0.5 * rng.normal(size=h), 0.4 * rng.normal(size=(n, h))),
        Unit.of(rng.normal(size=(h, n)), 0.5 * rng.normal(size=h), 0.4 * rng.normal(size=(n, h))),
        (rng.normal(size=(2, n)), np.zeros(2)),
    ]


def dense(rng):
    return layers([3, 8, 8, 8, 2], rng)


def without_biases(rng):
    return layers([3, 8, 8, 2], rng, 0)


KINDS = pytest.mark.parametrize("kind", [dense, residual, without_biases])


@KINDS
@pytest.mark.parametrize("seed", range(3))
def test_a_segment_has_the_pieces_that_a_search_finds(kind, seed):
    rng = np.random.default_rng(seed)
    net, p, q = kind(rng), 2 * rng.normal(size=3), 2 * rng.normal(size=3)
    found = pieces(Program.of(net), segment(p, q))
    assert found.activation_regions == 1 + searched(lambda t: signs(net, p + t * (q - p)), 0, 1)
    assert len(set(found.codes.tolist())) == found.activation_regions  # activation regions are convex


@KINDS
@pytest.mark.parametrize("seed", range(3))
def test_a_circle_has_the_pieces_that_a_search_finds(kind, seed):
    rng = np.random.default_rng(10 + seed)
    net, (c, e, f) = kind(rng), rng.normal(size=(3, 3))
    curve = circle(c, 1.5, e, f)
    found = pieces(Program.of(net), curve)
    one = e / np.linalg.norm(e)
    two = (f - (f @ one) * one) / np.linalg.norm(f - (f @ one) * one)
    wanted = searched(lambda a: signs(net, c + 1.5 * (np.cos(a) * one + np.sin(a) * two)), 0, math.tau, 900)
    assert found.activation_regions == max(1, wanted)
    assert np.allclose(np.linalg.norm(curve.at(found.angles) - c, axis=1), 1.5)


def test_what_is_kept_of_each_piece_is_the_net():
    rng = np.random.default_rng(3)
    net = Program.of(residual(rng))
    for curve in (segment([1, 2, 0], [-2, 1, 1]), circle([0, 0, 1], 2, [1, 0, 0], [1, 1, 0])):
        found = pieces(net, curve)
        middle = (found.angles[1:] + found.angles[:-1]) / 2
        basis = curve.basis(middle)
        given = np.einsum("mk,mkc->mc", basis, found.maps) / (basis @ curve.one)[:, None]
        assert given == pytest.approx(net(curve.at(middle)))


def test_one_layer_cuts_a_whole_line_and_a_large_window_as_geometry_says():
    net = Program.of(layers([5, 12, 1], np.random.default_rng(1)))
    assert pieces(net, whole_line(np.ones(5), np.arange(5.0))).activation_regions == 13
    plane = Program.of(layers([2, 12, 1], np.random.default_rng(2)))
    large = Window.of(np.zeros(2), [1, 0], [0, 1], (-1e4, -1e4), (1e4, 1e4))
    assert tiling(plane, large).activation_regions == 1 + 12 + 66
    assert pieces(plane, circle(np.zeros(2), 1e4, [1, 0], [0, 1])).activation_regions == 24


@pytest.mark.parametrize("seed", range(2))
def test_a_window_has_a_piece_for_each_pattern_that_a_linear_program_allows(seed):
    rng = np.random.default_rng(20 + seed)
    net = layers([2, 3, 3, 1], rng, 0.5)
    found = tiling(Program.of(net), Window.of(np.zeros(2), [1, 0], [0, 1], (-2, -2), (2, 2)))
    assert found.activation_regions == sum(allowed(net, s) for s in itertools.product((-1, 1), repeat=6))
    assert found.areas.sum() == pytest.approx(16)


def allowed(net, s):
    """Whether some point of [-2, 2]^2 has these signs with a margin of 1e-7."""
    (W1, b1), (W2, b2), _ = net
    on = np.array(s[:3]) > 0
    rows = np.concatenate([W1, W2 @ (on[:, None] * W1)])
    shifts = np.concatenate([b1, W2 @ (on * b1) + b2])
    upper = np.column_stack([-np.array(s)[:, None] * rows, np.ones(6)])
    best = linprog([0, 0, -1], upper, np.array(s) * shifts, bounds=[(-2, 2), (-2, 2), (None, 1)])
    return best.status == 0 and -best.fun > 1e-7


@KINDS
def test_a_window_and_a_line_in_it_agree(kind):
    rng = np.random.default_rng(4)
    net = Program.of(kind(rng))
    window = Window.through(rng.normal(size=(3, 3)))
    found = tiling(net, window)
    assert found.euler == 1
    assert len(set(found.codes.tolist())) == found.activation_regions
    (left, low), (right, high) = window.low, window.high
    line = segment(*window.at(np.array([[left, low], [right, high]])))
    assert set(pieces(net, line).codes.tolist()) <= set(found.codes.tolist())
    assert found.values == pytest.approx(net(window.at(found.corners)))


def test_the_nearest_switch_is_the_one_that_rays_find():
    rng = np.random.default_rng(5)
    net = layers([2, 6, 6, 1], rng)
    for x in rng.normal(size=(3, 2)):
        here, reach = signs(net, x), nearest(Program.of(net), x)[0]
        rays = [np.array([math.cos(a), math.sin(a)]) for a in np.linspace(0, math.tau, 721)]
        assert all(signs(net, x + 0.999 * reach * ray) == here for ray in rays)
        assert any(signs(net, x + 1.001 * reach * ray) != here for ray in rays)


def tent(times):
    """x -> the tent map so many times over: 2^times linear pieces on [0, 1]."""
    first, again = (np.array([[1.0], [1.0]]), np.array([0, -0.5])), np.array([[2.0, -4], [2, -4]])
    return [first, *[(again, np.array([0, -0.5]))] * (times - 1), (np.array([[2.0, -4]]), np.zeros(1))]


@pytest.mark.parametrize("times", [1, 4, 8])
def test_a_folding_net_has_all_of_its_pieces(times):
    found = pieces(Program.of(tent(times)), segment([0], [1]))
    assert found.linear_regions == 2**times


def test_zero_biases_give_two_pieces_on_a_line_through_the_origin_and_cones_in_a_window():
    rng = np.random.default_rng(6)
    net = Program.of(layers([2, 7, 7, 1], rng, 0))
    assert pieces(net, whole_line([0, 0], [1, 2])).activation_regions == 2
    assert pieces(net, segment([-1, -2], [1, 2])).activation_regions == 2
    found = tiling(net, Window.of([0, 0], [1, 0], [0, 1]))
    around = pieces(net, circle([0, 0], 1, [1, 0], [0, 1]))
    assert found.activation_regions == around.activation_regions > 14
    assert found.linear_regions == around.linear_regions


def test_neurons_that_are_equal_or_opposite_or_dead_switch_once_or_never():
    rng = np.random.default_rng(7)
    (W, b), (V, c), last = layers([2, 5, 4, 1], rng)
    twice = [(np.concatenate([W, W[:2], -3 * W[2:3], 0 * W[:1]]), np.concatenate([b, b[:2], -3 * b[2:3], [0]]))]
    twice += [(np.concatenate([V, np.zeros((4, 4))], 1), c), last]
    line, window = segment([-3, 1], [2, 4]), Window.of([0, 0], [1, 0], [0, 1], (-3, -3), (3, 3))
    plain = Program.of([(W, b), (V, c), last])
    assert pieces(Program.of(twice), line).activation_regions == pieces(plain, line).activation_regions
    assert tiling(Program.of(twice), window).activation_regions == tiling(plain, window).activation_regions


def test_three_cuts_through_one_point_make_six_pieces_and_a_cut_along_an_edge_none():
    W = np.array([[1.0, 0], [0.3, 1], [-0.7, 1], [1, 0]])
    net = Program.of([(W, np.array([-0.1, -0.13, -0.03, 1])), (np.ones((1, 4)), np.zeros(1))])  # all through (0.1, 0.1)
    found = tiling(net, Window.of([0, 0], [1, 0], [0, 1]))
    assert (found.activation_regions, found.euler) == (6, 1)
    assert pieces(net, segment([-0.5, 0.1], [0.7, 0.1])).activation_regions == 2


def test_a_neuron_that_nothing_reads_makes_activation_regions_alone():
    first = (np.array([[1.0], [1]]), np.array([0.0, -0.5]))
    net = Program.of([first, (np.array([[1.0, 0]]), np.zeros(1))])
    found = pieces(net, segment([-1], [1]))
    assert (found.activation_regions, found.linear_regions) == (3, 2)


def test_preactivations_that_are_zero_but_for_rounding_make_no_pieces():
    first = (np.array([[1.0], [1], [1]]), np.full(3, 0.7))
    cancels = (np.array([[0.1, 0.2, -0.3], [0.5, 0.25, 0.25]]), np.array([0, -1.0]))
    net = Program.of([first, cancels, (np.array([[1e3, 1]]), np.array([1.0])), (np.ones((1, 1)), np.zeros(1))])
    assert pieces(net, segment([-2], [3])).activation_regions == 3
    assert pieces(net, whole_line([0], [1])).activation_regions == 3


def test_a_bend_where_a_circle_begins_is_counted():
    net = Program.of([(np.array([[0.0, 1]]), np.zeros(1)), (np.ones((1, 1)), np.zeros(1))])
    found = pieces(net, circle([0, 0], 1, [1, 0], [0, 1]))
    assert (found.activation_regions, found.linear_regions) == (2, 2)


def test_convolutions_and_mean_pooling_are_the_matrices_they_are():
    g = torch.Generator().manual_seed(1)
    conv = Conv(torch.randn(2, 1, 3, 3, generator=g), torch.randn(2, generator=g), (1, 6, 6), padding=1)
    pool = Pool(False, (2, 2), (6, 6))
    last = Dense(torch.randn(3, 18, generator=g), torch.zeros(3), (2, 3, 3))
    middle = Dense(torch.randn(18, 18, generator=g), torch.randn(18, generator=g), (2, 3, 3))
    net = Layered((Stage(conv, (pool,)), Stage(middle), Stage(last)))
    mean = np.kron(np.eye(2), np.kron(np.eye(3), np.kron(np.ones((1, 2)), np.kron(np.eye(3), np.full((1, 2), 0.25)))))
    assert mean.shape == (18, 72)
    matrices = [
        (conv.matrix().double().numpy(), np.repeat(conv.bias.numpy(), 36)),
        (middle.weight.double().numpy() @ mean, middle.bias.numpy()),
        (last.weight.numpy(), np.zeros(3)),
    ]
    p, q = np.random.default_rng(8).normal(size=(2, 36))
    found, wanted = pieces(Program.of(net), segment(p, q)), pieces(Program.of(matrices), segment(p, q))
    assert found.angles == pytest.approx(wanted.angles)
    assert Program.of(net)(p[None])[0] == pytest.approx(
        net.logits(torch.tensor(p).view(1, 1, 6, 6).float())[0].numpy(), abs=1e-4
    )
    assert Program.of(net).neurons == 90


def test_a_net_in_single_precision_is_read_exactly():
    pairs = [(torch.tensor(W).float(), torch.tensor(b).float()) for W, b in layers([3, 9, 1], np.random.default_rng(9))]
    net = Net(*(tuple(part) for part in zip(*pairs, strict=True)))
    line = whole_line([0, 0, 0.5], [1, 1, 1])
    assert pieces(Program.of(net), line).activation_regions == 10


def test_pieces_that_do_not_fit_together_are_told(monkeypatch):
    net = Program.of(layers([2, 6, 1], np.random.default_rng(1)))
    add = Polygons._add_corners

    def torn(self, edges, neuron):  # a corner for each edge again and again
        return {edge: add(self, edges, neuron)[edge] for edge in map(tuple, edges.tolist())}

    monkeypatch.setattr(Polygons, "_add_corners", torn)
    with pytest.raises(ArithmeticError, match="do not fit together"):
        tiling(net, Window.of([0, 0], [1, 0], [0, 1], (-3, -3), (3, 3)))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda net: segment([1, 1], [1, 1]), "p and q must be two points"),
        (lambda net: whole_line([1, 1], [0, 0]), "direction must not be zero"),
        (lambda net: circle([0, 0], 0, [1, 0], [0, 1]), "radius must be"),
        (lambda net: circle([0, 0], 1, [1, 0], [2, 0]), "they are parallel"),
        (lambda net: Window.of([0, 0], [1, 0], [0, 1], (0, 0), (1, 0)), "from a lower to a higher corner"),
        (lambda net: Window.of([0, 0], [1, 0], [2, 0]), "they are parallel"),
        (lambda net: Window.through([[0, 0], [1, 1], [2, 2]]), "not on one line"),
        (lambda net: pieces(net, segment([1, 2, 3], [0, 0, 0])), "must have 2 numbers"),
        (lambda net: pieces(net, segment([1, math.nan], [0, 0])), "must be finite"),
        (lambda net: pieces(net, segment([1, 2], [0, 0]), budget=100), "MiB"),
        (lambda net: tiling(net, Window.of([0, 0], [1, 0], [0, 1], (-9, -9), (9, 9)), most=5), "at most 5 pieces"),
        (lambda net: nearest(net, [1, 2, 3]), "must have 2 numbers"),
        (lambda net: Program.of([]), "one layer or more"),
        (lambda net: Program.of([([[math.inf]], [0])]), "must be finite"),
        (lambda net: Program.of([([[1.0]], [0, 1])]), "m biases"),
    ],
)
def test_wrong_input_is_told_in_one_line(wrong, told):
    net = Program.of(layers([2, 6, 1], np.random.default_rng(1)))
    with pytest.raises(InputError, match=told) as error:
        wrong(net)
    assert "\n" not in str(error.value)


def test_pooling_of_the_largest_is_refused():
    conv = Conv(torch.ones(1, 1, 1, 1), torch.zeros(1), (1, 2, 2))
    last = Stage(Dense(torch.ones(1, 1), torch.zeros(1), (1, 1, 1)))
    with pytest.raises(InputError, match="mean of a window"):
        Program.of(Layered((Stage(conv, (Pool(True, (2, 2), (2, 2)),)), last)))
