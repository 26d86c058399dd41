"""Tables of what the book rests on: its records, and the data that the library knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reversible import data
from reversible.base.data_files import known_files
from reversible.records.claims import read_claims
from reversible.records.record import book_folder, read_record
from reversible.show.html import Shown, duration, escape, table


def records() -> Shown:
    """The book's records, a line each: where it is read, how it was made, and the file itself."""
    book = book_folder()
    readers: dict[str, list[str]] = {}
    for claim in read_claims(book):
        if claim.chapter not in readers.setdefault(claim.record, []):
            readers[claim.record].append(claim.chapter)
    rows = []
    for file in sorted((book / "results").glob("*.json")):
        record = read_record(file)
        p = record.provenance
        chapters = ", ".join(f"<a href='{name}.html'>{name}</a>" for name in readers.get(record.experiment, []))
        small = f"{record.profile} profile, {len(record.parameters['cells'])} cells, {_size(file)}"
        rows.append([
            f"<a href='{file.name}' download>{escape(record.experiment)}</a><br><small>{small}</small>", chapters,
            duration(p["seconds"]), _dates(p), escape(p["device"]),
            "as it is now" if record.code_unchanged else "<strong>changed since</strong>",
        ])  # fmt: skip
    head = ["record", "read in", "took", "made", "on", "its code"]
    return Shown(table(head, rows), rows)


def _dates(provenance: dict[str, Any]) -> str:
    """When it was made, and when its measures were read off its rows again, if they were."""
    of_each = [provenance, provenance["measured"]] if "measured" in provenance else [provenance]
    made, *later = (where["date"][:10].replace("-", "\u2011") for where in of_each)
    return made + "".join(f"<br><small>measured again {date}</small>" for date in later)


def _size(file: Path) -> str:
    size = file.stat().st_size
    return f"{size / 2**20:,.1f}\u00a0MiB" if size >= 2**20 else f"{size / 2**10:,.1f}\u00a0KiB"


def data_sets() -> Shown:
    """The data sets that `data.load` knows, measured where they are at hand; nothing is downloaded for it."""
    rows = []
    for name in data.NAMES:
        files = [file for train in (True, False) for file in data.FILES_MD5.get((name, train), {})]
        if all((data.folder() / file).is_file() for file in files):
            train, test = data.load(name, train=True), data.load(name, train=False)
            colours = "grey" if train.channels == 1 else "colour"
            sizes = [f"{len(part.labels):,}" for part in (train, test)]
            pixels = f"{train.side} × {train.side}, {colours}, 0 to {int(train.pixels.max())}"
            rows.append([name, *sizes, pixels, str(train.classes), _address(name)])
        else:
            rows.append([name, "not at hand", "", "", "", _address(name)])
    head = ["data", "to train on", "to test", "pixels", "classes", "where it is downloaded from"]
    return Shown(table(head, rows), rows)


def _address(name: str) -> str:
    """Where torchvision would download a set from, by torchvision's own word."""
    if name == "digits":
        return "nowhere: it comes with scikit-learn"
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError):
        return "torchvision, which is not installed, would know"
    url = datasets.MNIST.mirrors[0] if name == "mnist" else getattr(datasets, name.upper()).url
    return f"<a href='{escape(url)}'>{escape(url)}</a>"


def files() -> Shown:
    """Every file of data and weights below the folder: its md5, and its size where it is at hand."""
    rows = []
    for name, md5 in known_files().items():
        file = data.folder() / name
        size = _size(file) if file.is_file() else "not at hand"
        rows.append([f"<code>{escape(name)}</code>", size, f"<code>{md5}</code>"])
    return Shown(table(["file", "size", "md5"], rows), rows)


def real_files() -> Shown:
    """The verdicts on files of weights of others, as `benchmarks/real_files.py` wrote them; `value` has all of it."""
    kept = json.loads((book_folder() / "real-files.json").read_text(encoding="utf-8"))
    rows = []
    for file in kept["files"]:
        package = f"{escape(file['name'])} {escape(file['version'])}".strip()
        about = ", ".join(filter(None, [escape(file["net"]), escape(file["licence"])])) or "comes with the book's data"
        found = "<br>".join(f"{count} {escape(verdict)}" for verdict, count in file["verdicts"].items())
        rows.append([f"{package}<br><small>{about}</small>", str(sum(file["verdicts"].values())), found or "none"])
    return Shown(table(["file", "matrices", "verdicts"], rows), kept)
