"""Closed forms for the single-layer model, in numpy and scipy alone.

Notation as in the paper: h >= 0 is a code of length m with k nonzero entries, W is (n, m) with i.i.d. N(0, 1) entries,

    x = relu(alpha W h) * n_drop           n_drop ~ Bernoulli(rho)^n,  t = rho n,  alpha = 2 / t unless given
    y = W^T (x * d) / q                    d ~ Bernoulli(q)^n: dropout at inference, q = 1 where there is none
    h_hat = relu(y + b)

**The exact law.** Write u = h / ||h|| and g = W u, so that g ~ N(0, I_n). Row j of W is w_j = g_j u + P z_j with
P = I - u u^T and z_j ~ N(0, I_m) independent of g. With B_j ~ Bernoulli(rho q) for what both dropouts keep,

    y = (alpha / q) ||h|| sum_j B_j relu(g_j) (g_j u + P z_j) = (alpha / q) ||h|| (S u + sqrt(S) P z),
    S = sum_j B_j g_j^2 1[g_j > 0],    z ~ N(0, I_m) independent of S,

because the first sum is S itself and, given g and B, the second is Gaussian with variance S in every direction.
S is chi-square with K degrees of freedom, K ~ Binomial(n, rho q / 2). So one scalar and one Gaussian vector carry the
joint law of all m coordinates, at every n, m, k: no limit is taken. Everything below follows from it; it was derived
for this project and is not in the paper.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

Array = np.ndarray


def theory_alpha(n: int, rho: float) -> float:
    """The paper's scale alpha = 2 / (rho n); the 2 undoes the half that the ReLU removes.

    >>> theory_alpha(1000, 0.5)
    0.004
    """
    return 2.0 / (rho * n)


def mean_gain(n: int, rho: float, alpha: float | None = None) -> float:
    """E[y_i | h] / h_i = alpha rho n / 2: exactly 1 at the theory's alpha, for every h, n and m.

    >>> mean_gain(1000, 0.5), mean_gain(1000, 0.5, alpha=1 / 500)
    (1.0, 0.5)
    """
    return (theory_alpha(n, rho) if alpha is None else alpha) * rho * n / 2


def variance(
    h: Array, norm: ArrayLike, n: int, rho: float, q: float = 1.0, alpha: float | None = None, kurtosis: float = 3.0
) -> Array:
    """Var[y_i | h] of a coordinate with h_i = `h` in a code of length `norm`; h = 0 gives the noise off the support.

    For the theory's alpha: 2/(q t) (||h||^2 + (kurtosis - 1) h_i^2) - h_i^2/n. Weights need not be Gaussian: zero mean,
    unit variance, independent entries and a symmetric law are enough, because w relu(w h + xi) and its square average
    over the flip (w, xi) -> (-w, -xi) to half of w (w h + xi) and of w^2 (w h + xi)^2. `kurtosis` is E w^4.
    """
    scale = (theory_alpha(n, rho) if alpha is None else alpha) / theory_alpha(n, rho)
    h2, norm2 = np.square(h), np.square(norm)
    return scale**2 * (2 / (q * rho * n) * (norm2 + (kurtosis - 1) * h2) - h2 / n)


def orthogonal_noise_variance(norm: ArrayLike, n: int, rho: float) -> Array:
    """Var[y_i | h] off the support where W has orthogonal columns of length sqrt(n): (2/t - 1/n) ||h||^2.

    Given g = W u, the other columns lie in the complement of g: of the kept energy S the part along g, S^2/n, is gone.
    Right to relative order 1/n, for the theory's alpha and no dropout at inference.
    """
    return (2 / (rho * n) - 1 / n) * np.square(norm)


def lemma_moments(h: ArrayLike, s: ArrayLike) -> tuple[Array, Array]:
    """E[w relu(w h + xi)] and E[w^2 relu(w h + xi)^2] for w ~ N(0, 1), xi ~ N(0, s^2): h/2 and (3 h^2 + s^2)/2.

    The paper's technical lemma has h/2 +- O~(1/s^3) and the bound 3 h^2 + s^2 [notes]; by Stein's lemma both are exact.
    """
    h, s = np.asarray(h, float), np.asarray(s, float)
    return h / 2, (3 * h**2 + s**2) / 2


@functools.lru_cache(maxsize=256)
def energy_nodes(n: int, p: float, count: int = 16) -> tuple[Array, Array]:
    """Quadrature for R = sqrt(S), S ~ chi-square with Binomial(n, p) degrees of freedom: (nodes, weights).

    The density of R is a binomial mixture of chi densities; it is put on a fine grid, and `count` Lanczos steps with
    that measure give Gauss nodes: polynomials of R up to degree 2 count - 1 are integrated exactly. With count = 0 the
    grid itself, for integrands with a jump.
    """
    # P[K > 5] < (n p)^6: scipy's search for the quantile gives up where it is so small.
    high = 5 if n * p < 1e-3 else int(stats.binom.isf(1e-14, n, p))
    degrees = np.arange(int(stats.binom.ppf(1e-14, n, p)), high + 1).astype(float)
    degrees = degrees[:: -(-len(degrees) // 4000)]  # a thinned sum is as exact where the binomial is this wide
    low, high = max(0.0, np.sqrt(degrees[0]) - 7), np.sqrt(degrees[-1]) + 7
    grid, step = np.polynomial.legendre.leggauss(600)
    grid, step = (high - low) / 2 * grid + (high + low) / 2, (high - low) / 2 * step
    degree = degrees[degrees > 0][:, None]
    log_chi = (degree - 1) * np.log(grid) - grid**2 / 2 - (degree / 2 - 1) * np.log(2) - special.gammaln(degree / 2)
    mass = step * (stats.binom.pmf(degree, n, p) * np.exp(log_chi)).sum(0)
    points, mass = np.append(grid, 0.0), np.append(mass, stats.binom.pmf(0, n, p))
    return _lanczos_quadrature(points, mass, count) if count else (points, mass / mass.sum())


def _lanczos_quadrature(points: Array, mass: Array, count: int) -> tuple[Array, Array]:
    """`count`-point Gauss quadrature of a discrete measure, by Lanczos with full reorthogonalisation."""
    mass = mass / mass.sum()
    basis = [np.sqrt(mass)]
    diagonal, off = [], []
    for _ in range(count):
        vector = points * basis[-1]
        diagonal.append(vector @ basis[-1])
        for _ in range(2):
            vector = vector - np.array(basis).T @ (np.array(basis) @ vector)
        off.append(np.linalg.norm(vector))
        if off[-1] < 1e-10 * np.abs(points).max():
            break
        basis.append(vector / off[-1])
    jacobi = np.diag(diagonal) + np.diag(off[: len(diagonal) - 1], 1) + np.diag(off[: len(diagonal) - 1], -1)
    nodes, vectors = np.linalg.eigh(jacobi)
    return nodes, vectors[0] ** 2


def nodes_for(k: int) -> int:
    """Nodes over S for a code of k entries: the whole grid where one entry may be nearly the whole code.

    Given S such an entry hardly varies, and a threshold is then a jump in S, which Gauss nodes would step over.
    """
    return 0 if k <= 4 else 16


def coordinate_law(
    h: Array, norm: ArrayLike, n: int, rho: float, q: float = 1.0, alpha: float | None = None,
    exact: bool = True, kurtosis: float = 3.0, nodes: int = 16,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """The law of y_i as a mixture of Gaussians: (weights, means, standard deviations), node axis first.

    `h` and `norm` broadcast against each other. With `exact=False` one Gaussian of the same mean and variance: the
    central limit theorem over n, good where t is large, and for weights of any `kurtosis` as in `variance`. `nodes`: of
    the quadrature over S, see `energy_nodes`.
    """
    scale = theory_alpha(n, rho) if alpha is None else alpha
    if exact:
        return _mixture(h, norm, n, rho * q / 2, scale / q, nodes)
    h, norm = np.broadcast_arrays(np.asarray(h, float), np.asarray(norm, float))
    deviation = np.sqrt(np.maximum(variance(h, norm, n, rho, q, alpha, kurtosis), 0))
    return np.ones(1), (mean_gain(n, rho, alpha) * h)[None], deviation[None]


def linear_law(h: Array, norm: ArrayLike, n: int) -> tuple[Array, Array, Array]:
    """The law of (W^T W h)_i / n, as `coordinate_law` gives it: nothing is cut, and S is chi-square with n degrees."""
    return _mixture(h, norm, n, 1.0, 1 / n)


def _mixture(h: Array, norm: ArrayLike, n: int, p: float, scale: float, count: int = 16) -> tuple[Array, Array, Array]:
    """Coordinates of scale ||h|| (S u + sqrt(S) P z) as Gaussians given S, S chi-square with Binomial(n, p) degrees."""
    h, norm = np.broadcast_arrays(np.asarray(h, float), np.asarray(norm, float))
    nodes, weights = energy_nodes(n, p, count)
    r = nodes.reshape(-1, *[1] * h.ndim)
    return weights, scale * h * r**2, scale * np.sqrt(np.maximum(norm**2 - h**2, 0)) * np.abs(r)


def thresholded_risk(mean: Array, sd: Array, h: ArrayLike, shift: ArrayLike, cut: ArrayLike) -> Array:
    """E[(e - h)^2] for the estimate e = (y + shift) 1[y > cut] of h from y ~ N(mean, sd^2).

    ReLU with offset b is shift = b, cut = -b; a hard threshold is shift = 0; no threshold at all is cut = -inf.
    """
    sd = np.maximum(sd, 1e-150)
    excess = mean + np.asarray(shift, float) - np.asarray(h, float)
    edge = np.clip((cut - mean) / sd, -1e150, 1e150)
    density, above = np.exp(-np.minimum(edge**2, 1e3) / 2) / np.sqrt(2 * np.pi), special.ndtr(-edge)
    tail = excess**2 * above + 2 * excess * sd * density + sd**2 * (edge * density + above)
    return tail + np.square(h) * special.ndtr(edge)


def relative_risk(
    h: Array, n: int, m: int, rho: float, *, offset: ArrayLike = 0.0, q: float = 1.0, alpha: float | None = None,
    estimate: str = "relu", exact: bool = True, kurtosis: float = 3.0,
) -> Array:  # fmt: skip
    """E||h_hat - h||^2 / ||h||^2 for codes whose nonzero entries are `h`, shape (..., k) -> (...).

    `offset` is one number or one a code, (...). `estimate`: "relu" is relu(y + offset), "hard" is y 1[y > -offset],
    "linear" is y itself.
    """
    h = np.asarray(h, float)
    norm = np.linalg.norm(h, axis=-1)
    b = np.broadcast_to(np.asarray(offset, float), norm.shape)
    shift, cut = {"relu": (b, -b), "hard": (0 * b, -b), "linear": (0 * b, 0 * b - np.inf)}[estimate]
    nodes = nodes_for(h.shape[-1])
    weights, mean, sd = coordinate_law(h, norm[..., None], n, rho, q, alpha, exact, kurtosis, nodes)
    on = np.tensordot(weights, thresholded_risk(mean, sd, h, shift[..., None], cut[..., None]).sum(-1), 1)
    weights, mean, sd = coordinate_law(np.zeros_like(norm), norm, n, rho, q, alpha, exact, kurtosis)
    off = np.tensordot(weights, thresholded_risk(mean, sd, 0.0, shift, cut), 1)
    return (on + (m - h.shape[-1]) * off) / norm**2


def proof_offset(norm: ArrayLike, n: int, m: int, rho: float, q: float = 1.0, alpha: float | None = None) -> Array:
    """The offset of Theorem 2.3's proof, b = -delta ||h|| [notes], with delta = sqrt(2 / (q t)) sqrt(2 ln m) [ours].

    >>> round(float(proof_offset(1.0, 8000, 1000, 0.5)), 4)
    -0.0831
    """
    return -mean_gain(n, rho, alpha) * np.sqrt(4 * np.log(max(m, 2)) / (q * rho * n)) * np.asarray(norm, float)


def optimal_offset(
    h: Array, n: int, m: int, rho: float, q: float = 1.0, alpha: float | None = None, estimate: str = "relu"
) -> float:
    """The common offset with the smallest exact risk, averaged over the codes `h` of shape (..., k)."""
    h = np.asarray(h, float)
    reach = 2 * float(proof_offset(np.sqrt(np.square(h).sum(-1).mean()), n, m, rho, q, alpha))

    def risk(offset: float) -> float:
        return float(relative_risk(h, n, m, rho, offset=offset, q=q, alpha=alpha, estimate=estimate).mean())

    # The risk can have two valleys (threshold the noise, or kill everything): look on a grid, then refine.
    grid = np.linspace(reach, 0, 41)
    best = int(np.argmin([risk(offset) for offset in grid]))
    return np.asarray(optimize.fminbound(risk, grid[max(best - 1, 0)], grid[min(best + 1, 40)], xtol=1e-9)).item()


def theorem_bound(k: int, t: float, m: int) -> float:
    """Theorem 2.3 with its constant and its logarithm [ours]: (k (2 + 4 ln m) + 4) / t.

    Bias delta^2 on each of k entries, plus their variances, sum_i Var[y_i] <= (2/t)(k + 2) ||h||^2; reached where every
    entry stands well above delta, an upper bound elsewhere, for the ReLU only brings an estimate nearer to h >= 0.
    It leaves out the variances' - 1/n and the little noise that passes the offset off the support, about 0.03 / t,
    which is the smaller one on the grid of sizes of the chapter on one layer.

    >>> round(theorem_bound(20, 4000, 1000), 4)
    0.1492
    """
    return (k * (2 + 4 * float(np.log(m))) + 4) / t


def minimax_rate(k: int, t: float, m: int) -> float:
    """Minimax relative risk of k-sparse recovery (Donoho, Johnstone): 2 sigma^2 k ln(m/k) at noise sigma^2 = 2/t."""
    return 4 * k / t * float(np.log(m / k))


def linf_cdf(tau: ArrayLike, h: Array, m: int, law: tuple[Array, Array, Array]) -> Array:
    """P[||y - h||_inf <= tau] for one code with nonzero entries `h`, shape (k,); `law` is that of [h, 0].

    Exact off the support, where the coordinates are independent given S; on the support their correlations, at most
    h_i h_j / ||h||^2, are left out.
    """
    weights, mean, sd = law
    tau = np.atleast_1d(np.asarray(tau, float))
    centre, spread = (mean - np.append(h, 0.0))[:, :, None], np.maximum(sd, 1e-150)[:, :, None]
    inside = special.ndtr((tau - centre) / spread) - special.ndtr((-tau - centre) / spread)
    return weights @ (inside[:, :-1].prod(1) * inside[:, -1] ** (m - len(h)))


def linf_mean(h: Array, m: int, law: tuple[Array, Array, Array]) -> float:
    """E||y - h||_inf for one code with nonzero entries `h`: the integral of 1 - `linf_cdf`."""
    bias = np.abs(law[1] - np.append(h, 0.0)).max()
    tau = np.linspace(0, bias + law[2].max() * (np.sqrt(2 * np.log(m + 1)) + 8), 2001)
    pieces = np.array_split(tau, -(-tau.size * law[1].size // 2**18))  # what is needed at once stays small
    return float(np.trapezoid(1 - np.concatenate([linf_cdf(piece, h, m, law) for piece in pieces]), tau))
