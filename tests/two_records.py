"""A book of two records and the experiments behind them, of which each test says what they measure."""

from dataclasses import dataclass, replace

from reversible import papers
from reversible.base.checks import one_of
from reversible.base.estimates import Estimate
from reversible.records import make, verify
from reversible.records.record import write_record
from reversible.runs.experiment import Experiment


@dataclass(frozen=True)
class Cell:
    size: int
    trials: int
    seed: int
    training: tuple = ()


@dataclass(frozen=True)
class Result:
    square: int


@dataclass(frozen=True)
class Missing:
    absent: str


@dataclass
class World:
    """What the fake experiments are made of, and the cells that were run."""

    cells: dict
    measures: dict
    ran: list
    missing: tuple = ()  # sizes whose data are not at hand
    stop_at: int = -1

    def run_cell(self, cell):
        if cell.seed == self.stop_at:
            raise KeyboardInterrupt
        self.ran.append(cell)
        return Missing("no data here") if cell.size in self.missing else Result(cell.size**2)


WORLD = World({}, {}, [])
EXPERIMENTS = {
    name: Experiment(
        lambda profile: WORLD.cells[profile],
        lambda cell: WORLD.run_cell(cell),
        lambda pairs: dict(WORLD.measures),
        timed=("equal_time_gain",),
        scores=("rms_z",),
        name=name,
        module=__name__,
    )
    for name in ("first", "second")
}
RECORDED = [Cell(size, 10, seed) for seed, size in enumerate((5, 7, 9))]
FEWER = [replace(cell, trials=2, seed=cell.seed + 50) for cell in RECORDED]
SMALLER = [Cell(3, 2, 80), Cell(5, 2, 81)]
PART = RECORDED[:2]

CLAIMS = """
[[claim]]
id = "T1"
chapter = "demo"
source = "here"
whose = "paper"
says = "a gain of one, and the law"
record = "first"
must = ["gain = 1 +- 0.1", "worst <= 2"]
should = ["rms_z <= 1.5"]

[[claim]]
id = "T2"
chapter = "demo"
source = "there"
whose = "control"
says = "worth its time"
record = "second"
must = ["equal_time_gain >= 0"]
"""


def interval(low, high):
    return Estimate((low + high) / 2, (low, high), 9)


MEASURES = {
    "gain": interval(0.95, 1.05), "worst": Estimate.exact(1.5), "rms_z": Estimate.exact(1.0),
    "equal_time_gain": interval(0.1, 0.2), "else": interval(3.0, 4.0),
}  # fmt: skip


def two_records(tmp_path, monkeypatch):
    """The world of a book of two records, made in the full profile; whatever is run later is up to the test."""
    monkeypatch.setattr(papers, "EXPERIMENTS", EXPERIMENTS)
    monkeypatch.setattr(papers, "module_of", lambda name: EXPERIMENTS[one_of("experiment", name, EXPERIMENTS)].module)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    made = World({"full": RECORDED, "book": FEWER, "smoke": SMALLER}, dict(MEASURES), [])
    monkeypatch.setitem(globals(), "WORLD", made)
    (tmp_path / "book" / "results").mkdir(parents=True)
    (tmp_path / "book" / "claims").mkdir()
    (tmp_path / "book" / "claims" / "demo.toml").write_text(CLAIMS)
    remake()
    made.ran.clear()
    return made


def remake():
    """Make the records of the book again."""
    claims = verify.read_claims(verify.book_folder())
    for name in EXPERIMENTS:
        rules = {claim.id: claim.rule for claim in claims if claim.record == name}
        write_record(make.run(EXPERIMENTS[name], "full", rules), file_of(name))


def file_of(name):
    return verify.book_folder() / "results" / f"{name}.json"
