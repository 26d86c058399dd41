"""The verdict on a matrix: a rule on sizes of effects, and on what a random matrix of that size shows."""

from __future__ import annotations

from reversible.spectra import bulk
from reversible.spectra.measures import Measures

RANDOM_LIKE, SPIKES, HEAVY_TAILED, STRUCTURED = "bulk random-like", "spikes", "heavy-tailed", "structured"
UNEQUAL, TAIL, NOT_JUDGED = "unequal scales", "tail, law undecided", "not judged"
LARGEST_RANK, LARGEST_ALPHA, TAIL_FIT, TAIL_SHARE = 0.2, 6.0, 0.1, 1 / 3  # limits of `verdict`, sizes of effects
SMALLEST = 32  # singular values a matrix must have to be judged: a law of a few tells nothing
GAUSSIAN, CORRELATED = 0.05, 1.5  # distance of entries that pass for Gaussian; gram_rms of columns that lean on others


def verdict(m: Measures, p: int, permuted: Measures | None = None, levelled: bulk.Bulk | None = None) -> str:
    """What a matrix with p singular values is. The first line that holds is taken.

    1. "not judged": p is below 32.
    2. "structured": some values are rounding, so that rows or columns are combinations of others.
    3. A tail: a power law with alpha <= 6 fits the upper end within a distance of 0.1, and a third at least of what it
       fits has left the bulk: it is not the bulk's own upper end, nor a few values beside it. It is "heavy-tailed"
       where the power law stands beside a lognormal law, an exponential law and a power law that is cut off
       (`tails.stands`), and else "tail, law undecided".
    4. "structured": the bulk is not on the law, see `on_law`.
    5. "spikes": the bulk is on the law, and one spike or more leaves it.
    6. "bulk random-like": the bulk is on the law, and nothing leaves it.

    What comes out as one of 2 to 5 is asked again. If it comes from the entries whatever their order, so that
    `permuted` is not random-like either, has half the spikes and half the distance at least, and columns that lean on
    each other no less and no more (by a factor of 1.5), then it is no structure: what was "structured" becomes a tail
    of an undecided law where no bulk fits, and else 5 or 6 by its number of spikes. Otherwise a tail is one of
    correlated rows and columns, and "structured"; and if the levelled bulk is on the law, the matrix is "spikes" where
    one or more leave that bulk, and else "unequal scales": scales explain all of it. Without `permuted` and `levelled`
    nothing is known of these: a tail then counts as structure where `gram_rms` is above 1.5.

    Where there is a law for chance, the limit is the 99 % point of it; the others are sizes of effects, from families
    of random matrices whose kind is known. See the book's chapter on spectra for how often the rule tells them right.
    """
    if p < SMALLEST:
        return NOT_JUDGED
    kind = _kind(m, p)
    is_tail = kind in (HEAVY_TAILED, TAIL)
    if kind == RANDOM_LIKE or permuted is None:
        return STRUCTURED if is_tail and m.gram_rms > CORRELATED else kind
    if _from_entries(m, permuted, p):
        return kind if kind != STRUCTURED else _without_structure(m)
    if levelled is None or not on_law(levelled, p, levelled=True):
        return STRUCTURED if is_tail else kind
    return SPIKES if levelled.n_spikes else UNEQUAL


def _kind(m: Measures, p: int) -> str:
    """The verdict on a matrix by itself."""
    if m.rank < p:
        return STRUCTURED
    fitted = m.alpha is not None and m.alpha <= LARGEST_ALPHA and m.alpha_fit["distance"] <= TAIL_FIT
    if fitted and left(m) >= TAIL_SHARE * m.alpha_fit["n_tail"]:
        return HEAVY_TAILED if m.alpha_fit["stands"] else TAIL
    if not on_law(m, p):
        return STRUCTURED
    return SPIKES if m.n_spikes else RANDOM_LIKE


def _from_entries(m: Measures, permuted: Measures, p: int) -> bool:
    half = 2 * left(permuted) >= left(m) and 2 * permuted.ks >= m.ks
    alike = m.gram_rms <= CORRELATED * permuted.gram_rms and permuted.gram_rms <= CORRELATED * m.gram_rms
    return half and alike and _kind(permuted, p) != RANDOM_LIKE


def _without_structure(m: Measures) -> str:
    return TAIL if m.n_spikes is None else SPIKES if m.n_spikes else RANDOM_LIKE


def left(m: Measures) -> int:
    """How many values have left the bulk: all of them where none fits."""
    return m.rank if m.n_spikes is None else m.n_spikes


def on_law(m: Measures | bulk.Bulk, p: int, levelled: bool = False) -> bool:
    """A fifth at most of the p values have left the bulk, and it is no farther from the law than chance takes it.

    That is, no farther than the bulks of 99 in 100 random matrices of its size, `levelled` or not. No bulk is on the
    law where none fits, or where some of the p values are rounding.
    """
    if m.n_spikes is None or (isinstance(m, Measures) and m.rank < p):
        return False
    return m.n_spikes <= LARGEST_RANK * p and m.ks <= bulk.farthest(p - m.n_spikes, levelled)
