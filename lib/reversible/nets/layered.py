"""A net of dense and convolutional layers with pooling, sent up, and down again by its transposed weights.

Layer i reads u = W x + b, where W is a matrix or that of a convolution, and hands on its *code* h = P relu(u); P pools,
or does nothing. The way down is x~ = relu(alpha W^T U h), where U undoes the pooling as far as P U h = h: a maximum
goes back to its place, which is its *switch*, and an average goes to every entry of its window.

The scale is alpha = 2 R / ||W||_F^2 for a W of R rows: 2 over the mean squared length of a row. It is right on average
where the filters have independent Gaussian entries of variance v, and z = U h was drawn without a look at them. Going
up again, a unit adds w_i relu(u_i) over the t entries of its window that lie inside the input, u = alpha W^T z. The
entry w_i of its filter reaches u_i through this unit's own z alone: at another place of the filter w_i meets another
entry of u. So E[w_i relu(u_i)] = alpha v z P[u_i > 0] = alpha v z / 2 by Stein's lemma, and the unit reads
alpha v t z / 2 on average. The mean of v t over the units is ||W||_F^2 / R. So the mean gain is one over all places of
a filter and, without padding, at each of them; stride and switches change nothing in this. For M channels and l taps
without padding alpha is 2 / (M l v). A dense layer is a convolution of one place, and has 2 / (n v) as in `reversal`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from reversible.base.checks import InputError, integer
from reversible.nets.convolution import Convolution, first_places, pool, unpool
from reversible.nets.net import Net
from reversible.nets.reversal import RoundTrip, compare, theory_scale

Shape = tuple[int, ...]  # of one example: (n,) or (M, D1, D2)


@dataclass(frozen=True, eq=False)
class Dense:
    """u = A x + b for inputs of the shape `given`, which are read as one row of numbers."""

    weight: Tensor  # A (m, n)
    bias: Tensor  # (m,)
    given: Shape

    @property
    def gives(self) -> Shape:
        """The shape of u."""
        return (len(self.weight),)

    def up(self, x: Tensor) -> Tensor:
        """(B, *given) -> (B, m)."""
        return torch.addmm(self.bias, x.flatten(1), self.weight.mT)

    def linear(self, x: Tensor) -> Tensor:
        """A x, without the bias."""
        return x.flatten(1) @ self.weight.mT

    def transposed(self, z: Tensor) -> Tensor:
        """A^T z: (B, m) -> (B, *given)."""
        return (z @ self.weight).view(len(z), *self.given)

    def scale(self) -> Tensor:
        """alpha of the way down; 0 where A is zero."""
        return theory_scale(self.weight, 1.0)

    def lengths(self) -> Tensor:
        """The squared lengths of the rows, (m,)."""
        return self.weight.square().sum(1)

    def matrix(self) -> Tensor:
        """A itself."""
        return self.weight


@dataclass(frozen=True, eq=False)
class Conv:
    """u = W x + b, the filters (K, M, l1, l2) at each of their places on inputs of the shape `given`."""

    weight: Tensor
    bias: Tensor  # (K,), or (K, n1, n2) where it differs from place to place
    given: Shape  # (M, D1, D2)
    stride: int = 1
    padding: int = 0

    @property
    def slid(self) -> Convolution:
        """The linear part."""
        return Convolution(self.weight, self.stride, self.padding)

    @property
    def gives(self) -> Shape:
        """The shape of u: filters and their places."""
        return (len(self.weight), *self.slid.shifts(self.given[1:]))

    def up(self, x: Tensor) -> Tensor:
        """(B, *given) -> (B, K, n1, n2)."""
        return self.linear(x) + (self.bias if self.bias.dim() == 3 else self.bias[:, None, None])

    def linear(self, x: Tensor) -> Tensor:
        """W x, without the bias."""
        return self.slid.up(x)

    def transposed(self, z: Tensor) -> Tensor:
        """W^T z: (B, K, n1, n2) -> (B, *given)."""
        return self.slid.down(z, self.given[1:])

    def scale(self) -> Tensor:
        """alpha of the way down; 0 where all filters are zero."""
        energy = self.lengths().sum()
        return torch.where(energy > 0, 2 * math.prod(self.gives) / energy, 0.0)

    def lengths(self) -> Tensor:
        """The squared lengths of the rows of W, (K, n1, n2): smaller where a filter reaches into the padding."""
        squares = replace(self.slid, filters=self.weight.square())
        return squares.up(self.weight.new_ones(1, *self.given))[0]

    def matrix(self) -> Tensor:
        """W itself, (K n1 n2, M D1 D2)."""
        return self.slid.matrix(self.given[1:])


@dataclass(frozen=True)
class Pool:
    """The largest or the mean of each window; windows lie side by side, and what is left at the far edge is in none."""

    largest: bool
    window: tuple[int, int]
    size: tuple[int, int]  # of the maps it is given

    @property
    def gives(self) -> tuple[int, int]:
        """The size of pooled maps."""
        return self.size[0] // self.window[0], self.size[1] // self.window[1]

    def up(self, h: Tensor) -> tuple[Tensor, Tensor | None]:
        """h >= 0 pooled, and the switches if it is the largest."""
        return pool(h, self.window) if self.largest else (functional.avg_pool2d(h, self.window), None)

    def down(self, h: Tensor, places: Tensor | None, known: bool = True) -> Tensor:
        """Maps whose pooling gives h again: maxima where they were, or at the first place; averages everywhere."""
        if places is not None:
            return unpool(h, places if known else first_places(places, self.size, self.window), self.size)
        spread = h.repeat_interleave(self.window[0], 2).repeat_interleave(self.window[1], 3)
        rows, columns = (n - m for n, m in zip(self.size, spread.shape[2:], strict=True))
        return functional.pad(spread, (0, columns, 0, rows))


@dataclass(frozen=True, eq=False)
class Code:
    """What a layer hands on, and the switches of each of its poolings."""

    values: Tensor  # (B, m) or (B, K, n1, n2)
    places: tuple[Tensor | None, ...] = ()


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer, and the poolings behind its ReLU."""

    read: Dense | Conv
    pools: tuple[Pool, ...] = ()

    @property
    def gives(self) -> Shape:
        """The shape of a code."""
        return (self.read.gives[0], *self.pools[-1].gives) if self.pools else self.read.gives

    @property
    def has_switches(self) -> bool:
        """One of its poolings takes the largest."""
        return any(pool.largest for pool in self.pools)

    def with_weight(self, weight: Tensor) -> Stage:
        """The same with other weights of the same shape."""
        return replace(self, read=replace(self.read, weight=weight))

    def up(self, x: Tensor) -> Code:
        """The code of inputs x."""
        h, places = torch.relu(self.read.up(x)), []
        for each in self.pools:
            h, place = each.up(h)
            places.append(place)
        return Code(h, tuple(places))

    def unpooled(self, h: Tensor, places: Sequence[Tensor | None], known: bool = True) -> Tensor:
        """U h: the code h on all units of the layer."""
        for each, place in reversed(list(zip(self.pools, places, strict=True))):
            h = each.down(h, place, known)
        return h


@dataclass(frozen=True, eq=False)
class Layered:
    """Layers with a ReLU after each but the last, whose numbers are the classes' scores."""

    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, net: Net) -> Layered:
        """A fully connected net."""
        pairs = zip(net.weights, net.biases, strict=True)
        return cls(tuple(Stage(Dense(A, bias, (A.shape[1],))) for A, bias in pairs))

    @property
    def shape(self) -> Shape:
        """Of an image: (n,) or (channels, height, width)."""
        return self.stages[0].read.given

    @property
    def hidden(self) -> tuple[Stage, ...]:
        """All layers but the last."""
        return self.stages[:-1]

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """Of each layer (m, n), or (K, M, l1, l2) of a convolution."""
        return tuple(stage.read.weight for stage in self.stages)

    @property
    def biases(self) -> tuple[Tensor, ...]:
        """Of each layer (m,) or (K,); (K, n1, n2) of a convolution whose bias differs from place to place."""
        return tuple(stage.read.bias for stage in self.stages)

    def with_first(self, weights: Sequence[Tensor]) -> Layered:
        """The net with other weights in its first layers; biases and pooling stay."""
        changed = [stage.with_weight(A) for stage, A in zip(self.stages, weights, strict=False)]
        return Layered((*changed, *self.stages[len(changed) :]))

    def way_up(self, x: Tensor, layers: int | None = None) -> list[Code]:
        """The codes of the first `layers` hidden layers with their switches, all of them if None."""
        count = len(self.hidden) if layers is None else integer("layers", layers, low=1, high=len(self.hidden))
        codes = []
        for stage in self.stages[:count]:
            codes.append(stage.up(x))
            x = codes[-1].values
        return codes

    def up(self, x: Tensor, layers: int | None = None) -> list[Tensor]:
        """The codes alone: x (B, *shape) -> [h_1, ...]."""
        return [code.values for code in self.way_up(x, layers)]

    def logits(self, x: Tensor) -> Tensor:
        """What the last layer says, before any softmax: (B, *shape) -> (B, classes)."""
        return self.head([x, *self.up(x)][-1])

    def head(self, h: Tensor) -> Tensor:
        """What the last layer says of the last hidden code."""
        return self.stages[-1].read.up(h)


def down(stages: Sequence[Stage], codes: Sequence[Code], signed: bool = False, known: bool = True) -> Tensor:
    """From the last of `codes` through `stages` 1, ..., l to x~ (B, *shape); the switches are those of `codes`.

    `signed` images have entries below zero: the last step then has no ReLU, nor the factor 2 that undoes its half.
    Where switches are not `known`, maxima go to the first place of their windows.
    """
    if len(stages) != len(codes) or not codes:
        raise InputError(f"codes must be of the {len(stages)} layers to go down, one at least, not {len(codes)}")
    h = codes[-1].values
    for place, (stage, code) in reversed(list(enumerate(zip(stages, codes, strict=True)))):
        h = stage.read.scale() * stage.read.transposed(stage.unpooled(h, code.places, known))
        h = h / 2 if signed and place == 0 else torch.relu(h)
    return h


def round_trip(
    net: Layered,
    weights: Sequence[Tensor],
    x: Tensor,
    signed: bool = False,
    known: bool = True,
    codes: Sequence[Code] | None = None,
) -> RoundTrip:
    """Images x (B, *shape) up to the layer that `weights` reach down from, down through these, and up through the net.

    `signed` and `known` are those of `down`; `codes` are those of x in all hidden layers, where they are known.
    """
    layer, codes = len(weights), net.way_up(x) if codes is None else codes
    x_back = down(net.with_first(weights).stages[:layer], codes[:layer], signed, known)
    again = net.up(x_back)
    h, h_back = codes[layer - 1].values.flatten(1), again[layer - 1].flatten(1)
    same_class = net.head(codes[-1].values).argmax(-1) == net.head(again[-1]).argmax(-1)
    inputs = compare(x.flatten(1), x_back.flatten(1))
    return RoundTrip(compare(h, h_back), compare(h, h_back.roll(1, 0)), inputs, same_class)


def one_step(stage: Stage, x: Tensor) -> tuple[Tensor, Tensor]:
    """cos(x, W^T z) of inputs x and z = U h, the layer's own code, and what the law of one step says of it; (B,) each.

    It is the law of `theory.one_step` for any z that is made of u = W x alone, biases included. By the same proof
    cos^2 = e / (1 + e) with e = <z, W x>^2 / (|x|^2 sum_i z_i^2 |w_i|^2), where w_i are the rows of W; if z keeps
    entries of W x and the rows have length one, e = |z|^2 / |x|^2. The law leaves out the inner products of different
    rows but for what each has of x: where filters are more alike than random ones, the cosine is smaller. Both are 0
    where x or z is.
    """
    code = stage.up(x)
    z = stage.unpooled(code.values, code.places)
    product = (z * stage.read.linear(x)).flatten(1).sum(1)  # also <x, W^T z>
    spread = (z.square() * stage.read.lengths()).flatten(1).sum(1)
    length, back = x.flatten(1).square().sum(1), stage.read.transposed(z).flatten(1).square().sum(1)
    return _over(product, (length * back).sqrt()), _over(product, (product.square() + length * spread).sqrt())


def _over(a: Tensor, b: Tensor) -> Tensor:
    return torch.where(b > 0, a / b.where(b > 0, torch.ones_like(b)), 0.0)
