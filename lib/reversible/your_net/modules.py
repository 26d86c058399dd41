"""A torch.nn.Sequential as it is read here: which modules are taken, in which order, and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from reversible.base.checks import InputError
from reversible.nets.convolution import Convolution
from reversible.nets.layered import Conv, Dense, Layered, Pool, Shape, Stage

SMALLEST, LARGEST = 1e-30, 1e30  # weights whose squares, and products layer by layer, double precision holds
ALLOWED = (
    "the net must be Linear or Conv2d with a ReLU behind each, and Linear at the end; BatchNorm1d and BatchNorm2d, "
    "MaxPool2d and AvgPool2d, Flatten, Dropout, Dropout2d and Identity may stand between them"
)
SHORT = "the model must be Linear or Conv2d, ReLU, Linear at least, and end with Linear"
WRAPPERS = {  # of torch, which compute what the module inside them computes, and the name under which it stands there
    "DataParallel": "module", "DistributedDataParallel": "module", "AveragedModel": "module",
    "OptimizedModule": "_orig_mod",  # what torch.compile makes
}  # fmt: skip
PASSED_OVER = (nn.Dropout, nn.Dropout2d, nn.Identity)
Norm = tuple[str, Any]  # a batch norm and its name


# --- which modules, in which order ------------------------------------------------------------------------------------


@dataclass
class Part:
    """A Linear or Conv2d with all that belongs to it."""

    name: str
    module: Any
    before: list[Norm] = field(default_factory=list)  # between the ReLU below and this
    after: list[Norm] = field(default_factory=list)  # between this and its ReLU
    pools: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def is_conv(self) -> bool:
        """A Conv2d, and no Linear."""
        return isinstance(self.module, nn.Conv2d)


def parts_of(model: nn.Module) -> list[Part]:
    """The layers of a model, bottom first, once it is known that each module is one that can be read in its place."""
    if not _plain(inside := unwrapped(model)):
        raise InputError(f"the model must be a torch.nn.Sequential, not {type(inside).__name__}")
    steps = [(name, module) for name, module in _flat(model) if type(module) not in PASSED_OVER]
    if steps and type(last := steps[-1][1]) in (nn.Softmax, nn.LogSoftmax) and last.dim in (1, -1, None):
        steps.pop()
    reader = _Reader()
    for name, module in steps:
        reader.take(name, module)
    reader.end([type(module).__name__ for _, module in steps if not _flattens(module)])
    for name, module in model.named_modules():
        if module._forward_hooks or module._forward_pre_hooks:
            what = f"module {name!r}" if name else "the model"
            raise InputError(f"{what} must have no hooks; torch.nn.utils.prune.remove takes those of pruning away")
    return reader.parts


def unwrapped(module: Any) -> Any:
    """What is inside of torch's WRAPPERS, however many there are around it; any other module itself."""
    kind = type(module)
    while kind.__module__.startswith("torch.") and kind.__name__ in WRAPPERS:
        module = getattr(module, WRAPPERS[kind.__name__])
        kind = type(module)
    return module


def _plain(module: Any) -> bool:
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _flat(module: Any, name: str = "") -> list[tuple[str, Any]]:
    """All modules in order; named_children() would leave out a ReLU that is used a second time."""
    if not _plain(module := unwrapped(module)):
        return [(name, module)]
    return [step for at, inside in module._modules.items() for step in _flat(inside, f"{name}.{at}" if name else at)]


def _flattens(module: Any) -> bool:
    return type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1)


class _Reader:
    """Takes modules one by one, and knows what may come next."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.open = False  # the last layer waits for its ReLU
        self.flat = False  # numbers stand in a row, no longer in maps
        self.pooled = False  # since the last layer
        self.waiting: list[Norm] = []  # batch norms that belong to the next layer

    def take(self, name: str, module: Any) -> None:
        """The next module; InputError where it cannot stand in this place."""
        kind = type(module)
        if kind in (nn.Linear, nn.Conv2d) and not self.open:
            self._layer(name, module)
        elif kind is nn.ReLU and self.open:
            self.open = False
        elif kind in (nn.BatchNorm1d, nn.BatchNorm2d):
            self._norm(name, module)
        elif kind in (nn.MaxPool2d, nn.AvgPool2d):
            self._pool(name, module)
        elif _flattens(module):
            self.flat = True
        else:
            raise self._wrong(name, module)

    def end(self, names: Sequence[str]) -> None:
        """InputError where no net is complete here."""
        complete = len(self.parts) > 1 and not self.parts[-1].is_conv and self.open and not self.pooled
        if not complete:
            raise InputError(f"{SHORT}, not {', '.join(names) or 'empty'}")

    def _wrong(self, name: str, module: Any) -> InputError:
        next_layer = "Linear" if self.flat else "Linear or Conv2d"
        wanted = "ReLU" if self.open else next_layer
        return InputError(f"module {name!r} must be {wanted} in its place, not {type(module).__name__}: {ALLOWED}")

    def _layer(self, name: str, module: Any) -> None:
        if isinstance(module, nn.Conv2d):
            if self.flat:
                raise self._wrong(name, module)
            _check_conv(name, module)
        elif self.parts and not self.flat:
            raise InputError(f"module {name!r} (Linear) must have a Flatten below it: it gets the maps of a Conv2d")
        self.flat = self.flat or not isinstance(module, nn.Conv2d)
        self.parts.append(Part(name, module, before=self.waiting))
        self.open, self.pooled, self.waiting = True, False, []

    def _norm(self, name: str, module: Any) -> None:
        """Folded into the layer right below it, or, behind a ReLU, into the layer above."""
        in_rows = type(module) is nn.BatchNorm1d
        in_maps = bool(self.parts) and not self.flat
        if in_maps if in_rows else self.flat:
            raise self._wrong(name, module)
        if not self.open:
            self.flat = self.flat or in_rows
            self.waiting.append((name, module))
        elif self.pooled or (self.parts[-1].is_conv and in_rows):
            kind = type(module).__name__
            raise InputError(f"module {name!r} ({kind}) must stand right behind its Linear or Conv2d, or behind a ReLU")
        else:
            self.parts[-1].after.append((name, module))

    def _pool(self, name: str, module: Any) -> None:
        kind = type(module).__name__
        if self.flat or not self.parts:
            raise self._wrong(name, module)
        if self.waiting:
            raise InputError(f"module {name!r} ({kind}) must not stand between a BatchNorm2d and the layer above it")
        if self.open and kind == "AvgPool2d":
            raise InputError(f"module {name!r} (AvgPool2d) must stand behind the ReLU, not before it")
        _check_pool(name, module)
        self.parts[-1].pools.append((name, module))
        self.pooled = True


def _check_conv(name: str, conv: Any) -> None:
    """InputError for what is not a plain convolution with the same stride and zeros on all sides."""
    sides = conv.padding if isinstance(conv.padding, str) else tuple(conv.padding)
    rules = {
        "groups=1": (conv.groups == 1, f"groups={conv.groups}"),
        "dilation=1": (set(conv.dilation) == {1}, f"dilation={tuple(conv.dilation)}"),
        "padding_mode='zeros'": (conv.padding_mode == "zeros", f"padding_mode={conv.padding_mode!r}"),
        "the same stride both ways": (len(set(conv.stride)) == 1, f"stride={tuple(conv.stride)}"),
        "the same padding on all sides": (_padding(conv) is not None, f"padding={sides!r}"),
    }
    _refuse_first(name, "Conv2d", rules)


def _padding(conv: Any) -> int | None:
    """Zeros on each side; None where they are not the same on all sides."""
    if conv.padding == "valid":
        return 0
    taps = set(conv.kernel_size)
    if conv.padding == "same":
        return max(taps) // 2 if len(taps) == 1 and max(taps) % 2 else None
    return conv.padding[0] if len(set(conv.padding)) == 1 else None


def _check_pool(name: str, pool: Any) -> None:
    """InputError for windows that do not lie side by side, all of them inside the maps."""
    window, stride, divisor = _pair(pool.kernel_size), _pair(pool.stride), getattr(pool, "divisor_override", None)
    rules = {
        "windows side by side": (stride == window, f"kernel_size={window} with stride={stride}"),
        "padding=0": (_pair(pool.padding) == (0, 0), f"padding={pool.padding}"),
        "ceil_mode=False": (not pool.ceil_mode, "ceil_mode=True"),
        "dilation=1": (_pair(getattr(pool, "dilation", 1)) == (1, 1), f"dilation={getattr(pool, 'dilation', 1)}"),
        "return_indices=False": (not getattr(pool, "return_indices", False), "return_indices=True"),
        "no divisor_override": (divisor is None, f"divisor_override={divisor}"),
    }
    _refuse_first(name, type(pool).__name__, rules)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _refuse_first(name: str, kind: str, rules: dict[str, tuple[bool, str]]) -> None:
    for wanted, (kept, found) in rules.items():
        if not kept:
            article = "an" if kind[0] in "AEIOU" else "a"
            raise InputError(f"module {name!r} must be {article} {kind} with {wanted}, not {found}")


# --- what is made of them ---------------------------------------------------------------------------------------------


def net_of(model: nn.Module, shape: Sequence[int] | None = None) -> Layered:
    """A copy of the model's weights as a net, in double precision: weight decay can leave very small ones.

    The model is made of Linear and Conv2d (no groups, no dilation, padded with zeros if at all), with a ReLU after each
    but the last, which is Linear. MaxPool2d and AvgPool2d may follow a ReLU, with windows that lie side by side;
    MaxPool2d may also stand before it, which is the same. BatchNorm in eval mode becomes part of the layer below it;
    behind a ReLU, of the layer above. Flatten stands between maps and Linear; Dropout, Dropout2d and Identity are
    passed over, and so is Softmax or LogSoftmax at the end. Of a module that `unwrapped` knows the one inside is read,
    and names are as if there were no other. Nothing of the model is run or changed.

    `shape` is that of an image, (channels, height, width); only nets that see maps need it. Raises InputError for
    anything else, which it names, for weights that are not finite or out of range, and for shapes that do not fit.
    """
    return net_from(parts_of(model), shape)


def net_from(parts: Sequence[Part], shape: Sequence[int] | None) -> Layered:
    """The net of these layers, as `net_of` says."""
    first = parts[0]
    if shape is None and (first.is_conv or any(type(norm) is nn.BatchNorm2d for _, norm in first.before)):
        raise InputError("shape must be (channels, height, width) of an image for a net with maps, not None")
    given = tuple(shape) if shape is not None else (first.module.in_features,)
    stages: list[Stage] = []
    for part in parts:
        read = _conv(part, given) if part.is_conv else _dense(part, given, bottom=not stages)
        stages.append(Stage(read, _pools(part, read.gives)))
        given = stages[-1].gives
    return Layered(tuple(stages))


def _dense(part: Part, given: Shape, bottom: bool) -> Dense:
    """The lowest layer gets images as rows of numbers, whose width is looked at where there are images."""
    A, bias = _weights(part)
    if (part.before or not bottom) and A.shape[1] != math.prod(given):
        what = f"the {math.prod(given)} numbers it is given"
        maps = f" as maps of {given[1]} x {given[2]}" if len(given) == 3 else ""
        raise InputError(f"module {part.name!r} must take {what}{maps}, not {A.shape[1]}")
    for norm in part.before[::-1]:
        scale, shift = _affine(norm, given[0] if type(norm[1]) is nn.BatchNorm2d else math.prod(given))
        times = A.shape[1] // len(scale)  # entries of a map
        bias = bias + A @ shift.repeat_interleave(times)
        A = A * scale.repeat_interleave(times)
    for norm in part.after:
        scale, shift = _affine(norm, len(A))
        A, bias = scale[:, None] * A, scale * bias + shift
    _folded(part, A, bias)
    return Dense(A, bias, (A.shape[1],) if bottom else given)


def _conv(part: Part, given: Shape) -> Conv:
    filters, bias = _weights(part)
    stride, padding = part.module.stride[0], _padding(part.module) or 0
    if len(given) != 3 or given[0] != filters.shape[1]:
        shape = " x ".join(map(str, given))
        raise InputError(f"module {part.name!r} must take the {given[0]} channels of {shape}, not {filters.shape[1]}")
    if any(n + 2 * padding < taps for n, taps in zip(given[1:], filters.shape[2:], strict=True)):
        taps = " x ".join(map(str, filters.shape[2:]))
        raise InputError(f"module {part.name!r} must get maps that its {taps} filters fit, not {given[1]} x {given[2]}")
    for norm in part.before[::-1]:
        scale, shift = _affine(norm, given[0])
        moved = shift[:, None, None].expand(given)[None]  # the padding's zeros are not
        fixed = Convolution(filters, stride, padding).up(moved)[0]
        bias = fixed + (bias if bias.dim() == 3 else bias[:, None, None])
        filters = filters * scale[:, None, None]
    for norm in part.after:
        scale, shift = _affine(norm, len(filters))
        filters = scale[:, None, None, None] * filters
        over = (slice(None), *[None] * (bias.dim() - 1))
        bias = scale[over] * bias + shift[over]
    _folded(part, filters, bias)
    return Conv(filters, bias, given, stride, padding)


def _pools(part: Part, given: Shape) -> tuple[Pool, ...]:
    pools: list[Pool] = []
    for name, module in part.pools:
        size, window = given[1:], _pair(module.kernel_size)
        if any(w > n for w, n in zip(window, size, strict=True)):
            raise InputError(f"module {name!r} must have windows that fit maps of {size[0]} x {size[1]}, not {window}")
        pools.append(Pool(type(module) is nn.MaxPool2d, window, (size[0], size[1])))
        given = (given[0], *pools[-1].gives)
    return tuple(pools)


def _weights(part: Part) -> tuple[Tensor, Tensor]:
    weight = _numbers(f"{part.name}.weight", part.module.weight)
    bias = part.module.bias
    return weight, weight.new_zeros(len(weight)) if bias is None else _numbers(f"{part.name}.bias", bias)


def _affine(norm: Norm, count: int) -> tuple[Tensor, Tensor]:
    """What a batch norm does in eval mode, scale * x + shift, of each of `count` features."""
    name, module = norm
    if module.running_mean is None or module.running_var is None:
        raise InputError(f"module {name!r} must keep running statistics, else it is another function for each batch")
    if module.num_features != count:
        raise InputError(f"module {name!r} must take the {count} features it is given, not {module.num_features}")
    mean, variance = (_numbers(f"{name}.{kind}", getattr(module, kind)) for kind in ("running_mean", "running_var"))
    if not bool((variance >= 0).all()) or not bool((variance + module.eps > 0).all()):
        raise InputError(f"{name}.running_var must be 0 or more, and above 0 with eps, not {float(variance.min()):g}")
    scale = (variance + module.eps).rsqrt()
    if module.weight is None:
        return scale, -mean * scale
    scale = _numbers(f"{name}.weight", module.weight) * scale
    return scale, _numbers(f"{name}.bias", module.bias) - mean * scale


def _folded(part: Part, weight: Tensor, bias: Tensor) -> None:
    if part.before or part.after:
        _numbers(f"{part.name}.weight, its batch norm included,", weight)
        _numbers(f"{part.name}.bias, its batch norm included,", bias)


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
