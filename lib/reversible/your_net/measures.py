"""What is measured on a net of the reader's own, a torch.nn.Sequential; what is said of it stands in `your_net`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reversible.base.checks import InputError, integer
from reversible.base.estimates import Estimate
from reversible.base.runtime import one_thread, trial_generator
from reversible.nets.net import Net
from reversible.nets.reversal import down, replaced, round_trip
from reversible.spectra import matrix as spectra
from reversible.theory.depth import optimal_offsets, state_evolution, top_risk

OWN, OTHER_NET = "transpose", "random net"
CONTROLS = {"permuted": "permuted weights", "gaussian": "Gaussian weights"}
WAYS = {OWN: "its own weights", **CONTROLS, OTHER_NET: "random nets in its place"}
NEGLIGIBLE = 1e-3  # a difference of cosines that is none: rounding has no say
DEEPEST = 4  # layers of the map of reversals
SMALLEST, LARGEST = 1e-30, 1e30  # weights whose squares, and products layer by layer, double precision holds


# --- the net ----------------------------------------------------------------------------------------------------------


def net_of(model: nn.Sequential) -> Net:
    """A copy of the model's weights as a `Net`, in double precision: weight decay can leave very small ones.

    The model is Linear layers, with biases or without, with a ReLU after each but the last; Flatten, Dropout and
    Identity may stand anywhere, Softmax or LogSoftmax at the end. These are passed over: dropout is left out, as it is
    when a net is used. Nothing of the model is run or changed.

    Raises InputError for anything else, which it names, and for weights that are not finite or out of range.
    """
    layers = _linears(model)
    weights = [_numbers(f"{name}.weight", layer.weight) for name, layer in layers]
    for (name, _), below, above in zip(layers[1:], weights, weights[1:], strict=False):
        if above.shape[1] != len(below):
            raise InputError(f"module {name!r} must take the {len(below)} numbers it is given, not {above.shape[1]}")
    biases = [
        A.new_zeros(len(A)) if layer.bias is None else _numbers(f"{name}.bias", layer.bias)
        for (name, layer), A in zip(layers, weights, strict=True)
    ]
    return Net(tuple(weights), tuple(biases))


def _linears(model: nn.Sequential) -> list[tuple[str, nn.Linear]]:
    """The Linear layers by name, once it is known that nothing but ReLUs stands between them."""
    if not _plain(model):
        raise InputError(f"the model must be a torch.nn.Sequential, not {type(model).__name__}")
    steps = [(name, module) for name, module in _flat(model) if not _passed_over(module)]
    if steps and type(last := steps[-1][1]) in (nn.Softmax, nn.LogSoftmax) and last.dim in (1, -1, None):
        steps.pop()
    for place, (name, module) in enumerate(steps):
        wanted = nn.ReLU if place % 2 else nn.Linear
        if type(module) is not wanted:
            raise InputError(
                f"module {name!r} must be {wanted.__name__} in its place, not {type(module).__name__}: the net must be "
                "Linear, ReLU, Linear, ..., Linear; Flatten, Dropout and Identity may stand anywhere"
            )
    if len(steps) < 3 or len(steps) % 2 == 0:
        names = ", ".join(type(module).__name__ for _, module in steps) or "empty"
        raise InputError(f"the model must be Linear, ReLU, Linear at least, and end with Linear, not {names}")
    for name, module in model.named_modules():
        if module._forward_hooks or module._forward_pre_hooks:
            what = f"module {name!r}" if name else "the model"
            raise InputError(f"{what} must have no hooks; torch.nn.utils.prune.remove takes those of pruning away")
    return [(name, module) for name, module in steps if isinstance(module, nn.Linear)]


def _plain(module: Any) -> bool:
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _flat(module: Any, name: str = "") -> list[tuple[str, Any]]:
    """All modules in order; named_children() would leave out a ReLU that is used a second time."""
    if not _plain(module):
        return [(name, module)]
    return [step for at, inside in module._modules.items() for step in _flat(inside, f"{name}.{at}" if name else at)]


def _passed_over(module: Any) -> bool:
    whole = type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1)
    return whole or type(module) in (nn.Dropout, nn.Identity)


def _numbers(name: str, values: Tensor) -> Tensor:
    """A copy in double precision on the CPU; InputError for what is not real, finite and within range."""
    if values.is_meta or values.is_complex() or values.layout != torch.strided or not values.numel():
        raise InputError(f"{name} must hold real numbers, not {list(values.shape)} of {values.dtype}, {values.device}")
    copy = values.detach().to("cpu", torch.float64, copy=True)
    if bad := copy.numel() - int(copy.isfinite().sum()):
        raise InputError(f"{name} must hold finite numbers; {bad} of {copy.numel()} are not")
    largest = float(copy.abs().max())
    if largest and not SMALLEST <= largest <= LARGEST:
        raise InputError(f"the largest of {name} must be 0 or from {SMALLEST:g} to {LARGEST:g}, not {largest:g}")
    return copy


def spectra_of(model: nn.Sequential) -> tuple[list[spectra.Row], list[str]]:
    """The rows that `reversible spectrum` prints of the model's state dict, and of layers it skips a line each."""
    rows, skipped = [], []
    for name, layer in _linears(model):
        try:
            rows.append(replace(spectra.analyse(layer.weight.detach().cpu().double().numpy()), layer=name))
        except InputError as error:
            skipped.append(f"Of layer {name} nothing can be said: {error}.")
    return rows, skipped


# --- down and up ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Layer:
    """A hidden layer's codes sent down and read again, by each of WAYS."""

    number: int  # 1 is next to the image
    below: int  # units of the layer below, pixels for the first
    by_batch: Mapping[str, Mapping[str, np.ndarray]]  # way -> measure -> (batches,), each the mean of its images; of
    # OTHER_NET each is that of one random net over all images
    active: float  # share of the units, mean over images
    empty: float  # share of images whose code has no active unit, and counts as lost
    negative: float  # share of the biases
    typical: np.ndarray  # positive entries of the code whose number of them is the median; none where all are empty
    law: float | None  # what the law for Gaussian weights and best offsets loses of it; None where there is no law
    one_class: bool  # the net gives all images the same class

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


def reverse(model: nn.Sequential | Net, images: Any, batches: int = 20, seed: int = 0) -> list[Layer]:
    """Send the code of each hidden layer down by the transposed weights, and by the controls, and read it again.

    `images`, (N, n) or (N, ...) with n numbers each, best such as the model was not trained on, are dealt out to
    `batches`; each has its own draw of the controls. Where an image has entries below zero, the last step down has no
    ReLU. Deterministic in all that is given.

    Raises InputError for a model that cannot be reversed, images that do not fit it, fewer than two a batch, and a seed
    below zero.
    """
    net = model if isinstance(model, Net) else net_of(model)
    x = images_for(net, images)
    size, seed = len(x) // integer("batches", batches, low=2), integer("seed", seed, low=0)
    if size < 2:
        raise InputError(f"images must be at least {2 * batches}, two for each of {batches} batches, not {len(x)}")
    order = torch.randperm(len(x), generator=trial_generator(seed, 0))[: size * batches]
    with one_thread(), torch.no_grad():
        return [_layer(net, layer, x[order], size, seed) for layer in range(1, len(net.weights))]


def images_for(net: Net, images: Any) -> Tensor:
    """The images as (N, n) in the net's precision; InputError where they are not real, finite, of the net's width."""
    precision, width = net.weights[0].dtype, net.weights[0].shape[1]
    try:
        copied = np.array(images, order="C") if isinstance(images, np.ndarray) else images
        x = torch.as_tensor(copied).detach()
        flat = x.flatten(1).to("cpu", x.dtype if x.is_complex() else precision)
    except (TypeError, ValueError, RuntimeError, IndexError):
        raise InputError(f"images must be a tensor or array (N, ...) of numbers, not {type(images).__name__}") from None
    if x.is_complex() or flat.shape[1] != width or not len(flat):
        raise InputError(f"images must be (N, ...), {width} real numbers each, not {tuple(x.shape)} of {x.dtype}")
    if not all(code.isfinite().all() for code in (flat, *net.up(flat))):
        raise InputError("images must be finite, and so must be what the net makes of them")
    return flat


def _layer(net: Net, number: int, x: Tensor, size: int, seed: int) -> Layer:
    h = net.up(x, number)[-1]
    counts = (h > 0).sum(1)
    full = h[counts > 0][counts[counts > 0].argsort(stable=True)]
    entries = full[len(full) // 2] if len(full) else h.new_zeros(0)
    typical = entries[entries > 0].sort().values.numpy()
    widths = (x.shape[1], *(len(A) for A in net.weights[:number]))
    signed = bool((x < 0).any())
    return Layer(
        number, below=widths[-2],
        by_batch={way: _by_batch(net, number, way, x.split(size), signed, seed) for way in WAYS},
        active=float(counts.double().mean()) / widths[-1], empty=float((counts == 0).double().mean()),
        negative=float((net.biases[number - 1] < 0).double().mean()), typical=typical,
        law=None if signed or not len(typical) or number > DEEPEST else _law(widths, typical),
        one_class=len(net.logits(x).argmax(-1).unique()) == 1,
    )  # fmt: skip


def _law(widths: tuple[int, ...], entries: np.ndarray) -> float:
    entries, rho = entries / entries.mean(), (1.0,) * (len(widths) - 1)
    states = state_evolution(widths, rho, optimal_offsets(widths, rho, entries), np.linalg.norm(entries))
    return float(top_risk(states[-1], entries))


def _by_batch(
    net: Net, layer: int, way: str, shown: Sequence[Tensor], signed: bool, seed: int
) -> dict[str, np.ndarray]:
    measured, whole = [], torch.cat(list(shown))
    for batch, x in enumerate(shown):
        matrices = matrices_of(net, layer, way, trial_generator(seed, 1 + batch))
        if way == OTHER_NET:
            measured.append(_measures(net.with_first(matrices), matrices, whole, signed))
        else:
            measured.append(_measures(net, matrices, x, signed))
    return {name: np.array([row[name] for row in measured]) for name in measured[0]}


def matrices_of(net: Net, layer: int, way: str, generator: torch.Generator) -> list[Tensor]:
    """What takes the place of the first `layer` matrices on the way down."""
    how = "gaussian" if way == OTHER_NET else way
    return [replaced(A, how, generator).to(A.dtype) for A in net.weights[:layer]]


def _measures(net: Net, matrices: Sequence[Tensor], x: Tensor, signed: bool) -> dict[str, float]:
    trip = round_trip(net, matrices, x, signed=signed)
    codes = trip.codes
    return {
        "cosine": float(codes.cosine.mean()),
        "specific": float((codes.cosine - trip.others.cosine).mean()),
        "kept": float(trip.same_class.double().mean()),
        "relative_error": float(codes.relative_error.mean()),
        "scaled_error": float(codes.scaled_error.mean()),
        "scale": codes.scale,
    }


def sent_down(model: nn.Sequential | Net, images: Any, count: int, seed: int) -> list[tuple[str, Tensor]]:
    """The first `count` images, and what comes down from the first and the last hidden layer by each way, (count, n).

    With a label each. Raises InputError as `reverse` does.
    """
    net = model if isinstance(model, Net) else net_of(model)
    x = images_for(net, images)[: integer("count", count)]
    lines = [("image", x)]
    for number in sorted({1, len(net.weights) - 1}):
        for way in (OWN, *CONTROLS):
            matrices, h = matrices_of(net, number, way, trial_generator(seed, 0)), net.up(x, number)[-1]
            lines.append((f"from h{number},\n{WAYS[way]}", down(matrices, h, 1.0, signed=bool((x < 0).any()))))
    return lines
