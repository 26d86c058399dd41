"""The session's table: ten talks, and what was found of those that a paper here has."""

import html
import re

from reversible.book import front
from reversible.book import session as page
from reversible.book.session import TALKS, session
from reversible.papers import papers
from reversible.records.claims import read_claims, read_findings
from reversible.records.record import book_folder


def test_talks_that_are_here_have_their_chapter_and_the_others_are_said_not_to_be():
    shown, here = session(), {paper.key: paper for paper in papers()}
    run = [key for key in TALKS if key in here]
    assert len(TALKS) == 10
    assert shown.value == len(run) >= 3
    assert shown.content.count("not re-run yet") == 10 - len(run)
    assert all(f"<a href='{here[key].chapters[0]}.html'>" in shown.content for key in run)


def test_every_claim_of_a_talk_is_counted_and_no_number_stands_apart_from_its_badge():
    tally = page._tally([verdict for verdict in front.verdicts() if verdict.claim.paper == "ye2019"])
    claims = [claim for claim in read_claims(book_folder()) if claim.chapter == "encoders-decoders"]
    counted = re.findall("<span>(\\d+)\N{NO-BREAK SPACE}<span class='rv-badge", tally)
    assert sum(map(int, counted)) == len(claims)
    assert "1\N{NO-BREAK SPACE}<span class='rv-badge rv-not-tested'>" in tally


def test_a_talk_says_first_what_was_found():
    said = session().content
    for finding in read_findings(book_folder()):
        bold = re.search(r"\*\*(.+?)\*\*", finding.says)
        assert finding.paper not in TALKS or (bold and "{" not in bold[1])  # no number, which `told` would put there
        assert finding.paper not in TALKS or not bold or bold[1] in html.unescape(said)
