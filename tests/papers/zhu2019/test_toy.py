"""The loss in a plane beside a plain version in the old coordinates, differentiated by PyTorch."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from helpers import refusal
from reversible.papers.zhu2019 import toy
from reversible.papers.zhu2019.experiments.toy import Descents, DescentsResult, less
from reversible.papers.zhu2019.figures.pictures import _new, _old

FLAT = {"along": (-1.0, -1.0), "across": (3.0, -1.0)}


def losses(w, x, flat):
    """Of samples x (N, 2) in the old coordinates."""
    d, far = w - x - 1, w - x - torch.tensor(flat, dtype=torch.float64)
    c = math.sqrt(0.5)
    sharp = 10 * (c * d[:, 0] - c * d[:, 1]) ** 2 + 100 * (c * d[:, 0] + c * d[:, 1]) ** 2
    return torch.minimum(sharp, far.square().sum(1))


@pytest.mark.parametrize("place", toy.CENTRES)
@pytest.mark.parametrize("sums", toy.SUMS)
def test_gradients_and_their_covariance_are_pytorchs(place, sums):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 1, 30)) * toy.SPREAD[:, None, None]
    turn = np.array([[1, 1], [-1, 1]]) / math.sqrt(2)  # (a, b) -> old coordinates, but for the shift
    border = toy.CENTRES[place] * 0.09 if place == "along" else toy.CENTRES[place] * 0.24
    for at in (np.zeros(2), border, toy.CENTRES[place], np.array([0.1, -0.2])):
        now = toy.seen(at[None], x, toy.CENTRES[place], sums)
        old = torch.tensor(1 + turn @ at, requires_grad=True)
        samples = torch.tensor((turn @ x[:, 0]).T)
        g = torch.stack([torch.autograd.grad(losses(old, s[None], FLAT[place]).sum(), old)[0] for s in samples])
        g = g.numpy() @ turn
        wanted = np.cov((np.cumsum(g, 0) if sums == "running" else g).T, bias=True)
        assert now.slope[0] == pytest.approx(g.mean(0), abs=1e-10)
        assert now.covariance[0] == pytest.approx([wanted[0, 0], wanted[1, 1], wanted[0, 1]], rel=1e-8)


@pytest.mark.parametrize("arm", toy.ARMS)
def test_noise_has_the_trace_and_the_shape_it_should(arm):
    count = 200_000
    rng = np.random.default_rng(1)
    covariance = np.array([3.0, 5.0, 1.5])
    now = toy.Seen(np.zeros((count, 2)), np.full(count, 0.3), np.tile(covariance, (count, 1)))
    found = np.cov(toy.noise(arm, now, rng.standard_normal((count, 2))).T)
    assert np.trace(found) == pytest.approx(toy.TRACE, rel=0.02)
    S = np.array([[3, 1.5], [1.5, 5]])
    turn = np.array([[1, 1], [-1, 1]]) / math.sqrt(2)
    wanted = {
        "const": np.eye(2), "leading": S, "hessian": np.diag(0.3 * toy.SHARP + 0.7 * toy.FLAT),
        "first": np.diag([0, 1]), "diag": turn.T @ np.diag(np.diag(turn @ S @ turn.T)) @ turn,
    }[arm]  # fmt: skip
    assert found / toy.TRACE == pytest.approx(wanted / np.trace(wanted), abs=0.01)


def test_in_the_sharp_basin_the_covariance_is_proportional_to_the_hessian():
    x = np.random.default_rng(0).standard_normal((2, 1, 400_000)) * toy.SPREAD[:, None, None]
    aa, bb, ab = toy.seen(np.zeros((1, 2)), x, toy.CENTRES["along"], "own").covariance[0]
    assert bb / aa == pytest.approx(toy.SHARP[1] / toy.SHARP[0], rel=0.02)
    assert abs(ab) < 0.01 * math.sqrt(aa * bb)


@pytest.mark.parametrize(("place", "inside", "outside"), [
    ("along", (-0.51, -0.6), (-0.49, -0.6)), ("across", (2.51, -0.6), (2.49, -0.6)),
])  # fmt: skip
def test_a_run_has_escaped_where_both_weights_are_beyond_the_line(place, inside, outside):
    ends = _new(np.array([inside, outside, (1.0, 1.0)]))
    assert toy.escaped(ends, place).tolist() == [True, False, False]
    assert _old(ends) == pytest.approx(np.array([inside, outside, (1.0, 1.0)]))


def test_the_border_and_its_tail_are_those_of_the_loss():
    edge = toy.FAR / (1 + math.sqrt(toy.SHARP[1] / toy.FLAT))
    assert toy.SHARP[1] / 2 * edge**2 == pytest.approx((toy.FAR - edge) ** 2)
    assert toy.law_of_const(0.1) == pytest.approx(stats.norm.sf(edge / 0.1))


def test_differences_of_shares_have_the_interval_of_two_binomials():
    p = Descents("const", "along", "own", 10, 10, 400, 0)
    gap = less((p, DescentsResult(120)), (p, DescentsResult(40)))
    assert gap.mean == pytest.approx(0.2)
    wanted = 1.96 * math.sqrt(0.3 * 0.7 / 400 + 0.1 * 0.9 / 400)
    assert gap.half_width == pytest.approx(wanted, rel=0.02)
    assert less((p, DescentsResult(0)), (p, DescentsResult(0))).half_width > 0
    assert "arm must be one of const" in refusal(lambda: Descents("nix", "along", "own", 1, 1, 1, 0))
