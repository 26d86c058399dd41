"""Kills `reversible` at any point of its writing, in forks of a process that has imported all and trained nothing.

Reads from stdin a JSON line a job, {"words", "write", "stage", "signal"}, runs the command, and answers with [exit
status or minus the signal that ended it, its stderr]. At its write of that number, counted from 0, the command says on
stderr which processes work for it, and sends itself the signal: "before" anything is written, with "half" of the
temporary file written, with it "whole" and not yet in its place, or "after" all. {"after": seconds} kills it at that
time instead.
"""

import functools
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from reversible import cli, data
from reversible.cli import train as cli_train
from reversible.training import checkpoints
from reversible.training import run as train


class Trap:
    """Stands where files are written, and strikes once."""

    def __init__(self, write, stage, number):
        self.left, self.stage, self.number = write, stage, number
        self.open, self.replace = tempfile.NamedTemporaryFile, Path.replace

    def strike(self, stage):
        if self.left == 0 and stage == self.stage:
            self.left = -1
            print(*(worker.pid for worker in multiprocessing.active_children()), file=sys.stderr, flush=True)
            os.kill(os.getpid(), self.number)

    def opened(self, *args, **options):
        self.strike("before")
        file = self.open(*args, **options)
        if self.left == 0 and self.stage == "half":
            file.write = lambda content: self.half(file.file, content)
        return file

    def half(self, file, content):
        file.write(content[: len(content) // 2])
        file.flush()
        self.strike("half")
        file.write(content[len(content) // 2 :])

    def replaced(self, path, target):
        self.strike("whole")
        self.replace(path, target)
        self.strike("after")
        self.left -= 1


def child(job, said):
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(said.fileno(), 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "write" in job:
        trap = Trap(job["write"], job["stage"], job.get("signal", signal.SIGKILL))
        tempfile.NamedTemporaryFile = trap.opened
        setattr(Path, "replace", lambda path, target: trap.replaced(path, target))  # noqa: B010 - pyright knows its type
    status = cli.main(job["words"])
    sys.stderr.flush()
    os._exit(status)


def done(job):
    with tempfile.TemporaryFile() as said:
        pid = os.fork()
        if pid == 0:
            try:
                child(job, said)
            finally:
                os._exit(99)
        timer = threading.Timer(job.get("after", 60), os.kill, (pid, signal.SIGKILL))
        timer.start()
        _, status = os.waitpid(pid, 0)
        timer.cancel()
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read().decode()


if __name__ == "__main__":
    train.CHUNK = 7  # more points, and none where a pass through the images ends
    data._digits = functools.cache(data._digits)  # what follows takes time, and no part in what is tested
    for part in (True, False):
        data.load("digits", train=part)
    checkpoints.made_by()
    cli_train.provenance = lambda *about: {}
    for line in sys.stdin:
        print(json.dumps(done(json.loads(line))), flush=True)
