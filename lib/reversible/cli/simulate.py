"""`reversible simulate`: the random-like models run for real, beside the exact law."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from reversible.base.checks import integer
from reversible.base.digests import code_digest
from reversible.cli.common import where_options
from reversible.records.record import provenance
from reversible.runs.executors import trial_mapper

if TYPE_CHECKING:
    from reversible.random_nets.deep import MultiLayer, MultiLayerResult
    from reversible.random_nets.one_layer import OneLayer, OneLayerResult


def options(parser: argparse.ArgumentParser) -> None:
    """Those of `reversible simulate`."""
    kinds = parser.add_subparsers(required=True, metavar="MODEL", title="models")
    _one_layer_options(kinds.add_parser("one-layer", help="h -> x -> h_hat with one random layer", allow_abbrev=False))
    _multi_layer_options(kinds.add_parser("multi-layer", help="down through L layers and up again", allow_abbrev=False))


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
    where_options(parser)


def _one_layer(arguments: argparse.Namespace) -> int:
    from reversible.random_nets.one_layer import OneLayer, one_layer  # torch takes seconds: not for --help

    return _simulate(arguments, OneLayer, one_layer, _one_layer_table)


def _one_layer_table(p: OneLayer, result: OneLayerResult) -> list[str]:
    lines = [f"{p.trials} trials of n = {p.n}, m = {p.m}, k = {p.k}, t = {p.t:g}; offset {result.mean_offset:.4g}"]
    lines.append(f"{'':26}{'measured, 95 % interval':28}exact law")
    for name in ("mean_gain", "noise_sd_times_sqrt_t", "linf_times_sqrt_t", "relative_error"):
        measured = getattr(result, name) or "no entry is zero"
        lines.append(f"{name:26}{measured!s:28}{getattr(result, f'predicted_{name}'):.4g}")
    return [*lines, f"{'support_recovery_rate':26}{result.support_recovery_rate}"]


def _multi_layer(arguments: argparse.Namespace) -> int:
    from reversible.random_nets.deep import MultiLayer, multi_layer

    return _simulate(arguments, MultiLayer, multi_layer, _multi_layer_table)


def _multi_layer_table(p: MultiLayer, result: MultiLayerResult) -> list[str]:
    lines = [f"{p.trials} trials of {p.depth} layers, from the top down; k = {p.k}"]
    for layer in result.layers:
        lines.append(f"{f'width {layer.width}, offset {layer.mean_offset:.4g}':30}{'measured, 95 % interval':28}law")
        for name in ("mean_gain", "noise_sd", "relative_error"):
            lines.append(f"    {name:26}{getattr(layer, name)!s:28}{getattr(layer, f'predicted_{name}'):.4g}")
    return lines


def _simulate(
    arguments: argparse.Namespace, parameters: Any, function: Any, table: Callable[[Any, Any], list[str]]
) -> int:
    """Run what was asked for, and print it as JSON or as the lines of `table`."""
    p = parameters(**{field.name: getattr(arguments, field.name) for field in fields(parameters)})
    budget, module = integer("memory", arguments.memory) << 20, function.__module__
    start = time.perf_counter()
    key = ("simulate", repr(p), code_digest(module))
    with trial_mapper(key, arguments.workers, arguments.scheduler) as mapper:
        result = function(p, budget, mapper)
    if arguments.json:
        where = provenance(module, p.device, time.perf_counter() - start)
        shown = {"parameters": asdict(p), **asdict(result), "trials": p.trials, "provenance": where}
        print(json.dumps(shown, indent=1, allow_nan=False))
    else:
        print("\n".join(table(p, result)))
    return 0
