"""What the measures of these experiments are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels

SETS = {
    "plane": "errors beyond one plane",
    "slab": "errors beyond two parallel planes",
    "planes": "errors beyond nine planes at right angles",
    "ball": "errors outside of a ball",
    "corner": "errors in a corner",
}
sets = labels(
    {
        "closed_off": "largest relative distance of the median distance from its closed form",
        "share_over_law": "share of noisy points that are errors over the law's",
        "bound_score": "largest standard score against the bound, over the limit for all of them",
        "noisy_{kind}": "median distance of noisy points over the flat law's, {kind}",
        "mean_{kind}": "mean distance of noisy points over the flat law's, {kind}",
        "clean_{kind}": "distance of the clean point over the flat law's, {kind}",
    },
    kind=SETS,
)

linear = labels(
    {
        "error_{kind}": "share of test images that are wrong, linear models of {kind} classes",
        "noisy_{kind}": "median distance of noisy images over the flat law's, linear models of {kind} classes",
        "clean_{kind}": "distance of a clean image over the flat law's, linear models of {kind} classes",
        "bound_score_{kind}": "largest standard score against the bound, over the limit, {kind} classes",
        "excess_{kind}": "largest relative excess of the search over the exact distance, {kind} classes",
    },
    kind={"two": "two", "ten": "ten"},
)

SLACK = {"slab": "slabs", "ball": "balls", "nets": "nets of two inputs"}
slack = labels(
    {
        "close_{search}_{kind}": "share of errors found that are the nearest within 1 %, {search}, {kind}",
        "missed_{search}_{kind}": "share of points of which no error is found, {search}, {kind}",
        "lowest_{kind}": "smallest ratio of a found distance to the exact one, {kind}",
    },
    kind=SLACK, search={"search": "the search", "descent": "the descent", "both": "both together"},
)  # fmt: skip

TRAININGS = {
    "plain": "plain", "weak": "trained in weak noise", "strong": "trained in strong noise",
    "attacked": "trained against attacks",
}  # fmt: skip
ARCHITECTURES = {"dense": "dense nets", "conv": "nets of convolutions"}
DATA = {"digits": "small digits", "mnist": "MNIST", "cifar10": "CIFAR-10"}
PLACE = {
    f"{data}_{kind}_{training}": f"{DATA[data]}, {ARCHITECTURES[kind]}, {TRAININGS[training]}"
    for data in DATA for kind in ARCHITECTURES for training in TRAININGS
}  # fmt: skip
trained = labels(
    {
        "noisy_lowest": "smallest median distance of noisy images over the flat law's, plain nets",
        "noisy_highest": "largest median distance of noisy images over the flat law's, plain nets",
        "clean_lowest": "smallest median of clean distances over what noise foretells, all kinds of nets",
        "clean_highest": "largest median of clean distances over what noise foretells, all kinds of nets",
        "attacks_lowest": "smallest median of the descent's over the search's distances of noisy images",
        "attacks_highest": "largest median of the descent's over the search's distances of noisy images",
        "follows_lowest": "smallest correlation of the clean distance with what noise foretells",
        "error_{place}": "share of test images that are wrong, {place}",
        "noisy_{place}": "median distance of noisy images over the flat law's, {place}",
        "clean_{place}": "median of clean distances over what noise foretells, {place}",
        "attacks_{place}": "median distance of noisy images, the descent's over the search's, {place}",
        "follows_{place}": "correlation of the clean distance with what noise foretells, {place}",
        "distance_{place}": "median distance of clean images from the nearest error found, {place}",
    },
    place=PLACE,
)

DEFENCES = {
    "plain": "plain", "dropout": "dropout", "noise_0_05": "noise of 0.05", "noise_0_1": "noise of 0.1",
    "noise_0_2": "noise of 0.2", "noise_0_4": "noise of 0.4", "attack_weak": "against weak attacks",
    "attack_middle": "against attacks", "attack_strong": "against strong attacks", "rounded": "pixels rounded",
    "coarse": "coarse cosines", "saturated": "scores times a thousand",
}  # fmt: skip
rank = labels(
    {
        "spearman": "rank correlation of noise's forecast with the distance of the nearest error found",
        "spearman_open": "the same over the nets without a mask",
        "spearman_blind": "rank correlation of noise's forecast with the distance that a descent by the loss finds",
        "masked_forecast": "forecast over the nearest error found, masked nets",
        "masked_blind": "share of images on which the descent by the loss finds no error, masked nets",
        "open_blind": "share of images on which the descent by the loss finds no error, other nets",
        "error_{defence}": "share of test images that are wrong, {defence}",
        "forecast_{defence}": "median of what noise foretells, {defence}",
        "distance_{defence}": "median distance of the nearest error found, {defence}",
    },
    defence=DEFENCES,
)

CORRUPTIONS = {
    "gaussian": "Gaussian noise", "salt": "salt and pepper", "shot": "shot noise", "blur": "blur",
    "pixels": "large pixels", "cosines": "coarse cosines", "brightness": "brightness", "contrast": "low contrast",
    "fog": "fog", "shift": "shift",
}  # fmt: skip
HELP = {"noise": "trained in noise", "attacked": "trained against attacks"}
transfer = labels(
    {
        "rate_{training}": "learning rate, chosen on held-out images, {training}",
        "clean_{training}": "share of clean test images that are right, {training}",
        "right_{training}": "share of corrupted test images that are right, {training}",
        "gain_{help}": "gain on the ten corruptions, {help}, in shares of the images",
        "best_gain": "larger of the two gains on the ten corruptions",
        "other_gain_{help}": "gain on the corruptions without noise, {help}",
        "loss_{corruption}_{help}": "loss of accuracy, {corruption}, {help}",
    },
    training={"plain": "plain", **HELP}, help=HELP, corruption=CORRUPTIONS,
)  # fmt: skip
