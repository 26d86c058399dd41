"""What a run leaves: a sealed record, with where it comes from."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from reversible.base.checks import InputError
from reversible.base.digests import LIBRARY, code_digest, digest
from reversible.base.estimates import Estimate
from reversible.base.files import write_atomically
from reversible.base.meaning import PACKAGE, changed, meaning_of, meaning_of_runs, unknown_to

NUMBERS = re.compile(r"\[\n[-+.\deE,\s]*\]")  # a list of plain numbers, which is written in one line
FORMAT = "reversible record 2"
FORMATS = ("reversible record 1", FORMAT)  # in the first, `code` is the digest of the text of whole modules
OLDER_NAMES = {"paper": "full"}  # of profiles, in records made before the name was changed


class NoRecord(InputError):  # noqa: N818 - it is a state of the results
    """A record that nobody made yet."""


def provenance(module: str, device: str, seconds: float, experiment: str = "") -> dict[str, Any]:
    """Where a result comes from: code, commit, versions, device, seconds, date. No path and no name of the machine.

    The code of an `experiment` of the module is its meaning, and the definitions in it; else it is that of the module.
    """
    import torch

    gpu = torch.cuda.get_device_name() if device == "cuda" else None
    return {
        **(_code(experiment, module) if experiment else {"code": code_digest(module)}),
        "module": module,
        "commit": _commit(),
        "versions": {
            "python": platform.python_version(),
            **{p: metadata.version(p) for p in ("numpy", "scipy", "torch")},
        },
        "device": gpu or f"CPU, {platform.machine()}, {os.cpu_count()} cores",
        "seconds": round(seconds, 1),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _code(experiment: str, module: str) -> dict[str, Any]:
    meaning, runs = meaning_of(experiment, module), meaning_of_runs(experiment, module)
    return {"meaning": meaning.digest, "runs": runs.digest, "definitions": dict(meaning.definitions)}


def _commit() -> str:
    """The commit of the checkout this library lies in, with "+changes" where its files differ; "unknown" elsewhere."""

    def git(*words: str) -> str:
        asked = ["git", "--no-optional-locks", "-C", str(LIBRARY), *words]  # it only looks: a full disk leaves no lock
        return subprocess.run(asked, capture_output=True, encoding="utf-8", errors="replace", check=True).stdout

    try:
        return git("rev-parse", "HEAD").strip() + (
            "+changes" if git("status", "--porcelain", "--", ".").strip() else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


@dataclass(frozen=True)
class Record:
    """One run of one experiment: what was asked, what was measured, under which rules, and where it ran."""

    experiment: str
    profile: str
    parameters: dict[str, Any]
    measures: dict[str, Estimate]
    rows: list[dict[str, Any]]  # one a cell
    rules: dict[str, str]  # claim -> digest of the rule that was to read this record, as it stood when the run began
    provenance: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict, sealed with the digest of its own content."""
        body = json.loads(json.dumps({"format": FORMAT, **asdict(self)}, allow_nan=False))
        return body | {"seal": digest(body)}

    @property
    def code_unchanged(self) -> bool:
        """Whether the definitions that made it still say the same, wherever they lie by now."""
        return not self.changed_since

    @property
    def changed_since(self) -> list[str]:
        """The definitions that made it and that say something else now, without the package's name; see `meaning`.

        Of a record whose meaning is not known it is the module.
        """
        module, made_by = self.provenance["module"], self.read_by
        if "meaning" not in made_by:
            return _short([module])
        now = meaning_of(self.experiment, module)
        same = now.digest == made_by["meaning"]
        return _short([] if same else changed(set(made_by["definitions"].values()), now))

    @property
    def runs_changed_since(self) -> list[str]:
        """As `changed_since`, of what made the rows alone, whatever is read off them by now.

        An older record does not say what its runs meant: there each definition that they use now has to be one of
        those that made the record.
        """
        module, made_by = self.provenance["module"], self.read_by
        if "meaning" not in made_by:
            return _short([module])
        now = meaning_of_runs(self.experiment, module)
        if now.digest == made_by.get("runs"):
            return []
        before = set(made_by["definitions"].values())
        return _short(changed(before, now) if "runs" in made_by else unknown_to(before, now))

    @property
    def read_by(self) -> dict[str, Any]:
        """Where the code comes from that read the measures off the rows: that of the run, or of a later reading."""
        return self.provenance.get("measured", self.provenance)

    @property
    def absent(self) -> list[str]:
        """Why cells could not be run, for want of data or weights: each reason once."""
        return sorted({row["absent"] for row in self.rows if "absent" in row})

    def pairs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Each cell with its row, both as JSON has them."""
        return list(zip(self.parameters["cells"], self.rows, strict=True))

    def table(self) -> list[dict[str, Any]]:
        """One flat dict a cell, parameters and results; an estimate e gives e, e_low and e_high."""
        return [{**cell, **flat(row)} for cell, row in self.pairs()]


def _short(names: list[str]) -> list[str]:
    return [name.removeprefix(f"{PACKAGE}.") for name in names]


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row with each estimate e as e, e_low and e_high."""
    shown = {}
    for name, value in row.items():
        estimate = isinstance(value, dict) and "ci95" in value
        shown[name] = value["mean"] if estimate else value
        if estimate:
            shown[f"{name}_low"], shown[f"{name}_high"] = value["ci95"]
    return shown


def write_record(record: Record, path: Path) -> None:
    """Write a record atomically; a measure that is not finite is refused."""
    text = json.dumps(record.to_json(), indent=1, allow_nan=False)
    write_atomically(path, NUMBERS.sub(lambda found: "".join(found[0].split()), text) + "\n")


def read_record(path: Path) -> Record:
    """Read a record; InputError where it is missing, cut short, altered since it was written, or not a record."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        seal = content.pop("seal")
        if content["format"] not in FORMATS:
            raise InputError(f"{path} is not a record of this project (its format is not {' or '.join(FORMATS)})")
        if seal != digest(content):
            raise InputError(f"{path} was altered after the run: its seal does not fit its content")
        del content["format"]
        content["profile"] = OLDER_NAMES.get(content["profile"], content["profile"])
        measures = {name: _estimate(value) for name, value in content.pop("measures").items()}
        return Record(measures=measures, **content)
    except FileNotFoundError:
        raise NoRecord(f"cannot read the record {path}: it is not there") from None
    except OSError as error:
        raise InputError(f"cannot read the record {path}: {error.strerror}") from None
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is not a whole record of this project ({type(error).__name__}: {error})") from None


def _estimate(value: dict[str, Any]) -> Estimate:
    low, high = value["ci95"]
    return Estimate(value["mean"], (low, high), value["n"])


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a measurement")


def book_folder() -> Path:
    """The book of the checkout in use: ./book, else that of an editable install; InputError where there is none."""
    for folder in (Path("book"), Path("."), LIBRARY.parents[1] / "book"):
        if (folder / "claims").is_dir():
            return folder
    raise InputError(f"no book/claims in {Path.cwd()}: run this in a checkout of the project")
