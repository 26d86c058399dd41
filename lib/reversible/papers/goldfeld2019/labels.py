"""What the measures of these experiments are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels, score

laws = labels(
    {
        "z_drawn": score("the plug-in with all components against quadrature"),
        "plateau_off": "largest distance of the information of clusters far apart from the entropy of their masses",
        "library_off": "estimate of an independent library less quadrature, mean over neurons, in nats",
    }
)

NEURONS = {"equal": "equally likely inputs", "thirds": "three clusters of a third each"}
neuron = labels(
    {
        "level_{kind}": "information after 10,000 steps, {kind}, in nats",
        "at_plateau_{kind}": "factors of ten in steps within 0.005 of 1.5 ln 2, {kind}",
        "at_ln3_{kind}": "factors of ten in steps within 0.01 of ln 3, {kind}",
        "at_ln3_narrow_{kind}": "factors of ten in steps within 0.005 of ln 3, {kind}",
        "start_blunt_{kind}": "information at the start with noise of 0.1, {kind}, in nats",
        "peak_blunt_{kind}": "largest information with noise of 0.1, {kind}, in nats",
        "end_blunt_{kind}": "information at the end with noise of 0.1, {kind}, in nats",
        "end_{kind}": "information at the end, {kind}, in nats",
        "noisy_off": "distance of the level from 1.5 ln 2 where training sees the noise",
        "noisy_level": "information after 10,000 steps where training sees the noise, in nats",
    },
    kind=NEURONS,
)

risk = labels(
    {
        "slope_{d}": "slope of the log of the plug-in's error over the log of the samples, d = {d}",
        "slope_highest": "largest of these slopes",
        "slope_lowest": "smallest of these slopes",
        "least_growth": "smallest factor by which the samples that are needed grow with a dimension",
        "growth_mean": "mean factor by which they grow with a dimension",
        "base": "A, one plus the chi-squared information of a coordinate",
        "bias_over_law": "mean error of the plug-in over its law to first order",
        "most_above": "largest mean error of the plug-in, in nats",
        "variance_over_bound": "largest variance of a draw of the mixture over the paper's bound",
        "needed_4": "samples for an error of 0.1, d = 4",
        "needed_highest": "samples for an error of 0.1, the largest d",
    },
    d={str(d): str(d) for d in (1, 2, 3)},
)

KINDS = {
    "labels": "tanh nets",
    "random": "tanh nets, random labels",
    "linear": "linear nets",
    "relu": "ReLU nets",
    "orthonormal": "tanh nets kept near orthonormal",
}
trained = labels(
    {
        "fall_{kind}": "share of its peak by which the information of the last three layers falls, {kind}",
        "falls_most_{kind}": "share of its peak by which that of the layer that falls most does, {kind}",
        "start_top_{kind}": "information of the last hidden layer before training, {kind}, in nats",
        "end_top_{kind}": "information of the last hidden layer at the end, {kind}, in nats",
        "peak_third_{kind}": "largest information of the third layer from the top, {kind}, in nats",
        "end_third_{kind}": "information of the third layer from the top at the end, {kind}, in nats",
        "ratio_start_{kind}": "distance within a class over that between classes before training, {kind}",
        "ratio_end_{kind}": "distance within a class over that between classes at the end, {kind}",
        "follows_{kind}": "rank correlation of information and that ratio from the peak on, least of 3 layers, {kind}",
        "follows_all_{kind}": "rank correlation of information and that ratio, throughout, least of 3 layers, {kind}",
        "follows_within_{kind}": "rank correlation of information and distance within a class, the least, {kind}",
        "binned_{kind}": "rank correlation of information and the entropy of bins, least of three layers, {kind}",
        "train_error_{kind}": "share of trained inputs that are wrong at the end, {kind}",
        "test_error_{kind}": "share of unseen inputs that are wrong at the end, {kind}",
        "counted_{kind}": "nets that have learnt, {kind}",
        "error_{kind}_less_tanh": "share of unseen inputs that are wrong, {kind}, less that of plain tanh nets",
    },
    kind=KINDS,
)

bins = labels(
    {
        "fine_least": "smallest entropy of fine bins over that of the input, all nets, layers and looks",
        "fine_change": "largest change of the entropy of fine bins in training over that of the input",
        "coarse_fall": "share of its peak by which the entropy of coarse bins falls",
        "coarse_end": "entropy of coarse bins at the end over that of the input",
        "binned_follows": "rank correlation of the entropy of coarse bins and the ratio of distances from the peak on",
        "train_error": "share of trained inputs that are wrong at the end",
        "test_error": "share of unseen inputs that are wrong at the end",
    }
)

net = labels(
    {
        "fall_path": "share of its peak by which the information of the last three layers falls",
        "falls_most_path": "share of its peak by which that of the layer that falls most does",
        "follows_path": "rank correlation of information and the ratio of distances from the peak on, the least",
        "peak_third_path": "largest information of the third layer from the top, in nats",
        "end_third_path": "information of the third layer from the top at the end, in nats",
        "halves_off": "largest change of an information where half of the passes are used, in nats",
        "above_alone": "information with noise in that layer alone less that with noise in all, mean, in nats",
        "alone_follows": "rank correlation of the two along training, least of three layers",
        "ratio_start_path": "distance within a class over that between classes before training",
        "ratio_end_path": "distance within a class over that between classes at the end",
        "test_error_path": "share of unseen inputs that are wrong at the end",
    }
)
