"""Are the weights random-like? The spectrum of each matrix beside the law, and beside its own entries shuffled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reversible.base.checks import InputError
from reversible.show.html import Shown
from reversible.spectra import matrix as spectra
from reversible.spectra import verdicts
from reversible.spectra.pictures import Picture, picture
from reversible.spectra.weight_files import Layer, matrices, memory_needed, work_needed
from reversible.your_net.parts.part import Part, Said, with_weights
from reversible.your_net.subject import Subject
from reversible.your_net.words import judged, listed, spectrum_words

SECONDS = 2.5e-10  # for a unit of `work_needed`
MEMORY = 2**33  # bytes
DRAWN = 60  # matrices at most
KINDS = {
    verdicts.RANDOM_LIKE: "random-like",
    verdicts.SPIKES: "random-like except for spikes",
    verdicts.UNEQUAL: "random-like except for the scales of rows and columns",
    verdicts.HEAVY_TAILED: "not random-like but heavy-tailed",
    verdicts.TAIL: "not random-like, with a tail whose law cannot be told",
    verdicts.STRUCTURED: "not random-like but structured",
    verdicts.NOT_JUDGED: "too small to be judged",
}


@dataclass(frozen=True, eq=False)
class Measured:
    """Of each matrix a row and its picture, and of those that have none a line."""

    rows: Sequence[spectra.Row]
    pictures: Sequence[Picture]
    skipped: Sequence[str]


def measured(subject: Subject) -> Measured:
    """The Linear and convolutional layers of any model, as `reversible spectrum` measures them."""
    rows, drawn, skipped = [], [], []
    for name, weight in _weights(subject):
        ((_, matrix),) = matrices(Layer(name, weight.astype(float)))
        try:
            if memory_needed(matrix.shape, 8) > MEMORY:
                raise InputError(f"its {matrix.shape[0]} x {matrix.shape[1]} numbers need too much memory")
            row = spectra.analyse(matrix, seed=subject.seed)
        except (InputError, np.linalg.LinAlgError) as error:
            skipped.append(f"Of layer {name} nothing can be said: {error}.")
            continue
        rows.append(replace(row, layer=name))
        drawn.append(picture(matrix, row))
    if not rows:
        raise InputError(skipped[0].rstrip("."))
    return Measured(rows, drawn, skipped)


def _weights(subject: Subject) -> list[tuple[str, np.ndarray]]:
    return [(name, getattr(layer, "weight").detach().numpy()) for name, layer in subject.layers]  # noqa: B009


def _seconds(subject: Subject) -> float:
    shapes = [(len(weight), weight[0].size) for _, weight in _weights(subject)]
    return SECONDS * sum(map(work_needed, shapes))


# --- said and drawn ---------------------------------------------------------------------------------------------------


def said(found: Measured) -> Said:
    counts = Counter(row.verdict for row in found.rows)
    kinds = [f"{count} {'is' if count == 1 else 'are'} {KINDS[kind]}" for kind, count in counts.items()]
    matrices = "its one matrix" if len(found.rows) == 1 else f"its {len(found.rows)} matrices of weights"
    fits = judged(found.rows)
    random = "No matrix is large enough to be judged."
    if fits:
        far = max(row.nulls["permuted"].ks for row in fits)
        random = (
            "The matrices of a random net follow the law of random matrices, and none of their singular values lies "
            f"above the bulk. With the entries of this net in random order the distance from the law is {far:.3f} at "
            "most."
        )
    numbers = [line for row in found.rows for line in _numbers(row)]
    return Said(f"Of {matrices} {listed(kinds)}.", random, numbers, [*spectrum_words(found.rows), *found.skipped])


def _numbers(row: spectra.Row) -> list[tuple[str, str, str]]:
    own, null = row.measured, row.nulls["permuted"]
    return [
        (f"{row.layer}, distance from the law", f"{own.ks:.3f}", f"{null.ks:.3f}"),
        (f"{row.layer}, spikes", _count(own.n_spikes), _count(null.n_spikes)),
    ]


def _count(spikes: int | None) -> str:
    return "no bulk" if spikes is None else str(spikes)


def drawn(found: Measured) -> Shown:
    """A histogram for each matrix, the first of very many."""
    from reversible.show import histograms

    panels = [
        histograms.Panel(row.layer, f"{row.shape[0]} × {row.shape[1]}, {row.verdict}", picture, row.measured.n_spikes)
        for row, picture in zip(found.rows[:DRAWN], found.pictures[:DRAWN], strict=True)
    ]
    first = f" These are the first {DRAWN} of {len(found.rows)} matrices." if len(found.rows) > DRAWN else ""
    return histograms.images(
        panels,
        "Singular values of each matrix: how many lie in a bin (bars), and how many the law of random matrices has "
        f"there (line). What lies above the dotted edge is a spike (triangles).{first}",
    )


PART = Part(
    name="spectra", question="Are its weights random-like?", chapter="spectra",
    asks="The singular values of each matrix of weights are set beside the law of random matrices.",
    needs=(with_weights,), seconds=_seconds, measure=measured, say=said, draw=drawn,
)  # fmt: skip
