"""What the measures of these experiments are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels

NAMES = {"relu": "ReLU", "tanh": "tanh", "elu": "ELU", "selu": "SELU", "swish": "Swish", "gelu": "GELU",
         "softplus": "softplus"}  # fmt: skip
STARTS = {"0": "0", "5": "one half", "9": "0.9"}
relu = labels(
    {
        "limit_off": "largest relative distance of l² (1 − c) at the last layer from its limit",
        "slope_off": "largest relative distance from it of the limit that the growth in the last layers leads to",
        "log_off": "largest relative distance of 1 − c from the law with its logarithm, from layer 100 on",
        "plain_off": "smallest relative distance of l² (1 − c) from its limit at layer 100",
        "rate": "the limit of l² (1 − c), 9π²/2",
        "constant_{start}": "the constant of the law with its logarithm, from a correlation of {start}",
    },
    start=STARTS,
)
smooth = labels(
    {
        "over_law_{name}_{bias}": "l (1 − c) over its law at layer 2,000, {name}, standard deviation of biases {bias}",
        "tanh_off": "largest relative distance of l (1 − c) from its law at layer 2,000, tanh",
        "law_off": "largest relative distance of l (1 − c) from its law at layer 2,000, all with a continuous slope",
        "elu_power": "power of l with which ELU comes to its law, where it is farthest from −1/2",
        "kinked_exponent": "power of l with which 1 − c falls for SELU, where it is farthest from −2",
        "smooth_exponent": "power of l with which 1 − c falls for smooth activations, where it is farthest from −1",
        "slower": "1 − c after 100 layers over that of ReLU, the least of tanh, ELU and Swish",
        "kinked_slower": "1 − c after 100 layers over that of ReLU, SELU",
    },
    name=NAMES,
    bias={"2": "0.2", "5": "0.5"},
)
edges = labels(
    {
        "off_attracting": "largest relative distance of the variance from the one that stays, tanh, ELU and SELU",
        "off_other": "largest relative distance of the variance from the one that stays, Swish and GELU",
        "slope_attracting": "largest slope F'(q*) on the edge, tanh, ELU and SELU",
        "slope_other": "largest slope F'(q*) on the edge, Swish and GELU",
        "slope_{name}": "slope F'(q*) on the edge, biases of 0.2, {name}",
        "least_{name}": "last variance over the one that stays, the smaller start, {name}",
        "largest_log_{name}": "decimal logarithm of the last variance over the one that stays, larger start, {name}",
        "room_softplus": "largest share of a variance that biases could have on an edge of softplus (below zero: none)",
        "room_tanh": "largest share of a variance that biases have on the edge of tanh",
    },
    name=NAMES,
)
off = labels(
    {
        "relu_growth": "factor of the variance a layer, ReLU with weight variance of 2.2",
        "relu_fall": "factor of 1 − c a layer, ReLU with weight variance of 1.8",
        "relu_linear": "growth of the variance a layer over that of biases, ReLU with weight variance of 2",
        "rate_off": "largest relative distance of the fitted rate from the depth scale of the map",
        "fastest": "smallest factor of the distance of c from where it rests a layer",
        "slowest": "largest factor of the distance of c from where it rests a layer",
    }
)
residual = labels(
    {
        "law_off": "largest relative distance of l² (1 − c) at the last layer from its law",
        "exponent": "power of l with which 1 − c falls in the last decade, where it is farthest from −2",
        "deeper": "l² (1 − c) at layer 100 with weight variance of one half over the limit of ReLU without skips",
    }
)
WIDTHS = {"32": "32", "64": "64", "128": "128", "512": "512"}
width = labels(
    {
        "extra_times_n_{n}": "extra fall of ln sin² a layer times the width, width {n}",
        "extra_over_law_{n}": "extra fall of ln sin² a layer over its law, width {n}",
        "deeper_{n}": "mean of ln sin² at the last layer less that of infinite width, width {n}",
    },
    n=WIDTHS,
)
signals = labels(
    {
        "map_off": "largest distance of the mean correlation from the map, over layers and settings",
        "left_on": "share of 1 − c that is left at the last layer, tanh on the edge",
        "left_below": "share of 1 − c that is left at the last layer, tanh with weights a fifth smaller",
        "told_apart_on": "difference of 1 − c of far and near pairs at the last layer, tanh on the edge",
        "told_apart_above": "difference of 1 − c of far and near pairs at the last layer, weights a quarter larger",
        "runaway": "mean of ln(q / q₀) at the last layer, Swish from twice the variance that stays",
        "held": "mean of ln(q / q₀) at the last layer, tanh from twice the variance that stays",
        "wander_swish": "root mean square of ln(q / q₀) at the last layer, Swish from the variance that stays",
        "wander_tanh": "root mean square of ln(q / q₀) at the last layer, tanh from the variance that stays",
    }
)
ARMS = {
    "relu": "ReLU on its edge",
    "relu_low": "ReLU, weight variance of 1.5",
    "relu_high": "ReLU, weight variance of 2.5",
    "tanh": "tanh on its edge",
    "tanh_low": "tanh, weights a fifth smaller",
    "elu": "ELU on its edge",
    "swish": "Swish on its edge",
}
training = labels(
    {
        "error_{arm}": "test error at the end, {arm}",
        "area_{arm}": "mean test error along training, {arm}",
        "log_rate_{arm}": "binary logarithm of the learning rate that is chosen for the end, {arm}",
        "above_{arm}": "test error at the end above that of ReLU on its edge, {arm}",
        "area_above_{arm}": "mean test error along training above that of ReLU on its edge, {arm}",
        "depth_above": "test error at the end above that of tanh on its edge, tanh, weights a fifth smaller",
    },
    arm=ARMS,
)
