"""Labels of the experiments with layers that read back their own codes."""

from __future__ import annotations

from reversible.runs.labels import labels

own_codes = labels(
    {
        "{codes}_over_law_{kind}": "mean ratio of the error of {codes} to the law's, {kind}",
        "furthest_from_law": "largest distance of a setting's mean ratio from one, own codes, light-tailed noise",
        "given_over_own": "error of codes that another layer made over that of its own, Gaussian weights",
    },
    codes={"own": "a layer's own codes", "given": "codes that another layer made"},
    kind={"plain": "noise alone", "spiked": "noise with spikes", "sparse": "noise of few large entries"},
)

trained_layers = labels(
    {
        "layers": "hidden layers of all nets",
        "{law}_over_measured": "mean ratio of the error to the measured one, {law}",
        "explained_by_{law}": "share of log errors' variance accounted for, {law}",
        "{law}_off": "mean distance of log errors from those measured, {law}",
        "law_closer_than_rivals": "how much closer to the measured log error the whole law is than its best rival",
        "law_furthest": "largest distance of a layer's mean ratio of the whole law from one",
        "random_law_over_random": "mean ratio of the law to the error of a random net in the net's place",
        "trained_over_random": "mean ratio of a trained layer's error to that of a random one in its place",
    },
    law={
        "theorem": "by the theorem's law",
        "given": "by the law for given codes",
        "own": "by the law for own codes, without spikes and scales",
        "law": "by the whole law",
        "spikes": "by the spikes alone",
    },
)
