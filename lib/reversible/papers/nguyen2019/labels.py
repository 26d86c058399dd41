"""What the measures of these experiments are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels

SHARED = {
    "excess_random": "largest loss on a path above that of its ends, over that of giving zero, random nets",
    "excess_zero": "largest loss on a path above that of its ends, over that of giving zero, nets of loss zero",
    "line_high": "share of pairs of loss zero whose straight line has a barrier of a tenth of giving zero's",
    "line_barrier": "barrier of the straight line between nets of loss zero over the loss of giving zero, median",
    "change": "change of a path's largest loss in a look ten times as fine, over the loss of giving zero",
    "jump_least": "largest distance of neighbouring places over that in a look ten times as fine, smallest ratio",
    "inverted": "largest condition number that was met in finding a path",
    "weights": "length of the longest net at the joints of a path over that of its longer end, largest",
}

pyramid = labels(
    SHARED
    | {
        "excess_deficient": "largest loss on a path above that of its ends, nets whose upper layers lack a rank",
        "excess_plain": "largest loss above that of the ends, where upper layers go in straight lines",
        "turned": "largest condition number of upper layers that are turned",
        "lined": "largest condition number of upper layers that go in straight lines",
        "opposite": "share of pairs of square second layers whose determinants differ in sign",
    }
)

WIDTHS = {"twice": "2N units", "more": "N + 1 units"}
SIGMAS = {"leaky": "leaky ReLU", "relu": "ReLU"}
wide = labels(
    {f"{name}_{{width}}_{{sigma}}": f"{words}, {{width}}, {{sigma}}" for name, words in SHARED.items()},
    width=WIDTHS,
    sigma=SIGMAS,
)


def place_of(value: float) -> str:
    """A number as a part of a measure's name."""
    return f"{value:g}".replace(".", "_")


one_unit = labels(
    {
        "pieces_{sigma}_{level}": "pieces of the set with a loss up to {level}, {sigma}",
        "areas_off": "largest relative distance of the area of a piece from its formula",
        "lowest": "loss of the lowest way between the two pieces",
    },
    sigma=SIGMAS | {"tanh": "tanh"},
    level={"0_1": "0.1", "0_4": "0.4", "0_6": "0.6"},
)

RAYS = {"scaling": "a layer scaled up and the next one down", "shift": "last biases moved, what is below follows"}
unbounded = labels(
    {
        "change_{ray}": "largest relative change of the loss on the ray, {ray}",
        "longer_{ray}": "length of all weights at the ray's end over that at its start, smallest, {ray}",
        "balanced_scaling": "the same of the balanced nets, largest, a layer scaled up and the next one down",
        "balanced_shift": "the same of the balanced nets, smallest, last biases moved, what is below follows",
    },
    ray=RAYS,
)

BAND_WIDTHS = {"half": "N/2 units", "same": "N units", "more": "N + 1 units", "twice": "2N units"}
bands = labels(
    {
        "joined_{width}": "share of pairs that a band joins below a hundredth of the loss of giving zero, {width}",
        "joined_line_{width}": "share of pairs whose straight line stays below that, {width}",
        "barrier_{width}": "mean barrier of the band over the loss of giving zero, {width}",
        "line_{width}": "mean barrier of the straight line over the loss of giving zero, {width}",
        "explicit_{width}": "largest loss on the explicit path above its ends, over that of giving zero, {width}",
        "fitted_{width}": "share of the trained nets that fit their labels, {width}",
        "pass_off": "largest relative distance of a band's barrier from the lowest pass, net of one unit",
    },
    width=BAND_WIDTHS,
)

SCALES = {"0_01": "a hundredth of the usual", "1": "the usual", "10": "ten times the usual"}
starts = labels(
    {
        "reached_{scale}": "share of starts that reach a loss of 0.001 at their best rate, weights {scale}",
        "least": "the smallest of these shares",
        "rate_{scale}": "learning rate that most first starts fit with, weights {scale}",
    },
    scale=SCALES,
)
