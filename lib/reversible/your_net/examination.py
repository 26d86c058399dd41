"""All that this book can ask of a reader's net, in one call and on one page.

What is asked is `parts.PARTS`: each part needs something, measures, says and draws. A part that a net's kind does not
allow, or for which no time is left, is told in a line on the page and costs the others nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from reversible.base.checks import InputError, one_of, positive
from reversible.base.files import write_atomically
from reversible.your_net import page
from reversible.your_net.parts import PARTS, Part, Said
from reversible.your_net.subject import Subject
from reversible.your_net.words import listed, share

SHORT = 0.2  # seconds: a part as short tells nothing about how fast this machine is
FEW = 5  # classes that are named
NO_PICTURES = "pictures need matplotlib and seaborn: pip install 'reversible[book]'"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a part."""

    part: Part
    said: Said | None  # None where nothing was measured
    why: str  # nothing was measured, or nothing was drawn; "" where both were
    picture: str  # HTML
    measured: Any  # what the part itself measured, for those who want more than is said of it
    seconds: float


@dataclass(frozen=True, eq=False, repr=False)
class Examination:
    """What was found; print it, let a notebook show it, or save it as a page."""

    title: str
    facts: Sequence[str]  # of the net and its images
    outcomes: Sequence[Outcome]
    how: Sequence[str]  # it was measured
    book: str  # where the chapters are, see `examine`

    def __getitem__(self, name: str) -> Outcome:
        """The outcome of a part by its name."""
        return self.outcomes[[each.part.name for each in self.outcomes].index(one_of("part", name, _names()))]

    def __repr__(self) -> str:
        lines = [self.title, *(f"- {fact}" for fact in self.facts)]
        for each in self.outcomes:
            words = [each.said.sentence, each.said.random] if each.said else [_not_measured(each)]
            lines += ["", each.part.question, *(f"- {line}" for line in words if line)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return page.body(self.title, self.facts, self.outcomes, self.how, self.book, heading="p")

    def html(self) -> str:
        """One page of HTML that needs nothing from elsewhere."""
        return page.whole(self.title, self.facts, self.outcomes, self.how, self.book)

    def save(self, out: str | Path) -> Path:
        """Write the page, whole or not at all; InputError where that cannot be done."""
        path = _checked(out)
        write_atomically(path, self.html().encode("utf-8", "replace"))
        return path


def examine(
    model: Any, images: Any, labels: Any, out: str | Path | None = None, *,
    leave_out: Collection[str] = (), seconds: float = 120.0, sample: int = 1000, seed: int = 0, book: str = "",
) -> Examination:  # fmt: skip
    """Ask a net all that this book can ask, and write the answers as one page `out`, for reading without a network.

    `model` is a torch.nn.Module that gives scores (N, classes); it is copied, and looked at as it is in eval mode.
    `images` are as the model reads them and best such as it was not trained on, `labels` (N,) whole numbers from 0. Of
    more images than `sample` so many are drawn by the seed.

    Parts named in `leave_out` are not asked. No part is begun that, as far as is known before, would end later than
    after so many `seconds`; the page says which, and why a part cannot be asked of a net of this kind. `book` is the
    address of the folder with the chapters; links to them stand as if the page lay in it where it is "". On a terminal
    a bar shows how far it is. But for what time leaves out all is a function of what is given.

    Raises InputError for a model that cannot be copied, changes in eval mode or gives other than finite scores; images
    that do not fit it, and fewer than 8; labels that do not fit the images or the scores; and an `out` that cannot be
    written.
    """
    asked, limit = _asked(leave_out), positive("seconds", seconds)
    path = None if out is None else _checked(out)
    begun = time.monotonic()
    subject = Subject.of(model, images, labels, sample, seed)
    outcomes = list(_outcomes(subject, asked, limit, begun))
    found = Examination(_title(model), _facts(subject), outcomes, _how(subject, outcomes, begun), book)
    if path is not None:
        found.save(path)
    return found


def _names() -> list[str]:
    return [part.name for part in PARTS]


def _asked(leave_out: Collection[str]) -> list[Part]:
    names = [leave_out] if isinstance(leave_out, str) else leave_out
    left = {one_of("leave_out", name, _names()) for name in names}
    return [part for part in PARTS if part.name not in left]


def _checked(out: str | Path) -> Path:
    path = Path(out)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"out must be a file that ends in .html or .htm, not {str(path)!r}")
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"out must be a file in a folder that can be written, not {str(path)!r}")
    return path


# --- part by part -----------------------------------------------------------------------------------------------------


def _outcomes(subject: Subject, parts: Sequence[Part], limit: float, begun: float) -> Iterator[Outcome]:
    """One by one, each where it can be asked and there is time for it."""
    pace, spent, expected = 1.0, 0.0, 0.0  # seconds here for one that was foreseen
    draws = _can_draw()
    with tqdm(parts, desc="examine", unit="part", disable=None) as bar:
        for part in bar:
            bar.set_description_str(f"examine: {part.name}")
            start = time.monotonic()
            if why := part.why_not(subject):
                yield Outcome(part, None, why, "", None, 0.0)
                continue
            foreseen = part.seconds(subject)
            if start - begun + pace * foreseen > limit:
                why = f"it would take about {_about(pace * foreseen)}, and end later than after {limit:g} s"
                yield Outcome(part, None, why, "", None, 0.0)
                continue
            yield _outcome(part, subject, draws)
            spent, expected = spent + time.monotonic() - start, expected + foreseen
            pace = spent / expected if spent > SHORT else pace


def _can_draw() -> bool:
    """The libraries are there, and are imported before any time is taken."""
    if not (find_spec("matplotlib") and find_spec("seaborn")):
        return False
    import_module("reversible.show.drawing")
    return True


def _about(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _outcome(part: Part, subject: Subject, draws: bool) -> Outcome:
    """What a net's kind does not allow may show only while it is measured: then it is told as well."""
    start, picture, why = time.monotonic(), "", "" if draws else NO_PICTURES
    found = _tried(lambda: part.measure(subject))
    if isinstance(found, _Failed):
        return Outcome(part, None, found.why, "", None, time.monotonic() - start)
    if draws:
        shown = _tried(lambda: part.draw(found).content)
        picture, why = ("", f"no picture: {shown.why}") if isinstance(shown, _Failed) else (shown, "")
    return Outcome(part, part.say(found), why, picture, found, time.monotonic() - start)


@dataclass(frozen=True)
class _Failed:
    why: str


def _tried(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (InputError, MemoryError, np.linalg.LinAlgError, NotImplementedError, RuntimeError) as error:
        return _Failed((str(error).splitlines() or [type(error).__name__])[0].rstrip("."))


# --- in words ---------------------------------------------------------------------------------------------------------


def _title(model: Any) -> str:
    return f"A net examined: {type(model).__name__}"


def _facts(subject: Subject) -> list[str]:
    count, weights = len(subject.images), sum(p.numel() for p in subject.model.parameters())
    used = f"{count:,} images" if count == subject.given else f"{count:,} images, drawn from {subject.given:,},"
    shape = " × ".join(map(str, subject.images.shape[1:]))
    facts = [
        f"It has {weights:,} weights and tells {subject.classes} classes apart. It saw {used} of {shape} numbers.",
        f"To {share(subject.error)} of them it gives another class than their label. A net that gives all of them the "
        f"most frequent label would be wrong for {share(subject.guessed)}.",
    ]
    if absent := subject.absent:
        few = [str(label) for label in absent[:FEW]] + [f"{len(absent) - FEW} more"] * (len(absent) > FEW)
        facts.append(f"No image here has the label {listed(few)}, so nothing is told of it.")
    return facts


def _how(subject: Subject, outcomes: Sequence[Outcome], begun: float) -> list[str]:
    from reversible import __version__

    done = [f"{each.part.name} {each.seconds:.1f} s" for each in outcomes if each.said]
    took = f"It took {time.monotonic() - begun:.0f} s" + (f": {', '.join(done)}." if done else ".")
    return [f"Version {__version__} of reversible, seed {subject.seed}.", took]


def _not_measured(outcome: Outcome) -> str:
    return f"Not measured: {outcome.why}."
