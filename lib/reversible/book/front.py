"""The front page: what was found, how many claims came out how, and the table of all claims.

`python -m reversible.book.front` brings the README's figure and its table in step with the records, and the picture
of the rooms in CONTRIBUTING.md with the library.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from reversible.base.checks import InputError
from reversible.base.files import write_atomically
from reversible.book import rooms
from reversible.book.cards import anchor, told
from reversible.papers import Paper, papers
from reversible.records import words
from reversible.records.claims import (
    STATUSES,
    WHOSE,
    Finding,
    Verdict,
    judge_all,
    read_claims,
    read_findings,
    records_of,
    refuse_changed_rules,
)
from reversible.records.record import book_folder
from reversible.show.html import Shown, badge, escape, table

CLAIMS = "<!-- table of claims -->", "<!-- end of the table -->"  # what stands around it in README.md
ROOMS = "<!-- rooms -->", "<!-- end of the rooms -->"  # and around the rooms' picture and table in CONTRIBUTING.md


def verdicts() -> list[Verdict]:
    """All of the book's; InputError for a missing, altered or unfit record and for a rule that was changed."""
    book = book_folder()
    found = judge_all(read_claims(book), book / "results")
    refuse_changed_rules(found)
    return found


def findings(of: list[Verdict]) -> Shown:
    """What was found on the whole, in a few sentences; InputError where a verdict that they rest on has changed."""
    said = [words.told(finding, of) for finding in read_findings(book_folder()) if finding.lead]
    return Shown("<ul class='rv-found'>" + "".join(f"<li>{_bold(line)}</li>" for line in said) + "</ul>", said)


def _bold(line: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(line))


def by_paper(of: list[Verdict]) -> Shown:
    """Of each paper what was at hand, what else was found, its chapters, and how many claims came out how.

    The paper's own claims, its neighbours', our extensions and our controls are counted apart. InputError as in
    `findings`.
    """
    counted: dict[tuple[str, str], Counter[str]] = {}
    for verdict in words.in_order(of):
        counted.setdefault((verdict.claim.paper, verdict.claim.whose), Counter())[verdict.status] += 1
    lines, known, found = [], {paper.key: paper for paper in papers()}, read_findings(book_folder())
    for paper in dict.fromkeys(paper for paper, _ in counted):
        lines += _about(known[paper], found, of) if paper in known else [f"<p><strong>{escape(paper)}</strong></p>"]
        lines.append("<dl class='rv-counts'>")
        for whose in (whose for key, whose in counted if key == paper):
            count = counted[paper, whose]
            badges = " ".join(
                f"<span>{count[s]} {badge(s, words.called(whose, s))}</span>" for s in STATUSES if count[s]
            )
            lines.append(f"<dt>{OF[whose]}</dt><dd>{badges}</dd>")
        lines.append("</dl>")
    return Shown("".join(lines), counted)


def _about(paper: Paper, found: list[Finding], of: list[Verdict]) -> list[str]:
    """Its name, what of it was at hand, what was found and does not stand on top, and its chapters."""
    chapters = dict.fromkeys(escape(v.claim.chapter) for v in of if v.claim.paper == paper.key)
    links = "; ".join(f"<a href='{name}.html'>{escape(_title(name))}</a>" for name in chapters)
    head = f"<p><strong>{escape(paper.short)}.</strong> <cite>{escape(paper.title)}.</cite> {escape(paper.at_hand)}</p>"
    said = [finding for finding in found if finding.paper == paper.key and not finding.lead]
    return [head, *(f"<p>{_bold(words.told(finding, of))}</p>" for finding in said), f"<p>Chapters: {links}.</p>"]


def _title(chapter: str) -> str:
    """What the chapter is called."""
    found = re.search(r"^# (.+)$", (book_folder() / f"{chapter}.md").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else chapter


OF = {
    "paper": "the paper's own claims", "neighbour": "claims of neighbouring papers", "extension": "our extensions",
    "control": "our controls",
}  # fmt: skip
FILTERS = {  # what the table is filtered by: of a verdict, as the reader sees it
    "paper": lambda v: {known.key: known.short for known in papers()}.get(v.claim.paper, v.claim.paper),
    "whose": lambda v: WHOSE[v.claim.whose],
    "verdict": lambda v: _both(v.status),
    "chapter": lambda v: v.claim.chapter,
}


def claims_table(of: list[Verdict]) -> Shown:
    """Every claim with its verdict and what was found, the papers' own first, and filters above."""
    of = words.in_order(of)
    marks = [{name: read(verdict) for name, read in FILTERS.items()} for verdict in of]
    values = {name: list(dict.fromkeys(mark[name] for mark in marks)) for name in FILTERS}
    values["verdict"] = [word for word in map(_both, STATUSES) if word in values["verdict"]]
    filters = "".join(_filter(name, several) for name, several in values.items() if len(several) > 1)
    rows = table(["verdict", "the claim, in our words", "what we found"], [*map(_row, of)], "rv-verdicts", marks)
    return Shown(f"<div class='rv-filters'>{filters}<output>{len(of)} claims</output></div>{rows}", of)


def _both(status: str) -> str:
    """A verdict as it is called of a paper's claim, and of ours where that is another word."""
    return " or ".join(dict.fromkeys(words.called(whose, status) for whose in WHOSE))


def _filter(name: str, values: list[str]) -> str:
    options = "".join(f"<option>{escape(value)}</option>" for value in values)
    return f"<label>{name} <select data-rv-filter='{name}'><option value=''>all</option>{options}</select></label>"


def _row(verdict: Verdict) -> list[str]:
    """Verdict and claim, our words and how they are known, and what was found."""
    claim = verdict.claim
    name = f"<a href='{escape(claim.chapter)}.html#{anchor(claim.id)}'>{escape(claim.id)}</a>"
    if not claim.record:
        name = escape(claim.id)
    says = f"{escape(claim.says)}<br><small>{WHOSE[claim.whose]}; {escape(claim.source)}</small>"
    return [f"{told(verdict)}<br><small>{name}</small>", says, escape(words.sentence(verdict))]


def markdown(of: list[Verdict]) -> str:
    """The claims as a Markdown table, for the README."""
    lines = ["| claim | in our words | verdict | what we found |", "|---|---|---|---|"]
    for verdict in words.in_order(of):
        claim = verdict.claim
        cells = (claim.id, claim.says, words.called(claim.whose, verdict.status), words.sentence(verdict))
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def in_step(text: str, marks: tuple[str, str], content: str) -> str:
    """A text with what stands between its two marks as it is now; InputError where it has no such place."""
    begins, ends = marks
    if begins not in text or ends not in text.split(begins, 1)[1]:
        raise InputError(f"there is no place for what is written by itself: {begins}, then {ends}")
    before, rest = text.split(begins, 1)
    return f"{before}{begins}\n{content}\n{ends}{rest.split(ends, 1)[1]}"


def kept_in_step(root: Path) -> dict[Path, str]:
    """The files of the checkout `root` that are written by themselves, in whole or in part, as they should be now."""
    from reversible.papers.arora2015.figures.overview import banner

    readme, contributing, of = root / "README.md", root / "CONTRIBUTING.md", verdicts()
    house = f"{rooms.picture()}\n\n{rooms.table()}"
    return {
        root / "book" / "_static" / "story.svg": banner(records_of(of)),
        readme: in_step(readme.read_text(encoding="utf-8"), CLAIMS, markdown(of)),
        contributing: in_step(contributing.read_text(encoding="utf-8"), ROOMS, house),
    }


def main() -> int:
    """`python -m reversible.book.front`: write them again, all or none."""
    try:
        texts = kept_in_step(book_folder().resolve().parent)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    for file, text in texts.items():
        write_atomically(file, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
