"""What the measures are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels, score

orthonormal_pairs = labels(
    {
        "worst_error": "largest relative distance of what comes back, with pairs of filters",
        "least_mean_without_pairs": "mean relative distance without pairs, at the size where it is least",
    }
)

iht_step = labels(
    {
        "worst_difference": "largest relative difference of layer and step, of codes and of what comes back",
        "layers": "number of layers that were compared",
        "layers_with_all_kept": "number of these that keep all that pooling leaves, as a net does",
        "least_relu_difference": "mean relative difference for a ReLU without pairs of filters, where it is least",
        "least_pairs_difference": "mean relative difference for pairs, a ReLU and pooling, where it is least",
        "least_start_difference": "mean relative difference for a step from another code than zero, where it is least",
    }
)

code_length = labels(
    {
        "largest_gap_of_sd": "largest relative gap of the spread of the squared ratio from its law, of all settings",
        "largest_gap_of_mean": "largest gap of the mean of the squared ratio from one, of all settings",
        "rms_z": score("the variance of the squared ratio"),
        "sd_at_the_papers_sizes": "spread of the squared ratio at the sizes of Fig. 2",
        "least_common_over_law": "least spread over the law's where the filters share a part",
    }
)

model_rip = labels(
    {
        "slope_length": "slope of the logarithm of the constant in that of the input's length",
        "slope_fan_in": "slope of the logarithm of the constant in that of a filter's number of entries",
        "papers_scale_grows": "growth of the paper's scale from the shortest input to the longest",
        "share_within": "share of matrices with enough entries whose constant is at most one",
        "largest_where_enough": "largest constant of a matrix with enough entries",
        "least_over_scale": "least constant found at one place, over that of a Wishart matrix",
        "largest_over_scale": "largest constant found at one place, over that of a Wishart matrix",
        "typical_over_law": "largest eigenvalue on typical supports over its law",
    }
)

recovery_bound = labels(
    {
        "worst_over_papers_bound": "largest error over the paper's bound",
        "matrices_in_its_premise": "number of matrices that the paper's bound speaks of",
        "worst_over_sharper_bound": "largest error over the sharper bound",
        "matrices_in_the_sharper_one": "number of matrices that the sharper bound speaks of",
        "largest_sharper_over_papers": "largest ratio of the sharper bound to the paper's",
        "orthonormal_error": "largest error with orthonormal filters and known switches",
        "orthonormal_error_fixed": "largest error with orthonormal filters and fixed switches",
        "fixed_excess": "largest error with fixed switches less the paper's bound",
        "share_worse_than_nothing": "share of codes that fixed switches bring back worse than nothing would",
    }
)

READINGS = {
    "known": "known switches",
    "fixed": "fixed switches",
    "relu": "a ReLU without pairs of filters",
    "support": "the true support",
    "second": "the second iteration",
    "fifth": "the fifth iteration",
    "dense": "no sparsity beyond pooling",
}
hidden_codes = labels(
    {
        "ratio": "mean length of what a code makes, over the code's",
        "ratio_sd": "spread of the length of what a code makes, over the code's",
        "response": "mean length of what all units read, over the code's",
        "response_on_support": "mean length of what the units of the code's support read, over the code's",
        "response_over_law": "mean squared length of what all units read, over its law",
        "support_over_law": "mean squared length of what the units of the support read, over its law",
        "support_rms_over_law": "root mean square error with the true support, over its first order",
        "median_{reading}": "median relative distance with {reading}",
        "largest_{reading}": "largest relative distance with {reading}",
        "median_known_unit": "median relative distance with known switches, filters of length one",
        "largest_known_unit": "largest relative distance with known switches, filters of length one",
        "d_k": "model-RIP constant of one code, from below",
        "d_2k": "model-RIP constant of sums of two codes, from below",
        "d_k_unit": "model-RIP constant of one code, from below, filters of length one",
        "d_2k_unit": "model-RIP constant of sums of two codes, from below, filters of length one",
    },
    reading=READINGS,
)

INPUTS = {"white": "white inputs", "smooth": "smooth inputs", "positive": "inputs without negative entries"}
one_step_law = labels(
    {
        "dense_gap": "largest gap of the mean cosine from the law, dense layers",
        "dense_rms_z": score("the cosine, dense layers"),
        "pooled_energy_gap": "largest relative gap of the energy that pooling keeps from its law, white inputs",
        "convolution_gap_{input}": "largest relative gap of the mean cosine from the law, convolutions, {input}",
    },
    input=INPUTS,
)

switch_depth = labels(
    {
        "worst_gap": "largest gap of a mean cosine from the recursion, of all nets and levels",
        "cosine_wide": "cosine at the input of the deepest wide net, with switches",
        "cosine_wide_without": "cosine at the input of the deepest wide net, without switches",
        "cosine_narrow": "cosine at the input of the deepest narrowing net, with switches",
        "cosine_pooled": "cosine at the input of the deepest net with pooling, with switches",
        "cosine_pooled_without": "cosine at the input of the deepest net with pooling, without switches",
    }
)

SPOTS = {
    "c11": "conv1-1", "c12": "conv1-2", "p1": "pool1", "c21": "conv2-1", "c22": "conv2-2", "p2": "pool2",
    "c31": "conv3-1",
}  # fmt: skip
NETS = {"learned": "VGG-19", "random": "random filters"}
active_shares = labels(
    {
        "share_{net}_{spot}": "share of nonzero activations at {spot}, {net}",
        "share_{net}_small_{spot}": "share of nonzero activations at {spot}, {net}, pictures as small as they are",
        "share_{net}_photographs_{spot}": "share of nonzero activations at {spot}, {net}, photographs",
        "gap_{spot}": "share of nonzero activations at {spot} less the paper's for VGG-16",
        "sparser_than_random": "share of random filters less that of VGG-19, mean over the five convolutions",
    },
    net=NETS,
    spot=SPOTS,
)

PLACES = {
    "vgg_images": "what VGG-19 sees",
    "lenet_digits": "digits that LeNet-5 sees",
    "lenet_pool1": "LeNet-5's pool1",
    "vgg_pool1": "VGG-19's pool1, rescaled",
    "vgg_pool2": "VGG-19's pool2, rescaled",
}
GUESSES = {
    "learned": "learned filters", "random": "random filters", "permuted": "permuted filters",
    "fixed": "fixed switches", "ones": "all ones",
    "means": "the channels' means", "noise": "noise", "abs_noise": "noise without signs",
}  # fmt: skip
rebuilt_inputs = labels(
    {
        "error_{guess}_{place}": "relative error with {guess} ({place})",
        "random_below_{guess}_{place}": "relative error with {guess} less with random ones ({place})",
        "law_ratio_{guess}_{place}": "cosine over its law with {guess} ({place})",
        "kept_{guess}_{place}": "energy that is kept over the input's with {guess} ({place})",
    },
    guess=GUESSES,
    place=PLACES,
)

LAYERS = {
    "vgg_c11": "VGG-19's conv1-1", "lenet_conv1": "LeNet-5's conv1", "lenet_conv2": "LeNet-5's conv2",
    "vgg_c12": "VGG-19's conv1-2, rescaled", "vgg_c21": "VGG-19's conv2-1, rescaled",
    "vgg_c22": "VGG-19's conv2-2, rescaled", "vgg_c31": "VGG-19's conv3-1, rescaled",
}  # fmt: skip
filter_coherence = labels(
    {
        "share_below_gap": "largest gap from one half of the mean place of random coherences in their law",
        "inside_by_modulus": "number of the paper's random coherences in the middle 95 % of the law of the modulus",
        "inside_signed": "number of the paper's random coherences in the middle 95 % of the law with signs",
        "modulus_{layer}": "largest modulus of a correlation ({layer})",
        "signed_{layer}": "largest correlation ({layer})",
        "shifted_{layer}": "largest modulus of a correlation with shifts ({layer})",
        "over_random_{layer}": "coherence over the median of random filters ({layer})",
    },
    layer=LAYERS,
)
