"""Gilbert, Zhang, Lee, Zhang and Lee (2017), "Towards understanding the invertibility of convolutional neural nets"."""

from __future__ import annotations

from reversible.papers import Paper

PAPER = Paper(
    key="gilbert2017",
    title="Towards Understanding the Invertibility of Convolutional Neural Networks",
    short="Gilbert, Zhang, Lee, Zhang and Lee 2017",
    at_hand="Its main text and its tables were at hand, its appendices, footnotes and pictures were not.",
    chapters=("convolutional-nets", "trained-filters", "vgg-16"),
    experiments={
        "experiments.exact": ("orthonormal-pairs", "iht-step"),
        "experiments.random_filters": ("code-length", "model-rip"),
        "experiments.recovery": ("recovery-bound",),
        "experiments.hidden_codes": ("hidden-codes",),
        "experiments.one_step": ("one-step-law", "switch-depth"),
        "experiments.trained_filters": ("active-shares", "rebuilt-inputs", "filter-coherence"),
        "experiments.cifar_nets": ("cifar-nets",),
        "experiments.vgg16": ("vgg16-shares", "vgg16-rebuilt", "vgg16-coherence"),
        "experiments.vgg16_codes": ("vgg16-lengths",),
        "experiments.vgg16_down": ("vgg16-down", "vgg16-theories"),
    },
    figures={
        "figures.theory": ("code-length", "model-rip", "recovery-bound"),
        "figures.one_step": ("hidden-codes", "one-step-law", "switch-depth"),
        "figures.trained": ("active-shares", "rebuilt-inputs", "filter-coherence"),
        "figures.cifar_nets": ("cifar-nets",),
        "figures.vgg16": ("vgg16-shares", "vgg16-rebuilt", "vgg16-coherence", "vgg16-lengths"),
        "figures.vgg16_down": ("vgg16-down", "vgg16-theories"),
    },
)
