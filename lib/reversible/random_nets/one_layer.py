"""Theorem-checking simulations: the generative model run for real, beside the laws.

W is drawn, used and dropped tile by tile, so that no more than a tile of it is ever in memory. The tiles' size depends
on the parameters alone, never on the machine, so that a result is the same to the bit wherever its trials run.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import InputError, fraction, integer, number_or_name, one_of, positive, real
from reversible.base.estimates import Estimate
from reversible.base.runtime import MEMORY_BUDGET, Mapper, check_device, check_memory, one_thread, trial_generator
from reversible.random_nets import model
from reversible.theory import one_layer as laws

TILE_BYTES = 2**23  # of W at a time: it and its images stay in a CPU's cache
MEASURED = 2**17  # numbers measured at a time
LAW = 2**18  # numbers the law takes at a time
DTYPES = {"float32": torch.float32, "float64": torch.float64}
ESTIMATES = ("relu", "hard", "linear")
GAIN, NOISE, LINF, ERROR, FOUND = range(5)  # the rows of what `_measure` gives


@dataclass(frozen=True, kw_only=True)
class OneLayer:
    """Parameters of the single-layer simulation: h -> x = relu(alpha W h) * n_drop -> h_hat = relu(W^T x + b)."""

    n: int  # width of the image x
    m: int  # width of the code h
    k: int  # nonzero entries of h
    rho: float = 0.5  # retention probability of the generation's dropout; t = rho n
    q: float = 1.0  # retention probability of dropout at inference
    alpha: float | None = None  # None: the theory's 2 / (rho n)
    offset: str | float = "proof"  # b: "proof" (-delta ||h||), "optimal" or a number
    estimate: str = "relu"  # "relu", "hard" (threshold) or "linear"
    codes: str = "uniform"  # "binary", "uniform" on [low, high], "exponential"
    low: float = 0.5
    high: float = 1.5
    weights: str = "gaussian"  # a name in model.FAMILIES
    trials: int = 200  # independent draws of W
    batch: int = 1  # codes that share a W
    seed: int = 0
    dtype: str = "float32"
    device: str = "cpu"

    def __post_init__(self) -> None:
        n, m = integer("n", self.n), integer("m", self.m)
        clean: dict[str, object] = {"n": n, "m": m, "k": integer("k", self.k, high=m)}
        clean |= {"rho": fraction("rho", self.rho), "q": fraction("q", self.q)}
        clean |= {"trials": integer("trials", self.trials), "batch": integer("batch", self.batch)}
        clean["seed"] = integer("seed", self.seed, low=0, high=2**53)
        clean |= {"low": real("low", self.low), "high": positive("high", self.high)}
        clean["alpha"] = None if self.alpha is None else positive("alpha", self.alpha)
        if self.offset not in ("proof", "optimal"):
            clean["offset"] = number_or_name("offset", self.offset, "proof, optimal or a finite number")
        for field, value in clean.items():
            object.__setattr__(self, field, value)
        one_of("estimate", self.estimate, ESTIMATES)
        one_of("weights", self.weights, model.FAMILIES)
        one_of("dtype", self.dtype, DTYPES)
        one_of("device", self.device, ("cpu", "cuda"))
        _ = self.code_law
        positive("alpha = 2 / (rho n)", self.scale)
        if self.trials * self.batch < 2:
            raise InputError(f"trials must be an integer >= 2 where one code shares each W, not {self.trials}")
        if self.weights == "orthogonal" and n < m:
            raise InputError(f"m must be at most n = {n} for orthogonal columns, not {m}")

    @property
    def t(self) -> float:
        """rho n, the expected number of image pixels that generation keeps."""
        return self.rho * self.n

    @property
    def code_law(self) -> model.Codes:
        return model.Codes(self.codes, self.low, self.high)

    @property
    def scale(self) -> float:
        """alpha, given or the theory's."""
        return laws.theory_alpha(self.n, self.rho) if self.alpha is None else self.alpha

    def offset_for(self, norms: np.ndarray) -> np.ndarray:
        """b for codes of these lengths: the proof's is -delta ||h||, code by code; any other is one number for all."""
        if self.offset == "proof":
            return laws.proof_offset(norms, self.n, self.m, self.rho, self.q, self.alpha)
        if self.offset == "optimal":
            return np.full_like(norms, _optimal_offset(self))
        return np.full_like(norms, self.offset)


@functools.lru_cache(maxsize=64)
def _optimal_offset(p: OneLayer) -> float:
    """The best offset for a typical code: it takes the law of the codes, never the codes drawn."""
    typical = p.code_law.typical(p.k).numpy()
    return laws.optimal_offset(typical, p.n, p.m, p.rho, p.q, p.alpha, p.estimate)


@dataclass(frozen=True)
class OneLayerResult:
    """What a run of `OneLayer` measured, beside what the exact law says. Intervals are 95 %, over independent W."""

    mean_offset: float  # b, averaged over the codes
    mean_gain: Estimate  # sum_i y_i h_i / sum_i h_i^2, y = W^T x before the offset
    noise_sd_times_sqrt_t: Estimate | None  # of y off the support, over ||h||; None where the support is everything
    linf_times_sqrt_t: Estimate  # ||y - h||_inf / ||h||
    relative_error: Estimate  # E ||h_hat - h||^2 / ||h||^2
    worst_relative_error: float  # the largest of all codes and draws
    support_recovery_rate: Estimate  # share of codes with h_hat's support equal to h's
    predicted_mean_gain: float
    predicted_noise_sd_times_sqrt_t: float
    predicted_linf_times_sqrt_t: float  # for a typical code
    predicted_relative_error: float  # the exact law, averaged over the very codes drawn
    relative_error_z: float  # standard score of measured less predicted, code by code


def one_layer(p: OneLayer, budget: int = MEMORY_BUDGET, mapper: Mapper = map) -> OneLayerResult:
    """Run p.trials draws of W with p.batch codes each, mapped over by `mapper`. Deterministic in p.

    Raises InputError where the parameters need more than `budget` bytes, or CUDA that is not there.
    """
    check_memory(memory_needed(p), budget, f"batch = {p.batch} with n = {p.n}, m = {p.m}")
    check_device(p.device)
    measured, entries = zip(*mapper(functools.partial(one_layer_trial, p), range(p.trials)), strict=True)
    return _summary(p, np.array(measured), np.array(entries))


def one_layer_trial(p: OneLayer, trial: int) -> tuple[np.ndarray, np.ndarray]:
    """One draw of W and p.batch codes through it: what was measured (5, B), see `_measure`, and the entries (B, k).

    A function of its arguments alone, to the bit, in whatever process it runs.
    """
    with one_thread():
        generator = trial_generator(p.seed, trial, p.device)
        places, values = p.code_law.draw(p.batch, p.m, p.k, generator)
        h = model.spread(places, values, p.m, DTYPES[p.dtype])
        entries = values.to(h).double().cpu().numpy()
        y = round_trip(p, h, generator)
        offset = torch.from_numpy(p.offset_for(np.linalg.norm(entries, axis=-1))).to(h)[:, None]
        few = _measured_at_once(p)
        parts = zip(h.split(few), y.split(few), offset.split(few), strict=True)
        measured = [_measure(a, b, model.infer(b, c, p.estimate)) for a, b, c in parts]
        return torch.cat(measured, 1).cpu().numpy(), entries


def round_trip(p: OneLayer, h: Tensor, generator: torch.Generator) -> Tensor:
    """y = W^T x for fresh W, a tile of W's rows at a time: h (B, m) -> (B, m)."""
    y = torch.zeros_like(h)
    for rows in _tiles(p):
        y += _through_tile(p, rows, h, generator)
    return y


def _through_tile(p: OneLayer, rows: int, h: Tensor, generator: torch.Generator) -> Tensor:
    """W^T x for so many fresh rows of W: (B, m). A function, so that the next tile finds their memory free and warm."""
    W = model.sample_weights(p.weights, rows, p.m, generator, h.dtype)
    x = model.generate(W, h, p.scale, p.rho, generator)
    return model.correlate(W, x, p.q, generator)


def precision_check(p: OneLayer) -> float:
    """How far single precision on p.device leaves double on the CPU, fed the same codes, W and dropout: the largest
    relative deviation of a code's relative error. One draw of W, p.batch codes; deterministic in p.
    """
    check_device(p.device)
    with one_thread():
        generator = trial_generator(p.seed, 0)
        places, values = p.code_law.draw(p.batch, p.m, p.k, generator)
        h = model.spread(places, values, p.m, torch.float32)
        both = (h.to(p.device), h.double())
        y = [torch.zeros_like(code) for code in both]
        for rows in _tiles(p):
            W = model.sample_weights(p.weights, rows, p.m, generator, torch.float32)
            ones = torch.ones(p.batch, rows)
            kept = model.dropout(model.dropout(ones, p.rho, generator), p.q, generator) / p.q
            for code, sums in zip(both, y, strict=True):
                x = model.generate(W.to(code), code, p.scale, 1.0)
                sums += model.correlate(W.to(code), x * kept.to(code))
        offset = torch.from_numpy(p.offset_for(h.double().norm(dim=-1).numpy()))[:, None]
        single, double = (
            _measure(code, sums, model.infer(sums, offset.to(code), p.estimate))[ERROR].cpu()
            for code, sums in zip(both, y, strict=True)
        )
    return float(((single - double).abs() / double).max())


def float64_check(layers: Sequence[OneLayer]) -> float:
    """The largest `precision_check` of three of these layers: the first, the last and the middle one."""
    return max(precision_check(layers[place]) for place in {0, len(layers) // 2, len(layers) - 1})


def _measure(h: Tensor, y: Tensor, h_hat: Tensor) -> Tensor:
    """Gain, off-support noise variance, l-infinity error, relative error, support found: (5, B), float64."""
    # A comparison in place gives 0.0 or 1.0, many at a time; one that gives booleans, and their sums, take much longer.
    off = h.clone().le_(0)
    wrong = h_hat.clone().gt_(0).eq_(off).amax(-1)
    outside = (y * off).double().square_().sum(-1)
    places = off.double().sum(-1).clamp_(min=1)
    h, y = h.double(), y.double()
    energy = h.square().sum(-1)
    gain = (y * h).sum(-1) / energy
    linf = (y - h).abs_().amax(-1) / energy.sqrt()
    error = (h_hat.double() - h).square_().sum(-1) / energy
    return torch.stack([gain, outside / places / energy, linf, error, 1 - wrong.double()])


def independent_repeats(values: np.ndarray) -> np.ndarray:
    """A number of each code of each draw of the weights, (trials, B), as independent repeats, (repeats,).

    Codes that share their weights are not independent: a draw is one repeat, the mean of its codes. Where there is one
    draw only, its codes are the repeats: what they have in common is then in no interval.
    """
    trials = len(values)
    return values.mean(1) if trials > 1 else values[0]


def _summary(p: OneLayer, measured: np.ndarray, entries: np.ndarray) -> OneLayerResult:
    """`measured` (trials, 5, B), `entries` (trials, B, k)."""
    codes = entries.reshape(-1, p.k)  # (trials B, k)
    offset = p.offset_for(np.linalg.norm(codes, axis=-1))  # (trials B,)
    predicted = _predicted_error(p, codes, offset).reshape(p.trials, p.batch)
    gain, noise, linf, error, found = (independent_repeats(values) for values in measured.transpose(1, 0, 2))
    excess = independent_repeats(measured[:, ERROR] - predicted)
    root_t, typical = np.sqrt(p.t), p.code_law.typical(p.k).numpy()
    length = float(np.linalg.norm(typical))
    nodes = laws.nodes_for(p.k)
    law = laws.coordinate_law(np.append(typical, 0.0), length, p.n, p.rho, p.q, p.alpha, nodes=nodes)
    noise_law = float(np.sqrt(laws.variance(np.zeros(1), 1.0, p.n, p.rho, p.q, p.alpha)[0]))
    return OneLayerResult(
        mean_offset=float(offset.mean()),
        mean_gain=Estimate.of(gain),
        noise_sd_times_sqrt_t=Estimate.of(noise * p.t).sqrt() if p.k < p.m else None,
        linf_times_sqrt_t=Estimate.of(linf * root_t),
        relative_error=Estimate.of(error),
        worst_relative_error=float(measured[:, ERROR].max()),
        support_recovery_rate=Estimate.of_share(found),
        predicted_mean_gain=laws.mean_gain(p.n, p.rho, p.alpha),
        predicted_noise_sd_times_sqrt_t=float(noise_law * root_t),
        predicted_linf_times_sqrt_t=float(laws.linf_mean(typical, p.m, law) / length * root_t),
        predicted_relative_error=float(predicted.mean()),
        relative_error_z=Estimate.of(excess).z(0.0),
    )


def _predicted_error(p: OneLayer, codes: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """The exact law's relative error of each code with its offset: (codes, k), (codes,) -> (codes,); LAW at a time."""
    parts = -(-(codes.size + len(codes)) * _nodes(p) // LAW)
    pieces = zip(np.array_split(codes, parts), np.array_split(offset, parts), strict=True)
    return np.concatenate(
        [laws.relative_risk(h, p.n, p.m, p.rho, offset=b, q=p.q, alpha=p.alpha, estimate=p.estimate) for h, b in pieces]
    )


def _tiles(p: OneLayer) -> list[int]:
    """Numbers of rows of W drawn at a time, summing to n; all of them where rows depend on each other."""
    itemsize = DTYPES[p.dtype].itemsize
    rows = (
        max(16, TILE_BYTES // (max(p.m, 4 * p.batch) * itemsize)) if model.FAMILIES[p.weights].rows_independent else p.n
    )
    return [min(rows, p.n - start) for start in range(0, p.n, rows)]


def memory_needed(p: OneLayer) -> int:
    """Bytes at the peak: a tile of W with what drawing it takes, its images, the codes, what is measured, the law."""
    itemsize, rows = DTYPES[p.dtype].itemsize, _tiles(p)[0]
    copies = {"gaussian": 1, "student": 3, "sparse": 2, "orthogonal": 4, "correlated": 3}.get(p.weights, 1)
    codes = p.batch * p.m * (4 * itemsize + 4) + 40 * min(p.batch * p.m, _measured_at_once(p) * p.m)
    kept = p.trials * p.batch * (3 * p.k + 20) * 8
    return copies * rows * p.m * itemsize + 4 * p.batch * rows * itemsize + codes + kept + 12 * 8 * LAW


def _measured_at_once(p: OneLayer) -> int:
    """How many codes: few on a CPU, so that they stay in its cache in double precision."""
    return max(1, MEASURED // p.m) if p.device == "cpu" else p.batch


def _nodes(p: OneLayer) -> int:
    return laws.nodes_for(p.k) or 601  # the whole grid of `laws.energy_nodes`
