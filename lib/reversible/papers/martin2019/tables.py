"""Tables of the chapter: the notebooks' numbers beside what first weights have, and in which phases nets were met."""

from __future__ import annotations

from collections import Counter

from reversible.papers.martin2019 import laws, published
from reversible.papers.martin2019.figures.nets import present
from reversible.papers.martin2019.kinds import PHASES
from reversible.records.record import Record
from reversible.runs.experiment import FULL
from reversible.show.html import Shown, table

NETS = {"martin-lenet5": "LeNet-5", "martin-mlp3": "MLP-3", "martin-batch": "batch sizes", "martin-layers": "at hand"}


def first_sigma() -> Shown:
    """The notebooks' fits of sigma to trained layers beside that of their first weights."""
    lines = []
    for name, ((n, p), cut, fitted) in published.SIGMA.items():
        sigma = laws.unit_sigma(laws.glorot(n, p), n) * (laws.TRUNCATED if cut else 1)
        lines.append([name, f"{n} x {p}", f"{fitted:.4f}", f"{sigma:.4f}", f"{fitted / sigma - 1:+.1%}"])
    return Shown(table(["layer", "size", "fitted, trained [notebooks]", "first weights", "difference"], lines), lines)


def met(records: dict[str, Record]) -> Shown:
    """Each phase, and how many of the layers of these records were in it, the first ones before training left out."""
    found = {name: Counter(_phases(record)) for name, record in records.items()}
    lines = [[phase, *(str(count[phase]) for count in found.values())] for phase in PHASES]
    return Shown(table(["phase", *found], lines), lines)


def _phases(record: Record) -> list[str]:
    """The phases of all layers that a record looked at after training."""
    found: list[str] = []
    for _, row in present(record):
        if "rows" in row:
            found += [fitted["phase"] for fitted in row["rows"]]
        elif "moved" in row:
            found.append(row["phase"][-1])
        else:
            by_layer = row["phase"].values() if isinstance(row["phase"], dict) else row["phase"]
            found += [phase for layer in by_layer for phase in layer]
    return found


def beside(record: Record) -> Shown:
    """The re-run LeNet-5 beside the notebook's."""
    m = record.measures
    lines = [
        ["accuracy", f"{published.LENET5_ACCURACY:.4f}", str(m["accuracy_trained"])],
        ["spikes", f"{published.LENET5_SPIKES}", str(m["spikes_trained"])],
        ["σ of the bulk", f"{published.SIGMA['LeNet-5, FC1'][-1]:.4f}", str(m["sigma_trained"])],
    ]
    here = "here" if record.profile == FULL else "a small net on digits, which is another task"
    return Shown(table(["LeNet-5", "notebook", here], lines), lines)


def fits(record: Record) -> Shown:
    """Every exponent with its settings: interval, number of values and D, and what other settings make of it."""
    lines = []
    for cell, row in present(record):
        for fitted in row["rows"]:
            lines.append([
                f"{cell['net']}, {fitted['layer']}", "{} x {}".format(*fitted["shape"]), f"{fitted['alpha']:.2f}",
                f"{fitted['xmin']:.3g} to {fitted['xmax']:.3g}", str(fitted["count"]), f"{fitted['distance']:.3f}",
                f"{fitted['alpha_bounded']:.2f}", f"{fitted['alpha_open']:.2f}",
                f"{fitted['permuted_alpha']:.1f} ({fitted['permuted_distance']:.3f})", fitted["phase"],
            ])  # fmt: skip
    head = ["layer", "size", "α", "interval", "values", "D", "α, end in likelihood", "α, no end",
            "α in random order (D)", "phase"]  # fmt: skip
    return Shown(table(head, lines), lines)
