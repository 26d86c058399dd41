"""Errors in noise and the two searches, beside distances that are known otherwise."""

import math

import pytest
import torch

from helpers import refusal
from reversible.nets import boundary
from reversible.theory import errors_in_noise as laws

N = 12
G = torch.Generator


def plane(distance, n=N):
    """Two classes; the second begins so far along the first axis."""
    return lambda x: torch.stack([distance - x[:, 0], torch.zeros(len(x), dtype=x.dtype)], 1)


def ball(radius):
    return lambda x: torch.stack([radius - x.norm(dim=1), torch.zeros(len(x), dtype=x.dtype)], 1)


def points(count, n=N, seed=0):
    return torch.randn((count, n), generator=G().manual_seed(seed), dtype=torch.float64)


NONE = torch.zeros(1, dtype=torch.long)


def test_errors_in_noise_are_those_of_a_plane():
    x = torch.zeros(2, N, dtype=torch.float64)
    x[1, 0] = 0.5
    found = boundary.error_in_noise(plane(1.0), x, NONE.expand(2), torch.tensor([0.5, 0.5]), 40_000, G().manual_seed(1))
    wanted = [0.02275, 0.15866]  # two deviations and one
    assert found.tolist() == pytest.approx(wanted, abs=0.005)


def test_noise_is_drawn_in_parts_where_memory_is_short(monkeypatch):
    monkeypatch.setattr(boundary, "BUDGET", 100 * N * 8)
    found = boundary.error_in_noise(plane(0.3), points(1) * 0, NONE, 0.3, 4050, G().manual_seed(2))
    assert float(found) == pytest.approx(0.1587, abs=0.02)
    assert float(found) * 4050 == pytest.approx(round(float(found) * 4050))


def test_sigma_is_one_that_was_tried_with_its_own_share():
    x = points(3) * 0
    found = boundary.sigma_where(plane(1.0), x, NONE.expand(3), G().manual_seed(3), share=0.05, draws=4000)
    assert found.found.all()
    assert found.share.tolist() == pytest.approx([0.05] * 3, abs=0.001)
    assert found.sigma.tolist() == pytest.approx([1 / laws.deviates(0.05)] * 3, rel=0.05)
    again = boundary.sigma_where(plane(1.0), x[:1], NONE, G().manual_seed(3), share=0.05, draws=4000)
    assert again.sigma[0] == found.sigma[0]


def test_sigma_outside_of_the_range_is_not_found():
    safe = boundary.sigma_where(plane(1e6), points(1), NONE, G().manual_seed(4), draws=100)
    assert not safe.found.any()
    said = boundary.foretold(plane(1e6), points(1), NONE, G().manual_seed(4), draws=100, fresh=100)
    assert math.isnan(said.distance[0])


def test_what_is_foretold_of_a_plane_is_its_distance():
    said = boundary.foretold(plane(2.0), points(4) * 0, NONE.expand(4), G().manual_seed(5), fresh=40_000)
    assert said.distance.tolist() == pytest.approx([2.0] * 4, rel=0.03)


@pytest.mark.parametrize("search", ["search", "descent"])
@pytest.mark.parametrize(
    ("shape", "far"), [(plane(3.0), lambda x: 3 - x[:, 0]), (ball(8.0), lambda x: 8 - x.norm(dim=1))]
)
def test_both_searches_find_what_is_nearest_to_smooth_boundaries(shape, far, search):
    x = points(40)
    x, exact = x[far(x) > 0.01], far(x)[far(x) > 0.01]
    y = torch.zeros(len(x), dtype=torch.long)
    found, error = (
        boundary.nearest_error(shape, x, y) if search == "search" else boundary.descend(shape, x, y, 2 * exact)
    )
    assert (found / exact).tolist() == pytest.approx([1.0] * len(x), abs=0.01)
    assert (found >= exact - 1e-9).all()
    assert boundary.wrong(shape, error, y).all()
    assert (error - x).norm(dim=1).tolist() == pytest.approx(found.tolist())


def test_of_many_classes_the_nearest_is_found():
    g = G().manual_seed(6)
    W, b = torch.randn((7, N), generator=g, dtype=torch.float64), torch.randn(7, generator=g, dtype=torch.float64)
    logits = lambda x: x @ W.T + b  # noqa: E731
    x = points(30)
    y = logits(x).argmax(1)
    margins = [(logits(x)[range(30), y] - logits(x)[:, k]) / (W[y] - W[k]).norm(dim=1) for k in range(7)]
    exact = torch.stack(margins).nan_to_num(nan=math.inf).min(0).values
    assert boundary.nearest_error(logits, x, y, rivals=6)[0].tolist() == pytest.approx(exact.tolist(), rel=0.01)
    one = boundary.nearest_error(logits, x, y, rivals=1)[0]
    assert (one > 1.05 * exact).any()  # the class with the next score is not always the nearest one


def test_an_error_is_at_no_distance_and_where_there_is_none_at_infinity():
    x = torch.zeros(2, N, dtype=torch.float64)
    x[1, 0] = 5.0
    constant = lambda z: torch.stack([z[:, 0] * 0 + 1, z[:, 0] * 0], 1)  # noqa: E731
    for found in (
        boundary.nearest_error(plane(3.0), x, NONE.expand(2)),
        boundary.descend(plane(3.0), x, NONE.expand(2), 9),
    ):
        assert found[0].tolist() == pytest.approx([3.0, 0.0], rel=0.01)
        assert found[1][1].tolist() == x[1].tolist()
    for found in (
        boundary.nearest_error(constant, x, NONE.expand(2)),
        boundary.descend(constant, x, NONE.expand(2), 9),
    ):
        assert found[0].isinf().all()


def test_a_descent_goes_no_farther_than_its_reach():
    x = torch.zeros(2, N, dtype=torch.float64)
    assert boundary.descend(plane(3.0), x, NONE.expand(2), torch.tensor([2.9, 3.1]))[0].tolist() == pytest.approx(
        [math.inf, 3.0], rel=0.01
    )


def test_from_an_error_behind_a_bend_the_search_walks_to_the_nearest():
    """At x the slope shows nothing of the near part of the boundary; from any error beyond it the way is seen."""
    bent = lambda z: torch.stack([2 - z[:, 0] - 3 * torch.relu(z[:, 1] - 0.2), z[:, 0] * 0], 1)  # noqa: E731
    x, far = torch.zeros(1, 2, dtype=torch.float64), torch.tensor([[0.5, 2.0]], dtype=torch.float64)
    assert float(boundary.nearest_error(bent, x, NONE)[0]) == pytest.approx(2.0, rel=0.01)
    found, error = boundary.polished(bent, x, NONE, far)
    assert float(found) == pytest.approx(2.6 / math.sqrt(10), rel=0.01)
    assert boundary.wrong(bent, error, NONE).all()
    assert boundary.polished(bent, x, NONE, x)[0].tolist() == pytest.approx([2.0], rel=0.01)  # no error to begin from


def test_both_together_are_at_least_as_near_as_each():
    g = G().manual_seed(8)
    W, V = (
        torch.randn((30, N), generator=g, dtype=torch.float64),
        torch.randn((5, 30), generator=g, dtype=torch.float64),
    )
    logits = lambda z: torch.relu(z @ W.T) @ V.T  # noqa: E731
    x = points(50)
    both, search, descent = boundary.nearest_found(logits, x, logits(x).argmax(1), 6.0)
    assert (both <= torch.minimum(search, descent)).all()
    assert (both < 0.999 * torch.minimum(search, descent)).any()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: boundary.error_in_noise(plane(1.0), points(1), NONE, 0.0, 10, G()), "sigma must be a number from"),
        (lambda: boundary.error_in_noise(plane(1.0), points(1), NONE, 1.0, 0, G()), "draws must be an integer from 1"),
        (lambda: boundary.sigma_where(plane(1.0), points(1), NONE, G(), low=2, high=1), "low must be below high"),
        (lambda: boundary.sigma_where(plane(1.0), points(1), NONE, G(), share=0), "share must be a number from"),
        (lambda: boundary.descend(plane(1.0), points(1), NONE, 0.0), "reach must be above 0, not 0"),
        (lambda: boundary.nearest_error(plane(1.0), points(1), NONE, rivals=0), "rivals must be an integer from 1"),
    ],
)
def test_wrong_input_is_told_in_one_line(wrong, told):
    assert told in refusal(wrong)
