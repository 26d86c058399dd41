"""What every figure of a paper is asked: its caption, its alt texts, the size of its labels, and that none collide.

A figure is a `Shown` as `show.drawing.show` makes it: its content is the page's HTML, its value the panels.
"""

import html
import re

import numpy as np

from pictures import DESKTOP, MARGIN, PHONE, SMALLEST, Looked, rendered


def captions(shown):
    return [html.unescape(words) for words in re.findall(r"<figcaption>([^<]*)</figcaption>", shown.content)]


def alts(shown):
    return [html.unescape(words) for words in re.findall(r' alt="([^"]*)"', shown.content)]


def check_caption(shown):
    """One to three sentences with a number, that call no panel left or right."""
    check_sentences(shown)
    for caption in captions(shown):
        assert not re.search(r"\b(left|right)(?! (median|place))\b|\bnan\b", caption), caption


def check_sentences(shown):
    """One to three sentences with a number; left and right may be said of places on an axis."""
    found = captions(shown)
    assert len(found) == shown.content.count("<figure ") >= 1
    for caption in found:
        assert re.search(r"\d", caption), caption
        assert re.fullmatch(r"[A-Z0-9].*[.]", caption), caption
        assert len(re.findall(r"[.](?: |$)", caption)) <= 3, caption
        assert 60 < len(caption) < 420, (len(caption), caption)


def check_alts(shown):
    """A text for each panel, and none of them the caption."""
    words = alts(shown)
    assert len(words) == shown.content.count("<img ") == len(shown.value)
    for alt in words:
        assert len(alt) >= 15
        assert not any(alt.rstrip(".") in caption or caption[:60] in alt for caption in captions(shown))


def check_labels(shown):
    """The smallest words are read on a desktop, in a margin and on a phone."""
    count = len(shown.value) // shown.content.count("<figure ")
    small = "rv-small" in shown.content
    columns = [DESKTOP, PHONE, *([MARGIN] if "rv-wide" in shown.content else [])]
    for panel in shown.value:
        looked = Looked(panel)
        for column in columns:
            assert looked.smallest_label(rendered(panel, count, small, column)) >= SMALLEST, column


def check_nothing_collides(shown):
    """No words are cut off, and none lie on others."""
    for panel in shown.value:
        looked = Looked(panel)
        assert looked.cut_off() == []
        assert looked.colliding() == []


def marked(panel, count=0):
    """The points of each series of a panel that has markers, of `count` points where that is given."""
    lines = [line for line in panel.axes[0].lines if line.get_marker() not in ("None", None, "none", "_", "|", "")]
    return [np.array(line.get_data(), float) for line in lines if count in (0, len(line.get_xdata()))]
