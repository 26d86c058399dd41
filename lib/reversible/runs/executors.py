"""Where cells run: in this process, in processes of this machine, or on a Dask cluster that is already there."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import logging
import multiprocessing
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

from reversible.base.checks import InputError, integer
from reversible.base.journal import Journal
from reversible.runs.sweep import mapped

PATIENCE = 3.0  # seconds for a scheduler to answer and to have a worker; with all imports well within ten


@contextlib.contextmanager
def trial_mapper(key: Sequence[str], workers: int = 1, scheduler: str | None = None) -> Iterator[Callable]:
    """A `map` for the trials of the run that `key` names: a progress bar, an `executor`, and a journal till it ends."""
    journal = unfinished(*key)
    with executor(workers, scheduler) as opened:
        yield functools.partial(mapped, executor=opened, journal=journal, unit="trial", progress=True)
    if journal:
        journal.clear()


def unfinished(*key: str) -> Journal | None:
    """The journal of the run that `key` names; where none can be kept, a line on stderr says so, and None."""
    try:
        journal = Journal.of(*key)
        with contextlib.suppress(OSError):  # it was made to see that it can be; a run that is refused leaves no trace
            journal.folder.rmdir()
        return journal
    except InputError as error:
        print(f"reversible: {error}; a run that is stopped begins anew", file=sys.stderr)
        return None


@contextlib.contextmanager
def executor(workers: int = 1, scheduler: str | None = None) -> Iterator[Executor | None]:
    """What `sweep.mapped` takes: None for one worker, a pool of processes for several, or the cluster at `scheduler`.

    Raises InputError where both are asked for, where nothing useful answers at `scheduler` (within ten seconds), where
    its workers hold another version of this library, and where workers die on the way.
    """
    workers = integer("workers", workers, high=1024)
    if scheduler is not None and workers > 1:
        raise InputError(f"workers must be 1 where a scheduler has its own, not {workers}")
    try:
        if scheduler is not None:
            with _cluster(scheduler) as opened:
                yield opened
        elif workers > 1:
            with _processes(workers) as opened:
                yield opened
        else:
            yield None
    except (BrokenExecutor, CancelledError):
        raise InputError(
            "the workers died, or lost their scheduler (out of memory?); finished cells are kept"
        ) from None


@contextlib.contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    """Fresh processes: a fork would inherit torch's threads in whatever state they are."""
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _live_with_the_parent)
    try:
        yield pool
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:  # nobody waits for what they are at
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _live_with_the_parent() -> None:
    """Interrupts are left to the parent; and where it is killed, its workers end instead of working on for nobody."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_it() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_it, daemon=True).start()


@contextlib.contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    try:
        import distributed
    except ImportError:
        raise InputError("--scheduler needs Dask: pip install 'reversible[cluster]'") from None
    with _quiet():
        with ThreadPoolExecutor(1) as apart:  # a notebook's own thread has an event loop already
            apart.submit(asyncio.run, _look(distributed, address)).result()
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
        try:
            _check_workers(client, address)
            yield client.get_executor(pure=False)
        except distributed.KilledWorker:
            raise InputError("a cell killed every worker it was given to (out of memory?)") from None
        finally:
            client.close(timeout=2)


async def _look(distributed: Any, address: str) -> None:
    """A Dask scheduler with at least one worker answers at `address`; a Client that fails would linger and complain."""
    security = distributed.Security().get_connection_args("client")
    try:
        async with asyncio.timeout(PATIENCE), distributed.rpc(address, connection_args=security) as scheduler:
            while not (await scheduler.identity())["workers"]:
                await asyncio.sleep(0.1)
            return
    except TimeoutError:
        reason = f"nothing of that kind within {PATIENCE:g} s"
    except Exception as error:  # OSError, ValueError for an address that is none, whatever another protocol makes of it
        reason = " ".join(str(error).split())[:160] or type(error).__name__
    raise InputError(f"no Dask scheduler with workers at {address!r}: {reason}")


def _check_workers(client: Any, address: str) -> None:
    """The workers would run the very same code."""
    try:
        theirs = client.run(fingerprint)
    except Exception as error:  # whatever hinders a worker from calling a function of this library
        raise InputError(f"the workers of {address!r} cannot run this library: {error!r:.160}") from None
    ours = fingerprint()
    for found in theirs.values():
        if other := [f"{name} {found[name]}, not {ours[name]}" for name in ours if found[name] != ours[name]]:
            raise InputError(f"a worker of {address!r} has another {'; '.join(other)}")


def fingerprint() -> dict[str, str]:
    """What results hang on: a digest of this library's files, and versions. The same on every machine of a sweep."""
    library = Path(__file__).parents[1]
    text = hashlib.sha256()
    for file in sorted(library.rglob("*.py")):
        text.update(f"{file.relative_to(library).as_posix()}\0".encode() + file.read_bytes())
    versions = {name: metadata.version(name) for name in ("numpy", "scipy", "torch")}
    return {"library": text.hexdigest()[:12], "python": platform.python_version(), **versions}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Dask's own loggers say nothing: what matters reaches the user as one line."""
    names = [n for n in logging.root.manager.loggerDict if n.split(".")[0] in ("distributed", "tornado", "asyncio")]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
