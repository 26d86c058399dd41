"""A claim's card: limits as a reader writes them, and a picture of the measurement beside them."""

import re
from dataclasses import replace

import pytest

from reversible.base.estimates import Estimate
from reversible.book import cards
from reversible.records.claims import Check, Claim, judge
from reversible.records.record import Record


@pytest.mark.parametrize(
    ("text", "says"),
    [("a <= 1e-10", "≤ 1e−10"), ("a >= -0.3", "≥ −0.3"), ("a = 1 +- 0.05", "1 ± 0.05"), ("a_le = -1 +- 2", "−1 ± 2")],
)
def test_limits_as_a_reader_writes_them(text, says):
    assert cards.limits(Check.parse(text)) == says


def drawn(text, estimate):
    """Of the picture: the allowed part, the interval and the mean, from 0 at its left end to 1 at its right."""
    svg = cards.bar(Check.parse(text), estimate)
    x, width, a, b, mean = (
        float(re.findall(rf"{name}='([^']+)'", svg)[0]) / cards.WIDTH
        for name in (r"<rect[^>]* x", r"<rect[^>]* width", "<line x1", " x2", "cx")
    )
    return (x, x + width), (a, b), mean


@pytest.mark.parametrize("text", ["a <= 1", "a >= 1", "a = 1 +- 0.2", "a <= 0", "a = 0 +- 1e-6"])
@pytest.mark.parametrize(
    "estimate",
    [
        Estimate(1.1, (0.9, 1.3), 9), Estimate.exact(1.0), Estimate(-5, (-6, -4), 9), Estimate.exact(0),
        Estimate(1e3, (9e2, 2e3), 3),
    ],
)  # fmt: skip
def test_the_picture_says_what_the_numbers_say(text, estimate):
    check = Check.parse(text)
    (low, high), (a, b), mean = drawn(text, estimate)
    assert 0 <= a <= mean <= b <= 1
    assert 0 <= low < high <= 1
    near = 0.01  # of the width: the allowed part is drawn a pixel wide at least
    if check.holds(estimate):
        assert low - near <= a <= b <= high + near
    elif not check.is_open(estimate):
        assert b <= low + near or a >= high - near


def test_a_line_of_a_rule_that_was_written_later_is_marked_and_no_other(monkeypatch):
    monkeypatch.setattr(cards, "where_it_ran", lambda record: "here")
    lines = ["constant_binary <= 3", "constant_uniform <= 3"]
    claim = Claim(
        id="T1", chapter="demo", source="here", whose="paper", says="it holds", record="code-law",
        found={"reproduced": "It holds."}, must=(Check.parse(lines[0]),), should=(Check.parse(lines[1]),),
    )  # fmt: skip
    measures = {check.measure: Estimate.exact(1.0) for check in (*claim.must, *claim.should)}
    for added in ([], lines[:1], lines[1:]):
        marked = replace(claim, added=tuple(added))
        record = Record("code-law", "full", {"cells": []}, measures, [], {"T1": claim.rule}, {})
        shown = cards.card(judge(marked, lambda _, record=record: record))
        rows = [row for row in shown.split("<tr>") if "entries" in row]
        assert [line for line, row in zip(lines, rows, strict=True) if "(written after a first run)" in row] == added
