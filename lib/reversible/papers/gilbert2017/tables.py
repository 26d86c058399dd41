"""What the paper says beside what was found here, and why the two differ, as HTML tables and as words for the prose."""

from __future__ import annotations

import math
from collections.abc import Mapping

from reversible.papers.gilbert2017.labels import SPOTS
from reversible.papers.gilbert2017.published import TABLE_2, TABLE_3, TABLE_4
from reversible.records.record import Record
from reversible.show.html import Shown, table
from reversible.theory import coherence, one_step

HEAD = ["what", "the paper", "here", "why they differ"]


def figure_2(record: Record) -> Shown:
    """The three panels of Fig. 2."""
    m = {name: f"{estimate.mean:.2f}" for name, estimate in record.measures.items()}
    return Shown(table(HEAD, [
        ["Fig. 2a, |Wᵀz| / |z|", "tight around 1", f"{m['ratio']}", "They agree; the law gives its spread."],
        ["Fig. 2b, |WWᵀz| / |z|", "tight around 1",
         f"{m['response']} over all units, {m['response_on_support']} on the support of z",
         "The paper's number is that of the support, which the figure does not say."],
        ["Fig. 2c, |x̂ − x| / |x|", "mostly 0.1 to 0.2, under 0.5; fixed switches by the caption",
         f"median {m['median_fixed']} fixed, {m['median_known']} known, {m['median_support']} with the true support",
         "Which support and how many steps were used is not told."],
    ]))  # fmt: skip


def shares(record: Record) -> Shown:
    """Table 2: shares of nonzero activations, in percent."""
    lines = []
    for spot, papers in TABLE_2.items():
        found = [record.measures[f"share_{kind}_{spot}"].mean for kind in ("learned", "learned_photographs", "random")]
        lines.append([SPOTS[spot], f"{100 * papers:.1f}", *(f"{100 * share:.1f}" for share in found)])
    head = [
        "place",
        "VGG-16 on ImageNet, the paper",
        "VGG-19 on CIFAR-10",
        "VGG-19 on two photographs",
        "random filters",
    ]
    return Shown(table(head, lines))


def errors(record: Record) -> Shown:
    """Table 3: the paper's errors, the law's, and those of the copy of VGG-19 that is at hand."""
    lines = []
    for place, line in TABLE_3.items():
        law = one_step.Layer(line.filters / line.inputs, 4).kept
        predicted = f"{one_step.matched_error(one_step.cosine(law)):.3f}"
        of = {name: record.measures.get(f"error_{name}_vgg_{place}") for name in ("learned", "random", "means")}
        here = [f"{estimate.mean:.3f}" if estimate else "not at hand" for estimate in of.values()]
        lines.append([place, f"{line.learned:.3f}", f"{line.random:.3f}", predicted, *here])
    head = ["input", "learned, the paper", "random, the paper", "random, the law for white inputs",
            "learned, VGG-19 rescaled", "random, the same", "channel means, the same"]  # fmt: skip
    return Shown(table(head, lines))


def coherences(record: Record) -> Shown:
    """Table 4: the paper's coherences, the law's medians, and those of the copy of VGG-19 that is at hand."""
    lines = []
    for layer, line in TABLE_4.items():
        middle = [coherence.largest_quantile(0.5, line.filters, line.fan_in, absolute) for absolute in (True, False)]
        here = record.measures.get(f"modulus_vgg_{layer}")
        lines.append([
            layer, f"{line.learned:.3f}", f"{here.mean:.3f}" if here else "not at hand", f"{line.random:.3f}",
            *(f"{value:.3f}" for value in middle),
        ])  # fmt: skip
    head = [
        "layer",
        "learned, the paper",
        "VGG-19 rescaled",
        "random, the paper",
        "law of the modulus",
        "law with signs",
    ]
    return Shown(table(head, lines))


def words_of_theory(records: Mapping[str, Record]) -> dict[str, str]:
    """Numbers for the prose of the chapter on random filters, by name."""
    m = _means(records)
    gaussian = [row for cell, row in records["recovery-bound"].pairs() if cell["rows"] == "gaussian"]
    sizes = next(cell for cell, _ in records["hidden-codes"].pairs())
    shifts = sizes["length"] - sizes["taps"] + 1
    beyond = min(row["d_2k"] for row in gaussian if (row["papers_bound"] or 0) > 1)
    return {
        "papers_left": f"{sizes['channels'] * sizes['taps'] ** 2 / sizes['length']:.0f}",
        "papers_right": f"{sizes['k'] * (math.log(sizes['filters']) + math.log(shifts)):.0f}",
        "papers_bound_over_one": f"{beyond:.2f}",
        "enough_largest": f"{m['model-rip.largest_where_enough']:.2f}",
        "found_over_scale": f"{m['model-rip.least_over_scale']:.1f} to {m['model-rip.largest_over_scale']:.1f}",
        "fifth": f"{m['hidden-codes.median_fifth']:.3f}",
        "fifth_worst": f"{m['hidden-codes.largest_fifth']:.2f}",
    }


def words_of_trained(records: Mapping[str, Record]) -> dict[str, str]:
    """Numbers for the prose of the chapter on trained filters, by name."""
    m = _means(records)
    images, pool1 = ({name: f"{m[f'rebuilt-inputs.error_{name}_{place}']:.2f}" for name in ("random", "fixed")}
                     for place in ("vgg_images", "lenet_pool1"))  # fmt: skip
    pools = [f"{m[f'rebuilt-inputs.law_ratio_random_vgg_{pool}']:.2f}" for pool in ("pool1", "pool2")]
    return {
        "known_fixed_images": " and ".join(images.values()),
        "known_fixed_pool1": " and ".join(pool1.values()),
        "law_learned_pool1": f"{m['rebuilt-inputs.law_ratio_learned_lenet_pool1']:.2f}",
        "law_random_vgg": " and ".join(pools),
        "permuted_images": f"{m['rebuilt-inputs.error_permuted_vgg_images']:.2f}",
        "random_images": images["random"],
        "random_pool1_share": f"{m['active-shares.share_random_p1']:.0%}".replace("%", "\N{NO-BREAK SPACE}%"),
    }


def _means(records: Mapping[str, Record]) -> dict[str, float]:
    return {f"{name}.{measure}": e.mean for name, record in records.items() for measure, e in record.measures.items()}
