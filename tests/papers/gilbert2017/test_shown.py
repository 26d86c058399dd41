"""Tables have the paper's numbers beside ours and say why they differ; words for the prose are numbers."""

import re

from reversible.papers.gilbert2017 import tables
from reversible.papers.gilbert2017.labels import READINGS
from reversible.papers.gilbert2017.published import TABLE_3, TABLE_4
from reversible.records.record import book_folder, read_record

RESULTS = book_folder() / "results"


def record(name):
    return read_record(RESULTS / f"{name}.json")


def test_tables_hold_the_papers_numbers_and_ours():
    errors = tables.errors(record("rebuilt-inputs")).content
    for line in TABLE_3.values():
        assert f"<td>{line.learned:.3f}</td><td>{line.random:.3f}</td>" in errors
    assert errors.count("not at hand") == 6
    assert "<td>why they differ</td>" in errors
    assert "<td>0.825</td>" in errors  # the law at K/M = 2
    coherences = tables.coherences(record("filter-coherence")).content
    assert all(f"<td>{line.learned:.3f}</td>" in coherences for line in TABLE_4.values())
    shares = tables.shares(record("active-shares")).content
    assert "<td>49.1</td>" in shares


def test_every_reading_of_figure_2_has_a_line_with_its_median_its_largest_error_and_a_reason():
    content, m = tables.figure_2(record("hidden-codes")).content, record("hidden-codes").measures
    lines = [re.findall(r"<td>(.*?)</td>", line) for line in content.split("<tr>")[2:]]
    assert [line[0][:2] for line in lines] == ["2a", "2b", "2b"] + 7 * ["2c"]
    assert all((len(line) == 4 and line[1] and line[3].endswith(".")) or "√" in line[3] for line in lines)
    for reading in READINGS:
        median, largest = (m[f"{which}_{reading}"].mean for which in ("median", "largest"))
        assert f"<td>median {median:.2f}, at most {largest:.2f}</td>" in content


def test_words_for_the_prose_are_numbers():
    theory = {name: record(name) for name in ("recovery-bound", "model-rip", "hidden-codes")}
    trained = {name: record(name) for name in ("rebuilt-inputs", "active-shares")}
    words = tables.words_of_theory(theory) | tables.words_of_trained(trained)
    assert all(re.search(r"\d", said) for said in words.values())
    assert 0.14 < float(words["papers_bound_over_one"]) < 0.3  # 0.147 where the two constants are equal
