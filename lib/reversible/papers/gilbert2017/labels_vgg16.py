"""What the measures of a whole VGG-16 are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels

BLOCKS = (2, 2, 3, 3, 3)
LAYERS = {f"c{b}{i}": f"conv{b}-{i}" for b, count in enumerate(BLOCKS, 1) for i in range(1, count + 1)}
POOLS = {f"p{b}": f"pool{b}" for b in range(1, 6)}
SPOTS = LAYERS | POOLS
STEPS = {f"pool{b}": f"pool{b}" for b in range(1, 5)}
PICTURES = {"photographs": "photographs", "cifar10": "CIFAR-10"}
NETS = {"learned": "VGG-16", "random": "random nets"}
FILTERS = {"learned": "learned filters", "random": "random filters", "permuted": "permuted filters"}
GUESSES = FILTERS | {
    "ones": "all ones", "means": "the channels' means", "abs_noise": "noise without signs", "noise": "noise",
}  # fmt: skip

shares = labels(
    {
        "share_{net}_{pictures}_{spot}": "share of nonzero activations at {spot}, {net}, {pictures}",
        "gap_{pictures}_{spot}": "share of nonzero activations at {spot} less the paper's, {pictures}",
        "sparser_than_random_{pictures}": "share of random nets less that of VGG-16, mean over the thirteen "
        "convolutions, {pictures}",
    },
    net=NETS,
    pictures=PICTURES,
    spot=SPOTS,
)

rebuilt = labels(
    {
        "error_{guess}_{pictures}_{step}": "relative error at {step} with {guess}, {pictures}",
        "random_below_{guess}_{pictures}_{step}": "relative error at {step} with {guess} less with random filters, "
        "{pictures}",
        "law_ratio_{filters}_{pictures}_{step}": "cosine over its law at {step} with {filters}, {pictures}",
        "kept_{filters}_{pictures}_{step}": "energy that is kept over the input's at {step} with {filters}, {pictures}",
    },
    guess=GUESSES,
    filters=FILTERS,
    pictures=PICTURES,
    step=STEPS,
)

coherence = labels(
    {
        "modulus_{layer}": "largest modulus of a correlation of two filters ({layer})",
        "signed_{layer}": "largest correlation of two filters ({layer})",
        "gap_{layer}": "largest modulus of a correlation less the paper's number ({layer})",
        "over_random_{layer}": "coherence over the median of random filters ({layer})",
    },
    layer=LAYERS,
)

DRAWN = FILTERS | {"learned_own": "learned filters, lengths their own"}
CODES = {
    "relu": "of conv5-1",
    "linear": "of conv5-1 without its ReLU",
    "relu_random": "of conv5-1 with random filters",
    "relu_permuted": "of conv5-1 with permuted filters",
    "relu_30": "of conv5-1 with a larger lambda",
    "relu_3": "of conv5-1 with a smaller lambda",
}
lengths = labels(
    {
        "ratio_drawn_{drawn}": "mean length of what a random code makes, over the code's ({drawn})",
        "spread_drawn_{drawn}": "spread of the length of what a random code makes over its own ({drawn})",
        "ratio_{code}": "mean length of what a code {code} makes, over the code's",
        "moved_{code}": "the same for its values on another support (code {code})",
        "largest_{code}": "the most that any code on its support reaches (code {code})",
        "residual_{code}": "relative distance of activations from what the code makes (code {code})",
        "nonzero_{code}": "share of units that are not zero (code {code})",
        "closer_than_moved_{code}": "distance from one, moved code's ratio less the code's own (code {code})",
        "stopped_{code}": "bound on what more steps of the lasso could gain (code {code})",
    },
    drawn=DRAWN,
    code=CODES,
)

WAYS = {
    "image": "picture and what comes down, known switches",
    "image_fixed": "picture and what comes down, fixed switches",
    "image_noise": "picture and what comes down from noise, known switches",
    "code": "code and what it comes to, down and up again",
    "code_other": "code and what the other picture's code comes to",
}
down = labels(
    {
        "{way}_{net}_{pool}": "cosine of a {way}, from {pool}, {net}",
        "code_above_other_{net}_{pool}": "cosine with its own code less with the other picture's, from {pool}, {net}",
        "image_above_noise_{net}_{pool}": "cosine of the picture by the code less by noise, from {pool}, {net}",
        "random_above_learned_{pool}": "cosine of the picture in random nets less in VGG-16, from {pool}",
    },
    way=WAYS,
    net=NETS,
    pool=POOLS,
)

QUANTITIES = {
    "code": "cosine of a code and its return",
    "other": "cosine of a code and what another picture's comes to",
    "input": "cosine of an input and one step back",
    "law": "law of the cosine of an input and one step back",
    "law_ratio": "cosine of an input and one step back over its law",
}
theories = labels(
    {
        "{quantity}_{filters}_{layer}": "{quantity}, {filters} ({layer})",
        "{quantity}_{filters}": "{quantity}, {filters}, mean over the convolutions",
        "code_above_other": "cosine of a code with its own return less with another's, mean over the convolutions",
        "code_above_random": "cosine of a code with its return less with random filters, mean over the convolutions",
    },
    quantity=QUANTITIES,
    filters=FILTERS,
    layer=LAYERS,
)
