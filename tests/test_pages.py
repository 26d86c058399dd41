"""The built pages as a browser sees them."""

from urllib.parse import unquote, urlsplit

import pytest

from reversible.build import chapters
from reversible.results import book_folder, read_claims

CHAPTERS = [name for name in chapters(book_folder()) if name != "index"]
PAGES = ["index", *CHAPTERS, "bibliography"]


@pytest.fixture(scope="module")
def opened(served, browser):
    """Each page opened once, with all it asked for and all it complained of."""
    seen = {}
    for name in PAGES:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        asked, complaints = [], []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("console", lambda m, c=complaints: c.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error, complaints=complaints: complaints.append(str(error)))
        page.goto(f"{served}/{name}.html", wait_until="networkidle")
        seen[name] = (page, asked, complaints)
    return seen


@pytest.mark.parametrize("name", PAGES)
def test_page_asks_nothing_of_the_network_and_complains_of_nothing(opened, served, name):
    _, asked, complaints = opened[name]
    assert [url for url in asked if not url.startswith((served, "data:", "blob:"))] == []
    assert complaints == []


@pytest.mark.parametrize("name", PAGES)
def test_images_are_whole_and_described(opened, name):
    page = opened[name][0]
    broken = page.evaluate(
        "[...document.images].filter(i => !i.complete || !i.naturalWidth || !i.alt && !i.ariaHidden)"
        ".map(i => i.outerHTML.slice(0, 200))"
    )
    assert broken == []


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(opened, served, site, name):
    page = opened[name][0]
    broken = []
    for href in page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.href)"):
        parts = urlsplit(href)
        if not href.startswith(served):
            continue
        target = site / (unquote(parts.path).lstrip("/") or "index.html")
        if not target.is_file():
            broken.append(href)
        elif parts.fragment and target.suffix == ".html":
            anchor = unquote(parts.fragment)
            text = target.read_text()
            if f'id="{anchor}"' not in text and f"id='{anchor}'" not in text:
                broken.append(href)
    assert broken == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_has_a_figure_a_record_and_its_mathematics_is_rendered(opened, site, name):
    page = opened[name][0]
    text = (site / "_sources" / f"{name}.md").read_text()
    assert page.locator("img.rv-figure").count() == text.count("figures.") >= 1
    page.wait_for_selector("mjx-container")
    assert page.locator("mjx-container").count() >= 1
    assert page.locator("mjx-merror").count() == 0
    assert "\\lVert" not in page.inner_text("main")


def test_every_claim_has_its_card_in_its_chapter(opened):
    for claim in read_claims(book_folder() / "claims.toml"):
        if claim.chapter in CHAPTERS:
            assert opened[claim.chapter][0].locator(f"[id='claim-{claim.id}'] .rv-badge").count() == 1, claim.id


def test_front_page_has_a_row_and_a_verdict_for_every_claim(opened):
    page = opened["index"][0]
    claims = read_claims(book_folder() / "claims.toml")
    assert page.locator(".rv-verdicts tbody tr").count() == len(claims)
    assert page.locator(".rv-verdicts tbody .rv-badge").count() == len(claims)


@pytest.mark.parametrize("name", ["index", *CHAPTERS])
def test_page_fits_a_phone(opened, name):
    page = opened[name][0]
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 391
