"""What is measured on a net of the reader's own, a torch.nn.Sequential; what is said of it stands in `your_net`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from reversible.base.checks import InputError, integer
from reversible.base.estimates import Estimate
from reversible.base.runtime import one_thread, trial_generator
from reversible.nets.layered import Layered, down, one_step, round_trip
from reversible.nets.net import Net
from reversible.nets.reversal import RoundTrip, replaced
from reversible.spectra import matrix as spectra
from reversible.spectra import weight_files
from reversible.theory.depth import optimal_offsets, state_evolution, top_risk
from reversible.your_net.images import ENOUGH, NOT_FINITE, Choice, drawn, images_as, wanted_of
from reversible.your_net.modules import net_from, parts_of
from reversible.your_net.own_law import Told, told

OWN, OTHER_NET, FIXED = "transpose", "random net", "fixed places"
CONTROLS = {"permuted": "permuted weights", "gaussian": "Gaussian weights"}
WAYS = {OWN: "its own weights", **CONTROLS, OTHER_NET: "random nets in its place"}
ALL_WAYS = {**WAYS, FIXED: "its own weights, maxima at one place"}  # the last where there are maxima
NEGLIGIBLE = 1e-3  # a difference of cosines that is none: rounding has no say
DEEPEST = 4  # layers of the map of reversals
STEPS = (OWN, OTHER_NET)  # whose one step is measured: that of the net's own filters, and of Gaussian ones
AT_ONCE = 64  # images that are sent through a net of convolutions


def spectra_of(model: nn.Module) -> tuple[list[spectra.Row], list[str]]:
    """The rows that `reversible spectrum` prints of the model's state dict, and of layers it skips a line each.

    Of a Conv2d the matrix is (out, in * kernel), as there; weights are as they are stored, without batch norms.
    """
    rows, skipped = [], []
    for part in tqdm(parts_of(model), desc="spectra", unit="layer", disable=None):
        stored = part.module.weight.detach().cpu().double().numpy()
        ((_, matrix),) = weight_files.matrices(weight_files.Layer(part.name, stored))
        try:
            rows.append(replace(spectra.analyse(matrix), layer=part.name))
        except InputError as error:
            skipped.append(f"Of layer {part.name} nothing can be said: {error}.")
    return rows, skipped


# --- down and up ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Layer:
    """A hidden layer's codes, after its pooling, sent down and read again, by each of WAYS and, with maxima, FIXED."""

    number: int  # 1 is next to the image
    below: int  # units of the layer below, pixels for the first
    by_batch: Mapping[str, Mapping[str, np.ndarray]]  # way -> measure -> (batches,), each the mean of its images; of
    # OTHER_NET each is that of one random net over all images, in a net of convolutions over those of its batch
    active: float  # share of the units, mean over images
    empty: float  # share of images whose code has no active unit, and counts as lost
    negative: float  # share of the biases
    typical: np.ndarray  # positive entries of the code whose number of them is the median; none where all are empty
    law: float | None  # what the law for Gaussian weights and best offsets loses of it; None where there is no law
    one_class: bool  # the net gives all images the same class
    steps: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)  # STEPS -> "cosine" and "law" of one
    # step down to the layer's own input, by batch; where a convolution stands at or below it, else none
    told: Told | None = None  # of a dense layer above dense ones alone, its own step down and up beside its own law
    used: int = 0  # images, all layers the same,
    given: int = 0  # of so many

    @property
    def on_maps(self) -> bool:
        """A convolution stands at or below it, and laws for dense layers do not hold."""
        return bool(self.steps)

    @property
    def dead(self) -> bool:
        """No unit is active, whatever the image."""
        return self.empty == 1

    def of(self, measure: str, way: str = OWN) -> Estimate:
        """`cosine` of codes and what comes back, `specific` (less that of another image), `kept` (class), and so on."""
        return Estimate.of(self.by_batch[way][measure])

    def above(self, way: str, measure: str = "cosine") -> Estimate:
        """Its own weights less a control, paired batch by batch."""
        return Estimate.of(self.by_batch[OWN][measure] - self.by_batch[way][measure])

    def side(self, way: str) -> int:
        """1 where it reverses better than with a control, -1 worse, 0 as far as can be told no differently."""
        return side_of(one_more(self.above(way)))

    def others(self, measure: str = "cosine") -> tuple[float, float]:
        """Where one more random net in this one's place falls in 95 cases of 100."""
        return one_more(self.of(measure, OTHER_NET))

    def beside(self, measure: str = "cosine") -> int:
        """1 where the net is above such random nets, 0 where it is among them, -1 below."""
        (low, high), own = self.others(measure), self.of(measure).mean
        return side_of((own - high, own - low))


def one_more(mean: Estimate) -> tuple[float, float]:
    """Where one more value falls in 95 cases of 100, of values as Gaussian as a Student t interval takes them to be.

    The mean's own interval shrinks with the number of draws until it tells one draw from the others' mean.
    """
    half = mean.half_width * math.sqrt(mean.n + 1)
    return mean.mean - half, mean.mean + half


def side_of(interval: tuple[float, float]) -> int:
    """1 where the whole interval is above NEGLIGIBLE, -1 where it is below -NEGLIGIBLE, else 0.

    >>> side_of((0.1, 0.3)), side_of((-0.1, 0.5)), side_of((-0.3, -0.1))
    (1, 0, -1)
    """
    return int(interval[0] > NEGLIGIBLE) - int(interval[1] < -NEGLIGIBLE)


def reverse(
    model: nn.Module | Net | Layered, images: Any, batches: int = 20, seed: int = 0, sample: int = ENOUGH
) -> list[Layer]:
    """Send the code of each hidden layer down by the transposed weights, and by the controls, and read it again.

    `images`, (N, n) or (N, ...) with n numbers each, or (N, channels, height, width) of a net of convolutions, best
    such as the model was not trained on, are dealt out to `batches`; each has its own draw of the controls. Where an
    image has entries below zero, the last step down has no ReLU. Of more images than `sample` so many are drawn by the
    seed; `your_net.images` says why as many as by default are enough. Deterministic in all that is given. On a terminal
    a bar shows how far it is.

    Raises InputError for a model that cannot be reversed, images that do not fit it, fewer than two a batch, a `sample`
    of fewer than that, and a seed below zero.
    """
    batches, seed = integer("batches", batches, low=2), integer("seed", seed, low=0)
    sample = integer("sample", sample, low=2 * batches)
    net, x, given = fitted(model, images, drawn(batches, seed, sample))
    with one_thread(), torch.no_grad():
        return _Reversal(net, x, len(x) // batches, seed, given).layers()


# --- the images -------------------------------------------------------------------------------------------------------


def fitted(model: nn.Module | Net | Layered, images: Any, choose: Choice) -> tuple[Layered, Tensor, int]:
    """The net, the chosen images (N, n) or (N, channels, height, width) in its precision, and of how many.

    InputError where they misfit.
    """
    if isinstance(model, (Net, Layered)):
        net = Layered.of(model) if isinstance(model, Net) else model
        x, given = images_as(images, net.shape, net.weights[0].dtype, choose)
    else:
        parts = parts_of(model)
        x, given = images_as(images, wanted_of(parts[0]), torch.float64, choose)
        net = net_from(parts, tuple(x.shape[1:]))
    x = x.reshape(len(x), *net.shape)
    with torch.no_grad():
        if not all(code.isfinite().all() for part in _parts(net, x) for code in (part, *net.up(part))):
            raise InputError(NOT_FINITE)
    return net, x, given


def _parts(net: Layered, x: Tensor) -> tuple[Tensor, ...]:
    """The images at once, or so many as memory holds with all their maps."""
    return x.split(AT_ONCE if len(net.shape) == 3 else len(x))


# --- what is measured -------------------------------------------------------------------------------------------------


class _Reversal:
    """A net and the images that are sent up and down in it, in batches of `size`."""

    def __init__(self, net: Layered, x: Tensor, size: int, seed: int, given: int) -> None:
        self.net, self.x, self.seed, self.given = net, x, seed, given
        self.shown = x.split(size)
        self.signed = bool((x < 0).any())
        self.on_maps = len(net.shape) == 3

    def layers(self) -> list[Layer]:
        """All that is measured, layer by layer."""
        with tqdm(total=sum(map(self._work, self._ways())), desc="reverse", unit="image", disable=None) as bar:
            ways = {way: self._by_batch(way, bar) for way in self._ways()}
        steps = self._steps() if self.on_maps else [{} for _ in self.net.hidden]
        counts, classes = self._seen()
        found = []
        for place, step in enumerate(steps):
            with_maxima = any(stage.has_switches for stage in self.net.hidden[: place + 1])
            by_batch = {way: rows[place] for way, rows in ways.items() if with_maxima or way != FIXED}
            found.append(self._layer(place, counts[place], by_batch, step, one_class=len(classes) == 1))
        return found

    def _ways(self) -> list[str]:
        fixed = any(stage.has_switches for stage in self.net.hidden)
        return [way for way in ALL_WAYS if fixed or way != FIXED]

    def _work(self, way: str) -> int:
        """How many images are sent up and down by a way."""
        return len(self.x) * (len(self.shown) if way == OTHER_NET and not self.on_maps else 1)

    def _seen(self) -> tuple[list[Tensor], set[int]]:
        """Of each hidden layer how many units are active, image by image; and the classes that the net gives."""
        counts: list[list[Tensor]] = [[] for _ in self.net.hidden]
        classes: set[int] = set()
        for x in _parts(self.net, self.x):
            codes = self.net.up(x)
            for found, h in zip(counts, codes, strict=True):
                found.append((h > 0).flatten(1).sum(1))
            classes |= set(self.net.head(codes[-1]).argmax(-1).tolist())
        return [torch.cat(found) for found in counts], classes

    def _typical(self, place: int, counts: Tensor) -> np.ndarray:
        full = (counts > 0).nonzero().flatten()
        if not len(full):
            return np.zeros(0)
        chosen = int(full[counts[full].argsort(stable=True)][len(full) // 2])
        for x in _parts(self.net, self.x):
            if chosen < len(x):
                h = self.net.up(x, place + 1)[-1][chosen].flatten()
                return h[h > 0].sort().values.numpy()
            chosen -= len(x)
        raise AssertionError("the chosen image is in one of the parts")

    def _layer(self, place: int, counts: Tensor, by_batch: Any, steps: Any, one_class: bool) -> Layer:
        typical = self._typical(place, counts)
        widths = (math.prod(self.net.shape), *(math.prod(stage.gives) for stage in self.net.hidden[: place + 1]))
        there = not (self.on_maps or self.signed) and len(typical) and place < DEEPEST
        return Layer(
            place + 1, below=widths[-2], by_batch=by_batch,
            active=float(counts.double().mean()) / widths[-1], empty=float((counts == 0).double().mean()),
            negative=float((self.net.biases[place] < 0).double().mean()), typical=typical,
            law=_law(widths, typical) if there else None, one_class=one_class, steps=steps, told=self._told(place),
            used=len(self.x), given=self.given,
        )  # fmt: skip

    def _told(self, place: int) -> Told | None:
        """None where a convolution or a pooling stands below, and where the layer is shown negative numbers."""
        stages = self.net.hidden[: place + 1]
        if self.on_maps or any(stage.has_switches for stage in stages) or (self.signed and place == 0):
            return None
        shown = [(self.net.up(x, place)[-1] if place else x).double().numpy() for x in self.shown]
        return told(self.net.weights[place].double().numpy(), self.net.biases[place].double().numpy(), shown)

    def _by_batch(self, way: str, bar: tqdm) -> list[dict[str, np.ndarray]]:
        """Of each hidden layer what is measured in each batch."""
        rows = []
        for batch, x in enumerate(self.shown):
            weights = weights_of(self.net, len(self.net.hidden), way, trial_generator(self.seed, 1 + batch))
            trips = self._of_random_net(weights, x) if way == OTHER_NET else self._trips(weights, x, way != FIXED)
            rows.append([_measures(trip) for trip in trips])
            bar.update(self._work(way) // len(self.shown))
        return [_columns(layer) for layer in zip(*rows, strict=True)]

    def _trips(self, weights: Sequence[Tensor], x: Tensor, known: bool) -> Iterator[RoundTrip]:
        codes = self.net.way_up(x)
        for layer in range(1, len(weights) + 1):
            yield round_trip(self.net, weights[:layer], x, self.signed, known, codes)

    def _of_random_net(self, weights: Sequence[Tensor], x: Tensor) -> Iterator[RoundTrip]:
        """The net is random up to the layer, and its own above."""
        for layer in range(1, len(weights) + 1):
            net = self.net.with_first(weights[:layer])
            yield round_trip(net, weights[:layer], x if self.on_maps else self.x, self.signed)

    def _steps(self) -> list[dict[str, dict[str, np.ndarray]]]:
        """Of each hidden layer its one step, by its own filters and by Gaussian ones, and the law of each."""
        found: list[dict[str, list[dict[str, float]]]] = [{name: [] for name in STEPS} for _ in self.net.hidden]
        for batch, x in enumerate(self.shown):
            generator = trial_generator(self.seed, 1 + batch)
            for layer, stage, below in zip(found, self.net.hidden, [x, *self.net.up(x)], strict=False):
                A = stage.read.weight
                drawn = torch.randn(A.shape, generator=generator) * A.square().mean().sqrt()
                for name, used in ((OWN, stage), (OTHER_NET, stage.with_weight(drawn.to(A.dtype)))):
                    cosine, law = one_step(used, below)
                    layer[name].append({"cosine": float(cosine.mean()), "law": float(law.mean())})
        return [{name: _columns(rows) for name, rows in layer.items()} for layer in found]


def _columns(rows: Sequence[Mapping[str, float]]) -> dict[str, np.ndarray]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _law(widths: tuple[int, ...], entries: np.ndarray) -> float:
    entries, rho = entries / entries.mean(), (1.0,) * (len(widths) - 1)
    states = state_evolution(widths, rho, optimal_offsets(widths, rho, entries), np.linalg.norm(entries))
    return float(top_risk(states[-1], entries))


def weights_of(net: Layered, layers: int, way: str, generator: torch.Generator) -> list[Tensor]:
    """What takes the place of the weights of the first `layers` on the way down."""
    how = {OTHER_NET: "gaussian", FIXED: "transpose"}.get(way, way)
    return [replaced(A, how, generator).to(A.dtype) for A in net.weights[:layers]]


def _measures(trip: RoundTrip) -> dict[str, float]:
    codes = trip.codes
    return {
        "cosine": float(codes.cosine.mean()),
        "specific": float((codes.cosine - trip.others.cosine).mean()),
        "kept": float(trip.same_class.double().mean()),
        "relative_error": float(codes.relative_error.mean()),
        "scaled_error": float(codes.scaled_error.mean()),
        "scale": codes.scale,
    }


def sent_down(model: nn.Module | Net | Layered, images: Any, count: int, seed: int) -> list[tuple[str, Tensor]]:
    """The first `count` images, and what comes down from the first and the last hidden layer by each way.

    (count, n) or (count, channels, height, width), with a label each. Raises InputError as `reverse` does.
    """
    count, lines = integer("count", count), []
    net, x, _ = fitted(model, images, lambda given: torch.arange(min(count, given)))
    with torch.no_grad():
        codes = net.way_up(x)
        for number in sorted({1, len(net.hidden)}):
            fixed = [FIXED] if any(stage.has_switches for stage in net.hidden[:number]) else []
            for way in (OWN, *CONTROLS, *fixed):
                weights = weights_of(net, number, way, trial_generator(seed, 0))
                by, signed = net.with_first(weights).stages[:number], bool((x < 0).any())
                sent = down(by, codes[:number], signed, known=way != FIXED)
                words = ALL_WAYS[way].replace(", ", ",\n")
                lines.append((f"from h{number},\n{words}", sent))
    return [("image", x), *lines]
