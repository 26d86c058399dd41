"""What the measures of these experiments are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels

KINDS = {"dense": "dense nets", "convolution": "convolutions"}
start = labels(
    {
        "{kind}_none": "largest difference of a layer's first risk from the last one before, {kind}",
        "{kind}_wider": "the same where each layer is wider than the one before, {kind}",
        "{kind}_narrower": "mean difference where each layer is narrower, {kind}",
        "{kind}_rearranged": "mean difference where features are rearranged in between, {kind}",
    },
    kind=KINDS,
)

BEGUN = {
    "identity": "layers that begin as the identity", "random": "layers that begin at random",
    "one": "one layer trained as long",
}  # fmt: skip
RATES = {"0_03": "rate 0.03", "0_1": "rate 0.1", "0_3": "rate 0.3"}
risk = labels(
    {
        "rises_{kind}": "pairs of neighbouring layers between which the training risk rises, all rates, {kind}",
        "rises_{kind}_{rate}": "pairs of neighbouring layers between which the training risk rises, {rate}, {kind}",
        "pairs_of_layers": "pairs of neighbouring layers at all rates",
        "first_{kind}_{rate}": "training risk after the first layer's steps, {rate}, {kind}",
        "last_{kind}_{rate}": "training risk at the end, {rate}, {kind}",
        "test_change_{kind}_{rate}": "change of the test error from the first layer to the end, {rate}, {kind}",
        "log_over_one_{rate}": "logarithm of the last risk over that of one layer trained as long, {rate}",
        "largest_log_over_one": "the largest of these logarithms over the rates",
    },
    kind=BEGUN,
    rate=RATES,
)

NETS = {"trained": "layers as trained", "unit": "layers of norm one"}
MOVES = {"random": "random moves", "aligned": "aligned moves"}
errors = labels(
    {
        "in_eps_{net}_{moves}": "exponent of the error of the last layer in the size of moves, {net}, {moves}",
        "in_depth_{net}_{moves}": "exponent of the error in the number of layers, {net}, {moves}",
        "a_layer_{net}_{moves}": "factor by which the error grows from layer to layer, {net}, {moves}",
        "over_bound_{net}_{moves}": "largest error over its bound, {net}, {moves}",
        "last_over_bound_{net}_{moves}": "mean error over its bound at the last layer, {net}, {moves}",
        "norm_{net}_{moves}": "geometric mean of the layers' spectral norms, {net}, {moves}",
        "signal_{net}_{moves}": "length of the last features over that of the first, {net}, {moves}",
    },
    net=NETS,
    moves=MOVES,
)

HEADS = {"k1": "linear heads", "k2": "heads of two layers", "k3": "heads of three layers"}
compared = labels(
    {
        "probe_rise_{k}": "smallest gain in accuracy of a linear probe from the first layer to a later one, {k}",
        "probe_last_rise_{k}": "gain in accuracy of a linear probe from the first layer to the last, {k}",
        "probe_first_{k}": "error of a linear probe on the first layer, {k}",
        "probe_last_{k}": "error of a linear probe on the last layer, {k}",
        "over_random_{k}": "smallest gain in accuracy of a probe on a trained layer over a random one, {k}",
        "first_{k}": "test error after the first layer, {k}",
        "last_{k}": "test error after the last layer, {k}",
        "ensemble_{k}": "test error of all heads together, {k}",
        "gain_{k}": "gain in accuracy over heads with one layer less, {k}",
        "smallest_step": "smallest gain in test accuracy from a layer to the next, all heads",
        "ensemble_gain": "smallest gain in accuracy of all heads together over the last, all heads",
        "random_rise": "largest gain in accuracy of a probe from the first random layer to a later one",
        "random_last_rise": "gain in accuracy of a probe from the first random layer to the last",
        "random_first": "error of a linear probe on the first random layer",
        "random_last": "error of a linear probe on the last random layer",
        "pixels": "error of a linear probe on images",
        "at_edge": "share of greedy nets whose rate is at an end of the grid",
        "behind_{k}": "test error of greedy nets less that end to end, the same epochs in all, {k}",
        "behind_same_cost_{k}": "test error of greedy nets less that end to end, at the same cost, {k}",
        "together_{k}": "test error end to end, the same epochs in all, {k}",
        "together_same_cost_{k}": "test error end to end, at the same cost, {k}",
        "same_cost_epochs_{k}": "epochs end to end that cost as much as greedy training, {k}",
        "cost_over_{k}": "multiply-adds of greedy training over those end to end, the same epochs in all, {k}",
        "cost_over_same_{k}": "multiply-adds of greedy training over those end to end, at the same cost, {k}",
        "seconds_{k}": "seconds of greedy training over those end to end, the same epochs in all, {k}",
    },
    k=HEADS,
)
