"""A net of the reader's own, a torch.nn.Sequential: is it random-like, does it reverse, how many pieces has it?"""

from reversible.your_net.images import ENOUGH, standard_error
from reversible.your_net.measures import Layer, reverse, spectra_of
from reversible.your_net.modules import net_of
from reversible.your_net.paths import Ways, ways_between, ways_words
from reversible.your_net.reading import Reading, pictures, read
from reversible.your_net.regions import Regions, count_regions, plane, regions_words
from reversible.your_net.theory import theory_words
from reversible.your_net.words import RULE, reversal_table, reversal_words, said, spectrum_words

__all__ = [
    "ENOUGH", "RULE", "Layer", "Reading", "Regions", "Ways", "count_regions", "net_of", "pictures", "plane", "read",
    "regions_words", "reversal_table", "reversal_words", "reverse", "said", "spectra_of", "spectrum_words",
    "standard_error", "theory_words", "ways_between", "ways_words",
]  # fmt: skip
