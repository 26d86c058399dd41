"""The explorer of the law: sliders over the recorded grid, drawn in the reader's browser and asked of nobody.

The sliders stop at the grid's own values, so that every number shown is one the library made.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from reversible.base.rebuilt import rebuilt
from reversible.papers.arora2015.experiments.law_grid import FEW, HIGH, LOW, NOTHING, LawRow, Net, layer_widths
from reversible.random_nets.model import Codes
from reversible.records.record import Record
from reversible.show.html import Shown, escape
from reversible.show.vega import VEGA
from reversible.theory.depth import EDGE

DIGITS = 3  # significant ones, of an error
CAUTION = f"Fewer than {FEW} units are kept under the code: simulated nets can lose more than the law says."
LABELS = {
    "n": ("pixels of the image", "n"),
    "m": ("width of the top code", "m"),
    "k": ("entries of the code that are on", "k"),
    "rho": ("share of units that dropout keeps", "ρ"),
    "depth": ("layers from the code to the image", ""),
}
START = {"n": 8000, "m": 100, "k": 5, "rho": 1.0, "depth": 2}
NOT_RUN = "The sliders work in the built book, where the page's scripts run."
NO_SCRIPTS = (
    "They need JavaScript, which is switched off here; the law itself is a call of the library, which this page shows."
)


def explorer(record: Record) -> Shown:
    """The explorer of a law-grid record, as HTML that loads `VEGA` from the page's _static folder.

    Sphinx gives every page the scripts that lie there, explorer.js too; `VEGA` is put there later, for this page alone.
    """
    grid = grid_of(record)
    sliders = "".join(_slider(name, values, grid["start"][name]) for name, values in grid["axes"].items())
    content = json.dumps(grid, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return Shown(
        "<section class='rv-explorer' id='rv-explorer' aria-label='Explorer of the law'>"
        f"<form autocomplete='off'>{sliders}</form><div class='rv-explorer-found'>{_found()}</div>"
        "<div id='rv-explorer-chart' role='img' aria-label='Error of the top code over pixels'></div>"
        "<p id='rv-explorer-simulate' class='rv-foot' hidden>Simulate this net: <code></code></p>"
        f"<noscript><p>{NO_SCRIPTS}</p></noscript></section>"
        f"<script type='application/json' id='rv-explorer-grid'>{content}</script>"
        f"<script src='_static/{VEGA}' defer></script>",
        grid,
    )


def _found() -> str:
    """What the sliders lead to: the error and what it means, read out when it changes, and the net that has it."""
    return (
        "<div role='status' aria-live='polite' aria-atomic='true'>"
        "<p class='rv-explorer-number'><span id='rv-explorer-error'>–</span> <small>relative squared error</small></p>"
        f"<p id='rv-explorer-words'>{NOT_RUN}</p><p id='rv-explorer-caution' hidden>{CAUTION}</p></div>"
        "<dl id='rv-explorer-net' hidden><dt>layers</dt><dd id='rv-explorer-widths'></dd>"
        "<dt>units kept, <i>t</i></dt><dd id='rv-explorer-t'></dd>"
        "<dt><i>k</i> / <i>t</i></dt><dd id='rv-explorer-ratio'></dd></dl>"
    )


def _slider(name: str, values: list[Any], start: int) -> str:
    """One axis: positions are places in `values`, and what is read out is the value there."""
    words, symbol = LABELS[name]
    label = f"{escape(words)} <i>{symbol}</i>" if symbol else escape(words)
    return (
        f"<p><label for='rv-explorer-{name}'>{label}</label>"
        f"<output for='rv-explorer-{name}' aria-live='off'>{values[start]:,}</output>"
        f"<input type='range' id='rv-explorer-{name}' name='{name}' min='0' max='{len(values) - 1}' step='1' "
        f"value='{start}' aria-valuetext='{values[start]:,}' disabled></p>"
    )


def errors_of(record: Record) -> dict[Net, float]:
    """Every net of a law-grid record with its error."""
    rows = [(rebuilt(LawRow, cell), row["errors"]) for cell, row in record.pairs()]
    return {
        Net(n, row.m, row.k, row.rho, row.depth): error
        for row, errors in rows
        for n, error in zip(row.n, errors, strict=True)
    }


def deeper_and_better(record: Record) -> list[tuple[Net, Net]]:
    """Nets of a law-grid record whose error another layer does not raise, each with the deeper one."""
    errors = errors_of(record)
    pairs = [(net, net._replace(depth=net.depth + 1)) for net in errors]
    return [(net, deeper) for net, deeper in pairs if deeper in errors and errors[deeper] <= errors[net] < NOTHING]


def constant_error(m: int, k: int) -> float:
    """Relative squared error of the best answer that is the same at each of m entries, k of them on: it reads nothing.

    E||c 1 - h||^2 is least at c = (k/m) E[a], a the law of an entry that is on, and is then m c^2 less than E||h||^2.
    """
    mean, square = (LOW + HIGH) / 2, Codes("uniform", LOW, HIGH).second_moment
    return 1 - k / m * mean**2 / square


def grid_of(record: Record) -> dict[str, Any]:
    """What the page's script reads, JSON-able.

    `axes`: the values of n, m, k, rho and depth, growing. `errors`: one for each combination, the last axis running
    fastest, to `DIGITS` digits; None where there is no such net. `widths`: of all layers, for each n, m and depth.
    `constant`: the error of an answer that reads nothing, for each m and k.
    """
    found = errors_of(record)
    axes: dict[str, list[Any]] = {name: sorted({getattr(net, name) for net in found}) for name in LABELS}
    errors = [found.get(Net(*place)) for place in itertools.product(*axes.values())]
    nets = itertools.product(axes["n"], axes["m"], axes["depth"])
    codes = itertools.product(axes["m"], axes["k"])
    return {
        "axes": axes,
        "errors": [None if error is None else float(f"{error:.{DIGITS}g}") for error in errors],
        "widths": [layer_widths(*net) if net[0] >= net[1] else None for net in nets],
        "constant": [constant_error(m, k) if k < m else None for m, k in codes],
        "start": {name: _nearest(axes[name], value) for name, value in START.items()},
        "digits": DIGITS, "edge": EDGE, "nothing": NOTHING, "few": FEW,
    }  # fmt: skip


def _nearest(values: list[Any], value: float) -> int:
    return min(range(len(values)), key=lambda place: abs(values[place] - value))


# --- Vega -------------------------------------------------------------------------------------------------------------
