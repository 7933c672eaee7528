"""The evenly spread points, and the slice's own algebra."""

from __future__ import annotations

import numpy as np
import pytest

from hlm.engines.exact.theta.coordinates import Parameters
from hlm.engines.theta.covariance import Correlations, Covariance
from hlm.engines.theta.slices import Slice, spread_normals
from hlm.engines.theta.standard_deviations import scale
from hlm.model.priors import Prior


@pytest.mark.parametrize("d", [1, 2, 4])
def test_spread_points_have_the_moments_of_normal_ones(d):
    points = spread_normals(64, d)
    assert points.shape == (64, d)
    assert np.abs(points.sum(axis=0)).max() < 1e-12  # in pairs
    np.testing.assert_allclose(points.T @ points / 64, np.eye(d), atol=1e-12)
    # E exp(z / 2), where moments up to the second are exact: what is left of 32 places' error
    assert np.exp(points / 2).mean(axis=0) == pytest.approx(np.full(d, np.exp(1 / 8)), rel=0.01)


def _parameters() -> Parameters:
    sds = tuple(scale(Prior("HalfNormal", sigma=s), unit=0.4) for s in (1.0, 2.0))
    return Parameters(
        scale(Prior("HalfNormal", sigma=1), unit=0.5), Covariance(sds, (Correlations("g_corr", 0, 2, 2.0),), np.eye(0))
    )


def _roots(fixed: Slice, s: np.ndarray, u: np.ndarray) -> np.ndarray:
    return fixed.with_multiple(_parameters().inside(fixed.all_coordinates(u)).factor, s)


def test_all_sds_of_a_block_move_as_one_matrix():
    start = np.array([0.3, 0.1, -0.2, 0.8])
    fixed = Slice(_parameters(), (0, 1), np.array([0.5, 0.25]), start)
    assert fixed.free == [0]  # sigma: the correlation is held
    roots = _roots(fixed, np.array([0.0, 1.0, 3.0]), np.full((3, 1), 0.3))
    covariance = roots @ roots.swapaxes(1, 2)
    np.testing.assert_allclose(np.sqrt(np.diagonal(covariance[1])), [0.5, 0.25], rtol=1e-12)
    np.testing.assert_allclose(covariance[2], 9 * covariance[1], rtol=1e-12)
    assert (covariance[0] == 0).all()
    whole = _parameters().theta(start[None]).factor[0]
    correlation = (whole @ whole.T)[0, 1] / np.sqrt(np.diagonal(whole @ whole.T).prod())
    assert covariance[1][0, 1] / (0.5 * 0.25) == pytest.approx(correlation, rel=1e-12)


def test_one_sd_moves_and_the_correlation_is_free():
    fixed = Slice(_parameters(), (1,), np.array([0.25]), np.zeros(4))
    assert fixed.free == [0, 1, 3]
    u = np.array([[0.3, 0.1, 0.8]])
    root = _roots(fixed, np.array([2.0]), u)[0]
    whole = _parameters().theta(np.array([[0.3, 0.1, 0.0, 0.8]]))
    np.testing.assert_allclose(root[0], whole.factor[0, 0], rtol=1e-12)
    assert np.linalg.norm(root[1]) == pytest.approx(0.5, rel=1e-12)


def test_the_prior_of_the_multiple_is_that_of_the_sds():
    fixed = Slice(_parameters(), (0, 1), np.array([0.5, 0.25]), np.zeros(4))
    low, high = fixed.log_prior_of_multiple(np.array([1.0, 2.0]))
    # two half-normal densities at twice the values, and the polar coordinate's factor s
    assert high - low == pytest.approx(-1.5 * (0.5**2 / 1 + 0.25**2 / 4) + np.log(2), rel=1e-12)
    assert fixed.log_prior_of_multiple(np.zeros(1))[0] == -np.inf
