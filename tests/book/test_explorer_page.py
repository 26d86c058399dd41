"""The explorer in a reader's browser: what it shows is what the library says of the net the sliders stand at."""

import functools
import http.server
import re
import shlex
import threading

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from helpers import QuietHandler
from reversible import cli
from reversible.papers.arora2015.experiments.law_grid import FEW, layer_widths
from reversible.papers.arora2015.explorer import EDGE, constant_error
from reversible.records.record import book_folder
from reversible.show.vega import VEGA, vega_script
from small_explorer import AXES, LINES, START, by_the_library, number, small_explorer, three_digits

THEME = """
html { --pst-color-background: #fff; --pst-color-text-base: #222832; --pst-color-text-muted: #48566b;
  --pst-color-border: #d1d5da; background: var(--pst-color-background); color: var(--pst-color-text-base); }
html[data-theme="dark"] { --pst-color-background: #121212; --pst-color-text-base: #ced6dd;
  --pst-color-text-muted: #9ca4af; --pst-color-border: #48566b; }
"""


@pytest.fixture(scope="module")
def folder(browser, tmp_path_factory):
    """A page with the explorer and nothing else, and the scripts beside it."""
    folder = tmp_path_factory.mktemp("explorer")
    (folder / "_static").mkdir()
    for name in ("explorer.js", "reversible.css"):
        (folder / "_static" / name).write_text((book_folder() / "_static" / name).read_text())
    (folder / "_static" / VEGA).write_text(vega_script())
    content = small_explorer().content
    links = "<link rel='icon' href='data:'><link rel='stylesheet' href='_static/reversible.css'>"
    script = "<script src='_static/explorer.js'></script>"  # as Sphinx puts it there
    head = f"<title>x</title>{links}<style>{THEME}</style>{script}"
    (folder / "page.html").write_text(
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'>{head}</head><body>{content}</body></html>"
    )
    return folder


@pytest.fixture(scope="module")
def address(folder):
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/page.html"
        server.shutdown()


@pytest.fixture
def page(browser, address):
    """The page, opened anew; it asked nothing of the network and complained of nothing."""
    page = browser.new_page(viewport={"width": 800, "height": 900})
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page
    assert complaints == []
    assert [url for url in asked if not url.startswith(address.removesuffix("page.html"))] == []
    page.close()


def move(page, **to):
    """Move sliders by keyboard: from the first place to the right one."""
    for name, value in to.items():
        page.locator(f"#rv-explorer-{name}").press("Home")
        for _ in range(AXES[name].index(value)):
            page.keyboard.press("ArrowRight")


@pytest.mark.parametrize(
    "place", [{}, {"n": 2000, "m": 400, "k": 60}, {"n": 500, "m": 400, "k": 2, "depth": 1}, {"m": 400, "rho": 0.1}]
)
def test_moved_sliders_show_the_library_s_number(page, place):
    move(page, **place)
    at = {**START, **place}
    assert number(page) == three_digits(by_the_library(**at))
    for name, value in at.items():
        slider = page.locator(f"#rv-explorer-{name}")
        said = slider.get_attribute("aria-valuetext"), page.inner_text(f"output[for=rv-explorer-{name}]")
        assert said == (f"{value:,}".removesuffix(".0"),) * 2


def test_every_step_of_every_slider_is_seen(page):
    for name, values in AXES.items():
        move(page, **START)
        page.locator(f"#rv-explorer-{name}").press("Home")
        for value in values:
            assert number(page) == three_digits(by_the_library(**{**START, name: value})), (name, value)
            page.keyboard.press("ArrowRight")


def test_the_net_is_told_and_the_command_simulates_it(page, capsys):
    move(page, n=2000, rho=0.5)
    assert page.inner_text("#rv-explorer-widths") == "2,000 → 316 → 50"
    assert float(page.inner_text("#rv-explorer-t")) == 158
    assert float(page.inner_text("#rv-explorer-ratio")) == pytest.approx(5 / 158, rel=0.02)
    words = shlex.split(page.inner_text("#rv-explorer-simulate code"))
    assert words[0] == "reversible"
    assert cli.main([*words[1:], "--trials", "2"]) == 0
    told = capsys.readouterr().out
    assert "k = 5" in told
    assert "width 316" in told


@pytest.mark.parametrize(
    ("place", "state", "words"),
    [
        ({}, "back", "comes back"),
        ({"n": 500, "rho": 0.5}, "part", "Part of the code is lost. It takes 8,000 pixels."),
        ({"n": 500, "m": 400, "rho": 0.1}, "nothing", "one number at every entry is a better answer. No image"),
        ({"n": 500, "m": 400, "k": 60, "rho": 0.5}, "nothing", "Nothing is read: one number at every entry"),
        ({"n": 250, "m": 400}, "none", "narrower than its code"),
        ({"n": 2000, "rho": 0.1}, "none", "dropout can leave a whole hidden layer silent"),
        ({"k": 60}, "none", "as many entries are on as it has, or more"),
    ],
)
def test_the_words_say_where_the_net_stands(page, place, state, words):
    at = {**START, **place}
    error, t = by_the_library(**at), at["rho"] * layer_widths(at["n"], at["m"], at["depth"])[-2]
    move(page, **place)
    constant = constant_error(at["m"], at["k"])
    expected = "none" if error is None else "back" if error < 0.25 else "part" if error < constant else "nothing"
    assert page.get_attribute("#rv-explorer", "data-state") == state == expected
    assert words in page.inner_text("[role=status][aria-live=polite] #rv-explorer-words")
    assert (number(page) == "–") == page.locator("#rv-explorer-net").is_hidden() == (error is None)
    assert page.locator("#rv-explorer-caution").is_visible() == (state == "part" and t < FEW)
    move(page, **START)
    assert number(page) == three_digits(by_the_library(**START))


# --- the chart --------------------------------------------------------------------------------------------------------

POINT = "#rv-explorer-chart .mark-symbol.role-mark path[stroke-width='3']"


def point(page):
    """Where the large point is, in pixels of the window, when the chart has come to rest."""
    page.wait_for_function("p => document.querySelectorAll(p).length === 1", arg=POINT)
    page.wait_for_timeout(100)
    box = page.locator(POINT).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_line_a_depth_and_a_point_that_moves_with_the_net(page):
    x, y = point(page)
    assert page.locator(LINES).count() == 2
    assert page.locator(f"{LINES}[stroke-width='3.5']").count() == 1
    move(page, n=500)
    left, worse = point(page)
    assert left < x - 50
    assert worse < y  # a larger error stands higher
    move(page, depth=1)
    same, better = point(page)
    assert same == pytest.approx(left, abs=1)
    assert better > worse
    assert "1, " + number(page) in page.get_attribute("#rv-explorer-chart", "aria-label")


def test_the_point_is_the_number_on_the_axis(page):
    """Equal factors of the error are equal distances, whatever moved it, and the map's line is where its error is."""
    at = [(point(page)[1], float(number(page)))]
    for place in ({"n": 500}, {"m": 400, "n": 2000}, {"depth": 1, "k": 2}):
        move(page, **place)
        at.append((point(page)[1], float(number(page))))
    pixels, errors = (np.array(values) for values in zip(*at, strict=True))
    slope, intercept = np.polyfit(np.log(errors), pixels, 1)
    assert slope < 0
    assert np.abs(slope * np.log(errors) + intercept - pixels).max() < 1
    edge = page.locator("#rv-explorer-chart .mark-rule.role-mark line").bounding_box()
    assert slope * np.log(EDGE) + intercept == pytest.approx(edge["y"] + edge["height"] / 2, abs=2)


def test_where_no_net_is_no_point_is(page):
    point(page)
    move(page, m=400, n=250)
    page.wait_for_function("p => document.querySelectorAll(p).length === 0", arg=POINT)
    assert page.locator(LINES).count() == 2


def luminance(colour):
    rgb = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_told_from_the_ground(page, theme):
    point(page)
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    colours = """([names, of]) => [...document.querySelectorAll(names)].map((e) => getComputedStyle(e)[of])"""
    (ground,) = page.evaluate(colours, ["html", "backgroundColor"])
    for names, of, least in (
        (LINES, "stroke", 3),
        ("#rv-explorer-chart svg text", "fill", 4.5),
        ("#rv-explorer-error, #rv-explorer-words, #rv-explorer label, #rv-explorer dt", "color", 4.5),
    ):
        found = page.evaluate(colours, [names, of])
        assert found
        assert min(contrast(colour, ground) for colour in found) >= least, (names, found)
    for state in ("back", "part", "nothing"):
        page.evaluate(f"document.getElementById('rv-explorer').dataset.state = '{state}'")
        (colour,) = page.evaluate(colours, ["#rv-explorer-error", "color"])
        assert contrast(colour, ground) >= 4.5, state


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible(page, theme):
    point(page)
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    part = "section.rv-explorer"
    assert [(v["id"], v["nodes"][0]["html"]) for v in Axe().run(page, context=part).response["violations"]] == []


def test_it_fits_a_phone_and_the_chart_follows_the_window(page):
    point(page)
    wide = int(page.get_attribute("#rv-explorer-chart svg", "width"))
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("document.querySelector('#rv-explorer-chart svg').getAttribute('width') < 380")
    assert page.evaluate("document.documentElement.scrollWidth") <= 391
    assert page.locator("#rv-explorer-n").bounding_box()["width"] > 250
    move(page, n=500, rho=0.1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 391
    page.set_viewport_size({"width": 800, "height": 800})
    page.wait_for_function(f"document.querySelector('#rv-explorer-chart svg').getAttribute('width') == {wide}")


def test_without_vega_the_number_is_still_there(browser, address):
    page = browser.new_page()
    page.route(f"**/{VEGA}", lambda route: route.abort())
    page.goto(address)
    move(page, n=500)
    assert number(page) == three_digits(by_the_library(**{**START, "n": 500}))
    page.close()


def test_without_scripts_the_page_says_so(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert "JavaScript" in page.inner_text("noscript")
    assert page.locator("#rv-explorer input:disabled").count() == len(AXES)
    context.close()
