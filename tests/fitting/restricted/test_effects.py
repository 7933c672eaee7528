"""Conditional modes against the collapsed engine's conditional means, which go over the groups one by one."""

from __future__ import annotations

import numpy as np
import pytest

from hlm.datasets import load_data
from hlm.fitting.collapsed.marginal import Theta, draw_effects
from hlm.fitting.restricted.criterion import profile
from hlm.fitting.restricted.design import mixed_design
from hlm.fitting.restricted.effects import conditional_modes
from hlm.formula.parser import parse
from hlm.frame import clean


@pytest.mark.parametrize(
    "factor", [[[0.4, 0.0], [0.2, 0.1]], [[0.4, 0.0], [-0.2, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [[1e3, 0.0], [3.0, 1e2]]]
)
def test_modes_are_the_means_given_the_estimates(factor):
    formula = parse("post ~ pre + (pre|school)")
    data = clean(formula, load_data("exam"))
    design, factor = mixed_design(formula, data), np.array(factor)
    at = profile(design, factor[None], reml=True)
    (found,) = conditional_modes(design, factor, design.y - design.x @ at.coefficients[0])
    no_noise = np.zeros((1, 65, 2))
    common = at.coefficients - design.sums.shift
    expected = draw_effects(design.sums, Theta(np.ones(1), factor[None]), common, no_noise)[0]
    # sds of a thousand sigma: 1e6 times the rows of a group in the equations, so 1e-9 of rounding
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-10)
