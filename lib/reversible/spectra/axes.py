"""The matrices in an array of weights: which axis is the output, which the input, which the places of a kernel.

"torch"     (out, in, kernel...)   PyTorch; taken for granted where nothing tells
"flax"      (kernel..., in, out)   Flax, Keras, TensorFlow
"in last"   (in, heads, width)     the queries, keys and values of Flax's attention
"in first"  (in, out, kernel...)   a transposed convolution of ONNX
"stack"     (matrices, ...)        experts, or layers of one shape: a matrix each
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np

from reversible.base.checks import one_of

Array = np.ndarray
CHOICES = ("auto", "torch", "flax")

KERNEL = re.compile(r"(^|[/.])((depthwise_|pointwise_|recurrent_)?kernel(:0)?)$|/(w|weights)(:0)?$")
DEPTHWISE = re.compile(  # (kernel..., in, times), as Keras has it
    r"depthwise_kernel(:0)?$|depthwise_conv\dd[^/]*/(.*/)?(kernel(:0)?|vars/0)$|separable_conv\dd[^/]*/vars/0$"
)
HEADS = re.compile(
    r"(^|[/._])(query|key|value|q|k|v|qkv|kv|[qkv]_proj|query_dense|key_dense|value_dense)[/.]\w+(/0|:0)?$"
)
EXPERTS = re.compile(r"(expert|(^|[^a-z])moe([^a-z]|$)|_exps([^a-z]|$))", re.I)


def axes_of(name: str, shape: tuple[int, ...], said: str, choice: str, biases: Mapping[str, tuple[int, ...]]) -> str:
    """The order of an array's axes: as `choice` has it, else as its file `said`, else by its name.

    `biases` holds the shapes of all arrays by name: a kernel whose bias has two axes is a stack of layers.
    """
    one_of("axes", choice, CHOICES)
    if len(shape) == 3 and EXPERTS.search(name):
        return "stack"
    if choice == "torch":
        return "torch"
    flax = choice == "flax" or said == "flax" or (not said and KERNEL.search(name))
    if not flax:
        return said or "torch"
    if DEPTHWISE.search(name):
        return "depthwise"
    if len(shape) == 3:
        if HEADS.search(name):
            return "in last"
        if biases.get(re.sub(r"kernel(?=(:0)?$)", "bias", name)) == (shape[0], shape[2]):
            return "stack"
    return "flax"


def turned(shape: tuple[int, ...], axes: str) -> tuple[int, ...]:
    """The order in which the axes of an array are taken, to be (out, in, kernel...).

    >>> turned((3, 3, 64, 128), "flax"), turned((256, 8, 32), "in last"), turned((10, 20), "torch")
    ((3, 2, 0, 1), (1, 2, 0), (0, 1))
    """
    places = tuple(range(len(shape)))
    if axes == "flax":
        return (places[-1], places[-2], *places[:-2])
    if axes == "depthwise":
        return (*places[-2:], *places[:-2])
    if axes == "in last":
        return (*places[1:], 0)
    if axes == "in first":
        return (1, 0, *places[2:])
    return places


def shape_of(shape: tuple[int, ...], axes: str) -> tuple[int, ...]:
    """The shape that `arranged` gives."""
    found = tuple(shape[place] for place in turned(shape, axes))
    return (found[0] * found[1], *found[2:]) if axes in ("depthwise", "in last") else found


def arranged(array: Array, axes: str) -> Array:
    """The array as (out, in, kernel...), or a stack as (matrices, rows, columns)."""
    return array.transpose(turned(array.shape, axes)).reshape(shape_of(array.shape, axes))


def rows_and_columns(shape: tuple[int, ...], stack: bool) -> tuple[int, int]:
    """Of one matrix of it."""
    if stack:
        return shape[1], math.prod(shape[2:])
    return shape[0], math.prod(shape[1:])
