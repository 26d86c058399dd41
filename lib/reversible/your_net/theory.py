"""A net of the reader's own beside the theory, in words: its assumption, random nets, laws, scale and offsets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reversible.base.estimates import Estimate
from reversible.spectra.matrix import Row
from reversible.spectra.verdicts import HEAVY_TAILED, RANDOM_LIKE, SPIKES, STRUCTURED, TAIL, UNEQUAL
from reversible.theory.depth import EDGE
from reversible.your_net.measures import CONTROLS, DEEPEST, OTHER_NET, OWN, Layer, one_more, side_of
from reversible.your_net.words import judged, listed, share

RIGHT_LENGTH = 1.1  # what comes back is too long or too short by a factor of this at most
AMONG = {1: "above", 0: "among", -1: "below"}


def theory_words(rows: Sequence[Row], layers: Sequence[Layer]) -> list[str]:
    """The assumption, random nets beside this one, laws, scale and offsets; last what follows from all."""
    there = [layer for layer in layers if not layer.dead]
    asked = (
        [
            _other_nets_words(there),
            *_map_words(there),
            *_step_words(there),
            *_own_law_words(there),
            _length_words(there),
            _offset_words(there),
        ]
        if there
        else []
    )
    return [_assumption_words(rows), *asked, _conclusion(rows, there)]


def _assumption_words(rows: Sequence[Row]) -> str:
    told = {
        "so, as far as can be seen": _kind(rows, RANDOM_LIKE),
        "so but for the scales of its rows and columns": _kind(rows, UNEQUAL),
        "so in the bulk, but not in the spikes": _kind(rows, SPIKES),
        "not": _kind(rows, HEAVY_TAILED, TAIL, STRUCTURED),
    }
    does = {1: "Layer {} does"}
    says = [f"{does.get(len(x), 'Layers {} do').format(listed(x))} {words}." for words, x in told.items() if x]
    none = "No layer of this net is large enough to say whether its weights do."
    return f"The theory asks for weights that look as if drawn at random. {' '.join(says) or none}"


def _kind(rows: Sequence[Row], *verdicts: str) -> list[str]:
    return [row.layer for row in judged(rows) if row.verdict in verdicts]


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
    if unknown := [x for x in layers if x.law is None and not x.on_maps]:
        says.append(f"The map does not cover {_codes(unknown)}: it knows {DEEPEST} layers at most, no negative pixels.")
    return says


ALIKE = {
    -1: "are more alike than random ones",
    0: "are not known to be more or less alike than random ones",
    1: "are less alike than random ones",
}


def _step_words(layers: Sequence[Layer]) -> list[str]:
    """Where a convolution stands at or below them there is no law of codes, but there is one of a single step."""
    there = [x for x in layers if x.on_maps]
    if not there:
        return []
    sides = {layer: _alike(layer) for layer in there}
    alike = [
        f"the weights of {_codes(x for x in there if sides[x] == side)} {ALIKE[side]}"
        for side in dict.fromkeys(sides.values())
    ]
    steps, what = [], "the cosine of that input and what comes back"
    for layer in there:
        own, gaussian = _step(layer, OWN), _step(layer, OTHER_NET)
        steps.append(f"For h{layer.number} {what} is {own}; with Gaussian weights of the same size it is {gaussian}.")
        what = "it"
    return [
        f"The map does not cover {_codes(there)}. It is about dense layers, and here a convolution stands at or below.",
        "One step down has a law of its own, which nearly holds for convolutions as well. The code of a layer is sent "
        f"down to the input of the same layer, and no further. {' '.join(steps)} The law is for rows of weights that "
        f"have nothing in common but what each has of the input; judged by it, {'; '.join(alike)}.",
    ]


LOSES = {
    1: "that is more than spikes, scales and a random rest would lose, so the rest is not random",
    0: "the rest of the weights might as well be random",
    -1: "that is less than spikes, scales and a random rest would lose, so the rest is not random, and it helps",
}


def _own_law_words(layers: Sequence[Layer]) -> list[str]:
    """A dense layer's own step down and up, beside the law that knows its spikes and scales and whose the codes are."""
    there = [(layer, layer.told) for layer in layers if layer.told]
    says = [
        f"h{layer.number} loses {told.measured} of them at the best scale, and {told.law.mean:.2g} by the law, told "
        f"{told.spikes} spikes: {LOSES[told.side]}."
        for layer, told in there
    ]
    what = "A layer's own codes, sent one step down and up, have a law that is told its spikes and scales."
    return [f"{what} Layer {' Layer '.join(says)}"] if says else []


def _step(layer: Layer, name: str) -> str:
    values = layer.steps[name]
    return f"{Estimate.of(values['cosine'])}, and {values['law'].mean():.3f} by the law"


def _alike(layer: Layer) -> int:
    """-1 where its own weights fall further below the law than Gaussian ones, batch by batch."""
    own, random = (layer.steps[name]["cosine"] - layer.steps[name]["law"] for name in (OWN, OTHER_NET))
    return side_of(one_more(Estimate.of(own - random)))


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
    shares = [(f"h{x.number}", share(x.negative), share(x.active)) for x in layers]
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
    if maps := [x for x in better if x.on_maps]:
        says.append(f"The theorems are about dense layers and do not cover {_codes(maps)}.")
    if far := [x for x in better if x not in inside and not x.on_maps]:
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
    whole, none = _kind(rows, RANDOM_LIKE), _kind(rows, HEAVY_TAILED, TAIL, STRUCTURED)
    bulk, unequal = _kind(rows, SPIKES), _kind(rows, UNEQUAL)
    if none and (whole or bulk or unequal):
        return "but some of these are not what the theory asks for, so the theory cannot be the whole reason"
    if none:
        return "but these are not what the theory asks for, so the theory is not the reason"
    if bulk or unequal:
        but = listed(what for what, which in (("spikes", bulk), ("scales", unequal)) if which)
        return f"and these are what the theory asks for except in their {but} (which may be the reason, or not)"
    return "and these are what the theory asks for" if whole else "though its layers are too small to judge them"


def _codes(layers: Iterable[Layer]) -> str:
    return listed(f"h{layer.number}" for layer in layers)
