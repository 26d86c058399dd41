"""The laws of singular values against integrals, closed forms and matrices that share no code with them."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from reversible.theory import singular_values as spectral_laws
from reversible.theory.singular_values import (
    gaussian_singular_values,
    marchenko_pastur,
    quarter_circle,
    singular_values,
)

RATIOS = (1.0, 0.5, 0.1, 1e-3, 1e-9)
LAWS = (singular_values, marchenko_pastur)


def kstest(values: Any, other: Any) -> Any:
    return stats.kstest(values, other)


@pytest.mark.parametrize("scale", [0.03, 1.0, 700.0])
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("law", LAWS)
def test_mass_is_one_and_the_cdf_is_the_integral_of_the_density(law, ratio, scale):
    frozen = law(ratio, scale=scale)
    low, high = frozen.support()
    assert integrate.quad(frozen.pdf, low, high, limit=200)[0] == pytest.approx(1, abs=1e-8)
    for x in np.linspace(low, high, 6)[1:-1]:
        assert frozen.cdf(x) == pytest.approx(integrate.quad(frozen.pdf, low, x, limit=200)[0], abs=1e-8)
        assert frozen.sf(x) == pytest.approx(1 - frozen.cdf(x), abs=1e-12)
    assert frozen.pdf(np.nextafter(high, np.inf) * 1.001) == 0


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("law", LAWS)
def test_ppf_undoes_cdf(law, ratio):
    q = np.array([0.0, 1e-6, 0.01, 0.3, 0.5, 0.99, 1.0])
    assert law.cdf(law.ppf(q, ratio), ratio) == pytest.approx(q, abs=1e-9)
    assert law.sf(law.isf(q, ratio), ratio) == pytest.approx(q, abs=1e-9)


@pytest.mark.parametrize("ratio", RATIOS)
def test_support_and_moments(ratio):
    low, high = singular_values(ratio, scale=3.0).support()
    assert (low, high) == (
        pytest.approx(3 * (1 - math.sqrt(ratio)), abs=1e-12),
        pytest.approx(3 * (1 + math.sqrt(ratio))),
    )
    values, squares = singular_values(ratio), marchenko_pastur(ratio)
    for order, moment in ((2, 1), (4, 1 + ratio), (6, 1 + 3 * ratio + ratio**2)):  # Narayana's polynomials
        assert values.moment(order) == pytest.approx(moment)
        assert squares.moment(order // 2) == pytest.approx(moment)
    first = integrate.quad(lambda s: s * singular_values.pdf(s, ratio), *values.support(), limit=200)[0]
    assert values.mean() == pytest.approx(first, abs=1e-8)


def test_the_square_case_is_the_quarter_circle():
    law, s = quarter_circle(scale=2.0), np.linspace(0, 4, 9)
    assert law.pdf(s) == pytest.approx(np.sqrt(16 - s**2) / (4 * np.pi))
    assert law.mean() == pytest.approx(2 * 8 / (3 * math.pi))
    assert quarter_circle().moment(2) == pytest.approx(1)
    assert quarter_circle().moment(4) == pytest.approx(2)


def test_rvs_obeys_the_random_state_and_the_law():
    first, second = (singular_values(0.3, scale=2).rvs(size=1000, random_state=7) for _ in range(2))
    assert np.array_equal(first, second)
    assert kstest(first, singular_values(0.3, scale=2).cdf).pvalue > 1e-3
    assert kstest(first, singular_values(0.5, scale=2).cdf).pvalue < 1e-3


@pytest.mark.parametrize("ratio", [0.0, -1.0, 1.1, math.nan])
def test_a_ratio_that_is_none_gives_nan(ratio):
    assert math.isnan(singular_values.pdf(1.0, ratio))


@pytest.mark.parametrize(("n", "p"), [(300, 300), (600, 150)])
def test_matrices_have_the_law_and_not_one_of_another_ratio(n, p):
    rng = np.random.default_rng(0)
    values = np.linalg.svd(rng.uniform(-1, 1, (n, p)), compute_uv=False) / math.sqrt(n / 3)
    distance = [kstest(values, singular_values(ratio).cdf).statistic for ratio in (p / n, 0.8 * p / n)]
    assert distance[0] < 0.02 < distance[1]


@pytest.mark.parametrize(("n", "p"), [(120, 120), (60, 200)])
def test_the_bidiagonal_form_has_the_law_of_a_gaussian_matrix(n, p):
    rng, draws = np.random.default_rng(1), 100
    dense = np.array([np.linalg.svd(rng.standard_normal((n, p)), compute_uv=False) for _ in range(draws)])
    short = np.array([gaussian_singular_values(n, p, rng) for _ in range(draws)])
    for place in (0, 1, len(dense[0]) // 2, -1):
        assert kstest(dense[:, place], short[:, place]).pvalue > 1e-3
    assert (np.diff(short) <= 0).all()


def test_the_edge_fluctuates_as_tracy_and_widom_say():
    n, p, draws = 200, 150, 400
    rng = np.random.default_rng(2)
    mu, tau = spectral_laws.largest_singular_value(n, p)
    edges = (np.array([gaussian_singular_values(n, p, rng)[0] for _ in range(draws)]) ** 2 - mu) / tau
    assert edges.mean() == pytest.approx(-1.2065, abs=4 * 1.268 / math.sqrt(draws))
    assert edges.std() == pytest.approx(1.268, rel=0.12)
    assert kstest(edges, spectral_laws.tracy_widom.cdf).pvalue > 1e-3
    # Tabulated quantiles of the law (Tracy and Widom; Prähofer): 95 and 99 %.
    assert spectral_laws.tracy_widom.ppf([0.95, 0.99]) == pytest.approx([0.9793, 2.0234], abs=0.015)


@pytest.mark.parametrize(("n", "p"), [(500, 500), (800, 200)])
def test_a_spike_is_seen_where_the_law_says(n, p):
    rng, theta, ratio, seen = np.random.default_rng(3), 1.9, p / n, []
    for _ in range(10):
        left, right = rng.standard_normal(n), rng.standard_normal(p)
        signal = theta * math.sqrt(n) * np.outer(left / np.linalg.norm(left), right / np.linalg.norm(right))
        seen.append(np.linalg.norm(rng.standard_normal((n, p)) + signal, 2) / math.sqrt(n))
    assert np.mean(seen) == pytest.approx(spectral_laws.spiked(np.array(theta), ratio), rel=0.01)
    edge = spectral_laws.spiked(np.array(spectral_laws.threshold(ratio)), ratio)
    assert edge == pytest.approx(1 + math.sqrt(ratio))


# --- unequal scales ---------------------------------------------------------------------------------------------------


def even(count, spread):
    return np.exp(spread * (np.arange(count) + 0.5) / count)


@pytest.mark.parametrize(("n", "p"), [(400, 400), (900, 100), (100, 300)])
def test_equal_scales_are_the_case_of_johnstone(n, p):
    found = spectral_laws.largest_of_unequal_scales(np.full(n, 3.0), np.full(p, 0.5))
    assert found == pytest.approx(2.25 * np.array(spectral_laws.largest_singular_value(n, p)))


@pytest.mark.parametrize(("rows", "columns"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_the_edge_of_unequal_scales_is_where_matrices_end(rows, columns):
    n, p, draws = 300, 150, 60
    rng, r, c = np.random.default_rng(6), even(n, rows), even(p, columns)
    mu, tau = spectral_laws.largest_of_unequal_scales(r, c)
    tops = [np.linalg.norm(r[:, None] * rng.standard_normal((n, p)) * c, 2) ** 2 for _ in range(draws)]
    scaled = (np.array(tops) - mu) / tau
    assert scaled.mean() == pytest.approx(-1.2065, abs=4 * 1.268 / math.sqrt(draws))
    assert scaled.std() == pytest.approx(1.268, rel=0.35)
    mu, tau = spectral_laws.largest_singular_value(n, p)
    equal = np.array(tops) / np.mean(r**2) / np.mean(c**2)
    assert ((equal - mu) / tau).mean() > 3  # the law of equal scales is far off


def test_a_turned_matrix_has_the_same_largest_value():
    r, c = even(300, 0.5), even(120, 1.2)
    one, other = (spectral_laws.largest_of_unequal_scales(*pair) for pair in ((r, c), (c, r)))
    assert other == pytest.approx(one)


def test_nearly_equal_scales_raise_the_largest_value_to_first_order():
    n, p = 2000, 500
    r, c = even(n, 0.1), even(p, 0.06)
    spread = [np.var(s**2) / np.mean(s**2) ** 2 for s in (r, c)]
    raised = spectral_laws.largest_of_unequal_scales(r, c)[0] / np.mean(r**2) / np.mean(c**2)
    first = 1 + spread[0] * math.sqrt(p / n) + spread[1] / math.sqrt(p / n)
    assert raised / spectral_laws.largest_singular_value(n, p)[0] - 1 == pytest.approx(first - 1, rel=0.05)
