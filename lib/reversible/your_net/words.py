"""A net of the reader's own, a torch.nn.Sequential: is it random-like, does it reverse, what does the theory say of it?

Sentences are chosen by rules on what was measured, never by hand. Of a reversal the rule is `RULE`; of weights it is
that of `spectra.verdict`, and a matrix with fewer than 32 singular values is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from reversible.base.checks import InputError
from reversible.base.estimates import Estimate
from reversible.nets.net import Net
from reversible.nets.reversal import compare
from reversible.show.html import Shown, escape, table
from reversible.spectra import matrix as spectra
from reversible.spectra.matrix import HEAVY_TAILED, RANDOM_LIKE, SPIKES, STRUCTURED, Row, verdict
from reversible.theory.depth import EDGE
from reversible.your_net.measures import (
    CONTROLS,
    DEEPEST,
    NEGLIGIBLE,
    WAYS,
    Layer,
    reverse,
    sent_down,
    side_of,
    spectra_of,
)

RULE = (
    "Better than with a control. Take more batches of images, each with one more draw of the control: in 95 of 100 of "
    f"them the cosine by the net's own weights is higher than by the control, by more than {NEGLIGIBLE:g}.",
    "Worse than with a control. In as many of them it is lower by more than that.",
    "No difference can be told. Neither of the two holds.",
    "Above, among or below random nets. The same comparison, with one more random net in the net's place.",
    "Numbers in brackets. They are 95 % intervals of means over batches of images; differences are paired by batch.",
)
RIGHT_LENGTH = 1.1  # what comes back is too long or too short by a factor of this at most


# --- are the weights random-like? -------------------------------------------------------------------------------------


def spectrum_words(rows: Sequence[Row]) -> list[str]:
    """Of each matrix: is it random-like, by how much not, and does that lie in the order of its entries?"""
    return [" ".join(filter(None, (_verdict_words(row), _order_words(row)))) for row in rows]


def _judged(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if min(row.shape_used) >= spectra.SMALLEST]


def _verdict_words(row: Row) -> str:
    m, p = row.measured, min(row.shape_used)
    name = f"Layer {row.layer} ({row.shape[0]} × {row.shape[1]})"
    if not _judged([row]):
        return f"{name} is too small to be judged. It has {p} singular values, and {spectra.SMALLEST} are needed."
    bulk, allowed = "The bulk of its singular values", spectra.BULK_FIT + 1 / p
    law = f"the law of random matrices (the distance is {m.ks:.3f}, and up to {allowed:.3f} is allowed)"
    lie = "lies above the bulk," if m.n_spikes == 1 else "lie above the bulk, the largest"
    out = f"{m.n_spikes} of its {p} singular values {lie} at {m.largest / m.edge_high:.1f} times its upper edge"
    too_many = f"As many as {out}; what is left is no bulk" if m.n_spikes > spectra.LARGEST_RANK * p else ""
    tail = f"The tail of their squares is like a power law with exponent {m.alpha or 0:.1f}"
    return {
        RANDOM_LIKE: f"{name} looks random-like. {bulk} follows {law}, and none lies above the bulk.",
        SPIKES: f"{name} is random-like except for its spikes. {bulk} follows {law}, but {out}.",
        HEAVY_TAILED: f"{name} is not random-like: its singular values are heavy-tailed. {tail}, and {out}.",
        STRUCTURED: f"{name} is not random-like: it has structure. {too_many or f'{bulk} does not follow {law}'}.",
    }[row.verdict]


def _order_words(row: Row) -> str:
    """Whether what sets it apart is gone when the entries are shuffled: it lies in their order, else in their size."""
    if not _judged([row]):
        return ""
    m, free, says = row.measured, row.nulls["permuted"], []
    shuffled, again = verdict(free, min(row.shape_used)), "Put in random order, the same entries"
    spikes = f"{free.n_spikes} spike{'' if free.n_spikes == 1 else 's'}"
    if row.verdict == SPIKES and 3 * free.n_spikes > m.n_spikes:
        half, other = ("", "not") if 3 * free.n_spikes >= 2 * m.n_spikes else ("partly ", "partly")
        says.append(f"{again} still have {spikes}, so the spikes come {half}from their size, {other} from their order.")
    elif row.verdict != RANDOM_LIKE and shuffled in (RANDOM_LIKE, SPIKES):
        found = "look random-like, so it is" if shuffled == RANDOM_LIKE else f"have only {spikes}, so it is mostly"
        says.append(f"{again} {found} their order that sets this layer apart, and that is structure.")
    elif row.verdict != RANDOM_LIKE:
        says.append(f"{again} are {shuffled}, so their size alone already sets this layer apart.")
    if (times := m.gram_rms / free.gram_rms) > spectra.CORRELATED:
        says.append(f"Its columns are correlated {times:.1f} times as strongly as with its entries in random order.")
    return " ".join(says)


# --- does the net reverse? --------------------------------------------------------------------------------------------


def reversal_words(layers: Sequence[Layer]) -> list[str]:
    """From each hidden layer: better than with the controls by `RULE`, by how much, and what of it is the image's."""
    return [" ".join(_reversal_words(layer)) for layer in layers]


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
        kept = [f"{_share(layer.of('kept', way).mean)} with {name}" for way, name in CONTROLS.items()]
        own = _share(layer.of("kept").mean)
        says.append(f"The net gives what comes down the class of the image for {own} of the images ({listed(kept)}).")
    if layer.empty:
        says.append(f"For {_share(layer.empty)} of the images no unit is active; their codes count as lost.")
    return says


def _compared(layer: Layer) -> str:
    """Better or worse than with which controls, and beside which that cannot be told."""
    names = {side: [name for way, name in CONTROLS.items() if layer.side(way) == side] for side in (1, -1, 0)}
    told = [f"{how} than with {listed(names[side])}" for side, how in ((1, "better"), (-1, "worse")) if names[side]]
    if not told:
        return f"From h{layer.number}, no difference can be told between its own weights and {listed(names[0])}."
    rest = f"; beside {listed(names[0])} no difference can be told" if names[0] else ""
    return f"From h{layer.number} the net reverses {' but '.join(told)}{rest}."


def _by(difference: Estimate) -> str:
    low, high = difference.ci95
    less = Estimate(-difference.mean, (-high, -low), difference.n)
    return f"{difference} more" if difference.mean >= 0 else f"{less} less"


def _share(part: float) -> str:
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
        for way, name in WAYS.items():
            found = (str(layer.of(measure, way)) for measure in ("cosine", "specific", "kept"))
            lines.append([f"h{layer.number}", name, *found, str(layer.above(way)) if way in CONTROLS else ""])
    batches = layers[0].of("cosine").n
    head = ["code of", "sent down by", "cosine", "the image's own part", "class kept", "its own weights less this"]
    foot = f"Means and 95 % intervals over {batches} batches of images; of random nets, over {batches} nets."
    return Shown(table(head, lines) + f"<p class='rv-foot'>{foot}</p>")


# --- what does the theory say of it? ----------------------------------------------------------------------------------

AMONG = {1: "above", 0: "among", -1: "below"}


def theory_words(rows: Sequence[Row], layers: Sequence[Layer]) -> list[str]:
    """The assumption, random nets beside this one, the map, scale and offsets; last what follows from all."""
    there = [layer for layer in layers if not layer.dead]
    asked = [_other_nets_words(there), *_map_words(there), _length_words(there), _offset_words(there)] if there else []
    return [_assumption_words(rows), *asked, _conclusion(rows, there)]


def _assumption_words(rows: Sequence[Row]) -> str:
    told = {
        "so, as far as can be seen": _kind(rows, RANDOM_LIKE),
        "so in the bulk, but not in the spikes": _kind(rows, SPIKES),
        "not": _kind(rows, HEAVY_TAILED, STRUCTURED),
    }
    does = {1: "Layer {} does"}
    says = [f"{does.get(len(x), 'Layers {} do').format(listed(x))} {words}." for words, x in told.items() if x]
    none = "No layer of this net is large enough to say whether its weights do."
    return f"The theory asks for weights that look as if drawn at random. {' '.join(says) or none}"


def _kind(rows: Sequence[Row], *verdicts: str) -> list[str]:
    return [row.layer for row in _judged(rows) if row.verdict in verdicts]


def _other_nets_words(layers: Sequence[Layer]) -> str:
    sides = {layer: (layer.beside("cosine"), layer.beside("specific")) for layer in layers}
    says = [
        f"for {_codes(x for x in layers if sides[x] == pair)} its cosine is {AMONG[pair[0]]} theirs, and the image's "
        f"own part is {AMONG[pair[1]]} theirs"
        for pair in dict.fromkeys(sides.values())
    ]
    return f"Compare it with random nets (Gaussian weights of the same size, the same biases): {'; '.join(says)}."


def _map_words(layers: Sequence[Layer]) -> list[str]:
    inside, outside = (_codes_by_law(layers, place) for place in (True, False))
    says = []
    for where, those in (("inside", inside), ("outside", outside)):
        if those:
            laws, lost = listed(f"{x.law:.2f}" for x in those), listed(str(x.of("scaled_error")) for x in those)
            says.append(
                f"The codes of {listed(map(_place, those))} lie {where} the map's line. Of such codes a random net "
                f"loses {laws}, by the law; at the best scale this net loses {lost}."
            )
    if outside and all(x.of("scaled_error").mean < (x.law or 0) for x in outside):
        says[-1] += " It loses less, for its codes are aligned with the weights that made them."
    if unknown := [x for x in layers if x.law is None]:
        says.append(f"The map does not cover {_codes(unknown)}: it knows {DEEPEST} layers at most, no negative pixels.")
    return says


def _codes_by_law(layers: Sequence[Layer], inside: bool) -> list[Layer]:
    return [x for x in layers if x.law is not None and (x.law <= EDGE) == inside]


def _place(layer: Layer) -> str:
    k, t = len(layer.typical), layer.below
    return f"h{layer.number} (k/t = {k}/{t} = {k / t:.2g})"


def _length_words(layers: Sequence[Layer]) -> str:
    says = []
    for layer in layers:
        scale = layer.of("scale").mean
        times = max(scale, 1 / scale) if scale > 0 else 0.0
        wrong = f"{times:,.{1 if times < 10 else 0}f} times too {'long' if scale < 1 else 'short'}"
        fits = "in a wrong direction" if not times else "in the right length" if times <= RIGHT_LENGTH else wrong
        says.append(f"the codes of h{layer.number} come back {fits}")
    return f"At the theory's scale, {listed(says)}."


def _offset_words(layers: Sequence[Layer]) -> str:
    shares = [(f"h{x.number}", _share(x.negative), _share(x.active)) for x in layers]
    says = [f"{below} of the biases of {h} are negative and {on} of its units active" for h, below, on in shares]
    return f"The theory has negative offsets and few active units. Here {'; '.join(says)}."


def _conclusion(rows: Sequence[Row], layers: Sequence[Layer]) -> str:
    better = [x for x in layers if all(x.side(way) == 1 for way in CONTROLS)]
    if not better:
        return "In short, no code comes back better than with other weights, and there is nothing here to explain."
    inside = _codes_by_law(better, True)
    beside = {words: [x for x in better if _beside_words(x) == words] for words in map(_beside_words, better)}
    says = [f"For {_codes(those)}, {words}." for words, those in beside.items()]
    says += [f"The codes of {_codes(inside)} are sparse enough for the theorems."] if inside else []
    if far := [x for x in better if x not in inside]:
        says.append(f"The theorems do not cover {_codes(far)}: they need sparser codes or wider layers.")
    return (
        f"In short, from {_codes(better)} the net reverses by its own weights, {_weights_words(rows)}. {' '.join(says)}"
    )


def _beside_words(layer: Layer) -> str:
    whole, own = layer.beside("cosine"), layer.beside("specific")
    if whole * own < 0:
        part, other = ("more", "less") if whole > 0 else ("less", "more")
        return f"{part} comes back than from random nets in its place, but {other} of it is the image's own"
    if 1 in (whole, own):
        return "more comes back than from random nets in its place, and the theory does not explain that"
    return f"random nets in its place do {'better' if -1 in (whole, own) else 'as well'}"


def _weights_words(rows: Sequence[Row]) -> str:
    whole, bulk, none = _kind(rows, RANDOM_LIKE), _kind(rows, SPIKES), _kind(rows, HEAVY_TAILED, STRUCTURED)
    if none and (whole or bulk):
        return "but some of these are not what the theory asks for, so the theory cannot be the whole reason"
    if none:
        return "but these are not what the theory asks for, so the theory is not the reason"
    if bulk:
        return "and these are what the theory asks for except in their spikes (which may be the reason, or not)"
    return "and these are what the theory asks for" if whole else "though its layers are too small to judge them"


def _codes(layers: Iterable[Layer]) -> str:
    return listed(f"h{layer.number}" for layer in layers)


# --- all of it --------------------------------------------------------------------------------------------------------


def said(words: Iterable[str]) -> Shown:
    """A list of HTML, of each item the first sentence bold."""
    words, lines = list(words), ""
    for line in words:
        first, stop, rest = map(escape, line.replace(" %", "\N{NO-BREAK SPACE}%").partition(". "))
        lines += f"<li><strong>{first}{stop}</strong>{rest}</li>" if rest else f"<li>{first}</li>"
    return Shown(f"<ul>{lines}</ul>", words)


def pictures(model: nn.Sequential | Net, images: Any, count: int = 6, seed: int = 0) -> tuple[Any, str, str]:
    """What comes down from the first and the last hidden layer by each way, as `drawing.show` takes it.

    That is the figure, what it looks like, and what to see. InputError for images that are not square and grey.
    """
    from reversible.show.drawing import image_rows

    lines = sent_down(model, images, count, seed)
    x = lines[0][1]
    side = round(x.shape[1] ** 0.5)
    if side * side != x.shape[1]:
        raise InputError(f"images must be square and grey to be drawn, not of {x.shape[1]} numbers each")
    cosines = [f"{' '.join(label.split())} {float(compare(x, y).cosine.mean()):.2f}" for label, y in lines[1:]]
    drawn = [(label, (y - y.amin(1, keepdim=True).clamp(max=0)).numpy()) for label, y in lines]  # from zero up
    alt = f"Rows of {len(x)} images: the images themselves, then what comes down of their codes by each way."
    seen = f"{len(x)} images (top row) and what comes down of their codes. Mean cosines with the images: "
    return image_rows(drawn, side), alt, f"{seen}{', '.join(cosines)}."


@dataclass(frozen=True, eq=False)
class Reading:
    """All that is measured on a net, and said of it; print it, or let a notebook show it."""

    rows: list[Row]
    skipped: list[str]  # a line for each matrix of which nothing can be said
    layers: list[Layer]

    def words(self) -> dict[str, list[str]]:
        """Sentences by heading."""
        return {
            "Are its weights random-like?": [*spectrum_words(self.rows), *self.skipped],
            "Does it reverse?": reversal_words(self.layers),
            "What does the theory say of it?": theory_words(self.rows, self.layers),
        }

    def __str__(self) -> str:
        return "\n\n".join("\n".join([head, *(f"- {line}" for line in lines)]) for head, lines in self.words().items())

    def _repr_html_(self) -> str:
        parts = [f"<p><strong>{head}</strong></p>{said(lines).content}" for head, lines in self.words().items()]
        return "".join(parts) + reversal_table(self.layers).content


def read(model: nn.Sequential, images: Any, batches: int = 20, seed: int = 0) -> Reading:
    """Measure a model by `spectra_of` and `reverse`, which say what is refused, and find the words for it."""
    layers, (rows, skipped) = reverse(model, images, batches, seed), spectra_of(model)
    return Reading(rows, skipped, layers)
