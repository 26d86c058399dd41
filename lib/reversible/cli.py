"""`reversible ...`: simulate, train, measure weights, run and verify records, show verdicts.

Errors are one line on stderr, exit status 2.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from reversible import __version__, cli_train, experiments, verify
from reversible.chapters import refuse_changed_rules
from reversible.checks import InputError, integer
from reversible.digests import code_digest
from reversible.executors import executor, trial_mapper, unfinished
from reversible.results import (
    RULE_CHANGED,
    Verdict,
    book_folder,
    judge_all,
    provenance,
    read_claims,
    rules_for,
    write_record,
)
from reversible.sweep import mapped


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


def main(words: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status: 0, 1 where a verdict cannot stand, 2 for bad input, 130 for Ctrl-C."""
    try:
        arguments = _parser().parse_args(words)
        return arguments.call(arguments)
    except InputError as error:
        print(f"reversible: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:  # a sweep says what it kept
        print(f"reversible: {str(stopped) or 'stopped; nothing was written'}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `reversible verdicts | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="reversible", description="Does the theory of reversible deep nets hold?", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"reversible {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    simulate = commands.add_parser(
        "simulate", help="a theorem-checking simulation beside the exact law", allow_abbrev=False
    )
    kinds = simulate.add_subparsers(required=True, metavar="MODEL", title="models")
    _one_layer_options(kinds.add_parser("one-layer", help="h -> x -> h_hat with one random layer", allow_abbrev=False))
    _multi_layer_options(kinds.add_parser("multi-layer", help="down through L layers and up again", allow_abbrev=False))
    run = commands.add_parser("run", help="any recorded experiment again", allow_abbrev=False)
    run.add_argument("name", metavar="NAME", help=", ".join(experiments.NAMES))
    run.add_argument("--profile", default="book", help="smoke, book (default) or paper: how much is run")
    run.add_argument("--out", type=Path, metavar="FILE", help="write the record here; otherwise it is printed")
    run.add_argument("--device", default="cpu", help="cpu (default) or cuda, for the cells that can")
    _where_options(run)
    run.set_defaults(call=_run)
    spectrum = commands.add_parser("spectrum", help="are the weights of your own net random-like?", allow_abbrev=False)
    _spectrum_options(spectrum)
    train = commands.add_parser("train", help="small nets by backprop or SHADOW, many seeds", allow_abbrev=False)
    cli_train.options(train)
    _where_options(train)
    verdicts = commands.add_parser("verdicts", help="the table of claims", allow_abbrev=False)
    verdicts.add_argument("--json", action="store_true", help="for machines")
    verdicts.set_defaults(call=_verdicts)
    again = commands.add_parser("verify", help="the records run again: do they still hold?", allow_abbrev=False)
    again.add_argument("names", nargs="*", metavar="NAME", help="of records (default: all that were made on a CPU)")
    again.add_argument("--profile", default="book", help="smoke, book (default) or paper: how much is run")
    again.add_argument("--json", action="store_true", help="for machines, all at the end")
    _where_options(again)
    again.set_defaults(call=_verify)
    return parser


def _where_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", default="1", metavar="N", help="processes of this machine to run on (default 1)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="run on the Dask cluster there, tcp://host:port")


def _one_layer_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--n", required=True, help="width of the image x")
    add("--m", required=True, help="width of the code h")
    add("--rho", default="0.5", help="retention probability of the generation's dropout (default 0.5)")
    add("--alpha", help="scale of the generation (default 2/(rho n))")
    add("--offset", default="proof", help="b in relu(W^T x + b): proof (default), optimal or a number")
    add("--estimate", default="relu", help="relu (default), hard or linear")
    _shared_options(parser, trials="200", batch="1")
    parser.set_defaults(call=_one_layer)


def _multi_layer_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--widths", required=True, metavar="N0,...,NL", help="from the image up to the top code")
    add("--rho", required=True, metavar="R0,...,R(L-1)", help="retention of the generation's dropout, layer by layer")
    add("--scale", default=(), metavar="S0,...,S(L-1)", help="alpha of each layer over the theory's 2/(rho N)")
    add("--offset", default="0", help="0 (default), proof, optimal (for the top), or b1,...,bL")
    _shared_options(parser, trials="50", batch="4")
    parser.set_defaults(call=_multi_layer)


def _shared_options(parser: argparse.ArgumentParser, trials: str, batch: str) -> None:
    add = parser.add_argument
    add("--k", required=True, help="nonzero entries of a code, of the top one where there are layers")
    add("--retention", dest="q", default="1", help="retention of dropout at inference, in every layer (default 1)")
    add("--trials", default=trials, help="independent draws of all weights (default %(default)s)")
    add("--batch", default=batch, help="codes that share them (default %(default)s)")
    add("--codes", default="uniform", help="law of the entries: binary, uniform (default), exponential")
    add("--low", default="0.5", help="lower end of the uniform law (default 0.5)")
    add("--high", default="1.5", help="upper end of the uniform law (default 1.5)")
    add("--weights", default="gaussian", help="family of the weights (default gaussian)")
    add("--seed", default="0")
    add("--dtype", default="float32", help="float32 (default) or float64")
    add("--device", default="cpu", help="cpu (default) or cuda")
    add("--memory", default="1024", help="budget in MiB (default 1024)")
    add("--json", action="store_true", help="for machines")
    _where_options(parser)


def _one_layer(arguments: argparse.Namespace) -> int:
    from reversible.simulate import OneLayer, one_layer  # torch takes seconds: not for --help

    p, result = _simulated(arguments, "reversible.simulate", OneLayer, one_layer)
    if arguments.json:
        return 0
    print(f"{p.trials} trials of n = {p.n}, m = {p.m}, k = {p.k}, t = {p.t:g}; offset {result.mean_offset:.4g}")
    print(f"{'':26}{'measured, 95 % interval':28}exact law")
    for name in ("mean_gain", "noise_sd_times_sqrt_t", "linf_times_sqrt_t", "relative_error"):
        measured = getattr(result, name) or "no entry is zero"
        print(f"{name:26}{measured!s:28}{getattr(result, f'predicted_{name}'):.4g}")
    print(f"{'support_recovery_rate':26}{result.support_recovery_rate}")
    return 0


def _multi_layer(arguments: argparse.Namespace) -> int:
    from reversible.multi_layer import MultiLayer, multi_layer

    p, result = _simulated(arguments, "reversible.multi_layer", MultiLayer, multi_layer)
    if arguments.json:
        return 0
    print(f"{p.trials} trials of {p.depth} layers, from the top down; k = {p.k}")
    for layer in result.layers:
        print(f"{f'width {layer.width}, offset {layer.mean_offset:.4g}':30}{'measured, 95 % interval':28}law")
        for name in ("mean_gain", "noise_sd", "relative_error"):
            print(f"    {name:26}{getattr(layer, name)!s:28}{getattr(layer, f'predicted_{name}'):.4g}")
    return 0


def _simulated(arguments: argparse.Namespace, module: str, parameters: Any, function: Any) -> tuple[Any, Any]:
    """The simulation that was asked for and its result, printed already if as JSON."""
    p = parameters(**{field.name: getattr(arguments, field.name) for field in fields(parameters)})
    budget = integer("memory", arguments.memory) << 20
    start = time.perf_counter()
    key = ("simulate", repr(p), code_digest(module))
    with trial_mapper(key, arguments.workers, arguments.scheduler) as mapper:
        result = function(p, budget, mapper)
    if arguments.json:
        where = provenance(module, p.device, time.perf_counter() - start)
        shown = {"parameters": asdict(p), **asdict(result), "trials": p.trials, "provenance": where}
        print(json.dumps(shown, indent=1, allow_nan=False))
    return p, result


def _run(arguments: argparse.Namespace) -> int:
    experiments.module_of(arguments.name)
    out = cli_train.checked_out(arguments.out)
    claims = read_claims(book_folder() / "claims.toml")
    name, profile, device = arguments.name, arguments.profile, arguments.device
    rules = rules_for(claims, name)
    # The executor comes first: a dead scheduler is said before torch loads.
    with executor(arguments.workers, arguments.scheduler) as opened:
        experiments.cells_of(name, profile, device)
        journal = unfinished(*experiments.key_of(name, profile, device))
        record = experiments.run(name, profile, rules, True, opened, device, journal)
    if out:
        write_record(record, out)
    else:
        print(json.dumps(record.to_json(), indent=1))
    if journal:
        journal.clear()
    return 0


def _spectrum_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("weights", metavar="WEIGHTS", help="a file .npy, .npz, .safetensors, .pt or .pth, or torchvision:NAME")
    add("--layer", metavar="NAME", help="this layer alone")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for machines: everything that was measured, nulls included")
    form.add_argument("--csv", action="store_true", help="the same as a table, one line a matrix")
    add("--no-nulls", dest="nulls", action="store_false", help="only the weights, not the two random matrices beside")
    add("--positions", action="store_true", help="of a convolution each position of its kernel, too")
    add("--seed", default="0", help="of the random matrices (default 0)")
    add("--memory", default="8192", help="budget in MiB (default 8192)")
    parser.set_defaults(call=_spectrum)


def _spectrum(arguments: argparse.Namespace) -> int:
    from reversible import spectra, weights

    if arguments.csv and not find_spec("pandas"):
        raise InputError("--csv needs pandas, which is not installed: pip install 'reversible[book]'")
    seed = integer("seed", arguments.seed, low=0, high=2**32)
    layers = weights.read(arguments.weights, arguments.memory, arguments.layer)

    def measured(item: tuple[str, Any]) -> Any:
        """The row of a matrix, or why there is none: its numbers are finite, so it is small or all the same."""
        name, matrix = item
        try:
            return replace(spectra.analyse(matrix, nulls=arguments.nulls, seed=seed), layer=name)
        except InputError as error:
            return f"{name}, {_times(matrix.shape)}: {error}"

    items = [
        (layer.name + at, matrix) for layer in layers for at, matrix in weights.matrices(layer, arguments.positions)
    ]
    results = mapped(measured, items, label="spectrum", unit="layer", progress=True)
    skipped = [why for why in results if isinstance(why, str)]
    rows = [row for row in results if not isinstance(row, str)]
    if not rows:
        raise InputError(f"no layer of {arguments.weights!r} can be tested; {skipped[0]}")
    for why in skipped:
        print(f"reversible: skipped {why}", file=sys.stderr)
    shown = [row.to_json() for row in rows]
    if arguments.json:
        print(json.dumps(shown, indent=1, allow_nan=False))
    else:
        print(spectra.to_frame(rows).to_csv(index=False).rstrip() if arguments.csv else _table(shown))
    return 0


def _table(rows: list[dict[str, Any]]) -> str:
    """One aligned line a matrix; in brackets the same of its entries in random order."""
    null = " (permuted)" if rows[0]["nulls"] else ""
    heads = ["layer", "shape", "sigma", "kurtosis", f"ks{null}", "edges", "largest", "spikes", "stable rank"]
    lines = [[*heads, f"alpha{null}", "verdict"]]
    for row in rows:
        sigma, kurtosis, largest, rank = (_short(row[name]) for name in ("sigma", "kurtosis", "largest", "stable_rank"))
        edges = f"{_short(row['edge_low'])}..{_short(row['edge_high'])}"
        ks, alpha = (_short(row[name]) + _beside(row["nulls"], name) for name in ("ks", "alpha"))
        numbers = [sigma, kurtosis, ks, edges, largest, str(row["n_spikes"]), rank, alpha]
        lines.append([row["layer"], _times(row["shape"]), *numbers, row["verdict"]])
    return cli_train.aligned(lines, left=(0, 1, len(lines[0]) - 1))


def _short(number: float | None) -> str:
    return "-" if number is None else f"{number:.3g}"


def _beside(nulls: dict[str, Any], name: str) -> str:
    return f" ({_short(nulls['permuted'][name])})" if nulls else ""


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _verdicts(arguments: argparse.Namespace) -> int:
    book = book_folder()
    verdicts = judge_all(read_claims(book / "claims.toml"), book / "results")
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


def _verify(arguments: argparse.Namespace) -> int:
    tasks, outcomes = verify.tasks(arguments.names, arguments.profile), []
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
                columns = cli_train.aligned(rows, left=range(len(rows[0]))).splitlines() if rows else []
                print("\n    ".join([verify.head(outcome), *columns, *verify.notes(outcome)]), end="\n\n", flush=True)
    print(json.dumps(verify.document(outcomes), indent=1) if arguments.json else verify.summary(outcomes))
    return int(any(outcome.contradicts for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
