"""A training run that is under way, kept on disk: after any stop it goes on as if it had not stopped, to the bit.

A checkpoint is one file, written whole or not at all: the SHA-256 of the rest, then safetensors with what is needed to
know whose it is. It holds no code. What is not whole, or is another run's, is refused and left as it is.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from reversible.base.checks import InputError
from reversible.base.digests import code_digest, digest
from reversible.base.files import write_atomically
from reversible.base.journal import Journal, Stopped
from reversible.base.runtime import one_thread
from reversible.training.config import Training, TrainingResult
from reversible.training.run import Run, trained

FORMAT = "reversible checkpoint 1"
SEAL = 32  # bytes
REQUEST, RESULT = "request.json", "result.json"
ENDING = ".checkpoint"

Watch = Callable[[Run], None]


def identity(run: Run) -> dict[str, str]:
    """Whose a checkpoint is: what was asked, the hooks, and the code and versions that its numbers hang on.

    Raises InputError for a hook of which that cannot be said: it is neither a function of a module nor a dataclass.
    """
    steps = [[start, *_about_hook(step)] for start, step in sorted(run.steps.items())]
    hooks = digest([steps, [_about_hook(probe) for probe in run.probes]])
    return {"format": FORMAT, "training": digest(asdict(run.p)), "hooks": hooks, **made_by()}


@functools.cache  # what is loaded stays as it is, whatever is done to the files
def made_by() -> dict[str, str]:
    """The code that trains, and versions of what it is built on."""
    return {
        "code": _code_of("reversible.training.run"),
        **{n: metadata.version(n) for n in ("numpy", "scipy", "torch")},
    }


@functools.cache
def _code_of(module: str) -> str:
    return code_digest(module)


def _about_hook(hook: Any) -> list[str]:
    """Its module, its name or a dataclass with its parameters, and its code where the library has it."""
    named = inspect.isfunction(hook) or inspect.isclass(hook)
    name = hook.__qualname__ if named else repr(hook) if is_dataclass(hook) else "<>"
    if "<" in name:  # it hangs on values that cannot be told
        raise InputError(f"hooks of a run that is kept must be functions of a module or dataclasses, not {hook}")
    return [hook.__module__, name, _code_of(hook.__module__) if hook.__module__.startswith("reversible.") else ""]


# --- one run ----------------------------------------------------------------------------------------------------------


def write(run: Run, file: Path, whose: dict[str, str]) -> None:
    """Put a run on disk, durably; `whose` is its `identity`.

    Raises InputError where that cannot be done, and where a probe found what cannot be written down.
    """
    try:
        rows = json.dumps(run.rows, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"probes of a run that is kept must find numbers, texts and tuples of such: {error}") from None
    body = save(run.state(), metadata=whose | {"rows": rows})
    write_atomically(file, hashlib.sha256(body).digest() + body)


def read(run: Run, file: Path) -> None:
    """Take a new `run` to where the one was that was put into `file`.

    Raises InputError, and leaves the run new, where the file cannot be read, was cut short or altered, is no
    checkpoint, or is one of another Training, other hooks, other code or other versions.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the checkpoint {file}: {error.strerror}") from None
    body = content[SEAL:]
    if hashlib.sha256(body).digest() != content[:SEAL]:
        raise InputError(f"{file} was cut short or altered, or is no checkpoint: its seal does not fit its content")
    kept = _about(body)
    if kept.get("format") != FORMAT:
        raise InputError(f"{file} is not a checkpoint of this project (its format is not {FORMAT!r})")
    if other := _differences(kept, kept | identity(run)):
        raise InputError(f"{file} is a checkpoint of another run: {other}")
    run.restore(load(body))
    run.rows = [_as_found(row) for row in json.loads(kept["rows"])]


def _about(body: bytes) -> dict[str, str]:
    """What a safetensors header says of the file; empty where it is none."""
    try:
        return dict(json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])["__metadata__"])
    except (ValueError, KeyError, TypeError):
        return {}


def _as_found(value: Any) -> Any:
    """What JSON made lists of, in tuples again."""
    if isinstance(value, dict):
        return {name: _as_found(each) for name, each in value.items()}
    return tuple(_as_found(each) for each in value) if isinstance(value, list) else value


class Keeper:
    """Watches a run, as `Run.follow` lets it: looks at its loss each time, and keeps it in a file every so often.

    A run whose loss is lost raises `Diverged` before anything is written: the last good checkpoint stays. The clock
    stands still while it writes. Without a file it looks at the loss alone.
    """

    def __init__(self, run: Run, file: Path | None, every: float = 20.0) -> None:
        """Raises what `identity` raises, where there is a file."""
        self.file, self.every, self.whose = file, every, identity(run) if file else {}
        self.last = time.monotonic()

    def __call__(self, run: Run) -> None:
        run.check()  # at each look: when a run is given up must not hang on the clock
        if self.file and time.monotonic() - self.last >= self.every:
            write(run, self.file, self.whose)
            self.last = time.monotonic()


def resumed(run: Run, file: Path | None) -> Run:
    """A new `run`, taken to where `file` keeps it if there is such a file. Raises what `read` raises."""
    if file and file.exists():
        read(run, file)
    return run


def train_stack(
    p: Training, folder: Path | None = None, every: float = 20.0, watch: Watch = lambda run: None
) -> TrainingResult:
    """Train a stack from where `folder` keeps it, or from its start, and keep it there every so many seconds.

    `watch` sees the run before its first step, too. The checkpoint stays: whoever has the result removes it.
    """
    file = folder / (digest(asdict(p)) + ENDING) if folder else None
    with one_thread():
        run = resumed(Run(p), file)
        keep = Keeper(run, file, every)
        watch(run)

        def seen(run: Run) -> None:
            keep(run)
            watch(run)

        return trained(p, run, seen)


# --- a request of several runs ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unfinished:
    """The folder of a request that is under way: what was asked, finished stacks, checkpoints of the others."""

    folder: Path

    @classmethod
    @contextlib.contextmanager
    def opened(cls, folder: Path, asked: dict[str, Any], resume: bool) -> Iterator[Unfinished]:
        """The folder of what is `asked`, made here unless `resume` finds it; it goes again if nothing comes into it.

        Raises InputError where it is there and `resume` is off, where it is of another request, other code or other
        versions, and where it cannot be made; nothing in it is touched then. A KeyboardInterrupt says what is kept.
        """
        unfinished, request = cls(folder), json.loads(json.dumps(_flat(asked) | made_by()))
        if unfinished.there():
            if not resume:
                raise InputError(f"{folder} holds an unfinished run: go on with it by --resume, or remove it")
            unfinished._check(request)
        try:
            unfinished._prepare(request)
            yield unfinished
        except BaseException as error:
            left = unfinished._left()
            if not left:
                unfinished.clear()
            if isinstance(error, KeyboardInterrupt):
                raise Stopped(f"stopped; {left or 'nothing was written'}") from None
            raise

    def _prepare(self, request: dict[str, Any]) -> None:
        try:
            self.folder.mkdir(exist_ok=True)
            for half in self.folder.glob(".*"):  # of a run that was killed while it wrote
                half.unlink()
        except OSError as error:
            raise InputError(f"cannot write {self.folder}: {error.strerror}") from None
        if not (self.folder / REQUEST).exists():
            write_atomically(self.folder / REQUEST, json.dumps({"seal": digest(request), **request}, indent=1) + "\n")

    def there(self) -> bool:
        """Whether something is kept; a folder that a run was killed in before it wrote is as good as none."""
        return self.folder.exists() and self._visible() != []

    def _visible(self) -> list[Path]:
        try:
            return [file for file in self.folder.iterdir() if not file.name.startswith(".")]
        except OSError as error:
            raise InputError(f"cannot read the folder {self.folder}: {error.strerror}") from None

    def _check(self, request: dict[str, Any]) -> None:
        file = self.folder / REQUEST
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            whole = kept.pop("seal") == digest(kept)
        except OSError as error:
            raise InputError(f"cannot read {file}: {error.strerror}") from None
        except (ValueError, KeyError, AttributeError, TypeError):
            whole, kept = False, {}
        if not whole:
            raise InputError(f"{file} was cut short or altered: what is kept beside it cannot be gone on with")
        if other := _differences(kept, request):
            raise InputError(f"{self.folder} keeps another run, and is left as it is: {other}")

    @property
    def journal(self) -> Journal:
        """Of the stacks that are finished."""
        return Journal(self.folder)

    def _left(self) -> str:
        """What a stopped run leaves; empty where it is nothing but what was asked."""
        names = [file.name for file in self._visible() if file.name != REQUEST] if self.folder.exists() else []
        checkpoints = sum(name.endswith(ENDING) for name in names)
        what = f"stacks finished: {sum('.' not in name for name in names)}, checkpoints: {checkpoints}"
        return f"{self.folder} keeps what was done ({what}): go on by the same command with --resume" if names else ""

    def finish(self, out: Path, content: str) -> None:
        """Write the result to `out`, whole or not at all, and drop the folder; half a file is left in it, if at all."""
        write_atomically(self.folder / RESULT, content)
        try:
            (self.folder / RESULT).replace(out)
        except OSError as error:
            raise InputError(f"cannot write {out}: {error.strerror}") from None
        self.clear()

    def clear(self) -> None:
        """Forget it; what was asked goes last, so that a stop on the way leaves nothing that has lost its name."""
        with contextlib.suppress(OSError):
            for file in self.folder.iterdir():
                if file.name != REQUEST:
                    file.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)


def _flat(asked: dict[str, Any]) -> dict[str, Any]:
    """One level: what is in a dict gets the dict's name before its own."""
    inner = [
        (f"{name}.{key}", v) for name, value in asked.items() if isinstance(value, dict) for key, v in value.items()
    ]
    return {name: value for name, value in asked.items() if not isinstance(value, dict)} | dict(inner)


def _differences(kept: dict[str, Any], asked: dict[str, Any]) -> str:
    """The first few of them, with values that are short enough; empty where there are none."""
    names = [name for name in {**asked, **kept} if kept.get(name) != asked.get(name)]
    return ", ".join(
        [_difference(name, kept.get(name), asked.get(name)) for name in names[:4]] + ["..."] * bool(names[4:])
    )


def _difference(name: str, kept: object, asked: object) -> str:
    its, ours = json.dumps(kept), json.dumps(asked)
    return f"{name} {its} and not {ours}" if len(its + ours) < 60 else f"other {name}"
