"""The code that a reader drowns: what comes back in the browser follows the library's exact law."""

import numpy as np
import pytest

from accessible import violations
from reversible.papers.arora2015.drown import drowning_code
from reversible.records.record import book_folder
from reversible.theory import one_layer as laws


@pytest.fixture(scope="module")
def page(browser):
    """The widget alone on a page, as wide as a phone."""
    script, style = ((book_folder() / "_static" / name).read_text() for name in ("drown.js", "reversible.css"))
    page = browser.new_page(viewport={"width": 390, "height": 844})
    content = drowning_code().content
    head = f"<meta charset='utf-8'><title>x</title><style>{style}</style><script>{script}</script>"
    page.set_content(f"<!doctype html><html lang='en'><head>{head}</head><body><main>{content}</main></body></html>")
    yield page
    page.close()


def drag(page, **to):
    for name, value in to.items():
        page.eval_on_selector(
            f"[data-part='{name}']",
            "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
            str(value),
        )


@pytest.mark.parametrize(
    ("k", "t", "offset"), [(5, 2000, False), (5, 2000, True), (5, 100, False), (20, 500, True), (1, 20, False)]
)
def test_the_mean_error_is_the_exact_laws(page, k, t, offset):
    """The same draws in every browser; 4 % is four standard errors of the noisiest mean."""
    by_script = page.evaluate("([k, t, offset]) => window.rvDrown.mean(k, t, offset, 4000, 11)", [k, t, offset])
    b = laws.proof_offset(np.sqrt(k), t, 100, 1.0) if offset else 0.0
    assert by_script == pytest.approx(laws.relative_risk(np.ones(k), t, 100, 1.0, offset=b), rel=0.04)


def test_dragging_drowns_the_code_and_brings_it_back(page):
    said = {}
    for name, t in (("large", 4.3), ("small", 1.5)):
        drag(page, t=t)
        said[name] = (float(page.inner_text("[data-part='error']")), page.inner_text("[data-part='says']"))
    assert said["small"][0] > 5 * said["large"][0]
    assert said["small"][1].endswith("The code drowns.")
    assert said["large"][1].endswith("The code comes back.")
    assert page.inner_text("[data-part='t-is']") == "32"
    drag(page, k=12)
    dark = page.eval_on_selector_all("[data-part='code'] rect[fill-opacity='1.000']", "squares => squares.length")
    assert dark == 12


def test_drawing_again_gives_other_noise(page):
    drag(page, k=5, t=3)
    before = page.inner_html("[data-part='read']")
    page.click("[data-part='again']")
    assert page.inner_html("[data-part='read']") != before
    assert page.eval_on_selector_all("[data-part='read'] rect", "squares => squares.length") == 100


def test_it_fits_a_phone_and_is_accessible(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    serious = [v for v in violations(page, "light", ".rv-drown") if v["impact"] in ("serious", "critical")]
    assert [v["id"] for v in serious] == []
