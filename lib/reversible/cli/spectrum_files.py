"""What `reversible spectrum` writes beside its lines: a drawing of the spectra, and a page with everything."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reversible.base.checks import InputError
from reversible.base.files import write_atomically
from reversible.cli.common import checked_out
from reversible.cli.spectrum_table import say

if TYPE_CHECKING:
    from reversible.show.histograms import Panel

PLOT_HELP = "draw the singular values of each matrix under the law of random ones, as SVG"
PAGE_HELP = "write one page of HTML with the table, the drawings and what they mean, for reading without a network"
MOST = 999  # panels in a file: more, and it takes long to open
SIX = 24  # panels of two nets: if there are more, two layers stand in a row
MEANS = {
    "bulk random-like": "the singular values follow the law of a random matrix, and none lies above its edge.",
    "spikes": "the bulk of the singular values follows the law of a random matrix, and a few lie above its edge.",
    "unequal scales": "rows or columns have scales of their own; divided by these, the matrix looks random.",
    "heavy-tailed": "many values lie above the edge of the bulk, and they fall off as slowly as a power law.",
    "structured": "the singular values do not follow the law of a random matrix.",
    "tail, law undecided": "many values lie above the edge of the bulk, and no one law is known for how they fall off.",
    "not judged": "there are too few singular values for a law to be tested.",
}


@dataclass(frozen=True)
class Section:
    """A matrix, or one before and after."""

    name: str
    sentences: Sequence[str]  # in each what comes first is the verdict
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Report:
    """What is written of one net or of two."""

    title: str
    source: str  # whose weights, for a drawing
    cells: list[list[str]]  # a head and a line a matrix
    sections: list[Section]
    summary: str
    verdicts: list[str]
    notes: list[str]
    left: list[str]  # out, and why
    how: Sequence[str]  # all of it was measured


def check(arguments: argparse.Namespace) -> None:
    """InputError where what is asked for could not be written, before anything is measured."""
    for option, out, endings in (("--plot", arguments.plot, (".svg",)), ("--html", arguments.html, (".html", ".htm"))):
        if out and out.suffix.lower() not in endings:
            raise InputError(f"{option} writes a file that ends in {' or '.join(endings)}, not {str(out)!r}")
        checked_out(out, option)


def write(arguments: argparse.Namespace, make: Callable[[], Report]) -> None:
    """The files that are asked for, whole or not at all."""
    if not (arguments.plot or arguments.html):
        return
    from reversible.show import histograms

    report = make()
    panels = [panel for section in report.sections for panel in section.panels]
    row = len(report.sections[0].panels)
    if len(panels) > MOST:
        say([f"drawn are the first {MOST // row} of {len(report.sections)} matrices; choose others with --layer"])
    if arguments.plot:
        across = (row if len(panels) <= SIX else 2 * row) if row > 1 else None
        content = histograms.sheet(report.source, panels[: MOST // row * row], across)
        write_atomically(arguments.plot, content.encode("utf-8", "replace"))
    if arguments.html:
        write_atomically(arguments.html, page(report).encode("utf-8", "replace"))


def page(report: Report) -> str:
    """One file of HTML, without a script and without anything from elsewhere."""
    from reversible.show import histograms
    from reversible.show.html import document, escape, table

    head, *lines = ([escape(cell) for cell in line] for line in report.cells)
    means = [f"<dt>{escape(v)}</dt><dd>{escape(MEANS[v])}</dd>" for v in MEANS if v in report.verdicts]
    drawn, sections = 0, []
    for section in report.sections:
        drawn += len(section.panels)
        sections.append(_section(section, drawn <= MOST))
    body = [
        f"<h1>{escape(report.title)}</h1>",
        f"<p>{escape(report.summary)}</p>",
        table(head, lines, "numbers"),
        f"<dl>{''.join(means)}</dl>",
        _listed("Notes", report.notes),
        _listed("Left out", report.left),
        f'<h2>Matrix by matrix</h2><div class="key">{histograms.key()}</div><div class="all">{"".join(sections)}</div>',
        _listed("How this was measured", report.how),
    ]
    colours = f"{histograms.style(dark=False)} @media (prefers-color-scheme: dark) {{ {histograms.style(dark=True)} }}"
    return document(report.title, f"{STYLE} {histograms.DRAWN} {colours}", "\n".join(filter(None, body)))


def _section(section: Section, drawn: bool) -> str:
    from reversible.show import histograms
    from reversible.show.html import escape

    pictures = "".join(histograms.inline(panel) for panel in section.panels) if drawn else ""
    words = ""
    for sentences in section.sentences:
        first, stop, rest = map(escape, sentences.partition(". "))
        words += f"<p><strong>{first}{stop}</strong>{rest}</p>"
    return f'<section><div class="row">{pictures}</div>{words}</section>'


def _listed(title: str, lines: Sequence[str]) -> str:
    from reversible.show.html import escape

    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>{title}</h2><ul>{items}</ul>" if items else ""


STYLE = """
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 1rem 0; }
dt { font-weight: 600; } dd { margin: 0; }
:is(th, td):is(:first-child, :nth-child(2), :last-child) { text-align: left; }
td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: min(5rem, 30vw); max-width: 20rem; }
.all { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); gap: 1rem 1.5rem; }
.key { margin-bottom: 1rem; }
section:has(svg + svg) { grid-column: 1 / -1; }
.row { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; } section p { margin: .3rem 0; font-size: .9rem; }
svg.rv { display: block; width: 21rem; max-width: 100%; height: auto; }
@media (max-width: 600px) { td:first-child { max-width: 8rem; } }
@media (max-width: 600px) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
"""
