"""The measures of nets of random and of learned filters, in words."""

from __future__ import annotations

from reversible.runs.labels import labels

KINDS = {"random": "random filters", "learned": "learned filters", "fresh": "random filters in a learned net"}
DEPTHS = {"1": "one layer", "2": "two layers", "3": "three layers"}
LAYERS = {"1": "first layer", "2": "second layer", "3": "third layer"}
WIDTHS = {str(K): f"{K} filters" for K in (4, 8, 16, 32, 64, 128, 256)}

cifar_nets = labels(
    {
        "accuracy_{kind}_{depth}_{width}": "accuracy of {depth} of {width}, {kind}",
        "learned_less_random_{depth}": "what learning the filters adds to the accuracy, {depth}",
        "second_layer_{kind}": "what a second layer adds to the accuracy, {kind}",
        "third_layer_{kind}": "what a third layer adds to the accuracy, {kind}",
        "gap_by_doubling_{depth}": "what a doubling of the filters adds to the gain of learning, {depth}",
        "{kind}_by_doubling_{depth}": "what a doubling of the filters adds to the accuracy, {depth}, {kind}",
        "{kind}_at_the_papers_{depth}": "accuracy on the line in the logarithm at 2,048 filters, {depth}, {kind}",
        "pixels": "accuracy of the classifier on pixels",
        "shuffled": "accuracy with shuffled labels",
        "random_less_pixels_{depth}": "what random filters add to the accuracy on pixels, {depth}",
        "relu_gain_{depth}": "what the ReLU adds to the accuracy, random filters, {depth}",
        "fine_less_coarse_{depth}": "what a grid of 4 x 4 adds to the accuracy with 2 x 2, random filters, {depth}",
        "last_less_random": "what learning the last of three layers adds to the accuracy",
        "learned_less_last": "what learning all three layers adds to learning the last alone",
        "all_beyond_last": "what learning all three layers adds to learning the last, less what learning the last adds",
        "cosine_{kind}_{layer}": "cosine of the input of the {layer} and what comes back, {kind}",
        "fresh_less_learned_{layer}": "cosine by random filters less that by learned ones, {layer} of a learned net",
        "law_ratio_{kind}_{layer}": "cosine over its law, {layer}, {kind}",
        "cosine_by_width_{layer}": "cosine in the widest random nets less that in the narrowest, {layer}",
        "accuracy_by_width_{depth}": "accuracy of the widest random nets less that of the narrowest, {depth}",
        "correlation_among_seeds": "correlation of the first layer's cosine and accuracy among random nets of one size",
    },
    kind=KINDS,
    depth=DEPTHS,
    layer=LAYERS,
    width=WIDTHS,
)
