"""Labels of the experiments with matrices and trained nets: their spectra, their reversal, how far training goes."""

from __future__ import annotations

from reversible.runs.labels import labels, score

spectral_laws = labels(
    {
        "largest_ks": "largest mean distance of the singular values from the law, of all shapes and entries",
        "square_mean_over_law": "mean singular value of square matrices over the law's",
        "fourth_moment_over_law": "mean ratio of the fourth moment of the singular values to its exact value",
        "fourth_moment_rms_z": score("the fourth moment"),
        "edge_mean": "mean of the scaled largest eigenvalue, Gaussian matrices",
        "edge_sd": "standard deviation of the scaled largest eigenvalue, Gaussian matrices",
    }
)

planted_spikes = labels(
    {
        "sigma_near": "share of draws whose noise level is found within 2 %",
        "sigma_error_furthest": "largest mean relative error of the noise level, of all shapes, entries and signals",
        "within_one": "share of draws whose number of spikes is found within one",
        "count_error_furthest": "largest mean error of the number of spikes, of all shapes, entries and signals",
        "sigma_error_at_a_tenth": "mean relative error of the noise level where a tenth of the values are spikes",
        "median_error_at_a_tenth": "mean relative error of the noise level by the median alone, where a tenth are"
        " spikes",
        "largest_ks": "largest mean distance of the bulk from the law, of all shapes, entries and signals",
        "weakest_over_edge": "singular value of the weakest planted spike, over the edge of the bulk",
    }
)

DRAWN = {
    "gaussian": "Gaussian matrices", "laplace": "matrices of Laplace entries", "signal": "matrices with a signal",
    "levelled": "levelled Gaussian matrices",
}  # fmt: skip
bulk_distance = labels(
    {
        "beyond_{what}": "share of {what} whose bulk is beyond the 99 % point of the distance",
        "beyond_of_the_largest": "share of the largest Gaussian matrices whose bulk is beyond the 99 % point",
        "beyond_at_most": "largest such share of Gaussian matrices, of all shapes",
        "beyond_at_least": "smallest such share of Gaussian matrices, of all shapes",
        "slope": "slope of p times the measured 99 % point in ln p",
        "point_smallest": "smallest of p times the measured 99 % points, of all shapes",
    },
    what=DRAWN,
)

NOISES = {
    "gaussian": "Gaussian entries", "laplace": "Laplace entries", "student_5": "Student t, 5 degrees",
    "student_4": "Student t, 4 degrees", "student_3": "Student t, 3 degrees", "sparse": "nine in ten entries zero",
    "correlated": "autoregressive rows", "rows": "unequal rows", "columns": "unequal columns",
    "both": "unequal rows and columns",
}  # fmt: skip
other_noise = labels(
    {
        "sigma_{kind}": "noise level that is found, over that of the entries: {kind}",
        "spikes_{kind}": "mean number of spikes: {kind}",
        "any_spike_{kind}": "share of draws with a spike: {kind}",
        "off_{kind}": "share of draws whose bulk is beyond the 99 % point: {kind}",
        "levelled_spikes_{kind}": "mean number of spikes once levelled: {kind}",
        "levelled_off_{kind}": "share of draws whose bulk is beyond the 99 % point once levelled: {kind}",
        "edge_mean_unequal": "mean of the largest eigenvalue, scaled by the law of unequal scales",
        "largest_over_equal": "mean largest singular value over the law of equal scales, matrices of unequal ones",
    },
    kind=NOISES,
)

verdict_rule = labels(
    {
        "right_{kind}": "share of {kind} matrices that the rule calls so",
        "right_least": "smallest share of right verdicts, of all families",
    },
    kind={
        "bulk_random_like": "random-like",
        "unequal_scales": "unequally scaled",
        "spikes": "spiked",
        "heavy_tailed": "heavy-tailed",
        "structured": "structured",
    },
)

net_spectra = labels(
    {
        "{whose}_columns_independent": "share of {whose} whose columns are correlated at most 1.5 times as much as in"
        " their null",
        "{whose}_entries_gaussian": "share of {whose} whose entries lie within 0.05 of a Gaussian law",
        "{whose}_bulk_on_law": "share of {whose} whose bulk is on the law",
        "{whose}_nothing_leaves": "share of {whose} whose bulk is on the law and is left by no singular value",
        "{whose}_levelled_on_law": "share of {whose} whose bulk is on the law once they are levelled",
        "{whose}_more_spikes_than_permuted": "share of {whose} with more spikes than their entries have in random"
        " order",
        "{whose}_more_spikes_than_scaled": "share of {whose} with more spikes than the null that keeps their scales",
        "{whose}_spikes_once_levelled": "share of {whose} that have spikes once they are levelled",
        "{whose}_not_heavy_tailed": "share of {whose} that are not called heavy-tailed",
        "alexnet_fc_on_law": "share of AlexNet's fully connected layers whose bulk is on the law",
        "alexnet_fc_nothing_leaves": "share of AlexNet's fully connected layers whose bulk nothing leaves",
    },
    whose={"share": "matrices", "inexact_share": "inexact matrices"},
)

# --- down and up again ------------------------------------------------------------------------------------------------

NETS = {
    "dense": "LeNet-300-100",
    "sparse": "pruned LeNet-300-100",
    "trained_digits": "digits nets",
    "trained_mnist": "MNIST nets",
}
PLACES = {f"{net}_{layer}": f"{words}, from h{layer}" for net, words in NETS.items() for layer in (1, 2)}
WAYS = {
    "permuted": "permuted entries",
    "gaussian": "Gaussian entries",
    "pseudo_inverse": "the pseudo-inverse",
    "bulk": "the bulk alone",
    "spikes": "the spikes alone",
}
CHANGES = {
    **{name: f"with {words} on the way down" for name, words in WAYS.items()},
    **{f"{name}_everywhere": f"with {words} in the whole net" for name, words in WAYS.items()},
    "rho_0_8": "with retention 0.8 on the way down",
    "rho_0_5": "with retention 0.5 on the way down",
    "zero_biases": "with all biases zero",
}
REVERSAL = {
    "cosine": "cosine of a code and what comes back",
    "cosine_other": "cosine of a code and what comes back of another image",
    "cosine_above_{change}": "how much lower the cosine is {change}",
    "centred": "cosine of a code and what comes back, less their means over images",
    "centred_above_{change}": "how much lower if centred, {change}",
    "specific": "the image's own part of the cosine",
    "specific_{change}": "the image's own part {change}",
    "relative_error": "relative squared error at the theory's scale",
    "scaled_error": "relative squared error at the best scale",
    "scaled_error_above_{change}": "best-scale error less that {change}",
    "scale": "best scale of what comes back",
    "scale_{change}": "best scale {change}",
    "input_cosine": "cosine of an image and what comes down",
    "input_error": "relative squared error of an image at the best scale",
    "agreement": "share of images to which the net gives the class of what comes down",
    "negative_bias_share": "share of biases that are negative",
    "mean_bias": "mean bias over the root mean square of what it is added to",
    "active_share": "share of units that are active",
}

reversal_of_any_net = labels(REVERSAL, change=CHANGES)
net_reversal = labels(
    {f"{name}_{{place}}": f"{words} ({{place}})" for name, words in REVERSAL.items()}, change=CHANGES, place=PLACES
)

training_travel = labels(
    {
        "test_error_{when}": "test error{when}",
        "kurtosis_{layer}_{when}": "kurtosis of the weights of {layer}{when}",
        "sigma_{layer}_{when}": "noise level of the weights of {layer}{when}",
        "ks_{layer}_{when}": "distance of the bulk of {layer} from the law{when}",
        "ks_over_farthest_{layer}_{when}": "that distance over the 99 % point of random matrices, {layer}{when}",
        "n_spikes_{layer}_{when}": "number of spikes of {layer}{when}",
        "n_spikes_levelled_{layer}_{when}": "number of spikes of {layer} with the scales undone{when}",
        "distance_{layer}_{when}": "distance of the weights of {layer} from the first ones, over their length{when}",
        "cosine_transpose_{layer}_{when}": "cosine of {layer} and what comes back{when}",
        "cosine_gaussian_{layer}_{when}": "cosine of {layer} and what comes back by Gaussian matrices{when}",
        "cosine_above_gaussian_{layer}_{when}": "cosine of {layer} and what comes back, less that by Gaussian"
        " matrices{when}",
    },
    layer={"1": "h1", "2": "h2"},
    when={"before": ", before training", "after": ", after training", "change": ", after training less before it"},
)
