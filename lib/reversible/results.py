"""What a run leaves: sealed records with provenance; the claims ledger; verdicts, computed and never typed."""

from __future__ import annotations

import functools
import json
import os
import platform
import re
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from reversible.checks import InputError
from reversible.digests import LIBRARY, code_digest, digest
from reversible.estimates import Estimate
from reversible.files import write_atomically
from reversible.meaning import PACKAGE, changed, meaning_of

FORMAT = "reversible record 2"
FORMATS = ("reversible record 1", FORMAT)  # in the first, `code` is the digest of the text of whole modules
REPRODUCED, PARTLY, NOT_REPRODUCED, NOT_TESTED = "reproduced", "partly", "not reproduced", "not tested"
RULE_CHANGED = "rule changed after the run"
UNDECIDED = "undecided: what failed has the limit inside its interval"


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
    meaning = meaning_of(experiment, module)
    return {"meaning": meaning.digest, "definitions": dict(meaning.definitions)}


def _commit() -> str:
    """The commit of the checkout this library lies in, with "+changes" where its files differ; "unknown" elsewhere."""

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", str(LIBRARY), *words], capture_output=True, text=True, check=True).stdout

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

        None where the edits were shown to change no bit. Of a record whose meaning is not known it is the module.
        """
        module = self.provenance["module"]
        meanings, definitions = self._made_by()
        if not meanings:
            return [module.removeprefix(f"{PACKAGE}.")]
        now = meaning_of(self.experiment, module)
        at_fault = [] if now.digest in meanings else changed(definitions, now)
        return [name.removeprefix(f"{PACKAGE}.") for name in at_fault]

    @property
    def edited_since(self) -> bool:
        """Whether definitions that made it were edited since without changing a bit, as a test shows."""
        meanings, _ = self._made_by()
        return meaning_of(self.experiment, self.provenance["module"]).digest in meanings[1:]

    def _made_by(self) -> tuple[list[str], set[str]]:
        """The meanings that give the record's bits, its own first, and digests of the definitions in them."""
        if "meaning" in self.provenance:
            return [self.provenance["meaning"]], set(self.provenance["definitions"].values())
        moved = _moved()
        line = moved.get("records", {}).get(self.experiment, {})
        if line.get("code") != self.provenance["code"]:
            return [], set()
        same_bits = [moved["same_bits"][self.experiment]] if self.experiment in moved["same_bits"] else []
        return [line["meaning"], *same_bits], {*moved["definitions"].values(), *moved["edited"].values()}

    @property
    def absent(self) -> list[str]:
        """Why cells could not be run, for want of data or weights: each reason once."""
        return sorted({row["absent"] for row in self.rows if "absent" in row})

    def table(self) -> list[dict[str, Any]]:
        """One flat dict a cell, parameters and results; an estimate e gives e, e_low and e_high."""
        cells = self.parameters["cells"]
        return [{**cell, **flat(row)} for cell, row in zip(cells, self.rows, strict=True)]


def _moved() -> dict[str, Any]:
    """The meanings of records that do not say it themselves; InputError where the file is not whole."""
    file = book_folder() / "results" / "moved.toml"
    try:
        return _toml(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {file}: {error}".replace("\n", " ")) from None


@functools.cache  # by the text, so that a file that changes under way is read anew
def _toml(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


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
    write_atomically(path, json.dumps(record.to_json(), indent=1, allow_nan=False) + "\n")


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


NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
CHECK = re.compile(rf"(?P<measure>\w+) (?P<op><=|>=|=) (?P<value>-?{NUMBER})(?: \+- (?P<margin>{NUMBER}))?")


@dataclass(frozen=True)
class Check:
    """One line of a rule: `NAME <= 1`, `NAME >= 1` or `NAME = 1 +- 0.1`; the whole 95 % interval must lie inside."""

    text: str
    measure: str
    low: float
    high: float

    @classmethod
    def parse(cls, text: str) -> Check:
        match = CHECK.fullmatch(text)
        if not match or (match["op"] == "=") != (match["margin"] is not None):
            raise InputError(f"a check is NAME <= X, NAME >= X or NAME = X +- D, not {text!r}")
        value, margin = float(match["value"]), float(match["margin"] or "inf")
        low = -float("inf") if match["op"] == "<=" else value - (0 if match["op"] == ">=" else margin)
        high = float("inf") if match["op"] == ">=" else value + (0 if match["op"] == "<=" else margin)
        return cls(text, match["measure"], low, high)

    def holds(self, estimate: Estimate) -> bool:
        return self.low <= estimate.ci95[0] and estimate.ci95[1] <= self.high

    def is_open(self, estimate: Estimate) -> bool:
        """Whether the interval lies neither inside nor outside: too few repeats to tell."""
        outside = estimate.ci95[1] < self.low or self.high < estimate.ci95[0]
        return not outside and not self.holds(estimate)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One entry of the ledger: a claim, how it is measured, and the rule that decides, written before the run."""

    id: str
    chapter: str
    source: str  # where it stands, with ARORA.md's mark of how it is known here
    says: str  # the claim, in our words
    measured: str = ""  # what is measured
    record: str = ""  # the experiment whose record decides
    must: tuple[Check, ...] = ()  # all hold, or the claim is not reproduced
    should: tuple[Check, ...] = ()  # one fails, and it is partly reproduced
    would_change: str = ""  # what would change our mind
    not_tested: str = ""  # why, where nothing decides
    pending: str = ""  # why, until there is a record

    @property
    def rule(self) -> str:
        """Digest of what decides; words may be mended without it."""
        return digest([self.id, self.record, [c.text for c in self.must], [c.text for c in self.should]])


@dataclass(frozen=True)
class Verdict:
    """A claim beside its record: the status, and for each check of the rule whether it holds."""

    claim: Claim
    status: str
    record: Record | None
    checks: tuple[tuple[Check, Estimate, bool], ...]
    why: str = ""  # where it is not tested, or undecided


def read_claims(path: Path) -> list[Claim]:
    """The claims ledger; InputError where it is missing, cut short, or says something the project does not know."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["claim"]
        claims = [_claim(entry) for entry in entries]
    except OSError as error:
        raise InputError(f"cannot read the claims {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(f"{path} is not a whole claims ledger ({error})") from None
    ids = [claim.id for claim in claims]
    if repeated := {i for i in ids if ids.count(i) > 1}:
        raise InputError(f"{path} names {', '.join(sorted(repeated))} more than once")
    return claims


def _claim(entry: dict[str, Any]) -> Claim:
    checks = {key: tuple(Check.parse(text) for text in entry.get(key, [])) for key in ("must", "should")}
    claim = Claim(**{**entry, **checks})
    if bool(claim.must and claim.record) == bool(claim.not_tested):
        raise InputError(f"claim {claim.id} needs either a record and a rule, or the reason why it is not tested")
    return claim


def rules_for(claims: list[Claim], experiment: str) -> dict[str, str]:
    """The digests of the rules that read the record of `experiment`."""
    return {claim.id: claim.rule for claim in claims if claim.record == experiment}


def judge(claim: Claim, read: Callable[[str], Record]) -> Verdict:
    """The verdict on one claim; `read` gives the record of an experiment, or raises InputError."""
    if claim.not_tested:
        return Verdict(claim, NOT_TESTED, None, (), claim.not_tested)
    try:
        record = read(claim.record)
    except InputError as error:
        if claim.pending and isinstance(error, NoRecord):
            return Verdict(claim, NOT_TESTED, None, (), claim.pending)
        raise InputError(f"claim {claim.id}: {error}") from None
    try:
        if record.absent and not {c.measure for c in (*claim.must, *claim.should)} <= set(record.measures):
            return Verdict(claim, NOT_TESTED, None, (), "; ".join(record.absent))
        checks = {
            kind: [
                (check, record.measures[check.measure], check.holds(record.measures[check.measure])) for check in rule
            ]
            for kind, rule in (("must", claim.must), ("should", claim.should))
        }
    except KeyError as error:
        raise InputError(f"claim {claim.id}: the record of {claim.record} measures no {error}") from None
    holds = {kind: all(ok for *_, ok in rule) for kind, rule in checks.items()}
    status = NOT_REPRODUCED if not holds["must"] else REPRODUCED if holds["should"] else PARTLY
    if record.rules.get(claim.id) != claim.rule:
        status = RULE_CHANGED
    failed = [check.is_open(estimate) for check, estimate, ok in checks["must"] if not ok]
    why = UNDECIDED if status == NOT_REPRODUCED and all(failed) else ""
    return Verdict(claim, status, record, (*checks["must"], *checks["should"]), why)


def judge_all(claims: list[Claim], results: Path) -> list[Verdict]:
    """Every verdict, from the records in the folder `results`; InputError for a record that is missing or unfit."""
    return [judge(claim, lambda name: read_record(results / f"{name}.json")) for claim in claims]


def records_of(of: list[Verdict]) -> dict[str, Record]:
    """The records that these verdicts rest on, by experiment."""
    return {verdict.record.experiment: verdict.record for verdict in of if verdict.record}


def book_folder() -> Path:
    """The book of the checkout in use: ./book, else that of an editable install; InputError where there is none."""
    for folder in (Path("book"), Path("."), LIBRARY.parents[1] / "book"):
        if (folder / "claims.toml").is_file():
            return folder
    raise InputError(f"no book/claims.toml in {Path.cwd()}: run this in a checkout of the project")
