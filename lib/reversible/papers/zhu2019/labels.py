"""What the measures of these experiments are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels, score


def place_of(number: float) -> str:
    """A number in the name of a measure.

    >>> place_of(0.75)
    '0_75'
    """
    return f"{number:g}".replace(".", "_")


time_of = place_of

quadratic = labels(
    {
        "commutator": "smallest size of HΣ − ΣH over 2 |H| |Σ|",
        "flow_off": "largest relative distance of the simulated mean loss from its law, in time",
        "steps_off": "largest relative distance of the simulated mean loss from its law, in steps",
        "ratio": "smallest Tr(HΣ) over that of isotropic noise",
        "late_off": "largest relative distance of the late loss from that by isotropic noise",
        "linear_0_1": "smallest simulated loss over t Tr(HΣ)/2 at a tenth of the time of the top eigenvalue",
        "linear_1": "largest simulated loss over t Tr(HΣ)/2 at the time of the top eigenvalue",
        "linear_10": "largest simulated loss over t Tr(HΣ)/2 at ten times the time of the top eigenvalue",
        "rms_z": score("the simulated mean loss"),
    }
)

exponent = labels(
    {
        "exponent_{d}": "power of D with which the ratio grows, one large eigenvalue, d = {d}",
        "off_below": "largest distance of that power from 2d − 1, d below one",
        "off_above": "largest distance of that power from 2d − 1, d above one",
        "least_above": "smallest power, one or five large eigenvalues, d above one",
        "most_above": "largest power, one or five large eigenvalues, d above one",
        "power_off": "largest distance of the power from the smaller of 2d − 1 and one, eigenvalues i^(−d)",
    },
    d={place_of(d): f"{d:g}" for d in (0.6, 0.75, 0.9, 1.25, 1.5, 2.0)},
)

KINDS = {"half": "the half-plane", "random": "random labels", "all": "both layers trained"}
hidden = labels(
    {
        "start_a_{kind}": "a before training, {kind}",
        "start_ratio_{kind}": "Tr(HΣ) over isotropic before training, {kind}",
        "a_{kind}": "a at the end, {kind}",
        "a_least_{kind}": "smallest a of a net at the end, {kind}",
        "a_most_{kind}": "largest a of a net at the end, {kind}",
        "ratio_{kind}": "Tr(HΣ) over isotropic at the end, {kind}",
        "ratio_least_{kind}": "smallest Tr(HΣ) over isotropic of a net at the end, {kind}",
        "over_own_{kind}": "Tr(HΣ) over isotropic, over D Tr H² / (Tr H)², at the end, {kind}",
        "kept_{kind}": "share of samples whose output is not clipped at the end, {kind}",
        "error_{kind}": "share of samples on the wrong side at the end, {kind}",
        "died_{kind}": "nets that died and were drawn anew, {kind}",
        "spread_{kind}": "largest over smallest distance from the label among samples that are not clipped, {kind}",
        "outside_{kind}": "largest amount by which Σ leaves the bounds that H sets, over its top, {kind}",
    },
    kind=KINDS,
)

ARMS = {
    "none": "no noise", "const": "isotropic", "diag": "the diagonal of Σ", "leading": "Σ", "hessian": "H",
    "first": "the top eigenvector of H",
}  # fmt: skip
PLACES = {"along": "flat along the top", "across": "flat across it"}
SUMS = {"own": "own gradients", "running": "running sums"}
toy = labels(
    {
        "success_{arm}_{place}_{sums}": "share of runs that end in the flat basin: noise by {arm}, {place}, {sums}",
        "above_const_{arm}_{place}_{sums}": (
            "share less isotropic's, in standard errors: noise by {arm}, {place}, {sums}"
        ),
        "more_than_const_{arm}_{place}_{sums}": "share less that of isotropic noise: noise by {arm}, {place}, {sums}",
        "diag_less_const": "share of runs that end in the flat basin, the diagonal of Σ less isotropic",
        "leading_less_hessian": "share of runs that end in the flat basin, Σ less H",
    },
    arm=ARMS, place=PLACES, sums=SUMS,
)  # fmt: skip

NOISES = {"none": "no noise", "batch": "batches", "gauss": "Gaussian noise of the same Σ", "round": "isotropic noise"}
net = labels(
    {
        "error_{noise}": "share of test images that are wrong at the end, at its own rate, {noise}",
        "rate_{noise}": "learning rate that held-out images choose, {noise}",
        "top_{noise}": "top eigenvalue of H at the end, at its own rate, {noise}",
        "round_less_batch": "test error with isotropic noise less that with batches, each at its own rate, paired",
        "round_less_batch_same": "test error with isotropic noise less that with batches, least over common rates",
        "gauss_less_batch": "test error with Gaussian noise of the same Σ less that with batches, each at its own rate",
        "none_less_batch": "test error without noise less that with batches, each at its own rate",
        "flatter": "top eigenvalue of H with batches over that with isotropic noise, each at its own rate",
        "flatter_same": "top eigenvalue of H with batches over that with isotropic noise, most over common rates",
        "ratio_batch": "Tr(HΣ) over isotropic at the end of training with batches",
        "ratio_start": "Tr(HΣ) over isotropic before training",
    },
    noise=NOISES,
)
