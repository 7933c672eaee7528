"""Coordinates of theta: what they stand for, and that the LKJ prior comes out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hlm.engines.exact.theta.coordinates import Parameters
from hlm.engines.theta.covariance import Correlations, Covariance
from hlm.engines.theta.standard_deviations import scale
from hlm.model.priors import Prior


def _parameters(blocks: tuple[Correlations, ...], q: int) -> Parameters:
    sds = tuple(scale(Prior("HalfNormal", sigma=1), unit=1.0) for _ in range(q))
    return Parameters(scale(Prior("Exponential", scale=2.0), unit=2.0), Covariance(sds, blocks, np.zeros((0, 0))))


def _correlations(parameters: Parameters, u: np.ndarray) -> np.ndarray:
    factor = parameters.theta(u).factor
    covariance = factor @ factor.swapaxes(1, 2)
    sd = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    return covariance / sd[:, :, None] / sd[:, None, :]


def test_theta_is_built_from_its_parts():
    parameters = _parameters((Correlations("g_corr", 0, 2, 1.0),), 2)
    u = np.array([[0.1, -0.2, 0.3, 0.4]])
    theta = parameters.theta(u)
    covariance = theta.factor[0] @ theta.factor[0].T
    sds = [one.value(u[:, 1 + j])[0] for j, one in enumerate(parameters.covariance.sds)]
    assert parameters.dimension == 4
    assert theta.sigma[0] == pytest.approx(-2 * stats.norm.logsf(0.1))
    assert np.sqrt(np.diag(covariance)) == pytest.approx(sds)
    assert covariance[0, 1] / sds[0] / sds[1] == pytest.approx(2 * stats.norm.cdf(0.4) - 1)


def test_blocks_are_uncorrelated_with_each_other():
    parameters = _parameters((Correlations("g_corr", 0, 2, 1.0), Correlations("g_corr_2", 3, 5, 2.0)), 5)
    assert parameters.dimension == 1 + 5 + 2
    omega = _correlations(parameters, np.full((1, 8), 0.7))[0]
    free = np.zeros((5, 5), dtype=bool)
    free[1, 0] = free[0, 1] = free[4, 3] = free[3, 4] = True
    assert (omega[free] > 0.5).all() and (omega[~free & ~np.eye(5, dtype=bool)] == 0).all()


@pytest.mark.parametrize("eta", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("q", [2, 3, 4])
def test_prior_of_the_correlations_is_lkj(q, eta):
    """log prior(u) = (eta - 1) log|Omega| + log|d Omega / d u| + a constant, at any points."""
    parameters = _parameters((Correlations("g_corr", 0, q, eta),), q)
    pairs = np.tril_indices(q, -1)
    u = np.random.default_rng(q).normal(size=(6, parameters.dimension))
    u[:, : 1 + q] = 0.0
    left = parameters.log_prior(u)
    for t, point in enumerate(u):
        omega = _correlations(parameters, point[None])[0]
        moved = [point + step * e for e in np.eye(len(point))[1 + q :] for step in (1e-5, -1e-5)]
        entries = np.array([_correlations(parameters, m[None])[0][pairs] for m in moved])
        jacobian = (entries[::2] - entries[1::2]) / 2e-5
        left[t] -= (eta - 1) * np.linalg.slogdet(omega)[1] + np.linalg.slogdet(jacobian)[1]
    assert left == pytest.approx(np.full(6, left[0]), abs=1e-6)  # derivatives by differences have 8 digits


def test_two_effects_and_eta_1_make_the_correlation_uniform():
    parameters = _parameters((Correlations("g_corr", 0, 2, 1.0),), 2)
    u = np.zeros((5, 4))
    u[:, 3] = np.linspace(-2, 2, 5)
    difference = parameters.log_prior(u) - stats.norm.logpdf(u[:, 3])
    assert difference == pytest.approx(np.full(5, difference[0]), abs=1e-12)


def test_correlations_of_nearly_1_stay_a_matrix():
    parameters = _parameters((Correlations("g_corr", 0, 3, 1.0),), 3)
    factor = parameters.theta(np.full((1, 7), 9.0)).factor[0]
    assert (np.diag(factor) > 0).all()  # 1 - w^2 is 1e-18 here: by subtraction it would be 0
    assert np.isfinite(parameters.log_prior(np.full((1, 7), 9.0))).all()


def test_known_effects_have_no_coordinates():
    sigma = scale(Prior("HalfNormal", sigma=1), unit=1.0)
    parameters = Parameters(sigma, Covariance((), (), np.diag([2.0, 3.0])))
    assert parameters.dimension == 1
    assert np.array_equal(parameters.theta(np.zeros((4, 1))).factor, np.tile(np.diag([2.0, 3.0]), (4, 1, 1)))
