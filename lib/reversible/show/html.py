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
