"""What has moved between two matrices: planted changes, each told by its own sentence, and none by another's."""

import re

import numpy as np
import pytest

from reversible.spectra import pairs
from reversible.spectra.matrix import analyse
from reversible.spectra.pairs import compared

N, P = 160, 96


def before(seed=0):
    return np.random.default_rng(seed).normal(0, 0.05, (N, P))


def low_rank(rank, seed=1, size=0.05):
    rng = np.random.default_rng(seed)
    product = rng.standard_normal((N, rank)) @ rng.standard_normal((rank, P))
    return product * size * np.linalg.norm(before()) / np.linalg.norm(product)


def noise(seed=2, size=0.1):
    return np.random.default_rng(seed).normal(0, 0.05 * size, (N, P))


def bfloat16(matrix):
    """Rounded to eight digits of two."""
    mantissa, exponent = np.frexp(matrix)
    return np.ldexp(np.rint(mantissa * 256) / 256, exponent)


def pruned(matrix, share):
    return np.where(np.abs(matrix) >= np.quantile(np.abs(matrix), share), matrix, 0)


def told(a, b):
    update = analyse(b - a) if (a != b).any() else None
    return compared(a, b, update)


FACTORS = np.linspace(0.5, 1.5, N)[:, None]
GRID = 0.01
PLANTED = {
    "unchanged": (before(), "unchanged"),
    "zero": (np.zeros((N, P)), "set to zero"),
    "scaled": (0.98 * before(), "scaled by 0.98"),
    "turned round": (-before(), "scaled by -1"),
    "scaled and rounded": (bfloat16(0.9 * before()), "scaled by 0.9"),
    "rounded": (bfloat16(before()), "rounded: no entry moved by more than 0.4 % of itself"),
    "half precision": (before().astype(np.float16).astype(float), "rounded: no entry"),
    "few values": (np.rint(before() / GRID) * GRID, f"rounded to {len(np.unique(np.rint(before() / GRID)))} different"),
    "pruned": (pruned(before(), 0.83), "pruned: 83 % of the entries are zero, the others unchanged"),
    "pruned, then trained": (
        pruned(before(), 0.5) * (1 + 0.2 * np.random.default_rng(5).choice([-1, 1], (N, P))),
        "pruned: 50 % of the entries are zero, the others moved by 20 % of their size",
    ),
    "rows": (FACTORS * before(), "each row scaled by a factor of its own, 0.5 to 1.5"),
    "columns": (before() * FACTORS[:P].T, "each column scaled by a factor of its own, 0.5 to 1.1"),
    "another net": (before(9), "nothing is left of it: the cosine of before and after is"),
    "low rank": (before() + low_rank(8), "an update of low rank 8, of 5 % of its size"),
    "low rank, rounded": (bfloat16(before() + low_rank(4)), "an update of low rank 4 and noise, of 5 % of its size"),
    "low rank in noise": (
        before() + noise(size=0.3) + low_rank(2, size=0.15), "an update that looks random but for 2 spikes, which hold"
    ),
    "random": (before() + noise(), "an update that looks random, of 10 % of its size"),
    "of heavy tail": (
        before() + low_rank(60) * np.linspace(0, 1, P) ** 3, "an update that does not look random (",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_change_is_told_by_its_sentence(name):
    after, sentence = PLANTED[name]
    assert told(before(), after)[1].startswith(sentence)


def test_an_update_of_low_rank_that_was_rounded_is_told_whatever_the_rest_is_like():
    updates = [(before(seed), bfloat16(before(seed) + low_rank(4, seed + 100))) for seed in range(12)]
    assert {re.split(",| and", told(*pair)[1])[0] for pair in updates} == {"an update of low rank 4"}
    rest = np.diag(np.linspace(0.2, 3, P))[np.arange(N) % P] * 0.05  # its size is not a small one
    assert "low rank" not in told(before(), before() + low_rank(4) + rest)[1]


@pytest.mark.parametrize("unit", [1e-160, 1e3])
@pytest.mark.parametrize("name", ["scaled", "pruned", "rows", "low rank", "random"])
def test_the_unit_of_the_weights_does_not_matter(name, unit):
    after, sentence = PLANTED[name]
    update = analyse(after - before())
    assert compared(unit * before(), unit * after, update)[1].startswith(sentence)


def test_zeros_on_either_side():
    none = np.zeros((N, P))
    assert compared(none, none, None)[1] == "unchanged"
    m, says = told(none, before())
    assert says == "zero before"
    assert (m.change, m.scale, m.cosine, m.overlap, m.came_back) == (None, None, None, None, 1)


def test_entries_that_come_back_are_no_pruning():
    m, says = told(pruned(before(), 0.3), pruned(before()[::-1], 0.5)[::-1])
    assert says.startswith("pruned: 50 % of the entries are zero (before: 30 %)")
    assert m.came_back == 0
    m, says = told(pruned(before(), 0.5), pruned(before() + noise(size=2), 0.5))
    assert not says.startswith("pruned")
    assert m.came_back > 0.1


def test_measures_are_what_they_are_called():
    a, b = before(), before() + low_rank(3, size=0.5)
    m, _ = told(a, b)
    assert m.change == pytest.approx(0.5)
    assert m.cosine == pytest.approx((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))
    assert m.scale == pytest.approx((a * b).sum() / np.linalg.norm(a) ** 2)
    assert (m.rank, m.zeros_before, m.zeros_after, m.became_zero) == (3, 0, 0, 0)
    (u, _, v), (x, _, y) = np.linalg.svd(a), np.linalg.svd(b)
    cosines = (u[:, :5].T @ x[:, :5]) * (v[:5] @ y[:5].T)
    assert m.overlap == pytest.approx(np.abs(cosines).max())
    assert m.overlap_first == pytest.approx(cosines[0, 0])
    turned, _ = told(a.T, b.T)
    assert turned.overlap == pytest.approx(m.overlap)
    assert told(a, a)[0].overlap == pytest.approx(1)


def test_the_overlap_of_matrices_that_have_nothing_to_do_with_each_other_is_small():
    found = [told(before(seed), before(seed + 50))[0].overlap for seed in range(5)]
    assert all(overlap is not None and 0 < overlap < 0.2 for overlap in found)


def test_what_is_too_small_is_not_judged():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((20, 12))
    assert told(a, a + 0.1 * rng.standard_normal((20, 12)))[1].endswith("too small to be judged")
    assert compared(a, a + 0.1, None)[1].startswith("an update of low rank 1")


def test_rules_can_fail():
    """Just beside a planted change its sentence is not said."""
    a = before()
    assert not told(a, 0.98 * a + noise(size=0.01))[1].startswith("scaled")
    spoiled = pruned(a, 0.5)
    spoiled[0] *= 1.1
    assert "the others unchanged" not in told(a, spoiled)[1]
    assert "low rank" not in told(a, a + low_rank(40))[1]
    rounded = bfloat16(a)
    rounded[3, 4] += 0.01
    assert not told(a, rounded)[1].startswith("rounded")


def test_shares_as_a_reader_says_them():
    assert [pairs.percent(x) for x in (0.0, 0.0996, 1.0, 1e-7)] == ["0 %", "10 %", "100 %", "1e-05 %"]
