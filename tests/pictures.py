"""Figures as a page shows them: how wide each panel is in a column, and what is wrong with the words in it."""

import re
from itertools import combinations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from reversible.records.record import book_folder
from reversible.show.drawing import CSS_DPI

DESKTOP, MARGIN, PHONE = 672, 920, 340  # pixels a figure has on a page 1280 wide, there with the margin, and on a phone
SMALLEST = 9  # pixels of a label
REM, GAP, PADDING = 16, 9.6, 4  # pixels
CSS = (book_folder() / "_static" / "reversible.css").read_text()
ROOM = {  # the least and the largest width of a panel among others, in pixels, as the style says
    small: tuple(float(number) * REM for number in re.findall(pattern, CSS)[0])
    for small, pattern in (
        (False, r"\.rv-row img \{ flex: 1 1 ([\d.]+)rem; max-width: min\(([\d.]+)rem, 100%\)"),
        (True, r"\.rv-small img \{ flex-basis: ([\d.]+)rem; max-width: ([\d.]+)rem"),
    )
}


def rendered(panel, count, small, column):
    """The width of a panel's drawing in a column, in pixels, `count` panels a figure."""
    own = panel.get_figwidth() * CSS_DPI
    if count == 1:
        return min(own, column - 2 * PADDING)
    least, most = ROOM[small]
    beside = min(count, int((column + GAP) // (least + GAP)) or 1)
    return min(most, (column - GAP * (beside - 1)) / beside) - 2 * PADDING


class Looked:
    """A panel as it is drawn: the words that are seen in it, where they are, and how large."""

    def __init__(self, panel):
        FigureCanvasAgg(panel).draw()
        self.panel, hidden = panel, {words for ax in panel.axes for words in _beyond_the_limits(ax)}
        seen = [words for words in panel.findobj(Text) if words.get_visible() and words not in hidden]
        self.words = [words for words in seen if words.get_text().strip()]
        self.boxes = [(words.get_text(), words.get_window_extent()) for words in self.words]

    def smallest_label(self, width):
        """The height of the smallest words of the panel drawn so wide, in pixels."""
        scale = width / (self.panel.get_figwidth() * CSS_DPI)
        return min((words.get_fontsize() * CSS_DPI / 72 * scale for words in self.words), default=SMALLEST)

    def cut_off(self, slack=1):
        """Words that leave the panel."""
        whole = self.panel.bbox.padded(slack)
        return [text for text, box in self.boxes if not (_holds(whole, box.min) and _holds(whole, box.max))]

    def colliding(self, slack=1):
        """Pairs of words one of which lies on the other."""
        pairs = combinations(self.boxes, 2)
        return [(a, b) for (a, one), (b, other) in pairs if one.padded(-slack / 2).overlaps(other.padded(-slack / 2))]


def _beyond_the_limits(ax):
    """Labels of ticks that are there and are not drawn."""
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        low, high = low - 1e-9 * abs(low), high + 1e-9 * abs(high)
        drawn = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        inside = [tick for tick in drawn if low <= tick.get_loc() <= high]
        for tick in {*axis.majorTicks, *axis.minorTicks} - {*inside}:
            yield from (tick.label1, tick.label2)


def _holds(box, point):
    return box.contains(*point)
