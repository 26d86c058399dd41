"""Labels of the experiments with one layer: what the theorem stands on, the theorem, other weights and codes."""

from __future__ import annotations

from reversible.runs.labels import labels, score

FAMILIES = {
    "gaussian": "Gaussian weights",
    "sign": "random signs",
    "uniform": "uniform weights",
    "sparse": "sparse weights",
    "student": "Student t weights",
    "skewed": "skewed weights",
    "orthogonal": "orthogonal columns",
    "correlated": "correlated columns",
}

code_law = labels(
    {
        "constant_{codes}": "mean ratio of β to √(ln k / k) in the longest codes, {codes} entries",
        "power_of_ln_k_{codes}": "power of ln k with which that ratio goes, {codes} entries",
    },
    codes={"binary": "binary", "uniform": "uniform", "exponential": "exponential"},
)

baby_theorem = labels(
    {
        "failure_rate": "share of draws of the weights in which the bound with C = 1 is broken",
        "worst_constant": "smallest C with which the bound holds in every draw",
        "slope_{size}": "log-log slope of the mean largest error in {size}",
        "linf_over_law": "mean ratio of the largest error to the law's",
        "rms_z": score("the mean largest error"),
    },
    size={"n": "n", "k": "k"},
)

technical_lemma = labels(
    {
        "quadrature_gap_first": "largest gap between the first moment by quadrature and h/2, over s",
        "quadrature_gap_second": "largest relative gap between the second moment by quadrature and (3h² + s²)/2",
        "second_over_bound": "largest ratio of the second moment to the paper's bound of 3h² + s²",
        "rms_z_{moment}": score("the {moment} moment, simulated"),
        "{moment}_over_law": "mean ratio of the {moment} moment, simulated, to its exact value",
    },
    moment={"first": "first", "second": "second"},
)

unbiased_inference = labels(
    {
        "gain": "mean gain on the support with the theory's α",
        "gain_without_the_2": "mean gain on the support without the 2 in α",
        "gain_rms_z": score("the gain"),
        "gain_furthest": "largest relative deviation of a setting's gain from the law",
        "noise_sd_times_sqrt_t": "standard deviation of the noise off the support, over ‖h‖ and times √t",
        "noise_rms_z": score("the noise"),
        "noise_dense_over_sparse": "noise under the densest codes over that under the sparsest",
    }
)

linf_rate = labels(
    {
        "slope_t": "log-log slope of the mean largest error in t",
        "slope_log_m": "log-log slope of the mean largest error in ln m",
        "linf_over_law": "mean ratio of the largest error to the exact law's",
        "largest_delta_constant": "largest ratio of the mean largest error to √(2/t) √(2 ln m) ‖h‖",
    }
)

theorem_2_3 = labels(
    {
        "cells": "number of settings of n, m, k and ρ",
        "error_over_law": "mean ratio of the error to the exact law's",
        "rms_z": score("the error"),
        "worst_deviation": "largest relative deviation of a setting's error from the law",
        "worst_gap_of_the_normal_limit": "largest relative gap between the central limit and the exact law",
        "slope_{size}": "log-log slope of the error in {size}, where entries stand above the offset",
        "worst_over_bound": "largest ratio of a setting's mean error to the bound",
        "linear_over_bound": "mean ratio of the error to the bound, where entries stand above the offset",
    },
    size={"k": "k", "t": "t", "log": "2 + 4 ln m"},
)

regime_map = labels(
    {
        "inside_over_bound": "inside k < t < k², largest ratio of a setting's error to the bound",
        "above_over_bound": "from t = k² on, largest ratio of a setting's error to the bound",
        "error_below": "up to t = k, mean relative error",
        "smallest_error_inside": "inside k < t < k², smallest relative error of a setting",
    }
)

inference_dropout = labels(
    {
        "noise_slope_q": "log-log slope of the noise variance in the retention q",
        "error_at_half_over_full": "mean ratio of the error with half of x dropped to that with all of it",
        "half_over_bound": "largest ratio of a setting's error to the bound for t/2, with half of x dropped",
        "error_over_law": "mean ratio of the error to the exact law's",
        "rms_z": score("the error"),
    }
)

relu_and_offset = labels(
    {
        "growth_{variant}": "log-log slope of the error in m, {variant}",
        "logarithm_proof": "power of 2 + 4 ln m in the error with the proof's offset",
        "relu_over_linear": "error of the ReLU without offset over that of the linear read-out, at the largest m",
        "optimal_over_relu": "error with the best offset over that without any, at the largest m",
        "proof_over_optimal": "error with the proof's offset over that with the best one, at the largest m",
        "hard_over_optimal": "error of hard thresholding over that of the ReLU, best offsets, at the largest m",
        "optimal_over_minimax": "error with the best offset over the minimax rate, at the largest m",
        "error_over_law": "mean ratio of the error to the exact law's",
        "rms_z": score("the error"),
    },
    variant={
        "linear": "linear read-out",
        "relu": "ReLU without offset",
        "proof": "with the proof's offset",
        "optimal": "with the best offset",
    },
)

weight_families = labels(
    {
        "gain_{family}": "mean gain on the support, {family}",
        "noise_{family}": "standard deviation of the noise, over ‖h‖ and times √t, {family}",
        "noise_over_law_orthogonal": "standard deviation of the noise of orthogonal columns over that of its own law",
        "error_over_law_{family}": "mean ratio of the error to the law's with the weights' own kurtosis, {family}",
        "error_over_law_student": "mean ratio of the error to the law's with Gaussian kurtosis, Student t weights",
    },
    family=FAMILIES,
)

universality = labels(
    {
        "error_over_law_{kind}": "mean ratio of the error at the best scale and offset to the law's, {kind}",
        "gain_over_law_skewed": "mean ratio of the gain to the law's, skewed weights",
        "positive_over_none": "error with skew 2 over that without skew, at the sparsest code",
        "negative_over_none": "error with skew −2 over that without skew, at the sparsest code",
        "sparse_over_gaussian": "error with nine in ten weights zero over that of Gaussian ones, at the sparsest code",
        "correlated_over_gaussian": "error with correlated columns over that of Gaussian ones, at the sparsest code",
    },
    kind={"skewed": "skewed weights", "symmetric": "symmetric weights"},
)

digits_reversal = labels(
    {
        "error_over_law": "mean ratio of the digits' error to the law's",
        "rms_z": score("the error"),
        "slope_n": "log-log slope of the error in n without offset, in layers of 512 units or more",
        "optimal_over_none": "error with the best offset over that without any, in the widest layer",
        "nonzero_share": "share of the digits' pixels that are not zero",
        "error_at_the_widest": "relative error without offset, in the widest layer",
    }
)
