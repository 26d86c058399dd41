"""Records in, HTML tables out, where a figure would say less."""

from __future__ import annotations

from typing import Any

import numpy as np

from reversible.base.estimates import Estimate
from reversible.base.rebuilt import rebuilt
from reversible.papers.arora2015.experiments.net_reversal import NetReversal, place_of
from reversible.papers.arora2015.experiments.net_spectra import DOWNLOADED, EXACT, PRUNED, WEIGHTS, on_law
from reversible.papers.arora2015.experiments.shadow import Tuned
from reversible.papers.arora2015.labels import nets as labels
from reversible.papers.arora2015.labels.training import VARIANTS, place_words
from reversible.records.record import Record
from reversible.show.html import Shown, escape, table
from reversible.spectra.bulk import farthest
from reversible.spectra.verdicts import SMALLEST
from reversible.training.config import Training
from reversible.training.run import MOMENTUM

NETS = {
    "lenet300_100_dense": "LeNet-300-100", "lenet5_dense": "LeNet-5", "alexnet_kmeans": "AlexNet, quantised",
    "vgg19_normalised_conv1_1_to_conv3_1": "VGG-19, first layers, rescaled", "trained on digits": "64-40-20-10, digits",
    "vgg16_hed_bsds500": "VGG-16, trained for edges",
    "lenet300_100_sparse": "LeNet-300-100, pruned", "lenet5_sparse": "LeNet-5, pruned",
    "squeezenet_v1_0_compressed": "SqueezeNet, pruned and quantised", "torchvision:alexnet": "AlexNet, torchvision's",
    "torchvision:vgg16": "VGG-16, torchvision's",
}  # fmt: skip
TO_TRAIN_ON = {"digits": 1437, "mnist": 60_000, "cifar10": 50_000, "cifar100": 50_000}  # images
CLASSES = {"digits": 10, "mnist": 10, "cifar10": 10, "cifar100": 100}
TRACKS = 0.9  # the correlation of errors on synthetic and on real images that claim asks for
IN_ITS_PLACE = {
    ("transpose", False): "the net itself",
    ("gaussian", True): "a random net in its place",
    ("permuted", True): "its weights shuffled, up and down",
    ("permuted", False): "shuffled on the way down only",
}  # what makes a code, sends it down and reads it: generation, everywhere


def nets(record: Record, pruned: bool = False) -> Shown:
    """Every matrix with its verdict, net by net, the pruned nets or the others; one that was not at hand says so."""
    lines = []
    for cell, result in record.pairs():
        if (WEIGHTS[cell["net"]] == PRUNED) == pruned:
            why = f"not tested ({result['absent']})" if "absent" in result else ""
            lines.append([f"<strong>{escape(NETS[cell['net']])}</strong>", why, *[""] * 8])
            lines += [_table_line(row) for row in result.get("rows", ())]
    head = ["layer", "verdict", "shape", "kurtosis", "columns", "distance", "spikes", "levelled", "α", "places"]
    return Shown(table(head, lines))


def _table_line(row: dict[str, Any]) -> list[str]:
    nulls, p = row["nulls"], min(row["shape_used"])
    free, level = nulls["permuted"], row.get("levelled")  # older records know of no scales
    alpha, free_alpha = (f"{r['alpha']:.1f}" if r["alpha"] else "–" for r in (row, free))
    spikes, mixed, scaled = (_count(r) for r in (row, free, nulls.get("scaled")))
    limit = f"{farthest(p - row['n_spikes']):.3f}" if row["n_spikes"] is not None else "–"
    return [
        escape(row["layer"]), row["verdict"], n_by_m(row["shape"]), f"{row['kurtosis']:.1f}",
        f"{row['gram_rms']:.1f} ({nulls.get('scaled', free)['gram_rms']:.1f})",
        f"{row['ks']:.3f} ({limit})", f"{spikes} ({mixed}, {scaled})", _count(level),
        f"{alpha} ({free_alpha})", f"{row['places_on_law']} of {row['places']}" if "places" in row else "",
    ]  # fmt: skip


def _count(row: dict[str, Any] | None) -> str:
    """Spikes; a dash where no bulk fits, or nothing was measured."""
    return "–" if row is None or row["n_spikes"] is None else str(row["n_spikes"])


def reversal(record: Record, *names: str) -> Shown:
    """The measures `names` of a record of net reversals, a line a net and hidden layer."""
    places = list(dict.fromkeys(place_of(rebuilt(NetReversal, cell)) for cell, _ in record.pairs()))
    lines = [[labels.PLACES[place], *[str(record.measures[f"{name}_{place}"]) for name in names]] for place in places]
    return Shown(table(["net and layer", *[escape(labels.reversal_of_any_net(name)) for name in names]], lines))


def in_its_place(record: Record) -> Shown:
    """Cosines of a net's codes and what comes back, beside random nets in its place and other weights on the way down.

    In brackets the image's own part: the cosine less that with what comes back of another image.
    """
    found: dict[str, dict[tuple[str, bool], str]] = {}
    for cell, row in record.pairs():
        p = rebuilt(NetReversal, cell)
        if p.rho == 1 and p.biases == "trained" and "cosine" in row:
            own = f"{row['cosine']['mean']:.3f} <small>({row['specific']['mean']:.3f})</small>".replace("-", "\u2212")
            found.setdefault(labels.PLACES[place_of(p)], {})[p.generation, p.everywhere] = own
    head = ["net and layer", *IN_ITS_PLACE.values()]
    return Shown(table(head, [[place, *(ways.get(way, "") for way in IN_ITS_PLACE)] for place, ways in found.items()]))


def supports(record: Record) -> Shown:
    """Shares of a layer's units that are active in a code, in what comes back, and in both; and what chance gives."""
    lines = []
    for cell, row in record.pairs():
        p = rebuilt(NetReversal, cell)
        plain = p.rho == 1 and p.biases == "trained" and not p.everywhere and p.generation in ("transpose", "permuted")
        if plain and "support" in row:
            code, back, both = (row[f"support{end}"]["mean"] for end in ("", "_back", "_shared"))
            shares = (f"{v:.3f}" for v in (code, back, both, code * back))
            lines.append([labels.PLACES[place_of(p)], p.generation, *shares])
    return Shown(table(["net and layer", "down by", "code", "comes back", "both", "both, by chance"], lines))


def n_by_m(shape: Any) -> str:
    return f"{shape[0]}×{shape[1]}"


def tuned_cells(record: Record) -> list[tuple[Tuned, dict[str, Any]]]:
    """The trained cells of a record, each with its result; those whose data were not at hand are left out."""
    return [(rebuilt(Tuned, cell), result) for cell, result in record.pairs() if "absent" not in result]


def places_compared(record: Record) -> list[str]:
    """The places of a record, data set and number of images, at which both backprop and SHADOW were trained."""
    methods: dict[str, set[str]] = {}
    for cell, _ in tuned_cells(record):
        methods.setdefault(cell.place, set()).add(cell.method)
    return [place for place, there in methods.items() if {"backprop", "shadow"} <= there]


def learning_rates(record: Record) -> Shown:
    """What was tried: of each method held-out error by learning rate, the one taken in bold; 1 where it diverged."""
    lines = []
    for cell, result in tuned_cells(record):
        tried = zip(cell.grid, result["tuning_errors"], strict=True)
        cells = [f"{lr:g}: {error:.3f}" for lr, error in tried]
        taken = list(cell.grid).index(result["lr"])
        cells[taken] = f"<strong>{cells[taken]}</strong>"
        lines.append([place_words(cell.place), escape(cell.method), *cells])
    width = max(len(line) for line in lines)
    head = ["data", "method", *(f"try {i}" for i in range(1, width - 1))]
    return Shown(table(head, [line + [""] * (width - len(line)) for line in lines]))


def training_errors(record: Record) -> Shown:
    """Of each method its final test error, the learning rate it took, and what training a seed cost."""
    lines = []
    for cell, result in tuned_cells(record):
        name = f"{cell.method.replace(' ', '_')}_{cell.place}"
        final = record.measures[f"final_error_{name}"].scaled(100)
        seconds = result["points"][-1]["seconds"] / len(cell.training.seeds)
        lines.append([place_words(cell.place), escape(cell.method), str(final), f"{result['lr']:g}", f"{seconds:.1f}"])
    return Shown(table(["data", "method", "final test error, %", "learning rate", "seconds a seed"], lines))


def passes(p: Training) -> float:
    """How often a run by backprop sees each of its training images."""
    return p.steps * p.batch / (p.images or TO_TRAIN_ON[p.data] - p.held_out)


def training_lengths(record: Record) -> Shown:
    """How long the runs of each place are, and how often guessing is wrong there."""
    by_backprop = {cell.place: cell.training for cell, _ in tuned_cells(record) if cell.method == "backprop"}
    lines = [
        [place_words(place), f"{p.batch}", f"{p.steps:,}", f"{passes(p):.0f}", f"{100 - 100 / CLASSES[p.data]:.0f}"]
        for place, p in by_backprop.items()
    ]
    head = ["data, training images", "real images a step", "steps", "passes over the images", "error of guessing, %"]
    return Shown(table(head, lines))


def training_settings(record: Record) -> dict[str, str]:
    """What the runs have in common, as words for the prose: seeds, momentum, and by data set width, batch, held out.

    By place: steps, and passes over the training images.
    """
    cells = [cell for cell, _ in tuned_cells(record)]
    words = {"momentum": f"{MOMENTUM:g}", "seeds": str(len(cells[0].training.seeds))}
    words["tuning_seeds"] = str(len(cells[0].tuning_seeds))
    for cell in (cell for cell in cells if cell.method == "backprop"):
        p = cell.training
        for name, number in (("width", p.hidden[0]), ("batch", p.batch), ("held_out", p.held_out)):
            words[f"{p.data}_{name}"] = f"{number:,}"
        words[f"{cell.place}_steps"], words[f"{cell.place}_passes"] = f"{p.steps:,}", f"{passes(p):.0f}"
    timed = (f"time_ratio_{place}" for place in places_compared(record))
    ratios = [record.measures[name].mean for name in timed if name in record.measures]
    return words | ({"time_ratio": f"{min(ratios):.1f} to {max(ratios):.1f}"} if ratios else {})


def across_dropout(*records: Record) -> Shown:
    """Final test error of backprop with dropout less that of SHADOW without, paired by seed, in percentage points."""
    lines = []
    for record in records:
        ends = {(c.place, c.method): np.array(r["points"][-1]["test_error"]) for c, r in tuned_cells(record)}
        for place in dict.fromkeys(place for place, method in ends if method == "backprop dropout"):
            gain = Estimate.of(ends[place, "backprop dropout"] - ends[place, "shadow"]).scaled(100)
            lines.append([place_words(place), f"{record.experiment}, last step", str(gain)])
    return Shown(table(["data", "run", "error of backprop with dropout less that of SHADOW, points"], lines))


def correlated_without(record: Record) -> str:
    """Of the methods and places without synthetic images, as words: how many have the correlation that is asked for."""
    found = [
        record.measures[f"correlation_{cell.method.replace(' ', '_')}_{cell.place}"].mean >= TRACKS
        for cell, _ in tuned_cells(record)
        if cell.training.shadow is None
    ]
    return f"{sum(found)} of {len(found)}"


def below_backprop(record: Record) -> Shown:
    """Of each variant, how far its final test error lies below backprop's, in percentage points, place by place.

    Bold where the whole interval lies above zero; `value` has the names of these variants by place.
    """
    cells = [cell for cell, _ in tuned_cells(record)]
    places = [place for place in dict.fromkeys(cell.place for cell in cells) if not place.startswith("digits")]
    ahead: dict[str, list[str]] = {place: [] for place in places}
    lines = []
    for method in dict.fromkeys(cell.method for cell in cells if cell.method != "backprop"):
        line = [f"{escape(VARIANTS[method.replace(' ', '_')])} <small>({escape(method)})</small>"]
        for place in places:
            gain = record.measures[f"{method.replace(' ', '_')}_below_backprop_{place}"].scaled(100)
            if gain.ci95[0] > 0:
                ahead[place].append(method)
            line.append(f"<strong>{gain}</strong>" if gain.ci95[0] > 0 else str(gain))
        lines.append(line)
    return Shown(
        table(["variant", *(f"points below backprop, {place_words(place)}" for place in places)], lines), ahead
    )


def synthetic_over_real(record: Record) -> dict[str, str]:
    """By method without dropout, as words for the prose: the final error on synthetic images over that on real ones."""
    ratios: dict[str, list[float]] = {}
    for cell, result in tuned_cells(record):
        last = result["points"][-1]
        ratio = float(np.mean(last["synthetic_error"]) / np.mean(last["shown_error"]))
        ratios.setdefault(cell.method, []).append(ratio)
    return {
        f"synthetic_over_real_{method}": f"{min(ratios[method]):.2g} to {max(ratios[method]):.2g}"
        for method in ("shadow", "backprop")
    }


def how_many_on_law(record: Record) -> dict[str, str]:
    """How many matrices have their bulk on the law, as words for the prose: of exact weights, and of inexact ones."""
    found: dict[bool, list[bool]] = {True: [], False: []}
    for cell, result in record.pairs():
        if (weights := WEIGHTS[cell["net"]]) != PRUNED and cell["net"] not in DOWNLOADED:
            counted = [row for row in result.get("rows", ()) if min(row["shape_used"]) >= SMALLEST]
            found[weights == EXACT] += map(on_law, counted)
    words = {"exact_on_law": found[True], "inexact_on_law": found[False]}
    return {name: f"{sum(them) or 'none'} of {len(them)}" for name, them in words.items()}


def places_on_law(record: Record, net: str, layers: tuple[str, ...]) -> str:
    """Of the kernel places of a net's layers whose names begin so, as words: how many have their bulk on the law."""
    rows = [row for cell, result in record.pairs() if cell["net"] == net for row in result.get("rows", ())]
    chosen = [row for row in rows if row["layer"].startswith(layers) and "places" in row]
    return f"{sum(row['places_on_law'] for row in chosen)} of {sum(row['places'] for row in chosen)}"
