"""Pieces of HTML: what a notebook shows, tables, badges."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Shown:
    """A piece of HTML that a notebook displays."""

    content: str
    value: Any = field(default=None, repr=False)

    def _repr_html_(self) -> str:
        return self.content


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever is read most easily."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def badge(status: str, word: str = "") -> str:
    """A status as a coloured word, `word` where it is called otherwise."""
    return f"<span class='rv-badge rv-{status.replace(' ', '-')}'>{word or status}</span>"


def table(
    head: list[str], rows: list[list[str]], css: str = "rv-table", marks: list[dict[str, str]] | None = None
) -> str:
    """An HTML table in a box that scrolls where it is too wide; cells are HTML already; `marks`: data of each row."""
    top = "".join(f"<th scope='col'>{cell}</th>" for cell in head)
    body = ""
    for row, mark in zip(rows, marks or [{}] * len(rows), strict=True):
        data = "".join(f" data-{key}='{escape(value)}'" for key, value in mark.items())
        body += f"<tr{data}>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
    inside = f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    name = "table: " + re.sub("<[^>]*>", "", ", ".join(head)).replace("'", "&#x27;")
    box = f"class='rv-scroll' tabindex='0' role='group' aria-label='{name}'"
    return f"<div {box}><table class='{css}'>{inside}</table></div>"


def escape(text: str) -> str:
    return html.escape(text)


# --- a page by itself -------------------------------------------------------------------------------------------------

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --word: #1b1b1b; --line: #c8c8c8; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181c; --word: #e8e8e8; --line: #4a4f55; } }
body { margin: 0; background: var(--ground); color: var(--word); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 80rem; margin: 0 auto; padding: 1rem; }
h1, h2, p, li, dd, dt { overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin: 1.6rem 0 .5rem; }
.rv-scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 4px; }
table { border-collapse: collapse; min-width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .45rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
"""


def document(title: str, style: str, body: str) -> str:
    """A page of HTML with `STYLE`, by day and by night, and more of it; without a script or anything from elsewhere."""
    top = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f"<head>{top}<title>{escape(title)}</title><style>{STYLE} {style}</style></head>"
    return f'<!DOCTYPE html>\n<html lang="en">{head}<body><main>\n{body}\n</main></body></html>\n'
