"""The built pages as a browser sees them."""

import json
import re
from urllib.parse import unquote, urlsplit

import pytest

from accessible import violations
from reversible.book.cards import anchor
from reversible.book.execute import chapters
from reversible.records.claims import read_claims
from reversible.records.record import book_folder, read_record
from small_explorer import LINES, number, three_digits

BOOK = book_folder()
PAGES = ["index", *re.findall(r"- file: ([\w-]+)", (BOOK / "_toc.yml").read_text())]
EXECUTED = [name for name in chapters(BOOK) if name != "index"]
CHAPTERS = [name for name in EXECUTED if "chapter.ending()" in (BOOK / f"{name}.md").read_text()]
# How a line of a chapter begins that shows a figure.
DRAWS = re.compile(r"^(?:(?:figures|pictures|schematics)\.|chapter\.figure\()", re.M)
DRAWN = [name for name in CHAPTERS if DRAWS.search((BOOK / f"{name}.md").read_text())]
HEAVIEST = 2e6  # bytes of a page with all it loads, mathematics apart


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
        page.add_style_tag(content="* { transition: none !important }")  # a theme is there as soon as it is chosen
        seen[name] = (page, [*asked], [*complaints])  # as they are now, before tests change the page
    return seen


@pytest.mark.parametrize("name", PAGES)
def test_page_is_light(opened, served, site, name):
    urls = {unquote(urlsplit(url).path).lstrip("/") for url in opened[name][1] if url.startswith(served)}
    weights = {path: (site / path).stat().st_size for path in urls if "mathjax" not in path and (site / path).is_file()}
    assert sum(weights.values()) < HEAVIEST, sorted(weights.items(), key=lambda item: -item[1])[:5]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible(opened, name, theme):
    serious = [v for v in violations(opened[name][0], theme) if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["html"][:150] for n in v["nodes"][:3]]) for v in serious] == []


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


def test_every_page_with_claims_is_a_chapter_with_an_ending():
    claims = read_claims(BOOK)
    assert {claim.chapter for claim in claims} <= set(CHAPTERS)


@pytest.mark.parametrize("name", DRAWN)
def test_chapter_has_a_figure_a_record_and_its_mathematics_is_rendered(opened, site, name):
    page = opened[name][0]
    text = (site / "_sources" / f"{name}.md").read_text()
    assert page.locator("figure.rv-figure").count() == len(DRAWS.findall(text)) >= 1
    page.wait_for_selector("mjx-container")
    assert page.locator("mjx-container").count() >= 1
    assert page.locator("mjx-merror").count() == 0
    assert "\\lVert" not in page.inner_text("main")


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_says_how_long_it_ran_and_how_to_run_it(opened, site, name):
    page = opened[name][0]
    assert re.search(r"This page took \d+ (?:s|min) to run", page.inner_text("[data-rv=runtime]"))
    assert f"papermill book/{name}.md {name}.ipynb -p profile smoke --cwd book" in page.inner_text("main")
    href = page.get_attribute("[data-rv=downloads] a", "href")
    notebook = json.loads((site / href).read_text())
    assert any(cell.get("outputs") for cell in notebook["cells"])


@pytest.mark.parametrize("name", EXECUTED)
def test_numbers_in_the_prose_are_those_that_were_told(opened, site, name):
    """Glue takes 16,000 for a pair of numbers, (16, 0), where it is not told it as text."""
    cells = json.loads((site.parent / "executed" / f"{name}.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    told = {
        glued["name"]: output["data"][glued["mime_prefix"] + "text/plain"]
        for output in outputs
        if (glued := output.get("metadata", {}).get("scrapbook"))
    }
    asked = re.findall(r"\{glue:text\}`(\w+)`", (BOOK / f"{name}.md").read_text())
    shown = opened[name][0].eval_on_selector_all(".pasted-text", "spans => spans.map(span => span.textContent)")
    assert [repr(text) for text in shown] == ["".join(told[number]) for number in asked]


def test_every_claim_has_its_card_in_its_chapter(opened):
    for claim in read_claims(BOOK):
        assert opened[claim.chapter][0].locator(f"#{anchor(claim.id)} .rv-badge").count() == 1, claim.id


def test_front_page_has_a_row_and_a_verdict_for_every_claim(opened):
    page = opened["index"][0]
    claims = read_claims(BOOK)
    assert page.locator(".rv-verdicts tbody tr").count() == len(claims)
    assert page.locator(".rv-verdicts tbody .rv-badge").count() == len(claims)


def test_only_tables_that_scroll_take_the_keyboard(opened):
    for name in ("single-layer", "index"):
        page = opened[name][0]
        wrong = "[...document.querySelectorAll('.rv-scroll')].filter(b => (b.tabIndex === 0) !== " \
                "(b.scrollWidth > b.clientWidth || b.scrollHeight > b.clientHeight)).length"  # fmt: skip
        page.wait_for_function(f"{wrong} === 0", timeout=10_000)
        assert page.locator(".rv-scroll").count() >= 1
        assert page.locator(".rv-scroll:not([aria-label])").count() == 0


def test_on_a_phone_the_table_of_claims_is_still_a_table(opened):
    page = opened["index"][0]
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.get_by_role("columnheader").count() >= 3
    assert page.locator(".rv-verdicts").get_by_role("row").count() == len(read_claims(BOOK)) + 1
    page.set_viewport_size({"width": 1280, "height": 900})


def test_the_table_of_claims_is_filtered(opened):
    page = opened["index"][0]
    claims = read_claims(BOOK)
    page.select_option("[data-rv-filter=chapter]", "real-nets")
    expected = sum(claim.chapter == "real-nets" for claim in claims)
    assert page.locator(".rv-verdicts tbody tr:visible").count() == expected
    assert page.inner_text(".rv-filters output") == f"{expected} claims"
    page.select_option("[data-rv-filter=verdict]", "not reproduced or fails")
    badges = page.locator(".rv-verdicts tbody tr:visible .rv-badge").all_inner_texts()
    assert 0 < len(badges) < expected
    assert set(badges) <= {"not reproduced", "fails"}
    page.select_option("[data-rv-filter=chapter]", "")
    page.select_option("[data-rv-filter=verdict]", "")
    assert page.locator(".rv-verdicts tbody tr:visible").count() == len(claims)


def test_the_page_of_the_map_shows_the_explorer(browser, served, site):
    page = browser.new_page()
    page.goto(f"{served}/reversal-map.html")
    page.wait_for_selector(LINES)
    record = read_record(site / "law-grid.json")
    errors = {(*(c[key] for key in ("m", "k", "rho", "depth")), n): e
              for c, r in record.pairs()
              for n, e in zip(c["n"], r["errors"], strict=True)}  # fmt: skip
    assert number(page) == three_digits(errors[100, 5, 1.0, 2, 8000])
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_a_phone(opened, name):
    page = opened[name][0]
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 391
    wide = "[...document.querySelectorAll('.rv-figure img')].filter(i => i.getBoundingClientRect().right > 390).length"
    assert page.evaluate(wide) == 0
