"""Digits through a trained net of residual units and back: a special net that is one-to-one, and an ordinary one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from reversible import data
from reversible.base.estimates import Estimate
from reversible.nets.one_to_one import certified
from reversible.nets.p_matrices import monotonicity, norm
from reversible.nets.residual import Unit, damped, newton, plain
from reversible.papers.wang2021 import labels
from reversible.papers.wang2021.unit_nets import UnitNet, UnitRun, training_of
from reversible.runs.experiment import Absent, Experiment, seed_of

Array = np.ndarray
METHODS = ("newton", "damped", "plain")
BACK = 1e-4  # relative error of an image that has come back
LOST = 1.0  # that of one that has not, at most: as if nothing were left


@dataclass(frozen=True)
class DigitNets:
    """A special net and an ordinary one, trained from one seed on the same batches; then digits go up and back."""

    data: str
    h: int  # hidden units of each unit
    steps: int
    lr: float
    batch: int
    per_class: int  # test images of each class that are sent
    iterations: int  # of the plain and the damped method, at each unit
    seed: int


@dataclass(frozen=True)
class NetResult:
    test_error: float
    lipschitz: tuple[float, ...]  # ||W1|| ||W2|| of each unit
    norms: tuple[float, ...]  # ||W1 W2||
    least: tuple[float, ...]  # the least eigenvalue of I + (A + A^T) / 2
    proved: tuple[str, ...]  # what is proved of each unit: unique, not unique, not known
    errors: dict[str, float]  # by method: median relative error of the images
    worst: dict[str, float]
    back: dict[str, float]  # by method: share of images that come back within BACK
    back_by_any: float
    float64_error: float  # median relative error by Newton's method where the way up is float64, too
    active: float  # share of the hidden units that are active, of all units and images


@dataclass(frozen=True)
class DigitResult:
    special: NetResult
    ordinary: NetResult


def digit_nets(p: DigitNets) -> DigitResult | Absent:
    """Train both nets, test them, send the images up in float32 as the nets do, and back in float64."""
    try:
        images = chosen(data.load(p.data, train=False), p.per_class)
    except data.NotAtHand as missing:
        return Absent(str(missing))
    x = images.scaled()
    return DigitResult(*(_of_net(*trained(p, special), x, p.iterations) for special in (True, False)))


def chosen(images: data.Images, per_class: int) -> data.Images:
    """The first images of each class."""
    places = [torch.nonzero(images.labels == label)[:per_class, 0] for label in range(images.classes)]
    return images.take(torch.cat(places))


def trained(p: DigitNets, special: bool) -> tuple[UnitNet, float]:
    """The net at the end of its training, and its test error."""
    pixels = data.load(p.data, train=False).pixels.shape[1]
    run = UnitRun(training_of(p.data, p.h, pixels, p.steps, p.lr, p.batch, p.seed), special)
    return run.net, run.error()


def _of_net(net: UnitNet, test_error: float, x: torch.Tensor, iterations: int) -> NetResult:
    units = net.units(0)
    with torch.no_grad():
        y = net.through(x[None])[0].double().numpy()
    start = x.double().numpy()
    errors = {name: relative(sent_back(units, y, name, iterations), start) for name in METHODS}
    exact, active = start, []
    for unit in units:
        active.append(float((unit.reduced(exact) > 0).mean()))
        exact = unit(exact)
    return NetResult(
        test_error=test_error,
        lipschitz=tuple(float(norm(unit.W1) * norm(unit.W2)) for unit in units),
        norms=tuple(float(norm(unit.A)) for unit in units),
        least=tuple(float(monotonicity(unit.A)) for unit in units),
        proved=tuple(certified(unit).verdict for unit in units),
        errors={name: float(np.median(error)) for name, error in errors.items()},
        worst={name: float(error.max()) for name, error in errors.items()},
        back={name: float((error <= BACK).mean()) for name, error in errors.items()},
        back_by_any=float((np.min(list(errors.values()), 0) <= BACK).mean()),
        float64_error=float(np.median(relative(sent_back(units, exact, "newton", iterations), start))),
        active=float(np.mean(active)),
    )


def sent_back(units: list[Unit], y: Array, method: str, iterations: int) -> Array:
    """x from what the units made of it, the last unit first; nan for what does not arrive at some unit."""
    x, here = np.full(y.shape, np.nan), np.arange(len(y))
    for unit in reversed(units):
        A, v = unit.A, unit.reduced(y)
        if method == "newton":
            found = newton(A, v)
        else:
            found = plain(A, v, iterations) if method == "plain" else damped(A, v, steps=iterations)
        y, here = unit.lifted(y, found.u)[found.converged], here[found.converged]
        if not len(here):
            return x
    x[here] = y
    return x


def relative(found: Array, x: Array) -> Array:
    """||found - x|| / ||x||, (B,); LOST at most, and where nothing was found."""
    error = np.linalg.norm(found - x, axis=1) / np.linalg.norm(x, axis=1)
    return np.minimum(np.where(np.isnan(error), LOST, error), LOST)


RATE, FASTER = 0.01, 0.03  # of the rates 0.01, 0.03 and 0.1 the first had the smallest error on held-out images


def digit_cells(profile: str) -> list[DigitNets]:
    """Each seed a cell. Digits everywhere at hand; MNIST in the profile `full`."""
    data, h, steps, batch, per_class, iterations = {
        "smoke": ("digits", 6, 60, 50, 1, 50),
        "book": ("digits", 40, 500, 50, 10, 300),
        "full": ("mnist", 100, 6000, 100, 100, 2000),
    }[profile]
    counts = {"smoke": (2, 2), "book": (3, 3), "full": (10, 5)}[profile]
    places = [(lr, seed) for lr, count in zip((RATE, FASTER), counts, strict=True) for seed in range(count)]
    return [
        DigitNets(data, h, steps, lr, batch, per_class, iterations, seed_of("wang-digit-nets", f"{lr}, {seed}"))
        for lr, seed in places
    ]


def digit_measures(pairs: list[tuple[DigitNets, DigitResult | Absent]]) -> dict[str, Estimate]:
    results = [(p.lr, r) for p, r in pairs if isinstance(r, DigitResult)]
    if not results:
        return {}
    slow, fast = ([r for lr, r in results if lr == rate] for rate in (RATE, FASTER))
    measures = {
        "extra_test_error": Estimate.of([r.special.test_error - r.ordinary.test_error for r in slow]),
        "plain_over_newton_special": Estimate.of(
            [r.special.errors["plain"] / r.special.errors["newton"] for r in slow]
        ),
        "float64_error_special": Estimate.of([r.special.float64_error for r in slow]),
        "worst_error_special": Estimate.exact(max(r.special.worst["newton"] for r in slow)),
    }
    for name in ("special", "ordinary"):
        measures |= {f"{measure}_{name}": e for measure, e in _of_nets([getattr(r, name) for r in slow]).items()}
    faster = _of_nets([r.ordinary for r in fast])
    shown = ("test_error", "back_by_any", "back_by_plain", "active", "proved_not_one_to_one")
    return measures | {f"{name}_faster": faster[name] for name in shown}


def _of_nets(nets: list[NetResult]) -> dict[str, Estimate]:
    """What is read off nets of one kind, over their seeds."""
    measures = {
        "test_error": Estimate.of([net.test_error for net in nets]),
        "least_lipschitz": Estimate.exact(min(min(net.lipschitz) for net in nets)),
        "proved_one_to_one": _proved(nets, "unique"),
        "proved_not_one_to_one": _proved(nets, "not unique"),
        "back_by_any": Estimate.of([net.back_by_any for net in nets]),
        "active": Estimate.of([net.active for net in nets]),
    }
    for method in METHODS:
        measures[f"back_by_{method}"] = Estimate.of([net.back[method] for net in nets])
        measures[f"error_{method}"] = Estimate.of([net.errors[method] for net in nets])
    return measures


def _proved(nets: list[NetResult], verdict: str) -> Estimate:
    """The share of units of which it is proved; those of one net are one repeat."""
    return Estimate.of_share(np.array([np.mean([proved == verdict for proved in net.proved]) for net in nets]))


EXPERIMENTS = {"wang-digit-nets": Experiment(digit_cells, digit_nets, digit_measures, label=labels.digit_nets)}
