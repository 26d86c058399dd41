"""A net of the reader's own, a torch.nn.Sequential: is it random-like, does it reverse, how many pieces has it?"""

from reversible.your_net.errors import Errors, errors_words, find_errors
from reversible.your_net.examination import Examination, examine
from reversible.your_net.images import ENOUGH, standard_error
from reversible.your_net.information import Clusters, information_words, layer_information
from reversible.your_net.measures import Layer, reverse, spectra_of
from reversible.your_net.modules import net_of
from reversible.your_net.noise import Noise, noise_of, noise_words
from reversible.your_net.paths import Ways, ways_between, ways_words
from reversible.your_net.reading import Reading, pictures, read
from reversible.your_net.regions import Regions, count_regions, plane, regions_words
from reversible.your_net.separability import Separability, separability_words, separable
from reversible.your_net.signal import Signal, edge_for, follow_signal, signal_words
from reversible.your_net.theory import theory_words
from reversible.your_net.words import RULE, reversal_table, reversal_words, said, spectrum_words

__all__ = [
    "ENOUGH", "RULE", "Clusters", "Errors", "Examination", "Layer", "Noise", "Reading", "Regions", "Separability",
    "Signal", "Ways", "count_regions", "edge_for", "errors_words", "examine", "find_errors", "follow_signal",
    "information_words", "layer_information", "net_of", "noise_of", "noise_words", "pictures", "plane", "read",
    "regions_words", "reversal_table", "reversal_words", "reverse", "said", "separability_words", "separable",
    "signal_words", "spectra_of", "spectrum_words", "standard_error", "theory_words", "ways_between", "ways_words",
]  # fmt: skip
