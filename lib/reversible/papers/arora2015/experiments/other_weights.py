"""How much randomness the theory needs: other weights than Gaussian, other codes than D_h."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from reversible.base.checks import one_of
from reversible.base.estimates import Estimate, pooled, ratio, root_mean_square, slope
from reversible.base.runtime import trial_generator
from reversible.papers.arora2015.experiments.one_layer import law_of_typical_code
from reversible.papers.arora2015.labels import one_layer as labels
from reversible.random_nets import model
from reversible.random_nets.one_layer import OneLayer, OneLayerResult, float64_check, one_layer, round_trip
from reversible.runs.experiment import Experiment
from reversible.theory import one_layer as laws

Pairs = list[tuple[OneLayer, OneLayerResult]]


def family_cells(profile: str) -> list[OneLayer]:
    n, m, counts = {"smoke": (1000, 100, (4, 16)), "book": (4000, 300, (5, 20)), "full": (8000, 1000, (5, 20, 80))}[
        profile
    ]
    trials = {"smoke": 12, "book": 20, "full": 50}[profile]
    places = [(family, k) for family in model.FAMILIES for k in counts]
    return [
        OneLayer(n=n, m=m, k=k, weights=family, trials=trials, batch=8, seed=3000 + i)
        for i, (family, k) in enumerate(places)
    ]


def family_measures(pairs: Pairs) -> dict[str, Estimate]:
    measures: dict[str, Estimate] = {}
    for family in model.FAMILIES:
        mine = [(p, r) for p, r in pairs if p.weights == family]
        measures[f"gain_{family}"] = pooled([r.mean_gain for _, r in mine])
        measures[f"noise_{family}"] = pooled([r.noise_sd_times_sqrt_t for _, r in mine if r.noise_sd_times_sqrt_t])
        over_law = [r.relative_error.scaled(1 / (r.predicted_relative_error * kurtosis_factor(p))) for p, r in mine]
        measures[f"error_over_law_{family}"] = pooled(over_law)
    p = pairs[0][0]
    law = math.sqrt(float(laws.orthogonal_noise_variance(1.0, p.n, p.rho)) * p.t)
    return measures | {"noise_over_law_orthogonal": measures["noise_orthogonal"].scaled(1 / law)}


def kurtosis_factor(p: OneLayer) -> float:
    """What the fourth moment of the weights does to the risk: the law at E w^4 over the law at 3; 1 if infinite."""
    kurtosis = model.FAMILIES[p.weights].kurtosis
    if not math.isfinite(kurtosis):
        return 1.0
    return law_of_typical_code(p, exact=False, kurtosis=kurtosis) / law_of_typical_code(p, exact=False)


@dataclass(frozen=True)
class Digits:
    """Handwritten digits as codes h (dense, outside D_h), sent through one random layer of n units and back."""

    n: int
    offset: str  # "none" or "optimal"
    images: int
    trials: int
    seed: int
    rho: float = 1.0


@dataclass(frozen=True)
class DigitsResult:
    relative_error: Estimate  # over draws of W, images averaged
    predicted_relative_error: float
    nonzero: float  # mean share of nonzero pixels
    mean_offset: float


def digit_codes(images: int) -> np.ndarray:
    """The first `images` of scikit-learn's 8 x 8 digits (UCI), pixels from 0 to 1, as codes (images, 64)."""
    from sklearn.datasets import load_digits

    pixels, _ = load_digits(return_X_y=True)
    return np.asarray(pixels)[:images] / 16


def digits_reversal(p: Digits) -> DigitsResult:
    """Up and down again, against the exact law, which asks nothing of h but that it is fixed before W is drawn."""
    h = digit_codes(p.images)
    one_of("offset", p.offset, ("none", "optimal"))
    offset = 0.0 if p.offset == "none" else laws.optimal_offset(h, p.n, 64, p.rho)
    layer = OneLayer(n=p.n, m=64, k=64, rho=p.rho, offset=offset, trials=p.trials, batch=p.images, seed=p.seed)
    codes, errors = torch.tensor(h), np.empty(p.trials)
    for trial in range(p.trials):
        y = round_trip(layer, codes, trial_generator(p.seed, trial))
        error = (model.infer(y, offset) - codes).square().sum(-1) / codes.square().sum(-1)
        errors[trial] = float(error.mean())
    predicted = float(laws.relative_risk(h, p.n, 64, p.rho, offset=offset).mean())
    return DigitsResult(Estimate.of(errors), predicted, float((h > 0).mean()), offset)


def digits_cells(profile: str) -> list[Digits]:
    sizes = {
        "smoke": (64, 512, 1024, 4096),
        "book": (64, 512, 1024, 4096),
        "full": (64, 256, 1024, 4096, 16384, 65536),
    }[profile]
    trials, images = {"smoke": (12, 20), "book": (30, 100), "full": (200, 200)}[profile]
    places = [(n, offset) for n in sizes for offset in ("none", "optimal")]
    return [Digits(n, offset, images, trials, 4000 + i) for i, (n, offset) in enumerate(places)]


def digits_measures(pairs: list[tuple[Digits, DigitsResult]]) -> dict[str, Estimate]:
    plain = [(p, r) for p, r in pairs if p.offset == "none"]
    best = [(p, r) for p, r in pairs if p.offset == "optimal"]
    widest = max(plain, key=lambda pair: pair[0].n)[1], max(best, key=lambda pair: pair[0].n)[1]
    wide = [(p, r) for p, r in plain if p.n >= 512]
    return {
        "rms_z": root_mean_square(r.relative_error.z(r.predicted_relative_error) for _, r in pairs),
        "error_over_law": pooled([r.relative_error.scaled(1 / r.predicted_relative_error) for _, r in pairs]),
        "slope_n": slope([np.log([p.n for p, _ in wide])], np.log([r.relative_error.mean for _, r in wide])),
        "optimal_over_none": ratio(widest[1].relative_error, widest[0].relative_error),
        "nonzero_share": Estimate.exact(widest[0].nonzero),
        "error_at_the_widest": widest[0].relative_error,
    }


EXPERIMENTS = {
    "weight-families": Experiment(
        family_cells, one_layer, family_measures, label=labels.weight_families, float64=float64_check
    ),
    "digits-reversal": Experiment(
        digits_cells, digits_reversal, digits_measures, label=labels.digits_reversal, scores=("rms_z",)
    ),
}
