"""The sums stand for the rows exactly, also where sums of raw squares would lose every digit."""

from __future__ import annotations

import numpy as np
import pytest

from hlm.engines.exact.gaussian_model import GaussianModel, summed
from hlm.engines.exact.sums.one_factor import cross_products
from hlm.engines.normal_coefficients import NormalPrior
from hlm.formula.formula import INTERCEPT, Term
from hlm.model.design_columns import Columns
from hlm.model.grouping_factors import GroupingFactor


def test_roots_give_back_every_product(case):
    sums = case.sums
    w = np.column_stack([case.x_centred, case.y - case.x_centred @ sums.shift])
    for k in range(len(sums.n)):
        mine = case.codes == k
        z = case.effects.matrix[mine]
        # 1e-9: a few roundings of numbers up to 100
        assert sums.root[k].T @ sums.root[k] == pytest.approx(z.T @ z, abs=1e-9)
        assert sums.root[k].T @ sums.explained[k] == pytest.approx(z.T @ w[mine], abs=1e-9 * max(1, np.abs(w).max()))
        whole = sums.explained[k].T @ sums.explained[k] + sums.left[k]
        assert whole == pytest.approx(w[mine].T @ w[mine], rel=1e-10, abs=1e-9)
    assert sums.rows == len(case.y) and sums.n.tolist() == np.bincount(case.codes).tolist()


def test_groups_too_small_for_their_effects_leave_nothing():
    one, x = np.ones(3), np.array([1.0, 1.0, 5.0])
    design = Columns(np.column_stack([one, x]), (INTERCEPT, Term(("x",))), ("Intercept", "x"))
    sums = cross_products(design.select((INTERCEPT,)), design, np.array([0, 0, 1]), np.array([1.0, 2.0, 7.0]))
    assert sums.root[0, 1, 1] == 0 and sums.root[1, 1, 1] == 0  # x is constant in group 0, group 1 has one row
    assert sums.left[1] == pytest.approx(np.zeros((2, 2)), abs=1e-15)
    assert sums.left[0, 1, 1] == pytest.approx(0.5)  # (1 - 1.5)^2 + (2 - 1.5)^2


def test_far_from_zero_loses_no_digits():
    rng = np.random.default_rng(1)
    codes, x, noise = np.repeat(np.arange(4), 5), rng.normal(size=20), rng.normal(size=20)

    def sums(origin: float):
        one = np.ones(20)
        design = Columns(np.column_stack([one, origin + x]), (INTERCEPT, Term(("x",))), ("Intercept", "x"))
        return cross_products(design, design, codes, origin + 2 * x + noise)

    # at 1e9 the data themselves keep 7 digits; sums of raw squares, about 1e19, would keep none
    assert sums(1e9).left == pytest.approx(sums(0.0).left, abs=1e-5)


def test_without_an_intercept_nothing_is_centred():
    x = np.array([1.0, 2.0, 3.0, 4.0])
    design = Columns(x[:, None], (Term(("x",)),), ("x",))
    none = design.select(())
    sums = cross_products(design, none, np.zeros(4, dtype=int), 2 * x + np.array([1, -1, -1, 1]))
    assert sums.means.tolist() == [0.0]
    assert sums.left[0, 0, 0] == pytest.approx(30)
    assert sums.shift == pytest.approx([2.0])  # the noise is orthogonal to x


def test_own_prior_means_are_taken_out():
    design = Columns(np.ones((4, 1)), (INTERCEPT,), ("Intercept",))
    factor = GroupingFactor(Term(("g",)), np.array([0, 0, 1, 1]), ("a", "b"), design, ())
    prior, y = NormalPrior(np.zeros(0), np.zeros(0)), np.array([5.0, 7, 5, 9])
    sums = summed(GaussianModel(design.select(()), prior, (factor,), np.array([5.0]), np.array([1.0]), response=y))
    assert sums.explained[:, 0, 0] == pytest.approx([2 / np.sqrt(2), 4 / np.sqrt(2)])
