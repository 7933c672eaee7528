"""Left-out units given theta: the dense normal distribution of all responses, conditioned on the others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.left_out.one_factor import groups_left_out, rows_left_out
from hlm.engines.exact.left_out.several_factors import crossed_groups_left_out, crossed_rows_left_out
from hlm.formula.formula import Term
from hlm.model.design_columns import Columns
from hlm.model.grouping_factors import GroupingFactor

WORTH = 1e-6  # of the log densities: what conditioning the dense covariance leaves, its condition number 1e6 at most


def _dense(x, z, prior, sigma):
    """Mean and covariance of all responses given theta."""
    v = z @ z.T + (x * prior.sd**2) @ x.T + sigma**2 * np.eye(len(x))
    return x @ prior.mean, v


def _conditional(y, mean, v, unit):
    """log p(y_unit | all other responses)."""
    others = np.setdiff1d(np.arange(len(y)), unit)
    gain = v[np.ix_(unit, others)] @ np.linalg.inv(v[np.ix_(others, others)])
    centre = mean[unit] + gain @ (y[others] - mean[others])
    return multivariate_normal(centre, v[np.ix_(unit, unit)] - gain @ v[np.ix_(others, unit)]).logpdf(y[unit])


def _again(y, mean, v, sigma, unit):
    """log density of the unit's responses as new rows after all rows, itself included."""
    signal = v - sigma**2 * np.eye(len(y))
    gain = signal[unit] @ np.linalg.inv(v)
    spread = signal[np.ix_(unit, unit)] - gain @ signal[:, unit] + sigma**2 * np.eye(len(unit))
    return multivariate_normal(mean[unit] + gain @ (y - mean), spread).logpdf(y[unit])


def _factor(design: Columns, codes: np.ndarray, start: int = 0) -> GroupingFactor:
    levels = tuple(map(str, range(codes.max() + 1)))
    return GroupingFactor(Term((f"g{start}",)), codes, levels, design, (), start=start)


def _one_factor(case):
    q = case.effects.matrix.shape[1]
    factor = _factor(case.effects, case.codes)
    return GaussianModel(case.common, case.prior, (factor,), np.zeros(q), None, response=case.y)


def _z(case, t):
    groups = case.codes.max() + 1
    return case.z_dense @ np.kron(np.eye(groups), case.theta.factor[t])


def test_rows_of_one_factor(ordinary_case):
    case = ordinary_case
    (found,) = rows_left_out(_one_factor(case), case.theta)
    for t, sigma in enumerate(case.theta.sigma):
        mean, v = _dense(case.x_centred, _z(case, t), case.prior, sigma)
        for place, row in enumerate(found.units):
            unit = np.array([row])
            assert found.without[t, place] == pytest.approx(_conditional(case.y, mean, v, unit), rel=WORTH, abs=WORTH)
            assert found.inside[t, place] == pytest.approx(_again(case.y, mean, v, sigma, unit), rel=WORTH, abs=WORTH)


def test_groups_of_one_factor(ordinary_case):
    case = ordinary_case
    found = groups_left_out(case.sums, case.theta, case.prior)
    x = case.x_centred
    for t, sigma in enumerate(case.theta.sigma):
        mean, v = _dense(x, _z(case, t), case.prior, sigma)
        covariance = np.linalg.inv(np.diag(1 / case.prior.sd**2) + x.T @ np.linalg.solve(_noise(case, t), x))
        centre = covariance @ (case.prior.mean / case.prior.sd**2 + x.T @ np.linalg.solve(_noise(case, t), case.y))
        for k in found.units:
            unit = np.flatnonzero(case.codes == k)
            assert found.without[t, k] == pytest.approx(_conditional(case.y, mean, v, unit), rel=WORTH, abs=WORTH)
            new = _noise(case, t)[np.ix_(unit, unit)] + x[unit] @ covariance @ x[unit].T
            again = multivariate_normal(x[unit] @ centre, new).logpdf(case.y[unit])
            assert found.inside[t, k] == pytest.approx(again, rel=WORTH, abs=WORTH)


def _noise(case, t):
    z = _z(case, t)
    return z @ z.T + case.theta.sigma[t] ** 2 * np.eye(len(case.y))


def _several_factors(crossing):
    factors, start = [], 0
    for design, codes in crossing.factors:
        factors.append(_factor(design, codes, start))
        start += len(design.terms)
    return GaussianModel(crossing.common, crossing.prior, tuple(factors), np.zeros(start), None, response=crossing.y)


def test_rows_and_groups_of_several_factors(ordinary_crossing):
    crossing = ordinary_crossing
    gaussian = _several_factors(crossing)
    (rows,) = crossed_rows_left_out(gaussian, crossing.theta)
    codes = crossing.factors[0][1]
    members = [np.flatnonzero(codes == k) for k in range(codes.max() + 1)]
    groups = crossed_groups_left_out(gaussian, crossing.theta, members)
    for t, sigma in enumerate(crossing.theta.sigma):
        mean, v = _dense(crossing.x, crossing.z(t), crossing.prior, sigma)
        for i in rows.units:
            unit = np.array([i])
            expected = _conditional(crossing.y, mean, v, unit), _again(crossing.y, mean, v, sigma, unit)
            assert (rows.without[t, i], rows.inside[t, i]) == pytest.approx(expected, rel=WORTH, abs=WORTH)
        for k, unit in enumerate(members):
            expected = _conditional(crossing.y, mean, v, unit), _again(crossing.y, mean, v, sigma, unit)
            assert (groups.without[t, k], groups.inside[t, k]) == pytest.approx(expected, rel=WORTH, abs=WORTH)
