"""Bands: passes that are known, evenly spaced strings, and bad input."""

import pytest
import torch

from helpers import refusal
from reversible.training.bands import Band, barrier, evenly, heights, let_down, line

A, B = torch.tensor([[-1.0, 0.0]], dtype=torch.float64), torch.tensor([[1.0, 0.0]], dtype=torch.float64)


def hill(nets):
    """Two wells at -1 and 1; between them a ridge along y that is lowest at y = 2."""
    x, y = nets.unbind(-1)
    return (1 - x**2) ** 2 * (1 + (y - 2) ** 2)


def test_a_band_finds_the_lowest_pass():
    straight = barrier(heights(line(A, B, 12), hill))
    found = heights(let_down(A, B, hill, Band(15, 1500, 0.02)), hill)
    assert float(straight) == pytest.approx(5, rel=0.05)
    assert float(barrier(found)) == pytest.approx(1, rel=0.02)


def test_nothing_is_let_down_in_no_steps_and_bands_side_by_side_are_those_alone():
    a, b = torch.cat([A, A + 0.2]), torch.cat([B, B - 0.1])
    both = let_down(a, b, hill, Band(5, 20, 0.02))
    alone = let_down(a[1:], b[1:], hill, Band(5, 20, 0.02))
    assert torch.allclose(both[1:], alone, atol=1e-12)
    assert torch.equal(let_down(a, b, hill, Band(5, 0, 0.02)), line(a, b, 7))


def test_strings_are_evenly_spaced_on_the_same_polygon_and_keep_their_ends():
    nets = torch.tensor([[[0.0, 0], [1, 0], [1, 3], [1, 4]]], dtype=torch.float64)
    moved = evenly(nets)
    wanted = [[0, 0], [1, 2 / 3], [1, 7 / 3], [1, 4]]
    assert torch.allclose(moved[0], torch.tensor(wanted, dtype=torch.float64))
    still = torch.zeros(1, 4, 2, dtype=torch.float64)
    assert torch.equal(evenly(still), still)


def test_heights_are_looked_for_between_the_nets():
    found = heights(line(A, B, 2), hill, fine=10)
    assert found.shape == (1, 11)
    assert float(barrier(found)) == pytest.approx(5)


@pytest.mark.parametrize(
    ("says", "call"),
    [
        ("the same shape, not (1, 2) and (1, 1)", lambda: let_down(A, B[:, :1], hill, Band(3, 1))),
        ("finite numbers", lambda: let_down(A * torch.nan, B, hill, Band(3, 1))),
        ("lr must be small enough", lambda: let_down(A, B, lambda nets: nets.sum(-1) * torch.inf, Band(3, 1))),
        ("nets must be an integer", lambda: Band(0)),
        ("lr must be a number", lambda: Band(lr=-1)),
    ],
)
def test_bad_input_gets_one_line(says, call):
    assert says in refusal(call)
