"""A whole VGG-16 beside the paper: what it says, what was found here and why they differ; both theories by layer."""

from __future__ import annotations

from reversible.papers.gilbert2017.labels_vgg16 import LAYERS
from reversible.papers.gilbert2017.published import TABLE_2_WHOLE, TABLE_3, TABLE_4
from reversible.records.record import Record
from reversible.show.html import Shown, table

RECORDS = ("vgg16-shares", "vgg16-lengths", "vgg16-rebuilt", "vgg16-coherence", "vgg16-down", "vgg16-theories")
Means = dict[str, float]


def means_of(records: dict[str, Record]) -> Means:
    """The mean of every measure by RECORD.MEASURE, the record without its "vgg16-"."""
    return {
        f"{name.removeprefix('vgg16-')}.{measure}": e.mean
        for name, record in records.items()
        for measure, e in record.measures.items()
    }


def beside_the_paper(records: dict[str, Record]) -> Shown:
    """A line for each of the paper's tables and figures that a whole VGG-16 can be held against."""
    m = means_of(records)
    gaps = [abs(m[f"shares.gap_photographs_{spot}"]) for spot in TABLE_2_WHOLE]
    near = [abs(m[f"coherence.gap_{layer}"]) <= 0.05 for layer in TABLE_4]
    lines = [
        ["Table 2, nonzero activations", "7.3 % to 80.8 % at eighteen places",
         f"{sum(gap <= 0.1 for gap in gaps)} places within ten points, the others up to {100 * max(gaps):.0f} away",
         "Further training for edges. The pictures matter less: VGG-19 has the paper's shares on those of CIFAR-10."],
        ["Fig. 3a, random codes", "around 1; learned a bit wider than random",
         f"{m['lengths.ratio_drawn_learned']:.3f} learned, {m['lengths.ratio_drawn_random']:.3f} random",
         "The filters' lengths are set to one here; the paper does not say how its are scaled."],
        ["Fig. 3b and 3c, codes of conv5-1", "within 0.05 of 1, spread about 0.05",
         f"{m['lengths.ratio_relu']:.2f} with the ReLU, {m['lengths.ratio_linear']:.2f} without",
         "The paper tells neither lambda nor what is left over; here "
         f"{m['lengths.residual_relu']:.0%} and {m['lengths.residual_linear']:.0%} of the activations' length."],
        *([f"Table 3, {pool}", f"{line.learned:.3f} learned, {line.random:.3f} random",
           f"{m[f'rebuilt.error_learned_photographs_{pool}']:.3f} learned, "
           f"{m[f'rebuilt.error_random_photographs_{pool}']:.3f} random; channel means "
           f"{m[f'rebuilt.error_means_photographs_{pool}']:.3f}",
           "Other weights, and crops of two photographs for ImageNet's pictures."]
          for pool, line in TABLE_3.items()),
        ["Table 4, learned", "0.404 to 0.943 in thirteen layers",
         f"{sum(near)} layers within 0.05; {min(m[f'coherence.modulus_{c}'] for c in TABLE_4):.3f} to "
         f"{max(m[f'coherence.modulus_{c}'] for c in TABLE_4):.3f}",
         "Further training for edges, or a start from other weights than the paper's."],
        ["Fig. 4, pictures from pool4", "by decoders that were trained, which are not at hand",
         f"cosine {m['down.image_learned_p4']:.2f} by the transposes alone, {m['down.image_noise_learned_p4']:.2f} "
         "from noise with the switches kept", "Transposes take the place of the decoders."],
    ]  # fmt: skip
    return Shown(table(["what", "the paper", "here", "why they differ"], lines), lines)


def both_theories(record: Record) -> Shown:
    """By convolution: does its code come back (Arora et al.), does its input (Gilbert et al.), and the law."""
    m = {name: f"{e.mean:.2f}" for name, e in record.measures.items()}
    columns = ("code_learned", "other_learned", "code_random", "input_learned", "law_learned", "input_random",
               "law_random")  # fmt: skip
    lines = [[words, *(m[f"{column}_{layer}"] for column in columns)] for layer, words in LAYERS.items()]
    head = ["layer", "code back, VGG-16", "another's code", "code back, random", "input back, VGG-16", "its law",
            "input back, random", "its law"]  # fmt: skip
    return Shown(table(head, lines), lines)


def words(records: dict[str, Record]) -> dict[str, str]:
    """Numbers for the prose of the section, by name."""
    m = means_of(records)
    percent = "{:.0%}".format
    return {
        "vgg16_ratio": f"{m['lengths.ratio_relu']:.1f}",
        "vgg16_residual": percent(m["lengths.residual_relu"]),
        "vgg16_residual_smaller": percent(m["lengths.residual_relu_3"]),
        "vgg16_ratio_smaller": f"{m['lengths.ratio_relu_3']:.2f}",
        "vgg16_ratio_larger": f"{m['lengths.ratio_relu_30']:.2f}",
        "vgg16_moved": f"{m['lengths.moved_relu']:.2f}",
        "vgg16_largest": f"{m['lengths.largest_relu']:.1f}",
        "vgg16_code_mean": f"{m['theories.code_learned']:.2f}",
        "vgg16_other_mean": f"{m['theories.other_learned']:.2f}",
        "vgg16_random_mean": f"{m['theories.code_random']:.2f}",
        "vgg16_law_learned": f"{m['theories.law_ratio_learned']:.2f}",
        "vgg16_law_random": f"{m['theories.law_ratio_random']:.2f}",
        "vgg16_fixed_first": f"{m['down.image_fixed_learned_p1']:.2f}",
        "vgg16_fixed_last": f"{m['down.image_fixed_learned_p5']:.2f}",
    }
