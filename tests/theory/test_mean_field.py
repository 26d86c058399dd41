"""Maps of wide random nets beside multi-precision, closed forms and plain simulations; and what is refused."""

import math

import mpmath as mp
import numpy as np
import pytest

from reversible.base.checks import InputError
from reversible.theory import mean_field
from reversible.theory.activations import NAMED, Activation, activation
from reversible.theory.edges import edge, edge_curve, fixed_points, kinked_rate, smooth_rate
from reversible.theory.mean_field import Field, gap_of
from reversible.theory.pair_means import mean, pair_mean

DIGITS = 1e-10


def precise(name):
    """The activation and its slope in multi-precision, written down once more."""
    alpha, times = mp.mpf("1.6732632423543772"), mp.mpf("1.0507009873554805")
    sigmoid = lambda x: 1 / (1 + mp.exp(-x))  # noqa: E731
    return {
        "relu": (lambda x: max(x, 0), lambda x: mp.mpf(x > 0)),
        "tanh": (mp.tanh, lambda x: mp.sech(x) ** 2),
        "elu": (lambda x: x if x > 0 else mp.expm1(x), lambda x: mp.mpf(1) if x > 0 else mp.exp(x)),
        "selu": (
            lambda x: times * (x if x > 0 else alpha * mp.expm1(x)),
            lambda x: times * (1 if x > 0 else alpha * mp.exp(x)),
        ),
        "swish": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
        "gelu": (lambda x: x * mp.ncdf(x), lambda x: mp.ncdf(x) + x * mp.npdf(x)),
        "softplus": (lambda x: mp.log1p(mp.exp(x)), sigmoid),
        "hard tanh": (lambda x: max(-1, min(1, x)), lambda x: mp.mpf(abs(x) < 1)),
    }[name]


def by_quadrature(f, sd, kinks):
    with mp.workdps(25):
        ends = sorted({-mp.inf, *(mp.mpf(k) / sd for k in (0, *kinks)), mp.inf, *map(mp.mpf, (-8, -4, -1, 1, 4, 8))})
        return mp.quad(lambda z: mp.npdf(z) * f(sd * z), ends)


@pytest.mark.parametrize("q", [0.01, 0.7, 30.0])
@pytest.mark.parametrize("name", ["relu", "tanh", "elu", "selu", "swish", "gelu", "softplus", "hard tanh"])
def test_variance_and_sensitivity_have_ten_digits(name, q):
    a, (phi, slope) = activation(name), precise(name)
    field, sd = Field(a, 1.3, 0.4), mp.sqrt(q)
    wanted = mp.mpf("0.16") + mp.mpf("1.69") * by_quadrature(lambda x: phi(x) ** 2, sd, a.kinks)
    assert abs(field.variance(q) / wanted - 1) < DIGITS
    assert abs(field.chi(q) / (mp.mpf("1.69") * by_quadrature(lambda x: slope(x) ** 2, sd, a.kinks)) - 1) < DIGITS
    moved = mp.mpf("1.69") * by_quadrature(lambda x: x * phi(x) * slope(x), sd, a.kinks) / q
    assert abs(field.attraction(q) / moved - 1) < DIGITS


@pytest.mark.parametrize(("name", "angle"), [("tanh", 0.3), ("swish", 2.5), ("gelu", 0.01)])
def test_the_gap_of_a_pair_has_ten_digits(name, angle):
    """Equal steps converge geometrically for functions without a kink: another rule than panels."""
    a, (phi, _), q, step = activation(name), precise(name), 0.8, 0.2
    with mp.workdps(25):
        c, s, sd = mp.cos(angle), mp.sin(angle), mp.sqrt(q)
        z = [step * i for i in range(-48, 49)]
        first = [phi(sd * u) for u in z]
        weights = [mp.npdf(u) * step for u in z]
        wanted = mp.fsum(
            weights[i] * weights[j] * (first[i] - phi(sd * (c * u + s * v))) ** 2 / 2
            for i, u in enumerate(z) for j, v in enumerate(z) if u * u + v * v < 90
        )  # fmt: skip
    found = pair_mean(lambda x, y: (a.phi(x) - a.phi(y)) ** 2 / 2, q**0.5, q**0.5, angle, a.kinks)
    assert abs(found / wanted - 1) < DIGITS


def relu_map(gap):
    """1 - f(1 - gap) of ReLU with s_w^2 = 2, in the precision at work."""
    c = 1 - gap
    return 1 - (mp.sqrt(1 - c * c) + (mp.pi - mp.acos(c)) * c) / mp.pi


@pytest.mark.parametrize("gap", [2.0, 1.3, 0.5, 1e-3, 1e-9, 1e-14, 1e-30])
def test_the_kept_map_of_relu_is_its_closed_form_far_beyond_what_float64_says_of_c(gap):
    pairs = Field(activation("relu"), math.sqrt(2)).at(3.7)
    with mp.workdps(120):
        wanted = relu_map(mp.mpf(gap))
    assert abs(pairs.next(gap) / wanted - 1) < DIGITS
    assert pairs.slope == pytest.approx(1, abs=1e-12)


def test_a_thousand_layers_of_relu_are_those_of_multi_precision():
    gaps = Field(activation("relu"), math.sqrt(2)).at(1.0).gaps(0.5, 1000)
    with mp.workdps(40):
        gap = mp.mpf(0.5)
        for layer in range(1, 1001):
            gap = relu_map(gap)
            if layer in (1, 10, 100, 1000):
                assert abs(gaps[layer] / gap - 1) < DIGITS, layer


def test_a_kink_away_from_zero_and_two_variances_are_integrated_as_well():
    a = activation("hard tanh")
    rng = np.random.default_rng(5)
    z = rng.standard_normal((2, 4_000_000))
    c = 0.7
    x, y = 1.5 * z[0], 0.6 * (c * z[0] + math.sqrt(1 - c * c) * z[1])
    field = Field(a, 1.2, 0.3)
    qx, qy, found = field.correlated(2.25, 0.36, c)
    drawn = (0.09 + 1.44 * np.mean(a.phi(x) * a.phi(y))) / math.sqrt(qx * qy)
    assert found == pytest.approx(drawn, abs=2e-3)
    assert field.correlated(2.25, 2.25, 0.4)[2] == pytest.approx(1 - field.next_gap(0.6, 2.25), abs=1e-12)
    assert field.correlated(2.25, 0.36, 1)[2] == pytest.approx(field.correlated(2.25, 0.36, 1 - 1e-9)[2], abs=1e-8)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("name", ["tanh", "swish", "relu"])
def test_the_maps_are_those_of_a_plain_wide_net(name, residual):
    """One layer of width 3,000 on many pairs; it shares no code with the quadrature."""
    n, q, c, rng = 3000, 0.9, 0.6, np.random.default_rng(2)
    phi = {"tanh": np.tanh, "swish": lambda x: x / (1 + np.exp(-x)), "relu": lambda x: np.maximum(x, 0)}[name]
    u, v = rng.standard_normal((2, n)) * math.sqrt(q)
    pair = np.stack([u, c * u + math.sqrt(1 - c * c) * v])
    W = rng.standard_normal((n, n)) * math.sqrt(1.6 / n)
    after = residual * pair + phi(pair) @ W.T + 0.3 * rng.standard_normal(n)
    field = Field(activation(name), math.sqrt(1.6), 0.3, residual)
    assert np.square(after).mean() == pytest.approx(field.variance(q), rel=0.08)
    seen = np.square(after[0] - after[1]).mean() / 2
    assert seen == pytest.approx(field.next_gap(1 - c, q) * field.variance(q), rel=0.08)


# --- fixed points and edges -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "s_b", "q", "s_w", "slope"),
    [
        ("tanh", 0.2, 0.51208, 1.30415, 0.5426),
        ("tanh", 0.5, 1.31794, 1.54967, 0.3329),
        ("swish", 0.2, 0.689, 1.680, 1.099),
    ],
)  # fmt: skip
def test_an_edge_is_where_it_is_known_to_be(name, s_b, q, s_w, slope):
    found = edge(activation(name), s_b)
    assert (found.q, found.s_w, found.slope) == pytest.approx((q, s_w, slope), rel=1e-3)


@pytest.mark.parametrize("name", ["tanh", "elu", "selu", "swish", "gelu", "hard tanh", "sigmoid"])
def test_on_the_edge_chi_is_one_and_the_variance_stays(name):
    for found in edge_curve(activation(name), np.array([0.01, 0.3, 1.0])):
        field = Field(activation(name), found.s_w, found.s_b)
        assert field.variance(found.q) == pytest.approx(found.q, rel=1e-10)
        assert field.chi(found.q) == pytest.approx(1, abs=1e-10)
        h = 1e-5 * found.q
        assert found.slope == pytest.approx(
            (field.variance(found.q + h) - field.variance(found.q - h)) / (2 * h), abs=1e-7
        )


def test_homogeneous_functions_have_a_point_and_softplus_has_no_edge():
    assert edge(activation("relu"), 0).s_w == pytest.approx(math.sqrt(2), rel=1e-12)
    assert edge(activation("leaky relu"), 0).s_w == pytest.approx(math.sqrt(2 / 1.01), rel=1e-12)
    for name, s_b in (("relu", 0.1), ("softplus", 0.2), ("softplus", 0), ("tanh", 0), ("sigmoid", 1e5)):
        with pytest.raises(InputError, match=r"must be|must have an edge"):
            edge(activation(name), s_b)


def test_fixed_points_are_those_that_a_layer_leaves_and_say_which_attract():
    field = Field(activation("swish"), edge(activation("swish"), 0.2).s_w, 0.2)
    found = fixed_points(field)
    assert len(found) == 2
    for point in found:
        assert field.variance(point.q) == pytest.approx(point.q, rel=1e-10)
        away = field.variances(point.q * 1.01, 50)[-1] / point.q
        assert (abs(away - 1) < 0.01) == point.attracts
    with pytest.raises(InputError, match="every one is a fixed point"):
        fixed_points(Field(activation("relu"), math.sqrt(2)))
    with pytest.raises(InputError, match=r"must have a fixed point .* s_w = 2, s_b = 0.1"):
        fixed_points(Field(activation("relu"), 2.0, 0.1))


def test_rates_on_the_edge_are_those_of_the_iterated_map():
    for name, s_b, power, rate in (
        ("tanh", 0.5, 1, smooth_rate),
        ("elu", 0.2, 1, smooth_rate),
        ("selu", 0.2, 2, kinked_rate),
    ):
        a = activation(name)
        found = edge(a, s_b)
        field = Field(a, found.s_w, s_b)
        gaps = field.at(found.q).gaps(0.5, 40_000)
        assert 40_000**power * gaps[-1] == pytest.approx(rate(field, found.q), rel=0.03), name
    assert kinked_rate(Field(activation("relu"), math.sqrt(2)), 1.0) == pytest.approx(9 * math.pi**2 / 2)
    residual = Field(activation("relu"), 1.2, 0.0, residual=True)
    assert kinked_rate(residual, 1.0) == pytest.approx(9 * math.pi**2 / 2 * (1 + 2 / 1.44) ** 2)


def test_a_depth_scale_is_how_fast_a_correlation_settles():
    for s_w in (1.0, 2.0):
        field = Field(activation("tanh"), s_w, 0.3)
        (point,) = fixed_points(field)
        pairs = field.at(point.q)
        rest = pairs.resting()
        off = np.abs(pairs.gaps(0.5, 40) - rest)
        assert -1 / np.log(off[40] / off[39]) == pytest.approx(pairs.depth_scale(), rel=1e-3)
        assert (rest > 0) == (point.chi > 1)


def test_gaps_from_a_variance_that_moves_go_the_same_way():
    field = Field(activation("tanh"), 1.4, 0.3)
    found, q, gap = field.gaps(0.7, 3.0, 80), 3.0, 0.7
    for layer in range(1, 81):
        qx, _, c = field.correlated(q, q, 1 - gap)
        q, gap = qx, 1 - c
        assert found[layer] == pytest.approx(gap, rel=1e-9)
    assert field.variances(3.0, 80)[-1] == pytest.approx(q)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_correlation_outside_or_lost_in_rounding_is_refused_in_one_line():
    for wrong, words in ((1.5, "from -1 to 1"), (-1.01, "from -1 to 1"), (math.nan, "number"), (1 - 1e-13, "runs out")):
        with pytest.raises(InputError, match=words) as error:
            gap_of(wrong)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="float64 runs out of digits"):
        Field(activation("tanh"), 1.0).next_gap(1e-13, 1.0)
    with pytest.raises(InputError, match="s_w must be a number from 0"):
        Field(activation("tanh"), -0.1)
    with pytest.raises(InputError, match="s_b must be a number from 0"):
        Field(activation("tanh"), 1.0, -1)


@pytest.mark.parametrize(
    ("phi", "slope", "words"),
    [
        (lambda x: max(x, 0), lambda x: (x > 0) * 1.0, "vectorised"),
        (lambda x: x.sum(), lambda x: x, "vectorised"),
        (np.log, lambda x: 1 / x, "finite, not nan"),
        (lambda x: x**2, lambda x: x, "must be the derivative"),
        (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0, "kinks must name 0"),
        (lambda x: np.maximum(x - 0.7, 0), lambda x: (x > 0.7) * 1.0, "name all its kinks"),
        (lambda x: np.sin(30 * x), lambda x: 30 * np.cos(30 * x), "smaller scale"),
    ],
)
def test_an_activation_that_quadrature_cannot_rely_on_is_refused(phi, slope, words):
    with np.errstate(all="ignore"), pytest.raises(InputError, match=words):
        Activation.checked("mine", phi, slope)


def test_a_kink_that_is_named_and_a_scale_that_is_small_enough_pass():
    shifted = Activation.checked("shifted", lambda x: np.maximum(x - 0.7, 0), lambda x: (x > 0.7) * 1.0, kinks=(0.7,))
    assert shifted.jumps == (1.0,)
    steep = Activation.checked(
        "steep", lambda x: np.tanh(30 * x), lambda x: 30 / np.cosh(np.clip(30 * x, -300, 300)) ** 2, scale=1 / 30
    )
    assert mean(steep.squares, 1.0, (), steep.scale) == pytest.approx(mean(activation("tanh").squares, 30.0), rel=1e-12)
    assert {activation(name).name for name in NAMED} >= {"ReLU", "tanh", "Swish"}
    assert mean_field.deviation("s_b", 0) == 0
