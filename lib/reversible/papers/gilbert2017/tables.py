"""What the paper says beside what was found here, and why the two differ, as HTML tables and as words for the prose."""

from __future__ import annotations

import math
from collections.abc import Mapping

from reversible.papers.gilbert2017.experiments.random_filters import FAILURE
from reversible.papers.gilbert2017.labels import SPOTS
from reversible.papers.gilbert2017.published import TABLE_2, TABLE_3, TABLE_4
from reversible.records.record import Record
from reversible.show.html import Shown, table
from reversible.theory import coherence, model_rip, one_step

HEAD = ["what", "the paper", "here", "why they differ, or agree"]
WHY = "why they differ"


def figure_2(record: Record) -> Shown:
    """The three panels of Fig. 2, the last one by each reading."""
    m = {name: f"{estimate.mean:.2f}" for name, estimate in record.measures.items()}
    spread = f"{record.measures['ratio_sd'].mean:.3f}"
    tight, errors = "tight around 1", "mostly 0.1 to 0.2, all under 0.5"
    readings = {
        "fixed switches, as the caption says": ("fixed", "The maxima are moved, and the filters no longer fit them."),
        "known switches": ("known", "One step finds only a part of the support."),
        "a ReLU without pairs of filters": ("relu", "Half of the entries are negative, and the ReLU drops them."),
        "no cut to k, as in a net": ("dense", "All K maxima are kept, and few of them belong to the code."),
        "second iteration": ("second", "The median is the paper's, the largest error is not."),
        "fifth iteration": ("fifth", "Most codes are found by then, and some never are."),
        "true support": ("support", "It fits, but the support would have to be known."),
    }
    rows = [
        ["2a, |Wᵀz| / |z|", tight, f"mean {m['ratio']}, spread {spread}", "They agree; the law of lengths gives both."],
        ["2b, |WWᵀz| / |z|, all units", tight, f"mean {m['response']}", "All K filters read something: √(1 + K/M)."],
        ["2b, on the support of z", tight, f"mean {m['response_on_support']}", "It fits; the paper does not say so."],
    ]
    for reading, (name, why) in readings.items():
        here = f"median {m[f'median_{name}']}, at most {m[f'largest_{name}']}"
        rows.append([f"2c, |x̂ − x| / |x|, {reading}", errors, here, why])
    return Shown(table(HEAD, rows))


def shares(record: Record) -> Shown:
    """Table 2: shares of nonzero activations, in percent."""
    lines = []
    for spot, papers in TABLE_2.items():
        found = [record.measures[f"share_{kind}_{spot}"].mean for kind in ("learned", "learned_photographs", "random")]
        lines.append([SPOTS[spot], f"{100 * papers:.1f}", *(f"{100 * share:.1f}" for share in found)])
    other = "another net of the family, and small pictures"
    lines.append([WHY, "", other, "few pictures, of another kind", "nothing is learned"])
    head = [
        "place",
        "VGG-16 on ImageNet, the paper",
        "VGG-19 on CIFAR-10",
        "VGG-19 on two photographs",
        "random filters on CIFAR-10",
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
    rescaled = "another net, its channels rescaled"
    lines.append([WHY, "", "", "activations are not white", rescaled, rescaled, "a guess, helped by the rescaling"])
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
    rescaled = "another net, its channels rescaled but those of c11"
    lines.append([WHY, "", rescaled, "one draw for each layer", "median of the law", "median of the law"])
    head = [
        "layer",
        "learned, the paper",
        "learned, VGG-19",
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
    enough = model_rip.sufficient_fan_in(1.0, sizes["k"], sizes["filters"], shifts, FAILURE)
    return {
        "ours_wants": f"{enough:,.0f}",
        "papers_fan_in": f"{sizes['channels'] * sizes['taps']}",
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
