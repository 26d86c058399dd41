"""Does the theory of reversible deep nets hold? Laws, simulations, records and verdicts.

The paper is Arora, Liang and Ma (2015), "Why are deep nets reversible: a simple theory, with implications for
training", arXiv 1511.05653. Its single-layer model draws a sparse code h >= 0 and generates

    x = relu(alpha W h) * n_drop,        alpha = 2 / (rho n),   W of shape (n, m), entries i.i.d. N(0, 1)

and claims that the same weights, transposed, read the code back: h_hat = relu(W^T x + b).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reversible.nets.inverse import Inversion
    from reversible.your_net.examination import Examination

__version__ = "0.1.0"

# From the ground floor up: a room imports only from rooms before it. What is in each, its own docstring says.
ROOMS = (
    "base", "theory", "runs", "data", "random_nets", "spectra", "nets", "training", "records", "show", "papers",
    "your_net", "cli", "book",
)  # fmt: skip


def invert(block: Any, y: Any, method: str = "newton") -> Inversion:
    """x of y = x + W2 r(W1 x + b), and what is proved of the block: see `nets.inverse.invert`."""
    from reversible.nets import inverse  # brings torch, which takes seconds: not for --help

    return inverse.invert(block, y, method)


def examine(model: Any, images: Any, labels: Any, out: Any = None, **how: Any) -> Examination:
    """All that can be asked of a net, as one page: see `your_net.examination.examine`, which says what `how` may be."""
    from reversible.your_net import examination

    return examination.examine(model, images, labels, out, **how)
