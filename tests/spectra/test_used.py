"""The weights that a net uses, put together of what is stored: as torch puts them together, and as their makers say."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from reversible.spectra import codes
from reversible.spectra.readers.stored import Stored
from reversible.spectra.used import Skipped, Weight, weights
from reversible.spectra.weight_files import opened, read

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def kept(arrays, dtypes=None):
    """Arrays as they are found in a file."""
    said = dtypes or {}
    return [Stored(n, a.shape, said.get(n, a.dtype.name), lambda a=a: a) for n, a in arrays.items()]


def found(arrays, dtypes=None):
    """Weights by name, and why of what is left out."""
    layers = weights(kept(arrays, dtypes))
    made = {each.name: each.stored.load() for each in layers if isinstance(each, Weight)}
    return made, {each.name: each.why for each in layers if isinstance(each, Skipped)}


def old(norm, module, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is to go
        return norm(module, **how)


def scaled(module):
    """Lengths that are not those of the directions."""
    for name, values in module.named_parameters():
        if name.endswith(("_g", "original0")):
            values.data *= torch.rand_like(values) + 0.5
    return module


NORMED = {
    "rows, old": lambda: scaled(old(nn.utils.weight_norm, nn.Conv2d(4, 8, 3))),
    "rows": lambda: scaled(parametrizations.weight_norm(nn.Linear(6, 7))),
    "columns": lambda: scaled(old(nn.utils.weight_norm, nn.Linear(6, 7), dim=1)),
    "columns, new": lambda: scaled(parametrizations.weight_norm(nn.ConvTranspose1d(4, 8, 3), dim=1)),
    "whole": lambda: scaled(old(nn.utils.weight_norm, nn.Linear(6, 7), dim=None)),
    "spectral, old": lambda: old(nn.utils.spectral_norm, nn.Conv2d(4, 8, 3)),
    "spectral": lambda: parametrizations.spectral_norm(nn.Linear(6, 7)),
    "spectral, transposed": lambda: old(nn.utils.spectral_norm, nn.ConvTranspose2d(4, 8, 3)),
    "pruned": lambda: prune.l1_unstructured(nn.Linear(9, 8), "weight", 0.5),
}


@pytest.mark.parametrize("kind", NORMED)
def test_parts_of_a_parametrisation_are_the_weight_that_torch_makes_of_them(tmp_path, kind):
    module = NORMED[kind]().eval()
    torch.save({f"net.{name}": value for name, value in module.state_dict().items()}, tmp_path / "net.pt")
    shape = (1, module.in_channels, 5, 5) if "Conv" in type(module).__name__ else (1, getattr(module, "in_features", 0))
    module(torch.zeros(shape[:3] if "1d" in type(module).__name__ else shape))  # old ones put it together when used
    (layer,) = read(str(tmp_path / "net.pt"))
    assert layer.name == "net"
    assert layer.weight == pytest.approx(module.weight.detach().numpy(), rel=1e-5, abs=1e-8)


def test_of_another_parametrisation_the_parts_are_not_taken_for_the_weight(tmp_path):
    torch.save(parametrizations.orthogonal(nn.Linear(5, 5)).state_dict(), tmp_path / "net.pt")
    with opened(str(tmp_path / "net.pt")) as net:
        assert net.layers == []
        assert "is not the weight" not in net.skipped[0].why
        assert "original of a parametrization" in net.skipped[0].why


def test_names_that_only_look_like_parts_are_layers_of_their_own():
    arrays = {"q_v": random(3, 4), "q_g": random(3, 4), "k_orig": random(3, 4), "a.weight_v": random(3, 4)}
    assert found(arrays) == ({name: pytest.approx(a) for name, a in arrays.items()}, {})


# --- LoRA -------------------------------------------------------------------------------------------------------------

A, B = random(4, 20), random(10, 4)
PAIRS = {
    "peft": ("m.q.lora_A.weight", "m.q.lora_B.weight", "m.q.lora"),
    "of a name": ("m.q.lora_A.default.weight", "m.q.lora_B.default.weight", "m.q.lora"),
    "of another name": ("m.q.lora_A.pirate.weight", "m.q.lora_B.pirate.weight", "m.q.lora.pirate"),
    "embedding": ("e.lora_embedding_A", "e.lora_embedding_B", "e.lora"),
    "loralib": ("q.lora_A", "q.lora_B", "q.lora"),
    "kohya": ("lora_unet_q.lora_down.weight", "lora_unet_q.lora_up.weight", "lora_unet_q.lora"),
    "diffusers": ("q.to_q_lora.down.weight", "q.to_q_lora.up.weight", "q.to_q.lora"),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_an_update_is_the_product_of_its_pair(kind):
    down, up, name = PAIRS[kind]
    made, left = found({up: B, down: A})
    assert list(made) == [name]
    assert left == {}
    assert made[name] == pytest.approx(B.astype(float) @ A.astype(float), rel=1e-12)


def test_an_update_of_a_convolution_and_its_scale():
    down, up, alpha = random(4, 6, 3, 3), random(8, 4, 1, 1), np.array(2.0)
    made, _ = found({"u.lora_down.weight": down, "u.lora_up.weight": up, "u.alpha": alpha})
    assert made["u.lora"] == pytest.approx(up[:, :, 0, 0] @ down.reshape(4, 54) / 2, rel=1e-5)


def test_an_update_in_the_order_of_jax_beside_the_weight_that_it_is_of():
    a, b = random(20, 4), random(4, 10)
    made, _ = found({"q/lora_a": a, "q/lora_b": b, "q/kernel": random(20, 10)})
    assert list(made) == ["q.lora", "q/kernel"]
    assert made["q.lora"] == pytest.approx((a @ b).T, rel=1e-5)


def test_halves_that_do_not_fit_and_factors_are_left_out_with_a_line():
    made, left = found({"q.lora_A.weight": A, "q.lora_B.weight": random(10, 5), "h.hada_w1_a": random(9, 4)})
    assert made == {}
    assert "does not fit" in left["q.lora_A"]
    assert "is a factor of an update" in left["h.hada_w1_a"]


# --- quantisation -----------------------------------------------------------------------------------------------------


def whole_numbers(*shape, kind: str = "int8"):
    return RNG.integers(-100, 100, shape).astype(kind)


Q = whole_numbers(576, 300)
ROWS = RNG.random(576).astype(np.float32) + 0.1
BLOCKS = RNG.random((5, 3)).astype(np.float32) + 0.1
SCALED = {  # kind: what lies beside the codes "x.weight", what they are to be multiplied with
    "blocks of fp8": ({"x.weight_scale_inv": BLOCKS}, np.kron(BLOCKS, np.ones((128, 128)))[:576, :300]),
    "rows": ({"x.weight_scale": ROWS[:, None], "x.input_scale": ROWS[:1]}, ROWS[:, None]),
    "the whole": ({"x.weight_scale": np.array(0.5)}, 0.5),
    "the whole, another name": ({"x.scale_weight": np.array([0.5])}, 0.5),
    "bitsandbytes": ({"x.SCB": ROWS, "x.weight_format": np.array(0)}, ROWS[:, None] / 127),
    "groups": ({"x.weight_scale": BLOCKS[:1].repeat(576, 0)}, BLOCKS[:1].repeat(576, 0).repeat(100, 1)),
}


@pytest.mark.parametrize("kind", SCALED)
@pytest.mark.parametrize("dtype", ["int8", "float8_e4m3fn"])
def test_codes_are_multiplied_with_their_scales(kind, dtype):
    beside, factor = SCALED[kind]
    made, left = found({"x.weight": Q, **beside}, {"x.weight": dtype})
    assert (list(made), left) == (["x"], {})
    assert np.allclose(made["x"], Q * factor, rtol=1e-6, atol=0)  # much faster than approx


def test_codes_have_a_zero_of_their_own():
    codes_of, zero = whole_numbers(6, 8, kind="int64") + 100, np.array([3])
    arrays = {"w_quantized": codes_of.astype(np.uint8), "w_scale": np.array([0.5]), "w_zero_point": zero}
    made, _ = found(arrays)
    assert made["w"] == pytest.approx(0.5 * (codes_of - 3.0))
    quanto, _ = found({"x.weight._data": Q, "x.weight._scale": ROWS[:, None]})
    assert np.allclose(quanto["x"], Q * ROWS[:, None], rtol=1e-6, atol=0)


def test_codes_of_eight_bits_without_scales_are_numbers_and_integers_are_not():
    made, left = found({"a.weight": Q, "b.weight": Q}, {"a.weight": "float8_e5m2"})
    assert list(made) == ["a"]
    assert "integers (int8) are no weights" in left["b"]


INT32, BYTES = whole_numbers(8, 16, kind="int32"), whole_numbers(8, 16, kind="uint8")
GROUPS = {"q.qzeros": INT32, "q.scales": random(2, 16)}
PACKED = {  # kind: the codes, what lies beside them, what is said of it
    "GPTQ": ("q.qweight", INT32, {**GROUPS, "q.g_idx": INT32[0]}, "g_idx, qzeros, scales"),
    "AWQ": ("q.qweight", INT32, GROUPS, "qzeros, scales"),
    "packed": ("q.weight_packed", INT32, {"q.weight_scale": random(8, 2), "q.weight_shape": INT32[0, :2]}, "scale"),
    "bitsandbytes": ("n.weight", BYTES, {"n.weight.absmax": random(4)}, "weight.absmax"),
    "MXFP4": ("e.up_proj_blocks", BYTES, {"e.up_proj_scales": BYTES}, "scales"),
    "NVFP4": ("n.weight", BYTES, {"n.weight_scale": random(8, 1), "n.weight_scale_2": A[0, 0]}, "weight_scale"),
    "AQLM": ("n.codes", Q, {"n.codebooks": random(2, 16, 1, 8), "n.scales": random(576, 1)}, "codebooks, scales"),
    "bytes": ("n.weight", BYTES, {"n.weight_scale": random(8, 2)}, "weight_scale"),
}


@pytest.mark.parametrize("kind", PACKED)
def test_packed_codes_are_refused_with_their_scales_named(kind):
    name, array, beside, says = PACKED[kind]
    made, left = found({name: array, **beside, "ok.weight": A})
    assert list(made) == ["ok"]
    assert list(left) == [name.removesuffix(".weight")]
    (why,) = left.values()
    assert "packed, several in a number, and are not unpacked" in why
    assert f"beside them: {says}" in why


def test_places_in_a_codebook_are_its_values():
    places, book = RNG.integers(0, 4, (6, 7)), random(4)
    made, left = found({"fc.index": places, "fc.codebook": book, "other.index": places})
    assert np.array_equal(made["fc"], book[places])
    assert list(made) == ["fc"]
    assert list(left) == ["other.index"]


def test_biases_and_tables_of_waves_are_no_weights():
    arrays = {"a/query/bias": random(2, 8), "rotary.cos_cached": random(9, 8), "bias_table": random(9, 8)}
    made, left = found(arrays)
    assert list(made) == ["bias_table"]
    assert left.keys() == {"a/query/bias", "rotary.cos_cached"}


def test_scales_that_do_not_fit_are_said():
    made, left = found({"x.weight": Q, "x.weight_scale": random(7, 11)})
    assert made == {}
    assert "x.weight_scale (7, 11)" in left["x"]
    assert "codes themselves" in found({"x.weight": Q, "x.weight_scale": Q[:, :1]})[1]["x"]
    assert "which scales are theirs" in found({"x.weight": Q, "x.weight_scale": ROWS, "x.SCB": ROWS})[1]["x"]


def test_a_hundred_thousand_names_take_no_time_to_look_through():
    arrays = {f"layers.{i}.{part}": Q for i in range(20_000) for part in ("a.weight", "a.weight_scale_inv")}
    in_order = sorted(arrays)
    stored = {name: Stored(name, Q.shape, "int8", lambda: Q) for name in arrays}
    looked = 0

    class Counting(list):
        def __getitem__(self, place):
            nonlocal looked
            looked += 1
            return super().__getitem__(place)

    assert list(codes.beside(stored["layers.7.a.weight"], stored, Counting(in_order))) == ["weight_scale_inv"]
    assert looked < 50
