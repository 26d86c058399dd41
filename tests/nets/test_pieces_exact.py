"""Counts of pieces beside enumerators that share no code with them: rational arithmetic here, and relucent's search."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from reversible.nets.pieces import circle, pieces, segment, whole_line
from reversible.nets.polygons import Window, tiling
from reversible.nets.program import Program


def rational(widths, seed, least=-8, most=8, biases=True):
    """Weights and biases that are whole numbers over four: exact as floats and as fractions."""
    rng = np.random.default_rng(seed)
    return [
        (rng.integers(least, most + 1, (m, n)) / 4, rng.integers(least, most + 1, m) / 4 * biases)
        for n, m in itertools.pairwise(widths)
    ]


def exactly(layers):
    return [([[Fraction(w) for w in row] for row in W], [Fraction(v) for v in b]) for W, b in layers]


def preactivations(layers, x):
    """Of all hidden neurons at a point, in fractions."""
    found = []
    for W, b in layers[:-1]:
        z = [sum((w * v for w, v in zip(row, x, strict=True)), bias) for row, bias in zip(W, b, strict=True)]
        found += z
        x = [max(v, Fraction(0)) for v in z]
    return found


# --- on a segment -----------------------------------------------------------------------------------------------------


def exact_segment(layers, p, q):
    """Activation regions of a segment: its places are cut neuron by neuron, with no rounding."""
    ends = [Fraction(0), Fraction(1)]

    def at(t):
        return preactivations(layers, [a + t * (b - a) for a, b in zip(p, q, strict=True)])

    for neuron in range(len(at(Fraction(0)))):  # neurons of lower layers come first, so it is affine between the ends
        new = set(ends)
        for low, high in itertools.pairwise(ends):
            first, last = at(low)[neuron], at(high)[neuron]
            if first * last < 0:
                new.add(low + (high - low) * first / (first - last))
        ends = sorted(new)
    signs = [tuple(z > 0 for z in at((low + high) / 2)) for low, high in itertools.pairwise(ends)]
    return 1 + sum(a != b for a, b in itertools.pairwise(signs))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("biases", [True, False])
def test_a_segment_has_the_pieces_of_rational_arithmetic(seed, biases):
    layers = rational((3, 5, 5, 4, 2), seed, biases=biases)
    p, q = np.random.default_rng(100 + seed).integers(-12, 13, (2, 3)) / 4
    found = pieces(Program.of(layers), segment(p, q))
    assert found.activation_regions == exact_segment(exactly(layers), list(map(Fraction, p)), list(map(Fraction, q)))


# --- in a window ------------------------------------------------------------------------------------------------------


def cut(polygon, values):
    """A convex polygon on the two sides of an affine function that has these values at its corners."""
    sides = ([], [])
    for (here, z), (after, w) in itertools.pairwise([*zip(polygon, values, strict=True), (polygon[0], values[0])]):
        for side, sign in zip(sides, (1, -1), strict=True):
            if sign * z >= 0:
                side.append(here)
        if z * w < 0:
            corner = tuple(a + (b - a) * z / (z - w) for a, b in zip(here, after, strict=True))
            sides[0].append(corner)
            sides[1].append(corner)
    return sides


def area(polygon):
    return abs(sum(a * d - b * c for (a, b), (c, d) in itertools.pairwise([*polygon, polygon[0]]))) / 2


def exact_window(layers, reach):
    """Areas of all activation regions of [-reach, reach]^2, cut with no rounding."""
    low, high = Fraction(-reach), Fraction(reach)
    polygons = [[(low, low), (high, low), (high, high), (low, high)]]
    for neuron in range(sum(len(b) for _, b in layers[:-1])):
        new = []
        for polygon in polygons:
            values = [preactivations(layers, corner)[neuron] for corner in polygon]
            new += cut(polygon, values) if min(values) < 0 < max(values) else [polygon]
        polygons = new
    return sorted(map(area, polygons))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("biases", [True, False])
def test_a_window_has_the_pieces_of_rational_arithmetic_and_their_areas(seed, biases):
    layers = rational((2, 4, 4, 3, 1), seed, biases=biases)
    found = tiling(Program.of(layers), Window.of([0, 0], [1, 0], [0, 1], (-3, -3), (3, 3)))
    wanted = exact_window(exactly(layers), 3)
    assert sum(wanted) == 36
    assert np.sort(found.areas) == pytest.approx(np.array(wanted, float), abs=1e-9)


# --- closed forms of one layer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("neurons", [1, 2, 7, 30])
def test_one_layer_has_the_numbers_of_lines_in_general_position(neurons):
    rng = np.random.default_rng(neurons)
    layers = [(rng.normal(size=(neurons, 2)), rng.normal(size=neurons)), (np.ones((1, neurons)), np.zeros(1))]
    net, far = Program.of(layers), 1e5
    plane = Window.of([0, 0], [1, 0], [0, 1], (-far, -far), (far, far))
    assert tiling(net, plane).activation_regions == 1 + neurons + math.comb(neurons, 2)
    assert pieces(net, whole_line([0.3, 0.1], [1, 2])).activation_regions == 1 + neurons
    assert pieces(net, circle([0, 0], far, [1, 0], [0, 1])).activation_regions == 2 * neurons
    bare = Program.of([(layers[0][0], np.zeros(neurons)), layers[1]])
    assert tiling(bare, Window.of([0, 0], [1, 0], [0, 1])).activation_regions == 2 * neurons


# --- beside another library -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("widths", [(2, 6, 1), (2, 5, 5, 1), (2, 4, 4, 4, 1)])
def test_relucent_finds_as_many_pieces_in_a_window(widths):
    relucent = pytest.importorskip("relucent")
    rng = np.random.default_rng(5)
    layers = [(rng.normal(size=(m, n)), 0.3 * rng.normal(size=m)) for n, m in itertools.pairwise(widths)]
    steps = []
    for W, b in layers:
        steps += [nn.Linear(*W.shape[::-1], dtype=torch.float64), nn.ReLU()]
        with torch.no_grad():
            steps[-2].weight.copy_(torch.from_numpy(W))
            steps[-2].bias.copy_(torch.from_numpy(b))
    found = relucent.Complex(nn.Sequential(*steps[:-1]))
    found.bfs(nworkers=1, verbose=0, cube_radius=2.0, cube_mode="intersect")
    own = tiling(Program.of(layers), Window.of([0, 0], [1, 0], [0, 1], (-2, -2), (2, 2)))
    assert own.activation_regions == len(found)
