"""`reversible train`: many seeds of a small net, with SHADOW's synthetic images or without; goes on after any stop."""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from reversible.base.checks import InputError, fraction, integer, number_or_name, one_of
from reversible.base.estimates import Estimate
from reversible.base.journal import Journal
from reversible.cli.common import aligned, checked_out, where_options
from reversible.records.record import provenance
from reversible.runs.executors import executor
from reversible.runs.sweep import mapped

if TYPE_CHECKING:  # torch takes seconds: not for --help
    from reversible.training.checkpoints import Unfinished
    from reversible.training.config import Training, TrainingResult
    from reversible.training.run import Run

SIZES = ("widths", "inputs", "images", "steps", "batch", "lr")  # what a profile sets, by data set
BOOK = {
    "digits": ("100,100,100", "unit", "all", 300, 50, 0.05),
    "mnist": ("400,400,400", "unit", "all", 1500, 100, 0.03),
    "cifar10": ("300,300,300", "standard", "all", 1500, 100, 0.01),
    "cifar100": ("300,300,300", "standard", "all", 1500, 100, 0.01),
}
CHANGES = {  # of the other profiles, whatever the data
    "smoke": {"widths": "30,30,30", "images": 500, "steps": 60},
    "book": {},
    "full": {"widths": "5000,5000,5000", "steps": 10000, "batch": 512, "lr": 0.01},
}
SHADOWS = {  # its own options and what they are unless said
    "source": "h2", "sampling": "1", "scale": "norm", "smoothing": "off", "share": "1", "start": "0",
    "generation": "transpose",
}  # fmt: skip
MEASURES = ("test_error", "shown_error", "synthetic_error", "test_loss")


def defaults(profile: str, data: str) -> dict[str, Any]:
    """What `SIZES` are in a profile for a data set; the same to type. InputError for a name that is none."""
    book = dict(zip(SIZES, BOOK[one_of("data", data, BOOK)], strict=True))
    return book | CHANGES[one_of("profile", profile, CHANGES)]


# --- options ----------------------------------------------------------------------------------------------------------


def options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", default="digits", help="digits (default), mnist, cifar10 or cifar100")
    add("--method", default="shadow", help="shadow (default), or backprop: no synthetic images")
    add("--dropout", default="0", metavar="SHARE", help="share of hidden units dropped in training (default 0)")
    _shadow_options(parser.add_argument_group("SHADOW's synthetic images"))
    sizes = parser.add_argument_group("sizes")
    _size_options(sizes)
    add("--seeds", default="10", metavar="N", help="how many runs, each with a seed of its own (default 10)")
    add("--seed", default="0", help="the first of them (default 0)")
    add(
        "--stack",
        default="5",
        metavar="N",
        help="seeds that train side by side, as a part of what is asked (default 5)",
    )
    add("--device", default="cpu", help="cpu (default) or cuda")
    add("--precision", default="float32", help="float32 (default), bf16, or tf32 on cuda")
    add("--graph", action="store_true", help="on cuda: a step as one graph (default: off)")
    add("--memory", default="8192", help="budget in MiB (default 8192)")
    add("--out", type=Path, metavar="FILE", help="write curves and numbers here (default: nowhere)")
    add("--resume", action="store_true", help="go on with what FILE.unfinished keeps (default: refuse to)")
    add("--checkpoint-every", default="20", metavar="SECONDS", help="how often a run is put by (default 20)")
    add("--json", action="store_true", help="for machines (default: a table)")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _profiles()
    where_options(parser)
    parser.set_defaults(call=call)


def _shadow_options(group: argparse._ArgumentGroup) -> None:
    def add(option: str, name: str, says: str, metavar: str | None = None) -> None:
        group.add_argument(option, dest=name, metavar=metavar, help=f"{says} (default {SHADOWS[name]})")

    add("--from", "source", "hidden layer they are generated from: h1, h2, ...", "LAYER")
    add("--sampling", "sampling", "retention of the generation's dropout", "R")
    add("--scale", "scale", "norm, as long as the image each is made from; or theory")
    add("--smoothing", "smoothing", "off, blur or lowpass")
    add("--share", "share", "synthetic images for each real one")
    add("--start", "start", "steps without any, first", "STEP")
    add("--generation", "generation", "transpose; or a control: permuted, gaussian or noise")


def _size_options(group: argparse._ArgumentGroup) -> None:
    def add(option: str, says: str, metavar: str = "N") -> None:
        group.add_argument(option, metavar=metavar, help=f"{says} (default: the profile's)")

    group.add_argument("--profile", default="book", help="smoke, book (default) or full, see below")
    add("--widths", "of the hidden layers, the one next to the image first", "W1,W2,...")
    add("--inputs", "unit, pixels from 0 to 1; or standard, channels of mean 0 and standard deviation 1", "KIND")
    add("--images", "training images, drawn anew by each seed; or all")
    add("--steps", "batches in all")
    add("--batch", "real images; synthetic ones come on top")
    add("--lr", "learning rate of SGD with momentum", "RATE")


def _profiles() -> str:
    """What each profile sets, as a table."""
    heads = [["profile", "data", *SIZES]]
    rows = [[profile, data, *map(str, defaults(profile, data).values())] for profile in CHANGES for data in BOOK]
    return "defaults of the profiles:\n" + aligned(heads + rows, left=range(len(heads[0])))


# --- what is asked ----------------------------------------------------------------------------------------------------


def training(arguments: argparse.Namespace) -> Training:
    """The Training of all seeds that was typed; InputError for what it does not allow."""
    from reversible.training.config import Training, snapshots_of
    from reversible.training.synthetic import Shadow

    sizes = defaults(arguments.profile, arguments.data)
    sizes |= {name: typed for name in SIZES if (typed := getattr(arguments, name)) is not None}
    hidden = tuple(integer("widths", width) for width in str(sizes["widths"]).split(","))
    steps = integer("steps", sizes["steps"])
    shadow = _shadow(arguments, len(hidden), steps)
    seeds, first = integer("seeds", arguments.seeds, high=10**6), integer("seed", arguments.seed, low=0, high=2**52)
    return Training(
        data=arguments.data, hidden=hidden, inputs=sizes["inputs"],
        images=None if sizes["images"] == "all" else sizes["images"], dropout=arguments.dropout,
        shadow=Shadow(**shadow) if shadow else None, steps=steps, snapshots=snapshots_of(steps), lr=sizes["lr"],
        batch=sizes["batch"], seeds=tuple(range(first, first + seeds)), device=arguments.device,
        precision=arguments.precision, graph=arguments.graph,
    )  # fmt: skip


def _shadow(arguments: argparse.Namespace, layers: int, steps: int) -> dict[str, Any] | None:
    """What `Shadow` is made of; None for backprop, which is asked for nothing of SHADOW's own."""
    typed = {name: value for name in SHADOWS if (value := getattr(arguments, name)) is not None}
    if one_of("method", arguments.method, ("backprop", "shadow")) == "backprop":
        if typed:
            names = ", ".join(f"--{'from' if name == 'source' else name}" for name in typed)
            raise InputError(f"method must be shadow for {names}, not 'backprop'")
        return None
    asked = SHADOWS | typed
    source = one_of("from", asked["source"], [f"h{layer}" for layer in range(1, layers + 1)])
    return {
        "source": int(source[1:]), "rho": fraction("sampling", asked["sampling"]),
        "share": fraction("share", asked["share"]), "start": integer("start", asked["start"], low=0, high=steps - 1),
        **{name: asked[name] for name in ("scale", "smoothing", "generation")},
    }  # fmt: skip


def stacks_of(p: Training, size: int) -> list[Training]:
    """The same for `size` seeds at a time, the last ones perhaps fewer."""
    return [replace(p, seeds=p.seeds[at : at + size]) for at in range(0, len(p.seeds), size)]


def _check_memory(stacks: list[Training], at_once: int, memory: str) -> None:
    from reversible.training.config import memory_needed

    budget, at_once = integer("memory", memory) << 20, min(at_once, len(stacks))
    if (needed := at_once * memory_needed(stacks[0])) > budget:
        what = f"{at_once} x {len(stacks[0].seeds)} nets side by side need {-(-needed >> 20)} MiB"
        raise InputError(f"{what}; allowed are {budget >> 20} MiB, or take a smaller --stack")


# --- the run ----------------------------------------------------------------------------------------------------------


def call(arguments: argparse.Namespace) -> int:
    """The command; returns the exit status."""
    start, out = time.perf_counter(), checked_out(arguments.out)
    if arguments.resume and not out:
        raise InputError("--resume needs --out FILE, beside which the unfinished run is kept")
    every, stack = _seconds(arguments.checkpoint_every), integer("stack", arguments.stack)
    # The executor comes first: a dead scheduler is said before torch loads.
    with _sigterm_as_ctrl_c(), executor(arguments.workers, arguments.scheduler) as opened:
        p = training(arguments)
        stacks, asked = stacks_of(p, stack), asdict(p) | {"stack": stack}
        _check_memory(stacks, 1 if arguments.scheduler else integer("workers", arguments.workers), arguments.memory)
        with _unfinished(out, asked, arguments.resume) if out else contextlib.nullcontext() as unfinished:
            # A scheduler's workers have disks of their own.
            folder = unfinished.folder if unfinished and not arguments.scheduler else None
            results = _trained(stacks, folder, every, unfinished and unfinished.journal, opened)
            seconds = time.perf_counter() - start
            shown = outcome(asked, results) | {"provenance": provenance("reversible.training.run", p.device, seconds)}
            text = json.dumps(shown, indent=1, allow_nan=False)
            if out and unfinished:
                unfinished.finish(out, text + "\n")
    print(text if arguments.json else table(shown))
    return 0


def _seconds(typed: str) -> float:
    allowed = "seconds from 0 up"
    if (every := number_or_name("checkpoint-every", typed, allowed)) < 0:
        raise InputError(f"checkpoint-every must be {allowed}, not {typed!r}")
    return every


def _unfinished(out: Path, asked: dict[str, Any], resume: bool) -> contextlib.AbstractContextManager[Unfinished]:
    from reversible.training.checkpoints import Unfinished

    folder = out.with_name(f"{out.name}.unfinished")
    if resume and not Unfinished(folder).there():
        print(f"reversible: nothing to go on with in {folder}: training begins", file=sys.stderr)
    return Unfinished.opened(folder, asked, resume)


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """What a scheduler of jobs sends ends a run as Ctrl-C does. Only a process's main thread can have it so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _trained(
    stacks: list[Training], folder: Path | None, every: float, journal: Journal | None, opened: Executor | None
) -> list[TrainingResult]:
    """The results of the stacks, with a bar on a terminal: over steps where they are made here, else over stacks."""
    from reversible.training.checkpoints import train_stack

    one = functools.partial(train_stack, folder=folder, every=every)
    if opened:
        return mapped(one, stacks, executor=opened, journal=journal, label="train", unit="stack", progress=True)
    there = sum(p.steps for p in stacks if journal and journal.read(p))
    with tqdm(total=sum(p.steps for p in stacks), initial=there, desc="train", unit="step", disable=None) as bar:
        return mapped(functools.partial(one, watch=_Steps(bar)), stacks, journal=journal, unit="stack")


class _Steps:
    """Moves a bar along with the runs that it sees, one after the other; what was trained before counts for no rate."""

    def __init__(self, bar: tqdm) -> None:
        self.bar, self.run, self.step = bar, None, 0

    def __call__(self, run: Run) -> None:
        if run is not self.run:
            self.run, self.step = run, run.step
            if not self.bar.disable:
                self.bar.initial += run.step
                self.bar.n += run.step
        self.bar.update(run.step - self.step)
        self.step = run.step


# --- what is shown ----------------------------------------------------------------------------------------------------


def outcome(asked: dict[str, Any], results: list[TrainingResult]) -> dict[str, Any]:
    """All that the stacks of a request measured, JSON-able: lists of one entry a seed, in the order of asked["seeds"].

    "seconds" of a curve are those of the whole stack that a seed trained in; of the request, those of all stacks.
    """
    summaries = [result.summary() for result in results]
    numbers = {name: _estimate(np.concatenate([summary[name] for summary in summaries])) for name in summaries[0]}
    curves = {name: np.concatenate([result.curve(name) for result in results]).tolist() for name in MEASURES}
    seconds = [[point.seconds for point in result.points] for result in results for _ in result.weights]
    return {
        "config": json.loads(json.dumps(asked)), **numbers,
        "curves": {"steps": [point.step for point in results[0].points], **curves, "seconds": seconds},
        "weights_sha256": [sha for result in results for sha in result.weights],
        "seconds": round(sum(result.points[-1].seconds for result in results), 3),
    }  # fmt: skip


def _estimate(values: np.ndarray) -> dict[str, Any]:
    """A mean over seeds with its interval, which a single one has not."""
    if len(values) == 1:
        return {"mean": float(values[0]), "ci95": None, "n": 1}
    return json.loads(json.dumps(asdict(Estimate.of(values))))


def table(shown: dict[str, Any]) -> str:
    """Numbers with their intervals, and the mean over seeds of each curve along the steps."""
    config, curves = shown["config"], shown["curves"]
    method = f"SHADOW from h{config['shadow']['source']}" if config["shadow"] else "backprop"
    title = f"{len(config['seeds'])} runs of {method} on {config['data']}, dropout {config['dropout']:g}, "
    title += f"hidden layers {','.join(map(str, config['hidden']))}, {config['steps']} steps"
    numbers = [
        [name, *_interval(shown[name])] for name in ("final_test_error", "best_test_error", "area_under_error_curve")
    ]
    means = [np.mean(curves[name], axis=0) for name in MEASURES]
    lines = [[str(step), *(f"{mean[at]:.4f}" for mean in means)] for at, step in enumerate(curves["steps"])]
    top = aligned([["", "mean", "95 % interval"], *numbers], left=[0])
    return "\n".join([title, "", top, "", aligned([["step", *MEASURES], *lines])])


def _interval(estimate: dict[str, Any]) -> tuple[str, str]:
    ci95 = estimate["ci95"]
    return f"{estimate['mean']:.4f}", f"{ci95[0]:.4f} to {ci95[1]:.4f}" if ci95 else "- (one seed)"
