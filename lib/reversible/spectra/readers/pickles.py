"""A pickle as data: what it would make is written down, and nothing is made, imported or called.

A pickle is a program for a small machine with a stack; `read` is that machine without its hands. Numbers, text, lists,
tuples, sets and dicts become what they are. A name becomes a `Global`, which is that name and no more; where the
pickle asks for it to be called, that becomes a `Made`, which keeps the arguments. So nothing in a file is ever run,
and nothing has to be installed or allowed for a file to be read.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, cast


@dataclass(frozen=True, eq=False)
class Global:
    """The name of a class or a function, such as "collections.OrderedDict"."""

    name: str


@dataclass(eq=False)
class Made:
    """What a call would have made, and what would have been put into it afterwards."""

    of: Any  # a Global, if the pickle is an honest one
    args: tuple[Any, ...] = ()
    state: Any = None
    items: list[Any] = field(default_factory=list)
    pairs: dict[Any, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.of.name if isinstance(self.of, Global) else ""


@dataclass(frozen=True, eq=False)
class Saved:
    """What stands elsewhere in the file under a key: the numbers of a tensor, mostly."""

    key: Any


class Bounded:
    """A file of which no more is read than there is, whatever is asked for."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        start = file.tell()
        self.end = file.seek(0, io.SEEK_END)
        file.seek(start)

    def read(self, size: int = -1) -> bytes:
        left = self.end - self.file.tell()
        return self.file.read(left if size < 0 else min(size, left))

    def readline(self) -> bytes:
        return self.file.readline()

    def tell(self) -> int:
        return self.file.tell()


_MARK = object()
EMPTY = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "EMPTY_SET": set}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
FIXED = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
NOTHING = ("PROTO", "FRAME", "STOP", "READONLY_BUFFER")


def read(file: IO[bytes], saved: list[Saved] | None = None) -> Any:
    """The pickle that begins where the file stands; the file stands behind it afterwards. ValueError for no pickle.

    What stands elsewhere in the file is added to `saved`, too.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    within = file if isinstance(file, io.BytesIO) else cast(IO[bytes], Bounded(file))
    for opcode, argument, _ in pickletools.genops(within):
        try:
            _step(opcode.name, argument, stack, memo)
        except (IndexError, KeyError, TypeError, AttributeError):
            raise ValueError(f"a pickle that asks for what is not there ({opcode.name})") from None
        if saved is not None and opcode.name in ("PERSID", "BINPERSID"):
            saved.append(stack[-1])
    if len(stack) != 1:
        raise ValueError("a pickle that ends before it is whole")
    return stack[0]


def _step(code: str, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
    """One instruction."""
    if code in NOTHING:
        return
    if code in EMPTY:
        stack.append(EMPTY[code]())
    elif code in FIXED:
        stack.append(FIXED[code])
    elif code in TUPLES:
        stack.append(tuple([stack.pop() for _ in range(TUPLES[code])][::-1]))
    elif code in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
        memo[len(memo) if code == "MEMOIZE" else argument] = stack[-1]
    elif code in ("GET", "BINGET", "LONG_BINGET"):
        stack.append(memo[argument])
    elif code in _STEPS:
        _STEPS[code](stack)
    elif code == "GLOBAL":
        stack.append(Global(".".join(argument.split(" "))))
    elif code == "INST":
        stack.append(Made(Global(".".join(argument.split(" "))), tuple(_since_mark(stack))))
    elif code == "PERSID":
        stack.append(Saved(argument))
    elif code.startswith("EXT"):
        stack.append(Global(f"extension {argument}"))
    elif argument is not None:
        stack.append(argument)
    else:
        raise ValueError(f"a pickle with {code}, which no file of weights needs")


def _since_mark(stack: list[Any]) -> list[Any]:
    place = len(stack) - 1
    while stack[place] is not _MARK:
        place -= 1
        if place < 0:
            raise IndexError
    taken = stack[place + 1 :]
    del stack[place:]
    return taken


def _append(stack: list[Any], items: list[Any]) -> None:
    whole = stack[-1]
    (whole.items if isinstance(whole, Made) else whole).extend(items)


def _add(stack: list[Any]) -> None:
    items, whole = _since_mark(stack), stack[-1]
    whole.items.extend(items) if isinstance(whole, Made) else whole.update(items)


def _set(stack: list[Any], items: list[Any]) -> None:
    whole = stack[-1]
    (whole.pairs if isinstance(whole, Made) else whole).update(_pairs(items))


def _pairs(items: list[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


def _two(stack: list[Any]) -> list[Any]:
    last = stack.pop()
    return [stack.pop(), last]


def _build(stack: list[Any]) -> None:
    state = stack.pop()
    if isinstance(stack[-1], Made):
        stack[-1].state = state


def _make(stack: list[Any], count: int) -> None:
    """A call of what lies below its `count` arguments."""
    given = [stack.pop() for _ in range(count)][::-1]
    args = given[0] if isinstance(given[0], tuple) else (given[0],)
    stack.append(Made(stack.pop(), (*args, *given[1:])))


def _object(stack: list[Any]) -> None:
    of, *args = _since_mark(stack)
    stack.append(Made(of, tuple(args)))


def _named(stack: list[Any]) -> None:
    module, name = _two(stack)
    stack.append(Global(f"{module}.{name}"))


_STEPS = {
    "MARK": lambda stack: stack.append(_MARK),
    "POP": lambda stack: stack.pop(),
    "POP_MARK": _since_mark,
    "DUP": lambda stack: stack.append(stack[-1]),
    "LIST": lambda stack: stack.append(_since_mark(stack)),
    "TUPLE": lambda stack: stack.append(tuple(_since_mark(stack))),
    "DICT": lambda stack: stack.append(_pairs(_since_mark(stack))),
    "FROZENSET": lambda stack: stack.append(frozenset(_since_mark(stack))),
    "APPEND": lambda stack: _append(stack, [stack.pop()]),
    "APPENDS": lambda stack: _append(stack, _since_mark(stack)),
    "ADDITEMS": _add,
    "SETITEM": lambda stack: _set(stack, _two(stack)),
    "SETITEMS": lambda stack: _set(stack, _since_mark(stack)),
    "REDUCE": lambda stack: _make(stack, 1),
    "NEWOBJ": lambda stack: _make(stack, 1),
    "NEWOBJ_EX": lambda stack: _make(stack, 2),
    "OBJ": _object,
    "BUILD": _build,
    "STACK_GLOBAL": _named,
    "BINPERSID": lambda stack: stack.append(Saved(stack.pop())),
}


def children(node: Any) -> Iterator[tuple[Any, Any]]:
    """What a node holds, each with its key or its place."""
    if isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, (list, tuple)):
        yield from enumerate(node)
    elif isinstance(node, Made):
        yield from enumerate(node.items)
        yield from node.pairs.items()
        if isinstance(node.state, (dict, tuple, list)):
            yield from children(node.state)
        yield from _arguments(node.args)


def _arguments(args: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    """Of a call: OrderedDict([[key, value], ...]) as an older Python wrote it, else each in its place."""
    if len(args) == 1 and isinstance(args[0], (list, dict)):
        pairs = isinstance(args[0], list) and all(isinstance(e, (list, tuple)) and len(e) == 2 for e in args[0])
        yield from ((key, value) for key, value in args[0]) if pairs else children(args[0])
    else:
        yield from enumerate(args)
