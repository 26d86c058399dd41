"""An examination as HTML: a page by itself, or what a notebook shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reversible.show.html import document, escape, table
from reversible.your_net.words import said

if TYPE_CHECKING:
    from reversible.your_net.examination import Outcome

LARGEST = 1_900_000  # letters of a page: pictures that would make it longer are left out
HEAD = ["what", "this net", "a random net"]
FOOT = "Links lead to the chapters of the book, where this page lies beside them."


def whole(title: str, facts: Sequence[str], outcomes: Sequence[Outcome], how: Sequence[str], book: str) -> str:
    """One page without a script and without anything from elsewhere, shorter than LARGEST."""
    return document(title, STYLE, body(title, facts, outcomes, how, book, heading="h2"))


def body(
    title: str, facts: Sequence[str], outcomes: Sequence[Outcome], how: Sequence[str], book: str, heading: str
) -> str:
    """Of a page by itself (`heading` is h2), or of a cell (p), which has no headings that others would lead to."""
    alone = heading != "p"
    top = f"<h1>{escape(title)}</h1>" if alone else f"<p><strong>{escape(title)}</strong></p>"
    parts = [top, *(f"<p>{_percent(fact)}</p>" for fact in facts), _contents(outcomes) if alone else ""]
    room = LARGEST
    for outcome in outcomes:
        room -= len(outcome.picture)
        parts.append(_section(outcome, outcome.picture if room > 0 else "", book, heading))
    foot = [*how, *([] if book else [FOOT])]
    return "\n".join(filter(None, [*parts, "".join(f'<p class="rv-foot">{_percent(line)}</p>' for line in foot)]))


def _contents(outcomes: Sequence[Outcome]) -> str:
    """The questions, and which of them have no answer."""
    lines = ""
    for each in outcomes:
        left = "" if each.said else " <em>(not measured)</em>"
        lines += f'<li><a href="#{each.part.name}">{escape(each.part.question)}</a>{left}</li>'
    return f'<nav aria-label="questions"><ul>{lines}</ul></nav>'


def _section(outcome: Outcome, picture: str, book: str, heading: str) -> str:
    part, found = outcome.part, outcome.said
    title = escape(part.question)
    top = f'<h2 id="{part.name}">{title}</h2>' if heading == "h2" else f"<p><strong>{title}</strong></p>"
    link = f'<a href="{escape(_address(book, part.chapter))}">{escape(_chapter(part.chapter))}</a>'
    asks = f"<p>{escape(part.asks)} The chapter is {link}.</p>"
    if found is None:
        return f"<section>{top}<p>Not measured: {escape(outcome.why)}.</p>{asks}</section>"
    lost = "the page would be too long with it" if outcome.picture and not picture else outcome.why
    missing = f'<p class="rv-foot">No picture: {escape(lost.removeprefix("no picture: "))}.</p>' if lost else ""
    random = f"<p>{_percent(found.random)}</p>" if found.random else ""
    return (
        f"<section>{top}<p class='rv-answer'>{_bold(found.sentence)}</p>{picture}{missing}{random}{asks}"
        f"{_folded(outcome)}</section>"
    )


def _folded(outcome: Outcome) -> str:
    """Numbers and details, out of the way."""
    found = outcome.said
    assert found is not None
    lines = [[_percent(cell) for cell in line] for line in found.numbers]
    numbers = table(HEAD, lines, "rv-numbers") if lines else ""
    details = said(found.more).content if found.more else ""
    return f"<details><summary>Numbers and details</summary>{numbers}{details}</details>" if numbers or details else ""


def _bold(sentence: str) -> str:
    first, stop, rest = sentence.partition(". ")
    return f"<strong>{_percent(first + stop)}</strong>{_percent(rest)}"


def _percent(words: str) -> str:
    return escape(words).replace(" %", "\N{NO-BREAK SPACE}%")


def _address(book: str, chapter: str) -> str:
    return f"{book.rstrip('/')}/{chapter}.html" if book else f"{chapter}.html"


def _chapter(name: str) -> str:
    return name.replace("-", " ")


STYLE = """
main { max-width: 48rem; } a { color: #0b4aa8; } @media (prefers-color-scheme: dark) { a { color: #8fbcff; } }
section { border-top: 1px solid var(--line); margin-top: 1.5rem; } nav ul { padding-left: 1.2rem; }
.rv-answer { font-size: 1.08rem; } .rv-foot { font-size: .85rem; }
.rv-figure { margin: 1rem 0; } .rv-row { display: flex; flex-wrap: wrap; gap: .6rem; align-items: flex-start; }
.rv-row img { max-width: 100%; height: auto; box-sizing: border-box; background: #fff; border-radius: 4px; }
.rv-row img { padding: 4px; }
.rv-figure figcaption { font-size: .9rem; line-height: 1.45; margin-top: .4rem; }
details { margin: .8rem 0; } summary { cursor: pointer; } details ul { padding-left: 1.2rem; font-size: .9rem; }
:is(th, td):first-child { text-align: left; white-space: normal; min-width: 9rem; }
"""
