"""`reversible spectrum --plot --html`: refused before anything is measured, whole or not at all, safe to open."""

import html
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

from reversible.base import files as whole_files
from reversible.cli import spectrum_files
from reversible.spectra import matrix as spectra
from reversible.spectra import verdicts, weight_files
from weight_files import save

RNG = np.random.default_rng(0)
EVIL = "a<script>alert(1)</script>&\"'"
NET = {
    "fc1.weight": RNG.standard_normal((60, 40)), f"{EVIL}.weight": RNG.standard_t(2, (50, 40)),
    "flat.weight": np.ones((4, 4)),
}  # fmt: skip
VOID = {"meta", "br", "path", "rect"}


@pytest.fixture
def net(tmp_path):
    np.savez(tmp_path / "net.npz", **NET)
    return tmp_path / "net.npz"


class Page(HTMLParser):
    """What is in a page: its elements, its words, and that each element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words, self.given = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.given += [(tag, *each) for each in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_a_panel_for_each_matrix_and_the_table_as_ever(run, net, tmp_path):
    plain = run(net)
    assert run(net, "--plot", tmp_path / "a.svg") == plain
    root = ET.parse(tmp_path / "a.svg").getroot()
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"fc1", EVIL} <= set(words)
    verdict = plain[1].splitlines()[1].split("  ")[-1]
    assert f"60 x 40, {verdict}" in words
    first = (tmp_path / "a.svg").read_bytes()
    run(net, "--plot", tmp_path / "a.svg", "--json")
    assert (tmp_path / "a.svg").read_bytes() == first


def test_a_page_has_everything_and_needs_nothing_else(run, net, tmp_path):
    out = run(net, "--html", tmp_path / "a.html", "--seed", 7)[1]
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    page = Page(text)
    assert {"script", "link", "img", "iframe", "form"}.isdisjoint(page.tags)
    assert not re.search(r"https?:|//|@import|url\(", text)
    assert not [each for each in page.given if each[1] in ("src", "href", "srcset") or each[1].startswith("on")]
    assert page.tags.count("svg") == 3  # one of them is the key
    words = " ".join(page.words)
    assert EVIL in words
    for cell in re.split(r" {2,}", out.splitlines()[1].strip()):
        assert f"<td>{html.escape(cell)}</td>" in text
    assert "flat, 4 x 4: the matrix must not be constant" in words
    assert "seed 7" in words
    assert re.search(r"Version \d+\.\d+\.\d+", words)
    assert re.search(r"Layer fc1 \(60 × 40\)", words)
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_a_page_without_nulls_says_so(run, net, tmp_path):
    run(net, "--html", tmp_path / "a.html", "--no-nulls")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    Page(text)
    assert "(--no-nulls)" in text


@pytest.mark.parametrize("verdict", spectrum_files.MEANS)
def test_what_a_verdict_means_stands_where_it_is_given(run, net, tmp_path, monkeypatch, verdict):
    monkeypatch.setattr(spectra, "verdict", lambda *_: verdict)
    run(net, "--html", tmp_path / "a.html", "--no-nulls", "--layer", "fc1")
    assert re.findall("<dt>(.*?)</dt>", (tmp_path / "a.html").read_text(encoding="utf-8")) == [verdict]


def test_each_verdict_of_the_rule_has_a_meaning():
    names = ("RANDOM_LIKE", "SPIKES", "HEAVY_TAILED", "STRUCTURED", "UNEQUAL", "TAIL", "NOT_JUDGED")
    assert {getattr(verdicts, name) for name in names} == set(spectrum_files.MEANS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--plot", "a.png"], "--plot writes a file that ends in .svg, not 'a.png'"),
        (["--plot", "nowhere/a.svg"], "--plot must be a file in a folder that can be written, not nowhere/a.svg"),
        (["--html", "nowhere/a.html"], "--html must be a file in a folder that can be written, not nowhere/a.html"),
        (["--html", "net.npz"], "--html writes a file that ends in .html or .htm, not 'net.npz'"),
        (["--plot", "folder.svg"], "--plot must be a file in a folder that can be written, not folder.svg"),
        (["--plot", "a.svg", "--html", "."], "--html writes a file that ends in .html or .htm, not '.'"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_measured(run, net, monkeypatch, words, says):
    monkeypatch.chdir(net.parent)
    monkeypatch.setattr(weight_files, "opened", None)
    (net.parent / "folder.svg").mkdir()
    before = net.read_bytes()
    status, out, err = run("net.npz", *words)
    assert (status, out, err) == (2, "", f"reversible: {says}\n")
    assert sorted(file.name for file in net.parent.iterdir()) == ["folder.svg", "net.npz"]
    assert net.read_bytes() == before


def test_a_full_disk_leaves_what_was_there(run, net, tmp_path, monkeypatch):
    (tmp_path / "a.html").write_text("before")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_files.os, "fsync", full)
    status, out, err = run(net, "--html", tmp_path / "a.html", "--no-nulls", "--layer", "fc1")
    assert (status, err) == (2, f"reversible: cannot write {tmp_path / 'a.html'}: No space left on device\n")
    assert out.startswith("layer")
    assert (tmp_path / "a.html").read_text() == "before"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.html", "net.npz"]


def test_of_very_many_the_first_are_drawn_and_a_line_says_so(run, tmp_path, monkeypatch):
    monkeypatch.setattr(spectrum_files, "MOST", 6)
    save(tmp_path / "net.npz", {f"w{i}": RNG.standard_normal((6, 5)) for i in range(8)})
    outs = ["--plot", tmp_path / "a.svg", "--html", tmp_path / "a.html", "--no-nulls"]
    status, _, err = run(tmp_path / "net.npz", *outs)
    assert (status, err) == (0, "reversible: drawn are the first 6 of 8 matrices; choose others with --layer\n")
    assert (tmp_path / "a.svg").read_text().count("rv-name") == 6 + 2  # the title, the style
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert text.count("<svg") == 6 + 1
    assert text.count("<tr>") == 8 + 1
    err = run(tmp_path / "net.npz", tmp_path / "net.npz", *outs)[2]
    assert "the first 2 of 8 matrices" in err
    assert (tmp_path / "a.html").read_text().count("<svg") == 6 + 1
