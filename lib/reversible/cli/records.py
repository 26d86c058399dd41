"""`reversible run`, `verify` and `verdicts`: records made, run again, and judged."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reversible import papers
from reversible.base.checks import InputError
from reversible.cli.common import aligned, checked_out, where_options
from reversible.records import make, verify
from reversible.records.claims import RULE_CHANGED, Verdict, judge_all, read_claims, refuse_changed_rules, rules_for
from reversible.records.measured import measured_again
from reversible.records.record import Record, book_folder, read_record, write_record
from reversible.runs.executors import executor, unfinished


def run_options(parser: argparse.ArgumentParser) -> None:
    """Those of `reversible run`."""
    parser.add_argument("name", metavar="NAME", help=", ".join(papers.EXPERIMENTS))
    parser.add_argument("--profile", default="book", help="smoke, book (default) or full: how much is run")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the record here; otherwise it is printed")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda, for the cells that can")
    where_options(parser)
    parser.set_defaults(call=_run)


def measure_options(parser: argparse.ArgumentParser) -> None:
    """Those of `reversible measure`."""
    parser.add_argument("name", metavar="NAME", help="of a record of the book")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the record here; otherwise it is printed")
    parser.set_defaults(call=_measure)


def verify_options(parser: argparse.ArgumentParser) -> None:
    """Those of `reversible verify`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="of records (default: all that were made on a CPU)")
    parser.add_argument("--profile", default="book", help="smoke, book (default) or full: how much is run")
    parser.add_argument("--json", action="store_true", help="for machines, all at the end")
    where_options(parser)
    parser.set_defaults(call=_verify)


def verdicts_options(parser: argparse.ArgumentParser) -> None:
    """Those of `reversible verdicts`."""
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(call=_verdicts)


def _run(arguments: argparse.Namespace) -> int:
    papers.module_of(arguments.name)
    out, profile, device = checked_out(arguments.out), arguments.profile, arguments.device
    rules = rules_for(read_claims(book_folder()), arguments.name)
    # The executor comes first: a dead scheduler is said before torch loads.
    with executor(arguments.workers, arguments.scheduler) as opened:
        experiment = papers.EXPERIMENTS[arguments.name]
        make.cells_of(experiment, profile, device)
        journal = unfinished(*make.key_of(experiment, profile, device))
        record = make.run(experiment, profile, rules, True, opened, device, journal)
    _give(record, out)
    if journal:
        journal.clear()
    return 0


def _give(record: Record, out: Path | None) -> None:
    if out:
        write_record(record, out)
    else:
        print(json.dumps(record.to_json(), indent=1))


def _measure(arguments: argparse.Namespace) -> int:
    papers.module_of(arguments.name)
    out, record = checked_out(arguments.out), read_record(book_folder() / "results" / f"{arguments.name}.json")
    _give(measured_again(papers.EXPERIMENTS[arguments.name], record), out)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    tasks, outcomes = verify.tasks(papers.EXPERIMENTS, arguments.names, arguments.profile), []
    try:
        refuse_changed_rules([verdict for task in tasks for verdict in task.verdicts])
    except InputError as error:
        print(f"reversible: {error}", file=sys.stderr)
        return 1  # as of `verdicts`: a verdict cannot stand
    with executor(arguments.workers, arguments.scheduler) as opened:
        for outcome in verify.again(tasks, arguments.profile, opened):
            outcomes.append(outcome)
            if not arguments.json:
                rows = verify.table(outcome)
                columns = aligned(rows, left=range(len(rows[0]))).splitlines() if rows else []
                print("\n    ".join([verify.head(outcome), *columns, *verify.notes(outcome)]), end="\n\n", flush=True)
    print(json.dumps(verify.document(outcomes), indent=1) if arguments.json else verify.summary(outcomes))
    return int(any(outcome.contradicts for outcome in outcomes))


def _verdicts(arguments: argparse.Namespace) -> int:
    book = book_folder()
    verdicts = judge_all(read_claims(book), book / "results")
    if arguments.json:
        print(json.dumps([_verdict(verdict) for verdict in verdicts], indent=1))
    else:
        width = max(len(verdict.claim.id) for verdict in verdicts) + 2
        for verdict in verdicts:
            reason = f" ({verdict.why})" if verdict.why else ""
            print(f"{verdict.claim.id:{width}}{verdict.status}{reason}")
    return int(any(verdict.status == RULE_CHANGED for verdict in verdicts))


def _verdict(verdict: Verdict) -> dict[str, Any]:
    claim, record = verdict.claim, verdict.record
    about = {"id": claim.id, "chapter": claim.chapter, "source": claim.source, "says": claim.says}
    if record is None:
        return about | {"verdict": verdict.status, "why": verdict.why}
    checks = [{"rule": check.text, **asdict(estimate), "holds": ok} for check, estimate, ok in verdict.checks]
    why = {"why": verdict.why} if verdict.why else {}
    return about | {
        "verdict": verdict.status, **why, "checks": checks, "record": record.experiment, "profile": record.profile,
        "provenance": record.provenance, "code_unchanged": record.code_unchanged,
    }  # fmt: skip
