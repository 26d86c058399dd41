"""The front page: what was found, part by part, and the table of all claims, which the reader may filter.

`python -m reversible.book.front` brings the README's figure and its table in step with the records, and the picture
of the rooms in CONTRIBUTING.md with the library.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from reversible.base.checks import InputError
from reversible.base.files import write_atomically
from reversible.book import rooms
from reversible.book.cards import anchor, told, where_it_ran
from reversible.book.execute import parts
from reversible.papers import EXPERIMENTS
from reversible.records.claims import (
    NOT_REPRODUCED,
    NOT_TESTED,
    PARTLY,
    REPRODUCED,
    Verdict,
    judge_all,
    read_claims,
    records_of,
    refuse_changed_rules,
)
from reversible.records.record import book_folder
from reversible.show.html import Shown, badge, escape, table

CLAIMS = "<!-- table of claims -->", "<!-- end of the table -->"  # what stands around it in README.md
ROOMS = "<!-- rooms -->", "<!-- end of the rooms -->"  # and around the rooms' picture and table in CONTRIBUTING.md
STATUSES = (REPRODUCED, PARTLY, NOT_REPRODUCED, NOT_TESTED)


def verdicts() -> list[Verdict]:
    """All of the book's; InputError for a missing, altered or unfit record and for a rule that was changed."""
    book = book_folder()
    found = judge_all(read_claims(book), book / "results")
    refuse_changed_rules(found)
    return found


def found(of: list[Verdict]) -> Shown:
    """How many claims of each part of the book came out how; a chapter of no part is one of its own."""
    acts = parts(book_folder())
    counts: dict[str, Counter[str]] = {}
    for verdict in of:
        counts.setdefault(acts.get(verdict.claim.chapter, verdict.claim.chapter), Counter())[verdict.status] += 1
    rows = []
    for act, count in counts.items():
        words = " ".join(f"{count[status]}&nbsp;{badge(status)}" for status in STATUSES if count[status])
        rows.append(f"<li><strong>{escape(act)}</strong> {words}</li>")
    return Shown(f"<ul class='rv-found'>{''.join(rows)}</ul>", counts)


def claims_table(of: list[Verdict]) -> Shown:
    """Every claim with its verdict, its measures, the cell and the record they come from, and two filters above."""
    chapters = list(dict.fromkeys(verdict.claim.chapter for verdict in of))
    filters = _filter("chapter", chapters) + _filter("verdict", [s for s in STATUSES if s in {v.status for v in of}])
    head = ["claim", "in our words", "what we measured, and where"]
    marks = [{"chapter": verdict.claim.chapter, "verdict": verdict.status} for verdict in of]
    rows = table(head, [_row(verdict) for verdict in of], "rv-verdicts", marks)
    return Shown(f"<div class='rv-filters'>{filters}<output>{len(of)} claims</output></div>{rows}", of)


def _filter(name: str, values: list[str]) -> str:
    options = "".join(f"<option>{escape(value)}</option>" for value in values)
    return f"<label>{name} <select data-rv-filter='{name}'><option value=''>all</option>{options}</select></label>"


def _row(verdict: Verdict) -> list[str]:
    """Claim and verdict; our words and how they are known; the decisive measures, all that failed, and where it ran."""
    claim = verdict.claim
    name = f"<strong>{escape(claim.id)}</strong>"
    if claim.record:
        name = f"<a href='{escape(claim.chapter)}.html#{anchor(claim.id)}'>{name}</a>"
    name += f"<br>{told(verdict)}"
    words = f"{escape(claim.says)}<br><small>{escape(claim.source)}</small>"
    if verdict.record is None:
        return [name, words, escape(verdict.why)]
    shown = [row for i, row in enumerate(verdict.checks) if i < min(3, len(claim.must)) or not row[2]]
    measured = "<br>".join(
        f"{escape(EXPERIMENTS[claim.record].label(check.measure))}: {estimate}{'' if ok else ' ✗'}"
        for check, estimate, ok in shown
    )
    return [name, words, f"{measured}<br><small>{where_it_ran(verdict.record)}</small>"]


def markdown(of: list[Verdict]) -> str:
    """The claims as a Markdown table, for the README."""
    lines = ["| claim | in our words | found |", "|---|---|---|"]
    for verdict in of:
        found = verdict.status + (f" ({verdict.why})" if verdict.why else "")
        lines.append(f"| {verdict.claim.id} | {verdict.claim.says.replace('|', chr(92) + '|')} | {found} |")
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
