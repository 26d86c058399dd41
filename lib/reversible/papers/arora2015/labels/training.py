"""Labels of the experiments with SHADOW: it beside backprop, and its variants and controls."""

from __future__ import annotations

from reversible.runs.labels import labels

DATA = {"digits": "digits", "mnist": "MNIST", "cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
IMAGES = ("200", "1000", "2000", "5000", "20000", "all")


def place_words(place: str) -> str:
    """A data set and its number of training images as a reader says them.

    >>> place_words("mnist_1000")
    'MNIST, 1,000'
    """
    name, _, images = place.rpartition("_")
    return f"{DATA[name]}, all" if images == "all" else f"{DATA[name]}, {int(images):,}"


PLACES = {place: f"{place_words(place)} images" for place in (f"{name}_{images}" for name in DATA for images in IMAGES)}
METHODS = {
    "backprop": "backprop",
    "backprop_dropout": "backprop with dropout",
    "shadow": "SHADOW",
    "shadow_dropout": "SHADOW with dropout",
    "h3": "SHADOW from h3",
}
VARIANTS = {
    "backprop": "backprop",
    "shadow": "plain SHADOW",
    "h1": "SHADOW from h1",
    "h3": "SHADOW from h3",
    "sampling": "SHADOW with sampling",
    "blur": "SHADOW with a blur",
    "lowpass": "SHADOW with a low-pass filter",
    "permuted": "SHADOW by permuted matrices",
    "gaussian": "SHADOW by Gaussian matrices",
    "noise": "noise of the same size",
    "theory_scale": "SHADOW at the theory's scale",
    "half_share": "SHADOW with half the synthetic images",
    "late_start": "SHADOW from a third of the steps on",
    "doubled": "backprop with a doubled batch",
}

shadow = labels(
    {
        "final_gain{dropout}_{place}": "backprop's final test error less SHADOW's{dropout} ({place})",
        "best_gain{dropout}_{place}": "backprop's lowest test error less SHADOW's{dropout} ({place})",
        "area_gain{dropout}_{place}": "backprop's mean test error along training less SHADOW's{dropout} ({place})",
        "equal_time_gain{dropout}_{place}": "backprop's final test error less SHADOW's in equal time{dropout}"
        " ({place})",
        "time_ratio{dropout}_{place}": "time of a step of SHADOW over that of backprop{dropout} ({place})",
        "h3_below_shadow_{place}": "how far SHADOW from h3 ends below SHADOW from h2 ({place})",
        "final_error_{method}_{place}": "final test error, {method} ({place})",
        "correlation_{method}_{place}": "correlation of errors on synthetic and real images, {method} ({place})",
        "gap_{method}_{place}": "final error on synthetic less that on real images, {method} ({place})",
        "final_gain_few_less_all_mnist": "backprop's final test error less SHADOW's, 1,000 images of MNIST less all",
    },
    dropout={"": "", "_dropout": ", both with dropout"},
    method=METHODS,
    place=PLACES,
)

ablations = labels(
    {
        "final_error_{one}_{place}": "final test error, {one} ({place})",
        "{one}_below_{other}_{place}": "how far {one} ends below {other} ({place})",
        "sampling_log_variance_ratio_{place}": "logarithm of the variance with sampling over that without ({place})",
    },
    one=VARIANTS,
    other=VARIANTS,
    place=PLACES,
)
