"""Singular values under their law, drawn by hand as SVG: hundreds of panels in a second, in a file or in a page.

A panel is WIDTH x HEIGHT pixels: what it is of in up to three lines, a line on its spikes, then the histogram. Words
are cut to the room they have in a wide font, so that none are cut off nor collide in that one or in a narrower.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from reversible.show.html import Shown, escape
from reversible.spectra.pictures import Picture

WIDTH, HEIGHT = 272, 210
LEFT, RIGHT, TOP, BOTTOM = 40, 18, 68, 36  # what is left free around the frame of a histogram
GAP = 14  # between panels, and around all of them
COLUMNS = 6  # at most
LINE, NAME, WORD = 15, 11, 10.5  # pixels: from a line of words to the next, their sizes
FONT = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
WIDE = 1.14  # times the width of a word, where it is bold; single letters are up to 1.25 times as wide
ADVANCES = {0.41: " !'(),-./:;I[\\]ijlft|rJ", 0.56: '"*_`sz?cL', 0.66: "FkvxyPTYaoeESbdghnpqu$0123456789{}K"}
OTHER, FAR = 1.0, 1.1  # the width of other letters, and of those beyond Latin-1
COLOURS = {  # of things by their class, on a light ground and on a dark one
    "rv-ground": ("fill: #ffffff", "fill: none"),
    "rv-word": ("fill: #1b1b1b", "fill: #e8e8e8"),
    "rv-less": ("fill: #4d4d4d", "fill: #b8b8b8"),
    "rv-told": ("fill: #8f3d00", "fill: #ff9d5c"),
    "rv-count": ("fill: #a6cbe3", "fill: #2f5f80"),
    "rv-law": ("stroke: #01568a", "stroke: #7cc7f2"),
    "rv-edge": ("stroke: #595959", "stroke: #a8a8a8"),
    "rv-axis": ("stroke: #595959", "stroke: #a8a8a8"),
    "rv-spike": ("fill: #d55e00", "fill: #ff9d5c"),
}
DRAWN = (
    f"svg.rv text {{ font-family: {FONT}; font-size: {WORD}px; }} svg.rv .rv-name {{ font-size: {NAME}px; "
    "font-weight: bold; } svg.rv .rv-law { fill: none; stroke-width: 1.6; } svg.rv .rv-axis { stroke-width: 1; } "
    "svg.rv .rv-edge { stroke-width: 1.2; stroke-dasharray: 2 3; }"
)


@dataclass(frozen=True)
class Panel:
    """A picture with its words."""

    name: str
    says: str  # shape and verdict
    picture: Picture | None  # None: there is none, and `says` says why
    spikes: int | None = None


def style(dark: bool) -> str:
    """Colours of a drawing on a light ground or on a dark one."""
    return " ".join(f"svg.rv .{name} {{ {both[dark]}; }}" for name, both in COLOURS.items())


def sheet(title: str, panels: Sequence[Panel], columns: int | None = None) -> str:
    """All panels in one SVG file, which needs no other: a title, what is what, and a grid."""
    across = columns or min(COLUMNS, max(3, round(math.sqrt(1.5 * len(panels)))), len(panels))
    width = across * (WIDTH + GAP) + GAP
    key, below = _key(width)
    top = GAP + LINE + below + 8
    height = top + math.ceil(len(panels) / across) * (HEIGHT + GAP)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rv" {size}><title>{_clean(title)}</title>',
        f'<style>{DRAWN} {style(dark=False)}</style><rect class="rv-ground" width="{width}" height="{height}"/>',
        _text(GAP, GAP + 11, fitted(title, width - 2 * GAP, NAME, bold=True), "rv-word rv-name"),
        f'<g transform="translate({GAP} {GAP + LINE})">{key}</g>',
    ]
    for place, panel in enumerate(panels):
        x, y = GAP + place % across * (WIDTH + GAP), top + place // across * (HEIGHT + GAP)
        parts.append(f'<g transform="translate({x} {y})">{_panel(panel)}</g>')
    return "\n".join([*parts, "</svg>", ""])


def alone(panel: Panel) -> str:
    """A panel as an SVG file of its own, on a light ground and without a key."""
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    ground = f'<rect class="rv-ground" width="{WIDTH}" height="{HEIGHT}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rv" {size}><style>{DRAWN} {style(dark=False)}</style>'
        f"{ground}{_panel(panel)}</svg>"
    )


def images(panels: Sequence[Panel], caption: str) -> Shown:
    """Panels beside each other where there is room, as a figure of a notebook or a page."""
    sources = [f"data:image/svg+xml,{quote(alone(panel))}" for panel in panels]
    shown = zip(sources, (_label(panel) for panel in panels), strict=True)
    inside = "".join(f'<img src="{source}" width="{WIDTH}" height="{HEIGHT}" alt="{alt}">' for source, alt in shown)
    below = f"<figcaption>{escape(caption)}</figcaption>"
    return Shown(f'<figure class="rv-figure"><div class="rv-row">{inside}</div>{below}</figure>', list(panels))


def inline(panel: Panel) -> str:
    """A panel as a part of a page of HTML, with words for those who do not see it."""
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_label(panel)}"'
    return f'<svg class="rv" {box}>{_panel(panel)}</svg>'


def _label(panel: Panel) -> str:
    return _clean(f"{panel.name}, {panel.says}: {_alt(panel)}")


def shown(drawn: str, alt: str) -> Shown:
    """A sheet as a figure of a notebook."""
    image = f'<img src="data:image/svg+xml,{quote(drawn)}" alt="{_clean(alt)}">'
    return Shown(f'<figure class="rv-figure"><div class="rv-row">{image}</div></figure>', drawn)


def key() -> str:
    """What is what in a panel, as a part of a page."""
    drawn, below = _key(WIDTH + 2 * GAP)
    return f'<svg class="rv" viewBox="{-GAP} 0 {WIDTH + 2 * GAP} {below}" aria-hidden="true">{drawn}</svg>'


def fitted(words: str, room: float, size: float, bold: bool = False) -> str:
    """The words, or so much of their beginning and end as the room in pixels holds.

    >>> fitted("model.layers.12.self_attn.q_proj", 120, 10.5)
    'model.lay…n.q_proj'
    """
    if _width(words, size, bold) <= room:
        return words
    for kept in range(len(words) - 2, 0, -1):
        end = len(words) - kept // 2
        shorter = f"{words[: kept - kept // 2]}…{words[end:]}"
        if _width(shorter, size, bold) <= room:
            return shorter
    return ""


def _width(words: str, size: float, bold: bool = False) -> float:
    """Pixels that words need, rather too many than too few."""
    widths = {letter: wide for wide, letters in ADVANCES.items() for letter in letters}
    needed = sum(widths.get(letter, OTHER if letter < "\u0100" else FAR) for letter in words)
    return size * needed * (WIDE if bold else 1)


def _key(width: float) -> tuple[str, int]:
    """What is what, in as many lines as the width asks for, and how high that is."""
    things = (
        ('<rect class="rv-count" y="-9" width="16" height="10"/>', "singular values: how many lie in a bin"),
        ('<path class="rv-law" d="M0 -4H16"/>', "law of random matrices (Marchenko, Pastur)"),
        ('<path class="rv-edge" d="M8 -11V2"/>', "edge: what lies above is a spike"),
        ('<path class="rv-spike" d="M4 1h9l-4.5 -8z"/>', "spikes"),
    )
    x, y, parts = 0.0, LINE, list[str]()
    for mark, words in things:
        needed = 22 + _width(words, WORD)
        if x and x + needed > width - 2 * GAP:
            x, y = 0.0, y + LINE
        parts.append(f'<g transform="translate({x:.0f} {y})">{mark}{_text(22, 0, words)}</g>')
        x += needed + 18
    return "".join(parts), y + 6


def _panel(panel: Panel) -> str:
    """A panel at the origin: its words right above the frame."""
    told = [] if panel.picture is None else [(_told(panel), "rv-told" if panel.spikes else "rv-less")]
    lines = [*((name, "rv-word rv-name") for name in _in_two(panel.name)), (panel.says, "rv-word"), *told]
    top = TOP - 11 - LINE * (len(lines) - 1)
    parts = [f"<title>{_clean(f'{panel.name}, {panel.says}')}</title>"]
    for place, (words, css) in enumerate(lines):
        bold = "rv-name" in css
        parts.append(_text(2, top + LINE * place, fitted(words, WIDTH - 4, NAME if bold else WORD, bold), css))
    return "".join([*parts, _histogram(panel.picture) if panel.picture else ""])


def _in_two(name: str) -> list[str]:
    """A name in one line, or in two where it is too long."""
    first = next(n for n in range(len(name), -1, -1) if _width(name[:n], NAME, bold=True) <= WIDTH - 4)
    return list(filter(None, (name[:first], name[first:])))


def _told(panel: Panel) -> str:
    """On spikes, and on what the frame does not hold."""
    drawn = panel.picture
    assert drawn is not None
    beyond = f"; {drawn.beyond} lie{'s' if drawn.beyond == 1 else ''} further right" if drawn.beyond else ""
    law = "no law fits, values" if drawn.edge is None else "no spike, values"
    spikes = f"{panel.spikes} spike{'' if panel.spikes == 1 else 's'}" if panel.spikes else law
    return f"{spikes} up to {drawn.largest:.3g}{beyond}"


def _alt(panel: Panel) -> str:
    if panel.picture is None:
        return "nothing is drawn"
    law = ", under the curve of the law" if len(panel.picture.law) else ""
    return f"a histogram of singular values from 0 to {panel.picture.end:.3g}{law}; {_told(panel)}"


def _histogram(drawn: Picture) -> str:
    """The frame: bars, the law, the edge, triangles under the axis, and a few numbers on either side."""
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    most = max(float(drawn.counts.max()), float(drawn.law[:, 1].max(initial=0)), 1.0) * 1.05
    x, y = (lambda s: LEFT + wide * s / drawn.end), (lambda count: TOP + high * (1 - count / most))
    step, bottom = wide / len(drawn.counts), TOP + high
    bars = "".join(f"V{y(count):.1f}h{step:.3f}" for count in drawn.counts)
    parts = [f'<path class="rv-count" d="M{LEFT} {bottom}{bars}V{bottom}z"/>']
    if len(drawn.law):
        curve = "L".join(f"{x(s):.1f} {y(count):.1f}" for s, count in drawn.law)
        parts.append(f'<path class="rv-law" d="M{curve}"/>')
    if drawn.edge is not None and drawn.edge <= drawn.end:
        parts.append(f'<path class="rv-edge" d="M{x(drawn.edge):.1f} {TOP}V{bottom}"/>')
    parts.append(f'<path class="rv-axis" d="M{LEFT} {bottom}h{wide}"/>')
    if len(drawn.marks):
        triangles = "".join(f"M{x(s) - 3.5:.1f} {bottom + 8}h7l-3.5 -6.5z" for s in drawn.marks)
        parts.append(f'<path class="rv-spike" d="{triangles}"/>')
    parts += [_text(x(s), HEIGHT - 12, f"{s:g}", "rv-less", "middle") for s in ticks(drawn.end, 4)]
    parts += [_text(LEFT - 5, y(n) + 4, _thousands(n), "rv-less", "end") for n in ticks(most, 3) if n == int(n)]
    return "".join(parts)


def _thousands(count: float) -> str:
    return f"{count:.0f}" if count < 10_000 else f"{count / 1000:.0f}k"


def ticks(end: float, most: int) -> list[float]:
    """Round numbers from 0 to the end, `most` steps at most.

    >>> ticks(2.4, 4), ticks(0.11, 4)
    ([0.0, 1.0, 2.0], [0.0, 0.05, 0.1])
    """
    power = 10.0 ** math.floor(math.log10(end / most))
    step = next(times * power for times in (1, 2, 5, 10) if end / (times * power) <= most)
    return [float(f"{place * step:.6g}") for place in range(int(end / step + 1e-9) + 1)]


def _text(x: float, y: float, words: str, css: str = "rv-word", anchor: str = "") -> str:
    at = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}"{at}>{_clean(words)}</text>'


def _clean(words: str) -> str:
    """As XML has it, where not every letter may stand."""
    return escape(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", words))
