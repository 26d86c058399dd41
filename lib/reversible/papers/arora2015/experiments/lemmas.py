"""What Theorem 2.3 stands on: the law of the codes, the linear baby theorem, the technical lemma."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy import special, stats

from reversible.base.estimates import Estimate, logs, over_law, root_mean_square, slope
from reversible.base.runtime import trial_generator
from reversible.papers.arora2015.labels import one_layer as labels
from reversible.random_nets import model
from reversible.runs.experiment import Experiment
from reversible.theory import one_layer as laws


@dataclass(frozen=True)
class CodeLaw:
    """Draws from a law of codes, to see how large a single entry gets: beta = ||h||_inf / ||h||."""

    law: str
    k: int
    draws: int
    seed: int


@dataclass(frozen=True)
class CodeLawResult:
    constant: Estimate  # the mean of beta / sqrt(ln k / k) over draws


def code_law(p: CodeLaw) -> CodeLawResult:
    """beta / sqrt(ln k / k), draw by draw; D_h wants it bounded in k [notes]."""
    h = model.Codes(p.law).sample(p.draws, 4 * p.k, p.k, trial_generator(p.seed, 0), torch.float64)
    return CodeLawResult(Estimate.of(model.beta(h).numpy() / math.sqrt(math.log(p.k) / p.k)))


def code_law_cells(profile: str) -> list[CodeLaw]:
    sizes = {"smoke": (4, 16, 64), "book": (4, 32, 256), "full": (4, 16, 64, 256, 1024)}[profile]
    draws = 10**3 if profile == "smoke" else 10**4
    pairs = [(law, k) for law in ("binary", "uniform", "exponential") for k in sizes]
    return [CodeLaw(law, k, draws, seed) for seed, (law, k) in enumerate(pairs)]


def code_law_measures(pairs: list[tuple[CodeLaw, CodeLawResult]]) -> dict[str, Estimate]:
    """For each law of entries the constant for the longest codes, and the power of ln k with which it goes."""
    measures = {}
    for law in ("binary", "uniform", "exponential"):
        mine = [(p.k, r.constant) for p, r in pairs if p.law == law]
        measures[f"constant_{law}"] = max(mine, key=lambda pair: pair[0])[1]
        columns = [logs(math.log(k) for k, _ in mine)]
        measures[f"power_of_ln_k_{law}"] = slope(columns, logs(constant.mean for _, constant in mine))
    return measures


@dataclass(frozen=True)
class Baby:
    """The linear net: h in {0, 1}^m with k ones, read back as W^T W h / n."""

    n: int
    m: int
    k: int
    trials: int
    seed: int


@dataclass(frozen=True)
class BabyResult:
    linf: Estimate  # of ||W^T W h / n - h||_inf
    worst_constant: float  # the largest ||.||_inf / (ln(mn) sqrt(m/n)) of all draws: the smallest C that always did
    failures: int  # draws with a constant above 1
    predicted_linf: float


def baby_theorem(p: Baby) -> BabyResult:
    """P[||W^T W h / n - h||_inf <= C ln(mn) sqrt(m/n)] >= 1 - 1/poly(n) [notes], run with a fresh W a trial."""
    linf = np.empty(p.trials)
    for trial in range(p.trials):
        generator = trial_generator(p.seed, trial)
        h = model.Codes("binary").sample(1, p.m, p.k, generator, torch.float32)
        W = model.sample_weights("gaussian", p.n, p.m, generator, torch.float32)
        linf[trial] = float((model.correlate(W, h @ W.T) / p.n - h).abs().max())
    constants = linf / (math.log(p.m * p.n) * math.sqrt(p.m / p.n))
    law = laws.linear_law(np.append(np.ones(p.k), 0.0), math.sqrt(p.k), p.n)
    predicted = laws.linf_mean(np.ones(p.k), p.m, law)
    return BabyResult(Estimate.of(linf), float(constants.max()), int((constants > 1).sum()), predicted)


def baby_cells(profile: str) -> list[Baby]:
    sizes = {"smoke": (256, 512), "book": (500, 1000, 2000), "full": (500, 1000, 2000, 4000, 8000)}[profile]
    trials = {"smoke": 20, "book": 12, "full": 50}[profile]
    shapes = [(n, n // part, n // part // share) for n in sizes for part in (2, 8) for share in (1, 4, 16)]
    return [Baby(n, m, k, trials, seed) for seed, (n, m, k) in enumerate(shapes)]


def baby_measures(pairs: list[tuple[Baby, BabyResult]]) -> dict[str, Estimate]:
    columns = [logs(p.n for p, _ in pairs), logs(p.k for p, _ in pairs), logs(math.log(p.m) for p, _ in pairs)]
    error = logs(r.linf.mean for _, r in pairs)
    draws = sum(p.trials for p, _ in pairs)
    failed = np.arange(draws) < sum(r.failures for _, r in pairs)
    return {
        "failure_rate": Estimate.of_share(failed),
        "worst_constant": Estimate.exact(max(r.worst_constant for _, r in pairs)),
        "slope_n": slope(columns, error, 0),
        "slope_k": slope(columns, error, 1),
        "rms_z": root_mean_square(r.linf.z(r.predicted_linf) for _, r in pairs),
        "linf_over_law": over_law((r.linf, r.predicted_linf) for _, r in pairs),
    }


@dataclass(frozen=True)
class Lemma:
    """w ~ N(0, 1), xi ~ N(0, s^2): the two moments of w relu(w h + xi)."""

    h: float
    s: float
    draws: int
    seed: int


@dataclass(frozen=True)
class LemmaResult:
    first: Estimate  # E[w relu(wh + xi)]
    second: Estimate  # E[w^2 relu(wh + xi)^2]
    predicted_first: float
    predicted_second: float
    quadrature_gap_first: float  # |quadrature - law| / s
    quadrature_gap_second: float  # |quadrature / law - 1|
    second_over_bound: float  # the quadrature's second moment over the paper's 3 h^2 + s^2 [notes]


def technical_lemma(p: Lemma) -> LemmaResult:
    """Both moments by simulation, and by quadrature that knows nothing of Stein's lemma."""
    generator, sums = trial_generator(p.seed, 0), []
    blocks = 20
    for _ in range(blocks):
        w, xi = torch.randn(2, p.draws // blocks, generator=generator, dtype=torch.float64)
        value = w * torch.relu(w * p.h + p.s * xi)
        sums.append([float(value.mean()), float(value.square().mean())])
    first, second = np.array(sums).T
    law_first, law_second = (float(v) for v in laws.lemma_moments(p.h, p.s))
    by_hand = _quadrature(p.h, p.s)
    return LemmaResult(
        Estimate.of(first), Estimate.of(second), law_first, law_second,
        abs(by_hand[0] - law_first) / p.s, abs(by_hand[1] / law_second - 1), by_hand[1] / (3 * p.h**2 + p.s**2),
    )  # fmt: skip


def _quadrature(h: float, s: float) -> tuple[float, float]:
    """The two moments, xi integrated in closed form and w by Gauss-Hermite quadrature."""
    w, weight = np.polynomial.hermite_e.hermegauss(120)
    a, weight = w * h, weight / math.sqrt(2 * math.pi)
    above, density = special.ndtr(a / s), stats.norm.pdf(a / s)
    first = a * above + s * density  # E relu(a + xi)
    second = (a**2 + s**2) * above + a * s * density  # E relu(a + xi)^2
    return float(weight @ (w * first)), float(weight @ (w**2 * second))


def lemma_cells(profile: str) -> list[Lemma]:
    draws = {"smoke": 10**5, "book": 2 * 10**6, "full": 10**8}[profile]
    places = [(share * math.log(s), s) for s in (4.0, 16.0, 64.0) for share in (0.0, 0.25, 0.5, 1.0)]
    return [Lemma(h, s, draws, seed) for seed, (h, s) in enumerate([(0.0, 1.0), *places], 16000)]


def lemma_measures(pairs: list[tuple[Lemma, LemmaResult]]) -> dict[str, Estimate]:
    return {
        "quadrature_gap_first": Estimate.exact(max(r.quadrature_gap_first for _, r in pairs)),
        "quadrature_gap_second": Estimate.exact(max(r.quadrature_gap_second for _, r in pairs)),
        "second_over_bound": Estimate.exact(max(r.second_over_bound for _, r in pairs)),
        "rms_z_first": root_mean_square(r.first.z(r.predicted_first) for _, r in pairs),
        "rms_z_second": root_mean_square(r.second.z(r.predicted_second) for _, r in pairs),
        "first_over_law": over_law((r.first, r.predicted_first) for p, r in pairs if p.h > 0),
        "second_over_law": over_law((r.second, r.predicted_second) for _, r in pairs),
    }


EXPERIMENTS = {
    "code-law": Experiment(code_law_cells, code_law, code_law_measures, label=labels.code_law),
    "baby-theorem": Experiment(baby_cells, baby_theorem, baby_measures, label=labels.baby_theorem, scores=("rms_z",)),
    "technical-lemma": Experiment(
        lemma_cells,
        technical_lemma,
        lemma_measures,
        label=labels.technical_lemma,
        scores=("rms_z_first", "rms_z_second"),
    ),
}
