"""What is read off nets of filters, random and learned: differences within a seed, trends in their number."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from reversible.base.estimates import Estimate, slope
from reversible.runs.experiment import Absent, Pairs

DEPTHS = (1, 2, 3)
PAPERS_LARGEST = 2048  # filters
Array = np.ndarray


@dataclass(frozen=True)
class Nets:
    """The cells of one number of filters: accuracies by kind and depth, steps back by kind and layer, seed by seed."""

    accuracy: dict[tuple[str, int], Array]
    cosine: dict[tuple[str, int], Array]
    over_law: dict[tuple[str, int], Array]

    @classmethod
    def of(cls, results: list) -> Nets:
        accuracy = {
            (kind, depth): np.array([r.nets[kind][depth - 1].accuracy for r in results])
            for kind, by_depth in results[0].nets.items()
            for depth in range(1, len(by_depth) + 1)
        }
        back = {
            name: {
                (kind, layer): np.array([getattr(r.back[kind][layer - 1], name) for r in results])
                for kind, steps in results[0].back.items()
                for layer in range(1, len(steps) + 1)
            }
            for name in ("cosine", "over_law")
        }
        return cls(accuracy, **back)

    def less(self, one: tuple[str, int], other: tuple[str, int]) -> Estimate:
        """How much more accurate one kind of net is than another, seed by seed."""
        return Estimate.of(self.accuracy[one] - self.accuracy[other])


def measures(pairs: Pairs) -> dict[str, Estimate]:
    """Of nets as wide as any, unless the name says otherwise; accuracies are shares."""
    found = [(p, r) for p, r in pairs if not isinstance(r, Absent)]
    if not found:
        return {}
    nets = {K: Nets.of([r for p, r in found if p.K == K]) for K in sorted({p.K for p, _ in found})}
    learned = {K: of for K, of in nets.items() if ("learned", 1) in of.accuracy}
    checked = next(of for of in nets.values() if ("pixels", 1) in of.accuracy)
    widest, widest_learned = nets[max(nets)], learned[max(learned)]
    by_width = {
        f"accuracy_{kind}_{depth}_{K}": Estimate.of(of.accuracy[kind, depth])
        for K, of in nets.items() for kind in ("random", "learned") for depth in DEPTHS if (kind, depth) in of.accuracy
    }  # fmt: skip
    return {
        **_gains(widest_learned, widest),
        **_trends(nets, learned),
        **_controls(checked),
        **_steps_back(widest_learned),
        **_cosine_as_a_guide(nets),
        **by_width,
    }


def _gains(both: Nets, random: Nets) -> dict[str, Estimate]:
    """What learning gains, and what further layers do."""
    return {
        **{f"learned_less_random_{depth}": both.less(("learned", depth), ("random", depth)) for depth in DEPTHS},
        "second_layer_random": random.less(("random", 2), ("random", 1)),
        "third_layer_random": random.less(("random", 3), ("random", 2)),
        "second_layer_learned": both.less(("learned", 2), ("learned", 1)),
        "third_layer_learned": both.less(("learned", 3), ("learned", 2)),
    }


def _trends(nets: dict[int, Nets], learned: dict[int, Nets]) -> dict[str, Estimate]:
    """What each doubling of the filters adds, and where the lines would be at the paper's largest nets."""
    found: dict[str, Estimate] = {}
    for depth in DEPTHS:
        gap = {K: of.accuracy["learned", depth] - of.accuracy["random", depth] for K, of in learned.items()}
        found[f"gap_by_doubling_{depth}"] = _line(gap)[0]
        for kind, of_kind in (("random", nets), ("learned", learned)):
            line, end = _line({K: of.accuracy[kind, depth] for K, of in of_kind.items()})
            found |= {f"{kind}_by_doubling_{depth}": line, f"{kind}_at_the_papers_{depth}": end}
    return found


def _line(values: dict[int, Array]) -> tuple[Estimate, Estimate]:
    """The slope in log2 K, and the value of the line at the paper's largest number of filters."""
    doublings = np.concatenate([np.full(len(v), math.log2(K / PAPERS_LARGEST)) for K, v in values.items()])
    heights = np.concatenate(list(values.values()))
    return slope([doublings], heights), slope([doublings], heights, which=1)


def _controls(nets: Nets) -> dict[str, Estimate]:
    return {
        "pixels": Estimate.of(nets.accuracy["pixels", 1]),
        "shuffled": Estimate.of(nets.accuracy["shuffled", 1]),
        **{f"random_less_pixels_{depth}": nets.less(("random", depth), ("pixels", 1)) for depth in DEPTHS},
        **{f"relu_gain_{depth}": nets.less(("random", depth), ("linear", depth)) for depth in DEPTHS},
        **{f"fine_less_coarse_{depth}": nets.less(("random", depth), ("coarse", depth)) for depth in (1, 2)},
        "last_less_random": nets.less(("last", 1), ("random", 3)),
        "learned_less_last": nets.less(("learned", 3), ("last", 1)),
        "all_beyond_last": Estimate.of(
            nets.accuracy["learned", 3] + nets.accuracy["random", 3] - 2 * nets.accuracy["last", 1]
        ),
    }


def _steps_back(nets: Nets) -> dict[str, Estimate]:
    """Cosines of a layer's input and what its filters give back, in the deepest nets; "fresh": random ones instead."""
    found: dict[str, Estimate] = {}
    for layer in DEPTHS:
        found |= {f"cosine_{kind}_{layer}": Estimate.of(nets.cosine[kind, layer])
                  for kind in ("random", "learned", "fresh")}  # fmt: skip
        less = nets.cosine["fresh", layer] - nets.cosine["learned", layer]
        found[f"fresh_less_learned_{layer}"] = Estimate.of(less)
        found[f"law_ratio_random_{layer}"] = Estimate.of(nets.over_law["random", layer])
        found[f"law_ratio_learned_{layer}"] = Estimate.of(nets.over_law["learned", layer])
    return found


def _cosine_as_a_guide(nets: dict[int, Nets]) -> dict[str, Estimate]:
    """Whether the cosine of a random layer tells how accurate a net is: by width, by depth and among seeds."""
    narrow, wide = nets[min(nets)], nets[max(nets)]
    found: dict[str, Estimate] = {}
    for layer in DEPTHS:
        found[f"cosine_by_width_{layer}"] = _difference(wide.cosine["random", layer], narrow.cosine["random", layer])
        found[f"accuracy_by_width_{layer}"] = _difference(
            wide.accuracy["random", layer], narrow.accuracy["random", layer]
        )
    cosines = [of.cosine["random", 1] for of in nets.values()]
    accuracies = [of.accuracy["random", 1] for of in nets.values()]
    return found | {"correlation_among_seeds": correlation_within(cosines, accuracies)}


def _difference(one: Array, other: Array) -> Estimate:
    """Of two means of independent seeds, whatever their order, with Welch's interval."""
    mean, n = float(one.mean() - other.mean()), min(len(one), len(other))
    squares = [float(v.var(ddof=1)) / len(v) for v in (one, other)]
    freedom = sum(squares) ** 2 / sum(square**2 / (n - 1) for square in squares) if any(squares) else 1.0
    half = float(special.stdtrit(freedom, 0.975)) * math.sqrt(sum(squares))
    return Estimate(mean, (mean - half, mean + half), n)


def correlation_within(x: list[Array], y: list[Array]) -> Estimate:
    """The correlation of x and y about the means of their groups, with Fisher's interval."""
    a, b = (np.concatenate([v - v.mean() for v in groups]) for groups in (x, y))
    r = float(a @ b / math.sqrt((a @ a) * (b @ b)))
    arm = 1.96 / math.sqrt(max(len(a) - len(x) - 2, 1))
    place = math.atanh(min(max(r, -1 + 1e-12), 1 - 1e-12))
    return Estimate(r, (math.tanh(place - arm), math.tanh(place + arm)), len(a))
