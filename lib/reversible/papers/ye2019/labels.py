"""What the measures of these experiments are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels

FRAMES = {"skips": "with skips", "plain": "without skips", "biased": "with biases"}
frame = labels(
    {
        "error_{kind}": "relative distance of the net from J(x) x, {kind}: the largest; with biases the smallest",
        "scaled_{kind}": "largest difference of J at an input and at three times that input, {kind}",
    },
    kind=FRAMES,
)

arrangement = labels(
    {
        "misses_{kind}": "{kind} nets whose number of patterns is not that of the law",
        "local_share": "patterns of a convolution of two taps over those of planes in general position",
    },
    kind={"dense": "dense", "local": "convolutional"},
)

SPACES = {"dense": "dense, in a plane", "conv": "convolutions, in a plane", "space": "dense, in all of space"}
depth = labels(
    {
        "power_{kind}": "power of depth with which the mean number of patterns grows, {kind}",
        "doublings_{kind}": "doublings of the mean number of patterns a layer, {kind}",
        "exponential_worse_{kind}": "misfit of an exponential less that of a power, in logarithms, {kind}",
        "least_share_{kind}": "smallest mean number of patterns over that of one layer of as many neurons, {kind}",
        "most_share_{kind}": "largest mean number of patterns over that of one layer of as many neurons, {kind}",
        "deepest_{kind}": "mean number of patterns in the deepest nets, {kind}",
    },
    kind=SPACES,
)

skips = labels(
    {
        "least_gain": "patterns with skips over those without, the architecture where it is least",
        "most_gain": "patterns with skips over those without, the architecture where it is most",
        "least_gain_maps": "linear regions with skips over those without, the architecture where it is least",
        "most_gain_maps": "linear regions with skips over those without, the architecture where it is most",
        "share_{kind}": "mean number of patterns over two a neuron, {kind}",
        "one_level_differs": "nets of one level whose number of patterns a skip changes",
    },
    kind=FRAMES,
)

denoise = labels(
    {
        "error_{kind}": "mean square error on test signals over that of the noise, {kind}",
        "error_gain": "error without skips less that with them, over the noise",
        "patterns_{kind}": "patterns on lines between test signals after training over before, {kind}",
        "largest_{kind}": "largest norm of J(x) over test signals, {kind}",
        "largest_gap": "largest norm of J(x) with skips less that without",
        "least_room": "bound by the norms of layers over the largest norm of J(x) found: the smallest of all nets",
        "room_{kind}": "bound by the norms of layers over the largest norm of J(x) found, {kind}",
    },
    kind=FRAMES,
)
