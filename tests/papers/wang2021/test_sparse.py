"""Sparse solutions of transforms that are not one-to-one: how they are drawn, found again, and when they cannot be."""

from dataclasses import replace

import numpy as np
import pytest

from reversible.papers.wang2021.experiments import sparse as experiment
from reversible.papers.wang2021.experiments.sparse import FEW, MANY, Sparse, drawn, sparse

CELL = Sparse(h=60, s=2.5, sides=12, iterations=400, seed=4)


def test_solutions_have_the_active_units_that_are_asked():
    rng = np.random.default_rng(0)
    u, active = drawn(rng, 50, 400, 0.1)
    assert (active.sum(1) == 5).all()
    np.testing.assert_array_equal(u > 0, active)
    assert active.mean(0).std() < 0.03  # which ones is chance
    assert (u[active] ** 2).mean() == pytest.approx(1, abs=0.15)
    longer, where = drawn(rng, 50, 400, 0.1, 2.0)
    assert (longer[where] ** 2).mean() == pytest.approx(4, abs=0.6)
    assert (longer[~where] ** 2).mean() == pytest.approx(1, abs=0.05)


def test_few_active_units_are_found_again_and_many_are_not():
    found = sparse(CELL)
    assert found.not_one_to_one
    assert found.norm > 4
    assert found.any[0] > 0.6 > 0.2 > found.any[-1]
    assert found.radius[0] < 1 < found.radius[-1]
    for place in range(3):
        best = max(found.plain[place], found.damped[place], found.newton[place])
        assert best <= found.any[place] <= found.plain[place] + found.damped[place] + found.newton[place]


def test_the_largest_eigenvalue_of_a_block_is_near_its_law():
    """s sqrt(k / h), the circular law's: here for a block that is large enough."""
    rng = np.random.default_rng(1)
    A = 2.5 * rng.standard_normal((400, 400)) / 20
    u, active = drawn(rng, 400, 4, MANY)
    radius = experiment._found(A, u, active, 1)["radius"]
    assert radius == pytest.approx(2.5 * np.sqrt(MANY), rel=0.12)


def test_a_transform_that_contracts_gives_all_back():
    found = sparse(replace(CELL, s=0.4))
    assert found.any == found.plain == found.damped == found.newton == (1, 1, 1)
    assert found.few_but_long == 1
    assert not found.not_one_to_one


def test_another_solution_is_not_the_one_that_was_meant(monkeypatch):
    meant = experiment.newton
    monkeypatch.setattr(experiment, "newton", lambda A, v: replace(meant(A, v), u=meant(A, v).u + 1e-3))
    assert sparse(replace(CELL, s=0.4)).newton == (0, 0, 0)
    assert FEW < MANY
