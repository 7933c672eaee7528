"""The minimum is one: by its slopes, by other starting points, and where a covariance matrix has not its full rank."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from hlm.data.clean_data import clean
from hlm.engines.reml.criterion import profile
from hlm.engines.reml.design import MixedDesign, mixed_design
from hlm.engines.reml.search import Minimum, minimise
from hlm.formula.parser import parse

FORMULAS = [
    "y ~ x + (x|g)",
    "y ~ x + (x||g)",
    "y ~ x + z + (x + z|g)",
    "y ~ x + c + (0 + c|g)",
    "y ~ x + (x|g) + (0 + z|g)",
]


def simulated(seed: int) -> MixedDesign:
    """A few unequal groups; sds from a hundredth to a hundred times sigma, or 0; covariance matrices of any rank."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 12, size=rng.integers(3, 15)) + 3
    g = np.repeat(np.arange(len(sizes)), sizes)
    n = len(g)
    x, z, c = 50 + rng.normal(size=n), rng.normal(size=n), rng.integers(0, 2, size=n)
    root = (
        rng.normal(size=(4, rng.integers(1, 5)))
        * 10.0 ** rng.uniform(-2, 2, size=(4, 1))
        * rng.integers(0, 2, size=(4, 1))
    )
    b = rng.normal(size=(len(sizes), root.shape[1])) @ root.T
    y = 1 + (b[g] * np.column_stack([np.ones(n), x - 50, z, c])).sum(axis=1) + rng.normal(size=n)
    data = pd.DataFrame({"y": y, "x": x, "z": z, "c": np.array(["a", "b"])[c], "g": [f"g{k}" for k in g]})
    formula = parse(FORMULAS[seed % len(FORMULAS)])
    return mixed_design(formula, clean(formula, data))


def solved(design: MixedDesign) -> tuple[Minimum, float]:
    found = minimise(lambda f: profile(design, f, reml=True).criterion, design)
    return found, value(design, found.factor)


def value(design: MixedDesign, factor: np.ndarray) -> float:
    return float(profile(design, factor[None], reml=True).criterion[0])


@pytest.mark.parametrize("seed", range(15))
def test_nothing_better_is_found_from_elsewhere(seed):
    """A second route: a general optimiser from random places, in the plain entries of Lambda."""
    design = simulated(seed)
    found, best = solved(design)
    assert found.settled
    rows, columns = zip(*(entry for block in design.blocks for entry in block.entries), strict=True)

    def plain(entries: np.ndarray) -> float:
        factor = np.zeros_like(found.factor)
        factor[rows, columns] = entries
        return min(value(design, factor), 1e10)

    rng = np.random.default_rng(seed)
    for _ in range(3):
        start = rng.normal(size=len(rows)) + 10.0 ** rng.uniform(-1, 2) * (np.array(rows) == np.array(columns))
        # 1e-8: our own tolerance for a lower rank is 1e-9, and rounding is below that
        assert best <= minimize(plain, start, method="L-BFGS-B").fun + 1e-8


@pytest.mark.parametrize("seed", range(15))
def test_no_direction_of_the_covariance_matrix_leads_down(seed):
    """Also where its rank is not full: adding h w w' to a block's covariance matrix, the criterion does not fall."""
    design = simulated(seed)
    found, best = solved(design)
    rng = np.random.default_rng(seed)
    for block in design.blocks:
        lower = found.factor[block.columns, block.columns]
        for w in rng.normal(size=(10, len(lower))):
            factor = found.factor.copy()
            wider = np.column_stack([lower, 1e-3 * w])
            factor[block.columns, block.columns] = np.linalg.qr(wider.T, mode="r").T
            assert value(design, factor) >= best - 1e-8


@pytest.mark.parametrize("seed", range(15))
def test_ranks_are_those_of_the_factor(seed):
    design = simulated(seed)
    found, best = solved(design)
    assert (np.diagonal(found.factor) >= 0).all() and np.array_equal(found.factor, np.tril(found.factor))
    for block, rank in zip(design.blocks, found.ranks, strict=True):
        part = found.factor[block.columns, block.columns]
        assert not part[:, rank:].any()
        assert (np.abs(part[:, :rank]).max(axis=0) > 0).all()
        if rank:  # one less would be worse
            factor = found.factor.copy()
            factor[block.columns, block.columns][:, rank - 1] = 0.0
            assert value(design, factor) > best


def test_a_flat_criterion_gives_the_simplest_model():
    """With a common coefficient for each group REML says nothing of their sd: 0 is as good as any."""
    rng = np.random.default_rng(1)
    g = np.repeat(list("abcd"), 5)
    formula = parse("y ~ 0 + g2 + (1|g)")
    data = clean(formula, pd.DataFrame({"y": rng.normal(size=20), "g": g, "g2": g}))
    design = mixed_design(formula, data)
    found, best = solved(design)
    assert found.ranks == (0,) and found.settled
    assert value(design, np.array([[3.0]])) == pytest.approx(best, abs=1e-10)  # rounding
