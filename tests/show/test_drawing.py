"""Panels, captions and words at the ends of lines, whatever they show."""

import base64
import html
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from pictures import Looked
from reversible.show import drawing


def test_a_figure_is_its_panels_each_with_its_words_and_a_caption_below():
    figures, _ = drawing.panels(2)
    content = drawing.show(figures, ["left & low", "right"], "Up by 3% of <all>.").content
    assert content.startswith('<figure class="rv-figure"><div class="rv-row"><img src="data:image/svg+xml,')
    assert content.count(' alt="left &amp; low"') == content.count(' alt="right"') == 1
    assert html.unescape(content).endswith(
        "</div><figcaption>Up by 3\N{NO-BREAK SPACE}% of <all>.</figcaption></figure>"
    )
    assert "<all>" not in content
    with pytest.raises(ValueError, match="zip"):
        drawing.show(figures, ["one description of two"], "Words.")


@pytest.mark.parametrize(("count", "wide"), [(1, False), (2, False), (3, True), (4, False), (6, True)])
def test_rows_of_three_may_use_the_margin(count, wide):
    figures, _ = drawing.panels(count)
    assert ("rv-wide full-width" in drawing.show(figures, ["panel"] * count).content) == wide


def test_a_heavy_drawing_is_pixels_as_wide_as_the_drawing(monkeypatch):
    monkeypatch.setattr(drawing, "LARGEST", 1000)
    (figure,), _ = drawing.panels(1)
    content = drawing.show(figure, "pixels").content
    assert '<img src="data:image/png;base64,' in content
    assert f' width="{drawing.ALONE * drawing.CSS_DPI:.0f}" alt="pixels">' in content


@pytest.mark.parametrize("looks", [drawing.told_apart, drawing.by_size])
def test_series_are_told_apart_by_colour_and_by_marker(looks):
    found = [look for look, _ in looks(range(8))]
    assert len({tuple(np.ravel(look["color"])) for look in found}) == len({look["marker"] for look in found}) == 8
    with pytest.raises((IndexError, ValueError)):
        looks(range(9))


@pytest.mark.parametrize("heights", [[1, 1, 1], [0, 0.01, 0.02], [9.9, 10, 10], [2, 5, 5.1]])
def test_words_at_the_ends_of_lines_lie_beside_their_lines_and_not_on_each_other(heights):
    (figure,), (ax,) = drawing.panels(1)
    ax.set(ylim=(0, 10), xlim=(0, 1))
    drawing.label_ends(ax, [(height, f"line {i}", "C0") for i, height in enumerate(heights)])
    looked = Looked(figure)
    assert looked.colliding() == looked.cut_off() == []
    places = [words.get_position()[1] for words in ax.texts]
    assert [words.get_text() for words in ax.texts] == ["line 0", "line 1", "line 2"]
    assert np.abs(np.array(places) - np.array(heights) / 10).max() < 0.16
    assert 0 <= min(places) <= max(places) <= 1
    plt.close(figure)


def test_a_drawing_is_the_same_with_fewer_letters(browser):
    (figure,), (ax,) = drawing.panels(1)
    ax.plot([0.123456, 1], [0, 2], label="a & b < c")
    drawing.legend(ax)
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    content = drawing.show(figure, "a line").content
    source = content.split('src="')[1].split('"')[0]
    assert len(source) < 0.8 * len(base64.b64encode(written.getvalue().encode()))
    page = browser.new_page()
    shots = []
    for src in (source, f"data:image/svg+xml;base64,{base64.b64encode(written.getvalue().encode()).decode()}"):
        page.set_content(f'<img src="{src}">')
        page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth > 400")
        shots.append(np.asarray(Image.open(io.BytesIO(page.locator("img").screenshot())).convert("L"), float))
    page.close()
    assert shots[0].shape == shots[1].shape
    assert shots[0].min() < 100
    assert np.abs(shots[0] - shots[1]).mean() < 0.1
