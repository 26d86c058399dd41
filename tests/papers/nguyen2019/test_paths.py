"""Paths of the theorems: walked again by code of the test's own, in exact arithmetic where that is possible."""

import itertools

import mpmath
import numpy as np
import pytest

from helpers import refusal
from reversible.papers.nguyen2019.laws.path import LARGEST_CONDITION, Path, follow, straight
from reversible.papers.nguyen2019.laws.pyramid import Pyramid
from reversible.papers.nguyen2019.laws.turns import turn
from reversible.papers.nguyen2019.laws.wide import Wide
from reversible.papers.nguyen2019.nets import (
    LEAK,
    Weights,
    activation,
    check_convex,
    cross_entropy,
    given,
    random_weights,
    squares,
)

PYRAMIDS = [("leaky", (7, 5, 4, 2)), ("root", (7, 6, 5, 3, 2)), ("leaky", (7, 3, 1))]
WIDES = [
    ("leaky", (2, 10, 2), False),
    ("leaky", (2, 6, 4, 2), True),
    ("relu", (2, 6, 2), True),
    ("relu", (2, 10, 1), False),
]


def forward(theta, X, name):
    """The net in plain loops over numbers of 30 digits."""
    mpmath.mp.dps = 30
    act = {
        "leaky": lambda z: z if z > 0 else mpmath.mpf(LEAK) * z,
        "relu": lambda z: z if z > 0 else mpmath.mpf(0),
        "root": lambda z: mpmath.sign(z) * (mpmath.sqrt(1 + 2 * abs(z)) - 1),
    }[name]
    F = mpmath.matrix(X.tolist())
    for layer, (W, b) in enumerate(zip(theta.weights, theta.biases, strict=True)):
        F = (F.apply(act) if layer else F) * mpmath.matrix(W.tolist())
        for i, j in itertools.product(range(F.rows), range(F.cols)):
            F[i, j] += mpmath.mpf(float(b[j]))
    return F


def slow_loss(theta, X, name, Y):
    F = forward(theta, X, name)
    return sum((F[i, j] - Y[i][j]) ** 2 for i in range(F.rows) for j in range(F.cols)) / 2 / len(Y)


def checked(path, a, b, X, Y, name):
    """Ends, joints, and losses at three places of each leg."""
    ends = [slow_loss(end, X, name, Y) for end in (a, b)]
    assert path.ends[0].flat() == pytest.approx(a.flat(), abs=1e-12)
    assert path.ends[1].flat() == pytest.approx(b.flat(), abs=1e-11)
    for one, other in itertools.pairwise(path.legs):
        assert one.at(1.0).flat() == pytest.approx(other.at(0.0).flat(), abs=1e-10)
    for leg in path.legs:
        for t in (0.21, 0.5, 0.83):
            assert slow_loss(leg.at(t), X, name, Y) <= max(ends) * (1 + 1e-11) + 1e-20, (leg.name, t)


@pytest.mark.parametrize(("name", "widths"), PYRAMIDS)
def test_the_path_of_theorem_3_2_by_exact_arithmetic(name, widths):
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((5, widths[0])), rng.standard_normal((5, widths[-1]))
    a, b = (random_weights(widths, rng) for _ in range(2))
    room = Pyramid.of(X, activation(name))
    checked(room.path(a, b, squares(Y)), a, b, X, Y, name)
    checked(room.straight_path(a, b, squares(Y)), a, b, X, Y, name)


@pytest.mark.parametrize(("name", "widths", "few"), WIDES)
def test_the_path_of_theorem_5_1_by_exact_arithmetic(name, widths, few):
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((5, widths[0])), rng.standard_normal((5, widths[-1]))
    a, b = (random_weights(widths, rng) for _ in range(2))
    checked(Wide.of(X, activation(name)).path(a, b, squares(Y), few), a, b, X, Y, name)


def test_nets_of_zeros_and_of_equal_units_are_joined_as_well():
    rng = np.random.default_rng(3)
    X, Y = rng.standard_normal((4, 6)), rng.standard_normal((4, 2))
    b = random_weights((6, 5, 3, 2), rng)
    zeros = Weights(tuple(0 * W for W in b.weights), tuple(0 * bias for bias in b.biases))
    checked(Pyramid.of(X, activation("leaky")).path(zeros, b, squares(Y)), zeros, b, X, Y, "leaky")
    X = rng.standard_normal((4, 2))
    b = random_weights((2, 5, 2), rng)
    equal = Weights((np.ones((2, 5)), np.ones((5, 2))), (np.ones(5), np.zeros(2)))
    checked(Wide.of(X, activation("relu")).path(equal, b, squares(Y), few=True), equal, b, X, Y, "relu")


def test_a_wrong_pull_back_is_seen(monkeypatch):
    """The checks above can fail: a slope below zero that is one per cent off breaks the path."""
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((5, 7)), rng.standard_normal((5, 2))
    a, b = (random_weights((7, 5, 4, 2), rng) for _ in range(2))
    room = Pyramid.of(X, activation("leaky"))
    monkeypatch.setattr(Pyramid, "back", lambda room, F: np.where(F > 0, F, 1.01 * F / LEAK))
    with pytest.raises(AssertionError):
        checked(room.path(a, b, squares(Y)), a, b, X, Y, "leaky")


def test_turns_keep_columns_orthonormal_and_go_there_without_a_jump():
    rng = np.random.default_rng(4)
    for n, m in ((3, 2), (6, 3), (5, 4), (2, 1)):
        Q, R = (np.linalg.qr(rng.standard_normal((n, m)))[0] for _ in range(2))
        way = turn(Q, R)
        assert way(0) == pytest.approx(Q)
        assert way(1) == pytest.approx(R)
        steps = [way(t) for t in np.linspace(0, 1, 201)]
        assert max(np.abs(step.T @ step - np.eye(m)).max() for step in steps) < 1e-12
        assert max(np.linalg.norm(x - y) for x, y in itertools.pairwise(steps)) < 2 * np.pi * np.sqrt(m) / 200
    assert pytest.approx(0) == turn(Q, -Q)(0.5).T @ Q  # half a turn


def test_square_layers_of_other_sign_are_refused():
    Q = np.eye(3)
    assert turn(Q, Q[[1, 2, 0]])(1) == pytest.approx(Q[[1, 2, 0]])
    assert "determinant" in refusal(lambda: turn(Q, Q[[1, 0, 2]]))


def test_following_finds_a_barrier_a_jump_and_the_ends():
    X, Y = np.eye(2), np.ones((2, 1))
    a, b = (Weights((v * np.eye(2), v * np.ones((2, 1))), (np.zeros(2), np.zeros(1))) for v in (1.0, -1.0))
    found = follow(Path((straight("line", a, b),)), X, activation("leaky"), squares(Y), 10)
    outputs = [v * v if v > 0 else LEAK * v * v for v in np.linspace(1, -1, 11)]
    assert found.losses == pytest.approx([0.5 * (out - 1) ** 2 for out in outputs])
    assert (found.largest, found.ends) == pytest.approx((0.5, 0.5 * (LEAK - 1) ** 2))
    assert found.jump == pytest.approx(0.2 * np.sqrt(4))
    halves = [leg.at(t).flat() for leg in Path((straight("line", a, b),)).back().legs for t in (0.0, 1.0)]
    assert halves[0] == pytest.approx(b.flat())
    assert halves[1] == pytest.approx(a.flat())


def test_cross_entropy_is_that_of_torch():
    import torch

    rng = np.random.default_rng(5)
    F, labels = rng.standard_normal((6, 4)), rng.integers(4, size=6)
    wanted = torch.nn.functional.cross_entropy(torch.from_numpy(F), torch.from_numpy(labels))
    assert cross_entropy(labels)(F) == pytest.approx(float(wanted))
    check_convex(cross_entropy(labels), F, -3 * F)


def nets(widths, seed=6):
    rng = np.random.default_rng(seed)
    return random_weights(widths, rng), random_weights(widths, rng)


X, Y = np.random.default_rng(7).standard_normal((4, 6)), np.zeros((4, 2))
DOUBLE = X[[0, 1, 2, 2]]
NEARLY = np.vstack([X[:3], X[2] + 1e-14 * X[3]])


@pytest.mark.parametrize(
    ("says", "call"),
    [
        ("independent rows: its rank is at most 3, and it has 4 samples",
         lambda: Pyramid.of(DOUBLE, activation("leaky"))),
        ("its rank is at most 3", lambda: Pyramid.of(X[:, :3], activation("leaky"))),
        ("finite numbers", lambda: Pyramid.of(X * np.nan, activation("leaky"))),
        ("decrease from the first hidden layer on, not (3, 3, 2)",
         lambda: Pyramid.of(X, activation("leaky")).path(*nets((6, 3, 3, 2)), squares(Y))),
        ("read the 6 numbers of a sample, not 5",
         lambda: Pyramid.of(X, activation("leaky")).path(*nets((5, 3, 2)), squares(Y))),
        ("the same widths, not (6, 3, 2) and (6, 4, 2)",
         lambda: Pyramid.of(X, activation("leaky")).path(nets((6, 3, 2))[0], nets((6, 4, 2))[0], squares(Y))),
        ("increasing and onto, as leaky or root, not relu",
         lambda: Pyramid.of(X, activation("relu")).path(*nets((6, 3, 2)), squares(Y))),
        ("loss must be convex", lambda: Pyramid.of(X, activation("leaky")).path(
            *nets((6, 3, 2)), lambda F: -float(np.square(F).sum()))),
        ("at least 8 units for 4 samples, not 7",
         lambda: Wide.of(X, activation("relu")).path(*nets((6, 7, 2)), squares(Y))),
        ("at least 5 units for 4 samples, not 4",
         lambda: Wide.of(X, activation("relu")).path(*nets((6, 4, 2)), squares(Y), few=True)),
        ("all differ: 3 of 4 do", lambda: Wide.of(DOUBLE, activation("leaky"))),
        ("decrease from the second hidden layer on, not (2, 2)",
         lambda: Wide.of(X, activation("leaky")).path(*nets((6, 8, 2, 2)), squares(Y))),
        ("a hidden layer, and it has none", lambda: Wide.of(X, activation("leaky")).path(*nets((6, 2)), squares(Y))),
        ("must be one of leaky, root, relu, tanh, not 'sigmoid'", lambda: activation("sigmoid")),
    ],
)  # fmt: skip
def test_bad_input_gets_one_line(says, call):
    assert says in refusal(call)


def test_what_float64_cannot_carry_is_refused():
    assert f"at most {LARGEST_CONDITION:g}" in refusal(lambda: Pyramid.of(NEARLY, activation("leaky")))
    a, b = nets((6, 3, 2))
    flat = a.with_layer(2, a.weights[1] @ np.diag([1, 1e-13]))
    room = Pyramid.of(X, activation("leaky"))
    assert "a matrix of weights must have a condition number" in refusal(
        lambda: room.straight_path(flat, b, squares(Y))
    )
    assert follow(room.path(flat, b, squares(Y)), X, room.sigma, squares(Y)).excess < 1e-10  # turning needs none


def test_given_is_the_net():
    a, _ = nets((6, 3, 2))
    assert given(a, X, activation("root")) == pytest.approx(np.array(forward(a, X, "root").tolist(), float))
