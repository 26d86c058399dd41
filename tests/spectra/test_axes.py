"""The axes of arrays: matrices have the singular values of the map that the layer is."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from helpers import refusal
from reversible.spectra.axes import arranged, axes_of, shape_of
from reversible.spectra.weight_files import Layer, matrices, opened, read
from weight_files import save

RNG = np.random.default_rng(0)

ORDERS = {  # name, shape, what the file says: order, shape as (out, in, kernel...)
    "a dense kernel": ("params/d/kernel", (4, 8), "", "flax", (8, 4)),
    "a kernel of Keras": ("d/d/kernel:0", (4, 8), "", "flax", (8, 4)),
    "a convolution": ("params.c.kernel", (3, 2, 4, 8), "", "flax", (8, 4, 3, 2)),
    "a convolution of one axis": ("params/c/kernel", (3, 4, 8), "", "flax", (8, 4, 3)),
    "of Haiku": ("net/~/conv/w", (3, 2, 4, 8), "", "flax", (8, 4, 3, 2)),
    "attention in": ("params/query/kernel", (16, 2, 8), "", "in last", (16, 16)),
    "attention out": ("params/out/kernel", (2, 8, 16), "", "flax", (16, 8, 2)),
    "a stack of layers": ("params/blocks/kernel", (3, 4, 8), "", "stack", (3, 4, 8)),
    "depthwise": ("depthwise_conv2d_1/depthwise_kernel:0", (3, 2, 5, 1), "", "depthwise", (5, 3, 2)),
    "experts": ("mlp.experts.gate_up_proj", (4, 6, 8), "", "stack", (4, 6, 8)),
    "experts of GGUF": ("blk.0.ffn_gate_exps.weight", (4, 6, 8), "", "stack", (4, 6, 8)),
    "PyTorch": ("conv.weight", (8, 4, 3, 3), "", "torch", (8, 4, 3, 3)),
    "PyTorch's moe is not in smoetry": ("smoetry.weight", (8, 4, 3), "", "torch", (8, 4, 3)),
    "said by the file": ("onnx::MatMul_1", (4, 8), "flax", "flax", (8, 4)),
    "transposed": ("up", (4, 8, 3, 3), "in first", "in first", (8, 4, 3, 3)),
}
BIASES = {"params/blocks/bias": (3, 8), "params/c/bias": (8,)}


@pytest.mark.parametrize("kind", ORDERS)
def test_the_order_of_axes_by_name(kind):
    name, shape, said, order, becomes = ORDERS[kind]
    assert axes_of(name, shape, said, "auto", BIASES) == order
    array = RNG.standard_normal(shape)
    assert shape_of(shape, order) == arranged(array, order).shape == becomes


def test_the_order_of_axes_by_word():
    assert axes_of("params/d/kernel", (4, 8), "", "torch", {}) == "torch"
    assert axes_of("w", (3, 3, 4, 8), "", "flax", {}) == "flax"
    assert "axes must be one of auto, torch, flax, not 'keras'" in refusal(
        lambda: axes_of("w", (3, 4), "", "keras", {})
    )


def test_a_kernel_of_flax_is_the_convolution_that_it_is():
    """What it does to an image, by the kernel as it is stored and by the weights as they are arranged."""
    kernel, image = RNG.standard_normal((3, 2, 4, 8)), RNG.standard_normal((1, 4, 9, 9))
    weight = torch.tensor(arranged(kernel, "flax"))
    seen = functional.conv2d(torch.tensor(image), weight)[0, :, 5, 6].numpy()
    assert seen == pytest.approx(np.einsum("hwio,ihw->o", kernel, image[0, :, 5:8, 6:8]))


def test_heads_are_a_map_from_all_inputs():
    kernel, x = RNG.standard_normal((16, 2, 8)), RNG.standard_normal(16)
    assert arranged(kernel, "in last") @ x == pytest.approx(np.einsum("ihd,i->hd", kernel, x).reshape(-1))
    out, z = RNG.standard_normal((2, 8, 16)), RNG.standard_normal((2, 8))
    matrix = arranged(out, "flax").reshape(16, 16)
    assert np.linalg.svd(matrix)[1] == pytest.approx(np.linalg.svd(out.reshape(16, 16))[1])
    assert arranged(out, "flax").transpose(0, 2, 1).reshape(16, 16) @ z.reshape(-1) == pytest.approx(
        np.einsum("hdo,hd->o", out, z)
    )


def test_a_stack_has_a_matrix_for_each_of_its_places(tmp_path):
    experts = RNG.standard_normal((3, 6, 8)).astype(np.float32)
    save(tmp_path / "net.npz", {"moe.experts.w1": experts, "conv.weight": experts})
    stack, conv = read(str(tmp_path / "net.npz"))
    assert [(at, matrix.shape) for at, matrix in matrices(conv)] == [("", (6 - 3, 48))]
    found = matrices(stack, positions=True)
    assert [at for at, _ in found] == ["[0]", "[1]", "[2]"]
    assert all(np.array_equal(matrix, expert) for (_, matrix), expert in zip(found, experts, strict=True))


def test_what_a_stack_needs_is_itself_and_one_matrix_at_work(tmp_path):
    save(tmp_path / "net.npz", {"experts.w": np.zeros((64, 40, 50)), "b.w": np.zeros((64, 40 * 50))})
    with opened(str(tmp_path / "net.npz")) as net:
        stack, plain = net.layers
    assert stack.memory < plain.memory / 4
    assert stack.memory > 8 * 64 * 40 * 50
    assert isinstance(Layer("w", np.zeros((2, 3))).stack, bool)
