"""The simulator: right, the same to the bit, within its memory, and clear about bad input."""

import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import refusal, torch_threads
from reversible.base.checks import InputError
from reversible.random_nets import one_layer as simulate
from reversible.random_nets.one_layer import OneLayer, one_layer

SMALL = OneLayer(n=400, m=60, k=6, trials=40, batch=4)


@pytest.mark.parametrize(
    "change",
    [
        {}, {"rho": 1.0}, {"q": 0.5}, {"alpha": 0.002, "offset": 0.0}, {"offset": "optimal"}, {"offset": -0.3},
        {"estimate": "hard"}, {"estimate": "linear"}, {"codes": "binary"}, {"codes": "exponential"},
        {"dtype": "float64"}, {"n": 30, "rho": 0.2}, {"trials": 160, "batch": 1}, {"k": 60}, {"low": 0.1, "high": 3.0},
    ],
)  # fmt: skip
def test_simulation_follows_the_exact_law(change):
    r = one_layer(replace(SMALL, **change))
    assert abs(r.relative_error_z) < 4
    assert abs(r.mean_gain.z(r.predicted_mean_gain)) < 4
    if r.noise_sd_times_sqrt_t is not None:
        low, high = r.noise_sd_times_sqrt_t.ci95
        assert low - (high - low) < r.predicted_noise_sd_times_sqrt_t < high + (high - low)


def test_planted_fault_is_seen(monkeypatch):
    """The law test above can fail: a generation without its ReLU is caught."""
    monkeypatch.setattr(simulate.model, "generate", lambda W, h, alpha, rho, generator=None: alpha * h @ W.T)
    assert abs(one_layer(SMALL).relative_error_z) > 6


def test_largest_error_follows_its_law():
    r = one_layer(OneLayer(n=2000, m=300, k=10, trials=60, batch=4))
    assert r.linf_times_sqrt_t.mean == pytest.approx(r.predicted_linf_times_sqrt_t, rel=0.03)


def test_same_parameters_same_result_to_the_bit():
    torch.manual_seed(5)
    first = asdict(one_layer(SMALL))
    torch.manual_seed(6)
    with torch_threads(2):
        assert asdict(one_layer(SMALL)) == first
        assert torch.get_num_threads() == 2
    assert asdict(one_layer(replace(SMALL, seed=1))) != first


def test_trials_are_independent_of_how_many_there_are():
    g = [simulate.trial_generator(3, trial).initial_seed() for trial in range(50)]
    assert len(set(g)) == 50
    assert g == [simulate.trial_generator(3, trial).initial_seed() for trial in range(50)]


def test_tiles_do_not_change_the_model(monkeypatch):
    whole = one_layer(SMALL)
    monkeypatch.setattr(simulate, "TILE_BYTES", 16 * 60 * 4)
    assert len(simulate._tiles(SMALL)) == 25
    tiled = one_layer(SMALL)
    assert abs(tiled.relative_error_z) < 4
    assert tiled.relative_error != whole.relative_error  # another draw of the same law


@pytest.mark.parametrize(
    ("family", "low", "high"),
    [
        ("sign", 0.92, 1.04), ("orthogonal", 0.95, 1.06), ("uniform", 0.92, 1.04), ("correlated", 0.9, 1.0),
        ("skewed", 0.76, 0.88), ("sparse", 1.16, 1.32), ("student", 1.2, 4),
    ],
)  # fmt: skip
def test_other_families_have_their_places_beside_the_law(family, low, high):
    """The law for Gaussian weights holds for some; of the others a few long entries or lengths make it another one."""
    r = one_layer(replace(SMALL, weights=family, trials=200))
    assert low < r.relative_error.mean / r.predicted_relative_error < high


def test_shared_weights_count_as_one_repeat():
    r = one_layer(replace(SMALL, trials=5, batch=30))
    assert r.relative_error.n == 5
    assert one_layer(replace(SMALL, trials=1, batch=30)).relative_error.n == 30


def test_noise_is_none_where_nothing_is_off_the_support():
    assert one_layer(replace(SMALL, k=60)).noise_sd_times_sqrt_t is None


def test_memory_stays_within_the_budget():
    program = (
        "import resource; from reversible.random_nets.one_layer import *;"
        "one_layer(OneLayer(n=64, m=8, k=2, trials=2));"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "one_layer(OneLayer(n=20000, m=5000, k=20, trials=2, batch=8, dtype='float64'));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    kilobytes = int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    assert kilobytes < simulate.MEMORY_BUDGET / 1024
    promised = simulate.memory_needed(OneLayer(n=20000, m=5000, k=20, trials=2, batch=8, dtype="float64"))
    assert promised < simulate.MEMORY_BUDGET


def test_memory_that_is_promised_counts_the_law_of_many_codes():
    """50 000 codes of two entries: evaluated at once their law takes gigabytes."""
    p = OneLayer(n=64, m=8, k=2, trials=5000, batch=10)
    program = (
        "import resource, sys; from reversible.random_nets import one_layer as run\n"
        "from reversible.random_nets.one_layer import *\n"
        "p = OneLayer(n=64, m=8, k=2, trials=5000, batch=10); one_layer(OneLayer(n=64, m=8, k=2, trials=2))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "run._summary(p, np.ones((5000, 5, 10)), np.ones((5000, 10, 2)))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    kilobytes = int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    assert kilobytes < 1.5 * simulate.memory_needed(p) / 1024


def test_single_precision_follows_double():
    for change in ({}, {"q": 0.5, "estimate": "linear"}, {"weights": "student"}):
        assert 0 < simulate.precision_check(replace(SMALL, **change)) < 1e-4


def test_the_first_the_middle_and_the_last_cell_are_checked_and_the_worst_counts(monkeypatch):
    def worst(*found):
        return simulate.float64_check([replace(SMALL, seed=seed) for seed in found])

    monkeypatch.setattr(simulate, "precision_check", lambda p: p.seed)
    assert [worst(2), worst(3, 9, 5, 9, 4), worst(7, 9, 5, 9, 4), worst(3, 9, 5, 9, 8), worst(3, 4)] == [2, 5, 7, 8, 4]


def test_a_precision_that_is_too_low_is_seen(monkeypatch):
    right = simulate.model.generate

    def coarse(W, h, alpha, rho, generator=None):
        x = right(W, h, alpha, rho, generator)
        return x if x.dtype == torch.float64 else x.bfloat16().float()

    monkeypatch.setattr(simulate.model, "generate", coarse)
    assert simulate.precision_check(SMALL) > 1e-3


@pytest.mark.parametrize("retention", [1e-4, 0.003, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dropout_keeps_its_share(retention, dtype):
    x = torch.full((1000, 1000), 3.0, dtype=dtype)
    kept = simulate.model.dropout(x, retention, torch.Generator().manual_seed(1))
    assert set(kept.unique().tolist()) == {0.0, 3.0}
    share = float((kept > 0).double().mean())
    assert abs(share - retention) < 4.5 * (retention * (1 - retention) / 1e6) ** 0.5


def test_too_much_memory_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"batch = 1000000 with n = 100, m = 1000 needs \d+ MiB; allowed are 1024 MiB"):
        one_layer(OneLayer(n=100, m=1000, k=2, batch=10**6))


def test_cuda_that_is_not_there():
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(InputError, match="no CUDA device"):
        one_layer(replace(SMALL, device="cuda"))


BAD = {
    "n": [0, -1, 2.5, "ten", float("nan"), float("inf"), True, None, 10**10],
    "m": [0, 1.5, "x"],
    "k": [0, 61, 0.5],
    "rho": [0, 1.01, -0.5, float("nan"), "half", 1e-300],
    "q": [0, 2, float("inf")],
    "alpha": [0, -1, float("nan"), float("inf"), "big"],
    "offset": ["best", float("nan"), None, float("inf")],
    "trials": [0, -3, 1.5],
    "batch": [0, "two"],
    "seed": [-1, 0.5, 2**60],
    "codes": ["poisson", 3],
    "weights": ["levy", None],
    "estimate": ["soft"],
    "dtype": ["float16"],
    "device": ["tpu"],
    "low": [-0.1, 2.0, float("nan")],
    "high": [0, 0.4, float("inf")],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in BAD.items() for v in values])
def test_bad_input_names_the_value_in_one_line(field, value):
    message = refusal(lambda: replace(SMALL, **{field: value}))
    assert field in message
    assert "must be" in message or "need" in message


@settings(max_examples=60)
@given(
    n=st.integers(1, 60), m=st.integers(1, 30), data=st.data(), rho=st.floats(0.05, 1), q=st.floats(0.05, 1),
    codes=st.sampled_from(["binary", "uniform", "exponential"]), estimate=st.sampled_from(simulate.ESTIMATES),
    offset=st.one_of(st.sampled_from(["proof", "optimal"]), st.floats(-5, 5)), seed=st.integers(0, 2**40),
)  # fmt: skip
def test_any_good_input_gives_a_finite_result(n, m, data, rho, q, codes, estimate, offset, seed):
    k = data.draw(st.integers(1, m))
    p = OneLayer(
        n=n, m=m, k=k, rho=rho, q=q, codes=codes, estimate=estimate, offset=offset, seed=seed, trials=3, batch=2
    )
    r = one_layer(p)
    assert np.isfinite(r.predicted_relative_error)
    assert r.predicted_relative_error >= 0
    assert r.relative_error.mean >= 0
    assert 0 <= r.support_recovery_rate.mean <= 1
