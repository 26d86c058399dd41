"""The multi-layer simulator: on the law, the same to the bit, within its memory, clear about bad input."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import refusal
from reversible.base.checks import InputError
from reversible.random_nets import deep as multi_layer
from reversible.random_nets import model
from reversible.random_nets.deep import MultiLayer
from reversible.random_nets.one_layer import OneLayer, one_layer

SMALL = MultiLayer(widths=(600, 400, 60), rho=(1.0, 0.5), k=5, trials=60, batch=4)
run = multi_layer.multi_layer


@pytest.mark.parametrize(
    "change",
    [
        {}, {"offset": "proof"}, {"offset": "optimal"}, {"offset": (-0.02, -0.3)}, {"q": 0.5}, {"codes": "binary"},
        {"codes": "exponential", "offset": (0.01, -0.2)}, {"dtype": "float64"}, {"scale": (1.3, 0.8)},
        {"widths": (600, 60), "rho": (0.5,), "offset": "proof", "scale": ()}, {"weights": "sign"},
        {"widths": (800, 600, 400, 60), "rho": (1, 1, 1), "offset": "optimal", "scale": ()},
        {"widths": (700, 600, 500, 400, 60), "rho": (1, 0.8, 1, 0.5), "offset": (0.0, 0.01, -0.01, -0.1), "scale": ()},
    ],
)  # fmt: skip
def test_simulation_follows_the_law(change):
    r = run(replace(SMALL, **change))
    for layer in r.layers:
        for name in ("mean_gain", "noise_sd", "relative_error"):
            estimate, law = getattr(layer, name), getattr(layer, f"predicted_{name}")
            assert abs(estimate.mean - law) < 2 * estimate.half_width + 0.02 * law, (layer.width, name)
    assert r.gain_sd_over_law == pytest.approx(1, abs=0.35)


def test_one_draw_takes_its_codes_as_repeats():
    assert run(replace(SMALL, trials=1, batch=30)).top.relative_error.n == 30


def test_noise_of_a_code_without_zeros_is_what_is_orthogonal_to_it():
    top = run(replace(SMALL, k=60, trials=40)).top
    assert top.noise_sd.mean == pytest.approx(top.predicted_noise_sd, rel=0.03)


def test_layers_are_given_from_the_top_down():
    assert [layer.width for layer in run(replace(SMALL, trials=2)).layers] == [60, 400]


def test_planted_faults_are_seen(monkeypatch):
    """The law test can fail: generation without its ReLU, or the way up through other weights, are caught."""
    right = model.generate
    monkeypatch.setattr(model, "generate", lambda W, h, alpha, rho, generator=None: alpha * h @ W.T)
    assert abs(run(SMALL).top.gain_z) > 6
    monkeypatch.setattr(model, "generate", lambda W, h, *rest: right(torch.roll(W, 1, 1), h, *rest))
    assert abs(run(SMALL).top.gain_z) > 6


def test_one_layer_is_the_single_layer():
    deep = run(MultiLayer(widths=(900, 80), rho=(0.5,), k=6, offset="proof", trials=100, batch=4))
    flat = one_layer(OneLayer(n=900, m=80, k=6, trials=100, batch=4))
    assert deep.top.predicted_mean_gain == pytest.approx(flat.predicted_mean_gain)
    assert deep.top.predicted_noise_sd * np.sqrt(450) == pytest.approx(flat.predicted_noise_sd_times_sqrt_t)
    assert deep.top.predicted_relative_error == pytest.approx(flat.predicted_relative_error, rel=0.02)
    assert deep.top.mean_offset == pytest.approx(flat.mean_offset, rel=0.01)


def test_same_parameters_same_result_to_the_bit_whoever_runs_the_trials():
    first = asdict(run(SMALL))
    with ThreadPoolExecutor(2) as pool:
        assert asdict(run(SMALL, mapper=pool.map)) == first
    assert asdict(run(replace(SMALL, seed=1))) != first


def test_errors_of_coordinates_are_the_error_of_the_code():
    r = run(replace(SMALL, codes="binary", offset="optimal"))
    assert r.off_support is not None
    total = (5 * r.on_support.mean + 55 * r.off_support.mean) / 5
    assert total == pytest.approx(r.top.relative_error.mean)
    assert run(replace(SMALL, k=60, trials=5)).off_support is None


@pytest.mark.parametrize(
    ("family", "low", "high"),
    [
        ("sign", 0.84, 1.04), ("orthogonal", 0.6, 0.75), ("sparse", 1.2, 1.7), ("skewed", 1.5, 2.3),
        ("correlated", 2, 3.1), ("student", 1.15, 3),
    ],
)  # fmt: skip
def test_other_families_have_their_places_beside_the_law(family, low, high):
    top = run(replace(SMALL, weights=family)).top
    assert low < top.relative_error.mean / top.predicted_relative_error < high


def test_the_top_layers_are_checked_against_double_precision(monkeypatch):
    monkeypatch.setattr(multi_layer.one_layer, "precision_check", lambda p: p.m)
    assert multi_layer.float64_check([SMALL, replace(SMALL, widths=(600, 400, 70))]) == 70


def test_text_is_read_as_the_command_line_gives_it():
    typed = replace(SMALL, widths="600, 400,60", rho="1,0.5", offset="-0.02,-0.3", scale="1,1", k="5")
    assert typed == replace(SMALL, offset=(-0.02, -0.3))
    assert replace(SMALL, offset="0").offset == (0.0, 0.0)


def test_too_much_memory_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"needs \d+ MiB; allowed are 1024 MiB"):
        run(replace(SMALL, widths=(10, 40000, 40000), rho=(1, 1)))


BAD = {
    "widths": [(100,), (), "600", "600,0,60", "600,x,60", (600, 2.5, 60), (5,) * 80, "600,400", "600,,60", None],
    "rho": ["1", (1, 1, 1), (0, 0.5), ("a", 1), (1, float("nan")), (1, 1.5), ()],
    "offset": ["best", (0.1,), (0.1, 0.2, 0.3), "0.1", (float("inf"), 0), None, "proof,proof"],
    "scale": [(1,), (0, 1), (-1, 1), "x,1"],
    "k": [0, 61, 2.5, "many"],
    "q": [0, 1.5],
    "trials": [0, "few"],
    "batch": [0],
    "seed": [-1],
    "weights": ["levy"],
    "codes": ["poisson"],
    "dtype": ["float16"],
    "device": ["tpu"],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in BAD.items() for v in values])
def test_bad_input_names_the_value_in_one_line(field, value):
    assert "must be" in refusal(lambda: replace(SMALL, **{field: value}))


def test_a_layer_that_may_fall_silent_is_refused():
    with pytest.raises(InputError, match=r"leaves a hidden layer of width 20 silent with chance 0.0032; allowed"):
        replace(SMALL, widths=(600, 20, 60), rho=(1, 0.5))


@settings(max_examples=40)
@given(
    depth=st.integers(1, 4), data=st.data(), q=st.floats(0.05, 1), seed=st.integers(0, 2**40),
    codes=st.sampled_from(["binary", "uniform", "exponential"]),
)  # fmt: skip
def test_any_good_input_gives_finite_numbers(depth, data, q, seed, codes):
    widths = (*(data.draw(st.integers(80, 120)) for _ in range(depth)), data.draw(st.integers(1, 40)))
    rho = tuple(data.draw(st.floats(0.5, 1)) for _ in range(depth))
    k = data.draw(st.integers(1, widths[-1]))
    numbers = st.tuples(*[st.floats(-5, 5)] * depth)
    offset = data.draw(st.one_of(st.sampled_from(["0", "proof"]), numbers))
    p = MultiLayer(widths=widths, rho=rho, k=k, q=q, offset=offset, codes=codes, seed=seed, trials=3, batch=2)
    for layer in run(p).layers:
        for name in ("predicted_mean_gain", "predicted_noise_sd", "predicted_relative_error"):
            assert np.isfinite(getattr(layer, name))
            assert getattr(layer, name) >= 0
        assert layer.relative_error.mean >= 0
