"""What is proved of a unit: against cells met by many points, preimages counted by brute force, and known examples."""

import itertools

import numpy as np
import pytest

from reversible.nets import one_to_one
from reversible.nets.one_to_one import Certificate, certified, degree_of, occurring, rank_of, seen, signs_of
from reversible.nets.residual import Unit


def listed(unit):
    """The cells that occur, where they are few enough to be listed."""
    cells = occurring(unit)
    assert cells is not None
    return cells


def unit_of(rng, n, h, s=0.5, bias=1.0):
    return Unit.of(rng.standard_normal((h, n)), bias * rng.standard_normal(h), s * rng.standard_normal((n, h)))


def preimages(unit, y):
    """All x with unit(x) = y, by the affine pieces of all 2^h patterns: numpy alone."""
    found = []
    for active in itertools.product((0, 1), repeat=len(unit.b)):
        S = np.array(active)
        x = np.linalg.solve(np.eye(len(y)) + (unit.W2 * S) @ unit.W1, y - (unit.W2 * S) @ unit.b)
        if ((unit.W1 @ x + unit.b > 0) == S).all():
            found.append(x)
    return found


def star(angle=0.1, strength=3.0):
    """Six lines through the origin of the plane: the map winds around it twice, and every piece turns it the same way.

    |a . x| in three directions a, with images at twice their angle; each |.| is two ReLUs, here a little apart.
    """
    turns = np.pi * np.arange(3) / 3
    lines = np.concatenate([turns + angle, turns - angle + np.pi])
    images = np.concatenate([2 * turns, 2 * turns])
    on_circle = [np.stack([np.cos(a), np.sin(a)], 1) for a in (lines, images)]
    return Unit.of(on_circle[0], np.zeros(6), strength * on_circle[1].T)


# --- the cells --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [0.0, 1.0])
@pytest.mark.parametrize(("n", "h"), [(1, 1), (1, 5), (2, 2), (2, 5), (3, 5), (3, 7), (5, 3), (4, 6)])
def test_all_cells_are_listed_and_no_other(n, h, bias):
    rng = np.random.default_rng(10 * n + h)
    unit = unit_of(rng, n, h, bias=bias)
    cells = {tuple(map(bool, cell)) for cell in listed(unit)}
    x = rng.standard_normal((60000, n)) * rng.choice([0.3, 1, 3, 10], (60000, 1))
    met = {tuple(map(bool, cell)) for cell in x @ unit.W1.T + unit.b > 0}
    assert met <= cells
    r = min(n, h)
    in_general_position = sum(binomial(h, i) for i in range(r + 1))  # Buck's count of the cells
    through_origin = 2 * sum(binomial(h - 1, i) for i in range(r))
    assert len(cells) == (in_general_position if bias else through_origin)


def binomial(n, k):
    return len(list(itertools.combinations(range(n), k)))


def test_hyperplanes_that_coincide_are_not_listed():
    rng = np.random.default_rng(0)
    W1 = rng.standard_normal((4, 2))
    W1[3] = -2 * W1[0]
    assert occurring(Unit.of(W1, [1.0, 0, 2, -2], np.zeros((2, 4)))) is None  # row 3 is row 0 turned over
    corner = Unit.of([[1.0, 0], [0, 1], [1, 1]], [1.0, 1, 2], np.zeros((2, 3)))  # three lines through one point
    assert occurring(corner) is None


def test_only_the_directions_that_are_seen_count():
    rng = np.random.default_rng(1)
    W1 = rng.standard_normal((5, 2)) @ rng.standard_normal((2, 6))  # rank 2 in 6 dimensions
    unit = Unit.of(W1, rng.standard_normal(5), 0.1 * rng.standard_normal((6, 5)))
    assert rank_of(unit) == 2
    W, V = seen(unit)
    np.testing.assert_allclose(W @ V.T, W1, atol=1e-12)
    assert len(listed(unit)) == 1 + 5 + 10
    assert certified(unit).verdict == "unique"


def test_too_many_cells_are_not_listed(monkeypatch):
    unit = unit_of(np.random.default_rng(2), 3, 9)
    assert occurring(unit) is not None
    monkeypatch.setattr(one_to_one, "MOST_CELLS", 100)
    assert occurring(unit) is None


# --- certificates -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "h", "s", "bias"),
    [(2, 4, 0.5, 0), (2, 4, 0.5, 1), (1, 4, 1, 1), (3, 5, 0.5, 0), (3, 5, 0.4, 1), (3, 3, 0.5, 1), (5, 3, 0.5, 1)],
)
def test_a_certificate_is_right_about_every_y_that_is_tried(n, h, s, bias):
    rng = np.random.default_rng(100 * n + 10 * h + bias)
    verdicts = []
    for _ in range(60):
        unit = unit_of(rng, n, h, s, bias)
        verdict = certified(unit).verdict
        counts = {len(preimages(unit, y)) for y in 3 * rng.standard_normal((40, n))}
        if verdict == "unique":
            assert counts == {1}
        verdicts.append((verdict, counts == {1}))
    assert sum(verdict == "not known" for verdict, _ in verdicts) <= 3
    refused = [one for verdict, one in verdicts if verdict == "not unique"]
    assert len(refused) >= 10
    assert sum(refused) < 0.4 * len(refused)  # the most of them are seen in 40 y


def test_each_condition_has_its_name():
    one = np.eye(1), np.zeros(1)
    assert by(*one, [[0.5]]) == ("unique", "Banach")
    assert by(*one, [[7.0]]) == ("unique", "monotone")
    skew = 3 * np.array([[0.0, 1.0], [-1.0, 0.0]])
    assert by(np.eye(2), np.zeros(2), skew) == ("unique", "monotone")
    triangle = np.array([[0.0, 5.0], [0.0, 0.0]])
    assert by(np.eye(2), np.zeros(2), triangle) == ("unique", "P-matrix")
    assert by(*one, [[-1.5]]) == ("not unique", "minor")
    assert by([[1.0], [-1.0]], np.zeros(2), [[-2.0, 2.0]]) == ("unique", "degree")  # y = -x
    assert by([[1.0], [-1.0]], np.zeros(2), [[-2.0, 0.0]]) == ("not unique", "pieces")  # y = -|x|


def by(*parts):
    found = certified(Unit.of(*parts))
    return found.verdict, found.by


def test_a_negative_piece_everywhere_is_one_to_one_and_no_p_matrix():
    """y = -x, as x - 2 r(x) + 2 r(-x): both pieces that occur turn the line over, and nothing folds."""
    unit = Unit.of([[1.0], [-1.0]], np.zeros(2), [[-2.0, 2.0]])
    np.testing.assert_allclose(unit(np.array([[3.0], [-1.0]])), [[-3.0], [1.0]])
    cells = listed(unit)
    assert signs_of(unit, cells).tolist() == [-1, -1]
    assert degree_of(unit, cells) == 1


def test_one_sign_on_all_pieces_is_not_enough():
    unit = star()
    cells = listed(unit)
    assert len(cells) == 12
    assert (signs_of(unit, cells) == 1).all()
    assert degree_of(unit, cells) == 2
    for y in np.random.default_rng(3).standard_normal((50, 2)):
        first, second = preimages(unit, y)
        np.testing.assert_allclose(unit(first[None]), unit(second[None]))
    found = certified(unit)
    assert (found.verdict, found.by) == ("not unique", "degree")
    assert "has 2 preimages" in found.why


def test_a_weak_star_is_one_to_one():
    assert certified(star(strength=0.1)).verdict == "unique"


def test_on_the_edge_nothing_is_claimed():
    for a in (-1.0, -1 + 1e-12, -1 - 1e-12):
        found = certified(Unit.of([[1.0]], [0.0], [[a]]))
        assert (found.verdict, found.by) == ("not known", "")
    assert certified(Unit.of([[1.0]], [0.0], [[-1 + 1e-3]])).verdict == "unique"
    assert certified(Unit.of([[1.0]], [0.0], [[-1 - 1e-3]])).verdict == "not unique"


def test_large_units():
    """Beyond the exact test: a proof by the quick conditions, a witness against, or an honest nothing."""
    rng = np.random.default_rng(4)
    G = rng.standard_normal((60, 60)) / np.sqrt(60)
    eye, zero = np.eye(60), np.zeros(60)
    assert by(eye, zero, 0.4 * G) == ("unique", "Banach")
    assert by(eye, zero, 0.6 * G) == ("unique", "monotone")
    found = certified(Unit.of(eye, zero, 1.5 * G))
    assert (found.verdict, found.by) == ("not unique", "minor")
    triangle = np.triu(np.full((60, 60), 2.0), 1)  # P, and neither quick condition sees it
    found = certified(Unit.of(eye, zero, triangle))
    assert found.verdict == "not known"
    assert "h = 60 is too large for the exact test of all minors, which takes at most 20" in found.words


def test_more_hidden_units_than_can_be_listed():
    rng = np.random.default_rng(5)
    W1, W2 = rng.standard_normal((200, 6)), rng.standard_normal((6, 200))
    found = certified(Unit.of(W1, rng.standard_normal(200), W2))
    assert (found.verdict, found.by) == ("not unique", "pieces")


def test_words():
    assert (
        Certificate("unique", "Banach", "the norm is 0.5").words == "Every y has exactly one preimage: the norm is 0.5."
    )
    assert str(Certificate("not known", "", "x")) == "Whether every y has exactly one preimage is not known: x."
