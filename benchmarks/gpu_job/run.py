"""One run on a machine with a GPU and no network: PYTHONPATH=lib python benchmarks/gpu_job/run.py DATA OUT

DATA holds the parts that `parts.py` wrote, OUT gets `log.txt`, the records and what else a step leaves, each as soon as
it is there: a run that is cut off loses its last step alone. Each step says how long it may take, and is left out, with
a line, where less time is left. README.md beside this file says more.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent
sys.path[:0] = [str(HOME), str(HOME.parent)]

import checks  # noqa: E402 - beside this file
import parts  # noqa: E402
import simulate  # noqa: E402 - in the folder above
import torch  # noqa: E402
import train  # noqa: E402

from reversible.base.arithmetic import here  # noqa: E402
from reversible.base.journal import Journal  # noqa: E402
from reversible.papers import EXPERIMENTS  # noqa: E402
from reversible.papers.arora2015.experiments import shadow_gpu  # noqa: E402
from reversible.papers.belilovsky2019.experiments import cifar  # noqa: E402
from reversible.records import make  # noqa: E402
from reversible.records.claims import judge, read_claims, rules_for  # noqa: E402
from reversible.records.record import Record, book_folder, read_record, write_record  # noqa: E402
from reversible.runs.experiment import Absent  # noqa: E402
from reversible.training import config  # noqa: E402

NAME, GREEDY = "shadow-gpu", "greedy-gpu"
BANDWIDTH = {"H200": 4.8e12, "H100": 3.35e12}  # bytes/s, by what stands in a card's name; both reach the same FLOP/s
LEFT_OUT = "left out: no time was left for it, or its images were not brought"
MARGIN = 1.5  # how many times as long as the longest cell so far the next one may take


@dataclass(frozen=True)
class Step:
    name: str
    seconds: float  # that it may take: it is left out where less time is left
    run: Callable[[Job], Any]


class Job:
    """What all steps have: the machine, the time that is left, where to write."""

    def __init__(
        self, data: Path, out: Path, device: str, seconds: float, rehearse: bool, cells: Path | None = None,
        commit: str = "",
    ) -> None:  # fmt: skip
        self.data, self.out, self.device, self.rehearse = data, out, device, rehearse
        self.until = time.monotonic() + seconds
        self.profile = "smoke" if rehearse else "full"
        self.folder = Path(tempfile.mkdtemp(prefix="gpu_job_"))  # for what need not come back
        self.journal = Finished(cells or self.folder / "cells")
        self.commit = commit  # of the code, where it was brought without a history
        self.sets: list[str] = []  # of images, that were brought
        self.longest: dict[str, float] = {}  # regime, or record -> seconds of its longest cell so far
        out.mkdir(parents=True, exist_ok=True)

    @property
    def left(self) -> float:
        return max(0.0, self.until - time.monotonic())

    @property
    def set(self) -> str:
        """The images of checks: MNIST where it was brought."""
        return "mnist" if "mnist" in self.sets else "digits"

    def say(self, line: str) -> None:
        """On the terminal, and in the log at once."""
        print(line, flush=True)
        with (self.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(line + "\n")


class Finished(Journal):
    """Cells that were run; one that was left out is still to come."""

    def keep(self, item: object, result: object) -> None:
        if not isinstance(getattr(result, "result", None), Absent):
            super().keep(item, result)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--minutes", type=float, default=9.0, help="after which no step begins; of ten, say")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--rehearse", action="store_true", help="everything in small, to see that it runs")
    parser.add_argument("--only", nargs="+", default=[""], metavar="STEP", help="those whose names begin so, no others")
    parser.add_argument("--cells", type=Path, help="a folder for finished cells, where a further run finds them")
    parser.add_argument("--commit", default="", help="of the code, for the records, where it lies in no checkout")
    words = parser.parse_args(argv)
    if words.device == "cuda" and not torch.cuda.is_available():
        print("run.py: error: device must be cpu here: no CUDA device was found, not 'cuda'", file=sys.stderr)
        return 2
    if not words.data.is_dir():
        print(f"run.py: error: DATA must be a folder that is there, not {str(words.data)!r}", file=sys.stderr)
        return 2
    job = Job(words.data, words.out, words.device, 60 * words.minutes, words.rehearse, words.cells, words.commit)
    steps = [*FIRST, *(step for step in steps_of(job) if step.name.startswith(tuple(words.only)))]
    failed = sum(not taken(job, step) for step in steps)
    job.say(f"done, {failed} of {len(steps)} steps failed or were left out")
    return 1 if failed else 0


def taken(job: Job, step: Step) -> bool:
    """Take a step, if there is time; whether all went well. What it raises is a line of the log, and no more."""
    if job.left < step.seconds:
        job.say(f"[{step.name}] left out: it may take {step.seconds:.0f} s, and {job.left:.0f} s are left")
        return False
    start, well = time.monotonic(), True
    try:
        well = step.run(job) is not False
    except Exception as error:  # the next steps have their chance
        with (job.out / "errors.txt").open("a", encoding="utf-8") as errors:
            errors.write(f"[{step.name}]\n{traceback.format_exc()}\n")
        job.say(f"[{step.name}] FAILED: {type(error).__name__}: {error}".splitlines()[0])
        well = False
    gc.collect()
    if job.device == "cuda":
        torch.cuda.empty_cache()
    job.say(f"[{step.name}] {'done' if well else 'NOT WELL'} in {time.monotonic() - start:.1f} s")
    return well


# --- the steps --------------------------------------------------------------------------------------------------------


def machine(job: Job) -> None:
    """What it runs on."""
    card = torch.cuda.get_device_name() if job.device == "cuda" else "no GPU"
    job.say(f"{card}, torch {torch.__version__}, beside {here()}")


def data(job: Job) -> None:
    """Put the sets together; whatever reads one does so once."""
    job.sets = parts.unpack(job.data, job.folder / "data")
    (job.folder / "data").mkdir(exist_ok=True)
    os.environ["REVERSIBLE_DATA"] = str(job.folder / "data")
    config.load = functools.cache(config.load)
    job.say(f"sets: {', '.join(job.sets) or 'none'}; checks use {job.set}")


def told(job: Job, found: list[tuple[str, float, float]]) -> bool:
    """A line for each check; whether all are within what is allowed."""
    for name, off, allowed in found:
        job.say(f"  {name}: {off:.2g} off, allowed {allowed:g}{'' if off <= allowed else ' FAILS'}")
    return all(off <= allowed for _, off, allowed in found)


def float64(job: Job) -> bool:
    """Simulations and steps of training beside double precision."""
    return told(job, checks.simulations(job.device)) & told(job, checks.training(job.device, job.set))


def graph(job: Job) -> bool:
    """Whether a step can be recorded as a graph; if not, training goes on without."""
    if job.device == "cpu":
        job.say("  a CPU records no graphs")
        return True
    shadow_gpu.FAST["graph"] = False  # until it is seen to work
    shadow_gpu.FAST["graph"] = told(job, checks.recorded(job.device, job.set))
    return shadow_gpu.FAST["graph"]


def tests(job: Job) -> bool:
    """The tests of the device; a CPU has none."""
    if importlib.util.find_spec("pytest") is None:
        job.say("  pytest is not installed here: the steps float64 and graph make the same checks")
        return True
    words = ["-m", "cuda", "-q", "-o", "addopts=", "-W", "default", "--noconftest", "-p", "no:cacheprovider"]
    done = subprocess.run([sys.executable, "-m", "pytest", *words, str(HOME.parents[1] / "tests" / "test_gpu_job.py")],
                          capture_output=True, encoding="utf-8", errors="replace", timeout=90, check=False)  # fmt: skip
    (job.out / "pytest.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    job.say(f"  {(done.stdout.strip().splitlines() or ['no output'])[-1]}")
    return done.returncode in (0, 5)  # 5: none was selected


def ratio(job: Job, program: Any, words: list[str]) -> None:
    """What a benchmark of the folder above prints."""
    said = io.StringIO()
    card = torch.cuda.get_device_name() if job.device == "cuda" else ""
    known = [str(rate) for name, rate in BANDWIDTH.items() if name in card]
    with contextlib.redirect_stdout(said):
        program.main([*words, "--device", job.device, "--ratio", *(["--bandwidth", known[0]] if known else [])])
    for line in said.getvalue().splitlines():
        job.say(f"  {line.strip()}")


def simulation(job: Job) -> None:
    """A W and its codes over what the card allows."""
    ratio(job, simulate, ["--n", "256", "--repeats", "1"] if job.rehearse else [])


def training(job: Job) -> None:
    """A step of training over what the card allows, with one seed and with eight."""
    small = ["--width", "20", "--batch", "20", "--seeds", "2", "--repeats", "1"]
    whole = ["--precision", "bf16" if job.device == "cuda" else "float32"]
    ratio(job, train, [*(small if job.rehearse else whole), "--data", job.set])


# --- SHADOW in wide nets ----------------------------------------------------------------------------------------------


def curve(job: Job, regime: str, method: str) -> bool:
    """Run the cells of one more curve, and write the record of all that there is so far."""
    record = written(job, NAME, regime, lambda cell: (cell.regime, cell.method) == (regime, method))
    for name, estimate in record.measures.items():
        if name.endswith(regime) and name.startswith((f"gain_{method}_", f"error_{method}_", f"{method}_below_")):
            job.say(f"  {EXPERIMENTS[NAME].label(name)}: {estimate.scaled(100)}")
    own = [row for cell, row in record.pairs() if (cell["regime"], cell["method"]) == (regime, method)]
    job.say(f"  {sum('lr' in row for row in own)} of {len(own)} rates were run")
    return all("lr" in row for row in own)


def greedy(job: Job, seed: int) -> bool:
    """Train one more net layer by layer with each kind of head, and end to end; write the record of all so far."""
    torch.backends.cudnn.benchmark = True  # the same few shapes thousands of times
    record = written(job, GREEDY, GREEDY, lambda cell: cell.seed == seed)
    for name in ("last_k1", "last_k2", "last_k3", "together_k3", "behind_k3"):
        if name in record.measures:
            job.say(f"  {EXPERIMENTS[GREEDY].label(name)}: {record.measures[name].scaled(100)}")
    return all("absent" not in row for cell, row in record.pairs() if cell["seed"] == seed)


def written(job: Job, name: str, of: str, asked: Callable[[Any], bool]) -> Record:
    """The record of an experiment with all cells so far, on disk; those that are `asked` for run now."""
    experiment = EXPERIMENTS[name]
    in_time = replace(experiment, run_cell=InTime(job, of, asked, experiment.run_cell))
    rules = rules_for(read_claims(book_folder()), name)
    record = make.run(in_time, job.profile, rules, device=job.device, journal=job.journal)
    if job.commit:
        record = replace(record, provenance=record.provenance | {"commit": job.commit})
    write_record(record, job.out / f"{name}.json")
    return record


@dataclass(frozen=True)
class InTime:
    """Runs the cells that are asked for, and none for which the time that is left may not do."""

    job: Job
    of: str  # cells that take about as long as each other
    asked: Callable[[Any], bool]
    run: Callable[[Any], Any]

    def __call__(self, cell: Any) -> Any:
        longest = self.job.longest.get(self.of, 0.0)
        images = getattr(cell, "training", cell).data
        brought = images in (*self.job.sets, "digits")
        if not brought or not self.asked(cell) or self.job.left < MARGIN * longest:
            return Absent(LEFT_OUT)
        start = time.monotonic()
        result = self.run(cell)
        self.job.longest[self.of] = max(longest, time.monotonic() - start)
        return result


def verdicts(job: Job) -> None:
    """What the claims that read the records come to."""
    if job.rehearse:
        job.say("  a rehearsal has none")
        return
    records = {name: read_record(file) for name in (NAME, GREEDY) if (file := job.out / f"{name}.json").is_file()}
    for claim in read_claims(book_folder()):
        if claim.record in records:
            found = judge(claim, records.__getitem__)
            job.say(f"  {claim.id}: {found.status}. {found.why}".rstrip())


FIRST = (Step("machine", 0, machine), Step("data", 0, data))


def steps_of(job: Job) -> list[Step]:
    """All others, in order: checks, ratios, then curve by curve, then net by net."""
    curves = dict.fromkeys((cell.regime, cell.method) for cell in shadow_gpu.gpu_cells(job.profile))
    return [
        Step("float64", 60, float64),
        Step("graph", 30, graph),
        Step("tests", 90, tests),
        Step("simulation", 20, simulation),
        Step("training", 60, training),
        *(Step(f"curve {regime} {method}", 15, functools.partial(curve, regime=regime, method=method))
          for regime, method in curves),
        *(Step(f"greedy {place}", 90, functools.partial(greedy, seed=cell.seed))
          for place, cell in enumerate(cifar.gpu_cells(job.profile))),
        Step("verdicts", 0, verdicts),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
