"""Balanced normal numbers: exactly normal each, without noise in the mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hlm.engines.exact.draws.coefficients import balanced_normals


def test_every_chain_sums_to_0():
    normals = balanced_normals(3, 7, 5, np.random.default_rng(1)).reshape(3, 7, 5)
    assert normals.sum(axis=1) == pytest.approx(np.zeros((3, 5)), abs=1e-13)


def test_each_number_is_standard_normal():
    """Over many sets of 4 draws the first one is standard normal, though the four sum to 0."""
    first = balanced_normals(20_000, 4, 1, np.random.default_rng(2)).reshape(20_000, 4)[:, 0]
    assert stats.kstest(first, "norm").pvalue > 1e-3
    assert first.var() == pytest.approx(1, abs=0.04)  # 4 sqrt(2 / 20000)


def test_a_single_draw_is_left_alone():
    assert balanced_normals(2, 1, 3, np.random.default_rng(3)).std() > 0.1
