"""The explorer of a small grid, and what it should show, by the library without the experiment's code."""

import functools
from dataclasses import asdict
from itertools import product

import numpy as np

from reversible.base.checks import InputError
from reversible.papers.arora2015.experiments.law_grid import (
    LawRow,
    Net,
    codes_of,
    is_net,
    run_row,
)
from reversible.papers.arora2015.explorer import explorer
from reversible.random_nets.deep import MultiLayer
from reversible.records.record import Record
from reversible.theory.depth import top_risk

# No two axes are alike, one code has fewer entries than are on, and one image is narrower than its code.
AXES = {"n": (250, 500, 2000, 8000), "m": (50, 400), "k": (2, 5, 60), "rho": (0.1, 0.5, 1.0), "depth": (1, 2)}
START = {"n": 8000, "m": 50, "k": 5, "rho": 1.0, "depth": 2}  # where the sliders of such a grid stand at first


@functools.cache
def by_the_library(n, m, k, rho, depth):
    """The number that the page should show, without the experiment's code; None where there is no such net."""
    widths = np.geomspace(n, m, depth + 1).round().astype(int).tolist()
    if k >= m or n < m or not can_be_run(widths, rho, k):
        return None
    net = MultiLayer(widths=widths, rho=(rho,) * depth, k=k, offset="optimal")
    codes = codes_of(k)
    return min(float(np.mean(top_risk(net.law(np.linalg.norm(codes, axis=1))[-1], codes))), 1.0)


def can_be_run(widths, rho, k):
    try:
        MultiLayer(widths=widths, rho=(rho,) * (len(widths) - 1), k=k)
    except InputError:
        return False
    return True


@functools.cache
def small_explorer():
    """The explorer of a record with these axes."""
    rows = [
        LawRow(m=m, k=k, rho=rho, depth=depth, n=tuple(n for n in AXES["n"] if is_net(Net(n, m, k, rho, depth))))
        for m, k, rho, depth in product(AXES["m"], AXES["k"], AXES["rho"], AXES["depth"])
    ]
    rows = [row for row in rows if row.n]
    cells, results = ([asdict(thing) for thing in things] for things in (rows, map(run_row, rows)))
    return explorer(Record("law-grid", "test", {"cells": cells}, {}, results, {}, {}))


LINES = "#rv-explorer-chart .mark-line path"


def number(page):
    return page.inner_text("#rv-explorer-error")


def three_digits(error):
    return "–" if error is None else f"{error:#.3g}"
