"""Records in, seaborn figures out; words and labels come from the record, never typed."""

from reversible.papers.arora2015.figures.nets import reversal_pictures
from reversible.papers.arora2015.figures.one_layer import digit_pictures
from reversible.papers.arora2015.figures.overview import overview
from reversible.papers.arora2015.figures.shadow import shadow_pictures, shadow_sizes, shadow_tracking
from reversible.papers.arora2015.figures.story import code_story, picture_story, story_sizes

__all__ = [
    "code_story", "digit_pictures", "overview", "picture_story", "reversal_pictures", "shadow_pictures",
    "shadow_sizes", "shadow_tracking", "story_sizes",
]  # fmt: skip
