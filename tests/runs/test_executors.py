"""Executors: addresses that are no scheduler, workers of another version, workers that cannot be."""

import asyncio
import contextlib
import socket
import threading

import pytest

from helpers import command, communicate, opened_cluster
from reversible import cli
from reversible.base.checks import InputError
from reversible.runs import executors
from reversible.runs.executors import executor


@contextlib.contextmanager
def listening(answer=b""):
    """A port that accepts, says `answer` and nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    accepted.append(server.accept()[0])
                    accepted[-1].sendall(answer)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in accepted:
            connection.close()


def closed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return contextlib.nullcontext(f"127.0.0.1:{server.getsockname()[1]}")


@contextlib.contextmanager
def without_workers():
    with opened_cluster(0) as cluster:
        yield cluster.scheduler_address


DEAD = {
    "nothing listens": closed,
    "mute": listening,
    "another protocol": lambda: listening(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "not an address": lambda: contextlib.nullcontext("no such thing"),
    "unknown protocol": lambda: contextlib.nullcontext("carrier-pigeon://loft:8786"),
    "empty": lambda: contextlib.nullcontext(""),
    "port out of range": lambda: contextlib.nullcontext("tcp://127.0.0.1:99999"),
    "no workers": without_workers,
}


@pytest.mark.parametrize("kind", DEAD)
def test_a_dead_scheduler_is_one_line(kind, capfd, monkeypatch):
    """It is given up after `PATIENCE`, which is short here."""
    monkeypatch.setattr(executors, "PATIENCE", 0.3)
    with DEAD[kind]() as address:
        status = cli.main(["run", "code-law", "--profile", "smoke", "--scheduler", address])
    out, err = capfd.readouterr()
    assert (status, out) == (2, "")
    assert err.count("\n") == 1, err
    assert "no Dask scheduler with workers" in err


def test_a_dead_scheduler_leaves_nothing_behind_that_complains():
    with listening() as address:
        out, err = communicate(command("run", "code-law", "--scheduler", address))
    assert (out, err.count("\n")) == ("", 1), err


def test_workers_of_another_version_are_refused(cluster, monkeypatch):
    monkeypatch.setattr(executors.platform, "python_version", lambda: "2.7.18")
    with (
        pytest.raises(InputError, match=r"has another python 3.*, not 2\.7\.18"),
        executor(scheduler=cluster.scheduler_address),
    ):
        pass


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"workers": 0}, "workers must be an integer from 1 to 1024"),
        ({"workers": "many"}, "workers must be an integer from 1 to 1024"),
        ({"workers": 2, "scheduler": "tcp://127.0.0.1:1"}, "workers must be 1 where a scheduler has its own"),
    ],
)
def test_bad_workers(where, says):
    with pytest.raises(InputError, match=says), executor(**where):
        pass


def test_a_cluster_serves_inside_a_running_event_loop_as_in_a_notebook(cluster):
    async def cell():
        with executor(scheduler=cluster.scheduler_address) as pool:
            assert pool
            return list(pool.map(abs, [-1, -2]))

    assert asyncio.run(cell()) == [1, 2]
