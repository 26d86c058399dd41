"""The session that Part III re-runs, on one screen: what each talk claims, and what was found in a re-run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from reversible.book.cards import told
from reversible.papers import papers
from reversible.records.claims import judge_all, read_claims
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
    """A row a talk; the verdicts are of all claims of its paper, and a talk that no paper here has is said to be so."""
    here = {paper.key: paper for paper in papers()}
    rows = []
    for key, (who, claims) in TALKS.items():
        found = "not re-run yet"
        if key in here:
            name = here[key].chapters[0]
            found = f"<a href='{name}.html'>{_tally(here[key].chapters)}</a>"
        rows.append([escape(who), escape(claims), found])
    run = sum(key in here for key in TALKS)
    said = f"<p><strong>{run} of the {len(TALKS)} talks have been run again so far.</strong></p>"
    head = ["talk", "what it claims", "what was found, claim by claim"]
    return Shown(said + table(head, rows, css="rv-table rv-talks"), run)


def _tally(chapters: tuple[str, ...]) -> str:
    book: Path = book_folder()
    verdicts = judge_all([claim for claim in read_claims(book) if claim.chapter in chapters], book / "results")
    counts = Counter(told(verdict) for verdict in verdicts)
    return " ".join(f"<span>{count}\N{NO-BREAK SPACE}{word}</span>" for word, count in counts.most_common())
