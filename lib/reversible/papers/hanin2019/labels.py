"""What the measures of these experiments are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels

DEPTHS = {"1": "1 hidden layer", "2": "2 hidden layers", "4": "4 hidden layers", "8": "8 hidden layers"}
lines = labels(
    {
        "per_neuron_off": "largest distance of the mean number of cuts a neuron makes in a line from one",
        "per_neuron_depth_{depth}": "mean number of cuts a neuron makes in a line, {depth}",
        "exponent_{depth}": "exponent of the mean number of bends along a line over neurons, {depth}",
        "exponent_off": "largest distance of that exponent from one",
        "linear_share": "smallest mean share of the cuts of a line that what the net gives bends at",
        "regions_largest": "mean number of linear regions of a line in the largest net",
    },
    depth=DEPTHS,
)

settings = labels(
    {
        "per_neuron_off": "largest distance of the mean number of cuts a neuron makes in a line from one",
        "per_neuron": "mean number of cuts a neuron makes in a line, all settings together",
        "through_zero": "largest number of pieces of a line through the origin where all biases are zero",
        "past_zero": "mean number of cuts a neuron makes in a line past the origin where all biases are zero",
    }
)

distance = labels(
    {
        "exponent": "exponent of the mean distance from the nearest switch over neurons",
        "law_off": "largest relative distance of the mean distance from its law",
        "neurons_times_distance": "neurons times the mean distance from the nearest switch, the largest nets",
    }
)

plane = labels(
    {
        "half_square_off": "largest relative distance of the mean number of regions of a plane from half N²",
        "lines_off": "largest relative distance of the mean number of regions of a plane from that of N lines",
        "one_layer_over_lines": "regions of a plane over those that N lines make, 1 hidden layer",
        "deep_over_lines": "regions of a plane over those that N lines make, the deepest nets",
        "linear_share": "smallest mean share of linear regions in activation regions of a plane",
    }
)

SHAKES = {"0": "nothing", "0_01": "a hundredth", "0_03": "three hundredths", "0_1": "a tenth", "0_3": "three tenths"}
fold = labels(
    {
        "left_{shake}": "share of the folding net's pieces that is left after weights are moved by {shake}",
        "least_fall": "smallest fall of that share from one size of the moves to the next",
        "random_left_{shake}": "regions of random nets of that shape after moves by {shake}, over those before",
    },
    shake=SHAKES,
)

KINDS = {"labels": "true labels", "random": "random labels", "fast": "large rate"}
training = labels(
    {
        "test_error_{kind}": "share of test images that are wrong at the end, {kind}",
        "train_error_{kind}": "share of trained images whose label is wrong at the end, {kind}",
        "start_{kind}": "linear regions of a line through two digits per neuron before training, {kind}",
        "end_{kind}": "linear regions of a line through two digits per neuron at the end, {kind}",
        "highest_{kind}": "largest mean number of linear regions on the way over that at the start, {kind}",
        "lowest_{kind}": "smallest mean number of linear regions on the way over that at the start, {kind}",
        "distance_start_{kind}": "neurons times the distance of a test digit from a switch, over its law, {kind}",
        "distance_highest_{kind}": "largest mean distance from a switch on the way over that at the start, {kind}",
        "distance_lowest_{kind}": "smallest mean distance from a switch on the way over that at the start, {kind}",
    },
    kind=KINDS,
)
