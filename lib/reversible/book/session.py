"""The session that Part III re-runs, on one screen: what each talk claims, and what was found in a re-run."""

from __future__ import annotations

import re
from collections import Counter

from reversible.book import front
from reversible.book.cards import told
from reversible.papers import papers
from reversible.records import words
from reversible.records.claims import Verdict, read_findings
from reversible.records.record import book_folder
from reversible.show.html import Shown, escape, table

TALKS = {  # the key of a paper here: who, and what the abstract claims
    "hanin2019": ("Hanin and Rolnick", "Along a line a ReLU net has about as many pieces as neurons, not more."),
    "ye2019": ("Ye and Sung", "Encoder-decoders are nonlinear frames; expressivity grows exponentially with depth."),
    "martin2019": ("Martin and Mahoney", "The spectra of trained layers show a kind of self-regularisation."),
    "hayou2019": ("Hayou, Doucet and Rousseau", "Nets that start at the edge of chaos train faster and end better."),
    "labatie2019": ("Labatie", "Depth makes feed-forward nets ill-behaved, and normalised residual nets not."),
    "nguyen2019": ("Nguyen", "Wide nets have no bad local valleys: every sublevel set of the loss is connected."),
    "zhu2019": ("Zhu, Wu, Yu, Wu and Ma", "The noise of stochastic gradients leads away from sharp minima."),
    "belilovsky2019": ("Belilovsky, Eickenberg and Oyallon", "Nets trained a layer at a time can scale to ImageNet."),
    "ford2019": ("Ford, Gilmer, Carlini and Cubuk", "Adversarial examples follow from errors in random noise."),
    "goldfeld2019": ("Goldfeld and others", "What is called compression is that samples of one class cluster."),
}  # fmt: skip


def session() -> Shown:
    """A row a talk: what it claims, what was found and claim by claim, or that it is not here yet."""
    here, verdicts = {paper.key: paper for paper in papers()}, front.verdicts()
    found = {
        finding.paper: told_briefly(words.told(finding, verdicts)) for finding in reversed(read_findings(book_folder()))
    }
    rows = []
    for key, (who, claims) in TALKS.items():
        said = "not re-run yet"
        if key in here:
            said = f"<a href='{here[key].chapters[0]}.html'>{escape(found.get(key, 'The chapter'))}</a>"
            said += f"<br>{_tally([verdict for verdict in verdicts if verdict.claim.paper == key])}"
        rows.append([escape(who), escape(claims), said])
    run = sum(key in here for key in TALKS)
    count = f"<p><strong>{run} of the {len(TALKS)} talks have been run again so far.</strong></p>"
    head = ["talk", "what it claims", "what was found, and claim by claim"]
    return Shown(count * (run < len(TALKS)) + table(head, rows, css="rv-table rv-talks"), run)


def told_briefly(sentence: str) -> str:
    """What a finding says in bold, which is the sentence that it begins with; all of it where nothing is bold.

    >>> told_briefly("**Depth adds pieces.** As the power .9 of it.")
    'Depth adds pieces.'
    """
    bold = re.search(r"\*\*(.+?)\*\*", sentence)
    return bold[1] if bold else sentence


def _tally(verdicts: list[Verdict]) -> str:
    """How many came out how, the commonest first."""
    counts = Counter(told(verdict) for verdict in verdicts)
    return " ".join(f"<span>{count}\N{NO-BREAK SPACE}{word}</span>" for word, count in counts.most_common())
