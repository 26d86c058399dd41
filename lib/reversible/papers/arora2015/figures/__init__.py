"""Records in, seaborn figures out; words and labels come from the record, never typed."""

from reversible.papers.arora2015.figures.laws import bulk_and_spikes, through_layers
from reversible.papers.arora2015.figures.nets import reversal_pictures
from reversible.papers.arora2015.figures.nulls import spikes_beside_nulls, three_nulls
from reversible.papers.arora2015.figures.overview import overview
from reversible.papers.arora2015.figures.own_codes import pictures as own_code_pictures
from reversible.papers.arora2015.figures.schematics import down_and_up, shadow_step
from reversible.papers.arora2015.figures.shadow import shadow_pictures
from reversible.papers.arora2015.figures.shadow_curves import shadow_gains, shadow_variants
from reversible.papers.arora2015.figures.story import code_story, picture_story, story_sizes
from reversible.papers.arora2015.figures.tails import three_tails
from reversible.papers.arora2015.figures.weights import digit_pictures

__all__ = [
    "bulk_and_spikes", "code_story", "digit_pictures", "down_and_up", "overview", "own_code_pictures", "picture_story",
    "reversal_pictures", "shadow_gains", "shadow_pictures", "shadow_step", "shadow_variants",
    "spikes_beside_nulls", "story_sizes", "three_nulls", "three_tails", "through_layers",
]  # fmt: skip
