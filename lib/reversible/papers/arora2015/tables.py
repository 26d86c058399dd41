"""Records in, HTML tables out, where a figure would say less."""

from __future__ import annotations

from typing import Any

from reversible.base.rebuilt import rebuilt
from reversible.papers.arora2015.experiments.net_reversal import NetReversal, place_of
from reversible.papers.arora2015.experiments.net_spectra import DOWNLOADED, EXACT, PRUNED, WEIGHTS, on_law
from reversible.papers.arora2015.labels import nets as labels
from reversible.records.record import Record
from reversible.show.html import Shown, escape, table
from reversible.spectra.bulk import farthest
from reversible.spectra.verdicts import SMALLEST

NETS = {
    "lenet300_100_dense": "LeNet-300-100", "lenet5_dense": "LeNet-5", "alexnet_kmeans": "AlexNet, quantised",
    "vgg19_normalised_conv1_1_to_conv3_1": "VGG-19, first layers, rescaled", "trained on digits": "64-40-20-10, digits",
    "vgg16_hed_bsds500": "VGG-16, trained for edges",
    "lenet300_100_sparse": "LeNet-300-100, pruned", "lenet5_sparse": "LeNet-5, pruned",
    "squeezenet_v1_0_compressed": "SqueezeNet, pruned and quantised", "torchvision:alexnet": "AlexNet, torchvision's",
    "torchvision:vgg16": "VGG-16, torchvision's",
}  # fmt: skip
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
