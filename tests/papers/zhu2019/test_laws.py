"""Laws of noise in quadratic minima beside many digits and plain sums, and the nets of the experiments."""

from typing import Any

import mpmath
import numpy as np
import pytest
import torch

from helpers import refusal
from reversible.papers.zhu2019 import laws
from reversible.papers.zhu2019.experiments import hidden, net, quadratic
from reversible.papers.zhu2019.hidden_nets import Hidden, adam, points
from reversible.papers.zhu2019.noises import Shaped, lengths, slopes
from reversible.training.curvature import matrices
from reversible.training.run import MOMENTUM, Run


@pytest.fixture(scope="module")
def pair():
    """An indefinite H and a Sigma that does not commute with it."""
    H, S = quadratic.drawn(4, np.random.default_rng(2))
    return H - 0.1 * np.eye(4), S


def test_the_loss_in_time_is_that_of_an_integral_in_many_digits(pair):
    H, S = pair
    t = 3.0
    with mpmath.workdps(30):
        A, C = mpmath.matrix(H.tolist()), mpmath.matrix(S.tolist())

        def inside(s):
            decay = mpmath.expm(-A * s)
            held = A * decay * C * decay
            return sum(held[i, i] for i in range(4)) / 2

        wanted: Any = mpmath.quad(inside, [0, t])
    assert laws.rise(H, S, t) == pytest.approx(float(wanted), rel=1e-12)
    assert np.abs(H @ S - S @ H).max() > 0.01
    assert laws.linear_rise(H, S, 1e-9) == pytest.approx(laws.rise(H, S, 1e-9), rel=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 7, 60])
def test_the_loss_in_steps_is_that_of_the_recursion_of_the_covariance(pair, steps):
    H, S = pair
    size, held = 0.7, np.zeros((4, 4))
    A = np.eye(4) - size * H
    for _ in range(steps):
        held = A @ held @ A + size**2 * S
    assert laws.rise_of_steps(H, S, size, steps) == pytest.approx(np.trace(H @ held) / 2, rel=1e-10)
    edge = 2 / np.linalg.eigvalsh(H)[-1]
    near = laws.rise_of_steps(H, S, edge * (1 - 1e-9), steps)
    assert laws.rise_of_steps(H, S, edge, steps) == pytest.approx(near, rel=1e-4)


def test_the_ratio_lies_between_its_bounds_and_the_shape_is_gone_in_the_end():
    rng = np.random.default_rng(4)
    for _ in range(50):
        size, d, k = 20, float(rng.uniform(0.5, 2)), int(rng.integers(1, 4))
        basis, _ = np.linalg.qr(rng.standard_normal((size, size)))
        values = np.concatenate([np.ones(k), size**-d * rng.uniform(0, 1, size - k)])
        root = rng.standard_normal((size, size)) * rng.exponential(size=size)
        H, S = (basis * values) @ basis.T, root @ root.T
        ratio, top = laws.ratio(H, S), laws.alignment(H, S)
        assert ratio <= size / values.sum() * (1 + 1e-12)
        if k == 1:
            assert laws.least_ratio(size, d, k, top) <= ratio * (1 + 1e-9)
    H, S = quadratic.drawn(5, rng)
    assert laws.rise(H, S, 1e4) == pytest.approx(np.trace(S) / 4)


def test_powers_follow_the_spectrum():
    values, counts = laws.two_levels(50, 0.8, 3)
    H = np.diag(np.repeat(values, counts.astype(int)))
    assert laws.ratio_of_values(values, counts) == pytest.approx(laws.ratio(H, H))
    assert laws.growth([10, 100, 1000], [1, 100, 10_000]) == pytest.approx(2)
    assert laws.growth([10**8, 10**9], [laws.ratio_of_values(*laws.two_levels(n, 3, 1)) for n in (10**8, 10**9)]) < 1.01
    assert "must be a symmetric matrix" in refusal(lambda: laws.rise(H, np.triu(np.ones((50, 50))), 1.0))
    assert "above zero for their ratio" in refusal(lambda: laws.ratio(H, 0 * H))


def test_a_wrong_law_is_seen_in_the_scores(monkeypatch):
    p = quadratic.Quadratic(3, 20_000, 1)
    right = quadratic.quadratic_measures([(p, quadratic.quadratic(p))])["rms_z"].mean
    monkeypatch.setattr(laws, "rise", lambda H, S, t: 1.1 * laws.linear_rise(H, S, 0.1))
    assert right < 2 < quadratic.quadratic_measures([(p, quadratic.quadratic(p))])["rms_z"].mean


# --- one hidden layer -------------------------------------------------------------------------------------------------


def test_the_clipped_net_is_the_one_it_says():
    own, generator = Hidden(6, False), torch.Generator().manual_seed(0)
    x, y = points(30, False, generator)
    w = own.first(x, generator)
    W, b = w[:12].view(2, 6), w[12:]
    raw = [sum(s * max(0.0, float(p @ W[:, j] + b[j])) for j, s in enumerate([1, 1, 1, -1, -1, -1])) for p in x]
    assert own.losses(w, x, y).numpy() == pytest.approx((np.clip(raw, 1e-3, 1 - 1e-3) - y.numpy()) ** 2)
    assert own.kept(w, x).double().mean() >= 0.1
    assert set(y.tolist()) == {0.0, 1.0}
    assert (y == (x[:, 0] >= x[:, 1])).all()


def test_adam_is_pytorchs_while_its_rate_is_constant():
    start = torch.tensor([1.0, -2.0], dtype=torch.float64)
    own = [*adam(start, lambda w: torch.stack([w[0] ** 3, w[1]]), (0, 2, 40))]
    value = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([value], lr=1e-3)
    for _ in range(20):
        value.grad = torch.stack([value.detach()[0] ** 3, value.detach()[1]])
        optimizer.step()
    assert len(own) == 3
    assert own[0].tolist() == start.tolist()
    assert own[1].numpy() == pytest.approx(value.detach().numpy(), rel=1e-9)


def test_bounds_hold_with_fixed_output_weights_and_are_seen_to_fail():
    own, generator = Hidden(6, False), torch.Generator().manual_seed(2)
    x, y = points(60, True, generator)
    w = own.first(x, generator)
    landscape = own.landscape(w, x, y)
    H, S = (A.numpy() for A in matrices(landscape))
    g = landscape.gradient().numpy()
    off = (own.raw(w, x) - y).abs()[own.kept(w, x)]
    low, high = float(off.min()), float(off.max())
    assert hidden.outside(H, S + np.outer(g, g), low, high) < 1e-12
    assert hidden.outside(H, S + np.outer(g, g), low, 0.7 * high) > 1e-3
    assert hidden.look(own, w, x, y)[-1] < 1e-12


# --- noise of other shapes in the one loop ----------------------------------------------------------------------------


def prepared(noise, images=20, batch=5, seeds=2):
    """A run on digits before its first step, with what its step has done to its momentum."""
    p = net.Trained("digits", images, 10, (4,), batch, 1, (0.05,), 2, seeds, 11)
    run = Run(net.training_of(p, 0.05, 1), Shaped(noise), ())
    run.stack.batches.turn_to(0)
    becomes = Shaped(noise)(run.stack)
    x, labels = becomes(*run.stack.batch())
    even = torch.full(labels.shape, 1 / batch)
    of_batch = slopes(run.stack, x, labels, even)
    goes = [MOMENTUM * v + g for v, g in zip(run.stack.speeds, of_batch, strict=True)]
    places = run.stack.batches.places
    images_of = run.stack.images.inputs(run.stack.images.pixels[places]), run.stack.images.labels[places]
    whole = slopes(run.stack, *images_of, torch.full(places.shape, 1 / images))
    return [a - b for a, b in zip(goes, whole, strict=True)], [a - b for a, b in zip(of_batch, whole, strict=True)]


def test_without_noise_the_loop_goes_down_the_whole_gradient_and_batches_are_as_they_are():
    left, of_batch = prepared("none")
    assert float(lengths(left).max()) < 1e-6 * float(lengths(of_batch).min())
    left, of_batch = prepared("batch")
    assert all(torch.equal(a, b) for a, b in zip(left, of_batch, strict=True))


def test_round_noise_is_as_long_as_that_of_the_batch_and_goes_elsewhere():
    left, of_batch = prepared("round")
    assert lengths(left).numpy() == pytest.approx(lengths(of_batch).numpy(), rel=1e-4)
    cosine = sum(float((a[0] * b[0]).sum()) for a, b in zip(left, of_batch, strict=True)) / float(
        lengths(left)[0] * lengths(of_batch)[0]
    )
    assert abs(cosine) < 0.3


def test_gaussian_noise_is_as_long_as_that_of_batches_on_average():
    drawn = [prepared("gauss", seeds=60) for _ in range(1)]
    ((left, of_batch),) = drawn
    squares = [float((lengths(part) ** 2).mean()) for part in (left, of_batch)]
    assert squares[0] / squares[1] == pytest.approx(1, abs=0.25)
