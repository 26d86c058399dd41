"""A few random points with random labels as what the one loop trains nets on, and those nets as rows of numbers.

The loop shows images of digits. A step puts points in their place: the first d of the entries are the point, the others
are zero, so that the net is one of d inputs. Two nets that stand beside each other have one set of points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reversible.nets.net import Net
from reversible.papers.nguyen2019.nets import Weights
from reversible.training.config import Training
from reversible.training.hooks import Becomes
from reversible.training.run import Run
from reversible.training.stack import Stack

POINTS = 1201  # the stream of random points and labels
CLASSES = 2  # of ten outputs, the others belong to no sample
MOST = 0.001  # loss at which labels count as fitted


@dataclass(frozen=True)
class Points:
    """A step: all of N random points of d numbers with random labels, and first weights times `scale`."""

    samples: int
    inputs: int
    scale: float

    def __call__(self, stack: Stack) -> Becomes:
        x, labels = self.drawn(stack)
        pixels = stack.values[0].shape[1]
        with torch.no_grad():
            for value in stack.values:  # the first layer as one of d inputs, whose variance is two over d
                value.mul_(self.scale)
            stack.values[0].mul_((pixels / self.inputs) ** 0.5)
        return lambda _, __: (x, labels)

    def drawn(self, stack: Stack) -> tuple[Tensor, Tensor]:
        """Points (S, N, pixels) and labels (S, N), the same for the nets 2 i and 2 i + 1."""
        generators = [g for g in stack.generators(POINTS)[::2] for _ in range(2)][: len(stack.p.seeds)]
        states = [g.get_state() for g in generators]
        x = torch.zeros(len(generators), self.samples, stack.values[0].shape[1])
        labels = torch.zeros(len(generators), self.samples, dtype=torch.long)
        for net, (generator, state) in enumerate(zip(generators, states, strict=True)):
            generator.set_state(state)
            x[net, :, : self.inputs] = torch.randn(self.samples, self.inputs, generator=generator)
            labels[net] = torch.randint(CLASSES, (self.samples,), generator=generator)
        return x, labels


def trained_on(points: Points, hidden: int, steps: int, lr: float, seeds: tuple[int, ...]) -> Run:
    """A run of nets with one hidden layer on such points, at its end; the nets beside each other share their points."""
    p = Training(data="digits", hidden=(hidden,), images=1, batch=1, steps=steps, lr=lr, seeds=seeds)
    run = Run(p, points, ())
    run.advance(steps)
    return run


def rows(run: Run, inputs: int) -> Tensor:
    """The nets of a run as rows of numbers in double precision, (S, P), with the first d inputs alone."""
    return torch.stack([torch.from_numpy(weights(net, inputs).flat()) for net in run.stack.nets()])


def weights(net: Net, inputs: int) -> Weights:
    """A net of the loop as this paper writes it, with the first d inputs alone."""
    first, *others = (A.double().numpy().T for A in net.weights)
    return Weights((np.ascontiguousarray(first[:inputs]), *others), tuple(b.double().numpy() for b in net.biases))


def losses_of(nets: Tensor, x: Tensor, labels: Tensor, hidden: int) -> Tensor:
    """Mean cross entropies of ReLU nets with one hidden layer: rows (S, K, P) on points (S, N, d) -> (S, K)."""
    (S, K, P), d = nets.shape, x.shape[2]
    classes = (P - hidden * (d + 1)) // (hidden + 1)
    sizes = (d * hidden, hidden * classes, hidden, classes)  # as `Weights.flat` has them
    first, second, bias, last = nets.split(sizes, 2)
    h = torch.relu(x[:, None] @ first.view(S, K, d, hidden) + bias[:, :, None])  # (S, K, N, hidden)
    logits = h @ second.view(S, K, hidden, classes) + last[:, :, None]  # (S, K, N, classes)
    right = logits.gather(3, labels[:, None, :, None].expand(-1, K, -1, -1))[..., 0]
    return (logits.logsumexp(3) - right).mean(2)
