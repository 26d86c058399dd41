"""The multi-layer model run for real, beside state evolution: down through L random layers, and up again.

The bottom matrix, the largest, is drawn and dropped tile by tile as in the single layer; the others are kept between
the way down and the way up.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from reversible.base.checks import InputError, fraction, integer, number_or_name, positive
from reversible.base.estimates import Estimate
from reversible.base.runtime import MEMORY_BUDGET, Mapper, check_device, check_memory, one_thread, trial_generator
from reversible.random_nets import model, one_layer
from reversible.random_nets.one_layer import DTYPES, OneLayer, independent_repeats, memory_needed, round_trip
from reversible.theory.depth import InNoise, Offset, State, optimal_offsets, proof_offsets, state_evolution, top_risk

DEEPEST = 64
NEVER = 1e-9  # chance that a hidden layer falls silent: more is refused, for a ratio to nothing would be measured


@dataclass(frozen=True, kw_only=True)
class MultiLayer:
    """Parameters of the multi-layer simulation; layer 0 is the image, layer L the top code."""

    widths: tuple[int, ...]  # N_0, ..., N_L: from the image up to the top code
    k: int  # nonzero entries of the top code
    rho: tuple[float, ...]  # rho_0, ..., rho_(L-1): retention of the generation's dropout in the layer of that width
    q: float = 1.0  # retention of dropout at inference, at the input of every layer
    scale: tuple[float, ...] = ()  # alpha of each layer over the theory's 2 / (rho N); (): all 1
    offset: str | tuple[float, ...] = "0"  # "0", "proof", "optimal" (for the top), or b_1, ..., b_L
    codes: str = "uniform"
    low: float = 0.5
    high: float = 1.5
    weights: str = "gaussian"
    trials: int = 50  # independent draws of all weights
    batch: int = 4  # codes that share them
    seed: int = 0
    dtype: str = "float32"
    device: str = "cpu"

    def __post_init__(self) -> None:
        widths = tuple(integer("widths", n) for n in _several(self.widths))
        depth = len(widths) - 1
        if not 1 <= depth <= DEEPEST:
            raise InputError(f"widths must be 2 to {DEEPEST + 1} numbers, image first, top code last, not {widths}")
        rho = tuple(fraction("rho", r) for r in _several(self.rho))
        scale = tuple(positive("scale", s) for s in _several(self.scale)) or (1.0,) * depth
        for name, values in (("rho", rho), ("scale", scale)):
            if len(values) != depth:
                raise InputError(f"{name} must be {depth} numbers, one for each layer but the top, not {values}")
        self._set(widths=widths, rho=rho, scale=scale, offset=self._offset(depth))
        # What the top layer has in common with a single layer is checked there, and made numbers of where it is text.
        top = self.layer(depth - 1)
        self._set(k=top.k, q=top.q, low=top.low, high=top.high, trials=top.trials, batch=top.batch, seed=top.seed)
        for index in range(depth):
            _ = self.layer(index).scale  # refused where a single layer would be
            self._refuse_silence(index)

    def _set(self, **values: object) -> None:
        for field, value in values.items():
            object.__setattr__(self, field, value)

    def _refuse_silence(self, index: int) -> None:
        """InputError where a hidden layer may have no active unit; the image may."""
        width, rho = self.widths[index], self.rho[index]
        silent = (1 - rho / 2) ** width
        if index > 0 and silent > NEVER:
            raise InputError(
                f"rho = {rho} leaves a hidden layer of width {width} silent with chance {silent:.2g}; "
                f"allowed is {NEVER:g}: widths or rho must be larger"
            )

    def _offset(self, depth: int) -> str | tuple[float, ...]:
        given = self.offset
        if isinstance(given, str) and given in ("proof", "optimal"):
            return given
        allowed = f"0, proof, optimal or {depth} numbers, one a layer from the first hidden one up"
        values = tuple(number_or_name("offset", b, allowed) for b in _several(given))
        if values == (0.0,):
            return (0.0,) * depth
        if len(values) != depth:
            raise InputError(f"offset must be {allowed}, not {given!r}")
        return values

    @property
    def depth(self) -> int:
        """L, the number of weight matrices."""
        return len(self.widths) - 1

    def layer(self, index: int) -> OneLayer:
        """Weights W_index as a single layer, with the code's and the run's settings; k is that of the top alone."""
        n, m, rho = self.widths[index], self.widths[index + 1], self.rho[index]
        return OneLayer(
            n=n, m=m, k=self.k if index == self.depth - 1 else 1, rho=rho, q=self.q,
            alpha=self.scale[index] * 2 / (rho * n), offset=0.0, codes=self.codes, low=self.low, high=self.high,
            weights=self.weights, trials=self.trials, batch=self.batch, seed=self.seed, dtype=self.dtype,
            device=self.device,
        )  # fmt: skip

    def offsets(self) -> tuple[Offset, ...]:
        """b_1, ..., b_L as state evolution takes them."""
        if self.offset == "proof":
            return proof_offsets(self.widths)
        return _optimal(self) if self.offset == "optimal" else tuple(float(b) for b in self.offset)

    def law(self, lengths: np.ndarray) -> list[State]:
        """States of layers 1, ..., L for top codes of these lengths, any shape."""
        if self.offset == "proof" or not any(self.offset):  # nothing has a scale
            return [state.scaled(lengths) for state in unit_law(self)]
        parts = np.array_split(lengths, max(len(lengths) // 256, 1))  # what is needed at once stays small
        laws = [
            state_evolution(self.widths, self.rho, self.offsets(), part, scales=self.scale, q=self.q) for part in parts
        ]
        return [State.joined(states) for states in zip(*laws, strict=True)]


def _several(given: object) -> list[object]:
    """`given` as a list: text is split at its commas."""
    if isinstance(given, str):
        return [part.strip() for part in given.split(",")]
    if isinstance(given, Sequence):
        return list(given)
    return [given]


@functools.lru_cache(maxsize=64)
def _optimal(p: MultiLayer) -> tuple[float, ...]:
    """The best offsets for a typical code: from the law of the codes, never from the codes drawn."""
    layer = p.layer(p.depth - 1)
    return optimal_offsets(p.widths, p.rho, layer.code_law.typical(p.k).numpy(), scales=p.scale, q=p.q)


@functools.lru_cache(maxsize=8)
def unit_law(p: MultiLayer) -> list[State]:
    """The law for a top code of length one."""
    return state_evolution(p.widths, p.rho, p.offsets(), 1.0, scales=p.scale, q=p.q)


@dataclass(frozen=True)
class LayerResult:
    """One layer measured beside the law; intervals are 95 %, over independent draws of all weights."""

    width: int
    mean_offset: float
    mean_gain: Estimate  # sum_i y_i h_i / sum_i h_i^2, before the offset
    noise_sd: Estimate  # of y off the support, over ||h|| of this layer; see `_measure` where nothing is off it
    relative_error: Estimate  # E ||h_hat - h||^2 / ||h||^2
    predicted_mean_gain: float
    predicted_noise_sd: float
    predicted_relative_error: float
    gain_z: float  # standard scores of measured less predicted, code by code
    noise_z: float
    error_z: float


@dataclass(frozen=True)
class MultiLayerResult:
    """What a run of `MultiLayer` measured, from the top layer down."""

    layers: tuple[LayerResult, ...]
    on_support: Estimate  # E |h_hat_i - h_i|^2 / tau^2 at the top, i on the support; tau: mean nonzero entry
    off_support: Estimate | None  # the same for i off it; None where the support is everything
    gain_sd_over_law: float | None  # spread of the top's gain over draws and codes, over the law's; None: a dead net

    @property
    def top(self) -> LayerResult:
        return self.layers[0]


def multi_layer(p: MultiLayer, budget: int = MEMORY_BUDGET, mapper: Mapper = map) -> MultiLayerResult:
    """Run p.trials draws of all weights with p.batch codes each, mapped over by `mapper`. Deterministic in p.

    Raises InputError where the parameters need more than `budget` bytes, or CUDA that is not there.
    """
    check_memory(deep_memory_needed(p), budget, f"batch = {p.batch} with widths {p.widths}")
    check_device(p.device)
    found = replace(p, offset=p.offsets()) if p.offset == "optimal" else p  # searched once, not in every worker
    trials = mapper(functools.partial(multi_layer_trial, found), range(p.trials))
    measured, coordinates, entries = zip(*trials, strict=True)
    return _summary(p, np.array(measured), np.array(coordinates), np.array(entries))


def multi_layer_trial(p: MultiLayer, trial: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One draw of all weights: gain, noise variance and error (L, 3, B) from layer 1 up; squared errors of the top's
    coordinates on and off the support, over tau^2 (2, B); the codes' entries (B, k). The same to the bit anywhere.
    """
    with one_thread():
        generator = trial_generator(p.seed, trial, p.device)
        layers = [p.layer(index) for index in range(p.depth)]
        top = layers[-1].code_law.sample(p.batch, p.widths[-1], p.k, generator, DTYPES[p.dtype])  # (B, N_L)
        entries = top.double().topk(p.k).values.cpu().numpy()  # (B, k)
        codes, weights = {p.depth: top}, dict[int, Tensor]()  # h_1 ... h_L and W_1 ... W_(L-1), by their numbers
        for i in range(p.depth - 1, 0, -1):  # down to the layer above the image
            weights[i] = model.sample_weights(p.weights, p.widths[i], p.widths[i + 1], generator, top.dtype)
            codes[i] = model.generate(weights[i], codes[i + 1], layers[i].scale, p.rho[i], generator)  # (B, N_i)
        y = round_trip(layers[0], codes[1], generator)  # (B, N_1)
        h_hat = _read(p, 1, codes[1], y)
        measured = [_measure(codes[1], y, h_hat)]
        for i in range(2, p.depth + 1):  # and up again
            y = model.correlate(weights.pop(i - 1), h_hat, p.q, generator)  # (B, N_i)
            h_hat = _read(p, i, codes[i], y)
            measured.append(_measure(codes[i], y, h_hat))
        return np.array(measured), _coordinates(top, h_hat), entries


def _read(p: MultiLayer, number: int, code: Tensor, y: Tensor) -> Tensor:
    """h_hat of the layer of that number, (B, N). An offset in noises is, code by code, one in lengths of the code."""
    offset = p.offsets()[number - 1]
    if isinstance(offset, InNoise):
        state = unit_law(p)[number - 1]
        of_unit = float(state.offset / state.length)
        return model.infer(y, of_unit * torch.linalg.vector_norm(code, dim=-1, keepdim=True))  # (B, 1)
    return model.infer(y, offset)


def _measure(h: Tensor, y: Tensor, h_hat: Tensor) -> np.ndarray:
    """Gain, noise variance and relative error of each code, (3, B), float64.

    Noise is what is off the support; where nothing is off it, what is orthogonal to the code.
    """
    h, y, h_hat = h.double(), y.double(), h_hat.double()
    energy, off = h.square().sum(-1), h == 0
    gain, places = (y * h).sum(-1) / energy, off.sum(-1)
    outside = (y * off).square().sum(-1) / places.clamp(min=1)
    rest = (y - gain[:, None] * h).square().sum(-1) / max(h.shape[-1] - 1, 1)
    noise = torch.where(places > 0, outside, rest) / energy
    return torch.stack([gain, noise, (h_hat - h).square().sum(-1) / energy]).cpu().numpy()


def _coordinates(h: Tensor, h_hat: Tensor) -> np.ndarray:
    """Mean squared error of a coordinate on and off the support, over tau^2, (2, B)."""
    on, error = h > 0, (h_hat - h).double().square()
    tau = h.double().sum(-1) / on.sum(-1)
    means = [(error * where).sum(-1) / where.sum(-1).clamp(min=1) / tau**2 for where in (on, ~on)]
    return torch.stack(means).cpu().numpy()


def _summary(p: MultiLayer, measured: np.ndarray, coordinates: np.ndarray, entries: np.ndarray) -> MultiLayerResult:
    """`measured` (trials, L, 3, B), `coordinates` (trials, 2, B), `entries` (trials, B, k)."""
    codes = entries.reshape(-1, p.k)  # (trials B, k)
    states = p.law(np.linalg.norm(codes, axis=-1))
    top = states[-1]
    errors = [*(state.error for state in states[:-1]), top_risk(top, codes)]  # (trials B,) each
    on, off = (Estimate.of(independent_repeats(values)) for values in coordinates.transpose(1, 0, 2))
    gains = measured[:, -1, 0]  # (trials, B)
    deviations, spread = gains - top.gain.reshape(gains.shape), float(top.spread[0, 0].mean())
    return MultiLayerResult(
        layers=tuple(_layer_result(states[i], errors[i], measured[:, i]) for i in reversed(range(p.depth))),
        on_support=on,
        off_support=off if p.k < p.widths[-1] else None,
        gain_sd_over_law=float(np.sqrt(np.square(deviations).mean() / spread)) if spread > 0 else None,
    )


def _layer_result(state: State, error: np.ndarray, measured: np.ndarray) -> LayerResult:
    """Of `measured` (trials, 3, B), gain, noise variance and error of the codes that `state` and `error` predict."""
    measured = measured.transpose(1, 0, 2)  # (3, trials, B)
    predicted = np.array([state.gain, state.noise, error]).reshape(measured.shape)
    excess = (independent_repeats(a - b) for a, b in zip(measured, predicted, strict=True))
    gain_z, noise_z, error_z = (Estimate.of(repeats).z(0.0) for repeats in excess)
    gain, noise, own_error = (Estimate.of(independent_repeats(values)) for values in measured)
    law_gain, law_noise, law_error = predicted.mean((1, 2))
    return LayerResult(
        width=state.width,
        mean_offset=float(state.offset.mean()),
        mean_gain=gain,
        noise_sd=noise.sqrt(),
        relative_error=own_error,
        predicted_mean_gain=float(law_gain),
        predicted_noise_sd=float(np.sqrt(law_noise)),
        predicted_relative_error=float(law_error),
        gain_z=gain_z,
        noise_z=noise_z,
        error_z=error_z,
    )


def deep_memory_needed(p: MultiLayer) -> int:
    """Bytes at the peak: the matrices kept, what the bottom tile or drawing the largest takes, and the codes."""
    itemsize = DTYPES[p.dtype].itemsize
    kept = [p.widths[i] * p.widths[i + 1] * itemsize for i in range(1, p.depth)]
    drawing = 3 * max(kept, default=0) if p.weights != "gaussian" else 0
    codes = sum(p.widths[1:]) * p.batch * (3 * itemsize + 48)
    return sum(kept) + max(memory_needed(p.layer(0)), drawing) + codes


def float64_check(nets: Sequence[MultiLayer]) -> float:
    """How far single precision is off double, of some of these nets' top layers; see `one_layer.float64_check`."""
    return one_layer.float64_check([net.layer(net.depth - 1) for net in nets])
