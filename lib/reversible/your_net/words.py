"""What is said of a net of the reader's own: are its weights random-like, does it reverse?

Sentences are chosen by rules on what was measured, never by hand. Of a reversal the rule is `RULE`; of weights it is
that of `verdicts.verdict`, and a matrix with fewer than 32 singular values is not judged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from reversible.base.estimates import Estimate
from reversible.show.html import Shown, escape, table
from reversible.spectra import verdicts
from reversible.spectra.bulk import farthest
from reversible.spectra.matrix import Row
from reversible.spectra.measures import Measures
from reversible.spectra.verdicts import (
    HEAVY_TAILED,
    RANDOM_LIKE,
    SPIKES,
    STRUCTURED,
    TAIL,
    UNEQUAL,
    left,
    on_law,
    verdict,
)
from reversible.your_net.images import standard_error
from reversible.your_net.measures import ALL_WAYS, CONTROLS, FIXED, NEGLIGIBLE, OTHER_NET, OWN, Layer, side_of

RULE = (
    "Better than with a control. Take more batches of images, each with one more draw of the control: in 95 of 100 of "
    f"them the cosine by the net's own weights is higher than by the control, by more than {NEGLIGIBLE:g}.",
    "Worse than with a control. In as many of them it is lower by more than that.",
    "No difference can be told. Neither of the two holds.",
    "Above, among or below random nets. The same comparison, with one more random net in the net's place.",
    "Numbers in brackets. They are 95 % intervals of means over batches of images; differences are paired by batch.",
)


# --- are the weights random-like? -------------------------------------------------------------------------------------


def spectrum_words(rows: Sequence[Row]) -> list[str]:
    """Of each matrix: is it random-like, by how much not, and does that lie in the order of its entries?"""
    return [" ".join(filter(None, (_verdict_words(row), _order_words(row)))) for row in rows]


def judged(rows: Sequence[Row]) -> list[Row]:
    """Those that are large enough."""
    return [row for row in rows if min(row.shape_used) >= verdicts.SMALLEST]


def _verdict_words(row: Row) -> str:
    m, p = row.measured, min(row.shape_used)
    name = f"Layer {row.layer} ({row.shape[0]} × {row.shape[1]})"
    if not judged([row]):
        return f"{name} is too small to be judged. It has {p} singular values, and {verdicts.SMALLEST} are needed."
    if row.levelled and row.verdict in (UNEQUAL, SPIKES) and not on_law(m, p):
        return _levelled_words(row, name)
    bulk, law = "The bulk of its singular values", _law_words(m.ks, farthest(p - (m.n_spikes or 0)))
    out, tail = _out_words(m, p), f"The tail of their squares is like a power law with exponent {m.alpha or 0:.1f}"
    off = out if left(m) > verdicts.LARGEST_RANK * p else f"{bulk} does not follow {law}"
    off = f"Only {m.rank} of its {p} singular values are more than rounding" if m.rank < p else off
    return {
        UNEQUAL: _levelled_words(row, name),
        RANDOM_LIKE: f"{name} looks random-like. {bulk} follows {law}, and none lies above the bulk.",
        SPIKES: f"{name} is random-like except for its spikes. {bulk} follows {law}, but {out}.",
        HEAVY_TAILED: f"{name} is not random-like: its singular values are heavy-tailed. {tail}. {out}.",
        TAIL: f"{name} is not random-like: its singular values have a tail whose law cannot be told. {out}.",
        STRUCTURED: f"{name} is not random-like: it has structure. {off}.",
    }[row.verdict]


def _out_words(m: Measures, p: int) -> str:
    """How many have left the bulk, and how far."""
    if m.n_spikes is None or m.edge_high is None:
        return "No bulk of random matrices fits its singular values"
    lie = "lies above the bulk," if m.n_spikes == 1 else "lie above the bulk, the largest"
    out = f"{m.n_spikes} of its {p} singular values {lie} at {m.largest / m.edge_high:.1f} times its upper edge"
    return f"As many as {out}; what is left is no bulk" if m.n_spikes > verdicts.LARGEST_RANK * p else out


def _law_words(distance: float, allowed: float) -> str:
    return f"the law of random matrices (the distance is {distance:.3f}, and up to {allowed:.3f} is allowed)"


def _levelled_words(row: Row, name: str) -> str:
    """Of a matrix that is random-like, but for spikes perhaps, once its rows and columns have one scale."""
    if (found := row.levelled) is None:
        return ""
    law = _law_words(found.ks, farthest(min(row.shape_used) - found.n_spikes, levelled=True))
    but = "except for the scales of its rows and columns" + (" and its spikes" if found.n_spikes else "")
    lie = "lies above it" if found.n_spikes == 1 else "lie above it"
    out = f"{found.n_spikes or 'none'} of its {min(row.shape_used)} singular values {lie}"
    return (
        f"{name} is random-like {but}. With rows and columns brought to one scale the bulk of its singular values "
        f"follows {law}, and {out}; as it is, {left(row.measured)} do."
    )


def _order_words(row: Row) -> str:
    """Whether what sets it apart is gone when the entries are shuffled: it lies in their order, else in their size."""
    if not judged([row]) or row.verdict == UNEQUAL:
        return ""
    m, free, says = row.measured, row.nulls["permuted"], []
    shuffled, again = verdict(free, min(row.shape_used)), "Put in random order, the same entries"
    own, mixed = left(m), left(free)
    spikes = f"{mixed} spike{'' if mixed == 1 else 's'}"
    if row.verdict == SPIKES and 3 * mixed > own:
        half, other = ("", "not") if 3 * mixed >= 2 * own else ("partly ", "partly")
        says.append(f"{again} still have {spikes}, so the spikes come {half}from their size, {other} from their order.")
    elif row.verdict != RANDOM_LIKE and shuffled in (RANDOM_LIKE, SPIKES):
        found = "look random-like, so it is" if shuffled == RANDOM_LIKE else f"have only {spikes}, so it is mostly"
        says.append(f"{again} {found} their order that sets this layer apart, and that is structure.")
    elif row.verdict != RANDOM_LIKE:
        says.append(f"{again} are {shuffled}, so their size alone already sets this layer apart.")
    beside = "those of noise of its scales" if "scaled" in row.nulls else "with its entries in random order"
    if (times := m.gram_rms / row.nulls.get("scaled", free).gram_rms) > verdicts.CORRELATED:
        says.append(f"Its columns are correlated {times:.1f} times as strongly as {beside}.")
    return " ".join(says)


# --- does the net reverse? --------------------------------------------------------------------------------------------


def reversal_words(layers: Sequence[Layer]) -> list[str]:
    """From each hidden layer: better than with the controls by `RULE`, by how much, and what of it is the image's.

    Before them a sentence on how many images were used, where it was not all of them.
    """
    sampled = [_sample_words(layer) for layer in layers[:1] if layer.used < layer.given]
    return sampled + [" ".join(_reversal_words(layer)) for layer in layers]


def _sample_words(layer: Layer) -> str:
    """How many images were used, and what that costs."""
    error = math.ceil(1000 * standard_error(layer.used)) / 1000
    return (
        f"Of the {layer.given:,} images {layer.used:,} were used, drawn at random. Over so many a mean cosine, or a "
        f"share of the images, has a standard error of {error:g} at most."
    )


def _reversal_words(layer: Layer) -> list[str]:
    if layer.dead:
        return [f"Nothing comes back from h{layer.number}: none of its units is active, whatever the image."]
    above = [f"{_by(layer.above(way))} than with {name}" for way, name in CONTROLS.items()]
    says = [
        _compared(layer),
        f"The cosine of a code and what comes back is {layer.of('cosine')}. On average that is {listed(above)}.",
    ]
    if side_of(layer.of("specific").ci95) == 1:
        own = layer.of("specific")
        says.append(f"Of the cosine, {own} is the image's own: what comes back of another image has so much less.")
    else:
        says.append("What comes back of another image fits as well, so no part of it is known to be the image's own.")
    if layer.one_class:
        says.append("The net gives all images the same class, so it means nothing that the class is kept.")
    else:
        kept = [f"{share(layer.of('kept', way).mean)} with {name}" for way, name in CONTROLS.items()]
        own = share(layer.of("kept").mean)
        says.append(f"The net gives what comes down the class of the image for {own} of the images ({listed(kept)}).")
    if FIXED in layer.by_batch:
        says.append(_fixed_words(layer))
    if layer.empty:
        says.append(f"For {share(layer.empty)} of the images no unit is active; their codes count as lost.")
    return says


def _fixed_words(layer: Layer) -> str:
    """What the switches are good for."""
    less, kept = _by(_turned(layer.above(FIXED))), share(layer.of("kept", FIXED).mean)
    class_too = "" if layer.one_class else f", and the class is kept for {kept} of the images"
    return (
        "On this way down each maximum of the pooling goes back to its place. With all of them at the first place of "
        f"their windows the cosine is {layer.of('cosine', FIXED)}, which is {less}{class_too}."
    )


def _compared(layer: Layer) -> str:
    """Better or worse than with which controls, and beside which that cannot be told."""
    names = {side: [name for way, name in CONTROLS.items() if layer.side(way) == side] for side in (1, -1, 0)}
    told = [f"{how} than with {listed(names[side])}" for side, how in ((1, "better"), (-1, "worse")) if names[side]]
    if not told:
        return f"From h{layer.number}, no difference can be told between its own weights and {listed(names[0])}."
    rest = f"; beside {listed(names[0])} no difference can be told" if names[0] else ""
    return f"From h{layer.number} the net reverses {' but '.join(told)}{rest}."


def _by(difference: Estimate) -> str:
    return f"{difference} more" if difference.mean >= 0 else f"{_turned(difference)} less"


def _turned(difference: Estimate) -> Estimate:
    low, high = difference.ci95
    return Estimate(0.0 - difference.mean, (0.0 - high, 0.0 - low), difference.n)  # no minus zero


def share(part: float) -> str:
    """
    >>> share(0.123), share(0.012)
    ('12 %', '1.2 %')
    """
    return f"{100 * part:.{0 if part >= 0.1 or not part else 1}f} %"


def listed(names: Iterable[str]) -> str:
    """
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def reversal_table(layers: Sequence[Layer]) -> Shown:
    """Each layer and way: cosine, the image's own part, class kept, and how much more its own weights give."""
    lines = []
    for layer in layers:
        for way in layer.by_batch:
            found = (str(layer.of(measure, way)) for measure in ("cosine", "specific", "kept"))
            less = "" if way in (OWN, OTHER_NET) else str(layer.above(way))
            lines.append([f"h{layer.number}", ALL_WAYS[way], *found, less])
    batches = layers[0].of("cosine").n
    head = ["code of", "sent down by", "cosine", "the image's own part", "class kept", "its own weights less this"]
    foot = f"Means and 95 % intervals over {batches} batches of images; of random nets, over {batches} nets."
    return Shown(table(head, lines) + f"<p class='rv-foot'>{foot}</p>")


def said(words: Iterable[str]) -> Shown:
    """A list of HTML, of each item the first sentence bold."""
    words, lines = list(words), ""
    for line in words:
        first, stop, rest = map(escape, line.replace(" %", "\N{NO-BREAK SPACE}%").partition(". "))
        lines += f"<li><strong>{first}{stop}</strong>{rest}</li>" if rest else f"<li>{first}</li>"
    return Shown(f"<ul>{lines}</ul>", words)
