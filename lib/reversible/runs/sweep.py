"""An experiment is a list of independent cells; a sweep maps a function over them, here or wherever an executor is.

Seeds belong to the cells, so the results are the same to the bit whoever runs them, in whatever order they finish.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, as_completed
from typing import Any

from tqdm import tqdm

from reversible.base.journal import Journal, Stopped


def mapped(
    function: Callable[[Any], Any], items: Iterable[Any], *, executor: Executor | None = None,
    journal: Journal | None = None, label: str = "", unit: str = "cell", progress: bool = False,
) -> list[Any]:  # fmt: skip
    """`function` of each item, in the items' order; the items are independent, and their reprs tell them apart.

    Runs here one by one, or on any `concurrent.futures.Executor`. With a journal each result is kept on disk as soon
    as it is there, and what the journal holds is not run again. `progress` shows items done, rate and time left on a
    terminal. The first exception of an item ends the sweep and calls off what has not begun.
    """
    items = list(items)
    kept = [journal.read(item) if journal else None for item in items]
    results = {place: found.result for place, found in enumerate(kept) if found}
    waiting = {place: item for place, item in enumerate(items) if place not in results}
    finished = _elsewhere(executor, function, waiting) if executor else _here(function, waiting)
    hidden = None if progress else True  # None: shown where there is a terminal
    with tqdm(total=len(items), initial=len(results), desc=label, unit=unit, disable=hidden) as bar:
        try:
            for place, result in finished:
                if journal:
                    journal.keep(items[place], result)
                results[place] = result
                bar.update()
        except KeyboardInterrupt:
            if journal is None:
                raise
            done = f"{len(results)} of {len(items)} {unit}s are kept"
            raise Stopped(f"stopped; {done}, and the same command goes on from them") from None
        finally:
            finished.close()
    return [results[place] for place in range(len(items))]


Finished = Generator[tuple[int, Any], None, None]


def _here(function: Callable[[Any], Any], waiting: dict[int, Any]) -> Finished:
    for place, item in waiting.items():
        yield place, function(item)


def _elsewhere(executor: Executor, function: Callable[[Any], Any], waiting: dict[int, Any]) -> Finished:
    futures = {executor.submit(function, item): place for place, item in waiting.items()}
    try:
        for future in as_completed(list(futures)):
            yield futures.pop(future), future.result()
    finally:  # after an exception or Ctrl-C; of a sweep that ended none are left
        for future in futures:
            future.cancel()
