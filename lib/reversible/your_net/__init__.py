"""A net of the reader's own, a torch.nn.Sequential: is it random-like, does it reverse, what does theory say of it?"""

from reversible.your_net.measures import Layer, net_of, reverse, spectra_of
from reversible.your_net.words import (
    RULE,
    Reading,
    pictures,
    read,
    reversal_table,
    reversal_words,
    said,
    spectrum_words,
    theory_words,
)

__all__ = [
    "RULE", "Layer", "Reading", "net_of", "pictures", "read", "reversal_table", "reversal_words", "reverse", "said",
    "spectra_of", "spectrum_words", "theory_words",
]  # fmt: skip
