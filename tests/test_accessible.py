"""The check of the pages' colours: looking at a few texts of each way of painting finds what looking at all finds."""

import pytest

from accessible import ALIKE, violations

MANY = "".join(f"<p>One of many texts that are painted alike, number {i}.</p>" for i in range(200))
PAINTED = {
    "nothing": ("", []),
    "pale text": ("<p style='color: #aaa'>pale</p>", ["pale"]),
    "small pale text after large": (
        "<p style='color: #888; font-size: 30px'>large</p><p style='color: #888'>small</p>", ["small"],
    ),
    "a dark ground behind it": ("<div style='background: #333'><section><p>dark</p></section></div>", ["dark"]),
    "a clear part of a page": ("<div style='opacity: .4'><p>clear</p></div>", ["clear"]),
    "after many that are hidden": (
        "<p hidden style='color: #aaa'>no</p>" * ALIKE + "<p style='color: #aaa'>seen</p>", ["seen"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PAINTED)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_text_that_can_hardly_be_read_is_found_among_many(browser, case, theme):
    html, texts = PAINTED[case]
    page = browser.new_page()
    body = f"<main><h1>x</h1>{MANY}{html}{MANY}</main>"
    page.set_content(f"<!doctype html><html lang='en'><head><title>x</title></head><body>{body}</body></html>")
    found = [v for v in violations(page, theme) if v["id"] == "color-contrast"]
    assert [node["html"].split(">")[1].split("<")[0] for v in found for node in v["nodes"]] == texts
    assert page.locator("[data-looked-at]").count() <= 4 * ALIKE + 1
    page.close()
