"""Histograms as SVG: words fit where they stand, whatever a file calls its layers, and colours are told apart."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from reversible.show import histograms
from reversible.show.histograms import HEIGHT, NAME, WIDTH, WORD, Panel, fitted, inline, sheet
from reversible.spectra.pictures import Picture

SVG = "{http://www.w3.org/2000/svg}"
FONTS = {
    bold: FT2Font(font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight)))
    for bold, weight in ((False, "normal"), (True, "bold"))
}
LAW = np.column_stack([np.linspace(0.4, 2, 30), 10 * np.sin(np.linspace(0, np.pi, 30))])
DRAWN = Picture(3.0, np.arange(12), 4, 5.4321, np.array([2.3, 2.9]), LAW, 2.1)
BARE = Picture(1e-7, np.arange(12) * 12345, 0, 1e-7, np.zeros(0), np.zeros((0, 2)), None)
NAMES = (
    "fc", "model.layers.12.self_attn.q_proj", "bert.encoder.layer.11.attention.output.dense", "W" * 200, "m@M%" * 9,
    "a<b>&\"'", "\x00\x1b\ud800", "日本語の層" * 12, "",
)  # fmt: skip


def real_width(words, size, bold):
    font = FONTS[bold]
    font.set_size(size, 72)
    font.set_text(words)
    return sum(font.load_char(ord(letter)).linearHoriAdvance / 65536 for letter in words)


def boxes(group):
    """Of all words below an element: the words and their box, in its own coordinates."""
    found = []
    for text in group.iter(f"{SVG}text"):
        bold = "rv-name" in text.get("class", "")
        size = NAME if bold else WORD
        words = text.text or ""
        wide = real_width(words, size, bold) if words.isascii() else histograms._width(words, size, bold)
        shift = {"middle": wide / 2, "end": wide}.get(text.get("text-anchor", ""), 0)
        x, y = float(text.get("x", 0)) - shift, float(text.get("y", 0))
        found.append((words, (x, y - 0.76 * size, x + wide, y + 0.24 * size)))
    return found


def apart(one, other, slack=0.5):
    return (
        one[2] <= other[0] + slack or other[2] <= one[0] + slack
        or one[3] <= other[1] + slack or other[3] <= one[1] + slack
    )  # fmt: skip


@pytest.mark.parametrize("picture", [DRAWN, BARE, None])
@pytest.mark.parametrize("name", NAMES)
def test_words_of_a_panel_are_not_cut_off_and_do_not_collide(name, picture):
    drawn = sheet("net", [Panel(name, "12345 x 123456, tail, law undecided", picture, 123 if picture else None)])
    group = ET.fromstring(drawn).findall(f"{SVG}g")[-1]
    found = boxes(group)
    for words, box in found:
        assert box[0] >= 0, words
        assert box[2] <= WIDTH, words
        assert box[1] >= 0, words
        assert box[3] <= HEIGHT, words
    for (words, one), (others, other) in combinations(found, 2):
        assert apart(one, other), (words, others)


def test_the_judge_of_words_sees_what_is_wrong():
    assert not apart((0, 0, 10, 10), (8, 5, 20, 15))
    assert real_width("W" * 200, NAME, True) > WIDTH
    assert real_width(fitted("W" * 200, WIDTH, NAME, True), NAME, True) < WIDTH


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_panels_of_a_sheet_lie_beside_each_other(count):
    root = ET.fromstring(sheet("a file " * 40, [Panel(f"fc{i}", "3 x 4, spikes", DRAWN, 2) for i in range(count)]))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    places = [re.findall(r"[\d.]+", group.get("transform", "")) for group in root.findall(f"{SVG}g")][1:]
    corners = [(float(x), float(y)) for x, y in places]
    assert len(set(corners)) == count
    assert all(0 <= x <= width - WIDTH and 0 < y <= height - HEIGHT for x, y in corners)
    rectangles = [(x, y, x + WIDTH, y + HEIGHT) for x, y in corners]
    assert all(apart(one, other) for one, other in combinations(rectangles[:30], 2))
    key = root.findall(f"{SVG}g")[0]
    assert key.get("transform") == "translate(14 29)"
    below = 29 + max(float(re.findall(r"[\d.]+", group.get("transform", ""))[1]) for group in key)
    assert below + 4 < corners[0][1]
    assert max(box[2] for _, box in boxes(root)[:1]) < width


def test_a_part_of_a_page_says_in_words_what_is_seen():
    words = ET.fromstring(inline(Panel("f<c", "3 x 4, spikes", DRAWN, 2))).get("aria-label", "")
    assert words.startswith("f<c, 3 x 4, spikes: a histogram of singular values from 0 to 3, under the curve")
    assert words.endswith("2 spikes up to 5.43; 4 lie further right")


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(("dark", "ground"), [(False, "#ffffff"), (True, "#14181c")])
def test_words_and_lines_stand_out_from_the_ground(dark, ground):
    for name, colour in re.findall(r"rv-(word|less|told|law|edge|spike) \{ \w+: (#\w+)", histograms.style(dark)):
        light, shade = sorted((luminance(colour), luminance(ground)), reverse=True)
        assert (light + 0.05) / (shade + 0.05) >= (3 if name in ("spike", "law", "edge") else 4.5), name
