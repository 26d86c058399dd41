"""What readers come for, each on the built book in a browser: what was found, a claim that failed, how to run it."""

import re

import pytest

from reversible.records.claims import judge_all, read_claims
from reversible.records.record import book_folder

SCREEN, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def front(served, browser):
    page = browser.new_page(viewport=SCREEN)
    page.goto(f"{served}/index.html", wait_until="networkidle")
    yield page
    page.close()


def settled(page, target):
    """The page has scrolled to its target, which takes a browser as long as it likes."""
    page.wait_for_function("e => { const y = e.getBoundingClientRect().y; return -1 < y && y < innerHeight / 2; }",
                           arg=target.element_handle())  # fmt: skip


def test_what_was_found_is_in_the_first_screen_with_its_numbers(front):
    lines = front.locator(".rv-found li")
    assert 3 <= lines.count() <= 4
    for line in lines.all():
        box = line.bounding_box()
        assert box["y"] + box["height"] < SCREEN["height"]
        assert len(re.findall(r"\d", line.inner_text())) >= 3


def test_what_of_the_paper_was_at_hand_is_told_before_any_claim(front):
    at_hand = front.get_by_text("What was at hand").bounding_box()["y"]
    assert at_hand < front.locator(".rv-verdicts").bounding_box()["y"]
    assert at_hand < SCREEN["height"]


def test_a_claim_of_the_paper_that_failed_is_two_choices_and_a_click_away(front):
    book = book_folder()
    failed = [v.claim for v in judge_all(read_claims(book), book / "results")
              if v.claim.whose == "paper" and v.status == "not reproduced"]  # fmt: skip
    front.select_option("[data-rv-filter=whose]", "the paper's claim")
    front.select_option("[data-rv-filter=verdict]", "not reproduced or fails")
    links = front.locator(".rv-verdicts tbody tr:visible a")
    assert sorted(links.all_inner_texts()) == sorted(claim.id for claim in failed)
    links.first.click()
    card = front.locator(".rv-card:target")
    assert card.locator(".rv-badge").inner_text() == "not reproduced"
    settled(front, card)


def test_on_a_phone_the_claims_are_one_tap_away(front):
    front.set_viewport_size(PHONE)
    link = front.get_by_role("link", name="All claims and verdicts")
    assert link.bounding_box()["y"] < PHONE["height"]
    link.click()
    settled(front, front.locator("#all-claims"))


def test_how_to_install_and_run_is_one_click_away(front):
    front.locator("main").get_by_role("link", name="Run it", exact=True).click()
    text = front.inner_text("main")
    for says in ("Python 3.11", "make book", "make test", "papermill book/", "reversible run ", "--device cuda"):
        assert says in text, says
    assert "your checkout" in text or "git clone" in text


def test_every_chapter_says_how_it_is_run(front, served):
    front.goto(f"{served}/single-layer.html")
    assert "papermill book/single-layer.md single-layer.ipynb -p profile smoke --cwd book" in front.inner_text("main")


def test_a_net_of_ones_own_is_one_click_away(front):
    front.locator("main").get_by_role("link", name="Try your own net").click()
    assert "your_net" in front.inner_text("main")


SEARCHED = {"weight tying": "introduction", "state evolution": "depth-laws", "install": "run-it"}


@pytest.mark.parametrize("words", SEARCHED)
def test_search_finds_the_right_page_first(front, served, words):
    front.goto(f"{served}/search.html?q={words.replace(' ', '+')}")
    front.wait_for_selector("#search-results ul.search li a")
    first = front.locator("#search-results ul.search li a").first.get_attribute("href")
    assert first.partition("#")[0].partition("?")[0].removesuffix(".html") == SEARCHED[words]


def test_a_term_says_what_it_means_where_it_is_used(front, served):
    front.goto(f"{served}/introduction.html")
    terms = front.locator("a[data-rv-term]")
    assert terms.count() >= 3
    for term in terms.all():
        assert len(term.get_attribute("data-rv-term")) > 20
