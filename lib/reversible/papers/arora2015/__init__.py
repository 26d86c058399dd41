"""Arora, Liang and Ma (2015), "Why are deep nets reversible: a simple theory, with implications for training"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="arora2015",
    title="Why are deep nets reversible: a simple theory, with implications for training",
    short="Arora, Liang and Ma 2015",
    at_hand="Its abstract, a published review of its experiments and a reader's notes on its theorems were at hand, "
    "its text was not.",
    chapters=(
        "single-layer", "multi-layer", "depth-laws", "reversal-map", "spectra", "real-nets", "trained-law",
        "training", "ablations",
    ),
    experiments={
        "experiments.lemmas": ("code-law", "baby-theorem", "technical-lemma"),
        "experiments.one_layer": (
            "unbiased-inference", "linf-rate", "theorem-2-3", "regime-map", "inference-dropout", "relu-and-offset",
        ),
        "experiments.other_weights": ("weight-families", "digits-reversal"),
        "experiments.universality": ("universality",),
        "experiments.two_and_three_layers": ("middle-and-top", "depth-limit"),
        "experiments.theorems": ("theorem-3-1", "theorem-3-2"),
        "experiments.depth": (
            "two-layer-gain", "depth-law", "finite-width", "stacked-offsets", "phase-transitions",
        ),
        "experiments.reversal_map": ("reversal-map",),
        "experiments.law_grid": ("law-grid", "law-grid-nets"),
        "experiments.instrument": ("spectral-laws", "planted-spikes"),
        "experiments.noise": ("bulk-distance", "other-noise"),
        "experiments.known_kinds": ("verdict-rule",),
        "experiments.net_spectra": ("net-spectra",),
        "experiments.net_reversal": ("net-reversal",),
        "experiments.training_travel": ("training-travel",),
        "experiments.own_codes": ("own-codes",),
        "experiments.trained_layers": ("trained-layers",),
        "experiments.shadow_curves": ("shadow-curves",),
        "experiments.shadow_gpu": ("shadow-gpu",),
    },
    figures={
        "figures.one_layer": (
            "baby-theorem", "technical-lemma", "unbiased-inference", "linf-rate", "theorem-2-3", "regime-map",
            "inference-dropout", "relu-and-offset",
        ),
        "figures.weights": ("weight-families", "universality", "digits-reversal"),
        "figures.depth": (
            "two-layer-gain", "depth-law", "finite-width", "stacked-offsets", "phase-transitions",
        ),
        "figures.theorems": ("middle-and-top", "theorem-3-1", "theorem-3-2", "depth-limit"),
        "figures.reversal_map": ("reversal-map",),
        "figures.spectra": ("spectral-laws", "planted-spikes", "bulk-distance", "other-noise", "verdict-rule"),
        "figures.own_codes": ("own-codes", "trained-layers"),
        "figures.nets": ("net-spectra", "net-reversal", "training-travel"),
        "figures.shadow_curves": ("shadow-curves", "shadow-gpu"),
    },
)  # fmt: skip
