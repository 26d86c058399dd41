"""A net examined in one call: what is left out and why, and the page that comes of it."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch.nn import Linear, Sequential, Tanh

import reversible
from accessible import violations
from helpers import refusal
from once import made_once
from reversible import your_net
from reversible.base.checks import InputError
from reversible.records.record import book_folder
from reversible.your_net import examination, page
from reversible.your_net.parts import PARTS, Part, Said
from your_nets import LABELS, UNSEEN, plain, trained

pytestmark = pytest.mark.usefixtures("seeded")
NAMES = [part.name for part in PARTS]


@pytest.fixture(scope="module")
def found():
    with made_once("an examination"), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return reversible.examine(trained(plain(64, 40, 33, 10), 100), UNSEEN, LABELS)


def made_up(name, measure=lambda _: 7, seconds=0.0, **other):
    """A part that measures nothing that takes long."""
    from reversible.show.html import Shown

    how = {"question": f"What of {name}?", "chapter": "spectra", "asks": "It is asked.", "needs": ()} | other
    words = Said("It is seven.", "A random net has eight.", [("number", "7", "8")])
    return Part(
        name=name,
        seconds=lambda _: seconds,
        measure=measure,
        say=lambda _: words,
        draw=lambda _: Shown("<i>7</i>"),
        **how,
    )


def examined(monkeypatch, *parts, **how):
    monkeypatch.setattr(examination, "PARTS", parts)
    return your_net.examine(plain(64, 9, 10), UNSEEN, LABELS, **how)


def test_every_part_has_an_answer_a_picture_numbers_and_a_random_net_beside(found):
    assert [outcome.part.name for outcome in found.outcomes] == NAMES
    for outcome in found.outcomes:
        assert outcome.why == ""
        assert outcome.said.sentence.endswith(".")
        assert outcome.said.random.endswith(".")
        assert outcome.picture.startswith("<figure")
        assert any(random for _, _, random in outcome.said.numbers)
        assert (book_folder() / f"{outcome.part.chapter}.md").exists()


def test_it_is_the_same_again(found):
    torch.manual_seed(0)
    again = your_net.examine(trained(plain(64, 40, 33, 10), 100), UNSEEN, LABELS, leave_out=["reversal", "noise"])
    for outcome in again.outcomes:
        assert outcome.said == found[outcome.part.name].said
        assert outcome.picture == found[outcome.part.name].picture


def test_importing_the_package_brings_no_torch():
    code = "import sys, reversible; reversible.examine; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


# --- left out ---------------------------------------------------------------------------------------------------------


def test_parts_are_left_out_by_name(monkeypatch):
    def never(_):
        raise AssertionError("a part that is left out was measured")

    found = examined(monkeypatch, made_up("one"), made_up("two", never), leave_out=["two"])
    assert [outcome.part.name for outcome in found.outcomes] == ["one"]
    assert examined(monkeypatch, made_up("one"), made_up("two", never), leave_out="two")["one"].measured == 7
    assert refusal(lambda: found["three"]) == "part must be one of one, two, not 'three'"
    assert refusal(lambda: examined(monkeypatch, made_up("one"), leave_out=["two"])).startswith("leave_out must be one")


def test_no_part_is_begun_that_would_end_too_late(monkeypatch):
    found = examined(monkeypatch, made_up("long", seconds=1e4), made_up("short"), seconds=100)
    assert found["long"].said is None
    assert found["long"].why == "it would take about 167 minutes, and end later than after 100 s"
    assert found["short"].measured == 7


def test_what_is_foreseen_follows_this_machine(monkeypatch):
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(examination.time, "monotonic", lambda: float(next(clock)))
    found = examined(monkeypatch, made_up("slow", seconds=1), made_up("next", seconds=30), seconds=500)
    assert found["next"].said is None
    assert "it would take about" in found["next"].why
    clock = iter([i / 1000 for i in range(10_000)])
    monkeypatch.setattr(examination.time, "monotonic", lambda: next(clock))
    found = examined(monkeypatch, made_up("slow", seconds=1), made_up("next", seconds=30), seconds=500)
    assert found["next"].measured == 7


@pytest.mark.parametrize(
    "error", [InputError("no\nmore"), RuntimeError("no"), NotImplementedError("no"), MemoryError("no")]
)
def test_what_a_part_cannot_measure_is_told_and_costs_the_others_nothing(monkeypatch, error):
    def fails(_):
        raise error

    found = examined(monkeypatch, made_up("one", fails), made_up("two"))
    assert (found["one"].said, found["one"].why) == (None, "no")
    assert "Not measured: no." in str(found)
    assert found["two"].measured == 7
    undrawn = examined(monkeypatch, replace(made_up("one"), draw=fails))["one"]
    assert undrawn.measured == 7
    assert undrawn.why == "no picture: no"


def test_a_fault_of_this_library_is_not_hidden(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        examined(monkeypatch, made_up("one", lambda _: 1 // 0))


def test_without_the_libraries_that_draw_there_are_no_pictures(monkeypatch):
    monkeypatch.setattr(examination, "find_spec", lambda _: None)
    outcome = examined(monkeypatch, made_up("one"))["one"]
    assert outcome.said is not None
    assert outcome.picture == ""
    assert "pip install 'reversible[book]'" in outcome.why


def test_another_kind_of_net_is_examined_as_far_as_it_goes():
    found = your_net.examine(Sequential(Linear(64, 40), Tanh(), Linear(40, 10)), UNSEEN, LABELS)
    assert found["spectra"].said is not None
    assert found["regions"].said is None
    assert found["regions"].why.startswith("module '1' must be ReLU in its place")
    assert "Not measured: module" in found.html()


def test_an_absent_class_is_told(monkeypatch):
    monkeypatch.setattr(examination, "PARTS", (made_up("one"),))
    some = LABELS < 8
    found = your_net.examine(plain(64, 9, 10), UNSEEN[some], LABELS[some])
    assert found.facts[-1] == "No image here has the label 8 and 9, so nothing is told of it."
    assert len(your_net.examine(plain(64, 9, 10), UNSEEN, LABELS).facts) == 2


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(found, browser, tmp_path):
    found.save(tmp_path / "net.html")
    asked = []
    view = browser.new_page(viewport={"width": 390, "height": 800})
    view.on("request", lambda request: asked.append(request.url))
    view.goto((tmp_path / "net.html").as_uri())
    yield view, asked
    view.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_by_day_and_by_night_on_a_phone(opened, scheme):
    view, asked = opened
    view.emulate_media(color_scheme=scheme)
    view.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true })")
    assert [(v["id"], [n["html"][:150] for n in v["nodes"][:3]]) for v in violations(view, "light")] == []
    assert view.evaluate("document.documentElement.scrollWidth") <= 390
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert view.evaluate("[...document.images].every((image) => image.naturalWidth > 0 && image.alt)")


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(found):
    html = found.html()
    assert not re.search(r"<script|<link|@import|url\((?!%23)|src=.http", html)
    assert len(html.encode()) < 2e6
    for part in PARTS:
        assert f'<a href="#{part.name}">' in html
        assert f'id="{part.name}"' in html
        assert f'<a href="{part.chapter}.html">' in html


def test_links_lead_to_the_book_where_it_is(found):
    html = replace(found, book="https://some.one/book/").html()
    assert '<a href="https://some.one/book/spectra.html">' in html
    assert page.FOOT not in html


def test_pictures_that_would_make_the_page_too_long_are_left_out(found, monkeypatch):
    monkeypatch.setattr(page, "LARGEST", len(found["spectra"].picture) + 1)
    html = found.html()
    assert found["spectra"].picture in html
    assert found["regions"].picture not in html
    assert html.count("No picture: the page would be too long with it.") == len(PARTS) - 1


def test_words_of_a_net_are_no_html(monkeypatch):
    def fails(_):
        raise InputError("layer <b> is & odd")

    html = examined(monkeypatch, made_up("one", fails)).html()
    assert "layer &lt;b&gt; is &amp; odd" in html


def test_a_notebook_shows_it_without_headings_of_its_own(found):
    shown = found._repr_html_()
    assert not re.search(r"<h\d|<nav", shown)
    assert all(outcome.picture in shown for outcome in found.outcomes)


def test_it_is_printed_as_lines(found):
    lines = str(found).splitlines()
    assert lines[0] == "A net examined: Sequential"
    for outcome in found.outcomes:
        assert outcome.part.question in lines
        assert f"- {outcome.said.sentence}" in lines


@pytest.mark.parametrize("name", ["net.txt", "nowhere/net.html"])
def test_a_page_that_cannot_be_written_is_told_before_anything_is_measured(tmp_path, name):
    assert "out must be a file" in refusal(lambda: your_net.examine(None, None, None, tmp_path / name))
    assert list(tmp_path.iterdir()) == []


def test_the_page_is_written_where_it_is_asked_for(monkeypatch, tmp_path):
    found = examined(monkeypatch, made_up("one"), out=str(tmp_path / "net.html"))
    assert (tmp_path / "net.html").read_text() == found.html()
