"""Labels of the experiments with more than one layer: the paper's theorems, the laws of depth, the map."""

from __future__ import annotations

from reversible.papers.arora2015.labels.one_layer import FAMILIES
from reversible.runs.labels import labels, score

TOP = "gain, noise and error at the top"
DEPTHS = {"1": "one layer", "2": "two layers", "3": "three layers", "4": "four layers"}

middle_and_top = labels(
    {
        "middle_error_plain": "relative squared error of the middle layer, without offsets",
        "top_error_plain": "relative squared error of the top code, without offsets",
        "top_error_rescaled": "relative squared error of the top code, rescaled and with a threshold at the top",
        "top_error_best": "relative squared error of the top code, with the best offsets",
        "middle_error_best": "relative squared error of the middle layer, with the offsets that are best for the top",
        "middle_over_top_best": "error of the middle layer over that of the top, with the offsets best for the top",
        "top_noise_over_clean": "noise at the top over what it would be if the middle were read without error",
        "error_over_law": "mean ratio of the top's relative error to the law's",
        "rms_z": score(TOP),
    }
)

DROPPED = {"": "", "_dropped": ", half of each input dropped"}

theorem_3_1 = labels(
    {
        "on_over_law{q}": "mean squared error of an entry that is on, over the law's{q}",
        "off_over_law{q}": "mean squared error of an entry that is off, over the law's{q}",
        "slope_{k}{q}": "log-log slope of ε in {k}, at the sizes that were run{q}",
        "law_slope{q}": "log-log slope of the law's ε in k₁, in the largest nets{q}",
        "law_large{q}": "power of ln(k₁/k₂) beside k₂/k₁ in the law's ε, in the largest nets{q}",
        "law_growth{q}": "that power in the largest nets over that in the smallest{q}",
        "law_k2{q}": "power of ln(k₁/k₂) beside k₂/k₁ in the law's ε, by k₂{q}",
        "smallest_epsilon": "ε in the net with the largest k₁/k₂",
        "none_middle_over_best": "ε without a middle offset over ε with the best one, at the largest k₁/k₂",
        "negative_middle_over_best": "ε with a middle offset one deviation of the noise below zero over the"
        " best ε, at the largest k₁/k₂",
        "negative_over_none_middle": "ε with that negative middle offset over ε without a middle offset",
        "dropped_over_kept": "ε with half of each layer's input dropped over ε without, at the largest k₁/k₂",
    },
    k={"k1": "k₁", "k2": "k₂"}, q=DROPPED,
)  # fmt: skip

theorem_3_2 = labels(
    {
        "on_over_law": "mean squared error of an entry that is on, over the law's, three layers",
        "off_over_law": "mean squared error of an entry that is off, over the law's, three layers",
        "slope_k2": "log-log slope of ε in the active units below the top, three layers",
        "slope_k2_of_two_layers": "log-log slope of ε in the active units below the top, two layers",
        "smallest_epsilon": "ε in the net of three layers with the largest k₂/k₃",
        "three_over_two": "ε of three layers over that of their upper two, at the largest k₂/k₃",
    }
)

depth_limit = labels(
    {
        "deepest_below_half{offset}": "most layers under which less than half of the code is lost, {offset}",
        "error_one_layer": "relative error of the top code under one layer, with the best offset",
        "error_deepest{offset}": "relative error of the top code in the deepest net, {offset}",
        "error_over_law": "mean ratio of the top's relative error to the law's",
        "rms_z": score(TOP),
    },
    offset={"": "with the best offsets", "_no_hidden_offset": "with an offset at the top alone"},
)

two_layer_gain = labels(
    {
        "{what}_over_formula": "mean ratio of the {what} to its formula",
        "{what}_worst_deviation": "largest relative deviation of the {what} from its formula",
        "spread_over_law": "spread of the gain over draws of the weights, relative to the law's",
        "rms_z": score("gain and noise at the top"),
    },
    what={"gain": "gain", "noise": "noise"},
)

depth_law = labels(
    {
        "cells": "number of settings",
        "depths": "number of depths",
        "worst_{what}_depth_{depth}": "largest relative deviation of the {what} at the top from the law, {depth}",
        "rms_z_depth_{depth}": score("gain, noise and error, {depth}"),
        "{what}_over_law_depth_{depth}": "mean ratio of the {what} at the top to the law's, {depth}",
        "spread_over_law": "spread of the gain over draws of the weights, relative to the law's",
    },
    what={"mean_gain": "gain", "noise_sd": "noise", "relative_error": "error"},
    depth=DEPTHS,
)

finite_width = labels(
    {
        "limit_deviation{cut}_{net}": "noise variance at the top over the law of infinite width, less one, {net}"
        " net{cut}",
        "deviation{cut}_{net}": "noise variance at the top over the law in use, less one, {net} net{cut}",
        "nearer_narrowest": "how much nearer the law in use is than that of infinite width, narrowest net",
        "off_cut_narrowest": "how far the law in use is off, to either side, narrowest net, proof's offset",
    },
    cut={"": "", "_cut": ", proof's offset"},
    net={"narrowest": "narrowest", "widest": "widest"},
)

stacked_offsets = labels(
    {
        "gain_{offset}_depth_{depth}": "gain at the top of {depth} {offset}",
        "error_{offset}_depth_{depth}": "relative error of the top code under {depth} {offset}",
        "predicted_gain_{offset}_depth_{depth}": "gain at the top of {depth} {offset}, by the law",
    },
    offset={"proof": "with the proof's offset everywhere", "optimal": "with the best offsets"},
    depth=DEPTHS,
)

phase_transitions = labels(
    {
        "critical_beta_of_noise": "β at which noise neither grows nor fades with depth, in simulated nets",
        "critical_beta_of_noise_by_law": "β at which noise neither grows nor fades with depth, by the law",
        "critical_beta_of_gain_by_law": "β at which the gain neither grows nor fades with depth, by the law",
        "critical_beta_of_gain_by_law_expanding": "β at which the gain neither grows nor fades by the law, each layer"
        " half as wide as the one below",
        "gain_of_{depth}_layers": "gain of {depth} layers at the theory's scale, simulated",
        "predicted_gain_of_{depth}_layers": "gain of {depth} layers at the theory's scale, by the law",
        "smallest_error_simulated": "smallest normalised error of a hidden layer over all β, in simulated nets",
        "smallest_error_of_deep_law": "smallest normalised error of a hidden layer over all β, by the law",
        "gain_fading_over_law": "how the gain fades from the second to the fifth layer, over the law's",
        "shortfall_deeper_over_shallower": "normalised error's distance below one, a deep layer over one half as deep,"
        " at β = 1.5",
        "rms_z_gain": score("the gain"),
        "rms_z_noise": score("the noise at the top"),
        "noise_over_law": "mean ratio of the noise at the top to the law's",
    },
    depth={"two": "two", "four": "four"},
)

reversal_map = labels(
    {
        "error_over_law_{family}": "mean ratio of the top's error to the Gaussian law's, {family}",
        "edge_depth_{depth}": "k/t at which a quarter of the code is lost, {depth}",
        "edge_step_{depth}": "k/t at which a quarter of the code is lost, {depth}, less that with one layer less",
        "rms_z": score("the error with Gaussian weights"),
    },
    family=FAMILIES,
    depth=DEPTHS,
)

law_grid = labels(
    {
        "values": "number of nets on the grid",
        "share_that_comes_to_nothing": "share of nets of which nothing comes back by the law",
        "share_better_with_pixels": "share of steps to more pixels that lower the error",
        "share_better_with_units_kept": "share of steps to weaker dropout that lower the error",
        "share_worse_with_depth": "share of steps to one more layer that raise the error",
    }
)

law_grid_nets = labels(
    {
        "nets": "number of nets that were run",
        "nets_{few}_kept": "number of nets, {few} kept under the code",
        "error_over_law_{few}_kept_depth_{depth}": "mean ratio of the error to the law's, {depth}, {few} kept",
        "largest_over_law_{few}_kept": "largest ratio of the simulated error to the law's, {few} kept under the code",
        "rms_gap_{few}_kept": "root mean square gap of a net's ratio to one, {few} kept under the code",
    },
    few={"many": "100 units or more", "few": "fewer than 100 units"},
    depth=DEPTHS,
)
