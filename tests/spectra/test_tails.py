"""Power laws and their rivals: the package powerlaw, searches by scipy, and how often chance has its way."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from by_powerlaw import by_powerlaw
from helpers import refusal
from reversible.spectra import measures, tails
from reversible.spectra.tails import GAIN, RULED_OUT, Tail


def samples():
    rng = np.random.default_rng(3)
    return {
        "pareto": rng.uniform(size=300) ** (-1 / 1.5), "exponential": rng.exponential(size=300),
        "lognormal": np.exp(rng.standard_normal(300)),
        "student": np.linalg.svd(rng.standard_t(2, (200, 60)), compute_uv=False) ** 2,
        "gaussian": np.linalg.svd(rng.standard_normal((200, 60)), compute_uv=False) ** 2,
        "repeated": np.repeat(rng.uniform(size=60) ** -1.0, 3),
    }  # fmt: skip


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("name", samples())
def test_the_fit_is_that_of_the_package(name, ended):
    values = samples()[name]
    mine, theirs = tails.fit(values, ended=ended), by_powerlaw(values, ended=ended)
    assert mine.alpha == pytest.approx(float(theirs.alpha), rel=1e-6)
    assert mine.xmin == pytest.approx(float(theirs.xmin))
    assert mine.distance == pytest.approx(float(theirs.D), abs=1e-9)
    assert mine.count == (values >= theirs.xmin).sum()
    assert mine.xmax == (values.max() if ended else np.inf)
    assert tails.fit(values, ended=not ended).distance != mine.distance  # the end has a say


def best_of(y, end, bend):
    """Twice the log-likelihood that a > 0 gains over a = 0, by a simplex in (t, log a) and Simpson's rule."""
    nodes = np.linspace(0, end, 40001)

    def lost(t, a):
        whole = integrate.simpson(np.exp(-t * nodes - a * bend(nodes)), nodes)
        return (t * y + a * bend(y)).sum() + len(y) * np.log(whole)

    how = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000}
    plain = optimize.minimize(lambda at: lost(at[0], 0), [1 / y.mean()], method="Nelder-Mead", options=how).fun
    free = [
        optimize.minimize(
            lambda at: lost(at[0], np.exp(at[1])), [1 / y.mean(), start], method="Nelder-Mead", options=how
        ).fun
        for start in (-6.0, -3.0, 0.0)
    ]
    return max(2 * (plain - min(free)), 0.0)


@pytest.mark.parametrize("name", ["lognormal", "exponential", "gaussian", "student"])
@pytest.mark.parametrize("ended", [False, True])
def test_gains_are_those_of_a_search_by_scipy(name, ended):
    values = samples()[name]
    tail = tails.fit(values, ended=ended)
    y = np.log(values[values >= tail.xmin] / tail.xmin)
    found = tails.gains(values, tail)
    end = y.max() if ended else max(2 * y.max(), 30 * y.mean())
    assert found["lognormal"] == pytest.approx(best_of(y, end, np.square), abs=2e-3)
    assert found["cutoff"] == pytest.approx(best_of(y, end, np.expm1), abs=2e-3)


@pytest.mark.parametrize("name", samples())
def test_the_gain_over_an_exponential_law_is_that_of_scipy(name):
    values = samples()[name]
    tail = tails.fit(values, ended=False)
    x = values[values >= tail.xmin]
    shape = stats.pareto.fit(x, floc=0, fscale=tail.xmin)[0]
    power = stats.pareto.logpdf(x, shape, scale=tail.xmin).sum()
    rate = stats.expon.logpdf(x, *stats.expon.fit(x, floc=tail.xmin)).sum()
    assert tails.over_exponential(values, tail) == pytest.approx(2 * (power - rate), abs=1e-3)


@pytest.mark.parametrize("length", [2.0, 4.0])
def test_of_a_true_power_law_on_a_fixed_interval_each_rival_gains_as_often_as_it_says(length):
    rng, draws = np.random.default_rng(6), 400
    tail = Tail(3.0, 1.0, float(np.exp(length)), 0.0, 200)
    gained = []
    for _ in range(draws):
        u = rng.uniform(size=200)
        x = (1 - u * -np.expm1(-1.5 * length)) ** (-1 / 1.5)
        gained.append([tails.gains(x, tail)[rival] for rival in tails.RIVALS])
    often = (np.array(gained) > GAIN).mean(0)
    assert often == pytest.approx([0.05, 0.05], abs=4 * (0.05 * 0.95 / draws) ** 0.5)
    assert (np.array(gained) < 1e-6).mean(0) == pytest.approx([0.5, 0.5], abs=4 * 0.5 / draws**0.5)


@pytest.mark.parametrize("mu", [0.6, 1.5, 4.0])
def test_without_an_upper_end_a_rival_gains_seldom_and_not_never(mu):
    """With an infinite mean of squares of x - 1 the law of Chernoff is not that of the cut-off."""
    rng, draws, gained = np.random.default_rng(5), 200, []
    for _ in range(draws):
        x = rng.uniform(size=200) ** (-1 / mu)
        tail = Tail(1 + 1 / np.log(x).mean(), 1.0, np.inf, 0.0, 200)
        gained.append([tails.gains(x, tail)[rival] for rival in tails.RIVALS])
    lognormal, cutoff = (np.array(gained) > GAIN).mean(0)
    assert lognormal == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / draws) ** 0.5)
    assert 0.01 < cutoff < 0.2


def standing(draw, draws=100):
    found = []
    for seed in range(draws):
        x = draw(np.random.default_rng([7, seed]))
        tail = tails.fit(x, ended=False)
        found.append(tails.stands(tails.gains(x, tail), tails.over_exponential(x, tail)))
    return np.mean(found)


def test_a_power_law_stands_and_its_rivals_do_not():
    assert standing(lambda rng: rng.uniform(size=200) ** (-1 / 1.5)) > 0.9
    assert standing(lambda rng: rng.exponential(size=200)) < 0.12  # one in twenty, and chance in a hundred draws
    assert standing(lambda rng: np.exp(0.3 * rng.standard_normal(200))) < 0.15


def test_what_stands_is_ruled_by_all_three():
    least, most = {"lognormal": GAIN, "cutoff": GAIN}, GAIN + 1e-9
    assert tails.stands(least, RULED_OUT + 1e-9)
    assert not tails.stands(least, RULED_OUT)
    for rival in tails.RIVALS:
        assert not tails.stands(least | {rival: most}, RULED_OUT + 1e-9)


def test_a_matrix_has_what_its_tail_has(monkeypatch):
    values, asked = samples()["student"], []
    once = tails.gains
    monkeypatch.setattr(tails, "gains", lambda *words: asked.append(1) or once(*words))
    alpha, settings = measures.power_law(values)
    unit = values.mean()
    tail = tails.fit(values / unit, ended=False)
    assert len(asked) == 1
    assert alpha == tail.alpha
    expected = {"xmin": tail.xmin * unit, "n_tail": tail.count, "distance": tail.distance}
    gains, over = once(values / unit, tail), tails.over_exponential(values / unit, tail)
    rivals = {f"gain_{rival}": gain for rival, gain in gains.items()} | {"over_exponential": over}
    named = {"law": "continuous, no upper end", "of": "s^2", "stands": tails.stands(gains, over)}
    assert settings == named | expected | rivals
    assert measures.power_law(1e100 * values)[1] == pytest.approx(settings | {"xmin": 1e100 * settings["xmin"]})


def test_too_few_values_are_refused_in_a_line():
    says = "a tail needs 10 positive values that are not all the same, not 3"
    assert refusal(lambda: tails.fit(np.ones(3), ended=True)) == says
    assert "not all the same" in refusal(lambda: tails.fit(np.ones(30), ended=False))
    assert replace(tails.fit(np.arange(1.0, 11), ended=True), xmin=1.0).length == pytest.approx(np.log(10))
