"""Records in, seaborn figures out; words and labels come from the record, never typed."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from reversible.chapters import Shown
from reversible.figures import depth, real_nets, single_layer, training
from reversible.figures.overview import overview
from reversible.figures.real_nets import reversal_pictures
from reversible.figures.single_layer import digit_pictures
from reversible.figures.story import code_story, picture_story, story_sizes
from reversible.figures.training import shadow_pictures, shadow_sizes, shadow_tracking
from reversible.results import Record

__all__ = [
    "code_story", "digit_pictures", "of", "overview", "picture_story", "reversal_pictures", "shadow_pictures",
    "shadow_sizes", "shadow_tracking", "story_sizes",
]  # fmt: skip

DRAWN: dict[ModuleType, tuple[str, ...]] = {  # each figure's function is named after its experiment
    single_layer: (
        "baby-theorem", "technical-lemma", "unbiased-inference", "linf-rate", "theorem-2-3", "regime-map",
        "inference-dropout", "relu-and-offset", "weight-families", "digits-reversal",
    ),
    depth: (
        "two-layer-gain", "depth-law", "finite-width", "stacked-offsets", "phase-transitions", "middle-and-top",
        "theorem-3-1", "theorem-3-2", "depth-limit", "reversal-map",
    ),
    real_nets: (
        "spectral-laws", "planted-spikes", "verdict-rule", "net-spectra", "net-reversal", "training-travel",
    ),
    training: ("shadow", "shadow-ablations", "shadow-gpu", "shadow-long"),
}  # fmt: skip
FIGURES: dict[str, Callable[[Record], Shown]] = {
    name: getattr(module, name.replace("-", "_")) for module, names in DRAWN.items() for name in names
}


def of(record: Record) -> Shown:
    """The figure of a record's experiment."""
    return FIGURES[record.experiment](record)
