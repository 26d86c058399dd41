"""Sweeps: the same to the bit wherever they run, whoever dies on the way; resumed after Ctrl-C."""

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from helpers import command, communicate, opened_cluster
from reversible import cli
from reversible.base.checks import InputError
from reversible.base.journal import Journal, Kept
from reversible.papers import EXPERIMENTS
from reversible.random_nets.one_layer import OneLayer, one_layer, one_layer_trial
from reversible.records import make
from reversible.records.claims import read_claims, rules_for
from reversible.records.record import book_folder, read_record
from reversible.runs.executors import executor
from reversible.runs.experiment import PROFILES
from reversible.runs.sweep import mapped

distributed = pytest.importorskip("distributed")

SMALL = OneLayer(n=600, m=90, k=6, trials=12, batch=4)


def double(item):
    return 2 * item


def fail_at_three(item):
    if item == 3:
        raise InputError("three")
    return item


def die(item):
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Slow:
    """A trial that says by a file that it has begun, and takes its time."""

    p: OneLayer
    begun: str

    def __call__(self, trial):
        Path(self.begun, f"{trial}-{os.getpid()}").touch()
        time.sleep(0.3)
        return one_layer_trial(self.p, trial)


@pytest.fixture
def journal(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Journal.of("test")


def client_pids(cluster):
    with distributed.Client(cluster, set_as_default=False) as client:
        return client.run(os.getpid).values()


def bare(record):
    return {**record.to_json(), "provenance": None, "seal": None}


def test_order_is_the_items(journal):
    assert mapped(double, range(5)) == [0, 2, 4, 6, 8]
    with ThreadPoolExecutor(3) as pool:
        assert mapped(double, range(50), executor=pool) == [2 * i for i in range(50)]
    assert mapped(double, []) == []


@pytest.fixture(scope="module")
def pools(cluster):
    """The same cells' other homes: two processes, a cluster of two workers, two threads."""
    with (
        executor(2) as processes,
        executor(scheduler=cluster.scheduler_address) as dask,
        ThreadPoolExecutor(2) as threads,
    ):
        assert isinstance(processes, ProcessPoolExecutor)
        yield processes, dask, threads


@pytest.mark.parametrize("name", ["code-law", "baby-theorem", "linf-rate"])
def test_record_is_the_same_to_the_bit_wherever_its_cells_run(name, pools):
    here = bare(make.run(EXPERIMENTS[name], "smoke"))
    for pool in pools:
        assert bare(make.run(EXPERIMENTS[name], "smoke", executor=pool)) == here


def test_simulation_is_the_same_to_the_bit_wherever_its_trials_run(pools):
    here = asdict(one_layer(SMALL))
    for pool in pools:
        assert asdict(one_layer(SMALL, mapper=functools.partial(mapped, executor=pool))) == here


def test_a_worker_killed_in_the_middle_changes_nothing(tmp_path):
    here = mapped(Slow(SMALL, str(tmp_path)), range(SMALL.trials))
    begun = tmp_path / "begun"
    begun.mkdir()
    killed = []

    def kill_one():
        while len(list(begun.iterdir())) < 4:
            time.sleep(0.02)
        last = max(begun.iterdir(), key=lambda file: int(file.name.split("-")[0]))
        killed.append(int(last.name.split("-")[1]))
        os.kill(killed[0], signal.SIGKILL)

    with opened_cluster(2) as cluster, executor(scheduler=cluster.scheduler_address) as dask:
        pids = set(client_pids(cluster))
        killer = threading.Thread(target=kill_one)
        killer.start()
        there = mapped(Slow(SMALL, str(begun)), range(SMALL.trials), executor=dask)
        killer.join()
    assert killed[0] in pids
    runs = [tuple(map(int, file.name.split("-"))) for file in begun.iterdir()]
    again = {trial for trial, pid in runs if pid == killed[0]} & {trial for trial, pid in runs if pid != killed[0]}
    assert again, "the worker died with nothing to do"
    for (measured, entries), (other, others) in zip(here, there, strict=True):
        assert measured.tobytes() == other.tobytes()
        assert entries.tobytes() == others.tobytes()


def test_bad_input_in_a_cell_ends_the_sweep_wherever_it_runs(pools, journal):
    for pool in (None, *pools):
        with pytest.raises(InputError, match="three"):
            mapped(fail_at_three, range(30), executor=pool)


def test_a_pool_that_dies_is_one_line():
    with pytest.raises(InputError, match="the workers died"), executor(2) as pool:
        mapped(die, range(4), executor=pool)


# --- what is kept -----------------------------------------------------------------------------------------------------


class Counted:
    """Doubles, counts its calls, and is stopped by Ctrl-C at one of them."""

    def __init__(self, stop_at=None):
        self.calls, self.stop_at = [], stop_at

    def __call__(self, item):
        if item == self.stop_at:
            raise KeyboardInterrupt
        self.calls.append(item)
        return 2 * item


def test_what_was_finished_before_ctrl_c_is_not_run_again(journal):
    with pytest.raises(KeyboardInterrupt, match=r"stopped; 6 of 10 cells are kept, and the same command goes on"):
        mapped(Counted(stop_at=6), range(10), journal=journal)
    rest = Counted()
    assert mapped(rest, range(10), journal=journal) == [2 * i for i in range(10)]
    assert rest.calls == [6, 7, 8, 9]
    journal.clear()
    again = Counted()
    mapped(again, range(10), journal=journal)
    assert again.calls == list(range(10))


def test_a_record_says_what_its_cells_took_also_where_an_earlier_run_kept_them(journal):
    experiment = EXPERIMENTS["baby-theorem"]
    for cell in experiment.cells("smoke"):
        kept = make.run_cell(experiment.run_cell, make.Asked(cell))
        assert kept.seconds > 0
        journal.keep(make.Asked(cell), replace(kept, seconds=100.0))
    record = make.run(experiment, "smoke", journal=journal)
    assert record.provenance["seconds"] == 100 * len(record.rows)


def test_an_executors_results_are_kept_as_they_come(journal):
    with ThreadPoolExecutor(1) as pool, pytest.raises(InputError):
        mapped(fail_at_three, range(8), executor=pool, journal=journal)
    assert [item for item in range(8) if journal.read(item)] == [0, 1, 2]


def spoil_cut(file, other):
    file.write_bytes(file.read_bytes()[:-1])


def spoil_byte(file, other):
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)


def spoil_empty(file, other):
    file.write_bytes(b"")


def spoil_swapped(file, other):
    file.write_bytes(other.read_bytes())


@pytest.mark.parametrize("spoil", [spoil_cut, spoil_byte, spoil_empty, spoil_swapped])
def test_a_kept_file_that_is_not_whole_is_run_again(journal, spoil):
    mapped(Counted(), range(4), journal=journal)
    spoil(journal._file(2), journal._file(1))
    again = Counted()
    assert mapped(again, range(4), journal=journal) == [0, 2, 4, 6]
    assert again.calls == [2]


def test_other_requests_have_other_journals(journal):
    journal.keep(1, "kept")
    assert Journal.of("test").read(1) == Kept("kept")
    assert Journal.of("test", "other").read(1) is None
    keys = {make.key_of(EXPERIMENTS["code-law"], profile) for profile in PROFILES}
    assert len(keys) == 3


STOPPED = """
import os, signal, sys
from reversible import cli; from reversible.runs import sweep

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it puts in the background ignore it
keep, done = sweep.Journal.keep, []

def kept(*what):
    if done:
        os.kill(os.getpid(), signal.SIGINT)
    keep(*what)
    done.append(what)

sweep.Journal.keep = kept
sys.exit(cli.main(sys.argv[1:]))
"""  # a command that gets Ctrl-C between two of its cells, however busy the machine


def test_ctrl_c_then_the_same_command_gives_the_same_record(tmp_path):
    words = ("run", "regime-map", "--profile", "smoke", "--out", str(tmp_path / "r.json"))
    cache = tmp_path / "cache"
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    stopped = subprocess.run(
        [sys.executable, "-c", STOPPED, *words], env=environment, capture_output=True, text=True, timeout=600
    )
    assert (stopped.returncode, stopped.stdout, stopped.stderr.count("\n")) == (130, "", 1)
    assert "1 of 9 cells are kept, and the same command goes on from them" in stopped.stderr
    assert len([*cache.glob("reversible/unfinished/*/*")]) == 1
    assert not (tmp_path / "r.json").exists()
    assert communicate(command(*words, XDG_CACHE_HOME=str(cache))) == ("", "")
    assert bare(read_record(tmp_path / "r.json")) == bare(with_rules(make.run(EXPERIMENTS["regime-map"], "smoke")))
    assert list(cache.glob("reversible/unfinished/*")) == []


def with_rules(record):
    return replace(record, rules=rules_for(read_claims(book_folder()), record.experiment))


def test_a_cache_that_cannot_be_written_is_said_and_does_no_harm(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cli.main(["run", "code-law", "--profile", "smoke"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["experiment"] == "code-law"
    assert "a run that is stopped begins anew" in err
    assert err.count("\n") == 1


def test_a_request_that_is_refused_leaves_no_journal(journal, tmp_path):
    journal.folder.rmdir()
    assert cli.main(["simulate", "one-layer", "--n", "9", "--m", "9", "--k", "1", "--batch", "1e9"]) == 2
    assert list((tmp_path / "cache" / "reversible" / "unfinished").iterdir()) == []
