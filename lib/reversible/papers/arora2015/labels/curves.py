"""Labels of the curves of error against learning rate: SHADOW and its controls, each at its own minimum."""

from __future__ import annotations

from reversible.runs.labels import labels

DATA = {"digits": "digits", "mnist": "MNIST", "cifar10": "CIFAR-10"}
SIZES = {
    "20x3": "three layers of 20",
    "100x3": "three layers of 100",
    "400x2": "two layers of 400",
    "400x3": "three layers of 400",
    "1000x3": "three layers of 1,000",
    "2000x2": "two layers of 2,000",
    "5000x3": "three layers of 5,000",
}
ENDS = {"": "", "_constant": ", constant rate", "_long": ", twice as long"}
METHODS = {
    "backprop": "backprop",
    "shadow": "SHADOW",
    "noise": "noise of the same size",
    "h1": "SHADOW from h1",
    "h3": "SHADOW from h3",
    "sampling": "SHADOW with sampling",
    "doubled": "a doubled real batch",
    "brief": "SHADOW in equal time",
    "permuted": "SHADOW by permuted matrices",
    "gaussian": "SHADOW by Gaussian matrices",
    "noise_quarter": "noise of a quarter of the size",
    "noise_half": "noise of half the size",
    "noise_twice": "noise of twice the size",
    "backprop_dropout": "backprop with dropout",
    "shadow_dropout": "SHADOW with dropout",
    "noise_dropout": "noise with dropout",
}


def regime_words(regime: str) -> str:
    """Data, number of images and widths as a reader says them.

    >>> regime_words("mnist_1000_400x3_constant")
    '1,000 of MNIST, three layers of 400, constant rate'
    """
    data, images, size, *end = regime.split("_")
    return f"{int(images):,} of {DATA[data]}, {SIZES[size]}{ENDS[''.join(f'_{word}' for word in end)]}"


def short_words(regime: str) -> str:
    """The same where there is little room.

    >>> short_words("mnist_1000_400x3")
    'MNIST, 1,000: 3 × 400'
    """
    data, images, size, *_ = regime.split("_")
    width, layers = size.split("x")
    return f"{DATA[data]}, {int(images):,}: {layers} × {int(width):,}"


PLACES = ("digits_200", "mnist_1000", "mnist_5000", "cifar10_5000")
REGIMES = {r: regime_words(r) for r in (f"{place}_{size}{end}" for place in PLACES for size in SIZES for end in ENDS)}
RADII = {size: METHODS[f"noise_{size}"] for size in ("quarter", "half", "twice")}
READINGS = {"constant": "not decaying", "stopped": "stopped early"}

curves = labels(
    {
        "error_{method}_{regime}": "lowest error of {method} ({regime})",
        "gain_{method}_{regime}": "gain over backprop, {method} ({regime})",
        "gain_shadow_dropout_{regime}": "SHADOW's gain with dropout in both ({regime})",
        "gain_dropout_{regime}": "backprop's lowest error less that with dropout ({regime})",
        "gain_stopped_{regime}": "SHADOW's gain, stopped early ({regime})",
        "gain_change_{reading}_{regime}": "how SHADOW's gain changes, {reading} ({regime})",
        "speed_gain_{method}_{regime}": "mean error on the way, backprop less {method} ({regime})",
        "shadow_below_noise_{regime}": "how far SHADOW lies below noise of the same size ({regime})",
        "shadow_below_noise_dropout_{regime}": "SHADOW below noise, both with dropout ({regime})",
        "shadow_below_doubled_{regime}": "how far SHADOW lies below a doubled real batch ({regime})",
        "shadow_below_permuted_{regime}": "how far SHADOW lies below permuted matrices ({regime})",
        "shadow_below_gaussian_{regime}": "how far SHADOW lies below Gaussian matrices ({regime})",
        "h3_below_shadow_{regime}": "how far SHADOW from h3 lies below that from h2 ({regime})",
        "h1_below_shadow_{regime}": "how far SHADOW from h1 lies below that from h2 ({regime})",
        "sampling_below_shadow_{regime}": "how far SHADOW with sampling lies below that without ({regime})",
        "sampling_log_variance_ratio_{regime}": "log of the variance with sampling over that without ({regime})",
        "noise_{radius}_below_noise_{regime}": "how far {radius} is below the same ({regime})",
        "follows_{method}_{regime}": "how much nearer to its own real curve, {method} ({regime})",
        "relative_gap_{method}_{regime}": "synthetic over real error less one, {method} ({regime})",
        "bracketed_{regime}": "share of draws with a minimum inside the rates ({regime})",
        "time_ratio_{regime}": "time of a step of SHADOW over that of backprop ({regime})",
        "gain_shadow_everywhere": "backprop's lowest error less SHADOW's, mean over regimes",
        "speed_gain_shadow_everywhere": "mean error along training, backprop less SHADOW, mean over regimes",
        "shadow_below_noise_everywhere": "how far SHADOW lies below noise of the same size, mean over regimes",
        "gain_shadow_wide_less_narrow": "SHADOW's gain in three layers of 1,000 less that in three of 400",
    },
    method=METHODS,
    regime=REGIMES,
    radius=RADII,
    reading=READINGS,
)
