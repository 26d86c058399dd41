"""What the measures of these experiments are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels

WEIGHTS = {"gaussian": "Gaussian weights", "orthogonal": "orthogonal weights"}
WHAT = {"signal": "an input", "noise": "a change of an input"}
lengths = labels(
    {
        "mean_off_{weights}_{what}": "largest relative distance of the mean log size of {what} from its law, {weights}",
        "variance_off_{weights}_{what}": "largest relative distance of the variance of that log from its law, {what}, "
        "{weights}",
        "mean_{weights}": "mean log size of an input at the last layer, {weights}",
        "variance_{weights}": "variance of the log size of an input at the last layer, {weights}",
        "skewness_{weights}": "skewness of the log size of an input at the last layer, {weights}",
        "mean_batch": "mean log of the mean size of a batch at the last layer",
        "variance_batch": "variance of the log of the mean size of a batch at the last layer",
        "mean_batch_one_input": "mean log size that the law says for one input at this width",
        "variance_batch_one_input": "variance of that log that the law says for one input at this width",
        "mean_batch_noise": "mean log of the mean size of the changes of a batch at the last layer",
        "mean_batch_stored": "mean log that the author stored, for as many layers",
        "variance_batch_stored": "variance of that log that the author stored, for as many layers",
    },
    weights=WEIGHTS,
    what=WHAT,
)

NETS = {
    "digits": "small digits",
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    "tanh": "nets of tanh on small digits",
    "linear": "linear nets on small digits",
}
plain = labels(
    {
        "rank_{net}": "effective rank of the signal at the last layer, {net}",
        "rank_first_{net}": "effective rank of the signal at the first layer, {net}",
        "chi_{net}": "mean sensitivity χ at the last layer, {net}",
        "rank_largest": "effective rank of the signal at the last layer, where the ReLU nets have the largest",
        "rate_late": "rate at which log χ grows in the second half of the looks, where it is largest",
    },
    net=NETS,
)

BATCHES = {"small": "smallest batch", "middle": "64 images", "large": "largest batch"}
OTHERS = {"linear": "linear nets", "tanh": "nets of tanh", "narrow": "nets a quarter as wide"}
batch = labels(
    {
        "rate_least": "rate at which log χ grows a layer, where it is least",
        "law_off_small": "largest relative distance of the rate from the law of wide nets, batches up to 32",
        "law_off": "largest relative distance of the rate from the law of wide nets, all batches",
        "relu_law_off": "largest distance of the ReLU's factor of χ from its law",
        "share_least": "share of the rate that the ReLU makes, where it is least",
        "rate_{batch}": "rate at which log χ grows a layer, {batch}",
        "share_{batch}": "share of that rate that the ReLU makes, {batch}",
        "rank_{batch}": "effective rank of the signal at the last layer, {batch}",
        "kurtosis_{batch}": "kurtosis of preactivations at the last layer, {batch}",
        "rate_{other}": "rate at which log χ grows a layer, {other}, 64 images",
        "rank_{other}": "effective rank of the signal at the last layer, {other}, 64 images",
        "kurtosis_{other}": "kurtosis of preactivations at the last layer, {other}, 64 images",
        "stored_early_off": "largest relative distance of χ from what the author stored, layers 10 and 50",
        "stored_last": "χ over what the author stored, the last layer looked at",
        "chi_10": "geometric mean of χ at layer 10, 64 images",
        "chi_last": "geometric mean of χ at the last layer of which the author stored it, 64 images",
    },
    batch=BATCHES,
    other=OTHERS,
)

channel = labels(
    {
        "law_off": "largest relative distance of the factor of χ of a normalised dense layer from its law",
        "factor_large": "factor of χ of a normalised dense layer, largest batch, last look",
        "factor_large_law": "what the law says of that factor",
        "rank_large": "effective rank of the signal there",
    }
)

INSIDE = {"": "two layers a unit", "_one": "one layer a unit"}
residual = labels(
    {
        "slope{inside}": "slope of log χ over log units at the end, {inside}",
        "tau{inside}": "power τ that the measured factors say, {inside}",
        "slope_less_tau{inside}": "slope less τ, {inside}",
        "recursion_off{inside}": "largest relative distance of χ from the recursion, {inside}",
        "factor{inside}": "mean factor of χ of a layer in a branch, {inside}",
        "constants_last{inside}": "χ over the law with constants, after the last unit, {inside}",
        "chi_last{inside}": "geometric mean of χ after the last unit, {inside}",
        "rank_last{inside}": "effective rank of the signal after the last unit, {inside}",
        "stored_off": "largest relative distance of χ from what the author stored",
    },
    inside=INSIDE,
)

KINDS = {
    "plain": "plain nets",
    "normalised": "normalised nets",
    "residual": "normalised residual nets",
    "residual_one": "residual nets with one layer a unit",
    "tanh": "nets of tanh",
    "tanh_normalised": "normalised nets of tanh",
}
training = labels(
    {
        "error_{kind}": "share of test images that are wrong with the best rate, shallow {kind}",
        "chi_{kind}": "geometric mean of χ before training, shallow {kind}",
        "deep_error_{kind}": "share of test images that are wrong with the best rate, deep {kind}",
        "deep_gain_{kind}": "error of deep {kind} less that of deep normalised residual nets",
        "rank_correlation": "rank correlation of χ before training and the error, over shallow kinds",
    },
    kind=KINDS,
)
