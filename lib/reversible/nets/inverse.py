"""A reader's residual block sent backwards: x from y, how well it fits, and what is proved of the block."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from reversible.base.checks import InputError, one_of
from reversible.nets.one_to_one import UNIQUE, Certificate, certified
from reversible.nets.p_matrices import numbers
from reversible.nets.residual import Solution, Unit, damped, newton, plain

METHODS: dict[str, Callable[[np.ndarray, np.ndarray], Solution]] = {"newton": newton, "damped": damped, "plain": plain}
FITS = 1e-4  # how closely a module has to compute x + W2 r(W1 x + b), over the largest number it gives
PROBES = 8


@dataclass(frozen=True, eq=False)
class Inversion:
    """What came of sending y backwards through a block."""

    x: np.ndarray  # float64, of the shape of y: x + W2 r(W1 x + b) = y where it converged, nan where it did not
    converged: np.ndarray  # (B,)
    trace: np.ndarray  # (steps, B): relative residual of the reduced problem after each step
    error: np.ndarray  # (B,): ||block(x) - y|| / ||y||, the block computed in float64
    certificate: Certificate

    @property
    def words(self) -> str:
        """How many came back, how well, and whether they are the only ones."""
        count, back = len(self.converged), int(self.converged.sum())
        worst = f", with an error of at most {np.nanmax(self.error):.1g}" if back else ""
        missed = " The method has not found all of them: try another." if self.missed else ""
        return f"{back} of {count} came back{worst}. {self.certificate.words}{missed}"

    @property
    def missed(self) -> bool:
        """Whether something did not come back although it is proved that it could."""
        return self.certificate.verdict == UNIQUE and not bool(self.converged.all())

    def __str__(self) -> str:
        return self.words


def invert(block: nn.Module | Sequence[object], y: object, method: str = "newton") -> Inversion:
    """x with x + W2 r(W1 x + b) = y, for y (B, n) or one y (n,).

    `block` is (W1, b, W2) with W1 (h, n), b (h,), W2 (n, h); or a torch.nn.Sequential of Linear, ReLU, Linear, which is
    taken for what the block adds to x; or another module with two Linear layers in it that computes x + W2 r(W1 x + b):
    that is tried on a few inputs. A bias of the second Linear is taken off y first. A module is looked at as it is in
    evaluation, without dropout, and all is computed in float64. `method` is "newton" (patterns, with a fallback that
    ends wherever the block is one-to-one by its minors and has at most 14 hidden units), "damped" or "plain".

    >>> found = invert(([[2.0]], [0.0], [[1.0]]), [[3.0], [-1.0]])
    >>> found.x.tolist(), found.certificate.verdict
    ([[1.0], [-1.0]], 'unique')

    Raises InputError for anything else: another activation, shapes that do not fit, numbers that are not finite.
    """
    solve = METHODS[one_of("method", method, METHODS)]
    unit, shift = unit_of(block)
    sides = numbers("y", y)
    n = unit.W1.shape[1]
    if sides.ndim not in (1, 2) or sides.shape[-1] != n or not sides.size:
        raise InputError(f"y must be of shape B x {n} or {n}, as the block takes {n} numbers, not {sides.shape}")
    rows = np.atleast_2d(sides) - shift
    found = solve(unit.A, unit.reduced(rows))
    x = np.where(found.converged[:, None], unit.lifted(rows, found.u), np.nan)
    length = np.linalg.norm(rows, axis=1)
    error = np.linalg.norm(unit(x) - rows, axis=1) / np.where(length > 0, length, 1.0)
    return Inversion(x.reshape(sides.shape), found.converged, found.trace, error, certified(unit))


# --- what a block is --------------------------------------------------------------------------------------------------


def unit_of(block: object) -> tuple[Unit, np.ndarray]:
    """The unit that a block is, and the bias (n,) that it adds besides; InputError where it is none."""
    if isinstance(block, nn.Module):
        return _of_module(block)
    if isinstance(block, (tuple, list)) and len(block) == 3:
        unit = Unit.of(*block)
        return unit, np.zeros(unit.W1.shape[1])
    raise InputError(f"block must be (W1, b, W2) or a torch module, not {type(block).__name__}")


def _of_module(block: nn.Module) -> tuple[Unit, np.ndarray]:
    seen = _copied(block)
    layers = _linears(seen)
    if type(block) is nn.Sequential:
        return _of_layers(*layers)
    refused = None
    for first, second in (layers, layers[::-1]):  # which of them comes first, what they are called does not say
        try:
            unit, shift = _of_layers(first, second)
            _must_compute(seen, unit, shift)
            return unit, shift
        except InputError as error:
            refused = refused or error
    assert refused is not None
    raise refused


def _copied(block: nn.Module) -> nn.Module:
    """A copy in evaluation, in float64: so that looking changes nothing, and rounding hides nothing."""
    try:
        return copy.deepcopy(block).eval().double().cpu()
    except Exception as error:
        raise InputError(f"block must be a module that can be copied: {error}".splitlines()[0]) from None


def _of_layers(first: nn.Linear, second: nn.Linear) -> tuple[Unit, np.ndarray]:
    h, n = first.weight.shape
    if second.weight.shape != (n, h):
        shape = " x ".join(map(str, second.weight.shape))
        raise InputError(f"the block's second Linear must be {n} x {h} beside the first of {h} x {n}, not {shape}")
    bias, shift = (
        torch.zeros(width) if layer.bias is None else layer.bias for layer, width in ((first, h), (second, n))
    )
    return Unit.of(first.weight, bias, second.weight), numbers("the second bias", shift)


def _linears(block: nn.Module) -> list[nn.Linear]:
    """The two Linear layers of a block, once it is known that a ReLU and nothing else stands with them."""
    parts = [module for name, module in block.named_modules() if "parametrizations" not in name.split(".")]
    parts = [module for module in parts if isinstance(module, nn.Linear) or not list(module.children())]
    parts = [module for module in parts if not isinstance(module, (nn.Identity, nn.Dropout))]
    linears = [module for module in parts if isinstance(module, nn.Linear)]
    names = ", ".join("Linear" if module in linears else type(module).__name__ for module in parts) or "nothing"
    if len(linears) != 2 or not all(isinstance(module, (nn.Linear, nn.ReLU)) for module in parts):
        raise InputError(f"block must be made of Linear, ReLU, Linear, with x added around them, not of {names}")
    if type(block) is nn.Sequential and names != "Linear, ReLU, Linear":
        raise InputError(f"what the block adds to x must be Linear, ReLU, Linear in this order, not {names}")
    return linears


@torch.no_grad()
def _must_compute(block: nn.Module, unit: Unit, shift: np.ndarray) -> None:
    """InputError where the module gives something else than x + W2 r(W1 x + b) + shift on a few inputs."""
    n = unit.W1.shape[1]
    x = torch.randn(PROBES, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = unit(x.numpy()) + shift
    try:
        given: object = block(x)
    except Exception as error:
        raise InputError(f"block must take inputs of shape B x {n}: {error}".splitlines()[0]) from None
    fits = isinstance(given, Tensor) and tuple(given.shape) == expected.shape
    if not fits or not np.abs(numbers("what the block gives", given) - expected).max() <= FITS * np.abs(expected).max():
        raise InputError(
            f"block must compute x + W2 relu(W1 x + b), and {type(block).__name__} computes something else: "
            "another activation, x is not added, or what is added to it is scaled"
        )
