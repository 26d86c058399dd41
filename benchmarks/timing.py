"""How the benchmarks of this folder take time: processor seconds, things to compare in turns, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def seconds(call: Callable[[], object]) -> float:
    """Processor seconds of this process, its threads together."""
    start = time.process_time()
    call()
    return time.process_time() - start


def rounds(*calls: Callable[[], object], repeats: int) -> list[tuple[float, ...]]:
    """Seconds of each call, one after the other in every repeat, after one of each that does not count."""
    return [tuple(seconds(call) for call in calls) for _ in range(repeats + 1)][1:]


def in_turns(*calls: Callable[[], object], repeats: int) -> tuple[float, ...]:
    """The median of each call's seconds over such rounds."""
    return tuple(statistics.median(column) for column in zip(*rounds(*calls, repeats=repeats), strict=True))
