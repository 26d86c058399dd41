"""Files that a package of their makers reads: what it wrote comes back, and a package that is missing is named."""

import sys
import zipfile

import numpy as np
import pytest

from helpers import refusal
from reversible.spectra.weight_files import opened, read

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def found(path):
    with opened(str(path)) as net:
        weights = {layer.name: layer.load().weight for layer in net.layers}
        return weights, {each.name: each.why for each in net.skipped}, net.notes


# --- HDF5 and Keras ---------------------------------------------------------------------------------------------------


@pytest.fixture
def hdf5():
    return pytest.importorskip("h5py", reason="the package h5py is not installed")


def test_hdf5_of_any_name(tmp_path, hdf5):
    arrays = {"net/fc10": random(5, 6), "net/fc2": random(4, 3), "half": random(3, 3).astype("f2"), "b": random(4)}
    with hdf5.File(tmp_path / "weights", "w") as file:
        for name, array in arrays.items():
            file[name] = array
        file["text"], file["words"] = "a text", np.array([["a", "b"]], dtype="S3")
        file["complex"], file["whole"] = np.ones((2, 2)) * 1j, np.ones((3, 3), int)
        file["elsewhere"] = hdf5.ExternalLink("/etc/passwd", "x")
        file.create_dataset("outside", (2, 2), "u1", external=[(str(tmp_path / "other"), 0, 4)])
    weights, left, _ = found(tmp_path / "weights")
    assert list(weights) == ["half", "net/fc2", "net/fc10"]
    assert all(np.array_equal(weight, arrays[name]) for name, weight in weights.items())
    assert left.keys() == {"words", "complex", "whole", "outside"}
    assert left["outside"] == "its numbers lie in another file"


def keras_weights(file):
    """As Keras 3 lays out what it saves."""
    conv, dense, query = random(3, 2, 4, 8), random(20, 10), random(16, 2, 4)
    for name, array in {
        "layers/conv2d/vars/0": conv, "layers/conv2d/vars/1": random(8), "layers/dense/vars/0": dense,
        "layers/attention/query_dense/vars/0": query, "layers/attention/query_dense/vars/1": random(2, 4),
        "layers/depthwise_conv2d/vars/0": random(3, 3, 5, 1), "layers/embedding/vars/0": random(30, 6),
        "optimizer/vars/2": random(3, 3),
    }.items():  # fmt: skip
        file[name] = array
    return conv, dense, query


@pytest.mark.parametrize("name", ["net.weights.h5", "net.keras"])
def test_keras_3(tmp_path, hdf5, name):
    with hdf5.File(tmp_path / "model.weights.h5", "w") as file:
        conv, dense, query = keras_weights(file)
    if name == "net.keras":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("config.json", '{"module": "os", "class_name": "system"}')  # nobody looks at it
            archive.write(tmp_path / "model.weights.h5", "model.weights.h5")
    else:
        (tmp_path / "model.weights.h5").rename(tmp_path / name)
    weights, left, notes = found(tmp_path / name)
    assert np.array_equal(weights["layers/conv2d/vars/0"], conv.transpose(3, 2, 0, 1))
    assert np.array_equal(weights["layers/dense/vars/0"], dense.T)
    assert np.array_equal(weights["layers/attention/query_dense/vars/0"], query.reshape(16, 8).T)
    assert weights["layers/depthwise_conv2d/vars/0"].shape == (5, 3, 3)
    assert weights["layers/embedding/vars/0"].shape == (30, 6)
    assert left == {"layers/attention/query_dense/vars/1": "a bias is no matrix of weights, whatever its axes"}
    assert notes == ["the optimizer's state was passed over"]


def test_older_keras(tmp_path, hdf5):
    kernel = random(3, 2, 4, 8)
    with hdf5.File(tmp_path / "vgg.h5", "w") as file:
        file["model_weights/conv1/conv1/kernel:0"] = kernel
        file["model_weights/conv1/conv1/bias:0"] = random(8)
        file["optimizer_weights/Adam/m/kernel:0"] = kernel
    weights, _, _ = found(tmp_path / "vgg.h5")
    assert list(weights) == ["model_weights/conv1/conv1/kernel:0"]
    assert next(iter(weights.values())).shape == (8, 4, 3, 2)


# --- ONNX -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx", reason="the package onnx is not installed")


def model(onnx, arrays, nodes):
    """A model with these initialisers and nodes."""
    make = onnx.helper
    initialisers = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    seen = [make.make_tensor_value_info("x", onnx.TensorProto.FLOAT, None)]
    made = [make.make_node(*of, **how) for *of, how in nodes]
    return make.make_model(make.make_graph(made, "g", seen, [], initialisers))


CODES = RNG.integers(-100, 100, (6, 9)).astype(np.int8)
STEPS = (RNG.random(9) + 0.1).astype(np.float32)
USES = {  # an initialiser, the node that uses it, the weight (out, in, ...)
    "product": ({"w": (w := random(6, 8))}, [("MatMul", ["x", "w"], ["y"], {})], w.T),
    "gemm": ({"w": (w := random(6, 8))}, [("Gemm", ["x", "w"], ["y"], {"transB": 1})], w),
    "gemm, not turned": ({"w": (w := random(6, 8))}, [("Gemm", ["x", "w"], ["y"], {})], w.T),
    "convolution": ({"w": (w := random(4, 3, 2, 2))}, [("Conv", ["x", "w"], ["y"], {})], w),
    "transposed": ({"w": (w := random(4, 3, 2, 2))}, [("ConvTranspose", ["x", "w"], ["y"], {})], w.swapaxes(0, 1)),
    "codes": (
        {"w": CODES, "s": np.float32(0.5), "z": np.int8(3)},
        [("DequantizeLinear", ["w", "s", "z"], ["v"], {}), ("MatMul", ["x", "v"], ["y"], {})],
        0.5 * (CODES.astype(float) - 3).T,
    ),
    "codes by columns": (
        {"w": CODES, "s": STEPS},
        [("DequantizeLinear", ["w", "s"], ["v"], {"axis": 1}), ("Conv", ["x", "v"], ["y"], {})],
        CODES * STEPS,
    ),
    "codes by name": (
        {"w_quantized": CODES, "w_scale": np.float32(0.5), "w_zero_point": np.int8(3)},
        [("MatMulInteger", ["x", "w_quantized", "a", "w_zero_point"], ["y"], {})],
        0.5 * (CODES.astype(float) - 3).T,
    ),
}


@pytest.mark.parametrize("use", USES)
def test_initialisers_in_the_order_of_axes_that_their_use_says(tmp_path, onnx, use):
    arrays, nodes, weight = USES[use]
    onnx.save(model(onnx, arrays, nodes), tmp_path / "net")
    (layer,) = read(str(tmp_path / "net"))
    assert layer.name == "w"
    assert layer.weight == pytest.approx(weight, rel=1e-6)


def test_numbers_of_onnx_beside_the_model(tmp_path, onnx):
    arrays = {"w": random(40, 50), "index": np.ones((40, 50), np.int64)}
    whole = model(onnx, arrays, [("MatMul", ["x", "w"], ["y"], {})])
    onnx.save(whole, tmp_path / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    weights, left, _ = found(tmp_path / "net.onnx")
    assert np.array_equal(weights["w"], arrays["w"].T)
    assert list(left) == ["index"]
    assert list(found(tmp_path)[0]) == ["w"]  # as a folder
    (tmp_path / "net.data").unlink()
    assert "w: " in refusal(lambda: read(str(tmp_path / "net.onnx")))


# --- GGUF -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def gguf():
    return pytest.importorskip("gguf", reason="the package gguf is not installed")


def test_gguf_in_plain_numbers_and_in_codes(tmp_path, gguf):
    kinds, weight = gguf.GGMLQuantizationType, random(8, 64)
    writer = gguf.GGUFWriter(tmp_path / "net", "llama")
    plain = {"blk.10.a.weight": weight, "blk.2.a.weight": weight.astype(np.float16), "norm.weight": weight[0]}
    for name, array in {**plain, "blk.2.ffn_up_exps.weight": random(3, 8, 32)}.items():
        writer.add_tensor(name, array)
    within = {"BF16": 4e-3, "Q8_0": 1e-2, "Q4_0": 0.2}
    for kind in within:
        writer.add_tensor(kind, gguf.quants.quantize(weight, kinds[kind]), raw_dtype=kinds[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    weights, left, _ = found(tmp_path / "net")
    assert list(weights) == ["blk.2.a", "blk.2.ffn_up_exps", "blk.10.a", "BF16", "Q4_0", "Q8_0"]
    assert left == {}
    assert np.array_equal(weights["blk.10.a"], weight)
    for kind, off in within.items():
        assert np.abs(weights[kind] - weight).max() < off * np.abs(weight).max()
    assert weights["blk.2.ffn_up_exps"].shape == (3, 8, 32)


# --- Flax -------------------------------------------------------------------------------------------------------------


def test_a_tree_of_flax(tmp_path):
    """As flax.serialization.to_bytes writes it."""
    msgpack = pytest.importorskip("msgpack", reason="the package msgpack is not installed")

    def packed(array, dtype=None):
        return msgpack.ExtType(1, msgpack.packb((array.shape, dtype or array.dtype.name, array.tobytes())))

    conv, table, half = random(3, 2, 4, 8), random(30, 6), random(5, 7)
    bits = (half.view(np.uint32) >> 16).astype(np.uint16)  # bfloat16
    parts = {str(place): packed(part) for place, part in enumerate(np.split(table.reshape(-1), 3))}
    whole = {"__msgpack_chunked_array__": True, "shape": {"0": 30, "1": 6}, "chunks": parts}
    params = {"conv": {"kernel": packed(conv), "bias": packed(random(8))}, "embed": {"embedding": whole}}
    params["head"] = {"kernel": packed(bits, "bfloat16")}
    state = {"step": 3, "params": params, "opt_state": {"mu": packed(conv)}, "odd": msgpack.ExtType(2, b"x")}
    (tmp_path / "net").write_bytes(msgpack.packb(state))
    weights, left, notes = found(tmp_path / "net")
    assert list(weights) == ["conv.kernel", "embed.embedding", "head.kernel"]
    assert np.array_equal(weights["conv.kernel"], conv.transpose(3, 2, 0, 1))
    assert np.array_equal(weights["embed.embedding"], table)
    assert weights["head.kernel"] == pytest.approx(half.T, rel=1e-2)
    assert (left, notes) == ({}, ["the optimizer's state was passed over"])


# --- no package -------------------------------------------------------------------------------------------------------

STARTS = {
    "h5py": b"\x89HDF\r\n\x1a\n",
    "gguf": b"GGUF\x03\0\0\0",
    "onnx": b"\x08\x0a\x12\x07pytorch",
    "msgpack": b"\x82\xa6params\x80",
}


@pytest.mark.parametrize("package", STARTS)
def test_a_package_that_is_missing_is_named_with_how_to_get_it(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "net").write_bytes(STARTS[package] + bytes(40))
    says = refusal(lambda: read(str(tmp_path / "net")))
    assert says.startswith(f"'{tmp_path / 'net'}' is ")
    assert says.endswith(f"needs the package {package}: pip install {package}, or 'reversible[files]' for all kinds")


@pytest.mark.parametrize("package", STARTS)
def test_a_file_of_noise_behind_the_sign_of_a_kind_is_one_line(tmp_path, package):
    pytest.importorskip(package, reason=f"the package {package} is not installed")
    for noise in (b"", bytes(40), b"\xff" * 999, RNG.bytes(4000)):
        (tmp_path / "net").write_bytes(STARTS[package] + noise)
        assert "net" in refusal(lambda: read(str(tmp_path / "net")))
