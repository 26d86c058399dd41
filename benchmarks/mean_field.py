"""What the maps of wide nets cost, as ratios in one run.

    python benchmarks/mean_field.py [--repeats 5]

*Layers*: a thousand layers of the kept map of gaps, and of the map of variances, over one drawn net of width 300 of as
many layers; what keeping a map costs is printed beside it. *Edge*: a curve of 200 points over one call of SciPy's
`brentq` with `quad` for each. Seconds are processor time of one thread; the goals are ten thousandths of a second for
the layers and one second for the curve. Nothing here is a test: a goal missed is printed.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable

import numpy as np
from scipy import integrate, optimize
from timing import seconds

from reversible.base.arithmetic import here
from reversible.theory.activations import Activation, activation
from reversible.theory.edges import edge, edge_curve
from reversible.theory.mean_field import Field

NAMES = "tanh", "elu", "swish"
LAYERS, POINTS, WIDTH, FEW = 1000, 200, 300, 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    print(f"on {here()}")
    for name in NAMES:
        layers(name, repeats)
    curve(repeats)


def median(work: Callable[[], object], repeats: int) -> float:
    """Of its seconds, the first call among them."""
    return statistics.median(seconds(work) for _ in range(repeats))


def layers(name: str, repeats: int) -> None:
    """A thousand of them."""
    on = edge(activation(name), 0.2)
    field = Field(activation(name), on.s_w, on.s_b)
    pairs = field.at(on.q)
    rng = np.random.default_rng(0)
    W = rng.standard_normal((WIDTH, WIDTH)) * on.s_w / math.sqrt(WIDTH)
    x = rng.standard_normal((WIDTH, 2))

    def drawn() -> None:
        z = x
        for _ in range(LAYERS):
            z = W @ field.activation.phi(z)

    net = median(drawn, repeats)
    for what, work in (
        ("gaps", lambda: pairs.gaps(0.5, LAYERS)),
        ("variances", lambda: field.variances(1.5 * on.q, LAYERS)),
        ("keeping the map", lambda: field.at(on.q)),
    ):
        took = median(work, repeats)
        missed = "" if took < 0.01 or what.startswith("keeping") else ", over its goal of 10 ms"
        print(f"{name:6} {what:16} {1000 * took:8.2f} ms, {took / net:6.2f} of a net of {LAYERS} x {WIDTH}{missed}")


def curve(repeats: int) -> None:
    """The edge of tanh at many sizes of biases."""
    a, s_b = activation("tanh"), np.linspace(0.01, 2, POINTS)
    took = median(lambda: edge_curve(a, s_b), repeats)
    plain = seconds(lambda: [by_scipy(a, float(s)) for s in s_b[:: POINTS // FEW]]) / FEW * POINTS
    missed = "" if took < 1 else ", over its goal of 1 s"
    print(f"edge of {POINTS} points {took:6.3f} s, {took / plain:.4f} of quad inside brentq{missed}")


def by_scipy(a: Activation, s_b: float) -> float:
    """q on the edge, as one would write it down."""

    def mean(f: Callable[[float], float], q: float) -> float:
        density = lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi)  # noqa: E731
        return integrate.quad(lambda z: density(z) * f(math.sqrt(q) * z), -9, 9, epsabs=1e-13, epsrel=1e-12)[0]

    def off(q: float) -> float:
        square = mean(lambda x: a.phi(np.array([x])).item() ** 2, q)
        return q - square / mean(lambda x: a.slope(np.array([x])).item() ** 2, q) - s_b**2

    return float(np.asarray(optimize.brentq(off, 1e-4, 1e3)))


if __name__ == "__main__":
    main()
