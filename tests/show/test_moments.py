"""A panel at several moments: a slider puts any of them in the first place, and without a script there are two."""

import pytest

from accessible import violations
from reversible.records.record import book_folder
from reversible.show import drawing

SAYS = ["before: 3 pieces", "half way: 50 % of <all>", "after: 2 pieces"]


@pytest.fixture(scope="module")
def moments():
    figures, axes = drawing.panels(3)
    for ax, words in zip(axes, SAYS, strict=True):
        ax.set_title(words)
    return drawing.show_moments(figures, ["the start", "half way", "the end"], SAYS, "moment", "Two of 3 moments.")


def opened(browser, moments, width=1000, **look):
    """The figure alone on a page."""
    context = browser.new_context(viewport={"width": width, "height": 800}, **look)
    page = context.new_page()
    script, style = ((book_folder() / "_static" / name).read_text() for name in ("moments.js", "reversible.css"))
    head = f"<meta charset='utf-8'><title>x</title><style>{style}</style><script>{script}</script>"
    body = f"<main>{moments.content}</main>"
    page.set_content(f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>")
    return page


def sources(page):
    return page.eval_on_selector_all("img", "images => images.map((image) => image.src)")


def test_without_a_script_the_first_and_the_last_are_seen(browser, moments):
    page = opened(browser, moments, java_script_enabled=False)
    seen = page.locator("img:visible")
    assert [seen.nth(place).get_attribute("alt") for place in range(seen.count())] == ["the start", "the end"]
    assert not page.locator("input").is_visible()
    page.context.close()


def test_the_slider_goes_through_all_moments_and_back(browser, moments):
    page = opened(browser, moments)
    first, middle, last = sources(page)
    assert len({first, middle, last}) == 3
    slider = page.locator("input")
    for key, wanted, words in (("ArrowRight", middle, SAYS[1]), ("End", last, SAYS[2]), ("Home", first, SAYS[0])):
        slider.press(key)
        assert sources(page) == [wanted, middle, last]
        words = words.replace(" %", "\N{NO-BREAK SPACE}%")
        assert page.locator("output").text_content() == slider.get_attribute("aria-valuetext") == words
        assert page.locator("img:visible").count() == 2
    assert page.locator("img").first.get_attribute("alt") == "the start"
    page.context.close()


def test_on_a_phone_one_is_seen_beside_the_slider(browser, moments):
    page = opened(browser, moments, width=390)
    assert page.locator("img:visible").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    serious = [v for v in violations(page, "light", ".rv-moments") if v["impact"] in ("serious", "critical")]
    assert [v["id"] for v in serious] == []
    page.context.close()
