"""What measures are, in words: a table of names and labels, in which a part that many names share stands in braces."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from reversible.base.checks import InputError

PART = re.compile(r"\{(\w+)\}")


def labels(patterns: Mapping[str, str], **parts: Mapping[str, str]) -> Callable[[str], str]:
    """A function from the name of a measure to its label, for `Experiment.label`.

    `patterns` has names of measures and their labels. `{place}` in both stands for what the table `parts["place"]` has:
    in the name for one of its keys, in the label for that key's words. Where several patterns fit a name, the one with
    the most letters of its own is taken. The function raises InputError for a name that no pattern fits, as a measure
    without a label is a defect.

    >>> label = labels({"gain_{place}": "gain on {place}", "gain_all": "gain on average"}, place={"mnist": "MNIST"})
    >>> label("gain_mnist"), label("gain_all")
    ('gain on MNIST', 'gain on average')
    """
    by_own_letters = sorted(patterns, key=lambda pattern: -len(PART.sub("", pattern)))
    forms = [(_form(pattern, parts), patterns[pattern]) for pattern in by_own_letters]

    def label(measure: str) -> str:
        for form, words in forms:
            if found := form.fullmatch(measure):
                return words.format(**{part: parts[part][key] for part, key in found.groupdict().items()})
        raise InputError(f"a measure must have a label in words, and {measure!r} has none")

    return label


def _form(pattern: str, parts: Mapping[str, Mapping[str, str]]) -> re.Pattern[str]:
    """The names that a pattern stands for."""

    def one_of(part: re.Match[str]) -> str:
        keys = map(re.escape, parts[part[1]])
        return f"(?P<{part[1]}>{'|'.join(keys)})"

    return re.compile(PART.sub(one_of, pattern))


def score(what: str) -> str:
    """The label of a root mean square of standard scores of `what` against an exact law.

    >>> score("the gain")
    'root mean square standard score of the gain (about 1 where the law holds)'
    """
    return f"root mean square standard score of {what} (about 1 where the law holds)"
